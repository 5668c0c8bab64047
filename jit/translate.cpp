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

/// What an instruction needs: Book III-S 6.5.10, 6.5.25, 6.5.26.
void need_facilities(ir::Builder& b, const isa::Row& row, isa::Insn insn) {
    using enum isa::Flag;
    constexpr ir::Facility kFpOf{msr::kFp, Vector::kFpUnavailable}, kVecOf{msr::kVec, Vector::kVecUnavailable},
        kVsxOf{msr::kVsx, Vector::kVsxUnavailable};
    const u32 f = row.flags;
    if (f & kFp) b.need(kFpOf);
    if (f & kVec) b.need(kVecOf);
    if (f & kVsx) b.need(kVsxOf);
    if (f & kFpOrVec) b.need(insn.bit(31) ? kVecOf : kFpOf);
    if (f & (kVsxOrVec | kVsxOrVecDq)) b.need(insn.bit(f & kVsxOrVec ? 31 : 28) ? kVecOf : kVsxOf);
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
    need_facilities(b, *row, insn);
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

/// One path, and the arms that leave it.
class Tracer {
  public:
    explicit Tracer(const TraceSource& source)
        : source_(source), first_heat_(std::max(source.heat(source.first), 1u)), b_(source.mode) {
        b_.block().gpr_then = source.gpr_then;
        if (source.gpr_then != nullptr) then_.emplace(source.gpr_then);
    }

    Trace run() {
        follow_from(source_.first, Trace::kMaxInsns);
        const std::optional<Way> way = loops() ? std::nullopt : way_back();
        if (!way) return with_arms();
        Tracer loop(source_);
        loop.preferred_ = way;
        loop.follow_from(source_.first, Trace::kMaxInsns);
        return loop.with_arms();
    }

  private:
    Trace with_arms() {
        std::vector<WordRange> all = joined(ranges_);
        Room room{Trace::kMaxArms, Trace::kMaxInsns - std::min<std::size_t>(Trace::kMaxInsns, b_.block().pc.size()),
                  kMaxBlockIr - std::min<std::size_t>(kMaxBlockIr, b_.size())};
        add_arms(all, room, 0);
        Trace t{b_.take(), std::move(all), joined(ranges_)};
        ir::unroll(t.block);
        return t;
    }

    /// A way that was taken often, but less than the other.
    struct Way {
        std::size_t exit;  ///< The kExitIf.
        unsigned word;
        u32 heat, other_heat;
        bool taken;  ///< It is where the branch goes if it is taken.
    };
    /// What the code of all arms together may add: a trace has a chunk of the code cache at most.
    struct Room {
        unsigned arms;
        std::size_t insns, ir;
    };
    Tracer(const Tracer& path, std::size_t exit)
        : source_(path.source_), path_(&path), exit_(exit), first_heat_(path.first_heat_), b_(path.source_.mode) {}

    void follow_from(unsigned at, unsigned most) {
        block_ = at;
        while (at != source_.first || (path_ == nullptr && b_.size() == 0)) {
            if (!may_translate(at, most)) {
                if (!again_) return leave_for(at);
                take_back();
            } else {
                if (!seen(at)) again_.reset();
                translate_at(at);
                if (!b_.ended()) {
                    ++at;
                    continue;
                }
            }
            std::optional<unsigned> next = follow();
            if (!next && again_) {
                take_back();
                next = follow();
            }
            if (!next) return;
            at = block_ = *next;
        }
        came_back_ = true;
        b_.loop();
    }
    bool may_translate(unsigned at, unsigned most) const {
        const std::size_t insns = b_.block().pc.size();
        if (at >= source_.page.size() || insns >= most || b_.size() >= kMaxBlockIr / 2) return false;
        if (seen(at)) return again_ && insns < again_->before.pc.size() + Trace::kMaxAgain;
        return ranges_.size() < Trace::kMaxPathRanges || extends(at);
    }
    /// What the path was before it came to an instruction for the second time. From there on it goes only where its
    /// registers say that it will.
    struct Again {
        ir::Block before;  ///< It ends with the branch there.
        unsigned block;    ///< block_
    };
    void take_back() {
        b_.restore(std::move(again_->before));
        block_ = again_->block;
        again_.reset();
        then_.reset();  // not once more
    }
    /// A way that this path did not take and that leads back to its start.
    std::optional<Way> way_back() const {
        for (const Way& way : ways_) {
            if (8 * u64{way.heat} < way.other_heat) continue;
            Tracer other(*this, way.exit);
            other.follow_from(way.word, Trace::kMaxArmInsns);
            if (other.came_back_) return way;
        }
        return std::nullopt;
    }
    bool loops() const { return path_ != nullptr ? path_->loops() : b_.block().insts.back().op == ir::Op::kLoop; }
    void leave_for(unsigned at) { b_.exit(b_.cia_plus(static_cast<u64>(i64{offset(at)} - b_.block().pc.back()))); }

    void translate_at(unsigned at) {
        add_range(at);
        b_.next_guest(offset(at));
        translate_one(b_, source_.page[at], source_.address + static_cast<u64>(i64{offset(at)}));
    }

    /// Those ways become arms that lead back to the loop, or that have arms which do, while there is room, what was
    /// taken most first; true if there are any. `all`: what the trace is made of.
    bool add_arms(std::vector<WordRange>& all, Room& room, unsigned depth) {
        if (!loops() || depth == Trace::kMaxDepth) return false;
        std::stable_sort(ways_.begin(), ways_.end(), [](const Way& a, const Way& b) { return a.heat > b.heat; });
        bool any = false;
        for (const Way& way : ways_) {
            if (room.arms == 0) break;
            Tracer arm(*this, way.exit);
            arm.follow_from(way.word, Trace::kMaxArmInsns);
            std::vector<WordRange> with = all;
            with.insert(with.end(), arm.ranges_.begin(), arm.ranges_.end());
            with = joined(std::move(with));
            const std::size_t insns = arm.b_.block().pc.size(), ir = arm.b_.size();
            if (insns > room.insns || ir > room.ir || with.size() > Trace::kMaxRanges) continue;
            Room left{room.arms - 1, room.insns - insns, room.ir - ir};
            if (!arm.add_arms(with, left, depth + 1) && !arm.came_back_) continue;
            any = true;
            all = std::move(with);
            room = left;
            b_.block().arms.push_back(arm.b_.take());
            b_.block().insts[way.exit].imm2 = b_.block().arms.size();
        }
        return any;
    }

    i32 offset(unsigned word) const { return 4 * (static_cast<i32>(word) - static_cast<i32>(source_.first)); }
    bool extends(unsigned word) const {
        const WordRange& r = ranges_.back();
        return r.first + r.words == word;
    }
    bool seen(unsigned word) const {
        return std::any_of(ranges_.begin(), ranges_.end(),
                           [&](const WordRange& r) { return word - r.first < r.words; });
    }
    void add_range(unsigned word) {
        if (seen(word)) return;
        if (ranges_.empty() || !extends(word)) ranges_.push_back({static_cast<u16>(word), 0});
        ++ranges_.back().words;
    }
    static std::vector<WordRange> joined(std::vector<WordRange> ranges) {
        std::sort(ranges.begin(), ranges.end(), [](WordRange a, WordRange b) { return a.first < b.first; });
        std::vector<WordRange> all;
        for (const WordRange& r : ranges) {
            if (all.empty() || r.first > all.back().first + all.back().words) {
                all.push_back(r);
            } else if (const int more = r.first + r.words - (all.back().first + all.back().words); more > 0) {
                all.back().words = static_cast<u16>(all.back().words + more);
            }
        }
        return all;
    }

    /// The word of this page that an exit leads to.
    std::optional<unsigned> target(u32 value) const {
        const ir::Inst* i = &b_.block().insts[value];
        if (i->op == ir::Op::kGet64 && i->imm == offsetof(CpuState, lr)) i = link_register(value);
        if (i == nullptr || i->op != ir::Op::kPc || (i->imm & 3) != 0) return std::nullopt;
        const i64 word = static_cast<i64>(source_.first) + static_cast<i64>(i->imm) / 4;
        if (word < 0 || word >= static_cast<i64>(source_.page.size())) return std::nullopt;
        return static_cast<unsigned>(word);
    }
    /// What LR holds before instruction `end`, if the way there has set it.
    const ir::Inst* link_register(std::size_t end) const {
        const auto& insts = b_.block().insts;
        for (std::size_t id = end; id-- > 0;) {
            if (insts[id].op == ir::Op::kSet64 && insts[id].imm == offsetof(CpuState, lr)) return &insts[insts[id].a];
            if (insts[id].op == ir::Op::kCall || insts[id].op == ir::Op::kCallSys) return nullptr;
        }
        return path_ != nullptr ? path_->link_register(exit_) : nullptr;
    }

    /// Where to go on after an instruction that ended the block; nothing: the path ends here.
    std::optional<unsigned> follow() {
        auto& insts = b_.block().insts;
        const ir::Inst last = insts.back();
        if (last.op != ir::Op::kExit || !b_.mode().sf) return std::nullopt;
        const std::optional<unsigned> fall = target(last.a);
        // A conditional branch: exit_if and, past the address of the next instruction, exit. The same instruction's:
        // an unconditional one may follow a branch that was taken.
        const std::size_t n = insts.size();
        const bool conditional = n >= 3 && insts[n - 3].op == ir::Op::kExitIf && insts[n - 3].guest == last.guest &&
                                 insts[n - 2].op == ir::Op::kPc && last.a == n - 2;
        const std::optional<unsigned> taken = conditional ? target(insts[n - 3].b) : std::nullopt;
        const std::optional<bool> goes = conditional ? likely(insts[n - 3], n - 3) : true;
        const auto goes_back = [&](std::optional<unsigned> way) { return way && way != source_.first && seen(*way); };
        const bool back = then_ && goes && (goes_back(taken) || goes_back(fall));
        if (back && !again_) again_ = {b_.block(), block_};
        if (!conditional) {
            if (fall) b_.reopen();
            return fall;
        }
        if (again_) {
            if (goes && (*goes ? taken : fall)) return go(*goes, taken, fall);
            if (fall && taken && !goes && convert(*fall, *taken)) return taken;
            return std::nullopt;
        }
        const auto [taken_heat, fall_heat] = weigh(taken, fall);
        if (taken_heat == 0 && fall_heat == 0) return std::nullopt;
        if (fall && taken && fall_heat != 0 && taken_heat != 0 && convert(*fall, *taken)) return taken;
        // The way back to the start is preferred: it makes a loop.
        const u32 taken_weight = taken == source_.first ? 2 : 1, fall_weight = fall == source_.first ? 2 : 1;
        bool take = taken && taken_weight * taken_heat > fall_weight * fall_heat;
        // Up to there the paths are the same.
        if (preferred_ && preferred_->exit == n - (preferred_->taken ? 2 : 3)) take = preferred_->taken;
        if (take)
            note_way({n - 2, 0, fall_heat, taken_heat, false}, fall);
        else
            note_way({n - 3, 0, taken_heat, fall_heat, true}, taken);
        return go(take, taken, fall);
    }

    /// The conditional branch that ended the block becomes a side exit, and the path goes the other way: there.
    std::optional<unsigned> go(bool take, std::optional<unsigned> taken, std::optional<unsigned> fall) {
        auto& insts = b_.block().insts;
        if (!take) {
            b_.reopen();
            return fall;
        }
        const ir::Inst branch = insts[insts.size() - 3];
        insts.erase(insts.end() - 3);  // exit_if; the address below it stays
        insts.pop_back();
        const u32 next = static_cast<u32>(insts.size() - 1);
        b_.reopen_with({.op = ir::Op::kExitIf, .guest = branch.guest, .a = branch.a, .b = next, .imm = 1});
        return taken;
    }

    /// Whether a conditional branch, instruction `n`, is taken, as far as registers tell.
    std::optional<bool> likely(const ir::Inst& branch, std::size_t n) {
        const std::optional<u64> condition = then_ ? then_->value(b_.block(), branch.a, n) : std::nullopt;
        if (!condition) return std::nullopt;
        return (*condition != 0) != (branch.imm != 0);
    }

    /// How often a branch at the end of block_ went where it may, more or less. Of the same block's executions, if only
    /// one of the ways is hot, the other's had the other way.
    std::pair<u32, u32> weigh(std::optional<unsigned> taken, std::optional<unsigned> fall) const {
        const u32 heats[] = {taken ? source_.heat(*taken) : 0, fall ? source_.heat(*fall) : 0};
        const u32 all = block_ == source_.first ? first_heat_ : source_.heat(block_);
        u32 weights[2];
        for (unsigned n = 0; n < 2; ++n) {
            weights[n] = heats[n];
            if (heats[n] < kMuchHeat) continue;
            weights[n] = first_heat_ + 1 + std::min(heats[n] - kMuchHeat, first_heat_ / 4);
            if (all < kMuchHeat && heats[1 - n] < all) weights[n] = std::max(all - heats[1 - n], 1u);
        }
        return {weights[0], weights[1]};
    }

    void note_way(Way way, std::optional<unsigned> word) {
        constexpr u32 kFewer = 16;
        if (!word || way.heat == 0 || u64{way.heat} * kFewer < way.other_heat) return;
        way.word = *word;
        ways_.push_back(way);
    }

    /// A branch over a few instructions that only compute, at the end of the block: executes them and keeps their
    /// results if the branch is not taken. False, and nothing changed, if they do more.
    bool convert(unsigned fall, unsigned taken) {
        constexpr unsigned kMost = 4;
        if (taken <= fall || taken - fall > kMost || ranges_.size() == Trace::kMaxPathRanges) return false;
        const ir::Block saved = b_.block();
        const std::vector<WordRange> ranges = ranges_;
        auto& insts = b_.block().insts;
        const ir::Inst branch = insts[insts.size() - 3];
        insts.erase(insts.end() - 3);
        b_.reopen();
        const u32 begin = static_cast<u32>(insts.size());
        for (unsigned at = fall; at < taken && !b_.ended(); ++at) {
            if (seen(at) && !again_) b_.exit(b_.cia_plus(0));  // not again
            translate_at(at);
        }
        const std::vector<ir::Inst> skipped(insts.begin() + begin, insts.end());
        const auto computes = [](const ir::Inst& i) {
            return ir::is_pure(i.op) || (ir::set_size(i.op) != 0 && ir::is_late(i));
        };
        if (b_.ended() || !std::all_of(skipped.begin(), skipped.end(), computes)) {
            b_.restore(saved);
            ranges_ = ranges;
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
        if (source_.counted) {
            const u32 count = b_.get64(offsetof(CpuState, instructions)).id;
            const u32 both[] = {b_.imm(taken - fall).id, b_.imm(0).id};
            const ir::Value skips = b_.select({branch.a}, {both[branch.imm != 0]}, {both[branch.imm == 0]});
            b_.set64(offsetof(CpuState, instructions), b_.sub({count}, skips));
        }
        return true;
    }

    const TraceSource& source_;
    const Tracer* path_ = nullptr;  ///< Of which this is an arm, from its `exit_` on.
    std::size_t exit_ = 0;
    u32 first_heat_;                ///< Of what begins at the trace's first word; not 0.
    unsigned block_ = 0;            ///< Where the basic block that is being translated begins.
    std::optional<Way> preferred_;  ///< To be taken.
    bool came_back_ = false;        ///< To the first instruction.
    ir::Builder b_;
    std::vector<WordRange> ranges_;
    std::vector<Way> ways_;
    std::optional<ir::ValuesThen> then_;  ///< Of the path's values; not known of an arm's.
    std::optional<Again> again_;          ///< While the path goes where it has been.
};

}  // namespace

Trace translate_trace(const TraceSource& source) { return Tracer(source).run(); }

}  // namespace mpower::jit
