#include "jit/verify.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "jit/fp/fpscr.h"

namespace mpower::jit {
namespace {

/// Lines for what differs between two states, by name.
std::string differences(const CpuState& a, const CpuState& b) {
    std::string text;
    const auto line = [&](const std::string& name, u64 translated, u64 interpreted) {
        if (translated == interpreted) return;
        text += fmt::format("  {:10} translated {:#018x}, interpreted {:#018x}\n", name, translated, interpreted);
    };
    for (int n = 0; n < 32; ++n) line(fmt::format("r{}", n), a.gpr[n], b.gpr[n]);
    line("nip", a.nip, b.nip);
    line("lr", a.lr, b.lr);
    line("ctr", a.ctr, b.ctr);
    line("msr", a.msr, b.msr);
    line("cr", cr_word(a), cr_word(b));
    line("xer", xer(a), xer(b));
    line("fpscr", a.fpscr, b.fpscr);
    line("vscr", a.vscr, b.vscr);
    for (int n = 0; n < 64; ++n) {
        line(fmt::format("vsr{}.hi", n), a.vsr[n].hi, b.vsr[n].hi);
        line(fmt::format("vsr{}.lo", n), a.vsr[n].lo, b.vsr[n].lo);
    }
    for (int n = 0; n < 1024; ++n) line(fmt::format("spr{}", n), a.spr[n], b.spr[n]);
    line("reserved", a.reserve_size, b.reserve_size);
    if (a.reserve_size != 0) {
        line("at", a.reserve_at, b.reserve_at);
        line("version", a.reserve_version, b.reserve_version);
        line("value", static_cast<u64>(a.reserve_value), static_cast<u64>(b.reserve_value));
    }
    return text;
}

}  // namespace

template <class F>
u64 Verifier::once(F read) {
    if (replaying_) return next_read_ < read_.size() ? read_[next_read_++] : read();
    read_.push_back(read());
    return read_.back();
}

u64 Verifier::time_base() {
    return once([&] { return platform_->time_base(); });
}
u64 Verifier::decrementer() {
    return once([&] { return platform_->decrementer(); });
}
u64 Verifier::random() {
    return once([&] { return platform_->random(); });
}
void Verifier::set_decrementer(u64 ticks) {
    if (!replaying_) platform_->set_decrementer(ticks);
}

void Verifier::save(const CpuState& s, Snapshot* out) const { std::memcpy(out->bytes, &s, Snapshot::kBytes); }

void Verifier::restore(CpuState& s, const Snapshot& from) const {
    std::memcpy(static_cast<void*>(&s), from.bytes, Snapshot::kBytes);
    mmu_.set_amr(s.spr[spr::kAmr], s.spr[spr::kIamr]);
    set_msr(s, s.msr);
}

void Verifier::report(const CpuState& s, u64 count, const Snapshot& before, const Snapshot& translated,
                      const std::string& what) const {
    auto a = std::make_unique<CpuState>(), start = std::make_unique<CpuState>();
    std::memcpy(static_cast<void*>(a.get()), translated.bytes, Snapshot::kBytes);
    std::memcpy(static_cast<void*>(start.get()), before.bytes, Snapshot::kBytes);
    a->level = start->level = s.level;
    fmt::print(stderr,
               "mpower: -accel verify: the translator and the interpreter differ after {} instructions from {:#x}\n",
               count, start->nip);
    fmt::print(stderr, "{}{}\nregisters before:\n", what, differences(*a, s));
    for (int n = 0; n < 32; ++n) fmt::print(stderr, "  r{:<2} {:016x}{}", n, start->gpr[n], n % 4 == 3 ? "\n" : "");
    fmt::print(stderr, "  lr {:016x} ctr {:016x} msr {:016x} cr {:08x} xer {:08x} fpscr {:08x}\n{}", start->lr,
               start->ctr, start->msr, cr_word(*start), xer(*start), start->fpscr, translator_.last_listing());
    std::_Exit(2);
}

Exit Verifier::run(CpuState& s) {
    platform_ = std::exchange(s.platform, static_cast<Platform*>(this));
    Exit exit = Exit::kAttention;
    auto before = std::make_unique<Snapshot>(), translated = std::make_unique<Snapshot>();
    while (exit == Exit::kAttention && s.attention.load(std::memory_order_relaxed) == 0) {
        save(s, before.get());
        const u64 start = s.instructions;
        read_.clear();
        next_read_ = 0;
        first_.clear();
        s.stores = &first_;
        exit = translator_.run(s);
        s.stores = nullptr;
        const u64 count = s.instructions - start;
        if (count == 0) continue;  // attention, or the first instruction was interrupted
        save(s, translated.get());
        const u64 nip = s.nip;
        const std::vector<u8> stored = first_.contents();
        first_.undo();

        restore(s, *before);
        s.instructions = start;
        second_.clear();
        s.stores = &second_;
        replaying_ = true;
        Exit reference = Exit::kAttention;
        for (u64 n = 0; n <= count && s.instructions - start < count; ++n) reference = reference_.step(s);
        // The instruction after them was begun, if it was interrupted.
        if (s.nip != nip && reference == Exit::kAttention) reference = reference_.step(s);
        replaying_ = false;
        s.stores = nullptr;
        fp::settle(s);
        ++verified_;
        if (s.instructions - start != count)
            report(s, count, *before, *translated, "  the number of instructions differs\n");
        if (reference != exit) report(s, count, *before, *translated, "  only one of them met sc 1\n");
        if (first_.contents() != stored || !first_.covers(second_)) {
            report(s, count, *before, *translated, "  storage differs\n");
        }
        Snapshot now;
        save(s, &now);
        if (std::memcmp(now.bytes, translated->bytes, Snapshot::kBytes) != 0) {
            auto a = std::make_unique<CpuState>();
            std::memcpy(static_cast<void*>(a.get()), translated->bytes, Snapshot::kBytes);
            a->level = s.level;
            // What no instruction shows may differ: padding, an unused half of the reservation's value.
            if (!differences(*a, s).empty()) report(s, count, *before, *translated, "");
        }
    }
    s.platform = platform_;
    return exit;
}

}  // namespace mpower::jit
