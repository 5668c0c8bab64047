#!/usr/bin/env bash
# Debian's kernel takes processors offline and brings them back while programs run on all of them: each goes, comes, and
# then runs a program that is bound to it; the kernel's log shows no trouble. 5 rounds on 4 vCPUs; MPOWER_LONG=1: 100
# rounds (MPOWER_ROUNDS) on 2, 4 and 8, both processors, both executors. MPOWER_SMP, MPOWER_ACCEL: only those.
set -euo pipefail
source_dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/hotplug.sh" <<'END'
# hotplug.sh ROUNDS: prints "ok" if all went well. One load is bound to nothing, so that the scheduler moves it.
set -e
last=$(($(nproc) - 1)) rounds=$1
for n in $(seq 0 "$last"); do
    while :; do echo "$n" | md5sum; done >/dev/null &
done
cpu=/sys/devices/system/cpu
for round in $(seq "$rounds"); do
    for n in $(seq "$last"); do
        echo 0 >$cpu/cpu$n/online
        if taskset -c "$n" true 2>/dev/null; then echo "processor $n is offline and runs a program"; exit 1; fi
        if [ $((round % 2)) = 0 ]; then echo 1 >$cpu/cpu$n/online; fi
    done
    [ $((round % 2)) = 0 ] || for n in $(seq "$last"); do echo 1 >$cpu/cpu$n/online; done
    for n in $(seq "$last"); do
        where=$(taskset -c "$n" sh -c 'cut -d" " -f39 /proc/$$/stat')
        [ "$where" = "$n" ] || { echo "round $round: a program bound to processor $n ran on '$where'"; exit 1; }
    done
done
kill $(jobs -p)
echo ok
END

campaign() { # ROUNDS SMP CPU ACCEL
    local what="-smp $2 -cpu $3 -accel $4, $1 rounds" status=0 begin=$SECONDS
    local limit=$((120 + $1 * $2 * 2))
    output=$("$source_dir/tools/run" --smp "$2" --cpu "$3" --verbose --timeout "$limit" --add "$work/hotplug.sh" \
        --exec "sh /hotplug.sh $1" -- -accel "$4" 2>"$work/log") || status=$?
    # The kernel may say something in between, as that a timer interrupt took long, on a busy host.
    if [ "$status" != 0 ] || [ "${output##*$'\n'}" != ok ]; then
        tail -40 "$work/log"
        echo "FAIL: $what: status $status, output '$output'"
        exit 1
    fi
    if grep -qE 'soft lockup|hard LOCKUP|BUG|rcu.*stall|Oops|Call Trace|WARNING|stuck|Could not' "$work/log"; then
        tail -200 "$work/log"
        echo "FAIL: $what: trouble in the kernel's log (above); host load $(cut -d' ' -f1-3 /proc/loadavg)"
        exit 1
    fi
    echo "$what: $((SECONDS - begin)) s"
}

if [ -z "${MPOWER_LONG:-}" ]; then
    campaign 5 "${MPOWER_SMP:-4}" power8 "${MPOWER_ACCEL:-jit}"
else
    for smp in ${MPOWER_SMP:-2 4 8}; do
        for cpu in power8 power9; do
            for accel in ${MPOWER_ACCEL:-interp jit}; do campaign "${MPOWER_ROUNDS:-100}" "$smp" "$cpu" "$accel"; done
        done
    done
fi
echo PASS
