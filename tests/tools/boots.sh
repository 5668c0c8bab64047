#!/usr/bin/env bash
# Debian's kernel boots to user space and powers off, at several vCPU counts, on both processors and both executors, and
# its log shows no trouble. MPOWER_LONG=1: 50 rounds (MPOWER_ROUNDS) instead of one. MPOWER_SMP, MPOWER_ACCEL: only those.
set -euo pipefail
source_dir=$1
rounds=1
[ -z "${MPOWER_LONG:-}" ] || rounds=${MPOWER_ROUNDS:-50}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
boots=0
for ((round = 1; round <= rounds; round++)); do
    for smp in ${MPOWER_SMP:-1 2 4 8}; do
        for cpu in power8 power9; do
            for accel in ${MPOWER_ACCEL:-interp jit}; do
                what="-smp $smp -cpu $cpu -accel $accel, round $round"
                status=0
                output=$("$source_dir/tools/run" --smp "$smp" --cpu "$cpu" --verbose --timeout 240 --exec nproc \
                    -- -accel "$accel" 2>"$log" | sed '/^\[ *[0-9.]*\] /d') || status=$?  # without the kernel's lines
                if [ "$status" != 0 ] || [ "$output" != "$smp" ]; then
                    tail -40 "$log"
                    echo "FAIL: $what: status $status, output '$output'"
                    exit 1
                fi
                if grep -qE 'soft lockup|hard LOCKUP|BUG|rcu.*stall|Oops|Call Trace|WARNING' "$log"; then
                    tail -200 "$log"
                    echo "FAIL: $what: trouble in the kernel's log (above); host load $(cut -d' ' -f1-3 /proc/loadavg)"
                    exit 1
                fi
                boots=$((boots + 1))
            done
        done
    done
    [ "$rounds" = 1 ] || echo "round $round of $rounds: $boots boots"
done
echo "PASS: $boots boots"
