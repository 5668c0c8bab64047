// Forwards state and folds values: simplify().
#include <algorithm>
#include <bit>

#include "jit/ir/passes.h"

namespace mpower::jit::ir {
namespace {

/// Bits of the result that may be one: an upper bound.
u64 possible_bits(const Block& block, const Inst& i, const std::vector<u64>& mask) {
    const auto a = [&] { return mask[i.a]; };
    const auto constant = [&](u32 id) { return block.insts[id].op == Op::kConst; };
    const auto value = [&](u32 id) { return block.insts[id].imm; };
    switch (i.op) {
        case Op::kConst:
        case Op::kInput: return i.imm;
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
        case Op::kCompareU: return 14 | mask[i.c];
        case Op::kVectorTest: return 10;
        case Op::kFloatCompare: return 15;
        case Op::kNarrow: return 0xffffffff;
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
        case Op::kBswap32:
        case Op::kRotl32: return 0xffffffff;
        case Op::kShl32: return constant(i.b) ? static_cast<u32>(a() << (value(i.b) & 31)) : 0xffffffff;
        case Op::kShr32: return constant(i.b) ? static_cast<u32>(a()) >> (value(i.b) & 31) : 0xffffffff;
        case Op::kClz:
        case Op::kCtz:
        case Op::kPopcnt: return 0x7f;
        case Op::kLoad:
        case Op::kLoadBy: return i.access.sign || i.access.size == 8 ? ~u64{0} : (u64{1} << i.access.size * 8) - 1;
        default: return ~u64{0};
    }
}

class Simplifier {
  public:
    explicit Simplifier(Block& block)
        : block_(block), same_(block.insts.size()), mask_(block.insts.size()), uses_(block.insts.size()) {
        u32 args[3];
        for (const Inst& i : block.insts) {
            for (unsigned n = arguments(i, args); n-- > 0;) ++uses_[args[n]];
        }
    }

    void run() {
        for (u32 id = 0; id < block_.insts.size(); ++id) {
            Inst& i = block_.insts[id];
            first_ = i.a, second_ = i.b;
            for_each_argument(i, [&](u32& argument) { argument = same_[argument]; });
            same_[id] = id;
            state(i, id);
            if (same_[id] == id) value(i, id);
            if (is_plain_access(i.op)) distance(i);
            if (i.op == Op::kExitIf) exit_if(i);
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
            if (size == 8 && half_of_known(i, id)) return;
            if (size == 16 && whole_of_known(i, id)) return;
            known_.push_back({i.imm, size, id});
        } else if (const u8 written = set_size(i.op)) {
            std::erase_if(known_, [&](const Range& r) { return r.overlaps(i.imm, written); });
            known_.push_back({i.imm, written, i.a});
        } else if (is_float(i.op)) {
            written_by_float(i, id);
        } else if (is_call(i.op)) {
            known_.clear();
        } else if (i.op == Op::kHigh64 || i.op == Op::kLow64) {
            halves(i, id);
        }
    }

    /// A doubleword of a register that was made of two, or is not in its place yet.
    bool half_of_known(Inst& i, u32 id) {
        for (const Range& r : known_) {
            if (r.size != 16 || !r.covers(i.imm, 8)) continue;
            const bool high = i.imm == r.offset + offsetof(V128, hi);
            const Inst& whole = block_.insts[r.value];
            if (whole.op == Op::kMakeV128)
                same_[id] = high ? whole.a : whole.b;
            else if (block_.late_float && whole.op != Op::kGet128)
                i = {.op = high ? Op::kHigh64 : Op::kLow64, .guest = i.guest, .a = r.value};
            else
                continue;
            return true;
        }
        return false;
    }

    /// A register of which both doublewords are known, and one of them was not read from it: storing them to load them
    /// as one would wait for the stores.
    bool whole_of_known(Inst& i, u32 id) {
        u32 half[2];
        const u64 offsets[] = {offsetof(V128, hi), offsetof(V128, lo)};
        bool written = false;
        for (unsigned n = 0; n < 2; ++n) {
            const auto known = std::find_if(known_.begin(), known_.end(), [&](const Range& r) {
                return r.offset == i.imm + offsets[n] && r.size == 8;
            });
            if (known == known_.end()) return false;
            half[n] = known->value;
            const Inst& value = block_.insts[half[n]];
            written = written || value.op != Op::kGet64 || value.imm != known->offset;
        }
        if (!written) return false;
        known_.push_back({i.imm, 16, id});
        i = {.op = Op::kMakeV128, .guest = i.guest, .a = half[0], .b = half[1]};
        return true;
    }

