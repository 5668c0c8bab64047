// Fixed-point arithmetic and comparison (Power ISA, Book I 3.3.9, 3.3.10).
#include <optional>

#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

Value sign_bit(Builder& b, Value v) { return b.shr(v, 63); }
Value bit32(Builder& b, Value v) { return b.and_(b.shr(v, 32), 1); }
Value bit31(Builder& b, Value v) { return b.and_(b.shr(v, 31), 1); }

struct Sum {
    bool oe, rc, sets_ca;
};

/// RT <- x + y + carry_in, with CA, OV and CR0 as asked. carry_in: 0 or 1, nullopt = 0. The carries and overflows of
/// the low word are CA32 and OV32, and in 32-bit mode CA and OV as well.
void sum(Builder& b, u32 rt, Value x, Value y, std::optional<Value> carry_in, Sum what) {
    const Value partial = b.add(x, y);
    const Value r = carry_in ? b.add(partial, *carry_in) : partial;
    const bool words = !b.mode().sf;
    if (what.sets_ca) {
        // The carry into bit 32 (from the right) is the one out of the low word: bit 32 of x ^ y ^ r.
        const Value ca32 = words || b.isa300() ? bit32(b, b.xor_(b.xor_(x, y), r)) : Value{};
        Value ca = ca32;
        if (!words) {
            ca = b.lt_u(partial, x);
            if (carry_in) ca = b.or_(ca, b.lt_u(r, partial));
        }
        b.set_ca(ca);
        if (b.isa300()) b.set_ca32(ca32);
    }
    if (what.oe) {
        // Overflow: both addends have the sign that the result has not.
        const Value wrong = b.and_(b.xor_(x, r), b.xor_(y, r));
        const Value ov32 = words || b.isa300() ? bit31(b, wrong) : Value{};
        b.set_ov(words ? ov32 : sign_bit(b, wrong));
        if (b.isa300()) b.set_ov32(ov32);
    }
    b.set_gpr(rt, r);
    if (what.rc) b.record(r);
}

/// Result of a multiplication or division with overflow known: OV and OV32 := overflow.
void finish(Builder& b, Insn i, Value r, std::optional<Value> overflow) {
    if (i.oe() && overflow) {
        b.set_ov(*overflow);
        if (b.isa300()) b.set_ov32(*overflow);
    }
    b.set_gpr(i.rt(), r);
    if (i.rc()) b.record(r);
}

Value is_zero(Builder& b, Value v) { return b.eq(v, b.imm(0)); }
Value both(Builder& b, Value x, Value y) { return b.and_(x, y); }

u64 divide_extended(CpuState&, u64 a, u64 d, u64 overflow_wanted) {
    const u128 dividend = u128{a} << 64;
    const bool overflow = d == 0 || a >= d;
    if (overflow_wanted) return overflow;
    return overflow ? 0 : static_cast<u64>(dividend / d);
}

u64 divide_extended_signed(CpuState&, u64 a, u64 d, u64 overflow_wanted) {
    const i128 dividend = static_cast<i128>(u128{a} << 64);
    const i64 divisor = static_cast<i64>(d);
    // The most negative dividend over -1 overflows i128 too.
    bool overflow = divisor == 0 || (divisor == -1 && a == u64{1} << 63);
    i128 q = 0;
    if (!overflow) {
        q = dividend / divisor;
        overflow = q != static_cast<i64>(q);
    }
    if (overflow_wanted) return overflow;
    return overflow ? 0 : static_cast<u64>(q);
}

void compare(Builder& b, Insn i, Value x, Value y, bool is_signed) {
    if (is_signed) {
        if (!i.l()) x = b.sext32(x), y = b.sext32(y);
        b.set_cr_compare_s(i.bf(), x, y);
    } else {
        if (!i.l()) x = b.zext32(x), y = b.zext32(y);
        b.set_cr_compare_u(i.bf(), x, y);
    }
}

u64 multiply_add_high(CpuState&, u64 a, u64 b, u64 c) {
    return static_cast<u64>((i128{static_cast<i64>(a)} * static_cast<i64>(b) + static_cast<i64>(c)) >> 64);
}
u64 multiply_add_high_unsigned(CpuState&, u64 a, u64 b, u64 c) { return static_cast<u64>((u128{a} * b + c) >> 64); }

