// The architected state of one vCPU, as both executors see it: plain data at fixed offsets, so that IR and generated
// code name a register by its offset. Everything here belongs to the vCPU's own thread, but for `attention`.
#pragma once

#include <atomic>

#include "base/types.h"
#include "jit/msr.h"
#include "jit/spr.h"

namespace mpower::mmu {
class Mmu;
struct Level1Arrays;
}  // namespace mpower::mmu

namespace mpower::jit {

class StoreLog;

/// A 128-bit register as one host integer: `hi` is the ISA's doubleword 0. Element i of n (numbered from the left, as
/// the ISA does) is the host's lane n-1-i, so a little-endian quadword in storage is the register as it stands.
struct alignas(16) V128 {
    u64 lo = 0, hi = 0;
    bool operator==(const V128&) const = default;
};

/// Bits of a CR field, as the ISA numbers them: LT is the most significant of four.
namespace cr {
constexpr u8 kLt = 8, kGt = 4, kEq = 2, kSo = 1;
}

/// A scalar floating-point operation whose FPRF, FR and FI are not in FPSCR yet, because they are rarely looked at:
/// fp::settle() works them out (jit/fp/settle.h). The operands are raw bits.
struct LastFloat {
    u16 operation = 0;  ///< 0: FPSCR is exact.
    u8 compared = 0;    ///< FPCC of a comparison after it; 0: none.
    u8 unused[5]{};
    u64 a = 0, b = 0, c = 0;
};

/// ISA level of the vCPU: what it decodes.
enum class IsaLevel : u8 { kBase, k205, k206, k207, k300 };

/// What the machine does for an instruction: time, interrupts, idling. Called on the vCPU's own thread.
class Platform {
  public:
    virtual ~Platform() = default;
    virtual u64 time_base() = 0;                  ///< 512 MHz ticks.
    virtual void set_decrementer(u64 ticks) = 0;  ///< Sign-extended ticks from this moment to the interrupt.
    virtual u64 decrementer() = 0;                ///< Remaining ticks, sign-extended to 64 bits.
    virtual u64 random() = 0;                     ///< For darn.
    virtual void wait_a_while() {}                ///< The guest has been going round a loop that waits.
};

/// The bit of CpuState::attention that makes the run loop look at interrupts; the others are smp's.
constexpr u32 kAttentionInterrupt = 1;

/// Where the code at an effective address is, for jumps that no link serves. See JumpCache.
struct JumpEntry {
    u64 tag = 0;
    const void* code = nullptr;
    /// The executor's: the code is that of block `key` as long as no more code than `killed` was. So an entry whose
    /// stamp is out of date is made good without a look at the table of all code.
    u64 key = 0, killed = ~u64{0};
};

/// Recently resolved effective addresses, direct-mapped by word. A stamp stands for everything an answer depends on but
/// the address: mode, address space, mappings. Each has an order of the entries, `salt`, that of a mode and space, or
/// one address in two modes would want one entry: Linux's own code runs with and without vectors by turns. An entry
/// answers for address `ea` if its tag is ea ^ salt ^ stamp. A stamp has as many bits as an index covers and is not 0:
/// index and tag tell the stamp, hence its salt, hence the address, and no pair of them is taken for another's or an
/// empty entry's.
struct JumpCache {
    static constexpr unsigned kEntries = 32768;
    static constexpr u64 kStamps = kEntries * 4;

    u64 key = 1;    ///< Stamp ^ salt.
    u64 order = 0;  ///< Salt * 8: bytes of entries.
    alignas(64) JumpEntry entries[kEntries];

