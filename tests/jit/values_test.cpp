// What values of a block are known to be: jit/ir/values.cpp.
#include <gtest/gtest.h>

#include "jit/ir/builder.h"
#include "jit/ir/passes.h"

namespace mpower::jit::ir {
namespace {

constexpr Mode kMode{
    .sf = true, .le = true, .pr = false, .fp_exceptions = false, .single_step = false, .level = IsaLevel::k207};

TEST(Simplify, AddsConstantsUp_ButNotOneThatIsWantedElsewhere) {
    enum { kAlone, kWanted, kWantedByWayOfTheState };
    for (const int kind : {kAlone, kWanted, kWantedByWayOfTheState}) {
        const bool wanted = kind != kAlone;
        Builder b(kMode);
        const Value inner = b.add(b.gpr(3), 8), n = b.imm(16);
        if (wanted) b.set_gpr(5, n);
        b.set_gpr(4, b.add(inner, kind == kWantedByWayOfTheState ? b.gpr(5) : n));
        b.exit(b.cia_plus(4));
        Block block = b.take();
        simplify(block);
        for (const Inst& i : block.insts) {
            if (i.op != Op::kSet64) continue;
            const Inst& value = block.insts[i.a];
            if (i.imm == 8 * 5) {
                EXPECT_EQ(value.imm, 16u);
                continue;
            }
            ASSERT_EQ(value.op, Op::kAdd);
            EXPECT_EQ(block.insts[value.a].op, wanted ? Op::kAdd : Op::kGet64);
            EXPECT_EQ(block.insts[value.b].imm, wanted ? 16u : 24u);
        }
    }
}

TEST(Fold, GivesWhatTheOperationDoes) {
    constexpr u64 kA = 0x80000000'00000003, kMinus1 = ~u64{0};
    const struct {
        Op op;
        u64 a, b, result;
    } kCases[] = {
        {Op::kAdd, kA, 1, kA + 1},
        {Op::kSub, 1, 2, kMinus1},
        {Op::kMul, kA, 2, 6},
        {Op::kNeg, 1, 0, kMinus1},
        {Op::kAndNot, 7, 2, 5},
        {Op::kNot, 0, 0, kMinus1},
        {Op::kShl, kA, 1, 6},
        {Op::kShl, kA, 64, 0},
        {Op::kShr, kA, 63, 1},
        {Op::kShr, kA, 127, 0},
        {Op::kRotl, kA, 1, 7},
        {Op::kRotl, kA, 64, kA},
        {Op::kSext8, 0x80, 0, -128ull},
        {Op::kZext8, 0x180, 0, 0x80},
        {Op::kSext32, 0x80000000, 0, -0x80000000ull},
        {Op::kZext32, kA, 0, 3},
        {Op::kLtS, kA, 0, 1},
        {Op::kLtU, kA, 0, 0},
        {Op::kEq, 1, 1, 1},
        {Op::kNe, 1, 1, 0},
    };
    for (const auto& c : kCases) EXPECT_EQ(fold(c.op, c.a, c.b), c.result) << static_cast<int>(c.op);
    EXPECT_EQ(fold(Op::kDivU, 4, 2), std::nullopt);
}

TEST(ValuesThen, AreThoseOfRegistersAndOfWhatIsMadeOfThem) {
    u64 gpr[32]{};
    gpr[5] = ~u64{0};
    Builder b(kMode);
    b.next_guest(0);
    const Value old = b.gpr(5);
    b.set_gpr(5, b.add(old, 3));
    const Value now = b.gpr(5), loaded = b.load(now, 8);
    b.set_gpr(6, loaded);
    const Value as_signed = b.compare_s(old, b.imm(0), b.so()), as_unsigned = b.compare_u(old, b.imm(0), b.so());
    const Value either = b.select(b.eq(now, b.imm(2)), now, loaded), half = b.get32(offsetof(CpuState, gpr) + 8 * 5);
    const Value of_loaded = b.add(b.gpr(6), now);
    ValuesThen then(gpr);
    const auto value = [&](Value v) { return then.value(b.block(), v.id, b.size()); };
    EXPECT_EQ(value(old), ~u64{0});
    EXPECT_EQ(value(now), 2u);
    EXPECT_EQ(value(loaded), std::nullopt);
    EXPECT_EQ(value(of_loaded), std::nullopt);
    EXPECT_EQ(value(as_signed), 8u);
    EXPECT_EQ(value(as_unsigned), 4u);
    EXPECT_EQ(value(either), 2u);
    EXPECT_EQ(value(half), std::nullopt);
}

}  // namespace
}  // namespace mpower::jit::ir
