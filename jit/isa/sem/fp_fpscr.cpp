// Moves to and from FPSCR (Power ISA, Book I 4.6.10; the mffs family of ISA 3.0).
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
namespace bits = fp::fpscr;

namespace {

/// FPSCR bits under `mask` <- value; VX and FEX follow. mtfsf and mtfsfi write FX as it comes.
u64 write(CpuState& s, u64 value, u64 mask, u64) {
    fp::settle(s);
    mask &= bits::kWritable;
    s.fpscr = fp::with_summaries((s.fpscr & ~mask) | (value & mask));
    return 0;
}

/// mtfsb1: an exception bit that becomes 1 sets FX.
u64 set_bit(CpuState& s, u64 mask, u64, u64) {
    fp::settle(s);
    mask &= bits::kWritable;
    fp::raise_exceptions(s, mask & bits::kExceptions);
    s.fpscr = fp::with_summaries(s.fpscr | mask);
    return 0;
}

/// FRT <- FPSCR
void move_from(Builder& b, Insn i, u64 mask) { fp::set_scalar(b, i.rt(), b.and_(fp::get_fpscr(b), mask)); }

/// FRT <- the controls and status of FPSCR, then FPSCR[field] <- value
void move_and_set(Builder& b, Insn i, Value value, u64 mask) {
    const Value v = b.and_(fp::get_fpscr(b), bits::kDrn | bits::kEnables | bits::kNi | bits::kRn);
    b.call(write, value, b.imm(mask));
    fp::set_scalar(b, i.rt(), v);
    fp::after(b);
}

}  // namespace

void mffs(Builder& b, Insn i) {
    move_from(b, i, ~u64{0});
    if (i.rc()) fp::record_fp(b);
}
// FRT <- FPSCR; the exception enables become 0
void mffsce(Builder& b, Insn i) {
    move_from(b, i, ~u64{0});
    b.call(write, b.imm(0), b.imm(bits::kEnables));
}
void mffsl(Builder& b, Insn i) {
    move_from(b, i, bits::kDrn | ppc_mask(45, 51) | bits::kEnables | bits::kNi | bits::kRn);
}
void mffscdrn(Builder& b, Insn i) { move_and_set(b, i, b.fpr(i.rb()), bits::kDrn); }
void mffscdrni(Builder& b, Insn i) { move_and_set(b, i, b.imm(u64{i.field(18, 20)} << 32), bits::kDrn); }
void mffscrn(Builder& b, Insn i) { move_and_set(b, i, b.fpr(i.rb()), bits::kRn); }
void mffscrni(Builder& b, Insn i) { move_and_set(b, i, b.imm(i.field(19, 20)), bits::kRn); }

// CR[BF] <- FPSCR field BFA (of the low word); the field's exception bits become 0, FX included
void mcrfs(Builder& b, Insn i) {
    const u32 shift = 28 - 4 * i.bfa();
    const Value v = fp::get_fpscr(b);
    b.set_cr(i.bf(), b.and_(b.shr(v, shift), 15));
    b.call(write, b.imm(0), b.imm(u64{15} << shift & (bits::kFx | bits::kExceptions)));
    fp::after(b);
}

// FPSCR fields that FLM names, or with L all, <- (FRB). W = 1: the fields of the upper word.
void mtfsf(Builder& b, Insn i) {
    u64 mask = 0;
    for (u32 n = 0; n < 8; ++n) {
        if (i.field(7, 14) >> (7 - n) & 1) mask |= u64{0xf} << (4 * (7 - n));
    }
    if (i.bit(15)) mask <<= 32;
    if (i.bit(6)) mask = ~u64{0};
    b.call(write, b.fpr(i.rb()), b.imm(mask));
    fp::after(b, i.rc());
}
// FPSCR field BF + 8 * (1 - W) <- U
void mtfsfi(Builder& b, Insn i) {
    const u32 shift = 4 * (7 - i.bf()) + (i.bit(15) ? 32 : 0);
    b.call(write, b.imm(u64{i.field(16, 19)} << shift), b.imm(u64{15} << shift));
    fp::after(b, i.rc());
}
void mtfsb0(Builder& b, Insn i) {
    b.call(write, b.imm(0), b.imm(ppc_bit(32 + i.bt())));
    fp::after(b, i.rc());
}
void mtfsb1(Builder& b, Insn i) {
    b.call(set_bit, b.imm(ppc_bit(32 + i.bt())));
    fp::after(b, i.rc());
}

}  // namespace mpower::jit::isa::sem
