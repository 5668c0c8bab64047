// Floating-point results that the ISA leaves undefined, or that QEMU 7.2 gets wrong.
#include <algorithm>
#include <iterator>

#include "tests/differential/report.h"

namespace mpower::differential {
namespace {

constexpr u64 kUx = 0x08000000, kOx = 0x10000000, kVxcvi = 0x100, kC = 0x10000, kFprf = 0x1f000, kFx = 0x80000000;

bool starts(std::string_view s, std::initializer_list<std::string_view> with) {
    return std::any_of(with.begin(), with.end(), [&](std::string_view w) { return s.starts_with(w); });
}

/// Whether ours and theirs are the same once FPSCR bits `mask` are.
bool same_without_fpscr(const Image& ours, const Image& theirs, u64 mask) {
    Image corrected = theirs;
    corrected.state.fpscr ^= (theirs.state.fpscr ^ ours.state.fpscr) & mask;
    return same(ours, corrected);
}

/// The same without VSX register n, or only its doubleword 1.
bool same_without_register(const Image& ours, const Image& theirs, u32 n, bool whole) {
    Image corrected = theirs;
    corrected.state.vsr[n].lo = ours.state.vsr[n].lo;
    if (whole) corrected.state.vsr[n].hi = ours.state.vsr[n].hi;
    return same(ours, corrected);
}

/// Theirs without what QEMU 7.2 does to FX and FI in every instruction: it sets FX for an exception that was there
/// already (Book I 4.2.2), and clears FI in vector instructions and comparisons, which leave it.
Image with_our_summary(const Group& group, const Image& ours, Image theirs) {
    const std::string_view id = group.row->id;
    constexpr u64 kFi = 0x20000, kCr1Fx = 0x08000000;
    if (!(ours.state.fpscr & kFx) && (theirs.state.fpscr & kFx)) {
        theirs.state.fpscr &= ~kFx;
        if (id.starts_with("f") && jit::isa::Insn{group.word}.rc()) theirs.state.cr &= ~kCr1Fx;
    }
    if (starts(id, {"xv", "fcmp", "xscmp", "xsmax", "xsmin"})) {
        theirs.state.fpscr = (theirs.state.fpscr & ~kFi) | (ours.state.fpscr & kFi);
    }
    return theirs;
}

}  // namespace

const char* known_fp_difference(const Group& group, const Image& ours, const Image& their_image) {
    const Image theirs = with_our_summary(group, ours, their_image);
    if (same(ours, theirs)) return "FX and FI of QEMU 7.2";
    const std::string_view id = group.row->id;
    const jit::isa::Insn i{group.word};
    const u64 fpscr = ours.state.fpscr;
    if (starts(id, {"mtvsrd", "mtvsrwa", "mtvsrwz"}) && same_without_register(ours, theirs, i.xt(), false)) {
        return "doubleword 1 is undefined before ISA 3.1; QEMU 7.2 keeps it";
    }
    if (starts(id, {"mffs"}) && ((ours.state.vsr[i.rt()].hi ^ theirs.state.vsr[i.rt()].hi) & ~u64{0x40000}) == 0 &&
        same_without_register(ours, theirs, i.rt(), true)) {
        return "QEMU 7.2 does not compute FR";
    }
    if (id == "mcrfs" && i.bfa() == 3) {
        Image corrected = theirs;
        const u64 fr = u64{4} << (4 * (7 - i.bf()));
        corrected.state.cr = (theirs.state.cr & ~fr) | (ours.state.cr & fr);
        if (same(ours, corrected)) return "QEMU 7.2 does not compute FR";
    }
    if (starts(id, {"lxsdx", "lxssp", "lxsiw", "lxsib", "lxsih", "lxsd"})) {
        if (same_without_register(ours, theirs, id == "lxsd" || id == "lxssp" ? 32 + i.rt() : i.xt(), false)) {
            return "doubleword 1 is undefined before ISA 3.1; QEMU 7.2 keeps it";
        }
    }
    if (starts(id, {"fnm", "xsnm", "xvnm"}) && (fpscr & 2)) {
        Image corrected = theirs;
        corrected.state.fpscr = fpscr;
        corrected.state.cr = ours.state.cr;
        const u32 target = id.starts_with("f") ? i.rt() : id.ends_with("qp") ? 32 + i.rt() : i.xt();
        if (same_without_register(ours, corrected, target, true)) return "QEMU 7.2 negates before it rounds";
    }
    if (id.starts_with("fcti")) {
        Image corrected = theirs;
        // The word forms leave FRT[0:31] undefined.
        u64& frt = corrected.state.vsr[i.rt()].hi;
        if (id.starts_with("fctiw")) frt = (frt & 0xffffffff) | (ours.state.vsr[i.rt()].hi & ~u64{0xffffffff});
        if (same_without_fpscr(ours, corrected, fpscr & kVxcvi ? kFprf : 0)) return "undefined FPRF, upper word";
    }
    if (starts(id, {"fcfid"}) && same_without_fpscr(ours, theirs, kFprf)) return "QEMU 7.2 does not set FPRF";
    if (id == "fcmpo" && same_without_fpscr(ours, theirs, kC)) return "a comparison leaves FPSCR[C] (Book I 4.6.8)";
    if (id == "mtfsb1" && (fpscr & kFx)) {
        Image corrected = theirs;
        if (i.rc()) corrected.state.cr |= 0x08000000;
        if (same_without_fpscr(ours, corrected, kFx))
            return "an exception bit that mtfsb1 sets makes FX 1 (Book I 4.2.2)";
    }
    if (starts(id, {"xsaddsp", "xssubsp", "xsmulsp", "xsdivsp", "xssqrtsp"})) {
        // Off by an ulp of a single at most; fadds and its kin, which are the same code here, are right there.
        const u64 x = ours.state.vsr[i.xt()].hi, y = theirs.state.vsr[i.xt()].hi, distance = x > y ? x - y : y - x;
        const bool overflow = (x & y & ~(u64{1} << 63)) >= u64{0x47e} << 52;
        Image corrected = theirs;
        corrected.state.vsr[i.xt()] = ours.state.vsr[i.xt()];
        if ((distance <= u64{1} << 29 || overflow) && same_without_fpscr(ours, corrected, kUx | kOx | kFprf)) {
            return "QEMU 7.2 rounds to double first";
        }
    }
    if ((id.ends_with("s") || id.ends_with("sp") || id.ends_with("frsp")) && (fpscr & kC) &&
        !(theirs.state.fpscr & kC) && same_without_fpscr(ours, theirs, kC)) {
        return "FPRF is that of the result as a single: denormal (Book I A.1)";
    }
    if (id.starts_with("xv") && (fpscr & kOx) && (fpscr & kUx) && !(theirs.state.fpscr & kUx) &&
        same_without_fpscr(ours, theirs, kUx)) {
        return "QEMU 7.2 forgets the underflow of one element beside the overflow of another";
    }
    if (id.starts_with("xvcv") && (fpscr & kVxcvi) && same_without_register(ours, theirs, i.xt(), true)) {
        return "QEMU 7.2 gives an element the invalid result of one before";
    }
    // R || RMC = 0b001, 0b010 are reserved rounding modes.
    if (starts(id, {"xsrqpi", "xsrqpxp"}) && !i.bit(15) && (i.field(21, 22) == 1 || i.field(21, 22) == 2)) {
        return "reserved rounding mode";
    }
    constexpr u64 kVxsnan = 0x01000000, kVximz = 0x00100000;
    if (id.find("ma") != id.npos || id.find("ms") != id.npos || id.find("nm") != id.npos) {
        if ((fpscr & kVxsnan) && (fpscr & kVximz) && same_without_fpscr(ours, theirs, kVxsnan)) {
            return "QEMU 7.2 forgets the signalling addend of infinity times zero";
        }
    }
    if (id.starts_with("xsrqp") && !i.bit(15) && i.field(21, 22) == 3)
        return "QEMU 7.2 takes RN for softfloat's numbers";
    if (id == "xsrqpxp" && (fpscr & 0x1f000) == 0x11000 && same_without_register(ours, theirs, 32 + i.rt(), true)) {
        return "a NaN keeps its fraction (Book I, bfp_ROUND_TO_BFP80)";
    }
    if (id == "xsnmsubqp" && i.bit(31)) { return "QEMU 7.2 does not round xsnmsubqpo to odd"; }
    if (id == "xststdcsp") {
        Image corrected = theirs;
        const u32 match = 2u << (4 * (7 - i.bf()));
        corrected.state.cr ^= (theirs.state.cr ^ ours.state.cr) & match;
        if (same_without_fpscr(ours, corrected, 0x2000)) return "QEMU 7.2 counts doubles below 2^-149 as zeros";
    }
    return nullptr;
}

}  // namespace mpower::differential
