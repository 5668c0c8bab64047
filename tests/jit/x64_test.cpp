// What the cases of single instructions cannot show of the translator: links between blocks, stale code, a full cache.
#include "jit/x64/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "base/endian.h"
#include "jit/fp/fpscr.h"
#include "jit/interp/interp.h"
#include "tests/no_platform.h"

namespace mpower::jit::x64 {
namespace {

/// A vCPU in real mode, big-endian, 64-bit, with 1 MiB.
struct X64 : testing::Test {
    static constexpr u64 kCode = 0x10000, kRamBytes = 1 << 20;
    static constexpr u32 kLeave = 0x44000022;  // sc 1: run() returns
    static constexpr u32 kAddi = 0x38630000;   // addi r3,r3,N
    static constexpr u32 kStd = 0xf8640000;    // std r3,0(r4)
    static constexpr u32 kBdnz = 0x42000000;   // bdnz .+N (low 16 bits)
    static constexpr u32 kB = 0x48000000;      // b .+N

    X64() {
        state.mmu = &mmu;
        state.platform = &platform;
        set_msr(state, msr::kSf);
    }
    void put(u64 at, std::vector<u32> words) {
        for (const u32 w : words) {
            store_be<u32>(ram.bytes().data() + at, w);
            at += 4;
        }
    }
    Exit run(X64Executor& executor, u64 at = kCode) {
        state.nip = at;
        return executor.run(state);
    }

