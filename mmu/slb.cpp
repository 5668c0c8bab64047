#include "mmu/slb.h"

namespace mpower::mmu {
namespace {

/// Base page shift of a VSID word's L || LP, 0 if reserved.
u8 base_shift(u64 vsid_word) {
    switch (vsid_word & 0x130) {
        case 0x000: return 12;
        case 0x100: return 24;
        case 0x110: return 16;
        case 0x120: return 34;
        default: return 0;
    }
}

}  // namespace

const SlbEntry* Slb::find(u64 ea) {
    if (entries_[last_].covers(ea)) return &entries_[last_];
    for (unsigned i = 0; i < kEntries; ++i) {
        if (entries_[i].covers(ea)) {
            last_ = i;
            return &entries_[i];
        }
    }
    return nullptr;
}

bool Slb::write(u64 rs, u64 rb, SlbEntry* removed) {
    const unsigned index = rb & 0xfff;
    const u64 b = rs >> 62;
    const u8 page_shift = base_shift(rs);
    if (index >= kEntries || b > 1 || page_shift == 0) return false;
    const u8 segment_shift = b == 1 ? 40 : 28;
    // The VSID field is right-aligned by segment size: 1T segments use its upper bits only.
    const u64 vsid = (rs & 0x3ffffffffffff000) >> (b == 1 ? 24 : 12);
    SlbEntry& e = entries_[index];
    *removed = e;
    e = {.esid = (rb & ~u64{0xfffffff}) | (rb & SlbEntry::kValid),
         .vsid = rs & ~u64{0xf},
         .segment = {.vsid = vsid, .segment_shift = segment_shift, .base_shift = page_shift}};
    return true;
}

std::optional<SlbEntry> Slb::invalidate(u64 rb) {
    for (SlbEntry& e : entries_) {
        if (e.covers(rb)) {
            const SlbEntry old = e;
            e.esid &= ~SlbEntry::kValid;
            return old;
        }
    }
    return std::nullopt;
}

}  // namespace mpower::mmu
