// Supervisor instructions (Power ISA 2.07, Book III-S chapters 2-5; scv and rfscv: ISA 3.0, Book III 3.3).
#include "base/log.h"
#include "jit/cache_ops.h"
#include "jit/isa/spr_table.h"
#include "jit/isa/table.h"
#include "mmu/mmu.h"

namespace mpower::jit {

u64 icbi(CpuState& s, u64 ea, u64, u64) {
    // The address must translate as a load's; which block it names does not matter (mmu/code_epochs.h).
    mmu::Fault fault;
    if (s.mmu->translate(ea, false, &fault) == nullptr) {
        s.spr[spr::kDar] = ea;
        if (fault.vector == 0x300) s.spr[spr::kDsisr] = fault.status;
        s.pending = static_cast<Vector>(fault.vector);
        s.pending_srr1 = 0;
        return 0;
    }
    s.mmu->epochs().modified();
    return 0;
}

}  // namespace mpower::jit

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

// MSR bits that exist for this guest: no TM, HV always 0.
constexpr u64 kMsrBits = msr::kSf | msr::kVec | msr::kVsx | msr::kEe | msr::kPr | msr::kFp | msr::kMe | msr::kFe0 |
                         msr::kSe | msr::kBe | msr::kFe1 | msr::kIr | msr::kDr | msr::kPmm | msr::kRi | msr::kLe;
constexpr u8 kFscrScv = 12;

/// rfid: MSR := SRR1 but for ME, which only a hypervisor changes; NIP := SRR0.
u64 return_from_interrupt(CpuState& s, u64 address, u64 new_msr, u64) {
    const u64 m = (new_msr & kMsrBits & ~msr::kMe) | (s.msr & msr::kMe);
    set_msr(s, m);
    s.nip = (s.msr & msr::kSf ? address : static_cast<u32>(address)) & ~u64{3};
    return 0;
}

/// mtmsr, mtmsrd: MSR bits of `mask` := value's; ME and LE stay.
u64 move_to_msr(CpuState& s, u64 value, u64 mask, u64) {
    mask &= kMsrBits & ~(msr::kMe | msr::kLe);
    set_msr(s, (s.msr & ~mask) | (value & mask));
    s.nip = s.msr & msr::kSf ? s.nip + 4 : static_cast<u32>(s.nip + 4);
    return 0;
}

void raise_facility(CpuState& s, u64 code) {
    s.spr[spr::kFscr] = (s.spr[spr::kFscr] & ~(u64{0xff} << 56)) | code << 56;
    s.pending = Vector::kFacilityUnavailable;
    s.pending_srr1 = 0;
}

/// In problem state a facility must be on in FSCR (Book III-S 6.2.12).
u64 check_facility(CpuState& s, u64 code, u64, u64) {
    if (!(s.spr[spr::kFscr] >> code & 1)) raise_facility(s, code);
    return 0;
}

u64 read_spr(CpuState& s, u64 row, u64, u64) { return reinterpret_cast<const SprRow*>(row)->get(s); }
u64 write_spr(CpuState& s, u64 row, u64 value, u64) {
    reinterpret_cast<const SprRow*>(row)->set(s, value);
    return 0;
}

u64 system_call_vectored(CpuState& s, u64 level, u64 return_address, u64) {
    if (!(s.spr[spr::kFscr] >> kFscrScv & 1)) {
        raise_facility(s, kFscrScv);
        return 0;
    }
    s.lr = return_address;
    s.ctr = s.msr;
    u64 m = s.msr &
            ~(msr::kPr | msr::kFp | msr::kVec | msr::kVsx | msr::kFe0 | msr::kFe1 | msr::kSe | msr::kBe | msr::kPmm);
    m |= msr::kSf;
    m = s.interrupt_le ? m | msr::kLe : m & ~msr::kLe;
    // Unlike other interrupts, scv leaves EE and RI alone (ISA 3.0, Book III 6.5.27).
    const bool relocated = s.ail && (s.msr & msr::kIr) && (s.msr & msr::kDr);
    if (!relocated) m &= ~(msr::kIr | msr::kDr);
    set_msr(s, m);
    s.nip = (relocated ? 0xc000000000003000 : 0x17000) + level * 0x20;
    return 0;
}

