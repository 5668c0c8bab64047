// Vector single-precision floating point (Power ISA, Book I 6.10): round to nearest, no exceptions, no flags.
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

constexpr u32 kQuiet = 0x00400000, kDefaultNan = 0x7fc00000, kLeastNormal = 0x00800000, kNonJava = 0x10000;

bool is_nan(u32 x) { return (x & 0x7fffffff) > 0x7f800000; }
/// Denormals are zeros of their sign when VSCR[NJ] is set.
u32 flush(const CpuState& s, u32 x) { return (s.vscr & kNonJava) && (x & 0x7f800000) == 0 ? x & 0x80000000 : x; }
/// The result of an operation that made a NaN of no NaN operand is the default one.
u32 finish(const CpuState& s, float r) {
    const u32 x = std::bit_cast<u32>(r);
    return is_nan(x) ? kDefaultNan : flush(s, x);
}

template <class F>
V128 arithmetic(const CpuState& s, V128 a, V128 b, F f) {
    return map<u32>(a, b, [&](u32 x, u32 y) {
        if (is_nan(x)) return x | kQuiet;
        if (is_nan(y)) return y | kQuiet;
        return finish(s, f(std::bit_cast<float>(flush(s, x)), std::bit_cast<float>(flush(s, y))));
    });
}

template <class F>
V128 unary(const CpuState& s, V128 b, F f) {
    return arithmetic(s, b, b, [&](float x, float) { return f(x); });
}

/// Whether x * y + z is less than the least normal number before it is rounded: that is an underflow even if it is
/// rounded up to that number.
bool underflows(float x, float y, float z) {
    // The product is exact in double precision, and the sum together with its error.
    const double product = double{x} * y, sum = product + z, back = sum - product;
    const double error = (product - (sum - back)) + (z - back), least = std::numeric_limits<float>::min();
    return std::fabs(sum) < least || (std::fabs(sum) == least && sum * error < 0);
}

/// a * c + b, or -(a * c - b). NaN operands in the order a, b (addend), c (multiplier).
V128 multiply_add(const CpuState& s, V128 a, V128 c, V128 b, bool negative_subtract) {
    auto x = lanes<u32>(a), y = lanes<u32>(c), z = lanes<u32>(b);
    for (std::size_t n = 0; n < 4; ++n) {
        if (is_nan(x[n]))
            x[n] |= kQuiet;
        else if (is_nan(z[n]))
            x[n] = z[n] | kQuiet;
        else if (is_nan(y[n]))
            x[n] = y[n] | kQuiet;
        else {
            const float fx = std::bit_cast<float>(flush(s, x[n])), fy = std::bit_cast<float>(flush(s, y[n])),
                        fz = std::bit_cast<float>(flush(s, z[n]));
            const float addend = negative_subtract ? -fz : fz;
            u32 r = finish(s, std::fma(fx, fy, addend));
            if ((s.vscr & kNonJava) && (r & 0x7fffffff) == kLeastNormal && underflows(fx, fy, addend)) r &= 0x80000000;
            x[n] = negative_subtract && !is_nan(r) ? r ^ 0x80000000 : r;
        }
    }
    return of_lanes<u32>(x);
}

V128 extreme(const CpuState& s, V128 a, V128 b, bool maximum) {
    return arithmetic(s, a, b, [&](float x, float y) {
        // +0 is greater than -0 here.
        if (x == y) return std::signbit(x) == maximum ? y : x;
        return (x > y) == maximum ? x : y;
    });
}

float reciprocal_root(float x) { return static_cast<float>(1.0 / std::sqrt(static_cast<double>(x))); }
float power_of_two(float x) { return std::exp2(x); }
float log_two(float x) { return std::log2(x); }

template <class T>
V128 from_integer(V128 b, u32 scale) {
    return map<u32>(b, [&](u32 x) {
        return std::bit_cast<u32>(
            static_cast<float>(std::ldexp(static_cast<double>(static_cast<T>(x)), -static_cast<int>(scale))));
    });
}

