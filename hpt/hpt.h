// The hash page table of the partition. It is the hypervisor's: the guest changes it by hypercalls only. Removals of
// several entries in one call are in bulk.h, a change of the table's size is in resize.h, with its protocol.
//
// Concurrency contract
// --------------------
// Walkers: find() and set_rc() may run on any thread at any time. They take no lock and wait for nobody. find() never
// writes. A walker loads V (acquire), compares it, loads R (acquire), loads V again: equal means that R belonged to
// that V at the moment R was loaded, for the writers' order below lets R change under an unchanged valid V only by one
// 16-byte compare-and-swap, and lets it be anything only while V is invalid.
//
// R and C: set by one 16-byte compare-and-swap of the whole entry, so they never land on another entry, and never
// bring back old PP, N, key or RPN bits. It fails if anything but R, C or the hidden bits changed: walk again.
//
// Writers: the hypercall side. Every writer holds the lock of the entry's PTEG: bit kLock of slot 0's V, in the cache
// line of the PTEG itself, taken by compare-and-swap (acquire) and released by fetch_and (release). They may spin, so a
// vCPU calls them in mode OUT only, and lock holders wait (in Invalidator) only for vCPUs in mode GUEST, which never
// take this lock: no cycle.
//   enter    slot free under the lock -> R (relaxed), then V (release: pairs with the walkers' acquire of V).
//   remove   V := 0, then invalidate() completes, then R/C are read, then the lock is released: nobody can enter into
//            the slot before. R and C are final at V := 0, since set_rc needs V.
//   protect  the new R word is swapped in under an unchanged V, keeping R/C as they are at that instant, then
//            invalidate(). No walker ever sees the entry invalid, so no vCPU takes a fault that the guest did not
//            cause.
//   clear    the same with R or C cleared. A store that a vCPU makes through an old TLB entry before invalidate() is
//            complete is covered by the C that the call returns.
// H_PTEG_FULL and H_NOT_FOUND are decided under the lock. No function takes a second lock while it holds one, but
// those of bulk.h, which only try and, if that fails, complete and release what they have first.
//
// kDirty is set by each change of an entry, R and C included, and taken by take_dirty() before the entry is copied.
//
// Entries are kept as host integers.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/papr.h"
#include "base/result.h"
#include "hpt/hpte.h"
#include "hpt/policy.h"

namespace mpower::hpt {

/// How a changed entry becomes unusable by every vCPU.
struct Invalidator {
    virtual ~Invalidator() = default;
    /// Returns when no vCPU can use the old translations, and all accesses made by them are performed. kEveryPage among
    /// `pages`: all translations, and nobody is inside a walk that began before.
    virtual void invalidate(std::span<const VirtualPage> pages) = 0;
};

/// Flags of the HPT hypercalls (PAPR, "hcall-pft").
namespace flag {
constexpr u64 kExact = u64{1} << 39;
constexpr u64 kRead4 = u64{1} << 37;
constexpr u64 kAvpn = u64{1} << 31;
constexpr u64 kAndCond = u64{1} << 30;
}  // namespace flag

/// An entry that find() came upon.
struct Match {
    PteIndex index{};
    Hpte hpte{};  ///< Without the hidden bits.
    u8 page_shift = 12;
};

template <class Policy = StdPolicy>
class BasicHpt {
  public:
    static constexpr unsigned kMinShift = Policy::kMinShift, kMaxShift = 46, kSlotsPerPteg = 8;

    /// A table of 2^shift bytes, 18 <= shift <= 46 (PAPR, "ibm,pft-size"), all entries invalid.
    static Result<std::unique_ptr<BasicHpt>> create(unsigned shift) {
        if (shift < kMinShift || shift > kMaxShift) {
            return fail("an HPT has 2^{} to 2^{} bytes, not 2^{}", kMinShift, kMaxShift, shift);
        }
        auto table = std::unique_ptr<BasicHpt>(new BasicHpt);
        Storage* storage = table->obtain(shift);
        if (storage == nullptr) return fail("cannot reserve 2^{} bytes for the HPT", shift);
        table->current_.store(storage, std::memory_order_relaxed);
        return table;
    }
    ~BasicHpt() {
        for (auto& s : storages_) Policy::release(s->entries, s->slots());
    }
    BasicHpt(const BasicHpt&) = delete;
    BasicHpt& operator=(const BasicHpt&) = delete;

