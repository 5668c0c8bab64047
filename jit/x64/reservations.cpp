// larx and stcx. as mmu/reservations.h has them: BasicReservations::reserve and store_conditional, inline in hot code.
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using asmjit::Label;
using ir::Op;
using mmu::Reservations;

namespace {

Mem reserve_at() { return state(offsetof(CpuState, reserve_at), 8); }
Mem reserve_version() { return state(offsetof(CpuState, reserve_version), 8); }
Mem reserve_size() { return state(offsetof(CpuState, reserve_size), 4); }
Mem reserve_value() { return state(offsetof(CpuState, reserve_value), 8); }

Gp sized(const Gp& r, unsigned size) {
    switch (size) {
        case 1: return r.r8();
        case 2: return r.r16();
        case 4: return r.r32();
        default: return r;
    }
}

}  // namespace

Mem Compiler::find_slot(const Gp& at, const Gp& r, const Gp& spare) {
    const Reservations& table = cache_.reservations();
    a_.mov(r.r32(), at.r32());
    if (!table.strict()) {
        a_.shr(r.r32(), Reservations::kFold);
        a_.xor_(r.r32(), at.r32());
    }
    return slot_of(r, spare);
}

Mem Compiler::slot_of(const Gp& r, const Gp& spare) {
    const Reservations& table = cache_.reservations();
    a_.shr(r.r32(), table.shift());
    a_.and_(r.r32(), table.mask());
    if (table.table() <= 0x7fffffff) return ptr_64(r, static_cast<i32>(table.table()));
    a_.mov(spare, imm(table.table()));
    return ptr_64(spare, r);
}

void Compiler::test_watched(const Mem& storage, const Gp& base, const Inst& i, const Label& slow) {
    if (!cache_.reservations().strict()) return;
    if (i.access.size > 1) {  // what is not aligned might be in two granules
        a_.lea(eax, ptr(base, static_cast<i32>(i.imm)));
        a_.test(eax, static_cast<u32>(i.access.size - 1));
        a_.jnz(slow);
    }
    Mem whole = storage;
    whole.setSize(0);
    a_.lea(eax, whole);
    Mem slot = slot_of(rax, rcx);
    slot.setSize(1);
    a_.test(slot, static_cast<u32>(Reservations::kWatched));
    a_.jnz(slow);
}

void Compiler::call_slow(u64 stub, const Gp& ea, const Inst& i, const std::vector<Late>& late) {
    const Label good = a_.newLabel();
    a_.mov(rax, ea);
    a_.mov(ecx, imm(Stubs::pack(i.access)));
    a_.call(imm(stub));
    a_.jnz(good);
    write(late);
    jump_interrupt(i, stubs_.interrupt);
    a_.bind(good);
}

void Compiler::emit_larx(u32 id, const Inst& i) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    const Gp r = define(id);
    const ir::Access access = i.access;
    // What is done to the table is known to -accel verify only from the slow path.
    if (cache_.options().one_block && cache_.reservations().strict()) a_.jmp(slow);
    look_up(ea, 0, access.size, false, rdx, slow, true);
    a_.add(rdx, ea);
    const Mem slot = find_slot(rdx, rax, r);
    a_.mov(rcx, slot);
    if (cache_.reservations().strict()) {
        const Label watched = a_.newLabel();
        a_.test(cl, static_cast<u32>(Reservations::kWatched));
        a_.jnz(watched);
        a_.lock().or_(slot, static_cast<u32>(Reservations::kWatched));
        a_.mov(rcx, slot);
        a_.test(cl, static_cast<u32>(Reservations::kWatched));
        a_.jz(slow);  // a store has come between
        a_.bind(watched);
    }
    a_.test(cl, static_cast<u32>(Reservations::kLocked));
    a_.jnz(slow);
    a_.mov(reserve_at(), rdx);
    a_.mov(reserve_version(), rcx);
    a_.mov(reserve_size(), u32{access.size});
    switch (access.size) {  // after the slot was read
        case 1: a_.movzx(r.r32(), ptr_8(rdx)); break;
        case 2: a_.movzx(r.r32(), ptr_16(rdx)); break;
        case 4: a_.mov(r.r32(), ptr_32(rdx)); break;
        default: a_.mov(r, ptr_64(rdx)); break;
    }
    a_.mov(reserve_value(), r);
    if (access.swap) swap(a_, r, access.size);
    a_.bind(done);
    cold_.push_back([this, slow, done, ea, r, i, late = late_writes()] {
        a_.bind(slow);
        a_.lea(rdx, ptr(rsp, kScratch));
        call_slow(stubs_.load_reserve, ea, i, late);
        a_.mov(r, rdx);
        a_.jmp(done);
    });
}

