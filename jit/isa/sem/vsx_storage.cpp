// Vector-scalar loads, stores, moves, permutations, logic (Power ISA, Book I 7.6).
#include "base/endian.h"
#include "jit/fp/arithmetic.h"
#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

Value x_address(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), b.gpr(i.rb())); }
Value zero(Builder& b) { return b.imm(0); }

u64 widen(CpuState&, u64 x, u64, u64) { return fp::double_of_single(static_cast<u32>(x)); }
u64 shorten(CpuState&, u64 x, u64, u64) { return fp::single_of_double(x); }

/// XT <- v || 0
void set_scalar(Builder& b, u32 xt, Value v) { b.set_vsr(xt, b.make_v128(v, zero(b))); }

/// Two words as the left and right half of a doubleword.
Value pair(Builder& b, Value left, Value right) { return b.or_(b.shl(left, 32), right); }

/// lxvl, lxvll, stxvl, stxvll: RB[0:7] bytes, at most 16, from address (RA|0). A byte past the end reads the first
/// one, and is thrown away; for 0 bytes nothing is touched. `left`: the ll forms put storage in register order.
void load_with_length(Builder& b, Insn i, bool left) {
    const Value ea = b.gpr_or_zero(i.ra());
    const Value wanted = b.shr(b.gpr(i.rb()), 56);
    const Value count = b.select(b.lt_u(wanted, b.imm(16)), wanted, b.imm(16));
    const Value none = b.eq(count, zero(b));
    // With no bytes the loads below must not fault: skip them, having cleared XT.
    const Value old = b.vsr(i.xt());
    b.set_vsr(i.xt(), b.make_v128(b.select(none, zero(b), b.high64(old)), b.select(none, zero(b), b.low64(old))));
    b.exit_if(none, b.cia_plus(4));
    Value high = zero(b), low = zero(b);
    for (u32 n = 0; n < 16; ++n) {
        const Value inside = b.lt_u(b.imm(n), count);
        const Value byte = b.select(inside, b.load(b.add(ea, b.select(inside, b.imm(n), zero(b))), 1), zero(b));
        const bool from_left = left || !b.mode().le;
        const u32 at = from_left ? n : 15 - n;  // byte of the register
        (at < 8 ? high : low) = b.or_(at < 8 ? high : low, b.shl(byte, 56 - 8 * (at % 8)));
    }
    b.set_vsr(i.xt(), b.make_v128(high, low));
}

void store_with_length(Builder& b, Insn i, bool left) {
    const Value ea = b.gpr_or_zero(i.ra());
    const Value count = b.shr(b.gpr(i.rb()), 56);
    const Value v = b.vsr(i.xs());
    const Value high = b.high64(v), low = b.low64(v);
    const Value next = b.cia_plus(4);
    for (u32 n = 0; n < 16; ++n) {
        b.exit_if(b.not_(b.sub(b.lt_u(b.imm(n), count), b.imm(1))), next);
        const bool from_left = left || !b.mode().le;
        const u32 at = from_left ? n : 15 - n;
        b.store(b.add(ea, n), b.shr(at < 8 ? high : low, 56 - 8 * (at % 8)), 1);
    }
}

template <class F>
void logic(Builder& b, Insn i, F f) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x), b.high64(y)), f(b.low64(x), b.low64(y))));
}

/// Word n, 0 leftmost, of a register.
Value word(Builder& b, Value v, u32 n) {
    const Value half = n < 2 ? b.high64(v) : b.low64(v);
    return n % 2 == 0 ? b.shr(half, 32) : b.zext32(half);
}

void set_words(Builder& b, u32 xt, const std::array<Value, 4>& w) {
    b.set_vsr(xt, b.make_v128(pair(b, w[0], w[1]), pair(b, w[2], w[3])));
}