    // Of the present table; a resize changes them.
    unsigned shift() const { return current().shift; }
    u64 slots() const { return current().slots(); }
    u64 pteg_mask() const { return current().pteg_mask(); }

    // --- walkers
    /// The entry that maps an address of a segment: primary group, then secondary. An entry whose page size does not
    /// go with the segment's base page size is passed over.
    std::optional<Match> find(const Segment& segment, u64 offset) const {
        const Storage& t = current();
        const u64 hash = primary_hash(segment, offset);
        const u64 tag = tag_of(segment, offset);
        if (auto m = search(t, hash & t.pteg_mask(), tag, segment.base_shift)) return m;
        return search(t, ~hash & t.pteg_mask(), tag | kSecondary, segment.base_shift);
    }

    /// Sets `bits` (of kR | kC) in the very entry of `match`. False: it is not that entry any more.
    bool set_rc(const Match& match, u64 bits) {
        Storage& t = current();
        if (match.index.v >= t.slots()) return false;
        return swap_r(t.entries[match.index.v], [&](u64 v, u64 r) -> std::optional<u64> {
            if (bug(Mutant::kRcAnyEntry)) return r | bits;
            if ((v & ~kHidden) != match.hpte.v || ((r ^ match.hpte.r) & ~(kR | kC)) != 0) return std::nullopt;
            return r | bits;
        });
    }

    // --- hypercall side
    struct Entered {
        papr::HcallStatus status;
        PteIndex index{};
    };
    /// H_ENTER. `ram_bytes` tells RAM (WIMG must be M) from I/O (WIMG must have I without W).
    Entered enter(u64 flags, PteIndex index, u64 v, u64 r, u64 ram_bytes) {
        const auto sizes = page_sizes(v, r);
        if (!sizes) return {papr::kParameter};
        const u64 real = r & kRpn & ~((u64{1} << sizes->page_shift) - 1);
        const bool good_wimg = real < ram_bytes ? (r & kWimg) == kM : (r & (kW | kI)) == kI;
        if (!good_wimg) return {papr::kParameter};
        const Lock lock(*this, index);
        if (!lock) return {papr::kParameter};
        const u64 group = index.v & ~u64{kSlotsPerPteg - 1};
        u64 slot = index.v;
        if (!(flags & flag::kExact)) {
            for (slot = group; slot < group + kSlotsPerPteg && (load_v(lock.entry(slot)) & kValid); ++slot) {}
            if (slot == group + kSlotsPerPteg) return {papr::kPtegFull};
        } else if (load_v(lock.entry(slot)) & kValid) {
            return {papr::kPtegFull};
        }
        store_entry(lock.entry(slot), slot, {v & ~kHidden, r});
        return {papr::kSuccess, PteIndex{slot}};
    }

    struct Removed {
        papr::HcallStatus status;
        Hpte old{};  ///< With final R and C.
    };
    /// H_REMOVE.
    Removed remove(u64 flags, PteIndex index, u64 avpn, Invalidator& invalidator) {
        const Lock lock(*this, index);
        if (!lock) return {papr::kParameter};
        Entry& e = lock.entry(index.v);
        const Hpte old = load(e);
        if (!conditions_hold(old.v, flags, avpn)) return {papr::kNotFound};
        const VirtualPage page = page_of(old, index.v / kSlotsPerPteg);
        if (bug(Mutant::kInvalidateFirst)) invalidator.invalidate({&page, 1});
        take_out(e, index.v);
        if (!bug(Mutant::kInvalidateFirst) && !bug(Mutant::kRemoveNoInvalidate)) invalidator.invalidate({&page, 1});
        if (bug(Mutant::kRemoveRcEarly)) return {papr::kSuccess, old};
        return {papr::kSuccess, {old.v, e.r.load(std::memory_order_acquire)}};
    }

