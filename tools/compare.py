"""Runs benchmarks of a guest under mpower and under qemu-system-ppc64, in turn, and prints a table of ratios.

One guest of each emulator is up while a suite runs; the one that has nothing to do waits for its console. Time is the host's:
from the arrival of the line that the guest prints before a benchmark to the arrival of the line after it. The guest's clock is
read at the same two places, and compared with the host's.
"""

import argparse
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUITES = ROOT / "bench" / "suites"
GUEST = ROOT / "bench" / "guest"
BUILD = ROOT / "build" / "release"
EMULATORS = ("mpower", "qemu")
FIGURES = ("seconds", "same", "rate", "boot", "bare")
CLOCK_TOLERANCE = 0.02  # the guest's time against the host's, relative
CLOCK_SLACK = 0.05  # and in seconds
SHORTEST = 0.005  # seconds that can be timed by lines of the console
IDLE_TOLERANCE = 0.05  # processors that the other guest may use meanwhile
README_BEGIN, README_END = "<!-- tools/compare --readme -->\n", "<!-- end -->\n"

# In the guest: runs what the console names, between two lines with the host's word, the status and the guest's clock.
SERVE = """\
stty -echo -opost </dev/console
cd /tmp
echo serving
while read -r word name; do
    /compare/sys clock "$word begin 0"
    /bin/sh "/compare/$name.sh" </dev/null 2>&1
    /compare/sys clock "$word end $?"
done
"""


class Failure(Exception):
    """What went wrong, for a person to read."""


class Benchmark:
    def __init__(self, suite, name, figure, command):
        self.suite, self.name, self.figure, self.command = suite, name, figure, command


class Sample:
    def __init__(self, seconds, output="", status=0, cpu=0.0, guest_seconds=None, idle_cpu=0.0):
        self.seconds, self.output, self.status = seconds, output, status
        self.cpu, self.guest_seconds, self.idle_cpu = cpu, guest_seconds, idle_cpu


