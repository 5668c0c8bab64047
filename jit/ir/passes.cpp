#include "jit/ir/passes.h"

#include <algorithm>

namespace mpower::jit::ir {
namespace {

constexpr u8 kArguments[] = {
#define OP(name, result, arguments, text) arguments,
#include "jit/ir/ops.inc"
#undef OP
};

constexpr Type kTypes[] = {
#define OP(name, result, arguments, text) Type::result,
#include "jit/ir/ops.inc"
#undef OP
};

}  // namespace

unsigned argument_count(Op op) { return kArguments[static_cast<unsigned>(op)]; }

u8 get_size(Op op) {
    switch (op) {
        case Op::kGet8: return 1;
        case Op::kGet32: return 4;
        case Op::kGet64: return 8;
        case Op::kGet128: return 16;
        default: return 0;
    }
}
u8 set_size(Op op) {
    switch (op) {
        case Op::kSet8: return 1;
        case Op::kSet32: return 4;
        case Op::kSet64: return 8;
        case Op::kSet128: return 16;
        default: return 0;
    }
}

bool is_call(Op op) { return op == Op::kCall || op == Op::kCallSys; }

u32 look_of(const Inst& i) {
    switch (i.op) {
        case Op::kLoadBy:
        case Op::kLoad128By: return i.b;
        case Op::kStoreBy:
        case Op::kStore128By: return i.c;
        default: return kNoLook;
    }
}

bool has_look(const Block& block, const Inst& i) {
    const u32 look = look_of(i);
    return look != kNoLook && block.insts[look].op == Op::kLook;
}

BaseOfLook base_of_look(const Block& block, const Inst& look) {
    const Inst& base = block.insts[look.a];
    if (base.op != Op::kAdd) return {base, base};
    return {block.insts[base.a], block.insts[base.b]};
}

bool is_plain_access(Op op) { return op >= Op::kLoad && op <= Op::kStore128 && op != Op::kLook; }

bool is_float(Op op) { return op == Op::kFloat || op == Op::kFloatVector || op == Op::kFloatCompare; }

bool is_pure(Op op) { return op < Op::kLoad && set_size(op) == 0; }

bool is_compare(Op op) { return op == Op::kCompareS || op == Op::kCompareU; }

bool is_late(const Inst& set, bool late_float) {
    if (late_float && is_vsx(set.imm)) return true;
    return set.op != Op::kSet128 && set.imm < offsetof(CpuState, fpscr);
}

bool ends_block(Op op) { return op >= Op::kRaise && op != Op::kExitIf; }

Type type_of(Op op) { return kTypes[static_cast<unsigned>(op)]; }

unsigned arguments(const Inst& inst, u32 out[3]) {
    const unsigned n = argument_count(inst.op);
    const u32 all[] = {inst.a, inst.b, inst.c};
    std::copy_n(all, n, out);
    return n;
}

void remove_dead_writes(Block& block) {
    std::vector<Range> covered;  // written later, before anything can look
    for (std::size_t id = block.insts.size(); id-- > 0;) {
        Inst& i = block.insts[id];
        if (const u8 written = set_size(i.op)) {
            const auto covers = [&](const Range& r) { return r.covers(i.imm, written); };
            if (std::any_of(covered.begin(), covered.end(), covers)) {
                i = {.op = Op::kConst, .guest = i.guest};
            } else {
                covered.push_back({i.imm, written, 0});
            }
        } else if (const u8 size = get_size(i.op)) {
            std::erase_if(covered, [&](const Range& r) { return r.overlaps(i.imm, size); });
        } else if (is_float(i.op) && !block.late_float) {  // a late_float block may be left behind it
            const auto reads = [&](u64 offset, u32 n) {
                std::erase_if(covered, [&](const Range& r) { return r.overlaps(offset, n); });
            };
            for_each_register(i, reads);
            reads(offsetof(CpuState, fpscr), 8);
            reads(kStatusOffset, sizeof(LastFloat));
        } else if (!is_pure(i.op)) {
            covered.clear();
        }
    }
}

void show_targets(Block& block) {
    constexpr Range kFpscr{offsetof(CpuState, fpscr), kStatusOffset + sizeof(LastFloat) - offsetof(CpuState, fpscr), 0};
    if (block.mode.fp_exceptions || block.mode.single_step) return;
    bool any = false;
    for (const Inst& i : block.insts) {
        if (is_call(i.op) || (get_size(i.op) + set_size(i.op) != 0 && kFpscr.covers(i.imm, 1))) return;
        any = any || is_float(i.op) || (get_size(i.op) + set_size(i.op) != 0 && is_vsx(i.imm));
    }
    if (!any) return;
    std::vector<Inst> all;
    all.reserve(block.insts.size() + block.insts.size() / 2);
    std::vector<u32> now(block.insts.size());
    for (u32 id = 0; id < block.insts.size(); ++id) {
        Inst i = block.insts[id];
        for_each_argument(i, [&](u32& argument) { argument = now[argument]; });
        const auto set = [&](Op op, u64 offset, u32 value) {
            all.push_back({.op = op, .guest = i.guest, .a = value, .imm = offset});
        };
        if (i.op == Op::kSet128 && all[i.a].op == Op::kMakeV128) {
            const Inst make = all[i.a];
            set(Op::kSet64, i.imm + offsetof(V128, hi), make.a);
            set(Op::kSet64, i.imm + offsetof(V128, lo), make.b);
            continue;
        }
        const u32 result = now[id] = static_cast<u32>(all.size());
        all.push_back(i);
        const u64 target = offsetof(CpuState, vsr) + sizeof(V128) * FloatForm::of(i.imm2).target();
        if (i.op == Op::kFloatVector) set(Op::kSet128, target, result);
        if (i.op != Op::kFloat) continue;
        all.push_back({.op = Op::kConst, .guest = i.guest});
        set(Op::kSet64, target + offsetof(V128, hi), result);
        set(Op::kSet64, target + offsetof(V128, lo), result + 1);
    }
    block.insts = std::move(all);
    block.late_float = true;
}

void unroll(Block& block) {
    // More bytes would cross more pages: accesses by guessed indices look alone there.
    constexpr std::size_t kMostRounds = 8, kMostGuest = 64, kMostIr = 512, kMostAccessed = 256;
    const auto keeps = [](const Inst& i) { return is_call(i.op) || (i.op >= Op::kLoadReserve && i.op <= Op::kPause); };
    if (block.insts.back().op != Op::kLoop || !block.arms.empty()) return;
    if (std::any_of(block.insts.begin(), block.insts.end(), keeps)) return;
    const std::vector<Inst> round = block.insts;
    const std::vector<i32> pc = block.pc;
    std::size_t bytes = 1;
    for (const Inst& i : round) bytes += is_plain_access(i.op) ? i.access.size : 0;
    const std::size_t rounds =
        std::min({kMostRounds, kMostGuest / pc.size(), kMostIr / round.size(), kMostAccessed / bytes});
    for (std::size_t n = 1; n < rounds; ++n) {
        block.insts.pop_back();  // its kLoop
        const u32 shift = static_cast<u32>(block.insts.size());
        for (Inst i : round) {
            for_each_argument(i, [&](u32& id) { id += shift; });
            i.guest = static_cast<u16>(i.guest + block.pc.size());
            if (i.op == Op::kNeed) i = {.op = Op::kConst, .guest = i.guest};  // it has been looked at
            block.insts.push_back(i);
        }
        block.pc.insert(block.pc.end(), pc.begin(), pc.end());
    }
    block.guest_count = static_cast<u16>(block.pc.size());
}

void keep_state(Block& block, unsigned most, unsigned most_vectors) {
    if (block.insts.empty() || block.insts.back().op != Op::kLoop) return;
    struct Kept {
        Range range;
        Op get;
        u32 uses;  ///< 0: not to be kept.
    };
    std::vector<Kept> all_kept;
    for (const Inst& i : block.insts) {
        if (is_call(i.op)) return;
        const u8 got = get_size(i.op), set = set_size(i.op);
        const u8 size = got != 0 ? got : set;
        const bool vsx = is_vsx(i.imm);
        // SO is read where it is; a fault writes SPRs itself, a floating-point operation its registers.
        if (size == 0 || i.imm == offsetof(CpuState, so)) continue;
        if (vsx ? !block.late_float : i.imm >= offsetof(CpuState, fpscr)) continue;
        const auto overlaps = [&](const Kept& k) { return k.range.overlaps(i.imm, size); };
        const auto known = std::find_if(all_kept.begin(), all_kept.end(), overlaps);
        if (known == all_kept.end()) {
            const Op get = size == 1 ? Op::kGet8 : size == 4 ? Op::kGet32 : size == 8 ? Op::kGet64 : Op::kGet128;
            all_kept.push_back({{i.imm, size, 0}, get, got != 0 ? 1u : 0u});
        } else if (known->range.offset != i.imm || known->range.size != size) {
            for (Kept& k : all_kept) {
                if (overlaps(k)) k.uses = 0;
            }
            all_kept.push_back({{i.imm, size, 0}, Op::kCall, 0});
        } else if (known->uses != 0) {
            known->uses += got != 0 ? 1 : 2;
        }
    }
    std::erase_if(all_kept, [](const Kept& k) { return k.uses == 0; });
    std::stable_sort(all_kept.begin(), all_kept.end(), [](const Kept& a, const Kept& b) { return a.uses > b.uses; });
    std::erase_if(all_kept, [&](const Kept& k) {
        unsigned& room = is_vsx(k.range.offset) ? most_vectors : most;
        return room == 0 || room-- == 0;
    });
    if (all_kept.empty()) return;
    std::vector<Inst> all;
    all.reserve(block.insts.size() + all_kept.size());
    for (const Kept& k : all_kept) all.push_back({.op = k.get, .imm = k.range.offset});
    const u32 shift = static_cast<u32>(all_kept.size());
    for (Inst i : block.insts) {
        for_each_argument(i, [&](u32& id) { id += shift; });
        all.push_back(i);
    }
    block.insts = std::move(all);
    block.kept = shift;
}

namespace {

/// A way out of the block, that may not be taken: where late state is written if it is.
bool may_leave(const Block& block, const Inst& i) {
    if (i.op >= Op::kLoad && i.op < Op::kFence) return !has_look(block, i);
    return i.op == Op::kRaiseIf || i.op == Op::kNeed || i.op == Op::kExitIf;
}

/// Going backwards through a block that writes state late: what becomes of state that is written here.
class Ends {
  public:
    explicit Ends(u32 end) : flush_(end) {}

