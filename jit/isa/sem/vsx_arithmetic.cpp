// VSX arithmetic and rounding (Power ISA, Book I 7.6): each line binds a mnemonic to an operation and element type.
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using fp::Dp;
using fp::DpSp;
using fp::Qp;
using fp::QpOdd;
using fp::Regs;
using fp::Sp;
using ir::Builder;
using Operation = fp::Operation;
using enum fp::Operation;

namespace {

/// XT <- op(XA, XB), scalar: sets FPRF, FR and FI.
template <class T, Operation op>
void scalar(Builder& b, Insn i) {
    fp::run_scalar<T, op>(b, Regs{i.xt(), i.xa(), i.xb()});
}
template <class T, Operation op>
void vector(Builder& b, Insn i) {
    fp::run_vector<T, op>(b, Regs{i.xt(), i.xa(), i.xb()});
}

/// Fused operations: in the A forms XT is the addend (XA * XB + XT), in the M forms a factor (XA * XT + XB).
Regs addend(Insn i) { return {i.xt(), i.xa(), i.xt(), i.xb()}; }
Regs factor(Insn i) { return {i.xt(), i.xa(), i.xb(), i.xt()}; }
template <class T, Operation op>
void scalar_fused(Builder& b, Regs r) {
    fp::run_scalar<T, op>(b, r);
}
template <class T, Operation op>
void vector_fused(Builder& b, Regs r) {
    fp::run_vector<T, op>(b, r);
}

/// Quad precision, registers 32-63; RO (bit 31) rounds to odd. A fused operation is VRA * VRB + VRT.
template <Operation op>
void quad(Builder& b, Insn i) {
    constexpr bool kFused = op == kMadd || op == kMsub || op == kNmadd || op == kNmsub;
    const u32 t = 32 + i.rt(), x = 32 + i.ra(), y = 32 + i.rb();
    const Regs r = kFused ? Regs{t, x, t, y} : Regs{t, x, y};
    fp::run(b, i.bit(31) ? fp::scalar_helper<QpOdd, op> : fp::scalar_helper<Qp, op>, r);
}

}  // namespace

void xsadddp(Builder& b, Insn i) { scalar<Dp, kAdd>(b, i); }
void xssubdp(Builder& b, Insn i) { scalar<Dp, kSub>(b, i); }
void xsmuldp(Builder& b, Insn i) { scalar<Dp, kMul>(b, i); }
void xsdivdp(Builder& b, Insn i) { scalar<Dp, kDiv>(b, i); }
void xssqrtdp(Builder& b, Insn i) { scalar<Dp, kSqrt>(b, i); }
void xsredp(Builder& b, Insn i) { scalar<Dp, kReciprocal>(b, i); }
void xsrsqrtedp(Builder& b, Insn i) { scalar<Dp, kReciprocalRoot>(b, i); }
void xsmaxdp(Builder& b, Insn i) { scalar<Dp, kMax>(b, i); }
void xsmindp(Builder& b, Insn i) { scalar<Dp, kMin>(b, i); }
void xsmaddadp(Builder& b, Insn i) { scalar_fused<Dp, kMadd>(b, addend(i)); }
void xsmaddmdp(Builder& b, Insn i) { scalar_fused<Dp, kMadd>(b, factor(i)); }
void xsmsubadp(Builder& b, Insn i) { scalar_fused<Dp, kMsub>(b, addend(i)); }
void xsmsubmdp(Builder& b, Insn i) { scalar_fused<Dp, kMsub>(b, factor(i)); }
void xsnmaddadp(Builder& b, Insn i) { scalar_fused<Dp, kNmadd>(b, addend(i)); }
void xsnmaddmdp(Builder& b, Insn i) { scalar_fused<Dp, kNmadd>(b, factor(i)); }
void xsnmsubadp(Builder& b, Insn i) { scalar_fused<Dp, kNmsub>(b, addend(i)); }
void xsnmsubmdp(Builder& b, Insn i) { scalar_fused<Dp, kNmsub>(b, factor(i)); }

