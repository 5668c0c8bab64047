// Reservations under the model checker: the real table, vCPUs that load and reserve, store, and store conditionally.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "tests/campaign.h"
#include "tests/check/explore.h"
#include "tests/check/policy.h"

namespace mpower::mmu {
namespace {

using check::Checked;
using check::CheckReservationPolicy;
using check::explore;
using check::Scheduler;
using check::Verdict;

/// What the executors' own code could do wrong.
enum class StoreBug { kNone, kLosesLate };

/// One granule of two words. A word of the checked memory is the guest's value (low byte) and the number of the store
/// that made it, so that a value that comes back can be told from one that never went.
template <ReservationMutant kBug, StoreBug kStoreBug = StoreBug::kNone>
struct World {
    static constexpr unsigned kVcpus = 3, kWords = 2;
    struct StoreInfo {
        unsigned by = kVcpus;
        u64 began = 0;
        bool announced = false;  // it has to end reservations, whatever it stores
    };
    struct Vcpu {
        bool reserved = false;
        unsigned word = 0;
        u64 version = 0, loaded = 0;     // as CpuState has them
        u64 when = 0, conditionals = 0;  // when the value was loaded
    };
    BasicReservations<CheckReservationPolicy<kBug>> table;
    std::array<Checked<u64>, kWords> words;
    std::array<Vcpu, kVcpus> vcpus;
    std::vector<StoreInfo> stores{StoreInfo{}};
    u64 clock = 0;
    u64 conditionals = 0;  // that have stored
    std::array<u64, kVcpus> added{};
    const char* wrong = "";

    explicit World(ReservationMode mode) : table(mode) {}

    static u8 guest(u64 raw) { return static_cast<u8>(raw); }
    static u64 at(unsigned word) { return 0x1000 + 8 * word; }
    u64 make(unsigned id, u8 value, bool announced) {
        stores.push_back({id, ++clock, announced});
        return (stores.size() - 1) << 8 | value;
    }

    u8 larx(unsigned id, unsigned word) {
        Vcpu& v = vcpus[id];
        v.version = table.reserve(at(word), [&] {
            v.loaded = words[word].load(std::memory_order_acquire);
            v.when = ++clock;
            v.conditionals = conditionals;
        });
        v.word = word;
        v.reserved = true;
        return guest(v.loaded);
    }
    bool stcx(unsigned id, u8 value) {
        Vcpu& v = vcpus[id];
        if (!std::exchange(v.reserved, false)) return false;
        const u64 desired = make(id, value, false);
        return table.store_conditional(at(v.word), v.version, [&] {
            if (guest(words[v.word].locked()) != guest(v.loaded)) return false;
            // The instant at which it stores.
            if (conditionals != v.conditionals) wrong = "stcx. after another vCPU's";
            for (const auto& w : words) {
                const StoreInfo& last = stores[w.value >> 8];
                if (last.announced && last.by != id && last.began > v.when) wrong = "stcx. after another vCPU's store";
            }
            ++conditionals;
            words[v.word].set(desired);
            return true;
        });
    }
    /// A plain store, as storage_access.cpp has it.
    void store(unsigned id, unsigned word, u8 value) {
        const u64 raw = make(id, value, table.strict());
        const auto announce = [&] {
            Vcpu& v = vcpus[id];
            if (table.disturbs(at(word))) table.lose(at(word), v.reserved ? &v.version : nullptr);
        };
        if (kStoreBug != StoreBug::kLosesLate) announce();
        words[word].store(raw, std::memory_order_release);
        if (kStoreBug == StoreBug::kLosesLate) announce();
    }
    /// A hypercall's, as GuestRam::at_for_store has it.
    void host_store(unsigned id, unsigned word, u8 value) {
        const u64 raw = make(id, value, true);
        if (kStoreBug != StoreBug::kLosesLate) table.lose(at(word));
        words[word].store(raw, std::memory_order_release);
        if (kStoreBug == StoreBug::kLosesLate) table.lose(at(word));
    }

    /// Guest code that does not end before it has stored.
    void exchange(unsigned id, unsigned word, u8 value) {
        for (;;) {
            larx(id, word);
            if (stcx(id, value)) return;
            Scheduler::current->pause();
        }
    }
    void add(unsigned id, unsigned word, u8 n) {
        for (;;) {
            const u8 old = larx(id, word);
            if (stcx(id, static_cast<u8>(old + n))) break;
            Scheduler::current->pause();
        }
        added[word] += n;
    }
    void once(unsigned id, unsigned word, u8 value) {
        larx(id, word);
        stcx(id, value);
    }

