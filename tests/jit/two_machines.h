// Two machines for one program: what hot code leaves has to be what the interpreter leaves.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
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
inline constexpr u64 kMsr = msr::kSf | msr::kFp | msr::kVec | msr::kVsx;
inline constexpr u32 kLeave = 0x44000022;  // sc 1

/// A vCPU with RAM of its own. Where data is relocated, of each kDataBytes the first two 4K pages are exchanged; now
/// and then the second one is nowhere, or may not be stored to.
struct Machine {
    static constexpr hpt::Segment kSegment{0, 28, 12};

    mmu::GuestRam ram = std::move(*mmu::GuestRam::create(kRamBytes));
    std::unique_ptr<hpt::Hpt> hpt = std::move(*hpt::Hpt::create(18));
    mmu::CodeEpochs epochs{kRamBytes};
    mmu::Mmu mmu{ram, *hpt, epochs};
    NoPlatform platform;
    CpuState state;

    Machine() {
        state.mmu = &mmu;
        state.platform = &platform;
        mmu.slbmte(0, 0x08000000);  // entry 0: segment 0, VSID 0, no key
        for (u64 ea = 0; ea < kRamBytes; ea += 0x1000) {
            const u64 kind = (ea & (kDataBytes - 1)) == 0x1000 ? ea / kDataBytes % 8 : 0;
            if (kind == 3) continue;
            const u64 ra = (ea & 0x2000) != 0 ? ea : ea ^ 0x1000;
            const u64 pteg = hpt::primary_hash(kSegment, ea) & (hpt->slots() / 8 - 1);
            hpt->enter(0, PteIndex{8 * pteg}, hpt::tag_of(kSegment, ea), ra | hpt::kM | (kind == 5 ? 3 : 2), kRamBytes);
        }
        set_msr(state, kMsr);
    }
    /// Of data's 4K page at `ea`.
    u64 rc(u64 ea) const {
        const auto match = hpt->find(kSegment, ea);
        return match ? match->hpte.r & (hpt::kR | hpt::kC) : 0;
    }
};

inline void put(Machine& m, u64 at, const std::vector<u32>& words, bool little = false) {
    for (const u32 w : words) {
        store_be<u32>(m.ram.bytes().data() + at, little ? byte_swap(w) : w);
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
    if (a.lr != b.lr || a.ca != b.ca || a.so != b.so) return "lr, ca or so";
    if (a.instructions != b.instructions) return fmt::format("{} instructions, not {}", a.instructions, b.instructions);
    if (a.ctr != b.ctr || a.nip != b.nip || a.spr[spr::kSrr0] != b.spr[spr::kSrr0]) return "ctr, nip or srr0";
    if (a.msr != b.msr || a.spr[spr::kSrr1] != b.spr[spr::kSrr1]) return "msr or srr1";
    if (std::memcmp(hot.ram.bytes().data() + data, slow.ram.bytes().data() + data, kDataBytes) != 0) return "storage";
    for (u64 ea = data; ea < data + kDataBytes; ea += 0x1000) {
        if (hot.rc(ea) != slow.rc(ea)) return "R or C";
    }
    return "";
}

class TwoMachines {
  public:
    Machine hot, slow;

    /// Stores `v` at `ra` of `hot`, in the program's byte order.
    void store(u64 ra, u64 v) { store_be<u64>(hot.ram.bytes().data() + ra, little_ ? byte_swap(v) : v); }

    /// Runs `words` four times on both: half of the programs is little-endian, data is relocated for some, and the last
    /// run of some lacks a facility.
    /// prepare(state, run) makes the state and the data of `hot`, and says where these are. What differs after a run;
    /// empty: nothing.
    template <class Prepare>
    std::string compare(const std::vector<u32>& words, const CodeOptions& options, const Host& host, Prepare prepare) {
        CodeCache cache(hot.ram, hot.epochs, options, 4 * CodeCache::kChunk, host);
        X64Executor executor(hot.mmu, cache);
        Interpreter interpreter(slow.mmu);
        constexpr u64 kLacking[] = {msr::kFp, msr::kVec, msr::kVsx, 0, 0, 0};
        const u64 lacking_last = kLacking[programs_ % std::size(kLacking)];
        const u64 relocated = programs_ % 3 == 0 ? 0 : msr::kDr;
        little_ = programs_++ / std::size(kLacking) % 2 != 0;
        const u64 modes = kMsr | relocated | (little_ ? msr::kLe : 0);
        for (Machine* m : {&hot, &slow}) {
            put(*m, kCode, words, little_);
            for (u64 vector = 0x100; vector < 0x1000; vector += 0x20) put(*m, vector, {kLeave});
            m->epochs.modified();
        }
        CpuState &s = hot.state, &o = slow.state;
        for (unsigned run = 0; run < 4; ++run) {
            const u64 lacking = run == 3 ? lacking_last : 0;
            s.last_float = {}, s.instructions = 0;
            const u64 data = prepare(s, run);
            std::memcpy(slow.ram.bytes().data() + data, hot.ram.bytes().data() + data, kDataBytes);
            std::memcpy(o.gpr, s.gpr, sizeof s.gpr);
            std::memcpy(static_cast<void*>(o.vsr), s.vsr, sizeof s.vsr);
            std::memcpy(o.cr, s.cr, sizeof s.cr);
            o.fpscr = s.fpscr, o.last_float = {}, o.instructions = 0;
            o.ca = s.ca, o.so = s.so, o.ctr = s.ctr, o.lr = s.lr;
            for (CpuState* each : {&s, &o}) {
                set_msr(*each, modes & ~lacking);
                each->nip = kCode;
            }
            std::string what;
            if (executor.run(s) != Exit::kHypercall || interpreter.run(o) != Exit::kHypercall)
                what = "it did not end";
            else
                what = difference(hot, slow, data);
            if (!what.empty()) return fmt::format("run {}: {}: {:08x}", run, what, fmt::join(words, " "));
            faults_ += s.nip < kCode;
        }
        hot_blocks_ += executor.stats().hot_blocks;
        return "";
    }

    /// After `count` programs: that enough of them were hot, and enough runs ended by a fault.
    void expect_enough(unsigned count) const {
        std::printf("%u programs, %lu hot blocks, %lu runs ended by a fault\n", count,
                    static_cast<unsigned long>(hot_blocks_), static_cast<unsigned long>(faults_));
        EXPECT_GT(hot_blocks_, count / 2);
        EXPECT_GT(faults_, count / 50);
    }

    u64 hot_blocks() const { return hot_blocks_; }

  private:
    bool little_ = false;  ///< The program, and its data.
    u64 programs_ = 0, faults_ = 0, hot_blocks_ = 0;
};

/// An address in the first two pages of data, often near the end of the first.
template <class Make>
u64 pick_base(Make& make, u64 data) {
    return data + (make.pick(2) ? 0x100 : 0x1000 - 8 * make.pick(64));
}

/// Where data of a run may be: elsewhere each time, so that hot code finds nothing in the level-1 TLB.
template <class Make>
u64 pick_data(Make& make) {
    return kData + kDataBytes * make.pick((kRamBytes - 2 * kData) / kDataBytes);
}

}  // namespace mpower::jit::x64
