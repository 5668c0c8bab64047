// VSX conversions and moves of exponents and significands (Power ISA, Book I 7.6).
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using fp::Context;
using fp::Double;
using fp::Half;
using fp::Quad;
using fp::Regs;
using fp::Rounding;
using fp::Single;
using ir::Builder;
using ir::Value;

namespace {

/// One element in format A to format B: rounds, quiets a signalling NaN.
template <class A, class B, class W = typename A::Wide>
typename B::Bits to_format(Context& c, typename A::Bits bits) {
    const auto n = fp::unpack<A, W>(bits);
    fp::Number<W> nan;
    return fp::round_to<B>(c, fp::propagate(c, {&n}, &nan) ? nan : n);
}

/// A floating-point element to an integer, towards zero.
template <class A, class T>
std::make_unsigned_t<T> to_integer(Context& c, typename A::Bits bits) {
    return static_cast<std::make_unsigned_t<T>>(fp::to_integer<T>(c, fp::unpack<A>(bits), Rounding::kZero));
}

template <class T, class B>
typename B::Bits from_integer(Context& c, std::make_unsigned_t<T> v) {
    return fp::round_to<B>(c, fp::from_integer<typename B::Wide>(static_cast<T>(v)));
}
/// On scalar registers a single result is kept as a double.
template <class T>
u64 integer_to_single(Context& c, u64 v) {
    return fp::widen_single(from_integer<T, Single>(c, v));
}

// A half-precision element is the low half of the word or doubleword that it shares with zeros.
u64 double_to_half(Context& c, u64 v) { return to_format<Double, Half>(c, v); }
u64 half_to_double(Context& c, u64 v) { return to_format<Half, Double>(c, static_cast<u16>(v)); }
u32 single_to_half(Context& c, u32 v) { return to_format<Single, Half>(c, v); }
u32 half_to_single(Context& c, u32 v) { return to_format<Half, Single>(c, static_cast<u16>(v)); }

template <class>
struct Signature;
template <class R, class A>
struct Signature<R (*)(Context&, A)> {
    using To = R;
    using From = A;
};

/// Elements of differing size share a doubleword: the narrow one is its left word (a narrow result is in both words:
/// the right one is undefined, and this is what processors leave there).
template <auto f>
V128 convert(Context& c, const V128& v, bool vector) {
    using From = typename Signature<decltype(f)>::From;
    using To = typename Signature<decltype(f)>::To;
    constexpr unsigned kBytes = std::max(sizeof(From), sizeof(To));
    V128 out;
    u64 raised = 0;
    for (unsigned i = 0; i < (vector ? 16 / kBytes : 1); ++i) {
        c.raised = 0;
        const To r = f(c, fp::element<From>(v, i * (kBytes / sizeof(From))));
        raised |= c.raised;
        for (unsigned k = 0; k < kBytes / sizeof(To); ++k) fp::set_element<To>(out, i * (kBytes / sizeof(To)) + k, r);
    }
    c.raised = raised;
    return out;
}

template <auto f>
u64 vector_helper(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const V128 v = convert<f>(c, s.vsr[r.b], true);
    if (fp::finish_vector(s, c)) s.vsr[r.t] = v;
    return 0;
}
template <auto f>
void vector(Builder& b, Insn i) {
    fp::run(b, vector_helper<f>, Regs{.t = i.xt(), .b = i.xb()});
}

/// Class: the format whose class FPRF gets, or void for integers, which leave FPRF undefined: the operand's class then.
template <auto f, class Class>
u64 scalar_helper(CpuState& s, u64 regs, u64, u64) {
    using To = typename Signature<decltype(f)>::To;
    const Regs r = Regs::of(regs);
    Context c(s);
    const u64 from = s.vsr[r.b].hi;
    const V128 v = convert<f>(c, s.vsr[r.b], false);
    if (!fp::finish_scalar(s, c)) return 0;
    s.vsr[r.t] = v;
    if constexpr (std::is_void_v<Class>)
        fp::set_fprf(s, fp::class_of<Double>(from));
    else if constexpr (std::is_same_v<Class, Single> && sizeof(To) == 8) {
        fp::set_fprf(s, fp::class_of<Single>(fp::narrow_single(v.hi)));
    } else {
        fp::set_fprf(s, fp::class_of<Class>(static_cast<typename Class::Bits>(fp::element<To>(v, 0))));
    }
    return 0;
}
template <auto f, class Class>
void scalar(Builder& b, Insn i, ir::FloatForm form = {}) {
    const Regs r{.t = i.xt(), .b = i.xb()};
    if (form.op == ir::Float::kNone) return fp::run(b, scalar_helper<f, Class>, r);
    fp::run(b, ir::Op::kFloat, scalar_helper<f, Class>, form, r);
}

/// f on both doublewords of XB.
template <class F>
void each_half(Builder& b, Insn i, F f) {
    const Value v = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(v)), f(b.low64(v))));
}

/// Fraction with the implicit bit.
Value significand_dp(Builder& b, Value v) {
    const Value biased = b.and_(b.shr(v, 52), 0x7ff);
    const Value normal = b.and_(b.ne(biased, b.imm(0)), b.ne(biased, b.imm(0x7ff)));
    return b.or_(b.and_(v, Double::kFractionMask), b.shl(normal, 52));
}
u64 significands_sp(CpuState&, u64 v, u64, u64) {
    u64 out = 0;
    for (int at : {32, 0}) {
        const u32 w = static_cast<u32>(v >> at), biased = w >> 23 & 0xff;
        out |= u64{(w & 0x7fffff) | (biased != 0 && biased != 0xff) << 23} << at;
    }
    return out;
}
/// Sign and fraction of `significand`, exponent from the low bits of `exponent`.
Value inserted_dp(Builder& b, Value significand, Value exponent) {
    return b.or_(b.and_(significand, ~Double::kInfinity), b.shl(b.and_(exponent, 0x7ff), 52));
}
Value inserted_sp(Builder& b, Value significand, Value exponent) {
    return b.or_(b.and_(significand, ~u64{0x7f8000007f800000}), b.shl(b.and_(exponent, 0x000000ff000000ff), 23));
}

}  // namespace

