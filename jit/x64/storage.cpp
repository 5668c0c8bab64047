// The compiler's storage accesses. Hot code looks into the level-1 TLB inline, and has the rest out of line; cold code
// calls a stub, which takes a quarter of the room.
#include <algorithm>

#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using asmjit::Label;
using ir::Op;

void Compiler::look_up(const Gp& base, i32 distance, unsigned size, bool store, const Gp& addend, const Label& slow,
                       bool aligned) {
    if (store && cache_.options().one_block) {
        a_.jmp(slow);
        return;
    }
    x64::look_up(a_, host_, base, distance, size, store, rax, rdx, slow, aligned);
    a_.mov(addend, ptr_64(kTlb, rax, 0, offsetof(mmu::TlbEntry, addend)));
}

void Compiler::begin_storage(const Inst& i) {
    if (!makes_probe(i)) return;
    const u32 probe = now_ - 1;
    use(block_.insts[probe].a);
    define(probe);
}

bool Compiler::makes_probe(const Inst& i) const {
    return (i.op == Op::kLoadBy && i.b + 1 == now_) || (i.op == Op::kStoreBy && i.c + 1 == now_);
}

Mem Compiler::find_storage(const Inst& i, const Gp& base, bool store, const Label& slow) {
    const i32 distance = static_cast<i32>(i.imm);
    const Mem storage(base, rdx, 0, distance, i.access.size);
    if (i.op != Op::kLoadBy && i.op != Op::kStoreBy) {
        look_up(base, distance, i.access.size, store, rdx, slow);
        return storage;
    }
    const u32 id = store ? i.c : i.b;
    const Label none = a_.newLabel(), single = a_.newLabel(), found = a_.newLabel();
    const bool makes = makes_probe(i);
    if (makes) {
        const Inst& probe = block_.insts[id];
        look_up(use(probe.a), static_cast<i32>(probe.imm), static_cast<unsigned>(probe.imm2 >> 1), store, use(id),
                none);
    }
    load_into(rdx, id);
    if (!makes) {
        a_.test(rdx, rdx);
        a_.jz(single);
    }
    a_.bind(found);
    const i8 addend = place_[id].reg;
    cold_.push_back([this, none, single, found, slow, makes, addend, base, distance, i, store] {
        if (makes) {
            const Gp r = gpq(static_cast<u32>(addend));
            a_.bind(none);
            a_.xor_(r.r32(), r.r32());
        }
        a_.bind(single);
        look_up(base, distance, i.access.size, store, rdx, slow);
        a_.jmp(found);
    });
    return storage;
}

void Compiler::load_effective(const Gp& r, const Gp& base, const Inst& i) {
    if (i.imm == 0)
        a_.mov(r, base);
    else
        a_.lea(r, ptr(base, static_cast<i32>(i.imm)));
}

void Compiler::call_cold(const Inst& i, bool store) {
    const bool vectors =
        std::any_of(std::begin(xmm_owner_), std::end(xmm_owner_), [&](u32 id) { return id != kNobody && !dies(id); });
    static_assert(kMaxBlockInsns < 128);
    load_effective(rax, use(i.a), i);
    a_.call(imm(stubs_.access[Stubs::number(i.access, store, vectors)]));
    a_.test(al, static_cast<i32>(i.guest));
}

void Compiler::emit_load(u32 id, const Inst& i) {
    if (!lazy_) {
        call_cold(i, false);
        if (wants_xmm_[id] && i.access.size == 8)
            a_.movq(define_xmm(id), rdx);
        else
            a_.mov(define(id), rdx);
        return;
    }
    begin_storage(i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    const ir::Access access = i.access;
    if (wants_xmm_[id] && access.size == 8 && !access.swap) {
        const Xmm x = define_xmm(id);
        a_.movq(x, find_storage(i, ea, false, slow));
        a_.bind(done);
        cold_.push_back([this, slow, done, ea, x, i, k = kept(false), late = late_writes()] {
            a_.bind(slow);
            call_access(stubs_.load, ea, i, k, late);
            a_.movq(x, rdx);
            a_.jmp(done);
        });
        return;
    }
    const Gp r = dies(i.a) ? define_from(id, i.a) : define(id);
    const std::vector<Late> late = late_writes(i.a, ea);
    load(a_, r, find_storage(i, ea, false, slow), access);
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, r, i, k = kept(false), late] {
        a_.bind(slow);
        call_access(stubs_.load, ea, i, k, late);
        a_.mov(r, rdx);
        a_.jmp(done);
    });
}

