// Vector-scalar floating-point arithmetic and conversions (Power ISA, Book I 7.6.1).
#include "jit/fp/vsx.h"
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using namespace fp;

namespace {

/// What the rounding instructions with a mode of their own do not report.
Outcome silent(Outcome o) {
    o.exceptions &= ~fpscr::kXx;
    o.fr = o.fi = false;
    return o;
}

/// A word result stands in both words of the doubleword.
Outcome to_word_pair(Outcome o, unsigned width) {
    if (width == 32) o.value = (o.value << 32) | (o.value & 0xffffffff);
    return o;
}

// Definition: XT <- value of t, a, b: XT, XA, XB (each element); mode: FPSCR[RN].
#define DEFINE_VSX(id, runner, ...)                                                                            \
    void id(Builder& builder, Insn insn) {                                                                     \
        constexpr auto f = []([[maybe_unused]] u64 t, [[maybe_unused]] u64 a, [[maybe_unused]] u64 b,          \
                              [[maybe_unused]] Mode mode) -> Outcome { return __VA_ARGS__; };                  \
        call_fp(builder, runner<f>, insn.word);                                                                \
    }
#define SCALAR(id, ...) DEFINE_VSX(id, vsx_scalar, __VA_ARGS__)
#define SCALAR_TO_INTEGER(id, ...) DEFINE_VSX(id, vsx_scalar_to_integer, __VA_ARGS__)
#define SCALAR_QUIET(id, ...) DEFINE_VSX(id, vsx_scalar_quiet, __VA_ARGS__)
#define VECTOR_DP(id, ...) DEFINE_VSX(id, vsx_vector_dp, __VA_ARGS__)
#define VECTOR_SP(id, ...) DEFINE_VSX(id, vsx_vector_sp, __VA_ARGS__)
#define VECTOR_TO_INTEGER(id, single, width, is_signed)                                                        \
    void id(Builder& builder, Insn insn) { call_fp(builder, vsx_to_integer<single, width, is_signed>, insn.word); }
#define VECTOR_FROM_INTEGER(id, single, width, is_signed)                                                      \
    void id(Builder& builder, Insn insn) { call_fp(builder, vsx_from_integer<single, width, is_signed>, insn.word); }

}  // namespace

