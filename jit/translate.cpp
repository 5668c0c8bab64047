#include "jit/translate.h"

#include <atomic>

#include "base/log.h"
#include "jit/isa/table.h"

namespace mpower::jit {
namespace {

std::atomic<u64> unimplemented{0};

/// The facility interrupt that an instruction raises in this mode, or kNone (Book III-S 6.5.10, 6.5.25, 6.5.26).
Vector missing_facility(const isa::Row& row, isa::Insn insn, const ir::Mode& mode) {
    using enum isa::Flag;
    const u32 f = row.flags;
    if ((f & kFp) && !mode.fp) return Vector::kFpUnavailable;
    if ((f & kVec) && !mode.vec) return Vector::kVecUnavailable;
    if ((f & kVsx) && !mode.vsx) return Vector::kVsxUnavailable;
    if (f & kFpOrVec) {
        if (insn.bit(31) ? !mode.vec : !mode.fp) return insn.bit(31) ? Vector::kVecUnavailable : Vector::kFpUnavailable;
    }
    if (f & (kVsxOrVec | kVsxOrVecDq)) {
        const bool upper = insn.bit(f & kVsxOrVec ? 31 : 28);
        if (upper && !mode.vec) return Vector::kVecUnavailable;
        if (!upper && !mode.vsx) return Vector::kVsxUnavailable;
    }
    return Vector::kNone;
}

void translate_one(ir::Builder& b, u32 word, u64 address) {
    const isa::Insn insn{word};
    const isa::Row* row = isa::decode(word, b.mode().level);
    if (row == nullptr) {
        unimplemented.fetch_add(1, std::memory_order_relaxed);
        log(Log::kUnimp, "illegal or unimplemented instruction {:08x} at {:#x}", word, address);
        return b.illegal();
    }
    if (b.mode().pr && (row->flags & (isa::kPriv | isa::kHyper)))
        return b.raise(Vector::kProgram, program::kPrivileged);
    if (row->flags & isa::kHyper) return b.illegal();
    if (const Vector v = missing_facility(*row, insn, b.mode()); v != Vector::kNone) return b.raise(v, 0);
    row->define(b, insn);
}

}  // namespace

u64 unimplemented_count() { return unimplemented.load(std::memory_order_relaxed); }

ir::Block translate(std::span<const u32> words, ir::Mode mode, u64 address) {
    ir::Builder b(mode);
    const std::size_t limit = mode.single_step ? 1 : std::min<std::size_t>(words.size(), kMaxBlockInsns);
    u16 n = 0;
    while (n < limit && !b.ended() && b.size() < kMaxBlockIr / 2) {
        b.next_guest(n);
        if (log_enabled(Log::kInAsm)) log(Log::kInAsm, "{:#x}: {:08x}", address + 4 * n, words[n]);
        translate_one(b, words[n], address + 4 * n);
        ++n;
    }
    if (!b.ended()) b.exit(b.cia_plus(4));
    ir::Block block = b.take();
    block.guest_count = n;
    if (log_enabled(Log::kOp)) log(Log::kOp, "{:#x}:\n{}", address, ir::to_string(block));
    return block;
}

}  // namespace mpower::jit