void Compiler::emit_stcx(u32 id, const Inst& i) {
    const Label slow = a_.newLabel(), lost = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a), v = use(i.b);
    const Gp r = define(id);
    const ir::Access access = i.access;
    look_up(ea, 0, access.size, true, rdx, slow, true);
    a_.add(rdx, ea);
    a_.cmp(rdx, reserve_at());
    a_.jne(lost);
    a_.cmp(reserve_size(), u32{access.size});
    a_.jne(lost);
    // rcx alone has to hold the slot's address from here on: rax and r are the exchanges'.
    const Mem slot = find_slot(rdx, rcx, rax);
    Mem at_slot = slot;
    if (slot.hasIndex()) {
        a_.add(rcx, rax);
        at_slot = ptr_64(rcx);
    }
    a_.mov(rax, reserve_version());
    a_.lea(r, ptr(rax, static_cast<i32>(Reservations::kLocked)));
    a_.lock().cmpxchg(at_slot, r);
    a_.jne(lost);
    a_.mov(rax, reserve_value());
    a_.mov(r, v);
    if (access.swap) swap(a_, r, access.size);
    Mem storage = ptr(rdx);
    storage.setSize(access.size);
    a_.lock().cmpxchg(storage, sized(r, access.size));
    a_.sete(r.r8());
    a_.movzx(r.r32(), r.r8());
    a_.mov(rax, reserve_version());
    a_.add(rax, static_cast<i32>(Reservations::kStep));
    a_.mov(at_slot, rax);
    a_.mov(reserve_size(), 0);
    a_.bind(done);
    cold_.push_back([this, slow, lost, done, ea, v, r, i, late = late_writes()] {
        a_.bind(lost);
        a_.mov(reserve_size(), 0);
        a_.xor_(r.r32(), r.r32());
        a_.jmp(done);
        a_.bind(slow);
        a_.mov(ptr_64(rsp, kScratch), v);
        a_.lea(rdx, ptr(rsp, kScratch));
        call_slow(stubs_.store_conditional, ea, i, late);
        a_.mov(r, rdx);
        a_.jmp(done);
    });
}

void Compiler::emit_reserve(u32 id, const Inst& i) {
    if (lazy_ && i.op == Op::kLoadReserve) return emit_larx(id, i);
    if (lazy_ && i.op == Op::kStoreCond) return emit_stcx(id, i);
    call_reserve(id, i);
}

/// By the stubs: what is rare, and cold code.
void Compiler::call_reserve(u32 id, const Inst& i) {
    const bool load = i.op == Op::kLoadReserve || i.op == Op::kLoadReserve128;
    const Label interrupt = a_.newLabel();
    const Gp ea = use(i.a);
    Mem value = ptr_64(rsp, kScratch);  // the operand, or the result
    if (i.op == Op::kLoadReserve128) {
        value = slot(id);
    } else if (i.op == Op::kStoreCond128) {
        save(i.b);
        value = slot(i.b);
    } else if (i.op == Op::kStoreCond) {
        a_.mov(value, use(i.b));
    }
    const std::vector<Late> late = late_writes();
    a_.mov(rax, ea);
    a_.lea(rdx, value);
    a_.mov(ecx, imm(Stubs::pack(i.access)));
    a_.call(imm(load ? stubs_.load_reserve : stubs_.store_conditional));
    a_.jz(interrupt);
    if (i.op == Op::kLoadReserve128)
        place_[id].in_slot = true;
    else
        a_.mov(define(id), rdx);
    cold_.push_back([this, interrupt, i, late] {
        a_.bind(interrupt);
        write(late);
        jump_interrupt(i, stubs_.interrupt);
    });
}

}  // namespace mpower::jit::x64
