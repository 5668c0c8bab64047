// Fixed-point trap, select, logic, rotate, shift, BCD assist (Power ISA, Book I 3.3.11-3.3.14, 3.4).
#include <bit>

#include "jit/dfp/declet.h"
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

/// Trap if a condition of TO holds: 16 less, 8 greater, 4 equal, 2 less unsigned, 1 greater unsigned.
void trap(Builder& b, u32 to, Value x, Value y) {
    if (to == 0) return;
    Value hit = b.imm(0);
    if (to & 16) hit = b.or_(hit, b.lt_s(x, y));
    if (to & 8) hit = b.or_(hit, b.lt_s(y, x));
    if (to & 4) hit = b.or_(hit, b.eq(x, y));
    if (to & 2) hit = b.or_(hit, b.lt_u(x, y));
    if (to & 1) hit = b.or_(hit, b.lt_u(y, x));
    b.raise_if(to == 31 ? b.imm(1) : hit, Vector::kProgram, program::kTrap);
}

/// RA <- r, CR0 if Rc.
void result(Builder& b, Insn i, Value r) {
    b.set_gpr(i.ra(), r);
    if (i.rc()) b.record(r);
}

template <class F>
void logic(Builder& b, Insn i, F f) {
    result(b, i, f(b.gpr(i.rs()), b.gpr(i.rb())));
}

/// MASK(MB+32, ME+32) of a word rotate.
u64 word_mask(Insn i) { return ppc_mask(i.mb5() + 32, i.me5() + 32); }

/// Shift right algebraic of `x` by `n` (already extended by its width's sign): CA := negative and ones lost.
void shift_algebraic(Builder& b, Insn i, Value x, Value n) {
    const Value r = b.sar(x, n);
    // Ones are lost exactly if shifting back does not give x again. For n >= 64, r is all sign.
    const Value lost = b.ne(b.shl(r, n), x);
    const Value ca = b.and_(b.shr(x, 63), lost);
    b.set_ca(ca);
    if (b.isa300()) b.set_ca32(ca);
    result(b, i, r);
}

u64 bit_permute(CpuState&, u64 indices, u64 source, u64) {
    u64 r = 0;
    for (unsigned n = 0; n < 8; ++n) {
        const u64 index = indices >> (56 - 8 * n) & 0xff;
        if (index < 64 && (source & ppc_bit(static_cast<unsigned>(index)))) r |= u64{0x80} >> n;
    }
    return r;
}

/// Two declets (or BCD triples) in each word.
template <u64 (*convert)(u64), unsigned from, unsigned to>
u64 convert_declets(CpuState&, u64 x, u64, u64) {
    u64 r = 0;
    for (unsigned word = 0; word < 64; word += 32) {
        for (unsigned n = 0; n < 2; ++n) {
            r |= convert(x >> (word + n * from) & ((u64{1} << from) - 1)) << (word + n * to);
        }
    }
    return r;
}

}  // namespace

void twi(Builder& b, Insn i) { trap(b, i.to(), b.sext32(b.gpr(i.ra())), b.imm(i.si())); }
void tw(Builder& b, Insn i) { trap(b, i.to(), b.sext32(b.gpr(i.ra())), b.sext32(b.gpr(i.rb()))); }
void tdi(Builder& b, Insn i) { trap(b, i.to(), b.gpr(i.ra()), b.imm(i.si())); }
void td(Builder& b, Insn i) { trap(b, i.to(), b.gpr(i.ra()), b.gpr(i.rb())); }

// RT <- CR[BC] ? (RA|0) : (RB)
void isel(Builder& b, Insn i) {
    b.set_gpr(i.rt(), b.select(b.cr_bit(i.rc_field()), b.gpr_or_zero(i.ra()), b.gpr(i.rb())));
}

