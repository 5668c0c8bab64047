// Decimal arithmetic as the Power ISA has it (Book I 5.5-5.6): exact results, and their rounding. No state but Context.
#pragma once

#include "jit/dfp/format.h"
#include "jit/fp/fpscr.h"

namespace mpower::jit::dfp {

/// FPSCR[DRN].
enum class Rounding : u8 {
    kNearest,
    kZero,
    kUp,
    kDown,
    kNearestAway,
    kNearestZero,
    kAway,
    kShorter,  ///< "To prepare for shorter precision": away from zero where the last digit would be 0 or 5.
};

/// fp::Context with the rounding mode of decimals; the binary one is not looked at.
struct Context : fp::Context {
    Rounding mode = Rounding::kNearest;
    bool wrapped = false;  ///< The result's exponent was moved by Range::adjust.

    Context() = default;
    explicit Context(const CpuState& s)
        : fp::Context(s), mode(static_cast<Rounding>((s.fpscr & fp::fpscr::kDrn) >> 32)) {}
    Context with(Rounding other) const {
        Context c = *this;
        c.mode = other;
        return c;
    }
};

/// A result before rounding, not negative: (coefficient + something in (0, 1) if `more`) * 10^exponent. With `more` it
/// has at least one digit beyond any precision. `ideal` is the exponent that an exact result would like to have.
struct Exact {
    bool sign = false;
    int exponent = 0;
    u128 coefficient = 0;
    bool more = false;
    int ideal = exponent;
};

/// Rounds to a format by c.mode: raises OX, UX, XX; sets FR and FI. Tininess is detected before rounding (5.5.10.4).
/// An exact result takes the exponent closest to the ideal one, another one the least.
Number round(Context& c, Exact e, const Range& r);

constexpr Number infinity(bool sign) { return {.kind = Kind::kInfinity, .sign = sign}; }
/// What an invalid operation gives unless it is enabled.
inline Number invalid(Context& c, u64 why) {
    c.raise(why);
    return {.kind = Kind::kQuietNan};
}
/// A NaN operand as a result; one that signals raises VXSNAN.
Number quieted(Context& c, const Number& n);

// --- operations, on numbers of format r. Every operand may be special.
Number add(Context& c, const Number& a, const Number& b, const Range& r);
Number subtract(Context& c, const Number& a, const Number& b, const Range& r);
Number multiply(Context& c, const Number& a, const Number& b, const Range& r);
Number divide(Context& c, const Number& a, const Number& b, const Range& r);

/// cr::kLt, kGt, kEq or kSo (unordered); raises VXSNAN, and VXVC if ordered.
u32 compare(Context& c, const Number& a, const Number& b, bool ordered);

/// b with the exponent of `pattern`, of which the rest does not matter.
Number quantize(Context& c, const Number& pattern, const Number& b, const Range& r);
/// b with at most `significance` digits; 0: any number.
Number reround(Context& c, int significance, const Number& b, const Range& r);
Number to_integral(Context& c, const Number& b, const Range& r);
/// Saturates and raises VXCVI where there is no such integer; that of a NaN is the least.
i64 to_integer(Context& c, const Number& b);
Number from_integer(Context& c, i64 v, const Range& r);

}  // namespace mpower::jit::dfp
