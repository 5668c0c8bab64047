// Mutexes in an order, so that no two threads wait for each other. A thread that holds locks may wait only for one of a
// higher rank. A build without NDEBUG checks it, and aborts with a line that names both; a build with it pays nothing.
// smp/README.md has the table of who holds what for how long.
#pragma once

#include <mutex>

#include "base/types.h"

namespace mpower {

/// In the order in which they may be taken.
enum class LockRank : u8 {
    kPteg,          ///< A PTEG's lock bit (hpt).
    kInvalidation,  ///< Not a lock: the wait for other vCPUs in a broadcast (smp).
    kCodeKey,       ///< A translation in the making (jit/x64).
    kCodePage,      ///< The translations of a page.
    kCodeVisitors,  ///< The change to the code cache's other half.
    kNvram,
    kConsole,
    kProfile,
};

/// What the calling thread holds. For locks that are no Mutex; those call it if kLocksChecked.
class LockOrder {
  public:
    /// The thread is going to wait for a lock of that rank: aborts if it holds one that is not lower.
    static void before(LockRank rank);
    /// It has the lock; without before(), by a try that did not wait.
    static void took(LockRank rank);
    static void released(LockRank rank);
};

#ifdef NDEBUG
constexpr bool kLocksChecked = false;
#else
constexpr bool kLocksChecked = true;
#endif

/// std::mutex with a rank. `kChecked`: for tests of it.
template <LockRank kRank, bool kChecked = kLocksChecked>
class Mutex {
  public:
    void lock() {
        if constexpr (kChecked) LockOrder::before(kRank);
        mutex_.lock();
        if constexpr (kChecked) LockOrder::took(kRank);
    }
    void unlock() {
        if constexpr (kChecked) LockOrder::released(kRank);
        mutex_.unlock();
    }

  private:
    std::mutex mutex_;
};

/// A scope that counts as a lock.
template <LockRank kRank, bool kChecked = kLocksChecked>
class LockScope {
  public:
    LockScope() {
        if constexpr (kChecked) LockOrder::before(kRank), LockOrder::took(kRank);
    }
    ~LockScope() {
        if constexpr (kChecked) LockOrder::released(kRank);
    }
    LockScope(const LockScope&) = delete;
};

}  // namespace mpower
