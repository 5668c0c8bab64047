#include "mmu/mmu.h"

#include <algorithm>
#include <bit>

#include "base/log.h"

namespace mpower::mmu {
namespace {

// DSISR (and, for fetches, SRR1) bits: Book III-S 6.5.3, 6.5.5.
constexpr u64 kNoTranslation = 0x40000000, kProtection = 0x08000000, kIsStore = 0x02000000, kKeyProtection = 0x00200000;
constexpr u64 kNoExecuteOrGuarded = 0x10000000;
constexpr u16 kMachineCheck = 0x200, kDataStorage = 0x300, kDataSegment = 0x380, kInsnStorage = 0x400,
              kInsnSegment = 0x480;

// Real mode ignores the four high-order bits of the effective address (Book III-S 5.7.3).
constexpr u64 kRealModeMask = 0x0fffffffffffffff;

unsigned level1_index(u64 ea) { return (ea >> 12) & (Mmu::kLevel1Entries - 1); }

}  // namespace

Mmu::Mmu(GuestRam& ram, hpt::Hpt& hpt, CodeEpochs& epochs)
    : ram_(ram), reservations_(ram.reservations()), hpt_(hpt), epochs_(epochs) {
    set_mode(false, false, false);
}

Mmu::Level1* Mmu::level1_of(const Space& space) {
    Level1* oldest = &level1_->front();
    for (Level1& l : *level1_) {
        if (l.last_use != 0 && l.space == space) {
            l.last_use = ++uses_;
            return &l;
        }
        if (l.last_use < oldest->last_use) oldest = &l;
    }
    // Answers from the arrays that are given up may have been remembered under their address.
    if (oldest->last_use != 0) drop_all_code();
    *oldest = {};
    oldest->space = space;
    oldest->last_use = ++uses_;
    return oldest;
}

void Mmu::set_mode(bool ir, bool dr, bool pr) {
    ir_ = ir;
    dr_ = dr;
    space_.problem = pr;
    Level1* mapped = recent_[pr];
    if (mapped == nullptr && (ir || dr)) mapped = recent_[pr] = level1_of(space_);
    data_ = dr ? mapped : real_.get();
    code_ = ir ? mapped : real_.get();
    arrays_ = {data_->data.data(), code_->code.data()};
}

void Mmu::set_amr(u64 amr, u64 iamr) {
    if (amr == space_.amr && iamr == space_.iamr) return;
    space_.amr = amr;
    space_.iamr = iamr;
    recent_ = {};
    set_mode(ir_, dr_, space_.problem);
}

bool Mmu::slbmte(u64 rs, u64 rb) {
    SlbEntry removed;
    if (!slb_.write(rs, rb, &removed)) return false;
    const SlbEntry& now = slb_.entry(rb & 0xfff);
    if (removed.valid() && (removed.esid != now.esid || removed.vsid != now.vsid)) drop_segment(removed);
    return true;
}

void Mmu::slbie(u64 rb) {
    if (const auto old = slb_.invalidate(rb)) drop_segment(*old);
}

void Mmu::slbia(unsigned ih) {
    // IH = 0: all but entry 0. 3: entries of class 1. 7 and 4, implementation hints on look-aside information: entries
    // with class 1 at least; invalidating more than asked is allowed for entries other than 0.
    for (unsigned i = 0; i < Slb::kEntries; ++i) {
        SlbEntry& e = slb_.entries()[i];
        const bool of_class_1 = e.vsid & SlbEntry::kClass;
        const bool drop = ih == 3 || ih == 6 ? of_class_1 : i != 0;
        if (drop && e.valid()) {
            e.esid &= ~SlbEntry::kValid;
            drop_segment(e);
        }
    }
}

void Mmu::reset() {
    for (SlbEntry& e : slb_.entries()) {
        if (!e.valid()) continue;
        e.esid &= ~SlbEntry::kValid;
        drop_segment(e);
    }
    set_amr(0, 0);
}

template <class Entry>
void Mmu::drop(std::array<Entry, kLevel1Entries>& level1, Low& low, u64 ea, u64 bytes) {
    if (bytes < u64{kLevel1Entries} << 12) {
        for (u64 page = ea; page < ea + bytes; page += 4096) {
            Entry& e = level1[level1_index(page)];
            if (e.page() == page) e = {};
        }
        return;
    }
    if (half_of(ea) != 0) {
        for (Entry& e : level1) {
            if (e.page() - ea < bytes) e = {};
        }
        return;
    }
    for (unsigned word = 0; word < low.size(); ++word) {
        for (u64 rest = low[word]; rest != 0; rest &= rest - 1) {
            Entry& e = level1[64 * word + static_cast<unsigned>(std::countr_zero(rest))];
            if (e.page() - ea < bytes) e = {};
            if (half_of(e.page()) != 0) low[word] &= ~(rest & -rest);
        }
    }
}

void Mmu::drop_effective(u64 ea, u64 bytes) {
    for (Level1& l : *level1_) {
        if (l.last_use == 0) continue;
        drop(l.data, l.low_data, ea, bytes);
        drop(l.code, l.low_code, ea, bytes);
    }
}

void Mmu::drop_segment(const SlbEntry& segment) {
    ++code_drops_[half_of(segment.esid)];
    const unsigned shift = segment.segment.segment_shift;
    drop_effective(segment.esid >> shift << shift, u64{1} << shift);
}

void Mmu::invalidate(const hpt::VirtualPage& page) {
    ++stats_.invalidations;
    const bool fetched = page.page_shift > 16 || fetched_[fetched_bit(page.vsid, page.offset)];
    if (page.page_shift > 16) std::replace(large_fetched_.begin(), large_fetched_.end(), page, hpt::VirtualPage{});
    // Only virtual pages of segments in the SLB are in level 1, or remembered of fetch() (drop_segment).
    for (const SlbEntry& e : slb_.entries()) {
        if (e.valid() && e.segment.vsid == page.vsid && e.segment.segment_shift == page.segment_shift) {
            const u64 base = e.esid >> page.segment_shift << page.segment_shift;
            drop_effective(base + page.offset, u64{1} << page.page_shift);
            code_drops_[half_of(base)] += fetched;
        }
    }
    Level2Entry& entry = slot(page.vsid, page.offset >> page.page_shift, page.page_shift);
    if (entry.vsid == page.vsid && entry.page == page.offset >> page.page_shift &&
        entry.match.page_shift == page.page_shift && entry.segment_shift == page.segment_shift) {
        entry = {};
    }
    // Last: others stop waiting for this vCPU here. What the translator remembers of the page went with code_drops_.
    held_.unmark(page);
}

void Mmu::flush_all() {
    ++stats_.flushes;
    for (Level1& l : *level1_) {
        l.data.fill({});
        l.code.fill({});
    }
    std::fill_n(level2_.get(), kLevel2Entries, Level2Entry{});
    fetched_.reset();
    large_fetched_ = {};
    drop_all_code();
    held_.clear();  // last, as in invalidate()
}

void Mmu::flush_code() {
    for (Level1& l : *level1_) {
        if (l.last_use != 0) l.code.fill({});
    }
    real_->code.fill({});
    drop_all_code();
}

void Mmu::fetched_first(const hpt::Segment& segment, u64 offset, Level2Entry& entry) {
    entry.fetched = true;
    const u8 shift = entry.match.page_shift;
    const u64 page_mask = (u64{1} << shift) - 1;
    if (shift > 16) {
        // All of translated code has to be compared for such a page, so remember the few that exist beyond level 2.
        const hpt::VirtualPage page{segment.vsid, offset & ~page_mask, segment.segment_shift, segment.base_shift,
                                    shift};
        if (std::find(large_fetched_.begin(), large_fetched_.end(), page) != large_fetched_.end()) return;
        large_fetched_[next_large_++ % large_fetched_.size()] = page;
    }
    epochs_.mapped(Ra{entry.match.hpte.r & hpt::kRpn & ~page_mask}, page_mask + 1);
}

Mmu::Level2Entry& Mmu::slot(u64 vsid, u64 page, u8 page_shift) {
    const u64 h = (page ^ (vsid * 0x9e3779b97f4a7c15 >> 40) ^ page_shift) & (kLevel2Entries - 1);
    return level2_[h];
}

Mmu::Level2Entry* Mmu::level2(const hpt::Segment& segment, u64 offset) {
    constexpr u8 kShifts[] = {12, 16, 24};
    for (unsigned i = 0; i < 3; ++i) {
        if (!(page_shifts_seen_ >> i & 1) || kShifts[i] < segment.base_shift) continue;
        const u64 page = offset >> kShifts[i];
        Level2Entry& e = slot(segment.vsid, page, kShifts[i]);
        if (e.vsid == segment.vsid && e.page == page && e.match.page_shift == kShifts[i] &&
            e.segment_shift == segment.segment_shift && e.base_shift == segment.base_shift) {
            return &e;
        }
    }
    ++stats_.level2_misses;
    for (;;) {
        auto match = held_.walk(segment, offset, [&] { return hpt_.find(segment, offset); });
        if (!match) return nullptr;
        if (!(match->hpte.r & hpt::kR)) {
            if (!hpt_.set_rc(*match, hpt::kR)) continue;  // changed under us: walk again
            match->hpte.r |= hpt::kR;
        }
        const u8 shift = match->page_shift;
        page_shifts_seen_ |= shift == 12 ? 1 : shift == 16 ? 2 : 4;
        Level2Entry& e = slot(segment.vsid, offset >> shift, shift);
        // A victim keeps its level-1 entries: an invalidation finds those by the SLB, not through level 2.
        e = {.match = *match,
             .vsid = segment.vsid,
             .page = offset >> shift,
             .segment_shift = segment.segment_shift,
             .base_shift = segment.base_shift};
        return &e;
    }
}

u64 Mmu::denial(const SlbEntry& segment, u64 r, Access access) const {
    if (access == Access::kFetch && (r & (hpt::kN | hpt::kG))) return kNoExecuteOrGuarded;
    // PP and key: Book III-S 5.7.9.1.
    const bool key = segment.vsid & (space_.problem ? SlbEntry::kKp : SlbEntry::kKs);
    const unsigned pp = (r & hpt::kPp) | (r & hpt::kPp0 ? 4 : 0);
    bool load = false, store = false;
    if (pp == 2) {
        load = store = true;
    } else if (!key) {
        load = true;
        store = pp <= 1;
    } else {
        load = pp == 1 || pp == 3;
    }
    const bool allowed = access == Access::kStore ? store : load;
    // Virtual page class keys: Book III-S 5.7.9.3. Two bits a key, store-deny then load-deny.
    const unsigned page_key = hpt::key_of(r);
    const u64 mask = u64{access == Access::kStore ? 2u : 1u} << (62 - 2 * page_key);
    const bool key_denies = (access == Access::kFetch ? space_.iamr : space_.amr) & mask;
    if (allowed && !key_denies) return 0;
    if (access == Access::kFetch) return kProtection;
    return (allowed ? 0 : kProtection) | (key_denies ? kKeyProtection : 0) | (access == Access::kStore ? kIsStore : 0);
}

u8* Mmu::install(u64 ea, u64 real_page, Access access, const Extent& extent, Fault* fault) {
    u8* const host = ram_.at(Ra{real_page}, 4096);
    if (host == nullptr) {
        log(Log::kGuestErrors, "access at {:#x} to real address {:#x}, where nothing is", ea, real_page);
        *fault = {kMachineCheck, 0};
        return nullptr;
    }
    const u64 first = ea & kPageMask;
    if (access == Access::kFetch) {
        if (code_listener_ != nullptr) code_listener_->entered(Ra{real_page});
        note_low(code_->low_code, first);
        arrays_.code[level1_index(first)] = {first, real_page};
        return host;
    }
    u64 end = first + 4096;
    u64* expected = std::find(run_ends_.begin(), run_ends_.end(), first);
    if (expected == run_ends_.end()) {
        expected = &run_ends_[next_run_++ % run_ends_.size()];
    } else if (ram_.at(Ra{real_page}, 4096 * (1 + extent.following)) != nullptr) {
        end += 4096 * extent.following;
    }
    *expected = end;
    const u64 addend = reinterpret_cast<u64>(host) - first;
    for (u64 page = first; page != end; page += 4096) {
        note_low(data_->low_data, page);
        TlbEntry& e = arrays_.data[level1_index(page)];
        // The other kind's tag stays if the entry is of this page already: it was checked when it was set.
        if (e.page() != page) e = {};
        if (access == Access::kLoad || extent.other) e.load_tag = page;
        if (access == Access::kStore || extent.other) e.store_tag = page;
        e.addend = addend;
    }
    return host;
}

u8* Mmu::fill_real(u64 ea, Access access, Fault* fault) {
    return install(ea, ea & kRealModeMask & kPageMask, access, {.other = true}, fault);
}

u8* Mmu::fill(u64 ea, Access access, Fault* fault) {
    ++stats_.level1_misses;
    const bool is_fetch = access == Access::kFetch;
    if (!(is_fetch ? ir_ : dr_)) return fill_real(ea, access, fault);
    const SlbEntry* segment = slb_.find(ea);
    if (segment == nullptr) {
        *fault = {is_fetch ? kInsnSegment : kDataSegment, 0};
        return nullptr;
    }
    if (is_fetch && (segment->vsid & SlbEntry::kNoExecute)) {
        *fault = {kInsnStorage, kNoExecuteOrGuarded};
        return nullptr;
    }
    const u64 offset = ea & ((u64{1} << segment->segment.segment_shift) - 1);
    for (;;) {
        Level2Entry* l2 = level2(segment->segment, offset);
        if (l2 == nullptr) {
            *fault = is_fetch ? Fault{kInsnStorage, kNoTranslation}
                              : Fault{kDataStorage, kNoTranslation | (access == Access::kStore ? kIsStore : 0)};
            return nullptr;
        }
        if (const u64 why = denial(*segment, l2->match.hpte.r, access); why != 0) {
            *fault = {is_fetch ? kInsnStorage : kDataStorage, why};
            return nullptr;
        }
        if (access == Access::kStore && !(l2->match.hpte.r & hpt::kC)) {
            if (!hpt_.set_rc(l2->match, hpt::kR | hpt::kC)) {
                *l2 = {};  // the HPTE is not what it was: look again
                continue;
            }
            l2->match.hpte.r |= hpt::kC;
        }
        const u64 page_mask = (u64{1} << l2->match.page_shift) - 1;
        const u64 page = l2->match.hpte.r & hpt::kRpn & ~page_mask;
        if (is_fetch) {
            fetched_.set(fetched_bit(segment->segment.vsid, offset));
            if (!l2->fetched) fetched_first(segment->segment, offset, *l2);
        }
        Extent extent;
        if (!is_fetch) {
            const Access other = access == Access::kStore ? Access::kLoad : Access::kStore;
            extent.other = (l2->match.hpte.r & hpt::kC) && denial(*segment, l2->match.hpte.r, other) == 0;
            extent.following = std::min((~offset & page_mask) >> 12, kRun - 1);
        }
        return install(ea, page | (offset & page_mask & kPageMask), access, extent, fault);
    }
}

u64 Mmu::addend(u64 ea, unsigned size, bool load, bool store) const {
    const auto in_page = [&](u64 at) {
        const TlbEntry& e = arrays_.data[level1_index(at)];
        const u64 page = at & kPageMask;
        return (!load || e.load_tag == page) && (!store || e.store_tag == page) ? e.addend : 0;
    };
    const u64 there = in_page(ea);
    return in_page(ea + size - 1) == there ? there : 0;
}

u8* Mmu::translate(u64 ea, bool store, Fault* fault) {
    if (u8* host = hit(ea, 1, store)) return host;
    u8* page = fill(ea, store ? Access::kStore : Access::kLoad, fault);
    if (page == nullptr) {
        ++stats_.faults;
        return nullptr;
    }
    return page + (ea & ~kPageMask);
}

bool Mmu::fetch_slow(u64 ea, Ra* ra, Fault* fault) {
    const u8* page = fill(ea, Access::kFetch, fault);
    if (page == nullptr) {
        ++stats_.faults;
        return false;
    }
    *ra = real(page + (ea & ~kPageMask));
    return true;
}

}  // namespace mpower::mmu
