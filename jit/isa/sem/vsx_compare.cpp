// Vector-scalar comparisons, sign operations, format conversions, exponents (Power ISA, Book I 7.6.1).
#include "jit/fp/vsx.h"
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace fp;

namespace {

constexpr u64 kSign = u64{1} << 63, kSignSingle = 0x8000000080000000;

template <bool ordered>
u64 compare_scalar(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    u64 exceptions;
    const u8 order = compare(s.vsr[i.xa()].hi, s.vsr[i.xb()].hi, ordered, &exceptions);
    s.cr[i.bf()] = order;
    s.fpscr = (s.fpscr & ~fpscr::kFpcc) | u64{order} << fpscr::kFprfShift;
    raise(s, exceptions);
    return 0;
}

/// Bits of an order that make a comparison true.
constexpr u8 kEqual = cr::kEq, kGreater = cr::kGt, kGreaterOrEqual = cr::kGt | cr::kEq;

/// All ones in each element whose order is one of `wanted`. gt and ge are ordered comparisons: a QNaN is invalid.
template <class T, u8 wanted>
u64 compare_vector(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto a = vmx::elements<T>(s.vsr[i.xa()]), b = vmx::elements<T>(s.vsr[i.xb()]);
    vmx::Elements<T> r;
    u64 exceptions = 0;
    for (std::size_t n = 0; n < r.size(); ++n) {
        u64 here, x = a[n], y = b[n];
        if constexpr (sizeof(T) == 4) x = double_of_single(a[n]), y = double_of_single(b[n]);
        r[n] = compare(x, y, wanted != kEqual, &here) & wanted ? ~T{0} : T{0};
        exceptions |= here;
    }
    raise(s, exceptions);
    const V128 v = vmx::vector<T>(r);
    if (i.bit(21)) {
        const bool all = (v.hi & v.lo) == ~u64{0}, none = (v.hi | v.lo) == 0;
        s.cr[6] = static_cast<u8>(all << 3 | none << 1);
    }
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = v;
    return 0;
}

template <u8 wanted>
u64 compare_to_mask(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    u64 exceptions;
    const u8 order = compare(s.vsr[i.xa()].hi, s.vsr[i.xb()].hi, wanted != kEqual, &exceptions);
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = {.lo = 0, .hi = order & wanted ? ~u64{0} : 0};
    return 0;
}

u64 compare_exponents(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const u64 a = s.vsr[i.xa()].hi, b = s.vsr[i.xb()].hi;
    const u64 x = a >> 52 & 0x7ff, y = b >> 52 & 0x7ff;
    const u8 order = is_nan(a) || is_nan(b) ? cr::kSo : x < y ? cr::kLt : x > y ? cr::kGt : cr::kEq;
    s.cr[i.bf()] = order;
    s.fpscr = (s.fpscr & ~fpscr::kFpcc) | u64{order} << fpscr::kFprfShift;
    return 0;
}

/// The flags of all elements together, fg and fe.
template <class T, bool root>
u64 test_vector(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const auto a = vmx::elements<T>(s.vsr[i.xa()]), b = vmx::elements<T>(s.vsr[i.xb()]);
    u8 flags = 0;
    for (std::size_t n = 0; n < a.size(); ++n) {
        if constexpr (sizeof(T) == 4) flags |= root ? test_single_for_root(b[n]) : test_single_for_divide(a[n], b[n]);
        else flags |= root ? test_for_root(b[n]) : test_for_divide(a[n], b[n]);
    }
    s.cr[i.bf()] = flags;
    return 0;
}
template <bool root>
u64 test_scalar(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const u64 a = s.vsr[i.xa()].hi, b = s.vsr[i.xb()].hi;
    s.cr[i.bf()] = root ? test_for_root(b) : test_for_divide(a, b);
    return 0;
}

/// Each doubleword of XB and `mask` (and XA): sign operations touch no FPSCR.
template <class F>
void each_half(Builder& b, Insn i, bool scalar, F f) {
    const Value x = b.vsr(i.xb());
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x)), scalar ? b.imm(0) : f(b.low64(x))));
}
void copy_sign(Builder& b, Insn i, bool scalar, u64 sign) {
    const Value x = b.vsr(i.xa()), y = b.vsr(i.xb());
    const auto f = [&](Value p, Value q) { return b.or_(b.and_(p, sign), b.and_(q, ~sign)); };
    b.set_vsr(i.xt(), b.make_v128(f(b.high64(x), b.high64(y)), scalar ? b.imm(0) : f(b.low64(x), b.low64(y))));
}

