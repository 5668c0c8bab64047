#!/usr/bin/env bash
# libm.sh SOURCE EXPECT GUEST CPU: glibc's libm in the booted guest, against MPFR, and bit for bit against qemu-ppc64le.
# EXPECT and GUEST are the programs of expect.c and guest.c. 77: one of them was not built (skipped, reason printed).
set -euo pipefail
source_dir=$1 expect=$2 guest=$3 cpu=$4
for program in "$expect" "$guest"; do
    [ -x "$program" ] && continue
    echo "skipped: $program was not built: install libmpfr-dev, gcc-powerpc64le-linux-gnu and libc6-dev-ppc64el-cross"
    exit 77
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seed=${MPOWER_SEED:-$((RANDOM << 15 | RANDOM))} rounds=1 count=2000
[ -z "${MPOWER_LONG:-}" ] || rounds=20 count=20000
cp "$guest" "$work/libm"
for ((round = 0; round < rounds; ++round, ++seed)); do
    echo "seed $seed, $count arguments each, $cpu"
    "$expect" "$seed" "$count" >"$work/arguments"
    status=0
    "$source_dir/tools/run" --cpu "$cpu" --timeout 300 --add "$work/libm" --add "$work/arguments" --exec '/libm /arguments' \
        >"$work/mpower" 2>"$work/err" || status=$?
    cat "$work/mpower"
    [ "$status" = 0 ] || { tail -5 "$work/err"; echo "FAIL: status $status in the guest; MPOWER_SEED=$seed"; exit 1; }
    command -v qemu-ppc64le >/dev/null || { echo "not compared with qemu-ppc64le: install qemu-user"; continue; }
    # -cpu power8 has an AT_HWCAP2 there that lets glibc use what it does not execute. libm chooses the same code for both.
    qemu-ppc64le "$work/libm" "$work/arguments" >"$work/qemu" || true
    diff "$work/qemu" "$work/mpower" || { echo "FAIL: qemu-ppc64le (<) has other results; MPOWER_SEED=$seed"; exit 1; }
done
echo PASS
