#include "jit/ir/passes.h"

#include <algorithm>
#include <bit>

namespace mpower::jit::ir {
namespace {

constexpr u8 kArguments[] = {
#define OP(name, result, arguments, text) arguments,
#include "jit/ir/ops.inc"
#undef OP
};

/// Size in bytes of the state that a get or set touches; 0 for other ops.
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

struct Range {
    u64 offset;
    u32 size;
    u32 value;  ///< Id of what is there.
    bool overlaps(u64 o, u32 n) const { return o < offset + size && offset < o + n; }
    bool covers(u64 o, u32 n) const { return offset <= o && o + n <= offset + size; }
};

/// Bits of the result that may be one: an upper bound.
u64 possible_bits(const Block& block, const Inst& i, const std::vector<u64>& mask) {
    const auto a = [&] { return mask[i.a]; };
    const auto constant = [&](u32 id) { return block.insts[id].op == Op::kConst; };
    const auto value = [&](u32 id) { return block.insts[id].imm; };
    switch (i.op) {
        case Op::kConst: return i.imm;
        case Op::kPc: return block.mode.sf ? ~u64{0} : 0xffffffff;
        case Op::kGet8:
            if (i.imm - offsetof(CpuState, cr) < sizeof(CpuState::cr)) return 15;
            return i.imm >= offsetof(CpuState, so) && i.imm <= offsetof(CpuState, ca32) ? 1 : 0xff;
        case Op::kGet32: return 0xffffffff;
        case Op::kEq:
        case Op::kNe:
        case Op::kLtS:
        case Op::kLtU:
        case Op::kStoreCond:
        case Op::kStoreCond128: return 1;
        case Op::kCompareS:
        case Op::kCompareU: return 14;
        case Op::kAnd: return a() & mask[i.b];
        case Op::kAndNot: return constant(i.b) ? a() & ~value(i.b) : a();
        case Op::kOr:
        case Op::kXor: return a() | mask[i.b];
        case Op::kSelect: return mask[i.b] | mask[i.c];
        case Op::kShl: return constant(i.b) ? ((value(i.b) & 127) < 64 ? a() << (value(i.b) & 127) : 0) : ~u64{0};
        case Op::kShr:
            if (constant(i.b)) return (value(i.b) & 127) < 64 ? a() >> (value(i.b) & 127) : 0;
            return a() == 0 ? 0 : ~u64{0} >> std::countl_zero(a());
        case Op::kZext8: return a() & 0xff;
        case Op::kZext16:
        case Op::kBswap16: return i.op == Op::kZext16 ? a() & 0xffff : 0xffff;
        case Op::kZext32: return a() & 0xffffffff;
        case Op::kBswap32: return 0xffffffff;
        case Op::kClz:
        case Op::kCtz:
        case Op::kPopcnt: return 0x7f;
        case Op::kLoad: return i.access.sign || i.access.size == 8 ? ~u64{0} : (u64{1} << i.access.size * 8) - 1;
        default: return ~u64{0};
    }
}

/// Result of a pure operation on constants a, b; false: not one that is folded.
bool fold(Op op, u64 a, u64 b, u64* out) {
    const u64 n = b & 127;
    switch (op) {
        case Op::kAdd: *out = a + b; return true;
        case Op::kSub: *out = a - b; return true;
        case Op::kNeg: *out = -a; return true;
        case Op::kAnd: *out = a & b; return true;
        case Op::kOr: *out = a | b; return true;
        case Op::kXor: *out = a ^ b; return true;
        case Op::kAndNot: *out = a & ~b; return true;
        case Op::kNot: *out = ~a; return true;
        case Op::kShl: *out = n < 64 ? a << n : 0; return true;
        case Op::kShr: *out = n < 64 ? a >> n : 0; return true;
        case Op::kSext8: *out = static_cast<u64>(i64{static_cast<i8>(a)}); return true;
        case Op::kSext16: *out = static_cast<u64>(i64{static_cast<i16>(a)}); return true;
        case Op::kSext32: *out = static_cast<u64>(i64{static_cast<i32>(a)}); return true;
        case Op::kZext8: *out = static_cast<u8>(a); return true;
        case Op::kZext16: *out = static_cast<u16>(a); return true;
        case Op::kZext32: *out = static_cast<u32>(a); return true;
        case Op::kEq: *out = a == b; return true;
        case Op::kNe: *out = a != b; return true;
        case Op::kLtS: *out = static_cast<i64>(a) < static_cast<i64>(b); return true;
        case Op::kLtU: *out = a < b; return true;
        default: return false;
    }
}

class Simplifier {
  public:
    explicit Simplifier(Block& block) : block_(block), same_(block.insts.size()), mask_(block.insts.size()) {}