/// Double to single in the left word of each doubleword (and the right one again).
template <bool scalar>
u64 double_to_single(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const V128 b = s.vsr[i.xb()];
    const Outcome high = round_to_single(b.hi, mode_of(s));
    const Outcome low = scalar ? Outcome{} : round_to_single(b.lo, mode_of(s));
    const auto twice = [](u64 x) { return u64{single_of_double(x)} << 32 | single_of_double(x); };
    if (scalar) {
        if (finish_scalar(s, high, false)) s.vsr[i.xt()] = {.lo = 0, .hi = twice(high.value)};
        return 0;
    }
    const u64 exceptions = high.exceptions | low.exceptions;
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = {.lo = twice(low.value), .hi = twice(high.value)};
    return 0;
}

Outcome widen(u32 x) {
    const u64 d = double_of_single(x);
    return {.value = is_nan(d) ? quiet(d) : d, .exceptions = is_signalling(d) ? fpscr::kVxsnan : 0};
}
template <bool scalar>
u64 single_to_double(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const V128 b = s.vsr[i.xb()];
    const Outcome high = widen(static_cast<u32>(b.hi >> 32));
    if (scalar) {
        if (finish_scalar(s, high, false)) s.vsr[i.xt()] = {.lo = 0, .hi = high.value};
        return 0;
    }
    const Outcome low = widen(static_cast<u32>(b.lo >> 32));
    const u64 exceptions = high.exceptions | low.exceptions;
    raise(s, exceptions);
    if (!suppressed(s, exceptions)) s.vsr[i.xt()] = {.lo = low.value, .hi = high.value};
    return 0;
}

// Without exceptions: sNaNs stay what they are.
u64 shorten(CpuState&, u64 x, u64, u64) {
    const u64 single = single_of_double(x);
    return single << 32 | single;
}
u64 lengthen(CpuState&, u64 x, u64, u64) { return double_of_single(static_cast<u32>(x >> 32)); }

/// CR[BF] <- sign || 0 || matches DCMX || 0 (Book I, "Test Data Class").
template <bool single>
u64 test_class(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const u64 x = s.vsr[i.xb()].hi;
    const u32 wanted = i.field(9, 15);
    const bool negative = is_negative(x);
    const u64 exponent = x >> 52 & 0x7ff;
    const bool denormal = !is_zero(x) && (exponent == 0 || (single && exponent > 0 && exponent < 0x381));
    bool match = (wanted & 0x40) && is_nan(x);
    match |= is_infinite(x) && (wanted & (negative ? 0x10 : 0x20));
    match |= is_zero(x) && (wanted & (negative ? 4 : 8));
    match |= denormal && (wanted & (negative ? 1 : 2));
    const bool not_single = single && !is_nan(x) && double_of_single(single_of_double(x)) != x;
    const u8 field = static_cast<u8>(negative << 3 | match << 1 | not_single);
    s.cr[i.bf()] = field;
    s.fpscr = (s.fpscr & ~fpscr::kFpcc) | u64{field} << fpscr::kFprfShift;
    return 0;
}

