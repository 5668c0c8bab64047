// Code that every block of a vCPU shares: the way in and out, the search for the next block, slow paths.
//
// Registers in generated code: r15 the CpuState, r14 the level-1 TLB array of the current address space, r13 the
// effective address of the block's first instruction (the NIP when it starts). rax, rcx, rdx are scratch. The rest hold
// values. The stack frame has the byte-swap mask of vectors, then a 16-byte slot for each value.
#pragma once

#include <asmjit/x86.h>

#include "jit/block_cache.h"
#include "jit/translate.h"
#include "jit/x64/code_memory.h"

namespace mpower::jit::x64 {

inline const asmjit::x86::Gp kState = asmjit::x86::r15, kTlb = asmjit::x86::r14, kEntry = asmjit::x86::r13;

constexpr int kSwapMask = 0, kSlots = 16;
constexpr int kFrameBytes = kSlots + 16 * static_cast<int>(kMaxBlockIr) + 8;  // 8: rsp is 16-byte aligned inside

/// What enter() returns.
constexpr u64 kLeftBlock = 0;  ///< NIP and MSR say where to go on.
constexpr u64 kLeftHypercall = 1;
constexpr u64 kLeftLink = 2;  ///< + n: link n is not connected yet.

struct Stubs {
    u64 (*enter)(CpuState*, const void* code) = nullptr;
    u64 leave = 0;           ///< Jump: returns rax from enter().
    u64 leave_at_entry = 0;  ///< Jump: NIP := r13, returns kLeftBlock.
    u64 dispatch = 0;        ///< Jump: on to effective address rax; ecx = mode key.
    u64 interrupt =
        0;  ///< Jump: takes the pending interrupt; rsi = NIP of the instruction, edx = instructions not executed.
    /// Call: rax = effective address, rdx = value or pointer, ecx = access (pack()); saves all but rax, rcx, rdx.
    /// Returns rax = 0 if it must be interrupted, rdx = value.
    u64 load = 0, store = 0, load128 = 0, store128 = 0, load_reserve = 0, store_conditional = 0;

    static u32 pack(const ir::Access& a) { return a.size | a.swap << 8 | a.sign << 9 | a.aligned << 10; }
};

Stubs make_stubs(CodeMemory& memory, const mmu::Mmu& mmu, const BlockCache& cache);

}  // namespace mpower::jit::x64
