// Decimal arithmetic by itself: what tests/differential cannot compare, because QEMU has no FPSCR[FR] and no enabled
// exceptions there. Expected values are worked out by hand from Power ISA 3.0, Book I chapter 5.
#include <gtest/gtest.h>

#include <random>

#include "jit/dfp/arith.h"
#include "tests/campaign.h"

namespace mpower::jit::dfp {
namespace {

using namespace fp::fpscr;
constexpr Range kLong = Long::kRange;

Number finite(i64 coefficient, int exponent) {
    return {.sign = coefficient < 0,
            .exponent = exponent,
            .coefficient = static_cast<u64>(coefficient < 0 ? -coefficient : coefficient)};
}
void expect(const Number& n, i64 coefficient, int exponent) {
    EXPECT_TRUE(n.finite());
    EXPECT_EQ(n.sign, coefficient < 0);
    EXPECT_EQ(static_cast<i64>(n.coefficient), coefficient < 0 ? -coefficient : coefficient);
    EXPECT_EQ(n.exponent, exponent);
}

TEST(Dfp, EveryDeclet_IsItsThreeDigits) {
    for (u32 d = 0; d < 1024; ++d) {
        const u16 n = kOfDeclet[d];
        ASSERT_LT(n, 1000);
        // The 24 that are not canonical differ in the first two bits only.
        EXPECT_EQ(kDeclet[n] & 0xff, d & 0xff) << d;
        if ((d & 0x06e) != 0x06e) {
            EXPECT_EQ(kDeclet[n], d);
        }
    }
}

template <class F>
void check_round_trip() {
    std::mt19937_64 random(campaign_seed());
    for (int n = 0; n < 20000; ++n) {
        const auto bits = static_cast<typename F::Bits>(u128{random()} << 64 | random());
        const Number v = unpack<F>(bits);
        const Number again = unpack<F>(pack<F>(v));
        ASSERT_TRUE(again.kind == v.kind && again.sign == v.sign && again.exponent == v.exponent &&
                    again.coefficient == v.coefficient);
    }
}
TEST(Dfp, Unpacked_IsPackedToTheSameNumber) {
    check_round_trip<Short>();
    check_round_trip<Long>();
    check_round_trip<Extended>();
    EXPECT_EQ(pack<Long>({.coefficient = 1}), 0x2238000000000001);  // 1 is biased exponent 398
    EXPECT_EQ(pack<Long>(infinity(true)), 0xf800000000000000);
    EXPECT_EQ(pack<Long>({.kind = Kind::kSignallingNan}), 0x7e00000000000000);
}

// 1234567890123456.5, .4 and .6, then 1234567890123450.5 and 1234567890123455.5, of either sign.
TEST(Dfp, Rounding_FollowsDrn_AndTellsFr) {
    struct Case {
        Rounding mode;
        bool up[10];  // +56.5 -56.5 +56.4 -56.4 +56.6 -56.6 +50.5 -50.5 +55.5 -55.5
    };
    static constexpr Case kCases[] = {
        {Rounding::kNearest, {0, 0, 0, 0, 1, 1, 0, 0, 1, 1}},
        {Rounding::kZero, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
        {Rounding::kUp, {1, 0, 1, 0, 1, 0, 1, 0, 1, 0}},
        {Rounding::kDown, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1}},
        {Rounding::kNearestAway, {1, 1, 0, 0, 1, 1, 1, 1, 1, 1}},
        {Rounding::kNearestZero, {0, 0, 0, 0, 1, 1, 0, 0, 0, 0}},
        {Rounding::kAway, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {Rounding::kShorter, {0, 0, 0, 0, 0, 0, 1, 1, 1, 1}},
    };
    constexpr u64 kValues[] = {12345678901234565, 12345678901234564, 12345678901234566, 12345678901234505,
                               12345678901234555};
    for (const Case& expected : kCases) {
        for (int n = 0; n < 10; ++n) {
            Context c;
            c.mode = expected.mode;
            const bool sign = n & 1;
            const Number v = round(c, {sign, -1, kValues[n / 2]}, kLong);
            SCOPED_TRACE(testing::Message() << "DRN " << static_cast<int>(c.mode) << " value " << n);
            const i64 magnitude = static_cast<i64>(kValues[n / 2] / 10) + expected.up[n];
            expect(v, sign ? -magnitude : magnitude, 0);
            EXPECT_EQ(c.fr, expected.up[n]);
            EXPECT_TRUE(c.fi);
            EXPECT_EQ(c.raised, kXx);
        }
    }
}

TEST(Dfp, ExactResults_TakeTheIdealExponent) {
    Context c;
    expect(add(c, finite(1, 2), finite(20, 0), kLong), 120, 0);
    expect(add(c, finite(5, 3), finite(0, 0), kLong), 5000, 0);
    expect(add(c, finite(5, 30), finite(0, 0), kLong), 5000000000000000, 15);
    expect(subtract(c, finite(15, -1), finite(15, -1), kLong), 0, -1);
    expect(multiply(c, finite(20, -1), finite(30, -2), kLong), 600, -3);
    expect(divide(c, finite(600, -3), finite(2, -1), kLong), 300, -2);
    expect(divide(c, finite(1, 0), finite(8, 0), kLong), 125, -3);
    EXPECT_EQ(c.raised, 0u);
    EXPECT_FALSE(c.fi);
    c.mode = Rounding::kDown;
    EXPECT_TRUE(subtract(c, finite(1, 0), finite(1, 0), kLong).sign);
}

TEST(Dfp, Overflow_GivesInfinityOrTheGreatest_OrMovesTheExponent) {
    const Number big = finite(9999999999999999, 369);
    for (int mode = 0; mode < 8; ++mode) {
        for (const bool sign : {false, true}) {
            Context c;
            c.mode = static_cast<Rounding>(mode);
            Number x = big;
            x.sign = sign;
            const Number v = add(c, x, x, kLong);
            const bool greatest = mode == 1 || mode == 7 || mode == (sign ? 2 : 3);
            SCOPED_TRACE(testing::Message() << "DRN " << mode << " sign " << sign);
            EXPECT_EQ(v.infinite(), !greatest);
            EXPECT_EQ(v.sign, sign);
            if (greatest) expect(v, sign ? -9999999999999999 : 9999999999999999, 369);
            EXPECT_EQ(c.raised, kOx | kXx);
            EXPECT_TRUE(c.fi);
            EXPECT_EQ(c.fr, !greatest);
        }
    }
    Context c;
    c.oe = true;
    expect(multiply(c, finite(3, 300), finite(2, 100), kLong), 6, 400 - 576);
    EXPECT_EQ(c.raised, kOx);
    EXPECT_TRUE(c.wrapped);
}

TEST(Dfp, Underflow_LosesDigits_OrMovesTheExponent) {
    Context c;
    expect(multiply(c, finite(15, -300), finite(1, -99), kLong), 2, -398);
    EXPECT_EQ(c.raised, kUx | kXx);
    EXPECT_TRUE(c.fi && c.fr);
    Context exact;
    expect(multiply(exact, finite(20, -300), finite(1, -99), kLong), 2, -398);
    EXPECT_EQ(exact.raised, 0u);
    Context enabled;
    enabled.ue = true;
    expect(multiply(enabled, finite(20, -300), finite(1, -99), kLong), 20, -399 + 576);
    EXPECT_EQ(enabled.raised, kUx);
    // Tiny before rounding, though it rounds to the least normal number.
    Context edge;
    expect(multiply(edge, finite(9999999999999999, -399 + 15), finite(1, -15), kLong), 1000000000000000, -398);
    EXPECT_EQ(edge.raised, kUx | kXx);
}

TEST(Dfp, OrderedComparison_OfASignallingNan_RaisesVxvcOnlyIfVeIsOff) {
    const Number signalling{.kind = Kind::kSignallingNan};
    Context c;
    EXPECT_EQ(compare(c, signalling, finite(1, 0), true), cr::kSo);
    EXPECT_EQ(c.raised, kVxsnan | kVxvc);
    Context enabled;
    enabled.ve = true;
    compare(enabled, signalling, finite(1, 0), true);
    EXPECT_EQ(enabled.raised, kVxsnan);
    EXPECT_EQ(compare(c, finite(10, 0), finite(1, 1), true), cr::kEq);
    EXPECT_EQ(compare(c, finite(-10, 0), finite(1, -300), false), cr::kLt);
    EXPECT_EQ(compare(c, infinity(true), finite(-1, 300), false), cr::kLt);
}

TEST(Dfp, QuantumAdjustment_RoundsWithFr_OrIsInvalid) {
    Context c;
    c.mode = Rounding::kAway;
    expect(quantize(c, finite(1, 0), finite(99991, -2), kLong), 1000, 0);
    EXPECT_TRUE(c.fr && c.fi);
    Context invalid_conversion;
    EXPECT_TRUE(quantize(invalid_conversion, finite(1, -10), finite(12345678, 0), kLong).nan());
    EXPECT_EQ(invalid_conversion.raised, kVxcvi);
    Context r;
    expect(reround(r, 2, finite(9996, 0), kLong), 10, 3);
    EXPECT_TRUE(r.fr && r.fi);
    Context beyond;
    EXPECT_TRUE(reround(beyond, 2, finite(9996, 367), kLong).nan());
    EXPECT_EQ(beyond.raised, kVxcvi);
}

TEST(Dfp, Integers_Saturate) {
    constexpr i64 kMost = 0x7fffffffffffffff;
    Context c;
    EXPECT_EQ(to_integer(c, finite(kMost, 0)), kMost);
    EXPECT_EQ(to_integer(c, {.sign = true, .coefficient = u64{1} << 63}), -kMost - 1);
    EXPECT_EQ(to_integer(c, finite(-25, -1)), -2);
    EXPECT_EQ(c.raised, kXx);
    Context large;
    EXPECT_EQ(to_integer(large, {.coefficient = u64{1} << 63}), kMost);
    EXPECT_EQ(to_integer(large, finite(1, 19)), kMost);
    EXPECT_EQ(to_integer(large, infinity(true)), -kMost - 1);
    EXPECT_EQ(large.raised, kVxcvi);
}

}  // namespace
}  // namespace mpower::jit::dfp
