// Broadcast of translation invalidations: exact, page by page, nobody is stopped, and who does not hold the page is not
// even told.
//
// Contract. Broadcaster::invalidate(pages), called by a hypercall that has made the HPTEs of `pages` invalid (or less
// permissive) before, returns when no vCPU can make an access through the old translations any more, and every access
// that did use them is performed.
//
// How. Each vCPU has a log of requests, a ring of slots; `head` counts them (tickets). An initiator asks each other
// vCPU whether its TLB may hold the page (mmu/held_pages.h: a load), and posts it only to those that may. A vCPU in
// mode GUEST polls its attention word at every block; when it is told, it replays its log up to head into its TLB and
// only then publishes `done` = head. A vCPU in mode OUT uses no translation; on its way to GUEST it sets mode, then
// replays. The initiator posts its requests, cleans its own TLB, and waits for each vCPU that it found in GUEST after
// posting until that is OUT or done > its last ticket.
//
//   vCPU enters GUEST:  mode := GUEST;   head read, replay            } the store and the load of each side are
//   initiator:          head += 1;       mode read, wait if GUEST     } seq_cst: one of them sees the other (Dekker)
//
// Waiting is done only in mode OUT (the initiator is in a hypercall), so no cycle of waiters exists: whoever is waited
// for is in GUEST and waits for nobody. It spins for about a microsecond, then sleeps (a futex): a vCPU that runs has
// answered by then, and one that does not may need this very processor. `waiting` and the word slept on, `wakes`:
//
//   initiator:  wakes read;  waiting := 1;    done and mode read, sleep while wakes is that    } Dekker again; and
//   vCPU:       done or mode := ...;          waiting read: if set, := 0, wakes += 1, wake     } 0 precedes wakes
//
// A vCPU too far behind, or one that meets a slot that does not hold its ticket's request (not yet, or no more),
// flushes its whole TLB: correct since the HPTE was changed before the ticket was taken. So a writer whom the ring has
// overtaken hinders nobody: who finds it in its slot, a round later, leaves its own request unwritten.
//
// On x86 done's store also means that the vCPU's earlier guest stores are performed (store order).
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "base/futex.h"
#include "base/types.h"
#include "hpt/hpt.h"

namespace mpower::smp {

class Vcpu;

/// Protocol bugs that tests seed (see hpt::Mutant). The product has none.
enum class LogMutant {
    kNone,
    kAckWithoutReplay,  ///< catch_up: done is published, and the replay left for later.
    kEntryNotOrdered,   ///< enter_guest: the store of mode may pass the load of head.
    kNoCatchUpOnEntry,  ///< enter_guest: no replay.
    kNobodyAwaited,     ///< broadcast: does not wait.
    kModeBeforeTicket,  ///< broadcast: who is OUT is looked up before the requests are posted.
    kOutNotPosted,      ///< broadcast: nothing is posted to who is OUT.
    kWaiterNotOrdered,  ///< wait_for: the store of waiting may pass the last look.
    kAckNotOrdered,     ///< catch_up, leave_guest: the store of done or mode may pass the load of waiting.
    kAckUnwoken,        ///< catch_up: sleepers are left to leave_guest.
    kSlotUnchecked,     ///< A slot is read without its sequence.
    kSlotShared,        ///< A slot is written though its last writer has not finished.
};

/// The log's host: hpt's atomics, and the length of the ring.
struct StdLogPolicy : hpt::StdPolicy {
    static constexpr LogMutant kLogMutant = LogMutant::kNone;
    static constexpr u64 kLogSlots = 512;
    static constexpr unsigned kSpins = 64;  ///< Looks before sleeping, 23 ns each.
    static void sleep(Atomic<u32>& word, u32 seen) { futex_wait(word, seen, -1); }
    static void wake(Atomic<u32>& word) { futex_wake(word); }
};

/// What one vCPU has to forget, and how far it is with it. `Tlb` in what follows: invalidate(VirtualPage),
/// flush_all(), trim() and holds(VirtualPage), as mmu::Mmu has them.
template <class Policy>
class BasicInvalidationLog {
  public:
    static constexpr u64 kSlots = Policy::kLogSlots;

