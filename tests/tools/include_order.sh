#!/usr/bin/env bash
# No folder includes from one that comes after it: base < hpt < mmu < jit < smp < hcall < boot < tools.
set -euo pipefail
cd "$1"
order=(base hpt mmu jit smp hcall boot tools)
bad=0
for ((i = 0; i < ${#order[@]}; i++)); do
    for ((j = i + 1; j < ${#order[@]}; j++)); do
        if grep -rnE "^#include \"${order[j]}/" "${order[i]}" --include='*.h' --include='*.cpp' --include='*.inc'; then
            echo "FAIL: ${order[i]} must not know ${order[j]}"
            bad=1
        fi
    done
done
exit $bad
