// When translated code must be compared with storage again.
//
// Power leaves it to software to make modified code visible (dcbst; sync; icbi; isync), and lets it rely on coherent
// instruction caches only across a change of the mapping. Linux on POWER8/9 uses exactly that: one icbi for a whole
// range after it writes code through another mapping, and nothing at all when it maps a fresh page of a program. So a
// block of translated code must be valid again (compared with its source words) after
//   - any icbi, by any vCPU;
//   - a translation for fetch that was not there before: a walk of the HPT whose entry is first used to fetch.
// Stores need no tracking, data pages cost nothing, and a guest JIT compiler pays a compare, not a translation.
//
// An epoch is a counter per 4K real page plus a global one; both only grow, so their sum is equal exactly when neither
// changed. Relaxed order suffices: the guest's own synchronisation (the hypercall that made the mapping, or
// icbi; sync and the flag by which another vCPU learns of it) orders the bump before the fetch it protects, and x86
// keeps stores and loads in that order.
#pragma once

#include <atomic>
#include <memory>

#include "base/types.h"

namespace mpower::mmu {

class CodeEpochs {
  public:
    explicit CodeEpochs(u64 ram_bytes)
        : pages_(ram_bytes >> 12), epochs_(std::make_unique<std::atomic<u32>[]>(pages_)) {}

    /// Epoch of the page of `ra`, which is in RAM.
    u64 of(Ra ra) const {
        return u64{epochs_[ra.v >> 12].load(std::memory_order_relaxed)} + global_.load(std::memory_order_relaxed);
    }
    /// Number of calls of modified(), and of large mappings: when it changes, all pages' epochs have.
    u64 modifications() const { return global_.load(std::memory_order_relaxed); }
    /// A mapping of `bytes` (a power of two) at `ra` is about to be fetched through for the first time. Any thread.
    void mapped(Ra ra, u64 bytes) {
        if (bytes > kLargest) return modified();
        for (u64 page = ra.v >> 12; page < (ra.v + bytes) >> 12 && page < pages_; ++page) {
            epochs_[page].fetch_add(1, std::memory_order_relaxed);
        }
    }
    /// icbi. Any thread.
    void modified() { global_.fetch_add(1, std::memory_order_relaxed); }

  private:
    static constexpr u64 kLargest = 65536;  // larger mappings are few and old: one bump for all of them

    u64 pages_;
    std::unique_ptr<std::atomic<u32>[]> epochs_;
    std::atomic<u64> global_{0};
};

}  // namespace mpower::mmu
