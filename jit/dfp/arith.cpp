#include "jit/dfp/arith.h"

#include <algorithm>

namespace mpower::jit::dfp {
namespace {

using namespace fp::fpscr;

/// Digits that an intermediate coefficient may have: more than any precision, and ten times it is still a u128.
constexpr int kRoom = 37;

enum class Lost : u8 { kNothing, kLess, kHalf, kMore };

Lost lost_part(u128 part, u128 unit, bool more) {
    if (part == 0) return more ? Lost::kLess : Lost::kNothing;
    const u128 half = unit / 2;
    return part > half || (part == half && more) ? Lost::kMore : part == half ? Lost::kHalf : Lost::kLess;
}

/// Whether the magnitude is rounded up.
bool rounds_up(Rounding mode, bool sign, u128 kept, Lost lost) {
    if (lost == Lost::kNothing) return false;
    switch (mode) {
        case Rounding::kNearest: return lost == Lost::kMore || (lost == Lost::kHalf && (kept & 1));
        case Rounding::kZero: return false;
        case Rounding::kUp: return !sign;
        case Rounding::kDown: return sign;
        case Rounding::kNearestAway: return lost >= Lost::kHalf;
        case Rounding::kNearestZero: return lost == Lost::kMore;
        case Rounding::kAway: return true;
        case Rounding::kShorter: return kept % 5 == 0;
    }
    __builtin_unreachable();
}

struct Integer {
    u128 value;
    bool up, inexact;
};
/// coefficient (+ something in (0, 1) if `more`) / 10^lost, rounded.
Integer cut(Rounding mode, bool sign, u128 coefficient, int lost, bool more = false) {
    u128 kept = 0;
    Lost part = coefficient == 0 && !more ? Lost::kNothing : Lost::kLess;
    if (lost < 39) {
        kept = coefficient / power(lost);
        part = lost_part(coefficient % power(lost), power(lost), more);
    }
    const bool up = rounds_up(mode, sign, kept, part);
    return {kept + up, up, part != Lost::kNothing};
}

bool becomes_infinity(Rounding mode, bool sign) {
    switch (mode) {
        case Rounding::kZero:
        case Rounding::kShorter: return false;
        case Rounding::kUp: return !sign;
        case Rounding::kDown: return sign;
        default: return true;
    }
}

/// Brings the exponent of an exact value as close to `ideal` as digits allow.
void approach(Number& n, int ideal, const Range& r) {
    if (n.coefficient == 0) n.exponent = ideal;
    while (n.exponent < ideal && n.coefficient % 10 == 0) n.coefficient /= 10, ++n.exponent;
    const int more = std::min(n.exponent - ideal, r.digits - digits_of(n.coefficient));
    if (more > 0) n.coefficient *= power(more), n.exponent -= more;
}

/// The operand that a NaN result comes from: a signalling one first (table "Actions: Add", note P).
const Number* nan_of(const Number& a, const Number& b) {
    for (const Kind kind : {Kind::kSignallingNan, Kind::kQuietNan}) {
        if (a.kind == kind) return &a;
        if (b.kind == kind) return &b;
    }
    return nullptr;
}

/// a * b as two integers of which the lower counts 34 digits.
struct Product {
    u128 high, low;
};
Product product(u128 a, u128 b) {
    constexpr u128 kHalf = power(17);
    const u128 low = (a % kHalf) * (b % kHalf);
    const u128 middle = (a / kHalf) * (b % kHalf) + (a % kHalf) * (b / kHalf) + low / kHalf;
    return {(a / kHalf) * (b / kHalf) + middle / kHalf, middle % kHalf * kHalf + low % kHalf};
}

/// The sum of finite numbers that are not both zero.
Exact sum(Number a, Number b, Rounding mode) {
    const int ideal = std::min(a.exponent, b.exponent);
    if (a.exponent < b.exponent) std::swap(a, b);
    if (a.coefficient == 0) return {b.sign, b.exponent, b.coefficient, false, ideal};
    if (b.coefficient == 0) return {a.sign, a.exponent, a.coefficient, false, ideal};
    // a goes down to b's exponent; as far as there is room, then b comes up and loses digits.
    const int up = std::min(a.exponent - b.exponent, kRoom - digits_of(a.coefficient));
    a.coefficient *= power(up), a.exponent -= up;
    const int down = a.exponent - b.exponent;
    const u128 unit = down < 39 ? power(down) : 0;
    const u128 low = unit != 0 ? b.coefficient / unit : 0;
    const bool more = unit != 0 ? b.coefficient % unit != 0 : true;
    Exact e{a.sign, a.exponent, a.coefficient + low, more, ideal};
    if (a.sign == b.sign) return e;
    if (low > a.coefficient) {  // exact: a had room for all of b
        e.sign = b.sign, e.coefficient = low - a.coefficient;
    } else {
        e.coefficient = a.coefficient - low - more;
        if (e.coefficient == 0 && !more) e.sign = mode == Rounding::kDown;
    }
    return e;
}

/// A finite b with that exponent; more digits than the precision are an invalid conversion.
Number with_exponent(Context& c, const Number& b, int exponent, const Range& r) {
    Number n{.sign = b.sign, .exponent = exponent, .coefficient = b.coefficient};
    const int lose = exponent - b.exponent;
    if (b.coefficient == 0) return n;
    if (lose <= 0) {
        if (digits_of(b.coefficient) - lose > r.digits) return invalid(c, kVxcvi);
        n.coefficient *= power(-lose);
        return n;
    }
    const Integer rounded = cut(c.mode, b.sign, b.coefficient, lose);
    n.coefficient = rounded.value;
    c.fr = rounded.up, c.fi = rounded.inexact;
    if (c.fi) c.raise(kXx);
    return n;
}

}  // namespace

Number round(Context& c, Exact e, const Range& r) {
    Number n{.sign = e.sign, .exponent = e.exponent, .coefficient = e.coefficient};
    const int digits = digits_of(e.coefficient);
    if (digits == 0 && !e.more) {
        approach(n, std::clamp(e.ideal, r.min, r.max), r);
        return n;
    }
    const bool tiny = e.exponent + digits - 1 < r.least_normal();
    int lose = std::max(0, digits - r.digits);
    if (tiny && c.ue) {
        c.wrapped = true;
        n.exponent += r.adjust, e.ideal += r.adjust;
    } else if (tiny) {
        lose = std::max(lose, r.min - e.exponent);
    }
    const Integer rounded = cut(c.mode, n.sign, e.coefficient, lose, e.more);
    n.coefficient = rounded.value, n.exponent += lose;
    if (n.coefficient == power(r.digits)) n.coefficient /= 10, ++n.exponent;
    c.fr = rounded.up, c.fi = rounded.inexact;
    if (c.fi) c.raise(kXx);
    if (tiny && (c.ue || c.fi)) c.raise(kUx);
    if (!tiny && n.exponent + digits_of(n.coefficient) - 1 > r.greatest()) {
        c.raise(kOx);
        if (!c.oe) {
            c.raise(kXx);
            c.fi = true;
            c.fr = becomes_infinity(c.mode, n.sign);
            if (c.fr) return infinity(n.sign);
            return {.sign = n.sign, .exponent = r.max, .coefficient = power(r.digits) - 1};
        }
        c.wrapped = true;
        n.exponent -= r.adjust, e.ideal -= r.adjust;
    }
    if (!c.fi) approach(n, c.wrapped ? e.ideal : std::clamp(e.ideal, r.min, r.max), r);
    return n;
}

Number quieted(Context& c, const Number& n) {
    Number q = n;
    if (n.kind == Kind::kSignallingNan) c.raise(kVxsnan);
    q.kind = Kind::kQuietNan;
    return q;
}

Number add(Context& c, const Number& a, const Number& b, const Range& r) {
    if (const Number* n = nan_of(a, b)) return quieted(c, *n);
    if (a.infinite() && b.infinite() && a.sign != b.sign) return invalid(c, kVxisi);
    if (a.infinite() || b.infinite()) return infinity(a.infinite() ? a.sign : b.sign);
    if (a.zero() && b.zero()) {
        const bool sign = a.sign == b.sign ? a.sign : c.mode == Rounding::kDown;
        return {.sign = sign, .exponent = std::min(a.exponent, b.exponent)};
    }
    return round(c, sum(a, b, c.mode), r);
}

Number subtract(Context& c, const Number& a, const Number& b, const Range& r) {
    Number minus = b;
    if (!b.nan()) minus.sign = !b.sign;
    return add(c, a, minus, r);
}

Number multiply(Context& c, const Number& a, const Number& b, const Range& r) {
    if (const Number* n = nan_of(a, b)) return quieted(c, *n);
    const bool sign = a.sign != b.sign;
    if (a.infinite() || b.infinite()) return a.zero() || b.zero() ? invalid(c, kVximz) : infinity(sign);
    const int exponent = a.exponent + b.exponent;
    const Product p = product(a.coefficient, b.coefficient);
    const int high = digits_of(p.high);
    if (high < kRoom - 34) return round(c, {sign, exponent, p.high * power(34) + p.low, false, exponent}, r);
    const int dropped = high + 34 - kRoom;  // of the lower digits
    const u128 top = p.high * power(34 - dropped) + p.low / power(dropped);
    return round(c, {sign, exponent + dropped, top, p.low % power(dropped) != 0, exponent}, r);
}

Number divide(Context& c, const Number& a, const Number& b, const Range& r) {
    if (const Number* n = nan_of(a, b)) return quieted(c, *n);
    const bool sign = a.sign != b.sign;
    if (a.infinite()) return b.infinite() ? invalid(c, kVxidi) : infinity(sign);
    if (b.infinite()) return {.sign = sign, .exponent = r.min};
    if (b.zero()) {
        if (a.zero()) return invalid(c, kVxzdz);
        c.raise(kZx);
        return infinity(sign);
    }
    const int ideal = a.exponent - b.exponent;
    int exponent = ideal;
    u128 quotient = a.coefficient / b.coefficient, rest = a.coefficient % b.coefficient;
    // A digit more than the precision is enough beside the remainder.
    for (; rest != 0 && quotient < power(34); exponent -= 3) {
        rest *= 1000;
        quotient = quotient * 1000 + rest / b.coefficient;
        rest %= b.coefficient;
    }
    return round(c, {sign, exponent, quotient, rest != 0, ideal}, r);
}

u32 compare(Context& c, const Number& a, const Number& b, bool ordered) {
    if (a.nan() || b.nan()) {
        const bool signalling = nan_of(a, b)->kind == Kind::kSignallingNan;
        if (signalling) c.raise(kVxsnan);
        if (ordered && !(signalling && c.ve)) c.raise(kVxvc);
        return cr::kSo;
    }
    if (a.zero() && b.zero()) return cr::kEq;
    const auto sign_of = [](const Number& n) { return n.zero() ? 0 : n.sign ? -1 : 1; };
    if (sign_of(a) != sign_of(b)) return sign_of(a) < sign_of(b) ? cr::kLt : cr::kGt;
    // The magnitudes, each an infinity or not zero.
    const auto first_digit = [](const Number& n) {
        return n.infinite() ? 1 << 20 : n.exponent + digits_of(n.coefficient);
    };
    int order = first_digit(a) - first_digit(b);
    if (order == 0 && !a.infinite()) {
        const int apart = a.exponent - b.exponent;  // less than a precision: their first digits stand together
        const u128 x = a.coefficient * power(std::max(apart, 0)), y = b.coefficient * power(std::max(-apart, 0));
        order = x < y ? -1 : x > y;
    }
    if (order == 0) return cr::kEq;
    return (order < 0) != a.sign ? cr::kLt : cr::kGt;
}

Number quantize(Context& c, const Number& pattern, const Number& b, const Range& r) {
    if (const Number* n = nan_of(pattern, b)) return quieted(c, *n);
    if (pattern.infinite() != b.infinite()) return invalid(c, kVxcvi);
    if (b.infinite()) return infinity(b.sign);
    return with_exponent(c, b, pattern.exponent, r);
}

Number reround(Context& c, int significance, const Number& b, const Range& r) {
    if (b.nan()) return quieted(c, b);
    if (b.infinite()) return infinity(b.sign);
    const int digits = digits_of(b.coefficient);
    if (significance == 0 || digits <= significance) return b;
    Context rounding = c;
    Number n = with_exponent(rounding, b, b.exponent + digits - significance, r);
    if (digits_of(n.coefficient) > significance) n.coefficient /= 10, ++n.exponent;
    if (n.exponent > r.max) return invalid(c, kVxcvi);
    c = rounding;
    return n;
}

Number to_integral(Context& c, const Number& b, const Range& r) {
    if (b.nan()) return quieted(c, b);
    if (b.infinite()) return infinity(b.sign);
    return b.exponent >= 0 ? b : with_exponent(c, b, 0, r);
}

i64 to_integer(Context& c, const Number& b) {
    constexpr u64 kLeast = u64{1} << 63;
    const auto saturated = [&] {
        c.raise(kVxcvi);
        c.fr = c.fi = false;
        return static_cast<i64>(b.nan() || b.sign ? kLeast : kLeast - 1);
    };
    if (b.kind == Kind::kSignallingNan) c.raise(kVxsnan);
    if (!b.finite()) return saturated();
    u128 magnitude = b.coefficient;
    if (b.exponent > 0 && magnitude != 0) {
        if (digits_of(magnitude) + b.exponent > 19) return saturated();
        magnitude *= power(b.exponent);
    } else if (b.exponent < 0) {
        const Integer rounded = cut(c.mode, b.sign, magnitude, -b.exponent);
        magnitude = rounded.value;
        c.fr = rounded.up, c.fi = rounded.inexact;
    }
    if (magnitude > kLeast - !b.sign) return saturated();
    if (c.fi) c.raise(kXx);
    return static_cast<i64>(b.sign ? -static_cast<u64>(magnitude) : static_cast<u64>(magnitude));
}

Number from_integer(Context& c, i64 v, const Range& r) {
    return round(c, {v < 0, 0, v < 0 ? -static_cast<u64>(v) : static_cast<u64>(v), false, 0}, r);
}

}  // namespace mpower::jit::dfp
