// Code that every block shares: the way in and out, the search for the next block, slow paths.
//
// Registers in generated code: r15 the CpuState (state()), r14 the level-1 TLB array of the current address space, r13
// the effective address of the block's first instruction (the NIP when it starts). rax, rcx, rdx and xmm0-xmm3 are
// scratch. The rest hold values. The stack frame has the byte-swap mask of vectors, room for a vector, 16-byte slots
// for values, then room for every register (around slow paths).
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <bit>

#include "jit/ir/ir.h"
#include "jit/translate.h"
#include "jit/x64/code_memory.h"
#include "jit/x64/host.h"

namespace mpower::jit::x64 {

inline const asmjit::x86::Gp kState = asmjit::x86::r15, kTlb = asmjit::x86::r14, kEntry = asmjit::x86::r13;

/// What kState is from the CpuState's address: a one-byte displacement reaches every GPR.
constexpr int kStateBias = 128;
/// `size` bytes of the state at `offset`.
inline asmjit::x86::Mem state(u64 offset, u32 size) {
    return asmjit::x86::Mem(kState, static_cast<i32>(offset) - kStateBias, size);
}
inline asmjit::x86::Mem state(u64 offset, u32 size, const asmjit::x86::Gp& index) {
    return asmjit::x86::Mem(kState, index, 0, static_cast<i32>(offset) - kStateBias, size);
}
/// rdi <- the CpuState's address.
inline void load_state_address(asmjit::x86::Assembler& a) {
    a.lea(asmjit::x86::rdi, asmjit::x86::ptr(kState, -kStateBias));
}

constexpr u32 kFirstXmm = 4;  ///< Of those that hold values.
constexpr u32 kMostXmm = 32;  ///< With AVX-512.
// The first slots are within reach of a one-byte displacement.
constexpr int kSwapMask = 0, kScratch = 16, kUnusual = 32, kMxcsr = 36, kWrongGuess = 40, kSlots = 48,
              kSavedGeneral = kSlots + 16 * static_cast<int>(kMaxBlockIr), kSavedVectors = kSavedGeneral + 16 * 8,
              kLooks = kSavedVectors + 16 * static_cast<int>(kMostXmm);
constexpr unsigned kMostLooks = 8;                        ///< That a loop may hoist.
constexpr int kFrameBytes = kLooks + 8 * kMostLooks + 8;  // 8: rsp is 16-byte aligned inside

/// MXCSR: its flag of inexact results; as a process starts with it.
constexpr u32 kHostInexact = 0x20, kHostControls = 0x1f80;

/// What enter() returns.
constexpr u64 kLeftAttention = 0;  ///< NIP and MSR say where to go on.
constexpr u64 kLeftHypercall = 1;

struct Stubs {
    /// Which xmm registers hold values, so that MXCSR is to be kept too: none, some of xmm0 to xmm15, of all.
    enum class Keep : u8 { kNone, kLow, kAll };

