// Floating-point loads, stores, moves, comparisons, FPSCR (Power ISA, Book I 4.6.2-4.6.5, 4.6.7-4.6.10).
#include "jit/fp/scalar.h"
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace fp;

namespace {

constexpr u64 kSign = u64{1} << 63;

u64 widen(CpuState&, u64 x, u64, u64) { return double_of_single(static_cast<u32>(x)); }
u64 shorten(CpuState&, u64 x, u64, u64) { return single_of_double(x); }

Value d_address(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), i.si()); }
Value ds_address(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), i.ds()); }
Value x_address(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), b.gpr(i.rb())); }

Value load_single(Builder& b, Value ea) { return b.call(widen, b.load(ea, 4)); }
Value load_double(Builder& b, Value ea) { return b.load(ea, 8); }
void store_single(Builder& b, Value ea, Value v) { b.store(ea, b.call(shorten, v), 4); }
void store_double(Builder& b, Value ea, Value v) { b.store(ea, v, 8); }

template <class Load>
void load_update(Builder& b, Insn i, Value ea, Load load) {
    if (i.ra() == 0) return b.illegal();
    b.set_fpr(i.rt(), load(b, ea));
    b.set_gpr(i.ra(), ea);
}
template <class Store>
void store_update(Builder& b, Insn i, Value ea, Store store) {
    if (i.ra() == 0) return b.illegal();
    store(b, ea, b.fpr(i.rs()));
    b.set_gpr(i.ra(), ea);
}

/// Pairs: the even register is first in storage in big-endian order, and has the more significant place in either.
void load_pair(Builder& b, Insn i, Value ea) {
    if (i.rt() & 1) return b.illegal();
    const Value v = b.load128(ea);
    b.set_fpr(i.rt(), b.high64(v));
    b.set_fpr(i.rt() + 1, b.low64(v));
}
void store_pair(Builder& b, Insn i, Value ea) {
    if (i.rs() & 1) return b.illegal();
    b.store128(ea, b.make_v128(b.fpr(i.rs()), b.fpr(i.rs() + 1)));
}

/// CR1 <- FX || FEX || VX || OX
Value cr1(Builder& b) { return b.and_(b.shr(b.get64(offsetof(CpuState, fpscr)), 28), 15); }
void record_cr1(Builder& b, Insn i) {
    if (i.rc()) b.set_cr(1, cr1(b));
}

void move(Builder& b, Insn i, Value v) {
    b.set_fpr(i.rt(), v);
    record_cr1(b, i);
}

template <bool ordered>
u64 compare_registers(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    u64 exceptions;
    const u8 order = compare(s.vsr[i.ra()].hi, s.vsr[i.rb()].hi, ordered, &exceptions);
    s.cr[i.bf()] = order;
    s.fpscr = (s.fpscr & ~fpscr::kFpcc) | u64{order} << fpscr::kFprfShift;
    raise(s, exceptions);
    return 0;
}

u64 test_divide(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    s.cr[i.bf()] = test_for_divide(s.vsr[i.ra()].hi, s.vsr[i.rb()].hi);
    return 0;
}
u64 test_root(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    s.cr[i.bf()] = test_for_root(s.vsr[i.rb()].hi);
    return 0;
}

/// FPSCR := value under mask; FEX and VX follow.
u64 set_fpscr(CpuState& s, u64 value, u64 mask, u64) {
    mask &= ~(fpscr::kFex | fpscr::kVx);
    s.fpscr = summarise((s.fpscr & ~mask) | (value & mask));
    return 0;
}

void write_fpscr(Builder& b, Value value, u64 mask) {
    b.call(set_fpscr, value, b.imm(mask));
    if (b.mode().fp_exceptions) b.call_sys(check_enabled, b.imm(0));
}

Value fpscr_value(Builder& b) { return b.get64(offsetof(CpuState, fpscr)); }

u64 set_bit(CpuState& s, u64 bit, u64, u64) {
    const u64 mask = ppc_bit(32 + static_cast<unsigned>(bit));
    if (mask & (fpscr::kFex | fpscr::kVx)) return 0;
    if (mask & fpscr::kExceptions) {
        raise(s, mask);
    } else {
        s.fpscr = summarise(s.fpscr | mask);
    }
    return 0;
}

