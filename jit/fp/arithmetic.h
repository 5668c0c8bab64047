// Binary floating-point operations with Power's results and exceptions, computed by the host's SSE unit.
//
// Values are raw bits of doubles; a single-precision result is a double that a single can hold. The differences between
// the two architectures are settled here: choice and sign of NaNs; tininess, which Power detects before rounding; FR.
#pragma once

#include "jit/fp/fpscr.h"

namespace mpower::jit::fp {

enum class Precision : u8 { kDouble, kSingle };

/// A result and what it does to FPSCR: exceptions, and FR and FI of a scalar operation.
struct Outcome {
    u64 value = 0;
    u64 exceptions = 0;  ///< Bits of fpscr::kExceptions.
    bool fr = false, fi = false;
};

/// Rounding mode as FPSCR[RN]: nearest, zero, +inf, -inf.
using Mode = unsigned;
inline Mode mode_of(const CpuState& s) { return s.fpscr & 3; }

Outcome add(u64 a, u64 b, Mode mode, Precision p);
Outcome subtract(u64 a, u64 b, Mode mode, Precision p);
Outcome multiply(u64 a, u64 b, Mode mode, Precision p);
Outcome divide(u64 a, u64 b, Mode mode, Precision p);
Outcome square_root(u64 b, Mode mode, Precision p);
Outcome reciprocal(u64 b, Mode mode, Precision p);           ///< fre: the exact quotient, which is within the bound.
Outcome reciprocal_root(u64 b, Mode mode, Precision p);      ///< frsqrte: within the bound.
/// +-(a * c +- b), one rounding.
Outcome multiply_add(u64 a, u64 c, u64 b, bool subtract, bool negate, Mode mode, Precision p);
Outcome round_to_single(u64 b, Mode mode);
/// frin, friz, frip, frim (Power's order: nearest with ties away, zero, up, down) and by FPSCR[RN].
enum class Integral : u8 { kTiesAway, kZero, kUp, kDown, kByMode };
Outcome round_to_integral(u64 b, Integral how, Mode mode);

/// To an integer of `bits` bits; saturates with VXCVI. The integer is in the low bits of value.
Outcome to_integer(u64 b, unsigned bits, bool is_signed, Integral how, Mode mode);
Outcome from_integer(u64 x, bool is_signed, Mode mode, Precision p);

// Formats (Book I 4.6.2, 4.6.3): exact, sNaNs stay what they are.
u64 double_of_single(u32 x);
u32 single_of_double(u64 x);
/// A double that a single can hold, rounded; to single bits, sNaN quieted (xvcvdpsp).
inline u32 to_single_bits(u64 x) { return single_of_double(x); }

constexpr bool is_nan(u64 x) { return (x & ~(u64{1} << 63)) > u64{0x7ff} << 52; }
constexpr bool is_signalling(u64 x) { return is_nan(x) && !(x & u64{1} << 51); }
constexpr bool is_infinite(u64 x) { return (x & ~(u64{1} << 63)) == u64{0x7ff} << 52; }
constexpr bool is_zero(u64 x) { return (x & ~(u64{1} << 63)) == 0; }
constexpr bool is_negative(u64 x) { return x >> 63; }
constexpr u64 quiet(u64 x) { return x | u64{1} << 51; }
constexpr u64 kDefaultNan = u64{0x7ff8} << 48;

/// ftdiv, ftsqrt: 8 || fg_flag || fe_flag || 0, which tell software whether its own iteration is safe.
u8 test_for_divide(u64 a, u64 b);
u8 test_for_root(u64 b);
u8 test_single_for_divide(u32 a, u32 b);
u8 test_single_for_root(u32 b);

/// Order of two numbers as a CR field; unordered (8 4 2 1: 1) sets VXSNAN, and VXVC if `ordered` was asked for.
u8 compare(u64 a, u64 b, bool ordered, u64* exceptions);

}  // namespace mpower::jit::fp
