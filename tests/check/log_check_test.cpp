// The invalidation broadcast under the model checker: the real log and the real table of held pages, vCPUs that walk,
// fill a TLB and access through it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "tests/campaign.h"
#include "tests/check/explore.h"
#include "tests/check/policy.h"

namespace mpower::smp {
namespace {

using check::Checked;
using check::CheckHeldPolicy;
using check::CheckLogPolicy;
using check::explore;
using check::Scheduler;
using check::Verdict;
using hpt::VirtualPage;
using mmu::HeldMutant;
constexpr auto kSeq = std::memory_order_seq_cst;

/// What the vCPU's own code could do wrong.
enum class VcpuBug {
    kNone,
    kPollInWalk,         ///< A poll between the walk and the insertion: what is inserted was replayed before.
    kPollBeforeUse,      ///< A host address is kept over a poll.
    kWaitsInGuest,       ///< The initiator waits in mode GUEST.
    kKickNotLooked,      ///< Attention is cleared after the replay, and so is a kick that came meanwhile.
    kClearsMarksEarly,   ///< A full flush clears the marks, and the TLB at the next poll only.
    kTrimsInBlock,       ///< A fill makes room among the marks, while its block has looked other pages up.
    kAsksEarly,          ///< The initiator asks who holds the page before V := 0.
    kRemovalNotOrdered,  ///< V := 0 may pass the look at who holds the page.
};

constexpr unsigned kPages = 4, kVcpus = 3;
constexpr hpt::Segment kSegment{.vsid = 7};
constexpr u64 offset_of(unsigned n) { return u64{n} << 12; }
VirtualPage page(unsigned n) { return {.vsid = kSegment.vsid, .offset = offset_of(n)}; }

template <class HeldPolicy, VcpuBug kVcpuBug>
struct Tlb {
    std::array<bool, kPages> entries{};
    mmu::BasicHeldPages<HeldPolicy> held;
    bool all_held = false;  ///< holds() says yes always, so that the log has much to do.
    bool flush_later = false;

    void invalidate(const VirtualPage& p) {
        entries[p.offset >> 12] = false;
        held.unmark(p);
    }
    void flush_all() {
        if (kVcpuBug == VcpuBug::kClearsMarksEarly) {
            flush_later = true;
        } else {
            entries = {};
        }
        held.clear();
    }
    void trim() {
        if (flush_later) entries = {};
        flush_later = false;
        if (held.crowded()) flush_all();
    }
    bool holds(const VirtualPage& p) const { return all_held || held.holds(p); }
};

template <LogMutant kBug, VcpuBug kVcpuBug, HeldMutant kHeldBug>
struct World {
    using Log = BasicInvalidationLog<CheckLogPolicy<kBug>>;
    struct Vcpu {
        Log log;
        Checked<u32> attention;
        Tlb<CheckHeldPolicy<kHeldBug>, kVcpuBug> tlb;
        std::vector<BasicAwaited<CheckLogPolicy<kBug>>> awaited;
    };
    std::array<Vcpu, kVcpus> vcpus;
    std::array<Checked<u64>, kPages> valid;   // the HPT
    std::array<Checked<u64>, kPages> stored;  // RAM
    Checked<u64> flag;                        // of the guest's own
    std::array<bool, kPages> returned{};      // the page's removal has returned
    std::array<u64, kPages> seen{};           // RAM when it did
    u64 stores = 0;                           // each stores another value
    unsigned waits = 0;                       // removals that had somebody to wait for
    bool stale = false;

    explicit World(bool all_held) {
        for (auto& v : valid) v.value = 1;
        for (auto& v : vcpus) v.tlb.all_held = all_held;
    }