u64 do_slbmte(CpuState& s, u64 rs, u64 rb, u64) {
    if (!s.mmu->slbmte(rs, rb)) {
        log(Log::kGuestErrors, "slbmte of a reserved encoding: {:#x} {:#x} at {:#x}", rs, rb, s.nip);
        s.pending = Vector::kProgram;
        s.pending_srr1 = program::kIllegal;
    }
    return 0;
}
u64 do_slbie(CpuState& s, u64 rb, u64, u64) {
    s.mmu->slbie(rb);
    return 0;
}
u64 do_slbia(CpuState& s, u64 ih, u64, u64) {
    s.mmu->slbia(static_cast<unsigned>(ih));
    return 0;
}
u64 do_slbmfev(CpuState& s, u64 rb, u64, u64) {
    const auto& e = s.mmu->slb().entry(rb & 0xfff);
    return (rb & 0xfff) < mmu::Slb::kEntries && e.valid() ? e.vsid : 0;
}
u64 do_slbmfee(CpuState& s, u64 rb, u64, u64) {
    const auto& e = s.mmu->slb().entry(rb & 0xfff);
    return (rb & 0xfff) < mmu::Slb::kEntries && e.valid() ? e.esid : 0;
}
/// slbfee.: the VSID word of the entry for an ESID; bit 0 of the helper's answer cannot be in it: V found.
u64 do_slbfee(CpuState& s, u64 rb, u64, u64) {
    for (unsigned i = 0; i < mmu::Slb::kEntries; ++i) {
        const auto& e = s.mmu->slb().entry(i);
        if (e.covers(rb)) return e.vsid | 1;
    }
    return 0;
}

/// What mfspr/mtspr of a register that is not there does: Book III-S 4.4.4. The number's 0x10 bit marks privileged
/// ones.
void no_such_spr(Builder& b, Insn i, const char* what) {
    log(Log::kUnimp, "{} of SPR {}", what, i.spr());
    if (b.mode().pr) {
        b.raise(Vector::kProgram, i.spr() & 0x10 ? program::kPrivileged : program::kIllegal);
    } else if (i.spr() == 0 || i.spr() == 4 || i.spr() == 5 || i.spr() == 6) {
        b.illegal();
    }
    // Otherwise no operation.
}

bool allowed(Builder& b, Right right) { return right == Right::kUser || (right == Right::kPriv && !b.mode().pr); }

void check_spr_facility(Builder& b, const SprRow& row) {
    if (row.facility != 0 && b.mode().pr) b.call_sys(check_facility, b.imm(row.facility));
}

}  // namespace

// LEV = 1 calls the hypervisor; it decides what problem state gets (H_PRIVILEGE).
void sc(Builder& b, Insn i) {
    if (i.field(20, 26) == 1) return b.hypercall();
    b.syscall(Vector::kSystemCall);
}

void scv(Builder& b, Insn i) {
    b.call_sys(system_call_vectored, b.imm(i.field(20, 26)), b.cia_plus(4));
    b.exit_return();
}

void rfid(Builder& b, Insn) {
    b.call_sys(return_from_interrupt, b.spr(spr::kSrr0), b.spr(spr::kSrr1));
    b.exit_return();
}

// MSR <- CTR, NIA <- LR
void rfscv(Builder& b, Insn) {
    b.call_sys(return_from_interrupt, b.lr(), b.ctr());
    b.exit_return();
}

void hrfid(Builder& b, Insn) { b.illegal(); }

void mfmsr(Builder& b, Insn i) { b.set_gpr(i.rt(), b.get64(offsetof(CpuState, msr))); }

