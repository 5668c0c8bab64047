// The policy of BasicHpt under the scheduler: each atomic access is a scheduling point, ordered as x86 orders it.
#pragma once

#include <atomic>

#include "hpt/policy.h"
#include "tests/check/scheduler.h"

namespace mpower::check {

/// Outside a run (set-up, final look) accesses are plain.
struct CheckedU64 {
    u64 value = 0;

    u64 load(std::memory_order) const {
        if (Scheduler::current == nullptr) return value;
        Scheduler::current->point();
        return Scheduler::current->load(&value);
    }
    void store(u64 to, std::memory_order order) {
        if (Scheduler::current == nullptr) {
            value = to;
            return;
        }
        Scheduler::current->point();
        Scheduler::current->buffer(&value, to);
        if (order == std::memory_order_seq_cst) Scheduler::current->drain();  // the host's compiler emits xchg
    }
    u64 fetch_and(u64 mask, std::memory_order) {
        const u64 old = locked();
        set(old & mask);
        return old;
    }
    bool compare_exchange_strong(u64& expected, u64 to, std::memory_order, std::memory_order) {
        const u64 old = locked();
        if (old == expected) {
            set(to);
            return true;
        }
        expected = old;
        return false;
    }
    /// The value at the instant of a locked access, which drains the store buffer first.
    u64 locked() {
        if (Scheduler::current != nullptr) {
            Scheduler::current->point();
            Scheduler::current->drain();
        }
        return value;
    }
    void set(u64 to) {
        if (Scheduler::current != nullptr) {
            Scheduler::current->write(&value, to);
        } else {
            value = to;
        }
    }
};

template <hpt::Mutant kBug = hpt::Mutant::kNone>
struct CheckPolicy {
    static constexpr hpt::Mutant kMutant = kBug;
    struct alignas(16) Entry {
        CheckedU64 v, r;
    };
    static bool exchange_pair(Entry& e, u64 v, u64 r, u64 new_v, u64 new_r) {
        if (e.v.locked() != v || e.r.value != r) return false;
        e.v.set(new_v);
        e.r.set(new_r);
        return true;
    }
    static void pause(unsigned) { Scheduler::current->pause(); }
    static inline Entry* last = nullptr;  ///< For tests to set entries up.
    static Entry* allocate(u64 count) { return last = new Entry[count]; }
    static void release(Entry* entries, u64) { delete[] entries; }
};

}  // namespace mpower::check
