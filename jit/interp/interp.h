// The reference executor: translates guest code to IR block by block, keeps the blocks, and interprets them.
//
// A block is found by real address and mode, so that it serves every effective address the code is mapped at. Before it
// runs, its page's code epoch tells whether its source words must be compared with storage (mmu/code_epochs.h).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "jit/executor.h"
#include "jit/ir/ir.h"
#include "mmu/mmu.h"

namespace mpower::jit {

class Interpreter final : public Executor {
  public:
    explicit Interpreter(mmu::Mmu& mmu);
    ~Interpreter() override;
    Exit run(CpuState& state) override;

    u64 blocks_translated() const override { return translated_; }

  private:
    struct CachedBlock;
    struct Recent {
        u64 key = ~u64{0};
        CachedBlock* block = nullptr;
    };
    static constexpr unsigned kRecent = 16384;
    static constexpr std::size_t kMaxBlocks = 1 << 18;  ///< Then all are dropped; about 1 KiB each.

    CachedBlock* find(CpuState& s);
    CachedBlock* find_slow(CpuState& s, Ra ra, u32 mode_key);
    /// Executes one block. False: leave to the run loop with *exit.
    bool execute(CpuState& s, const CachedBlock& block, Exit* exit);

    mmu::Mmu& mmu_;
    std::vector<Recent> recent_{kRecent};
    std::unordered_map<u64, std::unique_ptr<CachedBlock>> blocks_;
    u64 translated_ = 0;
};

}  // namespace mpower::jit
