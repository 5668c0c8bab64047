// Effective to real translation of one vCPU (Power ISA 2.07, Book III-S 5.7): SLB, two levels of TLB, the HPT.
//
// Level 1 is direct-mapped by 4K of effective address: entries hold the host address, and have tags by kind of access.
// There is an array for real mode and a few for the spaces that were current lately, a space being MSR[PR], AMR and
// IAMR; Linux changes AMR twice in every system call, so that a switch must cost no refill. Dropping a program's
// segment looks only at the entries of the lower half, which are marked: else a switch of process reads 288 KiB of
// entries. Level 2 is keyed by virtual page of the guest's own page size (4K, 64K, 16M) and survives SLB changes, hence
// context switches. A miss there walks the HPT.
//
// R and C: an HPTE gets R when it enters level 2; an entry filled for a load is not writable before its HPTE has C.
//
// Threads: all of this belongs to the vCPU's own thread, but for holds(). An invalidation by another vCPU arrives as a
// call of invalidate() on this thread, at a poll point; so no host pointer outlives one. Others need not send it for a
// page that holds() denies: held_pages.h has the proof.
#pragma once

#include <bitset>
#include <memory>
#include <span>

#include "base/types.h"
#include "hpt/hpt.h"
#include "mmu/code_epochs.h"
#include "mmu/held_pages.h"
#include "mmu/ram.h"
#include "mmu/slb.h"

namespace mpower::mmu {

enum class Access : u8 { kLoad, kStore, kFetch };

/// A storage interrupt: its vector offset and the bits that go with it. DAR (data) is the address that was asked for.
struct Fault {
    u16 vector = 0;  ///< 0x300, 0x380, 0x400, 0x480 or 0x200 (real address outside RAM).
    u64 status = 0;  ///< DSISR for 0x300; SRR1 bits for 0x400.
};

/// Level-1 entry for data. A tag equals the effective page address, or kNone. 32 bytes, so that generated code finds it
/// by shift and mask.
struct alignas(32) TlbEntry {
    static constexpr u64 kNone = ~u64{0};
    u64 load_tag = kNone, store_tag = kNone;
    u64 addend = 0;  ///< Host address minus effective address.

    u64 page() const { return load_tag & store_tag; }  ///< kNone if neither tag is set.
};

/// Level-1 entry for fetches.
struct CodeEntry {
    u64 tag = TlbEntry::kNone;
    u64 real_page = 0;

    u64 page() const { return tag; }
};

/// Where the current address space's level-1 arrays are. Generated code reads it.
struct Level1Arrays {
    TlbEntry* data = nullptr;
    CodeEntry* code = nullptr;
};

/// Told of the real pages that a vCPU is about to fetch from.
class CodeListener {
  public:
    virtual ~CodeListener() = default;
    /// Fetches of the 4K page at `page` are about to be answered by level 1. The vCPU's own thread.
    virtual void entered(Ra page) = 0;
};

struct TlbStats {
    u64 level1_misses = 0, level2_misses = 0, faults = 0, invalidations = 0, flushes = 0;
};

class Mmu {
  public:
    static constexpr unsigned kLevel1Entries = 1024, kLevel2Entries = 4096;
    static constexpr u64 kPageMask = ~u64{0xfff};
    /// 4K entries that a fill of level 1 makes when accesses go through storage page after page.
    static constexpr u64 kRun = 8;

    Mmu(GuestRam& ram, hpt::Hpt& hpt, CodeEpochs& epochs);

