// Who has lost a reservation (larx/stcx.): a table of versions, one of a machine, for all its vCPUs.
//
// A granule is 128 bytes of guest RAM; its host address, which is its real address plus a constant, gives its slot. Two
// granules may share a slot: then one's stcx. makes the other's fail, which the architecture allows. A reservation is
// the vCPU's own (CpuState::reserve_*): address, size, the value loaded, and the slot's version as it was before that.
//
//   larx:   version := slot, without kLocked;  value := storage
//   stcx.:  slot: version -> version | kLocked, else it fails                 (compare-and-swap)
//           storage: value -> new value, else it fails                        (compare-and-swap)
//           slot := version + 2
//
// The lock is held for a few instructions without a poll, a fault or an allocation, so whoever waits for it waits for
// the host's scheduler at most, never for another vCPU's progress in the guest. A larx waits a little, yielding the
// processor: the holder may have lost its own. Then it goes on, to a stcx. that fails: the guest's loop polls. lose
// waits until it is free.
//
// Why it is right. A stcx. stores only if its slot has the version that its larx saw, and while it stores no other
// stcx. to the granule does. Each stcx. that stored has moved the version on. So between the larx's look at storage and
// the stcx.'s store no stcx. has stored to the granule, whatever values they leave: no ABA among them.
//
// Plain stores:
//   weak    They do not look at the table. A store between larx and stcx. shows by the value, unless the value that was
//           there is back: ABA by two plain stores to the word, or by one plain store elsewhere in the granule, is not
//           seen. Lock-free structures change their words by stcx., and locks only compare.
//   strict  larx sets kWatched in the slot. Each plain store looks at its slot first; if that is watched, it moves the
//           version on and takes kWatched away (lose), then stores. What is not seen is a store that had looked at the
//           slot before the larx and was still in the host's store buffer after it, and leaves the word as it was.
//           Seeing that would take a fence in every store.
// In either mode stores that are not a guest instruction's (hypercalls, RTAS) call lose.
//
// Memory order. larx and stcx. order nothing on Power but themselves; this is what the protocol needs:
//   * larx's load of the slot (acquire) before that of storage; pairs with the release of the slot in
//     store_conditional: who sees a version sees what was stored under the one before.
//   * The lock (acq_rel) before the exchange of storage, that (seq_cst, a locked instruction) before the release.
//   * kWatched is set by a locked instruction before storage is loaded; a store that comes after the load in the order
//     of storage, and looked at the slot since, sees it (pairs with the acquire in disturbs).
//   * lose changes the slot by a locked instruction, before the store: a stcx. that sees the old version has taken
//     its lock before, and lose has waited for it.
#pragma once

#include "base/types.h"
#include "hpt/policy.h"

namespace mpower::mmu {

/// Protocol bugs that tests seed (see hpt::Mutant). The product has none.
enum class ReservationMutant {
    kNone,
    kValueOnly,          ///< stcx. compares the value and does not look at the table.
    kVersionAfterValue,  ///< larx: the version is read after the value.
    kNotMoved,           ///< stcx. leaves the version as it was.
    kUnreleased,         ///< stcx.: the lock stays if the value differs.
    kNotClaimed,         ///< stcx.: the version is compared, not locked.
    kLockSeen,           ///< larx: the lock is taken for a part of the version.
    kNotWatched,         ///< strict, larx: kWatched is not set.
    kWatchedAfterValue,  ///< strict, larx: kWatched is set after the value was loaded.
    kStoreDoesNotLook,   ///< strict: a plain store does not look at the table.
    kStoreDoesNotWait,   ///< lose: a stcx. under way is not waited for.
};

enum class ReservationMode : u8 { kWeak, kStrict };
constexpr unsigned kGranuleShift = 7;
constexpr u64 kGranuleBytes = u64{1} << kGranuleShift;

struct StdReservationPolicy : hpt::StdPolicy {
    static constexpr ReservationMutant kReservationMutant = ReservationMutant::kNone;
    static constexpr unsigned kSlotShift = 12;  ///< log2 of the number of slots.
    static constexpr unsigned kPatience = 200;  ///< Times that larx looks at a locked slot: pause() yields from 100 on.
    /// At an address that fits in 31 bits if the host has one, for generated code.
    static void* map(u64 bytes);
    static void unmap(void* p, u64 bytes);
};

template <class Policy>
class BasicReservations {
  public:
    using Slot = typename Policy::template Atomic<u64>;
    static constexpr u64 kLocked = 1, kWatched = 2, kStep = 2;

    explicit BasicReservations(ReservationMode mode)
        : strict_(mode == ReservationMode::kStrict), table_(static_cast<u8*>(Policy::map(kBytes))) {}
    BasicReservations(const BasicReservations&) = delete;
    BasicReservations& operator=(const BasicReservations&) = delete;
    ~BasicReservations() { Policy::unmap(table_, kBytes); }

