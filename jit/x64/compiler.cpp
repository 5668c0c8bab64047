#include "jit/x64/compiler.h"

#include <algorithm>
#include <bit>

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Op;
using Id = asmjit::x86::Inst::Id;
namespace ins = asmjit::x86;
using asmjit::Label;

Compiler::Parts Compiler::compile() {
    prepare();
    emit_prologue();
    emit_block();
    for (std::size_t n = 0; n < unit_.arms.size(); ++n) unit_.arms[n]->emit_arm();  // one may add others
    parts_.main_end = a_.offset();
    for (std::size_t n = 0; n < cold_.size(); ++n) cold_[n]();  // likewise
    parts_.cold_end = a_.offset();
    if (!unit_.constants.empty()) a_.align(asmjit::AlignMode::kData, 16);
    for (const Constant& c : unit_.constants) {
        a_.bind(c.label);
        a_.embedUInt64(c.lo);
        a_.embedUInt64(c.hi);
    }
    return parts_;
}

void Compiler::prepare() {
    if (lazy_ && !is_arm()) {
        if (host_.avx2) ir::show_targets(block_);
        if (block_.late_float) block_.arms.clear();  // not provided for
        ir::keep_state(block_, kKept, host_.avx512 ? kKeptVectorsOf32 : kKeptVectors);
    }
    ir::simplify(block_);
    ir::remove_dead_writes(block_);
    // What stores do besides is out of line: they look alone then.
    const bool stores = !cache_.options().one_block && !cache_.reservations().strict();
    static_assert(kKept + kHoisted <= kMostLooks);
    if (lazy_) ir::share_probes(block_, {stores, is_arm(), kKept + kHoisted});
    if (lazy_ && !is_arm()) find_written();
    so_stays_ = std::none_of(block_.insts.begin(), block_.insts.end(), [](const Inst& i) {
        return i.op == Op::kCall || i.op == Op::kCallSys || (i.op == Op::kSet8 && i.imm == offsetof(CpuState, so));
    });
    floats_ = block_.late_float && std::any_of(block_.insts.begin(), block_.insts.end(), [](const Inst& i) {
                  return i.op == Op::kFloat || i.op == Op::kFloatVector;
              });
    live_ = ir::liveness(block_, lazy_, unit_.unseen);
    place_.resize(block_.insts.size());
    if (lazy_) find_uses();
    find_wishes();
    find_state_values();
    if (!block_.late_float) find_dead_status();
    std::fill(std::begin(owner_), std::end(owner_), kNobody);
    std::fill(std::begin(xmm_owner_), std::end(xmm_owner_), kNobody);
}

void Compiler::emit_block() {
    const bool loops = block_.insts.back().op == Op::kLoop;
    for (now_ = is_arm() ? block_.kept : 0; now_ < block_.insts.size(); ++now_) {
        const Inst& i = block_.insts[now_];
        if (now_ == block_.body() && loops && !is_arm()) emit_loop_head();
        if (now_ >= block_.kept && ir::is_pure(i.op) && (live_.uses[now_] == 0 || live_.fused[now_] || is_remade(now_)))
            continue;
        pinned_ = pinned_xmm_ = 0;
        emit_inst(now_, i);
        for (u32& id : owner_) {
            if (id != kNobody && dies(id)) forget_register(id);
        }
        for (const u32 id : xmm_owner_) {
            if (id != kNobody && dies(id)) forget_xmm(id);
        }
        for (u32& id : slot_owner_) {
            if (id != kNobody && dies(id)) id = kNobody;
        }
    }
}

void Compiler::emit_prologue() {
    // The first instruction is long enough to be patched (CodeMemory::patch).
    if (heat_ == nullptr) {
        poll();
        need_hoisted();
        if (floats_) begin_floats();
        test_guesses();
        return;
    }
    a_.dec(ptr_32(reinterpret_cast<u64>(heat_)));
    a_.js(imm(stubs_.promote));
}

void Compiler::need_hoisted() {
    if (block_.hoisted_needs == 0) return;
    const Label leave = a_.newLabel();
    for (u64 bits = block_.hoisted_needs; bits != 0; bits &= bits - 1) {
        test_msr(bits & -bits);
        a_.jz(leave);
    }
    cold_.push_back([this, leave] {
        a_.bind(leave);
        go_on_plain(0);
    });
}

void Compiler::test_msr(u64 bit) {
    const int byte = std::countr_zero(bit) / 8;
    a_.test(state(offsetof(CpuState, msr) + static_cast<u64>(byte), 1), imm(bit >> 8 * byte));
}