    void run() {
        for (u32 id = 0; id < block_.insts.size(); ++id) {
            Inst& i = block_.insts[id];
            u32* const slots[] = {&i.a, &i.b, &i.c};
            for (unsigned n = 0; n < kArguments[static_cast<unsigned>(i.op)]; ++n) *slots[n] = same_[*slots[n]];
            same_[id] = id;
            state(i, id);
            if (same_[id] == id) value(i, id);
            mask_[id] = possible_bits(block_, i, mask_);
        }
    }

  private:
    bool constant(u32 id, u64* v) const {
        *v = block_.insts[id].imm;
        return block_.insts[id].op == Op::kConst;
    }

    void state(Inst& i, u32 id) {
        if (const u8 size = get_size(i.op)) {
            for (const Range& r : known_) {
                if (r.offset != i.imm || r.size != size) continue;
                // A narrow write cuts its value: what is there is the value only if nothing was cut off.
                if (size < 8 && mask_[r.value] >> size * 8 != 0) continue;
                same_[id] = r.value;
                return;
            }
            known_.push_back({i.imm, size, id});
        } else if (const u8 written = set_size(i.op)) {
            std::erase_if(known_, [&](const Range& r) { return r.overlaps(i.imm, written); });
            known_.push_back({i.imm, written, i.a});
        } else if (i.op == Op::kCall || i.op >= Op::kLoadReserve) {  // whatever else may change state
            known_.clear();
        } else if (i.op == Op::kHigh64 || i.op == Op::kLow64) {
            halves(i, id);
        }
    }

    /// A half of a vector that was just made, or read from the state and is still there.
    void halves(Inst& i, u32 id) {
        const Inst& whole = block_.insts[i.a];
        const bool high = i.op == Op::kHigh64;
        if (whole.op == Op::kMakeV128) {
            same_[id] = high ? whole.a : whole.b;
        } else if (whole.op == Op::kGet128) {
            const auto there = [&](const Range& r) { return r.value == i.a && r.offset == whole.imm && r.size == 16; };
            if (std::find_if(known_.begin(), known_.end(), there) == known_.end()) return;
            i = {.op = Op::kGet64,
                 .guest = i.guest,
                 .imm = whole.imm + (high ? offsetof(V128, hi) : offsetof(V128, lo))};
        }
    }

    void value(Inst& i, u32 id) {
        if (!is_pure(i.op)) return;
        u64 a = 0, b = 0, result = 0;
        const unsigned n = kArguments[static_cast<unsigned>(i.op)];
        const bool a_known = n >= 1 && constant(i.a, &a), b_known = n >= 2 && constant(i.b, &b);
        if (a_known && (n == 1 || (n == 2 && b_known)) && fold(i.op, a, b, &result)) {
            i = {.op = Op::kConst, .guest = i.guest, .imm = result};
            return;
        }
        const bool commutes = i.op == Op::kAdd || i.op == Op::kAnd || i.op == Op::kOr || i.op == Op::kXor ||
                              i.op == Op::kMul || i.op == Op::kEq || i.op == Op::kNe;
        if (commutes && a_known && !b_known) {
            std::swap(i.a, i.b);
            b = a;
            b_known_ = true;
        } else {
            b_known_ = b_known;
        }
        switch (i.op) {
            case Op::kZext8: keep_if((mask_[i.a] & ~u64{0xff}) == 0, id, i.a); break;
            case Op::kZext16: keep_if((mask_[i.a] & ~u64{0xffff}) == 0, id, i.a); break;
            case Op::kZext32: keep_if((mask_[i.a] & ~u64{0xffffffff}) == 0, id, i.a); break;
            case Op::kAdd:
                if (!b_known_) break;
                if (block_.insts[i.a].op == Op::kPc) {
                    if (block_.mode.sf) i = {.op = Op::kPc, .guest = i.guest, .imm = block_.insts[i.a].imm + b};
                    break;
                }
                keep_if(b == 0, id, i.a);
                break;
            case Op::kOr:
            case Op::kXor:
            case Op::kSub: keep_if(b_known_ && b == 0, id, i.a); break;
            case Op::kAnd:
                if (b_known_) simplify_and(i, id, b);
                break;
            case Op::kShr:
                if (b_known_) simplify_shr(i, id, b & 127);
                break;
            case Op::kShl: keep_if(b_known_ && (b & 127) == 0, id, i.a); break;
            default: break;
        }
    }