    // --- translation
    /// Level-1 hit for `size` bytes at `ea` that stay in one 4K page: host address, else nullptr.
    u8* hit(u64 ea, unsigned size, bool store) const {
        const TlbEntry& e = arrays_.data[(ea >> 12) & (kLevel1Entries - 1)];
        const u64 page = (ea + size - 1) & kPageMask;
        return (store ? e.store_tag : e.load_tag) == page && ((ea ^ page) & kPageMask) == 0
                   ? reinterpret_cast<u8*>(ea + e.addend)
                   : nullptr;
    }
    /// Host address minus effective address of [ea, ea + size), size up to 4096, if level 1 has one for all of it, for
    /// loads and stores as asked; else 0.
    u64 addend(u64 ea, unsigned size, bool load, bool store) const;
    /// Host address of `ea` (the rest of its 4K page follows), filling the TLB; nullptr: `fault` says why.
    u8* translate(u64 ea, bool store, Fault* fault);
    /// Real address to fetch from; false: `fault` says why.
    bool fetch(u64 ea, Ra* ra, Fault* fault) {
        const CodeEntry& e = arrays_.code[(ea >> 12) & (kLevel1Entries - 1)];
        if (e.tag == (ea & kPageMask)) [[likely]] {
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
    Reservations& reservations() { return reservations_; }

    // --- for the translator
    /// For generated code, which does hit() inline.
    const Level1Arrays& arrays() const { return arrays_; }
    void set_code_listener(CodeListener* listener) { code_listener_ = listener; }
    /// Halves of the effective addresses: an operating system's own are in the upper one, its programs' in the lower
    /// one, which change with every switch of process.
    static constexpr unsigned kHalves = 2;
    static unsigned half_of(u64 ea) { return static_cast<unsigned>(ea >> 63); }
    /// Changes whenever an answer that fetch() has given for an address of the half may not be right any more.
    u64 code_drops(unsigned half) const { return code_drops_[half]; }
    /// Forgets every answer of fetch(): the listener is told again of each page that is fetched from.
    void flush_code();

    // --- what changes translation
    /// MSR[IR], MSR[DR], MSR[PR].
    void set_mode(bool ir, bool dr, bool pr);
    /// AMR and IAMR (privileged value: the OS has masked it).
    void set_amr(u64 amr, u64 iamr);
    const Slb& slb() const { return slb_; }
    /// slbmte; false: the encoding does not exist.
    bool slbmte(u64 rs, u64 rb);
    void slbie(u64 rb);
    /// No segment, AMR and IAMR 0.
    void reset();
    /// slbia with its IH field: 0, 3 and 7 as ISA 2.07 says, others as 0.
    void slbia(unsigned ih);

    // --- invalidation, at a poll point (no block is under way)
    void invalidate(const hpt::VirtualPage& page);
    void flush_all();
    /// Makes the answers of holds() exact again, if too many pages were held at times.
    void trim() {
        if (held_.crowded()) [[unlikely]]
            flush_all();
    }
    /// Could a translation of the page still be used, by the TLB or by what the translator remembers of fetch()? Any
    /// thread.
    bool holds(const hpt::VirtualPage& page) const { return held_.holds(page); }

    const TlbStats& stats() const { return stats_; }

  private:
    struct Level2Entry {
        hpt::Match match{};
        u64 vsid = ~u64{0};
        u64 page = 0;  ///< Offset in the segment >> page shift.
        u8 segment_shift = 0, base_shift = 0;
        bool fetched = false;
    };
    /// What permissions depend on.
    struct Space {
        bool problem = false;
        u64 amr = 0, iamr = 0;
        bool operator==(const Space&) const = default;
    };
    /// Indices of entries that may be of the lower half: a switch of process drops its segments, and has few pages
    /// there.
    using Low = std::array<u64, kLevel1Entries / 64>;
    struct Level1 {
        std::array<TlbEntry, kLevel1Entries> data;
        std::array<CodeEntry, kLevel1Entries> code;
        Low low_data{}, low_code{};
        Space space;
        u64 last_use = 0;
    };
    static constexpr unsigned kSpaces = 6;
    static constexpr unsigned kFetchedBits = 8192;

    static unsigned fetched_bit(u64 vsid, u64 offset) {
        return static_cast<unsigned>((offset >> 16 ^ vsid * 0x9e3779b97f4a7c15 >> 40) % kFetchedBits);
    }
    void fetched_first(const hpt::Segment& segment, u64 offset, Level2Entry& entry);

    bool fetch_slow(u64 ea, Ra* ra, Fault* fault);
    /// Translates for `access` and fills level 1 of the current space: real page and its host address, or nullptr with
    /// `fault`.
    u8* fill(u64 ea, Access access, Fault* fault);
    u8* fill_real(u64 ea, Access access, Fault* fault);
    /// What an access that fills level 1 says of other accesses.
    struct Extent {
        bool other = false;  ///< A load says that stores are permitted, too (C is set), or a store that loads are.
        u64 following = 0;   ///< 4K pages that follow in the same page, up to kRun - 1.
    };
    u8* install(u64 ea, u64 real_page, Access access, const Extent& extent, Fault* fault);
    static void note_low(Low& low, u64 ea) {
        const u64 index = ea >> 12 & (kLevel1Entries - 1);
        if (half_of(ea) == 0) low[index / 64] |= u64{1} << index % 64;
    }
    /// Removes the level-1 entries whose page is in [ea, ea + bytes).
    template <class Entry>
    static void drop(std::array<Entry, kLevel1Entries>& level1, Low& low, u64 ea, u64 bytes);
    /// Entry of level 2 for an address of a segment, walking the HPT if need be; nullptr: no HPTE.
    Level2Entry* level2(const hpt::Segment& segment, u64 offset);
    Level2Entry& slot(u64 vsid, u64 page, u8 page_shift);
    /// Why the access is not permitted by an HPTE's R word, as bits of DSISR or SRR1; 0: it is.
    u64 denial(const SlbEntry& segment, u64 r, Access access) const;
    void drop_effective(u64 ea, u64 bytes);
    void drop_all_code() {
        for (u64& drops : code_drops_) ++drops;
    }
    void drop_segment(const SlbEntry& segment);
    Level1* level1_of(const Space& space);

    GuestRam& ram_;
    Reservations& reservations_;
    hpt::Hpt& hpt_;
    CodeEpochs& epochs_;
    Slb slb_;
    Space space_;
    bool ir_ = false, dr_ = false;
    u64 uses_ = 0;
    u8 page_shifts_seen_ = 0;  ///< Bit 0: 4K, 1: 64K, 2: 16M entries were made in level 2; saves probes.
    Level1Arrays arrays_;
    Level1 *data_ = nullptr, *code_ = nullptr;  ///< Whose arrays those are.
    CodeListener* code_listener_ = nullptr;
    std::array<u64, kHalves> code_drops_{};
    /// Virtual 64K blocks that were fetched from, hashed: an invalidation of others leaves code_drops_ alone.
    std::bitset<kFetchedBits> fetched_;
    std::array<hpt::VirtualPage, 8> large_fetched_{};  ///< 16M pages whose code is known to be compared since mapped.
    unsigned next_large_ = 0;
    /// Where the latest fills of level 1 for data ended. A fill that begins at one of them goes on with kRun pages.
    std::array<u64, 4> run_ends_{};
    unsigned next_run_ = 0;
    std::unique_ptr<Level1> real_ = std::make_unique<Level1>();
    std::array<Level1*, 2> recent_{};  ///< Of privileged and problem state with the present AMR; nullptr: look.
    std::unique_ptr<std::array<Level1, kSpaces>> level1_ = std::make_unique<std::array<Level1, kSpaces>>();
    std::unique_ptr<Level2Entry[]> level2_ = std::make_unique<Level2Entry[]>(kLevel2Entries);
    alignas(kCacheLine) HeldPages held_;  ///< Others read it at each of their invalidations; what follows is written.
    alignas(kCacheLine) TlbStats stats_;
};

}  // namespace mpower::mmu
