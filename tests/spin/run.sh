#!/usr/bin/env bash
# Verifies a Promela model, and that the verifier finds each bug seeded in it. Usage: run.sh MODEL BUG...
set -euo pipefail
model=$(realpath "$1")
shift
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
verify() { spin -a "$@" "$model" && gcc -O2 -DSAFETY -DCOLLAPSE -w -o pan pan.c && ./pan -m1000000 > out; }
verify
grep -q 'errors: 0' out && ! grep -q 'max search depth too small' out || { cat out; exit 1; }
grep 'states, stored' out
for bug; do
    verify "-D$bug"
    if ! grep -q 'errors: [1-9]' out; then echo "$bug is not found"; exit 1; fi
    echo "$bug is found"
done
