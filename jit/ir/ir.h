// The intermediate representation: one linear block of SSA instructions, in which guest state is read and written
// explicitly, and every way out is explicit. Both executors take it; passes rewrite it.
//
// Value types: i64 (narrower integers are kept zero-extended in 64 bits) and v128. A value's id is the index of the
// instruction that makes it.
//
// Faults are precise: an instruction that may leave the block (load, store, call_sys, raise_if ...) stands, in program
// order, before the state writes of its guest instruction that must not happen if it does leave.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "jit/ir/float.h"
#include "jit/ir/lanes.h"
#include "jit/state.h"

namespace mpower::jit::ir {

enum class Op : u8 {
#define OP(name, result, arguments, text) name,
#include "jit/ir/ops.inc"
#undef OP
};

enum class Type : u8 { kNone, kI64, kV128 };

/// A function that an IR instruction calls: may read and change the state, but neither NIP, MSR nor guest storage
/// unless it is called by call_sys.
using Helper = u64 (*)(CpuState&, u64 a, u64 b, u64 c);

/// Handle of an SSA value: index of its defining instruction.
struct Value {
    u32 id = ~0u;
};

/// A set of instructions that exist only if a bit of MSR is set, and the interrupt that they are if not.
struct Facility {
    u64 msr_bit;
    Vector vector;
};

/// How a storage access treats bytes and faults.
struct Access {
    u8 size = 8;           ///< 1, 2, 4, 8 or 16 bytes.
    bool swap = false;     ///< Byte-swap between storage and register on this (little-endian) host.
    bool sign = false;     ///< Sign-extend a loaded 1, 2 or 4 byte value to 64 bits.
    bool aligned = false;  ///< A misaligned address is an alignment interrupt (larx, stcx., lq in real hardware).
};

struct Inst {
    Op op;
    Access access{};
    u16 guest = 0;                  ///< Number of the guest instruction within the block: Block::pc says where it is.
    u32 a = ~0u, b = ~0u, c = ~0u;  ///< Arguments: value ids.
    u64 imm = 0;                    ///< Constant, state offset, helper address, interrupt vector ... as the op says.
    u64 imm2 = 0;                   ///< SRR1 bits of raise; what else the op says.
};

/// The machine mode that translation depends on; part of a block's key. MSR[FP, VEC, VSX] are looked at by the code
/// (Op::kNeed): Linux's own code runs with and without them by turns, and nearly all of it does not care.
struct Mode {
    bool sf, le, pr, fp_exceptions, single_step;
    IsaLevel level;
    u32 key() const {
        return sf | le << 1 | pr << 2 | fp_exceptions << 3 | single_step << 4 | static_cast<u32>(level) << 5;
    }
};

/// Translation mode of the vCPU's present MSR.
Mode mode_of(const CpuState& s);

/// By what a block is found: real address of its first instruction and Mode::key().
inline u64 block_key(Ra ra, u32 mode_key) {
    return ra.v << 10 | mode_key;  // mode keys have 8 bits, ra's last 2 are 0
}
/// Set in the key of a block that stays cold: hot code goes on in it where it does not apply.
constexpr u64 kPlain = 1 << 8;

struct Block {
    Mode mode;
    std::vector<Inst> insts;
    std::vector<i32> pc;  ///< Of each guest instruction: its address minus that of the first.
    u16 guest_count = 0;  ///< Guest instructions.
    u64 needed = 0;       ///< MSR bits that its kNeeds look at.
    /// The first so many instructions read state that a loop keeps in registers (passes.h); of an arm they are what its
    /// path has in registers: kInput, or reads of state.
    u32 kept = 0;
    u32 hoisted = 0;          ///< So many instructions after those are a loop's looks at the TLB before its rounds.
    u64 hoisted_needs = 0;    ///< MSR bits without which a loop does not apply.
    bool late_float = false;  ///< show_targets() has been here.
    /// GPRs as they were when hot code was asked for; nullptr: not known. What is made must be right whatever they are.
    const u64* gpr_then = nullptr;
    struct Guess {
        u64 offset, value;  ///< Of state that the block does not change.
    };
    std::vector<Guess> guesses;  ///< What probes are made for (share_probes); wrong guesses cost time only.
    /// Hot code: where the way of a kExitIf, whose imm2 is the number + 1, goes on in the same code. A kLoop in an arm
    /// goes to the first instruction of the block that all of them are arms of, which is a loop.
    std::vector<Block> arms;

    u32 body() const { return kept + hoisted; }  ///< Where a loop's rounds begin.
    u64 pc_of(const Inst& i) const { return static_cast<u64>(i64{pc[i.guest]}); }
};

/// One line an instruction, for `-d op` and for test failures.
std::string to_string(const Block& block);

}  // namespace mpower::jit::ir