    void keep_if(bool condition, u32 id, u32 same) {
        if (condition) same_[id] = same;
    }

    void simplify_and(Inst& i, u32 id, u64 m) {
        // An operand of `or` without a bit under the mask does not matter: SO beside the other bits of a CR field.
        for (const Inst* x = &block_.insts[i.a]; x->op == Op::kOr; x = &block_.insts[i.a]) {
            if ((mask_[x->b] & m) == 0)
                i.a = x->a;
            else if ((mask_[x->a] & m) == 0)
                i.a = x->b;
            else
                break;
        }
        const Inst x = block_.insts[i.a];
        u64 n;
        // GT is bit 2, EQ bit 1 of a comparison.
        if (m == 1 && x.op == Op::kShr && constant(x.b, &n)) {
            const Inst& compare = block_.insts[x.a];
            if (compare_bit(i, compare, static_cast<unsigned>(n))) return;
        }
        keep_if((mask_[i.a] & ~m) == 0, id, i.a);
    }

    void simplify_shr(Inst& i, u32 id, u64 n) {
        if (n == 0) return keep_if(true, id, i.a);
        if (n >= 64) return;
        for (const Inst* x = &block_.insts[i.a]; x->op == Op::kOr; x = &block_.insts[i.a]) {
            if (mask_[x->b] >> n == 0)
                i.a = x->a;
            else if (mask_[x->a] >> n == 0)
                i.a = x->b;
            else
                break;
        }
        if (n == 3) compare_bit(i, block_.insts[i.a], 3);
    }

    /// Rewrites i as bit n (3 LT, 2 GT, 1 EQ) of `compare` if that is a comparison.
    bool compare_bit(Inst& i, const Inst& compare, unsigned n) {
        if ((compare.op != Op::kCompareS && compare.op != Op::kCompareU) || n < 1 || n > 3) return false;
        const Op less = compare.op == Op::kCompareS ? Op::kLtS : Op::kLtU;
        const u32 a = n == 2 ? compare.b : compare.a, b = n == 2 ? compare.a : compare.b;
        i = {.op = n == 1 ? Op::kEq : less, .guest = i.guest, .a = a, .b = b};
        return true;
    }

    Block& block_;
    std::vector<u32> same_;  ///< The value to use instead.
    std::vector<u64> mask_;
    std::vector<Range> known_;
    bool b_known_ = false;
};

}  // namespace

bool is_pure(Op op) { return op < Op::kLoad && set_size(op) == 0; }

unsigned arguments(const Inst& inst, u32 out[3]) {
    const unsigned n = kArguments[static_cast<unsigned>(inst.op)];
    const u32 all[] = {inst.a, inst.b, inst.c};
    std::copy_n(all, n, out);
    return n;
}

void simplify(Block& block) { Simplifier(block).run(); }

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
        } else if (!is_pure(i.op)) {
            covered.clear();
        }
    }
}

Liveness liveness(const Block& block) {
    const std::size_t n = block.insts.size();
    Liveness l{std::vector<u32>(n), std::vector<u32>(n), std::vector<bool>(n)};
    u32 args[3];
    for (std::size_t id = n; id-- > 0;) {
        const Inst& i = block.insts[id];
        if (is_pure(i.op) && l.uses[id] == 0) continue;
        if (l.last_use[id] == 0) l.last_use[id] = static_cast<u32>(id);
        const u32 at = l.fused[id] ? l.last_use[id] : static_cast<u32>(id);
        const unsigned count = arguments(i, args);
        for (unsigned k = 0; k < count; ++k) {
            ++l.uses[args[k]];
            l.last_use[args[k]] = std::max(l.last_use[args[k]], at);
        }
        // The first use met going backwards is the last one; whether it is the only one is known when we get there.
        const auto fusable = [&](u32 id_of) {
            const Op op = block.insts[id_of].op;
            const bool condition = i.op == Op::kExitIf || i.op == Op::kRaiseIf || i.op == Op::kSelect;
            const bool compares = op == Op::kEq || op == Op::kNe || op == Op::kLtS || op == Op::kLtU;
            return (condition && compares) || (i.op == Op::kSet128 && op == Op::kMakeV128);
        };
        if (count >= 1 && fusable(i.a)) l.fused[i.a] = true;
        for (unsigned k = 0; k < count; ++k) {
            if (l.uses[args[k]] > 1) l.fused[args[k]] = false;
        }
    }
    return l;
}

}  // namespace mpower::jit::ir
