#include "jit/translate.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "base/log.h"
#include "jit/ir/passes.h"
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
    for (std::size_t n = 0; n < limit && !b.ended() && b.size() < kMaxBlockIr / 2; ++n) {
        b.next_guest(static_cast<i32>(4 * n));
        if (log_enabled(Log::kInAsm)) log(Log::kInAsm, "{:#x}: {:08x}", address + 4 * n, words[n]);
        translate_one(b, words[n], address + 4 * n);
    }
    if (!b.ended()) b.exit(b.cia_plus(4));
    ir::Block block = b.take();
    if (log_enabled(Log::kOp)) log(Log::kOp, "{:#x}:\n{}", address, ir::to_string(block));
    return block;
}

namespace {

class Tracer {
  public:
    Tracer(std::span<const u32> page, unsigned first, ir::Mode mode, u64 address, const Heat& heat, bool counted)
        : page_(page), first_(first), address_(address), heat_(heat), counted_(counted), b_(mode) {}

    Trace run() {
        unsigned at = first_;
        for (;;) {
            add_range(at);
            b_.next_guest(offset(at));
            translate_one(b_, page_[at], address_ + static_cast<u64>(i64{offset(at)}));
            const std::optional<unsigned> next = b_.ended() ? follow() : std::optional<unsigned>(at + 1);
            if (!next) break;
            at = *next;
            if (at == first_) {
                b_.loop();
                break;
            }
            if (at >= page_.size() || seen(at) || b_.block().pc.size() >= Trace::kMaxInsns ||
                b_.size() >= kMaxBlockIr / 2 || (trace_.ranges.size() == Trace::kMaxRanges && !extends(at))) {
                b_.exit(b_.cia_plus(static_cast<u64>(i64{offset(at)} - b_.block().pc.back())));
                break;
            }
        }
        trace_.block = b_.take();
        return std::move(trace_);
    }

  private:
    i32 offset(unsigned word) const { return 4 * (static_cast<i32>(word) - static_cast<i32>(first_)); }
    bool extends(unsigned word) const {
        const WordRange& r = trace_.ranges.back();
        return r.first + r.words == word;
    }
    bool seen(unsigned word) const {
        return std::any_of(trace_.ranges.begin(), trace_.ranges.end(),
                           [&](const WordRange& r) { return word - r.first < r.words; });
    }
    void add_range(unsigned word) {
        if (trace_.ranges.empty() || !extends(word)) trace_.ranges.push_back({static_cast<u16>(word), 0});
        ++trace_.ranges.back().words;
    }

    /// The word of this page that an exit leads to.
    std::optional<unsigned> target(u32 value) const {
        const ir::Inst* i = &b_.block().insts[value];
        if (i->op == ir::Op::kGet64 && i->imm == offsetof(CpuState, lr)) i = link_register(value);
        if (i == nullptr || i->op != ir::Op::kPc || (i->imm & 3) != 0) return std::nullopt;
        const i64 word = static_cast<i64>(first_) + static_cast<i64>(i->imm) / 4;
        if (word < 0 || word >= static_cast<i64>(page_.size())) return std::nullopt;
        return static_cast<unsigned>(word);
    }
    /// What LR holds where `value` reads it, if this trace has set it.
    const ir::Inst* link_register(u32 value) const {
        const auto& insts = b_.block().insts;
        for (u32 id = value; id-- > 0;) {
            if (insts[id].op == ir::Op::kSet64 && insts[id].imm == offsetof(CpuState, lr)) return &insts[insts[id].a];
            if (insts[id].op == ir::Op::kCall || insts[id].op == ir::Op::kCallSys) return nullptr;
        }
        return nullptr;
    }

