#!/usr/bin/env python3
"""Writes the guest's litmus tests: litmus_threads.S, the code of their threads, and litmus_table.c, what each test
looks at and which outcomes the storage model allows (../litmus.h)."""

import argparse
import pathlib

import power
import suite

LOADS = {1: "lbz", 2: "lhz", 4: "lwz", 8: "ld", 16: "lq"}
STORES = {1: "stb", 2: "sth", 4: "stw", 8: "std", 16: "stq"}
RESERVES = {1: "lbarx", 2: "lharx", 4: "lwarx", 8: "ldarx", 16: "lqarx"}
CONDITIONALS = {1: "stbcx.", 2: "sthcx.", 4: "stwcx.", 8: "stdcx.", 16: "stqcx."}
BARRIERS = {"sync": ["sync"], "lwsync": ["lwsync"], "eieio": ["eieio"]}

# Registers of a thread's code; litmus.h says what the others hold. Pairs, for quadwords.
LOCATIONS, RESULTS, SCRATCH = 3, 7, 12
LOADED, STORED = (14, 16, 18, 20), (22, 24, 26, 28)
SUCCESS = (30, 31)
SLOT = 16  # bytes of a result
MOST_TESTS = 200
MOST_RESULTS = 4  # of a thread
MOST_OBSERVABLES = 8
MOST_OUTCOMES = 64


class Thread:
    """The code of one thread of a test."""

    def __init__(self, program, number, label):
        self.locations = program.locations()
        self.label = label
        self.before, self.body, self.after = [], [], []
        self.slots = {}  # (index of the access, "read" or "success"): number of the result
        self.loaded, self.stored, self.success = iter(LOADED), iter(STORED), iter(SUCCESS)
        joint, source = None, None
        for index, access in enumerate(program.threads[number]):
            source = self.add(index, access, joint, source)
            if index < len(program.joints[number]):
                joint = program.joints[number][index]
                self.join(joint, source)

    def add(self, index, access, joint, source):
        """The code of an access, its address or value made from `source` if the joint before says so. The register that
        it loads, if it does."""
        base, offset = LOCATIONS + self.locations.index(access.location), access.offset
        if joint == "addr":
            self.body += [f"xor {SCRATCH}, {source}, {source}", f"add {SCRATCH}, {SCRATCH}, {base}"]
            base = SCRATCH
        if access.kind == "Z":
            self.body.append(f"dcbz 0, {base}")
        value = self.constant(access.value) if access.kind in "WU" else None
        if joint == "data":
            self.body += [f"xor {SCRATCH}, {source}, {source}", f"add {value}, {value}, {SCRATCH}"]
        if access.kind == "W":
            self.body.append(f"{STORES[access.size]} {value}, {offset}({base})")
        if access.kind not in "RU":
            return None
        register = next(self.loaded)
        if access.kind == "R":
            self.body.append(f"{LOADS[access.size]} {register}, {offset}({base})")
        else:
            flag = next(self.success)
            self.body += [f"{RESERVES[access.size]} {register}, 0, {base}",
                          f"{CONDITIONALS[access.size]} {value}, 0, {base}", f"mfcr {flag}"]
        self.keep(index, "read", f"{STORES[access.size]} {register}")
        if access.kind == "U":
            self.after.append(f"rlwinm {flag}, {flag}, 3, 31, 31  /* CR0[EQ] */")
            self.keep(index, "success", f"stb {flag}")
        return register

    def constant(self, value):
        """A register pair with the value in all its bytes."""
        register = next(self.stored)
        self.before += [f"li {register}, {value * 0x101}", f"rldimi {register}, {register}, 16, 32",
                        f"rldimi {register}, {register}, 32, 0", f"mr {register + 1}, {register}"]
        return register

    def keep(self, index, what, store):
        slot = self.slots[index, what] = len(self.slots)
        if slot >= MOST_RESULTS:
            raise ValueError("too many results for a thread")
        self.after.append(f"{store}, {slot * SLOT}({RESULTS})")

    def join(self, joint, source):
        if joint in ("ctrl", "ctrlisync"):
            self.body += [f"cmpd {source}, {source}", "bne- 1f", "1:"]
        if joint == "ctrlisync":
            self.body.append("isync")
        if joint in ("addr", "data", "ctrl", "ctrlisync") and source is None:
            raise ValueError("a dependency on a store")
        self.body += BARRIERS.get(joint, [])

    def text(self):
        lines = [f"BEGIN {self.label}", *self.before, "AWAIT", *self.body, *self.after, "NEXT"]
        return "\n".join(line if line.endswith(":") else f"    {line}" for line in lines) + "\n"


def observable(o, program, threads):
    """A row for struct observable."""
    unit = program.unit(o.location)
    if o.what == "final":
        number, offset, name = program.locations().index(o.location), o.cell * unit, o.location
    else:
        first = program.cells(program.threads[o.thread][o.index])[0] if o.what == "read" else 0
        number, offset = o.thread, threads[o.thread].slots[o.index, o.what] * SLOT + (o.cell - first) * unit
        name = f"{o.thread}:{o.location}" + ("?" if o.what == "success" else "")
    size = 1 if o.what == "success" else unit
    return f'{{"{name}", {int(o.what == "final")}, {number}, {offset}, {size}}}'


def code(outcome):
    """An outcome as a number: four bits for each observable, the first in the lowest."""
    return sum(value << 4 * n for n, value in enumerate(outcome))


def emit(tests):
    assembly = ['/* Made by emit.py. */', '#include "litmus.h"', ""]
    declarations, rows = [], []
    if len(tests) > MOST_TESTS:
        raise ValueError("too many tests")
    for n, name in enumerate(tests):
        program = suite.parse(name)
        threads = [Thread(program, t, f"litmus_{n}_{t}") for t in range(len(program.threads))]
        assembly += [f"/* {name} */", *(t.text() for t in threads)]
        allowed = power.outcomes(program)
        codes = sorted(map(code, (o for o, sc in allowed.items() if sc))) + \
            sorted(map(code, (o for o, sc in allowed.items() if not sc)))
        looked_at = [observable(o, program, threads) for o in power.observables(program)]
        if len(looked_at) > MOST_OBSERVABLES or len(codes) > MOST_OUTCOMES:
            raise ValueError(f"{name}: too much to look at")
        declarations += [f"void {', '.join(f'{t.label}(const struct stretch*)' for t in threads)};",
                         f"static const u32 allowed_{n}[] = {{{', '.join(map(hex, codes))}}};"]
        initial = ", ".join(str(program.initial.get(location, 0)) for location in program.locations())
        rows.append(f"""\
    {{"{name}", {len(threads)}, {len(program.locations())}, {len(looked_at)}, {len(codes)}, {sum(allowed.values())},
     {int(name in suite.OBSERVED)}, {{{initial}}}, {{{', '.join(t.label for t in threads)}}}, allowed_{n},
     {{{', '.join(looked_at)}}}}},""")
    table = ['/* Made by emit.py. */', '#include "litmus.h"', "", *declarations, "",
             "const struct litmus litmus_tests[] = {", *rows, "};", f"const u32 litmus_count = {len(tests)};", ""]
    return "\n".join(assembly), "\n".join(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where to write the two files")
    folder = parser.parse_args().folder
    assembly, table = emit(suite.TESTS)
    (folder / "litmus_threads.S").write_text(assembly)
    (folder / "litmus_table.c").write_text(table)


if __name__ == "__main__":
    main()
