#!/usr/bin/env bash
# Runs a bare-metal guest and checks its output and the machine's exit status.
#   run_guest.sh MPOWER GUEST EXPECTED-LINE... -- [mpower options]
# "@long" in an option becomes "long" if MPOWER_LONG is set, else nothing; "@reorders" becomes "reorders" if the host has
# several processors, so that a load of one may overtake its store.
# 0: every expected line came, no line says FAIL, exit status 0. 77: GUEST does not exist (skipped, reason printed).
set -euo pipefail

if [ "${1:-}" = --help ] || [ $# -lt 3 ]; then
    sed -n '2,6s/^# //p' "$0"
    exit 0
fi
mpower=$1 guest=$2
shift 2
expected=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    expected+=("$1")
    shift
done
shift || true

if [ ! -r "$guest" ]; then
    echo "skipped: $guest was not built: install python3 and the GNU cross compilers for powerpc64 and powerpc64le"
    exit 77
fi
status=0 long=${MPOWER_LONG:+long} limit=300
[ -z "$long" ] || limit=7200
reorders=
[ "$(nproc)" = 1 ] || reorders=reorders
set -- "${@//@long/$long}"
output=$(timeout "$limit" "$mpower" -kernel "$guest" "${@//@reorders/$reorders}" </dev/null | tr -d '\r') || status=$?
echo "$output"
bad=0
[ "$status" = 0 ] || { echo "run_guest: exit status $status, wanted 0"; bad=1; }
for line in "${expected[@]}"; do
    grep -qxF -- "$line" <<<"$output" || { echo "run_guest: no line \"$line\""; bad=1; }
done
if grep -qE '^(FAIL|SOME FAILED)' <<<"$output"; then
    echo "run_guest: the guest reports a failure"
    bad=1
fi
exit $bad
