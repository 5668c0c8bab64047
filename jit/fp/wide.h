// Integers wide enough to hold the exact product of two significands: u128 for double and narrower, U256 for quad.
#pragma once

#include <bit>

#include "base/types.h"

namespace mpower::jit::fp {

struct U256 {
    u128 hi = 0, lo = 0;

    constexpr U256() = default;
    constexpr U256(u128 low) : lo(low) {}  // NOLINT: an integer like any other
    constexpr U256(u128 high, u128 low) : hi(high), lo(low) {}
    constexpr bool operator==(const U256&) const = default;
    constexpr explicit operator u128() const { return lo; }
};

constexpr U256 operator|(U256 a, U256 b) { return {a.hi | b.hi, a.lo | b.lo}; }
constexpr U256 operator&(U256 a, U256 b) { return {a.hi & b.hi, a.lo & b.lo}; }
constexpr U256 operator+(U256 a, U256 b) {
    const u128 lo = a.lo + b.lo;
    return {a.hi + b.hi + (lo < a.lo), lo};
}
constexpr U256 operator-(U256 a, U256 b) { return {a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo}; }
constexpr bool operator<(U256 a, U256 b) { return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo; }
/// n in 0..255, as for the shifts of built-in types.
constexpr U256 operator<<(U256 a, int n) {
    if (n == 0) return a;
    if (n >= 128) return {a.lo << (n - 128), 0};
    return {a.hi << n | a.lo >> (128 - n), a.lo << n};
}
constexpr U256 operator>>(U256 a, int n) {
    if (n == 0) return a;
    if (n >= 128) return {0, a.hi >> (n - 128)};
    return {a.hi >> n, a.lo >> n | a.hi << (128 - n)};
}

template <class W>
constexpr int kBits = static_cast<int>(sizeof(W) * 8);

constexpr int leading_zeros(u128 v) {
    const u64 hi = static_cast<u64>(v >> 64);
    return hi != 0 ? std::countl_zero(hi) : 64 + std::countl_zero(static_cast<u64>(v));
}
constexpr int leading_zeros(U256 v) { return v.hi != 0 ? leading_zeros(v.hi) : 128 + leading_zeros(v.lo); }

/// v >> n for any n >= 0, with the lowest bit set if a one was lost: rounding still sees that the value is inexact.
template <class W>
constexpr W shift_right_jam(W v, int n) {
    if (n == 0) return v;
    if (n >= kBits<W>) return v == W{0} ? W{0} : W{1};
    const bool lost = !(v << (kBits<W> - n) == W{0});
    return v >> n | W{lost};
}

/// Product of the upper halves of a and b.
constexpr u128 multiply_tops(u128 a, u128 b) { return u128{static_cast<u64>(a >> 64)} * static_cast<u64>(b >> 64); }
constexpr U256 multiply_tops(U256 a, U256 b) {
    const u64 a1 = static_cast<u64>(a.hi >> 64), a0 = static_cast<u64>(a.hi);
    const u64 b1 = static_cast<u64>(b.hi >> 64), b0 = static_cast<u64>(b.hi);
    return U256{u128{a1} * b1, u128{a0} * b0} + (U256{u128{a1} * b0} << 64) + (U256{u128{a0} * b1} << 64);
}

}  // namespace mpower::jit::fp
