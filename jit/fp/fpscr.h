// FPSCR (Power ISA 2.07, Book I 4.2.2): bits and the rules of exceptions.
#pragma once

#include "base/bits.h"
#include "jit/state.h"

namespace mpower::jit::fp {

namespace fpscr {
constexpr u64 kFx = ppc_bit(32), kFex = ppc_bit(33), kVx = ppc_bit(34), kOx = ppc_bit(35), kUx = ppc_bit(36),
              kZx = ppc_bit(37), kXx = ppc_bit(38), kVxsnan = ppc_bit(39), kVxisi = ppc_bit(40), kVxidi = ppc_bit(41),
              kVxzdz = ppc_bit(42), kVximz = ppc_bit(43), kVxvc = ppc_bit(44), kFr = ppc_bit(45), kFi = ppc_bit(46),
              kFprf = ppc_mask(47, 51), kFpcc = ppc_mask(48, 51), kVxsoft = ppc_bit(53), kVxsqrt = ppc_bit(54),
              kVxcvi = ppc_bit(55), kVe = ppc_bit(56), kOe = ppc_bit(57), kUe = ppc_bit(58), kZe = ppc_bit(59),
              kXe = ppc_bit(60), kNi = ppc_bit(61), kRn = ppc_mask(62, 63);
constexpr unsigned kFprfShift = 12;
constexpr u64 kAllInvalid =
    kVxsnan | kVxisi | kVxidi | kVxzdz | kVximz | kVxvc | kVxsoft | kVxsqrt | kVxcvi;
constexpr u64 kExceptions = kOx | kUx | kZx | kXx | kAllInvalid;
constexpr u64 kDrn = ppc_mask(29, 31);  ///< Decimal rounding mode.
}  // namespace fpscr

/// VX and FEX follow from the other bits.
inline u64 summarise(u64 f) {
    using namespace fpscr;
    f &= ~(kVx | kFex);
    if (f & kAllInvalid) f |= kVx;
    // Enables VE..XE stand 22 places below VX, OX, UX, ZX, XX.
    if ((f >> 22) & f & (kVe | kOe | kUe | kZe | kXe)) f |= kFex;
    return f;
}

/// Sets exception bits: FX if one of them was 0.
inline void raise(CpuState& s, u64 exceptions) {
    if (exceptions & ~s.fpscr & fpscr::kExceptions) s.fpscr |= fpscr::kFx;
    s.fpscr = summarise(s.fpscr | exceptions);
}

/// Class of a double as FPRF says it.
u64 fprf_of(u64 x);

}  // namespace mpower::jit::fp
