#include "jit/x64/compiler.h"

#include <algorithm>

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Op;
using Id = asmjit::x86::Inst::Id;
namespace ins = asmjit::x86;
using asmjit::Label;

namespace {

Mem state64(u64 offset) { return ptr_64(kState, static_cast<i32>(offset)); }
Mem state32(u64 offset) { return ptr_32(kState, static_cast<i32>(offset)); }
Mem state8(u64 offset) { return ptr_8(kState, static_cast<i32>(offset)); }

}  // namespace

void Compiler::compile() {
    ir::simplify(block_);
    ir::remove_dead_writes(block_);
    live_ = ir::liveness(block_);
    place_.resize(block_.insts.size());
    std::fill(std::begin(owner_), std::end(owner_), kNobody);
    emit_prologue();
    for (now_ = 0; now_ < block_.insts.size(); ++now_) {
        const Inst& i = block_.insts[now_];
        if (ir::is_pure(i.op) && (live_.uses[now_] == 0 || live_.fused[now_] || is_remade(now_))) continue;
        pinned_ = 0;
        emit_inst(now_, i);
        for (u32& id : owner_) {
            if (id != kNobody && dies(id)) forget_register(id);
        }
    }
    for (std::size_t n = 0; n < cold_.size(); ++n) cold_[n]();  // one may add others
}

void Compiler::emit_prologue() {
    mmu::CodeEpochs& epochs = mmu_.epochs();
    // The poll is the first thing of every block: an invalidation waits no longer than one block.
    a_.cmp(state32(offsetof(CpuState, attention)), 0);
    a_.jne(imm(stubs_.leave_at_entry));
    // Linked or looked up, the block is run only if its code is still what it was made of.
    a_.mov(rax, imm(reinterpret_cast<u64>(epochs.page_counter(cached_.ra))));
    a_.mov(eax, ptr_32(rax));
    a_.mov(rcx, imm(reinterpret_cast<u64>(epochs.global_counter())));
    a_.add(rax, ptr_64(rcx));
    a_.mov(rcx, imm(reinterpret_cast<u64>(&cached_.epoch)));
    a_.cmp(rax, ptr_64(rcx));
    a_.jne(imm(stubs_.leave_at_entry));
    a_.add(state64(offsetof(CpuState, instructions)), block_.guest_count);
}

void Compiler::emit_inst(u32 id, const Inst& i) {
    if (emit_arithmetic(id, i)) return;
    switch (i.op) {
        case Op::kGet8: a_.movzx(define(id).r32(), state8(i.imm)); break;
        case Op::kGet32: a_.mov(define(id).r32(), state32(i.imm)); break;
        case Op::kGet64: a_.mov(define(id), state64(i.imm)); break;
        case Op::kGet128:
            a_.movups(xmm0, xmmword_ptr(kState, static_cast<i32>(i.imm)));
            a_.movaps(slot(id), xmm0);
            break;
        case Op::kSet8:
        case Op::kSet32:
        case Op::kSet64:
        case Op::kSet128: emit_set(i); break;
        case Op::kMakeV128: {
            a_.mov(slot(id, 8), use(i.a));
            a_.mov(slot(id), use(i.b));
            break;
        }
        case Op::kHigh64: a_.mov(define(id), slot(i.a, 8)); break;
        case Op::kLow64: a_.mov(define(id), slot(i.a)); break;
        case Op::kLoad: emit_load(id, i); break;
        case Op::kLoad128: emit_load128(id, i); break;
        case Op::kStore: emit_store(i); break;
        case Op::kStore128: emit_store128(i); break;
        case Op::kLoadReserve:
        case Op::kLoadReserve128:
        case Op::kStoreCond:
        case Op::kStoreCond128: emit_reserve(id, i); break;
        case Op::kFence: a_.lock().or_(ptr_32(rsp, -8), 0); break;
        case Op::kCall: emit_call(id, i, false); break;
        case Op::kCallSys: emit_call(id, i, true); break;
        case Op::kRaiseIf: {
            const Label raise = a_.newLabel();
            a_.j(condition(i.a), raise);
            cold_.push_back([this, raise, i] {
                a_.bind(raise);
                emit_raise(i);
            });
            break;
        }
        case Op::kRaise: emit_raise(i); break;
        case Op::kSyscall: {
            // SRR0 is the next instruction, and the instruction counts as executed.
            a_.mov(ptr_16(kState, offsetof(CpuState, pending)), imm(i.imm));
            a_.mov(state64(offsetof(CpuState, pending_srr1)), 0);
            load_address(rsi, 4 * u64{i.guest} + 4);
            a_.xor_(edx, edx);
            a_.jmp(imm(stubs_.interrupt));
            break;
        }
        case Op::kHypercall:
            load_address(rax, 4 * u64{i.guest} + 4);
            a_.mov(state64(offsetof(CpuState, nip)), rax);
            a_.mov(eax, static_cast<u32>(kLeftHypercall));
            a_.jmp(imm(stubs_.leave));
            break;
        case Op::kExitIf: emit_exit_if(i); break;
        case Op::kExit: leave_for(i.a); break;
        case Op::kExitSync:
            if (block_.mode.single_step) return leave_for(i.a);
            load_into(kEntry, i.a);
            a_.and_(kEntry, -4);
            a_.jmp(imm(stubs_.leave_at_entry));
            break;
        case Op::kReturn:
            a_.xor_(eax, eax);
            a_.jmp(imm(stubs_.leave));
            break;
        default: break;
    }
}

