#include "jit/x64/stubs.h"

#include <cstdio>
#include <cstdlib>

#include "jit/storage_access.h"

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

void take_pending(CpuState* s, u64 nip, u64 not_executed) {
    s->instructions -= not_executed;
    const Vector vector = s->pending;
    s->pending = Vector::kNone;
    take_interrupt(*s, vector, nip, s->pending_srr1);
}

template <class F>
u64 address_of(F* f) {
    return reinterpret_cast<u64>(f);
}

class StubMaker {
  public:
    StubMaker(CodeMemory& memory, const mmu::Mmu& mmu, const BlockCache& cache)
        : memory_(memory), mmu_(mmu), cache_(cache) {}

    Stubs make() {
        const Gp saved[] = {rbx, rbp, r12, r13, r14, r15};
        Stubs stubs;
        stubs.leave = put([&](Assembler& a) {
            a.add(rsp, kFrameBytes);
            for (int n = 5; n >= 0; --n) a.pop(saved[n]);
            a.ret();
        });
        stubs.leave_at_entry = put([&](Assembler& a) {
            a.mov(ptr_64(kState, offsetof(CpuState, nip)), kEntry);
            a.xor_(eax, eax);
            a.jmp(imm(stubs.leave));
        });
        stubs.enter = reinterpret_cast<u64 (*)(CpuState*, const void*)>(put([&](Assembler& a) {
            for (const Gp& r : saved) a.push(r);
            a.sub(rsp, kFrameBytes);
            a.mov(kState, rdi);
            a.mov(rax, imm(address_of(mmu_.data_array())));
            a.mov(kTlb, ptr_64(rax));
            a.mov(kEntry, ptr_64(kState, offsetof(CpuState, nip)));
            a.mov(rax, imm(0x08090a0b0c0d0e0f));
            a.mov(ptr_64(rsp, kSwapMask), rax);
            a.mov(rax, imm(0x0001020304050607));
            a.mov(ptr_64(rsp, kSwapMask + 8), rax);
            a.jmp(rsi);
        }));
        stubs.dispatch = put([&](Assembler& a) { dispatch(a, stubs); });
        stubs.interrupt = put([&](Assembler& a) {
            a.mov(rdi, kState);
            a.mov(rax, imm(address_of(take_pending)));
            a.call(rax);
            a.xor_(eax, eax);
            a.jmp(imm(stubs.leave));
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
        asmjit::CodeHolder code;
        code.init(asmjit::Environment::host(), reinterpret_cast<u64>(memory_.next()));
        Assembler a(&code);
        emit(a);
        const asmjit::CodeBuffer& buffer = code.textSection()->buffer();
        if (code.hasUnresolvedLinks() || !code.relocEntries().empty()) std::abort();
        return reinterpret_cast<u64>(memory_.add({buffer.data(), buffer.size()}));
    }

    /// BlockCache::find() without its slow parts. The block checks its own epoch and polls.
    void dispatch(Assembler& a, const Stubs& stubs) {
        using mmu::CodeEntry;
        static_assert(sizeof(CodeEntry) == 16 && sizeof(BlockCache::Recent) == 32);
        const asmjit::Label miss = a.newLabel();
        a.mov(kEntry, rax);
        a.mov(rsi, imm(address_of(mmu_.code_array())));
        a.mov(edx, eax);
        a.shr(edx, 12 - 4);
        a.and_(edx, (mmu::Mmu::kLevel1Entries - 1) << 4);
        a.add(rdx, ptr_64(rsi));
        a.mov(rsi, rax);
        a.and_(rsi, -4096);
        a.cmp(rsi, ptr_64(rdx, offsetof(CodeEntry, tag)));
        a.jne(miss);
        a.and_(eax, 4095);
        a.or_(rax, ptr_64(rdx, offsetof(CodeEntry, real_page)));
        a.mov(rdx, rax);  // slot_of(): real address >> 2 ^ key * 37
        a.shr(rdx, 2);
        a.imul(edi, ecx, 37);
        a.xor_(edx, edi);
        a.and_(edx, BlockCache::kRecent - 1);
        a.shl(edx, 5);
        a.shl(rax, 10);  // key_of()
        a.or_(rax, rcx);
        a.mov(rsi, imm(reinterpret_cast<u64>(cache_.recent())));
        a.cmp(rax, ptr_64(rsi, rdx, 0, offsetof(BlockCache::Recent, key)));
        a.jne(miss);
        a.jmp(ptr_64(rsi, rdx, 0, offsetof(BlockCache::Recent, code)));
        a.bind(miss);
        a.jmp(imm(stubs.leave_at_entry));
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
    const mmu::Mmu& mmu_;
    const BlockCache& cache_;
};

}  // namespace

Stubs make_stubs(CodeMemory& memory, const mmu::Mmu& mmu, const BlockCache& cache) {
    return StubMaker(memory, mmu, cache).make();
}

}  // namespace mpower::jit::x64
