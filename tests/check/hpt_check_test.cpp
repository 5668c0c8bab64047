// BasicHpt under the model checker: concurrent calls on one PTEG against every order of the sequential model.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>

#include "hpt/hpt.h"
#include "tests/campaign.h"
#include "tests/check/policy.h"
#include "tests/hpt/model.h"

namespace mpower::hpt {
namespace {

using check::Checked;
using check::CheckPolicy;
using check::Scheduler;
using Outcome = std::vector<u64>;
constexpr u64 kRam = u64{1} << 40;
constexpr auto kSeq = std::memory_order_seq_cst;

enum Op {
    kEnter,
    kExactEnter,
    kRemove,
    kProtect,
    kRead,
    kClearMod,
    kBulkRemove,
    kWalk,
    kOps,
    kFind = kOps,
    kWalkOut,
    kBulkForward,
    kBulkBackward,
    kResize
};
const char* const kNames[] = {"enter",        "exact enter",   "remove",   "protect", "read",
                              "clear_mod",    "bulk_remove",   "walk+R/C", "find",    "walk+R/C in OUT",
                              "bulk forward", "bulk backward", "resize"};

// Slot 0 maps the walked page, and is bolted. Other slots hold pages of another segment; `empty` is the free slot, 8:
// none.
Hpte initial(unsigned slot, unsigned empty) {
    if (slot == empty) return {};
    return {u64{slot} << 12 | kValid | (slot == 0 ? kBolted : 0), u64{slot + 1} << 12 | kM | (slot == 2 ? kC : 0)};
}
constexpr Hpte kNew{kValid | 8, u64{0x99} << 12 | kM | 1};  // maps the walked page too
constexpr u64 kProtectFlags = 2 | kN;
constexpr unsigned kShift = 8;  // two PTEGs
constexpr u64 kOtherGroup = 8;  // a slot of the second

void bulk_pairs(u64 (&p)[8], Op op) {
    std::fill(p, p + 8, bulk::kEnd);
    p[0] = bulk::kRequest | (op == kBulkBackward ? kOtherGroup : 0);
    p[2] = bulk::kRequest | (op == kBulkBackward ? 0 : op == kBulkForward ? kOtherGroup : 2);
}

Outcome in_model(test::Model& m, Op op) {
    u64 used = 0;
    Hpte old;
    switch (op) {
        case kEnter: {
            const auto s = m.enter(0, 0, kNew.v, kNew.r, &used);
            return {u64(s), used};
        }
        case kExactEnter: {
            const auto s = m.enter(flag::kExact, 0, kNew.v, kNew.r, &used);
            return {u64(s), used};
        }
        case kRemove: {
            const auto s = m.remove(0, 0, 0, &old);
            return {u64(s), old.v, old.r};
        }
        case kProtect: return {u64(m.protect(kProtectFlags, 0, 0))};
        case kRead: old = m.read(0); return {old.v, old.v & kValid ? old.r : 0};
        case kClearMod: {
            const auto s = m.clear(kC, 0, 0, 0, &old);
            return {u64(s), old.v, old.r};
        }
        case kBulkRemove:
        case kBulkForward:
        case kBulkBackward: {
            u64 p[8];
            bulk_pairs(p, op);
            const auto s = m.bulk_remove(p);
            return {u64(s), p[0], p[2]};
        }
        case kResize: m.resize(); return {u64(papr::kSuccess)};
        default:
            for (u64 n = 0; n < 8; ++n) {
                const u64 v = m.read(n).v;
                if ((v & (kAvpn | kValid)) != kValid) continue;
                if (op == kFind) return {n, m.read(n).v, m.read(n).r};
                m.touch(n, true);
                return {n, m.read(n).r & ~(kR | kC)};
            }
            return {~u64{0}};
    }
}

/// Waits until every walker that was in GUEST has come out, as smp's broadcast does.
struct Broadcast : Invalidator {
    Checked<u64> guest[3];
    void invalidate(std::span<const VirtualPage>) override {
        for (auto& g : guest) {
            const u64 was = g.load(kSeq);
            while (was % 2 == 1 && g.load(kSeq) == was) Scheduler::current->pause();
        }
    }
};

template <class Table>
struct World {
    Table& table;
    Broadcast broadcast{};
    u64 done = 0;           // removes of slot 0 that returned
    bool narrowed = false;  // a protect of slot 0 returned
    bool stale = false;     // an access through a translation whose removal or change had returned

