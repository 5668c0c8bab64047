// VSX logical, permute, merge, splat and sign instructions (Power ISA, Book I 7.6).
#include "base/endian.h"
#include "jit/fp/emit.h"
#include "jit/vmx/emit.h"

namespace mpower::jit::isa::sem {
using fp::Regs;
using ir::Builder;
using ir::Lanes;
using ir::Value;

namespace {

/// XT <- f of both doublewords of XA and XB
template <class F>
void both_halves(Builder& b, Insn i, F f) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x), b.high64(y)), f(b.low64(x), b.low64(y))));
}

/// XT <- f of both doublewords of XB
template <class F>
void each_half(Builder& b, Insn i, F f) {
    const Value x = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x)), f(b.low64(x))));
}

/// Doubleword 0 of XT <- f of XB's; doubleword 1 is cleared.
template <class F>
void scalar_bits(Builder& b, Insn i, F f) {
    fp::set_scalar(b, i.xt(), f(b.fpr(i.xb())));
}

constexpr u64 kSignDp = u64{1} << 63, kSignSp = 0x8000000080000000;

/// The sign moves of all sizes: `mask` has the sign bits.
auto absolute(Builder& b, u64 mask) {
    return [&b, mask](Value v) { return b.and_(v, ~mask); };
}
auto negative(Builder& b, u64 mask) {
    return [&b, mask](Value v) { return b.or_(v, b.imm(mask)); };
}
auto negated(Builder& b, u64 mask) {
    return [&b, mask](Value v) { return b.xor_(v, b.imm(mask)); };
}
auto copied_sign(Builder& b, u64 mask) {
    return [&b, mask](Value x, Value y) { return b.or_(b.and_(x, mask), b.and_(y, ~mask)); };
}

/// XT <- 0 || XB.byte[at .. at + 3] || 0 || 0
u64 extract_word_helper(CpuState& s, u64 regs, u64 at, u64) {
    const Regs r = Regs::of(regs);
    u64 v = 0;
    for (unsigned k = 0; k < 4; ++k) v = v << 8 | fp::element<u8>(s.vsr[r.b], (at + k) & 15);
    s.vsr[r.t] = {0, v};
    return 0;
}

/// XT.byte[at .. at + 3] <- XB.word[1]
u64 insert_word_helper(CpuState& s, u64 regs, u64 at, u64) {
    const Regs r = Regs::of(regs);
    const V128 source = s.vsr[r.b];
    for (unsigned k = 0; k < 4 && at + k < 16; ++k) {
        fp::set_element<u8>(s.vsr[r.t], static_cast<unsigned>(at) + k, fp::element<u8>(source, 4 + k));
    }
    return 0;
}

/// XT <- XB with the bytes of each element reversed
void reverse(Builder& b, Insn i, u32 size) { b.set_vsr(i.xt(), vmx::reversed(b, b.vsr(i.xb()), size)); }

}  // namespace

void xxland(Builder& b, Insn i) { vmx::logic(b, Lanes::kAnd, i.xt(), i.xa(), i.xb()); }
void xxlandc(Builder& b, Insn i) { vmx::logic(b, Lanes::kAndNot, i.xt(), i.xa(), i.xb()); }
void xxlor(Builder& b, Insn i) { vmx::logic(b, Lanes::kOr, i.xt(), i.xa(), i.xb()); }
void xxlxor(Builder& b, Insn i) { vmx::logic(b, Lanes::kXor, i.xt(), i.xa(), i.xb()); }
void xxlnor(Builder& b, Insn i) { vmx::logic(b, Lanes::kNor, i.xt(), i.xa(), i.xb()); }
void xxlorc(Builder& b, Insn i) { vmx::logic(b, Lanes::kOrNot, i.xt(), i.xa(), i.xb()); }
void xxlnand(Builder& b, Insn i) { vmx::logic(b, Lanes::kNand, i.xt(), i.xa(), i.xb()); }
void xxleqv(Builder& b, Insn i) { vmx::logic(b, Lanes::kEqv, i.xt(), i.xa(), i.xb()); }

// XT <- (XA & ~XC) | (XB & XC)
void xxsel(Builder& b, Insn i) { b.set_vsr(i.xt(), vmx::select(b, b.vsr(i.xa()), b.vsr(i.xb()), b.vsr(i.xc()))); }

