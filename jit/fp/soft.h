// Exact floating-point arithmetic on integers, for every format, rounding mode and exception of the Power ISA (Book I
// 4.4-4.6, 7.3): a number is unpacked, an operation gives the exact result (its lowest bit "sticky"), round_to packs
// it.
//
// NaN rule: the first operand that is a NaN, quieted; without one, the default NaN, which is positive. The definitions
// pass operands in the ISA's order of precedence (A, B, C: the addend of a fused operation is B).
#pragma once

#include <concepts>
#include <initializer_list>

#include "jit/fp/fpscr.h"
#include "jit/fp/wide.h"

namespace mpower::jit::fp {

/// `exponent_adjust` is what an enabled overflow or underflow moves the exponent by.
template <class BitsType, class WideType, int fraction_bits, int exponent_bits, int exponent_adjust>
struct Format {
    using Bits = BitsType;
    using Wide = WideType;
    static constexpr int kFraction = fraction_bits;
    static constexpr int kMaxBiased = (1 << exponent_bits) - 1;
    static constexpr int kBias = kMaxBiased >> 1;
    static constexpr int kMinExponent = 1 - kBias;
    static constexpr int kAdjust = exponent_adjust;
    static constexpr Bits kFractionMask = static_cast<Bits>((u128{1} << fraction_bits) - 1);
    static constexpr Bits kSign = static_cast<Bits>(u128{1} << (fraction_bits + exponent_bits));
    static constexpr Bits kInfinity = static_cast<Bits>(u128(kMaxBiased) << fraction_bits);
    static constexpr Bits kQuiet = static_cast<Bits>(u128{1} << (fraction_bits - 1));
    static constexpr Bits kDefaultNan = static_cast<Bits>(kInfinity | kQuiet);
};
using Half = Format<u16, u128, 10, 5, 0>;
using Single = Format<u32, u128, 23, 8, 192>;
using Double = Format<u64, u128, 52, 11, 1536>;
using Quad = Format<u128, U256, 112, 15, 24576>;

enum class Kind : u8 { kZero, kFinite, kInfinity, kQuietNan, kSignallingNan };

/// Bit of a significand that stands for 1: one bit of headroom above it.
template <class W>
constexpr int kTop = kBits<W> - 2;

/// (-1)^sign * significand / 2^kTop * 2^exponent; a finite significand has bit kTop as its highest. A NaN's fraction is
/// left-aligned below kTop, so that it keeps its place from format to format.
template <class W>
struct Number {
    Kind kind = Kind::kZero;
    bool sign = false;
    int exponent = 0;
    W significand{};

