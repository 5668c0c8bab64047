#!/usr/bin/env bash
# tools/run --exec: output, exit status, vCPUs, IPIs on each, --add, binary output.
set -euo pipefail
source_dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() { "$source_dir/tools/run" --timeout 240 "$@" 2>"$work/err" || { status=$?; }; }
fail() { echo "FAIL: $*"; tail -20 "$work/err"; exit 1; }

echo "hello from the host" >"$work/greeting"
mkdir "$work/folder"
head -c 300000 /dev/urandom >"$work/folder/data"
status=0
run --smp 4 --add "$work/greeting" --add "$work/folder" \
    --exec 'nproc; uname -m; sha256sum </bin/busybox; grep IPI /proc/interrupts; cat /greeting; sha256sum </folder/data; exit 7' >"$work/out"
[ "$status" = 7 ] || fail "status $status, not 7"
mapfile -t lines <"$work/out"
[ "${lines[0]}" = 4 ] || fail "nproc says ${lines[0]}"
[ "${lines[1]}" = ppc64le ] || fail "uname -m says ${lines[1]}"
[ "${lines[2]}" = "$(sha256sum <"$source_dir/build/guest/root/bin/busybox")" ] || fail "sum of busybox: ${lines[2]}"
read -r _ a b c d _ <<<"${lines[3]}"
for count in "$a" "$b" "$c" "$d"; do [ "$count" -gt 0 ] || fail "IPIs: ${lines[3]}"; done
[ "${lines[4]}" = "hello from the host" ] || fail "--add of a file: ${lines[4]}"
[ "${lines[5]}" = "$(sha256sum <"$work/folder/data")" ] || fail "--add of a folder: ${lines[5]}"

status=0
run --smp 1 --cpu power9 --add "$work/folder" --exec 'cat /folder/data' >"$work/out"
[ "$status" = 0 ] && cmp "$work/out" "$work/folder/data" || fail "binary output differs"
echo PASS
