// Vector integer arithmetic, shifts, counts (Power ISA, Book I 6.9).
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

u128 carry_out(u128 a, u128 b, u128 carry) {
    const u128 partial = a + b;
    return (partial < a) | (partial + carry < partial);
}

/// Rotate left, then under a mask: all three in VRB's element. insert: the other bits stay as in `old`.
template <class T>
V128 rotate_mask(V128 a, V128 b, V128 old, bool insert) {
    const auto x = lanes<T>(a), y = lanes<T>(b);
    auto r = lanes<T>(old);
    constexpr unsigned kBits = 8 * sizeof(T), kField = kBits - 1;
    for (std::size_t n = 0; n < r.size(); ++n) {
        const unsigned shift = y[n] & kField, end = y[n] >> 8 & kField, begin = y[n] >> 16 & kField;
        const T from = static_cast<T>(~T{0}) >> begin, to = static_cast<T>(static_cast<T>(~T{0}) << (kField - end));
        const T mask = begin <= end ? from & to : from | to;
        r[n] = static_cast<T>((std::rotl(x[n], static_cast<int>(shift)) & mask) | (insert ? r[n] & ~mask : 0));
    }
    return of_lanes<T>(r);
}

/// Each byte shifted by VRB's low three bits of that byte, filled from its neighbour.
V128 shift_variable(V128 a, V128 b, bool left) {
    const auto x = elements<u8>(a), y = elements<u8>(b);
    Elements<u8> r;
    for (std::size_t n = 0; n < 16; ++n) {
        const unsigned shift = y[n] & 7;
        if (left) {
            const unsigned pair = x[n] << 8 | (n < 15 ? x[n + 1] : 0);
            r[n] = static_cast<u8>(pair << shift >> 8);
        } else {
            const unsigned pair = (n > 0 ? x[n - 1] << 8 : 0) | x[n];
            r[n] = static_cast<u8>(pair >> shift);
        }
    }
    return vector<u8>(r);
}

}  // namespace

// Modulo and saturating sums and differences.
LANES(vaddubm, kAdd8, map<u8>(a, b, [&](u8 x, u8 y) { return x + y; }))
LANES(vsububm, kSub8, map<u8>(a, b, [&](u8 x, u8 y) { return x - y; }))
LANES(vadduhm, kAdd16, map<u16>(a, b, [&](u16 x, u16 y) { return x + y; }))
LANES(vsubuhm, kSub16, map<u16>(a, b, [&](u16 x, u16 y) { return x - y; }))
LANES(vadduwm, kAdd32, map<u32>(a, b, [&](u32 x, u32 y) { return x + y; }))
LANES(vsubuwm, kSub32, map<u32>(a, b, [&](u32 x, u32 y) { return x - y; }))
LANES(vaddudm, kAdd64, map<u64>(a, b, [&](u64 x, u64 y) { return x + y; }))
LANES(vsubudm, kSub64, map<u64>(a, b, [&](u64 x, u64 y) { return x - y; }))
VMX(vaddubs, map<u8>(a, b, [&](u8 x, u8 y) { return saturate<u8>(s, i64{x} + i64{y}); }))
VMX(vsububs, map<u8>(a, b, [&](u8 x, u8 y) { return saturate<u8>(s, i64{x} - i64{y}); }))
VMX(vadduhs, map<u16>(a, b, [&](u16 x, u16 y) { return saturate<u16>(s, i64{x} + i64{y}); }))
VMX(vsubuhs, map<u16>(a, b, [&](u16 x, u16 y) { return saturate<u16>(s, i64{x} - i64{y}); }))
VMX(vadduws, map<u32>(a, b, [&](u32 x, u32 y) { return saturate<u32>(s, i64{x} + i64{y}); }))
VMX(vsubuws, map<u32>(a, b, [&](u32 x, u32 y) { return saturate<u32>(s, i64{x} - i64{y}); }))
VMX(vaddsbs, map<i8>(a, b, [&](i8 x, i8 y) { return saturate<i8>(s, i64{x} + i64{y}); }))
VMX(vsubsbs, map<i8>(a, b, [&](i8 x, i8 y) { return saturate<i8>(s, i64{x} - i64{y}); }))
VMX(vaddshs, map<i16>(a, b, [&](i16 x, i16 y) { return saturate<i16>(s, i64{x} + i64{y}); }))
VMX(vsubshs, map<i16>(a, b, [&](i16 x, i16 y) { return saturate<i16>(s, i64{x} - i64{y}); }))
VMX(vaddsws, map<i32>(a, b, [&](i32 x, i32 y) { return saturate<i32>(s, i64{x} + i64{y}); }))
VMX(vsubsws, map<i32>(a, b, [&](i32 x, i32 y) { return saturate<i32>(s, i64{x} - i64{y}); }))
VMX(vaddcuw, map<u32>(a, b, [&](u32 x, u32 y) { return (u64{x} + y) >> 32; }))
VMX(vsubcuw, map<u32>(a, b, [&](u32 x, u32 y) { return x >= y; }))

