// VSX loads, stores and moves between GPRs and VSRs (Power ISA, Book I 7.6; the ISA 3.0 forms included).
#include "jit/fp/emit.h"
#include "jit/vmx/emit.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using Order = Builder::Order;

namespace {

Value address_x(Builder& b, Insn i) { return i.ra() == 0 ? b.gpr(i.rb()) : b.add(b.gpr(i.ra()), b.gpr(i.rb())); }
Value address_ds(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), i.ds()); }
Value address_dq(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), i.dq()); }

/// Storage byte 0 is the register's leftmost byte, in either mode.
Order big_endian(Builder& b) { return b.mode().le ? Order::kReversed : Order::kGuest; }

/// Elements stand in the register in the ISA's order whatever the mode: a little-endian quadword has them exchanged.
Value elements(Builder& b, Value v, u32 size) {
    if (!b.mode().le) return v;
    if (size == 8) return vmx::exchanged(b, v);
    if (size == 4) return vmx::words_reversed(b, v);
    return vmx::reversed(b, v, 2);  // of bytes that came in the order of big-endian mode
}

/// (RB)[0:7] bytes, at most 16.
Value length(Builder& b, Insn i) {
    const Value n = b.shr(b.gpr(i.rb()), 56);
    return b.select(b.lt_u(n, b.imm(16)), n, b.imm(16));
}

u64 clear_if_zero(CpuState& s, u64 n, u64 length, u64) {
    if (length == 0) s.vsr[n] = {};
    return 0;
}

/// lxvl, lxvll: the first `length` bytes, the rest of the register 0. Length 0 accesses nothing; otherwise bytes beyond
/// the end are read from the last byte, which is there, and dropped.
void load_with_length(Builder& b, Insn i, bool left) {
    const Value ea = b.gpr_or_zero(i.ra()), count = length(b, i), last = b.sub(count, b.imm(1));
    b.call(clear_if_zero, b.imm(i.xt()), count);
    b.exit_if(b.eq(count, b.imm(0)), b.cia_plus(4));
    Value half[2] = {b.imm(0), b.imm(0)};  // left, right
    for (u64 n = 0; n < 16; ++n) {
        const Value inside = b.lt_u(b.imm(n), count);
        const Value byte = b.load(b.add(ea, b.select(inside, b.imm(n), last)), 1);
        const u64 at = left || !b.mode().le ? n : 15 - n;
        half[at / 8] = b.or_(half[at / 8], b.shl(b.select(inside, byte, b.imm(0)), 56 - 8 * (at % 8)));
    }
    b.set_vsr(i.xt(), b.make_v128(half[0], half[1]));
}

/// stxvl, stxvll: byte by byte, leaving after the last.
void store_with_length(Builder& b, Insn i, bool left) {
    const Value ea = b.gpr_or_zero(i.ra()), count = length(b, i), v = b.vsr(i.xs());
    const Value half[2] = {b.high64(v), b.low64(v)};
    for (u64 n = 0; n < 16; ++n) {
        b.exit_if(b.eq(count, b.imm(n)), b.cia_plus(4));
        const u64 at = left || !b.mode().le ? n : 15 - n;
        b.store(b.add(ea, n), b.shr(half[at / 8], 56 - 8 * (at % 8)), 1);
    }
}

}  // namespace

void lxsdx(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.load(address_x(b, i), 8)); }
void lxsspx(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.widen(b.load(address_x(b, i), 4))); }
void lxsiwax(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.load(address_x(b, i), 4, true)); }
void lxsiwzx(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.load(address_x(b, i), 4)); }
void lxsibzx(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.load(address_x(b, i), 1)); }
void lxsihzx(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.load(address_x(b, i), 2)); }
void lxsd(Builder& b, Insn i) { fp::set_scalar(b, 32 + i.rt(), b.load(address_ds(b, i), 8)); }
void lxssp(Builder& b, Insn i) { fp::set_scalar(b, 32 + i.rt(), b.widen(b.load(address_ds(b, i), 4))); }
void stxsdx(Builder& b, Insn i) { b.store(address_x(b, i), b.fpr(i.xs()), 8); }
void stxsspx(Builder& b, Insn i) { b.store(address_x(b, i), b.narrow(b.fpr(i.xs())), 4); }
void stxsiwx(Builder& b, Insn i) { b.store(address_x(b, i), b.fpr(i.xs()), 4); }
void stxsibx(Builder& b, Insn i) { b.store(address_x(b, i), b.fpr(i.xs()), 1); }
void stxsihx(Builder& b, Insn i) { b.store(address_x(b, i), b.fpr(i.xs()), 2); }
void stxsd(Builder& b, Insn i) { b.store(address_ds(b, i), b.fpr(32 + i.rs()), 8); }
void stxssp(Builder& b, Insn i) { b.store(address_ds(b, i), b.narrow(b.fpr(32 + i.rs())), 4); }

