// Vector products and sums (Power ISA, Book I 6.9.1, 6.9.4).
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

template <class T, class Wide>
V128 multiply(V128 a, V128 b, bool odd) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    Elements<Wide> r;
    for (std::size_t n = 0; n < r.size(); ++n) {
        r[n] = static_cast<Wide>(static_cast<Wide>(x[2 * n + !odd]) * static_cast<Wide>(y[2 * n + !odd]));
    }
    return of_lanes<Wide>(r);
}

template <class T, class Word>
V128 sum_across(CpuState& s, V128 a, V128 b) {
    const auto x = lanes<T>(a);
    auto r = lanes<Word>(b);
    constexpr std::size_t kPerWord = 4 / sizeof(T);
    for (std::size_t n = 0; n < 4; ++n) {
        i64 sum = r[n];
        for (std::size_t k = 0; k < kPerWord; ++k) sum += x[kPerWord * n + k];
        r[n] = saturate<Word>(s, sum);
    }
    return of_lanes<Word>(r);
}

/// vsum2sws, vsumsws: `group` words of VRA and the last word of the group of VRB, into that last word.
V128 sum_words(CpuState& s, V128 a, V128 b, std::size_t group) {
    const auto x = elements<i32>(a), y = elements<i32>(b);
    Elements<i32> r{};
    for (std::size_t first = 0; first < 4; first += group) {
        i64 sum = y[first + group - 1];
        for (std::size_t n = first; n < first + group; ++n) sum += x[n];
        r[first + group - 1] = saturate<i32>(s, sum);
    }
    return vector<i32>(r);
}

template <class A, class B, class Word, class F>
V128 multiply_sum(V128 a, V128 b, V128 c, F cut) {
    const auto x = lanes<A>(a);
    const auto y = lanes<B>(b);
    auto r = lanes<Word>(c);
    constexpr std::size_t kPerWord = 4 / sizeof(A);
    for (std::size_t n = 0; n < 4; ++n) {
        i64 sum = r[n];
        for (std::size_t k = kPerWord * n; k < kPerWord * (n + 1); ++k) sum += i64{x[k]} * i64{y[k]};
        r[n] = cut(sum);
    }
    return of_lanes<Word>(r);
}
template <class A, class B, class Word>
V128 multiply_sum(V128 a, V128 b, V128 c) {
    return multiply_sum<A, B, Word>(a, b, c, [](i64 v) { return static_cast<Word>(v); });
}
template <class T, class Word>
V128 multiply_sum_saturated(CpuState& s, V128 a, V128 b, V128 c) {
    return multiply_sum<T, T, Word>(a, b, c, [&](i64 v) { return saturate<Word>(s, v); });
}

V128 multiply_high_add(CpuState& s, V128 a, V128 b, V128 c, i64 round) {
    const auto x = lanes<i16>(a), y = lanes<i16>(b);
    auto r = lanes<i16>(c);
    for (std::size_t n = 0; n < 8; ++n) r[n] = saturate<i16>(s, ((i64{x[n]} * y[n] + round) >> 15) + r[n]);
    return of_lanes<i16>(r);
}

u128 polynomial_product(u64 a, u64 b) {
    u128 r = 0;
    for (; b != 0; b &= b - 1) r ^= u128{a} << std::countr_zero(b);
    return r;
}

template <class T, class Wide>
V128 polynomial_sum(V128 a, V128 b) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    Elements<Wide> r;
    for (std::size_t n = 0; n < r.size(); ++n) {
        r[n] =
            static_cast<Wide>(polynomial_product(x[2 * n], y[2 * n]) ^ polynomial_product(x[2 * n + 1], y[2 * n + 1]));
    }
    return of_lanes<Wide>(r);
}

struct Tenfold {
    u128 product, carry;
};
/// a * 10 + digit as 128 bits and what is above them. A digit above 9 is undefined.
Tenfold times_ten(V128 a, u64 digit) {
    const u128 low = u128{a.lo} * 10 + digit;
    const u128 high = u128{a.hi} * 10 + static_cast<u64>(low >> 64);
    return {high << 64 | static_cast<u64>(low), high >> 64};
}

}  // namespace