void andi_(Builder& b, Insn i) {
    const Value r = b.and_(b.gpr(i.rs()), i.ui());
    b.set_gpr(i.ra(), r);
    b.record(r);
}
void andis_(Builder& b, Insn i) {
    const Value r = b.and_(b.gpr(i.rs()), i.ui() << 16);
    b.set_gpr(i.ra(), r);
    b.record(r);
}
// ori 0,0,0 is the preferred no-operation.
void ori(Builder& b, Insn i) {
    if (i.rs() == i.ra() && i.ui() == 0) return;
    b.set_gpr(i.ra(), b.or_(b.gpr(i.rs()), b.imm(i.ui())));
}
void oris(Builder& b, Insn i) { b.set_gpr(i.ra(), b.or_(b.gpr(i.rs()), b.imm(i.ui() << 16))); }
void xori(Builder& b, Insn i) { b.set_gpr(i.ra(), b.xor_(b.gpr(i.rs()), b.imm(i.ui()))); }
void xoris(Builder& b, Insn i) { b.set_gpr(i.ra(), b.xor_(b.gpr(i.rs()), b.imm(i.ui() << 16))); }

void and_(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.and_(x, y); });
}
// or Rx,Rx,Rx are moves, and hints of thread priority (Book II 3.2): low, very low, yield.
void or_(Builder& b, Insn i) {
    if (i.rs() == i.rb()) {
        const Value x = b.gpr(i.rs());
        if (i.ra() != i.rs()) b.set_gpr(i.ra(), x);
        if (i.rc()) return b.record(x);
        if (i.ra() == i.rs() && (i.ra() == 1 || i.ra() == 31 || i.ra() == 27)) b.pause();
        return;
    }
    logic(b, i, [&](Value x, Value y) { return b.or_(x, y); });
}
void xor_(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.xor_(x, y); });
}
void nand(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.not_(b.and_(x, y)); });
}
void nor(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.not_(b.or_(x, y)); });
}
void eqv(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.not_(b.xor_(x, y)); });
}
void andc(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.and_not(x, y); });
}
void orc(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.or_(x, b.not_(y)); });
}

void extsb(Builder& b, Insn i) { result(b, i, b.sext8(b.gpr(i.rs()))); }
void extsh(Builder& b, Insn i) { result(b, i, b.sext16(b.gpr(i.rs()))); }
void extsw(Builder& b, Insn i) { result(b, i, b.sext32(b.gpr(i.rs()))); }
void cntlzw(Builder& b, Insn i) { result(b, i, b.sub(b.clz(b.zext32(b.gpr(i.rs()))), b.imm(32))); }
void cntlzd(Builder& b, Insn i) { result(b, i, b.clz(b.gpr(i.rs()))); }
void cnttzw(Builder& b, Insn i) { result(b, i, b.ctz(b.or_(b.gpr(i.rs()), b.imm(u64{1} << 32)))); }
void cnttzd(Builder& b, Insn i) { result(b, i, b.ctz(b.gpr(i.rs()))); }

// A byte x of the difference is 0 if neither x + 0x7f of its low bits nor x has the upper bit.
void cmpb(Builder& b, Insn i) {
    constexpr u64 kLow = 0x7f7f7f7f7f7f7f7f;
    const Value x = b.xor_(b.gpr(i.rs()), b.gpr(i.rb()));
    const Value differs = b.or_(b.add(b.and_(x, kLow), kLow), x);
    const Value same = b.and_(b.shr(b.not_(differs), 7), 0x0101010101010101);
    b.set_gpr(i.ra(), b.mul(same, b.imm(0xff)));
}
// Sums of neighbouring bits, then of pairs, then of nibbles.
void popcntb(Builder& b, Insn i) {
    const auto halves = [&](Value x, u64 n, u64 m) { return b.add(b.and_(x, m), b.and_(b.shr(x, n), m)); };
    const Value bits = halves(b.gpr(i.rs()), 1, 0x5555555555555555);
    b.set_gpr(i.ra(), halves(halves(bits, 2, 0x3333333333333333), 4, 0x0f0f0f0f0f0f0f0f));
}
void popcntw(Builder& b, Insn i) {
    const Value x = b.gpr(i.rs());
    b.set_gpr(i.ra(), b.or_(b.shl(b.popcnt(b.shr(x, 32)), 32), b.popcnt(b.zext32(x))));
}
void popcntd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.popcnt(b.gpr(i.rs()))); }

// Parity of the low bits of the bytes, of each word or of the doubleword.
void prtyw(Builder& b, Insn i) {
    const Value x = b.and_(b.gpr(i.rs()), 0x0101010101010101);
    const Value high = b.and_(b.popcnt(b.shr(x, 32)), 1), low = b.and_(b.popcnt(b.zext32(x)), 1);
    b.set_gpr(i.ra(), b.or_(b.shl(high, 32), low));
}
void prtyd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.and_(b.popcnt(b.and_(b.gpr(i.rs()), 0x0101010101010101)), 1)); }

