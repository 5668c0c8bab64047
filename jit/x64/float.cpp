// The compiler's floating point: the host computes, and a test of FPSCR before and of the result after decides whether
// the helper that defines the instruction would leave the same state. If not, the helper is called. jit/fp/README.md
// says why these tests are enough.
#include <algorithm>

#include "jit/fp/fpscr.h"
#include "jit/fp/soft.h"
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using asmjit::Label;
using ir::Float;
using ir::FloatForm;
using ir::Op;

namespace {

/// Round to nearest, nothing enabled; steady: the inexact exception is remembered already.
constexpr u32 kControls = static_cast<u32>(fp::fpscr::kXx | fp::fpscr::kEnables | fp::fpscr::kRn),
              kSteady = static_cast<u32>(fp::fpscr::kXx);

Mem register_in_state(u32 n) { return state(offsetof(CpuState, vsr) + sizeof(V128) * n, 16); }

Mem scalar_in_state(u32 n) { return state(offsetof(CpuState, vsr) + sizeof(V128) * n + offsetof(V128, hi), 8); }

/// Whether a scalar result is exact where it is tiny: of a double, but not of a single, which was rounded twice.
bool is_exact_if_tiny(const FloatForm& form) {
    const Float op = form.op;
    return !form.single && (op == Float::kAdd || op == Float::kSub || op == Float::kTruncate || op == Float::kCeil ||
                            op == Float::kFloor);
}

constexpr u64 each32(u64 v) { return v << 32 | v; }

}  // namespace

void Compiler::find_dead_status() {
    dead_status_.assign(block_.insts.size(), false);
    bool overwritten = false;  // before anything can look at it
    for (std::size_t id = block_.insts.size(); id-- > 0;) {
        const Op op = block_.insts[id].op;
        if (op == Op::kFloat) {
            dead_status_[id] = overwritten;
            overwritten = true;
        } else if (op >= Op::kLoad && op != Op::kFloatVector && op != Op::kFloatCompare) {
            overwritten = false;
        }
    }
}

void Compiler::begin_floats() {
    const Label fresh = a_.newLabel(), ready = a_.newLabel();
    a_.mov(eax, state(offsetof(CpuState, fpscr), 4));
    a_.test(eax, kSteady);
    a_.jz(fresh);
    a_.bind(ready);
    a_.and_(eax, kControls & ~kSteady);
    a_.mov(ptr_32(rsp, kUnusual), eax);
    cold_.push_back([this, fresh, ready] {
        a_.bind(fresh);
        clear_inexact(ready);
        a_.jmp(ready);
    });
}

void Compiler::clear_inexact(const Label& was_clear) {
    const Mem controls = ptr_32(rsp, kMxcsr);
    a_.vstmxcsr(controls);
    a_.test(controls, kHostInexact);
    a_.jz(was_clear);
    a_.mov(controls, kHostControls);
    a_.vldmxcsr(controls);
}

void Compiler::end_floats() {
    const Label fresh = a_.newLabel(), noted = a_.newLabel();
    a_.test(state(offsetof(CpuState, fpscr), 4), kSteady);
    a_.jz(fresh);
    a_.bind(noted);
    cold_.push_back([this, fresh, noted] {
        a_.bind(fresh);
        a_.call(imm(stubs_.note_inexact));
        a_.jmp(noted);
    });
}

void Compiler::compute_by_host(const Label& slow, const std::function<void()>& compute) {
    if (block_.late_float) {
        if (!usual_) {
            a_.cmp(ptr_32(rsp, kUnusual), 0);
            a_.jne(slow);
            usual_ = true;  // or the block is left
        }
        compute();
        return;
    }
    const Label other = a_.newLabel(), computed = a_.newLabel();
    a_.mov(eax, state(offsetof(CpuState, fpscr), 4));
    a_.and_(eax, kControls);
    a_.cmp(eax, kSteady);
    a_.jne(other);
    compute();
    a_.bind(computed);
    cold_.push_back([this, slow, compute, other, computed] {
        // Inexact would be the first time: the host has to say that it was not, or have been told so before.
        a_.bind(other);
        a_.test(eax, eax);
        a_.jnz(slow);
        compute();
        clear_inexact(computed);
        a_.jmp(slow);
    });
}

