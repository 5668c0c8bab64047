// Rewriting of IR blocks before code is made of them.
#pragma once

#include <optional>

#include "jit/ir/ir.h"

namespace mpower::jit::ir {

/// What code generation must know of each value; index = value id.
struct Liveness {
    std::vector<u32> uses;          ///< 0 and no effect: makes no code.
    std::vector<u32> last_use;      ///< Index of the last instruction that reads it; its own if none.
    std::vector<bool> fused;        ///< Made where its only use is, not where it stands: a comparison, the test of
                                    ///< some bits, or make_v128.
    std::vector<bool> wanted_late;  ///< A comparison whose CR field is written again before anything but a way out of
                                    ///< the block can see it: not made where it stands.
};

/// True for operations without an effect beside their result.
bool is_pure(Op op);
Type type_of(Op op);
/// How many of a, b and c an operation reads.
unsigned argument_count(Op op);
/// Calls f(id) for each value id that the instruction reads, in order; f may change it.
template <class F>
void for_each_argument(Inst& inst, F f) {
    u32* const all[] = {&inst.a, &inst.b, &inst.c};
    for (unsigned n = 0; n < argument_count(inst.op); ++n) f(*all[n]);
}
/// Value ids that the instruction reads, in order; returns how many.
unsigned arguments(const Inst& inst, u32 out[3]);

/// Size in bytes of the state that a get or set touches; 0 for other ops.
u8 get_size(Op op);
u8 set_size(Op op);
/// Whether it may read or change any of the state.
bool is_call(Op op);
/// A load or store of its own, without a look that it shares.
bool is_plain_access(Op op);
/// Operations of floating point, which read and write state of their own.
bool is_float(Op op);
bool is_compare(Op op);
/// Whether i asks if a value is 0, or if it is not.
bool is_zero_test(const Block& block, const Inst& i);
/// State in a GPR; in a VSX register.
constexpr bool is_gpr(u64 offset) { return offset < offsetof(CpuState, gpr) + sizeof(CpuState::gpr); }
constexpr bool is_vsx(u64 offset) { return offset >= offsetof(CpuState, vsr) && offset < offsetof(CpuState, spr); }
/// Whether hot code may write the state of this set later than it stands. Not SPRs, of which a fault writes some
/// itself. VSX registers, which operations of floating point write themselves, only if the block is late_float.
bool is_late(const Inst& set, bool late_float = false);
/// The state that a floating-point operation reads or writes beside FPSCR: calls f(offset, size).
template <class F>
void for_each_register(const Inst& i, F f) {
    const u32 regs = FloatForm::of(i.imm2).regs;
    for (int n = 0; n < 32; n += 8) f(offsetof(CpuState, vsr) + sizeof(V128) * (regs >> n & 63), u32{sizeof(V128)});
}
constexpr u64 kStatusOffset = offsetof(CpuState, last_float);
/// A piece of the state.
struct Range {
    u64 offset;
    u32 size;
    u32 value;  ///< Id of what is there, or where.
    bool overlaps(u64 o, u32 n) const { return o < offset + size && offset < o + n; }
    bool covers(u64 o, u32 n) const { return offset <= o && o + n <= offset + size; }
};
/// Result of a pure operation on constants, if it is one that is folded; b is not looked at if it has one operand.
std::optional<u64> fold(Op op, u64 a, u64 b);
/// What the values of a block were when hot code was asked for, as far as GPRs and arithmetic tell: a guess, since it
/// may be executed with others. The block may grow, and change from where its values were not asked for.
class ValuesThen {
  public:
    explicit ValuesThen(const u64* gpr) : gpr_(gpr) {}
    /// Of value `id`; what `block` has up to instruction `end` is looked at.
    std::optional<u64> value(const Block& block, u32 id, std::size_t end);

  private:
    std::optional<u64> of(const Inst& i) const;

