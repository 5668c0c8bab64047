// An assembler for all 32 vector registers.
#pragma once

#include <asmjit/x86.h>

#include "base/types.h"

namespace mpower::jit::x64 {

/// Where an operand is xmm16 to xmm31, SSE and AVX instructions take their AVX-512 form: `movaps`, `pshufb`, `vpand`,
/// of two operands or three, as they are for the others. Aborts where there is none: AsmJit would make something else
/// of it.
class EvexAssembler final : public asmjit::x86::Assembler {
  public:
    static constexpr u32 kFirst = 16;  ///< Of the registers that only AVX-512 has.

    asmjit::Error _emit(asmjit::InstId inst, const asmjit::Operand_& o0, const asmjit::Operand_& o1,
                        const asmjit::Operand_& o2, const asmjit::Operand_* others) override;
};

}  // namespace mpower::jit::x64
