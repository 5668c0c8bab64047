// The hash page table entry (Power ISA 2.07, Book III-S 5.7.7): fields, page sizes, and the way from an entry back to
// the virtual page that it maps.
#pragma once

#include <optional>

#include "base/bits.h"

namespace mpower::hpt {

// Doubleword 0.
constexpr u64 kValid = 0x1;
constexpr u64 kSecondary = 0x2;
constexpr u64 kLarge = 0x4;
constexpr u64 kBolted = 0x10;  ///< Software's; H_REMOVE with H_ANDCOND asks for it.
constexpr u64 kAvpn = 0x3fffffffffffff80;
constexpr u64 kSegmentSize = 0xc000000000000000;  ///< B: 0 = 256M, 1 = 1T.
// Two of the four software bits are the hypervisor's; H_ENTER strips them and H_READ never shows them.
constexpr u64 kLock = 0x20;   ///< In slot 0 of a PTEG: its writer lock. Unused in the others.
constexpr u64 kDirty = 0x40;  ///< The entry changed since take_dirty() last looked.
constexpr u64 kHidden = kLock | kDirty;

// Doubleword 1.
constexpr u64 kPp0 = u64{1} << 63;
constexpr u64 kKeyHigh = 0x3000000000000000;
constexpr u64 kRpn = 0x0ffffffffffff000;
constexpr u64 kKeyLow = 0xe00;
constexpr u64 kR = 0x100;
constexpr u64 kC = 0x80;
constexpr u64 kW = 0x40, kI = 0x20, kM = 0x10, kG = 0x8;
constexpr u64 kWimg = kW | kI | kM | kG;
constexpr u64 kN = 0x4;
constexpr u64 kPp = 0x3;

/// Virtual page class key, 0..31.
constexpr unsigned key_of(u64 r) { return static_cast<unsigned>((r & kKeyHigh) >> 57 | (r & kKeyLow) >> 9); }

struct Hpte {
    u64 v = 0, r = 0;
    bool operator==(const Hpte&) const = default;
};

/// What an SLB entry says of the addresses of its segment.
struct Segment {
    u64 vsid = 0;
    u8 segment_shift = 28;  ///< 28 (256M) or 40 (1T).
    u8 base_shift = 12;     ///< 12, 16, 24: the page size that the hash uses. 34 is accepted and matches no entry.
};

/// A virtual page, as an invalidation names it.
struct VirtualPage {
    u64 vsid = 0;
    u64 offset = 0;  ///< Byte offset in the segment, a multiple of the page size.
    u8 segment_shift = 28, base_shift = 12, page_shift = 12;
    bool operator==(const VirtualPage&) const = default;
};

/// For an invalidation: all pages.
constexpr VirtualPage kEveryPage{.vsid = ~u64{0}, .page_shift = 0};

/// Base and actual page size of an entry.
struct PageSizes {
    u8 base_shift, page_shift;
};

/// Decodes L and LP of an entry; nullopt: an encoding that does not exist here. Pages of 4K, 64K and 16M, and multiple
/// page sizes per segment (base < actual). 16G pages are not offered to the guest.
constexpr std::optional<PageSizes> page_sizes(u64 v, u64 r) {
    if (!(v & kLarge)) return PageSizes{12, 12};
    if ((r & 0xf000) == 0x1000) return PageSizes{16, 16};
    if ((r & 0xf000) == 0x7000) return PageSizes{12, 16};
    if ((r & 0xff000) == 0x00000) return PageSizes{24, 24};
    if ((r & 0xff000) == 0x08000) return PageSizes{16, 24};
    if ((r & 0xff000) == 0x38000) return PageSizes{12, 24};
    return std::nullopt;
}

/// Primary hash of an address (Book III-S 5.7.7.3); the PTEG index is its low bits, complemented for the secondary.
constexpr u64 primary_hash(const Segment& s, u64 offset) {
    const u64 spread = s.segment_shift == 40 ? s.vsid << 25 : 0;
    return s.vsid ^ spread ^ offset >> s.base_shift;
}

/// Doubleword 0 of the entry that would map an address, without H: B, AVPN, V.
constexpr u64 tag_of(const Segment& s, u64 offset) {
    const u64 page = offset & ~((u64{1} << s.base_shift) - 1);
    if (s.segment_shift == 40) return u64{1} << 62 | ((s.vsid << 24 | page >> 16) & kAvpn) | kValid;
    return ((s.vsid << 12 | page >> 16) & kAvpn) | kValid;
}

/// The base page that a valid entry is entered for: AVPN gives the address down to bit 23 from the right, the PTEG's
/// number the rest, as the hash is invertible. `pteg` of groups that are at least 2^11.
constexpr VirtualPage base_page_of(Hpte e, u64 pteg) {
    const PageSizes sizes = page_sizes(e.v, e.r).value_or(PageSizes{12, 12});
    const bool terabyte = (e.v & kSegmentSize) != 0;
    const u64 ava = (e.v & kAvpn) >> 7;  // virtual address >> 23
    const u8 segment_shift = terabyte ? 40 : 28;
    const u64 vsid = ava >> (segment_shift - 23);
    const u64 high = (ava << 23) & ((u64{1} << segment_shift) - 1);
    const u64 hash = e.v & kSecondary ? ~pteg : pteg;
    const u64 low = ((hash ^ vsid) & 0x7ff) << sizes.base_shift & 0x7fffff;
    return {vsid, high | low, segment_shift, sizes.base_shift, sizes.page_shift};
}

/// The page that the entry maps, and that an invalidation must reach.
constexpr VirtualPage page_of(Hpte e, u64 pteg) {
    VirtualPage page = base_page_of(e, pteg);
    page.offset &= ~((u64{1} << page.page_shift) - 1);
    return page;
}

/// The primary hash of the entry's base page, for a table of any size.
constexpr u64 hash_of(Hpte e, u64 pteg) {
    const VirtualPage page = base_page_of(e, pteg);
    return primary_hash({page.vsid, page.segment_shift, page.base_shift}, page.offset);
}

}  // namespace mpower::hpt
