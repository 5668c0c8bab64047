// Vector storage access, VSCR, decimal sums (Power ISA, Book I 6.7, 6.13, 6.12).
#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

Value address(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), b.gpr(i.rb())); }
Value aligned_address(Builder& b, Insn i, u64 size) { return b.and_(address(b, i), ~(size - 1)); }

void load_vector(Builder& b, Insn i) { b.set_vsr(32 + i.rt(), b.load128(aligned_address(b, i, 16))); }
void store_vector(Builder& b, Insn i) { b.store128(aligned_address(b, i, 16), b.vsr(32 + i.rs())); }

/// Number, in storage order, of the element that an address names: from the left in big-endian mode, from the right
/// in little-endian mode.
unsigned element_bit(bool le, u64 ea, unsigned size) {
    const unsigned byte = ea & 15 & ~(size - 1);
    return 8 * (le ? byte : 16 - size - byte);
}

/// `mode`: element size, 0x100 for little-endian.
u64 put_element(CpuState& s, u64 register_number, u64 ea_and_mode, u64 value) {
    const unsigned size = ea_and_mode >> 4 & 15;
    const unsigned at = element_bit(ea_and_mode & 0x100, ea_and_mode, size);
    const u128 mask = (u128{1} << (8 * size)) - 1;
    V128& v = vr(s, static_cast<u32>(register_number));
    v = vector_of((whole(v) & ~(mask << at)) | (u128{value} & mask) << at);
    return 0;
}
u64 get_element(CpuState& s, u64 register_number, u64 ea_and_mode, u64) {
    const unsigned size = ea_and_mode >> 4 & 15;
    const u128 v = whole(vr(s, static_cast<u32>(register_number)));
    return static_cast<u64>(v >> element_bit(ea_and_mode & 0x100, ea_and_mode, size));
}

Value place(Builder& b, Value ea, u64 size) {
    return b.or_(b.and_(ea, 15), b.imm(size << 4 | (b.mode().le ? 0x100 : 0)));
}
/// The other elements of VRT are undefined: kept here.
void load_element(Builder& b, Insn i, u8 size) {
    const Value ea = aligned_address(b, i, size);
    b.call(put_element, b.imm(i.rt()), place(b, ea, size), b.load(ea, size));
}
void store_element(Builder& b, Insn i, u8 size) {
    const Value ea = aligned_address(b, i, size);
    b.store(ea, b.call(get_element, b.imm(i.rs()), place(b, ea, size)), size);
}

/// Bytes sh .. sh+15 of 0, 1, 2 ... 31.
u64 shift_pattern(CpuState& s, u64 register_number, u64 first, u64) {
    Elements<u8> r;
    for (std::size_t n = 0; n < 16; ++n) r[n] = static_cast<u8>(first + n);
    vr(s, static_cast<u32>(register_number)) = vector<u8>(r);
    return 0;
}

u64 move_from_vscr(CpuState& s, u64 register_number, u64, u64) {
    vr(s, static_cast<u32>(register_number)) = {s.vscr, 0};
    return 0;
}
u64 move_to_vscr(CpuState& s, u64 register_number, u64, u64) {
    s.vscr = static_cast<u32>(vr(s, static_cast<u32>(register_number)).lo) & 0x10001;
    return 0;
}

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

}  // namespace

void lvx(Builder& b, Insn i) { load_vector(b, i); }
void lvxl(Builder& b, Insn i) { load_vector(b, i); }
void stvx(Builder& b, Insn i) { store_vector(b, i); }
void stvxl(Builder& b, Insn i) { store_vector(b, i); }
void lvebx(Builder& b, Insn i) { load_element(b, i, 1); }
void lvehx(Builder& b, Insn i) { load_element(b, i, 2); }
void lvewx(Builder& b, Insn i) { load_element(b, i, 4); }
void stvebx(Builder& b, Insn i) { store_element(b, i, 1); }
void stvehx(Builder& b, Insn i) { store_element(b, i, 2); }
void stvewx(Builder& b, Insn i) { store_element(b, i, 4); }
void lvsl(Builder& b, Insn i) { b.call(shift_pattern, b.imm(i.rt()), b.and_(address(b, i), 15)); }
void lvsr(Builder& b, Insn i) {
    b.call(shift_pattern, b.imm(i.rt()), b.sub(b.imm(16), b.and_(address(b, i), 15)));
}

void mfvscr(Builder& b, Insn i) { b.call(move_from_vscr, b.imm(i.rt())); }
void mtvscr(Builder& b, Insn i) { b.call(move_to_vscr, b.imm(i.rb())); }

void bcdadd_(Builder& b, Insn i) { b.call(decimal_sum, b.imm(i.word), b.imm(0)); }
void bcdsub_(Builder& b, Insn i) { b.call(decimal_sum, b.imm(i.word), b.imm(1)); }

}  // namespace mpower::jit::isa::sem
