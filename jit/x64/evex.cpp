#include "jit/x64/evex.h"

#include <algorithm>
#include <cstdlib>

namespace mpower::jit::x64 {
namespace {

namespace Inst = asmjit::x86::Inst;
using asmjit::InstId;
using asmjit::Operand_;

/// `merges`: the first operand is the first source too.
struct Form {
    InstId from, to;
    bool merges = false;
};
constexpr Form kForms[] = {
    {Inst::kIdMovaps, Inst::kIdVmovaps},
    {Inst::kIdMovups, Inst::kIdVmovups},
    {Inst::kIdMovq, Inst::kIdVmovq},
    {Inst::kIdPshufd, Inst::kIdVpshufd},
    {Inst::kIdPextrq, Inst::kIdVpextrq},
    {Inst::kIdPshufb, Inst::kIdVpshufb, true},
    {Inst::kIdXorps, Inst::kIdVxorps, true},
    {Inst::kIdMovlhps, Inst::kIdVmovlhps, true},
    {Inst::kIdPunpcklqdq, Inst::kIdVpunpcklqdq, true},
    {Inst::kIdVpand, Inst::kIdVpandd},
    {Inst::kIdVpandn, Inst::kIdVpandnd},
    {Inst::kIdVpor, Inst::kIdVpord},
    {Inst::kIdVpxor, Inst::kIdVpxord},
    {Inst::kIdVroundsd, Inst::kIdVrndscalesd},
};

bool is_high(const Operand_& o) { return o.isReg() && o.id() >= EvexAssembler::kFirst; }

/// Whether there is a form with a vector as its result, on every host that has AVX-512VL.
bool has_form(InstId inst) {
    const bool aes = inst == Inst::kIdVaesenc || inst == Inst::kIdVaesenclast || inst == Inst::kIdVaesdec ||
                     inst == Inst::kIdVaesdeclast || inst == Inst::kIdVpclmulqdq;
    const asmjit::x86::InstDB::CommonInfo& info = asmjit::x86::InstDB::infoById(inst).commonInfo();
    return !aes && info.isEvex() && !info.isEvexKRegOnly();
}

}  // namespace

asmjit::Error EvexAssembler::_emit(InstId inst, const Operand_& o0, const Operand_& o1, const Operand_& o2,
                                   const Operand_* others) {
    using asmjit::x86::Assembler;
    if (!is_high(o0) && !is_high(o1) && !is_high(o2) && !(others != nullptr && is_high(others[0])))
        return Assembler::_emit(inst, o0, o1, o2, others);
    const Form* const form =
        std::find_if(std::begin(kForms), std::end(kForms), [&](const Form& f) { return f.from == inst; });
    const InstId evex = form != std::end(kForms) ? form->to : inst;
    if (!has_form(evex)) std::abort();
    const bool merges = evex != inst && form->merges;
    const asmjit::Error error =
        merges ? Assembler::_emit(evex, o0, o0, o1, others) : Assembler::_emit(evex, o0, o1, o2, others);
    if (error != asmjit::kErrorOk) std::abort();
    return error;
}

}  // namespace mpower::jit::x64