void Compiler::poll() {
    a_.cmp(state(offsetof(CpuState, attention), 4), 0);
    a_.jne(imm(stubs_.poll));
}

void Compiler::count_instructions(unsigned count) {
    count += counted_;
    if (cache_.options().count_instructions && count != 0) a_.add(state(offsetof(CpuState, instructions), 8), count);
}

void Compiler::emit_inst(u32 id, const Inst& i) {
    if (emit_arithmetic(id, i)) return;
    if (lazy_ && id >= block_.kept) settle(i);
    if (ir::ends_block(i.op) && i.op != Op::kLoop && floats_) end_floats();
    if (ir::ends_block(i.op) && i.op != Op::kRaise) count_instructions(block_.guest_count);
    switch (i.op) {
        case Op::kGet8: a_.movzx(define(id).r32(), state(i.imm, 1)); break;
        case Op::kGet32: a_.mov(define(id).r32(), state(i.imm, 4)); break;
        case Op::kGet64:
            if (stays_in_state_[id]) {
                in_state_.push_back(id);
                place_[id].in_state = true;
                if (id >= block_.kept) break;  // loaded where it is used
            }
            if (id < block_.kept && ir::is_vsx(i.imm))
                a_.movq(define_home(id), state(i.imm, 8));
            else if (wants_xmm_[id] && id >= block_.kept)
                a_.movq(define_xmm(id), state(i.imm, 8));
            else
                a_.mov(define(id), state(i.imm, 8));
            break;
        case Op::kGet128: a_.movaps(id < block_.kept ? define_home(id) : define_xmm(id), state(i.imm, 16)); break;
        case Op::kSet8:
        case Op::kSet32:
        case Op::kSet64:
        case Op::kSet128:
            if (lazy_ && ir::is_late(i, block_.late_float))
                write_later(i);
            else
                emit_set(i);
            break;
        case Op::kMakeV128: emit_make(id, i); break;
        case Op::kHigh64:
        case Op::kLow64: emit_half(id, i); break;
        case Op::kVector: emit_vector(id, i); break;
        case Op::kVectorTest: emit_vector_test(id, i); break;
        case Op::kWiden: emit_widen(id, i); break;
        case Op::kNarrow: emit_narrow(id, i); break;
        case Op::kFloat: emit_float(id, i); break;
        case Op::kFloatVector: emit_float_vector(id, i); break;
        case Op::kFloatCompare: emit_float_compare(id, i); break;
        case Op::kProbe: break;  // begin_storage
        case Op::kLook: emit_look(id, i); break;
        case Op::kLoad:
        case Op::kLoadBy: emit_load(id, i); break;
        case Op::kLoad128:
        case Op::kLoad128By: emit_load128(id, i); break;
        case Op::kStore:
        case Op::kStoreBy: emit_store(i); break;
        case Op::kStore128:
        case Op::kStore128By: emit_store128(i); break;
        case Op::kLoadReserve:
        case Op::kLoadReserve128:
        case Op::kStoreCond:
        case Op::kStoreCond128: emit_reserve(id, i); break;
        case Op::kFence: a_.lock().or_(ptr_32(rsp, -8), 0); break;
        case Op::kPause: emit_pause(); break;
        case Op::kCall: emit_call(id, i, false); break;
        case Op::kCallSys: emit_call(id, i, true); break;
        case Op::kRaiseIf: raise_out_of_line(condition(i.a), i, i.imm2); break;
        case Op::kNeed:
            test_msr(i.imm2);
            raise_out_of_line(CondCode::kZero, i, 0);
            break;
        case Op::kRaise: emit_raise(i, i.imm2); break;
        case Op::kSyscall: {
            // SRR0 is the next instruction, and the instruction counts as executed.
            a_.mov(state(offsetof(CpuState, pending), 2), imm(i.imm));
            a_.mov(state(offsetof(CpuState, pending_srr1), 8), 0);
            load_address(rsi, block_.pc_of(i) + 4);
            a_.jmp(imm(stubs_.interrupt));
            break;
        }
        case Op::kHypercall:
            load_address(rax, block_.pc_of(i) + 4);
            a_.mov(state(offsetof(CpuState, nip), 8), rax);
            a_.mov(eax, static_cast<u32>(kLeftHypercall));
            a_.jmp(imm(stubs_.leave));
            break;
        case Op::kExitIf: emit_exit_if(i); break;
        case Op::kExit: leave_for(i.a); break;
        case Op::kExitSync:
            if (block_.mode.single_step) return leave_for(i.a);
            load_into(kEntry, i.a);
            a_.and_(kEntry, -4);
            a_.jmp(imm(stubs_.dispatch));
            break;
        case Op::kReturn: a_.jmp(imm(stubs_.resume)); break;
        case Op::kLoop: emit_loop(); break;
        default: break;
    }
}