    /// The target of a floating-point operation has its result, if it is not suppressed: then what it had before, which
    /// the operation gives then.
    void written_by_float(const Inst& i, u32 id) {
        const u64 target = offsetof(CpuState, vsr) + sizeof(V128) * FloatForm::of(i.imm2).target();
        std::erase_if(known_, [&](const Range& r) {
            return r.overlaps(offsetof(CpuState, fpscr), 8) || (i.op != Op::kFloatCompare && r.overlaps(target, 16));
        });
        if (i.op == Op::kFloat) known_.push_back({target + offsetof(V128, hi), 8, id});
        if (i.op == Op::kFloatVector) known_.push_back({target, 16, id});
    }

    /// A half of a vector that was just made, or read from the state and is still there.
    void halves(Inst& i, u32 id) {
        const Inst& whole = block_.insts[i.a];
        const bool high = i.op == Op::kHigh64;
        if (whole.op == Op::kMakeV128) {
            same_[id] = high ? whole.a : whole.b;
        } else if (whole.op == Op::kGet128 && i.a >= block_.kept) {
            const auto there = [&](const Range& r) { return r.value == i.a && r.offset == whole.imm && r.size == 16; };
            if (std::find_if(known_.begin(), known_.end(), there) == known_.end()) return;
            i = {.op = Op::kGet64,
                 .guest = i.guest,
                 .imm = whole.imm + (high ? offsetof(V128, hi) : offsetof(V128, lo))};
        }
    }

