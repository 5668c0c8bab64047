// Special-purpose registers: who may read and write each, and what happens then (Power ISA 2.07, Book III-S 4.4.4).
#pragma once

#include "base/types.h"
#include "jit/state.h"

namespace mpower::jit::isa {

/// Who may do it. kNone: the register does not exist that way.
enum class Right : u8 { kNone, kUser, kPriv };

struct SprRow {
    u16 number;
    const char* name;
    Right read, write;
    IsaLevel level;
    /// nullptr: CpuState::spr[storage].
    u64 (*get)(CpuState&);
    void (*set)(CpuState&, u64);
    u16 storage;     ///< Number of the register that holds the value; aliases share one.
    u64 write_mask;  ///< Bits that exist.
    u8 facility;     ///< FSCR bit (and FSCR[IC] code) that problem state needs, 0 = none.
};

/// The row of an SPR number at an ISA level, or nullptr.
const SprRow* find_spr(unsigned number, IsaLevel level);

}  // namespace mpower::jit::isa
