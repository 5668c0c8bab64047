// The compiler's operations on lanes of 128-bit values. Element i of n is the host's lane n-1-i, so what the ISA calls
// high, or left, is high in the host's register; even elements are odd lanes.
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Lanes;
using ir::Op;
using Id = asmjit::x86::Inst::Id;
namespace ins = asmjit::x86;

namespace {

/// What a host instruction takes: operands as they are, exchanged, the first alone; which hosts have it.
enum class Takes : u8 { kAB, kBA, kA };
enum class Needs : u8 { kAvx2, kAvx512, kBitalg, kVpopcnt };
struct Plain {
    Lanes op;
    Id inst;
    Takes takes = Takes::kAB;
    Needs needs = Needs::kAvx2;
};

/// The operations that are one host instruction.
constexpr Plain kPlain[] = {
    {Lanes::kAnd, ins::Inst::kIdVpand},
    {Lanes::kAndNot, ins::Inst::kIdVpandn, Takes::kBA},
    {Lanes::kOr, ins::Inst::kIdVpor},
    {Lanes::kXor, ins::Inst::kIdVpxor},
    {Lanes::kAdd8, ins::Inst::kIdVpaddb},
    {Lanes::kAdd16, ins::Inst::kIdVpaddw},
    {Lanes::kAdd32, ins::Inst::kIdVpaddd},
    {Lanes::kAdd64, ins::Inst::kIdVpaddq},
    {Lanes::kSub8, ins::Inst::kIdVpsubb},
    {Lanes::kSub16, ins::Inst::kIdVpsubw},
    {Lanes::kSub32, ins::Inst::kIdVpsubd},
    {Lanes::kSub64, ins::Inst::kIdVpsubq},
    {Lanes::kMaxU8, ins::Inst::kIdVpmaxub},
    {Lanes::kMaxU16, ins::Inst::kIdVpmaxuw},
    {Lanes::kMaxU32, ins::Inst::kIdVpmaxud},
    {Lanes::kMaxU64, ins::Inst::kIdVpmaxuq, Takes::kAB, Needs::kAvx512},
    {Lanes::kMaxS8, ins::Inst::kIdVpmaxsb},
    {Lanes::kMaxS16, ins::Inst::kIdVpmaxsw},
    {Lanes::kMaxS32, ins::Inst::kIdVpmaxsd},
    {Lanes::kMaxS64, ins::Inst::kIdVpmaxsq, Takes::kAB, Needs::kAvx512},
    {Lanes::kMinU8, ins::Inst::kIdVpminub},
    {Lanes::kMinU16, ins::Inst::kIdVpminuw},
    {Lanes::kMinU32, ins::Inst::kIdVpminud},
    {Lanes::kMinU64, ins::Inst::kIdVpminuq, Takes::kAB, Needs::kAvx512},
    {Lanes::kMinS8, ins::Inst::kIdVpminsb},
    {Lanes::kMinS16, ins::Inst::kIdVpminsw},
    {Lanes::kMinS32, ins::Inst::kIdVpminsd},
    {Lanes::kMinS64, ins::Inst::kIdVpminsq, Takes::kAB, Needs::kAvx512},
    {Lanes::kAverageU8, ins::Inst::kIdVpavgb},
    {Lanes::kAverageU16, ins::Inst::kIdVpavgw},
    {Lanes::kEqual8, ins::Inst::kIdVpcmpeqb},
    {Lanes::kEqual16, ins::Inst::kIdVpcmpeqw},
    {Lanes::kEqual32, ins::Inst::kIdVpcmpeqd},
    {Lanes::kEqual64, ins::Inst::kIdVpcmpeqq},
    {Lanes::kGreaterS8, ins::Inst::kIdVpcmpgtb},
    {Lanes::kGreaterS16, ins::Inst::kIdVpcmpgtw},
    {Lanes::kGreaterS32, ins::Inst::kIdVpcmpgtd},
    {Lanes::kGreaterS64, ins::Inst::kIdVpcmpgtq},
    {Lanes::kRotate32, ins::Inst::kIdVprolvd, Takes::kAB, Needs::kAvx512},
    {Lanes::kRotate64, ins::Inst::kIdVprolvq, Takes::kAB, Needs::kAvx512},
    {Lanes::kMergeHigh8, ins::Inst::kIdVpunpckhbw, Takes::kBA},
    {Lanes::kMergeHigh16, ins::Inst::kIdVpunpckhwd, Takes::kBA},
    {Lanes::kMergeHigh32, ins::Inst::kIdVpunpckhdq, Takes::kBA},
    {Lanes::kMergeLow8, ins::Inst::kIdVpunpcklbw, Takes::kBA},
    {Lanes::kMergeLow16, ins::Inst::kIdVpunpcklwd, Takes::kBA},
    {Lanes::kMergeLow32, ins::Inst::kIdVpunpckldq, Takes::kBA},
    {Lanes::kUnpackLow8, ins::Inst::kIdVpmovsxbw, Takes::kA},
    {Lanes::kUnpackLow16, ins::Inst::kIdVpmovsxwd, Takes::kA},
    {Lanes::kUnpackLow32, ins::Inst::kIdVpmovsxdq, Takes::kA},
    {Lanes::kMul32, ins::Inst::kIdVpmulld},
    {Lanes::kMulOddU64, ins::Inst::kIdVpmuludq},
    {Lanes::kMulOddS64, ins::Inst::kIdVpmuldq},
    {Lanes::kLeadingZeros32, ins::Inst::kIdVplzcntd, Takes::kA, Needs::kAvx512},
    {Lanes::kLeadingZeros64, ins::Inst::kIdVplzcntq, Takes::kA, Needs::kAvx512},
    {Lanes::kPopulation8, ins::Inst::kIdVpopcntb, Takes::kA, Needs::kBitalg},
    {Lanes::kPopulation16, ins::Inst::kIdVpopcntw, Takes::kA, Needs::kBitalg},
    {Lanes::kPopulation32, ins::Inst::kIdVpopcntd, Takes::kA, Needs::kVpopcnt},
    {Lanes::kPopulation64, ins::Inst::kIdVpopcntq, Takes::kA, Needs::kVpopcnt},
};

bool has(const Host& host, Needs needs) {
    switch (needs) {
        case Needs::kAvx2: return host.avx2;
        case Needs::kAvx512: return host.avx512;
        case Needs::kBitalg: return host.bitalg;
        default: return host.vpopcnt;
    }
}

const Plain* plain(const Host& host, Lanes op) {
    for (const Plain& p : kPlain) {
        if (p.op == op) return has(host, p.needs) ? &p : nullptr;
    }
    return nullptr;
}

/// Operations one of whose host instructions takes xmm0 to xmm15 only.
bool needs_low(const Host& host, Lanes op) {
    switch (op) {
        case Lanes::kMergeEven32:
        case Lanes::kMergeOdd32:
        case Lanes::kMulOddU32:
        case Lanes::kMulOddS32:
        case Lanes::kMulEvenU32:
        case Lanes::kMulEvenS32:
        case Lanes::kPolynomialSum64:
        case Lanes::kSubBytes: return true;
        case Lanes::kPermute:
        case Lanes::kPermuteRight: return !host.vbmi;
        default: return op >= Lanes::kEqual8 && op <= Lanes::kNotEqualOrZero32;
    }
}

}  // namespace

