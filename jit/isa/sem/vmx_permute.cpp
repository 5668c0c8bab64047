// Vector merges, splats, packs, permutations (Power ISA, Book I 6.8).
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

template <class T>
V128 merge(V128 a, V128 b, bool high) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    Elements<T> r;
    const std::size_t half = r.size() / 2, first = high ? half : 0;
    for (std::size_t n = 0; n < half; ++n) {
        r[2 * n] = y[first + n];
        r[2 * n + 1] = x[first + n];
    }
    return of_lanes<T>(r);
}

V128 merge_words(V128 a, V128 b, bool odd) {
    const auto x = lanes<u32>(a), y = lanes<u32>(b);
    return of_lanes<u32>({y[0 + !odd], x[0 + !odd], y[2 + !odd], x[2 + !odd]});
}

template <class T>
V128 splat(T v) {
    Elements<T> r;
    r.fill(v);
    return vector<T>(r);
}

template <class From, class To, bool saturating>
V128 pack(CpuState& s, V128 a, V128 b) {
    const auto x = lanes<From>(a), y = lanes<From>(b);
    Elements<To> r;
    for (std::size_t n = 0; n < x.size(); ++n) {
        r[n] = saturating ? saturate<To>(s, y[n]) : static_cast<To>(y[n]);
        r[x.size() + n] = saturating ? saturate<To>(s, x[n]) : static_cast<To>(x[n]);
    }
    return of_lanes<To>(r);
}

/// Pixels of 8:8:8:8 bits to 1:5:5:5.
V128 pack_pixels(V128 a, V128 b) {
    const auto x = lanes<u32>(a), y = lanes<u32>(b);
    Elements<u16> r;
    const auto cut = [](u32 p) { return static_cast<u16>((p >> 9 & 0xfc00) | (p >> 6 & 0x3e0) | (p >> 3 & 0x1f)); };
    for (std::size_t n = 0; n < 4; ++n) {
        r[n] = cut(y[n]);
        r[4 + n] = cut(x[n]);
    }
    return of_lanes<u16>(r);
}

template <class From, class To>
V128 unpack(V128 b, bool high) {
    const auto x = lanes<From>(b);
    Elements<To> r;
    for (std::size_t n = 0; n < r.size(); ++n) r[n] = x[high * r.size() + n];
    return of_lanes<To>(r);
}

V128 unpack_pixels(V128 b, bool high) {
    const auto x = lanes<u16>(b);
    Elements<u32> r;
    for (std::size_t n = 0; n < 4; ++n) {
        const u32 p = x[high * r.size() + n];
        r[n] = (p & 0x8000 ? 0xff000000u : 0) | (p >> 10 & 31) << 16 | (p >> 5 & 31) << 8 | (p & 31);
    }
    return of_lanes<u32>(r);
}

/// Bytes of a || b by their numbers, from the left or from the right.
V128 permute(V128 a, V128 b, V128 numbers, bool from_right) {
    const auto bytes = std::bit_cast<std::array<u8, 32>>(std::array{b, a});  // the first is the rightmost
    return map<u8>(numbers, [&](u8 n) { return bytes[(n & 31) ^ (from_right ? 0 : 31)]; });
}

V128 permute_xor(V128 a, V128 b, V128 c) {
    const auto x = lanes<u8>(a), y = lanes<u8>(b);
    return map<u8>(c, [&](u8 n) { return x[15 - (n >> 4)] ^ y[15 - (n & 15)]; });
}

V128 shift_double(V128 a, V128 b, unsigned bytes) {
    return bytes == 0 ? a : vector_of(whole(a) << (8 * bytes) | whole(b) >> (128 - 8 * bytes));
}

/// Transposes a doubleword as 8 x 8 bits.
u64 gather_bits(u64 x) {
    u64 r = 0;
    for (unsigned row = 0; row < 8; ++row) {
        for (unsigned column = 0; column < 8; ++column) {
            if (x & ppc_bit(8 * row + column)) r |= ppc_bit(8 * column + row);
        }
    }
    return r;
}

u64 bit_permute_quad(V128 a, V128 b) {
    const auto index = elements<u8>(b);
    const u128 x = whole(a);
    u64 r = 0;
    for (unsigned n = 0; n < 16; ++n) {
        if (index[n] < 128 && (x >> (127 - index[n]) & 1)) r |= u64{0x8000} >> n;
    }
    return r;
}

