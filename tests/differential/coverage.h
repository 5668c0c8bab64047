// What becomes of each mnemonic that GNU objdump knows for POWER8 and POWER9, and of each row of the decode table.
#pragma once

namespace mpower::differential {

/// Prints a line a mnemonic (name, levels, status, row of the decode table, family of the random comparison or reason),
/// and the sums. False, and a line a gap, if a mnemonic or a row has neither a test nor a reason.
bool print_coverage(bool whole);

}  // namespace mpower::differential