/// Truncates; NaN gives 0, and whatever does not fit is saturated.
template <class T>
V128 to_integer(CpuState& s, V128 b, u32 scale) {
    return map<u32>(b, [&](u32 x) -> u32 {
        if (is_nan(x)) return 0;  // leaves SAT alone
        const double v =
            std::trunc(std::ldexp(static_cast<double>(std::bit_cast<float>(flush(s, x))), static_cast<int>(scale)));
        if (v > static_cast<double>(std::numeric_limits<T>::max())) {
            s.vscr |= 1;
            return static_cast<u32>(std::numeric_limits<T>::max());
        }
        if (v < static_cast<double>(std::numeric_limits<T>::min())) {
            s.vscr |= 1;
            return static_cast<u32>(std::numeric_limits<T>::min());
        }
        return static_cast<u32>(static_cast<T>(v));
    });
}

V128 bounds(CpuState& s, V128 a, V128 b) {
    return map<u32>(a, b, [&](u32 x, u32 y) -> u32 {
        const float fx = std::bit_cast<float>(flush(s, x)), fy = std::bit_cast<float>(flush(s, y));
        return (fx <= fy ? 0 : 0x80000000u) | (fx >= -fy ? 0 : 0x40000000u);
    });
}

#define COMPARE_FP(id, ...)                                                                               \
    void id(Builder& builder, Insn insn) {                                                                \
        constexpr auto f = [](CpuState& s, V128 a, V128 b, Insn) {                                        \
            return map<u32>(a, b, [&](u32 p, u32 q) {                                                     \
                const float x = std::bit_cast<float>(flush(s, p)), y = std::bit_cast<float>(flush(s, q)); \
                return (__VA_ARGS__) ? ~u32{0} : u32{0};                                                  \
            });                                                                                           \
        };                                                                                                \
        builder.call(compare<f>, builder.imm(insn.word));                                                 \
    }

}  // namespace

VMX(vaddfp, arithmetic(s, a, b, [](float x, float y) { return x + y; }))
VMX(vsubfp, arithmetic(s, a, b, [](float x, float y) { return x - y; }))
VMX4(vmaddfp, multiply_add(s, a, c, b, false))
VMX4(vnmsubfp, multiply_add(s, a, c, b, true))
VMX(vmaxfp, extreme(s, a, b, true))
VMX(vminfp, extreme(s, a, b, false))
VMX(vrefp, unary(s, b, [](float x) { return 1.0f / x; }))
VMX(vrsqrtefp, unary(s, b, [](float x) { return reciprocal_root(x); }))
VMX(vexptefp, unary(s, b, [](float x) { return power_of_two(x); }))
VMX(vlogefp, unary(s, b, [](float x) { return log_two(x); }))
VMX(vrfin, unary(s, b, [](float x) { return std::nearbyint(x); }))
VMX(vrfiz, unary(s, b, [](float x) { return std::trunc(x); }))
VMX(vrfip, unary(s, b, [](float x) { return std::ceil(x); }))
VMX(vrfim, unary(s, b, [](float x) { return std::floor(x); }))
VMX(vcfux, from_integer<u32>(b, i.ra()))
VMX(vcfsx, from_integer<i32>(b, i.ra()))
VMX(vctuxs, to_integer<u32>(s, b, i.ra()))
VMX(vctsxs, to_integer<i32>(s, b, i.ra()))
COMPARE_FP(vcmpeqfp, x == y)
COMPARE_FP(vcmpgefp, x >= y)
COMPARE_FP(vcmpgtfp, x > y)

namespace {
/// vcmpbfp: CR6 is 0 || 0 || all in bounds || 0.
u64 compare_bounds(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const V128 r = bounds(s, vr(s, i.ra()), vr(s, i.rb()));
    vr(s, i.rt()) = r;
    if (i.bit(21)) s.cr[6] = (r.hi | r.lo) == 0 ? 2 : 0;
    return 0;
}
}  // namespace

void vcmpbfp(Builder& b, Insn i) { b.call(compare_bounds, b.imm(i.word)); }

}  // namespace mpower::jit::isa::sem
