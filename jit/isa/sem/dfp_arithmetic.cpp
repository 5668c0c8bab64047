// Decimal arithmetic, comparison, tests, quantum adjustment (Power ISA, Book I 5.6.1-5.6.4).
#include "jit/dfp/emit.h"

namespace mpower::jit::isa::sem {
using dfp::Context;
using dfp::Extended;
using dfp::insn;
using dfp::Kind;
using dfp::Long;
using dfp::Number;
using dfp::Range;
using dfp::Rounding;
using ir::Builder;

namespace {

using Binary = Number (*)(Context&, const Number&, const Number&, const Range&);

/// FRT <- op(FRA, FRB)
template <class F, Binary op>
u64 binary_helper(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    const Number v = op(c, dfp::read<F>(s, i.ra()), dfp::read<F>(s, i.rb()), F::kRange);
    dfp::finish<F>(s, c, i.rt(), v);
    return 0;
}
template <class F, Binary op>
void binary(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rt(), i.ra(), i.rb()})) dfp::run(b, i, binary_helper<F, op>, i.rc());
}

// --- CR[BF] and FPCC <- some four bits

template <class F, bool ordered>
u64 compare_helper(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    const u32 nibble = dfp::compare(c, dfp::read<F>(s, i.ra()), dfp::read<F>(s, i.rb()), ordered);
    fp::raise_exceptions(s, c.raised);
    fp::set_fpcc(s, nibble);
    return nibble;
}
template <class F, bool ordered>
void compare(Builder& b, Insn i) {
    if (!dfp::paired<F>(b, {i.ra(), i.rb()})) return;
    b.set_cr(i.bf(), b.call(compare_helper<F, ordered>, b.imm(i.word)));
    fp::after(b);
}

/// `nibble` gives them.
template <u32 (*nibble)(const CpuState&, Insn)>
u64 test_helper(CpuState& s, u64 word, u64, u64) {
    const u32 bits = nibble(s, insn(word));
    fp::set_fpcc(s, bits);
    return bits;
}
template <u32 (*nibble)(const CpuState&, Insn)>
void test(Builder& b, Insn i) {
    b.set_cr(i.bf(), b.call(test_helper<nibble>, b.imm(i.word)));
}

/// Sign, and whether DCM or DGM, which stand in the same place, has the bit of the operand's class or group.
u32 sign_and_match(const Number& n, Insn i, u32 bit) {
    return (n.sign ? cr::kLt : 0) | (i.field(16, 21) & 0x20u >> bit ? cr::kEq : 0);
}
/// Zero, subnormal, normal, infinity, quiet NaN, signalling NaN.
template <class F>
u32 data_class(const CpuState& s, Insn i) {
    const Number n = dfp::read<F>(s, i.ra());
    u32 bit = 2 + static_cast<u32>(n.kind);
    if (n.zero()) bit = 0;
    if (dfp::subnormal(n, F::kRange)) bit = 1;
    return sign_and_match(n, i, bit);
}
/// Zero with an ordinary, with an extreme exponent; subnormal or extreme; normal whose first digit is 0, is not 0;
/// special symbol.
template <class F>
u32 data_group(const CpuState& s, Insn i) {
    const Number n = dfp::read<F>(s, i.ra());
    const bool extreme = n.exponent == F::kRange.min || n.exponent == F::kRange.max;
    u32 bit = 3 + (dfp::digits_of(n.coefficient) == F::kRange.digits);
    if (n.zero()) {
        bit = extreme;
    } else if (!n.finite()) {
        bit = 5;
    } else if (extreme || dfp::subnormal(n, F::kRange)) {
        bit = 2;
    }
    return sign_and_match(n, i, bit);
}
template <class F>
u32 exponent_order(const CpuState& s, Insn i) {
    const Number a = dfp::read<F>(s, i.ra()), b = dfp::read<F>(s, i.rb());
    if (a.finite() != b.finite() || a.nan() != b.nan()) return cr::kSo;
    if (!a.finite()) return cr::kEq;
    return a.exponent < b.exponent ? cr::kLt : a.exponent > b.exponent ? cr::kGt : cr::kEq;
}
/// A significance k, of which 0 means more than any number has, against the digits of FRB.
template <class F>
u32 significance_order(const CpuState& s, u32 k, Insn i) {
    const Number b = dfp::read<F>(s, i.rb());
    if (!b.finite()) return cr::kSo;
    const u32 digits = static_cast<u32>(dfp::digits_of(b.coefficient));
    if (k == 0 || k > digits) return cr::kGt;
    return k < digits ? cr::kLt : cr::kEq;
}
/// FRA[58:63]
u32 significance(const CpuState& s, Insn i) { return s.vsr[i.ra()].hi & 63; }
template <class F>
u32 significance_of_register(const CpuState& s, Insn i) {
    return significance_order<F>(s, significance(s, i), i);
}
template <class F>
u32 significance_immediate(const CpuState& s, Insn i) {
    return significance_order<F>(s, i.field(10, 15), i);
}

template <class F>
void test_class(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.ra()})) test<data_class<F>>(b, i);
}
template <class F>
void test_group(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.ra()})) test<data_group<F>>(b, i);
}
template <class F>
void test_exponent(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.ra(), i.rb()})) test<exponent_order<F>>(b, i);
}
template <class F>
void test_significance(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rb()})) test<significance_of_register<F>>(b, i);
}
template <class F>
void test_significance_immediate(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rb()})) test<significance_immediate<F>>(b, i);
}

// --- quantum adjustment