// Quadword sums; the carry forms give the carry out of the quadword.
VMX(vadduqm, vector_of(whole(a) + whole(b)))
VMX(vsubuqm, vector_of(whole(a) - whole(b)))
VMX(vaddcuq, vector_of(carry_out(whole(a), whole(b), 0)))
VMX(vsubcuq, vector_of(carry_out(whole(a), ~whole(b), 1)))
VMX4(vaddeuqm, vector_of(whole(a) + whole(b) + (c.lo & 1)))
VMX4(vaddecuq, vector_of(carry_out(whole(a), whole(b), c.lo & 1)))
VMX4(vsubeuqm, vector_of(whole(a) + ~whole(b) + (c.lo & 1)))
VMX4(vsubecuq, vector_of(carry_out(whole(a), ~whole(b), c.lo & 1)))

// Maximum, minimum, average, absolute difference, negation.
LANES(vmaxub, kMaxU8, map<u8>(a, b, [&](u8 x, u8 y) { return x > y ? x : y; }))
LANES(vminub, kMinU8, map<u8>(a, b, [&](u8 x, u8 y) { return x < y ? x : y; }))
LANES(vmaxuh, kMaxU16, map<u16>(a, b, [&](u16 x, u16 y) { return x > y ? x : y; }))
LANES(vminuh, kMinU16, map<u16>(a, b, [&](u16 x, u16 y) { return x < y ? x : y; }))
LANES(vmaxuw, kMaxU32, map<u32>(a, b, [&](u32 x, u32 y) { return x > y ? x : y; }))
LANES(vminuw, kMinU32, map<u32>(a, b, [&](u32 x, u32 y) { return x < y ? x : y; }))
LANES(vmaxud, kMaxU64, map<u64>(a, b, [&](u64 x, u64 y) { return x > y ? x : y; }))
LANES(vminud, kMinU64, map<u64>(a, b, [&](u64 x, u64 y) { return x < y ? x : y; }))
LANES(vmaxsb, kMaxS8, map<i8>(a, b, [&](i8 x, i8 y) { return x > y ? x : y; }))
LANES(vminsb, kMinS8, map<i8>(a, b, [&](i8 x, i8 y) { return x < y ? x : y; }))
LANES(vmaxsh, kMaxS16, map<i16>(a, b, [&](i16 x, i16 y) { return x > y ? x : y; }))
LANES(vminsh, kMinS16, map<i16>(a, b, [&](i16 x, i16 y) { return x < y ? x : y; }))
LANES(vmaxsw, kMaxS32, map<i32>(a, b, [&](i32 x, i32 y) { return x > y ? x : y; }))
LANES(vminsw, kMinS32, map<i32>(a, b, [&](i32 x, i32 y) { return x < y ? x : y; }))
LANES(vmaxsd, kMaxS64, map<i64>(a, b, [&](i64 x, i64 y) { return x > y ? x : y; }))
LANES(vminsd, kMinS64, map<i64>(a, b, [&](i64 x, i64 y) { return x < y ? x : y; }))
LANES(vavgub, kAverageU8, map<u8>(a, b, [&](u8 x, u8 y) { return (i64{x} + i64{y} + 1) >> 1; }))
LANES(vavguh, kAverageU16, map<u16>(a, b, [&](u16 x, u16 y) { return (i64{x} + i64{y} + 1) >> 1; }))
VMX(vavguw, map<u32>(a, b, [&](u32 x, u32 y) { return (i64{x} + i64{y} + 1) >> 1; }))
VMX(vavgsb, map<i8>(a, b, [&](i8 x, i8 y) { return (i64{x} + i64{y} + 1) >> 1; }))
VMX(vavgsh, map<i16>(a, b, [&](i16 x, i16 y) { return (i64{x} + i64{y} + 1) >> 1; }))
VMX(vavgsw, map<i32>(a, b, [&](i32 x, i32 y) { return (i64{x} + i64{y} + 1) >> 1; }))
LANES(vabsdub, kDifferenceU8, map<u8>(a, b, [&](u8 x, u8 y) { return x > y ? x - y : y - x; }))
LANES(vabsduh, kDifferenceU16, map<u16>(a, b, [&](u16 x, u16 y) { return x > y ? x - y : y - x; }))
LANES(vabsduw, kDifferenceU32, map<u32>(a, b, [&](u32 x, u32 y) { return x > y ? x - y : y - x; }))
LANES1(vnegw, kNegate32, map<u32>(b, [&](u32 x) { return 0 - x; }))
LANES1(vnegd, kNegate64, map<u64>(b, [&](u64 x) { return 0 - x; }))