template <class T>
u64 significand(T x) {
    constexpr unsigned kBits = sizeof(T) == 8 ? 52 : 23, kExponents = sizeof(T) == 8 ? 0x7ff : 0xff;
    const u64 exponent = x >> kBits & kExponents;
    const bool implicit = exponent != 0 && exponent != kExponents;
    return (x & ((u64{1} << kBits) - 1)) | u64{implicit} << kBits;
}
template <class T, bool exponent>
u64 extract_parts(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    s.vsr[i.xt()] = vmx::map<T>(s.vsr[i.xb()], [](T x) {
        return exponent ? x >> (sizeof(T) == 8 ? 52 : 23) & (sizeof(T) == 8 ? 0x7ff : 0xff) : significand(x);
    });
    return 0;
}
u64 significand_double(CpuState&, u64 x, u64, u64) { return significand(x); }

}  // namespace

void xscmpudp(Builder& b, Insn i) { call_fp(b, compare_scalar<false>, i.word); }
void xscmpodp(Builder& b, Insn i) { call_fp(b, compare_scalar<true>, i.word); }
void xscmpexpdp(Builder& b, Insn i) { b.call(compare_exponents, b.imm(i.word)); }
void xvcmpeqsp(Builder& b, Insn i) { call_fp(b, compare_vector<u32, kEqual>, i.word); }
void xvcmpgtsp(Builder& b, Insn i) { call_fp(b, compare_vector<u32, kGreater>, i.word); }
void xvcmpgesp(Builder& b, Insn i) { call_fp(b, compare_vector<u32, kGreaterOrEqual>, i.word); }
void xvcmpeqdp(Builder& b, Insn i) { call_fp(b, compare_vector<u64, kEqual>, i.word); }
void xvcmpgtdp(Builder& b, Insn i) { call_fp(b, compare_vector<u64, kGreater>, i.word); }
void xvcmpgedp(Builder& b, Insn i) { call_fp(b, compare_vector<u64, kGreaterOrEqual>, i.word); }
void xscmpeqdp(Builder& b, Insn i) { call_fp(b, compare_to_mask<kEqual>, i.word); }
void xscmpgtdp(Builder& b, Insn i) { call_fp(b, compare_to_mask<kGreater>, i.word); }
void xscmpgedp(Builder& b, Insn i) { call_fp(b, compare_to_mask<kGreaterOrEqual>, i.word); }

void xstdivdp(Builder& b, Insn i) { b.call(test_scalar<false>, b.imm(i.word)); }
void xstsqrtdp(Builder& b, Insn i) { b.call(test_scalar<true>, b.imm(i.word)); }
void xvtdivdp(Builder& b, Insn i) { b.call(test_vector<u64, false>, b.imm(i.word)); }
void xvtsqrtdp(Builder& b, Insn i) { b.call(test_vector<u64, true>, b.imm(i.word)); }
void xvtdivsp(Builder& b, Insn i) { b.call(test_vector<u32, false>, b.imm(i.word)); }
void xvtsqrtsp(Builder& b, Insn i) { b.call(test_vector<u32, true>, b.imm(i.word)); }

void xsabsdp(Builder& b, Insn i) { each_half(b, i, true, [&](Value x) { return b.and_(x, ~kSign); }); }
void xsnabsdp(Builder& b, Insn i) { each_half(b, i, true, [&](Value x) { return b.or_(x, b.imm(kSign)); }); }
void xsnegdp(Builder& b, Insn i) { each_half(b, i, true, [&](Value x) { return b.xor_(x, b.imm(kSign)); }); }
void xvabsdp(Builder& b, Insn i) { each_half(b, i, false, [&](Value x) { return b.and_(x, ~kSign); }); }
void xvnabsdp(Builder& b, Insn i) { each_half(b, i, false, [&](Value x) { return b.or_(x, b.imm(kSign)); }); }
void xvnegdp(Builder& b, Insn i) { each_half(b, i, false, [&](Value x) { return b.xor_(x, b.imm(kSign)); }); }
void xvabssp(Builder& b, Insn i) { each_half(b, i, false, [&](Value x) { return b.and_(x, ~kSignSingle); }); }
void xvnabssp(Builder& b, Insn i) { each_half(b, i, false, [&](Value x) { return b.or_(x, b.imm(kSignSingle)); }); }
void xvnegsp(Builder& b, Insn i) { each_half(b, i, false, [&](Value x) { return b.xor_(x, b.imm(kSignSingle)); }); }
void xscpsgndp(Builder& b, Insn i) { copy_sign(b, i, true, kSign); }
void xvcpsgndp(Builder& b, Insn i) { copy_sign(b, i, false, kSign); }
void xvcpsgnsp(Builder& b, Insn i) { copy_sign(b, i, false, kSignSingle); }

