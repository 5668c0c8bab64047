// FPSCR (Power ISA, Book I 4.2.2) and the bookkeeping of exceptions that every floating-point instruction shares.
#pragma once

#include "base/bits.h"
#include "jit/state.h"

namespace mpower::jit::fp {

namespace fpscr {
constexpr u64 kFx = ppc_bit(32), kFex = ppc_bit(33), kVx = ppc_bit(34), kOx = ppc_bit(35), kUx = ppc_bit(36),
              kZx = ppc_bit(37), kXx = ppc_bit(38), kVxsnan = ppc_bit(39), kVxisi = ppc_bit(40), kVxidi = ppc_bit(41),
              kVxzdz = ppc_bit(42), kVximz = ppc_bit(43), kVxvc = ppc_bit(44), kFr = ppc_bit(45), kFi = ppc_bit(46),
              kC = ppc_bit(47), kVxsoft = ppc_bit(53), kVxsqrt = ppc_bit(54), kVxcvi = ppc_bit(55), kVe = ppc_bit(56),
              kOe = ppc_bit(57), kUe = ppc_bit(58), kZe = ppc_bit(59), kXe = ppc_bit(60);
constexpr u64 kAllVx = kVxsnan | kVxisi | kVxidi | kVxzdz | kVximz | kVxvc | kVxsoft | kVxsqrt | kVxcvi;
/// Bits that record an exception: setting one of them sets FX.
constexpr u64 kExceptions = kOx | kUx | kZx | kXx | kAllVx;
constexpr u64 kFprf = ppc_mask(47, 51), kFpcc = ppc_mask(48, 51);
constexpr u64 kDrn = ppc_mask(29, 31), kRn = ppc_mask(62, 63), kEnables = ppc_mask(56, 60), kNi = ppc_bit(61);
/// Bits that mtfsf and its kin can write: not FEX, VX (summaries), not bit 52 and 0:28 (reserved).
constexpr u64 kWritable = ppc_mask(29, 32) | ppc_mask(35, 51) | ppc_mask(53, 63);
}  // namespace fpscr

/// Brings FPRF, FR and FI of the last operation into FPSCR. Whoever reads them, or changes a part of them, does so
/// first.
void settle(CpuState& s);

/// The first four values are those of FPSCR[RN].
enum class Rounding : u8 { kNearest, kZero, kUp, kDown, kNearestAway, kOdd };

/// What one instruction works with and causes: the controls of FPSCR at its start, the exceptions it raised.
struct Context {
    Rounding rounding;
    bool ve, oe, ue, ze;
    u64 raised = 0;  ///< fpscr::kExceptions bits.
    bool fr = false, fi = false;

    /// FPSCR as a program finds it: to nearest, nothing enabled.
    Context() : rounding(Rounding::kNearest), ve(false), oe(false), ue(false), ze(false) {}
    explicit Context(const CpuState& s)
        : rounding(static_cast<Rounding>(s.fpscr & fpscr::kRn)),
          ve(s.fpscr & fpscr::kVe),
          oe(s.fpscr & fpscr::kOe),
          ue(s.fpscr & fpscr::kUe),
          ze(s.fpscr & fpscr::kZe) {}
    void raise(u64 bits) { raised |= bits; }
    /// An enabled invalid-operation or zero-divide exception leaves the target register as it was.
    bool suppressed() const { return (ve && (raised & fpscr::kAllVx)) || (ze && (raised & fpscr::kZx)); }
};

/// VX and FEX are functions of the other bits.
inline u64 with_summaries(u64 v) {
    using namespace fpscr;
    v &= ~(kVx | kFex);
    if (v & kAllVx) v |= kVx;
    // VX OX UX ZX XX stand 22 bits above VE OE UE ZE XE.
    if ((v >> 22) & v & kEnables) v |= kFex;
    return v;
}
static_assert((fpscr::kVx | fpscr::kOx | fpscr::kUx | fpscr::kZx | fpscr::kXx) >> 22 == fpscr::kEnables);

/// Adds exceptions; FX if one of them is new.
inline void raise_exceptions(CpuState& s, u64 bits) {
    if (bits == 0) return;
    if (bits & ~s.fpscr) s.fpscr |= fpscr::kFx;
    s.fpscr = with_summaries(s.fpscr | bits);
}

/// Ends a vector instruction (FR, FI and FPRF stay). True: the target is to be written; an exception of any element
/// that is enabled keeps it as it was (Book I 7.4).
inline bool finish_vector(CpuState& s, const Context& c) {
    raise_exceptions(s, c.raised);
    return !c.suppressed() && !((c.oe && (c.raised & fpscr::kOx)) || (c.ue && (c.raised & fpscr::kUx)) ||
                                ((s.fpscr & fpscr::kXe) && (c.raised & fpscr::kXx)));
}

/// Ends a scalar instruction that sets FR, FI and FPRF. True: the target and FPRF are to be written.
inline bool finish_scalar(CpuState& s, const Context& c) {
    if (c.suppressed()) settle(s);  // FPRF stays
    s.last_float.operation = s.last_float.compared = 0;
    s.fpscr &= ~(fpscr::kFr | fpscr::kFi);
    raise_exceptions(s, c.raised);
    if (c.suppressed()) return false;
    s.fpscr |= (c.fr ? fpscr::kFr : 0) | (c.fi ? fpscr::kFi : 0);
    return true;
}

inline void set_fprf(CpuState& s, u32 fprf) { s.fpscr = (s.fpscr & ~fpscr::kFprf) | u64{fprf} << 12; }
/// FPCC only: what a comparison sets. `nibble` is FL FG FE FU.
inline void set_fpcc(CpuState& s, u32 nibble) {
    settle(s);
    s.fpscr = (s.fpscr & ~fpscr::kFpcc) | u64{nibble} << 12;
}

}  // namespace mpower::jit::fp
