// What the HPT needs of the machine it runs on, so that a model checker can stand in for it.
#pragma once

#include <immintrin.h>
#include <sched.h>
#include <sys/mman.h>

#include <atomic>

#include "base/lock.h"
#include "base/shared_bytes.h"
#include "base/types.h"

namespace mpower::hpt {

/// Protocol bugs that tests seed, to show that a check would find them. The product has none.
enum class Mutant {
    kNone,
    kEnterVFirst,          ///< enter: V before R.
    kLockNotAtomic,        ///< The lock is taken by a load and a store.
    kUnlockLost,           ///< The lock is not released.
    kRemoveRcEarly,        ///< remove: R and C of before V := 0.
    kRemoveNoInvalidate,   ///< remove: no broadcast.
    kInvalidateFirst,      ///< remove: broadcast before V := 0.
    kStoreVDropsLock,      ///< V of slot 0 is stored without the lock bit.
    kRcPlain,              ///< R, C, PP ... by a plain store of R.
    kRcAnyEntry,           ///< set_rc: V and R are not compared.
    kReadOnce,             ///< read: V is not looked at again.
    kFindOnce,             ///< find: V is not looked at again.
    kProtectInvalid,       ///< protect: V = 0 meanwhile.
    kProtectOldRc,         ///< protect: R and C as they were when the lock was taken.
    kClearOld,             ///< clear: the entry of before the exchange is returned.
    kNoLock,               ///< No call takes the lock.
    kBulkNoInvalidate,     ///< bulk_remove: no broadcast.
    kBulkRcEarly,          ///< bulk_remove: R and C of before V := 0.
    kBulkHoldsAndWaits,    ///< bulk_remove: waits for a lock with others held.
    kProtectNoInvalidate,  ///< protect: no broadcast.
    kResizeUnseen,         ///< resize: a call does not look at the epoch once it has its lock.
    kResizeLocksUnseen,    ///< resize: calls that hold locks are not waited for.
    kResizeNoInvalidate,   ///< resize: no broadcast.
    kResizeRcLost,         ///< resize: R and C set since the copy are not added.
};

/// The host's own atomics.
struct StdPolicy {
    static constexpr Mutant kMutant = Mutant::kNone;
    static constexpr unsigned kMinShift = 18;  ///< Smallest table (PAPR).

    template <class T>
    using Atomic = std::atomic<T>;

    /// A doubleword pair on a 16-byte boundary.
    struct alignas(16) Entry {
        Atomic<u64> v, r;
    };

    /// Replaces both doublewords if both are as expected; one indivisible access, seq_cst.
    static bool exchange_pair(Entry& entry, u64 v, u64 r, u64 new_v, u64 new_r) {
        return compare_exchange16(&entry, u128{r} << 64 | v, u128{new_r} << 64 | new_v);
    }

    /// `round` counts the caller's fruitless looks from 0.
    static void pause(unsigned round) {
        if (round < 100) {
            _mm_pause();
        } else {
            sched_yield();  // the lock's holder may wait for a processor
        }
    }

    /// Likewise, of a PTEG's lock that another thread has. Some microseconds: looking takes the PTEG's line from the
    /// holder, who does many calls meanwhile at the speed of one thread (hpt/README.md).
    static void back_off(unsigned round) {
        if (round < 8) {
            for (unsigned n = 0; n < 256; ++n) _mm_pause();
        } else {
            sched_yield();
        }
    }

    // Of a PTEG's lock: the thread is going to wait for it, has it, has it no more.
    static void before_lock() {
        if constexpr (kLocksChecked) LockOrder::before(LockRank::kPteg);
    }
    static void took_lock() {
        if constexpr (kLocksChecked) LockOrder::took(LockRank::kPteg);
    }
    static void released_lock() {
        if constexpr (kLocksChecked) LockOrder::released(LockRank::kPteg);
    }

    /// Zero-filled entries, backed on first touch; nullptr if the host refuses.
    static Entry* allocate(u64 count) {
        void* p = mmap(nullptr, count * sizeof(Entry), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? nullptr : static_cast<Entry*>(p);
    }
    /// Makes them zero again, and gives their memory back. Others may have lock bits on their way in and out.
    static void discard(Entry* entries, u64 count) { madvise(entries, count * sizeof(Entry), MADV_DONTNEED); }
    static void release(Entry* entries, u64 count) { munmap(entries, count * sizeof(Entry)); }
};

}  // namespace mpower::hpt
