// Comparisons, tests and classifications of elements.
#pragma once

#include "jit/fp/arith.h"

namespace mpower::jit::fp {

/// fcmpu, fcmpo and their kin: the nibble of CR and FPCC. An ordered comparison of a NaN is invalid.
template <class F>
u8 compare_raising(Context& c, typename F::Bits a_bits, typename F::Bits b_bits, bool ordered) {
    const auto a = unpack<F>(a_bits), b = unpack<F>(b_bits);
    if (a.kind == Kind::kSignallingNan || b.kind == Kind::kSignallingNan) {
        c.raise(fpscr::kVxsnan);
        if (ordered && !c.ve) c.raise(fpscr::kVxvc);
    } else if (ordered && (a.nan() || b.nan())) {
        c.raise(fpscr::kVxvc);
    }
    return compare(a, b);
}

/// Test for software divide: 0b1 || fg || fe || 0. `a`, `b` are the dividend and the divisor.
template <class F>
u8 test_divide(typename F::Bits a_bits, typename F::Bits b_bits) {
    const auto a = unpack<F>(a_bits), b = unpack<F>(b_bits);
    const auto biased = [](typename F::Bits v) { return static_cast<int>(v >> F::kFraction) & F::kMaxBiased; };
    const int ea = biased(a_bits) - F::kBias, eb = biased(b_bits) - F::kBias;
    const bool denormal_b = biased(b_bits) == 0 && !b.zero();
    const bool fg = a.infinite() || b.infinite() || b.zero() || denormal_b;
    const bool fe =
        a.infinite() || a.nan() || b.infinite() || b.nan() || b.zero() || eb <= F::kMinExponent || eb >= F::kBias - 2 ||
        (!a.zero() && (ea - eb >= F::kBias || ea - eb <= F::kMinExponent + 1 || ea <= F::kMinExponent + F::kFraction));
    return static_cast<u8>(8 | fg << 2 | fe << 1);
}

/// Test for software square root.
template <class F>
u8 test_square_root(typename F::Bits b_bits) {
    const auto b = unpack<F>(b_bits);
    const int biased = static_cast<int>(b_bits >> F::kFraction) & F::kMaxBiased;
    const bool fg = b.infinite() || b.zero() || biased == 0;
    const bool fe =
        b.infinite() || b.nan() || b.zero() || b.sign || biased - F::kBias <= F::kMinExponent + F::kFraction;
    return static_cast<u8>(8 | fg << 2 | fe << 1);
}

/// Whether a number is of one of the classes of DCMX: NaN, +inf, -inf, +0, -0, +denormal, -denormal.
template <class F>
bool in_data_class(typename F::Bits bits, u32 dcmx) {
    const u32 fprf = class_of<F>(bits);
    switch (fprf) {
        case 0b10001: return dcmx & 64;
        case 0b00101: return dcmx & 32;
        case 0b01001: return dcmx & 16;
        case 0b00010: return dcmx & 8;
        case 0b10010: return dcmx & 4;
        case 0b10100: return dcmx & 2;
        case 0b11000: return dcmx & 1;
        default: return false;
    }
}

}  // namespace mpower::jit::fp