    bool nan() const { return kind >= Kind::kQuietNan; }
    bool zero() const { return kind == Kind::kZero; }
    bool infinite() const { return kind == Kind::kInfinity; }
    Number negated() const {
        Number n = *this;
        n.sign = !sign;
        return n;
    }
};

/// Brings the highest one of the significand to kTop.
template <class W>
Number<W> normalize(Number<W> n) {
    const int zeros = leading_zeros(n.significand);
    if (zeros == 0) {
        n.significand = shift_right_jam(n.significand, 1);
    } else {
        n.significand = n.significand << (zeros - 1);
    }
    n.exponent += 1 - zeros;
    return n;
}

template <class F, class W = typename F::Wide>
Number<W> unpack(typename F::Bits bits) {
    const auto fraction = static_cast<typename F::Bits>(bits & F::kFractionMask);
    const int biased = static_cast<int>(bits >> F::kFraction) & F::kMaxBiased;
    Number<W> n{.kind = Kind::kFinite, .sign = (bits & F::kSign) != 0, .exponent = biased - F::kBias};
    n.significand = W{fraction} << (kTop<W> - F::kFraction);
    if (biased == F::kMaxBiased) {
        n.kind = fraction == 0 ? Kind::kInfinity : fraction & F::kQuiet ? Kind::kQuietNan : Kind::kSignallingNan;
    } else if (biased != 0) {
        n.significand = n.significand | W{1} << kTop<W>;
    } else if (fraction == 0) {
        n.kind = Kind::kZero;
    } else {
        n.exponent = F::kMinExponent;
        n = normalize(n);
    }
    return n;
}

/// Whether the magnitude is rounded up, given its lowest kept bit, the first lost bit and whether more was lost.
inline bool rounds_up(Rounding mode, bool sign, bool lowest, bool half, bool rest) {
    switch (mode) {
        case Rounding::kNearest: return half && (rest || lowest);
        case Rounding::kNearestAway: return half;
        case Rounding::kUp: return !sign && (half || rest);
        case Rounding::kDown: return sign && (half || rest);
        case Rounding::kOdd: return !lowest && (half || rest);
        default: return false;
    }
}

/// Packs n into F. Raises OX, UX and XX; sets FR and FI. Tininess is detected before rounding.
template <class F, class W>
typename F::Bits round_to(Context& c, const Number<W>& n) {
    using Bits = typename F::Bits;
    const Bits sign = n.sign ? F::kSign : Bits{0};
    constexpr int kDropped = kTop<W> - F::kFraction;
    if (n.zero()) return sign;
    if (n.infinite()) return sign | F::kInfinity;
    if (n.nan())
        return static_cast<Bits>(sign | F::kInfinity | F::kQuiet |
                                 (static_cast<Bits>(static_cast<u128>(n.significand >> kDropped)) & F::kFractionMask));
    int exponent = n.exponent;
    W significand = n.significand;
    const bool tiny = exponent < F::kMinExponent;
    if (tiny && c.ue) {
        exponent += F::kAdjust;
    } else if (tiny) {
        significand = shift_right_jam(significand, F::kMinExponent - exponent);
        exponent = F::kMinExponent;
    }
    W kept = significand >> kDropped;
    const W lost = significand & ((W{1} << kDropped) - W{1}), half = W{1} << (kDropped - 1);
    const bool inexact = !(lost == W{0});
    const bool up = rounds_up(c.rounding, n.sign, !((kept & W{1}) == W{0}), !((lost & half) == W{0}),
                              !((lost & (half - W{1})) == W{0}));
    kept = kept + W{up};
    // The implicit bit of `kept` adds 1 to the exponent field, a carry out of rounding 2, and a denormal nothing.
    const auto whole = static_cast<Bits>(static_cast<u128>(kept));
    int biased = exponent + F::kBias - 1 + static_cast<int>(whole >> F::kFraction);
    // A carry leaves a zero fraction, so the field is exact either way.
    if (tiny && (inexact || c.ue)) c.raise(fpscr::kUx);
    c.fi = inexact;
    c.fr = up;
    if (biased >= F::kMaxBiased) {
        c.raise(fpscr::kOx);
        if (!c.oe) {
            c.raise(fpscr::kXx);
            c.fi = true;
            const bool to_infinity = rounds_up(c.rounding, n.sign, true, true, true);
            c.fr = to_infinity;
            return sign | static_cast<Bits>(F::kInfinity - (to_infinity ? 0 : 1));
        }
        biased -= F::kAdjust;
    }
    if (inexact) c.raise(fpscr::kXx);
    return static_cast<Bits>(sign | static_cast<Bits>(static_cast<Bits>(biased & F::kMaxBiased) << F::kFraction) |
                             (whole & F::kFractionMask));
}

template <class W>
Number<W> default_nan() {
    return {.kind = Kind::kQuietNan, .sign = false, .exponent = 0, .significand = W{1} << (kTop<W> - 1)};
}

/// An invalid operation: raises `why`.
template <class W>
Number<W> invalid(Context& c, u64 why) {
    c.raise(why);
    return default_nan<W>();
}

template <class W>
Number<W> quieted(Number<W> n) {
    n.kind = Kind::kQuietNan;
    n.significand = n.significand | W{1} << (kTop<W> - 1);
    return n;
}

/// If an operand is a NaN: raises VXSNAN where due, sets *out to the NaN that is the result, returns true.
template <class W>
bool propagate(Context& c, std::initializer_list<const Number<W>*> operands, Number<W>* out) {
    const Number<W>* first = nullptr;
    for (const Number<W>* n : operands) {
        if (n->kind == Kind::kSignallingNan) c.raise(fpscr::kVxsnan);
        if (first == nullptr && n->nan()) first = n;
    }
    if (first == nullptr) return false;
    *out = quieted(*first);
    return true;
}

/// Sum of two numbers that are no NaNs. The zero of x - x is negative only when rounding down.
template <class W>
Number<W> sum(Context& c, Number<W> a, Number<W> b) {
    const bool cancel_sign = c.rounding == Rounding::kDown;
    if (a.infinite() || b.infinite()) {
        if (a.infinite() && b.infinite() && a.sign != b.sign) return invalid<W>(c, fpscr::kVxisi);
        return a.infinite() ? a : b;
    }
    if (a.zero() && b.zero()) {
        if (a.sign != b.sign) a.sign = cancel_sign;
        return a;
    }
    if (a.zero()) return b;
    if (b.zero()) return a;
    if (a.exponent < b.exponent) std::swap(a, b);
    W small = shift_right_jam(b.significand, a.exponent - b.exponent);
    if (a.sign == b.sign) {
        a.significand = a.significand + small;
    } else {
        if (a.significand == small) return {.kind = Kind::kZero, .sign = cancel_sign};
        if (a.significand < small) {
            std::swap(a.significand, small);
            a.sign = b.sign;
        }
        a.significand = a.significand - small;
    }
    return normalize(a);
}

/// Product of two numbers that are no NaNs; exact, because significands fill the upper half of W at most.
template <class W>
Number<W> product(Context& c, const Number<W>& a, const Number<W>& b) {
    const bool sign = a.sign != b.sign;
    if (a.infinite() || b.infinite()) {
        if (a.zero() || b.zero()) return invalid<W>(c, fpscr::kVximz);
        return {.kind = Kind::kInfinity, .sign = sign};
    }
    if (a.zero() || b.zero()) return {.kind = Kind::kZero, .sign = sign};
    // Tops have their ones at kTop / 2, so their product has 1 * 1 at kTop: bit kTop or kTop + 1 is the highest.
    return normalize(
        Number<W>{Kind::kFinite, sign, a.exponent + b.exponent, multiply_tops(a.significand, b.significand) << 2});
}

template <class W>
Number<W> add(Context& c, const Number<W>& a, const Number<W>& b) {
    Number<W> r;
    return propagate(c, {&a, &b}, &r) ? r : sum(c, a, b);
}

template <class W>
Number<W> subtract(Context& c, const Number<W>& a, const Number<W>& b) {
    Number<W> r;
    return propagate(c, {&a, &b}, &r) ? r : sum(c, a, b.negated());
}

template <class W>
Number<W> multiply(Context& c, const Number<W>& a, const Number<W>& b) {
    Number<W> r;
    return propagate(c, {&a, &b}, &r) ? r : product(c, a, b);
}

/// a * f + b, or a * f - b. Infinity times zero is invalid even if the addend is a NaN (which is then the result).
template <class W>
Number<W> multiply_add(Context& c, const Number<W>& a, const Number<W>& b, const Number<W>& f, bool subtracts) {
    Number<W> r;
    const bool nan_factor = a.nan() || f.nan();
    Number<W> p;
    if (!nan_factor) p = product(c, a, f);
    if (propagate(c, {&a, &b, &f}, &r)) return r;
    if (p.nan()) return p;
    return sum(c, p, subtracts ? b.negated() : b);
}

template <class W>
Number<W> divide(Context& c, const Number<W>& a, const Number<W>& b) {
    Number<W> r;
    if (propagate(c, {&a, &b}, &r)) return r;
    const bool sign = a.sign != b.sign;
    if (a.infinite()) return b.infinite() ? invalid<W>(c, fpscr::kVxidi) : Number<W>{Kind::kInfinity, sign};
    if (b.infinite()) return {Kind::kZero, sign};
    if (b.zero()) {
        if (a.zero()) return invalid<W>(c, fpscr::kVxzdz);
        c.raise(fpscr::kZx);
        return {Kind::kInfinity, sign};
    }
    if (a.zero()) return {Kind::kZero, sign};
    // Schoolbook division: more quotient bits than any format has, the remainder becomes the sticky bit.
    constexpr int kQuotient = kBits<W> / 2 - 4;
    int exponent = a.exponent - b.exponent;
    W rest = a.significand;
    if (rest < b.significand) {
        rest = rest << 1;
        --exponent;
    }
    W quotient{0};
    for (int n = 0; n < kQuotient; ++n) {
        quotient = quotient << 1;
        if (!(rest < b.significand)) {
            rest = rest - b.significand;
            quotient = quotient | W{1};
        }
        rest = rest << 1;
    }
    return {Kind::kFinite, sign, exponent, quotient << (kTop<W> - kQuotient + 1) | W{!(rest == W{0})}};
}

template <class W>
Number<W> square_root(Context& c, const Number<W>& a) {
    Number<W> r;
    if (propagate(c, {&a}, &r)) return r;
    if (a.zero()) return a;
    if (a.sign) return invalid<W>(c, fpscr::kVxsqrt);
    if (a.infinite()) return a;
    // Even exponent; then bit by bit the integer root of the significand, whose highest bit is that of 1 or 2, 3.
    const bool odd = a.exponent & 1;
    W rest = odd ? a.significand << 1 : a.significand;
    W root{0};
    for (W bit = W{1} << kTop<W>; !(bit == W{0}); bit = bit >> 2) {
        const W trial = root | bit;
        root = root >> 1;
        if (!(rest < trial)) {
            rest = rest - trial;
            root = root | bit;
        }
    }
    return {Kind::kFinite, false, (a.exponent - odd) / 2, root << (kTop<W> / 2) | W{!(rest == W{0})}};
}

/// Magnitude of a finite n (exponent at most kTop - 2) as an integer; sets FR and FI.
template <class W>
W round_to_integer(Context& c, const Number<W>& n, Rounding mode) {
    // Two more bits than the integer: the first lost one, and whether there are others.
    const W v = shift_right_jam(n.significand, kTop<W> - 2 - n.exponent);
    const auto has = [&](u32 m) { return !((v & W{m}) == W{0}); };
    c.fi = has(3);
    c.fr = rounds_up(mode, n.sign, has(4), has(2), has(1));
    return (v >> 2) + W{c.fr};
}

/// n rounded to an integral value of F's precision (fri*, xsrdpi*). The caller decides about XX.
template <class F, class W>
Number<W> integral(Context& c, const Number<W>& n, Rounding mode) {
    Number<W> r;
    if (propagate(c, {&n}, &r)) return r;
    if (n.kind != Kind::kFinite || n.exponent >= F::kFraction) return n;
    const W v = round_to_integer(c, n, mode);
    if (v == W{0}) return {.kind = Kind::kZero, .sign = n.sign};
    return normalize(Number<W>{Kind::kFinite, n.sign, kTop<W>, v});
}

/// Integer T from n; out of range and NaN give the nearest end of the range (NaN: the lowest) and VXCVI.
template <std::integral T, class W>
T to_integer(Context& c, const Number<W>& n, Rounding mode) {
    constexpr bool kSigned = std::is_signed_v<T>;
    constexpr T kMin = kSigned ? static_cast<T>(T{1} << (sizeof(T) * 8 - 1)) : T{0};
    constexpr T kMax = static_cast<T>(~kMin);
    const auto out_of_range = [&](T v) {
        c.raise(fpscr::kVxcvi | (n.kind == Kind::kSignallingNan ? fpscr::kVxsnan : 0));
        c.fr = c.fi = false;
        return v;
    };
    if (n.nan()) return out_of_range(kMin);
    if (n.zero()) return 0;
    if (n.infinite() || n.exponent >= static_cast<int>(sizeof(T) * 8)) return out_of_range(n.sign ? kMin : kMax);
    const W magnitude = round_to_integer(c, n, mode);
    const W limit =
        n.sign ? (kSigned ? W{u128(std::make_unsigned_t<T>(kMin))} : W{0}) : W{u128(std::make_unsigned_t<T>(kMax))};
    if (limit < magnitude) return out_of_range(n.sign ? kMin : kMax);
    if (c.fi) c.raise(fpscr::kXx);
    const auto v = static_cast<std::make_unsigned_t<T>>(static_cast<u128>(magnitude));
    return static_cast<T>(n.sign ? -v : v);
}

template <class W, std::integral T>
Number<W> from_integer(T v) {
    if (v == 0) return {};
    const bool sign = std::is_signed_v<T> && v < 0;
    const u128 wide = static_cast<u128>(v);
    return normalize(Number<W>{Kind::kFinite, sign, kTop<W>, W{sign ? -wide : wide}});
}

/// FPRF of a result: class and sign (Book I, figure "Floating-point result flags").
template <class F>
u32 class_of(typename F::Bits bits) {
    const bool sign = (bits & F::kSign) != 0;
    const int biased = static_cast<int>(bits >> F::kFraction) & F::kMaxBiased;
    const bool fraction = (bits & F::kFractionMask) != 0;
    if (biased == F::kMaxBiased) return fraction ? 0b10001 : sign ? 0b01001 : 0b00101;
    if (biased != 0) return sign ? 0b01000 : 0b00100;
    if (fraction) return sign ? 0b11000 : 0b10100;
    return sign ? 0b10010 : 0b00010;
}

/// CR nibble of a comparison, LT GT EQ or unordered.
template <class W>
u8 compare(const Number<W>& a, const Number<W>& b) {
    if (a.nan() || b.nan()) return cr::kSo;
    if (a.zero() && b.zero()) return cr::kEq;
    const auto less = [](const Number<W>& x, const Number<W>& y) {  // of magnitudes
        if (x.kind != y.kind) return x.kind < y.kind;
        if (x.kind != Kind::kFinite) return false;
        return x.exponent != y.exponent ? x.exponent < y.exponent : x.significand < y.significand;
    };
    if (a.sign != b.sign && !(a.zero() && b.zero())) return a.sign ? cr::kLt : cr::kGt;
    if (less(a, b)) return a.sign ? cr::kGt : cr::kLt;
    if (less(b, a)) return a.sign ? cr::kLt : cr::kGt;
    return cr::kEq;
}

/// Single to double as lfs does it: no exceptions, a signalling NaN stays one.
u64 widen_single(u32 bits);
/// Double to single as stfs does it: no exceptions, no rounding; a magnitude below single's range is denormalized by
/// truncation, one above it gives what the ISA's bit selection gives.
u32 narrow_single(u64 bits);

}  // namespace mpower::jit::fp
