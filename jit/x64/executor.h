// The executor that translates to x86-64 code. See README.md.
#pragma once

#include <vector>

#include "jit/interp/interp.h"
#include "jit/x64/code_cache.h"
#include "jit/x64/evex.h"

namespace mpower::jit::x64 {

class X64Executor final : public Executor, private mmu::CodeListener, private Maker {
  public:
    X64Executor(mmu::Mmu& mmu, CodeCache& cache);
    ~X64Executor() override;
    Exit run(CpuState& state) override;
    CodeStats stats() const override { return stats_; }
    /// The code that was entered last, for a report; empty where it is not known.
    std::string last_listing() const;

    // --- for generated code
    /// Where the code at state.nip is; nullptr: leave to run().
    static const void* resume(CpuState* state);
    /// Likewise, and connects the LinkSite, so many bytes from CodeMemory::data(), to it.
    static const void* resume_by_link(CpuState* state, u64 site_offset);
    /// Likewise, in a block that stays cold (ir::kPlain).
    static const void* resume_plain(CpuState* state);
    /// The block at state.nip has become hot: makes hot code of it. Likewise.
    static const void* promote(CpuState* state);

  private:
    const u8* find(CpuState& s);
    /// Code at state.nip, whose key has `kind` besides; `remembered` is the entry for it, and is made so but for its
    /// tag.
    const u8* look_up(CpuState& s, JumpEntry& remembered, u64 kind = 0);
    void synchronise(CpuState& s);
    void interpret(CpuState& s);
    void entered(Ra page) override { cache_.validate(visitor_, page); }
    Made make(std::span<const u32> page, const u8* where, Translation& t, const Heat& heat) override;
    std::span<const u8> code() const override;

    mmu::Mmu& mmu_;
    CodeCache& cache_;
    CodeCache::Visitor visitor_;
    asmjit::CodeHolder holder_;
    EvexAssembler assembler_;

    // What is being made (make).
    CpuState* making_ = nullptr;
    Ra making_at_{};
    std::vector<WordRange> ranges_, path_;  ///< Of the last make().

    // The stamp of CpuState::jumps, and what it stands for.
    struct Stamp {
        u32 mode_key = ~u32{0};
        const void* space = nullptr;
        u64 stamp = 0;
        u64 last_use = 0;                            ///< 0: dropped.
        std::array<bool, mmu::Mmu::kHalves> used{};  ///< Addresses of which halves were remembered with it.
    };
    std::array<Stamp, 8> stamps_;
    Stamp* stamp_ = nullptr;  ///< The present one, from synchronise() on.
    u64 last_stamp_ = 0, uses_ = 0;
    std::array<u64, mmu::Mmu::kHalves> code_drops_{};
    u64 modifications_ = 0, killed_ = 0;

    static constexpr u64 kNowhere = 1;
    u64 plain_at_ = kNowhere;                   ///< There find() finds the block that stays cold.
    std::unique_ptr<Interpreter> interpreter_;  ///< Made when it is needed.
    bool hypercall_ = false;                    ///< The interpreter met sc 1.
    const u8* entered_ = nullptr;               ///< By run().
    CodeStats stats_;
};

}  // namespace mpower::jit::x64
