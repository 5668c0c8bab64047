// What `-stats` prints.
#pragma once

#include <string>

#include "base/result.h"
#include "smp/machine.h"

namespace mpower::tools {

/// Counters of a machine that has ended, `seconds` after its start: JSON to the file, or a table on standard error if
/// `where` is "-".
Result<void> write_statistics(smp::Machine& machine, double seconds, const std::string& where);

}  // namespace mpower::tools