def read_suite(path):
    """A suite file: `packages NAMES`, `options OPTIONS-OF-TOOLS-RUN`, lines `NAME FIGURE COMMAND`; # starts a comment line."""
    packages, more, benchmarks = [], [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if words[0] == "packages":
            packages += line.split()[1:]
        elif words[0] == "options":
            more += line.split()[1:]
        elif len(words) == 3 and words[1] in FIGURES and re.fullmatch(r"[a-z0-9_.-]+", words[0]):
            benchmarks.append(Benchmark(path.stem, *words))
        else:
            raise Failure(f"{path}:{number}: not `NAME FIGURE COMMAND` with FIGURE one of {', '.join(FIGURES)}: {line!r}")
    names = [b.name for b in benchmarks]
    if not names or len(set(names)) != len(names):
        raise Failure(f"{path}: no benchmark, or two of one name")
    return packages, more, benchmarks


def rate_of(output):
    """The figure of a benchmark that prints its own: its last line must be `rate NUMBER`."""
    lines = output.split("\n")
    words = lines[-2].split() if len(lines) > 1 else []
    try:
        if len(words) == 2 and words[0] == "rate" and 0 < float(words[1]) < float("inf"):
            return float(words[1])
    except ValueError:
        pass
    raise Failure(f"its last line is not `rate NUMBER`: {output[-200:]!r}")


def cpu_seconds(pid):
    """Processor time of a process and of all below it, living or waited for."""
    total, todo = 0.0, [pid]
    while todo:
        at = todo.pop()
        try:
            fields = pathlib.Path(f"/proc/{at}/stat").read_text().rsplit(")", 1)[1].split()
            todo += [int(c) for c in pathlib.Path(f"/proc/{at}/task/{at}/children").read_text().split()]
        except OSError:
            continue
        total += sum(int(ticks) for ticks in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def run_command(options, emulator, arguments, after=()):
    command = [str(ROOT / "tools" / "run"), "--cpu", options.cpu, *options.more]
    if "power9" in command:
        command += ["--append", "disable_radix"]  # hash translation under both
    command += arguments
    return command + ["--qemu", "--", *after] if emulator == "qemu" else command


class Lines:
    """The output of a process, with the time at which each part came."""

    def __init__(self, fd):
        self.fd, self.buffer, self.arrived = fd, b"", time.monotonic()

    def until(self, pattern, seconds):
        """(match, what stood before it, time of arrival); drops all up to the end of the match."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.buffer)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure(f"no answer within {seconds:.0f} s; last words: {self.last_words()}")
            chunk = os.read(self.fd, 65536)
            self.arrived = time.monotonic()
            if not chunk:
                raise Failure(f"the emulator ended; last words: {self.last_words()}")
            self.buffer += chunk
        before, self.buffer = self.buffer[: match.start()], self.buffer[match.end() :]
        return match, before, self.arrived

    def last_words(self):
        return repr(self.buffer[-400:].decode(errors="replace"))


class Guest:
    """A booted guest that waits for names of benchmarks."""

    def __init__(self, options, emulator, packages, folder):
        arguments = ["--smp", str(options.smp), "--mem", "2G", "--add", str(folder)]
        # The packages bring a shell that runs programs, not applets of its own in their place.
        arguments += ["--packages", " ".join(packages) or "dash"]
        self.timeout = options.timeout
        self.process = start(run_command(options, emulator, arguments), stderr=subprocess.STDOUT)
        self.lines = Lines(self.process.stdout.fileno())
        try:
            self.lines.until(rb"# $", 600)
            self.send("exec /bin/sh /compare/serve")
            self.lines.until(rb"serving\r?\n", 60)
        except BaseException:
            self.stop()
            raise

    def send(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def run(self, name):
        word = f"w{random.getrandbits(64):016x}"
        mark = word.encode()
        cpu = cpu_seconds(self.process.pid)
        self.send(f"{word} {name}")
        begin, _, start_time = self.lines.until(mark + rb" begin 0 (\d+)\r?\n", 60)
        end, output, end_time = self.lines.until(mark + rb" end (\d+) (\d+)\r?\n", self.timeout)
        return Sample(
            seconds=end_time - start_time,
            output=output.decode(errors="replace").replace("\r", ""),
            status=int(end[1]),
            cpu=cpu_seconds(self.process.pid) - cpu,
            guest_seconds=(int(end[2]) - int(begin[1])) / 1e9,
        )

    def stop(self):
        stop(self.process)


def start(command, **more):
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0, **more
    )


def stop(process):
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    except ProcessLookupError:
        pass
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_boot(options, emulator, benchmark):
    """From the start of the emulator to its end."""
    command = run_command(options, emulator, [*benchmark.command.split(), "--exec", "true"])
    process = start(command, stderr=subprocess.PIPE)
    try:
        _, _, begin = Lines(process.stderr.fileno()).until(rb"mpower: booting\n", 600)
        status = process.wait(options.timeout)
    except subprocess.TimeoutExpired:
        raise Failure(f"not finished within {options.timeout} s")
    finally:
        end = time.monotonic()
        stop(process)
    return Sample(seconds=end - begin, status=status)


def run_bare(options, emulator, benchmark):
    """The bare-metal guest, with options of tools/run and the part to run: between its lines `begin NAME` and `end NAME`."""
    *more, part = benchmark.command.split()
    arguments = ["--kernel", str(BUILD / "tests" / "guests" / "guest_le.elf"), "--append", part, *more]
    # QEMU's other firmware, because it keeps the device tree where a hypercall reads it.
    command = run_command(options, emulator, arguments, ["-machine", "x-vof=on"])
    process = start(command, stderr=subprocess.STDOUT)
    try:
        lines = Lines(process.stdout.fileno())
        _, _, begin = lines.until(rb"begin \w+\r?\n", 600)
        cpu = cpu_seconds(process.pid)
        _, _, end = lines.until(rb"end \w+\r?\n", options.timeout)
        cpu = cpu_seconds(process.pid) - cpu
        lines.until(rb"ALL PASS", 30)
    finally:
        stop(process)
    return Sample(seconds=end - begin, cpu=cpu)


class Suite:
    """Both emulators' guests for one suite, started when first needed, and again after a failure."""

    def __init__(self, options, packages, benchmarks):
        self.options, self.packages, self.guests = options, packages, {}
        self.work = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.work.name) / "compare"
        self.folder.mkdir()
        (self.folder / "serve").write_text(SERVE)
        for program in (BUILD / "bench" / "guest" / "sys", BUILD / "bench" / "guest" / "fp", GUEST / "stress", GUEST / "storm"):
            shutil.copy(program, self.folder)
        (self.folder / "data").write_bytes(data())
        for benchmark in benchmarks:
            (self.folder / f"{benchmark.name}.sh").write_text(benchmark.command + "\n")

    def run(self, emulator, benchmark):
        if benchmark.figure == "boot":
            return run_boot(self.options, emulator, benchmark)
        if benchmark.figure == "bare":
            return run_bare(self.options, emulator, benchmark)
        for each in EMULATORS:  # both are up, so that the one that runs has the same company each time
            if each not in self.guests:
                self.guests[each] = Guest(self.options, each, self.packages, self.folder)
        other = self.guests[EMULATORS[1 - EMULATORS.index(emulator)]].process.pid
        idle = cpu_seconds(other)
        try:
            sample = self.guests[emulator].run(benchmark.name)
        except (Failure, OSError):
            self.guests.pop(emulator).stop()
            raise
        sample.idle_cpu = cpu_seconds(other) - idle
        return sample

    def close(self):
        for guest in self.guests.values():
            guest.stop()
        self.work.cleanup()


def data():
    """1.5 MiB to compress, always the same: half text of a small vocabulary, half random."""
    generator = random.Random(20)
    words = ["".join(generator.choices("etaoinshrdlu", k=generator.randint(2, 9))) for _ in range(2000)]
    text = " ".join(generator.choices(words, k=150000)).encode()[: 768 << 10]
    return text + generator.randbytes(768 << 10)


def measure(options, suite, benchmark):
    """One row: the samples of each emulator, in turn, or what failed."""
    samples = {e: [] for e in EMULATORS}
    errors = []
    for _ in range(options.runs):
        for emulator in EMULATORS:
            try:
                sample = suite.run(emulator, benchmark)
                if sample.status != 0:
                    raise Failure(f"status {sample.status}, output {sample.output[-300:]!r}")
                if benchmark.figure == "rate":
                    sample.rate = rate_of(sample.output)
                elif sample.seconds < SHORTEST:
                    raise Failure(f"over in {sample.seconds:.6f} s, too short to time")
                samples[emulator].append(sample)
            except (Failure, OSError) as failure:
                errors.append(f"{emulator}: {failure}")
        if errors:
            break
    if not errors and benchmark.figure == "same":
        outputs = {s.output for e in EMULATORS for s in samples[e]}
        if len(outputs) != 1:
            errors.append(f"outputs differ: {[o[-200:] for o in outputs]}")
    return row(benchmark, samples, errors)


def row(benchmark, samples, errors):
    result = {"suite": benchmark.suite, "name": benchmark.name, "figure": benchmark.figure, "command": benchmark.command}
    if errors:
        return result | {"failed": errors}
    value = (lambda s: s.rate) if benchmark.figure == "rate" else (lambda s: s.seconds)
    values = {e: [value(s) for s in samples[e]] for e in EMULATORS}
    ratios = [q / m for m, q in zip(values["mpower"], values["qemu"])]
    if benchmark.figure == "rate":
        ratios = [1 / r for r in ratios]
    result |= {e: statistics.median(values[e]) for e in EMULATORS}
    result |= {"unit": "/s" if benchmark.figure == "rate" else "s", "ratio": statistics.median(ratios)}
    result["samples"] = {e: [vars(s) | {"output": s.output[-1000:]} for s in samples[e]] for e in EMULATORS}
    cpu = {e: statistics.median(s.cpu for s in samples[e]) for e in EMULATORS}
    if cpu["mpower"] >= 0.05:
        # A rate is measured for the same time under both: work for each second of the processor's time.
        work = result["mpower"] / result["qemu"] if benchmark.figure == "rate" else 1
        result["cpu_ratio"] = work * cpu["qemu"] / cpu["mpower"]
    result["clock_trouble"] = [
        f"{e}: {s.guest_seconds:.3f} s by the guest's clock, {s.seconds:.3f} s by the host's"
        for e in EMULATORS
        for s in samples[e]
        if s.guest_seconds is not None
        and abs(s.guest_seconds - s.seconds) > CLOCK_SLACK + CLOCK_TOLERANCE * s.seconds
    ]
    return result


def print_row(r):
    if "failed" in r:
        print(f"{r['name']:24} FAILED: {'; '.join(r['failed'])}", flush=True)
        return
    cpu = f"{r['cpu_ratio']:8.2f}" if "cpu_ratio" in r else f"{'':8}"
    spread = [s["seconds"] for s in r["samples"]["mpower"]]
    noise = f"{100 * (max(spread) / min(spread) - 1):5.0f} %" if len(spread) > 1 else ""
    print(
        f"{r['name']:24}{r['mpower']:12.5g}{r['qemu']:12.5g} {r['unit']:3}{r['ratio']:8.2f}{cpu}{noise:>9}"
        + "".join(f"\n    clock: {t}" for t in r["clock_trouble"]),
        flush=True,
    )


def print_heading(title):
    print(f"\nhost: {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    print(f"{title:24}{'mpower':>12}{'qemu':>12}    {'ratio':>8}{'by CPU':>8}{'spread':>9}", flush=True)


def print_idle(rows):
    """Says so if a guest that should wait does not."""
    for emulator, other in (EMULATORS, EMULATORS[::-1]):
        samples = [s for r in rows if "samples" in r for s in r["samples"][emulator] if s["seconds"] > 1]
        share = max((s["idle_cpu"] / s["seconds"] for s in samples), default=0)
        if share > IDLE_TOLERANCE:
            print(f"    idle {other} used up to {100 * share:.0f} % of a processor while {emulator} ran")


def print_mean(rows):
    good = [r for r in rows if "ratio" in r]
    if not good:
        return
    by_cpu = [r["cpu_ratio"] for r in good if "cpu_ratio" in r]
    cpu = f"{statistics.geometric_mean(by_cpu):8.2f}" if by_cpu else ""
    print(f"{'geometric mean':24}{'':28}{statistics.geometric_mean([r['ratio'] for r in good]):8.2f}{cpu}", end="")
    print(f"   ({len(good)} of {len(rows)})", flush=True)


def update_readme(options, rows):
    """Puts a summary by suite between the README's marks."""
    path = ROOT / "README.md"
    head, _, rest = path.read_text().partition(README_BEGIN)
    _, end, tail = rest.partition(README_END)
    if not end:
        raise Failure(f"{path}: no lines {README_BEGIN!r} and {README_END!r}")
    lines = [
        f"`tools/compare --smp {options.smp} --runs {options.runs} --cpu {options.cpu}`, host load {os.getloadavg()[2]:.1f} on"
        f" {os.cpu_count()} CPUs; how many times faster than qemu-system-ppc64 mpower is:\n",
        "| suite | benchmarks | ratio (geometric mean) | by processor time | from | to |",
        "|---|---|---|---|---|---|",
    ]
    for suite in dict.fromkeys(r["suite"] for r in rows):
        good = sorted((r for r in rows if r["suite"] == suite and "ratio" in r), key=lambda r: r["ratio"])
        if not good:
            continue
        by_cpu = [r["cpu_ratio"] for r in good if "cpu_ratio" in r]
        ends = [f"{r['name']} {r['ratio']:.2f} ({r['mpower']:.3g} {r['unit']}, {r['qemu']:.3g} {r['unit']})" for r in good]
        mean = statistics.geometric_mean(r["ratio"] for r in good)
        cpu = f"{statistics.geometric_mean(by_cpu):.2f}" if by_cpu else ""
        lines.append(f"| {suite} | {len(good)} | {mean:.2f} | {cpu} | {ends[0]} | {ends[-1]} |")
    path.write_text(head + README_BEGIN + "\n".join(lines) + "\n" + README_END + tail)


def parse_arguments():
    suites = sorted(p.stem for p in SUITES.glob("*.suite"))
    parser = argparse.ArgumentParser(
        prog="tools/compare",
        description="Run benchmarks in the same guest under mpower and under QEMU, in turn; print medians and ratios"
        " (QEMU's time over mpower's: larger is better for mpower).",
    )
    parser.add_argument("suite", nargs="*", default=suites, help=f"of {', '.join(suites)} (all), or a file like those")
    parser.add_argument("--smp", type=int, default=1, metavar="N", help="vCPUs (1); the boot suite has its own")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs of each benchmark under each emulator (3)")
    parser.add_argument("--cpu", default="power8", metavar="X", help="power8 or power9 (power8)")
    parser.add_argument("--only", default="", metavar="REGEX", help="only the benchmarks whose SUITE/NAME matches")
    parser.add_argument("--json", metavar="FILE", help="write all samples to FILE")
    parser.add_argument("--readme", action="store_true", help="put a summary into README.md")
    parser.add_argument("--timeout", type=float, default=120, metavar="S", help="a benchmark fails after S seconds (120)")
    return parser.parse_args()


def main():
    options = parse_arguments()
    if options.runs < 1:
        raise Failure("--runs: at least 1")
    read = []
    for name in options.suite:
        path = SUITES / f"{name}.suite" if "/" not in name else pathlib.Path(name)
        if not path.is_file():
            raise Failure(f"no suite {name}: there is no file {path}")
        packages, more, benchmarks = read_suite(path)
        wanted = [b for b in benchmarks if re.search(options.only, f"{b.suite}/{b.name}")]
        if wanted:
            read.append((path.stem, packages, more, wanted))
    if not read:
        raise Failure(f"no benchmark matches {options.only!r}")
    rows = []
    for title, packages, options.more, benchmarks in read:
        suite = Suite(options, packages, benchmarks)
        try:
            print_heading(f"{title}, -smp {options.smp}" if title != "boot" else title)
            for benchmark in benchmarks:
                rows.append(measure(options, suite, benchmark))
                print_row(rows[-1])
            print_mean(rows[-len(benchmarks) :])
            print_idle(rows[-len(benchmarks) :])
        finally:
            suite.close()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"arguments": vars(options), "rows": rows}, indent=1) + "\n")
    if options.readme:
        update_readme(options, rows)
    return 1 if any("failed" in r for r in rows) else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the guests are stopped on the way out
    try:
        sys.exit(main())
    except (Failure, re.error, OSError, UnicodeDecodeError) as failure:
        print(f"compare: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
