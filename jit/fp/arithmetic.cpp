#include "jit/fp/arithmetic.h"

#include <immintrin.h>

#include <bit>
#include <cmath>

namespace mpower::jit::fp {

using namespace fpscr;

namespace {

constexpr u64 kSign = u64{1} << 63, kInfinity = u64{0x7ff} << 52, kMinNormal = u64{1} << 52;
constexpr u64 kMinNormalSingle = u64{897} << 52;  // 2^-126 as a double

// MXCSR: all exceptions masked, rounding mode in bits 13-14; flags in bits 0-5.
constexpr unsigned kFlagUnderflow = 0x10, kFlagOverflow = 0x8, kFlagInexact = 0x20;

unsigned control(Mode mode) {
    constexpr unsigned kHost[] = {0x0000, 0x6000, 0x4000, 0x2000};
    return 0x1f80 | kHost[mode & 3];
}

double number(u64 x) { return std::bit_cast<double>(x); }
u64 bits(double x) { return std::bit_cast<u64>(x); }

/// Runs `operation` under a rounding mode with clear flags, and gives the flags. Operations are volatile asm, so that
/// the compiler keeps them between the two accesses of MXCSR.
template <class F>
u64 host(Mode mode, unsigned* flags, F operation) {
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(control(mode));
    const double r = operation();
    *flags = _mm_getcsr();
    _mm_setcsr(saved);
    return bits(r);
}

double host_add(double a, double b) {
    asm volatile("addsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
double host_multiply(double a, double b) {
    asm volatile("mulsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
double host_divide(double a, double b) {
    asm volatile("divsd %1, %0" : "+x"(a) : "x"(b));
    return a;
}
double host_root(double b) {
    double r;
    asm volatile("sqrtsd %1, %0" : "=x"(r) : "x"(b));
    return r;
}
double host_from_i64(i64 x) {
    double r = 0;
    asm volatile("cvtsi2sdq %1, %0" : "+x"(r) : "r"(x));
    return r;
}
float host_to_single(double x) {
    float r = 0;
    asm volatile("cvtsd2ss %1, %0" : "+x"(r) : "x"(x));
    return r;
}
// The library's fma uses the FMA unit where there is one, and honours the rounding mode where there is none. Through a
// volatile pointer, for the reason given at host().
double (*volatile library_fma)(double, double, double) = std::fma;
double host_fma(double a, double b, double c) { return library_fma(a, b, c); }

/// `exact` rounded toward zero, with its last bit 1 if anything was lost ("round to odd"): rounding that to single
/// gives the single nearest to the exact result.
Outcome narrow(u64 odd, Mode mode) {
    Outcome o;
    unsigned flags = 0, flags_to_zero = 0;
    const double x = number(odd);
    const u64 r = host(mode, &flags, [x] { return static_cast<double>(host_to_single(x)); });
    o.value = r;
    if (flags & kFlagOverflow) o.exceptions |= kOx;
    if (flags & kFlagInexact) {
        o.exceptions |= kXx;
        o.fi = true;
        const u64 cut = host(1, &flags_to_zero, [x] { return static_cast<double>(host_to_single(x)); });
        o.fr = cut != r;
        if ((odd & ~kSign) < kMinNormalSingle) o.exceptions |= kUx;
    }
    return o;
}

/// Computes `operation` for operands that are neither NaN nor an invalid combination.
template <class F>
Outcome compute(Mode mode, Precision p, F operation) {
    unsigned flags = 0, flags_to_zero = 0;
    if (p == Precision::kSingle) {
        u64 r = host(1, &flags, operation);
        if (flags & kFlagInexact) r |= 1;
        if (is_infinite(r)) return {.value = r};
        return narrow(r, mode);
    }
    Outcome o;
    o.value = host(mode, &flags, operation);
    if (flags & kFlagOverflow) o.exceptions |= kOx;
    if (flags & kFlagInexact) {
        o.exceptions |= kXx;
        o.fi = true;
        const u64 cut = host(1, &flags_to_zero, operation);
        o.fr = cut != o.value;
        if ((cut & ~kSign) < kMinNormal) o.exceptions |= kUx;  // tiny before rounding
    }
    return o;
}

Outcome invalid(u64 why) { return {.value = kDefaultNan, .exceptions = why}; }

/// The NaN that an operation on NaNs gives: the first one, quieted. Call only if there is one.
Outcome propagate(std::initializer_list<u64> operands) {
    Outcome o;
    bool found = false;
    for (const u64 x : operands) {
        if (is_signalling(x)) o.exceptions |= kVxsnan;
        if (is_nan(x) && !found) {
            o.value = quiet(x);
            found = true;
        }
    }
    return o;
}

}  // namespace

u64 fprf_of(u64 x) {
    const bool negative = is_negative(x);
    if (is_nan(x)) return u64{0x11} << kFprfShift;
    if (is_infinite(x)) return u64{negative ? 0x09u : 0x05u} << kFprfShift;
    if (is_zero(x)) return u64{negative ? 0x12u : 0x02u} << kFprfShift;
    const bool denormal = (x & kInfinity) == 0;
    return u64{(denormal ? 0x10u : 0) | (negative ? 0x08u : 0x04u)} << kFprfShift;
}

namespace {
/// NaNs of an operation whose result a single must hold lose the bits that it cannot hold.
Outcome nan_for(Outcome o, Precision p) {
    if (p == Precision::kSingle) o.value &= ~u64{0x1fffffff};
    return o;
}
}  // namespace

Outcome add(u64 a, u64 b, Mode mode, Precision p) {
    if (is_nan(a) || is_nan(b)) return nan_for(propagate({a, b}), p);
    if (is_infinite(a) && is_infinite(b) && a != b) return invalid(kVxisi);
    return compute(mode, p, [=] { return host_add(number(a), number(b)); });
}

Outcome subtract(u64 a, u64 b, Mode mode, Precision p) {
    if (is_nan(a) || is_nan(b)) return nan_for(propagate({a, b}), p);
    return add(a, b ^ kSign, mode, p);
}

Outcome multiply(u64 a, u64 b, Mode mode, Precision p) {
    if (is_nan(a) || is_nan(b)) return nan_for(propagate({a, b}), p);
    if ((is_infinite(a) && is_zero(b)) || (is_zero(a) && is_infinite(b))) return invalid(kVximz);
    return compute(mode, p, [=] { return host_multiply(number(a), number(b)); });
}

Outcome divide(u64 a, u64 b, Mode mode, Precision p) {
    if (is_nan(a) || is_nan(b)) return nan_for(propagate({a, b}), p);
    if (is_infinite(a) && is_infinite(b)) return invalid(kVxidi);
    if (is_zero(a) && is_zero(b)) return invalid(kVxzdz);
    if (is_zero(b) && !is_infinite(a)) return {.value = kInfinity | ((a ^ b) & kSign), .exceptions = kZx};
    return compute(mode, p, [=] { return host_divide(number(a), number(b)); });
}

Outcome square_root(u64 b, Mode mode, Precision p) {
    if (is_nan(b)) return nan_for(propagate({b}), p);
    if (is_negative(b) && !is_zero(b)) return invalid(kVxsqrt);
    return compute(mode, p, [=] { return host_root(number(b)); });
}

Outcome reciprocal(u64 b, Mode mode, Precision p) {
    Outcome o = divide(bits(1.0), b, mode, p);
    o.exceptions &= kZx | kVxsnan | kOx | kUx;
    o.fr = o.fi = false;
    return o;
}

Outcome reciprocal_root(u64 b, Mode mode, Precision p) {
    if (is_nan(b)) return nan_for(propagate({b}), p);
    if (is_zero(b)) return {.value = kInfinity | (b & kSign), .exceptions = kZx};
    if (is_negative(b)) return invalid(kVxsqrt);
    Outcome o = divide(bits(1.0), square_root(b, mode, Precision::kDouble).value, mode, p);
    o.exceptions = 0;
    o.fr = o.fi = false;
    return o;
}

Outcome multiply_add(u64 a, u64 c, u64 b, bool subtract, bool negate, Mode mode, Precision p) {
    // A NaN operand gives the result as it is, without the negation.
    const bool product_invalid = (is_infinite(a) && is_zero(c)) || (is_zero(a) && is_infinite(c));
    if (is_nan(a) || is_nan(b) || is_nan(c)) {
        Outcome o = nan_for(propagate({a, b, c}), p);
        if (product_invalid) o.exceptions |= kVximz;
        return o;
    }
    if (product_invalid) return invalid(kVximz);
    const u64 addend = subtract ? b ^ kSign : b;
    const bool product_infinite = is_infinite(a) || is_infinite(c);
    if (product_infinite && is_infinite(addend) && is_negative(a ^ c) != is_negative(addend)) return invalid(kVxisi);
    Outcome o = compute(mode, p, [=] { return host_fma(number(a), number(c), number(addend)); });
    if (negate) o.value ^= kSign;
    return o;
}

Outcome round_to_single(u64 b, Mode mode) {
    if (is_nan(b)) return nan_for(propagate({b}), Precision::kSingle);
    if (is_infinite(b)) return {.value = b};
    return narrow(b, mode);
}

namespace {
double integral(double x, Integral how, Mode mode) {
    if (how == Integral::kByMode) {
        constexpr Integral kModes[] = {Integral::kTiesAway, Integral::kZero, Integral::kUp, Integral::kDown};
        if ((mode & 3) != 0) return integral(x, kModes[mode & 3], mode);
        const double down = std::floor(x), rest = x - down;
        if (rest != 0.5) return rest < 0.5 ? down : down + 1;
        return std::fmod(down, 2) == 0 ? down : down + 1;
    }
    switch (how) {
        case Integral::kTiesAway: return std::round(x);
        case Integral::kZero: return std::trunc(x);
        case Integral::kUp: return std::ceil(x);
        default: return std::floor(x);
    }
}
}  // namespace

Outcome round_to_integral(u64 b, Integral how, Mode mode) {
    if (is_nan(b)) return propagate({b});
    if (is_infinite(b)) return {.value = b};
    const double r = std::copysign(integral(number(b), how, mode), number(b));
    Outcome o{.value = bits(r)};
    // Only the forms that round by FPSCR[RN] "to exact" report inexactness; the caller keeps or drops it.
    if (r != number(b)) {
        o.exceptions = kXx;
        o.fi = true;
        o.fr = std::fabs(r) > std::fabs(number(b));
    }
    return o;
}

Outcome to_integer(u64 b, unsigned width, bool is_signed, Integral how, Mode mode) {
    const u64 most = is_signed ? (u64{1} << (width - 1)) - 1 : width == 64 ? ~u64{0} : (u64{1} << width) - 1;
    const u64 least = is_signed ? ~most : 0;
    if (is_nan(b)) return {.value = least, .exceptions = kVxcvi | (is_signalling(b) ? kVxsnan : 0)};
    const double x = number(b);
    const double r = is_infinite(b) ? x : integral(x, how, mode);
    // The bounds as doubles: most + 1 is a power of two, least is one or 0.
    const double above = std::ldexp(1.0, static_cast<int>(is_signed ? width - 1 : width));
    if (r >= above) return {.value = most, .exceptions = kVxcvi};
    if (r < (is_signed ? -above : 0.0)) return {.value = least, .exceptions = kVxcvi};
    Outcome o{.value = is_signed || r < 0 ? static_cast<u64>(static_cast<i64>(r)) : static_cast<u64>(r)};
    if (r != x) {
        o.exceptions = kXx;
        o.fi = true;
        o.fr = std::fabs(r) > std::fabs(x);
    }
    return o;
}

Outcome from_integer(u64 x, bool is_signed, Mode mode, Precision p) {
    // The host converts signed numbers: one above 2^63 is halved, its lost bit kept as sticky.
    const bool halve = !is_signed && x >> 63;
    const i64 v = static_cast<i64>(halve ? x >> 1 | (x & 1) : x);
    return compute(mode, p, [=] {
        const double r = host_from_i64(v);
        return halve ? host_add(r, r) : r;
    });
}

u64 double_of_single(u32 x) {
    const u64 sign = u64{x >> 31} << 63;
    const u32 exponent = x >> 23 & 0xff;
    u64 fraction = x & 0x7fffff;
    if (exponent == 0xff) return sign | kInfinity | fraction << 29;
    if (exponent != 0) return sign | u64{exponent + 896} << 52 | fraction << 29;
    if (fraction == 0) return sign;
    const int shift = std::countl_zero(static_cast<u32>(fraction)) - 8;
    fraction = (fraction << shift) & 0x7fffff;
    return sign | static_cast<u64>(897 - shift) << 52 | fraction << 29;
}

u32 single_of_double(u64 x) {
    const u32 sign = static_cast<u32>(x >> 63) << 31;
    const u64 exponent = x >> 52 & 0x7ff;
    if (exponent > 896 || (x & ~kSign) == 0) return sign | static_cast<u32>((x >> 32) & 0x40000000) | static_cast<u32>((x >> 29) & 0x3fffffff);
    if (exponent < 874) return sign;  // undefined by the ISA: a double too small for a single
    const u64 fraction = (x & (kMinNormal - 1)) | kMinNormal;
    return sign | static_cast<u32>(fraction >> (29 + 897 - exponent));
}

namespace {
int exponent_of(u64 x) { return static_cast<int>(x >> 52 & 0x7ff) - 1023; }
bool is_denormal(u64 x) { return (x & kInfinity) == 0 && !is_zero(x); }
}  // namespace

u8 test_for_divide(u64 a, u64 b) {
    const int ea = exponent_of(a), eb = exponent_of(b);
    const bool fg = is_infinite(a) || is_infinite(b) || is_zero(b) || is_denormal(b);
    const bool fe = is_nan(a) || is_nan(b) || is_infinite(a) || is_infinite(b) || is_zero(b) || eb <= -1022 || eb >= 1021 ||
                    (!is_zero(a) && (ea - eb >= 1023 || ea - eb <= -1021 || ea <= -970));
    return static_cast<u8>(8 | fg << 2 | fe << 1);
}

u8 test_for_root(u64 b) {
    const bool fg = is_infinite(b) || is_zero(b) || is_denormal(b);
    const bool fe = is_nan(b) || is_infinite(b) || is_zero(b) || is_negative(b) || exponent_of(b) <= -970;
    return static_cast<u8>(8 | fg << 2 | fe << 1);
}

namespace {
/// Unbiased exponent of a single, and whether it is a denormal.
int exponent_of_single(u32 x) { return static_cast<int>(x >> 23 & 0xff) - 127; }
bool is_denormal_single(u32 x) { return (x & 0x7f800000) == 0 && (x & 0x7fffff) != 0; }
}  // namespace

u8 test_single_for_divide(u32 a, u32 b) {
    const u64 da = double_of_single(a), db = double_of_single(b);
    const int ea = exponent_of_single(a), eb = exponent_of_single(b);
    const bool fg = is_infinite(da) || is_infinite(db) || is_zero(db) || is_denormal_single(b);
    const bool fe = is_nan(da) || is_nan(db) || is_infinite(da) || is_infinite(db) || is_zero(db) || eb <= -126 ||
                    eb >= 125 || (!is_zero(da) && (ea - eb >= 127 || ea - eb <= -125 || ea <= -103));
    return static_cast<u8>(8 | fg << 2 | fe << 1);
}

u8 test_single_for_root(u32 b) {
    const u64 d = double_of_single(b);
    const bool fg = is_infinite(d) || is_zero(d) || is_denormal_single(b);
    const bool fe = is_nan(d) || is_infinite(d) || is_zero(d) || is_negative(d) || exponent_of_single(b) <= -103;
    return static_cast<u8>(8 | fg << 2 | fe << 1);
}

u8 compare(u64 a, u64 b, bool ordered, u64* exceptions) {
    *exceptions = 0;
    if (is_nan(a) || is_nan(b)) {
        const bool signalling = is_signalling(a) || is_signalling(b);
        if (signalling) *exceptions |= kVxsnan;
        if (ordered) *exceptions |= kVxvc;
        return cr::kSo;
    }
    const double x = number(a), y = number(b);
    return x < y ? cr::kLt : x > y ? cr::kGt : cr::kEq;
}

}  // namespace mpower::jit::fp
