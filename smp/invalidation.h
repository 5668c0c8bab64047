// Broadcast of translation invalidations: exact, page by page, and nobody is stopped.
//
// Contract. Broadcaster::invalidate(pages), called by a hypercall that has made the HPTEs of `pages` invalid (or less
// permissive) before, returns when no vCPU can make an access through the old translations any more, and every access
// that did use them is performed.
//
// How. Requests go to one log, a ring of slots; `head` counts them (tickets). A vCPU in mode GUEST polls its attention
// word at every block; when it is told, it replays the log up to head into its own TLB and only then publishes
// `done` = head. A vCPU in mode OUT uses no translation; on its way to GUEST it sets mode, then replays. The initiator
// publishes its tickets, cleans its own TLB, and waits for each other vCPU until it is OUT or done >= its last ticket.
//
//   vCPU enters GUEST:  mode := GUEST;   head read, replay            } the store and the load of each side are
//   initiator:          head += n;       mode read, wait if GUEST     } seq_cst: one of them sees the other (Dekker)
//
// Waiting is done only in mode OUT (the initiator is in a hypercall), so no cycle of waiters exists: whoever is waited
// for is in GUEST and waits for nobody. A vCPU too far behind, or one that meets a slot not yet written, flushes its
// whole TLB: correct since the HPTE was changed before the ticket was taken.
//
// x86 makes done's release store also mean that the vCPU's earlier guest stores are performed (store order).
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>

#include "base/types.h"
#include "hpt/hpt.h"

namespace mpower::mmu {
class Mmu;
}

namespace mpower::smp {

class Vcpu;

/// A vCPU's side of the protocol, on a cache line of its own.
struct alignas(kCacheLine) Participant {
    enum Mode : u32 { kOut, kGuest };
    std::atomic<u32> mode{kOut};
    std::atomic<u64> done{0};  ///< Tickets below this are replayed.
};

class InvalidationLog {
  public:
    static constexpr u64 kSlots = 1024;

    InvalidationLog();

    /// Appends requests; the ticket after the last one. Any thread in mode OUT.
    u64 publish(std::span<const hpt::VirtualPage> pages);

    /// mode := GUEST, and replay. The vCPU's own thread.
    void enter_guest(Participant& self, mmu::Mmu& mmu);
    /// mode := OUT. Own thread.
    static void leave_guest(Participant& self) {
        // pairs with the acquire load in Broadcaster::invalidate: accesses made in GUEST are before it
        self.mode.store(Participant::kOut, std::memory_order_release);
    }
    /// Replays what is new into `mmu`, and says so. Own thread, at a poll point in mode GUEST.
    void catch_up(Participant& self, mmu::Mmu& mmu);

    u64 head() const { return head_.load(std::memory_order_relaxed); }

  private:
    struct Slot {
        std::atomic<u64> sequence;  ///< Ticket + 1 when written; the previous occupant's until then.
        std::array<std::atomic<u64>, 3> words;
    };
    bool read(u64 ticket, hpt::VirtualPage* page) const;

    alignas(kCacheLine) std::atomic<u64> head_{0};
    std::unique_ptr<Slot[]> slots_;
};

/// The initiator's side, one per vCPU; used on that vCPU's thread in mode OUT.
class Broadcaster final : public hpt::Invalidator {
  public:
    explicit Broadcaster(Vcpu& self) : self_(self) {}
    void invalidate(std::span<const hpt::VirtualPage> pages) override;

  private:
    Vcpu& self_;
};

}  // namespace mpower::smp
