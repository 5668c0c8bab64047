#include "jit/x64/stubs.h"

#include <cstdio>
#include <cstdlib>

#include "jit/fp/fpscr.h"
#include "jit/interrupt_ops.h"
#include "jit/storage_access.h"
#include "jit/x64/evex.h"
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

void slow_pause(CpuState* s) { end_pauses(*s); }
u64 slow_look(CpuState* s, u64 first, u64 low, u32 form) { return look_slow(*s, first, low, ir::ProbeForm::of(form)); }

void interrupt(CpuState* s, u64 nip) { take_pending(*s, nip); }

/// Interrupts an access of the block at `start`; its call returns to `after`, a `test al, n`.
template <bool counted>
void interrupt_access(CpuState* s, u64 start, const u8* after) {
    const u64 guest = after[1];
    if (counted) s->instructions += guest;
    const u64 nip = start + 4 * guest;
    take_pending(*s, (s->msr & msr::kSf) != 0 ? nip : static_cast<u32>(nip));
}

template <class F>
u64 address_of(F* f) {
    return reinterpret_cast<u64>(f);
}

class StubMaker {
  public:
    StubMaker(CodeMemory& memory, std::size_t room, const Host& host, const StubOptions& options)
        : memory_(memory), room_(room), host_(host), options_(options) {}

    Stubs make() {
        const Gp saved[] = {rbx, rbp, r12, r13, r14, r15};
        Stubs stubs;
        stubs.leave = put([&](Assembler& a) {
            a.add(rsp, kFrameBytes);
            for (int n = 5; n >= 0; --n) a.pop(saved[n]);
            a.ret();
        });
        stubs.poll = put([&](Assembler& a) {
            a.mov(state(offsetof(CpuState, nip), 8), kEntry);
            a.xor_(eax, eax);
            a.jmp(imm(stubs.leave));
        });
        stubs.enter = reinterpret_cast<u64 (*)(CpuState*, const void*)>(put([&](Assembler& a) {
            for (const Gp& r : saved) a.push(r);
            a.sub(rsp, kFrameBytes);
            a.lea(kState, ptr(rdi, kStateBias));
            load_context(a);
            a.mov(rax, imm(0x08090a0b0c0d0e0f));
            a.mov(ptr_64(rsp, kSwapMask), rax);
            a.mov(rax, imm(0x0001020304050607));
            a.mov(ptr_64(rsp, kSwapMask + 8), rax);
            a.jmp(rsi);
        }));
        stubs.resume = put([&](Assembler& a) { go_on(a, stubs, address_of(X64Executor::resume)); });
        const auto go_on_at_entry = [&](u64 f) {
            return put([&](Assembler& a) {
                a.mov(state(offsetof(CpuState, nip), 8), kEntry);
                go_on(a, stubs, f);
            });
        };
        stubs.dispatch = go_on_at_entry(address_of(X64Executor::resume));
        stubs.plain = go_on_at_entry(address_of(X64Executor::resume_plain));
        stubs.promote = go_on_at_entry(address_of(X64Executor::promote));
        stubs.link = put([&](Assembler& a) {
            a.pop(rsi);
            a.mov(esi, ptr_32(rsi));  // enter's operands: the number of the site
            a.shr(esi, 8);
            a.shl(esi, 4);
            a.mov(state(offsetof(CpuState, nip), 8), kEntry);
            go_on(a, stubs, address_of(X64Executor::resume_by_link));
        });
        stubs.interrupt = put([&](Assembler& a) {
            load_state_address(a);
            a.mov(rax, imm(address_of(interrupt)));
            a.call(rax);
            a.jmp(imm(stubs.resume));
        });
        stubs.raise = put([&](Assembler& a) {
            a.mov(state(offsetof(CpuState, pending), 2), ax);
            a.mov(state(offsetof(CpuState, pending_srr1), 8), rdx);
            a.jmp(imm(stubs.interrupt));
        });
        const Stubs::Keep all = host_.avx512 ? Stubs::Keep::kAll : Stubs::Keep::kLow;
        stubs.load_reserve = slow_path(address_of(slow_load_reserve), all);
        stubs.store_conditional = slow_path(address_of(slow_store_conditional), all);
        stubs.indirect = put([&](Assembler& a) {
            a.and_(kEntry, -4);
            a.cmp(state(offsetof(CpuState, attention), 4), 0);
            a.jne(imm(stubs.poll));
            a.mov(rdx, kEntry);
            jump_by_cache(a, rdx, stubs.dispatch);
        });
        stubs.note_inexact = put([&](Assembler& a) {
            const asmjit::Label out = a.newLabel();
            constexpr u32 kXx = static_cast<u32>(fp::fpscr::kXx), kFx = static_cast<u32>(fp::fpscr::kFx);
            const Mem fpscr = state(offsetof(CpuState, fpscr), 4), controls = ptr_32(rsp, kCall + kMxcsr);
            a.test(fpscr, kXx);
            a.jnz(out);
            a.stmxcsr(controls);
            a.test(controls, kHostInexact);
            a.jz(out);
            a.or_(fpscr, kXx | kFx);
            a.bind(out);
            a.ret();
        });
        const auto compare = [&](bool is_signed) {
            return put([&](Assembler& a) {
                make_cr_field(a, rax, is_signed);
                a.or_(al, state(offsetof(CpuState, so), 1));
                a.ret();
            });
        };
        stubs.compare_signed = compare(true);
        stubs.compare_unsigned = compare(false);
        make_keeping(stubs);
        return stubs;
    }

