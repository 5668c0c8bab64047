// What a fill of level 1 permits, and how far it goes.
#include "mmu/mmu.h"

#include <gtest/gtest.h>

namespace mpower::mmu {
namespace {

/// One segment of 64K pages in problem state, with storage keys Ks = Kp = 1.
class MmuTest : public testing::Test {
  protected:
    static constexpr u64 kRamBytes = 1 << 20, kPageBytes = 1 << 16, kEa = 0x10000000, kVsid = 7;
    static constexpr u64 kSlbSizes = 0x110;              // L and LP: 64K
    static constexpr u64 kReadWrite = 2, kReadOnly = 3;  // PP
    static constexpr u64 k64K = 0x1000, k16M = 0x8000;   // LP of an HPTE, base pages of 64K
    static constexpr hpt::Segment kSegment{kVsid, 28, 16};

    MmuTest() {
        EXPECT_TRUE(mmu.slbmte(kVsid << 12 | SlbEntry::kKs | SlbEntry::kKp | kSlbSizes, kEa | SlbEntry::kValid));
        mmu.set_mode(true, true, true);
    }
    /// Maps the page at `offset` of the segment to `real`.
    void map(u64 offset, u64 real, u64 pp, u64 rc = 0, u64 size = k64K) {
        const u64 v = hpt::tag_of(kSegment, offset) | hpt::kLarge;
        const u64 pteg = hpt::primary_hash(kSegment, offset) & (hpt->slots() / 8 - 1);
        const auto entered = hpt->enter(0, PteIndex{pteg * 8}, v, real | size | hpt::kM | pp | rc, u64{16} << 20);
        ASSERT_EQ(entered.status, papr::kSuccess);
    }
    u64 r_of(u64 offset) { return hpt->find(kSegment, offset)->hpte.r; }
    u8* access(u64 ea, bool store) { return mmu.translate(ea, store, &fault); }
    bool hit(u64 ea, bool store) const { return mmu.hit(ea, 8, store) != nullptr; }

    GuestRam ram = std::move(*GuestRam::create(kRamBytes));
    std::unique_ptr<hpt::Hpt> hpt = std::move(*hpt::Hpt::create(18));
    CodeEpochs epochs{kRamBytes};
    Mmu mmu{ram, *hpt, epochs};
    Fault fault;
};

TEST_F(MmuTest, Load_OfAPageWithoutC_LeavesTheFirstStoreToSetIt) {
    map(0, 0, kReadWrite);
    ASSERT_NE(access(kEa, false), nullptr);
    EXPECT_TRUE(hit(kEa, false));
    EXPECT_FALSE(hit(kEa, true));
    EXPECT_EQ(r_of(0) & (hpt::kR | hpt::kC), hpt::kR);
    ASSERT_NE(access(kEa, true), nullptr);
    EXPECT_EQ(r_of(0) & (hpt::kR | hpt::kC), hpt::kR | hpt::kC);
}

TEST_F(MmuTest, Load_OfAPageWithC_FillsForStores) {
    map(0, 0, kReadWrite, hpt::kR | hpt::kC);
    ASSERT_NE(access(kEa, false), nullptr);
    EXPECT_TRUE(hit(kEa, true));
}

TEST_F(MmuTest, Load_OfAReadOnlyPageWithC_FillsForLoadsOnly) {
    map(0, 0, kReadOnly, hpt::kR | hpt::kC);
    ASSERT_NE(access(kEa, false), nullptr);
    EXPECT_FALSE(hit(kEa, true));
    EXPECT_EQ(access(kEa, true), nullptr);
    EXPECT_EQ(fault.vector, 0x300);
    EXPECT_EQ(fault.status, 0x0a000000u);
}

TEST_F(MmuTest, Store_WhereAmrDeniesLoads_FillsForStoresOnly) {
    map(0, 0, kReadWrite);
    mmu.set_amr(u64{1} << 62, 0);
    ASSERT_NE(access(kEa, true), nullptr);
    EXPECT_TRUE(hit(kEa, true));
    EXPECT_FALSE(hit(kEa, false));
    EXPECT_EQ(access(kEa, false), nullptr);
    EXPECT_EQ(fault.status, 0x00200000u);
}

TEST_F(MmuTest, Accesses_PageAfterPage_FillARunToTheEndOfTheGuestsPage) {
    map(0, 2 * kPageBytes, kReadWrite);
    map(kPageBytes, 5 * kPageBytes, kReadWrite);
    access(kEa, false);
    EXPECT_FALSE(hit(kEa + 0x1000, false));
    const u64 misses = mmu.stats().level1_misses;
    for (u64 offset = 0x1000; offset < 2 * kPageBytes; offset += 0x1000) {
        const u8* const host = access(kEa + offset, false);
        const u64 real = offset < kPageBytes ? 2 * kPageBytes + offset : 4 * kPageBytes + offset;
        EXPECT_EQ(host, ram.bytes().data() + real) << std::hex << offset;
        EXPECT_EQ(hit(kEa + kPageBytes, false), offset >= kPageBytes) << std::hex << offset;
        EXPECT_FALSE(hit(kEa + offset, true)) << std::hex << offset;  // C is not set
    }
    // Of 15 and 16 pages.
    EXPECT_EQ(mmu.stats().level1_misses - misses, 15 / Mmu::kRun + 1 + 16 / Mmu::kRun);
}

TEST_F(MmuTest, Fill_TakesTheEntryOfAnotherPageWhole) {
    constexpr u64 kAlias = Mmu::kLevel1Entries << 12;
    map(0, 0, kReadWrite);
    map(kAlias, kPageBytes, kReadWrite);
    access(kEa, true);
    ASSERT_NE(access(kEa + kAlias, false), nullptr);
    EXPECT_FALSE(hit(kEa, true));
    EXPECT_FALSE(hit(kEa, false));
}

TEST_F(MmuTest, Invalidation_DropsAllOfARun) {
    map(0, 0, kReadWrite);
    access(kEa, true);
    access(kEa + 0x1000, true);
    ASSERT_TRUE(hit(kEa + 0x1000 * Mmu::kRun, true));
    mmu.invalidate({kVsid, 0, 28, 16, 16});
    for (u64 offset = 0; offset < kPageBytes; offset += 0x1000) EXPECT_FALSE(hit(kEa + offset, true));
}

TEST_F(MmuTest, DroppedSegment_TakesAllOfARunAlong) {
    map(0, 0, kReadWrite);
    access(kEa, true);
    access(kEa + 0x1000, true);
    mmu.slbie(kEa);
    for (u64 offset = 0; offset < kPageBytes; offset += 0x1000) EXPECT_FALSE(hit(kEa + offset, true));
}

TEST_F(MmuTest, Run_EndsWhereRamEnds) {
    map(kRamBytes - kPageBytes, 0, kReadWrite, hpt::kR, k16M);
    access(kEa + kRamBytes - 0x2000, true);
    ASSERT_NE(access(kEa + kRamBytes - 0x1000, true), nullptr);
    EXPECT_FALSE(hit(kEa + kRamBytes, true));
    EXPECT_EQ(access(kEa + kRamBytes, true), nullptr);
    EXPECT_EQ(fault.vector, 0x200);
}

}  // namespace
}  // namespace mpower::mmu
