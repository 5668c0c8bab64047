// The HPT under real threads: writers on few groups, walkers that set R and C, and an auditor's knowledge of what must
// be true. Meant for ThreadSanitizer too (the tsan preset).
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "hpt/hpt.h"
#include "tests/campaign.h"

namespace mpower::hpt {
namespace {

constexpr u64 kRam = u64{1} << 40;

struct Nobody : Invalidator {
    void invalidate(std::span<const VirtualPage>) override {}
};

unsigned seconds() { return long_run() ? 120 : 2; }

/// Runs each function on a thread until the time is up.
template <class... F>
void together(F... f) {
    std::atomic<bool> stop{false};
    std::array<std::thread, sizeof...(F)> threads{std::thread([&stop, f] {
        while (!stop.load(std::memory_order_relaxed)) f();
    })...};
    std::this_thread::sleep_for(std::chrono::seconds(seconds()));
    stop = true;
    for (auto& t : threads) t.join();
}

// Each entry that is entered carries its own number in the AVPN and in the RPN: a walker that ever sees the V word of
// one and the R word of another, finds that they differ.
TEST(HptStress, Walkers_NeverSeeHalvesOfTwoEntries_AndRcLandsOnItsOwn) {
    const auto table = *Hpt::create(18);
    std::atomic<u64> next{1}, walks{0}, removed_with_rc{0};
    const u64 pteg = 5;
    std::atomic<bool> failed{false};

    const auto writer = [&] {
        Nobody nobody;
        const u64 number = next.fetch_add(1) & 0xffffff;
        const auto e = table->enter(0, PteIndex{8 * pteg}, number << 12 | kValid, number << 12 | kM, kRam);
        if (e.status != papr::kSuccess) {
            // Full: take any one out, and look at what comes back.
            const u64 victim = 8 * pteg + number % 8;
            const auto r = table->remove(0, PteIndex{victim}, 0, nobody);
            if (r.status != papr::kSuccess) return;
            if ((r.old.v >> 12 & 0xffffff) != (r.old.r >> 12 & 0xffffff)) failed = true;
            if (r.old.r & (kR | kC)) ++removed_with_rc;
            return;
        }
        if (number % 3 == 0) table->protect(number & 3, e.index, 0, nobody);
        if (number % 5 == 0) table->clear(kC, 0, e.index, 0, nobody);
    };
    const auto walker = [&] {
        for (u64 slot = 8 * pteg; slot < 8 * pteg + 8; ++slot) {
            const Hpte e = *table->read(PteIndex{slot});
            ++walks;
            if (!(e.v & kValid)) continue;
            if ((e.v >> 12 & 0xffffff) != (e.r >> 12 & 0xffffff)) failed = true;
            table->set_rc(Match{PteIndex{slot}, e, 12}, slot % 2 ? kR : kR | kC);
        }
    };
    together(writer, writer, walker, walker);
    EXPECT_FALSE(failed) << "V and R of different entries";
    EXPECT_GT(walks, 1000u);
    EXPECT_GT(removed_with_rc, 0u) << "the walkers never set a bit: the test shows nothing";
}

// Threads enter into one group at once: exactly eight slots are handed out, each once.
TEST(HptStress, EightSlots_AreEachHandedOutOnce) {
    const auto table = *Hpt::create(18);
    std::array<std::atomic<int>, 8> owners{};
    std::atomic<bool> failed{false};
    std::atomic<u64> full{0};
    const auto user = [&] {
        Nobody nobody;
        const auto e = table->enter(0, PteIndex{16}, 0x80 | kValid, kM, kRam);
        if (e.status == papr::kPtegFull) {
            ++full;
            return;
        }
        if (owners[e.index.v - 16].fetch_add(1) != 0) failed = true;
        owners[e.index.v - 16].fetch_sub(1);
        if (table->remove(0, e.index, 0, nobody).status != papr::kSuccess) failed = true;
    };
    together(user, user, user, user);
    EXPECT_FALSE(failed);
}

// Two vCPUs remove the same entries in bulk, in opposite orders: no deadlock, and each entry is removed once.
TEST(HptStress, BulkRemoves_InOppositeOrders_Finish) {
    const auto table = *Hpt::create(18);
    std::atomic<i64> entered{0}, removed{0};
    const auto user = [&](bool backward) {
        Nobody nobody;
        std::array<u64, 8> pairs;
        for (u64 n = 0; n < 4; ++n) {
            const u64 slot = 8 * (backward ? 3 - n : n);
            if (table->enter(flag::kExact, PteIndex{slot}, 0x80 | kValid, kM, kRam).status == papr::kSuccess) ++entered;
            pairs[2 * n] = bulk::kRequest | slot;
            pairs[2 * n + 1] = 0;
        }
        EXPECT_EQ(table->bulk_remove(pairs, nobody), papr::kSuccess);
        for (u64 n = 0; n < 4; ++n) removed += !(pairs[2 * n] & bulk::kNotFound);
    };
    together([&] { user(false); }, [&] { user(true); });
    for (u64 n = 0; n < 4; ++n) removed += table->read(PteIndex{8 * n})->v & kValid;
    EXPECT_EQ(entered, removed);
    EXPECT_GT(entered, 1000);
}

// R and C that were set before an entry was protected or cleared are not lost, and never come back after.
TEST(HptStress, Protect_KeepsBitsThatAreSetMeanwhile) {
    const auto table = *Hpt::create(18);
    Nobody nobody;
    const PteIndex at = table->enter(flag::kExact, PteIndex{24}, 0x80 | kValid, kM, kRam).index;
    std::atomic<u64> set{0}, cleared{0};
    const auto setter = [&] {
        const Hpte e = *table->read(at);
        if (!(e.r & kC) && table->set_rc(Match{at, e, 12}, kC)) ++set;
    };
    const auto clearer = [&] {
        if (table->clear(kC, 0, at, 0, nobody).old.r & kC) ++cleared;
    };
    const auto protector = [&] {
        Nobody quiet;
        table->protect(2, at, 0, quiet);
        table->protect(3, at, 0, quiet);
    };
    together(setter, clearer, protector);
    cleared += (table->read(at)->r & kC) != 0;
    EXPECT_EQ(set, cleared) << "every C that was set is seen by exactly one clear";
    EXPECT_GT(set, 0u) << "no bit was ever set: the test shows nothing";
}

// The table's size changes back and forth under walks and calls: the bolted entry is always there, and a walker's C is
// not lost.
TEST(HptStress, Resizes_LoseNoBoltedEntry_AndNoC) {
    const auto table = *Hpt::create(18);
    std::atomic<u64> resizes{0}, walks{0}, epoch{0};
    std::atomic<bool> inside{false}, failed{false};
    // Waits for the walker, as the broadcast does.
    struct WaitForWalker : Invalidator {
        std::atomic<bool>& inside;
        std::atomic<u64>& epoch;
        WaitForWalker(std::atomic<bool>& i, std::atomic<u64>& e) : inside(i), epoch(e) {}
        void invalidate(std::span<const VirtualPage>) override {
            const u64 now = epoch.load();
            while (inside.load() && epoch.load() == now) sched_yield();
        }
    } invalidator(inside, epoch);
    ASSERT_EQ(table->enter(0, PteIndex{0}, kValid | kBolted, kM, kRam).status, papr::kSuccess);
    const auto walker = [&] {
        epoch.fetch_add(1);
        inside.store(true);
        const auto m = table->find(Segment{}, 0);
        if (!m || (m->hpte.r & kRpn) != 0) failed = true;
        const bool set = m && table->set_rc(*m, kC);
        inside.store(false);
        if (set && !(table->read(PteIndex{m->index.v % 8})->r & kC)) failed = true;
        ++walks;
    };
    const auto resizer = [&] {
        const unsigned shift = resizes % 2 ? 18 : 19;
        if (table->resize_prepare(shift) != papr::kSuccess) failed = true;
        if (table->resize_commit(shift, invalidator) != papr::kSuccess) failed = true;
        ++resizes;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // calls wait for a resize, so leave some time
    };
    const auto user = [&] {
        Nobody nobody;
        const auto e = table->enter(0, PteIndex{0}, 0x80 | kValid, kM, kRam);
        if (e.status != papr::kSuccess) failed = true;
        const auto r = table->remove(flag::kAndCond, e.index, kBolted, nobody);
        if (r.status != papr::kSuccess && r.status != papr::kNotFound) failed = true;
    };
    together(walker, resizer, user);
    EXPECT_FALSE(failed);
    EXPECT_GT(resizes, 10u);
    EXPECT_GT(walks, 10u);
}

}  // namespace
}  // namespace mpower::hpt