    struct End {
        u32 at;      ///< The last instruction for which the value has to be there.
        bool again;  ///< The state is written again before it is put in its place.
    };
    End of(u64 offset, u32 size) const {
        for (const Entry& e : entries_) {
            if (!e.range.overlaps(offset, size)) continue;
            const bool again = e.is_write && e.range.offset == offset && e.range.size == size;
            return {again ? e.observed : e.range.value, again};
        }
        return {flush_, false};
    }
    void add(u64 offset, u32 size, u32 at, bool is_write) {
        std::erase_if(entries_, [&](const Entry& e) { return e.range.overlaps(offset, size); });
        entries_.push_back({{offset, size, at}, is_write, 0});
    }
    void leave(u32 at) {
        for (Entry& e : entries_) {
            if (e.observed == 0) e.observed = at;
        }
    }
    void flush(u32 at) {
        entries_.clear();
        flush_ = at;
    }

  private:
    struct Entry {
        Range range;
        bool is_write;
        u32 observed;  ///< The last way out before it.
    };
    std::vector<Entry> entries_;
    u32 flush_;
};

}  // namespace

std::vector<Range> written_unseen(const Block& block) {
    std::vector<Range> all, read;
    if (block.insts.empty() || block.insts.back().op != Op::kLoop) return all;
    for (u32 id = 0; id < block.insts.size(); ++id) {
        const Inst& i = block.insts[id];
        if (id >= block.kept && id < block.body()) continue;
        if (may_leave(block, i) || is_call(i.op) || ends_block(i.op) || (block.late_float && is_float(i.op))) break;
        if (const u8 got = get_size(i.op)) read.push_back({i.imm, got, id});
        const u8 set = set_size(i.op);
        if (set == 0 || (set == 16 && !block.late_float) || id < block.kept) continue;
        if (std::none_of(read.begin(), read.end(), [&](const Range& r) { return r.overlaps(i.imm, set); })) {
            std::erase_if(all, [&](const Range& r) { return r.overlaps(i.imm, set); });
            all.push_back({i.imm, set, id});
        }
    }
    return all;
}

bool is_zero_test(const Block& block, const Inst& i) {
    return (i.op == Op::kEq || i.op == Op::kNe) && block.insts[i.b].op == Op::kConst && block.insts[i.b].imm == 0;
}

Liveness liveness(const Block& block, bool lazy, const std::vector<Range>& unseen) {
    const std::size_t n = block.insts.size();
    Liveness l{std::vector<u32>(n), std::vector<u32>(n), std::vector<bool>(n), std::vector<bool>(n)};
    u32 args[3];
    Ends ends(static_cast<u32>(n));
    for (std::size_t at = n; at-- > 0;) {
        const u32 id = static_cast<u32>(at);
        const Inst& i = block.insts[id];
        if (id < block.kept) {  // alive until it is written, or for the next round
            const u32 end = i.op == Op::kInput ? 0 : ends.of(i.imm, get_size(i.op)).at;
            l.last_use[id] = std::max({l.last_use[id], end, block.body()});
            ++l.uses[id];
            continue;
        }
        if (const u8 written = set_size(i.op); lazy && written != 0 && is_late(i, block.late_float)) {
            const Ends::End end = ends.of(i.imm, written);
            ends.add(i.imm, written, id, true);
            if (end.again && end.at == 0) continue;  // nobody sees it
            l.last_use[i.a] = std::max({l.last_use[i.a], end.at, id});
            if (end.again && is_compare(block.insts[i.a].op)) {
                l.wanted_late[i.a] = true;
            } else {
                ++l.uses[i.a];
                l.fused[i.a] = false;
            }
            continue;
        }
        if (i.op == Op::kLook && id < block.body()) {  // the loop's, in all rounds if its base stays
            const BaseOfLook base = base_of_look(block, i);
            const bool stays = std::none_of(block.insts.begin(), block.insts.end(), [&](const Inst& set) {
                return set_size(set.op) != 0 && (set.imm == base.left.imm || set.imm == base.right.imm);
            });
            l.last_use[id] = std::max(l.last_use[id], stays ? static_cast<u32>(n) - 1 : block.body());
        } else if (lazy && may_leave(block, i)) {
            ends.leave(id);
        }
        u32 status_until = 0;
        if (block.late_float && is_float(i.op)) {  // out of line, the helper finds its operands and LastFloat in place
            if (i.op == Op::kFloat) {
                status_until = ends.of(kStatusOffset, sizeof(LastFloat)).at;
                ends.add(kStatusOffset, sizeof(LastFloat), id, true);
            }
            ends.leave(id);
        }
        if (is_call(i.op) || ends_block(i.op)) ends.flush(id);
        // What a loop writes unseen is seen only by the way out at the end of the round, if not by one after its write.
        if (i.op == Op::kLoop && lazy) {
            for (const Range& r : unseen) ends.add(r.offset, r.size, id, true);
            ends.leave(id);
        }
        if (is_pure(i.op) && l.uses[id] == 0) {
            if (l.wanted_late[id]) {  // made out of line: its operands have to be there
                const unsigned count = arguments(i, args);
                for (unsigned k = 0; k < count; ++k) {
                    ++l.uses[args[k]];
                    l.fused[args[k]] = false;
                    l.last_use[args[k]] = std::max(l.last_use[args[k]], l.last_use[id]);
                }
            }
            continue;
        }
        l.wanted_late[id] = false;
        if (const u8 size = get_size(i.op); lazy && size != 0) {  // what was written there has to be in its place
            ends.add(i.imm, size, id, false);
        }
        if (l.last_use[id] == 0) l.last_use[id] = id;
        const u32 use_at = l.fused[id] ? l.last_use[id] : i.op == Op::kProbe ? id + 1 : std::max(id, status_until);
        const unsigned count = arguments(i, args);
        for (unsigned k = 0; k < count; ++k) {
            ++l.uses[args[k]];
            l.last_use[args[k]] = std::max(l.last_use[args[k]], use_at);
        }
        // The first use met going backwards is the last one; whether it is the only one is known when we get there.
        const auto fusable = [&](u32 id_of) {
            const Op op = block.insts[id_of].op;
            const bool condition = i.op == Op::kExitIf || i.op == Op::kRaiseIf || i.op == Op::kSelect;
            const bool sets_flags =
                op == Op::kEq || op == Op::kNe || op == Op::kLtS || op == Op::kLtU || op == Op::kAnd;
            const bool tests = l.fused[id] && is_zero_test(block, i) && op == Op::kAnd;
            return (condition && sets_flags) || tests || (i.op == Op::kSet128 && op == Op::kMakeV128);
        };
        if (count >= 1 && fusable(i.a)) l.fused[i.a] = true;
        for (unsigned k = 0; k < count; ++k) {
            if (l.uses[args[k]] > 1) l.fused[args[k]] = false;
        }
    }
    return l;
}

}  // namespace mpower::jit::ir
