// Removals of several entries in one call: H_BULK_REMOVE and H_BLOCK_REMOVE. Part of hpt/hpt.h.
//
// Entries are taken out (V := 0) one after the other, and their PTEGs stay locked until one broadcast has invalidated
// them all. With a lock held another one is only tried; if it is not free, what was taken out is completed and released
// before waiting. So two calls that name the same PTEGs in opposite orders cannot wait for each other.
#pragma once

#include "hpt/hpt.h"

namespace mpower::hpt {

/// The doublewords of H_BULK_REMOVE: tsh, followed by an AVPN or a mask.
namespace bulk {
constexpr u64 kType = 0xc000000000000000, kRequest = 0x4000000000000000, kResponse = 0x8000000000000000, kEnd = kType;
constexpr u64 kNotFound = 0x1000000000000000, kParameter = 0x2000000000000000;
constexpr u64 kFlags = 0x0300000000000000, kAndCond = 0x0100000000000000, kAvpn = 0x0200000000000000;
constexpr u64 kPtex = 0x00ffffffffffffff;
constexpr unsigned kFlagShift = 26;  ///< (tsh & kFlags) >> this gives flag::kAndCond and flag::kAvpn.
constexpr unsigned kRcShift = 51;    ///< R and C of a response: bits 4 and 5.
}  // namespace bulk

/// The translation specifiers of H_BLOCK_REMOVE; type, end and index as in H_BULK_REMOVE.
namespace block {
constexpr u64 kAvpn = 0x0100000000000000;  ///< Only if the entry is of the block.
constexpr u64 kSuccess = 0x8000000000000000, kNotFound = 0x8800000000000000, kParameter = 0x9000000000000000;
constexpr unsigned kRcShift = 50;   ///< R and C of a response: bits 5 and 6.
constexpr unsigned kPageShift = 3;  ///< A block is 2^this pages, on a boundary of as many.
}  // namespace block

template <class Policy>
class BasicHpt<Policy>::Batch {
  public:
    Batch(BasicHpt& hpt, Invalidator& invalidator, unsigned rc_shift)
        : hpt_(hpt), invalidator_(invalidator), rc_shift_(rc_shift) {}

    /// Takes the entry out if `condition(old)`; its R and C are put into `answer` by complete(), which may happen here.
    template <class Condition>
    papr::HcallStatus take(PteIndex index, u64& answer, Condition condition) {
        const std::optional<Held> held = lock(index);
        if (!held) return papr::kParameter;
        Entry& e = held->table->entries[index.v];
        const Hpte old = load(e);
        if (!condition(old)) return papr::kNotFound;
        if (bug(Mutant::kBulkRcEarly)) answer |= (old.r & (kR | kC)) << rc_shift_;
        take_out(e, index.v);
        pages_[count_] = page_of(old, index.v / kSlotsPerPteg);
        taken_[count_++] = {&answer, &e};
        return papr::kSuccess;
    }
    void complete() {
        if (count_ != 0 && !bug(Mutant::kBulkNoInvalidate)) invalidator_.invalidate({pages_.data(), count_});
        for (unsigned i = 0; i < count_ && !bug(Mutant::kBulkRcEarly); ++i) {
            *taken_[i].answer |= (taken_[i].entry->r.load(std::memory_order_acquire) & (kR | kC)) << rc_shift_;
        }
        count_ = 0;
        while (locks_ > 0) unlock(*locked_[--locks_].first);
    }

  private:
    static constexpr unsigned kMost = 8;
    struct Taken {
        u64* answer;
        Entry* entry;
    };

    std::optional<Held> lock(PteIndex index) {
        for (unsigned i = 0; i < locks_; ++i) {
            // The table of a lock that is held is the present one, and its index was valid.
            if (locked_[i].first == &locked_[i].table->entries[index.v & ~u64{kSlotsPerPteg - 1}]) return locked_[i];
        }
        Held held;
        for (unsigned round = 0;;) {
            switch (hpt_.try_lock(index, &held)) {
                case Attempt::kLocked: return locked_[locks_++] = held;
                case Attempt::kNoSuchIndex: return std::nullopt;
                case Attempt::kBusy: break;
            }
            if (!bug(Mutant::kBulkHoldsAndWaits)) complete();
            Policy::before_lock();
            Policy::back_off(round++);
        }
    }

    BasicHpt& hpt_;
    Invalidator& invalidator_;
    const unsigned rc_shift_;
    std::array<Taken, kMost> taken_;
    std::array<VirtualPage, kMost> pages_;
    std::array<Held, kMost> locked_;
    unsigned count_ = 0, locks_ = 0;
};

template <class Policy>
papr::HcallStatus BasicHpt<Policy>::bulk_remove(std::span<u64, 8> pairs, Invalidator& invalidator) {
    Batch batch(*this, invalidator, bulk::kRcShift);
    papr::HcallStatus status = papr::kSuccess;
    for (unsigned i = 0; i < pairs.size() && status == papr::kSuccess; i += 2) {
        u64& tsh = pairs[i];
        const u64 avpn = pairs[i + 1];
        if ((tsh & bulk::kType) == bulk::kEnd) break;
        if ((tsh & bulk::kType) != bulk::kRequest) {
            status = papr::kParameter;
            break;
        }
        const u64 flags = (tsh & bulk::kFlags) >> bulk::kFlagShift;
        tsh = (tsh & (bulk::kPtex | bulk::kFlags)) | bulk::kResponse;
        const bool both = (tsh & bulk::kFlags) == bulk::kFlags;
        const auto taken = both ? papr::kParameter : batch.take(PteIndex{tsh & bulk::kPtex}, tsh, [&](const Hpte& old) {
            return conditions_hold(old.v, flags, avpn);
        });
        if (taken == papr::kNotFound) tsh |= bulk::kNotFound;
        if (taken == papr::kParameter) {
            tsh |= bulk::kParameter;
            status = papr::kParameter;
        }
    }
    batch.complete();
    return status;
}

template <class Policy>
papr::HcallStatus BasicHpt<Policy>::block_remove(u64 avpn, std::span<u64, 8> specifiers, Invalidator& invalidator) {
    Batch batch(*this, invalidator, block::kRcShift);
    papr::HcallStatus status = papr::kSuccess;
    for (u64& specifier : specifiers) {
        if ((specifier & bulk::kType) == bulk::kEnd) break;
        if ((specifier & bulk::kType) != bulk::kRequest) {
            status = papr::kParameter;
            break;
        }
        const bool checked = specifier & block::kAvpn;
        specifier &= bulk::kPtex;
        const auto taken = batch.take(PteIndex{specifier}, specifier, [&](const Hpte& old) {
            if (!(old.v & kValid)) return false;
            // AVPN has the address down to bit 23; pages that are larger than 1M share less of it.
            const unsigned block_shift = page_sizes(old.v, old.r)->page_shift + block::kPageShift;
            const u64 within = block_shift > 23 ? (u64{1} << (block_shift - 23)) - 1 : 0;
            return !checked || ((old.v ^ avpn) & (kSegmentSize | kAvpn) & ~(within << 7)) == 0;
        });
        if (taken == papr::kParameter) {
            specifier |= block::kParameter;
            status = papr::kParameter;
            break;
        }
        specifier |= taken == papr::kSuccess ? block::kSuccess : block::kNotFound;
        if (taken == papr::kNotFound) status = papr::kPartial;
    }
    batch.complete();
    return status;
}

}  // namespace mpower::hpt
