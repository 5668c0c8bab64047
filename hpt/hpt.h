// The hash page table of the partition. It is the hypervisor's: the guest changes it by hypercalls only.
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
//   clear_*  the same with R or C cleared. A store that a vCPU makes through an old TLB entry before invalidate() is
//            complete is covered by the C that the call returns.
// H_PTEG_FULL and H_NOT_FOUND are decided under the lock. No function takes a second lock while it holds one, but
// bulk_remove, which only tries and, if it fails, completes and releases what it has first.
//
// kDirty is set by each change of an entry, R and C included, and taken by take_dirty() before the entry is copied.
//
// Entries are kept as host integers.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "base/papr.h"
#include "base/result.h"
#include "hpt/hpte.h"
#include "hpt/policy.h"

namespace mpower::hpt {

/// How a changed entry becomes unusable by every vCPU.
struct Invalidator {
    virtual ~Invalidator() = default;
    /// Returns when no vCPU can use the old translations, and all accesses made by them are performed.
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
    static constexpr unsigned kMinShift = 18, kMaxShift = 46, kSlotsPerPteg = 8;

    /// A table of 2^shift bytes, 18 <= shift <= 46 (PAPR, "ibm,pft-size"), all entries invalid.
    static Result<std::unique_ptr<BasicHpt>> create(unsigned shift) {
        if (shift < kMinShift || shift > kMaxShift) {
            return fail("an HPT has 2^{} to 2^{} bytes, not 2^{}", kMinShift, kMaxShift, shift);
        }
        auto table = std::unique_ptr<BasicHpt>(new BasicHpt(shift));
        if (table->entries_ == nullptr) return fail("cannot reserve 2^{} bytes for the HPT", shift);
        return table;
    }
    ~BasicHpt() {
        if (entries_ != nullptr) Policy::release(entries_, slots());
    }
    BasicHpt(const BasicHpt&) = delete;
    BasicHpt& operator=(const BasicHpt&) = delete;

    unsigned shift() const { return shift_; }
    u64 slots() const { return u64{1} << (shift_ - 4); }
    u64 pteg_mask() const { return (slots() >> 3) - 1; }

    // --- walkers
    /// The entry that maps an address of a segment: primary group, then secondary. An entry whose page size does not
    /// go with the segment's base page size is passed over.
    std::optional<Match> find(const Segment& segment, u64 offset) const {
        const u64 hash = primary_hash(segment, offset);
        const u64 tag = tag_of(segment, offset);
        if (auto m = search(hash & pteg_mask(), tag, segment.base_shift)) return m;
        return search(~hash & pteg_mask(), tag | kSecondary, segment.base_shift);
    }

