#include "jit/x64/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/endian.h"
#include "base/log.h"
#include "jit/fp/fpscr.h"
#include "jit/interrupt_ops.h"
#include "jit/x64/compiler.h"
#include "jit/x64/listing.h"

namespace mpower::jit::x64 {

X64Executor::X64Executor(mmu::Mmu& mmu, CodeCache& cache) : mmu_(mmu), cache_(cache) {
    cache_.add(visitor_);
    mmu_.set_code_listener(this);
}

X64Executor::~X64Executor() {
    mmu_.set_code_listener(nullptr);
    cache_.remove(visitor_);
}

Maker::Made X64Executor::make(std::span<const u32> page, const u8* where, Translation& t, const Heat& heat) {
    const auto start = std::chrono::steady_clock::now();
    const ir::Mode mode = ir::mode_of(*making_);
    const unsigned first = (making_at_.v & 4095) / 4;
    std::array<u32, 1024> swapped;
    std::span<const u32> words = page;
    if (!mode.le) {
        for (std::size_t i = t.hot ? 0 : first; i < page.size(); ++i) swapped[i] = byte_swap(page[i]);
        words = std::span(swapped).first(page.size());
    }
    ir::Block block;
    if (t.hot && !mode.single_step) {
        Trace trace = translate_trace({.page = words,
                                       .first = first,
                                       .mode = mode,
                                       .address = making_->nip,
                                       .heat = heat,
                                       .counted = cache_.options().count_instructions,
                                       .gpr_then = making_->gpr});
        block = std::move(trace.block);
        ranges_ = std::move(trace.ranges);
        path_ = std::move(trace.path);
        ++stats_.hot_blocks;
    } else {
        block = translate(words.subspan(first), mode, making_->nip);
        ranges_.assign(1, {static_cast<u16>(first), block.guest_count});
        path_.clear();
        ++stats_.blocks;
    }
    holder_.reset();
    holder_.init(asmjit::Environment::host(), reinterpret_cast<u64>(where));
    holder_.attach(&assembler_);
    const bool counted = !t.hot && (t.key & ir::kPlain) == 0 && cache_.options().hot != CodeOptions::kNever;
    Compiler(assembler_, cache_, visitor_, block, making_at_, counted ? &t.heat : nullptr, t.hot).compile();
    if (holder_.hasUnresolvedLinks() || !holder_.relocEntries().empty()) std::abort();
    if (log_enabled(Log::kOutAsm)) {
        log(Log::kOutAsm, "{:#x}: {} instructions, {}{}\n{}", making_->nip, block.guest_count, t.hot ? "hot" : "cold",
            block.kept != 0 ? " loop" : "", ir::to_string(block));
        for (const std::string& line : listing(code(), where)) log(Log::kOutAsm, "{}", line);
    }
    stats_.instructions += block.guest_count;
    stats_.host_bytes += holder_.textSection()->bufferSize();
    stats_.nanoseconds += static_cast<u64>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count());
    return {holder_.textSection()->bufferSize(), ranges_, path_, making_->nip, mode.pr};
}

std::span<const u8> X64Executor::code() const {
    const asmjit::CodeBuffer& buffer = const_cast<asmjit::CodeHolder&>(holder_).textSection()->buffer();
    return {buffer.data(), buffer.size()};
}

/// What a context synchronising event has to see: modified code, dropped mappings, the mode and the address space.
void X64Executor::synchronise(CpuState& s) {
    if (cache_.arrive(visitor_)) {
        s.jumps.clear();
        stamps_ = {};
    }
    // Or code that was killed, and comes back here, would be found again.
    if (const u64 now = cache_.killed(); now != killed_) {
        killed_ = now;
        stamps_ = {};
    }
    if (const u64 now = cache_.epochs().modifications(); now != modifications_) {
        modifications_ = now;
        mmu_.flush_code();
    }
    for (unsigned half = 0; half < mmu::Mmu::kHalves; ++half) {
        if (const u64 now = mmu_.code_drops(half); now != code_drops_[half]) {
            code_drops_[half] = now;
            for (Stamp& known : stamps_) {
                if (known.used[half]) known = {};
            }
        }
    }
    const u32 mode = ir::mode_of(s).key();
    const void* const space = mmu_.arrays().code;
    const u64 kind = reinterpret_cast<u64>(space) + mode;
    Stamp* const known = std::find_if(stamps_.begin(), stamps_.end(),
                                      [&](const Stamp& x) { return x.mode_key == mode && x.space == space; });
    if (known != stamps_.end()) {
        stamp_ = known;
        known->last_use = ++uses_;
        s.jumps.set(known->stamp, kind);
        return;
    }
    if (++last_stamp_ == JumpCache::kStamps) {
        last_stamp_ = 1;
        s.jumps.clear();
        stamps_ = {};
    }
    // A dropped one, else the least recently used: those of the operating system outlive its programs'.
    stamp_ = &*std::min_element(stamps_.begin(), stamps_.end(),
                                [](const Stamp& a, const Stamp& b) { return a.last_use < b.last_use; });
    *stamp_ = {mode, space, last_stamp_, ++uses_, {}};
    s.jumps.set(last_stamp_, kind);
}

