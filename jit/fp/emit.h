// What the definitions of floating-point and VSX instructions are made with: helpers on register numbers, and what
// follows every instruction that sets FPSCR.
#pragma once

#include <array>
#include <cstring>

#include "jit/fp/arith.h"
#include "jit/isa/insn.h"
#include "jit/isa/table.h"

namespace mpower::jit::fp {

using ir::Builder;
using ir::Value;
using isa::Insn;

/// VSX register numbers of an operation's target and operands A, B, C (arith.h), in one helper argument.
struct Regs {
    u32 t = 0, a = 0, b = 0, c = 0;
    constexpr u64 packed() const { return t | a << 8 | b << 16 | c << 24; }
    static constexpr Regs of(u64 v) {
        const auto w = static_cast<u32>(v);
        return {w & 63, w >> 8 & 63, w >> 16 & 63, w >> 24 & 63};
    }
};

/// The scalar in a register: doubleword 0, or the whole register for quad.
template <class Bits>
Bits scalar_in(const V128& v) {
    if constexpr (sizeof(Bits) == 16)
        return u128{v.hi} << 64 | v.lo;
    else
        return static_cast<Bits>(v.hi);
}
/// Doubleword 1 is undefined before ISA 3.1; like real processors we clear it.
template <class Bits>
V128 with_scalar(Bits bits) {
    if constexpr (sizeof(Bits) == 16)
        return {static_cast<u64>(bits), static_cast<u64>(bits >> 64)};
    else
        return {0, bits};
}

template <class Bits>
using Lanes = std::array<Bits, 16 / sizeof(Bits)>;

/// Lanes in host order: element i of n is lane n-1-i.
template <class Bits>
Lanes<Bits> lanes(const V128& v) {
    Lanes<Bits> l;
    std::memcpy(&l, &v, 16);
    return l;
}
template <class Bits>
V128 from_lanes(const Lanes<Bits>& l) {
    V128 v;
    std::memcpy(static_cast<void*>(&v), &l, 16);
    return v;
}
/// Element i from the left.
template <class Bits>
Bits element(const V128& v, unsigned i) {
    return lanes<Bits>(v)[16 / sizeof(Bits) - 1 - i];
}
template <class Bits>
void set_element(V128& v, unsigned i, Bits bits) {
    Lanes<Bits> l = lanes<Bits>(v);
    l[16 / sizeof(Bits) - 1 - i] = bits;
    v = from_lanes<Bits>(l);
}

template <class T, Operation op>
u64 scalar_helper(CpuState& s, u64 regs, u64, u64) {
    using Bits = typename T::Bits;
    const Regs r = Regs::of(regs);
    Context c(s);
    const Bits v =
        compute<T, op>(c, scalar_in<Bits>(s.vsr[r.a]), scalar_in<Bits>(s.vsr[r.b]), scalar_in<Bits>(s.vsr[r.c]));
    if constexpr (op >= Operation::kMax && op <= Operation::kMinJ) {  // these leave FR, FI and FPRF
        raise_exceptions(s, c.raised);
        if (!c.suppressed()) s.vsr[r.t] = with_scalar<Bits>(v);
    } else if (finish_scalar(s, c)) {
        s.vsr[r.t] = with_scalar<Bits>(v);
        set_fprf(s, result_class<T>(v));
    }
    return 0;
}

template <class T, Operation op>
u64 vector_helper(CpuState& s, u64 regs, u64, u64) {
    using Bits = typename T::Bits;
    const Regs r = Regs::of(regs);
    const auto x = lanes<Bits>(s.vsr[r.a]), y = lanes<Bits>(s.vsr[r.b]), z = lanes<Bits>(s.vsr[r.c]);
    Lanes<Bits> out;
    u64 raised = 0;
    Context c(s);
    for (std::size_t i = 0; i < out.size(); ++i) {
        c.raised = 0;
        out[i] = compute<T, op>(c, x[i], y[i], z[i]);
        raised |= c.raised;
    }
    c.raised = raised;
    if (finish_vector(s, c)) s.vsr[r.t] = from_lanes<Bits>(out);
    return 0;
}

/// FPSCR but for FPRF, FR and FI.
inline Value get_exceptions(Builder& b) { return b.get64(offsetof(CpuState, fpscr)); }
inline u64 settle_helper(CpuState& s, u64, u64, u64) {
    settle(s);
    return 0;
}
/// All of FPSCR.
inline Value get_fpscr(Builder& b) {
    b.call(settle_helper, b.imm(0));
    return b.get64(offsetof(CpuState, fpscr));
}

/// CR1 <- FX || FEX || VX || OX
inline void record_fp(Builder& b) { b.set_cr(1, b.and_(b.shr(get_exceptions(b), 28), 15)); }

/// Ends the definition of an instruction that may raise exceptions.
inline void after(Builder& b, bool rc = false) {
    if (rc) record_fp(b);
    if (b.mode().fp_exceptions)
        b.raise_if(b.and_(b.shr(get_exceptions(b), 30), 1), Vector::kProgram, program::kFpEnabled);
}

/// Calls a helper on registers, then `after`.
inline void run(Builder& b, ir::Helper helper, Regs regs, bool rc = false) {
    b.call(helper, b.imm(regs.packed()));
    after(b, rc);
}
inline void run(Builder& b, ir::Helper helper, Regs regs, u64 extra) {
    b.call(helper, b.imm(regs.packed()), b.imm(extra));
    after(b);
}

/// The name by which executors know an operation.
constexpr ir::Float float_of(Operation op) {
    switch (op) {
        case Operation::kAdd: return ir::Float::kAdd;
        case Operation::kSub: return ir::Float::kSub;
        case Operation::kMul: return ir::Float::kMul;
        case Operation::kDiv: return ir::Float::kDiv;
        case Operation::kSqrt: return ir::Float::kSqrt;
        case Operation::kMadd: return ir::Float::kMadd;
        case Operation::kMsub: return ir::Float::kMsub;
        case Operation::kNmadd: return ir::Float::kNmadd;
        case Operation::kNmsub: return ir::Float::kNmsub;
        case Operation::kRound: return ir::Float::kRound;
        case Operation::kIntegralZero: return ir::Float::kTruncate;
        case Operation::kIntegralUp: return ir::Float::kCeil;
        case Operation::kIntegralDown: return ir::Float::kFloor;
        default: return ir::Float::kNone;
    }
}

/// An operation on scalars or on vectors of format T.
template <class T, Operation op>
void run_scalar(Builder& b, Regs regs, bool rc = false) {
    constexpr ir::FloatForm kForm{.op = float_of(op), .single = std::is_same_v<T, DpSp>};
    if constexpr (kForm.op == ir::Float::kNone || !(std::is_same_v<T, DpSp> || std::is_same_v<T, Dp>)) {
        run(b, scalar_helper<T, op>, regs, rc);
    } else {
        ir::FloatForm form = kForm;
        form.regs = static_cast<u32>(regs.packed());
        b.floating(ir::Op::kFloat, scalar_helper<T, op>, form);
        after(b, rc);
    }
}
template <class T, Operation op>
void run_vector(Builder& b, Regs regs) {
    constexpr bool kKnown = op <= Operation::kSqrt || (op >= Operation::kMadd && op <= Operation::kNmsub);
    if constexpr (!kKnown) {
        run(b, vector_helper<T, op>, regs);
    } else {
        b.floating(ir::Op::kFloatVector, vector_helper<T, op>,
                   {.op = float_of(op), .single = std::is_same_v<T, Sp>, .regs = static_cast<u32>(regs.packed())});
        after(b);
    }
}
/// Another operation that executors know.
inline void run(Builder& b, ir::Op op, ir::Helper helper, ir::FloatForm form, Regs regs, bool rc = false) {
    form.regs = static_cast<u32>(regs.packed());
    b.floating(op, helper, form);
    after(b, rc);
}

/// FPR n <- v; doubleword 1 of the register is cleared.
inline void set_scalar(Builder& b, u32 n, Value v) { b.set_vsr(n, b.make_v128(v, b.imm(0))); }

}  // namespace mpower::jit::fp
