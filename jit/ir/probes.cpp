// Storage accesses near one base: one look at the TLB for all of them.
#include <algorithm>
#include <bit>
#include <optional>

#include "jit/cache_ops.h"
#include "jit/ir/passes.h"

namespace mpower::jit::ir {
namespace {

constexpr i64 kMostBytes = 2048;  ///< More is likely to cross a page.

/// An access as far as it is known: its bytes are in the pages of bytes [low, high) from a base, if the guesses are
/// right.
struct Near {
    u32 base;
    i64 low, high;
    std::vector<u32> guessed;  ///< Values that were guessed.
    bool exact = true;         ///< `low` is the address, not one of several.
};

struct Group {
    u32 base;
    bool load, store;
    i64 low, high;  ///< [low, high) from the base.
    u32 first;      ///< Id of its first access.
    u32 exits;      ///< Ways out before that.
    u32 accesses;
    std::vector<u32> guessed;
    i64 at;      ///< Of the first access, from the base ...
    bool exact;  ///< ... if it is known.
    bool hoisted = false, fills = true;
    u32 probe = 0;  ///< Id in the new block.

    bool is_shared() const { return accesses > 1 || hoisted; }
};

class Prober {
  public:
    Prober(Block& block, const ProbeOptions& options) : block_(block), options_(options), mask_(possible_bits(block)) {}

    void run() {
        group();
        if (!options_.arm && block_.insts.back().op == Op::kLoop) hoist();
        if (std::none_of(groups_.begin(), groups_.end(), [](const Group& g) { return g.is_shared(); })) return;
        rewrite();
    }

  private:
    bool is_vector(Op op) const { return op == Op::kLoad128 || op == Op::kStore128; }

    /// A register that the block only reads, if it had a small multiple of 16, or a few cache lines.
    std::optional<i64> guess(u32 id) const {
        const Inst& get = block_.insts[id];
        if (block_.gpr_then == nullptr || get.op != Op::kGet64 || !is_gpr(get.imm)) return {};
        const u64 then = block_.gpr_then[get.imm / 8];
        if (then % 16 != 0 || then > (then % kCacheLineBytes == 0 ? kMostBytes / 2 : 256)) return {};
        for (const Inst& i : block_.insts) {
            if (is_call(i.op) || (set_size(i.op) != 0 && i.imm == get.imm)) return {};
        }
        return static_cast<i64>(then);
    }

    Near near(const Inst& access) const {
        const i64 at = static_cast<i64>(access.imm);
        Near n{access.a, at, at + access.access.size, {}, true};
        for (bool indexed = false;;) {
            const Inst& i = block_.insts[n.base];
            if (i.op != Op::kAdd && i.op != Op::kAnd) return n;
            const Inst& right = block_.insts[i.b];
            if (i.op == Op::kAnd) {
                // Aligned to a power of two: pages are, too, so a byte of what was aligned stands for its whole unit.
                const u64 unit = ~right.imm + 1;
                if (right.op != Op::kConst || unit > kCacheLineBytes || !std::has_single_bit(unit)) return n;
                n.low &= static_cast<i64>(right.imm);
                n.high = ((n.high - 1) & static_cast<i64>(right.imm)) + 1;
                n.base = i.a;
                n.exact = false;
                continue;
            }
            if (right.op == Op::kConst) {
                if (static_cast<i64>(right.imm) != static_cast<i16>(right.imm)) return n;
                n.low += static_cast<i64>(right.imm);
                n.high += static_cast<i64>(right.imm);
                n.base = i.a;
                continue;
            }
            const u32 index = mask_[i.a] < mask_[i.b] ? i.a : i.b;
            if (!indexed && mask_[index] < kMostBytes) {
                indexed = true;
                n.exact = false;
                n.high += static_cast<i64>(mask_[index]);
                n.base = index == i.a ? i.b : i.a;
                continue;
            }
            if (!is_vector(access.op)) return n;
            std::optional<i64> value = guess(i.a);
            const bool left = value.has_value();
            if (!left) value = guess(i.b);
            if (!value) return n;
            n.guessed.push_back(left ? i.a : i.b);
            n.exact = false;
            n.low += *value;
            n.high += *value;
            n.base = left ? i.b : i.a;
        }
    }

    void group() {
        group_of_.assign(block_.insts.size(), kNone);
        std::size_t open = 0;  // groups before it ended with a call: the address space may be another after it
        u32 exits = 0;
        for (u32 id = 0; id < block_.insts.size(); ++id) {
            const Inst& i = block_.insts[id];
            if (is_call(i.op)) open = groups_.size();
            if (i.op == Op::kExitIf) ++exits;
            if (i.op != Op::kLoad && i.op != Op::kStore && !is_vector(i.op)) continue;
            const bool store = i.op == Op::kStore || i.op == Op::kStore128;
            if (store && !options_.stores) continue;
            const Near n = near(i);
            const auto takes = [&](const Group& g) {
                // Loads take what is found for a store that has been done; but what may not be stored to, and is not if
                // a way out is taken, is found by loads only.
                return g.base == n.base && (g.store || !store || g.exits == exits) &&
                       std::max(g.high, n.high) - std::min(g.low, n.low) <= kMostBytes;
            };
            const auto first = groups_.begin() + static_cast<std::ptrdiff_t>(open);
            const auto group = std::find_if(first, groups_.end(), takes);
            group_of_[id] = static_cast<std::size_t>(group - groups_.begin());
            if (group == groups_.end()) {
                groups_.push_back({n.base, !store, store, n.low, n.high, id, exits, 1, n.guessed, n.low, n.exact});
                continue;
            }
            (store ? group->store : group->load) = true;
            group->low = std::min(group->low, n.low);
            group->high = std::max(group->high, n.high);
            ++group->accesses;
            group->guessed.insert(group->guessed.end(), n.guessed.begin(), n.guessed.end());
        }
    }

