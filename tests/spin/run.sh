#!/usr/bin/env bash
# Verifies the Promela models, and that the verifier finds the bugs seeded in them. Usage: run.sh SOURCE_DIR
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
verify() { spin -a "$@" "$source/remove_broadcast.pml" && gcc -O2 -DSAFETY -DCOLLAPSE -w -o pan pan.c && ./pan -m1000000 > out; }
source=$1
verify
grep -q 'errors: 0' out && ! grep -q 'max search depth too small' out || { cat out; exit 1; }
grep 'states, stored' out
for bug in BUG_C BUG_OUT; do
    verify -D$bug
    if ! grep -q 'errors: [1-9]' out; then echo "$bug is not found"; exit 1; fi
    echo "$bug is found"
done
