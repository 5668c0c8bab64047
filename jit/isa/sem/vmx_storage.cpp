// Vector storage access, VSCR (Power ISA, Book I 6.7, 6.13).
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

/// Bytes sh .. sh+15 of 0, 1, 2 ... 31: sh is the address modulo 16, or 16 less that.
V128 pattern(u64 first) {
    Elements<u8> r;
    for (std::size_t n = 0; n < 16; ++n) r[n] = static_cast<u8>(first + n);
    return vector<u8>(r);
}
V128 pattern_left(const V128& a, const V128&, const V128&, u64) { return pattern(a.lo); }
V128 pattern_right(const V128& a, const V128&, const V128&, u64) { return pattern(16 - a.lo); }
void shift_pattern(Builder& b, Insn i, ir::VectorFunction f, ir::Lanes op) {
    const Value n = b.and_(address(b, i), 15);
    b.set_vsr(32 + i.rt(), b.vector(f, op, n, n, n));
}

u64 move_from_vscr(CpuState& s, u64 register_number, u64, u64) {
    vr(s, static_cast<u32>(register_number)) = {s.vscr, 0};
    return 0;
}
u64 move_to_vscr(CpuState& s, u64 register_number, u64, u64) {
    s.vscr = static_cast<u32>(vr(s, static_cast<u32>(register_number)).lo) & 0x10001;
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
void lvsl(Builder& b, Insn i) { shift_pattern(b, i, pattern_left, ir::Lanes::kShiftPatternLeft); }
void lvsr(Builder& b, Insn i) { shift_pattern(b, i, pattern_right, ir::Lanes::kShiftPatternRight); }

void mfvscr(Builder& b, Insn i) { b.call(move_from_vscr, b.imm(i.rt())); }
void mtvscr(Builder& b, Insn i) { b.call(move_to_vscr, b.imm(i.rb())); }

}  // namespace mpower::jit::isa::sem