void xsaddsp(Builder& b, Insn i) { scalar<DpSp, kAdd>(b, i); }
void xssubsp(Builder& b, Insn i) { scalar<DpSp, kSub>(b, i); }
void xsmulsp(Builder& b, Insn i) { scalar<DpSp, kMul>(b, i); }
void xsdivsp(Builder& b, Insn i) { scalar<DpSp, kDiv>(b, i); }
void xssqrtsp(Builder& b, Insn i) { scalar<DpSp, kSqrt>(b, i); }
void xsresp(Builder& b, Insn i) { scalar<DpSp, kReciprocal>(b, i); }
void xsrsqrtesp(Builder& b, Insn i) { scalar<DpSp, kReciprocalRoot>(b, i); }
void xsmaddasp(Builder& b, Insn i) { scalar_fused<DpSp, kMadd>(b, addend(i)); }
void xsmaddmsp(Builder& b, Insn i) { scalar_fused<DpSp, kMadd>(b, factor(i)); }
void xsmsubasp(Builder& b, Insn i) { scalar_fused<DpSp, kMsub>(b, addend(i)); }
void xsmsubmsp(Builder& b, Insn i) { scalar_fused<DpSp, kMsub>(b, factor(i)); }
void xsnmaddasp(Builder& b, Insn i) { scalar_fused<DpSp, kNmadd>(b, addend(i)); }
void xsnmaddmsp(Builder& b, Insn i) { scalar_fused<DpSp, kNmadd>(b, factor(i)); }
void xsnmsubasp(Builder& b, Insn i) { scalar_fused<DpSp, kNmsub>(b, addend(i)); }
void xsnmsubmsp(Builder& b, Insn i) { scalar_fused<DpSp, kNmsub>(b, factor(i)); }

void xvadddp(Builder& b, Insn i) { vector<Dp, kAdd>(b, i); }
void xvsubdp(Builder& b, Insn i) { vector<Dp, kSub>(b, i); }
void xvmuldp(Builder& b, Insn i) { vector<Dp, kMul>(b, i); }
void xvdivdp(Builder& b, Insn i) { vector<Dp, kDiv>(b, i); }
void xvsqrtdp(Builder& b, Insn i) { vector<Dp, kSqrt>(b, i); }
void xvredp(Builder& b, Insn i) { vector<Dp, kReciprocal>(b, i); }
void xvrsqrtedp(Builder& b, Insn i) { vector<Dp, kReciprocalRoot>(b, i); }
void xvmaxdp(Builder& b, Insn i) { vector<Dp, kMax>(b, i); }
void xvmindp(Builder& b, Insn i) { vector<Dp, kMin>(b, i); }
void xvmaddadp(Builder& b, Insn i) { vector_fused<Dp, kMadd>(b, addend(i)); }
void xvmaddmdp(Builder& b, Insn i) { vector_fused<Dp, kMadd>(b, factor(i)); }
void xvmsubadp(Builder& b, Insn i) { vector_fused<Dp, kMsub>(b, addend(i)); }
void xvmsubmdp(Builder& b, Insn i) { vector_fused<Dp, kMsub>(b, factor(i)); }
void xvnmaddadp(Builder& b, Insn i) { vector_fused<Dp, kNmadd>(b, addend(i)); }
void xvnmaddmdp(Builder& b, Insn i) { vector_fused<Dp, kNmadd>(b, factor(i)); }
void xvnmsubadp(Builder& b, Insn i) { vector_fused<Dp, kNmsub>(b, addend(i)); }
void xvnmsubmdp(Builder& b, Insn i) { vector_fused<Dp, kNmsub>(b, factor(i)); }