    void poll(Vcpu& self) {
        if (self.attention.load(std::memory_order_relaxed) == 0) return;
        if (kVcpuBug != VcpuBug::kKickNotLooked) self.attention.exchange(0, std::memory_order_acq_rel);
        self.log.catch_up(self.tlb);
        if (kVcpuBug == VcpuBug::kKickNotLooked) self.attention.exchange(0, std::memory_order_acq_rel);
    }
    void store(unsigned n) {
        if (returned[n]) stale = true;
        stored[n].store(++stores, std::memory_order_release);
    }
    /// Translates, walking if the TLB does not hold the page.
    bool look_up(Vcpu& self, unsigned n) {
        if (self.tlb.entries[n]) return true;
        const auto find = [&]() -> std::optional<hpt::Match> {
            if (valid[n].load(std::memory_order_acquire) == 0) return std::nullopt;
            return hpt::Match{};
        };
        // Without marks if they are not looked at: fewer points.
        if (!(self.tlb.all_held ? find() : self.tlb.held.walk(kSegment, offset_of(n), find))) return false;
        if (kVcpuBug == VcpuBug::kPollInWalk) poll(self);
        self.tlb.entries[n] = true;
        if (kVcpuBug == VcpuBug::kTrimsInBlock) self.tlb.trim();
        return true;
    }
    /// Guest code: a block that looks pages up, then stores through the translations.
    void block(Vcpu& self, std::initializer_list<unsigned> pages) {
        std::array<bool, kPages> found{};
        for (const unsigned n : pages) found[n] = look_up(self, n);
        if (kVcpuBug == VcpuBug::kPollBeforeUse) poll(self);
        for (const unsigned n : pages) {
            if (found[n]) store(n);
        }
    }
    void run_blocks(unsigned id, std::initializer_list<std::initializer_list<unsigned>> blocks) {
        Vcpu& self = vcpus[id];
        self.log.enter_guest(self.tlb);
        for (const auto& pages : blocks) {
            poll(self);
            block(self, pages);
        }
        if (kVcpuBug != VcpuBug::kWaitsInGuest) self.log.leave_guest();
    }
    /// Guest code that waits for a flag, as in a spin lock.
    void run_guest_until_flag(unsigned id) {
        Vcpu& self = vcpus[id];
        self.log.enter_guest(self.tlb);
        for (;;) {
            poll(self);
            block(self, {0});
            if (flag.load(std::memory_order_acquire) != 0) break;
            Scheduler::current->pause();
        }
        self.log.leave_guest();
    }
    /// A hypercall that removes pages.
    void remove(unsigned id, std::initializer_list<unsigned> pages) {
        // Who holds which page, asked too early.
        struct Asked {
            std::array<bool, kPages> held{};
            bool holds(const VirtualPage& p) const { return held[p.offset >> 12]; }
        };
        std::array<Asked, kVcpus> asked;
        std::vector<VirtualPage> gone;
        for (const unsigned n : pages) {
            if constexpr (kVcpuBug == VcpuBug::kAsksEarly) {
                for (unsigned other = 0; other < kVcpus; ++other) {
                    if (other != id) asked[other].held[n] = vcpus[other].tlb.holds(page(n));
                }
            }
            valid[n].store(0, kVcpuBug == VcpuBug::kRemovalNotOrdered ? std::memory_order_release : kSeq);
            gone.push_back(page(n));
        }
        const auto each_other = [&](auto f) {
            for (unsigned other = 0; other < kVcpus; ++other) {
                Vcpu& v = vcpus[other];
                const auto kick = [&v] { v.attention.fetch_or(1, kSeq); };
                if (other == id) continue;
                if constexpr (kVcpuBug == VcpuBug::kAsksEarly) {
                    f(v.log, asked[other], kick);
                } else {
                    f(v.log, v.tlb, kick);
                }
            }
        };
        waits += broadcast(gone, vcpus[id].tlb, each_other, vcpus[id].awaited);
        for (const unsigned n : pages) {
            seen[n] = stored[n].load(std::memory_order_acquire);
            returned[n] = true;
        }
    }
    void end(unsigned id) { vcpus[id].log.leave_guest(); }

    std::string verdict() const {
        if (stale) return "access after the removal returned";
        for (unsigned n = 0; n < kPages; ++n) {
            if (returned[n] && stored[n].value != seen[n]) return "store performed after the removal returned";
        }
        return "";
    }
};

/// Only a log, one that wraps soon: writers post, its vCPU replays. What each replay drops must cover what was posted.
template <LogMutant kBug>
struct Ring {
    static constexpr unsigned kPosts = 3;
    struct Replay {
        u64 begin = 0, end = 0;  // tickets
        bool all = false;
        std::vector<VirtualPage> dropped{};

        void invalidate(const VirtualPage& p) { dropped.push_back(p); }
        void flush_all() { all = true; }
        void trim() {}
    };
    BasicInvalidationLog<CheckLogPolicy<kBug, 2>> log;
    std::array<VirtualPage, kPosts> posted{};  // by ticket
    std::vector<Replay> replays;

