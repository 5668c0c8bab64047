// The builder that semantic definitions are written against: one per block being translated.
//
// A definition reads like the manual's pseudo-code:
//
//     // RT <- (RA) + (RB)
//     void add(Builder& b, Insn i) {
//         const Value r = b.add(b.gpr(i.ra()), b.gpr(i.rb()));
//         b.set_gpr(i.rt(), r);
//         if (i.rc()) b.record(r);
//     }
//
// Order matters only for faults: do every load, store and trap before the first state write that must not happen if it
// faults (ir.h). A read of state after a write in the same definition sees the written value.
#pragma once

#include <cstddef>

#include "jit/ir/ir.h"

namespace mpower::jit::ir {

class Builder {
  public:
    explicit Builder(Mode mode) {
        block_.mode = mode;
        block_.insts.reserve(96);  // most blocks have fewer
    }

    const Mode& mode() const { return block_.mode; }
    bool isa300() const { return mode().level >= IsaLevel::k300; }

    // --- constants and plain operations; one method an op of ops.inc
    Value imm(u64 v) { return emit({.op = Op::kConst, .imm = v}); }
    /// Address of the current instruction + offset (CIA + offset), as the mode cuts it.
    Value cia_plus(u64 offset) { return emit({.op = Op::kPc, .imm = offset + static_cast<u64>(i64{pc_})}); }
    Value add(Value a, Value b) { return op2(Op::kAdd, a, b); }
    Value add(Value a, u64 n) { return n == 0 ? a : add(a, imm(n)); }
    Value sub(Value a, Value b) { return op2(Op::kSub, a, b); }
    Value mul(Value a, Value b) { return op2(Op::kMul, a, b); }
    Value mul_high_s(Value a, Value b) { return op2(Op::kMulHighS, a, b); }
    Value mul_high_u(Value a, Value b) { return op2(Op::kMulHighU, a, b); }
    Value div_s(Value a, Value b) { return op2(Op::kDivS, a, b); }
    Value div_u(Value a, Value b) { return op2(Op::kDivU, a, b); }
    Value rem_s(Value a, Value b) { return op2(Op::kRemS, a, b); }
    Value rem_u(Value a, Value b) { return op2(Op::kRemU, a, b); }
    Value neg(Value a) { return op1(Op::kNeg, a); }
    Value and_(Value a, Value b) { return op2(Op::kAnd, a, b); }
    Value and_(Value a, u64 m) { return and_(a, imm(m)); }
    Value or_(Value a, Value b) { return op2(Op::kOr, a, b); }
    Value xor_(Value a, Value b) { return op2(Op::kXor, a, b); }
    Value and_not(Value a, Value b) { return op2(Op::kAndNot, a, b); }
    Value not_(Value a) { return op1(Op::kNot, a); }
    Value shl(Value a, Value n) { return op2(Op::kShl, a, n); }
    Value shl(Value a, u64 n) { return shl(a, imm(n)); }
    Value shr(Value a, Value n) { return op2(Op::kShr, a, n); }
    Value shr(Value a, u64 n) { return shr(a, imm(n)); }
    Value sar(Value a, Value n) { return op2(Op::kSar, a, n); }
    Value sar(Value a, u64 n) { return sar(a, imm(n)); }
    Value rotl(Value a, Value n) { return op2(Op::kRotl, a, n); }
    Value rotl_word(Value a, Value n) { return op2(Op::kRotlWord, a, n); }
    Value sext8(Value a) { return op1(Op::kSext8, a); }
    Value sext16(Value a) { return op1(Op::kSext16, a); }
    Value sext32(Value a) { return op1(Op::kSext32, a); }
    Value zext8(Value a) { return op1(Op::kZext8, a); }
    Value zext16(Value a) { return op1(Op::kZext16, a); }
    Value zext32(Value a) { return op1(Op::kZext32, a); }
    Value clz(Value a) { return op1(Op::kClz, a); }
    Value ctz(Value a) { return op1(Op::kCtz, a); }
    Value popcnt(Value a) { return op1(Op::kPopcnt, a); }
    Value bswap16(Value a) { return op1(Op::kBswap16, a); }
    Value bswap32(Value a) { return op1(Op::kBswap32, a); }
    Value bswap64(Value a) { return op1(Op::kBswap64, a); }
    Value eq(Value a, Value b) { return op2(Op::kEq, a, b); }
    Value ne(Value a, Value b) { return op2(Op::kNe, a, b); }
    Value lt_s(Value a, Value b) { return op2(Op::kLtS, a, b); }
    Value lt_u(Value a, Value b) { return op2(Op::kLtU, a, b); }
    Value select(Value condition, Value if_true, Value if_false) {
        return emit({.op = Op::kSelect, .a = condition.id, .b = if_true.id, .c = if_false.id});
    }
    /// CR field of a comparison, with `so` as its SO bit.
    Value compare_s(Value a, Value b, Value so) {
        return emit({.op = Op::kCompareS, .a = a.id, .b = b.id, .c = so.id});
    }
    Value compare_u(Value a, Value b, Value so) {
        return emit({.op = Op::kCompareU, .a = a.id, .b = b.id, .c = so.id});
    }
    Value make_v128(Value hi, Value lo) { return op2(Op::kMakeV128, hi, lo); }
    Value high64(Value v) { return op1(Op::kHigh64, v); }
    Value low64(Value v) { return op1(Op::kLow64, v); }
    Value vector(VectorFunction f, Lanes op, Value a, Value b, Value c, u64 n = 0) {
        return emit({.op = Op::kVector,
                     .a = a.id,
                     .b = b.id,
                     .c = c.id,
                     .imm = reinterpret_cast<u64>(f),
                     .imm2 = static_cast<u64>(op) | n << 16});
    }
    Value vector_test(Value mask) { return op1(Op::kVectorTest, mask); }

