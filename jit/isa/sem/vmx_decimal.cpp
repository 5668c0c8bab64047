// Packed, national and zoned decimals in vector registers (Power ISA, Book I 6.12 in 2.07, 6.17 in 3.0).
//
// All set CR6 := LT, GT, EQ, SO, with SO for overflow. An operand that is no decimal sets CR6 to SO alone and leaves
// VRT undefined: here as it was.
#include <algorithm>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

/// A signed packed decimal of 31 digits.
struct Decimal {
    u128 magnitude = 0;  ///< Digits in BCD, shifted right by the sign's nibble.
    bool negative = false, valid = true;
};

Decimal decimal(V128 v) {
    Decimal d{.magnitude = whole(v) >> 4};
    const unsigned sign = v.lo & 15;
    d.valid = sign >= 10;
    d.negative = sign == 11 || sign == 13;
    for (unsigned n = 0; n < 31; ++n) d.valid &= (d.magnitude >> (4 * n) & 15) <= 9;
    return d;
}

/// BCD sum of 31 digits and the carry above them.
u128 add_digits(u128 a, u128 b, bool* carry) {
    u128 r = 0;
    unsigned c = 0;
    for (unsigned n = 0; n < 31; ++n) {
        unsigned digit = static_cast<unsigned>(a >> (4 * n) & 15) + static_cast<unsigned>(b >> (4 * n) & 15) + c;
        c = digit > 9;
        if (c) digit -= 10;
        r |= u128{digit} << (4 * n);
    }
    *carry = c;
    return r;
}

/// a - b for a >= b; digits compare as the numbers do.
u128 subtract_digits(u128 a, u128 b) {
    u128 r = 0;
    int borrow = 0;
    for (unsigned n = 0; n < 31; ++n) {
        int digit = static_cast<int>(a >> (4 * n) & 15) - static_cast<int>(b >> (4 * n) & 15) - borrow;
        borrow = digit < 0;
        if (borrow) digit += 10;
        r |= u128{static_cast<unsigned>(digit)} << (4 * n);
    }
    return r;
}

/// bcdadd., bcdsub.: CR6 := LT, GT, EQ of the result, SO for overflow or an invalid operand.
u64 decimal_sum(CpuState& s, u64 word, u64 subtract, u64) {
    const Insn i{static_cast<u32>(word)};
    const Decimal a = decimal(vr(s, i.ra()));
    Decimal b = decimal(vr(s, i.rb()));
    if (!a.valid || !b.valid) {
        s.cr[6] = cr::kSo;
        return 0;
    }
    if (subtract) b.negative = !b.negative;
    bool overflow = false, negative = a.negative;
    u128 magnitude;
    if (a.negative == b.negative) {
        magnitude = add_digits(a.magnitude, b.magnitude, &overflow);
    } else if (a.magnitude >= b.magnitude) {
        magnitude = subtract_digits(a.magnitude, b.magnitude);
    } else {
        magnitude = subtract_digits(b.magnitude, a.magnitude);
        negative = b.negative;
    }
    const bool zero = magnitude == 0 && !overflow;
    if (zero) negative = false;
    const unsigned plus = i.bit(22) ? 15 : 12;
    vr(s, i.rt()) = vector_of(magnitude << 4 | (negative ? 13 : plus));
    s.cr[6] = static_cast<u8>((zero ? cr::kEq : negative ? cr::kLt : cr::kGt) | (overflow ? cr::kSo : 0));
    return 0;
}

constexpr unsigned kDigits = 31;

/// The lowest `n` digits of `x`, n up to 32.
u128 low_digits(u128 x, unsigned n) { return n >= 32 ? x : x & ((u128{1} << (4 * n)) - 1); }
/// Without its lowest `n` digits.
u128 high_digits(u128 x, unsigned n) { return n >= 32 ? 0 : x >> (4 * n); }

u128 packed(u128 magnitude, bool negative, bool preferred_f) {
    return magnitude << 4 | (negative ? 13 : preferred_f ? 15 : 12);
}

u64 invalid(CpuState& s) {
    s.cr[6] = cr::kSo;
    return 0;
}

/// VRT := r; CR6 says what the operand was, not what is left of it.
u64 finish(CpuState& s, Insn i, u128 r, bool negative, bool zero, bool overflow) {
    vr(s, i.rt()) = vector_of(r);
    s.cr[6] = static_cast<u8>((zero ? cr::kEq : negative ? cr::kLt : cr::kGt) | (overflow ? cr::kSo : 0));
    return 0;
}

