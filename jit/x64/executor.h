// The executor that translates to x86-64 code. See README.md.
#pragma once

#include <vector>

#include "jit/block_cache.h"
#include "jit/executor.h"
#include "jit/x64/stubs.h"

namespace mpower::jit::x64 {

/// A direct jump from one block to another of the same page and mode.
struct Link {
    const u8* jump = nullptr;  ///< The five bytes of a `jmp rel32`.
    u64 target = 0;            ///< Key of the block it goes to.
};

class X64Executor final : public Executor, private BlockListener {
  public:
    static constexpr std::size_t kCodeBytes = std::size_t{64} << 20;
    static constexpr std::size_t kRoomForBlock = std::size_t{1} << 20;  ///< More than the largest block takes.

    /// `code_bytes`: of generated code, at least 2 * kRoomForBlock; then all is dropped and made again.
    explicit X64Executor(mmu::Mmu& mmu, std::size_t code_bytes = kCodeBytes);
    Exit run(CpuState& state) override;
    u64 blocks_translated() const override { return cache_.translated(); }

  private:
    void translated(CachedBlock& block) override;
    void dropped() override;
    bool full() const override { return memory_.room() < kRoomForBlock; }
    void jump_to(const u8* from, const void* to);

    mmu::Mmu& mmu_;
    BlockCache cache_;
    CodeMemory memory_;
    Stubs stubs_;
    std::size_t stub_bytes_;
    asmjit::CodeHolder holder_;
    asmjit::x86::Assembler assembler_;
    std::vector<Link> links_;
    u64 waiting_link_ = ~u64{0};  ///< The link through which the last block left.
};

}  // namespace mpower::jit::x64
