// Which way paths of hot code go: jit/translate.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "jit/ir/passes.h"
#include "jit/translate.h"
#include "tests/jit/two_machines.h"

namespace mpower::jit::x64 {
namespace {

/// What begins with the first word of `code`.
Trace trace_of(std::span<const u32> code, const CpuState& state, const Heat& heat) {
    return translate_trace(
        {.page = code, .first = 0, .mode = ir::mode_of(state), .address = kCode, .heat = heat, .gpr_then = state.gpr});
}

/// A loop of as many rounds as r5 says, within another.
struct InnerLoop : testing::Test {
    static constexpr u32 kAddi = 0x38630000;  // addi r3,r3,N
    static constexpr u32 kStd = 0xf8640000;   // std r3,0(r4)
    static constexpr u32 kBdnz = 0x42000000;  // bdnz .+N (low 16 bits)
    static constexpr u32 kB = 0x48000000;     // b .+N
    Machine machine;
    CpuState& state = machine.state;
    const std::vector<u32> code{0x39200000,  // li r9,0
                                kAddi | 1,   // addi r3,r3,1
                                0x39290001,  // addi r9,r9,1
                                0x7c292800,  // cmpd r9,r5
                                0x4082fff4,  // bne .-12
                                kB | 8,      // over a word
                                kLeave,
                                kBdnz | (-28 & 0xfffc),  // to its start
                                kLeave};
    Trace trace(u64 rounds) { return trace(rounds, code); }
    Trace trace(u64 rounds, std::span<const u32> code) {
        state.gpr[5] = rounds;
        const Heat heat = [](unsigned word) { return word == 1 ? 100u : 1u; };
        return trace_of(code, state, heat);
    }
    /// Guest instructions of a round of the path, of which the loop may have several.
    static std::size_t round(const Trace& t) {
        return t.block.pc.size() / static_cast<std::size_t>(std::count(t.block.pc.begin(), t.block.pc.end(), 0));
    }
    static bool loops(const Trace& t) { return t.block.insts.back().op == ir::Op::kLoop; }
};

TEST_F(InnerLoop, OfFewRounds_IsGoneRound_AsOftenAsRegistersSay) {
    for (const u64 rounds : {1, 2, 3, 8}) {
        const Trace t = trace(rounds);
        EXPECT_TRUE(loops(t));
        EXPECT_EQ(round(t), 3 + 4 * rounds);
        ASSERT_EQ(t.path.size(), 2u);
        EXPECT_EQ(t.path[0].words, 6u);
        EXPECT_EQ(t.path[1].words, 1u);
    }
}

TEST_F(InnerLoop, OfManyRounds_IsLeftForItself) {
    for (const u64 rounds : {20, 1000}) {
        const Trace t = trace(rounds);
        EXPECT_FALSE(loops(t));
        EXPECT_EQ(t.block.pc.size(), 5u);
        ASSERT_EQ(t.path.size(), 1u);
        EXPECT_EQ(t.path[0].words, 5u);
    }
}

TEST_F(InnerLoop, WithABranchThatRegistersDoNotTell_IsLeftForItself) {
    const std::vector<u32> branching{0x39200000,              // li r9,0
                                     0xe8c40000,              // ld r6,0(r4)
                                     0x2c260000,              // cmpdi r6,0
                                     0x41820008,              // beq .+8
                                     kStd,                    // std r3,0(r4)
                                     0x39290001,              // addi r9,r9,1
                                     0x7c292800,              // cmpd r9,r5
                                     0x4082ffe8,              // bne .-24
                                     kBdnz | (-32 & 0xfffc),  // to its start
                                     kLeave};
    const Trace t = trace(3, branching);
    EXPECT_FALSE(loops(t));
    EXPECT_EQ(t.block.pc.size(), 8u);
}

TEST_F(InnerLoop, OfOtherRoundsThanThen_IsRight) {
    CodeCache cache(machine.ram, machine.epochs, {.count_instructions = true, .hot = 2});
    X64Executor executor(machine.mmu, cache);
    put(machine, kCode, code);
    for (const u64 rounds : {3, 3, 3, 1, 2, 4, 50, 3}) {
        state.gpr[3] = state.instructions = 0;
        state.gpr[5] = rounds;
        state.ctr = 100;
        state.nip = kCode;
        EXPECT_EQ(executor.run(state), Exit::kHypercall);
        EXPECT_EQ(state.gpr[3], 100 * rounds);
        EXPECT_EQ(state.instructions, 1 + 100 * (3 + 4 * rounds));
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

/// A loop of one block.
struct SmallLoop : testing::Test {
    Machine machine;
    static constexpr u32 kLd = 0xe8a40000, kAddi = 0x38840008;  // ld r5,0(r4); addi r4,r4,8
    static constexpr u32 kLdx = 0x7ca6382a, kStdx = 0x7ca6412a, kAddiR7 = 0x38e70008, kAddiR8 = 0x39080008;
    static constexpr u32 kFadd = 0xfc22182a, kBpermd = 0x7ca429f8;
    ir::Block block(std::vector<u32> code) {
        code.push_back(0x42000000 | (-4 * static_cast<int>(code.size()) & 0xfffc));  // bdnz
        const Heat heat = [](unsigned) { return 1u; };
        return trace_of(code, machine.state, heat).block;
    }
    static auto count(const ir::Block& block, ir::Op op) {
        return std::count_if(block.insts.begin(), block.insts.end(), [=](const ir::Inst& i) { return i.op == op; });
    }
};

TEST_F(SmallLoop, HasSeveralRoundsInOne) {
    const ir::Block b = block({kLd, kAddi, kFadd});
    EXPECT_EQ(b.pc.size(), 32u);
    EXPECT_EQ(b.guest_count, 32u);
    for (std::size_t n = 0; n < b.pc.size(); ++n) EXPECT_EQ(b.pc[n], 4 * static_cast<int>(n % 4));
    EXPECT_EQ(count(b, ir::Op::kLoad), 8);
    EXPECT_EQ(count(b, ir::Op::kLoop), 1);
    EXPECT_EQ(count(b, ir::Op::kNeed), 1) << "of a facility that cannot go away in between";
    u16 last = 0;
    for (const ir::Inst& i : b.insts) EXPECT_GE(i.guest, std::exchange(last, i.guest));
    EXPECT_EQ(last, 31u);
}

TEST_F(SmallLoop, OfManyInstructions_OrACall_StaysAsItIs) {
    EXPECT_EQ(block(std::vector<u32>(32, kAddi)).pc.size(), 33u);
    EXPECT_EQ(block(std::vector<u32>(31, kAddi)).pc.size(), 64u);
    EXPECT_EQ(block({kBpermd, kAddi}).pc.size(), 3u);
}

TEST_F(SmallLoop, LooksOnce_ForWhatItsRoundsAccess) {
    for (const std::vector<u32>& code : {std::vector{kLd, kAddi}, {kLdx, kStdx, kAddiR7, kAddiR8}}) {
        ir::Block b = block(code);
        ir::keep_state(b, 6, 6);
        ir::simplify(b);
        ir::share_probes(b, {.stores = true, .arm = false, .most = 8});
        const bool stores = code.size() == 4;
        EXPECT_EQ(count(b, ir::Op::kLook), stores ? 2 : 1);
        EXPECT_EQ(count(b, ir::Op::kLoadBy), 8);
        EXPECT_EQ(count(b, ir::Op::kStoreBy), stores ? 8 : 0);
    }
}

}  // namespace
}  // namespace mpower::jit::x64
