// What the definitions of decimal instructions are made with: helpers that get the instruction word.
#pragma once

#include <initializer_list>

#include "jit/dfp/arith.h"
#include "jit/fp/emit.h"

namespace mpower::jit::dfp {

using ir::Builder;
using isa::Insn;

/// As helpers get it.
constexpr Insn insn(u64 word) { return {static_cast<u32>(word)}; }

/// The number in FPR n, or in FPRs n and n + 1, n even.
template <class F>
Number read(const CpuState& s, u32 n) {
    if constexpr (sizeof(typename F::Bits) == 16)
        return unpack<F>(u128{s.vsr[n].hi} << 64 | s.vsr[n + 1].hi);
    else
        return unpack<F>(static_cast<typename F::Bits>(s.vsr[n].hi));
}
inline void write_fpr(CpuState& s, u32 n, u64 v) { s.vsr[n] = {0, v}; }
template <class Bits>
void write_bits(CpuState& s, u32 n, Bits bits) {
    if constexpr (sizeof(Bits) == 16) {
        write_fpr(s, n, static_cast<u64>(bits >> 64));
        write_fpr(s, n + 1, static_cast<u64>(bits));
    } else {
        write_fpr(s, n, bits);
    }
}
template <class F>
void write(CpuState& s, u32 n, const Number& v) {
    write_bits(s, n, pack<F>(v));
}

/// Ends an instruction with a result in format F: FPSCR, then the target with its class.
template <class F>
void finish(CpuState& s, const Context& c, u32 target, const Number& v) {
    if (!fp::finish_scalar(s, c)) return;
    write<F>(s, target, v);
    fp::set_fprf(s, class_of(v, F::kRange));
}

/// False: an odd register begins a pair, which is an invalid form; the block has ended. For F of one register, true.
template <class F>
bool paired(Builder& b, std::initializer_list<u32> registers) {
    if (sizeof(typename F::Bits) == 16) {
        for (const u32 n : registers) {
            if (n & 1) return b.illegal(), false;
        }
    }
    return true;
}

/// An instruction that sets FPSCR.
inline void run(Builder& b, Insn i, ir::Helper helper, bool rc) {
    b.call(helper, b.imm(i.word));
    fp::after(b, rc);
}
/// One that does not.
inline void run_plain(Builder& b, Insn i, ir::Helper helper) {
    b.call(helper, b.imm(i.word));
    if (i.rc()) fp::record_fp(b);
}

}  // namespace mpower::jit::dfp