/// Instructions on the decimal in VRB: f(operand, overflow) gives VRT.
template <class F>
u64 on_decimal(CpuState& s, Insn i, F f) {
    const Decimal d = decimal(vr(s, i.rb()));
    if (!d.valid) return invalid(s);
    bool overflow = false;
    const u128 r = f(d, &overflow);
    return finish(s, i, r, d.negative, d.magnitude == 0, overflow);
}

/// The same for 32 digits without a sign.
template <class F>
u64 on_unsigned(CpuState& s, Insn i, F f) {
    const u128 x = whole(vr(s, i.rb()));
    for (unsigned n = 0; n < 32; ++n) {
        if ((x >> (4 * n) & 15) > 9) return invalid(s);
    }
    bool overflow = false;
    const u128 r = f(x, &overflow);
    return finish(s, i, r, false, x == 0, overflow);
}

/// Digits to shift by: byte 7 of VRA, left if positive.
int shift_count(CpuState& s, Insn i) { return static_cast<i8>(vr(s, i.ra()).hi); }
/// Digits to keep: bits 48:63 of VRA.
unsigned length(CpuState& s, Insn i) { return vr(s, i.ra()).hi & 0xffff; }

/// `x` of `width` digits shifted by n digits; overflow: digits were lost on the left.
u128 shift_digits(u128 x, int n, unsigned width, bool* overflow) {
    if (n < 0) return high_digits(x, static_cast<unsigned>(-n));
    const unsigned count = std::min(static_cast<unsigned>(n), width);
    *overflow = high_digits(x, width - count) != 0;
    return count >= 32 ? 0 : low_digits(x << (4 * count), width);
}

u64 shift(CpuState& s, u64 word, u64 round, u64) {
    const Insn i{static_cast<u32>(word)};
    return on_decimal(s, i, [&](const Decimal& d, bool* overflow) {
        const int n = shift_count(s, i);
        u128 r = shift_digits(d.magnitude, n, kDigits, overflow);
        const bool half = n < 0 && (high_digits(d.magnitude, static_cast<unsigned>(-n - 1)) & 15) >= 5;
        bool carry;
        if (round && half) r = add_digits(r, 1, &carry);
        return packed(r, d.negative, i.bit(22));
    });
}

u64 shift_unsigned(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    return on_unsigned(s, i, [&](u128 x, bool* overflow) { return shift_digits(x, shift_count(s, i), 32, overflow); });
}

u64 truncate(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    return on_decimal(s, i, [&](const Decimal& d, bool* overflow) {
        *overflow = high_digits(d.magnitude, length(s, i)) != 0;
        return packed(low_digits(d.magnitude, length(s, i)), d.negative, i.bit(22));
    });
}

u64 truncate_unsigned(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    return on_unsigned(s, i, [&](u128 x, bool* overflow) {
        *overflow = high_digits(x, length(s, i)) != 0;
        return low_digits(x, length(s, i));
    });
}

u64 set_sign(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    return on_decimal(s, i, [&](const Decimal& d, bool*) { return packed(d.magnitude, d.negative, i.bit(22)); });
}

u64 copy_sign(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const Decimal a = decimal(vr(s, i.ra())), b = decimal(vr(s, i.rb()));
    if (!a.valid || !b.valid) return invalid(s);
    return finish(s, i, a.magnitude << 4 | (vr(s, i.rb()).lo & 15), b.negative, a.magnitude == 0, false);
}

// National: seven digits as halfwords 0x0030..0x0039, then 0x002b (plus) or 0x002d (minus).
u64 to_national(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    return on_decimal(s, i, [&](const Decimal& d, bool* overflow) {
        *overflow = high_digits(d.magnitude, 7) != 0;
        u128 r = d.negative ? 0x2d : 0x2b;
        for (unsigned n = 0; n < 7; ++n) r |= (0x30 | (d.magnitude >> (4 * n) & 15)) << (16 * (n + 1));
        return r;
    });
}

u64 from_national(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto x = elements<u16>(vr(s, i.rb()));
    if (x[7] != 0x2b && x[7] != 0x2d) return invalid(s);
    u128 magnitude = 0;
    for (unsigned n = 0; n < 7; ++n) {
        if (x[n] < 0x30 || x[n] > 0x39) return invalid(s);
        magnitude = magnitude << 4 | (x[n] & 15);
    }
    const bool negative = x[7] == 0x2d;
    return finish(s, i, packed(magnitude, negative, i.bit(22)), negative, magnitude == 0, false);
}

