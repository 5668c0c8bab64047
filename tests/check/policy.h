// Policies under the scheduler: each atomic access is a scheduling point, ordered as x86 orders it.
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "hpt/policy.h"
#include "mmu/held_pages.h"
#include "mmu/reservations.h"
#include "smp/invalidation.h"
#include "tests/check/scheduler.h"

namespace mpower::check {

/// std::atomic's stand-in. Outside a run (set-up, final look) accesses are plain.
template <class T>
struct Checked {
    u64 value = 0;

    Checked() = default;
    explicit Checked(T v) : value(bits(v)) {}

    T load(std::memory_order) const {
        if (Scheduler::current == nullptr) return typed(value);
        Scheduler::current->point();
        return typed(Scheduler::current->load(&value));
    }
    void store(T to, std::memory_order order) {
        if (Scheduler::current == nullptr) {
            value = bits(to);
            return;
        }
        Scheduler::current->point();
        if (order == std::memory_order_seq_cst) {  // the host's compiler emits xchg
            Scheduler::current->drain();
            set(bits(to));
        } else {
            Scheduler::current->buffer(&value, bits(to));
        }
    }
    T exchange(T to, std::memory_order) {
        return change([&](u64) { return bits(to); });
    }
    T fetch_and(T mask, std::memory_order) {
        return change([&](u64 old) { return old & bits(mask); });
    }
    T fetch_or(T mask, std::memory_order) {
        return change([&](u64 old) { return old | bits(mask); });
    }
    T fetch_add(T n, std::memory_order) {
        return change([&](u64 old) { return old + bits(n); });
    }
    bool compare_exchange_strong(T& expected, T to, std::memory_order, std::memory_order) {
        const T old = typed(locked());
        if (old == expected) {
            set(bits(to));
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

  private:
    static u64 bits(T v) {
        u64 b = 0;
        std::memcpy(&b, &v, sizeof v);
        return b;
    }
    static T typed(u64 b) {
        T v;
        std::memcpy(&v, &b, sizeof v);
        return v;
    }
    template <class Change>
    T change(Change to) {
        const u64 old = locked();
        set(to(old));
        return typed(old);
    }
};

/// For what a test never changes: no scheduling point.
template <class T>
struct Constant {
    T value{};
    T load(std::memory_order) const { return value; }
    void store(T to, std::memory_order) { value = to; }
    T exchange(T to, std::memory_order) { return std::exchange(value, to); }
    T fetch_add(T n, std::memory_order) { return std::exchange(value, value + n); }
};

inline void pause_fiber() {
    if (Scheduler::current != nullptr) Scheduler::current->pause();
}

/// For BasicHpt. `kResizes`: the table's size may change.
template <hpt::Mutant kBug = hpt::Mutant::kNone, bool kResizes = false>
struct CheckPolicy {
    static constexpr hpt::Mutant kMutant = kBug;
    static constexpr unsigned kMinShift = 7;  // one PTEG
    template <class T>
    using Atomic = std::conditional_t<kResizes, Checked<T>, Constant<T>>;
    struct alignas(16) Entry {
        Checked<u64> v, r;
    };
    static bool exchange_pair(Entry& e, u64 v, u64 r, u64 new_v, u64 new_r) {
        if (e.v.locked() != v || e.r.value != r) return false;
        e.v.set(new_v);
        e.r.set(new_r);
        return true;
    }
    static void pause(unsigned) { pause_fiber(); }
    static void back_off(unsigned) { pause_fiber(); }
    static void before_lock() {}  // fibers share their thread's locks
    static void took_lock() {}
    static void released_lock() {}
    static inline Entry* last = nullptr;  ///< For tests to set entries up.
    static Entry* allocate(u64 count) { return last = new Entry[count]; }
    static void discard(Entry* entries, u64 count) {
        for (u64 n = 0; n < count; ++n) {
            entries[n].v.set(0);
            entries[n].r.set(0);
        }
    }
    static void release(Entry* entries, u64) { delete[] entries; }
};

/// For BasicInvalidationLog: a ring that wraps soon.
template <smp::LogMutant kBug, u64 kSlots = 4>
struct CheckLogPolicy {
    static constexpr smp::LogMutant kLogMutant = kBug;
    static constexpr u64 kLogSlots = kSlots;
    template <class T>
    using Atomic = Checked<T>;
    static constexpr unsigned kSpins = 0;
    static void pause(unsigned) { pause_fiber(); }
    /// Sleeps until a change of the word, as a wake-up without one is a lost one.
    static void sleep(Checked<u32>& word, u32 seen) {
        while (word.load(std::memory_order_seq_cst) == seen) pause_fiber();
    }
    static void wake(Checked<u32>&) {}
};

/// For BasicHeldPages: so few slots that pages meet in them.
template <mmu::HeldMutant kBug>
struct CheckHeldPolicy {
    static constexpr mmu::HeldMutant kHeldMutant = kBug;
    static constexpr unsigned kHeldShift = 1;
    template <class T>
    using Atomic = Checked<T>;
};

/// For BasicReservations: one slot, in which all granules meet.
template <mmu::ReservationMutant kBug>
struct CheckReservationPolicy {
    static constexpr mmu::ReservationMutant kReservationMutant = kBug;
    static constexpr unsigned kSlotShift = 0, kPatience = 1;
    template <class T>
    using Atomic = Checked<T>;
    static void pause(unsigned) { pause_fiber(); }
    static void* map(u64 bytes) { return std::calloc(bytes, 1); }
    static void unmap(void* p, u64) { std::free(p); }
};

}  // namespace mpower::check