    std::string verdict() const {
        if (*wrong != 0) return wrong;
        if (table.slot(at(0)).value & table.kLocked) return "a slot is left locked";
        for (unsigned n = 0; n < kWords; ++n) {
            if (added[n] != 0 && guest(words[n].value) != added[n]) return "an addition is lost";
        }
        return "";
    }
};

/// Exhaustive with two preemptions, then at random.
template <ReservationMutant kBug, StoreBug kStoreBug = StoreBug::kNone>
Verdict explore_everything(ReservationMode mode, u64 random_runs, u64 seed) {
    using W = World<kBug, kStoreBug>;
    using Body = std::function<void(W&)>;
    Verdict sum;
    bool at_random = false;
    const auto make = [mode](std::optional<W>& world) { world.emplace(mode); };
    const auto add = [&](const char* name, std::initializer_list<Body> fibers) {
        if (!sum.failure.empty()) return;
        const Scheduler::Limits limits{.preemptions = 2, .holds = fibers.size() > 2 ? 1u : ~0u};
        const Verdict v = explore<W>(name, make, fibers, limits, at_random ? random_runs : 0, seed);
        sum.schedules += v.schedules;
        sum.failure = v.failure;
    };
    const Body once = [](W& w) { w.once(0, 0, 9); };
    for (const bool phase : {false, true}) {
        at_random = phase;
        add("once | there and back", {once, [](W& w) { w.exchange(1, 0, 1), w.exchange(1, 0, 0); }});
        add("once | there | back", {once, [](W& w) { w.exchange(1, 0, 1); }, [](W& w) { w.exchange(2, 0, 0); }});
        add("once | the same value", {once, [](W& w) { w.exchange(1, 0, 0); }});
        add("once | beside", {once, [](W& w) { w.exchange(1, 1, 1); }});
        add("once | there, back by a store", {once, [](W& w) { w.exchange(1, 0, 1), w.store(1, 0, 0); }});
        add("add | add | add",
            {[](W& w) { w.add(0, 0, 1); }, [](W& w) { w.add(1, 0, 2); }, [](W& w) { w.add(2, 1, 4); }});
        add("add, add | add", {[](W& w) { w.add(0, 0, 1), w.add(0, 1, 8); }, [](W& w) { w.add(1, 0, 2); }});
        add("once | store, store", {once, [](W& w) { w.store(1, 0, 1), w.store(1, 0, 0); }});
        add("once | store beside", {once, [](W& w) { w.store(1, 1, 1); }});
        add("once | store the same value", {once, [](W& w) { w.store(1, 0, 0); }});
        add("once | store beside | larx", {once, [](W& w) { w.store(1, 1, 1); }, [](W& w) { w.larx(2, 0); }});
        add("once | once | store, store",
            {once, [](W& w) { w.once(1, 0, 8); }, [](W& w) { w.store(2, 0, 1), w.store(2, 0, 0); }});
        add("add, with a store inside | add", {[](W& w) {
                                                   w.larx(0, 0);
                                                   w.store(0, 1, 3);
                                                   w.stcx(0, 9);
                                               },
                                               [](W& w) { w.once(1, 0, 0); }});
        add("once | hypercall stores", {once, [](W& w) { w.host_store(1, 0, 1), w.host_store(1, 0, 0); }});
        add("once | hypercall stores beside | once",
            {once, [](W& w) { w.host_store(1, 1, 1); }, [](W& w) { w.once(2, 0, 0); }});
    }
    return sum;
}

const char* name_of(ReservationMode mode) { return mode == ReservationMode::kStrict ? "strict" : "weak"; }

TEST(ReservationCheck, Stcx_StoresNothing_AfterAnothersStore_AndAdditionsAreNotLost) {
    const u64 seed = campaign_seed(), random_runs = long_run() ? 2'000'000 : 20'000;
    for (const ReservationMode mode : {ReservationMode::kWeak, ReservationMode::kStrict}) {
        const Verdict v = explore_everything<ReservationMutant::kNone>(mode, random_runs, seed);
        std::printf("%s: seed %lu, %lu schedules\n", name_of(mode), static_cast<unsigned long>(seed),
                    static_cast<unsigned long>(v.schedules));
        EXPECT_EQ(v.failure, "") << name_of(mode);
        EXPECT_GT(v.schedules, random_runs);
    }
}

TEST(ReservationCheck, OwnStoreBetween_DoesNotEndTheReservation) {
    for (const ReservationMode mode : {ReservationMode::kWeak, ReservationMode::kStrict}) {
        World<ReservationMutant::kNone> w(mode);
        w.larx(0, 0);
        w.store(0, 1, 1);
        EXPECT_TRUE(w.stcx(0, 9)) << name_of(mode);
        EXPECT_FALSE(w.stcx(0, 9)) << name_of(mode);
    }
}

/// Killed in each mode that it is a bug in.
template <ReservationMutant kBug, StoreBug kStoreBug = StoreBug::kNone>
void killed(const char* name, std::initializer_list<ReservationMode> modes) {
    for (const ReservationMode mode : modes) {
        const Verdict v = explore_everything<kBug, kStoreBug>(mode, 20'000, campaign_seed());
        std::printf("%-20s %-6s schedule %lu: killed by: %.200s\n", name, name_of(mode),
                    static_cast<unsigned long>(v.schedules), v.failure.c_str());
        std::fflush(stdout);
        EXPECT_NE(v.failure, "") << name << " survives, " << name_of(mode);
    }
}

TEST(ReservationCheck, EachMutant_IsKilled) {
    constexpr auto kWeak = ReservationMode::kWeak, kStrict = ReservationMode::kStrict;
#define MUTANT(m, ...) killed<ReservationMutant::m>(#m, {__VA_ARGS__})
    MUTANT(kValueOnly, kWeak, kStrict);
    MUTANT(kVersionAfterValue, kWeak, kStrict);
    MUTANT(kNotMoved, kWeak, kStrict);
    MUTANT(kUnreleased, kWeak, kStrict);
    MUTANT(kNotClaimed, kWeak, kStrict);
    MUTANT(kLockSeen, kWeak, kStrict);
    MUTANT(kNotWatched, kStrict);
    MUTANT(kWatchedAfterValue, kStrict);
    MUTANT(kStoreDoesNotLook, kStrict);
    MUTANT(kStoreDoesNotWait, kWeak, kStrict);
#undef MUTANT
    killed<ReservationMutant::kNone, StoreBug::kLosesLate>("kLosesLate", {kWeak, kStrict});
}

}  // namespace
}  // namespace mpower::mmu