    /// H_PROTECT: PP0, PP, N and the key as `flags` say.
    papr::HcallStatus protect(u64 flags, PteIndex index, u64 avpn, Invalidator& invalidator) {
        const Lock lock(*this, index);
        if (!lock) return papr::kParameter;
        Entry& e = lock.entry(index.v);
        const Hpte old = load(e);
        if (!conditions_hold(old.v, flags & flag::kAvpn, avpn)) return papr::kNotFound;
        constexpr u64 kChanged = kPp0 | kPp | kN | kKeyHigh | kKeyLow;
        const u64 bits = ((flags << 55) & kPp0) | ((flags << 48) & kKeyHigh) | (flags & (kPp | kN | kKeyLow));
        if (bug(Mutant::kProtectInvalid)) {
            take_out(e, index.v);
            store_entry(e, index.v, old);
        }
        swap_r(e, [&](u64, u64 r) -> std::optional<u64> {
            if (bug(Mutant::kProtectOldRc)) r = old.r;
            return (r & ~kChanged) | bits;
        });
        if ((old.r & kChanged) != bits && !bug(Mutant::kProtectNoInvalidate)) {
            const VirtualPage page = page_of(old, index.v / kSlotsPerPteg);
            invalidator.invalidate({&page, 1});
        }
        return papr::kSuccess;
    }

    /// H_CLEAR_REF (bit = kR), H_CLEAR_MOD (bit = kC): the entry before, or H_NOT_FOUND if it is not valid.
    Removed clear(u64 bit, u64 flags, PteIndex index, u64 avpn, Invalidator& invalidator) {
        const Lock lock(*this, index);
        if (!lock) return {papr::kParameter};
        Entry& e = lock.entry(index.v);
        Hpte old = load(e);
        if (!conditions_hold(old.v, flags & flag::kAvpn, avpn)) return {papr::kNotFound};
        swap_r(e, [&](u64, u64 r) -> std::optional<u64> {
            if (!bug(Mutant::kClearOld)) old.r = r;
            return r & ~bit;
        });
        if (old.r & bit) {
            const VirtualPage page = page_of(old, index.v / kSlotsPerPteg);
            invalidator.invalidate({&page, 1});
        }
        return {papr::kSuccess, old};
    }

    /// H_READ of one entry, without the hidden bits: a consistent pair. nullopt: no such index. Takes no lock.
    std::optional<Hpte> read(PteIndex index) const {
        for (unsigned round = 0;; ++round) {
            const u64 epoch = epoch_.load(std::memory_order_acquire);
            if (epoch % 2 == 0) {
                const Storage& t = current();
                if (index.v >= t.slots()) return std::nullopt;
                const Hpte e = load(t.entries[index.v]);
                if (bug(Mutant::kReadOnce)) return e;
                if ((load_v(t.entries[index.v]) & ~kHidden) == e.v && epoch_.load(std::memory_order_acquire) == epoch) {
                    return e;
                }
            }
            Policy::pause(round);
        }
    }

    /// H_BULK_REMOVE: up to four {tsh, tsl} pairs, answered in place (PAPR, "H_BULK_REMOVE").
    papr::HcallStatus bulk_remove(std::span<u64, 8> pairs, Invalidator& invalidator);
    /// H_BLOCK_REMOVE: up to eight pages of one block, whose AVPN is given, answered in place (PAPR, "H_BLOCK_REMOVE").
    papr::HcallStatus block_remove(u64 avpn, std::span<u64, 8> specifiers, Invalidator& invalidator);

    /// H_RESIZE_HPT_PREPARE: reserves a table of 2^shift bytes; 0 gives up what was prepared.
    papr::HcallStatus resize_prepare(unsigned shift);
    /// H_RESIZE_HPT_COMMIT: the prepared table takes over with the bolted entries, each in the slot of the same number.
    papr::HcallStatus resize_commit(unsigned shift, Invalidator& invalidator);

