#!/usr/bin/env bash
# Translators that run in the guest make the code that they execute: PCRE2's has to find what its interpreter finds, and
# faster; with MPOWER_LONG=1, V8 (Node.js) has to compute what it computes with --jitless.
set -euo pipefail
source_dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { "$source_dir/tools/run" --timeout 240 "$@" 2>"$work/err" || fail "status $?"; }
fail() {
    { echo "FAIL: $*"; tail -20 "$work/err"; } >&2
    exit 1
}

cat >"$work/patterns.sh" <<'END'
set -e
seq 20000 | awk '{ print $1, "the quick brown fox", $1 * 7919 % 1000, "jumps over", substr("abcdefghijklmnopqrstuvwxyz", $1 % 20 + 1, 6) }' >/tmp/text
pcre2test -C jit || :  # its status is the answer
for pattern in '(\d+) .* \1' '^(?=.*fox)(?!.*99).*(jum|lazy)\w+ over [a-f]{2,}' '(?<x>\d)\k<x>' '\b(\w)\w*\1\b' '(?i)(?:FOX|o)++ (?!9)\d{2,3}$|(?<=over )[^a-k]+'; do
    read begin _ </proc/uptime
    for n in 1 2 3; do pcre2grep -n "$pattern" /tmp/text; done | md5sum
    read middle _ </proc/uptime
    for n in 1 2 3; do pcre2grep --no-jit -n "$pattern" /tmp/text; done | md5sum
    read end _ </proc/uptime
    awk "BEGIN { print \"time\", $middle - $begin, $end - $middle }"
done
END
run --packages "pcre2-utils mawk" --add "$work/patterns.sh" --exec 'sh /patterns.sh' >"$work/out"
cat "$work/out"
awk 'NR == 1 && $1 != 1 { print "FAIL: this PCRE2 has no translator"; bad = 1 }
     NR % 3 == 2 { jit = $0 }
     NR % 3 == 0 && ($0 != jit || $2 == 0) { print "FAIL: with the translator", jit, "without", $0; bad = 1 }
     $1 == "time" { with += $2; without += $3 }
     END { if (NR != 16 || with >= without) { print "FAIL: lines, seconds:", NR, with, without; bad = 1 }; exit bad }' "$work/out"

if [ -z "${MPOWER_LONG:-}" ]; then
    echo "skipped: V8, 60 MB of packages; MPOWER_LONG=1 runs it"
else
    cat >"$work/program.js" <<'END'
let s = 0;
const objects = [];
for (let i = 0; i < 300000; ++i) {
    s = (s * 31 + i) | 0;
    if (i % 7 == 0) objects[i % 1000] = { v: s, text: "k" + i, half: s / 2 };
}
const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
const words = JSON.stringify(objects).match(/k\d+/g).sort().join("").length;
let x = 0.5;
for (let i = 0; i < 200000; ++i) x = Math.sin(x) * 3.7 + Math.sqrt(i % 10) - x * x * 0.1;
const squares = new Float64Array(50000).map((_, i) => i * 1.5).reduce((a, b) => a + b);
console.log(s, fib(22), words, x, squares, [...new Set(objects.map((o) => o && o.v % 97))].length);
END
    run --smp 2 --mem 4096M --packages nodejs --add "$work/program.js" \
        --exec 'node /program.js && node --jitless /program.js' >"$work/out"
    cat "$work/out"
    mapfile -t lines < <(grep -v '^Warning: ' "$work/out")  # --jitless warns of WebAssembly
    [ "${#lines[@]}" = 2 ] && [ "${lines[0]}" = "${lines[1]}" ] || fail "V8 with and without its translator differ"
fi
echo PASS
