#include "jit/vmx/emit.h"

#include <cstdlib>

namespace mpower::jit::vmx {
namespace {

template <class F>
V128 halves(const V128& a, const V128& b, F f) {
    return {f(a.lo, b.lo), f(a.hi, b.hi)};
}

/// The definition of a bitwise operation.
ir::VectorFunction function_of(Lanes op) {
    using L = Lanes;
    switch (op) {
        case L::kAnd:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return x & y; });
            };
        case L::kAndNot:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return x & ~y; });
            };
        case L::kOr:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return x | y; });
            };
        case L::kXor:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return x ^ y; });
            };
        case L::kNor:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return ~(x | y); });
            };
        case L::kOrNot:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return x | ~y; });
            };
        case L::kNand:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return ~(x & y); });
            };
        case L::kEqv:
            return [](const V128& a, const V128& b, const V128&, u64) {
                return halves(a, b, [](u64 x, u64 y) { return ~(x ^ y); });
            };
        default: std::abort();
    }
}

template <bool from_right>
V128 permute(const V128& a, const V128& b, const V128& numbers, u64) {
    const auto bytes = std::bit_cast<std::array<u8, 32>>(std::array{b, a});  // the first is the rightmost
    return map<u8>(numbers, [&](u8 n) { return bytes[(n & 31) ^ (from_right ? 0 : 31)]; });
}

V128 shift_double(const V128& a, const V128& b, const V128&, u64 bytes) {
    return bytes == 0 ? a : vector_of(whole(a) << (8 * bytes) | whole(b) >> (128 - 8 * bytes));
}

V128 pick_doublewords(const V128& a, const V128& b, const V128&, u64 n) {
    return {n & 1 ? b.lo : b.hi, n & 2 ? a.lo : a.hi};
}

V128 splat(const V128& a, const V128&, const V128&, u64 n) {
    const u32 w = lanes<u32>(a)[3 - n];
    return of_lanes<u32>({w, w, w, w});
}

template <bool high>
V128 merge_words(const V128& a, const V128& b, const V128&, u64) {
    const auto x = lanes<u32>(a), y = lanes<u32>(b);
    return of_lanes<u32>({y[2 * high], x[2 * high], y[2 * high + 1], x[2 * high + 1]});
}

template <class T>
V128 reverse_bytes(const V128& a, const V128&, const V128&, u64) {
    return map<T>(a, [](T v) {
        auto bytes = std::bit_cast<std::array<u8, sizeof(T)>>(v);
        for (std::size_t n = 0; n < sizeof(T) / 2; ++n) std::swap(bytes[n], bytes[sizeof(T) - 1 - n]);
        return std::bit_cast<T>(bytes);
    });
}

V128 reverse_words(const V128& a, const V128&, const V128&, u64) { return vector<u32>(lanes<u32>(a)); }

}  // namespace

void logic(Builder& b, Lanes op, u32 t, u32 x, u32 y) {
    const Value v = b.vsr(x);
    if (x == y && op == Lanes::kOr) return b.set_vsr(t, v);
    if (x == y && op == Lanes::kXor) return b.set_vsr(t, b.make_v128(b.imm(0), b.imm(0)));
    b.set_vsr(t, b.vector(function_of(op), op, v, b.vsr(y), v));
}

Value select(Builder& b, Value x, Value y, Value mask) {
    return b.vector(
        [](const V128& p, const V128& q, const V128& m, u64) -> V128 {
            return {(p.lo & ~m.lo) | (q.lo & m.lo), (p.hi & ~m.hi) | (q.hi & m.hi)};
        },
        Lanes::kSelect, x, y, mask);
}

Value permuted(Builder& b, Value x, Value y, Value numbers, bool from_right) {
    return from_right ? b.vector(permute<true>, Lanes::kPermuteRight, x, y, numbers)
                      : b.vector(permute<false>, Lanes::kPermute, x, y, numbers);
}

Value shift_pair(Builder& b, Value x, Value y, u32 n) {
    return n == 0 ? x : b.vector(shift_double, Lanes::kShiftPair, x, y, x, n);
}

Value doublewords(Builder& b, Value x, Value y, bool n, bool m) {
    return b.vector(pick_doublewords, Lanes::kDoublewords, x, y, x, u64{n} << 1 | m);
}

Value splat_word(Builder& b, Value x, u32 n) { return b.vector(splat, Lanes::kSplat32, x, x, x, n & 3); }

Value merged_words(Builder& b, Value x, Value y, bool high) {
    return high ? b.vector(merge_words<true>, Lanes::kMergeHigh32, x, y, x)
                : b.vector(merge_words<false>, Lanes::kMergeLow32, x, y, x);
}

Value reversed(Builder& b, Value x, u32 size) {
    switch (size) {
        case 2: return b.vector(reverse_bytes<u16>, Lanes::kReverse16, x, x, x);
        case 4: return b.vector(reverse_bytes<u32>, Lanes::kReverse32, x, x, x);
        case 8: return b.vector(reverse_bytes<u64>, Lanes::kReverse64, x, x, x);
        default:
            return b.vector([](const V128& a, const V128&, const V128&, u64) { return vector<u8>(lanes<u8>(a)); },
                            Lanes::kReverse128, x, x, x);
    }
}

Value words_reversed(Builder& b, Value x) { return b.vector(reverse_words, Lanes::kReverseWords, x, x, x); }

}  // namespace mpower::jit::vmx