    Value widen(Value single) { return op1(Op::kWiden, single); }
    Value narrow(Value v) { return op1(Op::kNarrow, v); }
    /// Registers by form.regs, as the helper takes them; the target is written.
    Value floating(Op op, Helper f, FloatForm form) {
        const auto reg = [&](int n) { return form.regs >> (8 * n) & 63; };
        const auto operand = [&](int n) { return op == Op::kFloatVector ? vsr(reg(n)) : fpr(reg(n)); };
        const Value b = operand(2), a = reads_a(form.op) ? operand(1) : b, c = is_fused(form.op) ? operand(3) : b;
        return emit(
            {.op = op, .a = a.id, .b = b.id, .c = c.id, .imm = reinterpret_cast<u64>(f), .imm2 = form.packed()});
    }

    // --- guest state
    Value gpr(u32 n) { return get64(offsetof(CpuState, gpr) + 8 * n); }
    void set_gpr(u32 n, Value v) { set64(offsetof(CpuState, gpr) + 8 * n, v); }
    /// (RA|0)
    Value gpr_or_zero(u32 n) { return n == 0 ? imm(0) : gpr(n); }
    /// FPR n, as raw bits.
    Value fpr(u32 n) { return get64(vsr_offset(n) + 8); }
    void set_fpr(u32 n, Value v) { set64(vsr_offset(n) + 8, v); }
    /// VSR n, 0..63; VR n is vsr(32 + n).
    Value vsr(u32 n) { return emit({.op = Op::kGet128, .imm = vsr_offset(n)}); }
    void set_vsr(u32 n, Value v) { emit({.op = Op::kSet128, .a = v.id, .imm = vsr_offset(n)}); }
    Value lr() { return get64(offsetof(CpuState, lr)); }
    void set_lr(Value v) { set64(offsetof(CpuState, lr), v); }
    Value ctr() { return get64(offsetof(CpuState, ctr)); }
    void set_ctr(Value v) { set64(offsetof(CpuState, ctr), v); }
    /// CR field n as a nibble LT 8, GT 4, EQ 2, SO 1.
    Value cr(u32 n) { return get8(offsetof(CpuState, cr) + n); }
    void set_cr(u32 n, Value nibble) { set8(offsetof(CpuState, cr) + n, nibble); }
    /// CR bit n, 0..31, as 0 or 1.
    Value cr_bit(u32 n) { return and_(shr(cr(n / 4), 3 - n % 4), 1); }
    void set_cr_bit(u32 n, Value bit) {
        const u64 m = 8u >> (n % 4);
        set_cr(n / 4, or_(and_(cr(n / 4), 15 & ~m), shl(bit, 3 - n % 4)));
    }
    Value so() { return get8(offsetof(CpuState, so)); }
    Value ca() { return get8(offsetof(CpuState, ca)); }
    void set_ca(Value v) { set8(offsetof(CpuState, ca), v); }
    void set_ca32(Value v) { set8(offsetof(CpuState, ca32), v); }
    /// OV := v, SO |= v. OV32 separately.
    void set_ov(Value v) {
        set8(offsetof(CpuState, ov), v);
        set8(offsetof(CpuState, so), or_(so(), v));
    }
    void set_ov32(Value v) { set8(offsetof(CpuState, ov32), v); }
    /// CR0 := result compared with 0 (its low word in 32-bit mode) || SO.
    void record(Value result) { set_cr_compare_s(0, mode().sf ? result : sext32(result), imm(0)); }
    void set_cr_compare_s(u32 field, Value a, Value b) { set_cr(field, compare_s(a, b, so())); }
    void set_cr_compare_u(u32 field, Value a, Value b) { set_cr(field, compare_u(a, b, so())); }
    Value spr(unsigned number) { return get64(offsetof(CpuState, spr) + 8 * number); }
    void set_spr(unsigned number, Value v) { set64(offsetof(CpuState, spr) + 8 * number, v); }
    Value get8(u64 offset) { return emit({.op = Op::kGet8, .imm = offset}); }
    Value get32(u64 offset) { return emit({.op = Op::kGet32, .imm = offset}); }
    Value get64(u64 offset) { return emit({.op = Op::kGet64, .imm = offset}); }
    void set8(u64 offset, Value v) { emit({.op = Op::kSet8, .a = v.id, .imm = offset}); }
    void set32(u64 offset, Value v) { emit({.op = Op::kSet32, .a = v.id, .imm = offset}); }
    void set64(u64 offset, Value v) { emit({.op = Op::kSet64, .a = v.id, .imm = offset}); }

