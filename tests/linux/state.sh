#!/usr/bin/env bash
# state.sh SOURCE PROGRAM CPU: state.c in the booted guest, on 4 vCPUs. 77: it was not built (skipped, reason printed).
set -euo pipefail
source_dir=$1 program=$2 cpu=$3
if [ ! -x "$program" ]; then
    echo "skipped: $program was not built: install gcc-powerpc64le-linux-gnu and libc6-dev-ppc64el-cross"
    exit 77
fi
seconds=3
[ -z "${MPOWER_LONG:-}" ] || seconds=600
"$source_dir/tools/run" --smp 4 --cpu "$cpu" --timeout $((seconds + 240)) --add "$program" --exec "/state $seconds"