namespace {
void move_msr(Builder& b, Insn i, u64 mask) {
    // L = 1 changes EE and RI only.
    b.call_sys(move_to_msr, b.gpr(i.rs()), b.imm(i.bit(15) ? msr::kEe | msr::kRi : mask));
    b.exit_return();
}
}  // namespace

void mtmsr(Builder& b, Insn i) { move_msr(b, i, 0xffffffff); }
void mtmsrd(Builder& b, Insn i) { move_msr(b, i, ~u64{0}); }

void mfspr(Builder& b, Insn i) {
    switch (i.spr()) {
        case spr::kLr: return b.set_gpr(i.rt(), b.lr());
        case spr::kCtr: return b.set_gpr(i.rt(), b.ctr());
        default: break;
    }
    const SprRow* row = find_spr(i.spr(), b.mode().level);
    if (row == nullptr || row->read == Right::kNone) return no_such_spr(b, i, "mfspr");
    if (!allowed(b, row->read)) return b.raise(Vector::kProgram, program::kPrivileged);
    check_spr_facility(b, *row);
    b.set_gpr(i.rt(), row->get == nullptr ? b.spr(row->storage) : b.call(read_spr, b.imm(reinterpret_cast<u64>(row))));
}

void mtspr(Builder& b, Insn i) {
    const Value v = b.gpr(i.rs());
    switch (i.spr()) {
        case spr::kLr: return b.set_lr(v);
        case spr::kCtr: return b.set_ctr(v);
        default: break;
    }
    const SprRow* row = find_spr(i.spr(), b.mode().level);
    if (row == nullptr || row->write == Right::kNone) return no_such_spr(b, i, "mtspr");
    if (!allowed(b, row->write)) return b.raise(Vector::kProgram, program::kPrivileged);
    check_spr_facility(b, *row);
    if (row->set == nullptr) return b.set_spr(row->storage, b.and_(v, row->write_mask));
    b.call(write_spr, b.imm(reinterpret_cast<u64>(row)), v);
}

// Phased out for mfspr of 268 and 269, which it means.
void mftb(Builder& b, Insn i) {
    if (i.spr() != spr::kTb && i.spr() != spr::kTbu) return b.illegal();
    mfspr(b, i);
}

void slbmte(Builder& b, Insn i) { b.call_sys(do_slbmte, b.gpr(i.rs()), b.gpr(i.rb())); }
void slbie(Builder& b, Insn i) { b.call_sys(do_slbie, b.gpr(i.rb())); }
// This thread's SLB is all there is to invalidate: other threads' are their own vCPUs'.
void slbieg(Builder& b, Insn i) { b.call_sys(do_slbie, b.gpr(i.rb())); }
void slbia(Builder& b, Insn i) { b.call_sys(do_slbia, b.imm(i.field(8, 10))); }
void slbsync(Builder&, Insn) {}
void slbmfev(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(do_slbmfev, b.gpr(i.rb()))); }
void slbmfee(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(do_slbmfee, b.gpr(i.rb()))); }
void slbfee_(Builder& b, Insn i) {
    const Value found = b.call(do_slbfee, b.gpr(i.rb()));
    b.set_gpr(i.rt(), b.and_(found, ~u64{1}));
    b.set_cr(0, b.or_(b.shl(b.and_(found, 1), 1), b.so()));
}
// The HPT is the hypervisor's, and what a hypercall has changed there is in no look-aside buffer: whatever this vCPU's
// holds, a walk would find again. Linux takes a processor offline with it.
void tlbiel(Builder&, Insn) {}

// Hypervisor instructions: the translator raises their interrupt before it comes here.
void tlbie(Builder& b, Insn) { b.illegal(); }
void tlbsync(Builder& b, Insn) { b.illegal(); }
void msgsnd(Builder& b, Insn) { b.illegal(); }
void msgclr(Builder& b, Insn) { b.illegal(); }

}  // namespace mpower::jit::isa::sem