/// RMC (figure "Primary RMC"), or with R the secondary one.
Rounding rounding(Insn i, bool secondary, Rounding current) {
    using enum Rounding;
    const u32 rmc = i.field(21, 22);
    constexpr Rounding kPrimary[] = {kNearest, kZero, kNearestAway}, kSecondary[] = {kUp, kDown, kAway, kNearestZero};
    if (secondary) return kSecondary[rmc];
    return rmc == 3 ? current : kPrimary[rmc];
}

using Adjust = Number (*)(Context&, const CpuState&, Insn);

/// FRT <- (FRB) adjusted, rounded by RMC
template <class F, Adjust adjust, bool has_r>
u64 adjust_helper(CpuState& s, u64 word, u64, u64) {
    const Insn i = insn(word);
    Context c(s);
    c.mode = rounding(i, has_r && i.bit(15), c.mode);
    const Number v = adjust(c, s, i);
    dfp::finish<F>(s, c, i.rt(), v);
    return 0;
}
template <class F>
Number quantum(Context& c, const CpuState& s, Insn i) {
    return dfp::quantize(c, dfp::read<F>(s, i.ra()), dfp::read<F>(s, i.rb()), F::kRange);
}
template <class F>
Number quantum_immediate(Context& c, const CpuState& s, Insn i) {
    const Number pattern{.exponent = static_cast<int>(sign_extend(i.field(11, 15), 5))};
    return dfp::quantize(c, pattern, dfp::read<F>(s, i.rb()), F::kRange);
}
template <class F>
Number rerounded(Context& c, const CpuState& s, Insn i) {
    return dfp::reround(c, static_cast<int>(significance(s, i)), dfp::read<F>(s, i.rb()), F::kRange);
}
template <class F, bool exceptions>
Number integral(Context& c, const CpuState& s, Insn i) {
    const Number v = dfp::to_integral(c, dfp::read<F>(s, i.rb()), F::kRange);
    if (!exceptions) {
        c.raised &= ~fp::fpscr::kXx;
        c.fr = c.fi = false;
    }
    return v;
}

template <class F>
void quantize(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rt(), i.ra(), i.rb()})) dfp::run(b, i, adjust_helper<F, quantum<F>, false>, i.rc());
}
template <class F>
void quantize_immediate(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rt(), i.rb()})) dfp::run(b, i, adjust_helper<F, quantum_immediate<F>, false>, i.rc());
}
template <class F>
void reround(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rt(), i.rb()})) dfp::run(b, i, adjust_helper<F, rerounded<F>, false>, i.rc());
}
template <class F, bool exceptions>
void round_to_integral(Builder& b, Insn i) {
    if (dfp::paired<F>(b, {i.rt(), i.rb()})) dfp::run(b, i, adjust_helper<F, integral<F, exceptions>, true>, i.rc());
}

}  // namespace

void dadd(Builder& b, Insn i) { binary<Long, dfp::add>(b, i); }
void daddq(Builder& b, Insn i) { binary<Extended, dfp::add>(b, i); }
void dsub(Builder& b, Insn i) { binary<Long, dfp::subtract>(b, i); }
void dsubq(Builder& b, Insn i) { binary<Extended, dfp::subtract>(b, i); }
void dmul(Builder& b, Insn i) { binary<Long, dfp::multiply>(b, i); }
void dmulq(Builder& b, Insn i) { binary<Extended, dfp::multiply>(b, i); }
void ddiv(Builder& b, Insn i) { binary<Long, dfp::divide>(b, i); }
void ddivq(Builder& b, Insn i) { binary<Extended, dfp::divide>(b, i); }

void dcmpu(Builder& b, Insn i) { compare<Long, false>(b, i); }
void dcmpuq(Builder& b, Insn i) { compare<Extended, false>(b, i); }
void dcmpo(Builder& b, Insn i) { compare<Long, true>(b, i); }
void dcmpoq(Builder& b, Insn i) { compare<Extended, true>(b, i); }

void dtstdc(Builder& b, Insn i) { test_class<Long>(b, i); }
void dtstdcq(Builder& b, Insn i) { test_class<Extended>(b, i); }
void dtstdg(Builder& b, Insn i) { test_group<Long>(b, i); }
void dtstdgq(Builder& b, Insn i) { test_group<Extended>(b, i); }
void dtstex(Builder& b, Insn i) { test_exponent<Long>(b, i); }
void dtstexq(Builder& b, Insn i) { test_exponent<Extended>(b, i); }
void dtstsf(Builder& b, Insn i) { test_significance<Long>(b, i); }
void dtstsfq(Builder& b, Insn i) { test_significance<Extended>(b, i); }
void dtstsfi(Builder& b, Insn i) { test_significance_immediate<Long>(b, i); }
void dtstsfiq(Builder& b, Insn i) { test_significance_immediate<Extended>(b, i); }

void dqua(Builder& b, Insn i) { quantize<Long>(b, i); }
void dquaq(Builder& b, Insn i) { quantize<Extended>(b, i); }
void dquai(Builder& b, Insn i) { quantize_immediate<Long>(b, i); }
void dquaiq(Builder& b, Insn i) { quantize_immediate<Extended>(b, i); }
void drrnd(Builder& b, Insn i) { reround<Long>(b, i); }
void drrndq(Builder& b, Insn i) { reround<Extended>(b, i); }
void drintx(Builder& b, Insn i) { round_to_integral<Long, true>(b, i); }
void drintxq(Builder& b, Insn i) { round_to_integral<Extended, true>(b, i); }
void drintn(Builder& b, Insn i) { round_to_integral<Long, false>(b, i); }
void drintnq(Builder& b, Insn i) { round_to_integral<Extended, false>(b, i); }

}  // namespace mpower::jit::isa::sem
