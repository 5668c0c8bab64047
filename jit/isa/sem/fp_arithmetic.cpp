// Floating-point arithmetic, rounding, conversion, comparison, selection (Power ISA, Book I 4.6.6-4.6.9).
#include "jit/fp/compare.h"
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using fp::Context;
using fp::Dp;
using fp::DpSp;
using fp::Regs;
using fp::Rounding;
using ir::Builder;
using ir::Value;
using Operation = fp::Operation;
using enum fp::Operation;

namespace {

/// FRT <- op(FRA, FRB, FRC), rounded as T says; FPRF, FR, FI and exceptions in FPSCR.
template <class T, Operation op>
void arithmetic(Builder& b, Insn i) {
    // fmul has its second operand in FRC
    const u32 second = op == kMul ? i.rc_field() : i.rb();
    fp::run_scalar<T, op>(b, Regs{i.rt(), i.ra(), second, i.rc_field()}, i.rc());
}

/// FRT <- integer T of FRB. The word forms sign- or zero-extend; the ISA leaves the upper word undefined, and FPRF,
/// which gets the class of FRB.
template <class T, bool to_zero>
u64 to_integer_helper(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const u64 from = s.vsr[r.b].hi;
    const T v = fp::to_integer<T>(c, fp::unpack<fp::Double>(from), to_zero ? Rounding::kZero : c.rounding);
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = {0, static_cast<u64>(static_cast<i64>(v))};
        fp::set_fprf(s, fp::class_of<fp::Double>(from));
    }
    return 0;
}
template <class T, bool to_zero>
void to_integer(Builder& b, Insn i) {
    constexpr ir::Float kOp = sizeof(T) == 4 ? (std::is_signed_v<T> ? ir::Float::kToS32 : ir::Float::kToU32)
                                             : (std::is_signed_v<T> ? ir::Float::kToS64 : ir::Float::kToU64);
    fp::run(b, ir::Op::kFloat, to_integer_helper<T, to_zero>, {.op = kOp, .nearest = !to_zero},
            Regs{.t = i.rt(), .b = i.rb()}, i.rc());
}

/// FRT <- FRB, an integer T, rounded to As.
template <class As, class T>
u64 from_integer_helper(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const u64 v = fp::pack<As>(c, fp::from_integer<u128>(static_cast<T>(s.vsr[r.b].hi)));
    if (fp::finish_scalar(s, c)) {
        s.vsr[r.t] = {0, v};
        fp::set_fprf(s, fp::result_class<As>(v));
    }
    return 0;
}
template <class As, class T>
void from_integer(Builder& b, Insn i) {
    constexpr ir::Float kOp = std::is_signed_v<T> ? ir::Float::kFromS64 : ir::Float::kFromU64;
    fp::run(b, ir::Op::kFloat, from_integer_helper<As, T>, {.op = kOp, .single = std::is_same_v<As, DpSp>},
            Regs{.t = i.rt(), .b = i.rb()}, i.rc());
}

u64 compare_helper(CpuState& s, u64 regs, u64 ordered, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const u8 nibble = fp::compare_raising<fp::Double>(c, s.vsr[r.a].hi, s.vsr[r.b].hi, ordered != 0);
    fp::raise_exceptions(s, c.raised);
    fp::set_fpcc(s, nibble);
    return nibble;
}
/// CR[BF] and FPCC <- FRA compared with FRB
void compare(Builder& b, Insn i, bool ordered) {
    const Regs r{.a = i.ra(), .b = i.rb()};
    b.set_cr(i.bf(), b.floating(ir::Op::kFloatCompare, compare_helper,
                                {.ordered = ordered, .regs = static_cast<u32>(r.packed())}));
    fp::after(b);
}

u64 test_divide_helper(CpuState&, u64 x, u64 y, u64) { return fp::test_divide<fp::Double>(x, y); }
u64 test_root_helper(CpuState&, u64 x, u64, u64) { return fp::test_square_root<fp::Double>(x); }

}  // namespace

