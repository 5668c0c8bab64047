// How the vector-scalar instructions apply an operation to their registers.
//
// Scalar forms work on doubleword 0 and leave 0 in doubleword 1. Vector forms apply it to each element, record every
// exception, and neither FPRF nor FR and FI; if an enabled exception forbids one element, the target stays as it was.
#pragma once

#include "jit/fp/scalar.h"
#include "jit/isa/insn.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::fp {

using isa::Insn;
using Operation = Outcome (*)(u64 t, u64 a, u64 b, Mode mode);

/// Larger or smaller of two numbers; a NaN operand loses against a number, an sNaN is reported (xsmaxdp, xvmaxdp).
inline Outcome extreme(u64 a, u64 b, bool maximum) {
    Outcome o;
    if (is_signalling(a) || is_signalling(b)) o.exceptions = fpscr::kVxsnan;
    if (is_nan(a) || is_nan(b)) {
        if (is_signalling(a)) o.value = quiet(a);
        else if (is_nan(a)) o.value = is_signalling(b) ? quiet(b) : is_nan(b) ? a : b;
        else o.value = is_signalling(b) ? quiet(b) : a;
        return o;
    }
    u64 ignored;
    const u8 order = compare(a, b, false, &ignored);
    if (order == cr::kEq) {
        // Zeros: the negative one is the smaller.
        o.value = is_negative(a) == maximum ? b : a;
    } else {
        o.value = (order == cr::kGt) == maximum ? a : b;
    }
    return o;
}

/// The C language's (a > b) ? a : b.
inline Outcome extreme_c(u64 a, u64 b, bool maximum) {
    Outcome o;
    if (is_signalling(a) || is_signalling(b)) o.exceptions = fpscr::kVxsnan;
    u64 ignored;
    const u8 order = compare(a, b, false, &ignored);
    o.value = order == (maximum ? cr::kGt : cr::kLt) ? a : b;
    return o;
}

/// Java's Math.max, Math.min: a NaN wins, zeros are ordered.
inline Outcome extreme_j(u64 a, u64 b, bool maximum) {
    Outcome o;
    if (is_signalling(a) || is_signalling(b)) o.exceptions = fpscr::kVxsnan;
    if (is_nan(a)) o.value = a;
    else if (is_nan(b)) o.value = b;
    else o.value = extreme(a, b, maximum).value;
    return o;
}

inline bool suppressed(const CpuState& s, u64 exceptions) {
    return ((exceptions & fpscr::kAllInvalid) && (s.fpscr & fpscr::kVe)) ||
           ((exceptions & fpscr::kZx) && (s.fpscr & fpscr::kZe));
}

template <auto F, bool is_integer>
u64 vsx_scalar_any(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const Outcome o = F(s.vsr[i.xt()].hi, s.vsr[i.xa()].hi, s.vsr[i.xb()].hi, mode_of(s));
    if (finish_scalar(s, o, is_integer)) s.vsr[i.xt()] = {.lo = 0, .hi = o.value};
    return 0;
}
template <auto F>
constexpr ir::Helper vsx_scalar = vsx_scalar_any<F, false>;
template <auto F>
constexpr ir::Helper vsx_scalar_to_integer = vsx_scalar_any<F, true>;

/// Scalar, without FPRF, FR and FI (maximum, minimum).
template <auto F>
u64 vsx_scalar_quiet(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const Outcome o = F(s.vsr[i.xt()].hi, s.vsr[i.xa()].hi, s.vsr[i.xb()].hi, mode_of(s));
    raise(s, o.exceptions);
    if (!suppressed(s, o.exceptions)) s.vsr[i.xt()] = {.lo = 0, .hi = o.value};
    return 0;
}

template <auto F>
u64 vsx_vector_dp(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const V128 t = s.vsr[i.xt()], a = s.vsr[i.xa()], b = s.vsr[i.xb()];
    const Mode mode = mode_of(s);
    const Outcome high = F(t.hi, a.hi, b.hi, mode), low = F(t.lo, a.lo, b.lo, mode);
    const u64 exceptions = high.exceptions | low.exceptions;
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = {.lo = low.value, .hi = high.value};
    return 0;
}

template <auto F>
u64 vsx_vector_sp(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    auto t = vmx::elements<u32>(s.vsr[i.xt()]);
    const auto a = vmx::elements<u32>(s.vsr[i.xa()]), b = vmx::elements<u32>(s.vsr[i.xb()]);
    const Mode mode = mode_of(s);
    u64 exceptions = 0;
    for (std::size_t n = 0; n < 4; ++n) {
        const Outcome o = F(double_of_single(t[n]), double_of_single(a[n]), double_of_single(b[n]), mode);
        exceptions |= o.exceptions;
        t[n] = single_of_double(o.value);
    }
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = vmx::vector<u32>(t);
    return 0;
}

/// Element conversions between sizes: of a doubleword, the word is its left one (and again its right one).
template <bool single, unsigned width, bool is_signed>
u64 vsx_to_integer(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto words = vmx::elements<u32>(s.vsr[i.xb()]);
    const auto doubles = vmx::elements<u64>(s.vsr[i.xb()]);
    vmx::Elements<u32> w{};
    vmx::Elements<u64> d{};
    u64 exceptions = 0;
    constexpr bool kWordToWord = single && width == 32;
    for (std::size_t n = 0; n < (kWordToWord ? 4 : 2); ++n) {
        const u64 x = !single ? doubles[n] : double_of_single(words[kWordToWord ? n : 2 * n]);
        const Outcome o = to_integer(x, width, is_signed, Integral::kZero, 0);
        exceptions |= o.exceptions;
        d[n % 2] = o.value;
        if (kWordToWord) w[n] = static_cast<u32>(o.value);
        else w[2 * n] = w[2 * n + 1] = static_cast<u32>(o.value);
    }
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = width == 64 ? vmx::vector<u64>(d) : vmx::vector<u32>(w);
    return 0;
}

template <bool single, unsigned width, bool is_signed>
u64 vsx_from_integer(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto words = vmx::elements<u32>(s.vsr[i.xb()]);
    const auto doubles = vmx::elements<u64>(s.vsr[i.xb()]);
    vmx::Elements<u32> w{};
    vmx::Elements<u64> d{};
    u64 exceptions = 0;
    constexpr bool kWordToWord = single && width == 32;
    for (std::size_t n = 0; n < (kWordToWord ? 4 : 2); ++n) {
        u64 x = doubles[n % 2];
        if (width == 32) {
            const u32 v = words[kWordToWord ? n : 2 * n];
            x = is_signed ? static_cast<u64>(i64{static_cast<i32>(v)}) : v;
        }
        const Outcome o = from_integer(x, is_signed, mode_of(s), single ? Precision::kSingle : Precision::kDouble);
        exceptions |= o.exceptions;
        d[n % 2] = o.value;
        if (kWordToWord) w[n] = single_of_double(o.value);
        else w[2 * n] = w[2 * n + 1] = single ? single_of_double(o.value) : 0;
    }
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = single ? vmx::vector<u32>(w) : vmx::vector<u64>(d);
    return 0;
}

}  // namespace mpower::jit::fp
