// R and C under real threads, audited. Accessors stand for vCPUs: they find an entry, keep it as a TLB does, and set R
// or R and C in it for each load or store. Writers own slots of shared PTEGs, and put every entry in with a number of
// its own as its real page. At the end of a round the books must agree, entry by entry:
//   - R (C) was returned by a call exactly if some access to that very entry set it;
//   - all else is what the owner of the slot wrote last.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "hpt/hpt.h"
#include "tests/campaign.h"

namespace mpower::hpt {
namespace {

constexpr u64 kRam = u64{1} << 40;
constexpr unsigned kPtegs = 2, kSlots = 8 * kPtegs, kWriters = 2, kAccessors = 2, kEntries = 1 << 16;

struct Nobody : Invalidator {
    void invalidate(std::span<const VirtualPage>) override {}
};

template <Mutant kBug>
struct Policy : StdPolicy {
    static constexpr Mutant kMutant = kBug;
};

struct Totals {
    u64 accesses = 0, entries = 0, stale = 0;
    std::string failure;
};

template <Mutant kBug>
struct Round {
    using Table = BasicHpt<Policy<kBug>>;
    std::unique_ptr<Table> table = *Table::create(18);
    std::unique_ptr<std::atomic<u8>[]> set { new std::atomic<u8>[ kEntries ]() };  // by accesses: R = 1, C = 2
    std::vector<u8> returned = std::vector<u8>(kEntries);                          // by calls
    std::atomic<unsigned> next{1}, working{kWriters};
    std::atomic<u64> accesses{0}, stale{0};
    std::atomic<const char*> failure{nullptr};

    static u8 marks(u64 r) { return static_cast<u8>((r & kR ? 1 : 0) | (r & kC ? 2 : 0)); }

    void access(unsigned id, u64 seed) {
        std::minstd_rand random(static_cast<unsigned>(seed + id + 1));
        std::array<Match, kSlots> tlb{};
        u64 count = 0, refused = 0;
        while (working.load(std::memory_order_relaxed) != 0) {
            const unsigned slot = random() % kSlots;
            Match& m = tlb[slot];
            if (!(m.hpte.v & kValid)) m = {PteIndex{slot}, *table->read(PteIndex{slot}), 12};
            if (!(m.hpte.v & kValid)) continue;
            const u64 bits = random() % 4 == 0 ? kR | kC : kR;
            ++count;
            if (table->set_rc(m, bits)) {
                auto& mark = set[(m.hpte.r & kRpn) >> 12];
                if ((mark.load(std::memory_order_relaxed) | marks(bits)) != mark.load(std::memory_order_relaxed)) {
                    mark.fetch_or(marks(bits), std::memory_order_relaxed);
                }
            } else {
                ++refused;
                m = {};
            }
        }
        accesses += count;
        stale += refused;
    }

    void write(unsigned id, u64 seed) {
        std::minstd_rand random(static_cast<unsigned>(seed * 7 + id + 1));
        Nobody nobody;
        struct Owned {
            Hpte expected{};
            unsigned number = 0;
        };
        std::array<Owned, kSlots / kWriters> owned{};
        const auto took = [&](const Owned& o, const Hpte& old) {
            if (((old.r ^ o.expected.r) & ~(kR | kC)) != 0) failure = "a bit that is not R or C has changed";
            if (old.v != o.expected.v) failure = "V has changed";
            returned[o.number] |= marks(old.r);
        };
        const auto remove = [&](Owned& o, PteIndex index) {
            if (o.number == 0) return;
            const auto removed = table->remove(0, index, 0, nobody);
            if (removed.status != papr::kSuccess) failure = "an entry is gone";
            took(o, removed.old);
            o.number = 0;
        };
        for (;;) {
            const unsigned n = random() % owned.size();
            Owned& o = owned[n];
            const PteIndex index{n * kWriters + id};
            if (o.number == 0) {
                o.number = next.fetch_add(1);
                if (o.number >= kEntries) {
                    o.number = 0;
                    break;
                }
                o.expected = {u64{n} << 12 | kValid, u64{o.number} << 12 | kM | (random() & (kPp | kN))};
                if (table->enter(flag::kExact, index, o.expected.v, o.expected.r, kRam).status != papr::kSuccess) {
                    failure = "somebody is in an owned slot";
                }
                continue;
            }
            switch (random() % 4) {
                case 0: remove(o, index); break;
                case 1: {
                    const auto cleared = table->clear(random() % 2 ? kC : kR, 0, index, 0, nobody);
                    took(o, cleared.old);
                    break;
                }
                default: {
                    const u64 bits = random() & (kPp | kN | kKeyLow);
                    table->protect(bits, index, 0, nobody);
                    o.expected.r = (o.expected.r & ~(kPp | kN | kKeyLow)) | bits;
                }
            }
        }
        for (unsigned n = 0; n < owned.size(); ++n) remove(owned[n], PteIndex{n * kWriters + id});
        working.fetch_sub(1);
    }