/// The byte permutation of xxperm: selectors in XB, sources XA || XT.
template <unsigned flip>
u64 permute(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto a = vmx::elements<u8>(s.vsr[i.xa()]), t = vmx::elements<u8>(s.vsr[i.xt()]);
    const auto selectors = vmx::elements<u8>(s.vsr[i.xb()]);
    vmx::Elements<u8> r;
    for (std::size_t n = 0; n < 16; ++n) {
        const unsigned from = (selectors[n] ^ flip) & 31;
        r[n] = from < 16 ? a[from] : t[from - 16];
    }
    s.vsr[i.xt()] = vmx::vector<u8>(r);
    return 0;
}

u64 insert_word(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    auto t = vmx::elements<u8>(s.vsr[i.xt()]);
    const auto b = vmx::elements<u8>(s.vsr[i.xb()]);
    for (u32 n = 0; n < 4; ++n) t[(i.field(12, 15) + n) % 16] = b[4 + n];
    s.vsr[i.xt()] = vmx::vector<u8>(t);
    return 0;
}
u64 extract_word(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto b = vmx::elements<u8>(s.vsr[i.xb()]);
    u64 v = 0;
    for (u32 n = 0; n < 4; ++n) v = v << 8 | b[(i.field(12, 15) + n) % 16];
    s.vsr[i.xt()] = {.lo = 0, .hi = v};
    return 0;
}

template <class T>
u64 reverse_bytes(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    s.vsr[i.xt()] = vmx::map<T>(s.vsr[i.xb()], [](T x) { return byte_swap(x); });
    return 0;
}

}  // namespace

// Loads and stores of one element.
void lxsdx(Builder& b, Insn i) { set_scalar(b, i.xt(), b.load(x_address(b, i), 8)); }
void lxsspx(Builder& b, Insn i) { set_scalar(b, i.xt(), b.call(widen, b.load(x_address(b, i), 4))); }
void lxsiwax(Builder& b, Insn i) { set_scalar(b, i.xt(), b.load(x_address(b, i), 4, true)); }
void lxsiwzx(Builder& b, Insn i) { set_scalar(b, i.xt(), b.load(x_address(b, i), 4)); }
void lxsibzx(Builder& b, Insn i) { set_scalar(b, i.xt(), b.load(x_address(b, i), 1)); }
void lxsihzx(Builder& b, Insn i) { set_scalar(b, i.xt(), b.load(x_address(b, i), 2)); }
void lxsd(Builder& b, Insn i) { set_scalar(b, 32 + i.rt(), b.load(b.add(b.gpr_or_zero(i.ra()), i.ds()), 8)); }
void lxssp(Builder& b, Insn i) {
    set_scalar(b, 32 + i.rt(), b.call(widen, b.load(b.add(b.gpr_or_zero(i.ra()), i.ds()), 4)));
}
void stxsdx(Builder& b, Insn i) { b.store(x_address(b, i), b.high64(b.vsr(i.xs())), 8); }
void stxsspx(Builder& b, Insn i) { b.store(x_address(b, i), b.call(shorten, b.high64(b.vsr(i.xs()))), 4); }
void stxsiwx(Builder& b, Insn i) { b.store(x_address(b, i), b.high64(b.vsr(i.xs())), 4); }
void stxsibx(Builder& b, Insn i) { b.store(x_address(b, i), b.high64(b.vsr(i.xs())), 1); }
void stxsihx(Builder& b, Insn i) { b.store(x_address(b, i), b.high64(b.vsr(i.xs())), 2); }
void stxsd(Builder& b, Insn i) { b.store(b.add(b.gpr_or_zero(i.ra()), i.ds()), b.high64(b.vsr(32 + i.rs())), 8); }
void stxssp(Builder& b, Insn i) {
    b.store(b.add(b.gpr_or_zero(i.ra()), i.ds()), b.call(shorten, b.high64(b.vsr(32 + i.rs()))), 4);
}

