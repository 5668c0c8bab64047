// Decimal results that QEMU 7.2 gets wrong. Sections are those of Power ISA 2.07 and 3.0, Book I.
#include "jit/dfp/format.h"
#include "tests/differential/report.h"

namespace mpower::differential {
namespace {

using namespace jit::dfp;
using jit::isa::Insn;

constexpr u64 kFex = 0x40000000, kInvalidBits = 0xe0000100, kFprf = 0x1f000;  // FX FEX VX VXCVI
constexpr u64 kVxsnanBits = 0xa1000000;                                       // FX VX VXSNAN
constexpr u32 kCr1 = 0x0f000000;

u128 bits_of(const State& s, u32 n, bool quad) {
    return quad ? u128{s.vsr[n].hi} << 64 | s.vsr[(n + 1) & 31].hi : u128{s.vsr[n].hi};
}
Number decimal_in(const State& s, u32 n, bool quad) {
    return quad ? unpack<Extended>(bits_of(s, n, true)) : unpack<Long>(s.vsr[n].hi);
}

/// The same once the target's registers are, FPSCR bits `mask`, and with CR1 if it is recorded.
bool same_but_for(const Image& ours, Image theirs, u32 target, bool quad, u64 mask, bool record) {
    for (u32 n = target; n <= target + quad && n < 32; ++n) theirs.state.vsr[n] = ours.state.vsr[n];
    theirs.state.fpscr ^= (theirs.state.fpscr ^ ours.state.fpscr) & mask;
    if (record) theirs.state.cr ^= (theirs.state.cr ^ ours.state.cr) & kCr1;
    return same(ours, theirs);
}

/// Whether no packed decimal of that many bytes is in FPR n, with a sign if `has_sign`.
bool invalid_bcd(const State& s, u32 n, bool quad, bool has_sign) {
    u128 v = bits_of(s, n, quad);
    bool invalid = false;
    if (has_sign) invalid = (v & 15) < 10, v >>= 4;
    for (; v != 0; v >>= 4) invalid |= (v & 15) > 9;
    return invalid;
}

}  // namespace

const char* known_dfp_difference(const Group& group, const Image& ours, const Image& theirs) {
    std::string_view m = group.row->id;
    if (group.row->value >> 26 != 59 && group.row->value >> 26 != 63) return nullptr;
    const bool quad = m.ends_with('q') && m != "dxexq" && m != "dctfixq";
    if (m.ends_with('q') && m != "drdpq") m.remove_suffix(1);
    const Insn i{group.word};
    const u32 t = i.rt();
    const auto lost = [&](u32 n) { return n == t || (quad && n == (t ^ 1)); };  // an operand under the target
    const Number mine = decimal_in(ours.state, t, quad), other = decimal_in(theirs.state, t, quad);
    const bool alike = mine.kind == other.kind && mine.sign == other.sign && mine.exponent == other.exponent;
    const bool forgotten = alike && other.coefficient == 0;

    if (m == "drdpq") {
        // FRTp <- result || 0 (5.6.5.1): QEMU has it the other way round.
        Image turned = theirs;
        std::swap(turned.state.vsr[t], turned.state.vsr[t + 1]);
        if (same(ours, turned))
            return "the result is in the first register (5.6.5.1); QEMU 7.2 puts it into the second";
        const Number narrow = unpack<Long>(ours.state.vsr[t].hi), swapped = unpack<Long>(turned.state.vsr[t].hi);
        // Without a payload the NaN is right but for that; one with more digits was quieted before anybody looked.
        if (narrow.nan() && swapped.nan() && narrow.sign == swapped.sign &&
            (swapped.coefficient == 0 || swapped.coefficient == narrow.coefficient) &&
            same_but_for(ours, turned, t, false, kVxsnanBits, i.rc()))
            return "a NaN with a digit or more too many (5.6.5.1): QEMU 7.2 loses the payload or VXSNAN";
    }
    if (m == "drsp") {
        // The low digits of a payload stay, and a signalling NaN signals: the result is for storage only (5.6.5.1).
        const Number narrow = unpack<Short>(static_cast<u32>(ours.state.vsr[t].hi));
        const Number their = unpack<Short>(static_cast<u32>(theirs.state.vsr[t].hi));
        if (narrow.nan() && their.nan() && narrow.sign == their.sign &&
            (their.coefficient == 0 || their.coefficient == narrow.coefficient) &&
            same_but_for(ours, theirs, t, false, kFprf, i.rc()))
            return "a NaN for storage (5.6.5.1): QEMU 7.2 loses a payload of seven digits, quiets one with more";
    }
    if (m == "drrnd" && (theirs.state.fpscr & kFex) && !(ours.state.fpscr & kFex)) {
        Image corrected = theirs;
        corrected.state.fpscr &= ~kFex;
        if (i.rc()) corrected.state.cr &= ~u64{0x04000000};
        if (same(ours, corrected)) return "no exception is enabled, so no FEX (4.2.2); QEMU 7.2 takes RN and NI for VE";
    }
    if (m == "denbcd" && (lost(i.rb()) || invalid_bcd(ours.state, i.rb(), quad, i.bit(11)))) {
        const u128 nan = quad ? u128{0x7c00} << 112 : u128{0x7c00} << 48;
        if (bits_of(ours.state, t, quad) == nan && same_but_for(ours, theirs, t, quad, kInvalidBits | kFprf, i.rc()))
            return "invalid digits, VXCVI (5.6.6): QEMU 7.2 leaves FRT, takes RN and NI for VE (4.2.2), 10 for a digit";
    }
    if (m.starts_with("dctfix") && ours.state.vsr[t].hi == u64{1} << 63 && !(ours.state.fpscr & 0x100) &&
        same_but_for(ours, theirs, t, false, kInvalidBits, i.rc()))
        return "-2^63 is a 64-bit integer (5.6.5.2); QEMU 7.2 has it as invalid";
    const bool moves = m == "diex" || m == "dscli" || m == "dscri";
    if (moves && same_but_for(ours, theirs, t, quad, 0, false)) {
        if (alike && mine.coefficient == other.coefficient)
            return "QEMU 7.2 leaves declets or reserved bits as they are";
        const u32 source = m == "diex" ? i.rb() : i.ra();
        if (forgotten && (lost(source) || decimal_in(ours.state, source, quad).infinite()))
            return "an infinity keeps its digits (5.6.6); QEMU 7.2 forgets them";
    }
    if (m == "ddedpd" && (lost(i.rb()) || decimal_in(ours.state, i.rb(), quad).infinite())) {
        const bool has_sign = i.field(11, 12) & 2;
        if (bits_of(theirs.state, t, quad) >> (has_sign ? 4 : 0) == 0 && same_but_for(ours, theirs, t, quad, 0, false))
            return "an infinity has digits (5.6.6); QEMU 7.2 forgets them";
    }
    return nullptr;
}

}  // namespace mpower::differential