void xscvdpsp(Builder& b, Insn i) { call_fp(b, double_to_single<true>, i.word); }
void xvcvdpsp(Builder& b, Insn i) { call_fp(b, double_to_single<false>, i.word); }
void xscvspdp(Builder& b, Insn i) { call_fp(b, single_to_double<true>, i.word); }
void xvcvspdp(Builder& b, Insn i) { call_fp(b, single_to_double<false>, i.word); }
void xscvdpspn(Builder& b, Insn i) { b.set_vsr(i.xt(), b.make_v128(b.call(shorten, b.high64(b.vsr(i.xb()))), b.imm(0))); }
void xscvspdpn(Builder& b, Insn i) { b.set_vsr(i.xt(), b.make_v128(b.call(lengthen, b.high64(b.vsr(i.xb()))), b.imm(0))); }

void xststdcdp(Builder& b, Insn i) { b.call(test_class<false>, b.imm(i.word)); }
void xststdcsp(Builder& b, Insn i) { b.call(test_class<true>, b.imm(i.word)); }

// Exponents and significands.
void xsxexpdp(Builder& b, Insn i) { b.set_gpr(i.rt(), b.and_(b.shr(b.high64(b.vsr(i.xb())), 52), 0x7ff)); }
void xsxsigdp(Builder& b, Insn i) { b.set_gpr(i.rt(), b.call(significand_double, b.high64(b.vsr(i.xb())))); }
void xsiexpdp(Builder& b, Insn i) {
    const Value exponent = b.shl(b.and_(b.gpr(i.rb()), 0x7ff), 52);
    const u64 rest = ~(u64{0x7ff} << 52);
    b.set_vsr(i.xt(), b.make_v128(b.or_(b.and_(b.gpr(i.ra()), rest), exponent), b.imm(0)));
}
void xvxexpdp(Builder& b, Insn i) { b.call(extract_parts<u64, true>, b.imm(i.word)); }
void xvxsigdp(Builder& b, Insn i) { b.call(extract_parts<u64, false>, b.imm(i.word)); }
void xvxexpsp(Builder& b, Insn i) { b.call(extract_parts<u32, true>, b.imm(i.word)); }
void xvxsigsp(Builder& b, Insn i) { b.call(extract_parts<u32, false>, b.imm(i.word)); }
namespace {
template <class T>
u64 insert_exponents(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    constexpr unsigned kBits = sizeof(T) == 8 ? 52 : 23;
    constexpr T kMask = static_cast<T>((sizeof(T) == 8 ? u64{0x7ff} : u64{0xff}) << kBits);
    s.vsr[i.xt()] = vmx::map<T>(s.vsr[i.xa()], s.vsr[i.xb()], [](T a, T b) { return (a & ~kMask) | (b << kBits & kMask); });
    return 0;
}
}  // namespace
void xviexpdp(Builder& b, Insn i) { b.call(insert_exponents<u64>, b.imm(i.word)); }
void xviexpsp(Builder& b, Insn i) { b.call(insert_exponents<u32>, b.imm(i.word)); }

}  // namespace mpower::jit::isa::sem
