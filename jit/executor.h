// What runs guest code. One Executor per vCPU thread; executors of one machine may share translations behind it.
#pragma once

#include <memory>

#include "jit/state.h"

namespace mpower::mmu {
class GuestRam;
class CodeEpochs;
}  // namespace mpower::mmu

namespace mpower::jit {

class Profile;

enum class Exit : u8 {
    kAttention,  ///< state.attention is nonzero.
    kHypercall,  ///< sc 1 was executed; NIP is the next instruction. MSR[PR] tells from where.
};

/// Which executor: the interpreter, translation to host code, or both, compared (verify.h).
enum class Accel : u8 { kInterp, kJit, kVerify };

/// What an executor has done so far; exact on its vCPU's thread.
struct CodeStats {
    u64 blocks = 0;        ///< Blocks translated.
    u64 hot_blocks = 0;    ///< Translated anew because they were hot.
    u64 instructions = 0;  ///< Guest instructions in both.
    u64 host_bytes = 0;    ///< Host code made of them.
    u64 nanoseconds = 0;   ///< Spent on that.
    u64 resolved = 0;      ///< Times generated code asked where to go on.
    u64 linked = 0;        ///< Jumps connected.
    u64 interpreted = 0;   ///< Blocks interpreted by the translator for want of room.
};

class Executor {
  public:
    virtual ~Executor() = default;
    /// Runs guest instructions until there is something for the run loop to do. Interrupts that instructions cause are
    /// taken inside. The vCPU's own thread, in mode GUEST.
    virtual Exit run(CpuState& state) = 0;
    virtual CodeStats stats() const = 0;
};

/// What the executors of one machine share. Outlives them.
class SharedCode {
  public:
    virtual ~SharedCode() = default;
    virtual u64 killed() const { return 0; }      ///< Blocks dropped because their code was modified.
    virtual u64 turn_overs() const { return 0; }  ///< Times the room for code was full.
};

struct CodeOptions {
    bool count_instructions =
        false;               ///< Keep CpuState::instructions exact; it costs a little. The interpreter always does.
    bool one_block = false;  ///< Leave after each block, and make every store known to CpuState::stores.
    /// Executions after which a block is translated anew, better; kNever: hot code is off.
    i32 hot = 1000;
    static constexpr i32 kNever = 2'000'000'000;
    bool random_ways = false;  ///< Traces take branches at random, so that more of them are made and checked.
    bool clobber = false;      ///< For tests: what calls may leave as they like in registers is destroyed after each.
    Profile* profile = nullptr;  ///< Is told of each translation; outlives the code.
};

std::unique_ptr<SharedCode> make_shared_code(Accel accel, mmu::GuestRam& ram, mmu::CodeEpochs& epochs,
                                             const CodeOptions& options);
std::unique_ptr<Executor> make_executor(Accel accel, mmu::Mmu& mmu, SharedCode& shared);

}  // namespace mpower::jit