void xxmrghw(Builder& b, Insn i) { b.set_vsr(i.xt(), vmx::merged_words(b, b.vsr(i.xa()), b.vsr(i.xb()), true)); }
void xxmrglw(Builder& b, Insn i) { b.set_vsr(i.xt(), vmx::merged_words(b, b.vsr(i.xa()), b.vsr(i.xb()), false)); }
// XT <- XA.doubleword[DM.bit 0] || XB.doubleword[DM.bit 1]
void xxpermdi(Builder& b, Insn i) {
    b.set_vsr(i.xt(), vmx::doublewords(b, b.vsr(i.xa()), b.vsr(i.xb()), i.bit(22), i.bit(23)));
}
// XT <- words SHW .. SHW + 3 of XA || XB
void xxsldwi(Builder& b, Insn i) {
    b.set_vsr(i.xt(), vmx::shift_pair(b, b.vsr(i.xa()), b.vsr(i.xb()), 4 * i.field(22, 23)));
}
void xxspltw(Builder& b, Insn i) { b.set_vsr(i.xt(), vmx::splat_word(b, b.vsr(i.xb()), i.field(14, 15))); }
void xxspltib(Builder& b, Insn i) {
    const Value v = b.imm(u64{i.field(13, 20)} * 0x0101010101010101);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
// XT.byte[k] <- byte XB.byte[k] (xxpermr: 31 - that) mod 32 of XA || XT
void permute(Builder& b, Insn i, bool from_right) {
    b.set_vsr(i.xt(), vmx::permuted(b, b.vsr(i.xa()), b.vsr(i.xt()), b.vsr(i.xb()), from_right));
}
void xxperm(Builder& b, Insn i) { permute(b, i, false); }
void xxpermr(Builder& b, Insn i) { permute(b, i, true); }
void xxextractuw(Builder& b, Insn i) {
    b.call(extract_word_helper, b.imm(Regs{.t = i.xt(), .b = i.xb()}.packed()), b.imm(i.field(12, 15)));
}
void xxinsertw(Builder& b, Insn i) {
    b.call(insert_word_helper, b.imm(Regs{.t = i.xt(), .b = i.xb()}.packed()), b.imm(i.field(12, 15)));
}
void xxbrh(Builder& b, Insn i) { reverse(b, i, 2); }
void xxbrw(Builder& b, Insn i) { reverse(b, i, 4); }
void xxbrd(Builder& b, Insn i) { reverse(b, i, 8); }
void xxbrq(Builder& b, Insn i) { reverse(b, i, 16); }

void xsabsdp(Builder& b, Insn i) { scalar_bits(b, i, absolute(b, kSignDp)); }
void xsnabsdp(Builder& b, Insn i) { scalar_bits(b, i, negative(b, kSignDp)); }
void xsnegdp(Builder& b, Insn i) { scalar_bits(b, i, negated(b, kSignDp)); }
void xvabsdp(Builder& b, Insn i) { each_half(b, i, absolute(b, kSignDp)); }
void xvnabsdp(Builder& b, Insn i) { each_half(b, i, negative(b, kSignDp)); }
void xvnegdp(Builder& b, Insn i) { each_half(b, i, negated(b, kSignDp)); }
void xvabssp(Builder& b, Insn i) { each_half(b, i, absolute(b, kSignSp)); }
void xvnabssp(Builder& b, Insn i) { each_half(b, i, negative(b, kSignSp)); }
void xvnegsp(Builder& b, Insn i) { each_half(b, i, negated(b, kSignSp)); }
void xscpsgndp(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), copied_sign(b, kSignDp)(b.fpr(i.xa()), b.fpr(i.xb()))); }
void xvcpsgndp(Builder& b, Insn i) { both_halves(b, i, copied_sign(b, kSignDp)); }
void xvcpsgnsp(Builder& b, Insn i) { both_halves(b, i, copied_sign(b, kSignSp)); }

// Quad: registers 32-63, one sign bit.
void xsabsqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(absolute(b, kSignDp)(b.high64(v)), b.low64(v)));
}
void xsnabsqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(negative(b, kSignDp)(b.high64(v)), b.low64(v)));
}
void xsnegqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(negated(b, kSignDp)(b.high64(v)), b.low64(v)));
}
void xscpsgnqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(copied_sign(b, kSignDp)(b.fpr(32 + i.ra()), b.high64(v)), b.low64(v)));
}

}  // namespace mpower::jit::isa::sem