    void run(u64 seed, Totals* totals) {
        std::vector<std::thread> threads;
        for (unsigned id = 0; id < kWriters; ++id) threads.emplace_back([this, id, seed] { write(id, seed); });
        for (unsigned id = 0; id < kAccessors; ++id) threads.emplace_back([this, id, seed] { access(id, seed); });
        for (auto& t : threads) t.join();
        for (unsigned n = 1; n < kEntries; ++n) {
            // An R or C that a clear has returned may have been set again since: sets, not counts, must agree.
            if (set[n].load() & ~returned[n]) failure = "R or C was lost";
            if (returned[n] & ~set[n].load()) failure = "R or C was invented";
        }
        totals->accesses += accesses;
        totals->stale += stale;
        totals->entries += kEntries;
        if (failure != nullptr) totals->failure = failure;
    }
};

// Rounds until there were `accesses`, and `stale` of them met a change, or until a failure. Other load may let the
// threads of many a round run one after the other, and such a round shows nothing.

template <Mutant kBug>
Totals audit(u64 accesses, u64 stale, u64 seed) {
    constexpr unsigned kMostRounds = 20'000;
    Totals totals;
    const auto enough = [&] { return totals.accesses >= accesses && totals.stale >= stale; };
    for (u64 n = 0; n < kMostRounds && !enough() && totals.failure.empty(); ++n) {
        const auto round = std::make_unique<Round<kBug>>();
        round->run(seed + n, &totals);
    }
    return totals;
}

TEST(HptRcAudit, NoRcBitIsLostOrInvented_AndNothingElseChanges) {
    const u64 accesses = long_run() ? 1'000'000'000 : 2'000'000;
    const u64 seed = campaign_seed();
    const Totals t = audit<Mutant::kNone>(accesses, accesses / 10'000, seed);
    std::printf("seed %lu: %lu accesses, %lu of them to entries that had gone or changed; %lu entries\n",
                static_cast<unsigned long>(seed), static_cast<unsigned long>(t.accesses),
                static_cast<unsigned long>(t.stale), static_cast<unsigned long>(t.entries));
    EXPECT_EQ(t.failure, "");
    EXPECT_GE(t.accesses, accesses) << "too few: the test shows nothing";
    EXPECT_GE(t.stale, accesses / 10'000) << "too few accesses met a change: the test shows nothing";
}

TEST(HptRcAudit, SeededBugs_AreFound) {
    const auto found = [](const char* name, const Totals& t) {
        std::printf("%s: %s after %lu accesses\n", name, t.failure.c_str(), static_cast<unsigned long>(t.accesses));
        EXPECT_NE(t.failure, "") << name << " survives";
    };
    found("kRcAnyEntry", audit<Mutant::kRcAnyEntry>(~u64{0}, 0, 1));
    found("kRcPlain", audit<Mutant::kRcPlain>(~u64{0}, 0, 1));
    found("kProtectOldRc", audit<Mutant::kProtectOldRc>(~u64{0}, 0, 1));
}

}  // namespace
}  // namespace mpower::hpt
