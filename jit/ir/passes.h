// Rewriting of IR blocks before code is made of them.
#pragma once

#include "jit/ir/ir.h"

namespace mpower::jit::ir {

/// What code generation must know of each value; index = value id.
struct Liveness {
    std::vector<u32> uses;      ///< 0 and no effect: makes no code.
    std::vector<u32> last_use;  ///< Index of the last instruction that reads it; its own if none.
    std::vector<bool> fused;    ///< Made where its only use is, not where it stands: a comparison or make_v128.
};

/// True for operations without an effect beside their result.
bool is_pure(Op op);
/// Value ids that the instruction reads, in order; returns how many.
unsigned arguments(const Inst& inst, u32 out[3]);

/// Forwards state reads to earlier reads and writes of the block, folds constants, simplifies tests of CR bits.
void simplify(Block& block);
/// Removes state writes that later ones cover before anything can see them.
void remove_dead_writes(Block& block);
Liveness liveness(const Block& block);

}  // namespace mpower::jit::ir
