#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

// RT <- (RA|0) + EXTS(SI)
void addi(Builder& b, Insn i) { b.set_gpr(i.rt(), b.add(b.gpr_or_zero(i.ra()), i.si())); }

}  // namespace mpower::jit::isa::sem
