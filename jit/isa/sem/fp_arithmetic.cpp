// Scalar floating-point arithmetic (Power ISA, Book I 4.6.6-4.6.8).
#include "jit/fp/scalar.h"
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace fp;

namespace {

/// An arithmetic instruction: FRT <- F(state, FRA, FRB, FRC) with all of FPSCR's consequences; CR1 if Rc.
template <auto F, bool is_integer>
u64 run_scalar(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const Outcome o = F(s, s.vsr[i.ra()].hi, s.vsr[i.rb()].hi, s.vsr[i.rc_field()].hi);
    if (finish_scalar(s, o, is_integer)) s.vsr[i.rt()].hi = o.value;
    if (i.rc()) s.cr[1] = static_cast<u8>(s.fpscr >> 28 & 15);
    return 0;
}

/// What frin and its like do not report.
Outcome silent(Outcome o) {
    o.exceptions &= ~fpscr::kXx;
    o.fr = o.fi = false;
    return o;
}

template <auto F, bool is_integer>
void define(Builder& b, Insn i) {
    call_fp(b, run_scalar<F, is_integer>, i.word);
}

// Definition: FRT <- value of a, b, c: FRA, FRB, FRC; mode: FPSCR[RN].
#define DEFINE_FP(id, is_integer, ...)                                                                        \
    void id(Builder& builder, Insn insn) {                                                                    \
        constexpr auto f = [](CpuState& s, [[maybe_unused]] u64 a, [[maybe_unused]] u64 b,                    \
                              [[maybe_unused]] u64 c) -> Outcome {                                            \
            [[maybe_unused]] const Mode mode = mode_of(s);                                                    \
            return __VA_ARGS__;                                                                               \
        };                                                                                                    \
        define<f, is_integer>(builder, insn);                                                                 \
    }
#define FP(id, ...) DEFINE_FP(id, false, __VA_ARGS__)
#define FP_TO_INTEGER(id, ...) DEFINE_FP(id, true, __VA_ARGS__)

}  // namespace

FP(fadd, add(a, b, mode, Precision::kDouble))
FP(fsub, subtract(a, b, mode, Precision::kDouble))
FP(fdiv, divide(a, b, mode, Precision::kDouble))
FP(fmul, multiply(a, c, mode, Precision::kDouble))
FP(fsqrt, square_root(b, mode, Precision::kDouble))
FP(fre, reciprocal(b, mode, Precision::kDouble))
FP(frsqrte, reciprocal_root(b, mode, Precision::kDouble))
FP(fmadd, multiply_add(a, c, b, false, false, mode, Precision::kDouble))
FP(fmsub, multiply_add(a, c, b, true, false, mode, Precision::kDouble))
FP(fnmadd, multiply_add(a, c, b, false, true, mode, Precision::kDouble))
FP(fnmsub, multiply_add(a, c, b, true, true, mode, Precision::kDouble))
FP(fadds, add(a, b, mode, Precision::kSingle))
FP(fsubs, subtract(a, b, mode, Precision::kSingle))
FP(fdivs, divide(a, b, mode, Precision::kSingle))
FP(fmuls, multiply(a, c, mode, Precision::kSingle))
FP(fsqrts, square_root(b, mode, Precision::kSingle))
FP(fres, reciprocal(b, mode, Precision::kSingle))
FP(frsqrtes, reciprocal_root(b, mode, Precision::kSingle))
FP(fmadds, multiply_add(a, c, b, false, false, mode, Precision::kSingle))
FP(fmsubs, multiply_add(a, c, b, true, false, mode, Precision::kSingle))
FP(fnmadds, multiply_add(a, c, b, false, true, mode, Precision::kSingle))
FP(fnmsubs, multiply_add(a, c, b, true, true, mode, Precision::kSingle))
FP(frsp, round_to_single(b, mode))
FP_TO_INTEGER(fctid, to_integer(b, 64, true, Integral::kByMode, mode))
FP_TO_INTEGER(fctidz, to_integer(b, 64, true, Integral::kZero, mode))
FP_TO_INTEGER(fctidu, to_integer(b, 64, false, Integral::kByMode, mode))
FP_TO_INTEGER(fctiduz, to_integer(b, 64, false, Integral::kZero, mode))
FP_TO_INTEGER(fctiw, to_integer(b, 32, true, Integral::kByMode, mode))
FP_TO_INTEGER(fctiwz, to_integer(b, 32, true, Integral::kZero, mode))
FP_TO_INTEGER(fctiwu, to_integer(b, 32, false, Integral::kByMode, mode))
FP_TO_INTEGER(fctiwuz, to_integer(b, 32, false, Integral::kZero, mode))
FP(fcfid, from_integer(b, true, mode, Precision::kDouble))
FP(fcfidu, from_integer(b, false, mode, Precision::kDouble))
FP(fcfids, from_integer(b, true, mode, Precision::kSingle))
FP(fcfidus, from_integer(b, false, mode, Precision::kSingle))
FP(frin, silent(round_to_integral(b, Integral::kTiesAway, mode)))
FP(friz, silent(round_to_integral(b, Integral::kZero, mode)))
FP(frip, silent(round_to_integral(b, Integral::kUp, mode)))
FP(frim, silent(round_to_integral(b, Integral::kDown, mode)))

}  // namespace mpower::jit::isa::sem