    bool is_kept(u32 id) const {
        return id < block_.kept && block_.insts[id].op == Op::kGet64 && is_gpr(block_.insts[id].imm);
    }

    /// Up to the first instruction after which the way may be another. Floating point of a late_float block cannot
    /// interrupt it, only leave it for code that goes on.
    void hoist() {
        const auto general = [](const Inst& i) { return !is_vsx(i.imm); };
        const auto kept = std::count_if(block_.insts.begin(), block_.insts.begin() + block_.kept, general);
        unsigned room = options_.most - static_cast<unsigned>(kept);
        bool fills = true;
        for (u32 id = block_.kept; id < block_.insts.size(); ++id) {
            Inst& i = block_.insts[id];
            if (i.op == Op::kNeed) {
                block_.hoisted_needs |= i.imm2;
                i = {.op = Op::kConst, .guest = i.guest};
            } else if (block_.late_float && is_float(i.op)) {
                fills = false;
            } else if (group_of_[id] == kNone) {
                if (!is_pure(i.op) && set_size(i.op) == 0) return;
            } else if (Group& g = groups_[group_of_[id]]; !g.hoisted) {
                const Inst& base = block_.insts[g.base];
                const bool sum = base.op == Op::kAdd && base.a != base.b && is_kept(base.a) && is_kept(base.b);
                if (room == 0 || !g.guessed.empty() || !g.exact || !(sum || is_kept(g.base))) return;
                g.hoisted = true;
                g.fills = fills;
                --room;
            }
        }
    }

    void add_guess(u32 id) {
        const u64 offset = block_.insts[id].imm;
        const auto same = [&](const Block::Guess& g) { return g.offset == offset; };
        if (std::any_of(block_.guesses.begin(), block_.guesses.end(), same)) return;
        block_.guesses.push_back({offset, block_.gpr_then[offset / 8]});
    }

    void rewrite() {
        std::vector<Inst> all;
        std::vector<u32> now(block_.insts.size());
        const auto look = [&](Group& g) {
            const Inst& first = block_.insts[g.first];
            const bool stores = first.op == Op::kStore || first.op == Op::kStore128;
            // A hoisted one comes before the address of its first access.
            const i64 at = g.hoisted ? g.at : static_cast<i64>(first.imm);
            u32 base = now[g.base];
            if (g.hoisted && !is_kept(g.base)) {
                base = static_cast<u32>(all.size());
                all.push_back(block_.insts[g.base]);  // of kept reads, which stay where they are
            }
            const ProbeForm form{
                static_cast<u16>(g.high - g.low), g.load, g.store, stores, g.fills, static_cast<i32>(at)};
            g.probe = static_cast<u32>(all.size());
            all.push_back({.op = g.guessed.empty() ? Op::kLook : Op::kProbe,
                           .access = {.size = 0},
                           .guest = g.hoisted ? u16{0} : first.guest,
                           .a = base,
                           .b = g.hoisted ? base : now[first.a],
                           .imm = static_cast<u64>(g.low),
                           .imm2 = form.packed()});
            for (const u32 id : g.guessed) add_guess(id);
        };
        for (u32 id = 0; id < block_.insts.size(); ++id) {
            Inst i = block_.insts[id];
            for_each_argument(i, [&](u32& argument) { argument = now[argument]; });
            if (id == block_.kept) {
                for (Group& g : groups_) {
                    if (g.hoisted) look(g);
                }
                block_.hoisted = static_cast<u32>(all.size()) - block_.kept;
            }
            if (group_of_[id] != kNone && groups_[group_of_[id]].is_shared()) {
                Group& g = groups_[group_of_[id]];
                if (g.first == id && !g.hoisted) look(g);
                i.op = i.op == Op::kLoad      ? Op::kLoadBy
                       : i.op == Op::kStore   ? Op::kStoreBy
                       : i.op == Op::kLoad128 ? Op::kLoad128By
                                              : Op::kStore128By;
                (i.op == Op::kStoreBy || i.op == Op::kStore128By ? i.c : i.b) = g.probe;
            }
            now[id] = static_cast<u32>(all.size());
            all.push_back(i);
        }
        block_.insts = std::move(all);
    }

    static constexpr std::size_t kNone = ~std::size_t{0};
    Block& block_;
    const ProbeOptions options_;
    const std::vector<u64> mask_;
    std::vector<Group> groups_;
    std::vector<std::size_t> group_of_;
};

}  // namespace

void share_probes(Block& block, const ProbeOptions& options) { Prober(block, options).run(); }

}  // namespace mpower::jit::ir