void xvaddsp(Builder& b, Insn i) { vector<Sp, kAdd>(b, i); }
void xvsubsp(Builder& b, Insn i) { vector<Sp, kSub>(b, i); }
void xvmulsp(Builder& b, Insn i) { vector<Sp, kMul>(b, i); }
void xvdivsp(Builder& b, Insn i) { vector<Sp, kDiv>(b, i); }
void xvsqrtsp(Builder& b, Insn i) { vector<Sp, kSqrt>(b, i); }
void xvresp(Builder& b, Insn i) { vector<Sp, kReciprocal>(b, i); }
void xvrsqrtesp(Builder& b, Insn i) { vector<Sp, kReciprocalRoot>(b, i); }
void xvmaxsp(Builder& b, Insn i) { vector<Sp, kMax>(b, i); }
void xvminsp(Builder& b, Insn i) { vector<Sp, kMin>(b, i); }
void xvmaddasp(Builder& b, Insn i) { vector_fused<Sp, kMadd>(b, addend(i)); }
void xvmaddmsp(Builder& b, Insn i) { vector_fused<Sp, kMadd>(b, factor(i)); }
void xvmsubasp(Builder& b, Insn i) { vector_fused<Sp, kMsub>(b, addend(i)); }
void xvmsubmsp(Builder& b, Insn i) { vector_fused<Sp, kMsub>(b, factor(i)); }
void xvnmaddasp(Builder& b, Insn i) { vector_fused<Sp, kNmadd>(b, addend(i)); }
void xvnmaddmsp(Builder& b, Insn i) { vector_fused<Sp, kNmadd>(b, factor(i)); }
void xvnmsubasp(Builder& b, Insn i) { vector_fused<Sp, kNmsub>(b, addend(i)); }
void xvnmsubmsp(Builder& b, Insn i) { vector_fused<Sp, kNmsub>(b, factor(i)); }

void xsmaxcdp(Builder& b, Insn i) { scalar<Dp, kMaxC>(b, i); }
void xsmincdp(Builder& b, Insn i) { scalar<Dp, kMinC>(b, i); }
void xsmaxjdp(Builder& b, Insn i) { scalar<Dp, kMaxJ>(b, i); }
void xsminjdp(Builder& b, Insn i) { scalar<Dp, kMinJ>(b, i); }

void xsrdpi(Builder& b, Insn i) { scalar<Dp, kIntegralAway>(b, i); }
void xsrdpic(Builder& b, Insn i) { scalar<Dp, kIntegralCurrent>(b, i); }
void xsrdpim(Builder& b, Insn i) { scalar<Dp, kIntegralDown>(b, i); }
void xsrdpip(Builder& b, Insn i) { scalar<Dp, kIntegralUp>(b, i); }
void xsrdpiz(Builder& b, Insn i) { scalar<Dp, kIntegralZero>(b, i); }
void xvrdpi(Builder& b, Insn i) { vector<Dp, kIntegralAway>(b, i); }
void xvrdpic(Builder& b, Insn i) { vector<Dp, kIntegralCurrent>(b, i); }
void xvrdpim(Builder& b, Insn i) { vector<Dp, kIntegralDown>(b, i); }
void xvrdpip(Builder& b, Insn i) { vector<Dp, kIntegralUp>(b, i); }
void xvrdpiz(Builder& b, Insn i) { vector<Dp, kIntegralZero>(b, i); }
void xvrspi(Builder& b, Insn i) { vector<Sp, kIntegralAway>(b, i); }
void xvrspic(Builder& b, Insn i) { vector<Sp, kIntegralCurrent>(b, i); }
void xvrspim(Builder& b, Insn i) { vector<Sp, kIntegralDown>(b, i); }
void xvrspip(Builder& b, Insn i) { vector<Sp, kIntegralUp>(b, i); }
void xvrspiz(Builder& b, Insn i) { vector<Sp, kIntegralZero>(b, i); }
void xsrsp(Builder& b, Insn i) { scalar<DpSp, kRound>(b, i); }

void xsaddqp(Builder& b, Insn i) { quad<kAdd>(b, i); }
void xssubqp(Builder& b, Insn i) { quad<kSub>(b, i); }
void xsmulqp(Builder& b, Insn i) { quad<kMul>(b, i); }
void xsdivqp(Builder& b, Insn i) { quad<kDiv>(b, i); }
void xssqrtqp(Builder& b, Insn i) { quad<kSqrt>(b, i); }
void xsmaddqp(Builder& b, Insn i) { quad<kMadd>(b, i); }
void xsmsubqp(Builder& b, Insn i) { quad<kMsub>(b, i); }
void xsnmaddqp(Builder& b, Insn i) { quad<kNmadd>(b, i); }
void xsnmsubqp(Builder& b, Insn i) { quad<kNmsub>(b, i); }

}  // namespace mpower::jit::isa::sem