    // --- storage. `ea` is cut to 32 bits in 32-bit mode here: pass the plain sum.
    enum class Order : u8 { kGuest, kReversed };  ///< MSR[LE]'s byte order, or the other one (lwbrx ...).
    Value load(Value ea, u8 size, bool sign = false, Order order = Order::kGuest) {
        return emit({.op = Op::kLoad, .access = access(size, sign, order), .a = effective(ea).id});
    }
    void store(Value ea, Value v, u8 size, Order order = Order::kGuest) {
        emit({.op = Op::kStore, .access = access(size, false, order), .a = effective(ea).id, .b = v.id});
    }
    /// 16 bytes as one quadword in the guest's byte order (lvx, lq, lxvx ...).
    Value load128(Value ea, Order order = Order::kGuest) {
        return emit({.op = Op::kLoad128, .access = access(16, false, order), .a = effective(ea).id});
    }
    void store128(Value ea, Value v, Order order = Order::kGuest) {
        emit({.op = Op::kStore128, .access = access(16, false, order), .a = effective(ea).id, .b = v.id});
    }
    Value load_reserve(Value ea, u8 size) {
        return emit({.op = Op::kLoadReserve, .access = aligned(size), .a = effective(ea).id});
    }
    Value store_conditional(Value ea, Value v, u8 size) {
        return emit({.op = Op::kStoreCond, .access = aligned(size), .a = effective(ea).id, .b = v.id});
    }
    Value load_reserve128(Value ea) {
        return emit({.op = Op::kLoadReserve128, .access = aligned(16), .a = effective(ea).id});
    }
    Value store_conditional128(Value ea, Value v) {
        return emit({.op = Op::kStoreCond128, .access = aligned(16), .a = effective(ea).id, .b = v.id});
    }
    void fence() { emit({.op = Op::kFence}); }
    void pause() { emit({.op = Op::kPause}); }
    /// Effective address as storage sees it: low 32 bits in 32-bit mode.
    Value effective(Value ea) { return mode().sf ? ea : zext32(ea); }

    // --- calls. Arguments not given are 0.
    Value call(Helper f, Value a, Value b, Value c) { return emit_call(Op::kCall, f, a, b, c); }
    Value call(Helper f, Value a, Value b) { return call(f, a, b, imm(0)); }
    Value call(Helper f, Value a) { return call(f, a, imm(0), imm(0)); }
    Value call_sys(Helper f, Value a, Value b, Value c) { return emit_call(Op::kCallSys, f, a, b, c); }
    Value call_sys(Helper f, Value a, Value b) { return call_sys(f, a, b, imm(0)); }
    Value call_sys(Helper f, Value a) { return call_sys(f, a, imm(0), imm(0)); }