    /// Where to go on after an instruction that ended the block; nothing: the trace ends here.
    std::optional<unsigned> follow() {
        auto& insts = b_.block().insts;
        const ir::Inst last = insts.back();
        if (last.op != ir::Op::kExit || !b_.mode().sf) return std::nullopt;
        const std::optional<unsigned> fall = target(last.a);
        // A conditional branch: exit_if and, past the address of the next instruction, exit. The same instruction's:
        // an unconditional one may follow a branch that was taken.
        const std::size_t n = insts.size();
        if (n >= 3 && insts[n - 3].op == ir::Op::kExitIf && insts[n - 3].guest == last.guest &&
            insts[n - 2].op == ir::Op::kPc && last.a == n - 2) {
            const ir::Inst branch = insts[n - 3];
            const std::optional<unsigned> taken = target(branch.b);
            const u32 taken_heat = taken ? heat_(*taken) : 0, fall_heat = fall ? heat_(*fall) : 0;
            if (taken_heat == 0 && fall_heat == 0) return std::nullopt;
            // The way back to the start is preferred: it makes a loop.
            if (fall && taken && fall_heat != 0 && taken_heat != 0 && convert(*fall, *taken)) return taken;
            const bool take = taken && (*taken == first_ ? 2 * taken_heat >= fall_heat : taken_heat > fall_heat);
            if (take) {
                insts.erase(insts.end() - 3);  // exit_if; the address below it stays
                insts.pop_back();
                const u32 next = static_cast<u32>(insts.size() - 1);
                b_.reopen_with({.op = ir::Op::kExitIf, .guest = branch.guest, .a = branch.a, .b = next, .imm = 1});
                return taken;
            }
            b_.reopen();
            return fall;
        }
        if (!fall) return std::nullopt;
        b_.reopen();
        return fall;
    }

    /// A branch over a few instructions that only compute, at the end of the block: executes them and keeps their
    /// results if the branch is not taken. False, and nothing changed, if they do more.
    bool convert(unsigned fall, unsigned taken) {
        constexpr unsigned kMost = 4;
        if (taken <= fall || taken - fall > kMost || trace_.ranges.size() == Trace::kMaxRanges) return false;
        const ir::Block saved = b_.block();
        const std::vector<WordRange> ranges = trace_.ranges;
        auto& insts = b_.block().insts;
        const ir::Inst branch = insts[insts.size() - 3];
        insts.erase(insts.end() - 3);
        b_.reopen();
        const u32 begin = static_cast<u32>(insts.size());
        for (unsigned at = fall; at < taken && !b_.ended(); ++at) {
            if (seen(at)) b_.exit(b_.cia_plus(0));  // not again
            add_range(at);
            b_.next_guest(offset(at));
            translate_one(b_, page_[at], address_ + static_cast<u64>(i64{offset(at)}));
        }
        const std::vector<ir::Inst> skipped(insts.begin() + begin, insts.end());
        const auto computes = [](const ir::Inst& i) {
            return ir::is_pure(i.op) || (ir::set_size(i.op) != 0 && ir::is_late(i));
        };
        if (b_.ended() || !std::all_of(skipped.begin(), skipped.end(), computes)) {
            b_.restore(saved);
            trace_.ranges = ranges;
            return false;
        }
        insts.resize(begin);
        std::vector<u32> now(skipped.size());  // their new ids
        const auto put = [&](const ir::Inst& i) {
            insts.push_back(i);
            return static_cast<u32>(insts.size() - 1);
        };
        for (std::size_t n = 0; n < skipped.size(); ++n) {
            ir::Inst i = skipped[n];
            ir::for_each_argument(i, [&](u32& id) {
                if (id >= begin) id = now[id - begin];
            });
            if (const u8 size = ir::set_size(i.op)) {
                const ir::Op get = size == 1 ? ir::Op::kGet8 : size == 4 ? ir::Op::kGet32 : ir::Op::kGet64;
                const u32 old = put({.op = get, .guest = i.guest, .imm = i.imm});
                const u32 both[] = {i.a, old};
                i.a = put({.op = ir::Op::kSelect,
                           .guest = i.guest,
                           .a = branch.a,
                           .b = both[branch.imm == 0],
                           .c = both[branch.imm != 0]});
            }
            now[n] = put(i);
        }
        if (counted_) {
            const u32 count = b_.get64(offsetof(CpuState, instructions)).id;
            const u32 both[] = {b_.imm(taken - fall).id, b_.imm(0).id};
            const ir::Value skips = b_.select({branch.a}, {both[branch.imm != 0]}, {both[branch.imm == 0]});
            b_.set64(offsetof(CpuState, instructions), b_.sub({count}, skips));
        }
        return true;
    }

    std::span<const u32> page_;
    unsigned first_;
    u64 address_;
    const Heat& heat_;
    bool counted_;
    ir::Builder b_;
    Trace trace_;
};

}  // namespace

Trace translate_trace(std::span<const u32> page, unsigned first, ir::Mode mode, u64 address, const Heat& heat,
                      bool counted) {
    return Tracer(page, first, mode, address, heat, counted).run();
}

}  // namespace mpower::jit