void Compiler::call_float(const Inst& i, const Kept& k) {
    const FloatForm form = FloatForm::of(i.imm2);
    save_kept(k);
    load_state_address(a_);
    a_.mov(esi, form.regs);
    a_.mov(edx, u32{form.ordered});
    call_keeping_inexact(i.imm);
    restore_kept(k);
}

void Compiler::call_keeping_inexact(u64 function) {
    if (floats_) a_.vstmxcsr(ptr_32(rsp, kMxcsr));
    call(a_, host_, function, cache_.options().clobber);
    if (floats_) a_.vldmxcsr(ptr_32(rsp, kMxcsr));
}

void Compiler::call_float_late(const Inst& i, const Kept& k, const std::vector<Late>& late) {
    if (!block_.late_float) return call_float(i, k);
    const auto wanted = [&](const Late& l) {
        bool is_register = false;
        ir::for_each_register(i, [&](u64 offset, u32 n) {
            is_register |= ir::Range{offset, n, 0}.overlaps(l.offset, l.size);
        });
        return is_register || l.offset == ir::kStatusOffset;
    };
    for (const Late& l : late) {
        if (wanted(l)) write(l);
    }
    call_float(i, k);
    if (i.op == Op::kFloatCompare) return;
    // Suppressed, or rounded otherwise than LastFloat says: the helper has left all there is to know in the state.
    const Label usual = a_.newLabel();
    a_.cmp(ptr_32(rsp, kUnusual), 0);
    a_.je(usual);
    for (const Late& l : late) {
        if (!wanted(l)) write(l);
    }
    count_instructions(i.guest + 1u);
    load_address(kEntry, block_.pc_of(i) + 4);
    a_.jmp(imm(cache_.options().one_block ? stubs_.poll : stubs_.dispatch));
    a_.bind(usual);
}

void Compiler::finish_float(u32 id, const Xmm& result) {
    if (block_.late_float) return write_status_later(id);
    a_.vpslldq(xmm0, result, 8);
    a_.vmovaps(register_in_state(FloatForm::of(block_.insts[id].imm2).target()), xmm0);
    if (dead_status_[id]) return;
    Late status{ir::kStatusOffset, sizeof(LastFloat), id};
    locate(status);
    write(status);
}

/// The helper without a fast way: on the hot path.
void Compiler::emit_float_call(u32 id, const Inst& i) {
    clear_caller_saved();
    forget_caller_saved();
    call_float(i, {});
    const FloatForm form = FloatForm::of(i.imm2);
    if (i.op == Op::kFloatCompare)
        a_.mov(define(id), rax);
    else if (i.op == Op::kFloatVector)
        a_.movaps(define_xmm(id), register_in_state(form.target()));
    else
        a_.mov(define(id), scalar_in_state(form.target()));
}

void Compiler::compute_scalar(const FloatForm& form, const Xmm& r, const Xmm& a, const Xmm& b, const Xmm& c) {
    switch (form.op) {
        case Float::kAdd: a_.vaddsd(r, a, b); break;
        case Float::kSub: a_.vsubsd(r, a, b); break;
        case Float::kMul: a_.vmulsd(r, a, b); break;
        case Float::kDiv: a_.vdivsd(r, a, b); break;
        case Float::kSqrt: a_.vsqrtsd(r, b, b); break;
        case Float::kMadd:
        case Float::kNmadd:
            a_.vmovaps(r, b);
            a_.vfmadd231sd(r, a, c);
            break;
        case Float::kMsub:
        case Float::kNmsub:
            a_.vmovaps(r, b);
            a_.vfmsub231sd(r, a, c);
            break;
        case Float::kTruncate: a_.vroundsd(r, b, b, imm(0b1011)); break;
        case Float::kCeil: a_.vroundsd(r, b, b, imm(0b1010)); break;
        case Float::kFloor: a_.vroundsd(r, b, b, imm(0b1001)); break;
        default: a_.vmovaps(r, b); break;
    }
}

