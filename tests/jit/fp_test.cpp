// Floating point: what the comparison with QEMU cannot show (FR, FX, enabled exceptions), and the host's FPU against
// the exact path.
#include <gtest/gtest.h>

#include <random>

#include "jit/fp/compare.h"
#include "jit/fp/emit.h"
#include "tests/campaign.h"

namespace mpower::jit::fp {
namespace {

using enum Operation;

constexpr u64 kOne = 0x3ff0000000000000, kTiny = 0x3ca0000000000000 /* 2^-53 */, kLargest = 0x7fefffffffffffff,
              kMinNormal = 0x0010000000000000, kInfinity = 0x7ff0000000000000, kSignalling = 0x7ff4000000000000,
              kNan = 0x7ff8000000000000, kMark = 0x1234567812345678;

struct After {
    u64 target, fpscr;
};

/// f3 <- op(f1, f2, f2)
template <class T, Operation op>
After run(u64 a, u64 b, u64 fpscr = 0) {
    CpuState s;
    s.fpscr = fpscr;
    s.vsr[1].hi = a;
    s.vsr[2].hi = b;
    s.vsr[3] = {kMark, kMark};
    scalar_helper<T, op>(s, Regs{3, 1, 2, 2}.packed(), 0, 0);
    return {s.vsr[3].hi, s.fpscr};
}

TEST(Fpscr, Fx_IsSet_OnlyByAnExceptionThatWasNotThere) {
    EXPECT_TRUE((run<Dp, kAdd>(kOne, kTiny).fpscr & fpscr::kFx));
    EXPECT_FALSE((run<Dp, kAdd>(kOne, kTiny, fpscr::kXx).fpscr & fpscr::kFx));
    EXPECT_TRUE((run<Dp, kAdd>(kOne, kSignalling, fpscr::kXx).fpscr & fpscr::kFx));
}

TEST(Fpscr, Fex_FollowsFromEnables) {
    const u64 f = run<Dp, kAdd>(kOne, kTiny, fpscr::kXe).fpscr;
    EXPECT_EQ(f & (fpscr::kFex | fpscr::kXx | fpscr::kFi), fpscr::kFex | fpscr::kXx | fpscr::kFi);
    EXPECT_FALSE((run<Dp, kAdd>(kOne, kOne, fpscr::kXe).fpscr & fpscr::kFex));
}

TEST(EnabledException, Invalid_LeavesTargetAndFprf) {
    const After s = run<Dp, kAdd>(kOne, kSignalling, fpscr::kVe | 0x4000);
    EXPECT_EQ(s.target, kMark);
    EXPECT_EQ(s.fpscr & fpscr::kFprf, 0x4000u);
    EXPECT_EQ(s.fpscr & (fpscr::kVxsnan | fpscr::kVx | fpscr::kFex), fpscr::kVxsnan | fpscr::kVx | fpscr::kFex);
}

TEST(EnabledException, ZeroDivide_LeavesTarget) {
    EXPECT_EQ((run<Dp, kDiv>(kOne, 0, fpscr::kZe).target), kMark);
    EXPECT_EQ((run<Dp, kDiv>(kOne, 0).target), kInfinity);
}

TEST(EnabledException, Overflow_DividesExponentByAdjustment) {
    const After s = run<Dp, kAdd>(kLargest, kLargest, fpscr::kOe);
    EXPECT_EQ(s.target, kLargest + (u64{1} << 52) - (u64{1536} << 52));
    EXPECT_EQ(s.fpscr & (fpscr::kOx | fpscr::kXx | fpscr::kFi), fpscr::kOx);
}

TEST(EnabledException, Underflow_MultipliesExponentByAdjustment) {
    const After s = run<Dp, kMul>(kMinNormal, 0x3fe0000000000000 /* 0.5 */, fpscr::kUe);
    EXPECT_EQ(s.target, kMinNormal - (u64{1} << 52) + (u64{1536} << 52));
    EXPECT_TRUE(s.fpscr & fpscr::kUx);
    // Exact and disabled: a denormal without UX.
    EXPECT_FALSE((run<Dp, kMul>(kMinNormal, 0x3fe0000000000000).fpscr & fpscr::kUx));
}

TEST(EnabledException, AnyElement_LeavesVectorTarget) {
    CpuState s;
    s.fpscr = fpscr::kXe;
    s.vsr[1] = {kOne, kOne};
    s.vsr[2] = {kOne, kTiny};
    s.vsr[3] = {kMark, kMark};
    vector_helper<Dp, kAdd>(s, Regs{3, 1, 2, 2}.packed(), 0, 0);
    EXPECT_EQ(s.vsr[3], (V128{kMark, kMark}));
    s.fpscr = 0;
    vector_helper<Dp, kAdd>(s, Regs{3, 1, 2, 2}.packed(), 0, 0);
    EXPECT_EQ(s.vsr[3], (V128{0x4000000000000000, kOne}));
    EXPECT_EQ(s.fpscr & (fpscr::kFr | fpscr::kFi | fpscr::kFprf), 0u);
}

TEST(EnabledException, Interrupts_WhenModeHasThem) {
    const auto traps = [](bool exceptions) {
        Builder b({.sf = true,
                   .le = false,
                   .pr = true,
                   .fp_exceptions = exceptions,
                   .single_step = false,
                   .level = IsaLevel::k207});
        isa::sem::fadd(b, isa::Insn{0xfc61102a});
        int n = 0;
        for (const ir::Inst& i : b.take().insts) {
            n += i.op == ir::Op::kRaiseIf && i.imm == static_cast<u64>(Vector::kProgram) &&
                 i.imm2 == program::kFpEnabled;
        }
        return n;
    };
    EXPECT_EQ(traps(false), 0);
    EXPECT_EQ(traps(true), 1);
}

TEST(Fprf, SinglePrecisionResult_IsClassedAsSingle) {
    const u64 small = u64{1023 - 130} << 52;  // 2^-130: a denormal single
    EXPECT_EQ((run<DpSp, kAdd>(small, 0).fpscr & fpscr::kFprf) >> 12, 0b10100u);
    EXPECT_EQ((run<Dp, kAdd>(small, 0).fpscr & fpscr::kFprf) >> 12, 0b00100u);
}

TEST(Nan, FirstOperandWins_AndDefaultIsPositive) {
    EXPECT_EQ((run<Dp, kAdd>(kNan | 1, kNan | 2).target), kNan | 1);
    EXPECT_EQ((run<Dp, kAdd>(kSignalling | 1, kNan | 2).target), kSignalling | u64{1} << 51 | 1);
    EXPECT_EQ((run<Dp, kSub>(kInfinity, kInfinity).target), kNan);
}

TEST(Convert, SingleAndBack_KeepsEverySingle) {
    for (u64 bits = 0; bits < u64{1} << 32; bits += 4099) {
        ASSERT_EQ(narrow_single(widen_single(static_cast<u32>(bits))), bits);
    }
}

u64 any_double(std::mt19937_64& random) {
    const u64 r = random();
    switch (random() % 8) {
        case 0: return r & (u64{1} << 63 | u64{0x7ff} << 52);                               // powers of two
        case 1: return r & ~(u64{0x7ff} << 52);                                             // denormals
        case 2: return (r & ~(u64{0x7ff} << 52)) | (1000 + random() % 50) << 52;            // near one
        case 3: return (r & 0xfff8000000000000) | (1000 + random() % 50) << 52;             // few digits
        case 4: return (r & u64{1} << 63) | (1010 + random() % 20) << 52 | (random() % 4);  // near powers of two
        default: return r;
    }
}

template <class T, Operation op>
void compare_paths(std::mt19937_64& random, int count) {
    using Bits = typename T::Bits;
    const auto operand = [&]() -> Bits {
        const u64 v = any_double(random);
        if constexpr (sizeof(Bits) == 8)
            return random() % 2 ? v : v & ~u64{0x1fffffff};
        else
            return narrow_single((v & 0x8fffffffffffffff) | 0x3000000000000000);
    };
    for (int n = 0; n < count; ++n) {
        const Bits a = operand(), b = operand(), c = operand();
        CpuState s;
        Context fast(s), exact(s), truncated(s);
        const Bits x = compute<T, op>(fast, a, b, c), y = compute_soft<T, op>(exact, a, b, c);
        const auto operands = ::testing::Message() << std::hex << a << ' ' << b << ' ' << c;
        ASSERT_EQ(x, y) << operands;
        ASSERT_EQ(fast.raised, exact.raised) << operands;
        ASSERT_EQ(fast.fi, exact.fi) << operands;
        ASSERT_EQ(fast.fr, exact.fr) << operands;
        // FR tells whether the magnitude differs from the truncated one.
        truncated.rounding = Rounding::kZero;
        const Bits z = compute_soft<T, op>(truncated, a, b, c);
        if (exact.raised & fpscr::kAllVx) continue;
        ASSERT_EQ(exact.fr, z != y) << operands;
    }
}

template <class T>
void compare_all() {
    const u64 seed = campaign_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    compare_paths<T, kAdd>(random, 100000);
    compare_paths<T, kSub>(random, 100000);
    compare_paths<T, kMul>(random, 100000);
    compare_paths<T, kDiv>(random, 30000);
    compare_paths<T, kSqrt>(random, 30000);
    compare_paths<T, kMadd>(random, 200000);
    compare_paths<T, kMsub>(random, 100000);
    compare_paths<T, kNmadd>(random, 100000);
    compare_paths<T, kNmsub>(random, 100000);
}

TEST(Host, GivesWhatTheExactPathGives_ForDoubles) { compare_all<Dp>(); }
TEST(Host, GivesWhatTheExactPathGives_ForSinglesInDoubles) { compare_all<DpSp>(); }
TEST(Host, GivesWhatTheExactPathGives_ForSingles) { compare_all<Sp>(); }

}  // namespace
}  // namespace mpower::jit::fp
