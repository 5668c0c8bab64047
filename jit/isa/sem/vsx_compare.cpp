// VSX comparisons, tests for software divide and square root, data class tests (Power ISA, Book I 7.6).
#include "jit/fp/compare.h"
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using fp::Context;
using fp::Double;
using fp::Quad;
using fp::Regs;
using fp::Single;
using ir::Builder;
using ir::Value;

namespace {

template <class F>
u64 compare_helper(CpuState& s, u64 regs, u64 ordered, u64) {
    using Bits = typename F::Bits;
    const Regs r = Regs::of(regs);
    Context c(s);
    const u8 nibble =
        fp::compare_raising<F>(c, fp::scalar_in<Bits>(s.vsr[r.a]), fp::scalar_in<Bits>(s.vsr[r.b]), ordered != 0);
    fp::raise_exceptions(s, c.raised);
    fp::set_fpcc(s, nibble);
    return nibble;
}
/// CR[BF] and FPCC <- XA compared with XB
template <class F>
void compare(Builder& b, Insn i, Regs r, bool ordered) {
    if constexpr (std::is_same_v<F, Double>) {
        b.set_cr(i.bf(), b.floating(ir::Op::kFloatCompare, compare_helper<F>,
                                    {.ordered = ordered, .regs = static_cast<u32>(r.packed())}));
    } else {
        b.set_cr(i.bf(), b.call(compare_helper<F>, b.imm(r.packed()), b.imm(ordered)));
    }
    fp::after(b);
}
Regs operands(Insn i) { return {.t = i.xt(), .a = i.xa(), .b = i.xb()}; }
Regs quad_operands(Insn i) { return {.t = 32 + i.rt(), .a = 32 + i.ra(), .b = 32 + i.rb()}; }

/// Comparison of biased exponents only: a NaN is unordered.
template <class F>
u64 compare_exponents_helper(CpuState& s, u64 regs, u64, u64) {
    using Bits = typename F::Bits;
    const Regs r = Regs::of(regs);
    const Bits x = fp::scalar_in<Bits>(s.vsr[r.a]), y = fp::scalar_in<Bits>(s.vsr[r.b]);
    const Bits ex = x & F::kInfinity, ey = y & F::kInfinity;
    const bool nan = fp::unpack<F>(x).nan() || fp::unpack<F>(y).nan();
    const u8 nibble = nan ? cr::kSo : ex < ey ? cr::kLt : ex > ey ? cr::kGt : cr::kEq;
    fp::set_fpcc(s, nibble);
    return nibble;
}

/// All ones where the comparison's nibble has a bit of `wanted`, else zeros. Ordered unless equality is asked.
template <class F, u8 wanted>
typename F::Bits mask_of(Context& c, typename F::Bits x, typename F::Bits y) {
    using Bits = typename F::Bits;
    return fp::compare_raising<F>(c, x, y, wanted != cr::kEq) & wanted ? static_cast<Bits>(~Bits{0}) : Bits{0};
}

template <class F, u8 wanted>
u64 masks_helper(CpuState& s, u64 regs, u64 record, u64) {
    using Bits = typename F::Bits;
    const Regs r = Regs::of(regs);
    Context c(s);
    const auto x = fp::lanes<Bits>(s.vsr[r.a]), y = fp::lanes<Bits>(s.vsr[r.b]);
    fp::Lanes<Bits> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = mask_of<F, wanted>(c, x[i], y[i]);
    const V128 v = fp::from_lanes<Bits>(out);
    if (fp::finish_vector(s, c)) s.vsr[r.t] = v;
    if (record) s.cr[6] = static_cast<u8>(((v.hi & v.lo) == ~u64{0}) << 3 | ((v.hi | v.lo) == 0) << 1);
    return 0;
}
/// XT <- masks; with Rc CR6 <- all || 0 || none || 0
template <class F, u8 wanted>
void masks(Builder& b, Insn i) {
    // The fast way does not know of CR6 after a suppressed comparison.
    if (i.bit(21)) return fp::run(b, masks_helper<F, wanted>, operands(i), u64{1});
    constexpr ir::Float kOp = wanted == cr::kEq   ? ir::Float::kEqual
                              : wanted == cr::kGt ? ir::Float::kGreater
                                                  : ir::Float::kGreaterEqual;
    fp::run(b, ir::Op::kFloatVector, masks_helper<F, wanted>, {.op = kOp, .single = std::is_same_v<F, Single>},
            operands(i));
}

template <u8 wanted>
u64 scalar_mask_helper(CpuState& s, u64 regs, u64, u64) {
    const Regs r = Regs::of(regs);
    Context c(s);
    const u64 v = mask_of<Double, wanted>(c, s.vsr[r.a].hi, s.vsr[r.b].hi);
    fp::raise_exceptions(s, c.raised);
    if (!c.suppressed()) s.vsr[r.t] = {0, v};
    return 0;
}

/// CR[BF] of the tests: what holds for any element.
template <class F>
u64 test_divide_helper(CpuState& s, u64 regs, u64 scalar, u64) {
    using Bits = typename F::Bits;
    const Regs r = Regs::of(regs);
    u8 any = 0;
    for (unsigned i = 0; i < (scalar ? 1 : 16 / sizeof(Bits)); ++i) {
        any |= fp::test_divide<F>(fp::element<Bits>(s.vsr[r.a], i), fp::element<Bits>(s.vsr[r.b], i));
    }
    return any;
}
template <class F>
u64 test_root_helper(CpuState& s, u64 regs, u64 scalar, u64) {
    using Bits = typename F::Bits;
    const Regs r = Regs::of(regs);
    u8 any = 0;
    for (unsigned i = 0; i < (scalar ? 1 : 16 / sizeof(Bits)); ++i) {
        any |= fp::test_square_root<F>(fp::element<Bits>(s.vsr[r.b], i));
    }
    return any;
}
void test(Builder& b, Insn i, ir::Helper helper, bool scalar) {
    b.set_cr(i.bf(), b.call(helper, b.imm(operands(i).packed()), b.imm(scalar)));
}

/// CR[BF] and FPCC <- sign || 0 || of a class of DCMX || 0
template <class F>
u64 class_helper(CpuState& s, u64 reg, u64 dcmx, u64) {
    using Bits = typename F::Bits;
    const Bits v = fp::scalar_in<Bits>(s.vsr[reg]);
    const u8 nibble =
        static_cast<u8>(((v & F::kSign) != 0) << 3 | fp::in_data_class<F>(v, static_cast<u32>(dcmx)) << 1);
    fp::set_fpcc(s, nibble);
    return nibble;
}
/// The same as single precision: what would be denormal there counts as such; the last bit tells that the double is
/// no single.
u64 class_single_helper(CpuState& s, u64 reg, u64 dcmx, u64) {
    const u64 v = s.vsr[reg].hi;
    const u64 biased = v >> 52 & 0x7ff;
    bool match = fp::in_data_class<Double>(v, static_cast<u32>(dcmx));
    if (biased > 0 && biased < 0x381) match = dcmx >> (v >> 63 ? 0 : 1) & 1;
    const bool other = fp::widen_single(fp::narrow_single(v)) != v;
    const u8 nibble = static_cast<u8>((v >> 63) << 3 | match << 1 | other);
    fp::set_fpcc(s, nibble);
    return nibble;
}
template <class F>
u64 class_masks_helper(CpuState& s, u64 regs, u64 dcmx, u64) {
    using Bits = typename F::Bits;
    const Regs r = Regs::of(regs);
    auto v = fp::lanes<Bits>(s.vsr[r.b]);
    for (Bits& e : v) e = fp::in_data_class<F>(e, static_cast<u32>(dcmx)) ? static_cast<Bits>(~Bits{0}) : Bits{0};
    s.vsr[r.t] = fp::from_lanes<Bits>(v);
    return 0;
}
/// DCMX of the vector forms: dc || dm || dx
u64 split_dcmx(Insn i) { return u64{i.bit(25)} << 6 | u64{i.bit(29)} << 5 | i.field(11, 15); }

}  // namespace