// Rotates and shifts of each element by the element of VRB.
VMX(vrlb, map<u8>(a, b, [&](u8 x, u8 y) { return std::rotl(x, static_cast<int>(y % (8 * sizeof x))); }))
VMX(vrlh, map<u16>(a, b, [&](u16 x, u16 y) { return std::rotl(x, static_cast<int>(y % (8 * sizeof x))); }))
LANES(vrlw, kRotate32, map<u32>(a, b, [&](u32 x, u32 y) { return std::rotl(x, static_cast<int>(y % (8 * sizeof x))); }))
LANES(vrld, kRotate64, map<u64>(a, b, [&](u64 x, u64 y) { return std::rotl(x, static_cast<int>(y % 64)); }))
LANES(vslb, kShiftLeft8, map<u8>(a, b, [&](u8 x, u8 y) { return x << (y & 7); }))
LANES(vsrb, kShiftRight8, map<u8>(a, b, [&](u8 x, u8 y) { return x >> (y & 7); }))
LANES(vsrab, kShiftRightS8, map<i8>(a, b, [&](i8 x, i8 y) { return x >> (y & 7); }))
LANES(vslh, kShiftLeft16, map<u16>(a, b, [&](u16 x, u16 y) { return x << (y & 15); }))
LANES(vsrh, kShiftRight16, map<u16>(a, b, [&](u16 x, u16 y) { return x >> (y & 15); }))
LANES(vsrah, kShiftRightS16, map<i16>(a, b, [&](i16 x, i16 y) { return x >> (y & 15); }))
LANES(vslw, kShiftLeft32, map<u32>(a, b, [&](u32 x, u32 y) { return x << (y & 31); }))
LANES(vsrw, kShiftRight32, map<u32>(a, b, [&](u32 x, u32 y) { return x >> (y & 31); }))
LANES(vsraw, kShiftRightS32, map<i32>(a, b, [&](i32 x, i32 y) { return x >> (y & 31); }))
LANES(vsld, kShiftLeft64, map<u64>(a, b, [&](u64 x, u64 y) { return x << (y & 63); }))
LANES(vsrd, kShiftRight64, map<u64>(a, b, [&](u64 x, u64 y) { return x >> (y & 63); }))
LANES(vsrad, kShiftRightS64, map<i64>(a, b, [&](i64 x, i64 y) { return x >> (y & 63); }))
VMX(vrlwmi, (rotate_mask<u32>(a, b, vr(s, i.rt()), true)))
VMX(vrlwnm, (rotate_mask<u32>(a, b, V128{}, false)))
VMX(vrldmi, (rotate_mask<u64>(a, b, vr(s, i.rt()), true)))
VMX(vrldnm, (rotate_mask<u64>(a, b, V128{}, false)))