void Compiler::call_access(u64 stub, const Gp& ea, const Inst& i, const Kept& k, const std::vector<Late>& late) {
    const Label good = a_.newLabel();
    save_kept(k);
    load_effective(rax, ea, i);
    a_.mov(ecx, imm(Stubs::pack(i.access)));
    a_.call(imm(stub));
    restore_kept(k);
    a_.test(eax, eax);
    a_.jnz(good);
    write(late);
    jump_interrupt(i);
    a_.bind(good);
}

void Compiler::emit_store(const Inst& i) {
    if (!lazy_) {
        load_into(rdx, i.b);
        return call_cold(i, true);
    }
    begin_storage(i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    const ir::Access access = i.access;
    if (access.size == 8 && !access.swap && place_[i.b].xmm >= 0 && place_[i.b].reg < 0) {
        const Xmm x = use_xmm(i.b);
        const Mem storage = find_storage(i, ea, true, slow);
        test_watched(storage, ea, i, slow);
        a_.movq(storage, x);
        a_.bind(done);
        cold_.push_back([this, slow, done, ea, x, i, k = kept(false), late = late_writes()] {
            a_.bind(slow);
            a_.movq(rdx, x);
            call_store(done, ea, i, k, late);
        });
        return;
    }
    const Gp v = use(i.b);
    const Mem storage = find_storage(i, ea, true, slow);
    test_watched(storage, ea, i, slow);
    store(a_, storage, v, rcx, access);
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, v, i, k = kept(false), late = late_writes()] {
        a_.bind(slow);
        a_.mov(rdx, v);
        call_store(done, ea, i, k, late);
    });
}

void Compiler::call_store(const Label& done, const Gp& ea, const Inst& i, const Kept& k,
                          const std::vector<Late>& late) {
    save_kept(k);
    load_effective(rax, ea, i);
    a_.mov(ecx, imm(Stubs::pack(i.access)));
    a_.call(imm(stubs_.store));
    restore_kept(k);
    a_.test(eax, eax);
    a_.jnz(done);
    write(late);
    jump_interrupt(i);
}

// An aligned 16-byte SSE access is single-copy atomic on every x86 that has AVX.
void Compiler::emit_load128(u32 id, const Inst& i) {
    if (!lazy_) {
        call_cold(i, false);
        a_.movaps(define_xmm(id), xmm0);
        return;
    }
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    const Xmm r = define_xmm(id);
    a_.movups(r, find_storage(i, ea, false, slow));
    a_.bind(done);
    if (i.access.swap) a_.pshufb(r, xmmword_ptr(rsp, kSwapMask));
    cold_.push_back([this, slow, done, ea, r, i, k = kept(false), late = late_writes()] {
        a_.bind(slow);
        save_kept(k);
        ir::Access access = i.access;
        access.swap = false;  // done after the join
        load_effective(rax, ea, i);
        a_.lea(rdx, ptr(rsp, kScratch));
        a_.mov(ecx, imm(Stubs::pack(access)));
        a_.call(imm(stubs_.load128));
        restore_kept(k);
        a_.movaps(r, ptr(rsp, kScratch));
        a_.test(eax, eax);
        a_.jnz(done);
        write(late);
        jump_interrupt(i);
    });
}

void Compiler::emit_store128(const Inst& i) {
    if (!lazy_) {
        a_.movaps(xmm0, use_xmm(i.b));
        return call_cold(i, true);
    }
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    Xmm v = use_xmm(i.b);
    if (i.access.swap) {
        a_.movaps(xmm0, v);
        a_.pshufb(xmm0, xmmword_ptr(rsp, kSwapMask));
        v = xmm0;
    }
    const Mem storage = find_storage(i, ea, true, slow);
    test_watched(storage, ea, i, slow);
    a_.movups(storage, v);
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, v, i, k = kept(false), late = late_writes()] {
        a_.bind(slow);
        save_kept(k);
        ir::Access access = i.access;
        access.swap = false;  // done already
        a_.movaps(ptr(rsp, kScratch), v);
        load_effective(rax, ea, i);
        a_.lea(rdx, ptr(rsp, kScratch));
        a_.mov(ecx, imm(Stubs::pack(access)));
        a_.call(imm(stubs_.store128));
        restore_kept(k);
        a_.test(eax, eax);
        a_.jnz(done);
        write(late);
        jump_interrupt(i);
    });
}

}  // namespace mpower::jit::x64