u64 random_number(CpuState& s, u64 form, u64, u64) {
    const u64 r = s.platform->random();
    return form == 0 ? r & 0xffffffff : form == 3 ? ~u64{0} : r;
}

u64 add_sixes(CpuState&, u64 a, u64 b, u64) {
    // A 6 in each BCD digit that made no carry.
    const u128 carries = u128{a} ^ b ^ (u128{a} + b);  // bit 4(n+1): carry out of digit n
    u64 r = 0;
    for (int digit = 0; digit < 16; ++digit) {
        if (!(carries >> (4 * digit + 4) & 1)) r |= u64{6} << (4 * digit);
    }
    return r;
}

}  // namespace

// RT <- (RA|0) + EXTS(SI)
void addi(Builder& b, Insn i) { b.set_gpr(i.rt(), b.add(b.gpr_or_zero(i.ra()), i.si())); }
// RT <- (RA|0) + EXTS(SI || 0x0000)
void addis(Builder& b, Insn i) { b.set_gpr(i.rt(), b.add(b.gpr_or_zero(i.ra()), i.si() << 16)); }

// RT <- NIA + EXTS(D || 0x0000)
void addpcis(Builder& b, Insn i) {
    const u32 d = i.field(16, 25) << 6 | i.field(11, 15) << 1 | i.field(31, 31);
    b.set_gpr(i.rt(), b.cia_plus(4 + (static_cast<u64>(sign_extend(d, 16)) << 16)));
}

// RT <- (RA) + EXTS(SI), CA
void addic(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.imm(i.si()), {}, {false, false, true}); }
void addic_(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.imm(i.si()), {}, {false, true, true}); }
// RT <- ~(RA) + EXTS(SI) + 1
void subfic(Builder& b, Insn i) {
    sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.imm(i.si()), b.imm(1), {false, false, true});
}

// RT <- (RA) + (RB)
void add(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.gpr(i.rb()), {}, {i.oe(), i.rc(), false}); }
// RT <- ~(RA) + (RB) + 1
void subf(Builder& b, Insn i) {
    if (!i.oe()) {
        const Value r = b.sub(b.gpr(i.rb()), b.gpr(i.ra()));
        b.set_gpr(i.rt(), r);
        if (i.rc()) b.record(r);
        return;
    }
    sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.gpr(i.rb()), b.imm(1), {true, i.rc(), false});
}
void addc(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.gpr(i.rb()), {}, {i.oe(), i.rc(), true}); }
void subfc(Builder& b, Insn i) {
    sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.gpr(i.rb()), b.imm(1), {i.oe(), i.rc(), true});
}
// RT <- (RA) + (RB) + CA
void adde(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.gpr(i.rb()), b.ca(), {i.oe(), i.rc(), true}); }
// RT <- ~(RA) + (RB) + CA
void subfe(Builder& b, Insn i) { sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.gpr(i.rb()), b.ca(), {i.oe(), i.rc(), true}); }
// RT <- (RA) + CA - 1
void addme(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.imm(~u64{0}), b.ca(), {i.oe(), i.rc(), true}); }
void subfme(Builder& b, Insn i) {
    sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.imm(~u64{0}), b.ca(), {i.oe(), i.rc(), true});
}
// RT <- (RA) + CA
void addze(Builder& b, Insn i) { sum(b, i.rt(), b.gpr(i.ra()), b.imm(0), b.ca(), {i.oe(), i.rc(), true}); }
void subfze(Builder& b, Insn i) { sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.imm(0), b.ca(), {i.oe(), i.rc(), true}); }
// RT <- ~(RA) + 1
void neg(Builder& b, Insn i) { sum(b, i.rt(), b.not_(b.gpr(i.ra())), b.imm(0), b.imm(1), {i.oe(), i.rc(), false}); }

// RT <- (RA) + (RB) + OV, OV := carry. CY other than 0 is reserved.
void addex(Builder& b, Insn i) {
    if (i.field(21, 22) != 0) return b.illegal();
    const Value x = b.gpr(i.ra()), y = b.gpr(i.rb()), carry = b.get8(offsetof(CpuState, ov));
    const Value partial = b.add(x, y);
    const Value r = b.add(partial, carry);
    const Value out32 = bit32(b, b.xor_(b.xor_(x, y), r));
    const Value out = b.or_(b.lt_u(partial, x), b.lt_u(r, partial));
    b.set8(offsetof(CpuState, ov), b.mode().sf ? out : out32);
    b.set_ov32(out32);
    b.set_gpr(i.rt(), r);
}