    Outcome call(Op op, unsigned fiber) {
        switch (op) {
            case kEnter:
            case kExactEnter: {
                const auto e = table.enter(op == kEnter ? 0 : flag::kExact, PteIndex{0}, kNew.v, kNew.r, kRam);
                return {u64(e.status), e.index.v};
            }
            case kRemove: {
                const auto e = table.remove(0, PteIndex{0}, 0, broadcast);
                if (e.status == papr::kSuccess) ++done;
                return {u64(e.status), e.old.v, e.old.r};
            }
            case kProtect: {
                const auto s = table.protect(kProtectFlags, PteIndex{0}, 0, broadcast);
                if (s == papr::kSuccess) narrowed = true;
                return {u64(s)};
            }
            case kRead: {
                const Hpte e = *table.read(PteIndex{0});
                return {e.v, e.v & kValid ? e.r : 0};
            }
            case kClearMod: {
                const auto e = table.clear(kC, 0, PteIndex{0}, 0, broadcast);
                return {u64(e.status), e.old.v, e.old.r};
            }
            case kBulkRemove:
            case kBulkForward:
            case kBulkBackward: {
                u64 p[8];
                bulk_pairs(p, op);
                const auto s = table.bulk_remove(p, broadcast);
                if (!(p[op == kBulkBackward ? 2 : 0] & bulk::kNotFound)) ++done;
                return {u64(s), p[0], p[2]};
            }
            case kResize: return {u64(table.resize_commit(kShift, broadcast))};
            // Walks that no broadcast waits for: the table alone must keep them right.
            case kFind: {
                const auto m = table.find(Segment{}, 0);
                return m ? Outcome{m->index.v, m->hpte.v, m->hpte.r} : Outcome{~u64{0}};
            }
            case kWalkOut:
                for (;;) {
                    const auto m = table.find(Segment{}, 0);
                    if (!m) return {~u64{0}};
                    if (table.set_rc(*m, kR | kC)) return {m->index.v, m->hpte.r & ~(kR | kC)};
                }
            default: return walk(broadcast.guest[fiber]);
        }
    }
    Outcome walk(Checked<u64>& guest) {
        for (;;) {
            guest.store(guest.value + 1, kSeq);
            const auto m = table.find(Segment{}, 0);
            const u64 before = done;
            const bool was_narrow = narrowed;
            const bool set = m && table.set_rc(*m, kR | kC);
            if (set) {
                Scheduler::current->point();  // the access itself
                if (m->index.v == 0 && done != before) stale = true;
                if (m->index.v == 0 && !was_narrow && narrowed && !(m->hpte.r & kN)) stale = true;
            }
            guest.store(guest.value + 1, kSeq);
            if (!m) return {~u64{0}};
            if (set) return {m->index.v, m->hpte.r & ~(kR | kC)};
        }
    }
};

void add_entry(Outcome& all, Hpte e) {
    all.push_back(e.v & ~kHidden);
    all.push_back(e.v & kValid ? e.r : 0);
}

std::set<Outcome> permitted(const std::vector<Op>& ops, unsigned empty) {
    std::vector<size_t> order(ops.size());
    for (size_t n = 0; n < order.size(); ++n) order[n] = n;
    std::set<Outcome> outcomes;
    do {
        test::Model m(kShift, kRam);
        u64 used;
        for (unsigned s = 0; s < 8; ++s) {
            const Hpte e = initial(s, empty);
            if (e.v) m.enter(flag::kExact, s, e.v, e.r, &used);
        }
        std::vector<Outcome> each(ops.size());
        for (size_t n : order) each[n] = in_model(m, ops[n]);
        Outcome all;
        for (const auto& o : each) all.insert(all.end(), o.begin(), o.end());
        for (u64 s = 0; s < 8; ++s) add_entry(all, m.read(s));
        outcomes.insert(all);
    } while (std::next_permutation(order.begin(), order.end()));
    return outcomes;
}

struct Verdict {
    u64 schedules = 0;
    std::string failure;  ///< With the schedule that shows it.
};

/// Exhaustive at preemption bound 2 if `random_runs` is 0.
template <Mutant kBug, bool kResizes = false>
Verdict explore(const std::vector<Op>& ops, unsigned empty, u64 random_runs = 0, u64 seed = 1) {
    using Policy = CheckPolicy<kBug, kResizes>;
    using Table = BasicHpt<Policy>;
    static std::unique_ptr<Table> table;
    static typename Policy::Entry* entries;
    static Scheduler scheduler;
    const auto good = permitted(ops, empty);
    Verdict verdict;
    check::Random random(seed);
    std::vector<u8> prefix;
    std::optional<World<Table>> world;
    std::vector<Outcome> each(ops.size());
    std::vector<std::function<void()>> bodies;
    for (unsigned n = 0; n < ops.size(); ++n) {
        bodies.push_back([&, n] { each[n] = world->call(ops[n], n); });
    }
    for (;;) {
        if (table == nullptr || kResizes) {
            table = *Table::create(kShift);
            entries = Policy::last;
            if (kResizes) table->resize_prepare(kShift);
        }
        for (unsigned s = 0; s <= kOtherGroup; ++s) {
            const Hpte e = initial(s, empty);
            entries[s].v.value = e.v;
            entries[s].r.value = e.r;
        }
        world.emplace(*table);
        const auto& run = scheduler.run(bodies, prefix, {}, random_runs ? &random : nullptr);
        ++verdict.schedules;
        verdict.failure = run.failure;
        Outcome all;
        for (const auto& o : each) all.insert(all.end(), o.begin(), o.end());
        if (verdict.failure.empty()) {
            for (unsigned s = 0; s < 8; ++s) add_entry(all, *table->read(PteIndex{s}));
        }
        if (world->stale) verdict.failure = "access after the call returned";
        if (verdict.failure.empty() && !good.contains(all)) verdict.failure = "no order of the calls explains it";
        if (!verdict.failure.empty()) {
            verdict.failure += " in";
            for (Op op : ops) verdict.failure += std::string(" [") + kNames[op] + "]";
            verdict.failure += ", free slot " + std::to_string(empty) + choices_of(run);
            return verdict;
        }
        if (random_runs ? verdict.schedules == random_runs : !next_schedule(run, prefix)) return verdict;
    }
}

template <Mutant kBug>
Verdict explore_pairs() {
    Verdict sum;
    for (unsigned empty : {0u, 1u, 8u}) {
        for (int a = 0; a < kOps; ++a) {
            for (int b = a; b < kOps; ++b) {
                const Verdict v = explore<kBug>({Op(a), Op(b)}, empty);
                sum.schedules += v.schedules;
                if (!v.failure.empty()) return {sum.schedules, v.failure};
            }
        }
    }
    return sum;
}

Verdict explore_all(std::initializer_list<std::function<Verdict()>> cases) {
    Verdict sum;
    for (const auto& one : cases) {
        const Verdict v = one();
        sum.schedules += v.schedules;
        if (!v.failure.empty()) return {sum.schedules, v.failure};
    }
    return sum;
}

/// A slot that is given to another entry while it is looked at; removals of two groups in opposite orders.
template <Mutant kBug>
Verdict explore_special() {
    return explore_all({[] {
                            return explore<kBug>({kRemove, kExactEnter, kRead}, 8);
                        },
                        [] {
                            return explore<kBug>({kRemove, kExactEnter, kFind}, 8);
                        },
                        [] {
                            return explore<kBug>({kRemove, kExactEnter, kWalkOut}, 8);
                        },
                        [] {
                            return explore<kBug>({kBulkForward, kBulkBackward}, 8);
                        }});
}

/// A change of the table's size, beside each call.
template <Mutant kBug>
Verdict explore_resize() {
    Verdict sum;
    for (int op = 0; op < kOps; ++op) {
        const Verdict v = explore<kBug, true>({kResize, Op(op)}, 1);
        sum.schedules += v.schedules;
        if (!v.failure.empty()) return {sum.schedules, v.failure};
    }
    return sum;
}

/// Prints how many schedules, and how fast.
template <class Explore>
void expect_right(Explore explore) {
    const auto start = std::chrono::steady_clock::now();
    const Verdict v = explore();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%lu schedules, %.0f each second\n", static_cast<unsigned long>(v.schedules),
                static_cast<double>(v.schedules) / took.count());
    EXPECT_EQ(v.failure, "");
    EXPECT_GT(v.schedules, 1000u);
}

TEST(HptCheck, ReusedSlotsAndOppositeBulkRemovals_AreLinearizable_ExhaustivelyAtPreemptionBound2) {
    expect_right(explore_special<Mutant::kNone>);
}

TEST(HptCheck, EveryPairOfCalls_IsLinearizable_ExhaustivelyAtPreemptionBound2) {
    expect_right(explore_pairs<Mutant::kNone>);
}

TEST(HptCheck, AResizeBesideEachCall_IsLinearizable_ExhaustivelyAtPreemptionBound2) {
    expect_right(explore_resize<Mutant::kNone>);
}

TEST(HptCheck, EveryTripleOfCalls_IsLinearizable_UnderRandomSchedules) {
    const u64 seed = campaign_seed();
    const u64 runs = long_run() ? 100000 : 2000;
    std::printf("seed %lu, %lu schedules a triple\n", static_cast<unsigned long>(seed),
                static_cast<unsigned long>(runs));
    expect_right([&] {
        Verdict sum;
        for (int a = 0; a < kOps; ++a) {
            for (int b = a; b < kOps; ++b) {
                for (int c = b; c < kOps; ++c) {
                    const Verdict v = explore<Mutant::kNone>({Op(a), Op(b), Op(c)}, 1, runs, seed);
                    sum.schedules += v.schedules;
                    if (!v.failure.empty()) return Verdict{sum.schedules, v.failure};
                }
            }
        }
        return sum;
    });
}

template <Mutant kBug>
void killed(const char* name) {
    Verdict v;
    if constexpr (kBug >= Mutant::kResizeUnseen) {
        v = explore_resize<kBug>();
    } else {
        v = explore_all({explore_pairs<kBug>, explore_special<kBug>});
    }
    std::printf("%-20s killed by: %s\n", name, v.failure.c_str());
    EXPECT_NE(v.failure, "") << name << " survives";
}

TEST(HptCheck, EachMutant_IsKilled) {
#define MUTANT(m) killed<Mutant::m>(#m)
    MUTANT(kEnterVFirst);
    MUTANT(kLockNotAtomic);
    MUTANT(kUnlockLost);
    MUTANT(kRemoveRcEarly);
    MUTANT(kRemoveNoInvalidate);
    MUTANT(kInvalidateFirst);
    MUTANT(kStoreVDropsLock);
    MUTANT(kRcPlain);
    MUTANT(kRcAnyEntry);
    MUTANT(kReadOnce);
    MUTANT(kFindOnce);
    MUTANT(kProtectInvalid);
    MUTANT(kProtectOldRc);
    MUTANT(kProtectNoInvalidate);
    MUTANT(kClearOld);
    MUTANT(kNoLock);
    MUTANT(kBulkNoInvalidate);
    MUTANT(kBulkRcEarly);
    MUTANT(kBulkHoldsAndWaits);
    MUTANT(kResizeUnseen);
    MUTANT(kResizeLocksUnseen);
    MUTANT(kResizeNoInvalidate);
    MUTANT(kResizeRcLost);
#undef MUTANT
}

}  // namespace
}  // namespace mpower::hpt