void Compiler::emit_pause() {
    const Label ends = a_.newLabel(), on = a_.newLabel();
    a_.dec(state(offsetof(CpuState, pauses), 4));
    a_.jz(ends);
    a_.bind(on);
    cold_.push_back([this, ends, on, vectors = kept_vectors()] {
        a_.bind(ends);
        a_.call(imm(stubs_.pause[static_cast<unsigned>(vectors)]));
        a_.jmp(on);
    });
}

void Compiler::emit_set(const Inst& i) {
    u64 v;
    const bool known = i.op != Op::kSet128 && constant(i.a, &v);
    switch (i.op) {
        case Op::kSet8:
            if (known)
                a_.mov(state(i.imm, 1), static_cast<i8>(v));
            else
                a_.mov(state(i.imm, 1), use(i.a).r8());
            break;
        case Op::kSet32:
            if (known)
                a_.mov(state(i.imm, 4), static_cast<i32>(v));
            else
                a_.mov(state(i.imm, 4), use(i.a).r32());
            break;
        case Op::kSet64: store64(state(i.imm, 8), i.a); break;
        default:
            if (live_.fused[i.a]) {
                const Inst& make = block_.insts[i.a];
                store64(state(i.imm + offsetof(V128, hi), 8), make.a);
                store64(state(i.imm + offsetof(V128, lo), 8), make.b);
                break;
            }
            a_.movaps(state(i.imm, 16), use_xmm(i.a));
            break;
    }
}

void Compiler::store64(const Mem& to, u32 id) {
    if (place_[id].xmm >= 0 && place_[id].reg < 0 && !is_remade(id))
        a_.movq(to, use_xmm(id));
    else
        a_.emit(Id(ins::Inst::kIdMov), to, operand(id));
}

CondCode Compiler::condition(u32 id) {
    const Inst& i = block_.insts[id];
    if (!live_.fused[id]) {
        const Gp r = use(id);
        a_.test(r, r);
        return CondCode::kNotZero;
    }
    if (i.op == Op::kAnd) {
        test_bits(i, false);
        return CondCode::kNotZero;
    }
    if (!ir::is_zero_test(block_, i)) {
        compare(i);
    } else if (live_.fused[i.a]) {
        test_bits(block_.insts[i.a], i.imm != 0);
    } else if (i.imm != 0) {
        const Gp r = use(i.a);
        a_.test(r.r32(), r.r32());
    } else if (flags_of_ != i.a || flags_at_ != a_.offset()) {
        const Gp r = use(i.a);
        a_.test(r, r);
    }
    switch (i.op) {
        case Op::kEq: return CondCode::kEqual;
        case Op::kNe: return CondCode::kNotEqual;
        case Op::kLtS: return CondCode::kSignedLT;
        default: return CondCode::kUnsignedLT;
    }
}

void Compiler::compare(const Inst& i) {
    Gp left = use(i.a);
    asmjit::Operand right = source(i.b);
    if (i.imm != 0) {  // of the low words
        left = left.r32();
        if (right.isReg()) right = right.as<Gp>().r32();
        if (right.isMem()) right.as<Mem>().setSize(4);
    }
    a_.emit(Id(ins::Inst::kIdCmp), left, right);
}

void Compiler::test_bits(const Inst& i, bool low) {
    u64 mask;
    const Gp left = use(i.a);
    if (constant(i.b, &mask) && (low || mask <= 0xffffffff)) {
        a_.test(left.r32(), static_cast<i32>(mask));
    } else if (low) {
        a_.test(left.r32(), use(i.b).r32());
    } else {
        a_.emit(Id(ins::Inst::kIdTest), left, operand(i.b));
    }
}

void Compiler::emit_call(u32 id, const Inst& i, bool system) {
    leave_state(0, sizeof(CpuState::gpr));
    clear_caller_saved();
    if (system) {
        load_address(rax, block_.pc_of(i));
        a_.mov(state(offsetof(CpuState, nip), 8), rax);
    }
    load_into(rdx, i.b);
    load_into(rcx, i.c);
    load_into(rsi, i.a);
    load_state_address(a_);
    forget_caller_saved();  // what was there is in slots, or dead
    call(a_, host_, i.imm, cache_.options().clobber);
    if (system) {
        const Label interrupt = a_.newLabel();
        a_.cmp(state(offsetof(CpuState, pending), 2), 0);
        a_.jne(interrupt);
        cold_.push_back([this, interrupt, i] {  // nothing is to be written: settle()
            a_.bind(interrupt);
            jump_interrupt(i, stubs_.interrupt);
        });
        a_.mov(rcx, state(offsetof(CpuState, tlb), 8));  // the address space may be another
        a_.mov(kTlb, ptr_64(rcx, offsetof(mmu::Level1Arrays, data)));
    }
    if (live_.uses[id] != 0) a_.mov(define(id), rax);
}