    u64 (*enter)(CpuState*, const void* code) = nullptr;
    u64 leave = 0;     ///< Jump: returns rax from enter().
    u64 poll = 0;      ///< Jump: NIP := r13, leaves with kLeftAttention.
    u64 resume = 0;    ///< Jump: goes on at NIP, in the mode that MSR says; context synchronising.
    u64 dispatch = 0;  ///< Jump: goes on at r13.
    u64 promote = 0;   ///< Jump: goes on at r13, whose block has become hot.
    /// Call that does not return: goes on at r13. It is followed by `enter`, whose operands are the number of the
    /// LinkSite to connect: sixteenths of its bytes from CodeMemory::data().
    u64 link = 0;
    u64 interrupt = 0;     ///< Jump: takes the pending interrupt; rsi = NIP of the instruction.
    u64 raise = 0;         ///< Jump: takes interrupt eax with SRR1 bits rdx; rsi likewise.
    u64 note_inexact = 0;  ///< Call: XX and FX := 1 if the host had an inexact result and XX is 0. Keeps registers.
    u64 indirect = 0;      ///< Jump: goes on at r13, whose low two bits do not count, by the jump cache.
    /// Call: rax = the CR field of the comparison that set the flags, SO with it; signed and unsigned. Keep all but
    /// rax, rcx, rdx.
    u64 compare_signed = 0, compare_unsigned = 0;
    /// Call: a whole access, by number(). rax = effective address; the value to store, or loaded, is in rdx, or xmm0 if
    /// it has 16 bytes. Keep all but rax, rcx, rdx, xmm0; return rax = 0 if it must be interrupted. If `test al, n`
    /// follows the call they do not return then, but interrupt the block's guest instruction n; all state is in its
    /// place.
    std::array<u64, 192> access{};
    /// Call, by Keep: look_slow() of rax, rdx and the ProbeForm whose low half is ecx; rax = 0 or the result, which ZF
    /// tells apart. Keeps all but rax, rcx, rdx, xmm0.
    std::array<u64, 3> look{};
    std::array<u64, 3> pause{};  ///< Call, by Keep: end_pauses(). Keeps all but rax, rcx, rdx.
    u64 plain = 0;               ///< Jump: goes on at r13, in a block that stays cold (ir::kPlain).
    /// Call: rax = effective address, rdx = pointer to the value, ecx = access (pack()); saves all but rax, rcx, rdx.
    /// Returns rax = 0 if it must be interrupted, which ZF tells, too; rdx = value.
    u64 load_reserve = 0, store_conditional = 0;

    static u32 pack(const ir::Access& a) { return a.size | a.swap << 8 | a.sign << 9 | a.aligned << 10; }
    static unsigned number(const ir::Access& a, bool store, Keep vectors) {
        return static_cast<unsigned>(std::countr_zero(a.size)) | a.swap << 3 | a.sign << 4 | store << 5 |
               static_cast<unsigned>(vectors) << 6;
    }
};

/// What code depends on besides the guest's.
struct StubOptions {
    bool counted = false;      ///< CpuState::instructions is kept exact.
    bool slow_stores = false;  ///< Each store is to be done by C++.
    bool clobber = false;      ///< CodeOptions::clobber.
};

/// Makes them at the start of `memory`, in at most `room` bytes.
Stubs make_stubs(CodeMemory& memory, std::size_t room, const Host& host, const StubOptions& options);

// --- what stubs and blocks have in common

/// Calls C++ at `function`, by rax. `clobber`: then all is destroyed that it need not keep, but for rax, rdx and MXCSR.
void call(asmjit::x86::Assembler& a, const Host& host, u64 function, bool clobber);
/// Looks for `size` bytes at base + distance in the level-1 TLB: `entry` becomes the entry's place from kTlb, or
/// control goes to `miss`. Clobbers `tag`; `base` may be neither. `aligned`: what is not naturally aligned is a miss
/// too.
void look_up(asmjit::x86::Assembler& a, const Host& host, const asmjit::x86::Gp& base, i32 distance, unsigned size,
             bool store, const asmjit::x86::Gp& entry, const asmjit::x86::Gp& tag, const asmjit::Label& miss,
             bool aligned = false);
/// Reverses the bytes of the low `size` bytes.
void swap(asmjit::x86::Assembler& a, const asmjit::x86::Gp& r, unsigned size);
/// r <- the access's bytes at `storage`.
void load(asmjit::x86::Assembler& a, const asmjit::x86::Gp& r, const asmjit::x86::Mem& storage, ir::Access access);
/// The access's bytes at `storage` <- v; `scratch`, which may be v, is clobbered if they are swapped.
void store(asmjit::x86::Assembler& a, const asmjit::x86::Mem& storage, const asmjit::x86::Gp& v,
           const asmjit::x86::Gp& scratch, ir::Access access);
/// r <- 8, 4 or 2 by the flags of a comparison. Clobbers rcx, rdx.
void make_cr_field(asmjit::x86::Assembler& a, const asmjit::x86::Gp& r, bool is_signed);
/// Goes on at the effective address in `ea` and kEntry by the jump cache. Clobbers rax and `ea`. `dispatch`: Stubs's.
void jump_by_cache(asmjit::x86::Assembler& a, const asmjit::x86::Gp& ea, u64 dispatch);

}  // namespace mpower::jit::x64
