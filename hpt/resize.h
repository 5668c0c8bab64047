// A change of the table's size while the guest runs: H_RESIZE_HPT_PREPARE, H_RESIZE_HPT_COMMIT. Part of hpt/hpt.h.
//
// Only the bolted entries are kept, each at the same slot number of its PTEG, as guests expect: Linux remembers slot
// numbers of entries that are not bolted, and counts on their being gone.
//
// Commit, on one vCPU in mode OUT. Nobody is stopped: the others run guest code and walk; only their HPT calls wait,
// in mode OUT.
//   1. epoch := odd. A call locks a PTEG, then looks at the epoch; this side sets the epoch, then looks at each lock
//      (seq_cst on both): so each call either has its lock seen and waited for here, or steps back and waits. From here
//      on only walkers change the old table, and only R and C.
//   2. The bolted entries are copied.
//   3. current := the new table. Walks that begin from here on use it; they find every bolted entry. An entry that is
//      not there makes the guest enter it again, and that call waits.
//   4. invalidate(kEveryPage): no translation made from the old table is left, and no walk is inside it. So R and C in
//      it are final.
//   5. R and C of the moved entries are added to the new ones.
//   6. epoch := even, the calls go on; H_READ waits too, for it would see R and C go back and forth.
//
// A call that was delayed since before step 1 may still lock a PTEG of the old table, find the epoch changed, and
// unlock. So tables are never unmapped: their memory is given back to the host, and the addresses serve the next table
// of the same size. For the same reason step 2 takes the new table's locks.
#pragma once

#include "hpt/hpt.h"

namespace mpower::hpt {

template <class Policy>
auto BasicHpt<Policy>::obtain(unsigned shift) -> Storage* {
    for (auto& s : storages_) {
        if (s->shift == shift && !s->used) {
            s->used = true;
            return s.get();
        }
    }
    auto s = std::make_unique<Storage>(shift, nullptr, true);
    s->entries = Policy::allocate(s->slots());
    if (s->entries == nullptr) return nullptr;
    return storages_.emplace_back(std::move(s)).get();
}

template <class Policy>
void BasicHpt<Policy>::give_back(Storage* storage) {
    if (storage == nullptr) return;
    Policy::discard(storage->entries, storage->slots());
    storage->used = false;
}

template <class Policy>
papr::HcallStatus BasicHpt<Policy>::resize_prepare(unsigned shift) {
    if (shift != 0 && (shift < kMinShift || shift > kMaxShift)) return papr::kParameter;
    if (resizing_.exchange(1, std::memory_order_acquire) != 0) return papr::kLongBusyOrder1Msec;
    papr::HcallStatus status = papr::kSuccess;
    if (prepared_ == nullptr || prepared_->shift != shift) {
        give_back(std::exchange(prepared_, nullptr));
        if (shift != 0) prepared_ = obtain(shift);
        if (shift != 0 && prepared_ == nullptr) status = papr::kResource;
    }
    resizing_.store(0, std::memory_order_release);
    return status;
}

template <class Policy>
papr::HcallStatus BasicHpt<Policy>::resize_commit(unsigned shift, Invalidator& invalidator) {
    if (resizing_.exchange(1, std::memory_order_acquire) != 0) return papr::kBusy;
    papr::HcallStatus status = papr::kClosed;
    if (prepared_ != nullptr && prepared_->shift == shift) {
        Storage* const old = current_.load(std::memory_order_relaxed);
        Storage* const to = std::exchange(prepared_, nullptr);
        std::vector<Move> moves;
        freeze(*old);
        if (copy_bolted(*old, *to, &moves)) {
            current_.store(to, std::memory_order_seq_cst);  // before the invalidation's look at other vCPUs' modes
            if (!bug(Mutant::kResizeNoInvalidate)) invalidator.invalidate({&kEveryPage, 1});
            for (const Move& m : moves) {
                if (bug(Mutant::kResizeRcLost)) break;
                const u64 rc = old->entries[m.from].r.load(std::memory_order_acquire) & (kR | kC);
                swap_r(to->entries[m.to], [&](u64, u64 r) -> std::optional<u64> { return r | rc; });
            }
            give_back(old);
            status = papr::kSuccess;
        } else {
            give_back(to);
            status = papr::kPtegFull;
        }
        thaw();
    }
    resizing_.store(0, std::memory_order_release);
    return status;
}

template <class Policy>
void BasicHpt<Policy>::freeze(const Storage& from) {
    Policy::before_lock();
    epoch_.fetch_add(1, std::memory_order_seq_cst);  // pairs with try_lock
    for (u64 group = 0; group < from.slots() && !bug(Mutant::kResizeLocksUnseen); group += kSlotsPerPteg) {
        const Entry& first = from.entries[group];
        for (unsigned round = 0; first.v.load(std::memory_order_seq_cst) & kLock; ++round) Policy::pause(round);
    }
}

template <class Policy>
void BasicHpt<Policy>::thaw() {
    epoch_.fetch_add(1, std::memory_order_release);  // pairs with try_lock and read
}

/// False if two entries need the same slot of the new table, which can happen if it is smaller.
template <class Policy>
bool BasicHpt<Policy>::copy_bolted(const Storage& from, Storage& to, std::vector<Move>* moves) {
    for (u64 slot = 0; slot < from.slots(); ++slot) {
        if ((load_v(from.entries[slot]) & (kValid | kBolted)) != (kValid | kBolted)) continue;
        const Hpte e = load(from.entries[slot]);
        const u64 hash = hash_of(e, slot / kSlotsPerPteg);
        const u64 pteg = (e.v & kSecondary ? ~hash : hash) & to.pteg_mask();
        const u64 target = pteg * kSlotsPerPteg + slot % kSlotsPerPteg;
        Entry& first = to.entries[pteg * kSlotsPerPteg];
        for (unsigned round = 0; !take_lock_bit(first); ++round) Policy::pause(round);
        const bool vacant = !(load_v(to.entries[target]) & kValid);
        if (vacant) store_entry(to.entries[target], target, e);
        unlock(first);
        if (!vacant) return false;
        moves->push_back({slot, target});
    }
    return true;
}

}  // namespace mpower::hpt