// Vectors of elements: element n is at EA + n * size in either byte order.
void lxvd2x(Builder& b, Insn i) {
    const Value ea = x_address(b, i);
    const Value high = b.load(ea, 8), low = b.load(b.add(ea, 8), 8);
    b.set_vsr(i.xt(), b.make_v128(high, low));
}
void stxvd2x(Builder& b, Insn i) {
    const Value ea = x_address(b, i), v = b.vsr(i.xs());
    b.store(ea, b.high64(v), 8);
    b.store(b.add(ea, 8), b.low64(v), 8);
}
void lxvw4x(Builder& b, Insn i) {
    const Value ea = x_address(b, i);
    std::array<Value, 4> w;
    for (u32 n = 0; n < 4; ++n) w[n] = b.load(b.add(ea, 4 * n), 4);
    set_words(b, i.xt(), w);
}
void stxvw4x(Builder& b, Insn i) {
    const Value ea = x_address(b, i), v = b.vsr(i.xs());
    for (u32 n = 0; n < 4; ++n) b.store(b.add(ea, 4 * n), word(b, v, n), 4);
}
void lxvh8x(Builder& b, Insn i) {
    const Value ea = x_address(b, i);
    Value half[2] = {zero(b), zero(b)};
    for (u32 n = 0; n < 8; ++n) half[n / 4] = b.or_(half[n / 4], b.shl(b.load(b.add(ea, 2 * n), 2), 48 - 16 * (n % 4)));
    b.set_vsr(i.xt(), b.make_v128(half[0], half[1]));
}
void stxvh8x(Builder& b, Insn i) {
    const Value ea = x_address(b, i), v = b.vsr(i.xs());
    for (u32 n = 0; n < 8; ++n) b.store(b.add(ea, 2 * n), b.shr(n < 4 ? b.high64(v) : b.low64(v), 48 - 16 * (n % 4)), 2);
}
// Bytes: the register's order is storage's in either byte order.
void lxvb16x(Builder& b, Insn i) {
    using Order = Builder::Order;
    b.set_vsr(i.xt(), b.load128(x_address(b, i), b.mode().le ? Order::kReversed : Order::kGuest));
}
void stxvb16x(Builder& b, Insn i) {
    using Order = Builder::Order;
    b.store128(x_address(b, i), b.vsr(i.xs()), b.mode().le ? Order::kReversed : Order::kGuest);
}
void lxvdsx(Builder& b, Insn i) {
    const Value v = b.load(x_address(b, i), 8);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void lxvwsx(Builder& b, Insn i) {
    const Value w = b.load(x_address(b, i), 4);
    const Value v = pair(b, w, w);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void lxvx(Builder& b, Insn i) { b.set_vsr(i.xt(), b.load128(x_address(b, i))); }
void stxvx(Builder& b, Insn i) { b.store128(x_address(b, i), b.vsr(i.xs())); }
void lxv(Builder& b, Insn i) { b.set_vsr(i.xt_dq(), b.load128(b.add(b.gpr_or_zero(i.ra()), i.dq()))); }
void stxv(Builder& b, Insn i) { b.store128(b.add(b.gpr_or_zero(i.ra()), i.dq()), b.vsr(i.xt_dq())); }
void lxvl(Builder& b, Insn i) { load_with_length(b, i, false); }
void lxvll(Builder& b, Insn i) { load_with_length(b, i, true); }
void stxvl(Builder& b, Insn i) { store_with_length(b, i, false); }
void stxvll(Builder& b, Insn i) { store_with_length(b, i, true); }

// Moves between GPRs and VSRs.
void mfvsrd(Builder& b, Insn i) { b.set_gpr(i.ra(), b.high64(b.vsr(i.xs()))); }
void mfvsrld(Builder& b, Insn i) { b.set_gpr(i.ra(), b.low64(b.vsr(i.xs()))); }
void mfvsrwz(Builder& b, Insn i) { b.set_gpr(i.ra(), b.zext32(b.high64(b.vsr(i.xs())))); }
void mtvsrd(Builder& b, Insn i) { set_scalar(b, i.xt(), b.gpr(i.ra())); }
void mtvsrwa(Builder& b, Insn i) { set_scalar(b, i.xt(), b.sext32(b.gpr(i.ra()))); }
void mtvsrwz(Builder& b, Insn i) { set_scalar(b, i.xt(), b.zext32(b.gpr(i.ra()))); }
void mtvsrdd(Builder& b, Insn i) { b.set_vsr(i.xt(), b.make_v128(b.gpr_or_zero(i.ra()), b.gpr(i.rb()))); }
void mtvsrws(Builder& b, Insn i) {
    const Value w = b.zext32(b.gpr(i.ra()));
    const Value v = pair(b, w, w);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}

// Logic.
void xxland(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.and_(x, y); }); }
void xxlandc(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.and_not(x, y); }); }
void xxlor(Builder& b, Insn i) {
    if (i.xa() == i.xb()) return b.set_vsr(i.xt(), b.vsr(i.xa()));  // a move
    logic(b, i, [&](Value x, Value y) { return b.or_(x, y); });
}
void xxlxor(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.xor_(x, y); }); }
void xxlnor(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.not_(b.or_(x, y)); }); }
void xxlorc(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.or_(x, b.not_(y)); }); }
void xxlnand(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.not_(b.and_(x, y)); }); }
void xxleqv(Builder& b, Insn i) { logic(b, i, [&](Value x, Value y) { return b.not_(b.xor_(x, y)); }); }
// XT <- XC ? XB : XA, bit by bit
void xxsel(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb()), c = b.vsr(i.xc());
    const auto choose = [&](Value p, Value q, Value m) { return b.or_(b.and_not(p, m), b.and_(q, m)); };
    b.set_vsr(i.xt(), b.make_v128(choose(b.high64(x), b.high64(y), b.high64(c)),
                                  choose(b.low64(x), b.low64(y), b.low64(c))));
}

