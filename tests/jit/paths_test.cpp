// Random programs of integer instructions and branches, hot against the interpreter: paths and their arms, what an arm
// takes over in registers, and what it leaves for the next round.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/campaign.h"
#include "tests/jit/two_machines.h"

namespace mpower::jit::x64 {
namespace {

/// Blocks that go on to each other at random. Registers: r3 points near the end of RAM, r4 to the data, r5-r10, r12,
/// r14 and r15 are for computing; r11 counts how many blocks are left to execute.
class Paths {
  public:
    explicit Paths(u64 seed) : random_(seed) {}

    std::vector<u32> program() {
        std::vector<std::vector<u32>> blocks(2 + pick(7));
        for (std::vector<u32>& block : blocks) {
            block = {0x396bffff, 0x2fab0000};      // addi r11,r11,-1; cmpdi cr7,r11,0
            block.push_back(kToEnd | 0x409d0000);  // ble cr7
            for (u32 n = pick(7); n-- > 0;) block.push_back(instruction());
            const bool calls = pick(6) == 0;
            if (calls) block.push_back(kToFunction | 0x48000001);  // bl
            const u32 other = pick(static_cast<u32>(blocks.size()));
            if (!calls && pick(8) == 0) {
                block.push_back(0x4e800020);  // blr, to a block or behind a bl
            } else if (pick(8) == 0) {
                block.push_back(kToBlock | 0x48000000);  // b
            } else {
                const u32 options = pick(5) == 0 ? (pick(2) ? 16u : 18u) : (pick(2) ? 12u : 4u);  // bdnz, bdz; bc
                block.push_back(kToBlock | 16u << 26 | options << 21 | pick(pick(2) ? 4 : 32) << 16);
            }
            block.push_back(other);  // for the branch before it: taken out again
        }
        return place(blocks);
    }

    u64 link() const { return kCode + 4 * link_; }  ///< The beginning of a block of the last program().
    u32 pick(u32 n) { return static_cast<u32>(random_() % n); }
    u64 any() { return pick(3) == 0 ? pick(5) - 2ull : random_() >> pick(64); }

  private:
    // In a displacement, which place() puts in.
    static constexpr u32 kToEnd = 4, kToFunction = 8, kToBlock = 12, kTarget = 0xc;

    std::vector<u32> place(const std::vector<std::vector<u32>>& blocks) {
        std::vector<u32> begins, words;
        u32 at = 0;
        for (const auto& block : blocks) {
            begins.push_back(at);
            at += static_cast<u32>(block.size()) - 1;
        }
        const u32 end = at, function = at + 1;
        link_ = begins[pick(static_cast<u32>(begins.size()))];
        for (const auto& block : blocks) {
            for (std::size_t n = 0; n + 1 < block.size(); ++n) {
                u32 word = block[n];
                const u32 opcode = word >> 26, here = static_cast<u32>(words.size());
                if (opcode == 16 || opcode == 18) {
                    const u32 kind = word & kTarget;
                    const u32 target = kind == kToEnd ? end : kind == kToFunction ? function : begins[block.back()];
                    word = (word & ~kTarget) | (4 * (target - here) & (opcode == 18 ? 0x3fffffc : 0xfffc));
                }
                words.push_back(word);
            }
        }
        words.push_back(kLeave);
        words.insert(words.end(), {0x39ce0003, 0x7dc97378, 0x4e800020});  // addi r14,r14,3; or r9,r14,r14; blr
        return words;
    }

    u32 reg() {
        static constexpr u32 kAll[] = {5, 6, 7, 8, 9, 10, 12, 14, 15};
        return kAll[pick(9)];
    }
    u32 target() {  // the last ones are rarely written
        const u32 r = reg();
        return (r == 12 || r == 15) && pick(16) ? 5 + pick(3) : r;
    }
    u32 x_form(u32 t, u32 a, u32 b, u32 xo) { return 31u << 26 | t << 21 | a << 16 | b << 11 | xo << 1; }
    u32 d_form(u32 opcode, u32 t, u32 a, u32 d) { return opcode << 26 | t << 21 | a << 16 | (d & 0xffff); }

