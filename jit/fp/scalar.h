// What a scalar floating-point instruction does to FPSCR, and how its helper is called.
#pragma once

#include "jit/fp/arithmetic.h"
#include "jit/ir/builder.h"

namespace mpower::jit::fp {

/// Records exceptions, FR, FI and FPRF (undefined for a result that is an integer: left). False: an enabled invalid
/// operation or division by zero keeps the target as it was (Book I 4.4.1, 4.4.2).
inline bool finish_scalar(CpuState& s, const Outcome& o, bool is_integer) {
    using namespace fpscr;
    s.fpscr &= ~(kFr | kFi);
    raise(s, o.exceptions);
    const bool suppressed = ((o.exceptions & kAllInvalid) && (s.fpscr & kVe)) || ((o.exceptions & kZx) && (s.fpscr & kZe));
    if (suppressed) return false;
    s.fpscr |= (o.fr ? kFr : 0) | (o.fi ? kFi : 0);
    if (!is_integer) s.fpscr = (s.fpscr & ~kFprf) | fprf_of(o.value);
    return true;
}

/// For call_sys: Program interrupt if an enabled exception stands (Book I 4.4, MSR[FE0, FE1] are known to be set).
inline u64 check_enabled(CpuState& s, u64, u64, u64) {
    if (s.fpscr & fpscr::kFex) {
        s.pending = Vector::kProgram;
        s.pending_srr1 = program::kFpEnabled;
    }
    return 0;
}

/// Calls a floating-point helper with the instruction word, then looks for enabled exceptions if the mode has them.
inline void call_fp(ir::Builder& b, ir::Helper helper, u32 word) {
    b.call(helper, b.imm(word));
    if (b.mode().fp_exceptions) b.call_sys(check_enabled, b.imm(0));
}

}  // namespace mpower::jit::fp
