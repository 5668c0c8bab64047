// Bit fields by the manual's own numbers: bit 0 is the most significant (Power ISA, Book I section 1.3.2).
#pragma once

#include "base/types.h"

namespace mpower {

/// The bit with number `n` of a 64-bit register; 0 = most significant.
constexpr u64 ppc_bit(unsigned n) { return u64{1} << (63 - n); }

/// The bits `first`..`last` of a 64-bit register, wrapping round when first > last (Power ISA, Book I, MASK(x, y)).
constexpr u64 ppc_mask(unsigned first, unsigned last) {
    const u64 from_first = ~u64{0} >> first;
    const u64 to_last = ~u64{0} << (63 - last);
    return first <= last ? from_first & to_last : from_first | to_last;
}

/// Field of an instruction word, bits `first`..`last` with bit 0 = most significant of 32, zero-extended.
constexpr u32 insn_field(u32 insn, unsigned first, unsigned last) {
    return (insn >> (31 - last)) & ((u64{1} << (last - first + 1)) - 1);
}

/// `value`'s low `bits` bits as a signed number, 1 <= bits <= 64.
constexpr i64 sign_extend(u64 value, unsigned bits) { return static_cast<i64>(value << (64 - bits)) >> (64 - bits); }

constexpr bool is_power_of_two(u64 v) { return v != 0 && (v & (v - 1)) == 0; }

}  // namespace mpower