void fadd(Builder& b, Insn i) { arithmetic<Dp, kAdd>(b, i); }
void fadds(Builder& b, Insn i) { arithmetic<DpSp, kAdd>(b, i); }
void fsub(Builder& b, Insn i) { arithmetic<Dp, kSub>(b, i); }
void fsubs(Builder& b, Insn i) { arithmetic<DpSp, kSub>(b, i); }
void fmul(Builder& b, Insn i) { arithmetic<Dp, kMul>(b, i); }
void fmuls(Builder& b, Insn i) { arithmetic<DpSp, kMul>(b, i); }
void fdiv(Builder& b, Insn i) { arithmetic<Dp, kDiv>(b, i); }
void fdivs(Builder& b, Insn i) { arithmetic<DpSp, kDiv>(b, i); }
void fsqrt(Builder& b, Insn i) { arithmetic<Dp, kSqrt>(b, i); }
void fsqrts(Builder& b, Insn i) { arithmetic<DpSp, kSqrt>(b, i); }
void fre(Builder& b, Insn i) { arithmetic<Dp, kReciprocal>(b, i); }
void fres(Builder& b, Insn i) { arithmetic<DpSp, kReciprocal>(b, i); }
void frsqrte(Builder& b, Insn i) { arithmetic<Dp, kReciprocalRoot>(b, i); }
void frsqrtes(Builder& b, Insn i) { arithmetic<DpSp, kReciprocalRoot>(b, i); }
void fmadd(Builder& b, Insn i) { arithmetic<Dp, kMadd>(b, i); }
void fmadds(Builder& b, Insn i) { arithmetic<DpSp, kMadd>(b, i); }
void fmsub(Builder& b, Insn i) { arithmetic<Dp, kMsub>(b, i); }
void fmsubs(Builder& b, Insn i) { arithmetic<DpSp, kMsub>(b, i); }
void fnmadd(Builder& b, Insn i) { arithmetic<Dp, kNmadd>(b, i); }
void fnmadds(Builder& b, Insn i) { arithmetic<DpSp, kNmadd>(b, i); }
void fnmsub(Builder& b, Insn i) { arithmetic<Dp, kNmsub>(b, i); }
void fnmsubs(Builder& b, Insn i) { arithmetic<DpSp, kNmsub>(b, i); }

void frsp(Builder& b, Insn i) { arithmetic<DpSp, kRound>(b, i); }
void frin(Builder& b, Insn i) { arithmetic<Dp, kIntegralAway>(b, i); }
void friz(Builder& b, Insn i) { arithmetic<Dp, kIntegralZero>(b, i); }
void frip(Builder& b, Insn i) { arithmetic<Dp, kIntegralUp>(b, i); }
void frim(Builder& b, Insn i) { arithmetic<Dp, kIntegralDown>(b, i); }

void fctiw(Builder& b, Insn i) { to_integer<i32, false>(b, i); }
void fctiwz(Builder& b, Insn i) { to_integer<i32, true>(b, i); }
void fctiwu(Builder& b, Insn i) { to_integer<u32, false>(b, i); }
void fctiwuz(Builder& b, Insn i) { to_integer<u32, true>(b, i); }
void fctid(Builder& b, Insn i) { to_integer<i64, false>(b, i); }
void fctidz(Builder& b, Insn i) { to_integer<i64, true>(b, i); }
void fctidu(Builder& b, Insn i) { to_integer<u64, false>(b, i); }
void fctiduz(Builder& b, Insn i) { to_integer<u64, true>(b, i); }
void fcfid(Builder& b, Insn i) { from_integer<Dp, i64>(b, i); }
void fcfids(Builder& b, Insn i) { from_integer<DpSp, i64>(b, i); }
void fcfidu(Builder& b, Insn i) { from_integer<Dp, u64>(b, i); }
void fcfidus(Builder& b, Insn i) { from_integer<DpSp, u64>(b, i); }

void fcmpu(Builder& b, Insn i) { compare(b, i, false); }
void fcmpo(Builder& b, Insn i) { compare(b, i, true); }
void ftdiv(Builder& b, Insn i) { b.set_cr(i.bf(), b.call(test_divide_helper, b.fpr(i.ra()), b.fpr(i.rb()))); }
void ftsqrt(Builder& b, Insn i) { b.set_cr(i.bf(), b.call(test_root_helper, b.fpr(i.rb()))); }

// FRT <- (FRA) >= 0.0 ? (FRC) : (FRB); -0 counts as 0, a NaN as less
void fsel(Builder& b, Insn i) {
    const Value v = b.fpr(i.ra());
    const Value yes = b.or_(b.lt_u(v, b.imm(fp::Double::kInfinity + 1)), b.eq(v, b.imm(fp::Double::kSign)));
    fp::set_scalar(b, i.rt(), b.select(yes, b.fpr(i.rc_field()), b.fpr(i.rb())));
    if (i.rc()) fp::record_fp(b);
}

}  // namespace mpower::jit::isa::sem