    void value(Inst& i, u32 id) {
        if (!is_pure(i.op)) return;
        u64 a = 0, b = 0;
        const unsigned n = argument_count(i.op);
        const bool a_known = n >= 1 && constant(i.a, &a), b_known = n >= 2 && constant(i.b, &b);
        if (const auto result = fold(i.op, a, b); result && a_known && (n == 1 || (n == 2 && b_known))) {
            i = {.op = Op::kConst, .guest = i.guest, .imm = *result};
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
        if (const unsigned bits = bits_of_a(i)) i.a = low_bits_of(i.a, bits);
        if (i.op == Op::kShl || i.op == Op::kShr || i.op == Op::kSar) i.imm = mask_[i.b] <= 63;
        switch (i.op) {
            case Op::kSext8: keep_if((mask_[i.a] & ~u64{0x7f}) == 0, id, i.a); break;
            case Op::kSext16: keep_if((mask_[i.a] & ~u64{0x7fff}) == 0, id, i.a); break;
            case Op::kSext32: keep_if((mask_[i.a] & ~u64{0x7fffffff}) == 0, id, i.a); break;
            case Op::kZext8: keep_if((mask_[i.a] & ~u64{0xff}) == 0, id, i.a); break;
            case Op::kZext16: keep_if((mask_[i.a] & ~u64{0xffff}) == 0, id, i.a); break;
            case Op::kZext32: keep_if((mask_[i.a] & ~u64{0xffffffff}) == 0, id, i.a); break;
            case Op::kAdd:
                if (!b_known_) {
                    simplify_sum(i, id);
                    break;
                }
                if (block_.insts[i.a].op == Op::kPc) {
                    if (block_.mode.sf) i = {.op = Op::kPc, .guest = i.guest, .imm = block_.insts[i.a].imm + b};
                    break;
                }
                if (b == 0) return keep_if(true, id, i.a);
                add_to_sum(i, b);
                break;
            case Op::kOr:
                if (i.a == i.b) return keep_if(true, id, i.a);  // nor rA,rS,rS
                [[fallthrough]];
            case Op::kXor:
            case Op::kSub: keep_if(b_known_ && b == 0, id, i.a); break;
            case Op::kAnd:
                if (b_known_) simplify_and(i, id, b);
                break;
            case Op::kShr:
                if (b_known_) simplify_shr(i, id, b & 127);
                break;
            case Op::kShl: keep_if(b_known_ && (b & 127) == 0, id, i.a); break;
            case Op::kRotl: keep_if(b_known_ && (b & 63) == 0, id, i.a); break;
            case Op::kEq:
            case Op::kNe:
            case Op::kLtS:
            case Op::kLtU:
            case Op::kCompareS:
            case Op::kCompareU: narrow(i); break;
            default: break;
        }
    }

    /// A comparison of what was extended from 32 bits, both in the same way: of those bits.
    void narrow(Inst& i) {
        const bool is_signed = i.op == Op::kLtS || i.op == Op::kCompareS, any = i.op == Op::kEq || i.op == Op::kNe;
        const auto narrows = [&](Op extension) {
            const bool sign = extension == Op::kSext32;
            if (!any && sign != is_signed) return false;
            const auto extended = [&](u32 id) { return block_.insts[id].op == extension; };
            const auto fits = [&](u32 id) {
                u64 v;
                if (constant(id, &v)) return sign ? v == static_cast<u64>(i64{static_cast<i32>(v)}) : v >> 32 == 0;
                return extended(id) || mask_[id] <= (sign ? 0x7fffffff : 0xffffffff);
            };
            if (!(extended(i.a) || extended(i.b)) || !fits(i.a) || !fits(i.b)) return false;
            if (extended(i.a)) i.a = block_.insts[i.a].a;
            if (extended(i.b)) i.b = block_.insts[i.b].a;
            i.imm = 1;
            return true;
        };
        if (i.imm == 0 && !narrows(Op::kZext32)) narrows(Op::kSext32);
    }

    /// A sum that was made before, or with a constant added to it: addresses near each other show that they are.
    void simplify_sum(Inst& i, u32 id) {
        const auto made = [&](u32 a, u32 b) {
            return std::find_if(sums_.rbegin(), sums_.rend(), [&](u32 sum) {
                const Inst& s = block_.insts[sum];
                return (s.a == a && s.b == b) || (s.a == b && s.b == a);
            });
        };
        if (const auto same = made(i.a, i.b); same != sums_.rend()) return keep_if(true, id, *same);
        const u32 operands[] = {i.a, i.b};
        for (unsigned n = 0; n < 2; ++n) {
            const Inst& x = block_.insts[operands[n]];
            u64 distance;
            if (x.op != Op::kAdd || !constant(x.b, &distance)) continue;
            if (const auto sum = made(operands[1 - n], x.a); sum != sums_.rend()) {
                i.a = *sum;
                i.b = x.b;
                return;
            }
        }
        if (sums_.size() == kSums) sums_.erase(sums_.begin());
        sums_.push_back(id);
    }

    /// A constant added to a sum with one.
    void add_to_sum(Inst& i, u64 n) {
        const Inst& x = block_.insts[i.a];
        u64 distance;
        // Nobody else may have the constant, be it by way of the state.
        if (x.op != Op::kAdd || !constant(x.b, &distance) || (i.b != first_ && i.b != second_) || uses_[i.b] != 1)
            return;
        block_.insts[i.b].imm = distance + n;
        i.a = x.a;
    }

    /// How many low bits of its first operand an operation looks at, if not all of them: else 0.
    unsigned bits_of_a(const Inst& i) const {
        switch (i.op) {
            case Op::kSext8:
            case Op::kZext8: return 8;
            case Op::kSext16:
            case Op::kZext16:
            case Op::kBswap16: return 16;
            case Op::kSext32:
            case Op::kZext32:
            case Op::kBswap32:
            case Op::kShl32:
            case Op::kShr32:
            case Op::kRotl32:
            case Op::kRotlWord: return 32;
            default: return 0;
        }
    }

    /// The value before what only changes bits above the low ones.
    u32 low_bits_of(u32 id, unsigned bits) const {
        for (;;) {
            const Inst& x = block_.insts[id];
            const unsigned kept = x.op == Op::kZext8 || x.op == Op::kSext8     ? 8
                                  : x.op == Op::kZext16 || x.op == Op::kSext16 ? 16
                                  : x.op == Op::kZext32 || x.op == Op::kSext32 ? 32
                                                                               : 0;
            if (kept < bits || bits == 0) return id;
            id = x.a;
        }
    }

    void keep_if(bool condition, u32 id, u32 same) {
        if (condition) same_[id] = same;
    }

    /// A constant added to the address is the access's own.
    void distance(Inst& i) {
        u64 n;
        for (const Inst* x = &block_.insts[i.a]; x->op == Op::kAdd && constant(x->b, &n); x = &block_.insts[i.a]) {
            const u64 all = i.imm + n;
            if (all + kFarthest > 2 * kFarthest) return;
            i.imm = all;
            i.a = x->a;
        }
    }

    /// not x, of 0 or 1: the other way round.
    void exit_if(Inst& i) {
        u64 v;
        for (const Inst* x = &block_.insts[i.a]; x->op == Op::kXor || x->op == Op::kEq; x = &block_.insts[i.a]) {
            if (mask_[x->a] > 1 || !constant(x->b, &v) || v != (x->op == Op::kXor)) return;
            i.a = x->a;
            i.imm ^= 1;
        }
    }

    /// A rotation of which the mask leaves a shift.
    void rotate_to_shift(const Inst& i, u64 m) {
        Inst& rotate = block_.insts[i.a];
        u64 n;
        if ((rotate.op != Op::kRotl && rotate.op != Op::kRotlWord) || !constant(rotate.b, &n)) return;
        // Nobody else may have the whole rotation, be it by way of the state.
        if (first_ != i.a || uses_[i.a] != 1) return;
        const bool word = rotate.op == Op::kRotlWord;
        if (word && m >> 32 != 0) return;
        const u64 width = word ? 32 : 64;
        if (n >= width) return;                 // shifts take more of their count than rotations
        const u64 wrapped = (u64{1} << n) - 1;  // the bits that come in from the left
        if (n == 0 && word) {
            rotate.op = Op::kZext32;
        } else if ((m & wrapped) == 0) {
            rotate.op = word ? Op::kShl32 : Op::kShl;
        } else if ((m & ~wrapped) == 0 && uses_[rotate.b] == 1) {
            rotate.op = word ? Op::kShr32 : Op::kShr;
            block_.insts[rotate.b].imm = width - n;
        } else if (word) {
            rotate.op = Op::kRotl32;
        }
        mask_[i.a] = possible_bits(block_, rotate, mask_);
    }

    void simplify_and(Inst& i, u32 id, u64 m) {
        rotate_to_shift(i, m);
        i.a = low_bits_of(i.a, static_cast<unsigned>(std::bit_width(m)));
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
        // GT is bit 2, EQ bit 1, SO bit 0 of a comparison.
        if (m == 1 && x.op == Op::kShr && constant(x.b, &n)) {
            const Inst& compare = block_.insts[x.a];
            if (compare_bit(i, compare, static_cast<unsigned>(n))) return;
        }
        if (m == 1 && is_compare(x.op)) return keep_if(mask_[x.c] <= 1, id, x.c);
        keep_if((mask_[i.a] & ~m) == 0, id, i.a);
        if (same_[id] == id && (m == 0xff || m == 0xffff || m == 0xffffffff)) {
            i = {.op = m == 0xff ? Op::kZext8 : m == 0xffff ? Op::kZext16 : Op::kZext32, .guest = i.guest, .a = i.a};
        }
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
        if (!is_compare(compare.op) || n < 1 || n > 3) return false;
        const Op less = compare.op == Op::kCompareS ? Op::kLtS : Op::kLtU;
        const u32 a = n == 2 ? compare.b : compare.a, b = n == 2 ? compare.a : compare.b;
        i = {.op = n == 1 ? Op::kEq : less, .guest = i.guest, .a = a, .b = b, .imm = compare.imm};
        return true;
    }

    Block& block_;
    std::vector<u32> same_;  ///< The value to use instead.
    std::vector<u64> mask_;
    std::vector<u32> uses_;       ///< As the block was.
    u32 first_ = 0, second_ = 0;  ///< Arguments of the present instruction, as the block was.
    std::vector<Range> known_;
    static constexpr u64 kFarthest = 1 << 30;  ///< Distance of an access that host code can add to its base.
    static constexpr std::size_t kSums = 16;
    std::vector<u32> sums_;  ///< The last ones of two values that are not constant.
    bool b_known_ = false;
};

}  // namespace

void simplify(Block& block) { Simplifier(block).run(); }

std::vector<u64> possible_bits(const Block& block) {
    std::vector<u64> mask(block.insts.size());
    for (u32 id = 0; id < block.insts.size(); ++id) mask[id] = possible_bits(block, block.insts[id], mask);
    return mask;
}

}  // namespace mpower::jit::ir
