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
    return now_ != 0 && ir::look_of(i) + 1 == now_ && block_.insts[now_ - 1].op == Op::kProbe;
}

void Compiler::look_up_all(const Inst& look, const Gp& base, const Gp& addend, const Label& miss) {
    const ir::ProbeForm form = ir::ProbeForm::of(look.imm2);
    x64::look_up(a_, host_, base, static_cast<i32>(look.imm), form.bytes, form.store, rax, rdx, miss);
    if (form.load && form.store) {  // a key may forbid loads only
        a_.cmp(rdx, ptr_64(kTlb, rax, 0, offsetof(mmu::TlbEntry, load_tag)));
        a_.jne(miss);
    }
    a_.mov(addend, ptr_64(kTlb, rax, 0, offsetof(mmu::TlbEntry, addend)));
}

void Compiler::look(const Inst& i, const Gp& base, const Gp& first, const Gp& addend, const Label& leave) {
    const Label slow = a_.newLabel(), done = a_.newLabel();
    look_up_all(i, base, addend, slow);
    a_.bind(done);
    cold_.push_back([=, this, vectors = kept_vectors()] {
        a_.bind(slow);
        a_.lea(rax, ptr(first, ir::ProbeForm::of(i.imm2).first));
        a_.lea(rdx, ptr(base, static_cast<i32>(i.imm)));
        a_.mov(ecx, static_cast<u32>(i.imm2));
        a_.call(imm(stubs_.look[static_cast<unsigned>(vectors)]));
        a_.jz(leave);
        a_.mov(addend, rax);
        a_.jmp(done);
    });
}

void Compiler::emit_look(u32 id, const Inst& i) {
    const Label leave = a_.newLabel();
    const Gp base = use(i.a), first = use(i.b), addend = define(id);
    look(i, base, first, addend, leave);
    cold_.push_back([this, leave, i, late = late_writes()] {
        a_.bind(leave);
        write(late);
        count_instructions(i.guest);
        go_on_plain(block_.pc_of(i));
    });
}

void Compiler::test_guesses() {
    bool first = true;
    for (const ir::Block::Guess& g : block_.guesses) {
        const Gp r = first ? rax : rdx;
        a_.mov(r, state(g.offset, 8));
        a_.xor_(r, static_cast<i32>(g.value));
        if (!first) a_.or_(rax, rdx);
        first = false;
    }
    if (!first) a_.mov(ptr_64(rsp, kWrongGuess), rax);
}

Mem Compiler::find_storage(const Inst& i, const Gp& base, bool store, const Label& slow) {
    const i32 distance = static_cast<i32>(i.imm);
    Mem storage(base, rdx, 0, distance, i.access.size);
    const u32 id = ir::look_of(i);
    if (id == ir::kNoLook) {
        look_up(base, distance, i.access.size, store, rdx, slow);
        return storage;
    }
    if (!makes_probe(i)) {
        if (place_[id].reg >= 0)
            storage.setIndex(use(id));
        else
            load_into(rdx, id);
        if (ir::has_look(block_, i)) return storage;
        const Gp addend = gpq(storage.indexId());
        a_.test(addend, addend);
        a_.jz(slow);
        return storage;
    }
    const Inst& probe = block_.insts[id];
    const Label none = a_.newLabel();
    const Gp addend = use(id);
    storage.setIndex(addend);
    a_.cmp(ptr_64(rsp, kWrongGuess), 0);
    a_.jne(none);
    look_up_all(probe, use(probe.a), addend, none);
    cold_.push_back([this, none, slow, addend] {
        a_.bind(none);
        a_.xor_(addend.r32(), addend.r32());
        a_.jmp(slow);
    });
    return storage;
}

void Compiler::load_effective(const Gp& r, const Gp& base, const Inst& i) {
    if (i.imm == 0)
        a_.mov(r, base);
    else
        a_.lea(r, ptr(base, static_cast<i32>(i.imm)));
}

Stubs::Keep Compiler::kept_vectors() const {
    for (u32 r = kMostXmm; r-- > kFirstXmm;) {
        if (xmm_owner_[r] == kNobody || live_.last_use[xmm_owner_[r]] < now_) continue;
        return r < EvexAssembler::kFirst ? Stubs::Keep::kLow : Stubs::Keep::kAll;
    }
    return floats_ ? Stubs::Keep::kLow : Stubs::Keep::kNone;
}

void Compiler::call_access(const Inst& i, const Gp& ea, bool store, Stubs::Keep vectors) {
    load_effective(rax, ea, i);
    a_.call(imm(stubs_.access[Stubs::number(i.access, store, vectors)]));
}

void Compiler::access_cold(const Inst& i, bool store) {
    static_assert(kMaxBlockInsns < 128);
    call_access(i, use(i.a), store, kept_vectors());
    a_.test(al, static_cast<i32>(i.guest));
}

void Compiler::access_out_of_line(const Label& slow, const Label& done, const std::vector<Inst>& run, const Gp& ea,
                                  bool store, const std::vector<Late>& late, const std::function<void()>& before,
                                  const std::function<void()>& after) {
    if (ir::has_look(block_, run.front())) return;
    cold_.push_back([=, this, vectors = kept_vectors()] {
        const Label interrupted = a_.newLabel();
        a_.bind(slow);
        for (const Inst& i : run) {
            before();
            call_access(i, ea, store, vectors);
            a_.test(rax, rax);
            a_.jz(interrupted);
        }
        after();
        a_.jmp(done);
        a_.bind(interrupted);
        write(late);
        jump_interrupt(run.front(), stubs_.interrupt);
    });
}