void Compiler::emit_set(const Inst& i) {
    u64 v;
    const bool known = i.op != Op::kSet128 && constant(i.a, &v);
    switch (i.op) {
        case Op::kSet8:
            if (known)
                a_.mov(state8(i.imm), static_cast<i8>(v));
            else
                a_.mov(state8(i.imm), use(i.a).r8());
            break;
        case Op::kSet32:
            if (known)
                a_.mov(state32(i.imm), static_cast<i32>(v));
            else
                a_.mov(state32(i.imm), use(i.a).r32());
            break;
        case Op::kSet64: a_.emit(Id(ins::Inst::kIdMov), state64(i.imm), operand(i.a)); break;
        default:
            if (live_.fused[i.a]) {
                const Inst& make = block_.insts[i.a];
                a_.emit(Id(ins::Inst::kIdMov), state64(i.imm + offsetof(V128, hi)), operand(make.a));
                a_.emit(Id(ins::Inst::kIdMov), state64(i.imm + offsetof(V128, lo)), operand(make.b));
                break;
            }
            a_.movaps(xmm0, slot(i.a));
            a_.movups(xmmword_ptr(kState, static_cast<i32>(i.imm)), xmm0);
            break;
    }
}

CondCode Compiler::condition(u32 id) {
    const Inst& i = block_.insts[id];
    if (!live_.fused[id]) {
        const Gp r = use(id);
        a_.test(r, r);
        return CondCode::kNotZero;
    }
    u64 v;
    if ((i.op == Op::kEq || i.op == Op::kNe) && constant(i.b, &v) && v == 0) {
        const Gp r = use(i.a);
        a_.test(r, r);
    } else {
        const Gp left = use(i.a);
        a_.emit(Id(ins::Inst::kIdCmp), left, operand(i.b));
    }
    switch (i.op) {
        case Op::kEq: return CondCode::kEqual;
        case Op::kNe: return CondCode::kNotEqual;
        case Op::kLtS: return CondCode::kSignedLT;
        default: return CondCode::kUnsignedLT;
    }
}

void Compiler::emit_call(u32 id, const Inst& i, bool system) {
    clear_caller_saved();
    if (system) {
        load_address(rax, 4 * u64{i.guest});
        a_.mov(state64(offsetof(CpuState, nip)), rax);
    }
    load_into(rdx, i.b);
    load_into(rcx, i.c);
    load_into(rsi, i.a);
    a_.mov(rdi, kState);
    // What was in registers that the call destroys is in slots, or dead.
    for (const u32 r : {6u, 7u, 8u, 9u, 10u, 11u}) {
        if (owner_[r] != kNobody) forget_register(owner_[r]);
    }
    a_.mov(rax, imm(i.imm));
    a_.call(rax);
    if (system) {
        const Label interrupt = a_.newLabel();
        a_.cmp(ptr_16(kState, offsetof(CpuState, pending)), 0);
        a_.jne(interrupt);
        cold_.push_back([this, interrupt, i] {
            a_.bind(interrupt);
            jump_interrupt(i);
        });
        a_.mov(rcx, imm(reinterpret_cast<u64>(mmu_.data_array())));  // the address space may be another
        a_.mov(kTlb, ptr_64(rcx));
    }
    if (live_.uses[id] != 0) a_.mov(define(id), rax);
}

void Compiler::jump_interrupt(const Inst& i) {
    load_address(rsi, 4 * u64{i.guest});
    a_.mov(edx, block_.guest_count - i.guest);
    a_.jmp(imm(stubs_.interrupt));
}

void Compiler::emit_raise(const Inst& i) {
    a_.mov(ptr_16(kState, offsetof(CpuState, pending)), imm(i.imm));
    a_.mov(rax, imm(i.imm2));
    a_.mov(state64(offsetof(CpuState, pending_srr1)), rax);
    jump_interrupt(i);
}

void Compiler::emit_exit_if(const Inst& i) {
    const Label taken = a_.newLabel();
    if (!is_remade(i.b)) use(i.b);
    const i8 target = place_[i.b].reg;
    a_.j(condition(i.a), taken);
    cold_.push_back([this, taken, i, target] {
        a_.bind(taken);
        if (const int rest = block_.guest_count - 1 - i.guest; rest != 0) {
            a_.sub(state64(offsetof(CpuState, instructions)), rest);
        }
        place_[i.b].reg = is_remade(i.b) ? i8{-1} : target;  // where it was at the branch
        leave_for(i.b);
    });
}

void Compiler::leave_for(u32 target) {
    const Inst& t = block_.insts[target];
    const u32 mode_key = block_.mode.key();
    if (block_.mode.single_step) {
        load_into(rsi, target);
        a_.and_(rsi, -4);
        a_.mov(ptr_16(kState, offsetof(CpuState, pending)), static_cast<u32>(Vector::kTrace));
        a_.mov(state64(offsetof(CpuState, pending_srr1)), 0);
        a_.xor_(edx, edx);
        a_.jmp(imm(stubs_.interrupt));
        return;
    }
    const u64 offset = t.imm & ~u64{3};
    if (t.op == Op::kPc && (cached_.ra.v & 4095) + offset < 4096) {
        // Same page, same mode: the mapping by which this block was fetched serves the other one.
        load_address(kEntry, offset);
        const u8 jump[5] = {0xe9, 0, 0, 0, 0};  // to what follows, until it is connected
        links_.push_back({reinterpret_cast<const u8*>(a_.offset()), BlockCache::key_of(cached_.ra + offset, mode_key)});
        a_.embed(jump, sizeof jump);
        a_.mov(state64(offsetof(CpuState, nip)), kEntry);
        a_.mov(eax, imm(kLeftLink + links_.size() - 1));
        a_.jmp(imm(stubs_.leave));
        return;
    }
    load_into(rax, target);
    a_.and_(rax, -4);
    a_.mov(ecx, imm(mode_key));
    a_.jmp(imm(stubs_.dispatch));
}

}  // namespace mpower::jit::x64
