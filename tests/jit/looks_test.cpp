// Looks at the TLB that several accesses share, where pages that are neighbours lie apart in RAM, and dcbz, whose
// stores are one access: on this host, and as if it had AVX2 at most.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/endian.h"
#include "jit/x64/executor.h"
#include "tests/no_platform.h"

namespace mpower::jit::x64 {
namespace {

constexpr u64 kRamBytes = 1 << 20, kCode = 0x10000, kFirst = 0x20000, kSecond = 0x40000, kReadOnly = 0x60000;
constexpr u32 kLeave = 0x44000022;  // sc 1: run() returns

Host avx2_only() {
    Host h = host();
    h.avx512 = h.vbmi = h.bitalg = h.vpopcnt = false;
    return h;
}

/// Data is relocated, code is not: 0x8000 is at kFirst, 0x9000 at kSecond, 0xa000 nowhere, 0xb000 at kReadOnly.
struct Looks : testing::TestWithParam<bool> {
    /// Linux' clear_page: 8 lines of 128 bytes each round, r5 to r11 are 128, 256 ... 896, r12 is 1024.
    static inline const std::vector<u32> kClearPage{
        0x7c0027ec, 0x7c0527ec, 0x7c0627ec, 0x7c0727ec, 0x7c0827ec,
        0x7c0927ec, 0x7c0a27ec, 0x7c0b27ec, 0x7c846214, 0x42000000 | (-36 & 0xfffc),
        kLeave};

    Looks() { start(mmu::ReservationMode::kWeak); }

    void start(mmu::ReservationMode mode) {
        executor.reset(), cache.reset(), mmu.reset(), epochs.reset();
        hpt = std::move(*hpt::Hpt::create(18));
        ram = std::make_unique<mmu::GuestRam>(std::move(*mmu::GuestRam::create(kRamBytes, mode)));
        epochs = std::make_unique<mmu::CodeEpochs>(kRamBytes);
        mmu = std::make_unique<mmu::Mmu>(*ram, *hpt, *epochs);
        cache = std::make_unique<CodeCache>(*ram, *epochs, CodeOptions{.hot = 2}, CodeCache::kCodeBytes,
                                            GetParam() ? avx2_only() : host());
        executor = std::make_unique<X64Executor>(*mmu, *cache);
        map(0x8000, kFirst, 2), map(0x9000, kSecond, 2), map(0xb000, kReadOnly, 3);
        EXPECT_TRUE(mmu->slbmte(0, 0x08000000));  // entry 0: segment 0, VSID 0, no key
        state.mmu = mmu.get();
        state.platform = &platform;
        put(0x300, {kLeave});
    }
    void map(u64 ea, u64 ra, u64 pp) {
        constexpr u64 kMemoryCoherent = 0x10;
        EXPECT_EQ(hpt->enter(0, PteIndex{ea / 0x1000 * 8}, 1, ra | kMemoryCoherent | pp, kRamBytes).status,
                  papr::kSuccess);
    }
    void put(u64 at, const std::vector<u32>& words) {
        for (const u32 w : words) {
            store_be<u32>(ram->bytes().data() + at, w);
            at += 4;
        }
    }
    void run() {
        set_msr(state, msr::kSf | msr::kDr);
        state.nip = kCode;
        EXPECT_EQ(executor->run(state), Exit::kHypercall);
    }
    /// Clears `rounds` times 1024 bytes from r4 = ea.
    void clear(u64 ea, u64 rounds) {
        state.gpr[4] = ea;
        for (unsigned n = 5; n < 12; ++n) state.gpr[n] = 128 * (n - 4);
        state.gpr[12] = 1024;
        state.ctr = rounds;
        run();
    }
    void warm_clearing() {
        put(kCode, kClearPage);
        for (unsigned n = 0; n < 4; ++n) clear(0x8000, 8);
        EXPECT_GT(executor->stats().hot_blocks, 0u);
        std::fill(ram->bytes().begin() + kFirst - 0x1000, ram->bytes().begin() + kReadOnly + 0x2000, u8{0xff});
    }
    /// That of what was filled nothing but bytes [from, to) of both pages are zero.
    void expect_clear(u64 from, u64 to) {
        for (u64 at = kFirst - 0x1000; at < kReadOnly + 0x2000; ++at) {
            const u64 page = at & ~u64{0xfff};
            const u64 ea = (page == kFirst ? 0x8000 : page == kSecond ? 0x9000 : 0) + (at & 0xfff);
            ASSERT_EQ(ram->bytes()[at], ea >= from && ea < to ? 0 : 0xff) << std::hex << at << ", " << ea;
        }
    }

