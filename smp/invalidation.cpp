#include "smp/invalidation.h"

#include <immintrin.h>
#include <sched.h>

#include "mmu/mmu.h"
#include "smp/machine.h"
#include "smp/vcpu.h"

namespace mpower::smp {
namespace {

/// Spins a little, then gives the processor away: with more vCPUs than cores the one waited for may not be running.
class Backoff {
  public:
    void pause() {
        if (++rounds_ < 200) {
            _mm_pause();
        } else {
            sched_yield();
        }
    }

  private:
    unsigned rounds_ = 0;
};

}  // namespace

InvalidationLog::InvalidationLog() : slots_(std::make_unique<Slot[]>(kSlots)) {
    // As if the round before ticket 0 had been written.
    for (u64 i = 0; i < kSlots; ++i) slots_[i].sequence.store(i + 1 - kSlots, std::memory_order_relaxed);
}

u64 InvalidationLog::publish(std::span<const hpt::VirtualPage> pages) {
    // seq_cst: pairs with enter_guest (see the head comment).
    u64 ticket = head_.fetch_add(pages.size(), std::memory_order_seq_cst);
    for (const hpt::VirtualPage& page : pages) {
        Slot& slot = slots_[ticket % kSlots];
        // One writer a slot: the one of the round before must have finished.
        for (Backoff backoff; slot.sequence.load(std::memory_order_acquire) != ticket + 1 - kSlots;) backoff.pause();
        slot.sequence.store(ticket, std::memory_order_relaxed);  // neither the old nor the new occupant's
        const u64 sizes = u64{page.segment_shift} << 16 | u64{page.base_shift} << 8 | page.page_shift;
        // release: after the sequence above, so that a reader of half a slot finds the sequence changed
        slot.words[0].store(page.vsid, std::memory_order_release);
        slot.words[1].store(page.offset, std::memory_order_release);
        slot.words[2].store(sizes, std::memory_order_release);
        slot.sequence.store(ticket + 1, std::memory_order_release);  // pairs with read()
        ++ticket;
    }
    return ticket;
}

bool InvalidationLog::read(u64 ticket, hpt::VirtualPage* page) const {
    const Slot& slot = slots_[ticket % kSlots];
    if (slot.sequence.load(std::memory_order_acquire) != ticket + 1) return false;
    page->vsid = slot.words[0].load(std::memory_order_acquire);
    page->offset = slot.words[1].load(std::memory_order_acquire);
    const u64 sizes = slot.words[2].load(std::memory_order_acquire);
    page->segment_shift = sizes >> 16 & 0xff;
    page->base_shift = sizes >> 8 & 0xff;
    page->page_shift = sizes & 0xff;
    return slot.sequence.load(std::memory_order_relaxed) == ticket + 1;
}

void InvalidationLog::enter_guest(Participant& self, mmu::Mmu& mmu) {
    self.mode.store(Participant::kGuest, std::memory_order_seq_cst);
    catch_up(self, mmu);
}

void InvalidationLog::catch_up(Participant& self, mmu::Mmu& mmu) {
    const u64 head = head_.load(std::memory_order_seq_cst);
    u64 done = self.done.load(std::memory_order_relaxed);
    if (done == head) return;
    if (head - done > kSlots / 2) {
        mmu.flush_all();
    } else {
        for (hpt::VirtualPage page; done != head; ++done) {
            if (!read(done, &page)) {
                mmu.flush_all();
                break;
            }
            mmu.invalidate(page);
        }
    }
    self.done.store(head, std::memory_order_release);  // pairs with Broadcaster::invalidate
}

void Broadcaster::invalidate(std::span<const hpt::VirtualPage> pages) {
    Machine& machine = self_.machine();
    const u64 ticket = machine.invalidation_log().publish(pages);
    for (unsigned id = 0; id < machine.vcpu_count(); ++id) {
        Vcpu& other = machine.vcpu(id);
        if (&other == &self_) continue;
        if (other.participant().mode.load(std::memory_order_seq_cst) == Participant::kGuest)
            other.kick(kAttnInvalidate);
    }
    for (const hpt::VirtualPage& page : pages) self_.mmu().invalidate(page);  // while the others work
    for (unsigned id = 0; id < machine.vcpu_count(); ++id) {
        Vcpu& other = machine.vcpu(id);
        if (&other == &self_) continue;
        const Participant& p = other.participant();
        for (Backoff backoff; p.mode.load(std::memory_order_acquire) == Participant::kGuest &&
                              p.done.load(std::memory_order_acquire) < ticket;) {
            backoff.pause();
        }
    }
}

}  // namespace mpower::smp
