// hcall-pft and dispatch, as far as they are not the hash table's own (tests/hpt).
#include "fixture.h"

namespace mpower::hcall {
namespace {

constexpr u64 kEnter = 0x08, kRemove = 0x04, kRead = 0x0c, kClearMod = 0x10, kProtect = 0x18, kPageInit = 0x2c,
              kBulkRemove = 0x124, kBlockRemove = 0x328, kResizePrepare = 0x36c, kResizeCommit = 0x370;
constexpr u64 kV = 0x123456 << 7 | hpt::kValid, kRamPage = 0x200000 | hpt::kM | hpt::kR | hpt::kC | 2;
constexpr u64 kZero = 1 << 15, kCopy = 1 << 14;

using Dispatch = HcallTest;

TEST_F(Dispatch, ReturnsFunction_WhenOpcodeIsUnknown) {
    for (u64 opcode : {u64{0}, u64{0x1c}, u64{0x05}, u64{0x7fc}, u64{0xf00f}, u64{0xf010}, ~u64{0}}) {
        EXPECT_EQ(call(opcode), papr::kFunction) << opcode;
    }
}

TEST_F(Dispatch, ReturnsPrivilegeAndDoesNothing_FromProblemState) {
    cpu().state().msr |= jit::msr::kPr;
    EXPECT_EQ(call(kEnter, {0, 0, kV, kRamPage}), papr::kPrivilege);
    EXPECT_EQ(call(0x1c), papr::kPrivilege);
    EXPECT_EQ(machine_->hpt().read(PteIndex{0}), hpt::Hpte{});
}

using Pft = HcallTest;

TEST_F(Pft, EnterThenRemove_ReturnTheSlotAndTheEntry) {
    ASSERT_EQ(call(kEnter, {0, 0x15, kV, kRamPage}), papr::kSuccess);
    EXPECT_EQ(r(4), 0x10u);  // first free slot of the group
    ASSERT_EQ(call(kRemove, {0, 0x10, 0}), papr::kSuccess);
    EXPECT_EQ(r(4), kV);
    EXPECT_EQ(r(5), kRamPage);
    EXPECT_EQ(call(kRemove, {0, 0x10, 0}), papr::kNotFound);
}

TEST_F(Pft, EveryCall_ReturnsParameter_WhenIndexIsOutOfTheTable) {
    const u64 last = machine_->hpt().slots() - 1;
    ASSERT_EQ(call(kEnter, {hpt::flag::kExact, last, kV, kRamPage}), papr::kSuccess);
    EXPECT_EQ(call(kRead, {0, last}), papr::kSuccess);
    for (u64 index : {last + 1, u64{1} << 63, ~u64{0}}) {
        EXPECT_EQ(call(kEnter, {0, index, kV, kRamPage}), papr::kParameter) << index;
        EXPECT_EQ(call(kRemove, {0, index, 0}), papr::kParameter) << index;
        EXPECT_EQ(call(kRead, {0, index}), papr::kParameter) << index;
        EXPECT_EQ(call(kRead, {hpt::flag::kRead4, index}), papr::kParameter) << index;
        EXPECT_EQ(call(kProtect, {0, index, 0}), papr::kParameter) << index;
        EXPECT_EQ(call(kClearMod, {0, index, 0}), papr::kParameter) << index;
    }
}

TEST_F(Pft, Enter_ChecksWimgAgainstTheEdgeOfRam) {
    const u64 outside = kRam | hpt::kI | hpt::kG | 2;
    EXPECT_EQ(call(kEnter, {0, 0, kV, (kRam - 0x1000) | hpt::kM}), papr::kSuccess);
    EXPECT_EQ(call(kEnter, {0, 0, kV, (kRam - 0x1000) | hpt::kI}), papr::kParameter);
    EXPECT_EQ(call(kEnter, {0, 0, kV, kRam | hpt::kM}), papr::kParameter);
    EXPECT_EQ(call(kEnter, {0, 0, kV, outside}), papr::kSuccess);
}

TEST_F(Pft, Enter_ZeroesThePage_WhenAskedTo) {
    std::fill_n(ram(0x1ff000), 0x3000, 0xaa);
    ASSERT_EQ(call(kEnter, {kZero, 0, kV, kRamPage}), papr::kSuccess);
    EXPECT_EQ(*ram(0x1fffff), 0xaa);
    EXPECT_TRUE(std::all_of(ram(0x200000), ram(0x201000), [](u8 b) { return b == 0; }));
    EXPECT_EQ(*ram(0x201000), 0xaa);
}

TEST_F(Pft, Enter_LeavesThePageAlone_WhenAnArgumentIsBad) {
    *ram(0x200000) = 0xaa;
    EXPECT_EQ(call(kEnter, {kZero, machine_->hpt().slots(), kV, kRamPage}), papr::kParameter);
    EXPECT_EQ(call(kEnter, {kZero, 0, kV, 0x200000 | hpt::kI}), papr::kParameter);
    EXPECT_EQ(call(kEnter, {kZero, 0, kV | hpt::kLarge, 0x202000 | hpt::kM}), papr::kParameter);  // no such page size
    EXPECT_EQ(*ram(0x200000), 0xaa);
}

TEST_F(Pft, Enter_ReturnsParameter_WhenThePageToZeroIsNotWhollyRam) {
    EXPECT_EQ(call(kEnter, {kZero, 0, kV, kRam | hpt::kI}), papr::kParameter);
    EXPECT_EQ(call(kEnter, {kZero, 0, kV | hpt::kLarge, (u64{32} << 20) | hpt::kM}), papr::kParameter);  // 16M
    EXPECT_EQ(machine_->hpt().read(PteIndex{0}), hpt::Hpte{});
}

TEST_F(Pft, Read4_ReturnsFourEntriesFromTheAlignedIndex) {
    for (u64 n = 0; n < 4; ++n) {
        ASSERT_EQ(call(kEnter, {hpt::flag::kExact, n, (n + 1) << 12 | hpt::kValid, kRamPage}), papr::kSuccess);
    }
    ASSERT_EQ(call(kRead, {hpt::flag::kRead4, 3}), papr::kSuccess);
    for (u64 n = 0; n < 4; ++n) {
        EXPECT_EQ(r(4 + 2 * n), (n + 1) << 12 | hpt::kValid);
        EXPECT_EQ(r(5 + 2 * n), kRamPage);
    }
}

TEST_F(Pft, Protect_ChangesProtectionOnly_AndChecksAvpn) {
    ASSERT_EQ(call(kEnter, {0, 0, kV, kRamPage}), papr::kSuccess);
    EXPECT_EQ(call(kProtect, {hpt::flag::kAvpn | 3, 0, 0x80}), papr::kNotFound);
    EXPECT_EQ(machine_->hpt().read(PteIndex{0})->r, kRamPage);
    ASSERT_EQ(call(kProtect, {hpt::flag::kAvpn | 3, 0, kV & ~u64{0x7f}}), papr::kSuccess);
    EXPECT_EQ(machine_->hpt().read(PteIndex{0})->r, kRamPage | 3);
}

TEST_F(Pft, ClearMod_ReturnsTheOldWord_AndClearsC) {
    ASSERT_EQ(call(kEnter, {0, 0, kV, kRamPage}), papr::kSuccess);
    ASSERT_EQ(call(kClearMod, {0, 0, 0}), papr::kSuccess);
    EXPECT_EQ(r(4), kRamPage);
    EXPECT_EQ(machine_->hpt().read(PteIndex{0})->r, kRamPage & ~hpt::kC);
}

TEST_F(Pft, BulkRemove_AnswersEachPair_AndStopsAtTheEnd) {
    ASSERT_EQ(call(kEnter, {hpt::flag::kExact, 5, kV, kRamPage}), papr::kSuccess);
    ASSERT_EQ(call(kBulkRemove, {hpt::bulk::kRequest | 5, 0, hpt::bulk::kRequest | 6, 0, hpt::bulk::kEnd, 0}),
              papr::kSuccess);
    EXPECT_EQ(r(4), hpt::bulk::kResponse | (hpt::kR | hpt::kC) << hpt::bulk::kRcShift | 5);
    EXPECT_EQ(r(6), hpt::bulk::kResponse | hpt::bulk::kNotFound | 6);
    EXPECT_EQ(r(8), hpt::bulk::kEnd);
}

TEST_F(Pft, BlockRemove_AnswersFromR4OnInOrder) {
    ASSERT_EQ(call(kEnter, {hpt::flag::kExact, 5, kV, kRamPage}), papr::kSuccess);
    ASSERT_EQ(call(kBlockRemove, {kV & ~u64{0x7f}, 0x4100000000000005, 0x4100000000000006, hpt::bulk::kEnd}),
              papr::kPartial);
    EXPECT_EQ(r(4), 0x8600000000000005);
    EXPECT_EQ(r(5), 0x8800000000000006);
    EXPECT_EQ(r(6), hpt::bulk::kEnd);
    EXPECT_EQ(call(kBlockRemove, {0, 0x4100000000000000 | machine_->hpt().slots()}), papr::kParameter);
    EXPECT_EQ(call(kBlockRemove, {0, 0}), papr::kParameter);
}

TEST_F(Pft, ResizeHpt_ChecksFlagsAndSizes_AndMovesBoltedEntries) {
    EXPECT_EQ(call(kResizePrepare, {1, 20}), papr::kParameter);
    EXPECT_EQ(call(kResizePrepare, {0, 17}), papr::kParameter);
    EXPECT_EQ(call(kResizePrepare, {0, 47}), papr::kParameter);
    EXPECT_EQ(call(kResizePrepare, {0, ~u64{0}}), papr::kParameter);
    EXPECT_EQ(call(kResizePrepare, {0, 27}), papr::kResource) << "RAM has less than 2^26 bytes";
    EXPECT_EQ(call(kResizeCommit, {0, 20}), papr::kClosed);
    EXPECT_EQ(call(kResizeCommit, {1, 20}), papr::kParameter);
    EXPECT_EQ(call(kResizeCommit, {0, 1}), papr::kParameter);
    ASSERT_EQ(call(kEnter, {hpt::flag::kExact, 3, hpt::kValid | hpt::kBolted, kRamPage}), papr::kSuccess);
    ASSERT_EQ(call(kEnter, {hpt::flag::kExact, 4, hpt::kValid, kRamPage}), papr::kSuccess);
    ASSERT_EQ(call(kResizePrepare, {0, 20}), papr::kSuccess);
    ASSERT_EQ(call(kResizeCommit, {0, 20}), papr::kSuccess);
    EXPECT_EQ(machine_->hpt().shift(), 20u);
    EXPECT_TRUE(machine_->hpt().read(PteIndex{3})->v & hpt::kValid);
    EXPECT_FALSE(machine_->hpt().read(PteIndex{4})->v & hpt::kValid);
    ASSERT_EQ(call(kResizePrepare, {0, 20}), papr::kSuccess);
    ASSERT_EQ(call(kResizePrepare, {0, 0}), papr::kSuccess);
    EXPECT_EQ(call(kResizeCommit, {0, 20}), papr::kClosed);
}

TEST_F(Pft, PageInit_CopiesZeroesAndChecksBothPages) {
    const u64 last = kRam - 0x1000;
    std::fill_n(ram(last), 0x1000, 0x5a);
    ASSERT_EQ(call(kPageInit, {kCopy, 0x3000, last}), papr::kSuccess);
    EXPECT_EQ(*ram(0x3fff), 0x5a);
    ASSERT_EQ(call(kPageInit, {kZero, last, 0}), papr::kSuccess);
    EXPECT_EQ(*ram(kRam - 1), 0);
    for (u64 bad : {kRam, kRam - 0x800, u64{0x3001}, ~u64{0xfff}, ~u64{0}}) {
        EXPECT_EQ(call(kPageInit, {kZero, bad, 0}), papr::kParameter) << bad;
        EXPECT_EQ(call(kPageInit, {kCopy, 0x3000, bad}), papr::kParameter) << bad;
    }
    EXPECT_EQ(call(kPageInit, {1, 0x3000, 0}), papr::kParameter);  // unknown flag
    EXPECT_EQ(*ram(0x3fff), 0x5a);
}

}  // namespace
}  // namespace mpower::hcall
