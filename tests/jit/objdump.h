// What GNU objdump knows of the Power ISA, for the checks of the decode table against it.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "jit/isa/table.h"

namespace mpower::jit::isa {

/// Whether there is a cross objdump (Debian: binutils-powerpc64le-linux-gnu), and its name.
bool have_objdump();
const char* objdump_name();

/// objdump's name of the processor of a level: power8 or power9.
const char* processor(IsaLevel level);

/// objdump's mnemonic of each word, without simplified mnemonics; "" for words that it does not know.
std::vector<std::string> disassemble(const std::vector<u32>& words, IsaLevel level);

/// Words of every primary and extended opcode, with several operands each, reserved ones (0) among them.
std::vector<u32> words_of_every_opcode(std::mt19937_64& random);

/// Words that decode to the row at the level: random operands, some of them with few bits set.
std::vector<u32> words_of_row(const Row& row, IsaLevel level, std::mt19937_64& random);

/// The bits that a row shows as operands ('-'); the table itself keeps no trace of the difference from reserved ones.
u32 operand_bits(const Row& row);

/// Whether a name of objdump's is the row's: OE, Rc, LK, AA and branch hints are operands of ours.
bool same_name(std::string_view objdump, const Row& row);

/// Why an instruction that objdump knows has no row, with the place in the ISA; "" if it should have one.
std::string_view absence(std::string_view name, IsaLevel level);

}  // namespace mpower::jit::isa