u64 bit_permute(u64 x, u64 indices) {
    u64 r = 0;
    for (unsigned n = 0; n < 8; ++n) {
        const unsigned index = indices >> (56 - 8 * n) & 0xff;
        if (index < 64 && (x & ppc_bit(index))) r |= u64{0x80} >> n;
    }
    return r;
}

template <class T>
u64 extract(V128 b, unsigned byte) {
    // Bytes past the register's end are undefined: zeros here.
    const unsigned right = 16 - byte >= sizeof(T) ? 8 * (16 - byte - static_cast<unsigned>(sizeof(T))) : 0;
    return static_cast<T>(whole(b) >> right);
}

template <class T>
V128 insert(V128 t, T v, unsigned byte) {
    if (byte + sizeof(T) > 16) return t;  // undefined
    const unsigned at = 8 * (16 - byte - static_cast<unsigned>(sizeof(T)));
    return vector_of((whole(t) & ~(u128{static_cast<T>(~T{0})} << at)) | u128{v} << at);
}

}  // namespace

// Merges of the high or low halves; of even or odd words.
VMX(vmrghb, merge<u8>(a, b, true))
VMX(vmrglb, merge<u8>(a, b, false))
VMX(vmrghh, merge<u16>(a, b, true))
VMX(vmrglh, merge<u16>(a, b, false))
VMX(vmrghw, merge<u32>(a, b, true))
VMX(vmrglw, merge<u32>(a, b, false))
VMX(vmrgew, merge_words(a, b, false))
VMX(vmrgow, merge_words(a, b, true))

// Splats. The element or the number is in the VRA field.
VMX(vspltb, splat<u8>(elements<u8>(b)[i.ra() % (16 / sizeof(u8))]))
VMX(vsplth, splat<u16>(elements<u16>(b)[i.ra() % (16 / sizeof(u16))]))
VMX(vspltw, splat<u32>(elements<u32>(b)[i.ra() % (16 / sizeof(u32))]))
VMX(vspltisb, splat<u8>(static_cast<u8>(sign_extend(i.ra(), 5))))
VMX(vspltish, splat<u16>(static_cast<u16>(sign_extend(i.ra(), 5))))
VMX(vspltisw, splat<u32>(static_cast<u32>(sign_extend(i.ra(), 5))))

// Packs: elements of VRA, then of VRB, cut or saturated to half their size.
VMX(vpkuhum, (pack<u16, u8, false>(s, a, b)))
VMX(vpkuwum, (pack<u32, u16, false>(s, a, b)))
VMX(vpkudum, (pack<u64, u32, false>(s, a, b)))
VMX(vpkuhus, (pack<u16, u8, true>(s, a, b)))
VMX(vpkuwus, (pack<u32, u16, true>(s, a, b)))
VMX(vpkudus, (pack<u64, u32, true>(s, a, b)))
VMX(vpkshus, (pack<i16, u8, true>(s, a, b)))
VMX(vpkswus, (pack<i32, u16, true>(s, a, b)))
VMX(vpksdus, (pack<i64, u32, true>(s, a, b)))
VMX(vpkshss, (pack<i16, i8, true>(s, a, b)))
VMX(vpkswss, (pack<i32, i16, true>(s, a, b)))
VMX(vpksdss, (pack<i64, i32, true>(s, a, b)))
VMX(vpkpx, pack_pixels(a, b))

// Unpacks of the high or low half.
VMX(vupkhsb, (unpack<i8, i16>(b, true)))
VMX(vupklsb, (unpack<i8, i16>(b, false)))
VMX(vupkhsh, (unpack<i16, i32>(b, true)))
VMX(vupklsh, (unpack<i16, i32>(b, false)))
VMX(vupkhsw, (unpack<i32, i64>(b, true)))
VMX(vupklsw, (unpack<i32, i64>(b, false)))
VMX(vupkhpx, unpack_pixels(b, true))
VMX(vupklpx, unpack_pixels(b, false))

