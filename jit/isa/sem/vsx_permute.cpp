// VSX logical, permute, merge, splat and sign instructions (Power ISA, Book I 7.6).
#include "base/endian.h"
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using fp::Regs;
using ir::Builder;
using ir::Value;

namespace {

/// XT <- f of both doublewords of XA and XB
template <class F>
void bitwise(Builder& b, Insn i, F f) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x), b.high64(y)), f(b.low64(x), b.low64(y))));
}

/// XT <- f of both doublewords of XB
template <class F>
void each_half(Builder& b, Insn i, F f) {
    const Value x = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x)), f(b.low64(x))));
}

/// Doubleword 0 of XT <- f of XB's; doubleword 1 is cleared.
template <class F>
void scalar_bits(Builder& b, Insn i, F f) {
    fp::set_scalar(b, i.xt(), f(b.fpr(i.xb())));
}

constexpr u64 kSignDp = u64{1} << 63, kSignSp = 0x8000000080000000;

/// The sign moves of all sizes: `mask` has the sign bits.
auto absolute(Builder& b, u64 mask) {
    return [&b, mask](Value v) { return b.and_(v, ~mask); };
}
auto negative(Builder& b, u64 mask) {
    return [&b, mask](Value v) { return b.or_(v, b.imm(mask)); };
}
auto negated(Builder& b, u64 mask) {
    return [&b, mask](Value v) { return b.xor_(v, b.imm(mask)); };
}
auto copied_sign(Builder& b, u64 mask) {
    return [&b, mask](Value x, Value y) { return b.or_(b.and_(x, mask), b.and_(y, ~mask)); };
}

/// Doubleword n of a 128-bit value.
Value doubleword(Builder& b, Value v, bool n) { return n ? b.low64(v) : b.high64(v); }

/// Word n of four, in the low half.
Value word(Builder& b, Value v, u32 n) {
    const Value half = doubleword(b, v, n >= 2);
    return n & 1 ? b.zext32(half) : b.shr(half, 32);
}
Value words(Builder& b, Value w0, Value w1) { return b.or_(b.shl(w0, 32), w1); }

/// XT.byte[k] <- byte XB.byte[k] (of `reverse`: 31 - that) mod 32 of XA || XT
u64 permute_helper(CpuState& s, u64 regs, u64 reverse, u64) {
    const Regs r = Regs::of(regs);
    V128 out;
    for (unsigned k = 0; k < 16; ++k) {
        unsigned index = fp::element<u8>(s.vsr[r.b], k) & 31;
        if (reverse) index = 31 - index;
        fp::set_element<u8>(out, k, fp::element<u8>(s.vsr[index < 16 ? r.a : r.t], index & 15));
    }
    s.vsr[r.t] = out;
    return 0;
}

/// XT <- 0 || XB.byte[at .. at + 3] || 0 || 0
u64 extract_word_helper(CpuState& s, u64 regs, u64 at, u64) {
    const Regs r = Regs::of(regs);
    u64 v = 0;
    for (unsigned k = 0; k < 4; ++k) v = v << 8 | fp::element<u8>(s.vsr[r.b], (at + k) & 15);
    s.vsr[r.t] = {0, v};
    return 0;
}

/// XT.byte[at .. at + 3] <- XB.word[1]
u64 insert_word_helper(CpuState& s, u64 regs, u64 at, u64) {
    const Regs r = Regs::of(regs);
    const V128 source = s.vsr[r.b];
    for (unsigned k = 0; k < 4 && at + k < 16; ++k) {
        fp::set_element<u8>(s.vsr[r.t], static_cast<unsigned>(at) + k, fp::element<u8>(source, 4 + k));
    }
    return 0;
}

u64 reverse_halfwords_helper(CpuState&, u64 v, u64, u64) {
    return (v & 0x00ff00ff00ff00ff) << 8 | (v >> 8 & 0x00ff00ff00ff00ff);
}

}  // namespace

void xxland(Builder& b, Insn i) {
    bitwise(b, i, [&](Value x, Value y) { return b.and_(x, y); });
}
void xxlandc(Builder& b, Insn i) {
    bitwise(b, i, [&](Value x, Value y) { return b.and_not(x, y); });
}
void xxlor(Builder& b, Insn i) {
    if (i.xa() == i.xb()) return b.set_vsr(i.xt(), b.vsr(i.xa()));  // xxlmr
    bitwise(b, i, [&](Value x, Value y) { return b.or_(x, y); });
}
void xxlxor(Builder& b, Insn i) {
    if (i.xa() == i.xb()) return b.set_vsr(i.xt(), b.make_v128(b.imm(0), b.imm(0)));  // xxlclr
    bitwise(b, i, [&](Value x, Value y) { return b.xor_(x, y); });
}
void xxlnor(Builder& b, Insn i) {
    bitwise(b, i, [&](Value x, Value y) { return b.not_(b.or_(x, y)); });
}
void xxlorc(Builder& b, Insn i) {
    bitwise(b, i, [&](Value x, Value y) { return b.or_(x, b.not_(y)); });
}
void xxlnand(Builder& b, Insn i) {
    bitwise(b, i, [&](Value x, Value y) { return b.not_(b.and_(x, y)); });
}
void xxleqv(Builder& b, Insn i) {
    bitwise(b, i, [&](Value x, Value y) { return b.not_(b.xor_(x, y)); });
}

