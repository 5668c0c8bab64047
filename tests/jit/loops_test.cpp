// Random loops of floating-point, vector and storage instructions, hot against the interpreter: state that hot code
// keeps in registers from round to round, and writes late, has to be in its place whenever the loop is left, by its
// end, by a fault, or by an instruction whose result the host cannot give.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "tests/campaign.h"
#include "tests/jit/two_machines.h"

namespace mpower::jit::x64 {
namespace {

/// Registers: r4 goes through the data, r5-r8 index it and stay, r9 and r10 are integers, r3 points near the data's
/// end.
class Loops {
  public:
    explicit Loops(u64 seed) : random_(seed) {}

    std::vector<u32> body() {
        std::vector<u32> words;
        wide_ = pick(3) == 0;
        const unsigned n = 3 + pick(wide_ ? 60 : 24);
        for (unsigned k = 0; k < n; ++k) words.push_back(instruction());
        if (pick(4) != 0) words.push_back(0x38840000 | (pick(2) ? 8 : 32));       // addi r4,r4,8 or 32
        if (pick(8) == 0) words.push_back(0x38630000 | (-4 * pick(2) & 0xffff));  // addi r3,r3,0 or -4
        const auto back = static_cast<u32>(-4 * static_cast<int>(words.size()));
        words.push_back(0x42000000 | (back & 0xfffc));  // bdnz
        words.push_back(kLeave);
        return words;
    }

    u64 operand() {
        switch (pick(10)) {
            case 0: return random_();
            case 1: return u64{pick(2)} << 63;  // 0
            case 2: return (random_() & (u64{1} << 63)) | u64{0x7ff} << 52 | (pick(2) ? random_() >> 12 : 0);
            case 3: return (random_() & ~(u64{0x7ff} << 52)) | u64{pick(3)} << 52;  // tiny
            case 4: return (random_() & ~(u64{0x7ff} << 52)) | u64{0x7fe - pick(3)} << 52;
            case 5: return std::bit_cast<u64>(static_cast<double>(static_cast<float>(random_()) / 3));
            case 6: return std::bit_cast<u64>(static_cast<double>(static_cast<int>(random_())) / 7);
            default: return std::bit_cast<u64>(static_cast<double>(static_cast<int>(pick(1000)) - 500));
        }
    }

    u64 fpscr() {
        u64 v = pick(2) ? fp::fpscr::kXx | fp::fpscr::kFx : 0;
        if (pick(8) == 0) v |= pick(4);  // RN
        if (pick(8) == 0) v |= random_() & fp::fpscr::kEnables;
        return fp::with_summaries(v);
    }

    u32 pick(u32 n) { return static_cast<u32>(random_() % n); }
    u64 any() { return random_(); }

  private:
    u32 freg() { return pick(wide_ ? 20 : 8); }
    u32 vreg() { return pick(wide_ ? 20 : 6); }
    u32 vsr() { return pick(2) ? freg() : 32 + vreg(); }

    u32 a_form(u32 opcode, u32 xo) {
        return opcode << 26 | freg() << 21 | freg() << 16 | freg() << 11 | freg() << 6 | xo << 1;
    }
    u32 x_form(u32 opcode, u32 t, u32 a, u32 b, u32 xo) { return opcode << 26 | t << 21 | a << 16 | b << 11 | xo << 1; }
    u32 xx3(u32 xo) {
        const u32 t = vsr(), a = vsr(), b = vsr();
        return 60u << 26 | (t & 31) << 21 | (a & 31) << 16 | (b & 31) << 11 | xo << 3 | (a >> 5) << 2 | (b >> 5) << 1 |
               t >> 5;
    }
    u32 base() { return pick(6) == 0 ? 3 : 4; }
    u32 index() { return 5 + pick(4); }
    u32 vector_access(u32 xo) {
        const u32 t = vsr();
        return x_form(31, t & 31, index(), base(), xo) | t >> 5;
    }

