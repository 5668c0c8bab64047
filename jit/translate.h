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

/// A path through a page that is likely to be taken, as one block.
struct Trace {
    static constexpr unsigned kMaxRanges = 8, kMaxInsns = 300;

    ir::Block block;
    std::vector<WordRange> ranges;  ///< What it was made of.
};

/// How often the block at a word of the page was executed, as far as is known.
using Heat = std::function<u32(unsigned word)>;

/// Follows branches from word `first` of `page` (in the guest's order) where they went more often; other ways are side
/// exits. A path that comes back to its first instruction becomes a loop. A branch over a few instructions that only
/// compute becomes a selection. `counted`: CpuState::instructions is kept exact, without what such a branch skips.
Trace translate_trace(std::span<const u32> page, unsigned first, ir::Mode mode, u64 address, const Heat& heat,
                      bool counted);

/// Number of illegal or unimplemented instruction words that translate() met. Any thread.
u64 unimplemented_count();

}  // namespace mpower::jit
