#!/usr/bin/env bash
# tools/compare: a good benchmark gives a ratio; a bad figure, status or output makes the row FAILED and the exit status 1;
# a suite that cannot be read is refused in one line. No figure is judged.
set -euo pipefail
source_dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; cat "$work/out" "$work/err"; exit 1; }
compare() {
    status=0
    "$source_dir/tools/compare" "$@" >"$work/out" 2>"$work/err" || status=$?
}

cat >"$work/mixed.suite" <<'SUITE'
# A comment.
good     seconds  /compare/sys protect 1000
number   rate     echo warming up; echo rate 12.5
same     same     /compare/fp linpack 20
words    rate     echo rate many
silent   rate     true
status   seconds  exit 3
crash    seconds  kill -SEGV $$
differs  same     cat /proc/sys/kernel/random/boot_id
left-out seconds  sleep 1000
SUITE
compare --runs 1 --only 'mixed/[^l]' --json "$work/json" "$work/mixed.suite"
[ "$status" = 1 ] || fail "status $status with failed rows, not 1"
python3 - "$work/json" <<'PYTHON' || fail "JSON or table"
import json, sys
rows = {r["name"]: r for r in json.load(open(sys.argv[1]))["rows"]}
good = {n for n, r in rows.items() if r.get("ratio", 0) > 0 and len(r["samples"]["mpower"]) == len(r["samples"]["qemu"]) == 1}
bad = {n for n, r in rows.items() if r.get("failed")}
assert good == {"good", "number", "same"}, good
assert bad == {"words", "silent", "status", "crash", "differs"}, bad
assert rows["number"]["ratio"] == 1 and rows["number"]["qemu"] == 12.5, rows["number"]
PYTHON
grep -qE '^good .* s +[0-9.]+' "$work/out" || fail "no row for good"
grep -qE '^words +FAILED: ' "$work/out" || fail "no FAILED row"

compare --runs 1 --only '^sys/protect$' sys
[ "$status" = 0 ] || fail "status $status of a good benchmark"
grep -qE '^geometric mean .*\(1 of 1\)' "$work/out" || fail "no mean"

echo 'name without-a-figure command' >"$work/garbage.suite"
printf 'twice seconds true\ntwice seconds true\n' >"$work/twice.suite"
: >"$work/empty.suite"
head -c 1000 /dev/urandom >"$work/binary.suite"
for suite in garbage twice empty binary none; do
    compare --runs 1 "$work/$suite.suite"
    [ "$status" = 1 ] && [ ! -s "$work/out" ] && [ "$(grep -vc '^mpower: ' "$work/err")" = 1 ] || fail "$suite.suite: status $status"
done
compare --only '(' sys
[ "$status" = 1 ] || fail "--only (: status $status"
echo PASS