    u32 instruction() {
        // add, subf, adde, addze, addc, mulld; and, or, xor, nor, sld, srad, cntlzd, extsw, extsb: some with Rc.
        static constexpr u32 kArithmetic[] = {266, 40, 138, 202, 10, 233},
                             kLogical[] = {28, 444, 316, 124, 27, 794, 58, 986, 954};
        const u32 rc = pick(4) == 0;
        switch (pick(16)) {
            case 0:
            case 1: return d_form(14, target(), pick(6) ? reg() : 0, pick(2) ? pick(4) - 2 : pick(65536));  // addi, li
            case 2:
            case 3: return x_form(target(), reg(), reg(), kArithmetic[pick(6)]) | rc;
            case 4:
            case 5: return x_form(reg(), target(), reg(), kLogical[pick(9)]) | rc;
            case 6: {  // mr
                const u32 from = reg();
                return x_form(from, target(), from, 444);
            }
            case 7: return 21u << 26 | reg() << 21 | target() << 16 | pick(1 << 15) << 1 | rc;  // rlwinm
            case 8: return d_form(28, reg(), target(), pick(2) ? 1 : pick(65536));              // andi.
            case 9:
            case 10:  // cmpdi, cmpwi, cmpldi, cmplwi
                return d_form(pick(2) ? 11 : 10, pick(8) << 2 | pick(2), reg(), pick(2) ? pick(3) : pick(65536));
            case 11: return x_form(pick(8) << 2 | pick(2), reg(), reg(), pick(2) ? 0 : 32);      // cmp, cmpl
            case 12: return d_form(pick(2) ? 58 : 32, target(), pick(8) ? 4 : 3, 8 * pick(16));  // ld, lwz
            case 13: return d_form(pick(2) ? 62 : 36, reg(), pick(8) ? 4 : 3, 8 * pick(16));     // std, stw
            case 14: return x_form(target(), reg(), reg(), 15) | pick(32) << 6;                  // isel
            default:
                switch (pick(7)) {
                    case 6: return x_form(reg(), target(), reg(), 252);              // bpermd, which is a call
                    case 0: return x_form(target(), 0, 0, 19);                       // mfcr
                    case 1: return x_form(reg(), 0, 0, 144) | 1u << (12 + pick(8));  // mtcrf
                    case 2: return 19u << 26 | pick(32) << 21 | pick(32) << 16 | pick(32) << 11 | 193 << 1;  // crxor
                    case 3: return d_form(12, target(), reg(), pick(4) - 2);                                 // addic
                    case 4: return d_form(14, 3, 3, pick(2) ? 8 : -8 & 0xffff);                              // addi r3
                    default: return x_form(target(), 9, 0, pick(2) ? 467 : 339);  // mtctr, mfctr
                }
        }
    }

    std::mt19937_64 random_;
    u32 link_ = 0;
};

TEST(Paths, OfIntegers_LeaveTheSameState_HotAndInterpreted) {
    const u64 seed = campaign_seed();
    std::printf("seed %lu\n", static_cast<unsigned long>(seed));
    const unsigned programs = long_run() ? 100'000 : 1'500;
    TwoMachines machines;
    Paths make(seed);
    for (unsigned n = 0; n < programs; ++n) {
        const std::vector<u32> words = make.program();
        const CodeOptions options{
            .count_instructions = true, .hot = 2, .random_ways = make.pick(2) == 0, .clobber = true};
        const auto prepare = [&](CpuState& s, unsigned run) {
            const u64 data = pick_data(make);
            for (u64 at = data; at < data + kDataBytes / 2; at += 8) machines.store(at, make.any());
            for (u64& r : s.gpr) r = make.any();
            s.gpr[3] = make.pick(3) == 0 ? kRamBytes - 8 * make.pick(20) : pick_base(make, data);
            s.gpr[4] = pick_base(make, data) + make.pick(0x200);
            s.gpr[11] = 1 + make.pick(run == 0 ? 200 : 60);
            for (u8& field : s.cr) field = static_cast<u8>(make.pick(16));
            s.ca = static_cast<u8>(make.pick(2)), s.so = static_cast<u8>(make.pick(2));
            s.ctr = make.pick(2) ? make.pick(8) : make.any();
            s.lr = make.link();
            return data;
        };
        ASSERT_EQ(machines.compare(words, options, x64::host(), prepare), "") << "seed " << seed << ", program " << n;
    }
    machines.expect_enough(programs);
}

}  // namespace
}  // namespace mpower::jit::x64