/// The field to CR, and its exception bits cleared.
u64 move_field(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const unsigned shift = 28 - 4 * i.bfa();
    s.cr[i.bf()] = static_cast<u8>(s.fpscr >> shift & 15);
    s.fpscr = summarise(s.fpscr & ~(u64{15} << shift & (fpscr::kExceptions | fpscr::kFx)));
    return 0;
}

}  // namespace

void lfs(Builder& b, Insn i) { b.set_fpr(i.rt(), load_single(b, d_address(b, i))); }
void lfsx(Builder& b, Insn i) { b.set_fpr(i.rt(), load_single(b, x_address(b, i))); }
void lfsu(Builder& b, Insn i) { load_update(b, i, d_address(b, i), load_single); }
void lfsux(Builder& b, Insn i) { load_update(b, i, x_address(b, i), load_single); }
void lfd(Builder& b, Insn i) { b.set_fpr(i.rt(), load_double(b, d_address(b, i))); }
void lfdx(Builder& b, Insn i) { b.set_fpr(i.rt(), load_double(b, x_address(b, i))); }
void lfdu(Builder& b, Insn i) { load_update(b, i, d_address(b, i), load_double); }
void lfdux(Builder& b, Insn i) { load_update(b, i, x_address(b, i), load_double); }
void stfs(Builder& b, Insn i) { store_single(b, d_address(b, i), b.fpr(i.rs())); }
void stfsx(Builder& b, Insn i) { store_single(b, x_address(b, i), b.fpr(i.rs())); }
void stfsu(Builder& b, Insn i) { store_update(b, i, d_address(b, i), store_single); }
void stfsux(Builder& b, Insn i) { store_update(b, i, x_address(b, i), store_single); }
void stfd(Builder& b, Insn i) { store_double(b, d_address(b, i), b.fpr(i.rs())); }
void stfdx(Builder& b, Insn i) { store_double(b, x_address(b, i), b.fpr(i.rs())); }
void stfdu(Builder& b, Insn i) { store_update(b, i, d_address(b, i), store_double); }
void stfdux(Builder& b, Insn i) { store_update(b, i, x_address(b, i), store_double); }
void stfiwx(Builder& b, Insn i) { b.store(x_address(b, i), b.fpr(i.rs()), 4); }
void lfiwax(Builder& b, Insn i) { b.set_fpr(i.rt(), b.load(x_address(b, i), 4, true)); }
void lfiwzx(Builder& b, Insn i) { b.set_fpr(i.rt(), b.load(x_address(b, i), 4)); }
void lfdp(Builder& b, Insn i) { load_pair(b, i, ds_address(b, i)); }
void lfdpx(Builder& b, Insn i) { load_pair(b, i, x_address(b, i)); }
void stfdp(Builder& b, Insn i) { store_pair(b, i, ds_address(b, i)); }
void stfdpx(Builder& b, Insn i) { store_pair(b, i, x_address(b, i)); }

void fmr(Builder& b, Insn i) { move(b, i, b.fpr(i.rb())); }
void fneg(Builder& b, Insn i) { move(b, i, b.xor_(b.fpr(i.rb()), b.imm(kSign))); }
void fabs(Builder& b, Insn i) { move(b, i, b.and_(b.fpr(i.rb()), ~kSign)); }
void fnabs(Builder& b, Insn i) { move(b, i, b.or_(b.fpr(i.rb()), b.imm(kSign))); }
void fcpsgn(Builder& b, Insn i) {
    move(b, i, b.or_(b.and_(b.fpr(i.ra()), kSign), b.and_(b.fpr(i.rb()), ~kSign)));
}

// FRT <- (FRA) >= 0.0 ? (FRC) : (FRB); a NaN is not.
void fsel(Builder& b, Insn i) {
    const Value a = b.fpr(i.ra());
    const Value magnitude = b.and_(a, ~kSign);
    const Value nan = b.lt_u(b.imm(u64{0x7ff} << 52), magnitude);
    const Value negative = b.and_(b.shr(a, 63), b.ne(magnitude, b.imm(0)));
    move(b, i, b.select(b.or_(nan, negative), b.fpr(i.rb()), b.fpr(i.rc_field())));
}

