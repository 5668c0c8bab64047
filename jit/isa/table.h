// The decode table: one row an instruction. Rows stand in rows/*.inc, a file a chapter of the ISA:
//
//     INST(add, "add", "011111 ----- ----- ----- - 100001010 -", kBase, 0)
//
// id (also the name of its semantic definition in isa::sem), mnemonic, the 32 bits (0/1 fixed, - operand, . reserved
// and ignored; blanks are for the reader), first ISA level, facility and privilege flags.
// Rows may overlap only if one has every fixed bit of the other and more: the more specific one wins.
#pragma once

#include <span>
#include <string_view>

#include "jit/ir/builder.h"
#include "jit/isa/insn.h"

namespace mpower::jit::isa {

/// Column "flags" of a row.
enum Flag : u32 {
    kPriv = 1 << 0,   ///< Privileged: Program interrupt (privileged) in problem state.
    kHyper = 1 << 1,  ///< Hypervisor resource: to this guest illegal in privileged state, privileged in problem state.
    kFp = 1 << 2,     ///< Needs MSR[FP].
    kVec = 1 << 3,    ///< Needs MSR[VEC].
    kVsx = 1 << 4,    ///< Needs MSR[VSX].
    kVsxOrVec =
        1 << 5,  ///< ISA 3.0 rule of lxvx, mfvsrld ...: MSR[VSX] for registers 0-31, MSR[VEC] for 32-63 (bit 31 = TX).
    kVsxOrVecDq = 1 << 6,  ///< The same with TX in bit 28 (lxv, stxv).
    kFpOrVec = 1 << 10,    ///< ISA 2.07 rule of mfvsrd ...: MSR[FP] for registers 0-31, MSR[VEC] for 32-63 (bit 31).
    kStorage = 1 << 7,     ///< Accesses storage (the differential test gives it valid addresses).
    kEnd = 1 << 8,         ///< Ends a block (branches, context synchronisation).
};

using Definition = void (*)(ir::Builder&, Insn);

struct Row {
    std::string_view id, mnemonic;
    u32 mask, value;  ///< word & mask == value.
    IsaLevel level;
    u32 flags;
    Definition define;
};

/// Every row, most specific first within a primary opcode.
std::span<const Row> rows();

/// The row of an instruction word at a level, or nullptr: illegal. Lock-free, any thread.
const Row* decode(u32 word, IsaLevel level);

namespace sem {
#define INST(id, mnemonic, bits, level, flags) void id(ir::Builder&, Insn);
#include "jit/isa/rows/all.inc"
#undef INST
}  // namespace sem

}  // namespace mpower::jit::isa
