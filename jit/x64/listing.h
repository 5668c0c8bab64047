// Host code as text, for `-d out_asm` and for the list of code quality in tests/jit.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace mpower::jit::x64 {

/// One line an instruction: offset from the start, text. `address`: where the code is executed.
std::vector<std::string> listing(std::span<const u8> code, const u8* address);

}  // namespace mpower::jit::x64
