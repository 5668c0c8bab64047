#include "jit/x64/stubs.h"

#include <cstdio>
#include <cstdlib>

#include "jit/interrupt_ops.h"
#include "jit/storage_access.h"
#include "jit/x64/executor.h"

namespace mpower::jit::x64 {
namespace {

using namespace asmjit::x86;
using asmjit::imm;

/// Two registers' worth of result: rax, rdx.
struct Outcome {
    u64 good, value;
};

ir::Access unpack(u32 a) {
    return {.size = static_cast<u8>(a), .swap = bool(a & 0x100), .sign = bool(a & 0x200), .aligned = bool(a & 0x400)};
}

Outcome slow_load(CpuState* s, u64 ea, u64, u32 access) {
    u64 value = 0;
    const bool good = load(*s, ea, unpack(access), &value);
    return {good, value};
}
Outcome slow_store(CpuState* s, u64 ea, u64 value, u32 access) { return {store(*s, ea, unpack(access), value), 0}; }
Outcome slow_load128(CpuState* s, u64 ea, V128* value, u32 access) {
    return {load128(*s, ea, unpack(access), value), 0};
}
Outcome slow_store128(CpuState* s, u64 ea, const V128* value, u32 access) {
    return {store128(*s, ea, unpack(access), *value), 0};
}
Outcome slow_load_reserve(CpuState* s, u64 ea, V128* value, u32 access) {
    const bool good = load_reserve(*s, ea, unpack(access), value);
    return {good, value->lo};
}
Outcome slow_store_conditional(CpuState* s, u64 ea, const V128* value, u32 access) {
    u64 stored = 0;
    const bool good = store_conditional(*s, ea, unpack(access), *value, &stored);
    return {good, stored};
}

void interrupt(CpuState* s, u64 nip, u64 not_executed) {
    s->instructions -= not_executed;
    take_pending(*s, nip);
}

template <class F>
u64 address_of(F* f) {
    return reinterpret_cast<u64>(f);
}

class StubMaker {
  public:
    StubMaker(CodeMemory& memory, std::size_t room) : memory_(memory), room_(room) {}

    Stubs make() {
        const Gp saved[] = {rbx, rbp, r12, r13, r14, r15};
        Stubs stubs;
        stubs.leave = put([&](Assembler& a) {
            a.add(rsp, kFrameBytes);
            for (int n = 5; n >= 0; --n) a.pop(saved[n]);
            a.ret();
        });
        stubs.poll = put([&](Assembler& a) {
            a.mov(ptr_64(kState, offsetof(CpuState, nip)), kEntry);
            a.xor_(eax, eax);
            a.jmp(imm(stubs.leave));
        });
        stubs.enter = reinterpret_cast<u64 (*)(CpuState*, const void*)>(put([&](Assembler& a) {
            for (const Gp& r : saved) a.push(r);
            a.sub(rsp, kFrameBytes);
            a.mov(kState, rdi);
            load_context(a);
            a.mov(rax, imm(0x08090a0b0c0d0e0f));
            a.mov(ptr_64(rsp, kSwapMask), rax);
            a.mov(rax, imm(0x0001020304050607));
            a.mov(ptr_64(rsp, kSwapMask + 8), rax);
            a.jmp(rsi);
        }));
        stubs.resume = put([&](Assembler& a) { go_on(a, stubs, address_of(X64Executor::resume)); });
        stubs.dispatch = put([&](Assembler& a) {
            a.mov(ptr_64(kState, offsetof(CpuState, nip)), kEntry);
            go_on(a, stubs, address_of(X64Executor::resume));
        });
        stubs.promote = put([&](Assembler& a) {
            a.mov(ptr_64(kState, offsetof(CpuState, nip)), kEntry);
            go_on(a, stubs, address_of(X64Executor::promote));
        });
        stubs.link = put([&](Assembler& a) {
            a.mov(ptr_64(kState, offsetof(CpuState, nip)), kEntry);
            go_on(a, stubs, address_of(X64Executor::resume_by_link));
        });
        stubs.interrupt = put([&](Assembler& a) {
            a.mov(rdi, kState);
            a.mov(rax, imm(address_of(interrupt)));
            a.call(rax);
            a.jmp(imm(stubs.resume));
        });
        stubs.load = slow_path(address_of(slow_load));
        stubs.store = slow_path(address_of(slow_store));
        stubs.load128 = slow_path(address_of(slow_load128));
        stubs.store128 = slow_path(address_of(slow_store128));
        stubs.load_reserve = slow_path(address_of(slow_load_reserve));
        stubs.store_conditional = slow_path(address_of(slow_store_conditional));
        return stubs;
    }

  private:
    template <class F>
    u64 put(F emit) {
        const u8* const where = memory_.code(used_);
        asmjit::CodeHolder code;
        code.init(asmjit::Environment::host(), reinterpret_cast<u64>(where));
        Assembler a(&code);
        emit(a);
        const asmjit::CodeBuffer& buffer = code.textSection()->buffer();
        if (code.hasUnresolvedLinks() || !code.relocEntries().empty() || used_ + buffer.size() > room_) std::abort();
        memory_.write(where, {buffer.data(), buffer.size()});
        used_ = (used_ + buffer.size() + 15) & ~std::size_t{15};
        return reinterpret_cast<u64>(where);
    }

    static void load_context(Assembler& a) {
        a.mov(rax, ptr_64(kState, offsetof(CpuState, tlb)));
        a.mov(kTlb, ptr_64(rax, offsetof(mmu::Level1Arrays, data)));
        a.mov(kEntry, ptr_64(kState, offsetof(CpuState, nip)));
    }

    /// Calls const void* f(CpuState*, rsi), which says where the code at NIP is; nullptr: leave.
    static void go_on(Assembler& a, const Stubs& stubs, u64 f) {
        const asmjit::Label out = a.newLabel();
        a.mov(rdi, kState);
        a.mov(rax, imm(f));
        a.call(rax);
        a.test(rax, rax);
        a.jz(out);
        a.mov(rcx, rax);
        load_context(a);
        a.jmp(rcx);
        a.bind(out);
        a.jmp(imm(stubs.leave));  // rax = kLeftAttention
    }

    u64 slow_path(u64 function) {
        return put([&](Assembler& a) {
            const Gp saved[] = {rsi, rdi, r8, r9, r10, r11};
            for (const Gp& r : saved) a.push(r);
            a.sub(rsp, 8);
            a.mov(rdi, kState);
            a.mov(rsi, rax);
            a.mov(rax, imm(function));
            a.call(rax);
            a.add(rsp, 8);
            for (int n = 5; n >= 0; --n) a.pop(saved[n]);
            a.ret();
        });
    }

    CodeMemory& memory_;
    std::size_t room_, used_ = 0;
};

}  // namespace

Stubs make_stubs(CodeMemory& memory, std::size_t room) { return StubMaker(memory, room).make(); }

}  // namespace mpower::jit::x64
