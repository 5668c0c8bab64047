// What runs guest code. One Executor per vCPU thread; executors of one machine may share translations behind it.
#pragma once

#include <memory>

#include "jit/state.h"

namespace mpower::jit {

enum class Exit : u8 {
    kAttention,  ///< state.attention is nonzero.
    kHypercall,  ///< sc 1 was executed; NIP is the next instruction. MSR[PR] tells from where.
};

/// Which executor: the interpreter, or translation to host code.
enum class Accel : u8 { kInterp, kJit };

class Executor {
  public:
    virtual ~Executor() = default;
    /// Runs guest instructions until there is something for the run loop to do. Interrupts that instructions cause are
    /// taken inside. The vCPU's own thread, in mode GUEST.
    virtual Exit run(CpuState& state) = 0;
    /// Blocks translated so far; a statistic.
    virtual u64 blocks_translated() const = 0;
};

std::unique_ptr<Executor> make_executor(Accel accel, mmu::Mmu& mmu);

}  // namespace mpower::jit