void bpermd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.call(bit_permute, b.gpr(i.rs()), b.gpr(i.rb()))); }
void cbcdtd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.call(convert_declets<dfp::bcd_to_dpd, 12, 10>, b.gpr(i.rs()))); }
void cdtbcd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.call(convert_declets<dfp::dpd_to_bcd, 10, 12>, b.gpr(i.rs()))); }

// RA <- ROTL32((RS), n) & MASK
void rlwinm(Builder& b, Insn i) { result(b, i, b.and_(b.rotl_word(b.gpr(i.rs()), b.imm(i.sh5())), word_mask(i))); }
void rlwnm(Builder& b, Insn i) { result(b, i, b.and_(b.rotl_word(b.gpr(i.rs()), b.gpr(i.rb())), word_mask(i))); }
// RA <- rotated under the mask, RA elsewhere
void rlwimi(Builder& b, Insn i) {
    const u64 m = word_mask(i);
    const Value r = b.rotl_word(b.gpr(i.rs()), b.imm(i.sh5()));
    result(b, i, b.or_(b.and_(r, m), b.and_(b.gpr(i.ra()), ~m)));
}
void rldicl(Builder& b, Insn i) { result(b, i, b.and_(b.rotl(b.gpr(i.rs()), b.imm(i.sh6())), ppc_mask(i.mb6(), 63))); }
void rldicr(Builder& b, Insn i) { result(b, i, b.and_(b.rotl(b.gpr(i.rs()), b.imm(i.sh6())), ppc_mask(0, i.mb6()))); }
void rldic(Builder& b, Insn i) {
    result(b, i, b.and_(b.rotl(b.gpr(i.rs()), b.imm(i.sh6())), ppc_mask(i.mb6(), 63 - i.sh6())));
}
void rldimi(Builder& b, Insn i) {
    const u64 m = ppc_mask(i.mb6(), 63 - i.sh6());
    const Value r = b.rotl(b.gpr(i.rs()), b.imm(i.sh6()));
    result(b, i, b.or_(b.and_(r, m), b.and_(b.gpr(i.ra()), ~m)));
}
void rldcl(Builder& b, Insn i) { result(b, i, b.and_(b.rotl(b.gpr(i.rs()), b.gpr(i.rb())), ppc_mask(i.mb6(), 63))); }
void rldcr(Builder& b, Insn i) { result(b, i, b.and_(b.rotl(b.gpr(i.rs()), b.gpr(i.rb())), ppc_mask(0, i.mb6()))); }

// Shift amounts are 6 bits (words) and 7 bits (doublewords); all of the width or more gives 0 or the sign.
void slw(Builder& b, Insn i) { result(b, i, b.zext32(b.shl(b.zext32(b.gpr(i.rs())), b.and_(b.gpr(i.rb()), 63)))); }
void srw(Builder& b, Insn i) { result(b, i, b.shr(b.zext32(b.gpr(i.rs())), b.and_(b.gpr(i.rb()), 63))); }
void sld(Builder& b, Insn i) { result(b, i, b.shl(b.gpr(i.rs()), b.gpr(i.rb()))); }
void srd(Builder& b, Insn i) { result(b, i, b.shr(b.gpr(i.rs()), b.gpr(i.rb()))); }
void srawi(Builder& b, Insn i) { shift_algebraic(b, i, b.sext32(b.gpr(i.rs())), b.imm(i.sh5())); }
void sraw(Builder& b, Insn i) { shift_algebraic(b, i, b.sext32(b.gpr(i.rs())), b.and_(b.gpr(i.rb()), 63)); }
void sradi(Builder& b, Insn i) { shift_algebraic(b, i, b.gpr(i.rs()), b.imm(i.sh6())); }
void srad(Builder& b, Insn i) { shift_algebraic(b, i, b.gpr(i.rs()), b.and_(b.gpr(i.rb()), 127)); }
// RA <- EXTS((RS)[32:63]) << SH
void extswsli(Builder& b, Insn i) { result(b, i, b.shl(b.sext32(b.gpr(i.rs())), i.sh6())); }

}  // namespace mpower::jit::isa::sem
