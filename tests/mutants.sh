#!/usr/bin/env bash
# Puts known bugs into a copy of the source, one at a time, and checks that the named test fails on each.
# Takes a minute or two a mutant: not part of tools/test. Prints a table; exits with 1 if one survives.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$root/build/mutants
mkdir -p "$copy"

# name | file | perl substitution | target | GoogleTest filter
mutants() {
    cat <<'LIST'
read-without-second-look | hpt/hpt.h | s/if \(\(\(load_v\(index\.v\) \^ v\) & ~kHidden\) == 0\) return/return/ | hpt_test | HptStress.Walkers*
rc-without-compare | hpt/policy.h | s/return __sync_bool_compare_and_swap\(reinterpret_cast<u128\*>\(&entry\), expected, desired\);/(void)expected; (void)desired; (void)v; (void)r; entry.r.store(new_r); (void)new_v; return true;/ | hpt_test | HptStress.*
enter-without-lock | hpt/hpt.h | s/Lock lock\(\*this, group\);// | hpt_test | HptStress.EightSlots*
v-before-r | hpt/hpt.h | s/(entries_\[slot\]\.r\.store\(r, std::memory_order_relaxed\);)\s*(store_v\(slot, v\);)/$2 $1/s | hpt_test | HptStress.Walkers*
bulk-spins-with-locks-held | hpt/hpt.h | s/complete\(\);  \/\/ never spin with locks held// | hpt_test | HptStress.BulkRemoves*
remove-leaves-the-lock | hpt/hpt.h | s/while \(locks > 0\) unlock\(locked\[--locks\]\);/locks = 0;/ | hpt_test | HptTest.BulkRemove*
protect-loses-rc | hpt/hpt.h | s/swap_r\(index, \[&\]\(u64, u64 r\) -> std::optional<u64> \{ return \(r & ~kChanged\) \| bits; \}\);/entries_[index.v].r.store((old.r & ~kChanged) | bits);/ | hpt_test | HptStress.Protect*
LIST
}

survivors=0
printf '%-30s %s\n' mutant 'killed by'
while IFS='|' read -r name file change target filter; do
    read -r name <<<"$name"; read -r file <<<"$file"; read -r target <<<"$target"; read -r filter <<<"$filter"
    rsync -a --delete --exclude build --exclude .git "$root/" "$copy/" 2>/dev/null ||
        (cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$copy")
    before=$(sha256sum "$copy/$file")
    perl -0777 -i -pe "$change" "$copy/$file"
    [ "$before" != "$(sha256sum "$copy/$file")" ] || { echo "mutants: '$name' changes nothing; mend the list" >&2; exit 1; }
    (cd "$copy" && cmake --preset release && cmake --build --preset release --target "$target") >"$root/build/mutants.log" 2>&1 ||
        { echo "mutants: '$name' does not compile (build/mutants.log)" >&2; exit 1; }
    if timeout 60 "$copy/build/release/tests/$target" --gtest_filter="$filter" >"$root/build/mutants.log" 2>&1; then
        printf '%-30s SURVIVES %s\n' "$name" "$filter"
        survivors=$((survivors + 1))
    else
        printf '%-30s %s\n' "$name" "$filter"
    fi
done < <(mutants)
exit $((survivors > 0))
