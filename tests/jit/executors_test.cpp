// Both executors from the same random state through the same instructions: every row that works on floating-point or
// vector registers, over operands that break arithmetic, all rounding modes, enabled exceptions, VSCR[NJ], and FPSCR
// bit for bit. The differential test cannot see enabled exceptions, FPSCR[FR] or what the ISA leaves undefined.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/endian.h"
#include "jit/executor.h"
#include "jit/fp/fpscr.h"
#include "jit/isa/table.h"
#include "mmu/mmu.h"
#include "tests/campaign.h"
#include "tests/differential/random.h"
#include "tests/no_platform.h"

namespace mpower::jit {
namespace {

using differential::Random;

/// A vCPU in real mode with storage of its own.
class Machine {
  public:
    static constexpr u64 kRamBytes = 1 << 20, kCode = 0x10000, kData = 0x40000;
    static constexpr u32 kLeave = 0x44000022;  // sc 1: run() returns

    explicit Machine(Accel accel) : accel_(accel) { renew(); }

    /// `words`, and the storage around kData filled from a seed.
    void prepare(const std::vector<u32>& words, bool le, u64 seed) {
        u8* const bytes = ram.bytes().data();
        const auto put = [&](u64 at, u32 word) {
            if (!le) word = byte_swap(word);
            std::memcpy(bytes + at, &word, 4);
        };
        for (u64 at = 0; at < 0x3000; at += 4) put(at, kLeave);  // interrupts stop where they arrive
        for (u64 at = 0; at < 0x400; at += 4) put(kCode + at, kLeave);
        for (std::size_t n = 0; n < words.size(); ++n) put(kCode + 4 * n, words[n]);
        Random fill(seed);
        for (u64 at = 0; at < 0x400; at += 8) {
            const u64 v = fill.one_in(2) ? fill.real64() : fill.bits();
            std::memcpy(bytes + kData + at, &v, 8);
        }
        epochs.modified();
    }
    void run(CpuState& s) {
        s.mmu = &mmu;
        s.platform = &platform_;
        executor_->run(s);
    }
    /// The code cache of the executor starts anew: it would be full of programs that never come again.
    void renew() {
        executor_.reset();
        shared_ = make_shared_code(accel_, ram, epochs, {.count_instructions = true});
        executor_ = make_executor(accel_, mmu, *shared_);
    }

    mmu::GuestRam ram = std::move(*mmu::GuestRam::create(kRamBytes));
    std::unique_ptr<hpt::Hpt> hpt = std::move(*hpt::Hpt::create(18));
    mmu::CodeEpochs epochs{kRamBytes};
    mmu::Mmu mmu{ram, *hpt, epochs};

  private:
    Accel accel_;
    NoPlatform platform_;
    std::unique_ptr<SharedCode> shared_;
    std::unique_ptr<Executor> executor_;
};

/// The state, in words that can be compared.
std::vector<std::pair<std::string, u64>> registers(const CpuState& s) {
    std::vector<std::pair<std::string, u64>> all;
    for (int n = 0; n < 32; ++n) all.emplace_back(fmt::format("r{}", n), s.gpr[n]);
    for (int n = 0; n < 64; ++n) {
        all.emplace_back(fmt::format("vsr{}.hi", n), s.vsr[n].hi);
        all.emplace_back(fmt::format("vsr{}.lo", n), s.vsr[n].lo);
    }
    for (int n = 0; n < 8; ++n) all.emplace_back(fmt::format("cr{}", n), s.cr[n]);
    all.insert(all.end(), {{"fpscr", s.fpscr},
                           {"vscr", s.vscr},
                           {"nip", s.nip},
                           {"msr", s.msr},
                           {"srr0", s.spr[spr::kSrr0]},
                           {"srr1", s.spr[spr::kSrr1]},
                           {"instructions", s.instructions}});
    return all;
}

struct Executors : testing::Test {
    /// Whether a random word of the row does something that both executors do alike here, and comes back.
    static bool takes_part(const isa::Row& row) {
        using namespace isa;
        if (row.flags & (kPriv | kHyper | kEnd)) return false;
        return row.flags & (kFp | kVec | kVsx | kVsxOrVec | kVsxOrVecDq | kFpOrVec);
    }

    u32 word_of(const isa::Row& row) { return row.value | (static_cast<u32>(random.bits()) & ~row.mask); }

    /// The same seed fills alike.
    void fill(CpuState& s, u64 seed) {
        Random random(seed);
        s.level = IsaLevel::k300;
        s.interrupt_le = le;
        for (u64& r : s.gpr) r = random.one_in(3) ? Machine::kData + 0x80 + random.below(0x200) : random.below(0x100);
        for (V128& v : s.vsr) v = random.vector();
        for (u8& field : s.cr) field = static_cast<u8>(random.below(16));
        using namespace fp::fpscr;
        switch (random.below(4)) {
            case 0: s.fpscr = 0; break;
            case 1: s.fpscr = kXx | kFx | (random.bits() & (kFprf | kFr | kFi)); break;
            case 2: s.fpscr = kXx | kFx | random.below(4); break;
            default: s.fpscr = fp::with_summaries(random.bits() & kWritable & 0xffffffff); break;
        }
        s.vscr = random.one_in(2) ? 0x10000 : 0;
        s.nip = Machine::kCode;
        s.mmu = &interpreter.mmu;
        set_msr(
            s, msr::kSf | msr::kFp | msr::kVec | msr::kVsx | (le ? msr::kLe : 0) | (traps ? msr::kFe0 | msr::kFe1 : 0));
    }

