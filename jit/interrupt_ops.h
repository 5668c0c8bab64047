// Interrupts of storage access, as both executors raise them (CpuState::pending, DAR and DSISR), and their delivery.
#pragma once

#include "jit/state.h"
#include "mmu/mmu.h"

namespace mpower::jit {

/// A data access to `ea` failed.
inline void raise_storage(CpuState& s, u64 ea, const mmu::Fault& fault) {
    s.spr[spr::kDar] = ea;
    if (fault.vector == 0x300) s.spr[spr::kDsisr] = fault.status;
    s.pending = static_cast<Vector>(fault.vector);
    s.pending_srr1 = 0;
}

/// A fetch failed.
inline void raise_fetch(CpuState& s, const mmu::Fault& fault) {
    s.pending = static_cast<Vector>(fault.vector);
    s.pending_srr1 = fault.status;
}

/// Takes the pending interrupt, whose instruction is at `address`.
inline void take_pending(CpuState& s, u64 address) {
    const Vector vector = s.pending;
    s.pending = Vector::kNone;
    take_interrupt(s, vector, address, s.pending_srr1);
}

}  // namespace mpower::jit
