// What an instruction needs around it so that its result is defined and its storage access valid.
#pragma once

#include <string_view>

#include "tests/differential/program.h"
#include "tests/differential/random.h"

namespace mpower::differential {

/// An instruction word being dressed.
struct Draft {
    Random& random;
    const jit::isa::Row& row;
    std::string_view mnemonic;  ///< Of the row, without a final '.'.
    bool storage;               ///< Accesses storage.
    bool isa300, little_endian;
    u32 word;
    std::vector<u32> before{}, after{};
    Target target = Target::kNone;

    u32 field(unsigned first, unsigned last) const { return insn_field(word, first, last); }
    void set(unsigned first, unsigned last, u32 value) {
        const u32 mask = ((u64{1} << (last - first + 1)) - 1) << (31 - last);
        word = (word & ~mask) | (value << (31 - last) & mask);
    }
};

/// False: this word has no valid form; draw another.
bool shape(Draft& draft);

/// Whether a row is one of decimal floating point.
bool decimal_row(const jit::isa::Row& row);
/// The part of it for those (shapes_dfp.cpp).
bool shape_decimal(Draft& draft);
/// FPRs with the decimals that break arithmetic.
void decimal_operands(Random& random, State& state);

/// How an estimate is stored: their rows are compared without the low bits of the result.
enum class Estimate : u8 { kNone, kFpr, kVsxDoublewords, kVsxWords, kVmx };
Estimate estimate(std::string_view id);

/// The part of it that keeps FPSCR and the second halves of registers comparable (shapes_fp.cpp).
bool shape_floating_point(Draft& draft);

}  // namespace mpower::differential