    /// Sets `bits` (of kR | kC) in the very entry of `match`. False: it is not that entry any more.
    bool set_rc(const Match& match, u64 bits) {
        return swap_r(match.index, [&](u64 v, u64 r) -> std::optional<u64> {
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
        if (!sizes || index.v >= slots()) return {papr::kParameter};
        const u64 real = r & kRpn & ~((u64{1} << sizes->page_shift) - 1);
        const bool good_wimg = real < ram_bytes ? (r & kWimg) == kM : (r & (kW | kI)) == kI;
        if (!good_wimg) return {papr::kParameter};
        v &= ~kHidden;
        const u64 group = index.v & ~u64{kSlotsPerPteg - 1};
        Lock lock(*this, group);
        u64 slot = index.v;
        if (!(flags & flag::kExact)) {
            for (slot = group; slot < group + kSlotsPerPteg && (load_v(slot) & kValid); ++slot) {}
            if (slot == group + kSlotsPerPteg) return {papr::kPtegFull};
        } else if (load_v(slot) & kValid) {
            return {papr::kPtegFull};
        }
        if (bug(Mutant::kEnterVFirst)) store_v(slot, v);
        entries_[slot].r.store(r, std::memory_order_relaxed);
        store_v(slot, v);
        return {papr::kSuccess, PteIndex{slot}};
    }

    struct Removed {
        papr::HcallStatus status;
        Hpte old{};  ///< With final R and C.
    };
    /// H_REMOVE.
    Removed remove(u64 flags, PteIndex index, u64 avpn, Invalidator& invalidator) {
        if (index.v >= slots()) return {papr::kParameter};
        Lock lock(*this, index.v);
        const Hpte old = load(index.v);
        if (!conditions_hold(old.v, flags, avpn)) return {papr::kNotFound};
        const VirtualPage page = page_of(old, index.v / kSlotsPerPteg);
        if (bug(Mutant::kInvalidateFirst)) invalidator.invalidate({&page, 1});
        store_v(index.v, 0);
        if (!bug(Mutant::kInvalidateFirst) && !bug(Mutant::kRemoveNoInvalidate)) invalidator.invalidate({&page, 1});
        if (bug(Mutant::kRemoveRcEarly)) return {papr::kSuccess, old};
        return {papr::kSuccess, {old.v, entries_[index.v].r.load(std::memory_order_acquire)}};
    }

    /// H_PROTECT: PP0, PP, N and the key as `flags` say.
    papr::HcallStatus protect(u64 flags, PteIndex index, u64 avpn, Invalidator& invalidator) {
        if (index.v >= slots()) return papr::kParameter;
        Lock lock(*this, index.v);
        const Hpte old = load(index.v);
        if (!conditions_hold(old.v, flags & flag::kAvpn, avpn)) return papr::kNotFound;
        constexpr u64 kChanged = kPp0 | kPp | kN | kKeyHigh | kKeyLow;
        const u64 bits = ((flags << 55) & kPp0) | ((flags << 48) & kKeyHigh) | (flags & (kPp | kN | kKeyLow));
        if (bug(Mutant::kProtectInvalid)) {
            store_v(index.v, 0);
            store_v(index.v, old.v);
        }
        swap_r(index, [&](u64, u64 r) -> std::optional<u64> {
            if (bug(Mutant::kProtectOldRc)) r = old.r;
            return (r & ~kChanged) | bits;
        });
        if ((old.r & kChanged) != bits) {
            const VirtualPage page = page_of(old, index.v / kSlotsPerPteg);
            invalidator.invalidate({&page, 1});
        }
        return papr::kSuccess;
    }

    /// H_CLEAR_REF (bit = kR), H_CLEAR_MOD (bit = kC): the entry before, or H_NOT_FOUND if it is not valid.
    Removed clear(u64 bit, u64 flags, PteIndex index, u64 avpn, Invalidator& invalidator) {
        if (index.v >= slots()) return {papr::kParameter};
        Lock lock(*this, index.v);
        Hpte old = load(index.v);
        if (!conditions_hold(old.v, flags & flag::kAvpn, avpn)) return {papr::kNotFound};
        swap_r(index, [&](u64, u64 r) -> std::optional<u64> {
            if (!bug(Mutant::kClearOld)) old.r = r;
            return r & ~bit;
        });
        if (old.r & bit) {
            const VirtualPage page = page_of(old, index.v / kSlotsPerPteg);
            invalidator.invalidate({&page, 1});
        }
        return {papr::kSuccess, old};
    }

    /// H_READ of one entry, without the hidden bits. A consistent pair. index must be below slots().
    Hpte read(PteIndex index) const {
        for (unsigned round = 0;; ++round) {
            const u64 v = load_v(index.v);
            const u64 r = entries_[index.v].r.load(std::memory_order_acquire);
            if (bug(Mutant::kReadOnce)) return {v & ~kHidden, r};
            if (((load_v(index.v) ^ v) & ~kHidden) == 0) return {v & ~kHidden, r};
            Policy::pause(round);
        }
    }

    /// H_BULK_REMOVE: up to four {tsh, tsl} pairs, answered in place (PAPR, "H_BULK_REMOVE").
    papr::HcallStatus bulk_remove(std::span<u64, 8> pairs, Invalidator& invalidator);

    // --- save and migrate
    /// Clears and returns the dirty bit of an entry. Copy the entry after. Any thread.
    bool take_dirty(PteIndex index) {
        // acq_rel: the copy that follows is not before this, and pairs with the release of the change
        return entries_[index.v].v.fetch_and(~kDirty, std::memory_order_acq_rel) & kDirty;
    }

  private:
    using Entry = typename Policy::Entry;

    /// Is this the table with that bug? Constant: the product's code has no trace of it.
    static constexpr bool bug(Mutant m) { return Policy::kMutant == m; }

    explicit BasicHpt(unsigned shift) : shift_(shift), entries_(Policy::allocate(slots())) {}

    /// The writer lock of the PTEG of a slot, held for a scope.
    class Lock {
      public:
        Lock(BasicHpt& table, u64 slot) : table_(table), group_(slot & ~u64{kSlotsPerPteg - 1}) {
            if (bug(Mutant::kNoLock)) return;
            for (unsigned round = 0; !table_.try_lock(group_); ++round) Policy::pause(round);
        }
        ~Lock() { table_.unlock(group_); }
        Lock(const Lock&) = delete;

      private:
        BasicHpt& table_;
        u64 group_;
    };

    bool try_lock(u64 group) {
        u64 v = entries_[group].v.load(std::memory_order_relaxed);
        if (bug(Mutant::kLockNotAtomic) && !(v & kLock)) {
            entries_[group].v.store(v | kLock, std::memory_order_seq_cst);
            return true;
        }
        return !(v & kLock) && entries_[group].v.compare_exchange_strong(v, v | kLock, std::memory_order_acquire,
                                                                         std::memory_order_relaxed);
    }
    void unlock(u64 group) {
        if (bug(Mutant::kUnlockLost)) return;
        entries_[group].v.fetch_and(~kLock, std::memory_order_release);  // pairs with try_lock
    }

    u64 load_v(u64 slot) const { return entries_[slot].v.load(std::memory_order_acquire); }
    Hpte load(u64 slot) const { return {load_v(slot) & ~kHidden, entries_[slot].r.load(std::memory_order_acquire)}; }
    /// V of a slot whose PTEG lock is held: slot 0 keeps the lock bit. release: R before it.
    void store_v(u64 slot, u64 v) {
        const u64 lock = slot % kSlotsPerPteg == 0 && !bug(Mutant::kStoreVDropsLock) ? kLock : 0;
        // seq_cst: a removal's V := 0 is before the invalidation's look at other vCPUs' modes.
        entries_[slot].v.store(v | kDirty | lock, std::memory_order_seq_cst);
    }

    /// R := change(v, r) in one access with V unchanged, until it succeeds; false if change says nullopt.
    template <class Change>
    bool swap_r(PteIndex index, Change change) {
        Entry& e = entries_[index.v];
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

    std::optional<Match> search(u64 pteg, u64 tag, u8 base_shift) const {
        constexpr u64 kCompared = kSegmentSize | kAvpn | kSecondary | kValid;
        for (u64 slot = pteg * kSlotsPerPteg; slot < (pteg + 1) * kSlotsPerPteg; ++slot) {
            for (;;) {
                const u64 v = load_v(slot);
                if ((v & kCompared) != tag) break;
                const u64 r = entries_[slot].r.load(std::memory_order_acquire);  // V first: pairs with enter's release
                if (!bug(Mutant::kFindOnce) && ((load_v(slot) ^ v) & ~kHidden) != 0) continue;
                const auto sizes = page_sizes(v, r);
                if (!sizes || sizes->base_shift != base_shift) break;
                return Match{PteIndex{slot}, {v & ~kHidden, r}, sizes->page_shift};
            }
        }
        return std::nullopt;
    }

    unsigned shift_;
    Entry* entries_;
};

namespace bulk {
constexpr u64 kType = 0xc000000000000000, kRequest = 0x4000000000000000, kResponse = 0x8000000000000000, kEnd = kType;
constexpr u64 kNotFound = 0x1000000000000000, kParameter = 0x2000000000000000;
constexpr u64 kFlags = 0x0300000000000000, kAndCond = 0x0100000000000000, kAvpn = 0x0200000000000000;
constexpr u64 kPtex = 0x00ffffffffffffff;
constexpr unsigned kFlagShift = 26;  ///< (tsh & kFlags) >> this gives flag::kAndCond and flag::kAvpn.
constexpr unsigned kRcShift = 43;    ///< R and C of a response.
constexpr unsigned kPairs = 4;
}  // namespace bulk

template <class Policy>
papr::HcallStatus BasicHpt<Policy>::bulk_remove(std::span<u64, 8> pairs, Invalidator& invalidator) {
    // Entries taken out (V = 0) whose PTEGs stay locked until one broadcast has invalidated them all.
    struct Taken {
        u64* tsh;
        u64 slot;
    };
    std::array<Taken, bulk::kPairs> taken;
    std::array<VirtualPage, bulk::kPairs> pages;
    std::array<u64, bulk::kPairs> locked;
    unsigned count = 0, locks = 0;

    const auto complete = [&] {
        if (count != 0 && !bug(Mutant::kBulkNoInvalidate)) invalidator.invalidate({pages.data(), count});
        for (unsigned i = 0; i < count; ++i) {
            if (bug(Mutant::kBulkRcEarly)) continue;
            *taken[i].tsh |= (entries_[taken[i].slot].r.load(std::memory_order_acquire) & (kR | kC)) << bulk::kRcShift;
        }
        while (locks > 0) unlock(locked[--locks]);
        count = 0;
    };
    const auto lock_group = [&](u64 group) {
        for (unsigned i = 0; i < locks; ++i) {
            if (locked[i] == group) return;
        }
        if (!try_lock(group)) {
            complete();  // never spin with locks held
            for (unsigned round = 0; !try_lock(group); ++round) Policy::pause(round);
        }
        locked[locks++] = group;
    };

    papr::HcallStatus status = papr::kSuccess;
    for (unsigned i = 0; i < bulk::kPairs && status == papr::kSuccess; ++i) {
        u64& tsh = pairs[2 * i];
        const u64 avpn = pairs[2 * i + 1];
        if ((tsh & bulk::kType) == bulk::kEnd) break;
        if ((tsh & bulk::kType) != bulk::kRequest) {
            status = papr::kParameter;
            break;
        }
        tsh = (tsh & (bulk::kPtex | bulk::kFlags)) | bulk::kResponse;
        const u64 slot = tsh & bulk::kPtex;
        if ((tsh & bulk::kFlags) == bulk::kFlags || slot >= slots()) {
            tsh |= bulk::kParameter;
            status = papr::kParameter;
            break;
        }
        lock_group(slot & ~u64{kSlotsPerPteg - 1});
        const Hpte old = load(slot);
        if (!conditions_hold(old.v, (tsh & bulk::kFlags) >> bulk::kFlagShift, avpn)) {
            tsh |= bulk::kNotFound;
            continue;
        }
        if (bug(Mutant::kBulkRcEarly)) tsh |= (old.r & (kR | kC)) << bulk::kRcShift;
        store_v(slot, 0);
        pages[count] = page_of(old, slot / kSlotsPerPteg);
        taken[count++] = {&tsh, slot};
    }
    complete();
    return status;
}

using Hpt = BasicHpt<>;

}  // namespace mpower::hpt