  private:
    template <class F>
    u64 put(F emit) {
        const u8* const where = memory_.code(used_);
        asmjit::CodeHolder code;
        code.init(asmjit::Environment::host(), reinterpret_cast<u64>(where));
        EvexAssembler a;
        code.attach(&a);
        emit(a);
        const asmjit::CodeBuffer& buffer = code.textSection()->buffer();
        if (code.hasUnresolvedLinks() || !code.relocEntries().empty() || used_ + buffer.size() > room_) std::abort();
        memory_.write(where, {buffer.data(), buffer.size()});
        used_ = (used_ + buffer.size() + 15) & ~std::size_t{15};
        return reinterpret_cast<u64>(where);
    }

    static void load_context(Assembler& a) {
        a.mov(rax, state(offsetof(CpuState, tlb), 8));
        a.mov(kTlb, ptr_64(rax, offsetof(mmu::Level1Arrays, data)));
        a.mov(kEntry, state(offsetof(CpuState, nip), 8));
    }

    /// Calls const void* f(CpuState*, rsi), which says where the code at NIP is; nullptr: leave.
    static void go_on(Assembler& a, const Stubs& stubs, u64 f) {
        const asmjit::Label out = a.newLabel();
        load_state_address(a);
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

    /// Calls function(state, rax, rdx, ecx) and keeps the registers that hold values. Around it, before() and after()
    /// have the frame at rsp + kDepth.
    template <class F, class G>
    void call_saving(Assembler& a, u64 function, Stubs::Keep keep, F before, G after) {
        const bool vectors = keep != Stubs::Keep::kNone;
        const u32 end = keep == Stubs::Keep::kAll ? kMostXmm : EvexAssembler::kFirst;
        const auto vector = [](u32 r) { return xmmword_ptr(rsp, kDepth + kSavedVectors + 16 * static_cast<int>(r)); };
        const Gp saved[] = {rsi, rdi, r8, r9, r10, r11};
        for (const Gp& r : saved) a.push(r);
        a.sub(rsp, 8);
        for (u32 r = kFirstXmm; vectors && r < end; ++r) a.movaps(vector(r), xmm(r));
        if (vectors) a.stmxcsr(ptr_32(rsp, kDepth + kMxcsr));
        before();
        load_state_address(a);
        a.mov(rsi, rax);
        call(a, host_, function, options_.clobber);
        after();
        if (vectors) a.ldmxcsr(ptr_32(rsp, kDepth + kMxcsr));
        for (u32 r = kFirstXmm; vectors && r < end; ++r) a.movaps(xmm(r), vector(r));
        a.add(rsp, 8);
        for (int n = 5; n >= 0; --n) a.pop(saved[n]);
    }
    static constexpr int kCall = 8;  ///< What a call puts between rsp and the frame.
    static constexpr int kDepth = kCall + 6 * 8 + 8;

    u64 slow_path(u64 function, Stubs::Keep vectors) {
        return put([&](Assembler& a) {
            call_saving(
                a, function, vectors, [] {}, [] {});
            a.test(rax, rax);
            a.ret();
        });
    }

    /// Those that there are for each Keep.
    void make_keeping(Stubs& stubs) {
        for (const Stubs::Keep vectors : {Stubs::Keep::kNone, Stubs::Keep::kLow, Stubs::Keep::kAll}) {
            if (vectors == Stubs::Keep::kAll && !host_.avx512) continue;
            stubs.look[static_cast<unsigned>(vectors)] = slow_path(address_of(slow_look), vectors);
            stubs.pause[static_cast<unsigned>(vectors)] = slow_path(address_of(slow_pause), vectors);
            const u64 load = access_miss(stubs, address_of(slow_load), {.vectors = vectors});
            const u64 store = access_miss(stubs, address_of(slow_store), {.store = true, .vectors = vectors});
            const u64 load128 = access_miss(stubs, address_of(slow_load128), {.is_vector = true, .vectors = vectors});
            const u64 store128 =
                access_miss(stubs, address_of(slow_store128), {.store = true, .is_vector = true, .vectors = vectors});
            for (const u8 size : {1, 2, 4, 8, 16}) {
                for (const bool swap : {false, true}) {
                    for (const bool sign : {false, true}) {
                        const ir::Access a{.size = size, .swap = swap, .sign = sign};
                        stubs.access[Stubs::number(a, false, vectors)] = load_stub(a, size == 16 ? load128 : load);
                    }
                    const ir::Access a{.size = size, .swap = swap};
                    stubs.access[Stubs::number(a, true, vectors)] = store_stub(a, size == 16 ? store128 : store);
                }
            }
        }
    }

    u64 load_stub(const ir::Access& access, u64 missed) {
        return put([&](Assembler& a) {
            const asmjit::Label miss = a.newLabel();
            look_up(a, host_, rax, 0, access.size, false, rcx, rdx, miss);
            a.add(rax, ptr_64(kTlb, rcx, 0, offsetof(mmu::TlbEntry, addend)));
            if (access.size == 16) {
                a.movups(xmm0, ptr(rax));
                if (access.swap) a.pshufb(xmm0, xmmword_ptr(rsp, kCall + kSwapMask));
            } else {
                load(a, rdx, ptr(rax), access);
            }
            a.ret();
            a.bind(miss);
            a.mov(ecx, imm(Stubs::pack(access)));
            a.jmp(imm(missed));
        });
    }

    u64 store_stub(const ir::Access& access, u64 missed) {
        return put([&](Assembler& a) {
            const Mem value = ptr_64(rsp, kCall + kScratch);
            if (!options_.slow_stores) {
                const asmjit::Label miss = a.newLabel();
                if (access.size != 16) a.mov(value, rdx);
                look_up(a, host_, rax, 0, access.size, true, rcx, rdx, miss);
                a.add(rax, ptr_64(kTlb, rcx, 0, offsetof(mmu::TlbEntry, addend)));
                if (access.size == 16) {
                    if (access.swap) a.pshufb(xmm0, xmmword_ptr(rsp, kCall + kSwapMask));
                    a.movups(ptr(rax), xmm0);
                } else {
                    a.mov(rdx, value);
                    store(a, ptr(rax), rdx, rdx, access);
                }
                a.ret();
                a.bind(miss);
                if (access.size != 16) a.mov(rdx, value);
            }
            a.mov(ecx, imm(Stubs::pack(access)));
            a.jmp(imm(missed));
        });
    }

    struct Miss {
        bool store = false, is_vector = false;
        Stubs::Keep vectors = Stubs::Keep::kNone;
    };
    /// Where the access stubs go when the TLB has nothing: the access by C++, with the same conventions.
    u64 access_miss(const Stubs& stubs, u64 function, Miss m) {
        constexpr u8 kTestAl = 0xa8;  // test al, n
        return put([&](Assembler& a) {
            const asmjit::Label good = a.newLabel(), interrupted = a.newLabel();
            const Mem value = xmmword_ptr(rsp, kDepth + kScratch);
            const auto before = [&] {
                if (m.is_vector) a.lea(rdx, value);
                if (m.is_vector && m.store) a.movaps(value, xmm0);
            };
            const auto after = [&] {
                if (m.is_vector && !m.store) a.movaps(xmm0, value);
            };
            call_saving(a, function, m.vectors, before, after);
            a.test(eax, eax);
            a.jnz(good);
            a.mov(rcx, ptr_64(rsp));
            a.cmp(ptr_8(rcx), kTestAl);
            a.je(interrupted);
            a.bind(good);
            a.ret();
            a.bind(interrupted);
            a.pop(rdx);
            a.mov(rsi, kEntry);
            load_state_address(a);
            a.mov(rax,
                  imm(options_.counted ? address_of(interrupt_access<true>) : address_of(interrupt_access<false>)));
            a.call(rax);
            a.jmp(imm(stubs.resume));
        });
    }

    CodeMemory& memory_;
    std::size_t room_, used_ = 0;
    const Host& host_;
    StubOptions options_;
};

}  // namespace