// Elements in the ISA's order, each in the guest's byte order.
void lxvd2x(Builder& b, Insn i) { b.set_vsr(i.xt(), elements(b, b.load128(address_x(b, i)), 8)); }
void lxvw4x(Builder& b, Insn i) { b.set_vsr(i.xt(), elements(b, b.load128(address_x(b, i)), 4)); }
void lxvh8x(Builder& b, Insn i) { b.set_vsr(i.xt(), elements(b, b.load128(address_x(b, i), big_endian(b)), 2)); }
void lxvb16x(Builder& b, Insn i) { b.set_vsr(i.xt(), b.load128(address_x(b, i), big_endian(b))); }
void lxvdsx(Builder& b, Insn i) {
    const Value v = b.load(address_x(b, i), 8);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void lxvwsx(Builder& b, Insn i) {
    const Value w = b.load(address_x(b, i), 4), v = b.or_(b.shl(w, 32), w);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void stxvd2x(Builder& b, Insn i) { b.store128(address_x(b, i), elements(b, b.vsr(i.xs()), 8)); }
void stxvw4x(Builder& b, Insn i) { b.store128(address_x(b, i), elements(b, b.vsr(i.xs()), 4)); }
void stxvh8x(Builder& b, Insn i) { b.store128(address_x(b, i), elements(b, b.vsr(i.xs()), 2), big_endian(b)); }
void stxvb16x(Builder& b, Insn i) { b.store128(address_x(b, i), b.vsr(i.xs()), big_endian(b)); }
void lxv(Builder& b, Insn i) { b.set_vsr(i.xt_dq(), b.load128(address_dq(b, i))); }
void stxv(Builder& b, Insn i) { b.store128(address_dq(b, i), b.vsr(i.xt_dq())); }
void lxvx(Builder& b, Insn i) { b.set_vsr(i.xt(), b.load128(address_x(b, i))); }
void stxvx(Builder& b, Insn i) { b.store128(address_x(b, i), b.vsr(i.xs())); }
void lxvl(Builder& b, Insn i) { load_with_length(b, i, false); }
void lxvll(Builder& b, Insn i) { load_with_length(b, i, true); }
void stxvl(Builder& b, Insn i) { store_with_length(b, i, false); }
void stxvll(Builder& b, Insn i) { store_with_length(b, i, true); }

void mfvsrd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.fpr(i.xs())); }
void mfvsrwz(Builder& b, Insn i) { b.set_gpr(i.ra(), b.zext32(b.fpr(i.xs()))); }
void mtvsrd(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.gpr(i.ra())); }
void mtvsrwa(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.sext32(b.gpr(i.ra()))); }
void mtvsrwz(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), b.zext32(b.gpr(i.ra()))); }
void mfvsrld(Builder& b, Insn i) { b.set_gpr(i.ra(), b.low64(b.vsr(i.xs()))); }
void mtvsrdd(Builder& b, Insn i) { b.set_vsr(i.xt(), b.make_v128(b.gpr_or_zero(i.ra()), b.gpr(i.rb()))); }
void mtvsrws(Builder& b, Insn i) {
    const Value w = b.gpr(i.ra()), v = b.or_(b.shl(w, 32), b.zext32(w));
    b.set_vsr(i.xt(), b.make_v128(v, v));
}

}  // namespace mpower::jit::isa::sem
