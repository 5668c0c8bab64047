// Effective to real translation of one vCPU (Power ISA 2.07, Book III-S 5.7): SLB, two levels of TLB, the HPT.
//
// Level 1 is direct-mapped by 4K of effective address, one array for each address space that can be current (real
// mode, privileged, problem state), so that mode switches cost nothing: entries hold the host address, and have tags by
// kind of access. Level 2 is keyed by virtual page of the guest's own page size (4K, 64K, 16M) and survives SLB changes,
// hence context switches. A miss there walks the HPT.
//
// R and C: an HPTE gets R when it enters level 2; an entry filled for a load is not writable before its HPTE has C.
//
// Threads: all of this belongs to the vCPU's own thread. An invalidation by another vCPU arrives as a call of
// invalidate() on this thread, between two translations; so no host pointer outlives a poll point.
#pragma once

#include <memory>
#include <span>

#include "base/types.h"
#include "hpt/hpt.h"
#include "mmu/code_epochs.h"
#include "mmu/ram.h"
#include "mmu/slb.h"

namespace mpower::mmu {

enum class Access : u8 { kLoad, kStore, kFetch };

/// A storage interrupt: its vector offset and the bits that go with it. DAR (data) is the address that was asked for.
struct Fault {
    u16 vector = 0;   ///< 0x300, 0x380, 0x400, 0x480 or 0x200 (real address outside RAM).
    u64 status = 0;   ///< DSISR for 0x300; SRR1 bits for 0x400.
};

/// Level-1 entry. A tag equals the effective page address, or kNone.
struct TlbEntry {
    static constexpr u64 kNone = ~u64{0};
    u64 load_tag = kNone, store_tag = kNone, fetch_tag = kNone;
    u64 addend = 0;  ///< Host address minus effective address (data).
    u64 real_page = 0;
};

struct TlbStats {
    u64 level1_misses = 0, level2_misses = 0, faults = 0, invalidations = 0, flushes = 0;
};

class Mmu {
  public:
    static constexpr unsigned kLevel1Entries = 1024, kLevel2Entries = 4096;
    static constexpr u64 kPageMask = ~u64{0xfff};

    Mmu(GuestRam& ram, hpt::Hpt& hpt, CodeEpochs& epochs);

    // --- translation
    /// Level-1 hit for `size` bytes at `ea` that stay in one 4K page: host address, else nullptr.
    u8* hit(u64 ea, unsigned size, bool store) const {
        const TlbEntry& e = data_[(ea >> 12) & (kLevel1Entries - 1)];
        const u64 page = (ea + size - 1) & kPageMask;
        return (store ? e.store_tag : e.load_tag) == page && ((ea ^ page) & kPageMask) == 0
                   ? reinterpret_cast<u8*>(ea + e.addend)
                   : nullptr;
    }
    /// Host address of `ea` (the rest of its 4K page follows), filling the TLB; nullptr: `fault` says why.
    u8* translate(u64 ea, bool store, Fault* fault);
    /// Real address to fetch from; false: `fault` says why.
    bool fetch(u64 ea, Ra* ra, Fault* fault) {
        const TlbEntry& e = code_[(ea >> 12) & (kLevel1Entries - 1)];
        if (e.fetch_tag == (ea & kPageMask)) [[likely]] {
            *ra = Ra{e.real_page | (ea & ~kPageMask)};
            return true;
        }
        return fetch_slow(ea, ra, fault);
    }
    /// Host address minus real address of RAM's start.
    u8* host(Ra ra, u64 length) const { return ram_.at(ra, length); }
    /// Real address of a host address that translate() or hit() gave.
    Ra real(const u8* host) const { return Ra{static_cast<u64>(host - ram_.bytes().data())}; }
    CodeEpochs& epochs() { return epochs_; }

    // --- what changes translation
    /// MSR[IR], MSR[DR], MSR[PR].
    void set_mode(bool ir, bool dr, bool pr);
    /// AMR and IAMR (privileged value: the OS has masked it).
    void set_amr(u64 amr, u64 iamr);
    const Slb& slb() const { return slb_; }
    /// slbmte; false: the encoding does not exist.
    bool slbmte(u64 rs, u64 rb);
    void slbie(u64 rb);
    /// slbia with its IH field: 0, 3 and 7 as ISA 2.07 says, others as 0.
    void slbia(unsigned ih);

    // --- invalidation
    void invalidate(const hpt::VirtualPage& page);
    void flush_all();

    const TlbStats& stats() const { return stats_; }

  private:
    struct Level2Entry {
        hpt::Match match{};
        u64 vsid = ~u64{0};
        u64 page = 0;  ///< Offset in the segment >> page shift.
        u8 segment_shift = 0, base_shift = 0;
        bool fetched = false;
    };
    using Level1 = std::array<TlbEntry, kLevel1Entries>;
    enum Space : unsigned { kReal, kPrivileged, kProblem, kSpaces };

    bool fetch_slow(u64 ea, Ra* ra, Fault* fault);
    /// Fills level 1 of the current space for `access`; the entry, or nullptr with `fault`.
    TlbEntry* fill(u64 ea, Access access, Fault* fault);
    TlbEntry* fill_real(u64 ea, Access access, Fault* fault);
    /// Entry of level 2 for an address of a segment, walking the HPT if need be; nullptr: no HPTE.
    Level2Entry* level2(const hpt::Segment& segment, u64 offset);
    Level2Entry& slot(u64 vsid, u64 page, u8 page_shift);
    bool permits(const SlbEntry& segment, const Level2Entry& entry, Access access, Fault* fault) const;
    void drop_effective(u64 ea, u64 bytes);
    void drop_segment(const SlbEntry& segment);

    GuestRam& ram_;
    hpt::Hpt& hpt_;
    CodeEpochs& epochs_;
    Slb slb_;
    u64 amr_ = 0, iamr_ = 0;
    bool problem_ = false;
    u8 page_shifts_seen_ = 0;  ///< Bit 0: 4K, 1: 64K, 2: 16M entries were made in level 2; saves probes.
    TlbEntry* data_;
    TlbEntry* code_;
    std::unique_ptr<Level1[]> level1_ = std::make_unique<Level1[]>(kSpaces);
    std::unique_ptr<Level2Entry[]> level2_ = std::make_unique<Level2Entry[]>(kLevel2Entries);
    TlbStats stats_;
};

}  // namespace mpower::mmu