void Compiler::compute_vector(const FloatForm& form, const Xmm& r, const Xmm& a, const Xmm& b, const Xmm& c) {
    const bool s = form.single;
    switch (form.op) {
        case Float::kAdd: s ? a_.vaddps(r, a, b) : a_.vaddpd(r, a, b); break;
        case Float::kSub: s ? a_.vsubps(r, a, b) : a_.vsubpd(r, a, b); break;
        case Float::kMul: s ? a_.vmulps(r, a, b) : a_.vmulpd(r, a, b); break;
        case Float::kDiv: s ? a_.vdivps(r, a, b) : a_.vdivpd(r, a, b); break;
        case Float::kSqrt: s ? a_.vsqrtps(r, b) : a_.vsqrtpd(r, b); break;
        case Float::kMadd:
        case Float::kNmadd:
            a_.vmovaps(r, b);
            s ? a_.vfmadd231ps(r, a, c) : a_.vfmadd231pd(r, a, c);
            break;
        default:
            a_.vmovaps(r, b);
            s ? a_.vfmsub231ps(r, a, c) : a_.vfmsub231pd(r, a, c);
            break;
    }
}

void Compiler::emit_float(u32 id, const Inst& i) {
    const FloatForm form = FloatForm::of(i.imm2);
    if (!host_.avx2) return emit_float_call(id, i);
    if (form.op >= Float::kFromS64) return emit_conversion(id, i);
    const Label slow = a_.newLabel(), unusual = a_.newLabel(), good = a_.newLabel(), done = a_.newLabel();
    const Xmm a = use_xmm(i.a), b = use_xmm(i.b), c = use_xmm(i.c), r = define_low_xmm(id);
    const bool single = form.single || form.op == Float::kRound;
    compute_by_host(slow, [=, this] {
        compute_scalar(form, r, a, b, c);
        if (!single) return;
        // Rounded twice is wrong only if the first rounding gave what lies between two singles.
        if (form.op != Float::kRound) {
            a_.vmovd(eax, r);
            a_.and_(eax, 0x1fffffff);
            a_.cmp(eax, 0x10000000);
            a_.je(slow);
        }
        a_.vmovaps(xmm1, r);
        a_.vcvtsd2ss(xmm0, r, r);
        a_.vcvtss2sd(r, r, xmm0);
    });
    // One look at the exponent: carry says that it is the greatest (infinity, NaN), zero that it is the least.
    if (is_exact_if_tiny(form)) {
        a_.vptest(r, pool(u64{0x7ff} << 52, 0));
        a_.jc(slow);
    } else {
        // Without its last bit: the least normal number may have been tiny before rounding.
        if (single)
            a_.vptest(xmm0, pool(0x7f000000, 0));
        else
            a_.vptest(r, pool(u64{0x7fe} << 52, 0));
        a_.jbe(unusual);
    }
    a_.bind(good);
    // The negation comes after rounding; no NaN comes here.
    if (form.op == Float::kNmadd || form.op == Float::kNmsub) a_.vxorps(r, r, pool(u64{1} << 63));
    const std::vector<Late> late = late_writes();
    finish_float(id, r);
    a_.bind(done);
    cold_.push_back([this, form, single, slow, unusual, good, done, a, b, c, r, i, late, k = kept()] {
        // A zero is as good as a number if it comes from a zero: then nothing was lost.
        a_.bind(unusual);
        a_.vxorps(xmm0, xmm0, xmm0);
        const auto accept_if_zero = [&](const Xmm& x) {
            const Label no = a_.newLabel();
            a_.vucomisd(x, xmm0);
            a_.jp(no);
            a_.je(good);
            a_.bind(no);
        };
        a_.vucomisd(single ? xmm1 : r, xmm0);  // before rounding to single: no underflow is a zero
        a_.jp(slow);
        a_.jne(slow);
        switch (form.op) {
            case Float::kAdd:
            case Float::kSub: a_.jmp(good); break;  // of singles
            case Float::kMul:
                accept_if_zero(a);
                accept_if_zero(b);
                break;
            case Float::kDiv: accept_if_zero(a); break;
            case Float::kMadd:
            case Float::kMsub:
            case Float::kNmadd:
            case Float::kNmsub:
                accept_if_zero(a);
                accept_if_zero(c);
                break;
            default: accept_if_zero(b); break;
        }
        a_.bind(slow);
        call_float_late(i, k, late);
        a_.vmovsd(r, scalar_in_state(form.target()));
        a_.jmp(done);
    });
}

