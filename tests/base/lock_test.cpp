#include "base/lock.h"

#include <gtest/gtest.h>

#include <thread>

namespace mpower {
namespace {

// Checked whatever the build.
Mutex<LockRank::kCodeKey, true> key;
Mutex<LockRank::kCodePage, true> page, other_page;
using Waiting = LockScope<LockRank::kInvalidation, true>;

TEST(LockOrder, Ascending_Passes) {
    for (int round = 0; round < 2; ++round) {
        const std::lock_guard first(key);
        const std::lock_guard second(page);
    }
    const std::lock_guard again(key);
}

TEST(LockOrder, OtherThreadsHold_DoesNotMatter) {
    const std::lock_guard held(page);
    std::thread([] { const std::lock_guard lock(key); }).join();
}

TEST(LockOrderDeathTest, Inversion_NamesBoth) {
    EXPECT_DEATH(
        {
            const std::lock_guard first(page);
            const std::lock_guard second(key);
        },
        "holds \"code page\" waits for \"code key\"");
}

TEST(LockOrderDeathTest, TwoOfOneRank_Aborts) {
    EXPECT_DEATH(
        {
            const std::lock_guard first(page);
            const std::lock_guard second(other_page);
        },
        "holds \"code page\" waits for \"code page\"");
}

TEST(LockOrderDeathTest, TryOfOneRankThenWait_Aborts) {
    EXPECT_DEATH(
        {
            LockOrder::took(LockRank::kPteg);  // as H_BULK_REMOVE does: tries do not wait
            LockOrder::took(LockRank::kPteg);
            LockOrder::released(LockRank::kPteg);
            LockOrder::before(LockRank::kPteg);
        },
        "holds \"PTEG\" waits for \"PTEG\"");
}

TEST(LockOrderDeathTest, ReleaseOfWhatIsNotHeld_Aborts) {
    EXPECT_DEATH(LockOrder::released(LockRank::kNvram), "releases \"NVRAM\"");
}

TEST(LockOrderDeathTest, WaitForOthersUnderALock_Aborts) {
    EXPECT_DEATH(
        {
            const std::lock_guard lock(key);
            const Waiting waiting;
        },
        "holds \"code key\" waits for \"invalidation\"");
}

}  // namespace
}  // namespace mpower
