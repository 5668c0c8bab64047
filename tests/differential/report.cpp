#include "tests/differential/report.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>

namespace mpower::differential {
namespace {

/// FPSCR[FR] (Book I 4.2.2): QEMU does not compute it.
constexpr u64 kFpscrCompared = ~u64{0x00040000};

/// What counts of a state; `ended`: by a signal, then that is what the signal handler sees.
State comparable(State s, bool ended) {
    s.fpscr &= kFpscrCompared;
    if (!ended) return s;
    State t;
    std::memcpy(t.gpr, s.gpr, sizeof t.gpr);
    t.signal = s.signal;
    t.fault_nip = s.fault_nip;
    return t;
}

void append_differences(std::string& text, const State& ours, const State& theirs) {
    const auto line = [&](const std::string& name, u64 a, u64 b) {
        if (a != b) fmt::format_to(std::back_inserter(text), "    {:<9} ours {:016x}  oracle {:016x}\n", name, a, b);
    };
    line("signal", ours.signal, theirs.signal);
    line("at", ours.fault_nip, theirs.fault_nip);
    for (int i = 0; i < 32; ++i) line(fmt::format("r{}", i), ours.gpr[i], theirs.gpr[i]);
    line("cr", ours.cr, theirs.cr);
    line("xer", ours.xer, theirs.xer);
    line("lr", ours.lr, theirs.lr);
    line("ctr", ours.ctr, theirs.ctr);
    line("vrsave", ours.vrsave, theirs.vrsave);
    line("fpscr", ours.fpscr, theirs.fpscr);
    line("vscr", ours.vscr, theirs.vscr);
    for (int i = 0; i < 64; ++i) {
        line(fmt::format("vs{}.hi", i), ours.vsr[i].hi, theirs.vsr[i].hi);
        line(fmt::format("vs{}.lo", i), ours.vsr[i].lo, theirs.vsr[i].lo);
    }
}

}  // namespace

bool same(const Image& ours, const Image& theirs) {
    const bool ended = ours.state.signal != 0;
    if (!(comparable(ours.state, ended) == comparable(theirs.state, ended))) return false;
    return ended || ours.scratch == theirs.scratch;
}

const char* known_difference(const Group& group, const Image& ours, const Image& theirs) {
    constexpr u64 kCr6 = 0xf0, kCr6Eq = 0x20;
    if (group.row->id.starts_with("bcd") && (ours.state.cr & kCr6Eq)) {
        // Zero is positive, and neither less nor greater than zero (Book I 6.17.1).
        const u32 vrt = 32 + insn_field(group.word, 6, 10);
        Image corrected = theirs;
        corrected.state.cr ^= (theirs.state.cr ^ ours.state.cr) & kCr6;
        if (theirs.state.vsr[vrt].lo < 16) corrected.state.vsr[vrt].lo = ours.state.vsr[vrt].lo;
        if (same(ours, corrected)) return "QEMU 7.2: signed zero from packed decimals, and GT or LT beside EQ";
    }
    if (const char* why = known_dfp_difference(group, ours, theirs)) return why;
    return known_fp_difference(group, ours, theirs);
}

std::string describe(const Group& group, const Image& before, const Image& ours, const Image& theirs) {
    std::string text = fmt::format("  {} {:08x}, within:", group.row->mnemonic, group.word);
    const auto out = std::back_inserter(text);
    for (const u32 word : group.words) fmt::format_to(out, " {:08x}", word);
    const State& s = before.state;
    text += "\n  before:";
    for (int i = 0; i < 32; ++i) fmt::format_to(out, "{}r{:<2} {:016x}", i % 4 ? "  " : "\n    ", i, s.gpr[i]);
    fmt::format_to(out, "\n    cr {:08x}  xer {:08x}  lr {:016x}  ctr {:016x}  fpscr {:016x}  vscr {:08x}\n", s.cr,
                   s.xer, s.lr, s.ctr, s.fpscr, s.vscr);
    if (group.row->flags &
        (jit::isa::kFp | jit::isa::kVec | jit::isa::kVsx | jit::isa::kVsxOrVec | jit::isa::kVsxOrVecDq)) {
        // Each register field may name a register of the lower or the upper half.
        for (const unsigned first : {6u, 11u, 16u, 21u}) {
            const u32 n = insn_field(group.word, first, first + 4);
            fmt::format_to(out, "    vs{:<2} {:016x} {:016x}  vs{:<2} {:016x} {:016x}\n", n, s.vsr[n].hi, s.vsr[n].lo,
                           n + 32, s.vsr[n + 32].hi, s.vsr[n + 32].lo);
        }
        // Operands that the words in front of it have set.
        const State& t = ours.state;
        for (u32 n = 0; n < 64 && group.words.size() > 1; ++n) {
            if (s.vsr[n] == t.vsr[n]) continue;
            fmt::format_to(out, "    then vs{} {:016x} {:016x}\n", n, t.vsr[n].hi, t.vsr[n].lo);
        }
    }
    text += "  after:\n";
    const bool ended = ours.state.signal != 0 || theirs.state.signal != 0;
    append_differences(text, comparable(ours.state, ended), comparable(theirs.state, ended));
    int shown = 0;
    for (std::size_t i = 0; i < ours.scratch.size() && shown < 16; ++i) {
        if (ours.scratch[i] == theirs.scratch[i]) continue;
        fmt::format_to(out, "    byte at {:#x}: was {:02x}, ours {:02x}, oracle {:02x}\n", DIFF_SCRATCH + i,
                       before.scratch[i], ours.scratch[i], theirs.scratch[i]);
        ++shown;
    }
    return text;
}

}  // namespace mpower::differential