// Selects and permutations of bytes.
VMX4(vsel, (V128{(a.lo & ~c.lo) | (b.lo & c.lo), (a.hi & ~c.hi) | (b.hi & c.hi)}))
VMX4(vperm, permute(a, b, c, false))
VMX4(vpermr, permute(a, b, c, true))
VMX4(vsldoi, shift_double(a, b, i.rc_field() & 15))
VMX4(vpermxor, permute_xor(a, b, c))
VMX(vgbbd, (V128{gather_bits(b.lo), gather_bits(b.hi)}))
VMX(vbpermq, (V128{0, bit_permute_quad(a, b)}))
VMX(vbpermd, (V128{bit_permute(a.lo, b.lo), bit_permute(a.hi, b.hi)}))

// Extracts to the middle of VRT and inserts from it; the byte number is in the VRA field.
VMX(vextractub, (V128{0, extract<u8>(b, i.ra() & 15)}))
VMX(vinsertb, insert<u8>(vr(s, i.rt()), static_cast<u8>(b.hi), i.ra() & 15))
VMX(vextractuh, (V128{0, extract<u16>(b, i.ra() & 15)}))
VMX(vinserth, insert<u16>(vr(s, i.rt()), static_cast<u16>(b.hi), i.ra() & 15))
VMX(vextractuw, (V128{0, extract<u32>(b, i.ra() & 15)}))
VMX(vinsertw, insert<u32>(vr(s, i.rt()), static_cast<u32>(b.hi), i.ra() & 15))
VMX(vextractd, (V128{0, extract<u64>(b, i.ra() & 15)}))
VMX(vinsertd, insert<u64>(vr(s, i.rt()), static_cast<u64>(b.hi), i.ra() & 15))

namespace {

/// vext*lx, vext*rx: an element of VRB at the byte that RA names, from the left or the right, into RT.
template <class T, bool from_right>
u64 extract_indexed(CpuState& s, u64 index, u64 register_number, u64) {
    const unsigned n = index & 15;
    const V128 v = vr(s, static_cast<u32>(register_number));
    if (from_right) return static_cast<T>(whole(v) >> (8 * n));
    return extract<T>(v, n);
}
template <class T, bool from_right>
void define_extract(Builder& b, Insn i) {
    b.set_gpr(i.rt(), b.call(extract_indexed<T, from_right>, b.gpr(i.ra()), b.imm(i.rb())));
}

/// Leading (or trailing) bytes of VRB whose least significant bit is 0.
template <bool trailing>
u64 count_zero_lsb(CpuState& s, u64 register_number, u64, u64) {
    const auto x = elements<u8>(vr(s, static_cast<u32>(register_number)));
    u64 n = 0;
    while (n < 16 && !(x[trailing ? 15 - n : n] & 1)) ++n;
    return n;
}

Value quad(Builder& b, u32 n) { return b.vsr(32 + n); }
template <class F>
void logic(Builder& b, Insn i, F f) {
    const Value x = quad(b, i.ra()), y = quad(b, i.rb());
    b.set_vsr(32 + i.rt(), b.make_v128(f(b.high64(x), b.high64(y)), f(b.low64(x), b.low64(y))));
}

}  // namespace

void vextublx(Builder& b, Insn i) { define_extract<u8, false>(b, i); }
void vextuhlx(Builder& b, Insn i) { define_extract<u16, false>(b, i); }
void vextuwlx(Builder& b, Insn i) { define_extract<u32, false>(b, i); }
void vextubrx(Builder& b, Insn i) { define_extract<u8, true>(b, i); }
void vextuhrx(Builder& b, Insn i) { define_extract<u16, true>(b, i); }
void vextuwrx(Builder& b, Insn i) { define_extract<u32, true>(b, i); }
void vclzlsbb(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(count_zero_lsb<false>, b.imm(i.rb()))); }
void vctzlsbb(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(count_zero_lsb<true>, b.imm(i.rb()))); }

void vand(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.and_(x, y); });
}
void vandc(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.and_not(x, y); });
}
void vor(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.or_(x, y); });
}
void vxor(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.xor_(x, y); });
}
void vnor(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.not_(b.or_(x, y)); });
}
void vorc(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.or_(x, b.not_(y)); });
}
void vnand(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.not_(b.and_(x, y)); });
}
void veqv(Builder& b, Insn i) {
    logic(b, i, [&](Value x, Value y) { return b.not_(b.xor_(x, y)); });
}

}  // namespace mpower::jit::isa::sem
