#include "tests/differential/subject.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/endian.h"
#include "mmu/mmu.h"
#include "tests/no_platform.h"

namespace mpower::differential {
namespace {

using namespace jit;

constexpr u64 kRamBytes = u64{32} << 20;
constexpr u32 kLeave = 0x44000022;  // sc 1: run() returns

template <class T>
T must(Result<T> result) {
    if (result) return std::move(*result);
    std::fprintf(stderr, "differential_test: %s\n", result.error().c_str());
    std::exit(1);
}

/// The signal that Linux sends a program for the interrupt at `vector`.
u64 signal_of(u64 vector, u64 srr1) {
    switch (static_cast<Vector>(vector)) {
        case Vector::kProgram: return srr1 & program::kTrap ? SIGTRAP : srr1 & program::kFpEnabled ? SIGFPE : SIGILL;
        case Vector::kAlignment: return SIGBUS;
        case Vector::kDataStorage:
        case Vector::kDataSegment:
        case Vector::kInsnStorage:
        case Vector::kInsnSegment:
        case Vector::kMachineCheck: return SIGSEGV;
        default: return 1000 + vector;  // none that a test can cause: shows as a difference
    }
}

}  // namespace

struct Subject::Parts {
    mmu::GuestRam ram = must(mmu::GuestRam::create(kRamBytes));
    std::unique_ptr<hpt::Hpt> hpt = must(hpt::Hpt::create(18));
    mmu::CodeEpochs epochs{kRamBytes};
    mmu::Mmu mmu{ram, *hpt, epochs};
    std::unique_ptr<SharedCode> shared;
    NoPlatform platform;
    CpuState state;
    std::unique_ptr<Executor> executor;
};

Subject::Subject(IsaLevel level, bool little_endian, Accel accel, bool hot)
    : parts_(std::make_unique<Parts>()), le_(little_endian), rounds_(hot ? 4 : 1) {
    parts_->shared = make_shared_code(accel, parts_->ram, parts_->epochs,
                                      CodeOptions{.count_instructions = true, .hot = hot ? 2 : CodeOptions::kNever});
    parts_->executor = make_executor(accel, parts_->mmu, *parts_->shared);
    CpuState& s = parts_->state;
    s.level = level;
    s.interrupt_le = le_;
    s.mmu = &parts_->mmu;
    s.platform = &parts_->platform;
    const u32 leave = le_ ? kLeave : byte_swap(kLeave);
    u8* const ram = parts_->ram.bytes().data();
    for (u64 vector = 0x100; vector < 0x4000; vector += 0x20) std::memcpy(ram + vector, &leave, 4);
    std::memcpy(ram + DIFF_DONE, &leave, 4);
}

Subject::~Subject() = default;

u64 Subject::instructions() const { return parts_->state.instructions; }

void Subject::execute(const Image& initial) {
    CpuState& s = parts_->state;
    u8* const ram = parts_->ram.bytes().data();
    std::memcpy(ram + DIFF_SCRATCH, initial.scratch.data(), DIFF_SCRATCH_BYTES);

    const State& in = initial.state;
    std::memcpy(s.gpr, in.gpr, sizeof s.gpr);
    set_cr_word(s, static_cast<u32>(in.cr));
    set_xer(s, in.xer);
    s.lr = in.lr;
    s.ctr = in.ctr;
    s.fpscr = in.fpscr;
    s.vrsave = static_cast<u32>(in.vrsave);
    s.vscr = static_cast<u32>(in.vscr);
    std::memcpy(s.vsr, in.vsr, sizeof s.vsr);
    s.reserve_size = 0;
    s.nip = DIFF_CODE;
    set_msr(s, msr::kSf | msr::kFp | msr::kVec | msr::kVsx | (le_ ? msr::kLe : 0));
    s.attention.store(0, std::memory_order_relaxed);
    parts_->executor->run(s);
}

Image Subject::run(const Image& initial, std::span<const u32> code) {
    CpuState& s = parts_->state;
    u8* const ram = parts_->ram.bytes().data();
    for (std::size_t i = 0; i < code.size(); ++i) {
        const u32 word = le_ ? code[i] : byte_swap(code[i]);
        std::memcpy(ram + DIFF_CODE + 4 * i, &word, 4);
    }
    parts_->epochs.modified();
    for (unsigned round = 0; round < rounds_; ++round) execute(initial);

    Image result;
    State& out = result.state;
    std::memcpy(out.gpr, s.gpr, sizeof s.gpr);
    out.cr = cr_word(s);
    out.xer = xer(s);
    out.lr = s.lr;
    out.ctr = s.ctr;
    out.fpscr = s.fpscr;
    out.vrsave = s.vrsave;
    out.vscr = s.vscr;
    std::memcpy(out.vsr, s.vsr, sizeof s.vsr);
    if (s.nip != DIFF_DONE + 4) {
        out.signal = signal_of(s.nip - 4, s.spr[spr::kSrr1]);
        out.fault_nip = s.spr[spr::kSrr0];
    }
    std::memcpy(result.scratch.data(), ram + DIFF_SCRATCH, DIFF_SCRATCH_BYTES);
    return result;
}

}  // namespace mpower::differential
