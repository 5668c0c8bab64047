// Storage accesses near one base: one look at the TLB for all of them.
#include <algorithm>

#include "jit/ir/passes.h"

namespace mpower::jit::ir {
namespace {

constexpr i64 kMostBytes = 2048;  ///< More is likely to cross a page.

struct Group {
    u32 base;
    bool store;
    i64 low, high;  ///< [low, high) from the base.
    u32 first;      ///< Id of its first access.
    u32 accesses;
    u32 probe;  ///< Id in the new block.
};

}  // namespace

void share_probes(Block& block) {
    std::vector<Group> groups;
    std::vector<std::size_t> group_of(block.insts.size(), ~std::size_t{0});
    const std::vector<u64> mask = possible_bits(block);
    std::size_t open = 0;  // groups before it ended with a call: the address space may be another after it
    for (u32 id = 0; id < block.insts.size(); ++id) {
        const Inst& i = block.insts[id];
        if (is_call(i.op)) open = groups.size();
        if (i.op != Op::kLoad && i.op != Op::kStore) continue;
        const bool store = i.op == Op::kStore;
        const i64 low = static_cast<i64>(i.imm);
        i64 high = low + i.access.size;
        u32 base = i.a;
        if (const Inst& sum = block.insts[i.a]; sum.op == Op::kAdd) {  // of a base and an index
            const u32 index = mask[sum.a] < mask[sum.b] ? sum.a : sum.b;
            if (mask[index] < kMostBytes) {
                high += static_cast<i64>(mask[index]);
                base = index == sum.a ? sum.b : sum.a;
            }
        }
        const auto takes = [&](const Group& g) {
            return g.base == base && g.store == store && std::max(g.high, high) - std::min(g.low, low) <= kMostBytes;
        };
        const auto group = std::find_if(groups.begin() + static_cast<std::ptrdiff_t>(open), groups.end(), takes);
        group_of[id] = static_cast<std::size_t>(group - groups.begin());
        if (group == groups.end()) {
            groups.push_back({base, store, low, high, id, 1, 0});
            continue;
        }
        group->low = std::min(group->low, low);
        group->high = std::max(group->high, high);
        ++group->accesses;
    }
    if (std::none_of(groups.begin(), groups.end(), [](const Group& g) { return g.accesses > 1; })) return;
    std::vector<Inst> all;
    std::vector<u32> now(block.insts.size());
    for (u32 id = 0; id < block.insts.size(); ++id) {
        Inst i = block.insts[id];
        for_each_argument(i, [&](u32& argument) { argument = now[argument]; });
        Group* const g =
            group_of[id] < groups.size() && groups[group_of[id]].accesses > 1 ? &groups[group_of[id]] : nullptr;
        if (g != nullptr) {
            if (g->first == id) {
                g->probe = static_cast<u32>(all.size());
                all.push_back({.op = Op::kProbe,
                               .access = {.size = 0},
                               .guest = i.guest,
                               .a = now[g->base],
                               .imm = static_cast<u64>(g->low),
                               .imm2 = static_cast<u64>(g->high - g->low) << 1 | g->store});
            }
            i.op = g->store ? Op::kStoreBy : Op::kLoadBy;
            (g->store ? i.c : i.b) = g->probe;
        }
        now[id] = static_cast<u32>(all.size());
        all.push_back(i);
    }
    block.insts = std::move(all);
}

}  // namespace mpower::jit::ir
