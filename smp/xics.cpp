#include "smp/xics.h"

#include <bit>

#include "smp/machine.h"
#include "smp/vcpu.h"

namespace mpower::smp {

template <class Change>
std::pair<Icp::State, Icp::State> Icp::update(Change change) {
    u64 w = word_.load(std::memory_order_acquire);
    for (;;) {
        const State before = unpack(w);
        State after = before;
        change(after);
        // acq_rel: what a device or another vCPU stored before it raised the interrupt is seen by who accepts it.
        if (word_.compare_exchange_weak(w, pack(after), std::memory_order_acq_rel, std::memory_order_acquire)) {
            if (after.xisr != 0 && after.xisr != before.xisr) raise_();
            return {before, after};
        }
    }
}

/// An interrupt that was presented and is not any more, without having been accepted, waits.
void Icp::put_back(const State& before, const State& after) {
    if (before.xisr == 0 || before.xisr == after.xisr || before.xisr == kIpiSource) return;  // MFRR still holds an IPI
    ics_.update(before.xisr, [](Ics::Source& s) { s.pending = true; });
    const u32 n = before.xisr - kFirstSource;
    waiting_[n / 64].fetch_or(u64{1} << (n % 64), std::memory_order_acq_rel);
}

u32 Icp::accept() {
    const auto [before, after] = update([](State& s) {
        if (s.xisr == 0) return;
        s.cppr = s.pending;
        s.pending = kLeastFavored;
        s.xisr = 0;
    });
    return u32{before.cppr} << 24 | before.xisr;
}

void Icp::resend() {
    const auto [before, after] = update([](State& s) {
        if (s.mfrr < s.cppr && s.mfrr < s.pending) {
            s.xisr = kIpiSource;
            s.pending = s.mfrr;
        }
    });
    put_back(before, after);
    for (u32 i = 0; i < waiting_.size(); ++i) {
        for (u64 bits = waiting_[i].exchange(0, std::memory_order_acq_rel); bits != 0; bits &= bits - 1) {
            ics_.deliver(kFirstSource + 64 * i + static_cast<u32>(std::countr_zero(bits)));
        }
    }
}

void Icp::eoi(u32 xirr) { set_cppr(static_cast<u8>(xirr >> 24)); }

void Icp::set_cppr(u8 priority) {
    const auto [before, after] = update([priority](State& s) {
        s.cppr = priority;
        if (s.xisr != 0 && s.pending >= priority) {
            s.xisr = 0;
            s.pending = kLeastFavored;
        }
    });
    put_back(before, after);
    resend();
}

void Icp::set_mfrr(u8 priority) {
    const auto [before, after] = update([priority](State& s) {
        s.mfrr = priority;
        if (priority < s.cppr && priority < s.pending) {
            s.xisr = kIpiSource;
            s.pending = priority;
        }
    });
    put_back(before, after);
}

u32 Icp::poll(u8* mfrr) const {
    const State s = unpack(word_.load(std::memory_order_acquire));
    *mfrr = s.mfrr;
    return u32{s.cppr} << 24 | s.xisr;
}

void Icp::offer(u32 source, u8 priority) {
    const u32 n = source - kFirstSource;
    std::atomic<u64>& waiting = waiting_[n / 64];
    const u64 bit = u64{1} << (n % 64);
    for (;;) {
        const auto [before, after] = update([=](State& s) {
            if (priority < s.cppr && priority < s.pending) {
                s.xisr = source;
                s.pending = priority;
            }
        });
        if (after.xisr == source && before.xisr != source) return put_back(before, after);
        ics_.update(source, [](Ics::Source& s) { s.pending = true; });
        waiting.fetch_or(bit, std::memory_order_seq_cst);
        // CPPR may have been raised between the two: whoever did has looked at `waiting` before the bit was there.
        const State now = unpack(word_.load(std::memory_order_seq_cst));
        if (!(priority < now.cppr && priority < now.pending)) return;
        if (!(waiting.fetch_and(~bit, std::memory_order_acq_rel) & bit)) return;  // somebody else offers it again
        ics_.update(source, [](Ics::Source& s) { s.pending = false; });
    }
}

Ics::Ics(Machine& machine) : machine_(machine) {
    for (auto& s : sources_) s.store(pack({}), std::memory_order_relaxed);
}

template <class Change>
Ics::Source Ics::update(u32 source, Change change) {
    std::atomic<u64>& word = sources_[source - kFirstSource];
    u64 w = word.load(std::memory_order_acquire);
    for (;;) {
        const Source before = unpack(w);
        Source after = before;
        change(after);
        if (word.compare_exchange_weak(w, pack(after), std::memory_order_acq_rel, std::memory_order_acquire))
            return before;
    }
}

void Ics::deliver(u32 source) {
    const Source before = update(source, [](Source& s) {
        if (s.priority != kLeastFavored) s.pending = false;
    });
    if (!before.pending || before.priority == kLeastFavored) return;
    if (Vcpu* cpu = machine_.find(before.server)) cpu->icp().offer(source, before.priority);
}

void Ics::trigger(u32 source) {
    update(source, [](Source& s) { s.pending = true; });
    deliver(source);
}

void Ics::set_xive(u32 source, u32 server, u8 priority) {
    update(source, [=](Source& s) {
        s.server = static_cast<u16>(server);
        s.priority = s.saved = priority;
    });
    deliver(source);
}

void Ics::get_xive(u32 source, u32* server, u8* priority) const {
    const Source s = unpack(sources_[source - kFirstSource].load(std::memory_order_acquire));
    *server = s.server;
    *priority = s.priority;
}

void Ics::int_off(u32 source) {
    update(source, [](Source& s) {
        if (s.priority != kLeastFavored) s.saved = s.priority;
        s.priority = kLeastFavored;
    });
}

void Ics::int_on(u32 source) {
    update(source, [](Source& s) { s.priority = s.saved; });
    deliver(source);
}

}  // namespace mpower::smp
