// The compiler's integer operations.
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using asmjit::Label;
using ir::Op;
namespace ins = asmjit::x86;

void Compiler::emit_binary(ins::Inst::Id op, u32 id, const Inst& i) {
    const bool commutes = op != ins::Inst::kIdSub;
    const bool swap = commutes && dies(i.b) && place_[i.b].reg >= 0 && (!dies(i.a) || place_[i.a].reg < 0);
    const asmjit::Operand b = source(swap ? i.a : i.b);
    const Gp r = define_from(id, swap ? i.b : i.a);
    a_.emit(op, r, b);
    note_flags(id);
}

/// Without a copy of an operand that lives on.
void Compiler::emit_add(u32 id, const Inst& i) {
    if (dies(i.a) || place_[i.a].reg < 0 || (dies(i.b) && !is_remade(i.b)))
        return emit_binary(ins::Inst::kIdAdd, id, i);
    const asmjit::Operand b = operand(i.b);
    const Gp left = use(i.a);
    if (b.isImm())
        a_.lea(define(id), ptr(left, b.as<asmjit::Imm>().valueAs<i32>()));
    else
        a_.lea(define(id), ptr(left, b.as<Gp>()));
}

void Compiler::emit_shift(ins::Inst::Id op, u32 id, const Inst& i) {
    const bool rotate = op == ins::Inst::kIdRol;
    u64 n;
    if (constant(i.b, &n)) {
        n &= rotate ? 63 : 127;
        if (rotate && host_.bmi && !dies(i.a) && n != 0) {
            const asmjit::Operand a = wide_source(i.a);
            a_.emit(ins::Inst::kIdRorx, define(id), a, imm(64 - n));
            return;
        }
        const Gp r = define_from(id, i.a);
        if (n < 64)
            a_.emit(op, r, imm(n));
        else if (op == ins::Inst::kIdSar)
            a_.sar(r, 63);
        else
            a_.xor_(r.r32(), r.r32());
        return;
    }
    if (host_.bmi && !rotate && (i.imm != 0 || op != ins::Inst::kIdSar)) {
        const ins::Inst::Id by = op == ins::Inst::kIdShl   ? ins::Inst::kIdShlx
                                 : op == ins::Inst::kIdShr ? ins::Inst::kIdShrx
                                                           : ins::Inst::kIdSarx;
        const Gp count = use(i.b);
        const asmjit::Operand a = wide_source(i.a);
        const Gp r = define(id);
        a_.emit(by, r, a, count);
        if (i.imm != 0) return;
        a_.xor_(eax, eax);
        a_.test(count.r32(), 64);
        a_.cmovnz(r, rax);
        return;
    }
    load_into(rcx, i.b);
    const Gp r = define_from(id, i.a);
    if (rotate || i.imm != 0) {
        a_.emit(op, r, cl);
        return;
    }
    if (op == ins::Inst::kIdSar) {  // a shift by 63 and then by the rest of at most 64
        const Label done = a_.newLabel();
        a_.test(ecx, 64);
        a_.jz(done);
        a_.sar(r, 63);
        a_.bind(done);
        a_.sar(r, cl);
        return;
    }
    a_.emit(op, r, cl);
    a_.xor_(eax, eax);
    a_.test(ecx, 64);
    a_.cmovnz(r, rax);
}

void Compiler::emit_divide(u32 id, const Inst& i) {
    const bool is_signed = i.op == Op::kDivS || i.op == Op::kRemS;
    const bool quotient = i.op == Op::kDivS || i.op == Op::kDivU;
    const Label zero = a_.newLabel(), done = a_.newLabel(), minus_one = a_.newLabel();
    load_into(rcx, i.b);
    load_into(rax, i.a);
    const Gp r = define(id);
    a_.test(rcx, rcx);
    a_.jz(zero);
    if (is_signed) {
        a_.cmp(rcx, -1);
        a_.je(quotient ? minus_one : zero);  // the remainder is 0
        a_.cqo();
        a_.idiv(rcx);
    } else {
        a_.xor_(edx, edx);
        a_.div(rcx);
    }
    a_.mov(r, quotient ? rax : rdx);
    a_.jmp(done);
    if (is_signed && quotient) {
        a_.bind(minus_one);
        a_.mov(r, rax);
        a_.neg(r);
        a_.jno(done);
    }
    a_.bind(zero);
    a_.xor_(r.r32(), r.r32());
    a_.bind(done);
}

