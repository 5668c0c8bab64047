// Operations on lanes that the definitions of both vector facilities share: builder, and registers as VSX numbers them.
#pragma once

#include "jit/vmx/lanes.h"

namespace mpower::jit::vmx {

using ir::Builder;
using ir::Lanes;
using ir::Value;

/// VSR t <- x op y, bit by bit; the operation of this name is also its definition.
void logic(Builder& b, Lanes op, u32 t, u32 x, u32 y);
/// y where mask is 1, else x.
Value select(Builder& b, Value x, Value y, Value mask);

/// Bytes of a || b by their numbers, from the left or from the right.
Value permuted(Builder& b, Value x, Value y, Value numbers, bool from_right);
/// Bytes n .. n + 15 of x || y.
Value shift_pair(Builder& b, Value x, Value y, u32 n);
/// Doubleword n of x, doubleword m of y.
Value doublewords(Builder& b, Value x, Value y, bool n, bool m);
Value splat_word(Builder& b, Value x, u32 n);
Value merged_words(Builder& b, Value x, Value y, bool high);
/// The bytes of each element of `size` reversed; words: their order.
Value reversed(Builder& b, Value x, u32 size);
Value words_reversed(Builder& b, Value x);
/// The register turned by half.
inline Value exchanged(Builder& b, Value x) { return doublewords(b, x, x, true, false); }

}  // namespace mpower::jit::vmx
