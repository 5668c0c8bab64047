// Code that every block shares: the way in and out, the search for the next block, slow paths.
//
// Registers in generated code: r15 the CpuState, r14 the level-1 TLB array of the current address space, r13 the
// effective address of the block's first instruction (the NIP when it starts). rax, rcx, rdx are scratch. The rest hold
// values. The stack frame has the byte-swap mask of vectors, room for a vector, for every register (around slow paths),
// then 16-byte slots for values.
#pragma once

#include <asmjit/x86.h>

#include "jit/ir/ir.h"
#include "jit/translate.h"
#include "jit/x64/code_memory.h"

namespace mpower::jit::x64 {

inline const asmjit::x86::Gp kState = asmjit::x86::r15, kTlb = asmjit::x86::r14, kEntry = asmjit::x86::r13;

constexpr int kSwapMask = 0, kScratch = 16, kSavedGeneral = 32, kSavedVectors = 160, kSlots = 416;
constexpr int kFrameBytes = kSlots + 16 * static_cast<int>(kMaxBlockIr) + 8;  // 8: rsp is 16-byte aligned inside

/// What enter() returns.
constexpr u64 kLeftAttention = 0;  ///< NIP and MSR say where to go on.
constexpr u64 kLeftHypercall = 1;

struct Stubs {
    u64 (*enter)(CpuState*, const void* code) = nullptr;
    u64 leave = 0;     ///< Jump: returns rax from enter().
    u64 poll = 0;      ///< Jump: NIP := r13, leaves with kLeftAttention.
    u64 resume = 0;    ///< Jump: goes on at NIP, in the mode that MSR says; context synchronising.
    u64 dispatch = 0;  ///< Jump: goes on at r13.
    u64 promote = 0;   ///< Jump: goes on at r13, whose block has become hot.
    u64 link = 0;      ///< Jump: goes on at r13; rsi = the LinkSite to connect.
    u64 interrupt =
        0;  ///< Jump: takes the pending interrupt; rsi = NIP of the instruction, edx = instructions not executed.
    /// Call: rax = effective address, rdx = value or pointer, ecx = access (pack()); saves all but rax, rcx, rdx.
    /// Returns rax = 0 if it must be interrupted, rdx = value.
    u64 load = 0, store = 0, load128 = 0, store128 = 0, load_reserve = 0, store_conditional = 0;

    static u32 pack(const ir::Access& a) { return a.size | a.swap << 8 | a.sign << 9 | a.aligned << 10; }
};

/// Makes them at the start of `memory`, in at most `room` bytes.
Stubs make_stubs(CodeMemory& memory, std::size_t room);

}  // namespace mpower::jit::x64
