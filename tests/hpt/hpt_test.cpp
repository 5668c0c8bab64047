// The HPT against its sequential model, and each return code at its boundary.
#include "hpt/hpt.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/campaign.h"
#include "tests/hpt/model.h"

namespace mpower::hpt {
namespace {

constexpr unsigned kShift = 18;
constexpr u64 kRam = u64{1} << 30;
constexpr u64 kSlots = u64{1} << (kShift - 4);

/// Collects what was invalidated.
struct Recorder : Invalidator {
    std::vector<VirtualPage> pages;
    unsigned calls = 0;
    void invalidate(std::span<const VirtualPage> p) override {
        pages.insert(pages.end(), p.begin(), p.end());
        ++calls;
    }
};

struct HptTest : testing::Test {
    std::unique_ptr<Hpt> table = *Hpt::create(kShift);
    Recorder recorder;

    static constexpr u64 kAnyR = 0x123000 | kM;
    PteIndex enter(u64 index, u64 v = 0x12345680 | kValid, u64 r = kAnyR, u64 flags = flag::kExact) {
        const auto e = table->enter(flags, PteIndex{index}, v, r, kRam);
        EXPECT_EQ(e.status, papr::kSuccess);
        return e.index;
    }
};

TEST_F(HptTest, Create_RefusesSizesOutsideTheRange) {
    EXPECT_FALSE(Hpt::create(17));
    EXPECT_FALSE(Hpt::create(47));
#ifndef __SANITIZE_THREAD__  // which leaves no 64 TiB of addresses
    EXPECT_TRUE(Hpt::create(46));
#endif
}

TEST_F(HptTest, Enter_TakesTheFirstFreeSlotOfTheGroup) {
    for (u64 n = 0; n < 8; ++n) EXPECT_EQ(enter(8 * 5 + 3, kValid | (n + 1) << 7, kAnyR, 0).v, 8 * 5 + n);
    EXPECT_EQ(table->enter(0, PteIndex{8 * 5}, kValid, kAnyR, kRam).status, papr::kPtegFull);
    table->remove(0, PteIndex{8 * 5 + 6}, 0, recorder);
    EXPECT_EQ(enter(8 * 5, kValid, kAnyR, 0).v, 8 * 5 + 6);
}

TEST_F(HptTest, EnterExact_IsFull_WhenTheSlotIsTaken) {
    enter(9);
    EXPECT_EQ(table->enter(flag::kExact, PteIndex{9}, kValid, kAnyR, kRam).status, papr::kPtegFull);
    enter(10);
}

TEST_F(HptTest, Index_IsCheckedAtTheTablesEnd) {
    enter(kSlots - 1);
    for (const u64 index : {kSlots, kSlots + 7, ~u64{0}, u64{1} << 60}) {
        EXPECT_EQ(table->enter(flag::kExact, PteIndex{index}, kValid, kAnyR, kRam).status, papr::kParameter);
        EXPECT_EQ(table->remove(0, PteIndex{index}, 0, recorder).status, papr::kParameter);
        EXPECT_EQ(table->protect(0, PteIndex{index}, 0, recorder), papr::kParameter);
        EXPECT_EQ(table->clear(kR, 0, PteIndex{index}, 0, recorder).status, papr::kParameter);
        EXPECT_FALSE(table->read(PteIndex{index}));
    }
}

TEST_F(HptTest, Enter_ChecksWimgByTarget) {
    const auto status = [&](u64 real, u64 wimg) {
        const auto e = table->enter(0, PteIndex{0}, kValid, real | wimg, kRam);
        if (e.status == papr::kSuccess) table->remove(0, e.index, 0, recorder);
        return e.status;
    };
    for (u64 wimg = 0; wimg < 16; ++wimg) {
        EXPECT_EQ(status(kRam - 4096, wimg << 3), wimg == 2 ? papr::kSuccess : papr::kParameter) << wimg;
        const bool inhibited = (wimg & 12) == 4;
        EXPECT_EQ(status(kRam, wimg << 3), inhibited ? papr::kSuccess : papr::kParameter) << wimg;
    }
}

TEST_F(HptTest, Enter_RefusesPageSizesThatDoNotExist) {
    const auto status = [&](u64 lp) {
        const auto e = table->enter(0, PteIndex{0}, kValid | kLarge, lp << 12 | kM, kRam);
        if (e.status == papr::kSuccess) table->remove(0, e.index, 0, recorder);
        return e.status;
    };
    for (u64 lp = 0; lp < 256; ++lp) {
        const bool exists = (lp & 15) == 1 || (lp & 15) == 7 || lp == 0 || lp == 8 || lp == 0x38;
        EXPECT_EQ(status(lp), exists ? papr::kSuccess : papr::kParameter) << lp;
    }
}

TEST_F(HptTest, Remove_ReturnsNotFound_WhenAConditionFails) {
    const u64 v = 0x4000001234567880 | kBolted | kValid;
    enter(77, v);
    EXPECT_EQ(table->remove(0, PteIndex{78}, 0, recorder).status, papr::kNotFound);
    EXPECT_EQ(table->remove(flag::kAvpn, PteIndex{77}, 0x4000001234567800, recorder).status, papr::kNotFound);
    EXPECT_EQ(table->remove(flag::kAndCond, PteIndex{77}, kBolted, recorder).status, papr::kNotFound);
    EXPECT_EQ(recorder.calls, 0u);
    const auto removed = table->remove(flag::kAvpn, PteIndex{77}, v & ~u64{0x7f}, recorder);
    EXPECT_EQ(removed.status, papr::kSuccess);
    EXPECT_EQ(removed.old, (Hpte{v, kAnyR}));
    EXPECT_EQ(recorder.calls, 1u);
    EXPECT_EQ(table->remove(0, PteIndex{77}, 0, recorder).status, papr::kNotFound);
}

TEST_F(HptTest, Remove_ReturnsTheBitsThatWalkersSet) {
    const Segment segment{.vsid = 0x1234, .segment_shift = 28, .base_shift = 12};
    const u64 offset = 0x345000;
    const u64 pteg = primary_hash(segment, offset) & table->pteg_mask();
    const PteIndex at = enter(8 * pteg, tag_of(segment, offset));
    const auto match = table->find(segment, offset);
    ASSERT_TRUE(match);
    EXPECT_EQ(match->index, at);
    EXPECT_TRUE(table->set_rc(*match, kR | kC));
    EXPECT_EQ(table->remove(0, at, 0, recorder).old.r, kAnyR | kR | kC);
    EXPECT_FALSE(table->set_rc(*match, kR)) << "the entry is gone";
    enter(8 * pteg, tag_of(segment, offset), kAnyR | 1);
    EXPECT_FALSE(table->set_rc(*match, kC)) << "another entry took its place";
    EXPECT_EQ(table->read(at)->r, kAnyR | 1);
}

TEST_F(HptTest, Find_LooksInTheSecondaryGroup) {
    const Segment segment{.vsid = 0x55aa, .segment_shift = 40, .base_shift = 16};
    const u64 offset = 0x1230000;
    const u64 pteg = ~primary_hash(segment, offset) & table->pteg_mask();
    EXPECT_FALSE(table->find(segment, offset));
    enter(8 * pteg + 5, tag_of(segment, offset) | kSecondary | kLarge, 0x120000 | 0x1000 | kM);
    const auto match = table->find(segment, offset);
    ASSERT_TRUE(match);
    EXPECT_EQ(match->index.v, 8 * pteg + 5);
    EXPECT_EQ(match->page_shift, 16);
}

TEST_F(HptTest, Find_PassesOverAnEntryOfAnotherBasePageSize) {
    const Segment segment{.vsid = 0x77, .segment_shift = 28, .base_shift = 16};
    const u64 offset = 0;
    const u64 pteg = primary_hash(segment, offset) & table->pteg_mask();
    enter(8 * pteg, tag_of(segment, offset) | kLarge, 0x3000000 | kM);  // 16M base
    enter(8 * pteg + 1, tag_of(segment, offset), 0x4000 | kM);          // 4K
    EXPECT_FALSE(table->find(segment, offset));
    enter(8 * pteg + 2, tag_of(segment, offset) | kLarge, 0x3000000 | 0x8000 | kM);  // 64K base, 16M
    const auto match = table->find(segment, offset);
    ASSERT_TRUE(match);
    EXPECT_EQ(match->page_shift, 24);
}

TEST_F(HptTest, Read_ShowsNeitherLockNorDirtyBit) {
    enter(16, 0x1000 | kLock | kDirty | kValid);
    EXPECT_EQ(table->read(PteIndex{16})->v, 0x1000 | kValid);
    EXPECT_TRUE(table->take_dirty(PteIndex{16}));
    EXPECT_FALSE(table->take_dirty(PteIndex{16}));
    table->protect(1, PteIndex{16}, 0, recorder);
    EXPECT_TRUE(table->take_dirty(PteIndex{16}));
    table->remove(0, PteIndex{16}, 0, recorder);
    EXPECT_TRUE(table->take_dirty(PteIndex{16}));
}

TEST_F(HptTest, BulkRemove_StopsAtAnInvalidRequest_WithTheEarlierOnesDone) {
    enter(1);
    enter(2);
    enter(300);
    std::array<u64, 8> pairs{bulk::kRequest | 1,  0, bulk::kRequest | 300, 0,
                             bulk::kResponse | 2, 0, bulk::kRequest | 2,   0};
    EXPECT_EQ(table->bulk_remove(pairs, recorder), papr::kParameter);
    EXPECT_EQ(pairs[0], bulk::kResponse | 1);
    EXPECT_EQ(pairs[2], bulk::kResponse | 300);
    EXPECT_EQ(pairs[4], bulk::kResponse | 2);
    EXPECT_FALSE(table->read(PteIndex{1})->v & kValid);
    EXPECT_FALSE(table->read(PteIndex{300})->v & kValid);
    EXPECT_TRUE(table->read(PteIndex{2})->v & kValid);
    EXPECT_EQ(recorder.pages.size(), 2u) << "what was removed was invalidated before the call returned";
    enter(1);  // no lock was left behind
    enter(300);
}

TEST_F(HptTest, BulkRemove_ReturnsRAndCInBits4And5) {
    enter(1, kValid, kAnyR | kR);
    enter(2, kValid, kAnyR | kC);
    std::array<u64, 8> pairs{bulk::kRequest | 1, 0, bulk::kRequest | 2, 0, bulk::kEnd};
    EXPECT_EQ(table->bulk_remove(pairs, recorder), papr::kSuccess);
    EXPECT_EQ(pairs[0], 0x8800000000000001);
    EXPECT_EQ(pairs[2], 0x8400000000000002);
}

TEST_F(HptTest, BlockRemove_TakesEntriesOfTheBlockOnly_AndAnswersEach) {
    const u64 avpn = 0x1234580;
    enter(1, avpn | kValid, kAnyR | kR | kC);
    enter(300, avpn | kValid);
    enter(301, (avpn ^ 0x80) | kValid);
    std::array<u64, 8> specifiers{0x4100000000000001, 0x410000000000012c, 0x410000000000012d,
                                  0x400000000000012d, 0x4100000000000002, bulk::kEnd};
    EXPECT_EQ(table->block_remove(avpn, specifiers, recorder), papr::kPartial);
    EXPECT_EQ(specifiers[0], 0x8600000000000001);
    EXPECT_EQ(specifiers[1], 0x800000000000012c);
    EXPECT_EQ(specifiers[2], 0x880000000000012d) << "another AVPN";
    EXPECT_EQ(specifiers[3], 0x800000000000012d) << "no AVPN was asked for";
    EXPECT_EQ(specifiers[4], 0x8800000000000002) << "nothing there";
    EXPECT_EQ(recorder.pages.size(), 3u);
    EXPECT_EQ(recorder.calls, 1u);
}

TEST_F(HptTest, BlockRemove_ComparesWhatPagesOf16MHaveInCommon) {
    const u64 large = kLarge | kValid, r = 0x1000000 | kM;
    enter(8, 0x1000 | 0x300 | large, r);   // the block is 128M: 4 bits of the AVPN differ within
    enter(16, 0x1000 | 0x800 | large, r);  // the next block
    std::array<u64, 8> specifiers{0x4100000000000008, 0x4100000000000010, bulk::kEnd};
    EXPECT_EQ(table->block_remove(0x1000, specifiers, recorder), papr::kPartial);
    EXPECT_EQ(specifiers[0] >> 56, 0x80u);
    EXPECT_EQ(specifiers[1] >> 56, 0x88u);
}

struct HptResizeTest : HptTest {
    /// Enters the page at its place, as an operating system does.
    PteIndex map(u64 vsid, u64 page, bool secondary, u64 more_v) {
        const Segment segment{.vsid = vsid};
        const u64 hash = primary_hash(segment, page << 12) ^ (secondary ? ~u64{0} : 0);
        const u64 v = tag_of(segment, page << 12) | (secondary ? kSecondary : 0) | more_v;
        return enter((hash & table->pteg_mask()) * 8, v, page << 12 | kM, 0);
    }
};

TEST_F(HptResizeTest, Commit_KeepsBoltedEntries_InTheirSlots_AndOnlyThem) {
    std::vector<PteIndex> at;
    for (u64 n = 0; n < 100; ++n) at.push_back(map(n * 977, n, n % 3 == 0, n % 2 ? kBolted : 0));
    for (const unsigned shift : {20u, 18u, 22u, 18u}) {
        EXPECT_EQ(table->resize_prepare(shift), papr::kSuccess);
        EXPECT_EQ(table->resize_commit(shift, recorder), papr::kSuccess);
        EXPECT_EQ(table->shift(), shift);
        EXPECT_EQ(recorder.pages.back(), kEveryPage);
        for (u64 n = 0; n < 100; ++n) {
            const auto m = table->find(Segment{.vsid = n * 977}, n << 12);
            ASSERT_EQ(m.has_value(), n % 2 == 1) << n;
            if (m) { EXPECT_EQ(m->index.v % 8, at[n].v % 8); }
            if (m) { EXPECT_EQ(m->hpte.r, n << 12 | kM); }
        }
    }
    enter(table->slots() - 1);
    EXPECT_EQ(table->remove(0, PteIndex{table->slots()}, 0, recorder).status, papr::kParameter);
}

TEST_F(HptResizeTest, Commit_IsClosed_UnlessThatSizeIsPrepared) {
    EXPECT_EQ(table->resize_commit(20, recorder), papr::kClosed);
    EXPECT_EQ(table->resize_prepare(20), papr::kSuccess);
    EXPECT_EQ(table->resize_commit(19, recorder), papr::kClosed);
    EXPECT_EQ(table->resize_prepare(0), papr::kSuccess);
    EXPECT_EQ(table->resize_commit(20, recorder), papr::kClosed);
    EXPECT_EQ(table->resize_prepare(17), papr::kParameter);
    EXPECT_EQ(table->resize_prepare(47), papr::kParameter);
    EXPECT_EQ(table->shift(), kShift);
}

TEST_F(HptResizeTest, Commit_IsPtegFull_AndChangesNothing_WhenASmallerTableCannotHoldTheEntries) {
    ASSERT_EQ(table->resize_prepare(19), papr::kSuccess);
    ASSERT_EQ(table->resize_commit(19, recorder), papr::kSuccess);
    map(0, 5, false, kBolted);
    map(0, 5 + 2048, false, kBolted);  // the same PTEG of a table of half the size
    ASSERT_EQ(table->resize_prepare(18), papr::kSuccess);
    EXPECT_EQ(table->resize_commit(18, recorder), papr::kPtegFull);
    EXPECT_EQ(table->shift(), 19u);
    EXPECT_TRUE(table->find(Segment{}, 5 << 12));
    EXPECT_TRUE(table->find(Segment{}, (5 + 2048) << 12));
    EXPECT_EQ(table->resize_commit(18, recorder), papr::kClosed);
    enter(1);  // calls go on
}

TEST(HptPages, PageOf_FindsThePageBack_ForEverySizeAndBothHashes) {
    const u64 seed = campaign_seed();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    struct Encoding {
        u8 base, page;
        u64 large, lp;
    };
    constexpr Encoding kEncodings[] = {{12, 12, 0, 0},      {12, 16, kLarge, 7}, {12, 24, kLarge, 0x38},
                                       {16, 16, kLarge, 1}, {16, 24, kLarge, 8}, {24, 24, kLarge, 0}};
    for (int n = 0; n < 200000; ++n) {
        const Encoding& e = kEncodings[random() % std::size(kEncodings)];
        const u8 segment_shift = random() % 2 ? 28 : 40;
        const u64 vsid = random() & ((u64{1} << (segment_shift == 28 ? 50 : 38)) - 1);
        const u64 offset = random() & ((u64{1} << segment_shift) - 1);
        const unsigned shift = 18 + random() % 20;
        const u64 pteg_mask = (u64{1} << (shift - 7)) - 1;
        const Segment segment{vsid, segment_shift, e.base};
        const bool secondary = random() % 2;
        // The hash, from the ISA's text: for 1T segments the VSID is folded in twice.
        u64 hash = vsid ^ (offset >> e.base);
        if (segment_shift == 40) hash ^= vsid << 25;
        if (secondary) hash = ~hash;
        const u64 page_mask = (u64{1} << e.page) - 1;
        const Hpte entry{tag_of(segment, offset) | e.large | (secondary ? kSecondary : 0), e.lp << 12};
        const VirtualPage expected{vsid, offset & ~page_mask, segment_shift, e.base, e.page};
        const VirtualPage got = page_of(entry, hash & pteg_mask);
        ASSERT_EQ(got, expected) << "vsid " << std::hex << vsid << " offset " << offset << " base " << int{e.base}
                                 << " page " << int{e.page} << " segment " << int{segment_shift};
    }
}

TEST(HptModel, RandomCalls_AgreeWithTheSequentialModel) {
    const u64 seed = campaign_seed();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    const auto table = *Hpt::create(kShift);
    test::Model model(kShift, kRam);
    Recorder recorder;
    const auto pick = [&](u64 n) { return random() % n; };
    // Few groups, few AVPNs: so that calls meet. Now and then anything.
    const auto index = [&] { return pick(50) == 0 ? random() >> pick(64) : pick(4) * 8 + pick(8); };
    const auto avpn = [&] { return pick(30) == 0 ? random() & ~u64{0x7f} : (pick(3) + 1) << 7; };
    const u64 rounds = long_run() ? 50'000'000 : 500'000;
    for (u64 n = 0; n < rounds; ++n) {
        const u64 i = index(), a = avpn();
        const u64 conditions = (pick(2) ? flag::kAvpn : 0) | (pick(3) == 0 ? flag::kAndCond : 0);
        switch (pick(9)) {
            case 0:
            case 1: {
                const u64 v = a | pick(128);
                const u64 r = pick(10) == 0 ? random()
                                            : (pick(2 * kRam) & ~u64{0xfff}) | (pick(8) ? kM : kI) | (random() & 0x187);
                const u64 flags = pick(2) ? flag::kExact : 0;
                u64 used = 0;
                const auto expected = model.enter(flags, i, v, r, &used);
                const auto got = table->enter(flags, PteIndex{i}, v, r, kRam);
                ASSERT_EQ(got.status, expected) << n;
                if (expected == papr::kSuccess) { ASSERT_EQ(got.index.v, used) << n; }
                break;
            }
            case 2: {
                Hpte old;
                const auto expected = model.remove(conditions, i, a, &old);
                const auto got = table->remove(conditions, PteIndex{i}, a, recorder);
                ASSERT_EQ(got.status, expected) << n;
                if (expected == papr::kSuccess) { ASSERT_EQ(got.old, old) << n; }
                break;
            }
            case 3: {
                const u64 flags = conditions | (random() & 0x3f07);
                ASSERT_EQ(table->protect(flags, PteIndex{i}, a, recorder), model.protect(flags, i, a)) << n;
                break;
            }
            case 4: {
                const u64 bit = pick(2) ? kR : kC;
                Hpte old;
                const auto expected = model.clear(bit, conditions, i, a, &old);
                const auto got = table->clear(bit, conditions, PteIndex{i}, a, recorder);
                ASSERT_EQ(got.status, expected) << n;
                if (expected == papr::kSuccess) { ASSERT_EQ(got.old, old) << n; }
                break;
            }
            case 5: {
                std::array<u64, 8> got;
                u64 expected[8];
                for (int k = 0; k < 8; k += 2) {
                    const u64 type = pick(20) == 0 ? pick(4) : 1;
                    expected[k] = got[k] =
                        type << 62 | (pick(8) == 0 ? pick(64) << 56 : pick(3) << 56) | (index() & bulk::kPtex);
                    expected[k + 1] = got[k + 1] = avpn();
                }
                ASSERT_EQ(table->bulk_remove(got, recorder), model.bulk_remove(expected)) << n;
                for (int k = 0; k < 8; ++k) ASSERT_EQ(got[k], expected[k]) << n << " word " << k;
                break;
            }
            case 6: {
                std::array<u64, 8> got;
                u64 expected[8];
                for (int k = 0; k < 8; ++k) {
                    const u64 type = pick(40) == 0 ? pick(4) : 1;
                    expected[k] = got[k] = type << 62 | pick(2) << 56 | (index() & bulk::kPtex);
                }
                ASSERT_EQ(table->block_remove(a, got, recorder), model.block_remove(a, expected)) << n;
                for (int k = 0; k < 8; ++k) ASSERT_EQ(got[k], expected[k]) << n << " word " << k;
                break;
            }
            case 7:
                if (i < kSlots && (model.read(i).v & kValid)) {
                    const bool store = pick(2);
                    ASSERT_TRUE(table->set_rc(Match{PteIndex{i}, *table->read(PteIndex{i}), 12}, store ? kR | kC : kR));
                    model.touch(i, store);
                }
                break;
            default:
                if (i < kSlots && (model.read(i).v & kValid)) {
                    ASSERT_EQ(table->read(PteIndex{i}), model.read(i)) << n;
                }
                break;
        }
    }
}

}  // namespace
}  // namespace mpower::hpt
