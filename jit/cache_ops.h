// What cache instructions work on, and the helper of icbi.
#pragma once

#include "jit/state.h"

namespace mpower::jit {

constexpr u64 kCacheLineBytes = 128;  ///< Of the guest: what dcbz clears.

/// icbi of effective address `ea`: makes every vCPU compare its translated code with storage before the next use.
/// For call_sys: may set state.pending (the address must be readable).
u64 icbi(CpuState& s, u64 ea, u64, u64);

}  // namespace mpower::jit