    bool strict() const { return strict_; }

    /// larx of the granule at host address `at`, whose value `load` loads: the version to remember.
    template <class Load>
    u64 reserve(u64 at, Load load) {
        Slot& s = slot(at);
        if (bug(ReservationMutant::kVersionAfterValue)) load();
        u64 v = s.load(std::memory_order_acquire);
        // Its stcx. would fail, and spin as long as the host leaves the holder without a processor.
        for (unsigned round = 0; (v & kLocked) && round < Policy::kPatience; ++round) {
            Policy::pause(round);
            v = s.load(std::memory_order_acquire);
        }
        if (bug(ReservationMutant::kWatchedAfterValue)) load();
        while (strict_ && !(v & kWatched) && !bug(ReservationMutant::kNotWatched)) {
            s.fetch_or(kWatched, std::memory_order_seq_cst);
            v = s.load(std::memory_order_acquire);  // without it again, if a store has come between
        }
        if (!bug(ReservationMutant::kVersionAfterValue) && !bug(ReservationMutant::kWatchedAfterValue)) load();
        return bug(ReservationMutant::kLockSeen) ? v : v & ~kLocked;
    }

    /// stcx. to the granule at `at`, whose reservation has `version`; `exchange` compares and swaps storage, and says
    /// whether it did.
    template <class Exchange>
    bool store_conditional(u64 at, u64 version, Exchange exchange) {
        if (bug(ReservationMutant::kValueOnly)) return exchange();
        Slot& s = slot(at);
        u64 expected = version;
        if (bug(ReservationMutant::kNotClaimed)) {
            if (s.load(std::memory_order_acquire) != version) return false;
        } else if (!s.compare_exchange_strong(expected, version + kLocked, std::memory_order_acq_rel,
                                              std::memory_order_relaxed)) {
            return false;
        }
        const bool stored = exchange();
        if (!stored && bug(ReservationMutant::kUnreleased)) return false;
        // The sum takes kWatched away, or is the next version in weak mode, where that bit has no meaning.
        s.store(bug(ReservationMutant::kNotMoved) ? version : version + kStep, std::memory_order_release);
        return stored;
    }

    /// strict: whether a plain store to the granule has to call lose first. False in weak mode.
    bool disturbs(u64 at) const {
        if (!strict_ || bug(ReservationMutant::kStoreDoesNotLook)) return false;
        // acquire: before the store; pairs with the setting in reserve
        return (slot(at).load(std::memory_order_acquire) & kWatched) != 0;  // what is locked is watched
    }

    /// Before a store to the granule: all reservations of it are lost, but the caller's own, if it has one: that is
    /// `own`, and is moved on too. (Losing one's own would be right, but a loop with such a store would not end.)
    void lose(u64 at, u64* own = nullptr) {
        Slot& s = slot(at);
        u64 v = s.load(std::memory_order_acquire);
        for (unsigned round = 0;;) {
            if ((v & kLocked) && !bug(ReservationMutant::kStoreDoesNotWait)) {
                Policy::pause(round++);
                v = s.load(std::memory_order_acquire);
                continue;
            }
            if (strict_ && !(v & kWatched)) return;  // somebody else's store was first
            const bool keep = own != nullptr && *own == v;
            const u64 next = v + (keep ? 2 * kStep : kStep);  // + 2 * kStep: kWatched stays
            if (s.compare_exchange_strong(v, next, std::memory_order_seq_cst, std::memory_order_acquire)) {
                if (keep) *own = next;
                return;
            }
        }
    }

    /// The slot of the granule at host address `at`.
    Slot& slot(u64 at) const {
        return *reinterpret_cast<Slot*>(table_ + (fold(at) >> shift() & kMask << stride_shift()));
    }

    // --- for generated code, which does all of this inline: slot = table() + (fold >> shift() & mask())
    u64 table() const { return reinterpret_cast<u64>(table_); }
    unsigned shift() const { return kGranuleShift - stride_shift(); }
    u32 mask() const { return static_cast<u32>(kMask << stride_shift()); }
    /// weak: the address xor itself >> kFold. What vCPUs have of their own is often a power of two apart.
    static constexpr unsigned kFold = 12;

  private:
    static constexpr u64 kMask = (u64{1} << Policy::kSlotShift) - 1, kBytes = (kMask + 1) * 64;
    static constexpr bool bug(ReservationMutant m) { return Policy::kReservationMutant == m; }
    /// weak: a slot has a cache line of its own, as vCPUs use neighbouring granules at once. strict: slots lie close,
    /// as every store looks at one.
    unsigned stride_shift() const { return strict_ ? 3 : 6; }
    u64 fold(u64 at) const { return strict_ ? at : at ^ at >> kFold; }

    bool strict_;
    u8* table_;
};

using Reservations = BasicReservations<StdReservationPolicy>;

}  // namespace mpower::mmu
