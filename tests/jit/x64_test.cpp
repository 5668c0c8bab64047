// What the cases of single instructions cannot show of the translator: links between blocks, stale code, a full cache.
#include "jit/x64/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "base/endian.h"

namespace mpower::jit::x64 {
namespace {

class NoPlatform final : public Platform {
    u64 time_base() override { return 0; }
    void set_decrementer(u64) override {}
    u64 decrementer() override { return 0; }
    u64 random() override { return 0; }
};

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
    X64Executor executor(mmu);
    state.ctr = 1000;
    EXPECT_EQ(run(executor), Exit::kHypercall);
    EXPECT_EQ(state.gpr[3], 1000u * 0x101);
    EXPECT_EQ(state.instructions, 4001u);
    EXPECT_EQ(state.nip, kCode + 28);
    EXPECT_EQ(executor.blocks_translated(), 3u);
}

TEST_F(X64, StaleBlock_IsTranslatedAnew_WhenItIsReachedByALink) {
    put_two_blocks(*this);
    X64Executor executor(mmu);
    state.ctr = 10;
    run(executor);
    put(kCode + 16, {kAddi | 0x200});
    epochs.modified();
    state.gpr[3] = 0;
    state.ctr = 10;
    run(executor);
    EXPECT_EQ(state.gpr[3], 10u * 0x201);
    EXPECT_EQ(executor.blocks_translated(), 4u);  // the first block was only compared
}

TEST_F(X64, LinkedLoop_Leaves_WhenAttentionIsAsked) {
    put(kCode, {kB});  // b .
    X64Executor executor(mmu);
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

TEST_F(X64, FullCache_IsDroppedAndMadeAgain_WithTheSameResult) {
    constexpr unsigned kPairs = 32'000;
    std::vector<u32> words;
    for (unsigned n = 0; n < kPairs; ++n) words.insert(words.end(), {kStd, kAddi | 1});
    words.push_back(kLeave);
    put(kCode, words);
    X64Executor executor(mmu, 2 * X64Executor::kRoomForBlock);
    for (unsigned round = 1; round <= 3; ++round) {
        state.gpr[4] = 0x8000;
        run(executor);
        EXPECT_EQ(state.gpr[3], u64{round} * kPairs);
        EXPECT_EQ(load_be<u64>(ram.bytes().data() + 0x8000), u64{round} * kPairs - 1);
    }
    EXPECT_GT(executor.blocks_translated(), kPairs * 2 / 64 + 1);  // else it was never full
}

TEST_F(X64, FaultInTheMiddle_LeavesTheStateOfThatInstruction) {
    put(kCode, {kAddi | 1, kStd, kAddi | 1, kLeave});
    put(0x200, {kLeave});
    X64Executor executor(mmu);
    state.gpr[4] = kRamBytes;  // nothing is there: machine check
    run(executor);
    EXPECT_EQ(state.gpr[3], 1u);
    EXPECT_EQ(state.spr[spr::kSrr0], kCode + 4);
    EXPECT_EQ(state.nip, 0x204u);
    EXPECT_EQ(state.instructions, 2u);  // addi, and sc 1 at the vector
}

}  // namespace
}  // namespace mpower::jit::x64