void xscmpudp(Builder& b, Insn i) { compare<Double>(b, i, operands(i), false); }
void xscmpodp(Builder& b, Insn i) { compare<Double>(b, i, operands(i), true); }
void xscmpuqp(Builder& b, Insn i) { compare<Quad>(b, i, quad_operands(i), false); }
void xscmpoqp(Builder& b, Insn i) { compare<Quad>(b, i, quad_operands(i), true); }
void xscmpexpdp(Builder& b, Insn i) {
    b.set_cr(i.bf(), b.call(compare_exponents_helper<Double>, b.imm(operands(i).packed())));
}
void xscmpexpqp(Builder& b, Insn i) {
    b.set_cr(i.bf(), b.call(compare_exponents_helper<Quad>, b.imm(quad_operands(i).packed())));
}

void xvcmpeqdp(Builder& b, Insn i) { masks<Double, cr::kEq>(b, i); }
void xvcmpgtdp(Builder& b, Insn i) { masks<Double, cr::kGt>(b, i); }
void xvcmpgedp(Builder& b, Insn i) { masks<Double, cr::kGt | cr::kEq>(b, i); }
void xvcmpeqsp(Builder& b, Insn i) { masks<Single, cr::kEq>(b, i); }
void xvcmpgtsp(Builder& b, Insn i) { masks<Single, cr::kGt>(b, i); }
void xvcmpgesp(Builder& b, Insn i) { masks<Single, cr::kGt | cr::kEq>(b, i); }
void xscmpeqdp(Builder& b, Insn i) { fp::run(b, scalar_mask_helper<cr::kEq>, operands(i)); }
void xscmpgtdp(Builder& b, Insn i) { fp::run(b, scalar_mask_helper<cr::kGt>, operands(i)); }
void xscmpgedp(Builder& b, Insn i) { fp::run(b, scalar_mask_helper<cr::kGt | cr::kEq>, operands(i)); }

