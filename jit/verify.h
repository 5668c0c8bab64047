// The executor of `-accel verify`: runs each stretch of guest code by the translator, takes it back, runs the same
// instructions one by one by the interpreter, and ends the program at the first difference, with both states and the
// stretch's listing. Hot code and loops are checked like cold code: what counts is the number of instructions.
//
// For one vCPU only: another's stores in between would look like a difference. Time and random numbers that the first
// run read are given to the second one again.
#pragma once

#include <vector>

#include "jit/interp/interp.h"
#include "jit/store_log.h"
#include "jit/x64/executor.h"

namespace mpower::jit {

class Verifier final : public Executor, private Platform {
  public:
    /// `cache`: made with CodeOptions::one_block.
    Verifier(mmu::Mmu& mmu, x64::CodeCache& cache) : mmu_(mmu), translator_(mmu, cache), reference_(mmu, 1) {}
    Exit run(CpuState& state) override;
    CodeStats stats() const override { return translator_.stats(); }
    /// Stretches compared.
    u64 verified() const { return verified_; }

  private:
    /// The architected part of CpuState, as bytes.
    struct Snapshot {
        static constexpr std::size_t kBytes = offsetof(CpuState, attention);
        alignas(16) u8 bytes[kBytes];
    };

    u64 time_base() override;
    void set_decrementer(u64 ticks) override;
    u64 decrementer() override;
    u64 random() override;
    template <class F>
    u64 once(F read);

    void save(const CpuState& s, Snapshot* out) const;
    void restore(CpuState& s, const Snapshot& from) const;
    [[noreturn]] void report(const CpuState& s, u64 count, const Snapshot& before, const Snapshot& translated,
                             const std::string& what) const;

    mmu::Mmu& mmu_;
    x64::X64Executor translator_;
    Interpreter reference_;
    Platform* platform_ = nullptr;  ///< The machine's.
    bool replaying_ = false;
    std::vector<u64> read_;  ///< What the first run got of the machine, in order.
    std::size_t next_read_ = 0;
    StoreLog first_, second_;
    u64 verified_ = 0;
};

}  // namespace mpower::jit