// From a 64-bit integer nothing can go wrong; to a signed integer the host tells by the least one that it does not fit.
void Compiler::emit_conversion(u32 id, const Inst& i) {
    const FloatForm form = FloatForm::of(i.imm2);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const bool from = form.op == Float::kFromS64 || form.op == Float::kFromU64;
    Xmm x = xmm1;
    Gp g = rax;
    if (from) {
        const Gp b = use(i.b);
        x = define_xmm(id);
        compute_by_host(slow, [=, this] {
            if (form.op == Float::kFromU64) {
                a_.test(b, b);
                a_.js(slow);
            }
            a_.vxorps(xmm0, xmm0, xmm0);
            if (form.single) {
                a_.vcvtsi2ss(xmm0, xmm0, b);
                a_.vcvtss2sd(x, xmm0, xmm0);
            } else {
                a_.vcvtsi2sd(x, xmm0, b);
            }
        });
    } else {
        const Xmm b = use_xmm(i.b);
        g = define(id);
        const bool word = form.op == Float::kToS32;
        const Gp to = word ? Gp(g.r32()) : g;
        // What does not fit must not be converted: the host would say that it is inexact.
        if (form.op == Float::kToU32 || form.op == Float::kToU64) {
            a_.vmovq(rax, b);
            a_.shr(rax, 52);  // the sign too
            a_.cmp(eax, 1023 + (form.op == Float::kToU64 ? 63 : 31));
            a_.jae(slow);
        }
        compute_by_host(slow, [=, this] {
            if (form.nearest)
                a_.vcvtsd2si(to, b);
            else
                a_.vcvttsd2si(to, b);
        });
        if (word) {
            a_.cmp(to, imm(i32{-0x7fffffff - 1}));
            a_.je(slow);
            a_.movsxd(g, to);
        } else if (form.op == Float::kToS64) {
            a_.mov(rax, imm(u64{1} << 63));
            a_.cmp(rax, g);
            a_.je(slow);
        }
        if (form.twice) {
            a_.mov(eax, g.r32());
            a_.shl(g, 32);
            a_.or_(g, rax);
        }
        if (!block_.late_float) a_.vmovq(x, g);
    }
    const std::vector<Late> late = late_writes();
    finish_float(id, x);
    a_.bind(done);
    cold_.push_back([this, form, from, slow, done, x, g, i, late, k = kept()] {
        a_.bind(slow);
        call_float_late(i, k, late);
        const Mem result = scalar_in_state(form.target());
        if (from)
            a_.vmovsd(x, result);
        else
            a_.mov(g, result);
        a_.jmp(done);
    });
}