Stubs make_stubs(CodeMemory& memory, std::size_t room, const Host& host, const StubOptions& options) {
    return StubMaker(memory, room, host, options).make();
}

void look_up(Assembler& a, const Host& host, const Gp& base, i32 distance, unsigned size, bool store, const Gp& entry,
             const Gp& tag, const asmjit::Label& miss, bool aligned) {
    static_assert(sizeof(mmu::TlbEntry) == 32);
    if (distance == 0 && host.bmi) {
        a.rorx(entry.r32(), base.r32(), 12 - 5);
    } else {
        a.lea(entry.r32(), ptr(base, distance));
        a.shr(entry.r32(), 12 - 5);
    }
    a.and_(entry.r32(), (mmu::Mmu::kLevel1Entries - 1) << 5);
    if (aligned) {
        a.lea(tag, ptr(base, distance));
        a.and_(tag, -4096 | (static_cast<i32>(size) - 1));  // no tag has such bits
    } else {
        // The page of the last byte: an access that crosses pages never finds its tag in its first page's entry.
        a.lea(tag, ptr(base, distance + static_cast<i32>(size) - 1));
        a.and_(tag, -4096);
    }
    a.cmp(tag, ptr_64(kTlb, entry, 0, store ? offsetof(mmu::TlbEntry, store_tag) : offsetof(mmu::TlbEntry, load_tag)));
    a.jne(miss);
}

