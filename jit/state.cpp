#include "jit/state.h"

#include "base/log.h"
#include "mmu/mmu.h"

namespace mpower::jit {

void end_pauses(CpuState& s) {
    s.pauses = CpuState::kPauses;
    s.platform->wait_a_while();
}

u64 xer(const CpuState& s) {
    u64 x = u64{s.so} << 31 | u64{s.ov} << 30 | u64{s.ca} << 29 | s.xer_count;
    if (s.level >= IsaLevel::k300) x |= u64{s.ov32} << 19 | u64{s.ca32} << 18;
    return x;
}

void set_xer(CpuState& s, u64 value) {
    s.so = value >> 31 & 1;
    s.ov = value >> 30 & 1;
    s.ca = value >> 29 & 1;
    s.ov32 = value >> 19 & 1;
    s.ca32 = value >> 18 & 1;
    s.xer_count = value & 0x7f;
}

u32 cr_word(const CpuState& s) {
    u32 word = 0;
    for (const u8 field : s.cr) word = word << 4 | field;
    return word;
}

void set_cr_word(CpuState& s, u32 value) {
    for (int i = 0; i < 8; ++i) s.cr[i] = value >> (28 - 4 * i) & 15;
}

void set_msr(CpuState& s, u64 value) {
    // Problem state implies external interrupts and relocation on (Book III-S 3.2.1, rfid and mtmsrd).
    if (value & msr::kPr) value |= msr::kEe | msr::kIr | msr::kDr;
    s.msr = value;
    if ((value & msr::kEe) && s.interrupt_held) {
        s.attention.fetch_or(kAttentionInterrupt, std::memory_order_relaxed);
    }
    s.mmu->set_mode(value & msr::kIr, value & msr::kDr, value & msr::kPr);
}

void take_interrupt(CpuState& s, Vector vector, u64 return_address, u64 srr1) {
    log(Log::kInt, "vcpu {} interrupt {:#x} at {:#x} msr {:#x} dar {:#x} dsisr {:#x} r3 {:#x}", s.id,
        static_cast<unsigned>(vector), return_address, s.msr, s.spr[spr::kDar], s.spr[spr::kDsisr], s.gpr[3]);
    // SRR1[33:36, 42:47] are the interrupt's; the rest is MSR.
    constexpr u64 kInterruptBits = ppc_mask(33, 36) | ppc_mask(42, 47);
    s.spr[spr::kSrr0] = return_address;
    s.spr[spr::kSrr1] = (s.msr & ~kInterruptBits) | srr1;

    u64 m = msr::kSf | (s.msr & msr::kMe);
    if (s.interrupt_le) m |= msr::kLe;
    u64 base = 0;
    // AIL = 3 keeps relocation on if it was on, but for machine check, system reset and the like (LPCR, Book
    // III-S 2.2).
    const bool relocated = s.ail && (s.msr & msr::kIr) && (s.msr & msr::kDr) && vector != Vector::kSystemReset &&
                           vector != Vector::kMachineCheck;
    if (relocated) {
        m |= msr::kIr | msr::kDr;
        base = 0xc000000000004000;
    }
    if (vector == Vector::kMachineCheck) m &= ~msr::kMe;
    s.nip = base + static_cast<u64>(vector);
    set_msr(s, m);
}

}  // namespace mpower::jit