SCALAR(xsaddsp, add(a, b, mode, Precision::kSingle))
SCALAR(xssubsp, subtract(a, b, mode, Precision::kSingle))
SCALAR(xsmulsp, multiply(a, b, mode, Precision::kSingle))
SCALAR(xsdivsp, divide(a, b, mode, Precision::kSingle))
SCALAR(xsmaddasp, multiply_add(a, b, t, false, false, mode, Precision::kSingle))
SCALAR(xsmaddmsp, multiply_add(a, t, b, false, false, mode, Precision::kSingle))
SCALAR(xsmsubasp, multiply_add(a, b, t, true, false, mode, Precision::kSingle))
SCALAR(xsmsubmsp, multiply_add(a, t, b, true, false, mode, Precision::kSingle))
SCALAR(xsnmaddasp, multiply_add(a, b, t, false, true, mode, Precision::kSingle))
SCALAR(xsnmaddmsp, multiply_add(a, t, b, false, true, mode, Precision::kSingle))
SCALAR(xsnmsubasp, multiply_add(a, b, t, true, true, mode, Precision::kSingle))
SCALAR(xsnmsubmsp, multiply_add(a, t, b, true, true, mode, Precision::kSingle))
SCALAR(xsadddp, add(a, b, mode, Precision::kDouble))
SCALAR(xssubdp, subtract(a, b, mode, Precision::kDouble))
SCALAR(xsmuldp, multiply(a, b, mode, Precision::kDouble))
SCALAR(xsdivdp, divide(a, b, mode, Precision::kDouble))
SCALAR(xsmaddadp, multiply_add(a, b, t, false, false, mode, Precision::kDouble))
SCALAR(xsmaddmdp, multiply_add(a, t, b, false, false, mode, Precision::kDouble))
SCALAR(xsmsubadp, multiply_add(a, b, t, true, false, mode, Precision::kDouble))
SCALAR(xsmsubmdp, multiply_add(a, t, b, true, false, mode, Precision::kDouble))
SCALAR(xsnmaddadp, multiply_add(a, b, t, false, true, mode, Precision::kDouble))
SCALAR(xsnmaddmdp, multiply_add(a, t, b, false, true, mode, Precision::kDouble))
SCALAR(xsnmsubadp, multiply_add(a, b, t, true, true, mode, Precision::kDouble))
SCALAR(xsnmsubmdp, multiply_add(a, t, b, true, true, mode, Precision::kDouble))
VECTOR_SP(xvaddsp, add(a, b, mode, Precision::kSingle))
VECTOR_SP(xvsubsp, subtract(a, b, mode, Precision::kSingle))
VECTOR_SP(xvmulsp, multiply(a, b, mode, Precision::kSingle))
VECTOR_SP(xvdivsp, divide(a, b, mode, Precision::kSingle))
VECTOR_SP(xvmaddasp, multiply_add(a, b, t, false, false, mode, Precision::kSingle))
VECTOR_SP(xvmaddmsp, multiply_add(a, t, b, false, false, mode, Precision::kSingle))
VECTOR_SP(xvmsubasp, multiply_add(a, b, t, true, false, mode, Precision::kSingle))
VECTOR_SP(xvmsubmsp, multiply_add(a, t, b, true, false, mode, Precision::kSingle))
VECTOR_SP(xvnmaddasp, multiply_add(a, b, t, false, true, mode, Precision::kSingle))
VECTOR_SP(xvnmaddmsp, multiply_add(a, t, b, false, true, mode, Precision::kSingle))
VECTOR_SP(xvnmsubasp, multiply_add(a, b, t, true, true, mode, Precision::kSingle))
VECTOR_SP(xvnmsubmsp, multiply_add(a, t, b, true, true, mode, Precision::kSingle))
VECTOR_DP(xvadddp, add(a, b, mode, Precision::kDouble))
VECTOR_DP(xvsubdp, subtract(a, b, mode, Precision::kDouble))
VECTOR_DP(xvmuldp, multiply(a, b, mode, Precision::kDouble))
VECTOR_DP(xvdivdp, divide(a, b, mode, Precision::kDouble))
VECTOR_DP(xvmaddadp, multiply_add(a, b, t, false, false, mode, Precision::kDouble))
VECTOR_DP(xvmaddmdp, multiply_add(a, t, b, false, false, mode, Precision::kDouble))
VECTOR_DP(xvmsubadp, multiply_add(a, b, t, true, false, mode, Precision::kDouble))
VECTOR_DP(xvmsubmdp, multiply_add(a, t, b, true, false, mode, Precision::kDouble))
VECTOR_DP(xvnmaddadp, multiply_add(a, b, t, false, true, mode, Precision::kDouble))
VECTOR_DP(xvnmaddmdp, multiply_add(a, t, b, false, true, mode, Precision::kDouble))
VECTOR_DP(xvnmsubadp, multiply_add(a, b, t, true, true, mode, Precision::kDouble))
VECTOR_DP(xvnmsubmdp, multiply_add(a, t, b, true, true, mode, Precision::kDouble))
SCALAR_QUIET(xsmaxdp, extreme(a, b, true))
SCALAR_QUIET(xsmindp, extreme(a, b, false))
VECTOR_SP(xvmaxsp, extreme(a, b, true))
VECTOR_SP(xvminsp, extreme(a, b, false))
VECTOR_DP(xvmaxdp, extreme(a, b, true))
VECTOR_DP(xvmindp, extreme(a, b, false))
SCALAR_QUIET(xsmaxcdp, extreme_c(a, b, true))
SCALAR_QUIET(xsmincdp, extreme_c(a, b, false))
SCALAR_QUIET(xsmaxjdp, extreme_j(a, b, true))
SCALAR_QUIET(xsminjdp, extreme_j(a, b, false))
SCALAR(xssqrtdp, square_root(b, mode, Precision::kDouble))
SCALAR(xssqrtsp, square_root(b, mode, Precision::kSingle))
VECTOR_DP(xvsqrtdp, square_root(b, mode, Precision::kDouble))
VECTOR_SP(xvsqrtsp, square_root(b, mode, Precision::kSingle))
SCALAR(xsredp, reciprocal(b, mode, Precision::kDouble))
SCALAR(xsresp, reciprocal(b, mode, Precision::kSingle))
VECTOR_DP(xvredp, reciprocal(b, mode, Precision::kDouble))
VECTOR_SP(xvresp, reciprocal(b, mode, Precision::kSingle))
SCALAR(xsrsqrtedp, reciprocal_root(b, mode, Precision::kDouble))
SCALAR(xsrsqrtesp, reciprocal_root(b, mode, Precision::kSingle))
VECTOR_DP(xvrsqrtedp, reciprocal_root(b, mode, Precision::kDouble))
VECTOR_SP(xvrsqrtesp, reciprocal_root(b, mode, Precision::kSingle))
SCALAR(xsrdpi, silent(round_to_integral(b, Integral::kTiesAway, mode)))
VECTOR_DP(xvrdpi, silent(round_to_integral(b, Integral::kTiesAway, mode)))
VECTOR_SP(xvrspi, silent(round_to_integral(b, Integral::kTiesAway, mode)))
SCALAR(xsrdpic, round_to_integral(b, Integral::kByMode, mode))
VECTOR_DP(xvrdpic, round_to_integral(b, Integral::kByMode, mode))
VECTOR_SP(xvrspic, round_to_integral(b, Integral::kByMode, mode))
SCALAR(xsrdpim, silent(round_to_integral(b, Integral::kDown, mode)))
VECTOR_DP(xvrdpim, silent(round_to_integral(b, Integral::kDown, mode)))
VECTOR_SP(xvrspim, silent(round_to_integral(b, Integral::kDown, mode)))
SCALAR(xsrdpip, silent(round_to_integral(b, Integral::kUp, mode)))
VECTOR_DP(xvrdpip, silent(round_to_integral(b, Integral::kUp, mode)))
VECTOR_SP(xvrspip, silent(round_to_integral(b, Integral::kUp, mode)))
SCALAR(xsrdpiz, silent(round_to_integral(b, Integral::kZero, mode)))
VECTOR_DP(xvrdpiz, silent(round_to_integral(b, Integral::kZero, mode)))
VECTOR_SP(xvrspiz, silent(round_to_integral(b, Integral::kZero, mode)))
SCALAR(xsrsp, round_to_single(b, mode))
SCALAR_TO_INTEGER(xscvdpsxds, to_word_pair(to_integer(b, 64, true, Integral::kZero, mode), 64))
SCALAR_TO_INTEGER(xscvdpuxds, to_word_pair(to_integer(b, 64, false, Integral::kZero, mode), 64))
SCALAR_TO_INTEGER(xscvdpsxws, to_word_pair(to_integer(b, 32, true, Integral::kZero, mode), 32))
SCALAR_TO_INTEGER(xscvdpuxws, to_word_pair(to_integer(b, 32, false, Integral::kZero, mode), 32))
SCALAR(xscvsxddp, from_integer(b, true, mode, Precision::kDouble))
SCALAR(xscvuxddp, from_integer(b, false, mode, Precision::kDouble))
SCALAR(xscvsxdsp, from_integer(b, true, mode, Precision::kSingle))
SCALAR(xscvuxdsp, from_integer(b, false, mode, Precision::kSingle))
VECTOR_TO_INTEGER(xvcvdpsxds, false, 64, true)
VECTOR_TO_INTEGER(xvcvdpuxds, false, 64, false)
VECTOR_TO_INTEGER(xvcvdpsxws, false, 32, true)
VECTOR_TO_INTEGER(xvcvdpuxws, false, 32, false)
VECTOR_TO_INTEGER(xvcvspsxds, true, 64, true)
VECTOR_TO_INTEGER(xvcvspuxds, true, 64, false)
VECTOR_TO_INTEGER(xvcvspsxws, true, 32, true)
VECTOR_TO_INTEGER(xvcvspuxws, true, 32, false)
VECTOR_FROM_INTEGER(xvcvsxddp, false, 64, true)
VECTOR_FROM_INTEGER(xvcvuxddp, false, 64, false)
VECTOR_FROM_INTEGER(xvcvsxdsp, true, 64, true)
VECTOR_FROM_INTEGER(xvcvuxdsp, true, 64, false)
VECTOR_FROM_INTEGER(xvcvsxwdp, false, 32, true)
VECTOR_FROM_INTEGER(xvcvuxwdp, false, 32, false)
VECTOR_FROM_INTEGER(xvcvsxwsp, true, 32, true)
VECTOR_FROM_INTEGER(xvcvuxwsp, true, 32, false)

}  // namespace mpower::jit::isa::sem