void Compiler::emit_bool(u32 id, const Inst& i) {
    compare(i);
    const CondCode code = i.op == Op::kEq    ? CondCode::kEqual
                          : i.op == Op::kNe  ? CondCode::kNotEqual
                          : i.op == Op::kLtS ? CondCode::kSignedLT
                                             : CondCode::kUnsignedLT;
    a_.set(code, al);
    a_.movzx(define(id).r32(), al);
}

void Compiler::emit_compare(u32 id, const Inst& i, bool is_signed) {
    use(i.a);
    operand(i.b);
    u64 so;
    const bool so_known = constant(i.c, &so);
    const bool so_in_state = !so_known && is_remade(i.c);
    const Gp so_register = so_known || so_in_state ? Gp(rax) : use(i.c);
    const Gp r = define(id);
    compare(i);
    if (!lazy_ && so_in_state) {
        a_.call(imm(is_signed ? stubs_.compare_signed : stubs_.compare_unsigned));
        a_.mov(r.r32(), eax);
        return;
    }
    make_cr_field(a_, r, is_signed);
    if (so_in_state)
        a_.or_(r.r8(), state(offsetof(CpuState, so), 1));
    else if (!so_known)
        a_.or_(r.r32(), so_register.r32());
    else if (so != 0)
        a_.or_(r.r32(), imm(so));
}