    u32 instruction() {
        static constexpr u32 kDouble[] = {21, 20, 25, 28, 29, 30, 31, 18},
                             kXx3[] = {0x60, 0x70, 0x68, 0x61, 0x69, 0x40, 0x50, 0x00, 0x20, 0x08, 0x21, 0xb0};
        static constexpr u32 kToInteger[] = {815, 943, 15, 143, 847, 974},
                             kMoves[] = {72, 40, 264, 136, 12, 392, 424, 456},
                             kVx[] = {128, 132, 134, 902, 140, 328, 840, 648, 1676, 1224, 1288, 1352, 1666, 452, 1356};
        // lxvd2x, stxvd2x, lxvw4x, stxvw4x, lxvdsx, lxsdx, stxsdx, lxsspx, stxsspx
        static constexpr u32 kVsxAccess[] = {844, 972, 780, 908, 332, 588, 716, 524, 652};
        // lvx, stvx, lvebx, lvehx, lvewx, stvebx, stvehx, stvewx, lvsl, lvsr
        static constexpr u32 kVmxAccess[] = {103, 231, 7, 39, 71, 135, 167, 199, 6, 38};
        switch (pick(18)) {
            case 0:
            case 1:
            case 2: return a_form(63, kDouble[pick(8)]);
            case 3: return a_form(59, kDouble[pick(8)]);
            case 4: return x_form(63, freg(), 0, freg(), kMoves[pick(8)]);  // 12: frsp
            case 5: return x_form(63, freg(), 0, freg(), pick(2) ? kToInteger[pick(6)] : 846);
            case 6: return x_form(63, pick(8) << 2, freg(), freg(), pick(2) ? 0 : 32);               // fcmpu, fcmpo
            case 7: return (pick(2) ? 50u : 48u) << 26 | freg() << 21 | base() << 16 | 8 * pick(8);  // lfd, lfs
            case 8: return (pick(2) ? 54u : 52u) << 26 | freg() << 21 | base() << 16 | 8 * pick(8);  // stfd, stfs
            case 9: return vector_access(pick(2) ? kVsxAccess[pick(2)] : kVsxAccess[pick(9)]);
            case 10: return x_form(31, vreg(), index(), base(), kVmxAccess[pick(2) ? pick(2) : pick(10)]);
            case 11:
            case 12: return xx3(kXx3[pick(12)]);
            case 13: return pick(2) ? x_form(31, freg(), 9, 0, 179) : x_form(31, freg(), 10, 0, 51);  // mtvsrd, mfvsrd
            case 14: return x_form(31, 0, index(), base(), 1014);                                     // dcbz
            case 15: return 4u << 26 | vreg() << 21 | vreg() << 16 | vreg() << 11 | kVx[pick(15)];
            case 16:  // vsel, vperm, vsldoi
                return 4u << 26 | vreg() << 21 | vreg() << 16 | vreg() << 11 | vreg() % 16 << 6 | (42 + pick(3));
            default: return pick(2) ? 0x39290001 : 0x7d4a4a14;  // addi r9; add r10
        }
    }

    std::mt19937_64 random_;
    bool wide_ = false;  ///< The loop uses more registers than the host has without AVX-512.
};

TEST(Loops, OfFloatsAndVectors_LeaveTheSameState_HotAndInterpreted) {
    const u64 seed = campaign_seed();
    std::printf("seed %lu\n", static_cast<unsigned long>(seed));
    const unsigned loops = long_run() ? 100'000 : 1'500;
    TwoMachines machines;
    Loops make(seed);
    for (unsigned n = 0; n < loops; ++n) {
        const std::vector<u32> words = make.body();
        Host host = x64::host();
        if (make.pick(4) == 0) host.avx512 = host.vbmi = host.bitalg = host.vpopcnt = false;
        const auto prepare = [&](CpuState& s, unsigned run) {
            const u64 data = pick_data(make);
            for (u64 at = data; at < data + kDataBytes; at += 8) machines.store(at, make.operand());
            for (V128& v : s.vsr) v = {make.operand(), make.operand()};
            s.fpscr = make.fpscr();
            s.gpr[3] = make.pick(3) == 0 ? kRamBytes - 8 * make.pick(40) : data + 0x3000 + 4 * make.pick(64);
            s.gpr[4] = data + make.pick(0x1200);
            const unsigned step = make.pick(3) == 0 ? 128 : 16;
            for (unsigned r = 5; r < 9; ++r) s.gpr[r] = make.pick(4) == 0 ? make.pick(64) : step * (r - 5);
            s.gpr[9] = make.any(), s.gpr[10] = make.any();
            s.ctr = 1 + make.pick(run == 0 ? 60 : 20);
            return data;
        };
        ASSERT_EQ(machines.compare(words, {.count_instructions = true, .hot = 2, .clobber = true}, host, prepare), "")
            << "seed " << seed << ", loop " << n;
    }
    machines.expect_enough(loops);
}

// The look, made once before the loop, is in the frame when the last access of the round has taken it from there.
TEST(Loops, BaseThatIsWrittenWithWhatItHas_KeepsItsLook_WhereRegistersAreFew) {
    const auto d_form = [](u32 opcode, u32 t, u32 a, u32 d) { return opcode << 26 | t << 21 | a << 16 | d; };
    const auto xo_form = [](u32 t, u32 a, u32 b, u32 xo) { return 31u << 26 | t << 21 | a << 16 | b << 11 | xo << 1; };
    std::vector<u32> words{d_form(58, 5, 4, 0)};                                           // ld r5,0(r4)
    for (u32 r = 6; r < 18; ++r) words.push_back(xo_form(r, r - 1, 5, 233));               // mulld
    for (u32 r = 6; r < 18; ++r) words.push_back(xo_form(r, r, r < 17 ? r + 1 : r, 266));  // add
    words.push_back(d_form(58, 18, 4, 8));                                                 // ld r18,8(r4)
    for (u32 r = 6; r < 18; ++r) words.push_back(xo_form(r, r + 13, 18, 316));             // xor r+13,r,r18
    words.push_back(d_form(14, 4, 4, 0));                                                  // addi r4,r4,0
    words.push_back(0x42000000 | (-4 * static_cast<u32>(words.size()) & 0xfffc));          // bdnz
    words.push_back(kLeave);
    TwoMachines machines;
    Loops make(1);
    const auto prepare = [&](CpuState& s, unsigned) {
        const u64 data = pick_data(make);
        for (u64 at = 0; at < 16; at += 8) machines.store(data + at, make.any());
        s.gpr[4] = data;
        s.ctr = 20;
        return data;
    };
    EXPECT_EQ(machines.compare(words, {.count_instructions = true, .hot = 2}, x64::host(), prepare), "");
    EXPECT_GT(machines.hot_blocks(), 0u);
}

}  // namespace
}  // namespace mpower::jit::x64
