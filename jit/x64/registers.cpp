// The compiler's register allocation.
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Op;

namespace {

// Those that survive calls first.
constexpr u8 kAllocatable[] = {3 /*rbx*/, 5 /*rbp*/, 12, 6 /*rsi*/, 7 /*rdi*/, 8, 9, 10, 11};
constexpr unsigned kCalleeSaved = 3;

bool fits_i32(u64 v) { return static_cast<i64>(v) == static_cast<i32>(v); }

}  // namespace

Mem Compiler::slot(u32 id, int offset) const { return ptr_64(rsp, kSlots + 16 * static_cast<int>(id) + offset); }

bool Compiler::is_remade(u32 id) const { return block_.insts[id].op == Op::kConst || block_.insts[id].op == Op::kPc; }

bool Compiler::constant(u32 id, u64* v) const {
    *v = block_.insts[id].imm;
    return block_.insts[id].op == Op::kConst;
}

void Compiler::save(u32 id) {
    if (place_[id].in_slot || is_remade(id)) return;
    a_.mov(slot(id), gpq(static_cast<u32>(place_[id].reg)));
    place_[id].in_slot = true;
}

void Compiler::forget_register(u32 id) {
    if (place_[id].reg < 0) return;
    owner_[place_[id].reg] = kNobody;
    place_[id].reg = -1;
}

Gp Compiler::take_register() {
    u32 victim = 16;
    for (const u8 r : kAllocatable) {
        if (pinned_ >> r & 1) continue;
        if (owner_[r] == kNobody) {
            pinned_ |= 1u << r;
            return gpq(r);
        }
        if (victim == 16 || live_.last_use[owner_[r]] > live_.last_use[owner_[victim]]) victim = r;
    }
    const u32 id = owner_[victim];
    save(id);
    forget_register(id);
    pinned_ |= 1u << victim;
    return gpq(victim);
}

void Compiler::load_address(const Gp& r, u64 offset) {
    if (fits_i32(offset)) {
        if (block_.mode.sf)
            a_.lea(r, ptr(kEntry, static_cast<i32>(offset)));
        else
            a_.lea(r.r32(), ptr(kEntry, static_cast<i32>(offset)));
        return;
    }
    a_.mov(r, imm(offset));
    if (block_.mode.sf)
        a_.add(r, kEntry);
    else
        a_.add(r.r32(), kEntry.r32());
}

void Compiler::load_into(const Gp& r, u32 id) {
    const Inst& i = block_.insts[id];
    if (place_[id].reg >= 0) {
        a_.mov(r, gpq(static_cast<u32>(place_[id].reg)));
    } else if (i.op == Op::kConst) {
        if (i.imm == 0)
            a_.mov(r.r32(), 0);  // not xor: flags may be wanted
        else if (i.imm <= 0xffffffff)
            a_.mov(r.r32(), imm(i.imm));
        else
            a_.mov(r, imm(i.imm));
    } else if (i.op == Op::kPc) {
        load_address(r, i.imm);
    } else {
        a_.mov(r, slot(id));
    }
}

Gp Compiler::use(u32 id) {
    if (place_[id].reg < 0) {
        const Gp r = take_register();
        load_into(r, id);
        place_[id].reg = static_cast<i8>(r.id());
        owner_[r.id()] = id;
    }
    pinned_ |= 1u << place_[id].reg;
    return gpq(static_cast<u32>(place_[id].reg));
}

asmjit::Operand Compiler::operand(u32 id) {
    u64 v;
    if (constant(id, &v) && fits_i32(v)) return imm(static_cast<i64>(v));
    return use(id);
}

Gp Compiler::define(u32 id) {
    const Gp r = take_register();
    owner_[r.id()] = id;
    place_[id].reg = static_cast<i8>(r.id());
    return r;
}

Gp Compiler::define_from(u32 id, u32 a) {
    if (dies(a) && place_[a].reg >= 0) {
        const i8 r = place_[a].reg;
        place_[a].reg = -1;
        owner_[r] = id;
        place_[id].reg = r;
        pinned_ |= 1u << r;
        return gpq(static_cast<u32>(r));
    }
    // Pinned, lest the new register be the one that holds a.
    if (place_[a].reg >= 0) pinned_ |= 1u << place_[a].reg;
    const Gp r = define(id);
    load_into(r, a);
    return r;
}

void Compiler::clear_caller_saved() {
    for (unsigned n = kCalleeSaved; n < sizeof kAllocatable; ++n) {
        const u32 id = owner_[kAllocatable[n]];
        if (id == kNobody) continue;
        if (live_.last_use[id] > now_) save(id);
    }
}

}  // namespace mpower::jit::x64