    // --- ways out
    void raise_if(Value condition, Vector vector, u64 srr1) {
        emit({.op = Op::kRaiseIf, .a = condition.id, .imm = static_cast<u64>(vector), .imm2 = srr1});
    }
    /// What follows in the block, where the bit cannot change, may rely on it.
    void need(Facility facility) {
        if (block_.needed & facility.msr_bit) return;
        block_.needed |= facility.msr_bit;
        emit({.op = Op::kNeed, .imm = static_cast<u64>(facility.vector), .imm2 = facility.msr_bit});
    }
    void raise(Vector vector, u64 srr1) {
        emit({.op = Op::kRaise, .imm = static_cast<u64>(vector), .imm2 = srr1});
        ended_ = true;
    }
    void illegal() { raise(Vector::kProgram, program::kIllegal); }
    void syscall(Vector vector) { end({.op = Op::kSyscall, .imm = static_cast<u64>(vector)}); }
    void hypercall() { end({.op = Op::kHypercall}); }
    /// Leaves for `target` if condition != 0; else the block goes on. `target` is cut as the mode says, low bits kept.
    void exit_if(Value condition, Value target) {
        const Value t = effective(target);
        emit({.op = Op::kExitIf, .a = condition.id, .b = t.id});
    }
    void exit(Value target) { end({.op = Op::kExit, .a = effective(target).id}); }
    /// Ends the block after this instruction, context synchronising.
    void exit_sync() { end({.op = Op::kExitSync, .a = cia_plus(4).id}); }
    /// Ends the block; a call_sys before has set NIP and MSR.
    void exit_return() { end({.op = Op::kReturn}); }

    // --- for the translator
    bool ended() const { return ended_; }
    std::size_t size() const { return block_.insts.size(); }
    /// What follows belongs to the next guest instruction, `pc` bytes from the first.
    void next_guest(i32 pc) {
        guest_ = static_cast<u16>(block_.pc.size());
        pc_ = pc;
        block_.pc.push_back(pc);
    }
    Block& block() { return block_; }
    const Block& block() const { return block_; }
    /// Takes back the last instruction, which ended the block.
    void reopen() {
        block_.insts.pop_back();
        ended_ = false;
    }
    /// Back to `ended`, a block as it was; what comes next belongs to its last guest instruction.
    void restore(Block ended) {
        block_ = std::move(ended);
        guest_ = static_cast<u16>(block_.pc.size() - 1);
        pc_ = block_.pc.back();
        ended_ = true;
    }
    /// Adds `inst` to a block whose end was taken off.
    void reopen_with(const Inst& inst) {
        block_.insts.push_back(inst);
        ended_ = false;
    }
    void loop() { end({.op = Op::kLoop}); }
    Block take() {
        block_.guest_count = static_cast<u16>(block_.pc.size());
        return std::move(block_);
    }

  private:
    static u64 vsr_offset(u32 n) { return offsetof(CpuState, vsr) + sizeof(V128) * n; }
    Value op1(Op op, Value a) { return emit({.op = op, .a = a.id}); }
    Value op2(Op op, Value a, Value b) { return emit({.op = op, .a = a.id, .b = b.id}); }
    Value emit_call(Op op, Helper f, Value a, Value b, Value c) {
        return emit({.op = op, .a = a.id, .b = b.id, .c = c.id, .imm = reinterpret_cast<u64>(f)});
    }
    Access access(u8 size, bool sign, Order order) const {
        return {.size = size, .swap = mode().le == (order == Order::kReversed), .sign = sign};
    }
    Access aligned(u8 size) const { return {.size = size, .swap = !mode().le, .aligned = true}; }
    Value emit(Inst inst) {
        inst.guest = guest_;
        block_.insts.push_back(inst);
        return {static_cast<u32>(block_.insts.size() - 1)};
    }
    void end(Inst inst) {
        emit(inst);
        ended_ = true;
    }

    Block block_;
    u16 guest_ = 0;
    i32 pc_ = 0;
    bool ended_ = false;
};

}  // namespace mpower::jit::ir
