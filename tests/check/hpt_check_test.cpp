// BasicHpt under the model checker: concurrent calls on one PTEG against every order of the sequential model.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "hpt/hpt.h"
#include "tests/check/policy.h"
#include "tests/hpt/model.h"

namespace mpower::hpt {
namespace {

using check::CheckedU64;
using check::CheckPolicy;
using check::Scheduler;
using Outcome = std::vector<u64>;
constexpr u64 kRam = u64{1} << 40;
constexpr auto kSeq = std::memory_order_seq_cst;

enum Op { kEnter, kExactEnter, kRemove, kProtect, kRead, kClearMod, kBulkRemove, kWalk, kOps, kFind = kOps, kWalkOut };
const char* const kNames[] = {"enter",     "exact enter", "remove",   "protect", "read",
                              "clear_mod", "bulk_remove", "walk+R/C", "find",    "walk+R/C in OUT"};

// Slot 0 maps the walked page. Other slots hold pages of another segment; `empty` is the free slot, 8: none.
Hpte initial(unsigned slot, unsigned empty) {
    if (slot == empty) return {};
    return {u64{slot} << 12 | kValid, u64{slot + 1} << 12 | kM | (slot == 2 ? kC : 0)};
}
constexpr Hpte kNew{kValid | 8, u64{0x99} << 12 | kM | 1};  // maps the walked page too
constexpr u64 kProtectFlags = 2 | kN;

void bulk_pairs(u64 (&p)[8]) {
    std::fill(p, p + 8, bulk::kEnd);
    p[0] = bulk::kRequest | 0;
    p[2] = bulk::kRequest | 2;
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
        case kBulkRemove: {
            u64 p[8];
            bulk_pairs(p);
            const auto s = m.bulk_remove(p);
            return {u64(s), p[0], p[2]};
        }
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
    CheckedU64 guest[3];
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
    u64 done = 0;        // removes of slot 0 that returned
    bool stale = false;  // an access through a translation whose removal had returned

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
            case kProtect: return {u64(table.protect(kProtectFlags, PteIndex{0}, 0, broadcast))};
            case kRead: {
                const Hpte e = table.read(PteIndex{0});
                return {e.v, e.v & kValid ? e.r : 0};
            }
            case kClearMod: {
                const auto e = table.clear(kC, 0, PteIndex{0}, 0, broadcast);
                return {u64(e.status), e.old.v, e.old.r};
            }
            case kBulkRemove: {
                u64 p[8];
                bulk_pairs(p);
                const auto s = table.bulk_remove(p, broadcast);
                if (!(p[0] & bulk::kNotFound)) ++done;
                return {u64(s), p[0], p[2]};
            }
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
    Outcome walk(CheckedU64& guest) {
        for (;;) {
            guest.store(guest.value + 1, kSeq);
            const auto m = table.find(Segment{}, 0);
            const u64 before = done;
            const bool set = m && table.set_rc(*m, kR | kC);
            if (set) {
                Scheduler::current->point();  // the access itself
                if (m->index.v == 0 && done != before) stale = true;
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
        test::Model m(18, kRam);
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
template <Mutant kBug>
Verdict explore(const std::vector<Op>& ops, unsigned empty, u64 random_runs = 0, u64 seed = 1) {
    using Table = BasicHpt<CheckPolicy<kBug>>;
    static const auto table = *Table::create(18);
    static typename CheckPolicy<kBug>::Entry* const entries = CheckPolicy<kBug>::last;
    const auto good = permitted(ops, empty);
    Verdict verdict;
    std::mt19937_64 random(seed);
    std::vector<unsigned> prefix;
    for (;;) {
        for (unsigned s = 0; s < 8; ++s) {
            const Hpte e = initial(s, empty);
            entries[s].v.value = e.v;
            entries[s].r.value = e.r;
        }
        World<Table> world{*table};
        std::vector<Outcome> each(ops.size());
        std::vector<std::function<void()>> bodies;
        for (unsigned n = 0; n < ops.size(); ++n) {
            bodies.push_back([&, n] { each[n] = world.call(ops[n], n); });
        }
        Scheduler scheduler;
        const auto run = scheduler.run(bodies, prefix, 2, random_runs ? &random : nullptr);
        ++verdict.schedules;
        verdict.failure = run.failure;
        Outcome all;
        for (const auto& o : each) all.insert(all.end(), o.begin(), o.end());
        for (unsigned s = 0; s < 8; ++s) add_entry(all, {entries[s].v.value, entries[s].r.value});
        if (world.stale) verdict.failure = "access after the removal returned";
        if (verdict.failure.empty() && !good.contains(all)) verdict.failure = "no order of the calls explains it";
        if (!verdict.failure.empty()) {
            verdict.failure += " in";
            for (Op op : ops) verdict.failure += std::string(" [") + kNames[op] + "]";
            verdict.failure += ", free slot " + std::to_string(empty) + ", choices";
            for (unsigned c : run.choices) verdict.failure += " " + std::to_string(c);
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

/// A slot that is given to another entry while it is looked at: exhaustive too.
template <Mutant kBug>
Verdict explore_reuse() {
    Verdict sum;
    for (Op looks : {kRead, kFind, kWalkOut}) {
        const Verdict v = explore<kBug>({kRemove, kExactEnter, looks}, 8);
        sum.schedules += v.schedules;
        if (!v.failure.empty()) return {sum.schedules, v.failure};
    }
    return sum;
}

TEST(HptCheck, LooksAtASlotThatIsReused_AreLinearizable_ExhaustivelyAtPreemptionBound2) {
    const Verdict v = explore_reuse<Mutant::kNone>();
    EXPECT_EQ(v.failure, "");
    std::printf("%lu schedules\n", static_cast<unsigned long>(v.schedules));
}

TEST(HptCheck, EveryPairOfCalls_IsLinearizable_ExhaustivelyAtPreemptionBound2) {
    const Verdict v = explore_pairs<Mutant::kNone>();
    EXPECT_EQ(v.failure, "");
    std::printf("%lu schedules\n", static_cast<unsigned long>(v.schedules));
    EXPECT_GT(v.schedules, 10000u);
}

TEST(HptCheck, EveryTripleOfCalls_IsLinearizable_UnderRandomSchedules) {
    const u64 seed = std::random_device{}();
    const u64 runs = std::getenv("MPOWER_LONG") ? 100000 : 200;
    std::printf("seed %lu, %lu schedules a triple\n", static_cast<unsigned long>(seed),
                static_cast<unsigned long>(runs));
    for (int a = 0; a < kOps; ++a) {
        for (int b = a; b < kOps; ++b) {
            for (int c = b; c < kOps; ++c) {
                ASSERT_EQ(explore<Mutant::kNone>({Op(a), Op(b), Op(c)}, 1, runs, seed).failure, "");
            }
        }
    }
}

template <Mutant kBug>
void killed(const char* name) {
    Verdict v = explore_pairs<kBug>();
    if (v.failure.empty()) v = explore_reuse<kBug>();
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
    MUTANT(kClearOld);
    MUTANT(kNoLock);
    MUTANT(kBulkNoInvalidate);
    MUTANT(kBulkRcEarly);
#undef MUTANT
}

}  // namespace
}  // namespace mpower::hpt
