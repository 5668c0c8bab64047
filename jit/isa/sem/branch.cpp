// Branches and condition register (Power ISA, Book I chapter 2).
#include <optional>

#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

/// ctr_ok & cond_ok of a BO/BI pair as 0 or 1; nullopt: branch always. Decrements CTR where BO says so.
std::optional<Value> condition(Builder& b, Insn i) {
    const u32 bo = i.bo();
    std::optional<Value> taken;
    if (!(bo & 4)) {
        const Value ctr = b.sub(b.ctr(), b.imm(1));
        b.set_ctr(ctr);
        const Value low = b.mode().sf ? ctr : b.zext32(ctr);
        taken = bo & 2 ? b.eq(low, b.imm(0)) : b.ne(low, b.imm(0));
    }
    if (!(bo & 16)) {
        const Value bit = b.cr_bit(i.bi());
        const Value cond = bo & 8 ? bit : b.xor_(bit, b.imm(1));
        taken = taken ? b.and_(*taken, cond) : cond;
    }
    return taken;
}

/// Branches to `target` if the condition holds, else to the next instruction.
void branch(Builder& b, std::optional<Value> taken, Value target) {
    if (!taken) return b.exit(target);
    b.exit_if(*taken, target);
    b.exit(b.cia_plus(4));
}

void link(Builder& b, Insn i) {
    if (i.lk()) b.set_lr(b.cia_plus(4));
}

template <class F>
void cr_logic(Builder& b, Insn i, F f) {
    b.set_cr_bit(i.bt(), f(b.cr_bit(i.ba()), b.cr_bit(i.bb())));
}

u64 check_tar(CpuState& s, u64, u64, u64) {
    constexpr u64 kTarFacility = 8;
    u64& fscr = s.spr[spr::kFscr];
    if (fscr >> kTarFacility & 1) return 0;
    fscr = (fscr & ~(u64{0xff} << 56)) | kTarFacility << 56;
    s.pending = Vector::kFacilityUnavailable;
    s.pending_srr1 = 0;
    return 0;
}

/// A CR field where the register has it.
Value cr_in_place(Builder& b, u32 field) { return b.shl(b.cr(field), 28 - 4 * field); }

}  // namespace

void b(Builder& b, Insn i) {
    const Value target = i.aa() ? b.imm(i.li()) : b.cia_plus(i.li());
    link(b, i);
    b.exit(target);
}

void bc(Builder& b, Insn i) {
    const auto taken = condition(b, i);
    const Value target = i.aa() ? b.imm(i.bd()) : b.cia_plus(i.bd());
    link(b, i);
    branch(b, taken, target);
}

void bclr(Builder& b, Insn i) {
    const Value target = b.lr();
    const auto taken = condition(b, i);
    link(b, i);
    branch(b, taken, target);
}

// Decrementing CTR and branching to it is an invalid form.
void bcctr(Builder& b, Insn i) {
    if (!(i.bo() & 4)) return b.illegal();
    const Value target = b.ctr();
    const auto taken = condition(b, i);
    link(b, i);
    branch(b, taken, target);
}

// FSCR[TAR] keeps problem state from it (Book III-S 6.2.12).
void bctar(Builder& b, Insn i) {
    if (b.mode().pr) b.call_sys(check_tar, b.imm(0));
    const Value target = b.spr(spr::kTar);
    const auto taken = condition(b, i);
    link(b, i);
    branch(b, taken, target);
}

void mcrf(Builder& b, Insn i) { b.set_cr(i.bf(), b.cr(i.bfa())); }

void crand(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.and_(x, y); });
}
void cror(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.or_(x, y); });
}
void crxor(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.xor_(x, y); });
}
void crnand(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.xor_(b.and_(x, y), b.imm(1)); });
}
void crnor(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.xor_(b.or_(x, y), b.imm(1)); });
}
void creqv(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.eq(x, y); });
}
void crandc(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.and_not(x, y); });
}
void crorc(Builder& b, Insn i) {
    cr_logic(b, i, [&](Value x, Value y) { return b.or_(x, b.xor_(y, b.imm(1))); });
}

void mfcr(Builder& b, Insn i) {
    Value all = cr_in_place(b, 7);
    for (u32 field = 0; field < 7; ++field) all = b.or_(all, cr_in_place(b, field));
    b.set_gpr(i.rt(), all);
}

// One field in its place; the other bits are undefined, here 0. FXM with other than one bit set: all of CR.
void mfocrf(Builder& b, Insn i) {
    const u32 fxm = i.fxm();
    if (!is_power_of_two(fxm)) return mfcr(b, i);
    const u32 field = static_cast<u32>(__builtin_clz(fxm)) - 24;
    b.set_gpr(i.rt(), cr_in_place(b, field));
}

void mtcrf(Builder& b, Insn i) {
    const Value rs = b.gpr(i.rs());
    for (u32 field = 0; field < 8; ++field) {
        if (i.fxm() & (0x80u >> field)) b.set_cr(field, b.and_(b.shr(rs, 28 - 4 * field), 15));
    }
}

void mtocrf(Builder& b, Insn i) { mtcrf(b, i); }

// CR[BF] <- OV || OV32 || CA || CA32
void mcrxrx(Builder& b, Insn i) {
    const auto bit = [&](std::size_t offset, u64 shift) { return b.shl(b.get8(offset), shift); };
    const Value ov = b.or_(bit(offsetof(CpuState, ov), 3), bit(offsetof(CpuState, ov32), 2));
    const Value ca = b.or_(bit(offsetof(CpuState, ca), 1), b.get8(offsetof(CpuState, ca32)));
    b.set_cr(i.bf(), b.or_(ov, ca));
}

// RT <- LT ? -1 : GT ? 1 : 0
void setb(Builder& b, Insn i) {
    const Value field = b.cr(i.bfa());
    const Value gt = b.and_(b.shr(field, 2), 1);
    b.set_gpr(i.rt(), b.select(b.and_(field, 8), b.imm(~u64{0}), gt));
}

}  // namespace mpower::jit::isa::sem
