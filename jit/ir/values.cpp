// What values are: of constants, and when hot code was asked for.
#include <algorithm>
#include <bit>

#include "jit/ir/passes.h"

namespace mpower::jit::ir {

std::optional<u64> fold(Op op, u64 a, u64 b) {
    const u64 n = b & 127;
    switch (op) {
        case Op::kAdd: return a + b;
        case Op::kSub: return a - b;
        case Op::kMul: return a * b;
        case Op::kNeg: return -a;
        case Op::kAnd: return a & b;
        case Op::kOr: return a | b;
        case Op::kXor: return a ^ b;
        case Op::kAndNot: return a & ~b;
        case Op::kNot: return ~a;
        case Op::kShl: return n < 64 ? a << n : 0;
        case Op::kShr: return n < 64 ? a >> n : 0;
        case Op::kRotl: return std::rotl(a, static_cast<int>(b & 63));
        case Op::kSext8: return static_cast<u64>(i64{static_cast<i8>(a)});
        case Op::kSext16: return static_cast<u64>(i64{static_cast<i16>(a)});
        case Op::kSext32: return static_cast<u64>(i64{static_cast<i32>(a)});
        case Op::kZext8: return static_cast<u8>(a);
        case Op::kZext16: return static_cast<u16>(a);
        case Op::kZext32: return static_cast<u32>(a);
        case Op::kEq: return a == b;
        case Op::kNe: return a != b;
        case Op::kLtS: return static_cast<i64>(a) < static_cast<i64>(b);
        case Op::kLtU: return a < b;
        default: return {};
    }
}

std::optional<u64> ValuesThen::value(const Block& block, u32 id, std::size_t end) {
    if (gpr_ == nullptr) return {};
    while (values_.size() < end) {
        const Inst& i = block.insts[values_.size()];
        values_.push_back(of(i));
        if (const u8 size = set_size(i.op)) {
            std::erase_if(written_, [&](const Range& r) { return r.overlaps(i.imm, size); });
            written_.push_back({i.imm, size, i.a});
        } else if (is_call(i.op)) {
            gpr_ = nullptr;
            return {};
        }
    }
    return values_[id];
}

std::optional<u64> ValuesThen::of(const Inst& i) const {
    if (const u8 size = get_size(i.op)) {
        for (const Range& r : written_) {
            if (r.offset == i.imm && r.size == size) return values_[r.value];
            if (r.overlaps(i.imm, size)) return {};
        }
        if (i.op == Op::kGet64 && is_gpr(i.imm)) return gpr_[i.imm / 8];
        return {};
    }
    u32 ids[3];
    const unsigned count = arguments(i, ids);
    const auto known = [&](unsigned n) { return values_[ids[n]]; };
    if (i.op == Op::kConst) return i.imm;
    if (!is_pure(i.op) || count == 0 || !known(0) || (count > 1 && i.op != Op::kSelect && !known(1))) return {};
    const u64 a = *known(0), b = count > 1 ? known(1).value_or(0) : 0;
    switch (i.op) {
        case Op::kSelect: return known(a != 0 ? 1 : 2);
        case Op::kCompareS:
            return a == b ? 2 : static_cast<i64>(a) < static_cast<i64>(b) ? 8 : 4;  // SO is seldom asked
        case Op::kCompareU: return a == b ? 2 : a < b ? 8 : 4;
        default: return count <= 2 ? fold(i.op, a, b) : std::nullopt;
    }
}

}  // namespace mpower::jit::ir
