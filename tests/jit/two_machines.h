// Two machines for one program: what hot code leaves has to be what the interpreter leaves.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/endian.h"
#include "jit/fp/fpscr.h"
#include "jit/interp/interp.h"
#include "jit/x64/executor.h"
#include "tests/no_platform.h"

namespace mpower::jit::x64 {

inline constexpr u64 kCode = 0x10000, kData = 0x20000, kRamBytes = 1 << 24, kDataBytes = 0x4000;
inline constexpr u32 kLeave = 0x44000022;  // sc 1

/// A vCPU in real mode with RAM of its own.
struct Machine {
    mmu::GuestRam ram = std::move(*mmu::GuestRam::create(kRamBytes));
    std::unique_ptr<hpt::Hpt> hpt = std::move(*hpt::Hpt::create(18));
    mmu::CodeEpochs epochs{kRamBytes};
    mmu::Mmu mmu{ram, *hpt, epochs};
    NoPlatform platform;
    CpuState state;

    Machine() {
        state.mmu = &mmu;
        state.platform = &platform;
        set_msr(state, msr::kSf | msr::kFp | msr::kVec | msr::kVsx);
    }
};

inline void put(Machine& m, u64 at, const std::vector<u32>& words) {
    for (const u32 w : words) {
        store_be<u32>(m.ram.bytes().data() + at, w);
        at += 4;
    }
}

inline std::string difference(Machine& hot, Machine& slow, u64 data) {
    CpuState &a = hot.state, &b = slow.state;
    for (unsigned n = 0; n < 32; ++n) {
        if (a.gpr[n] != b.gpr[n])
            return fmt::format("r{}: {:#x}, not {:#x}, at {:#x}, not {:#x}", n, a.gpr[n], b.gpr[n], a.nip, b.nip);
    }
    for (unsigned n = 0; n < 64; ++n) {
        if (!(a.vsr[n] == b.vsr[n])) return fmt::format("vs{}", n);
    }
    fp::settle(a);
    fp::settle(b);
    if (a.fpscr != b.fpscr) return "fpscr";
    if (std::memcmp(a.cr, b.cr, sizeof a.cr) != 0) return "cr";
    if (a.ctr != b.ctr || a.nip != b.nip || a.spr[spr::kSrr0] != b.spr[spr::kSrr0]) return "ctr, nip or srr0";
    if (std::memcmp(hot.ram.bytes().data() + data, slow.ram.bytes().data() + data, kDataBytes) != 0) return "storage";
    return "";
}

}  // namespace mpower::jit::x64
