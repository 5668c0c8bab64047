// Decimal conversions and formats (Power ISA, Book I 5.6.5, 5.6.6).
#include "jit/dfp/emit.h"

namespace mpower::jit::isa::sem {
using dfp::Context;
using dfp::Extended;
using dfp::insn;
using dfp::Kind;
using dfp::Long;
using dfp::Number;
using dfp::Range;
using dfp::Short;
using ir::Builder;

namespace {

/// The low digits that format F has room for: those that a NaN keeps.
template <class F>
u128 low_digits(u128 coefficient) {
    return coefficient % dfp::power(F::kRange.digits - 1);
}

/// A special symbol converted: infinities become the canonical one, NaNs keep their low digits.
template <class F>
Number special(const Number& b) {
    return {.kind = b.kind, .sign = b.sign, .coefficient = b.infinite() ? 0 : low_digits<F>(b.coefficient)};
}

// FRT <- the short number in FRB[32:63]; a signalling NaN stays one: the short format is for storage only
u64 short_to_long(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    const Number b = dfp::read<Short>(s, i.rb());
    dfp::finish<Long>(s, Context(s), i.rt(), b.finite() ? b : special<Long>(b));
    return 0;
}
u64 long_to_extended(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    const Number b = dfp::read<Long>(s, i.rb());
    dfp::finish<Extended>(s, c, i.rt(), b.finite() ? b : special<Extended>(b.nan() ? dfp::quieted(c, b) : b));
    return 0;
}

/// b rounded to To; where an enabled overflow or underflow moved the exponent, the result stays in format From
/// (5.5.10.3: exponents are moved by 192 or 3072, which To does not have).
template <class From, class To>
void narrow(CpuState& s, u32 target, const Number& b, Context& c, int adjust) {
    Range range = To::kRange;
    range.adjust = adjust;
    Number v = b.finite() ? dfp::round(c, {b.sign, b.exponent, b.coefficient}, range) : special<To>(b);
    if (!fp::finish_scalar(s, c)) return;
    if (c.wrapped) {
        dfp::write<From>(s, target, v);
        fp::set_fprf(s, dfp::class_of(v, From::kRange));
        return;
    }
    dfp::write_fpr(s, target, dfp::pack<To>(v));
    if (sizeof(typename From::Bits) == 16) dfp::write_fpr(s, target + 1, 0);
    fp::set_fprf(s, dfp::class_of(v, To::kRange));
}
// FRT <- 0 || FRB rounded to short; a signalling NaN stays one
u64 long_to_short(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    narrow<Long, Short>(s, i.rt(), dfp::read<Long>(s, i.rb()), c, 192);
    return 0;
}
// FRTp <- FRBp rounded to long || 0
u64 extended_to_long(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    const Number b = dfp::read<Extended>(s, i.rb());
    narrow<Extended, Long>(s, i.rt(), b.nan() ? dfp::quieted(c, b) : b, c, 3072);
    return 0;
}

template <class F>
u64 from_integer(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    const Number v = dfp::from_integer(c, static_cast<i64>(s.vsr[i.rb()].hi), F::kRange);
    dfp::finish<F>(s, c, i.rt(), v);
    return 0;
}
// FPRF is undefined after it: here it stays.
template <class F>
u64 to_integer(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    fp::settle(s);
    Context c(s);
    const i64 v = dfp::to_integer(c, dfp::read<F>(s, i.rb()));
    if (fp::finish_scalar(s, c)) dfp::write_fpr(s, i.rt(), static_cast<u64>(v));
    return 0;
}

/// FRT <- BCD digits of FRB, as many as there is room for. SP: 0- no sign, 10 signs C and D, 11 F and D.
template <class F>
u64 to_bcd(CpuState& s, u64 word, u64, u64) {
    using Bits = typename F::Bits;
    const Insn i = insn(word);
    const Number b = dfp::read<F>(s, i.rb());
    u128 rest = b.coefficient;
    const u32 sp = i.field(11, 12);
    unsigned at = 0;
    Bits bits = 0;
    if (sp & 2) bits = b.sign ? 0xd : sp & 1 ? 0xf : 0xc, at = 4;
    for (; at < sizeof(Bits) * 8; at += 4, rest /= 10) bits |= static_cast<Bits>(static_cast<u32>(rest % 10)) << at;
    dfp::write_bits(s, i.rt(), bits);
    return 0;
}
/// FRT <- the integer in BCD that FRB is, with a sign if S
template <class F>
u64 from_bcd(CpuState& s, u64 word, u64, u64) {
    using Bits = typename F::Bits;
    const Insn i = insn(word);
    Context c(s);
    Bits bits = static_cast<Bits>(s.vsr[i.rb()].hi);
    if constexpr (sizeof bits == 16) bits = bits << 64 | s.vsr[i.rb() + 1].hi;
    Number v;
    bool valid = true;
    unsigned last = 0;
    if (i.bit(11)) {
        const u32 sign = static_cast<u32>(bits) & 15;
        valid = sign >= 10;
        v.sign = sign == 11 || sign == 13;
        last = 4;
    }
    for (unsigned at = sizeof bits * 8; at > last;) {
        at -= 4;
        const u32 digit = static_cast<u32>(bits >> at) & 15;
        valid &= digit <= 9;
        v.coefficient = v.coefficient * 10 + digit;
    }
    dfp::finish<F>(s, c, i.rt(), valid ? v : dfp::invalid(c, fp::fpscr::kVxcvi));
    return 0;
}

/// FRT <- biased exponent of FRB; -1 for an infinity, -2, -3 for a quiet, a signalling NaN
template <class F>
u64 extract_exponent(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    const Number b = dfp::read<F>(s, i.rb());
    const int biased = b.finite() ? b.exponent + F::kBias : -static_cast<int>(b.kind);
    dfp::write_fpr(s, i.rt(), static_cast<u64>(i64{biased}));
    return 0;
}
static_assert(static_cast<int>(Kind::kInfinity) == 1 && static_cast<int>(Kind::kSignallingNan) == 3);

/// FRT <- FRB with the biased exponent, or the special symbol, that FRA names as above; others are a quiet NaN. A
/// special symbol has no first digit: none to lose, none to gain.
template <class F>
u64 insert_exponent(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    const i64 biased = static_cast<i64>(s.vsr[i.ra()].hi);
    Number v = dfp::read<F>(s, i.rb());
    if (biased >= 0 && biased <= F::kMaxBiased) {
        v.kind = Kind::kFinite;
        v.exponent = static_cast<int>(biased) - F::kBias;
    } else {
        v.kind = biased == -1 ? Kind::kInfinity : biased == -3 ? Kind::kSignallingNan : Kind::kQuietNan;
    }
    dfp::write<F>(s, i.rt(), v);
    return 0;
}

/// FRT <- FRA, its digits moved by SH
template <class F, bool left>
u64 shift_significand(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    const int n = static_cast<int>(i.field(16, 21));
    Number v = dfp::read<F>(s, i.ra());
    const int digits = F::kRange.digits - !v.finite();
    if (n >= digits)
        v.coefficient = 0;
    else if (left)
        v.coefficient = v.coefficient % dfp::power(digits - n) * dfp::power(n);
    else
        v.coefficient /= dfp::power(n);
    dfp::write<F>(s, i.rt(), v);
    return 0;
}

}  // namespace

void dctdp(Builder& b, Insn i) { dfp::run(b, i, short_to_long, i.rc()); }
void dctqpq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt()})) dfp::run(b, i, long_to_extended, i.rc());
}
void drsp(Builder& b, Insn i) { dfp::run(b, i, long_to_short, i.rc()); }
void drdpq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt(), i.rb()})) dfp::run(b, i, extended_to_long, i.rc());
}

