// Vector lanes: what the definitions of the vector facility are written with. A lane-wise operation does not care about
// the order of elements; the others take and give elements in the ISA's order, 0 leftmost.
#pragma once

#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "jit/ir/builder.h"
#include "jit/isa/insn.h"

namespace mpower::jit::vmx {

using isa::Insn;

inline V128& vr(CpuState& s, u32 n) { return s.vsr[32 + n]; }

template <class T>
using Elements = std::array<T, 16 / sizeof(T)>;

/// Elements in host order, which is the ISA's from right to left.
template <class T>
Elements<T> lanes(V128 v) {
    return std::bit_cast<Elements<T>>(v);
}

template <class T>
V128 of_lanes(const Elements<T>& lanes) {
    return std::bit_cast<V128>(lanes);
}

/// Elements in the ISA's order.

template <class T>
Elements<T> elements(V128 v) {
    const auto host = lanes<T>(v);
    Elements<T> out;
    for (std::size_t i = 0; i < host.size(); ++i) out[i] = host[host.size() - 1 - i];
    return out;
}

template <class T>
V128 vector(const Elements<T>& e) {
    Elements<T> host;
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = e[host.size() - 1 - i];
    return of_lanes<T>(host);
}

/// f of each pair of lanes.
template <class T, class F>
V128 map(V128 a, V128 b, F f) {
    auto x = lanes<T>(a);
    const auto y = lanes<T>(b);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(f(x[i], y[i]));
    return of_lanes<T>(x);
}

template <class T, class F>
V128 map(V128 a, F f) {
    return map<T>(a, a, [&](T x, T) { return f(x); });
}

inline u128 whole(V128 v) { return u128{v.hi} << 64 | v.lo; }
inline V128 vector_of(u128 v) { return {static_cast<u64>(v), static_cast<u64>(v >> 64)}; }

/// `wide` cut to what T holds; remembers in VSCR[SAT] that it was.
template <class T, class Wide>
T saturate(CpuState& s, Wide wide) {
    using Limits = std::numeric_limits<T>;
    if (std::cmp_less(wide, Limits::min())) {
        s.vscr |= 1;
        return Limits::min();
    }
    if (std::cmp_greater(wide, Limits::max())) {
        s.vscr |= 1;
        return Limits::max();
    }
    return static_cast<T>(wide);
}

/// A helper of an instruction that works on the vector registers that its word names: VRT <- F(state, VRA, VRB, word).
template <auto F>
u64 run(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    vr(s, i.rt()) = F(s, vr(s, i.ra()), vr(s, i.rb()), i);
    return 0;
}

/// Four operands: VRT <- F(state, VRA, VRB, VRC, word).
template <auto F>
u64 run4(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    vr(s, i.rt()) = F(s, vr(s, i.ra()), vr(s, i.rb()), vr(s, i.rc_field()), i);
    return 0;
}

/// A comparison: all ones where F holds; with Rc, CR6 := all || 0 || none || 0.
template <auto F>
u64 compare(CpuState& s, u64 word, u64, u64) {
    const Insn i{static_cast<u32>(word)};
    const V128 r = F(s, vr(s, i.ra()), vr(s, i.rb()), i);
    vr(s, i.rt()) = r;
    if (i.bit(21)) {
        const bool all = (r.hi & r.lo) == ~u64{0}, none = (r.hi | r.lo) == 0;
        s.cr[6] = static_cast<u8>(all << 3 | none << 1);
    }
    return 0;
}

}  // namespace mpower::jit::vmx

// Definition of an instruction: VRT <- value, of a, b (and c): VRA, VRB (and VRC), or only b, and n: the VRA field.
// `op` is the value's name in jit/ir/lanes.h.
#define LANES(id, op, ...)                                                                                 \
    void id(Builder& builder, Insn insn) {                                                                 \
        constexpr auto f = []([[maybe_unused]] const V128& a, [[maybe_unused]] const V128& b, const V128&, \
                              u64) -> V128 { return __VA_ARGS__; };                                        \
        const ir::Value x = builder.vsr(32 + insn.ra()), y = builder.vsr(32 + insn.rb());                  \
        builder.set_vsr(32 + insn.rt(), builder.vector(f, ir::Lanes::op, x, y, x));                        \
    }
#define LANES1(id, op, ...)                                                                              \
    void id(Builder& builder, Insn insn) {                                                               \
        constexpr auto f = [](const V128& b, const V128&, const V128&, [[maybe_unused]] u64 n) -> V128 { \
            return __VA_ARGS__;                                                                          \
        };                                                                                               \
        const ir::Value x = builder.vsr(32 + insn.rb());                                                 \
        builder.set_vsr(32 + insn.rt(), builder.vector(f, ir::Lanes::op, x, x, x, insn.ra()));           \
    }
#define LANES3(id, op, ...)                                                                                        \
    void id(Builder& builder, Insn insn) {                                                                         \
        constexpr auto f = [](const V128& a, const V128& b, const V128& c, u64) -> V128 { return __VA_ARGS__; };   \
        builder.set_vsr(32 + insn.rt(),                                                                            \
                        builder.vector(f, ir::Lanes::op, builder.vsr(32 + insn.ra()), builder.vsr(32 + insn.rb()), \
                                       builder.vsr(32 + insn.rc_field())));                                        \
    }

// The same for what has no such name, or needs the state s: i is the instruction.
#define VMX(id, ...)                                                                                          \
    void id(Builder& builder, Insn insn) {                                                                    \
        constexpr auto f = []([[maybe_unused]] CpuState& s, [[maybe_unused]] V128 a, [[maybe_unused]] V128 b, \
                              [[maybe_unused]] Insn i) -> V128 { return __VA_ARGS__; };                       \
        builder.call(run<f>, builder.imm(insn.word));                                                         \
    }
#define VMX4(id, ...)                                                                                            \
    void id(Builder& builder, Insn insn) {                                                                       \
        constexpr auto f = []([[maybe_unused]] CpuState& s, [[maybe_unused]] V128 a, [[maybe_unused]] V128 b,    \
                              [[maybe_unused]] V128 c, [[maybe_unused]] Insn i) -> V128 { return __VA_ARGS__; }; \
        builder.call(run4<f>, builder.imm(insn.word));                                                           \
    }