bool Compiler::emit_arithmetic(u32 id, const Inst& i) {
    const auto scan = [&](u32 none, auto bit_scan) {  // rax: the result for 0
        const Gp a = use(i.a);
        const Gp r = define(id);
        a_.mov(ecx, none);
        bit_scan(r, a);
        a_.cmovz(r, rcx);
        return r;
    };
    switch (i.op) {
        case Op::kAdd: emit_add(id, i); break;
        case Op::kSub: emit_binary(ins::Inst::kIdSub, id, i); break;
        case Op::kAnd: {
            u64 mask;
            if (emit_sign(id, i)) break;
            if (constant(i.b, &mask) && mask <= 0xffffffff) {  // a write of the low word clears the upper one
                const Gp r = define_from(id, i.a);
                a_.and_(r.r32(), imm(static_cast<i32>(mask)));
                note_flags(id);
                break;
            }
            emit_binary(ins::Inst::kIdAnd, id, i);
            break;
        }
        case Op::kOr:
            if (!emit_sign(id, i)) emit_binary(ins::Inst::kIdOr, id, i);
            break;
        case Op::kXor:
            if (!emit_sign(id, i)) emit_binary(ins::Inst::kIdXor, id, i);
            break;
        case Op::kMul: {
            const Gp b = use(i.b);
            a_.imul(define_from(id, i.a), b);
            break;
        }
        case Op::kMulHighS:
        case Op::kMulHighU: {
            const Gp b = use(i.b);
            load_into(rax, i.a);
            const Gp r = define(id);
            if (i.op == Op::kMulHighS)
                a_.imul(b);
            else
                a_.mul(b);
            a_.mov(r, rdx);
            break;
        }
        case Op::kDivS:
        case Op::kDivU:
        case Op::kRemS:
        case Op::kRemU: emit_divide(id, i); break;
        case Op::kNeg: a_.neg(define_from(id, i.a)); break;
        case Op::kNot: a_.not_(define_from(id, i.a)); break;
        case Op::kAndNot: {
            if (host_.bmi) {
                const Gp not_these = use(i.b);
                const asmjit::Operand a = wide_source(i.a);
                a_.emit(ins::Inst::kIdAndn, define(id), not_these, a);
                break;
            }
            load_into(rcx, i.b);
            a_.not_(rcx);
            a_.and_(define_from(id, i.a), rcx);
            break;
        }
        case Op::kShl: emit_shift(ins::Inst::kIdShl, id, i); break;
        case Op::kShr: emit_shift(ins::Inst::kIdShr, id, i); break;
        case Op::kSar: emit_shift(ins::Inst::kIdSar, id, i); break;
        case Op::kRotl: emit_shift(ins::Inst::kIdRol, id, i); break;
        case Op::kRotlWord: {
            u64 n;
            const bool known = constant(i.b, &n);
            if (!known) load_into(rcx, i.b);
            const Gp r = define_from(id, i.a);
            if (!known)
                a_.rol(r.r32(), cl);
            else if ((n & 31) != 0)
                a_.rol(r.r32(), imm(n & 31));
            a_.mov(eax, r.r32());  // the low word, twice
            a_.mov(r, rax);
            a_.shl(r, 32);
            a_.or_(r, rax);
            break;
        }
        case Op::kShl32:
        case Op::kShr32: {
            u64 n = 0;
            const bool known = constant(i.b, &n);
            if (!known) load_into(rcx, i.b);
            const Gp r = define_from(id, i.a);
            const ins::Inst::Id op = i.op == Op::kShl32 ? ins::Inst::kIdShl : ins::Inst::kIdShr;
            if (known && (n & 31) != 0)
                a_.emit(op, r.r32(), imm(n & 31));
            else if (known)
                a_.mov(r.r32(), r.r32());
            else
                a_.emit(op, r.r32(), cl);
            if (!known) a_.mov(r.r32(), r.r32());  // a shift by 0 leaves the upper word
            break;
        }
        case Op::kRotl32: {
            u64 n;
            const bool known = constant(i.b, &n);
            if (known && host_.bmi && !(dies(i.a) && place_[i.a].reg >= 0)) {
                asmjit::Operand a = wide_source(i.a);
                if (a.isReg())
                    a = a.as<Gp>().r32();
                else
                    a.as<Mem>().setSize(4);
                a_.emit(ins::Inst::kIdRorx, define(id).r32(), a, imm((32 - n) & 31));
                break;
            }
            if (!known) load_into(rcx, i.b);
            const Gp r = define_from(id, i.a);
            if (known)
                a_.rol(r.r32(), imm(n & 31));
            else
                a_.rol(r.r32(), cl);
            if (!known || (n & 31) == 0) a_.mov(r.r32(), r.r32());  // a rotation by 0 leaves the upper word
            break;
        }
        case Op::kSext8: {
            const Gp a = use(i.a);
            a_.movsx(define(id), a.r8());
            break;
        }
        case Op::kSext16: {
            const Gp a = use(i.a);
            a_.movsx(define(id), a.r16());
            break;
        }
        case Op::kSext32: {
            const Gp a = use(i.a);
            a_.movsxd(define(id), a.r32());
            break;
        }
        case Op::kZext8: {
            const Gp a = use(i.a);
            a_.movzx(define(id).r32(), a.r8());
            break;
        }
        case Op::kZext16: {
            const Gp a = use(i.a);
            a_.movzx(define(id).r32(), a.r16());
            break;
        }
        case Op::kZext32: {
            const Gp a = use(i.a);
            a_.mov(define(id).r32(), a.r32());
            break;
        }
        case Op::kClz: {
            const Gp r = scan(127, [&](const Gp& d, const Gp& s) { a_.bsr(d, s); });
            a_.xor_(r, 63);
            break;
        }
        case Op::kCtz: scan(64, [&](const Gp& d, const Gp& s) { a_.bsf(d, s); }); break;
        case Op::kPopcnt: {
            const Gp a = use(i.a);
            a_.popcnt(define(id), a);
            break;
        }
        case Op::kBswap16: {
            const Gp a = use(i.a);
            const Gp r = define(id);
            a_.movzx(r.r32(), a.r16());
            a_.rol(r.r16(), 8);
            break;
        }
        case Op::kBswap32: {
            const Gp a = use(i.a);
            const Gp r = define(id);
            a_.mov(r.r32(), a.r32());
            a_.bswap(r.r32());
            break;
        }
        case Op::kBswap64: a_.bswap(define_from(id, i.a)); break;
        case Op::kEq:
        case Op::kNe:
        case Op::kLtS:
        case Op::kLtU: emit_bool(id, i); break;
        case Op::kCompareS: emit_compare(id, i, true); break;
        case Op::kCompareU: emit_compare(id, i, false); break;
        case Op::kSelect: {
            use(i.b);
            use(i.c);
            const CondCode code = condition(i.a);
            const bool swap = !dies(i.c) && dies(i.b);
            const Gp other = use(swap ? i.c : i.b);
            const Gp r = define_from(id, swap ? i.b : i.c);  // eviction and copies are movs: flags stay
            a_.cmov(swap ? negateCond(code) : code, r, other);
            break;
        }
        default: return false;
    }
    return true;
}

}  // namespace mpower::jit::x64