    /// False: a difference was found and told.
    bool check(const std::vector<u32>& words, const std::string& names) {
        const u64 storage_seed = random.bits();
        interpreter.prepare(words, le, storage_seed);
        translator.prepare(words, le, storage_seed);
        for (int round = 0; round < kRounds; ++round) {
            const u64 state_seed = random.bits();
            const auto before = std::make_unique<CpuState>(), left = std::make_unique<CpuState>(),
                       right = std::make_unique<CpuState>();
            for (CpuState* s : {before.get(), left.get(), right.get()}) fill(*s, state_seed);
            interpreter.run(*left);
            translator.run(*right);
            const auto expected = registers(*left), actual = registers(*right);
            const bool same_storage =
                std::memcmp(interpreter.ram.bytes().data() + Machine::kData - 0x8000,
                            translator.ram.bytes().data() + Machine::kData - 0x8000, 0x11000) == 0;
            if (expected == actual && same_storage) continue;
            std::string text = fmt::format("{} le {} traps {}:", names, le, traps);
            for (const u32 w : words) text += fmt::format(" {:08x}", w);
            const auto start = registers(*before);
            for (std::size_t n = 0; n < expected.size(); ++n) {
                if (expected[n] == actual[n]) continue;
                text += fmt::format("\n{} was {:x} interpreter {:x} translator {:x}", expected[n].first,
                                    start[n].second, expected[n].second, actual[n].second);
            }
            if (words.size() == 1) {
                const isa::Insn i{words[0]};
                for (const auto& [name, n] : {std::pair{"t", i.xt()},
                                              {"a", i.xa()},
                                              {"b", i.xb()},
                                              {"c", i.xc()},
                                              {"fa", i.ra()},
                                              {"fb", i.rb()},
                                              {"fc", i.rc_field()}}) {
                    text += fmt::format("\n{} vsr{} {:016x} {:016x} v{} {:016x} {:016x}", name, n, before->vsr[n].hi,
                                        before->vsr[n].lo, n & 31, before->vsr[32 + (n & 31)].hi,
                                        before->vsr[32 + (n & 31)].lo);
                }
                text += fmt::format("\nfpscr {:x}", before->fpscr);
            }
            ADD_FAILURE() << text << (same_storage ? "" : "\nstorage differs");
            return false;
        }
        return true;
    }

    static constexpr int kRounds = 16;
    u64 seed_ = campaign_seed();
    Random random{seed_};
    Machine interpreter{Accel::kInterp}, translator{Accel::kJit};
    bool le = false, traps = false;
};

TEST_F(Executors, EveryRow_LeavesTheSameState_OfRandomOperands) {
    SCOPED_TRACE(fmt::format("MPOWER_SEED={}", seed_));
    const int words = long_run() ? 65536 / kRounds : 1;
    int count = 0;
    for (const isa::Row& row : isa::rows()) {
        if (!takes_part(row)) continue;
        for (int n = 0; n < words; ++n) {
            le = random.one_in(2);
            traps = random.one_in(8);
            if (!check({word_of(row)}, std::string(row.id))) break;
        }
        if (++count % 64 == 0 || long_run()) translator.renew();
    }
    EXPECT_GT(count, 500);
}

// What one instruction leaves pending, the next ones find: FPRF, FR, FI, values in host registers.
TEST_F(Executors, Sequences_LeaveTheSameState) {
    SCOPED_TRACE(fmt::format("MPOWER_SEED={}", seed_));
    std::vector<const isa::Row*> rows;
    for (const isa::Row& row : isa::rows()) {
        if (takes_part(row)) rows.push_back(&row);
    }
    constexpr u32 kMffs = 0xfc00048e;
    for (int n = 0; n < (long_run() ? 200'000 : 800); ++n) {
        le = random.one_in(2);
        traps = random.one_in(16);
        std::vector<u32> words;
        std::string names;
        const bool scalar = random.one_in(2);
        while (words.size() < 12) {
            const isa::Row& row = *rows[random.below(static_cast<u32>(rows.size()))];
            // Half of the programs are of scalars on few registers: chains of results.
            if (scalar && (row.flags & isa::kFp) == 0) continue;
            u32 word = word_of(row);
            if (scalar) word &= ~((u32{0x18} << 21 | u32{0x18} << 16 | u32{0x18} << 11 | u32{0x18} << 6) & ~row.mask);
            words.push_back(word);
            names += std::string(row.id) + ' ';
            if (random.one_in(6)) words.push_back(kMffs | random.below(32) << 21);
        }
        if (!check(words, names)) break;
        if (n % 500 == 499) translator.renew();
    }
}

}  // namespace
}  // namespace mpower::jit
