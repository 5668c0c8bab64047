// Recorded histories of real threads against the sequential model: see history.h.
#include <gtest/gtest.h>
#include <x86intrin.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>

#include "hpt/hpt.h"
#include "tests/campaign.h"
#include "tests/hpt/history.h"

namespace mpower::hpt {
namespace {

using test::Call;
using test::History;
using test::Kind;
constexpr unsigned kThreads = 3, kCallsEach = 5, kBatch = 64;
constexpr u64 kRam = u64{1} << 40;

struct Nobody : Invalidator {
    void invalidate(std::span<const VirtualPage>) override {}
};

/// Host atomics, and a bug.
template <Mutant kBug>
struct Policy : StdPolicy {
    static constexpr Mutant kMutant = kBug;
};

template <class Table>
std::array<u64, 4> on_table(Table& table, u64 pteg, const Call& c) {
    Nobody nobody;
    const PteIndex index{8 * pteg + c.slot};
    switch (c.kind) {
        case Kind::kEnter:
        case Kind::kExactEnter: {
            const auto e = table.enter(c.kind == Kind::kEnter ? 0 : flag::kExact, index, c.v, c.r, kRam);
            return {u64(e.status), e.status == papr::kSuccess ? e.index.v % 8 : 0};
        }
        case Kind::kRemove: {
            const auto e = table.remove(flag::kAvpn, index, c.v, nobody);
            return {u64(e.status), e.old.v, e.old.r};
        }
        case Kind::kProtect: return {u64(table.protect(c.r | flag::kAvpn, index, c.v, nobody))};
        case Kind::kRead: {
            const Hpte e = *table.read(index);
            return {e.v, e.v & kValid ? e.r : 0};
        }
        case Kind::kClearMod: {
            const auto e = table.clear(kC, flag::kAvpn, index, c.v, nobody);
            return {u64(e.status), e.old.v, e.old.r};
        }
        case Kind::kBulkRemove: {
            std::array<u64, 8> p{bulk::kRequest | index.v, 0, bulk::kRequest | (index.v ^ 1), 0, bulk::kEnd};
            const auto s = table.bulk_remove(p, nobody);
            return {u64(s), p[0] - 8 * pteg, p[2] - 8 * pteg};
        }
        case Kind::kHit:
        case Kind::kMiss:
            // Addresses whose primary group is this one: of segment `pteg` xor the page's number in it.
            for (;;) {
                const u64 vsid = c.v >> 12;
                const auto m = table.find(Segment{.vsid = vsid}, ((vsid ^ pteg) & 0x7ff) << 12);
                if (!m) return {};
                if (table.set_rc(*m, kR | kC)) return {1, m->hpte.v, m->hpte.r & ~(kR | kC), m->index.v % 8};
            }
    }
    return {};
}

/// Few slots and few AVPNs, so that calls meet. V has the AVPN of segment 1, 2 or 3 and a page below 8M.
Call random_call(std::minstd_rand& random) {
    Call c;
    c.kind = static_cast<Kind>(random() % 8);
    c.slot = random() % 3;
    c.v = (1 + random() % 2) << 12;
    if (c.kind == Kind::kEnter || c.kind == Kind::kExactEnter) {
        c.v |= kValid;
        c.r = (random() % 1000 + 1) << 12 | kM | (random() & kPp);
    } else if (c.kind == Kind::kProtect) {
        c.r = random() & (kPp | kN);
    }
    return c;
}

struct Found {
    u64 histories = 0;
    std::string failure;
};

std::string print(const History& h) {
    static const char* const kNames[] = {"enter",     "exact", "remove", "protect", "read",
                                         "clear_mod", "bulk",  "hit",    "miss"};
    std::string text;
    const u64 zero = std::min_element(h.calls.begin(), h.calls.end(), [](const Call& a, const Call& b) {
                         return a.start < b.start;
                     })->start;
    for (const Call& c : h.calls) {
        text += fmt::format("{:8} .. {:8} {} slot {} {:#x} {:#x} = {} {:#x} {:#x}\n", c.start - zero, c.end - zero,
                            kNames[static_cast<int>(c.kind)], c.slot, c.v, c.r, static_cast<i64>(c.answer[0]),
                            c.answer[1], c.answer[2]);
    }
    return text;
}

/// The call, or its parts: see Call.
void record(Call c, std::vector<Call>& calls) {
    if (c.kind == Kind::kBulkRemove) {
        Call second = c;
        second.slot ^= 1;
        second.answer = {c.answer[0], c.answer[2]};
        c.answer = {c.answer[0], c.answer[1]};
        calls.push_back(second);
    } else if (c.kind == Kind::kHit && c.answer[0] != 0) {
        c.slot = static_cast<u8>(std::exchange(c.answer[3], 0));
    } else if (c.kind == Kind::kHit) {
        c.kind = Kind::kMiss;
        for (c.slot = 0; c.slot < 7; ++c.slot) calls.push_back(c);
    }
    calls.push_back(c);
}

/// Threads go through a batch of PTEGs together, a history in each; then all are checked.
template <Mutant kBug>
Found run(u64 histories, u64 seed) {
    using Table = BasicHpt<Policy<kBug>>;
    Found found;
    std::unique_ptr<Table> table;
    std::array<std::array<std::vector<Call>, kThreads>, kBatch> recorded;
    std::atomic<unsigned> arrived{0};
    std::atomic<bool> stop{false};
    const auto meet = [&](unsigned round) {
        arrived.fetch_add(1);
        for (unsigned n = 0; arrived.load(std::memory_order_acquire) < round * kThreads && n < 1000; ++n) _mm_pause();
        while (arrived.load(std::memory_order_acquire) < round * kThreads) sched_yield();
    };
    std::barrier sync(kThreads, [&]() noexcept {
        for (unsigned h = 0; h < kBatch && table != nullptr; ++h) {
            History history;
            for (auto& calls : recorded[h]) {
                history.calls.insert(history.calls.end(), calls.begin(), calls.end());
                calls.clear();
            }
            ++found.histories;
            if (found.failure.empty() && !history.linearizable()) found.failure = print(history);
        }
        stop = found.histories >= histories || !found.failure.empty();
        table = *Table::create(18);
        arrived = 0;
    });
    const auto body = [&](unsigned id) {
        std::minstd_rand random(static_cast<unsigned>(seed * kThreads + id + 1));
        sync.arrive_and_wait();
        while (!stop) {
            for (unsigned h = 0; h < kBatch; ++h) {
                std::array<Call, kCallsEach> calls;
                for (Call& c : calls) c = random_call(random);
                meet(h + 1);
                for (Call& c : calls) {
                    // Nothing of the call before the first, or after the second, reading of the clock.
                    c.start = __rdtsc();
                    _mm_lfence();
                    c.answer = on_table(*table, h, c);
                    _mm_lfence();
                    c.end = __rdtsc();
                }
                for (const Call& c : calls) record(c, recorded[h][id]);
            }
            sync.arrive_and_wait();
        }
    };
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < kThreads; ++id) threads.emplace_back(body, id);
    for (auto& t : threads) t.join();
    return found;
}

TEST(HptLinearizability, RecordedHistories_AreExplainedBySomeOrder) {
    const u64 histories = long_run() ? 1'000'000 : 20'000;
    const u64 seed = campaign_seed();
    const Found found = run<Mutant::kNone>(histories, seed);
    std::printf("seed %lu, %lu histories\n", static_cast<unsigned long>(seed),
                static_cast<unsigned long>(found.histories));
    EXPECT_EQ(found.failure, "");
    EXPECT_GE(found.histories, histories);
}

template <Mutant kBug>
void found_in_seconds(const char* name) {
    const auto start = std::chrono::steady_clock::now();
    const Found found = run<kBug>(300'000, 1);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%s: after %lu histories, %.2f s\n%s", name, static_cast<unsigned long>(found.histories), took.count(),
                found.failure.c_str());
    EXPECT_NE(found.failure, "") << name << " survives";
}

// On real threads, hence only bugs that show without luck.
TEST(HptLinearizability, SeededBugs_AreFoundOnRealThreads) {
    found_in_seconds<Mutant::kNoLock>("kNoLock");
    found_in_seconds<Mutant::kRcPlain>("kRcPlain");
}

TEST(HptLinearizability, AWrongAnswer_IsNotExplained) {
    History h;
    h.calls = {{.kind = Kind::kEnter, .v = 1 << 12 | kValid, .r = 1 << 12 | kM, .start = 1, .end = 4},
               {.kind = Kind::kRead, .start = 2, .end = 3}};
    EXPECT_TRUE(h.linearizable()) << "the read may be first";
    h.calls[1].answer = {1 << 12 | kValid, 1 << 12 | kM};
    EXPECT_TRUE(h.linearizable()) << "or second";
    h.calls[1].answer = {1 << 12 | kValid, 2 << 12 | kM};
    EXPECT_FALSE(h.linearizable());
    h.calls[1].answer = {};
    h.calls[1].start = 5;
    h.calls[1].end = 6;
    EXPECT_FALSE(h.linearizable()) << "the entry had been entered before the read began";
}

TEST(HptLinearizability, AWalk_MayUseAnyEntryOfThePage_AndMissesOneSlotAfterTheOther) {
    constexpr u64 kPage = 1 << 12, kFirst = 1 << 12 | kM, kSecond = 2 << 12 | kM;
    History h;
    h.calls = {{.kind = Kind::kExactEnter,
                .slot = 2,
                .v = kPage | kValid,
                .r = kFirst,
                .start = 1,
                .end = 2,
                .answer = {0, 2}},
               {.kind = Kind::kExactEnter, .slot = 0, .v = kPage | kValid, .r = kSecond, .start = 5, .end = 6},
               {.kind = Kind::kHit, .slot = 2, .v = kPage, .start = 3, .end = 9, .answer = {1, kPage | kValid, kFirst}},
               {.kind = Kind::kRead, .slot = 2, .start = 7, .end = 8, .answer = {kPage | kValid, kFirst}}};
    EXPECT_TRUE(h.linearizable()) << "found before slot 0 was entered, R and C set after the read";
    h.calls[3].end = 11;
    h.calls[3].start = 10;
    EXPECT_FALSE(h.linearizable()) << "R and C had been set before the read began";
    h.calls[3] = {
        .kind = Kind::kRemove, .slot = 2, .v = kPage, .start = 7, .end = 8, .answer = {0, kPage | kValid, kFirst}};
    h.calls[2] = {.kind = Kind::kMiss, .slot = 0, .v = kPage, .start = 3, .end = 9};
    h.calls.push_back(h.calls[2]);
    h.calls.back().slot = 2;
    EXPECT_TRUE(h.linearizable()) << "slot 0 was looked at before, slot 2 after";
    h.calls[2].start = h.calls.back().start = 7;
    EXPECT_FALSE(h.linearizable()) << "slot 0 had the page all the time";
}

}  // namespace
}  // namespace mpower::hpt
