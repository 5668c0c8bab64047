// Random operands with the values that break arithmetic.
#pragma once

#include <random>

#include "jit/state.h"

namespace mpower::differential {

class Random {
  public:
    explicit Random(u64 seed) : engine_(seed) {}

    u64 bits() { return engine_(); }
    u32 below(u32 n) { return static_cast<u32>((engine_() >> 32) * n >> 32); }
    bool one_in(u32 n) { return below(n) == 0; }
    i64 between(i64 low, i64 high) { return low + below(static_cast<u32>(high - low + 1)); }

    /// Doubleword for a GPR: limits of words and doublewords, small numbers, single bits, or any.
    u64 integer();
    /// Bits of a double: zeros, denormals, limits, infinities, NaNs of both kinds, near-equal exponents, or any.
    u64 real64();
    u32 real32();
    /// A vector register: doubles, singles, small elements or any bits.
    jit::V128 vector();

  private:
    std::mt19937_64 engine_;
};

}  // namespace mpower::differential