void Compiler::emit_load(u32 id, const Inst& i) {
    if (!lazy_) {
        access_cold(i, false);
        if (wants_xmm_[id] && i.access.size == 8)
            a_.movq(define_xmm(id), rdx);
        else
            a_.mov(define(id), rdx);
        return;
    }
    begin_storage(i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    if (wants_xmm_[id] && i.access.size == 8 && !i.access.swap) {
        const Xmm x = define_xmm(id);
        a_.movq(x, find_storage(i, ea, false, slow));
        a_.bind(done);
        access_out_of_line(
            slow, done, {i}, ea, false, late_writes(), [] {}, [this, x] { a_.movq(x, rdx); });
        return;
    }
    // The probe that this access makes still wants its base after this.
    const bool is_base = makes_probe(i) && block_.insts[i.b].a == i.a;
    const Gp r = dies(i.a) && !is_base ? define_from(id, i.a) : define(id);
    const std::vector<Late> late = late_writes(i.a, ea);
    load(a_, r, find_storage(i, ea, false, slow), i.access);
    a_.bind(done);
    access_out_of_line(
        slow, done, {i}, ea, false, late, [] {}, [this, r] { a_.mov(r, rdx); });
}

void Compiler::emit_store(const Inst& i) {
    if (!lazy_) {
        load_into(rdx, i.b);
        return access_cold(i, true);
    }
    begin_storage(i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    if (i.access.size == 8 && !i.access.swap && place_[i.b].xmm >= 0 && place_[i.b].reg < 0) {
        const Xmm x = use_xmm(i.b);
        const Mem storage = find_storage(i, ea, true, slow);
        test_watched(storage, ea, i, slow);
        a_.movq(storage, x);
        a_.bind(done);
        access_out_of_line(
            slow, done, {i}, ea, true, late_writes(), [this, x] { a_.movq(rdx, x); }, [] {});
        return;
    }
    const Gp v = use(i.b);
    const Mem storage = find_storage(i, ea, true, slow);
    test_watched(storage, ea, i, slow);
    store(a_, storage, v, rcx, i.access);
    a_.bind(done);
    access_out_of_line(
        slow, done, {i}, ea, true, late_writes(), [this, v] { a_.mov(rdx, v); }, [] {});
}

// An aligned 16-byte SSE access is single-copy atomic on every x86 that has AVX.
void Compiler::emit_load128(u32 id, const Inst& i) {
    if (!lazy_) {
        access_cold(i, false);
        a_.movaps(define_xmm(id), xmm0);
        return;
    }
    begin_storage(i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    const Xmm r = define_xmm(id);
    a_.movups(r, find_storage(i, ea, false, slow));
    if (i.access.swap) a_.pshufb(r, xmmword_ptr(rsp, kSwapMask));
    a_.bind(done);
    access_out_of_line(
        slow, done, {i}, ea, false, late_writes(), [] {}, [this, r] { a_.movaps(r, xmm0); });
}

// One vector to several places of what one look has found, as dcbz stores zeros: all of them, or none, are done there.
std::vector<ir::Inst> Compiler::take_run(const Inst& first) {
    std::vector<Inst> run{first};
    if (first.op != Op::kStore128By) return run;
    for (u32 id = now_ + 1; id < block_.insts.size(); ++id) {
        const Inst& i = block_.insts[id];
        const bool same = i.op == first.op && i.a == first.a && i.b == first.b && i.c == first.c;
        if (same && i.guest == first.guest) {
            run.push_back(i);
            now_ = id;
        } else if (!ir::is_pure(i.op) || live_.uses[id] != 0) {
            break;
        }
    }
    return run;
}

void Compiler::store_run(const std::vector<Inst>& run, Mem storage, const Xmm& v) {
    const u32 each = host_.avx512 ? 4 : host_.avx2 ? 2 : 1;  // vectors in the widest register
    const auto gap = [](const Inst& a, const Inst& b) { return b.imm - a.imm != 16; };
    if (each == 1 || run.size() % each != 0 || std::adjacent_find(run.begin(), run.end(), gap) != run.end()) {
        for (const Inst& i : run) {
            storage.setOffset(static_cast<i32>(i.imm));
            a_.movups(storage, v);
        }
        return;
    }
    storage.setSize(16 * each);
    if (host_.avx512)
        a_.vshufi64x2(zmm1, v.zmm(), v.zmm(), 0);
    else
        a_.vinserti128(ymm1, v.ymm(), v, 1);
    for (std::size_t n = 0; n < run.size(); n += each) {
        storage.setOffset(static_cast<i32>(run[n].imm));
        host_.avx512 ? a_.vmovups(storage, zmm1) : a_.vmovups(storage, ymm1);
    }
    a_.vzeroupper();  // or SSE instructions would wait for the upper halves
}

void Compiler::emit_store128(const Inst& i) {
    const Xmm v = use_xmm(i.b);
    if (!lazy_) {
        a_.movaps(xmm0, v);
        return access_cold(i, true);
    }
    begin_storage(i);
    const Label slow = a_.newLabel(), done = a_.newLabel();
    const Gp ea = use(i.a);
    Mem storage = find_storage(i, ea, true, slow);
    test_watched(storage, ea, i, slow);
    if (i.access.swap) {
        a_.movaps(xmm0, v);
        a_.pshufb(xmm0, xmmword_ptr(rsp, kSwapMask));
    }
    const std::vector<Inst> run = take_run(i);
    store_run(run, storage, i.access.swap ? xmm0 : v);
    a_.bind(done);
    access_out_of_line(
        slow, done, run, ea, true, late_writes(), [this, v] { a_.movaps(xmm0, v); }, [] {});
}

}  // namespace mpower::jit::x64