// Permutations.
void xxpermdi(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    const Value high = i.bit(22) ? b.low64(x) : b.high64(x);
    const Value low = i.bit(23) ? b.low64(y) : b.high64(y);
    b.set_vsr(i.xt(), b.make_v128(high, low));
}
void xxsldwi(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    std::array<Value, 4> w;
    for (u32 n = 0; n < 4; ++n) {
        const u32 from = n + i.field(22, 23);
        w[n] = from < 4 ? word(b, x, from) : word(b, y, from - 4);
    }
    set_words(b, i.xt(), w);
}
void xxmrghw(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    set_words(b, i.xt(), {word(b, x, 0), word(b, y, 0), word(b, x, 1), word(b, y, 1)});
}
void xxmrglw(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    set_words(b, i.xt(), {word(b, x, 2), word(b, y, 2), word(b, x, 3), word(b, y, 3)});
}
void xxspltw(Builder& b, Insn i) {
    const Value w = word(b, b.vsr(i.xb()), i.field(14, 15));
    set_words(b, i.xt(), {w, w, w, w});
}
void xxspltib(Builder& b, Insn i) {
    const Value v = b.imm(u64{i.field(13, 20)} * 0x0101010101010101);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void xxperm(Builder& b, Insn i) { b.call(permute<0>, b.imm(i.word)); }
void xxpermr(Builder& b, Insn i) { b.call(permute<31>, b.imm(i.word)); }
void xxextractuw(Builder& b, Insn i) { b.call(extract_word, b.imm(i.word)); }
void xxinsertw(Builder& b, Insn i) { b.call(insert_word, b.imm(i.word)); }
void xxbrh(Builder& b, Insn i) { b.call(reverse_bytes<u16>, b.imm(i.word)); }
void xxbrw(Builder& b, Insn i) { b.call(reverse_bytes<u32>, b.imm(i.word)); }
void xxbrd(Builder& b, Insn i) { b.call(reverse_bytes<u64>, b.imm(i.word)); }
void xxbrq(Builder& b, Insn i) {
    const Value v = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(b.bswap64(b.low64(v)), b.bswap64(b.high64(v))));
}

}  // namespace mpower::jit::isa::sem
