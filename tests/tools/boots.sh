#!/usr/bin/env bash
# Debian's kernel boots to user space and powers off, at several vCPU counts and on both processors, and its log shows
# no trouble. MPOWER_LONG=1: 50 rounds instead of one.
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
            status=0
            output=$("$source_dir/tools/run" --smp "$smp" --cpu "$cpu" --verbose --timeout 240 --exec nproc 2>"$log") || status=$?
            if [ "$status" != 0 ] || [ "$output" != "$smp" ]; then
                tail -40 "$log"
                echo "FAIL: -smp $smp -cpu $cpu, round $round: status $status, output '$output'"
                exit 1
            fi
            if grep -E 'soft lockup|hard LOCKUP|BUG|rcu.*stall|Oops|Call Trace|WARNING' "$log"; then
                echo "FAIL: -smp $smp -cpu $cpu, round $round: trouble in the kernel's log (above)"
                exit 1
            fi
            boots=$((boots + 1))
        done
    done
    [ "$rounds" = 1 ] || echo "round $round of $rounds: $boots boots"
done
echo "PASS: $boots boots"
