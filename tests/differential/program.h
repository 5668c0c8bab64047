// A random program, and what it starts with and leaves: plain data that oracle and subject exchange.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/types.h"
#include "jit/isa/table.h"
#include "tests/differential/runner/protocol.h"

namespace mpower::differential {

/// Registers that no test instruction writes, so that storage accesses have valid addresses.
constexpr u32 kStateRegister = 1;  ///< The runner's.
constexpr u32 kBase = 2;           ///< DIFF_CENTRE.
constexpr u32 kIndex = 3;          ///< -1024 .. 1023.
constexpr u32 kAlignedIndex = 4;   ///< 0 .. 1008, a multiple of 16.
constexpr u32 kDigits = 5;         ///< 0x7777777777777777: and-mask that makes valid BCD digits.
constexpr u32 kLastReserved = 5;
constexpr u32 kTemp = 6, kTemp2 = 7;  ///< Set and used within a group only.

/// What a branch of a group must be given when the program is laid out.
enum class Target : u8 {
    kNone,
    kRelative14,
    kRelative24,
    kAbsolute24,  ///< Displacement of the group's last word.
    kRegister,    ///< lis+ori at the group's start load the address.
};

/// One table row's instruction, with the words around it that keep its operands and results defined.
struct Group {
    const jit::isa::Row* row = nullptr;
    u32 word = 0;            ///< The instruction under test.
    std::vector<u32> words;  ///< With what surrounds it.
    Target target = Target::kNone;
    unsigned skip = 0;  ///< Branches: groups passed over.
};

/// Registers as the manual has them; CR, XER as mfcr, mfxer show them.
struct State {
    u64 gpr[32]{};
    u64 cr = 0, xer = 0, lr = 0, ctr = 0, fpscr = 0, vrsave = 0, vscr = 0;
    u64 signal = 0, fault_nip = 0;  ///< How the code ended: 0, or a signal (SIGILL ...) at fault_nip.
    jit::V128 vsr[64]{};
    bool operator==(const State&) const = default;
};

struct Image {
    State state;
    std::array<u8, DIFF_SCRATCH_BYTES> scratch{};
    bool operator==(const Image&) const = default;
};

struct Program {
    Image initial;
    std::vector<Group> groups;

    /// The whole code, in which each group from number `count` on is a branch to DIFF_DONE, so that every group keeps
    /// its address whatever the count.
    std::vector<u32> layout(std::size_t count) const;
};

}  // namespace mpower::differential