// RT <- (RA) x EXTS(SI), low 64 bits
void mulli(Builder& b, Insn i) { b.set_gpr(i.rt(), b.mul(b.gpr(i.ra()), b.imm(i.si()))); }

void mullw(Builder& b, Insn i) {
    const Value r = b.mul(b.sext32(b.gpr(i.ra())), b.sext32(b.gpr(i.rb())));
    finish(b, i, r, i.oe() ? std::optional(b.ne(r, b.sext32(r))) : std::nullopt);
}
void mulld(Builder& b, Insn i) {
    const Value x = b.gpr(i.ra()), y = b.gpr(i.rb());
    const Value r = b.mul(x, y);
    finish(b, i, r, i.oe() ? std::optional(b.ne(b.mul_high_s(x, y), b.sar(r, 63))) : std::nullopt);
}
// The high word of RT is undefined for mulhw and mulhwu: here a copy of the low word, as POWER8 has it.
void mulhw(Builder& b, Insn i) {
    const Value r = b.shr(b.mul(b.sext32(b.gpr(i.ra())), b.sext32(b.gpr(i.rb()))), 32);
    finish(b, i, b.or_(r, b.shl(r, 32)), {});
}
void mulhwu(Builder& b, Insn i) {
    const Value r = b.shr(b.mul(b.zext32(b.gpr(i.ra())), b.zext32(b.gpr(i.rb()))), 32);
    finish(b, i, b.or_(r, b.shl(r, 32)), {});
}
void mulhd(Builder& b, Insn i) { finish(b, i, b.mul_high_s(b.gpr(i.ra()), b.gpr(i.rb())), {}); }
void mulhdu(Builder& b, Insn i) { finish(b, i, b.mul_high_u(b.gpr(i.ra()), b.gpr(i.rb())), {}); }

// RT <- high or low doubleword of (RA) x (RB) + (RC)
void maddhd(Builder& b, Insn i) {
    b.set_gpr(i.rt(), b.call(multiply_add_high, b.gpr(i.ra()), b.gpr(i.rb()), b.gpr(i.rc_field())));
}
void maddhdu(Builder& b, Insn i) {
    b.set_gpr(i.rt(), b.call(multiply_add_high_unsigned, b.gpr(i.ra()), b.gpr(i.rb()), b.gpr(i.rc_field())));
}
void maddld(Builder& b, Insn i) { b.set_gpr(i.rt(), b.add(b.mul(b.gpr(i.ra()), b.gpr(i.rb())), b.gpr(i.rc_field()))); }

