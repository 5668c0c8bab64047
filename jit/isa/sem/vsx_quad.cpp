// Quad-precision conversions, rounding, exponents (ISA 3.0, Book I 7.6): registers 32-63. Arithmetic:
// vsx_arithmetic.cpp.
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using fp::Context;
using fp::Double;
using fp::Quad;
using fp::Regs;
using fp::Rounding;
using fp::U256;
using ir::Builder;
using ir::Value;

namespace {

/// 64 bits of significand, quad's exponents: what xsrqpxp rounds to.
using Extended = fp::Format<u128, U256, 63, 15, 24576>;

Regs unary(Insn i) { return {.t = 32 + i.rt(), .b = 32 + i.rb()}; }
u128 quad_in(const V128& v) { return fp::scalar_in<u128>(v); }

u64 double_to_quad(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const auto n = fp::unpack<Double, U256>(s.vsr[r.b].hi);
    fp::Number<U256> nan;
    const u128 v = fp::round_to<Quad>(c, fp::propagate(c, {&n}, &nan) ? nan : n);
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = fp::with_scalar<u128>(v);
        fp::set_fprf(s, fp::class_of<Quad>(v));
    }
    return 0;
}

u64 quad_to_double(CpuState& s, u64 regs, u64 odd, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    if (odd) c.rounding = Rounding::kOdd;
    const auto n = fp::unpack<Quad>(quad_in(s.vsr[r.b]));
    fp::Number<U256> nan;
    const u64 v = fp::round_to<Double>(c, fp::propagate(c, {&n}, &nan) ? nan : n);
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = {0, v};
        fp::set_fprf(s, fp::class_of<Double>(v));
    }
    return 0;
}

/// Towards zero; words are extended to the doubleword.
template <class T>
u64 to_integer(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const T v = fp::to_integer<T>(c, fp::unpack<Quad>(quad_in(s.vsr[r.b])), Rounding::kZero);
    fp::settle(s);  // FPRF stays
    if (fp::finish_scalar(s, c)) s.vsr[r.t] = {0, static_cast<u64>(static_cast<i64>(v))};
    return 0;
}

template <class T>
u64 from_integer(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const u128 v = fp::round_to<Quad>(c, fp::from_integer<U256>(static_cast<T>(s.vsr[r.b].hi)));
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = fp::with_scalar<u128>(v);
        fp::set_fprf(s, fp::class_of<Quad>(v));
    }
    return 0;
}

/// The mode that R || RMC names; 0b000 is to nearest with ties away, 0b011 that of FPSCR.
Rounding mode_of(u64 r_rmc, Rounding current) {
    if (r_rmc >= 4) return static_cast<Rounding>(r_rmc & 3);
    return r_rmc == 0 ? Rounding::kNearestAway : current;
}

/// xsrqpi (`exact` 0: the inexact exception is not signalled), xsrqpix
u64 to_integral(CpuState& s, u64 regs, u64 r_rmc, u64 exact) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const auto n = fp::integral<Quad>(c, fp::unpack<Quad>(quad_in(s.vsr[r.b])), mode_of(r_rmc, c.rounding));
    const bool fr = c.fr && exact, fi = c.fi && exact;
    const u128 v = fp::round_to<Quad>(c, n);
    c.fr = fr;
    c.fi = fi;
    if (fi) c.raise(fp::fpscr::kXx);
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = fp::with_scalar<u128>(v);
        fp::set_fprf(s, fp::class_of<Quad>(v));
    }
    return 0;
}

u64 to_extended(CpuState& s, u64 regs, u64 r_rmc, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    c.rounding = mode_of(r_rmc, c.rounding);
    const auto n = fp::unpack<Quad>(quad_in(s.vsr[r.b]));
    fp::Number<U256> nan;
    // A NaN keeps its whole fraction; a number's lower 49 bits become 0.
    u128 v;
    if (fp::propagate(c, {&n}, &nan)) {
        v = fp::round_to<Quad>(c, nan);
    } else {
        const u128 x = fp::round_to<Extended>(c, n);
        const u128 sign = x & Extended::kSign ? Quad::kSign : 0;
        v = sign | (x & ~Extended::kSign) << (Quad::kFraction - Extended::kFraction);
    }
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = fp::with_scalar<u128>(v);
        fp::set_fprf(s, fp::class_of<Quad>(v));
    }
    return 0;
}

u64 r_rmc(Insn i) { return i.bit(15) << 2 | i.field(21, 22); }

constexpr u64 kFractionHigh = ppc_mask(16, 63);  ///< Of doubleword 0.

}  // namespace

void xscvdpqp(Builder& b, Insn i) { fp::run(b, double_to_quad, unary(i)); }
void xscvqpdp(Builder& b, Insn i) { fp::run(b, quad_to_double, unary(i), u64{i.bit(31)}); }
void xscvqpsdz(Builder& b, Insn i) { fp::run(b, to_integer<i64>, unary(i)); }
void xscvqpswz(Builder& b, Insn i) { fp::run(b, to_integer<i32>, unary(i)); }
void xscvqpudz(Builder& b, Insn i) { fp::run(b, to_integer<u64>, unary(i)); }
void xscvqpuwz(Builder& b, Insn i) { fp::run(b, to_integer<u32>, unary(i)); }
void xscvsdqp(Builder& b, Insn i) { fp::run(b, from_integer<i64>, unary(i)); }
void xscvudqp(Builder& b, Insn i) { fp::run(b, from_integer<u64>, unary(i)); }

void xsrqpi(Builder& b, Insn i) {
    b.call(to_integral, b.imm(unary(i).packed()), b.imm(r_rmc(i)), b.imm(i.bit(31)));
    fp::after(b);
}
void xsrqpxp(Builder& b, Insn i) { fp::run(b, to_extended, unary(i), r_rmc(i)); }

// VRT <- exponent of VRB || 0
void xsxexpqp(Builder& b, Insn i) { fp::set_scalar(b, 32 + i.rt(), b.and_(b.shr(b.fpr(32 + i.rb()), 48), 0x7fff)); }
// VRT <- fraction of VRB with the implicit bit
void xsxsigqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb()), high = b.high64(v);
    const Value biased = b.and_(b.shr(high, 48), 0x7fff);
    const Value normal = b.and_(b.ne(biased, b.imm(0)), b.ne(biased, b.imm(0x7fff)));
    b.set_vsr(32 + i.rt(), b.make_v128(b.or_(b.and_(high, kFractionHigh), b.shl(normal, 48)), b.low64(v)));
}
// VRT <- sign and fraction of VRA, exponent VRB[49:63]
void xsiexpqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.ra());
    const Value exponent = b.shl(b.and_(b.fpr(32 + i.rb()), 0x7fff), 48);
    b.set_vsr(32 + i.rt(), b.make_v128(b.or_(b.and_(b.high64(v), kFractionHigh | ppc_bit(0)), exponent), b.low64(v)));
}

}  // namespace mpower::jit::isa::sem