// Products of odd and even elements, ISA order: element 0 is even.
LANES(vmuloub, kMulOddU16, (multiply<u8, u16>(a, b, true)))
LANES(vmuleub, kMulEvenU16, (multiply<u8, u16>(a, b, false)))
LANES(vmulouh, kMulOddU32, (multiply<u16, u32>(a, b, true)))
LANES(vmuleuh, kMulEvenU32, (multiply<u16, u32>(a, b, false)))
LANES(vmulouw, kMulOddU64, (multiply<u32, u64>(a, b, true)))
LANES(vmuleuw, kMulEvenU64, (multiply<u32, u64>(a, b, false)))
LANES(vmulosb, kMulOddS16, (multiply<i8, i16>(a, b, true)))
LANES(vmulesb, kMulEvenS16, (multiply<i8, i16>(a, b, false)))
LANES(vmulosh, kMulOddS32, (multiply<i16, i32>(a, b, true)))
LANES(vmulesh, kMulEvenS32, (multiply<i16, i32>(a, b, false)))
LANES(vmulosw, kMulOddS64, (multiply<i32, i64>(a, b, true)))
LANES(vmulesw, kMulEvenS64, (multiply<i32, i64>(a, b, false)))
LANES(vmuluwm, kMul32, map<u32>(a, b, [&](u32 x, u32 y) { return x * y; }))

// Sums across: each word of VRB plus the elements of VRA above it.
VMX(vsum4ubs, (sum_across<u8, u32>(s, a, b)))
VMX(vsum4sbs, (sum_across<i8, i32>(s, a, b)))
VMX(vsum4shs, (sum_across<i16, i32>(s, a, b)))
VMX(vsum2sws, sum_words(s, a, b, 2))
VMX(vsumsws, sum_words(s, a, b, 4))

// Multiply-sums: products of the elements within a word, plus the word of VRC.
LANES3(vmsumubm, kMulSumU8, (multiply_sum<u8, u8, u32>(a, b, c)))
LANES3(vmsummbm, kMulSumSU8, (multiply_sum<i8, u8, i32>(a, b, c)))
VMX4(vmsumuhm, (multiply_sum<u16, u16, u32>(a, b, c)))
VMX4(vmsumuhs, (multiply_sum_saturated<u16, u32>(s, a, b, c)))
LANES3(vmsumshm, kMulSumS16, (multiply_sum<i16, i16, i32>(a, b, c)))
VMX4(vmsumshs, (multiply_sum_saturated<i16, i32>(s, a, b, c)))
VMX4(vmsumudm, vector_of(u128{a.hi} * b.hi + u128{a.lo} * b.lo + whole(c)))

// Multiply-adds of halfwords.
VMX4(vmhaddshs, (multiply_high_add(s, a, b, c, 0)))
VMX4(vmhraddshs, (multiply_high_add(s, a, b, c, 0x4000)))
LANES3(vmladduhm, kMulAdd16,
       (map<u16>(map<u16>(a, b, [](u32 x, u32 y) { return x * y; }), c, [](u16 x, u16 y) { return x + y; })))

// Products of polynomials over GF(2).
VMX(vpmsumb, (polynomial_sum<u8, u16>(a, b)))
VMX(vpmsumh, (polynomial_sum<u16, u32>(a, b)))
VMX(vpmsumw, (polynomial_sum<u32, u64>(a, b)))
LANES(vpmsumd, kPolynomialSum64, vector_of(polynomial_product(a.hi, b.hi) ^ polynomial_product(a.lo, b.lo)))

// Decimal multiples by ten, on a register as one number.
VMX(vmul10uq, vector_of(times_ten(a, 0).product))
VMX(vmul10cuq, vector_of(times_ten(a, 0).carry))
VMX(vmul10euq, vector_of(times_ten(a, b.lo & 15).product))
VMX(vmul10ecuq, vector_of(times_ten(a, b.lo & 15).carry))

}  // namespace mpower::jit::isa::sem