// XT <- (XA & ~XC) | (XB & XC)
void xxsel(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb()), m = b.vsr(i.xc());
    const auto half = [&](bool n) {
        const Value mask = doubleword(b, m, n);
        return b.or_(b.and_not(doubleword(b, x, n), mask), b.and_(doubleword(b, y, n), mask));
    };
    b.set_vsr(i.xt(), b.make_v128(half(false), half(true)));
}

// XT <- XA.word[0] || XB.word[0] || XA.word[1] || XB.word[1]
void xxmrghw(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(words(b, word(b, x, 0), word(b, y, 0)), words(b, word(b, x, 1), word(b, y, 1))));
}
void xxmrglw(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(words(b, word(b, x, 2), word(b, y, 2)), words(b, word(b, x, 3), word(b, y, 3))));
}
// XT <- XA.doubleword[DM.bit 0] || XB.doubleword[DM.bit 1]
void xxpermdi(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(doubleword(b, x, i.bit(22)), doubleword(b, y, i.bit(23))));
}
// XT <- words SHW .. SHW + 3 of XA || XB
void xxsldwi(Builder& b, Insn i) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    const auto at = [&](u32 n) { return n < 4 ? word(b, x, n) : word(b, y, n - 4); };
    const u32 n = i.field(22, 23);
    b.set_vsr(i.xt(), b.make_v128(words(b, at(n), at(n + 1)), words(b, at(n + 2), at(n + 3))));
}
void xxspltw(Builder& b, Insn i) {
    const Value w = word(b, b.vsr(i.xb()), i.field(14, 15)), v = words(b, w, w);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void xxspltib(Builder& b, Insn i) {
    const Value v = b.imm(u64{i.field(13, 20)} * 0x0101010101010101);
    b.set_vsr(i.xt(), b.make_v128(v, v));
}
void xxperm(Builder& b, Insn i) { b.call(permute_helper, b.imm(Regs{i.xt(), i.xa(), i.xb()}.packed()), b.imm(0)); }
void xxpermr(Builder& b, Insn i) { b.call(permute_helper, b.imm(Regs{i.xt(), i.xa(), i.xb()}.packed()), b.imm(1)); }
void xxextractuw(Builder& b, Insn i) {
    b.call(extract_word_helper, b.imm(Regs{.t = i.xt(), .b = i.xb()}.packed()), b.imm(i.field(12, 15)));
}
void xxinsertw(Builder& b, Insn i) {
    b.call(insert_word_helper, b.imm(Regs{.t = i.xt(), .b = i.xb()}.packed()), b.imm(i.field(12, 15)));
}
void xxbrh(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return b.call(reverse_halfwords_helper, v); });
}
void xxbrw(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return b.rotl(b.bswap64(v), b.imm(32)); });
}
void xxbrd(Builder& b, Insn i) {
    each_half(b, i, [&](Value v) { return b.bswap64(v); });
}
void xxbrq(Builder& b, Insn i) {
    const Value v = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(b.bswap64(b.low64(v)), b.bswap64(b.high64(v))));
}

void xsabsdp(Builder& b, Insn i) { scalar_bits(b, i, absolute(b, kSignDp)); }
void xsnabsdp(Builder& b, Insn i) { scalar_bits(b, i, negative(b, kSignDp)); }
void xsnegdp(Builder& b, Insn i) { scalar_bits(b, i, negated(b, kSignDp)); }
void xvabsdp(Builder& b, Insn i) { each_half(b, i, absolute(b, kSignDp)); }
void xvnabsdp(Builder& b, Insn i) { each_half(b, i, negative(b, kSignDp)); }
void xvnegdp(Builder& b, Insn i) { each_half(b, i, negated(b, kSignDp)); }
void xvabssp(Builder& b, Insn i) { each_half(b, i, absolute(b, kSignSp)); }
void xvnabssp(Builder& b, Insn i) { each_half(b, i, negative(b, kSignSp)); }
void xvnegsp(Builder& b, Insn i) { each_half(b, i, negated(b, kSignSp)); }
void xscpsgndp(Builder& b, Insn i) { fp::set_scalar(b, i.xt(), copied_sign(b, kSignDp)(b.fpr(i.xa()), b.fpr(i.xb()))); }
void xvcpsgndp(Builder& b, Insn i) { bitwise(b, i, copied_sign(b, kSignDp)); }
void xvcpsgnsp(Builder& b, Insn i) { bitwise(b, i, copied_sign(b, kSignSp)); }

// Quad: registers 32-63, one sign bit.
void xsabsqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(absolute(b, kSignDp)(b.high64(v)), b.low64(v)));
}
void xsnabsqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(negative(b, kSignDp)(b.high64(v)), b.low64(v)));
}
void xsnegqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(negated(b, kSignDp)(b.high64(v)), b.low64(v)));
}
void xscpsgnqp(Builder& b, Insn i) {
    const Value v = b.vsr(32 + i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(copied_sign(b, kSignDp)(b.fpr(32 + i.ra()), b.high64(v)), b.low64(v)));
}

}  // namespace mpower::jit::isa::sem