void dcffix(Builder& b, Insn i) { dfp::run(b, i, from_integer<Long>, i.rc()); }
void dcffixq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt()})) dfp::run(b, i, from_integer<Extended>, i.rc());
}
void dctfix(Builder& b, Insn i) { dfp::run(b, i, to_integer<Long>, i.rc()); }
void dctfixq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rb()})) dfp::run(b, i, to_integer<Extended>, i.rc());
}

void ddedpd(Builder& b, Insn i) { dfp::run_plain(b, i, to_bcd<Long>); }
void ddedpdq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt(), i.rb()})) dfp::run_plain(b, i, to_bcd<Extended>);
}
void denbcd(Builder& b, Insn i) { dfp::run(b, i, from_bcd<Long>, i.rc()); }
void denbcdq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt(), i.rb()})) dfp::run(b, i, from_bcd<Extended>, i.rc());
}

void dxex(Builder& b, Insn i) { dfp::run_plain(b, i, extract_exponent<Long>); }
void dxexq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rb()})) dfp::run_plain(b, i, extract_exponent<Extended>);
}
void diex(Builder& b, Insn i) { dfp::run_plain(b, i, insert_exponent<Long>); }
void diexq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt(), i.rb()})) dfp::run_plain(b, i, insert_exponent<Extended>);
}

void dscli(Builder& b, Insn i) { dfp::run_plain(b, i, shift_significand<Long, true>); }
void dscliq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt(), i.ra()})) dfp::run_plain(b, i, shift_significand<Extended, true>);
}
void dscri(Builder& b, Insn i) { dfp::run_plain(b, i, shift_significand<Long, false>); }
void dscriq(Builder& b, Insn i) {
    if (dfp::paired<Extended>(b, {i.rt(), i.ra()})) dfp::run_plain(b, i, shift_significand<Extended, false>);
}

}  // namespace mpower::jit::isa::sem
