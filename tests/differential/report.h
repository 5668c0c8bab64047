// Comparing two results, and telling a person about a difference.
#pragma once

#include <string>

#include "tests/differential/program.h"

namespace mpower::differential {

/// Equal in everything that the ISA defines and the oracle gets right. When the code ended by a signal, only the
/// signal, its address and the GPRs count.
bool same(const Image& ours, const Image& theirs);

/// Why a difference after `group` is no error of ours; nullptr if there is no such reason.
const char* known_difference(const Group& group, const Image& ours, const Image& theirs);
/// The floating-point part of it.
const char* known_fp_difference(const Group& group, const Image& ours, const Image& theirs);
/// That of decimal floating point.
const char* known_dfp_difference(const Group& group, const Image& ours, const Image& theirs);

/// The instruction, registers before, and what differs after.
std::string describe(const Group& group, const Image& before, const Image& ours, const Image& theirs);

}  // namespace mpower::differential