void Compiler::emit_make(u32 id, const Inst& i) {
    u64 hi, lo;
    const bool hi_known = constant(i.a, &hi), lo_known = constant(i.b, &lo);
    if (hi_known && lo_known) {
        const Xmm r = define_xmm(id);
        if (hi == 0 && lo == 0)
            a_.xorps(r, r);
        else if (hi == ~u64{0} && lo == ~u64{0} && r.id() < EvexAssembler::kFirst)
            a_.pcmpeqd(r, r);
        else
            a_.movups(r, pool(lo, hi));
        return;
    }
    load_into_xmm(xmm0, i.a);
    const Xmm r = define_xmm(id);
    if (lo_known && lo == 0) {
        a_.xorps(r, r);
        a_.movlhps(r, xmm0);
    } else if (i.a == i.b) {
        a_.pshufd(r, xmm0, imm(0x44));
    } else {
        load_into_xmm(r, i.b);
        a_.punpcklqdq(r, xmm0);
    }
}

void Compiler::emit_half(u32 id, const Inst& i) {
    const Xmm v = use_xmm(i.a);
    const bool high = i.op == Op::kHigh64;
    if (wants_xmm_[id]) {
        const Xmm r = define_xmm(id);
        if (high)
            a_.pshufd(r, v, imm(0x4e));
        else
            a_.movq(r, v);
    } else if (high) {
        a_.pextrq(define(id), v, 1);
    } else {
        a_.movq(define(id), v);
    }
}

void Compiler::emit_vector_test(u32 id, const Inst& i) {
    const Xmm v = use_low_xmm(i.a);
    const Gp r = define(id);
    a_.pmovmskb(eax, v);
    a_.xor_(ecx, ecx);
    a_.xor_(edx, edx);
    a_.cmp(eax, 0xffff);
    a_.sete(cl);
    a_.test(eax, eax);
    a_.sete(dl);
    a_.shl(ecx, 2);
    a_.or_(ecx, edx);
    a_.lea(r.r32(), ptr(rcx, rcx));
}

void Compiler::emit_vector_call(u32 id, const Inst& i) {
    const u32 arguments[] = {i.a, i.b, i.c};
    for (const u32 argument : arguments) {
        if (is_remade(argument)) {
            load_into(rax, argument);
            a_.mov(slot(argument), rax);
        }
        save(argument);
    }
    clear_caller_saved();
    forget_caller_saved();
    const Gp registers[] = {rdi, rsi, rdx};
    for (int n = 0; n < 3; ++n) a_.lea(registers[n], slot(arguments[n]));
    a_.mov(ecx, imm(i.imm2 >> 16));
    call_keeping_inexact(i.imm);
    a_.mov(slot(id), rax);
    a_.mov(slot(id, 8), rdx);
    place_[id].in_slot = true;
}

void Compiler::emit_vector(u32 id, const Inst& i) {
    const auto op = static_cast<Lanes>(i.imm2 & 0xffff);
    const u64 n = i.imm2 >> 16;
    const Plain* const one = plain(host_, op);
    if (one == nullptr && !host_.avx2) return emit_vector_call(id, i);
    const bool low = needs_low(host_, op);
    const auto use_any = [&](u32 v) { return low ? use_low_xmm(v) : use_xmm(v); };
    const Xmm a = use_any(i.a), b = use_any(i.b), c = use_any(i.c), r = low ? define_low_xmm(id) : define_xmm(id);
    if (one == nullptr) {
        if (emit_composed(op, r, a, b, c, n)) return;
        forget_xmm(id);
        emit_vector_call(id, i);
    } else if (one->takes == Takes::kA) {
        a_.emit(one->inst, r, a);
    } else if (one->takes == Takes::kAB) {
        a_.emit(one->inst, r, a, b);
    } else {
        a_.emit(one->inst, r, b, a);
    }
}

}  // namespace mpower::jit::x64