    JumpCache() { clear(); }
    /// `kind`: decides the salt. A stamp has always the same one; others may share it.
    void set(u64 stamp, u64 kind) {
        const u64 salt = kind * 0x9e3779b97f4a7c15 >> 32 & (kEntries - 1) << 2;
        order = salt << 3;
        key = stamp ^ salt;
    }
    u64 tag(u64 ea) const { return ea ^ key; }
    JumpEntry& entry(u64 ea) { return entries[(ea << 3 ^ order) >> 5 & (kEntries - 1)]; }
    void clear() {
        for (unsigned n = 0; n < kEntries; ++n) entries[n] = {.tag = u64{n} << 2};
    }
};

struct CpuState {
    u64 gpr[32]{};
    u64 nip = 0, lr = 0, ctr = 0, msr = 0;
    u8 cr[8]{};                                     ///< One CR field a byte: LT 8, GT 4, EQ 2, SO 1.
    u8 so = 0, ov = 0, ca = 0, ov32 = 0, ca32 = 0;  ///< XER bits, each 0 or 1. ov32 and ca32 exist on ISA 3.0.
    u8 xer_count = 0;                               ///< XER[57:63], the byte count of lswx/stswx.
    u32 vrsave = 0;
    u64 fpscr = 0;  ///< FPRF, FR and FI: see last_float.
    LastFloat last_float;
    u32 vscr = 0;    ///< NJ 0x10000, SAT 1.
    V128 vsr[64]{};  ///< FPR n is vsr[n].hi; VR n is vsr[32 + n].

    /// SPRs that are plain storage, by number. Those with fields above, or that act, are not here (system.cpp).
    u64 spr[1024]{};

    /// Reservation of larx: host address, the version of its slot (mmu/reservations.h), size in bytes (0 = none) and
    /// the value loaded, in host integer form: as many bytes of it as the size says.
    u64 reserve_at = 0, reserve_version = 0;
    u32 reserve_size = 0;
    u128 reserve_value = 0;

    /// Set by a helper that must interrupt the current instruction; the executor delivers it and clears it.
    Vector pending = Vector::kNone;
    u64 pending_srr1 = 0;

    /// An interrupt waits for MSR[EE]: setting EE raises kAttentionInterrupt.
    bool interrupt_held = false;

    /// Nonzero: the executor returns to the run loop at its next poll. Set by any thread (release), read by polls
    /// (relaxed; the run loop then reads what was published with acquire). Bits: smp/vcpu.h.
    std::atomic<u32> attention{0};

    /// Hints of low priority to go until Platform::wait_a_while (Op::kPause).
    u32 pauses = kPauses;
    static constexpr u32 kPauses = 16384;

    IsaLevel level = IsaLevel::k207;
    bool interrupt_le = false;  ///< LPCR[ILE]: interrupts are taken in little-endian mode.
    bool ail = false;           ///< LPCR[AIL] = 3: interrupts taken with relocation on, at 0xc000000000004000.
    VcpuId id = 0;
    mmu::Mmu* mmu = nullptr;
    Platform* platform = nullptr;
    u64 instructions = 0;        ///< Executed so far; a statistic.
    StoreLog* stores = nullptr;  ///< Told of each store before it is made; for -accel verify.

    // --- for generated code; its executor's
    const mmu::Level1Arrays* tlb = nullptr;
    void* executor = nullptr;
    JumpCache jumps;
};

/// CpuState::pauses has come to 0.
void end_pauses(CpuState& s);

/// XER as mfspr shows it; only ISA 3.0 has OV32 and CA32.
u64 xer(const CpuState& s);
void set_xer(CpuState& s, u64 value);

/// CR as mfcr shows it: field 0 most significant of 32 bits.
u32 cr_word(const CpuState& s);
void set_cr_word(CpuState& s, u32 value);

/// Takes interrupt `vector`: SRR0 := `return_address`, SRR1 := MSR bits | `srr1`, MSR and NIP as Book III-S 6.5 and
/// LPCR[AIL, ILE] say. DAR, DSISR are the caller's to set before.
void take_interrupt(CpuState& s, Vector vector, u64 return_address, u64 srr1);

/// Sets MSR, and what follows from it in the MMU (address space, real mode). Facility and mode changes take effect at
/// the next block.
void set_msr(CpuState& s, u64 value);

}  // namespace mpower::jit
