// Vector merges, splats, packs, permutations (Power ISA, Book I 6.8).
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/emit.h"

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

/// Elements of a, then of b, each cut to half its size by `cut`.
template <class From, class To, class F>
V128 pack(V128 a, V128 b, F cut) {
    const auto x = lanes<From>(a), y = lanes<From>(b);
    Elements<To> r;
    for (std::size_t n = 0; n < x.size(); ++n) {
        r[n] = cut(y[n]);
        r[x.size() + n] = cut(x[n]);
    }
    return of_lanes<To>(r);
}
template <class From, class To>
V128 pack(V128 a, V128 b) {
    return pack<From, To>(a, b, [](From v) { return static_cast<To>(v); });
}
template <class From, class To>
V128 pack_saturated(CpuState& s, V128 a, V128 b) {
    return pack<From, To>(a, b, [&](From v) { return saturate<To>(s, v); });
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

V128 permute_xor(V128 a, V128 b, V128 c) {
    const auto x = lanes<u8>(a), y = lanes<u8>(b);
    return map<u8>(c, [&](u8 n) { return x[15 - (n >> 4)] ^ y[15 - (n & 15)]; });
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
LANES(vmrghb, kMergeHigh8, merge<u8>(a, b, true))
LANES(vmrglb, kMergeLow8, merge<u8>(a, b, false))
LANES(vmrghh, kMergeHigh16, merge<u16>(a, b, true))
LANES(vmrglh, kMergeLow16, merge<u16>(a, b, false))
LANES(vmrghw, kMergeHigh32, merge<u32>(a, b, true))
LANES(vmrglw, kMergeLow32, merge<u32>(a, b, false))
LANES(vmrgew, kMergeEven32, merge_words(a, b, false))
LANES(vmrgow, kMergeOdd32, merge_words(a, b, true))

// Splats. The element or the number is in the VRA field.
LANES1(vspltb, kSplat8, splat<u8>(elements<u8>(b)[n % (16 / sizeof(u8))]))
LANES1(vsplth, kSplat16, splat<u16>(elements<u16>(b)[n % (16 / sizeof(u16))]))
LANES1(vspltw, kSplat32, splat<u32>(elements<u32>(b)[n % (16 / sizeof(u32))]))

// Packs: elements of VRA, then of VRB, cut or saturated to half their size.
LANES(vpkuhum, kPack16, (pack<u16, u8>(a, b)))
LANES(vpkuwum, kPack32, (pack<u32, u16>(a, b)))
LANES(vpkudum, kPack64, (pack<u64, u32>(a, b)))
VMX(vpkuhus, (pack_saturated<u16, u8>(s, a, b)))
VMX(vpkuwus, (pack_saturated<u32, u16>(s, a, b)))
VMX(vpkudus, (pack_saturated<u64, u32>(s, a, b)))
VMX(vpkshus, (pack_saturated<i16, u8>(s, a, b)))
VMX(vpkswus, (pack_saturated<i32, u16>(s, a, b)))
VMX(vpksdus, (pack_saturated<i64, u32>(s, a, b)))
VMX(vpkshss, (pack_saturated<i16, i8>(s, a, b)))
VMX(vpkswss, (pack_saturated<i32, i16>(s, a, b)))
VMX(vpksdss, (pack_saturated<i64, i32>(s, a, b)))
VMX(vpkpx, pack_pixels(a, b))

// Unpacks of the high or low half.
LANES1(vupkhsb, kUnpackHigh8, (unpack<i8, i16>(b, true)))
LANES1(vupklsb, kUnpackLow8, (unpack<i8, i16>(b, false)))
LANES1(vupkhsh, kUnpackHigh16, (unpack<i16, i32>(b, true)))
LANES1(vupklsh, kUnpackLow16, (unpack<i16, i32>(b, false)))
LANES1(vupkhsw, kUnpackHigh32, (unpack<i32, i64>(b, true)))
LANES1(vupklsw, kUnpackLow32, (unpack<i32, i64>(b, false)))
VMX(vupkhpx, unpack_pixels(b, true))
VMX(vupklpx, unpack_pixels(b, false))

// Selects and permutations of bytes.
LANES3(vpermxor, kPermuteXor, permute_xor(a, b, c))
LANES1(vgbbd, kGatherBits, (V128{gather_bits(b.lo), gather_bits(b.hi)}))
LANES(vbpermq, kBitPermute, (V128{0, bit_permute_quad(a, b)}))
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

/// VRT <- 5-bit number, sign-extended, in each element of a `repeat`.
void splat_number(Builder& b, Insn i, u64 each, u64 repeat) {
    const Value v = b.imm((static_cast<u64>(sign_extend(i.ra(), 5)) & each) * repeat);
    b.set_vsr(32 + i.rt(), b.make_v128(v, v));
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

void vspltisb(Builder& b, Insn i) { splat_number(b, i, 0xff, 0x0101010101010101); }
void vspltish(Builder& b, Insn i) { splat_number(b, i, 0xffff, 0x0001000100010001); }
void vspltisw(Builder& b, Insn i) { splat_number(b, i, 0xffffffff, 0x0000000100000001); }
void vsldoi(Builder& b, Insn i) {
    b.set_vsr(32 + i.rt(), shift_pair(b, b.vsr(32 + i.ra()), b.vsr(32 + i.rb()), i.rc_field() & 15));
}

void vsel(Builder& b, Insn i) {
    b.set_vsr(32 + i.rt(), select(b, b.vsr(32 + i.ra()), b.vsr(32 + i.rb()), b.vsr(32 + i.rc_field())));
}
void vperm(Builder& b, Insn i) {
    b.set_vsr(32 + i.rt(), permuted(b, b.vsr(32 + i.ra()), b.vsr(32 + i.rb()), b.vsr(32 + i.rc_field()), false));
}
void vpermr(Builder& b, Insn i) {
    b.set_vsr(32 + i.rt(), permuted(b, b.vsr(32 + i.ra()), b.vsr(32 + i.rb()), b.vsr(32 + i.rc_field()), true));
}

void vand(Builder& b, Insn i) { logic(b, ir::Lanes::kAnd, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void vandc(Builder& b, Insn i) { logic(b, ir::Lanes::kAndNot, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void vor(Builder& b, Insn i) { logic(b, ir::Lanes::kOr, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void vxor(Builder& b, Insn i) { logic(b, ir::Lanes::kXor, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void vnor(Builder& b, Insn i) { logic(b, ir::Lanes::kNor, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void vorc(Builder& b, Insn i) { logic(b, ir::Lanes::kOrNot, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void vnand(Builder& b, Insn i) { logic(b, ir::Lanes::kNand, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }
void veqv(Builder& b, Insn i) { logic(b, ir::Lanes::kEqv, 32 + i.rt(), 32 + i.ra(), 32 + i.rb()); }

}  // namespace mpower::jit::isa::sem