    std::unique_ptr<mmu::GuestRam> ram;
    std::unique_ptr<hpt::Hpt> hpt;
    std::unique_ptr<mmu::CodeEpochs> epochs;
    std::unique_ptr<mmu::Mmu> mmu;
    std::unique_ptr<CodeCache> cache;
    std::unique_ptr<X64Executor> executor;
    NoPlatform platform;
    CpuState state;
};

TEST_P(Looks, AlignedAddress_IsInThePageOfWhatWasAligned) {
    // clrrdi r5,r4,4; ld r6,8(r5); std r3,8(r5)
    put(kCode, {0x788506e4, 0xe8c50008, 0xf8650008, kLeave});
    u8* const bytes = ram->bytes().data();
    for (const u64 ea : {0x8008, 0x8fe8, 0x8fef, 0x8ff0, 0x8fff, 0x9000, 0x900f, 0x8ff8}) {
        const u64 at = (ea < 0x9000 ? kFirst : kSecond) + (ea & 0xff0);
        store_be<u64>(bytes + at + 8, 2);
        state.gpr[3] = 3;
        state.gpr[4] = ea;
        run();
        EXPECT_EQ(state.gpr[6], 2u) << std::hex << ea;
        EXPECT_EQ(load_be<u64>(bytes + at + 8), 3u) << std::hex << ea;
    }
    EXPECT_GT(executor->stats().hot_blocks, 0u);
}

TEST_P(Looks, MaskThatIsNoAlignment_IsNoneToALook) {
    // li r8,-6; and r5,r4,r8; lbz r6,2(r5); stb r3,2(r5)
    put(kCode, {0x3900fffa, 0x7c854038, 0x88c50002, 0x98650002, kLeave});
    for (const u64 ea : {0x9005, 0x8005, 0x8006, 0x9007, 0x8fff}) {  // the last one: 0x8ffa + 2
        u8& byte = ram->bytes()[(ea < 0x9000 ? kFirst : kSecond) + (ea & 0xffa) + 2];
        byte = 7;
        state.gpr[3] = 3;
        state.gpr[4] = ea;
        run();
        EXPECT_EQ(state.gpr[6], 7u) << std::hex << ea;
        EXPECT_EQ(byte, 3) << std::hex << ea;
    }
    EXPECT_GT(executor->stats().hot_blocks, 0u);
}

// lbz r5,0(r4); addi r4,r4,1; cmpwi r5,0; beq; add r6,r6,r5; stb r6,0(r7); bdnz; and where r5 is 0: addi r8,r8,1; stb
// r8,1(r7); bdnz. A round of either kind is the last one in the first page.
TEST_P(Looks, LookOfALoop_IsMadeAgain_ByBothOfItsWays) {
    put(kCode, {0x88a40000, 0x38840001, 0x2c050000, 0x41820018, 0x7cc62a14, 0x98c70000, 0x42000000 | (-24 & 0xfffc),
                kLeave, kLeave, 0x39080001, 0x99070001, 0x42000000 | (-44 & 0xfffc), kLeave});
    std::fill(ram->bytes().begin() + kFirst + 0x1000, ram->bytes().begin() + kFirst + 0x2000, u8{9});
    for (u64 run_number = 0; run_number < 8; ++run_number) {
        u64 sum = 0, zeros = 0;
        for (u64 ea = 0x8f00; ea < 0x9100; ++ea) {
            const u8 byte = (ea + run_number) % 2 != 0 ? static_cast<u8>(ea & 3) | 1 : 0;
            ram->bytes()[(ea < 0x9000 ? kFirst : kSecond) + (ea & 0xfff)] = byte;
            sum += byte, zeros += byte == 0;
        }
        state.gpr[4] = 0x8f00;
        state.gpr[6] = state.gpr[8] = 0;
        state.gpr[7] = 0x8000;
        state.ctr = 0x200;
        run();
        EXPECT_EQ(state.gpr[6], sum) << run_number;
        EXPECT_EQ(state.gpr[8], zeros) << run_number;
    }
    EXPECT_GT(executor->stats().hot_blocks, 0u);
}

TEST_P(Looks, LinesThatAreCleared_AreThose_InOnePageAndAcrossTwo) {
    for (const u64 ea : {0x8000, 0x8400, 0x8480, 0x8c00, 0x8c80, 0x8fff, 0x9001, 0x9bff}) {
        warm_clearing();
        clear(ea, 1);
        EXPECT_EQ(state.nip, kCode + 4 * kClearPage.size());
        expect_clear(ea & ~u64{127}, (ea & ~u64{127}) + 1024);
    }
}

TEST_P(Looks, Clearing_AsksTheMmuOnce_ForAPage) {
    warm_clearing();
    mmu->flush_all();
    const u64 misses = mmu->stats().level1_misses;
    clear(0x8000, 8);
    EXPECT_LE(mmu->stats().level1_misses - misses, 3u);  // both pages, and the code's
    expect_clear(0x8000, 0xa000);
}

// Where indices are not what they were when the code was made.
TEST_P(Looks, LinesThatAreCleared_AreThose_WhenIndicesChange) {
    warm_clearing();
    state.gpr[4] = 0x8000;
    for (unsigned n = 5; n < 12; ++n) state.gpr[n] = 0x1000 + 128 * (n - 5);
    state.gpr[5] = 128;
    state.ctr = 1;
    run();
    for (u64 at = 0; at < 0x1000; ++at) {
        ASSERT_EQ(ram->bytes()[kFirst + at], at < 256 ? 0 : 0xff) << at;
        ASSERT_EQ(ram->bytes()[kSecond + at], at >= 128 && at < 896 ? 0 : 0xff) << at;
    }
}

TEST_P(Looks, LineThatFaults_IsThat_AndNothingAfterIt) {
    warm_clearing();
    clear(0x9c80, 2);
    EXPECT_EQ(state.nip, 0x304u);
    EXPECT_EQ(state.spr[spr::kSrr0], kCode + 4 * 7);  // the last one of the round: 0xa000
    EXPECT_EQ(state.spr[spr::kDar], 0xa000u);
    EXPECT_EQ(state.spr[spr::kDsisr], 0x42000000u);
    EXPECT_EQ(state.gpr[4], 0x9c80u);
    expect_clear(0x9c80, 0xa000);
}

TEST_P(Looks, LineOfAPageThatMayNotBeStoredTo_StaysAsItIs) {
    warm_clearing();
    clear(0xb400, 2);
    EXPECT_EQ(state.nip, 0x304u);
    EXPECT_EQ(state.spr[spr::kSrr0], kCode);
    EXPECT_EQ(state.spr[spr::kDar], 0xb400u);
    EXPECT_EQ(state.spr[spr::kDsisr], 0x0a000000u);
    expect_clear(0, 0);
}

// Another vCPU's reservation, of a word that was 0 before.
TEST_P(Looks, Clearing_EndsReservations_WhereStoresDo) {
    start(mmu::ReservationMode::kStrict);
    put(kCode, kClearPage);
    for (unsigned n = 0; n < 4; ++n) clear(0x8000, 8);
    ASSERT_GT(executor->stats().hot_blocks, 0u);
    mmu::Mmu other_mmu{*ram, *hpt, *epochs};
    X64Executor other_executor{other_mmu, *cache};
    CpuState other;
    other.mmu = &other_mmu;
    other.platform = &platform;
    put(0x11000, {0x7cc02028, kLeave, 0x7c60212d, kLeave});  // lwarx r6,0,r4; sc; stwcx. r3,0,r4; sc
    for (const bool cleared : {false, true}) {
        other.gpr[4] = kFirst + 0x6fc;
        set_msr(other, msr::kSf);
        other.nip = 0x11000;
        EXPECT_EQ(other_executor.run(other), Exit::kHypercall);
        EXPECT_EQ(other.gpr[6], 0u);
        if (cleared) clear(0x8000, 8);
        EXPECT_EQ(other_executor.run(other), Exit::kHypercall);
        EXPECT_EQ(other.cr[0], cleared ? 0 : 2);
        clear(0x8000, 8);
    }
}

INSTANTIATE_TEST_SUITE_P(Hosts, Looks, testing::Bool(), [](const auto& i) { return i.param ? "Avx2" : "This"; });

}  // namespace
}  // namespace mpower::jit::x64
