// The reference executor: translates guest code to IR block by block, keeps the blocks, and interprets them.
#pragma once

#include "jit/block_cache.h"
#include "jit/executor.h"

namespace mpower::jit {

class Interpreter final : public Executor {
  public:
    explicit Interpreter(mmu::Mmu& mmu) : cache_(mmu) {}
    Exit run(CpuState& state) override;

    u64 blocks_translated() const override { return cache_.translated(); }

  private:
    /// Executes one block. False: leave to the run loop with *exit.
    bool execute(CpuState& s, const CachedBlock& block, Exit* exit);

    BlockCache cache_;
};

}  // namespace mpower::jit