void call(Assembler& a, const Host& host, u64 function, bool clobber) {
    a.mov(rax, imm(function));
    a.call(rax);
    if (!clobber) return;
    for (const Gp& r : {rcx, rsi, rdi, r8, r9, r10, r11}) a.mov(r, -1);
    for (u32 r = 0; r < EvexAssembler::kFirst; ++r) a.pcmpeqd(xmm(r), xmm(r));
    for (u32 r = EvexAssembler::kFirst; host.avx512 && r < kMostXmm; ++r)
        a.vpternlogd(xmm(r), xmm(r), xmm(r), imm(0xff));
}

void swap(Assembler& a, const Gp& r, unsigned size) {
    if (size == 2) a.rol(r.r16(), 8);
    if (size == 4) a.bswap(r.r32());
    if (size == 8) a.bswap(r);
}

void load(Assembler& a, const Gp& r, const Mem& storage, ir::Access access) {
    Mem from = storage;
    from.setSize(access.size);
    const bool extend_first = access.sign && !access.swap;
    switch (access.size) {
        case 1:
        case 2:
            if (extend_first || (access.sign && access.size == 1))
                a.movsx(r, from);
            else
                a.movzx(r.r32(), from);
            break;
        case 4:
            if (extend_first)
                a.movsxd(r, from);
            else
                a.mov(r.r32(), from);
            break;
        default: a.mov(r, from); break;
    }
    if (!access.swap) return;
    swap(a, r, access.size);
    if (access.sign && access.size == 2) a.movsx(r, r.r16());
    if (access.sign && access.size == 4) a.movsxd(r, r.r32());
}

void store(Assembler& a, const Mem& storage, const Gp& v, const Gp& scratch, ir::Access access) {
    Mem to = storage;
    to.setSize(access.size);
    const bool swapped = access.swap && access.size > 1;
    const Gp out = swapped ? scratch : v;
    if (swapped) {
        if (scratch.id() != v.id()) a.mov(scratch, v);
        swap(a, scratch, access.size);
    }
    switch (access.size) {
        case 1: a.mov(to, out.r8()); break;
        case 2: a.mov(to, out.r16()); break;
        case 4: a.mov(to, out.r32()); break;
        default: a.mov(to, out); break;
    }
}

void make_cr_field(Assembler& a, const Gp& r, bool is_signed) {
    a.mov(r.r32(), u32{cr::kEq});
    a.mov(ecx, u32{cr::kGt});
    a.mov(edx, u32{cr::kLt});
    a.cmov(is_signed ? CondCode::kSignedGT : CondCode::kUnsignedGT, r.r32(), ecx);
    a.cmov(is_signed ? CondCode::kSignedLT : CondCode::kUnsignedLT, r.r32(), edx);
}

void jump_by_cache(Assembler& a, const Gp& ea, u64 dispatch) {
    constexpr int kEntries = offsetof(CpuState, jumps) + offsetof(JumpCache, entries);
    static_assert(sizeof(JumpEntry) == 32);
    a.lea(eax, ptr(0, ea, 3));  // word number * 32
    a.xor_(eax, state(offsetof(CpuState, jumps) + offsetof(JumpCache, order), 4));
    a.and_(eax, (JumpCache::kEntries - 1) << 5);
    a.xor_(ea, state(offsetof(CpuState, jumps) + offsetof(JumpCache, key), 8));
    a.cmp(ea, state(kEntries + offsetof(JumpEntry, tag), 8, rax));
    a.jne(imm(dispatch));
    a.jmp(state(kEntries + offsetof(JumpEntry, code), 8, rax));
}

}  // namespace mpower::jit::x64