void xscvdpsp(Builder& b, Insn i) { scalar<to_format<Double, Single>, Single>(b, i); }
void xscvspdp(Builder& b, Insn i) { scalar<to_format<Single, Double>, Double>(b, i); }
void xscvdphp(Builder& b, Insn i) { scalar<double_to_half, Half>(b, i); }
void xscvhpdp(Builder& b, Insn i) { scalar<half_to_double, Double>(b, i); }
void xscvdpsxds(Builder& b, Insn i) { scalar<to_integer<Double, i64>, void>(b, i, {.op = ir::Float::kToS64}); }
void xscvdpsxws(Builder& b, Insn i) {
    scalar<to_integer<Double, i32>, void>(b, i, {.op = ir::Float::kToS32, .twice = true});
}
void xscvdpuxds(Builder& b, Insn i) { scalar<to_integer<Double, u64>, void>(b, i, {.op = ir::Float::kToU64}); }
void xscvdpuxws(Builder& b, Insn i) {
    scalar<to_integer<Double, u32>, void>(b, i, {.op = ir::Float::kToU32, .twice = true});
}
void xscvsxddp(Builder& b, Insn i) { scalar<from_integer<i64, Double>, Double>(b, i, {.op = ir::Float::kFromS64}); }
void xscvuxddp(Builder& b, Insn i) { scalar<from_integer<u64, Double>, Double>(b, i, {.op = ir::Float::kFromU64}); }
void xscvsxdsp(Builder& b, Insn i) {
    scalar<integer_to_single<i64>, Single>(b, i, {.op = ir::Float::kFromS64, .single = true});
}
void xscvuxdsp(Builder& b, Insn i) {
    scalar<integer_to_single<u64>, Single>(b, i, {.op = ir::Float::kFromU64, .single = true});
}
// The non-signalling forms change neither FPSCR nor a signalling NaN.
void xscvdpspn(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.mul(b.narrow(b.fpr(i.xb())), b.imm(0x100000001))); }
void xscvspdpn(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.widen(b.shr(b.fpr(i.xb()), 32))); }

void xvcvdpsp(Builder& b, Insn i) { vector<to_format<Double, Single>>(b, i); }
void xvcvspdp(Builder& b, Insn i) { vector<to_format<Single, Double>>(b, i); }
void xvcvsphp(Builder& b, Insn i) { vector<single_to_half>(b, i); }
void xvcvhpsp(Builder& b, Insn i) { vector<half_to_single>(b, i); }
void xvcvdpsxds(Builder& b, Insn i) { vector<to_integer<Double, i64>>(b, i); }
void xvcvdpsxws(Builder& b, Insn i) { vector<to_integer<Double, i32>>(b, i); }
void xvcvdpuxds(Builder& b, Insn i) { vector<to_integer<Double, u64>>(b, i); }
void xvcvdpuxws(Builder& b, Insn i) { vector<to_integer<Double, u32>>(b, i); }
void xvcvspsxds(Builder& b, Insn i) { vector<to_integer<Single, i64>>(b, i); }
void xvcvspsxws(Builder& b, Insn i) { vector<to_integer<Single, i32>>(b, i); }
void xvcvspuxds(Builder& b, Insn i) { vector<to_integer<Single, u64>>(b, i); }
void xvcvspuxws(Builder& b, Insn i) { vector<to_integer<Single, u32>>(b, i); }
void xvcvsxddp(Builder& b, Insn i) { vector<from_integer<i64, Double>>(b, i); }
void xvcvsxdsp(Builder& b, Insn i) { vector<from_integer<i64, Single>>(b, i); }
void xvcvsxwdp(Builder& b, Insn i) { vector<from_integer<i32, Double>>(b, i); }
void xvcvsxwsp(Builder& b, Insn i) { vector<from_integer<i32, Single>>(b, i); }
void xvcvuxddp(Builder& b, Insn i) { vector<from_integer<u64, Double>>(b, i); }
void xvcvuxdsp(Builder& b, Insn i) { vector<from_integer<u64, Single>>(b, i); }
void xvcvuxwdp(Builder& b, Insn i) { vector<from_integer<u32, Double>>(b, i); }
void xvcvuxwsp(Builder& b, Insn i) { vector<from_integer<u32, Single>>(b, i); }

void xsxexpdp(Builder& b, Insn i) { b.set_gpr(i.rt(), b.and_(b.shr(b.fpr(i.xb()), 52), 0x7ff)); }
void xsxsigdp(Builder& b, Insn i) { b.set_gpr(i.rt(), significand_dp(b, b.fpr(i.xb()))); }
void xsiexpdp(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), inserted_dp(b, b.gpr(i.ra()), b.gpr(i.rb()))); }
void xvxexpdp(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return b.and_(b.shr(v, 52), 0x7ff); });
}
void xvxsigdp(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return significand_dp(b, v); });
}
void xvxexpsp(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return b.and_(b.shr(v, 23), 0x000000ff000000ff); });
}
void xvxsigsp(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return b.call(significands_sp, v); });
}
void xviexpdp(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(inserted_dp(b, b.high64(x), b.high64(y)), inserted_dp(b, b.low64(x), b.low64(y))));
}
void xviexpsp(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(inserted_sp(b, b.high64(x), b.high64(y)), inserted_sp(b, b.low64(x), b.low64(y))));
}

}  // namespace mpower::jit::isa::sem