    mmu::GuestRam ram = std::move(*mmu::GuestRam::create(kRamBytes));
    std::unique_ptr<hpt::Hpt> hpt = std::move(*hpt::Hpt::create(18));
    mmu::CodeEpochs epochs{kRamBytes};
    mmu::Mmu mmu{ram, *hpt, epochs};
    CodeCache cache{ram, epochs, {.count_instructions = true}};
    NoPlatform platform;
    CpuState state;
};

// 0: addi; b 16.  16: addi; bdnz 0; sc
void put_two_blocks(X64& x) {
    x.put(X64::kCode, {X64::kAddi | 1, X64::kB | 12});
    x.put(X64::kCode + 16, {X64::kAddi | 0x100, X64::kBdnz | (-20 & 0xfffc), X64::kLeave});
}

TEST_F(X64, LinkedLoop_TranslatesEachBlockOnce_AndCountsInstructions) {
    put_two_blocks(*this);
    X64Executor executor(mmu, cache);
    state.ctr = 1000;
    EXPECT_EQ(run(executor), Exit::kHypercall);
    EXPECT_EQ(state.gpr[3], 1000u * 0x101);
    EXPECT_EQ(state.instructions, 4001u);
    EXPECT_EQ(state.nip, kCode + 28);
    EXPECT_EQ(executor.stats().blocks, 3u);
}

TEST_F(X64, StaleBlock_IsTranslatedAnew_WhenItIsReachedByALink) {
    put_two_blocks(*this);
    X64Executor executor(mmu, cache);
    state.ctr = 10;
    run(executor);
    put(kCode + 16, {kAddi | 0x200});
    epochs.modified();
    state.gpr[3] = 0;
    state.ctr = 10;
    run(executor);
    EXPECT_EQ(state.gpr[3], 10u * 0x201);
    EXPECT_EQ(executor.stats().blocks, 4u);  // the first block was only compared
}

// Loads, stores, a call to another page and back, one by CTR to a third: 100 times as many rounds take not one call of
// C++ more.
TEST_F(X64, SteadyState_OfLoadsStoresAndCalls_CallsNoCpp) {
    constexpr u32 kLd = 0xe8a40000, kBlr = 0x4e800020, kBl = 0x48000001, kMtctrR12 = 0x7d8903a6, kBctrl = 0x4e800421;
    constexpr u32 kAddiR7 = 0x38e7ffff, kCmpdiR7 = 0x2c270000, kBne = 0x40820000;
    put(kCode, {kLd, kAddi | 1, kStd, kBl | (0x1000 - 12), kMtctrR12, kBctrl, kAddiR7, kCmpdiR7, kBne | (-32 & 0xfffc),
                kLeave});
    put(kCode + 0x1000, {kLd | 8, kStd | 16, kBlr});
    put(kCode + 0x2000, {kAddi | 1, kBlr});
    X64Executor executor(mmu, cache);
    struct Calls {
        u64 resolved, blocks, hot, misses;
        bool operator==(const Calls&) const = default;
    };
    const auto calls = [&](u64 rounds) {
        const Calls before{executor.stats().resolved, executor.stats().blocks, executor.stats().hot_blocks,
                           mmu.stats().level1_misses};
        state.gpr[3] = 0;
        state.gpr[4] = 0x8000;
        state.gpr[7] = rounds;
        state.gpr[12] = kCode + 0x2000;
        run(executor);
        EXPECT_EQ(state.gpr[3], 2 * rounds);
        return Calls{executor.stats().resolved - before.resolved, executor.stats().blocks - before.blocks,
                     executor.stats().hot_blocks - before.hot, mmu.stats().level1_misses - before.misses};
    };
    calls(100'000);  // all that gets hot is
    const Calls few = calls(1'000);
    EXPECT_EQ(calls(100'000), few);
    EXPECT_LT(few.resolved, 5u);
    EXPECT_EQ(few.misses, 0u);
}

// or 1,1,1; addi r3,r3,1; or 2,2,2; bdnz
TEST_F(X64, HintsOfLowPriority_LetThePlatformWait_OnceForSoMany) {
    put(kCode, {0x7c210b78, kAddi | 1, 0x7c421378, kBdnz | (-12 & 0xfffc), kLeave});
    CodeCache clobbering(ram, epochs, {.count_instructions = true, .clobber = true});
    X64Executor executor(mmu, clobbering);
    Interpreter interpreter(mmu);
    const auto count = [&](Executor& by) {
        platform.waits = 0;
        state.gpr[3] = 0;
        state.ctr = 5 * CpuState::kPauses;
        state.nip = kCode;
        EXPECT_EQ(by.run(state), Exit::kHypercall);
        EXPECT_EQ(state.gpr[3], 5 * CpuState::kPauses);
        return platform.waits;
    };
    EXPECT_EQ(count(executor), 5u);
    EXPECT_GT(executor.stats().hot_blocks, 0u);
    EXPECT_EQ(count(interpreter), 5u);
}

// 0: b 8.  4: beq cr1,16.  8: addi; addi.  16: xori r8,r8,1; cmpdi cr1,r8,0; addi r7,r7,-1; cmpdi r7,0; bne 4; sc
// What the branch at 4 goes over was executed before, so it is not converted, and the trace ends there.
TEST_F(X64, BranchThatCannotBeConverted_AtTheEndOfATrace_GoesWhereItShould) {
    put(kCode, {kB | 8, 0x41860000 | 12, kAddi | 0x100, kAddi | 1, 0x69080001, 0x2ca80000, 0x38e7ffff, 0x2c270000,
                0x40820000 | (-28 & 0xfffc), kLeave});
    CodeCache eager(ram, epochs, {.count_instructions = true, .hot = 2});
    X64Executor executor(mmu, eager);
    for (unsigned n = 0; n < 10; ++n) {
        state.gpr[7] = 10;
        state.gpr[3] = state.gpr[8] = state.instructions = 0;
        run(executor);
        EXPECT_EQ(state.gpr[3], 6 * 0x101u);
        EXPECT_EQ(state.instructions, 1u + 6 * 2 + 10 * 5 + 9 + 1);
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

TEST_F(X64, LinkedLoop_Leaves_WhenAttentionIsAsked) {
    put(kCode, {kB});  // b .
    X64Executor executor(mmu, cache);
    std::atomic<bool> started{false};
    Exit exit{};
    std::thread vcpu([&] {
        started.store(true);
        exit = run(executor);
    });
    while (!started.load()) std::this_thread::yield();
    state.attention.fetch_or(kAttentionInterrupt);
    vcpu.join();  // or the test never ends
    EXPECT_EQ(exit, Exit::kAttention);
    EXPECT_EQ(state.nip, kCode);
}

// Cold code polls on the ways back only: a branch to itself, one forth and one back, a jump by CTR.
TEST_F(X64, ColdLoopOfAnyKind_Leaves_WhenAttentionIsAsked) {
    constexpr u32 kBctr = 0x4e800420;
    for (const std::vector<u32>& words : {std::vector<u32>{kB}, {kB | 8, kLeave, kB | (-8 & 0x3fffffc)}, {kBctr}}) {
        put(kCode, words);
        CodeCache cold(ram, epochs, {.hot = 1 << 30});
        X64Executor executor(mmu, cold);
        state.ctr = kCode;
        state.attention = 0;
        std::thread watch([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            state.attention.fetch_or(kAttentionInterrupt);
        });
        EXPECT_EQ(run(executor), Exit::kAttention);
        watch.join();
        EXPECT_EQ(executor.stats().hot_blocks, 0u);  // the way out of a loop that does not poll
    }
}

TEST_F(X64, FullCache_IsDroppedAndMadeAgain_WithTheSameResult) {
    constexpr unsigned kPairs = 32'000;
    std::vector<u32> words;
    for (unsigned n = 0; n < kPairs; ++n) words.insert(words.end(), {kStd, kAddi | 1});
    words.push_back(kLeave);
    put(kCode, words);
    CodeCache small(ram, epochs, {}, 4 * CodeCache::kChunk);
    X64Executor executor(mmu, small);
    for (unsigned round = 1; round <= 3; ++round) {
        state.gpr[4] = 0x8000;
        run(executor);
        EXPECT_EQ(state.gpr[3], u64{round} * kPairs);
        EXPECT_EQ(load_be<u64>(ram.bytes().data() + 0x8000), u64{round} * kPairs - 1);
    }
    EXPECT_GT(executor.stats().blocks, kPairs * 2 / 64 + 1);  // else it was never full
}

TEST_F(X64, FaultInTheMiddle_LeavesTheStateOfThatInstruction) {
    put(kCode, {kAddi | 1, kStd, kAddi | 1, kLeave});
    put(0x200, {kLeave});
    X64Executor executor(mmu, cache);
    state.gpr[4] = kRamBytes;  // nothing is there: machine check
    run(executor);
    EXPECT_EQ(state.gpr[3], 1u);
    EXPECT_EQ(state.spr[spr::kSrr0], kCode + 4);
    EXPECT_EQ(state.nip, 0x204u);
    EXPECT_EQ(state.instructions, 2u);  // addi, and sc 1 at the vector
}

// Accesses at distances from one register look at the TLB once, if all are in one page.
TEST_F(X64, NeighbouringAccesses_AreRight_InOnePage_AcrossTwo_AndWhenTheSecondFaults) {
    constexpr u32 kLdR9 = 0xe9240000, kLdR10 = 0xe9440008, kStdR5 = 0xf8a40008;  // r4 + 0, 8, 8
    put(kCode, {kLdR9, kLdR10, kStd, kStdR5, kLeave});
    put(0x200, {kLeave});
    X64Executor executor(mmu, cache);
    u8* const bytes = ram.bytes().data();
    for (const u64 at : {u64{0x8000}, u64{0x8000}, u64{0x8ff8}, u64{0x8ff8}, u64{0x8ffc}, kRamBytes - 8}) {
        const bool faults = at == kRamBytes - 8;
        store_be<u64>(bytes + at, 1);
        if (!faults) store_be<u64>(bytes + at + 8, 2);
        state.gpr[3] = 3;
        state.gpr[4] = at;
        state.gpr[5] = 4;
        state.gpr[9] = state.gpr[10] = 0;
        run(executor);
        EXPECT_EQ(state.gpr[9], 1u) << at;
        EXPECT_EQ(state.gpr[10], faults ? 0u : 2u) << at;
        EXPECT_EQ(state.nip, faults ? 0x204u : kCode + 20) << at;
        EXPECT_EQ(load_be<u64>(bytes + at), faults ? 1u : 3u) << at;
        if (faults) continue;
        EXPECT_EQ(load_be<u64>(bytes + at + 8), 4u) << at;
    }
    EXPECT_EQ(state.spr[spr::kSrr0], kCode + 4);
}

struct Hot : X64 {
    static constexpr u32 kLdR9 = 0xe9240000;    // ld r9,0(r4)
    static constexpr u32 kLbzR9 = 0x89290000;   // lbz r9,0(r9)
    static constexpr u32 kRldicl = 0x786a2000;  // rldicl r10,r3,4,0
    static constexpr u32 kClear = 0x714b0ff0;   // andi. r11,r10,0xff0: a mask over a rotation that others see
    CodeCache hot{ram, epochs, {.count_instructions = true, .hot = 2}};
    X64Executor executor{mmu, hot};
};

TEST_F(Hot, Loop_LeavesTheSameState_AsColdCode) {
    put_two_blocks(*this);
    for (unsigned round = 0; round < 4; ++round) {
        state.gpr[3] = 0;
        state.ctr = 1000;
        EXPECT_EQ(run(executor), Exit::kHypercall);
        EXPECT_EQ(state.gpr[3], 1000u * 0x101);
        EXPECT_EQ(state.ctr, 0u);
        EXPECT_EQ(state.nip, kCode + 28);
    }
    EXPECT_EQ(state.instructions, 4 * 4001u);
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

// The register that held the address gets the result; on the way out the address has to be in its place.
TEST_F(Hot, FaultOfALoadIntoItsAddressRegister_LeavesTheAddress) {
    put(kCode, {kLdR9, kLbzR9, kLeave});
    put(0x200, {kLeave});
    state.gpr[4] = 0x8000;
    u8* const pointer = ram.bytes().data() + 0x8000;
    for (unsigned round = 0; round < 4; ++round) {  // hot
        store_be<u64>(pointer, 0x8008);
        run(executor);
    }
    ASSERT_GT(executor.stats().hot_blocks, 0u);
    store_be<u64>(pointer, kRamBytes);  // nothing is there: machine check
    run(executor);
    EXPECT_EQ(state.nip, 0x204u);
    EXPECT_EQ(state.spr[spr::kSrr0], kCode + 4);
    EXPECT_EQ(state.gpr[9], kRamBytes);
}

TEST_F(Hot, Rotation_StaysOne_WhenAMaskOverItComesLater) {
    put(kCode, {kRldicl, kClear, kLeave});
    for (unsigned round = 0; round < 4; ++round) {
        state.gpr[3] = 0xf000000000000001;
        run(executor);
        EXPECT_EQ(state.gpr[10], 0x1fu);
        EXPECT_EQ(state.gpr[11], 0x10u);
    }
}

// Tiny before rounding is an underflow (Power ISA, Book I 4.4.4), although the result is a normal number.
TEST_F(Hot, ProductThatRoundsUpToTheLeastNormal_IsAnUnderflow) {
    constexpr u32 kFmul = 0xfc2200f2, kFmuls = 0xec2200f2;  // f1,f2,f3
    struct Case {
        u32 word;
        u64 a, b, product;
    };
    for (const Case& c : {Case{kFmul, 0x3fefffffffffffff, u64{1} << 52, u64{1} << 52},
                          {kFmuls, 0x3fefffffe0000000, u64{1023 - 126} << 52, u64{1023 - 126} << 52}}) {
        const u64 at = kCode + (c.word == kFmul ? 0 : 0x100);
        put(at, {c.word, kLeave});
        for (unsigned round = 0; round < 4; ++round) {  // cold, then hot
            set_msr(state, msr::kSf | msr::kFp);
            state.fpscr = fp::fpscr::kXx | fp::fpscr::kFx;
            state.vsr[2].hi = c.a;
            state.vsr[3].hi = c.b;
            run(executor, at);
            EXPECT_EQ(state.vsr[1].hi, c.product);
            EXPECT_TRUE(state.fpscr & fp::fpscr::kUx) << round;
        }
    }
    EXPECT_GT(executor.stats().hot_blocks, 1u);
}

// A round's first write of vs35 is seen where an unusual FPSCR makes hot code end behind fadd.
TEST_F(Hot, WriteBeforeAFloat_IsSeen_WhenTheBlockIsLeftBehindIt) {
    // xscpsgndp vs35,vs1,vs6; fadd f4,f5,f6; vmr v4,v3; vmr v3,v5; bdnz
    put(kCode, {0xf0613581, 0xfc85302a, 0x10831c84, 0x10652c84, kBdnz | (-16 & 0xfffc), kLeave});
    for (unsigned round = 0; round < 4; ++round) {
        set_msr(state, msr::kSf | msr::kFp | msr::kVec | msr::kVsx);
        state.fpscr = 1;  // RN: toward zero
        state.vsr[1].hi = u64{1} << 63;
        state.vsr[6].hi = 0x4010000000000000;
        state.vsr[36] = {};
        state.ctr = round < 3 ? 10 : 1;  // the last one begins where the first write is
        run(executor);
        EXPECT_EQ(state.vsr[36].hi, 0xc010000000000000) << round;
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

// The branch tests a bit without making the value; CR0, made on the way out, is of the value, which r5 has no more.
TEST_F(Hot, BitThatABranchTests_IsThere_WhenAWayOutMakesTheCrField) {
    // andi. r5,r3,1; li r5,7; bne out; cmpldi r6,0; bdnz; out: sc
    put(kCode, {0x70650001, 0x38a00007, 0x4082000c, 0x28260000, kBdnz | (-16 & 0xfffc), kLeave});
    for (const u64 bit : {0, 0, 0, 1}) {
        state.gpr[3] = bit;
        state.ctr = 10;
        run(executor);
        EXPECT_EQ(state.cr[0], bit != 0 ? 4 : 2);
        EXPECT_EQ(state.gpr[5], 7u);
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

TEST_F(Hot, BitsThatASelectionTests_AreInTheirRegister) {
    // and r5,r3,r7; cmpdi r5,0; iseleq r6,r8,r9; cmpdi r3,0; bdnz
    put(kCode, {0x7c653838, 0x2c250000, 0x7cc8489e, 0x2c230000, kBdnz | (-16 & 0xfffc), kLeave});
    for (unsigned round = 0; round < 4; ++round) {
        state.gpr[3] = 7, state.gpr[7] = round, state.gpr[5] = 99;
        state.gpr[8] = 100, state.gpr[9] = 200;
        state.ctr = 10;
        run(executor);
        EXPECT_EQ(state.gpr[5], 7 & round);
        EXPECT_EQ(state.gpr[6], (7 & round) == 0 ? 100u : 200u);
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

// r6, which a way out writes before r10, is where r10's value was read from.
TEST_F(Hot, RegistersThatAreMovedOn_AreRight_OnAWayOut) {
    // mr r5,r6; mr r6,r7; mr r10,r5; cmpdi r3,0; beq .+8; sc; sc
    put(kCode, {0x7cc53378, 0x7ce63b78, 0x7caa2b78, 0x2c230000, 0x41820008, kLeave, kLeave});
    for (const u64 stay : {1, 1, 1, 0}) {
        state.gpr[3] = stay;
        state.gpr[6] = 6, state.gpr[7] = 7;
        run(executor);
        EXPECT_EQ(state.gpr[5], 6u);
        EXPECT_EQ(state.gpr[6], 7u);
        EXPECT_EQ(state.gpr[10], 6u);
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

// As where a key permits stores only.
TEST_F(Hot, LoadBesideAStore_AsksTheMmu_WhereLevel1PermitsStoresOnly) {
    put(kCode, {kStd, 0xe8a40008, kBdnz | (-8 & 0xfffc), kLeave});  // std r3,0(r4); ld r5,8(r4); bdnz
    state.gpr[4] = 0x8000;
    for (unsigned round = 0; round < 4; ++round) {
        state.ctr = 10;
        run(executor);
    }
    ASSERT_GT(executor.stats().hot_blocks, 0u);
    const u64 misses = mmu.stats().level1_misses;
    state.ctr = 1;
    run(executor);
    EXPECT_EQ(mmu.stats().level1_misses, misses);
    mmu.arrays().data[8].load_tag = ~u64{0};
    state.ctr = 1;
    run(executor);
    EXPECT_GT(mmu.stats().level1_misses, misses);
}

// The trace takes the conditional branch; the unconditional one there, out of the page, is no part of it.
TEST_F(Hot, BranchToABranch_GoesWhereBothSay) {
    put(kCode, {kAddi | 1, kBdnz | 12, kAddi | 0x100, kLeave, kB | 0x1000});
    put(kCode + 0x1010, {kAddi | 0x10, kLeave});
    run(executor, kCode + 16);  // so that it is the hotter way
    for (const bool taken : {false, true, false, true}) {
        state.gpr[3] = 0;
        state.ctr = taken ? 2 : 1;
        run(executor);
        EXPECT_EQ(state.gpr[3], taken ? 0x11u : 0x101u);
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

TEST_F(Hot, BranchOverAFewInstructions_KeepsTheirResultsOrNot) {
    constexpr u32 kCmpdiR5 = 0x2c250000, kBeq = 0x41820000, kBne = 0x40820000;
    for (const u32 branch : {kBeq, kBne}) {
        const u64 at = kCode + (branch == kBeq ? 0 : 0x100);
        const std::vector<u32> code{kCmpdiR5, branch | 12, kAddi | 1, kAddi | 0x10, kBdnz | (-16 & 0xfffc), kLeave};
        const Heat warm = [](unsigned) { return 1u; };
        const Trace trace =
            translate_trace({.page = code, .first = 0, .mode = ir::mode_of(state), .address = at, .heat = warm});
        const auto exits = [](const ir::Inst& i) { return i.op == ir::Op::kExitIf; };
        EXPECT_EQ(std::count_if(trace.block.insts.begin(), trace.block.insts.end(), exits),
                  std::count(trace.block.pc.begin(), trace.block.pc.end(), 0))
            << "only bdnz, once a round";
        put(at, code);
        state.ctr = 1;
        run(executor, at + 8);  // so that both ways were gone when the loop is hot
        for (const u64 value : {0, 1, 0, 1}) {
            state.gpr[3] = state.instructions = 0;
            state.gpr[5] = value;
            state.ctr = 100;
            run(executor, at);
            const bool skips = (value == 0) == (branch == kBeq);
            EXPECT_EQ(state.gpr[3], skips ? 0u : 100 * 0x11u);
            EXPECT_EQ(state.instructions, 1 + 100 * (skips ? 3u : 5u));
        }
    }
    EXPECT_GT(executor.stats().hot_blocks, 0u);
}

/// Two vCPUs with one code cache.
struct Shared : X64 {
    mmu::Mmu other_mmu{ram, *hpt, epochs};
    CpuState other;
    Shared() {
        other.mmu = &other_mmu;
        other.platform = &platform;
        set_msr(other, msr::kSf);
    }
};

TEST_F(Shared, Code_IsTranslatedOnce_ForBoth) {
    put_two_blocks(*this);
    X64Executor first(mmu, cache), second(other_mmu, cache);
    state.ctr = other.ctr = 10;
    run(first);
    other.nip = kCode;
    second.run(other);
    EXPECT_EQ(other.gpr[3], state.gpr[3]);
    EXPECT_EQ(first.stats().blocks, 3u);
    EXPECT_EQ(second.stats().blocks, 0u);
}

TEST_F(Shared, ModifiedCode_IsSeenByBoth_AfterIcbi) {
    put_two_blocks(*this);
    X64Executor first(mmu, cache), second(other_mmu, cache);
    state.ctr = other.ctr = 10;
    run(first);
    other.nip = kCode;
    second.run(other);
    put(kCode + 16, {kAddi | 0x200});
    epochs.modified();
    for (CpuState* s : {&other, &state}) {
        s->gpr[3] = 0;
        s->ctr = 10;
        s->nip = kCode;
        (s == &state ? first : second).run(*s);
        EXPECT_EQ(s->gpr[3], 10u * 0x201);
    }
}

// The page is mapped anew for the other, which compares it and kills the block; this one has no reason to look.
TEST_F(Shared, CodeThatTheOtherKilled_IsFoundAnew) {
    put_two_blocks(*this);
    X64Executor first(mmu, cache), second(other_mmu, cache);
    state.ctr = 10;
    run(first);
    put(kCode, {kAddi | 2});
    epochs.mapped(Ra{kCode}, 4096);
    other.nip = kCode + 24;
    second.run(other);  // does not make the killed block again
    EXPECT_EQ(cache.killed(), 1u);
    state.gpr[3] = 0;
    state.ctr = 10;
    std::atomic<bool> done{false};
    std::thread watch([&] {  // going round between the killed block and the dispatcher
        for (unsigned n = 0; n < 300 && !done; ++n) std::this_thread::sleep_for(std::chrono::milliseconds(10));
        if (!done) state.attention = kAttentionInterrupt;
    });
    EXPECT_EQ(run(first), Exit::kHypercall);
    done = true;
    watch.join();
    EXPECT_EQ(state.gpr[3], 10u * 0x102);
}

// Both fill a small cache over and over, each in the other's way.
TEST_F(Shared, FullCache_TurnsOver_WhileBothRun) {
    constexpr unsigned kPairs = 32'000;
    std::vector<u32> words;
    for (unsigned n = 0; n < kPairs; ++n) words.insert(words.end(), {kStd, kAddi | 1});
    words.push_back(kLeave);
    put(kCode, words);
    CodeCache small(ram, epochs, {}, 4 * CodeCache::kChunk);
    X64Executor first(mmu, small), second(other_mmu, small);
    const auto body = [&](CpuState& s, X64Executor& executor, u64 where) {
        for (unsigned round = 1; round <= 5; ++round) {
            s.gpr[4] = where;
            s.nip = kCode;
            while (executor.run(s) != Exit::kHypercall) s.attention.store(0);
            EXPECT_EQ(s.gpr[3], u64{round} * kPairs);
        }
    };
    std::thread thread([&] { body(other, second, 0x9000); });
    body(state, first, 0x8000);
    thread.join();
    EXPECT_GT(small.turn_overs(), 1u);
}

}  // namespace
}  // namespace mpower::jit::x64