    // --- the vCPU's own thread
    /// mode := GUEST, and replay.
    template <class Tlb>
    void enter_guest(Tlb& tlb) {
        mode_.store(kGuest, bug(LogMutant::kEntryNotOrdered) ? std::memory_order_release : std::memory_order_seq_cst);
        if (!bug(LogMutant::kNoCatchUpOnEntry)) catch_up(tlb);
    }
    /// mode := OUT.
    void leave_guest() {
        mode_.store(kOut, kAckOrder);  // pairs with in_guest: accesses made in GUEST are before it
        wake_waiting();
    }
    /// Replays what is new into `tlb`, and says so. At a poll point in mode GUEST.
    template <class Tlb>
    void catch_up(Tlb& tlb);
    /// Requests replayed.
    u64 done() const { return done_.load(std::memory_order_relaxed); }

    // --- any thread
    /// Appends a request; its ticket.
    u64 post(const hpt::VirtualPage& page);
    bool in_guest() const { return mode_.load(std::memory_order_seq_cst) == kGuest; }
    /// Until the vCPU has replayed the ticket, or is OUT. In mode OUT.
    void wait_for(u64 ticket);
    /// Requests so far.
    u64 head() const { return head_.load(std::memory_order_relaxed); }

    static constexpr bool bug(LogMutant m) { return Policy::kLogMutant == m; }
    template <class Tlb>
    static void apply(const hpt::VirtualPage& page, Tlb& tlb) {
        page == hpt::kEveryPage ? tlb.flush_all() : tlb.invalidate(page);
    }

  private:
    enum Mode : u32 { kOut, kGuest };
    static constexpr u64 kWriting = ~u64{0};
    struct Slot {
        typename Policy::template Atomic<u64> sequence{0};  ///< Ticket + 1 of what is written, or kWriting.
        std::array<typename Policy::template Atomic<u64>, 3> words;
    };

    /// Of what others may sleep for: seq_cst, so that wake_waiting() comes after.
    static constexpr auto kAckOrder =
        Policy::kLogMutant == LogMutant::kAckNotOrdered ? std::memory_order_release : std::memory_order_seq_cst;

    bool read(u64 ticket, hpt::VirtualPage* page) const;
    void wake_waiting() {
        if (waiting_.load(std::memory_order_seq_cst) == 0) [[likely]]
            return;
        waiting_.store(0, std::memory_order_relaxed);
        wakes_.fetch_add(1, std::memory_order_seq_cst);
        Policy::wake(wakes_);
    }

    alignas(kCacheLine) typename Policy::template Atomic<u32> mode_{kOut};
    typename Policy::template Atomic<u64> done_{0};  ///< Tickets below this are replayed.
    typename Policy::template Atomic<u32> waiting_{0}, wakes_{0};
    alignas(kCacheLine) typename Policy::template Atomic<u64> head_{0};
    std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlots);
};

template <class Policy>
u64 BasicInvalidationLog<Policy>::post(const hpt::VirtualPage& page) {
    // seq_cst: pairs with enter_guest (see the head comment).
    const u64 ticket = head_.fetch_add(1, std::memory_order_seq_cst);
    Slot& slot = slots_[ticket % kSlots];
    // One writer a slot. acquire: what is written comes after what its last writer wrote.
    const bool taken = slot.sequence.exchange(kWriting, std::memory_order_acquire) == kWriting;
    if (taken && !bug(LogMutant::kSlotShared)) return ticket;
    const u64 sizes = u64{page.segment_shift} << 16 | u64{page.base_shift} << 8 | page.page_shift;
    // release: after kWriting, so that a reader of half a slot finds the sequence changed
    slot.words[0].store(page.vsid, std::memory_order_release);
    slot.words[1].store(page.offset, std::memory_order_release);
    slot.words[2].store(sizes, std::memory_order_release);
    slot.sequence.store(ticket + 1, std::memory_order_release);  // pairs with read()
    return ticket;
}

template <class Policy>
bool BasicInvalidationLog<Policy>::read(u64 ticket, hpt::VirtualPage* page) const {
    const Slot& slot = slots_[ticket % kSlots];
    const auto mine = [&] {
        return slot.sequence.load(std::memory_order_acquire) == ticket + 1 || bug(LogMutant::kSlotUnchecked);
    };
    if (!mine()) return false;
    page->vsid = slot.words[0].load(std::memory_order_acquire);
    page->offset = slot.words[1].load(std::memory_order_acquire);
    const u64 sizes = slot.words[2].load(std::memory_order_acquire);
    page->segment_shift = sizes >> 16 & 0xff;
    page->base_shift = sizes >> 8 & 0xff;
    page->page_shift = sizes & 0xff;
    return mine();
}