void xstdivdp(Builder& b, Insn i) { test(b, i, test_divide_helper<Double>, true); }
void xvtdivdp(Builder& b, Insn i) { test(b, i, test_divide_helper<Double>, false); }
void xvtdivsp(Builder& b, Insn i) { test(b, i, test_divide_helper<Single>, false); }
void xstsqrtdp(Builder& b, Insn i) { test(b, i, test_root_helper<Double>, true); }
void xvtsqrtdp(Builder& b, Insn i) { test(b, i, test_root_helper<Double>, false); }
void xvtsqrtsp(Builder& b, Insn i) { test(b, i, test_root_helper<Single>, false); }

void xststdcdp(Builder& b, Insn i) {
    b.set_cr(i.bf(), b.call(class_helper<Double>, b.imm(i.xb()), b.imm(i.field(9, 15))));
}
void xststdcsp(Builder& b, Insn i) {
    b.set_cr(i.bf(), b.call(class_single_helper, b.imm(i.xb()), b.imm(i.field(9, 15))));
}
void xststdcqp(Builder& b, Insn i) {
    b.set_cr(i.bf(), b.call(class_helper<Quad>, b.imm(32 + i.rb()), b.imm(i.field(9, 15))));
}
void xvtstdcdp(Builder& b, Insn i) {
    b.call(class_masks_helper<Double>, b.imm(operands(i).packed()), b.imm(split_dcmx(i)));
}
void xvtstdcsp(Builder& b, Insn i) {
    b.call(class_masks_helper<Single>, b.imm(operands(i).packed()), b.imm(split_dcmx(i)));
}

}  // namespace mpower::jit::isa::sem