void Compiler::emit_float_compare(u32 id, const Inst& i) {
    if (!host_.avx2) return emit_float_call(id, i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Xmm a = use_xmm(i.a), b = use_xmm(i.b);
    const Gp r = define(id);
    a_.mov(r.r32(), u32{cr::kEq});
    a_.mov(ecx, u32{cr::kGt});
    a_.mov(edx, u32{cr::kLt});
    a_.vucomisd(a, b);
    a_.jp(slow);
    a_.cmova(r.r32(), ecx);
    a_.cmovb(r.r32(), edx);
    const Label result = a_.newLabel();
    a_.bind(result);
    a_.mov(state(ir::kStatusOffset + offsetof(LastFloat, compared), 1), r.r8());
    a_.bind(done);
    const std::vector<Late> late = late_writes();
    const auto status =
        std::find_if(late_.begin(), late_.end(), [](const Late& l) { return l.offset == ir::kStatusOffset; });
    if (status != late_.end()) status->compared = true;
    cold_.push_back([this, slow, done, result, r, i, late, k = kept()] {
        a_.bind(slow);
        call_float_late(i, k, late);
        a_.mov(r, rax);
        a_.jmp(block_.late_float ? result : done);  // LastFloat may be written again, without it
    });
}

void Compiler::emit_float_vector(u32 id, const Inst& i) {
    const FloatForm form = FloatForm::of(i.imm2);
    if (!host_.avx2) return emit_float_call(id, i);
    const bool s = form.single;
    const Label slow = a_.newLabel(), unusual = a_.newLabel(), good = a_.newLabel(), done = a_.newLabel();
    const bool compares = form.op >= Float::kEqual;
    const auto use_any = [&](u32 v) { return compares ? use_low_xmm(v) : use_xmm(v); };
    const Xmm a = use_any(i.a), b = use_any(i.b), c = use_any(i.c), r = compares ? define_low_xmm(id) : define_xmm(id);
    const auto compare = [&](const Xmm& to, const Xmm& x, const Xmm& y, u32 predicate) {
        s ? a_.vcmpps(to, x, y, imm(predicate)) : a_.vcmppd(to, x, y, imm(predicate));
    };
    constexpr u32 kIsEqual = 0, kIsUnordered = 3, kIsGreater = 0x1e, kIsGreaterEqual = 0x1d;
    if (compares) {
        compare(xmm0, a, b, kIsUnordered);
        a_.vptest(xmm0, xmm0);
        a_.jnz(slow);
        compare(r, a, b,
                form.op == Float::kEqual     ? kIsEqual
                : form.op == Float::kGreater ? kIsGreater
                                             : kIsGreaterEqual);
    } else {
        compute_by_host(slow, [=, this] { compute_vector(form, r, a, b, c); });
        // Twice the bits are the exponent and the fraction; moved so that a signed comparison finds those out of range.
        const bool sum = form.op == Float::kAdd || form.op == Float::kSub;
        if (s) {
            const u32 first = sum ? 0 : 2, count = sum ? 0xff : 0xfd;
            a_.vpslld(xmm0, r, 1);
            a_.vpaddd(xmm0, xmm0, pool(each32(u32{0x80000000u - (first << 24)})));
            a_.vpcmpgtd(xmm0, xmm0, pool(each32(u32{0x80000000u + (count << 24) - 1})));
        } else {
            const u64 first = sum ? 0 : 2, count = sum ? 0x7ff : 0x7fd;
            a_.vpsllq(xmm0, r, 1);
            a_.vpaddq(xmm0, xmm0, pool((u64{1} << 63) - (first << 53)));
            a_.vpcmpgtq(xmm0, xmm0, pool((u64{1} << 63) + (count << 53) - 1));
        }
        a_.vptest(xmm0, xmm0);
        a_.jnz(sum ? slow : unusual);
        a_.bind(good);
        if (form.op == Float::kNmadd || form.op == Float::kNmsub)
            a_.vxorps(r, r, pool(s ? each32(0x80000000) : u64{1} << 63));
    }
    if (!block_.late_float) a_.vmovaps(register_in_state(form.target()), r);
    a_.bind(done);
    cold_.push_back(
        [this, form, compares, slow, unusual, good, done, a, b, c, r, i, s, late = late_writes(), k = kept()] {
            if (!compares && form.op != Float::kAdd && form.op != Float::kSub) {
                // xmm0 has the lanes out of range: zeros that come from zeros are good.
                a_.bind(unusual);
                a_.vxorps(xmm1, xmm1, xmm1);
                const auto is_zero = [&](const Xmm& to, const Xmm& x) {
                    const bool low = x.id() < EvexAssembler::kFirst;
                    if (!low) a_.vmovaps(to, x);
                    s ? a_.vcmpps(to, low ? x : to, xmm1, imm(0)) : a_.vcmppd(to, low ? x : to, xmm1, imm(0));
                };
                const bool fused = is_fused(form.op);
                is_zero(xmm2, form.op == Float::kSqrt ? b : a);
                if (form.op == Float::kMul || fused) {
                    is_zero(xmm3, fused ? c : b);
                    a_.vorps(xmm2, xmm2, xmm3);
                }
                is_zero(xmm3, r);
                a_.vandps(xmm2, xmm2, xmm3);
                a_.vandnps(xmm2, xmm2, xmm0);
                a_.vptest(xmm2, xmm2);
                a_.jz(good);
            }
            a_.bind(slow);
            call_float_late(i, k, late);
            a_.vmovaps(r, register_in_state(form.target()));
            a_.jmp(done);
        });
}

// Moves of signs between values that are in xmm registers anyway.
bool Compiler::emit_sign(u32 id, const Inst& i) {
    const auto there = [&](u32 v) { return place_[v].xmm >= 0 && place_[v].reg < 0 && !is_remade(v); };
    u64 number;
    const bool known = constant(i.b, &number);
    if (!host_.avx2 || !there(i.a) || !(known || there(i.b))) return false;
    namespace ins = asmjit::x86::Inst;
    const Xmm a = use_xmm(i.a);
    const asmjit::Operand b = known ? asmjit::Operand(pool(number)) : asmjit::Operand(use_xmm(i.b));
    const asmjit::InstId op = i.op == Op::kAnd ? ins::kIdVandps : i.op == Op::kOr ? ins::kIdVorps : ins::kIdVxorps;
    a_.emit(op, define_xmm(id), a, b);
    return true;
}

// DOUBLE and SINGLE are the host's conversions but for what those would quiet, or round.
void Compiler::emit_widen(u32 id, const Inst& i) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp v = use(i.a);
    const Xmm r = define_low_xmm(id);
    a_.mov(eax, v.r32());
    a_.and_(eax, 0x7f800000);
    a_.cmp(eax, 0x7f800000);
    a_.je(slow);
    a_.movd(xmm0, v.r32());
    a_.xorps(r, r);
    a_.cvtss2sd(r, xmm0);
    a_.bind(done);
    cold_.push_back([this, slow, done, v, r, k = kept()] {
        a_.bind(slow);
        save_kept(k);
        a_.mov(edi, v.r32());
        call_keeping_inexact(reinterpret_cast<u64>(fp::widen_single));
        restore_kept(k);
        a_.movq(r, rax);
        a_.jmp(done);
    });
}

