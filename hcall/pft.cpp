// hcall-pft, hcall-bulk, hcall-block-remove, hcall-hpt-resize: the hash page table (PAPR, "Page Frame Table Access").
#include <algorithm>
#include <bit>

#include "base/shared_bytes.h"
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

constexpr u64 kZeroPage = u64{1} << 15, kCopyPage = u64{1} << 14, kIcacheInvalidate = u64{1} << 23,
              kIcacheSynchronize = u64{1} << 22;

HcallStatus enter(Vcpu& cpu, Args args) {
    smp::Machine& m = cpu.machine();
    const u64 flags = args[0], v = args[2], r = args[3];
    if (flags & kZeroPage) {
        // Before the entry can be seen, but not for a call that H_ENTER refuses anyway (but H_PTEG_FULL: the caller
        // wants the page zero, and tries again elsewhere).
        const auto sizes = hpt::page_sizes(v, r);
        if (!sizes || args[1] >= m.hpt().slots() || (r & hpt::kWimg) != hpt::kM) return papr::kParameter;
        const u64 bytes = u64{1} << sizes->page_shift;
        u8* page = m.guest_ram().at_for_store(Ra{r & hpt::kRpn & ~(bytes - 1)}, bytes);
        if (page == nullptr) return papr::kParameter;
        zero_shared(page, bytes);
    }
    if (flags & (kIcacheInvalidate | kIcacheSynchronize)) m.code_epochs().modified();
    const auto entered = m.hpt().enter(flags, PteIndex{args[1]}, v, r, m.ram_bytes());
    if (entered.status == papr::kSuccess) args[0] = entered.index.v;
    return entered.status;
}

HcallStatus finish(const hpt::Hpt::Removed& removed, Args args) {
    if (removed.status == papr::kSuccess) {
        args[0] = removed.old.v;
        args[1] = removed.old.r;
    }
    return removed.status;
}

HcallStatus remove(Vcpu& cpu, Args args) {
    return finish(cpu.machine().hpt().remove(args[0], PteIndex{args[1]}, args[2], cpu.invalidator()), args);
}

HcallStatus protect(Vcpu& cpu, Args args) {
    return cpu.machine().hpt().protect(args[0], PteIndex{args[1]}, args[2], cpu.invalidator());
}

HcallStatus read(Vcpu& cpu, Args args) {
    const hpt::Hpt& table = cpu.machine().hpt();
    const bool four = args[0] & hpt::flag::kRead4;
    const u64 first = four ? args[1] & ~u64{3} : args[1];
    for (u64 n = 0; n < (four ? 4 : 1); ++n) {
        const auto e = table.read(PteIndex{first + n});
        if (!e) return papr::kParameter;
        args[2 * n] = e->v;
        args[2 * n + 1] = e->r;
    }
    return papr::kSuccess;
}

HcallStatus clear(Vcpu& cpu, Args args, u64 bit) {
    const auto cleared = cpu.machine().hpt().clear(bit, args[0], PteIndex{args[1]}, args[2], cpu.invalidator());
    if (cleared.status == papr::kSuccess) args[0] = cleared.old.r;
    return cleared.status;
}
HcallStatus clear_reference(Vcpu& cpu, Args args) { return clear(cpu, args, hpt::kR); }
HcallStatus clear_modified(Vcpu& cpu, Args args) { return clear(cpu, args, hpt::kC); }

HcallStatus bulk_remove(Vcpu& cpu, Args args) {
    return cpu.machine().hpt().bulk_remove(args.first<8>(), cpu.invalidator());
}

HcallStatus block_remove(Vcpu& cpu, Args args) {
    const HcallStatus status = cpu.machine().hpt().block_remove(args[0], args.subspan<1, 8>(), cpu.invalidator());
    std::copy(args.begin() + 1, args.end(), args.begin());  // answers begin in r4, where the AVPN was
    return status;
}

/// A table as large as RAM has 256 entries for each page of 4K: larger ones only cost the host's memory.
bool size_makes_sense(smp::Machine& m, u64 shift) {
    return shift <= std::max<u64>(m.options().hpt_shift, std::bit_width(m.ram_bytes() - 1));
}

HcallStatus resize_prepare(Vcpu& cpu, Args args) {
    const u64 flags = args[0], shift = args[1];
    if (flags != 0 || shift > hpt::Hpt::kMaxShift) return papr::kParameter;
    if (!size_makes_sense(cpu.machine(), shift)) return papr::kResource;
    return cpu.machine().hpt().resize_prepare(static_cast<unsigned>(shift));
}

HcallStatus resize_commit(Vcpu& cpu, Args args) {
    const u64 flags = args[0], shift = args[1];
    if (flags != 0 || shift < hpt::Hpt::kMinShift || shift > hpt::Hpt::kMaxShift) return papr::kParameter;
    return cpu.machine().hpt().resize_commit(static_cast<unsigned>(shift), cpu.invalidator());
}

/// H_PAGE_INIT: zero or copy a 4K page.
HcallStatus page_init(Vcpu& cpu, Args args) {
    constexpr u64 kPage = 4096;
    const u64 flags = args[0], to = args[1], from = args[2];
    constexpr u64 kKnown = kZeroPage | kCopyPage | kIcacheInvalidate | kIcacheSynchronize;
    if (flags & ~kKnown) return papr::kParameter;
    u8* destination = cpu.machine().guest_ram().at_for_store(Ra{to}, kPage);
    if (to % kPage != 0 || destination == nullptr) return papr::kParameter;
    if (flags & kCopyPage) {
        const u8* source = cpu.machine().guest_ram().at(Ra{from}, kPage);
        if (from % kPage != 0 || source == nullptr) return papr::kParameter;
        copy_shared(destination, source, kPage);
    } else if (flags & kZeroPage) {
        zero_shared(destination, kPage);
    }
    if (flags & (kIcacheInvalidate | kIcacheSynchronize)) cpu.machine().code_epochs().modified();
    return papr::kSuccess;
}

constexpr Hcall kHcalls[] = {
    {0x04, "H_REMOVE", remove},
    {0x08, "H_ENTER", enter},
    {0x0c, "H_READ", read},
    {0x10, "H_CLEAR_MOD", clear_modified},
    {0x14, "H_CLEAR_REF", clear_reference},
    {0x18, "H_PROTECT", protect},
    {0x2c, "H_PAGE_INIT", page_init},
    {0x124, "H_BULK_REMOVE", bulk_remove},
    {0x328, "H_BLOCK_REMOVE", block_remove},
    {0x36c, "H_RESIZE_HPT_PREPARE", resize_prepare},
    {0x370, "H_RESIZE_HPT_COMMIT", resize_commit},
};

}  // namespace

std::span<const Hcall> pft_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