    // --- save and migrate
    /// Clears and returns the dirty bit of an entry. Copy the entry after. Any thread.
    bool take_dirty(PteIndex index) {
        // acq_rel: the copy that follows is not before this, and pairs with the release of the change
        return current().entries[index.v].v.fetch_and(~kDirty, std::memory_order_acq_rel) & kDirty;
    }

  private:
    using Entry = typename Policy::Entry;
    template <class T>
    using Atomic = typename Policy::template Atomic<T>;

    struct Storage {
        unsigned shift;
        Entry* entries;
        bool used;
        u64 slots() const { return u64{1} << (shift - 4); }
        u64 pteg_mask() const { return (slots() >> 3) - 1; }
    };

    /// Is this the table with that bug? Constant: the product's code has no trace of it.
    static constexpr bool bug(Mutant m) { return Policy::kMutant == m; }

    BasicHpt() = default;

    Storage& current() const { return *current_.load(std::memory_order_acquire); }  // pairs with resize_commit

    // --- the writer lock of a PTEG
    enum class Attempt { kLocked, kBusy, kNoSuchIndex };
    struct Held {
        Storage* table = nullptr;
        Entry* first = nullptr;
    };
    /// Locks the PTEG of `index` in the present table, if it is free and no resize is under way.
    Attempt try_lock(PteIndex index, Held* held) {
        const u64 epoch = epoch_.load(std::memory_order_acquire);
        if (epoch % 2 != 0) return Attempt::kBusy;
        Storage& t = current();
        if (index.v >= t.slots()) return Attempt::kNoSuchIndex;
        Entry& first = t.entries[index.v & ~u64{kSlotsPerPteg - 1}];
        if (bug(Mutant::kNoLock)) {
            *held = {&t, &first};
            return Attempt::kLocked;
        }
        if (!take_lock_bit(first)) return Attempt::kBusy;
        // seq_cst: pairs with freeze(), which sees this lock or is seen here.
        if (epoch_.load(std::memory_order_seq_cst) != epoch && !bug(Mutant::kResizeUnseen)) {
            unlock(first);
            return Attempt::kBusy;
        }
        *held = {&t, &first};
        return Attempt::kLocked;
    }
    static bool take_lock_bit(Entry& first) {
        u64 v = first.v.load(std::memory_order_relaxed);
        if (v & kLock) return false;
        if (bug(Mutant::kLockNotAtomic)) {
            first.v.store(v | kLock, std::memory_order_seq_cst);
            return true;
        }
        if (!first.v.compare_exchange_strong(v, v | kLock, std::memory_order_seq_cst, std::memory_order_relaxed))
            return false;
        Policy::took_lock();
        return true;
    }
    static void unlock(Entry& first) {
        if (bug(Mutant::kUnlockLost) || bug(Mutant::kNoLock)) return;
        Policy::released_lock();
        first.v.fetch_and(~kLock, std::memory_order_release);  // pairs with take_lock_bit
    }

    /// The lock, held for a scope; false if there is no such index.
    class Lock {
      public:
        Lock(BasicHpt& hpt, PteIndex index) {
            Policy::before_lock();
            Attempt attempt = hpt.try_lock(index, &held_);
            for (unsigned round = 0; attempt == Attempt::kBusy; attempt = hpt.try_lock(index, &held_)) {
                Policy::back_off(round++);
            }
        }
        ~Lock() {
            if (held_.table != nullptr) unlock(*held_.first);
        }
        Lock(const Lock&) = delete;
        explicit operator bool() const { return held_.table != nullptr; }
        Entry& entry(u64 slot) const { return held_.table->entries[slot]; }

      private:
        Held held_;
    };

