// Segment lookaside buffer of one vCPU (Power ISA 2.07, Book III-S 5.7.6 and 5.9.3.1). Own thread only.
#pragma once

#include <array>
#include <optional>

#include "base/bits.h"
#include "hpt/hpte.h"

namespace mpower::mmu {

/// An SLB entry, with what translation needs decoded once at slbmte.
struct SlbEntry {
    u64 esid = 0;  ///< As slbmfee shows it: ESID field and V.
    u64 vsid = 0;  ///< As slbmfev shows it: B, VSID, Ks, Kp, N, L, C, LP.
    hpt::Segment segment{};

    bool valid() const { return esid & kValid; }
    bool covers(u64 ea) const { return valid() && ((ea ^ esid) >> segment.segment_shift) == 0; }

    static constexpr u64 kValid = u64{1} << 27;  ///< V of RB, bit 36.
    static constexpr u64 kKs = 0x800, kKp = 0x400, kNoExecute = 0x200, kClass = 0x80;
};

class Slb {
  public:
    static constexpr unsigned kEntries = 32;

    /// The entry that covers `ea`, or nullptr. The last hit is tried first.
    const SlbEntry* find(u64 ea);
    /// slbmte. False: an index or page-size encoding that does not exist; nothing changed. `removed` gets the entry
    /// that was there before.
    bool write(u64 rs, u64 rb, SlbEntry* removed);
    /// slbie: invalidates the entry that covers RB's ESID; its old value, if there was one.
    std::optional<SlbEntry> invalidate(u64 rb);
    const SlbEntry& entry(unsigned index) const { return entries_[index % kEntries]; }
    /// Entries, for slbia's scan.
    std::array<SlbEntry, kEntries>& entries() { return entries_; }

  private:
    std::array<SlbEntry, kEntries> entries_{};
    unsigned last_ = 0;
};

}  // namespace mpower::mmu