void fcmpu(Builder& b, Insn i) { call_fp(b, compare_registers<false>, i.word); }
void fcmpo(Builder& b, Insn i) { call_fp(b, compare_registers<true>, i.word); }
void ftdiv(Builder& b, Insn i) { b.call(test_divide, b.imm(i.word)); }
void ftsqrt(Builder& b, Insn i) { b.call(test_root, b.imm(i.word)); }

void mffs(Builder& b, Insn i) { move(b, i, fpscr_value(b)); }
// And clears VE..XE.
void mffsce(Builder& b, Insn i) {
    b.set_fpr(i.rt(), fpscr_value(b));
    b.call(set_fpscr, b.imm(0), b.imm(0xf8));
}
namespace {
/// FRT <- DRN, VE..RN; then RN or DRN := value.
void move_and_set(Builder& b, Insn i, Value value, u64 mask) {
    const Value old = fpscr_value(b);
    b.set_fpr(i.rt(), b.and_(old, fpscr::kDrn | 0xff));
    write_fpscr(b, value, mask);
}
}  // namespace
void mffscdrn(Builder& b, Insn i) { move_and_set(b, i, b.fpr(i.rb()), fpscr::kDrn); }
void mffscdrni(Builder& b, Insn i) { move_and_set(b, i, b.imm(u64{i.field(18, 20)} << 32), fpscr::kDrn); }
void mffscrn(Builder& b, Insn i) { move_and_set(b, i, b.fpr(i.rb()), fpscr::kRn); }
void mffscrni(Builder& b, Insn i) { move_and_set(b, i, b.imm(i.field(19, 20)), fpscr::kRn); }
// FRT <- DRN, status FR FI FPRF, enables, NI, RN
void mffsl(Builder& b, Insn i) {
    b.set_fpr(i.rt(), b.and_(fpscr_value(b), fpscr::kDrn | fpscr::kFr | fpscr::kFi | fpscr::kFprf | 0xff));
}

void mcrfs(Builder& b, Insn i) { b.call(move_field, b.imm(i.word)); }
// Field BF + 8 * (1 - W) <- U
void mtfsfi(Builder& b, Insn i) {
    const unsigned field = i.bf() + 8 * (1 - i.field(15, 15));
    const unsigned shift = 60 - 4 * field;
    write_fpscr(b, b.imm(u64{i.field(16, 19)} << shift), u64{15} << shift);
    record_cr1(b, i);
}
// L = 1: all of FPSCR; else the fields of FLM, in the half that W names.
void mtfsf(Builder& b, Insn i) {
    u64 mask = 0;
    for (unsigned n = 0; n < 8; ++n) {
        if (i.field(7, 14) & (0x80u >> n)) mask |= u64{15} << (28 - 4 * n);
    }
    if (i.bit(15)) mask <<= 32;
    if (i.bit(6)) mask = ~u64{0};
    mask &= fpscr::kDrn | 0xfffff7ff;  // FPSCR[52] is reserved
    write_fpscr(b, b.fpr(i.rb()), mask);
    record_cr1(b, i);
}
void mtfsb0(Builder& b, Insn i) {
    b.call(set_fpscr, b.imm(0), b.imm(ppc_bit(32 + i.bt())));
    record_cr1(b, i);
}
void mtfsb1(Builder& b, Insn i) {
    b.call(set_bit, b.imm(i.bt()));
    if (b.mode().fp_exceptions) b.call_sys(check_enabled, b.imm(0));
    record_cr1(b, i);
}

void fmrgew(Builder& b, Insn i) {
    b.set_fpr(i.rt(), b.or_(b.and_(b.fpr(i.ra()), ~u64{0xffffffff}), b.shr(b.fpr(i.rb()), 32)));
}
void fmrgow(Builder& b, Insn i) {
    b.set_fpr(i.rt(), b.or_(b.shl(b.fpr(i.ra()), 32), b.zext32(b.fpr(i.rb()))));
}

}  // namespace mpower::jit::isa::sem