    // No word of one is the other's.
    static VirtualPage page(u64 n) { return {.vsid = n, .offset = n << 12, .page_shift = static_cast<u8>(12 + n)}; }
    void post(u64 n) { posted[log.post(page(n))] = page(n); }
    void replay_everything() {
        for (u64 done = 0; done != kPosts;) {
            Replay replay{.begin = done};
            log.catch_up(replay);
            replay.end = log.done();
            if (replay.end == done) Scheduler::current->pause();
            done = replay.end;
            replays.push_back(replay);
        }
    }
    std::string verdict() const {
        for (const Replay& r : replays) {
            for (u64 ticket = r.begin; ticket != r.end && !r.all; ++ticket) {
                if (std::find(r.dropped.begin(), r.dropped.end(), posted[ticket]) == r.dropped.end())
                    return "a request is lost";
            }
        }
        return "";
    }
};

enum class Held { kMarked, kAlways };

/// Exhaustive with three preemptions: a writer that stops in the middle takes two.
template <LogMutant kBug>
Verdict explore_ring() {
    using R = Ring<kBug>;
    return explore<R>("post | post, post | replay", [](auto& ring) { ring.emplace(); },
                      {[](R& r) { r.post(0); },
                       [](R& r) {
                           r.post(1);
                           r.post(2);
                       },
                       [](R& r) { r.replay_everything(); }},
                      {.preemptions = 3, .holds = 0});
}

/// Small cases exhaustively, with two preemptions and one store held back; then all at random, which has more of both.
template <LogMutant kBug, VcpuBug kVcpuBug = VcpuBug::kNone, HeldMutant kHeldBug = HeldMutant::kNone>
Verdict explore_everything(u64 random_runs, u64 seed) {
    using W = World<kBug, kVcpuBug, kHeldBug>;
    Verdict sum = explore_ring<kBug>();
    bool at_random = false;
    // `before`: vCPU 0 has used page 0.
    const auto add = [&](const char* name, Held held, std::initializer_list<std::function<void(W&)>> fibers, bool small,
                         bool before = false) {
        if (!sum.failure.empty() || (!at_random && !small)) return;
        const auto make = [held, before](auto& world) {
            world.emplace(held == Held::kAlways);
            if (before) world->look_up(world->vcpus[0], 0);
        };
        const Verdict v = explore<W>(name, make, fibers, {.holds = 1}, at_random ? random_runs : 0, seed);
        sum = {sum.schedules + v.schedules, v.failure};
    };
    const auto guest = [](unsigned id) {
        return [id](W& w) {
            w.run_blocks(id, {{0}, {0}});
            w.end(id);
        };
    };
    const auto guest_then_remove = [](unsigned id, unsigned n) {
        return [id, n](W& w) {
            w.run_blocks(id, {{n}});
            w.remove(id, {n});
            w.end(id);
        };
    };
    for (const bool phase : {false, true}) {
        at_random = phase;
        for (const Held held : {Held::kAlways, Held::kMarked}) {
            add("guest | remove", held, {guest(0), [](W& w) { w.remove(1, {0}); }}, true);
            add("guest that has used the page before | remove", held, {guest(0), [](W& w) { w.remove(1, {0}); }}, true,
                true);
            add("guest, out, guest | remove", held,
                {[](W& w) {
                     w.run_blocks(0, {{0}});
                     w.run_blocks(0, {{0}});
                     w.end(0);
                 },
                 [](W& w) { w.remove(1, {0}); }},
                true);
            add("guest spins | remove, tell", held,
                {[](W& w) { w.run_guest_until_flag(0); },
                 [](W& w) {
                     w.remove(1, {1});
                     w.remove(1, {0});
                     w.flag.store(1, std::memory_order_release);
                 }},
                false);
            add("guest, remove | guest, remove", held, {guest_then_remove(0, 0), guest_then_remove(1, 1)}, true);
            add("three vCPUs, guest and remove", held,
                {guest_then_remove(0, 0), guest_then_remove(1, 1), guest_then_remove(2, 0)}, false);
        }
        add("guest | remove 5: the ring wraps", Held::kAlways,
            {[](W& w) {
                 w.run_blocks(0, {{3}, {3}});
                 w.end(0);
             },
             [](W& w) {
                 w.remove(1, {0});
                 w.remove(1, {1, 2, 1});
                 w.remove(1, {3});
             }},
            false);
        // Three pages in two slots of marks.
        add("guest with more pages than slots, out, guest | remove", Held::kMarked,
            {[](W& w) {
                 w.run_blocks(0, {{0}, {2}, {3}});
                 w.run_blocks(0, {{0}, {0}});
                 w.end(0);
             },
             [](W& w) { w.remove(1, {0}); }},
            true);
        add("guest with more pages than slots in a block | remove", Held::kMarked,
            {[](W& w) {
                 w.run_blocks(0, {{0, 2, 3}, {0}});
                 w.end(0);
             },
             [](W& w) { w.remove(1, {0}); }},
            true);
    }
    return sum;
}

u64 random_runs() { return long_run() ? 10'000'000 : 50'000; }

TEST(LogCheck, NoAccess_FollowsTheRemovalsReturn_AndNobodyWaitsForEver) {
    const u64 seed = campaign_seed();
    const auto start = std::chrono::steady_clock::now();
    const Verdict v = explore_everything<LogMutant::kNone>(random_runs(), seed);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("seed %lu, %lu schedules, %.0f each second\n", static_cast<unsigned long>(seed),
                static_cast<unsigned long>(v.schedules), static_cast<double>(v.schedules) / took.count());
    EXPECT_EQ(v.failure, "");
    EXPECT_GT(v.schedules, random_runs());
}

TEST(LogCheck, Removal_WaitsForNobody_IfNobodyUsedThePage) {
    using W = World<LogMutant::kNone, VcpuBug::kNone, HeldMutant::kNone>;
    const auto waits = [](Held held, unsigned removed) {
        const auto make = [held](auto& world) { world.emplace(held == Held::kAlways); };
        const Verdict v = explore<W>("guest | remove another", make,
                                     {[](W& w) {
                                          w.run_blocks(0, {{0}, {0}});
                                          w.end(0);
                                      },
                                      [removed](W& w) { w.remove(1, {removed}); }},
                                     {.holds = 1});
        EXPECT_EQ(v.failure, "");
        return v.waits;
    };
    EXPECT_EQ(waits(Held::kMarked, 1), 0u);
    EXPECT_GT(waits(Held::kMarked, 0), 0u);
    EXPECT_GT(waits(Held::kAlways, 1), 0u);
}

template <LogMutant kBug, VcpuBug kVcpuBug, HeldMutant kHeldBug>
void killed(const char* name) {
    const Verdict v = explore_everything<kBug, kVcpuBug, kHeldBug>(100'000, campaign_seed());
    // Not all of it: a livelock has thousands of choices.
    std::printf("%-20s schedule %lu: killed by: %.200s\n", name, static_cast<unsigned long>(v.schedules),
                v.failure.c_str());
    std::fflush(stdout);
    EXPECT_NE(v.failure, "") << name << " survives";
}

TEST(LogCheck, EachMutant_IsKilled) {
#define MUTANT(m) killed<LogMutant::m, VcpuBug::kNone, HeldMutant::kNone>(#m)
    MUTANT(kAckWithoutReplay);
    MUTANT(kEntryNotOrdered);
    MUTANT(kNoCatchUpOnEntry);
    MUTANT(kNobodyAwaited);
    MUTANT(kModeBeforeTicket);
    MUTANT(kOutNotPosted);
    MUTANT(kWaiterNotOrdered);
    MUTANT(kAckNotOrdered);
    MUTANT(kAckUnwoken);
    MUTANT(kSlotUnchecked);
    MUTANT(kSlotShared);
#undef MUTANT
#define MUTANT(m) killed<LogMutant::kNone, VcpuBug::m, HeldMutant::kNone>(#m)
    MUTANT(kPollInWalk);
    MUTANT(kPollBeforeUse);
    MUTANT(kWaitsInGuest);
    MUTANT(kKickNotLooked);
    MUTANT(kClearsMarksEarly);
    MUTANT(kTrimsInBlock);
    MUTANT(kAsksEarly);
    MUTANT(kRemovalNotOrdered);
#undef MUTANT
#define MUTANT(m) killed<LogMutant::kNone, VcpuBug::kNone, HeldMutant::m>(#m)
    MUTANT(kNoSecondWalk);
    MUTANT(kMarkAfterSecondWalk);
    MUTANT(kMarkNotOrdered);
    MUTANT(kManyForgotten);
#undef MUTANT
}

}  // namespace
}  // namespace mpower::smp
