// The compiler's storage accesses: level-1 TLB look-up inline, the rest out of line.
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using asmjit::Label;
using ir::Op;

void Compiler::look_up(const Gp& ea, unsigned size, bool store, const Label& slow) {
    static_assert(sizeof(mmu::TlbEntry) == 32);
    a_.mov(eax, ea.r32());
    a_.shr(eax, 12 - 5);
    a_.and_(eax, (mmu::Mmu::kLevel1Entries - 1) << 5);
    // The page of the last byte: an access that crosses pages never finds its tag in its first page's entry.
    a_.lea(rdx, ptr(ea, static_cast<i32>(size) - 1));
    a_.and_(rdx, -4096);
    a_.cmp(rdx, ptr_64(kTlb, rax, 0, store ? offsetof(mmu::TlbEntry, store_tag) : offsetof(mmu::TlbEntry, load_tag)));
    a_.jne(slow);
    a_.mov(rdx, ptr_64(kTlb, rax, 0, offsetof(mmu::TlbEntry, addend)));
}

void Compiler::swap(const Gp& r, unsigned size) {
    if (size == 2) a_.rol(r.r16(), 8);
    if (size == 4) a_.bswap(r.r32());
    if (size == 8) a_.bswap(r);
}

void Compiler::emit_load(u32 id, const Inst& i) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    const Gp r = dies(i.a) ? define_from(id, i.a) : define(id);
    const ir::Access access = i.access;
    look_up(ea, access.size, false, slow);
    const bool extend_first = access.sign && !access.swap;
    switch (access.size) {
        case 1:
            if (access.sign)
                a_.movsx(r, ptr_8(ea, rdx));
            else
                a_.movzx(r.r32(), ptr_8(ea, rdx));
            break;
        case 2:
            if (extend_first)
                a_.movsx(r, ptr_16(ea, rdx));
            else
                a_.movzx(r.r32(), ptr_16(ea, rdx));
            break;
        case 4:
            if (extend_first)
                a_.movsxd(r, ptr_32(ea, rdx));
            else
                a_.mov(r.r32(), ptr_32(ea, rdx));
            break;
        default: a_.mov(r, ptr_64(ea, rdx)); break;
    }
    if (access.swap) {
        swap(r, access.size);
        if (access.sign && access.size == 2) a_.movsx(r, r.r16());
        if (access.sign && access.size == 4) a_.movsxd(r, r.r32());
    }
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, r, i] {
        const Label interrupt = a_.newLabel();
        a_.bind(slow);
        a_.mov(rax, ea);
        a_.mov(ecx, imm(Stubs::pack(i.access)));
        a_.call(imm(stubs_.load));
        a_.test(eax, eax);
        a_.jz(interrupt);
        a_.mov(r, rdx);
        a_.jmp(done);
        a_.bind(interrupt);
        jump_interrupt(i);
    });
}

void Compiler::emit_store(const Inst& i) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a), v = use(i.b);
    const ir::Access access = i.access;
    look_up(ea, access.size, true, slow);
    Gp out = v;
    if (access.swap && access.size > 1) {
        a_.mov(rcx, v);
        swap(rcx, access.size);
        out = rcx;
    }
    switch (access.size) {
        case 1: a_.mov(ptr_8(ea, rdx), out.r8()); break;
        case 2: a_.mov(ptr_16(ea, rdx), out.r16()); break;
        case 4: a_.mov(ptr_32(ea, rdx), out.r32()); break;
        default: a_.mov(ptr_64(ea, rdx), out); break;
    }
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, v, i] {
        const Label interrupt = a_.newLabel();
        a_.bind(slow);
        a_.mov(rax, ea);
        a_.mov(rdx, v);
        a_.mov(ecx, imm(Stubs::pack(i.access)));
        a_.call(imm(stubs_.store));
        a_.test(eax, eax);
        a_.jnz(done);
        a_.bind(interrupt);
        jump_interrupt(i);
    });
}

// An aligned 16-byte SSE access is single-copy atomic on every x86 that has AVX.
void Compiler::emit_load128(u32 id, const Inst& i) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    look_up(ea, 16, false, slow);
    a_.movups(xmm0, xmmword_ptr(ea, rdx));
    if (i.access.swap) a_.pshufb(xmm0, xmmword_ptr(rsp, kSwapMask));
    a_.movaps(slot(id), xmm0);
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, id, i] {
        a_.bind(slow);
        a_.mov(rax, ea);
        a_.lea(rdx, slot(id));
        a_.mov(ecx, imm(Stubs::pack(i.access)));
        a_.call(imm(stubs_.load128));
        a_.test(eax, eax);
        a_.jnz(done);
        jump_interrupt(i);
    });
}

void Compiler::emit_store128(const Inst& i) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    look_up(ea, 16, true, slow);
    a_.movaps(xmm0, slot(i.b));
    if (i.access.swap) a_.pshufb(xmm0, xmmword_ptr(rsp, kSwapMask));
    a_.movups(xmmword_ptr(ea, rdx), xmm0);
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, i] {
        a_.bind(slow);
        a_.mov(rax, ea);
        a_.lea(rdx, slot(i.b));
        a_.mov(ecx, imm(Stubs::pack(i.access)));
        a_.call(imm(stubs_.store128));
        a_.test(eax, eax);
        a_.jnz(done);
        jump_interrupt(i);
    });
}

void Compiler::emit_reserve(u32 id, const Inst& i) {
    const bool load = i.op == Op::kLoadReserve || i.op == Op::kLoadReserve128;
    const bool in_register = i.op != Op::kLoadReserve128;
    const Label interrupt = a_.newLabel();
    const Gp ea = use(i.a);
    u32 value = id;  // whose slot holds the operand, or gets the result
    if (i.op == Op::kStoreCond) a_.mov(slot(id), use(i.b));
    if (i.op == Op::kStoreCond128) value = i.b;
    a_.mov(rax, ea);
    a_.lea(rdx, slot(value));
    a_.mov(ecx, imm(Stubs::pack(i.access)));
    a_.call(imm(load ? stubs_.load_reserve : stubs_.store_conditional));
    a_.test(eax, eax);
    a_.jz(interrupt);
    if (in_register) a_.mov(define(id), rdx);
    cold_.push_back([this, interrupt, i] {
        a_.bind(interrupt);
        jump_interrupt(i);
    });
}

}  // namespace mpower::jit::x64