template <class Policy>
template <class Tlb>
void BasicInvalidationLog<Policy>::catch_up(Tlb& tlb) {
    tlb.trim();
    const u64 head = head_.load(std::memory_order_seq_cst);
    u64 done = done_.load(std::memory_order_relaxed);
    if (done == head) return;
    if (bug(LogMutant::kAckWithoutReplay)) {
        done = head;
    } else if (head - done > kSlots / 2) {
        tlb.flush_all();
    } else {
        for (hpt::VirtualPage page; done != head; ++done) {
            if (!read(done, &page)) {
                tlb.flush_all();
                break;
            }
            apply(page, tlb);
        }
    }
    done_.store(head, kAckOrder);  // pairs with wait_for
    if (!bug(LogMutant::kAckUnwoken)) wake_waiting();
}

template <class Policy>
void BasicInvalidationLog<Policy>::wait_for(u64 ticket) {
    const auto finished = [&] { return !in_guest() || done_.load(std::memory_order_seq_cst) > ticket; };
    for (unsigned round = 0; round < Policy::kSpins; ++round) {
        if (finished()) return;
        Policy::pause(round);
    }
    for (;;) {
        const u32 seen = wakes_.load(std::memory_order_seq_cst);
        waiting_.store(1, bug(LogMutant::kWaiterNotOrdered) ? std::memory_order_release : std::memory_order_seq_cst);
        if (finished()) return;
        Policy::sleep(wakes_, seen);
    }
}

/// A vCPU to be waited for until it has replayed `ticket`.
template <class Policy>
struct BasicAwaited {
    BasicInvalidationLog<Policy>* log;
    u64 ticket;
};

/// Invalidator::invalidate. Any vCPU's thread, in mode OUT. `own` is its TLB; `each_other(f)` calls f(log, tlb,
/// kick) for every other vCPU, where kick() makes it poll; `awaited` is room for as many. True if there was anybody
/// to wait for.
template <class Policy, class Tlb, class EachOther>
bool broadcast(std::span<const hpt::VirtualPage> pages, Tlb& own, EachOther each_other,
               std::vector<BasicAwaited<Policy>>& awaited) {
    using Log = BasicInvalidationLog<Policy>;
    awaited.clear();
    each_other([&](Log& log, const auto& tlb, auto kick) {
        const bool passed_over = Log::bug(LogMutant::kModeBeforeTicket) && !log.in_guest();
        if (Log::bug(LogMutant::kOutNotPosted) && !log.in_guest()) return;
        bool posted = false;
        u64 ticket = 0;
        for (const hpt::VirtualPage& page : pages) {
            if (page != hpt::kEveryPage && !tlb.holds(page)) continue;
            ticket = log.post(page);
            posted = true;
        }
        if (!posted || !log.in_guest()) return;
        kick();
        if (!passed_over) awaited.push_back({&log, ticket});
    });
    for (const hpt::VirtualPage& page : pages) Log::apply(page, own);  // while the others work
    if (Log::bug(LogMutant::kNobodyAwaited)) return true;
    for (const auto& [log, ticket] : awaited) log->wait_for(ticket);
    return !awaited.empty();
}

using InvalidationLog = BasicInvalidationLog<StdLogPolicy>;

/// The initiator's side, one per vCPU; used on that vCPU's thread in mode OUT.
class Broadcaster final : public hpt::Invalidator {
  public:
    struct Stats {
        u64 waited = 0, alone = 0;  ///< Calls that had somebody to wait for, and those that had nobody.
    };

    explicit Broadcaster(Vcpu& self) : self_(self) {}
    void invalidate(std::span<const hpt::VirtualPage> pages) override;
    const Stats& stats() const { return stats_; }

  private:
    Vcpu& self_;
    std::vector<BasicAwaited<StdLogPolicy>> awaited_;
    Stats stats_;
};

}  // namespace mpower::smp