// Zoned: sixteen digits, one in the low half of each byte. The high halves are 3 (PS = 0) or 15, in the last byte the
// sign: 3, 7 for plus, minus, or as in packed decimals.
u64 to_zoned(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const bool ps = i.bit(22);
    return on_decimal(s, i, [&](const Decimal& d, bool* overflow) {
        *overflow = high_digits(d.magnitude, 16) != 0;
        const unsigned sign = d.negative ? (ps ? 13 : 7) : (ps ? 12 : 3);
        u128 r = 0;
        for (unsigned n = 0; n < 16; ++n) {
            const u128 zone = n == 0 ? sign : ps ? 15 : 3;
            r |= (zone << 4 | (d.magnitude >> (4 * n) & 15)) << (8 * n);
        }
        return r;
    });
}

u64 from_zoned(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const bool ps = i.bit(22);
    const auto x = elements<u8>(vr(s, i.rb()));
    const unsigned sign = x[15] >> 4;
    if (ps && sign < 10) return invalid(s);
    u128 magnitude = 0;
    for (unsigned n = 0; n < 16; ++n) {
        if ((x[n] & 15) > 9 || (n < 15 && x[n] >> 4 != (ps ? 15 : 3))) return invalid(s);
        magnitude = magnitude << 4 | (x[n] & 15);
    }
    const bool negative = ps ? sign == 11 || sign == 13 : (sign & 4) != 0;
    return finish(s, i, packed(magnitude, negative, false), negative, magnitude == 0, false);
}

u64 to_integer(CpuState& s, u64 word, u64, u64) {
    return on_decimal(s, Insn{static_cast<u32>(word)}, [&](const Decimal& d, bool*) {
        u128 r = 0;
        for (unsigned n = kDigits; n-- > 0;) r = r * 10 + (d.magnitude >> (4 * n) & 15);
        return d.negative ? -r : r;
    });
}

/// Beyond 31 digits VRT is undefined: here the low digits.
u64 from_integer(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const u128 x = whole(vr(s, i.rb()));
    const bool negative = x >> 127;
    u128 rest = negative ? -x : x, magnitude = 0;
    for (unsigned n = 0; n < kDigits; ++n, rest /= 10) magnitude |= rest % 10 << (4 * n);
    return finish(s, i, packed(magnitude, negative, i.bit(22)), negative, x == 0, rest != 0);
}

}  // namespace

void bcdadd_(Builder& b, Insn i) { b.call(decimal_sum, b.imm(i.word), b.imm(0)); }
void bcdsub_(Builder& b, Insn i) { b.call(decimal_sum, b.imm(i.word), b.imm(1)); }
void bcds_(Builder& b, Insn i) { b.call(shift, b.imm(i.word), b.imm(0)); }
void bcdsr_(Builder& b, Insn i) { b.call(shift, b.imm(i.word), b.imm(1)); }
void bcdus_(Builder& b, Insn i) { b.call(shift_unsigned, b.imm(i.word)); }
void bcdtrunc_(Builder& b, Insn i) { b.call(truncate, b.imm(i.word)); }
void bcdutrunc_(Builder& b, Insn i) { b.call(truncate_unsigned, b.imm(i.word)); }
void bcdsetsgn_(Builder& b, Insn i) { b.call(set_sign, b.imm(i.word)); }
void bcdcpsgn_(Builder& b, Insn i) { b.call(copy_sign, b.imm(i.word)); }
void bcdctn_(Builder& b, Insn i) { b.call(to_national, b.imm(i.word)); }
void bcdcfn_(Builder& b, Insn i) { b.call(from_national, b.imm(i.word)); }
void bcdctz_(Builder& b, Insn i) { b.call(to_zoned, b.imm(i.word)); }
void bcdcfz_(Builder& b, Insn i) { b.call(from_zoned, b.imm(i.word)); }
void bcdctsq_(Builder& b, Insn i) { b.call(to_integer, b.imm(i.word)); }
void bcdcfsq_(Builder& b, Insn i) { b.call(from_integer, b.imm(i.word)); }

}  // namespace mpower::jit::isa::sem
