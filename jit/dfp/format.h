// The formats of decimal floating point (Power ISA, Book I 5.4) and the numbers in them.
#pragma once

#include "jit/dfp/declet.h"

namespace mpower::jit::dfp {

/// 10^n for 0 <= n <= 38, all that a u128 can hold.
inline constexpr auto kPowers = [] {
    std::array<u128, 39> table{1};
    for (std::size_t n = 1; n < table.size(); ++n) table[n] = table[n - 1] * 10;
    return table;
}();
constexpr u128 power(int n) { return kPowers[static_cast<unsigned>(n)]; }

/// Decimal digits of v; 0 has none.
constexpr int digits_of(u128 v) {
    int n = 0;
    while (n < 39 && v >= power(n)) ++n;
    return n;
}

/// The precision and the range of a format: coefficient < 10^digits, min <= exponent <= max ("right-units view"), and
/// what an enabled overflow or underflow moves the exponent by (5.5.10.3).
struct Range {
    int digits, min, max, adjust;
    /// Exponent of the first digit of the least normal and of the greatest number.
    constexpr int least_normal() const { return min + digits - 1; }
    constexpr int greatest() const { return max + digits - 1; }
};

enum class Kind : u8 { kFinite, kInfinity, kQuietNan, kSignallingNan };

/// (-1)^sign * coefficient * 10^exponent. Of infinities and NaNs the coefficient is the trailing significand field,
/// which is a digit shorter; it is 0 in an infinity that an operation generates.
struct Number {
    Kind kind = Kind::kFinite;
    bool sign = false;
    int exponent = 0;
    u128 coefficient = 0;

    constexpr bool finite() const { return kind == Kind::kFinite; }
    constexpr bool infinite() const { return kind == Kind::kInfinity; }
    constexpr bool nan() const { return kind >= Kind::kQuietNan; }
    constexpr bool zero() const { return finite() && coefficient == 0; }
};

/// A format: `continuation` bits of the exponent beside the two in the combination field.
template <class BitsType, int p, int continuation, int bias, int adjust>
struct Format {
    using Bits = BitsType;
    static constexpr int kBias = bias, kContinuation = continuation, kTrailing = 10 * (p - 1) / 3;
    static constexpr int kMaxBiased = (3 << continuation) - 1;
    static constexpr Range kRange{p, -bias, kMaxBiased - bias, adjust};
};
using Short = Format<u32, 7, 6, 101, 0>;
using Long = Format<u64, 16, 8, 398, 576>;
using Extended = Format<u128, 34, 12, 6176, 9216>;

/// Any bits are a number: declets need not be canonical, and bits that a special symbol does not use are ignored.
template <class F>
constexpr Number unpack(typename F::Bits bits) {
    const u32 top = static_cast<u32>(bits >> (F::kTrailing + F::kContinuation)) & 31;
    const u32 low = static_cast<u32>(bits >> F::kTrailing) & ((1u << F::kContinuation) - 1);
    Number n{.sign = (bits >> (sizeof bits * 8 - 1)) != 0};
    for (int shift = F::kTrailing - 10; shift >= 0; shift -= 10)
        n.coefficient = n.coefficient * 1000 + kOfDeclet[static_cast<u32>(bits >> shift) & 1023];
    if (top >= 30) {
        const bool signalling = low >> (F::kContinuation - 1);
        n.kind = top == 30 ? Kind::kInfinity : signalling ? Kind::kSignallingNan : Kind::kQuietNan;
        return n;
    }
    const u32 first = top >= 24 ? 8 | (top & 1) : top & 7, high = top >= 24 ? top >> 1 & 3 : top >> 3;
    n.coefficient += first * power(F::kRange.digits - 1);
    n.exponent = static_cast<int>(high << F::kContinuation | low) - F::kBias;
    return n;
}

/// The canonical bits of a number that is within the format. Of a special symbol, the low digits that it has room for.
template <class F>
constexpr typename F::Bits pack(const Number& n) {
    using Bits = typename F::Bits;
    u128 rest = n.coefficient;
    Bits bits = 0;
    for (int shift = 0; shift < F::kTrailing; shift += 10) {
        bits |= static_cast<Bits>(kDeclet[static_cast<u32>(rest % 1000)]) << shift;
        rest /= 1000;
    }
    const u32 first = static_cast<u32>(rest), biased = static_cast<u32>(n.exponent + F::kBias);
    const u32 high = biased >> F::kContinuation;
    u32 top = first >= 8 ? 24 | high << 1 | (first & 1) : high << 3 | first;
    u32 low = biased & ((1u << F::kContinuation) - 1);
    if (!n.finite()) {
        top = n.infinite() ? 30 : 31;
        low = n.kind == Kind::kSignallingNan ? 1u << (F::kContinuation - 1) : 0;
    }
    return bits | static_cast<Bits>(low) << F::kTrailing | static_cast<Bits>(top) << (F::kTrailing + F::kContinuation) |
           static_cast<Bits>(n.sign) << (sizeof bits * 8 - 1);
}

constexpr bool subnormal(const Number& n, const Range& r) {
    return n.finite() && n.coefficient != 0 && n.exponent + digits_of(n.coefficient) - 1 < r.least_normal();
}

/// FPRF of a result (figure "Floating-Point Result Flags", 5.2.2): as of binary results, and signalling NaNs.
constexpr u32 class_of(const Number& n, const Range& r) {
    switch (n.kind) {
        case Kind::kQuietNan: return 0b10001;
        case Kind::kSignallingNan: return 0b00001;
        case Kind::kInfinity: return n.sign ? 0b01001 : 0b00101;
        default: break;
    }
    if (n.zero()) return n.sign ? 0b10010 : 0b00010;
    return (n.sign ? 0b01000 : 0b00100) | (subnormal(n, r) ? 0b10000 : 0);
}

}  // namespace mpower::jit::dfp