// By integers: the host's conversion would say that it is inexact, which this never is.
void Compiler::emit_narrow(u32 id, const Inst& i) {
    const Label slow = a_.newLabel(), small = a_.newLabel(), normal = a_.newLabel(), done = a_.newLabel();
    const Xmm v = use_xmm(i.a);
    const Gp r = define(id);
    constexpr u32 kTooSmall = 1023 - 127;  // biased exponent of a double that is denormal as a single, or 0
    a_.movq(rax, v);
    a_.lea(rdx, ptr(rax, rax));
    a_.shr(rdx, 53);
    a_.cmp(edx, kTooSmall);
    a_.jbe(small);
    a_.bind(normal);
    a_.mov(rdx, rax);
    a_.shr(rdx, 32);
    a_.and_(edx, 0xc0000000);
    a_.shr(rax, 29);
    a_.and_(eax, 0x3fffffff);
    a_.or_(eax, edx);
    a_.mov(r.r32(), eax);
    a_.bind(done);
    cold_.push_back([this, slow, small, normal, done, v, r, k = kept()] {
        a_.bind(small);
        a_.lea(rdx, ptr(rax, rax));
        a_.test(rdx, rdx);
        a_.jz(normal);
        a_.bind(slow);
        save_kept(k);
        a_.movq(rdi, v);
        call_keeping_inexact(reinterpret_cast<u64>(fp::narrow_single));
        restore_kept(k);
        a_.mov(r.r32(), eax);
        a_.jmp(done);
    });
}

}  // namespace mpower::jit::x64