    const u64* gpr_;
    std::vector<std::optional<u64>> values_;
    std::vector<Range> written_;
};
/// State that a loop writes in each round before anything can see what it was, but for the poll between the rounds.
std::vector<Range> written_unseen(const Block& block);
/// Raises, exits and the like: the last instruction of a block.
bool ends_block(Op op);

/// Forwards state reads to earlier reads and writes of the block, folds constants, simplifies tests of CR bits.
void simplify(Block& block);
/// Makes a block late_float if it can be one: what floating-point operations write to registers becomes sets that
/// follow them, doubleword by doubleword where it is known by doublewords. The operation itself then writes its target
/// only if its helper is called, and LastFloat is written late too. A block can be one if nothing in it looks at FPSCR:
/// no call, no Rc, no enabled exceptions.
void show_targets(Block& block);
/// Several rounds of a small loop in one, at most 8: what one look at the TLB, the test of attention and what is
/// written between two rounds cost is shared by them. Not of one with arms, calls, reservations, fences or pauses.
void unroll(Block& block);
/// Removes state writes that later ones cover before anything can see them.
void remove_dead_writes(Block& block);
/// For a block that is a loop without calls: puts reads of the state that each round reads first in front, at most
/// `most`, the most used ones (Block::kept). What they read stays in registers from round to round. Likewise of VSX
/// registers at most `most_vectors`, if the block is late_float.
void keep_state(Block& block, unsigned most, unsigned most_vectors);
/// Bits of each value that may be one: upper bounds.
std::vector<u64> possible_bits(const Block& block);
/// What a kProbe or kLook looks for, packed into its imm2.
struct ProbeForm {
    u16 bytes;
    bool load, store;
    bool first_store;  ///< Of a kLook: what the first access is, and where from b.
    bool fills;        ///< Likewise: nothing comes in between, so the TLB may be filled for it.
    i32 first;
    u64 packed() const {
        return u64{static_cast<u32>(first)} << 32 | u64{bytes} << 4 | u64{fills} << 3 | u64{first_store} << 2 |
               u64{load} << 1 | store;
    }
    static ProbeForm of(u64 imm2) {
        return {static_cast<u16>(imm2 >> 4 & 0xfff), (imm2 & 2) != 0, (imm2 & 1) != 0, (imm2 & 4) != 0, (imm2 & 8) != 0,
                static_cast<i32>(imm2 >> 32)};
    }
};
/// Of an access that goes by a kProbe or kLook: its id. kNoLook: it goes by none.
constexpr u32 kNoLook = ~u32{0};
u32 look_of(const Inst& i);
/// Likewise, but only a kLook, after which the access never leaves the block.
bool has_look(const Block& block, const Inst& i);
/// The reads of state that are, or whose sum is, the base of a look that was hoisted.
struct BaseOfLook {
    Inst left, right;  ///< The same, if it is no sum.
    bool is_sum() const { return left.imm != right.imm; }
};
BaseOfLook base_of_look(const Block& block, const Inst& look);
struct ProbeOptions {
    bool stores;    ///< Stores may take part: all that they have to ask is the TLB.
    bool arm;       ///< The block is an arm: nothing is hoisted.
    unsigned most;  ///< Values in general registers and looks that a loop may keep.
};
/// Lets loads and stores that are near one base share a look at the TLB: at constant distances, or at small
/// ones, by what is known of an index, or guessed of it: vector code has 16, 32, 48 ... in registers that it does not
/// change, and goes by them. What a look found holds until a call, as invalidations wait for the end of the
/// block (mmu/mmu.h), which a loop's poll is.
/// Looks that a loop's rounds begin with are hoisted: one whose base the loop does not change is made once, others at
/// the end of the round before (Compiler::emit_loop), when all that a way out has to write is at hand.
void share_probes(Block& block, const ProbeOptions& options);
/// `lazy`: state is written only where it can be seen (Compiler), if it is_late(). `unseen`: written_unseen() of the
/// loop that the block is, or is an arm of.
Liveness liveness(const Block& block, bool lazy, const std::vector<Range>& unseen);

}  // namespace mpower::jit::ir