// Shifts of the whole register: by bits (VRB[125:127]), by octets (VRB[121:124]); of each byte with its neighbour.
LANES(vsl, kWholeLeft, vector_of(whole(a) << (b.lo & 7)))
LANES(vsr, kWholeRight, vector_of(whole(a) >> (b.lo & 7)))
LANES(vslo, kBytesLeft, vector_of(whole(a) << (b.lo & 0x78)))
LANES(vsro, kBytesRight, vector_of(whole(a) >> (b.lo & 0x78)))
VMX(vslv, (shift_variable(a, b, true)))
VMX(vsrv, (shift_variable(a, b, false)))

// Counts.
VMX(vclzb, map<u8>(b, [&](u8 x) { return std::countl_zero(x); }))
LANES1(vpopcntb, kPopulation8, map<u8>(b, [&](u8 x) { return std::popcount(x); }))
VMX(vclzh, map<u16>(b, [&](u16 x) { return std::countl_zero(x); }))
LANES1(vpopcnth, kPopulation16, map<u16>(b, [&](u16 x) { return std::popcount(x); }))
LANES1(vclzw, kLeadingZeros32, map<u32>(b, [&](u32 x) { return std::countl_zero(x); }))
LANES1(vpopcntw, kPopulation32, map<u32>(b, [&](u32 x) { return std::popcount(x); }))
LANES1(vclzd, kLeadingZeros64, map<u64>(b, [&](u64 x) { return std::countl_zero(x); }))
LANES1(vpopcntd, kPopulation64, map<u64>(b, [&](u64 x) { return std::popcount(x); }))
VMX(vctzb, map<u8>(b, [&](u8 x) { return std::countr_zero(x); }))
VMX(vctzh, map<u16>(b, [&](u16 x) { return std::countr_zero(x); }))
VMX(vctzw, map<u32>(b, [&](u32 x) { return std::countr_zero(x); }))
VMX(vctzd, map<u64>(b, [&](u64 x) { return std::countr_zero(x); }))
VMX(vprtybw, map<u32>(b, [&](u32 x) { return std::popcount(x & 0x01010101u) & 1; }))
VMX(vprtybd, map<u64>(b, [&](u64 x) { return std::popcount(x & 0x0101010101010101u) & 1; }))
VMX(vprtybq, (V128{static_cast<u64>(std::popcount((b.hi ^ b.lo) & 0x0101010101010101u) & 1), 0}))
LANES1(vextsb2w, kExtend8to32, map<u32>(b, [&](u32 x) { return static_cast<i8>(x); }))
LANES1(vextsh2w, kExtend16to32, map<u32>(b, [&](u32 x) { return static_cast<i16>(x); }))
LANES1(vextsb2d, kExtend8to64, map<u64>(b, [&](u64 x) { return static_cast<i8>(x); }))
LANES1(vextsh2d, kExtend16to64, map<u64>(b, [&](u64 x) { return static_cast<i16>(x); }))
LANES1(vextsw2d, kExtend32to64, map<u64>(b, [&](u64 x) { return static_cast<i32>(x); }))

}  // namespace mpower::jit::isa::sem