/// One block by the interpreter: there is no room for code at present.
void X64Executor::interpret(CpuState& s) {
    ++stats_.interpreted;
    if (interpreter_ == nullptr) interpreter_ = std::make_unique<Interpreter>(mmu_);
    hypercall_ = interpreter_->step(s) == Exit::kHypercall;
}

const u8* X64Executor::look_up(CpuState& s, JumpEntry& remembered, u64 kind) {
    Ra ra;
    mmu::Fault fault;
    if (!mmu_.fetch(s.nip, &ra, &fault)) [[unlikely]] {
        raise_fetch(s, fault);
        take_pending(s, s.nip);
        return nullptr;
    }
    const u64 key = ir::block_key(ra, stamp_->mode_key) | kind;
    // The fetch may have killed some.
    if (remembered.key == key && remembered.killed == cache_.killed()) return static_cast<const u8*>(remembered.code);
    const u8* code = cache_.find(visitor_, key);
    if (code == nullptr) {
        making_ = &s;
        making_at_ = ra;
        code = cache_.translate(visitor_, key, ra, *this);
    }
    if (code != nullptr) {
        remembered = {.tag = remembered.tag, .code = code, .key = key, .killed = killed_};
        return code;
    }
    if (visitor_.last == cache_.turn_overs()) interpret(s);
    return nullptr;
}

const u8* X64Executor::find(CpuState& s) {
    ++stats_.resolved;
    for (;;) {
        if (s.attention.load(std::memory_order_relaxed) != 0) return nullptr;
        synchronise(s);
        if (s.nip == plain_at_) [[unlikely]] {
            JumpEntry unused;
            if (const u8* code = look_up(s, unused, ir::kPlain)) {
                plain_at_ = kNowhere;
                return code;
            }
            if (hypercall_) return nullptr;
            continue;
        }
        JumpEntry& remembered = s.jumps.entry(s.nip);
        if (remembered.tag == s.jumps.tag(s.nip)) return static_cast<const u8*>(remembered.code);
        if (const u8* code = look_up(s, remembered)) {
            remembered.tag = s.jumps.tag(s.nip);
            stamp_->used[mmu::Mmu::half_of(s.nip)] = true;
            return code;
        }
        if (hypercall_) return nullptr;
    }
}

const void* X64Executor::resume(CpuState* state) {
    auto* const self = static_cast<X64Executor*>(state->executor);
    return self->cache_.options().one_block ? nullptr : self->find(*state);
}

const void* X64Executor::resume_plain(CpuState* state) {
    static_cast<X64Executor*>(state->executor)->plain_at_ = state->nip;
    return resume(state);
}

std::string X64Executor::last_listing() const {
    if (entered_ == nullptr) return {};
    constexpr std::size_t kBytes = 1024;  // its chunk goes on that far, or the listing ends in what is no instruction
    std::string text = "host code:\n";
    for (const std::string& line : listing({entered_, kBytes}, entered_)) text += fmt::format("  {}\n", line);
    return text;
}

const void* X64Executor::resume_by_link(CpuState* state, u64 site_offset) {
    auto* const self = static_cast<X64Executor*>(state->executor);
    const LinkSite& site = *reinterpret_cast<const LinkSite*>(self->cache_.memory().data() + site_offset);
    const u64 generation = self->visitor_.last, nip = state->nip, kind = site.target & ir::kPlain;
    if (kind != 0) self->plain_at_ = nip;
    const u8* const code = self->find(*state);
    if (code == nullptr || state->nip != nip || self->visitor_.last != generation) return code;
    Ra ra;
    mmu::Fault fault;
    if (self->mmu_.fetch(nip, &ra, &fault) && (ir::block_key(ra, self->stamp_->mode_key) | kind) == site.target) {
        self->cache_.connect(site, code);
        ++self->stats_.linked;
    }
    return code;
}

const void* X64Executor::promote(CpuState* state) {
    auto* const self = static_cast<X64Executor*>(state->executor);
    self->synchronise(*state);
    Ra ra;
    mmu::Fault fault;
    if (self->mmu_.fetch(state->nip, &ra, &fault)) {
        self->making_ = state;
        self->making_at_ = ra;
        self->cache_.promote(self->visitor_, ir::block_key(ra, self->stamp_->mode_key), ra, *self);
    }
    return self->find(*state);
}

Exit X64Executor::run(CpuState& s) {
    s.tlb = &mmu_.arrays();
    s.executor = this;
    visitor_.attention.store(&s.attention, std::memory_order_relaxed);
    hypercall_ = false;
    Exit exit = Exit::kAttention;
    entered_ = find(s);
    if (const u8* code = entered_) {
        if (cache_.stubs().enter(&s, code) == kLeftHypercall) exit = Exit::kHypercall;
    }
    if (hypercall_) exit = Exit::kHypercall;
    fp::settle(s);
    cache_.leave(visitor_);
    return exit;
}

}  // namespace mpower::jit::x64
