// Which virtual pages one vCPU's TLB may hold, for others to read: an invalidation passes over who does not hold the
// page.
//
// A table of slots; a page's slot is given by a hash of its number, and holds either that page's exact name, or kMany
// once a second page came upon it, which means any page. So it errs to one side only: "held".
//
// Contract. The vCPU's own thread writes, any thread calls holds(). Whatever a translation leaves behind anywhere (both
// levels of the TLB, host addresses in the block that runs, code addresses that the translator remembers) comes from a
// walk(), which marks the page. A mark goes only by unmark() and clear(), which the thread calls at a poll point, when
// the TLB and the translator's memory have dropped the page (Mmu::invalidate) or everything (Mmu::flush_all), and no
// block is under way that has looked the page up before. In particular a fill makes no room: that waits for trim().
//
// What the translator remembers is code found by effective address (CpuState::jumps), whose stamp ends with
// Mmu::code_drops(), and links between blocks, which stay within a page. At a poll point the vCPU is outside generated
// code and comes back only by way of the stamp's check and a new fetch(): nothing remembered is used after the mark.
//
//   vCPU fills:   mark(page);         walk the HPT, use what it finds       } seq_cst store, then load, on both sides:
//   initiator:    HPTE := invalid;    holds(page)? post it and wait         } one of them sees the other (Dekker)
//
// So if holds() says no, each walk that this vCPU's TLB is filled from later finds the HPTE as the initiator left it;
// and earlier ones are gone, with their accesses performed: those come before the release store that took the mark
// away, which holds() acquires. A walk that finds a page unmarked marks it and is made again; so only the first fill of
// a page pays for the fence and a second walk. The same holds of an HPTE that is not invalidated but loses permissions,
// or its R or C: what the second walk finds counts, and R and C are set by comparison with it.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>

#include "base/types.h"
#include "hpt/hpt.h"

namespace mpower::mmu {

/// Protocol bugs that tests seed (see hpt::Mutant). The product has none.
enum class HeldMutant {
    kNone,
    kNoSecondWalk,         ///< walk: what was found before the mark is used.
    kMarkAfterSecondWalk,  ///< walk: the second walk is made before the mark.
    kMarkNotOrdered,       ///< mark: its store may pass the second walk's loads.
    kManyForgotten,        ///< mark: a second page takes the slot over.
};

struct StdHeldPolicy : hpt::StdPolicy {
    static constexpr HeldMutant kHeldMutant = HeldMutant::kNone;
    static constexpr unsigned kHeldShift = 14;  ///< log2 of the number of slots: four times level 2.
};

template <class Policy>
class BasicHeldPages {
  public:
    /// May the vCPU use a translation of `page`? Any thread, which has changed the HPTE before by a seq_cst access.
    bool holds(const hpt::VirtualPage& page) const {
        const Place place = place_of(page);
        const u64 held = slots_[place.index].load(std::memory_order_seq_cst);  // pairs with mark, unmark, clear
        return held == place.name || held == kMany;
    }

    /// A walk of the HPT for `offset` in `segment` by `find`, whose result may be kept: its page is marked.
    template <class Find>
    std::optional<hpt::Match> walk(const hpt::Segment& segment, u64 offset, Find find) {
        for (;;) {
            std::optional<hpt::Match> match = find();
            if (!match) return match;
            const u64 page = offset >> match->page_shift << match->page_shift;
            const Place place =
                place_of({segment.vsid, page, segment.segment_shift, segment.base_shift, match->page_shift});
            if (bug(HeldMutant::kMarkAfterSecondWalk)) match = find();
            if (!mark(place) || bug(HeldMutant::kNoSecondWalk) || bug(HeldMutant::kMarkAfterSecondWalk)) return match;
        }
    }

    void unmark(const hpt::VirtualPage& page) {
        const Place place = place_of(page);
        Slot& slot = slots_[place.index];
        // release: after the accesses through the translation
        if (slot.load(std::memory_order_relaxed) == place.name) slot.store(0, std::memory_order_release);
    }
    void clear() {
        for (u64 n = 0; n < kSlots; ++n) slots_[n].store(0, std::memory_order_release);
        shared_ = 0;
    }
    /// So many slots hold any page that clear() would pay.
    bool crowded() const { return shared_ > kSlots / 4; }

  private:
    using Slot = typename Policy::template Atomic<u64>;
    static constexpr u64 kSlots = u64{1} << Policy::kHeldShift;
    static constexpr u64 kMany = ~u64{0};
    static constexpr bool bug(HeldMutant m) { return Policy::kHeldMutant == m; }

    struct Place {
        u64 index, name;
    };
    /// Index and name together give the page back: the low bits of its number are in the index, the others in the name,
    /// and the name scatters the index. Neighbours have slots of their own. Names are not 0.
    static Place place_of(const hpt::VirtualPage& page) {
        const u64 kind = u64{page.page_shift == 12   ? 0u
                             : page.page_shift == 16 ? 1u
                                                     : 2u}
                             << 1 |
                         u64{page.segment_shift == 40};
        const unsigned number_bits = page.segment_shift - page.page_shift;
        // At most 50 + 16 or 38 + 28 bits.
        const u128 number = u128{page.vsid} << number_bits | page.offset >> page.page_shift;
        const u64 name = static_cast<u64>(number >> Policy::kHeldShift) << 4 | kind << 1 | 1;
        return {(static_cast<u64>(number) ^ name * 0x9e3779b97f4a7c15 >> 32) & (kSlots - 1), name};
    }
    /// False: it was marked before.
    bool mark(Place place) {
        Slot& slot = slots_[place.index];
        const u64 held = slot.load(std::memory_order_relaxed);
        if (held == place.name || held == kMany) return false;
        const bool shared = held != 0 && !bug(HeldMutant::kManyForgotten);
        shared_ += shared;
        slot.store(shared ? kMany : place.name,
                   bug(HeldMutant::kMarkNotOrdered) ? std::memory_order_release : std::memory_order_seq_cst);
        return true;
    }

    std::unique_ptr<Slot[]> slots_ = std::make_unique<Slot[]>(kSlots);
    u64 shared_ = 0;
};

using HeldPages = BasicHeldPages<StdHeldPolicy>;

}  // namespace mpower::mmu
