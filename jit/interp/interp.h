// The reference executor: translates guest code to IR block by block, keeps the blocks, and interprets them.
#pragma once

#include "jit/block_cache.h"
#include "jit/executor.h"
#include "jit/translate.h"

namespace mpower::jit {

class Interpreter final : public Executor {
  public:
    explicit Interpreter(mmu::Mmu& mmu, unsigned max_insns = kMaxBlockInsns) : cache_(mmu, max_insns) {}
    Exit run(CpuState& state) override;
    /// One block, if attention is not asked for.
    Exit step(CpuState& state);

    CodeStats stats() const override { return {.blocks = cache_.translated()}; }

  private:
    /// Executes one block. False: leave to the run loop with *exit.
    bool execute(CpuState& s, const CachedBlock& block, Exit* exit);

    BlockCache cache_;
};

}  // namespace mpower::jit