void Compiler::jump_interrupt(const Inst& i, u64 stub) {
    load_address(rsi, block_.pc_of(i));
    count_instructions(i.guest);
    a_.jmp(imm(stub));
}

void Compiler::emit_raise(const Inst& i, u64 srr1) {
    a_.mov(eax, static_cast<u32>(i.imm));
    a_.mov(edx, static_cast<u32>(srr1));
    jump_interrupt(i, stubs_.raise);
}

void Compiler::raise_out_of_line(CondCode condition, const Inst& i, u64 srr1) {
    const Label raise = a_.newLabel();
    a_.j(condition, raise);
    cold_.push_back([this, raise, i, srr1, late = late_writes()] {
        a_.bind(raise);
        write(late);
        emit_raise(i, srr1);
    });
}

void Compiler::emit_exit_if(const Inst& i) {
    if (i.imm2 != 0 && !block_.arms.empty()) return emit_arm_exit(i);
    const Label taken = a_.newLabel();
    if (!is_remade(i.b)) use(i.b);
    const i8 target = place_[i.b].reg;
    const CondCode code = condition(i.a);
    a_.j(i.imm != 0 ? negateCond(code) : code, taken);
    cold_.push_back([this, taken, i, target, late = late_writes()] {
        a_.bind(taken);
        write(late);
        count_instructions(i.guest + 1u);
        place_[i.b].reg = is_remade(i.b) ? i8{-1} : target;  // where it was at the branch
        leave_for(i.b);
    });
}

void Compiler::leave_for(u32 target) {
    const Inst& t = block_.insts[target];
    if (block_.mode.single_step) {
        load_into(rsi, target);
        a_.and_(rsi, -4);
        a_.mov(state(offsetof(CpuState, pending), 2), static_cast<u32>(Vector::kTrace));
        a_.mov(state(offsetof(CpuState, pending_srr1), 8), 0);
        a_.jmp(imm(stubs_.interrupt));
        return;
    }
    const u64 offset = t.imm & ~u64{3};
    if (cache_.options().one_block) {
        load_into(kEntry, target);
        a_.and_(kEntry, -4);
        a_.jmp(imm(stubs_.poll));
        return;
    }
    // Same page, same mode: the mapping by which this block was fetched serves the other one.
    if (t.op == Op::kPc && (ra_.v & 4095) + offset < 4096) return link_to(offset);
    if (!lazy_) {
        load_into(kEntry, target);
        a_.jmp(imm(stubs_.indirect));
        return;
    }
    load_into(rdx, target);
    if (t.op != Op::kPc) a_.and_(rdx, -4);
    a_.mov(kEntry, rdx);
    jump_by_cache(a_, rdx, stubs_.dispatch);
}

void Compiler::go_on_plain(u64 offset) {
    if (!cache_.options().one_block) return link_to(offset, ir::kPlain);
    load_address(kEntry, offset);
    a_.jmp(imm(stubs_.plain));
}

void Compiler::link_to(u64 offset, u64 kind) {
    LinkSite* const site = cache_.new_link(visitor_);
    load_address(kEntry, offset);
    if (site == nullptr) {  // no room for it: the half is full
        a_.jmp(imm(kind == ir::kPlain ? stubs_.plain : stubs_.dispatch));
        return;
    }
    // Cold code polls on the ways back: there is no way round without one.
    if (heat_ != nullptr && static_cast<i64>(offset) <= 0) poll();
    while (a_.offset() % 8 + CodeMemory::kJump > 8) a_.nop();  // it is replaced in one access
    site->call = reinterpret_cast<const u8*>(a_.code()->baseAddress() + a_.offset());
    site->target = ir::block_key(ra_ + offset, block_.mode.key()) | kind;
    a_.call(imm(stubs_.link));
    const auto number = static_cast<u64>(reinterpret_cast<const u8*>(site) - cache_.memory().data()) / 16;
    a_.enter(imm(number & 0xffff), imm(number >> 16));  // never executed: the shortest that names the site
}

}  // namespace mpower::jit::x64
