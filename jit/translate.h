// Guest words to IR: one basic block.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "jit/ir/ir.h"

namespace mpower::jit {

constexpr unsigned kMaxBlockInsns = 64;
/// Most IR instructions of a block: one guest instruction makes at most half of them (lswx has about 1,900).
constexpr unsigned kMaxBlockIr = 4096;

/// Translates words (host integers, in the guest's order) up to the first that ends a block, at most kMaxBlockInsns.
/// `address` is for the log only. Words that are no instruction raise the architected interrupt when they are executed.
/// The block's guest_count says how many words it covers; always at least 1 of a non-empty span.
ir::Block translate(std::span<const u32> words, ir::Mode mode, u64 address);

/// Words of a 4K page: `words` from word `first` on.
struct WordRange {
    u16 first = 0, words = 0;
};

/// Paths through a page that are likely to be taken, as one block with arms.
struct Trace {
    static constexpr unsigned kMaxRanges = 16, kMaxInsns = 300;  ///< Of all of it.
    static constexpr unsigned kMaxPathRanges = 8;
    static constexpr unsigned kMaxArms = 8, kMaxArmInsns = 100, kMaxDepth = 3;
    static constexpr unsigned kMaxAgain = 64;

    ir::Block block;
    std::vector<WordRange> ranges;  ///< What it was made of, in order.
    std::vector<WordRange> path;    ///< Likewise, without the arms.
};

/// How often the block at a word of the page was executed, as far as is known.
using Heat = std::function<u32(unsigned word)>;
/// From here on: it is hot, or a part of hot code, and executions are not counted any more; what became so earlier has
/// more.
constexpr u32 kMuchHeat = 1 << 16;

/// What a trace is made of, and what tells where it should go.
struct TraceSource {
    std::span<const u32> page;  ///< Its words, in the guest's order.
    unsigned first;             ///< Word where the trace begins.
    ir::Mode mode;
    u64 address;  ///< Of that word, for the log only.
    const Heat& heat;
    bool counted = false;           ///< CpuState::instructions is kept exact, without what a selection skips.
    const u64* gpr_then = nullptr;  ///< As in ir::Block.
};

/// Follows branches from word `first` where they went more often; other ways are side exits, or arms if they were taken
/// often as well. A path that comes back to its first instruction becomes a loop, and so do its arms. A branch over a
/// few instructions that only compute becomes a selection. The path goes round a loop within it, or into a function a
/// second time, if registers say where each branch there goes (value_then), and for kMaxAgain instructions at most.
Trace translate_trace(const TraceSource& source);

/// Number of illegal or unimplemented instruction words that translate() met. Any thread.
u64 unimplemented_count();

}  // namespace mpower::jit
