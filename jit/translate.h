// Guest words to IR: one basic block.
#pragma once

#include <span>

#include "jit/ir/ir.h"

namespace mpower::jit {

constexpr unsigned kMaxBlockInsns = 64;
/// Most IR instructions of a block: one guest instruction makes at most half of them (lswx has about 1,900).
constexpr unsigned kMaxBlockIr = 4096;

/// Translates words (host integers, in the guest's order) up to the first that ends a block, at most kMaxBlockInsns.
/// `address` is for the log only. Words that are no instruction raise the architected interrupt when they are executed.
/// The block's guest_count says how many words it covers; always at least 1 of a non-empty span.
ir::Block translate(std::span<const u32> words, ir::Mode mode, u64 address);

/// Number of illegal or unimplemented instruction words that translate() met. Any thread.
u64 unimplemented_count();

}  // namespace mpower::jit