// Quotients that do not exist (division by 0, overflow) are undefined: here 0.
void divw(Builder& b, Insn i) {
    const Value x = b.sext32(b.gpr(i.ra())), y = b.sext32(b.gpr(i.rb()));
    const Value most_negative = b.eq(x, b.imm(0xffffffff80000000));
    const Value overflow = b.or_(is_zero(b, y), both(b, most_negative, b.eq(y, b.imm(~u64{0}))));
    const Value q = b.select(overflow, b.imm(0), b.zext32(b.div_s(x, y)));
    finish(b, i, q, overflow);
}
void divwu(Builder& b, Insn i) {
    const Value y = b.zext32(b.gpr(i.rb()));
    finish(b, i, b.div_u(b.zext32(b.gpr(i.ra())), y), is_zero(b, y));
}
void divd(Builder& b, Insn i) {
    const Value x = b.gpr(i.ra()), y = b.gpr(i.rb());
    const Value overflow = b.or_(is_zero(b, y), both(b, b.eq(x, b.imm(u64{1} << 63)), b.eq(y, b.imm(~u64{0}))));
    finish(b, i, b.div_s(x, y), overflow);
}
void divdu(Builder& b, Insn i) {
    const Value y = b.gpr(i.rb());
    finish(b, i, b.div_u(b.gpr(i.ra()), y), is_zero(b, y));
}
// Dividend (RA)[32:63] || 32 zeros
void divwe(Builder& b, Insn i) {
    const Value x = b.shl(b.gpr(i.ra()), 32), y = b.sext32(b.gpr(i.rb()));
    const Value q = b.div_s(x, y);  // 0 for the two cases that do not exist
    const Value impossible = both(b, b.eq(x, b.imm(u64{1} << 63)), b.eq(y, b.imm(~u64{0})));
    const Value overflow = b.or_(b.or_(is_zero(b, y), impossible), b.ne(q, b.sext32(q)));
    finish(b, i, b.select(overflow, b.imm(0), b.zext32(q)), overflow);
}
void divweu(Builder& b, Insn i) {
    const Value y = b.zext32(b.gpr(i.rb()));
    const Value q = b.div_u(b.shl(b.gpr(i.ra()), 32), y);
    const Value overflow = b.or_(is_zero(b, y), b.ne(q, b.zext32(q)));
    finish(b, i, b.select(overflow, b.imm(0), q), overflow);
}
void divde(Builder& b, Insn i) {
    const Value x = b.gpr(i.ra()), y = b.gpr(i.rb());
    const Value q = b.call(divide_extended_signed, x, y, b.imm(0));
    finish(b, i, q, i.oe() ? std::optional(b.call(divide_extended_signed, x, y, b.imm(1))) : std::nullopt);
}
void divdeu(Builder& b, Insn i) {
    const Value x = b.gpr(i.ra()), y = b.gpr(i.rb());
    const Value q = b.call(divide_extended, x, y, b.imm(0));
    finish(b, i, q, i.oe() ? std::optional(b.call(divide_extended, x, y, b.imm(1))) : std::nullopt);
}
void modsw(Builder& b, Insn i) { b.set_gpr(i.rt(), b.rem_s(b.sext32(b.gpr(i.ra())), b.sext32(b.gpr(i.rb())))); }
void moduw(Builder& b, Insn i) { b.set_gpr(i.rt(), b.rem_u(b.zext32(b.gpr(i.ra())), b.zext32(b.gpr(i.rb())))); }
void modsd(Builder& b, Insn i) { b.set_gpr(i.rt(), b.rem_s(b.gpr(i.ra()), b.gpr(i.rb()))); }
void modud(Builder& b, Insn i) { b.set_gpr(i.rt(), b.rem_u(b.gpr(i.ra()), b.gpr(i.rb()))); }

// L = 0: 32 bits, 1: conditioned, 2: raw; 3 is reserved and gives the error value.
void darn(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(random_number, b.imm(i.field(14, 15)))); }

void cmpi(Builder& b, Insn i) { compare(b, i, b.gpr(i.ra()), b.imm(i.si()), true); }
void cmp(Builder& b, Insn i) { compare(b, i, b.gpr(i.ra()), b.gpr(i.rb()), true); }
void cmpli(Builder& b, Insn i) { compare(b, i, b.gpr(i.ra()), b.imm(i.ui()), false); }
void cmpl(Builder& b, Insn i) { compare(b, i, b.gpr(i.ra()), b.gpr(i.rb()), false); }

// CR[BF] <- 0 || in_range || 0 || 0 of RA's low byte in one or (L = 1) two ranges of RB
void cmprb(Builder& b, Insn i) {
    const Value x = b.zext8(b.gpr(i.ra())), ranges = b.gpr(i.rb());
    const auto inside = [&](u64 low_at) {
        const Value low = b.zext8(b.shr(ranges, low_at)), high = b.zext8(b.shr(ranges, low_at + 8));
        return b.and_not(b.imm(1), b.or_(b.lt_u(x, low), b.lt_u(high, x)));
    };
    const Value in = i.l() ? b.or_(inside(0), inside(16)) : inside(0);
    b.set_cr(i.bf(), b.shl(in, 2));
}

// CR[BF] <- 0 || any byte of RB equals RA's low byte || 0 || 0
void cmpeqb(Builder& b, Insn i) {
    const Value x = b.zext8(b.gpr(i.ra())), bytes = b.gpr(i.rb());
    Value any = b.eq(x, b.zext8(bytes));
    for (u64 n = 1; n < 8; ++n) any = b.or_(any, b.eq(x, b.zext8(b.shr(bytes, 8 * n))));
    b.set_cr(i.bf(), b.shl(any, 2));
}

void addg6s(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(add_sixes, b.gpr(i.ra()), b.gpr(i.rb()))); }

}  // namespace mpower::jit::isa::sem
