// The sequential model of the HPT hypercalls: PAPR's text with one array and no concurrency, to check the table
// against. It shares constants with hpt/hpte.h, no code: page sizes, conditions and the hash are written again from the
// ISA.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/papr.h"
#include "hpt/hpte.h"

namespace mpower::hpt::test {

class Model {
  public:
    Model(unsigned shift, u64 ram_bytes) : entries_(u64{1} << (shift - 4)), ram_bytes_(ram_bytes) {}

    papr::HcallStatus enter(u64 flags, u64 index, u64 v, u64 r, u64* used) {
        const std::optional<u64> page = page_bytes(v, r);
        if (!page || index >= entries_.size()) return papr::kParameter;
        const u64 real = (r & 0x0ffffffffffff000) / *page * *page;
        const u64 wimg = r & 0x78;
        // RAM must be memory-coherent and nothing else; the rest cache-inhibited and not write-through.
        if (real < ram_bytes_ ? wimg != 0x10 : (wimg & 0x60) != 0x20) return papr::kParameter;
        std::optional<u64> slot;
        if (flags & (u64{1} << 39)) {
            if (!valid(index)) slot = index;
        } else {
            for (u64 n = index / 8 * 8; n < index / 8 * 8 + 8; ++n) {
                if (!slot && !valid(n)) slot = n;
            }
        }
        if (!slot) return papr::kPtegFull;
        entries_[*slot] = {v & ~u64{0x60}, r};
        *used = *slot;
        return papr::kSuccess;
    }

    papr::HcallStatus remove(u64 flags, u64 index, u64 avpn, Hpte* old) {
        if (index >= entries_.size()) return papr::kParameter;
        if (!meets(flags, index, avpn)) return papr::kNotFound;
        *old = entries_[index];
        entries_[index].v = 0;
        return papr::kSuccess;
    }

    papr::HcallStatus protect(u64 flags, u64 index, u64 avpn) {
        if (index >= entries_.size()) return papr::kParameter;
        if (!meets(flags & (u64{1} << 31), index, avpn)) return papr::kNotFound;
        u64& r = entries_[index].r;
        r &= ~u64{0xb000000000000e07};
        r |= (flags & 0x100) << 55 | (flags & 0x3000) << 48 | (flags & 0xe07);
        return papr::kSuccess;
    }

    papr::HcallStatus clear(u64 bit, u64 flags, u64 index, u64 avpn, Hpte* old) {
        if (index >= entries_.size()) return papr::kParameter;
        if (!meets(flags & (u64{1} << 31), index, avpn)) return papr::kNotFound;
        *old = entries_[index];
        entries_[index].r &= ~bit;
        return papr::kSuccess;
    }

    Hpte read(u64 index) const { return entries_[index]; }

    /// What a walk with a store (or load) does to the entry: R, and C.
    void touch(u64 index, bool store) { entries_[index].r |= store ? 0x180 : 0x100; }

    /// Four requests; the answers in place.
    papr::HcallStatus bulk_remove(u64 (&pairs)[8]) {
        for (int n = 0; n < 8; n += 2) {
            u64& tsh = pairs[n];
            switch (tsh >> 62) {
                case 3: return papr::kSuccess;
                case 1: break;
                default: return papr::kParameter;
            }
            const u64 flags = tsh >> 56 & 3, index = tsh & 0x00ffffffffffffff;
            tsh = u64{2} << 62 | flags << 56 | index;
            if (flags == 3 || index >= entries_.size()) {
                tsh |= u64{2} << 60;
                return papr::kParameter;
            }
            Hpte old;
            const u64 remove_flags = (flags & 1 ? u64{1} << 30 : 0) | (flags & 2 ? u64{1} << 31 : 0);
            if (remove(remove_flags, index, pairs[n + 1], &old) == papr::kNotFound) {
                tsh |= u64{1} << 60;
            } else {
                tsh |= (old.r >> 8 & 1) << 59 | (old.r >> 7 & 1) << 58;
            }
        }
        return papr::kSuccess;
    }

    /// Up to eight pages of the block of `avpn`; the answers in place.
    papr::HcallStatus block_remove(u64 avpn, u64 (&specifiers)[8]) {
        papr::HcallStatus status = papr::kSuccess;
        for (u64& s : specifiers) {
            if (s >> 62 == 3) return status;
            if (s >> 62 != 1) return papr::kParameter;
            const bool checked = s >> 56 & 1;
            const u64 index = s & 0x00ffffffffffffff;
            if (index >= entries_.size()) {
                s = u64{0x90} << 56 | index;
                return papr::kParameter;
            }
            Hpte& e = entries_[index];
            // The virtual address of the block is what its eight pages have in common.
            const u64 block = valid(index) ? 8 * *page_bytes(e.v, e.r) : 1;
            const bool same = e.v >> 62 == avpn >> 62 && ((e.v ^ avpn) << 2 >> 9 << 23) / block == 0;
            if (!valid(index) || (checked && !same)) {
                s = u64{0x88} << 56 | index;
                status = papr::kPartial;
            } else {
                s = u64{0x80} << 56 | (e.r >> 8 & 1) << 58 | (e.r >> 7 & 1) << 57 | index;
                e.v = 0;
            }
        }
        return status;
    }

    /// What a resize leaves of a table of one PTEG: the bolted entries.
    void resize() {
        for (Hpte& e : entries_) {
            if ((e.v & 0x11) != 0x11) e = {};
        }
    }

  private:
    bool valid(u64 index) const { return entries_[index].v & 1; }
    bool meets(u64 flags, u64 index, u64 avpn) const {
        if (!valid(index)) return false;
        if ((flags >> 31 & 1) && (entries_[index].v & ~u64{0x7f}) != avpn) return false;
        return !((flags >> 30 & 1) && (entries_[index].v & avpn) != 0);
    }
    /// Size of the page that (L, LP) say; the table of "ibm,segment-page-sizes" as it is advertised.
    static std::optional<u64> page_bytes(u64 v, u64 r) {
        if (!(v & 4)) return 4096;
        static const std::map<u64, u64> by_lp{{0x1, 16}, {0x7, 16}, {0x0, 24}, {0x8, 24}, {0x38, 24}};
        const u64 nibble = r >> 12 & 0xf, byte = r >> 12 & 0xff;
        if (nibble == 1 || nibble == 7) return 65536;
        const auto found = by_lp.find(byte);
        return found == by_lp.end() ? std::nullopt : std::optional<u64>(u64{1} << found->second);
    }

    std::vector<Hpte> entries_;
    u64 ram_bytes_;
};

}  // namespace mpower::hpt::test