    // --- entries
    static u64 load_v(const Entry& e) { return e.v.load(std::memory_order_acquire); }
    static Hpte load(const Entry& e) {
        const u64 v = load_v(e) & ~kHidden;
        return {v, e.r.load(std::memory_order_acquire)};
    }
    // The next two need the PTEG's lock. Slot 0 keeps its lock bit.
    static u64 marks(u64 slot) {
        const bool keeps = slot % kSlotsPerPteg == 0 && !bug(Mutant::kStoreVDropsLock) && !bug(Mutant::kNoLock);
        return keeps ? kDirty | kLock : kDirty;
    }
    static void store_entry(Entry& e, u64 slot, Hpte to) {
        if (bug(Mutant::kEnterVFirst)) e.v.store(to.v | marks(slot), std::memory_order_release);
        e.r.store(to.r, std::memory_order_relaxed);
        e.v.store(to.v | marks(slot), std::memory_order_release);  // pairs with the walkers' load of V
    }
    static void take_out(Entry& e, u64 slot) {
        // seq_cst: before the invalidation's look at other vCPUs' modes.
        e.v.store(marks(slot), std::memory_order_seq_cst);
    }

    /// R := change(v, r) in one access with V unchanged, until it succeeds; false if change says nullopt.
    template <class Change>
    static bool swap_r(Entry& e, Change change) {
        for (unsigned round = 0;; ++round) {
            const u64 v = e.v.load(std::memory_order_acquire);
            const u64 r = e.r.load(std::memory_order_acquire);
            const std::optional<u64> to = change(v, r);
            if (!to) return false;
            if (*to == r) return true;
            if (bug(Mutant::kRcPlain)) {
                e.r.store(*to, std::memory_order_release);
                return true;
            }
            if (Policy::exchange_pair(e, v, r, v | kDirty, *to)) return true;
            Policy::pause(round);
        }
    }

    static bool conditions_hold(u64 v, u64 flags, u64 avpn) {
        if (!(v & kValid)) return false;
        if ((flags & flag::kAvpn) && (v & ~u64{0x7f}) != avpn) return false;
        return !((flags & flag::kAndCond) && (v & avpn) != 0);
    }

    static std::optional<Match> search(const Storage& t, u64 pteg, u64 tag, u8 base_shift) {
        constexpr u64 kCompared = kSegmentSize | kAvpn | kSecondary | kValid;
        for (u64 slot = pteg * kSlotsPerPteg; slot < (pteg + 1) * kSlotsPerPteg; ++slot) {
            const Entry& e = t.entries[slot];
            for (;;) {
                const u64 v = load_v(e);
                if ((v & kCompared) != tag) break;
                const u64 r = e.r.load(std::memory_order_acquire);  // V first: pairs with store_entry's release
                if (!bug(Mutant::kFindOnce) && ((load_v(e) ^ v) & ~kHidden) != 0) continue;
                const auto sizes = page_sizes(v, r);
                if (!sizes || sizes->base_shift != base_shift) break;
                return Match{PteIndex{slot}, {v & ~kHidden, r}, sizes->page_shift};
            }
        }
        return std::nullopt;
    }

    class Batch;
    struct Move {
        u64 from, to;
    };
    Storage* obtain(unsigned shift);
    void give_back(Storage* storage);
    void freeze(const Storage& from);
    void thaw();
    static bool copy_bolted(const Storage& from, Storage& to, std::vector<Move>* moves);

    // Read by every walk and every call, written by a resize only.
    alignas(kCacheLine) Atomic<Storage*> current_{nullptr};
    Atomic<u64> epoch_{0};  ///< Odd: a resize is under way, and no PTEG may be locked.
    // Of the one that has set resizing_.
    alignas(kCacheLine) Atomic<u32> resizing_{0};
    Storage* prepared_ = nullptr;
    std::vector<std::unique_ptr<Storage>> storages_;
};

}  // namespace mpower::hpt

#include "hpt/bulk.h"
#include "hpt/resize.h"

namespace mpower::hpt {

using Hpt = BasicHpt<>;

}  // namespace mpower::hpt
