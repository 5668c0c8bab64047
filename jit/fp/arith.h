// The arithmetic operations by name, on the raw bits of an element, for scalar and vector instructions alike.
#pragma once

#include <cstdlib>
#include <optional>

#include "jit/fp/soft.h"

namespace mpower::jit::fp {

/// Operands are A, B, C of the A form: a fused operation is A * C + B, a one-operand operation has B.
enum class Operation {
    kAdd,
    kSub,
    kMul,
    kDiv,
    kSqrt,
    kReciprocal,
    kReciprocalRoot,
    kMadd,
    kMsub,
    kNmadd,
    kNmsub,
    kMax,
    kMin,  // IEEE maxNum, minNum
    kMaxC,
    kMinC,
    kMaxJ,
    kMinJ,   // ISA 3.0: as C's ?: and as Java
    kRound,  // to Rounded's precision (frsp)
    kIntegralAway,
    kIntegralZero,
    kIntegralUp,
    kIntegralDown,
    kIntegralCurrent,
};

/// How elements are kept and to which precision results are rounded.
template <class StoredFormat, class RoundedFormat = StoredFormat, bool odd = false>
struct Arithmetic {
    using Stored = StoredFormat;
    using Rounded = RoundedFormat;
    using Bits = typename Stored::Bits;
    static constexpr bool kOdd = odd;
};
using Dp = Arithmetic<Double>;
using DpSp = Arithmetic<Double, Single>;  ///< Single-precision forms on scalar registers.
using Sp = Arithmetic<Single>;
using Qp = Arithmetic<Quad>;
using QpOdd = Arithmetic<Quad, Quad, true>;

/// Packs a result; one of a narrower precision is exact in the stored format.
template <class T, class W>
typename T::Bits pack(Context& c, const Number<W>& n) {
    using Stored = typename T::Stored;
    using Rounded = typename T::Rounded;
    if constexpr (std::is_same_v<Stored, Rounded>)
        return round_to<Stored>(c, n);
    else {
        const auto bits = round_to<Rounded>(c, n);
        if constexpr (std::is_same_v<Rounded, Single> && std::is_same_v<Stored, Double>) return widen_single(bits);
    }
}

template <class T>
u32 result_class(typename T::Bits bits) {
    if constexpr (std::is_same_v<typename T::Rounded, Single> && std::is_same_v<typename T::Stored, Double>) {
        return class_of<Single>(narrow_single(bits));
    } else {
        return class_of<typename T::Stored>(bits);
    }
}

/// The extremum instructions give one of their operands, so they work on bits.
template <class T, Operation op>
typename T::Bits extremum(Context& c, typename T::Bits a_bits, typename T::Bits b_bits) {
    using F = typename T::Stored;
    using enum Operation;
    constexpr bool kMaximum = op == kMax || op == kMaxC || op == kMaxJ;
    const auto a = unpack<F>(a_bits), b = unpack<F>(b_bits);
    const bool signalling = a.kind == Kind::kSignallingNan || b.kind == Kind::kSignallingNan;
    if (signalling) c.raise(fpscr::kVxsnan);
    if constexpr (op == kMaxC || op == kMinC) {
        // src1 > src2 ? src1 : src2, so a NaN or equal operands give src2
        return compare(a, b) == (kMaximum ? cr::kGt : cr::kLt) ? a_bits : b_bits;
    } else if constexpr (op == kMaxJ || op == kMinJ) {
        if (a.nan()) return a_bits;
        if (b.nan()) return b_bits;
    } else if (a.nan() || b.nan()) {
        if (a.kind == Kind::kQuietNan && !b.nan()) return b_bits;
        if (b.kind == Kind::kQuietNan && !a.nan()) return a_bits;
        return (a.nan() ? a_bits : b_bits) | F::kQuiet;
    }
    const u8 order = compare(a, b);
    // -0 is less than +0 here
    const bool a_less = order == cr::kLt || (order == cr::kEq && a.sign && !b.sign);
    return a_less == kMaximum ? b_bits : a_bits;
}

/// The exact path of every operation.
template <class T, Operation op>
typename T::Bits compute_soft(Context& c, typename T::Bits a_bits, typename T::Bits b_bits, typename T::Bits c_bits) {
    using enum Operation;
    using F = typename T::Stored;
    if constexpr (op >= kMax && op <= kMinJ) return extremum<T, op>(c, a_bits, b_bits);
    if constexpr (T::kOdd) c.rounding = Rounding::kOdd;
    const auto b = unpack<F>(b_bits);
    using N = decltype(unpack<F>(b_bits));
    if constexpr (op == kAdd) return pack<T>(c, add(c, unpack<F>(a_bits), b));
    if constexpr (op == kSub) return pack<T>(c, subtract(c, unpack<F>(a_bits), b));
    if constexpr (op == kMul) return pack<T>(c, multiply(c, unpack<F>(a_bits), b));
    if constexpr (op == kDiv) return pack<T>(c, divide(c, unpack<F>(a_bits), b));
    if constexpr (op == kSqrt) return pack<T>(c, square_root(c, b));
    if constexpr (op == kReciprocal || op == kReciprocalRoot) {
        // Estimates: the correctly rounded value is a valid one. XX, FR and FI are not theirs to set.
        const N one{Kind::kFinite, false, 0, decltype(b.significand){1} << kTop<decltype(b.significand)>};
        N root = b;
        if constexpr (op == kReciprocalRoot) root = square_root(c, b);
        const auto r = pack<T>(c, divide(c, one, root));
        c.raised &= ~fpscr::kXx;
        c.fr = c.fi = false;
        return r;
    }
    if constexpr (op == kMadd || op == kMsub || op == kNmadd || op == kNmsub) {
        const auto n = multiply_add(c, unpack<F>(a_bits), b, unpack<F>(c_bits), op == kMsub || op == kNmsub);
        const auto r = pack<T>(c, n);
        // The negation comes after rounding, and leaves a NaN alone.
        return (op == kNmadd || op == kNmsub) && !n.nan() ? r ^ F::kSign : r;
    }
    if constexpr (op == kRound) {
        N nan;
        return pack<T>(c, propagate(c, {&b}, &nan) ? nan : b);
    }
    if constexpr (op >= kIntegralAway) {
        const Rounding mode = op == kIntegralAway   ? Rounding::kNearestAway
                              : op == kIntegralZero ? Rounding::kZero
                              : op == kIntegralUp   ? Rounding::kUp
                              : op == kIntegralDown ? Rounding::kDown
                                                    : c.rounding;
        const auto n = integral<typename T::Rounded>(c, b, mode);
        const bool fr = c.fr, fi = c.fi;
        const auto r = pack<T>(c, n);
        // Only the form that uses RN tells that the value was no integer.
        c.fr = op == kIntegralCurrent && fr;
        c.fi = op == kIntegralCurrent && fi;
        if (c.fi) c.raise(fpscr::kXx);
        return r;
    }
}

/// Results that the host's FPU gives, with the sign of what rounding cut off, found without error by the known
/// transformations (Knuth's TwoSum, a fused residue, Boldo and Muller's ErrFma). Round to nearest only.
struct HostResult {
    double value;
    double residue;  ///< Sign of (exact - value).
};

inline double two_sum_residue(double a, double b, double s) {
    const double t = s - a;
    return (a - (s - t)) + (b - t);
}

/// Whether nothing near the ends of the exponent range can spoil a residue.
inline bool moderate(double v) {
    const u64 biased = std::bit_cast<u64>(v) >> 52 & 0x7ff;
    return biased > 200 && biased < 1850;
}

template <Operation op>
std::optional<HostResult> on_host(double a, double b, double c) {
    using enum Operation;
    if constexpr (op == kAdd || op == kSub) {
        const double y = op == kSub ? -b : b, r = a + y;
        if (moderate(r)) return HostResult{r, two_sum_residue(a, y, r)};
    } else if constexpr (op == kMul) {
        const double r = a * b;
        if (moderate(r)) return HostResult{r, __builtin_fma(a, b, -r)};
    } else if constexpr (op == kDiv) {
        const double r = a / b;
        if (moderate(r) && moderate(a) && moderate(b)) {
            const double rest = __builtin_fma(-r, b, a);
            return HostResult{r, b < 0 ? -rest : rest};
        }
    } else if constexpr (op == kSqrt) {
        const double r = __builtin_sqrt(b);
        if (moderate(b) && b > 0) return HostResult{r, __builtin_fma(-r, r, b)};
    } else if constexpr (op == kMadd || op == kMsub || op == kNmadd || op == kNmsub) {
        const double y = op == kMsub || op == kNmsub ? -b : b, r = __builtin_fma(a, c, y), u = a * c;
        if (moderate(r) && moderate(u) && moderate(y)) {
            const double u_low = __builtin_fma(a, c, -u);
            const double s = y + u_low, s_low = two_sum_residue(y, u_low, s);
            const double t = u + s, t_low = two_sum_residue(u, s, t);
            const double g = (t - r) + t_low;
            return HostResult{r, g + s_low};
        }
    }
    return std::nullopt;
}

/// Rounds a host result to T's precision with FR, FI and XX; nothing if that may overflow or be tiny.
template <class T>
std::optional<double> rounded(Context& c, HostResult host) {
    const bool too_large = host.residue != 0 && (host.residue < 0) == (host.value > 0);
    if constexpr (std::is_same_v<typename T::Rounded, Double>) {
        c.fi = host.residue != 0;
        c.fr = too_large;
    } else {
        // To odd first: truncated, and the last bit set if anything is lost. Rounding that to single, which has less
        // than half of the digits, gives the single nearest to the exact result.
        const double odd = std::bit_cast<double>((std::bit_cast<u64>(host.value) - too_large) | (host.residue != 0));
        const u64 biased = std::bit_cast<u64>(odd) >> 52 & 0x7ff;
        if (biased < 897 || biased >= 1150) return std::nullopt;
        host.value = static_cast<float>(odd);
        c.fi = host.value != odd;
        c.fr = (host.value > odd) == (odd > 0) && c.fi;
    }
    if (c.fi) c.raise(fpscr::kXx);
    return host.value;
}

inline double host_double(u64 bits) { return std::bit_cast<double>(bits); }
inline double host_double(u32 bits) { return std::bit_cast<float>(bits); }

template <class T, Operation op>
typename T::Bits compute(Context& c, typename T::Bits a, typename T::Bits b, typename T::Bits third) {
    using enum Operation;
    if constexpr (sizeof(typename T::Bits) <= 8 && (op <= kSqrt || (op >= kMadd && op <= kNmsub))) {
        if (c.rounding == Rounding::kNearest) {
            const auto host = on_host<op>(host_double(a), host_double(b), host_double(third));
            const auto value = host ? rounded<T>(c, *host) : std::nullopt;
            if (value) {
                const double r = op == kNmadd || op == kNmsub ? -*value : *value;
                if constexpr (sizeof(typename T::Bits) == 8)
                    return std::bit_cast<u64>(r);
                else
                    return std::bit_cast<u32>(static_cast<float>(r));
            }
        }
    }
    return compute_soft<T, op>(c, a, b, third);
}

}  // namespace mpower::jit::fp
