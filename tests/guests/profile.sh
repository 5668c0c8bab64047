#!/usr/bin/env bash
# What -perfmap and -jitdump write of a bare-metal guest on several vCPUs: every line and record is whole, there are as many
# as -stats says blocks, they do not overlap, and both files say the same.
#   profile.sh MPOWER GUEST
# 77: GUEST does not exist (skipped, reason printed).
set -euo pipefail
mpower=$1 guest=$2
if [ ! -r "$guest" ]; then
    echo "skipped: $guest was not built: install the GNU cross compilers for powerpc64 and powerpc64le"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work" ${map:+"$map"}' EXIT
fail() { echo "FAIL: $*"; exit 1; }
run() { # ARGS...: mpower in the background, so that its process id is known
    "$mpower" -kernel "$guest" -m 512 -append "exceptions mmu smp" "$@" </dev/null >"$work/out" 2>"$work/err" &
    pid=$! status=0
    map=/tmp/perf-$pid.map
    timeout 120 tail --pid=$pid -f /dev/null || kill -KILL $pid
    wait $pid || status=$?
}

run -smp 4 -jit-hot 50 -perfmap -jitdump "$work" -stats "$work/stats"
[ "$status" = 0 ] || { cat "$work/out" "$work/err"; fail "status $status"; }
python3 - "$map" "$work/jit-$pid.dump" "$work/stats" $pid <<'PYTHON' || fail "see above"
import json, re, struct, sys, time
map_path, dump_path, stats_path, pid = *sys.argv[1:4], int(sys.argv[4])

stats = json.load(open(stats_path))
assert stats["code_cache_turn_overs"] == 0, "the cache was full: addresses were used again"
cold = sum(v["blocks_translated"] for v in stats["vcpus"])
hot = sum(v["hot_blocks"] for v in stats["vcpus"])
assert hot > 5, f"{hot} hot blocks test nothing"

mapped = []
for line in open(map_path):
    m = re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (\S+)\n", line)
    assert m, f"not START SIZE NAME: {line!r}"
    mapped.append((int(m[1], 16), int(m[2], 16), m[3]))
name = re.compile(r"ppc_[0-9a-f]{16}_(?:kernel|user)_(cold|hot)")
assert mapped[0][2] == "mpower_stubs", mapped[0]
kinds = [name.fullmatch(n)[1] for _, _, n in mapped[1:]]
assert (kinds.count("cold"), kinds.count("hot")) == (cold, hot), (kinds.count("cold"), kinds.count("hot"), cold, hot)
assert any("_user_" in n for _, _, n in mapped), "the guest runs in problem state, too"
end = 0
for start, size, n in sorted(mapped):
    assert start >= end, f"{n} at {start:x} begins before {end:x}"
    assert size > 0, n
    end = start + size

dump = open(dump_path, "rb").read()
magic, version, size, machine, pad, its_pid, made, flags = struct.unpack_from("<6I2Q", dump)
assert (magic, version, size, machine, its_pid, flags) == (0x4A695444, 1, 40, 62, pid, 0)
now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
assert 0 < now - made < 300e9, "no time of CLOCK_MONOTONIC"
at, loaded, closed, threads, all_counted = size, [], False, set(), 0
while at < len(dump):
    kind, total, when = struct.unpack_from("<2IQ", dump, at)
    assert not closed and made <= when <= now and at + total <= len(dump), f"record at {at:#x}"
    if kind == 3:
        assert total == 16
        closed = True
    else:
        assert kind == 0, f"record {kind} at {at:#x}"
        its_pid, thread, vma, address, length, index = struct.unpack_from("<2I4Q", dump, at + 16)
        text, code = dump[at + 56 : at + total].split(b"\0", 1)
        assert its_pid == pid and vma == address and len(code) == length and index == len(loaded)
        # Cold code begins with its count, dec dword ptr [rip + N]; hot code, and cold code that stays so, with the
        # poll, cmp dword ptr [r15 + N], 0.
        counted, polls = (code.startswith(bytes.fromhex(first)) for first in ("ff0d", "4183bf"))
        assert text == b"mpower_stubs" or polls or (counted and text.endswith(b"_cold")), f"{text}: {code[:8].hex()}"
        all_counted += counted
        threads.add(thread)
        loaded.append((address, length, text.decode()))
    at += total
assert closed, "no JIT_CODE_CLOSE"
assert loaded == mapped, "the files differ"
assert cold / 2 < all_counted <= cold, f"{all_counted} of {cold} cold blocks are counted"
assert len(threads) > 2, f"{len(threads)} threads"
PYTHON
rm "$map"

# What cannot be written is said, once.
trap '' XFSZ
(
    ulimit -f 16
    run -smp 1 -jitdump "$work"
    [ "$status" = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -q "jit-$pid.dump: cannot be written" "$work/err"
) || { cat "$work/err"; fail "a full file"; }
echo PASS
