// hcall-term, H_LOGICAL_*, KVMPPC_H_LOGICAL_MEMOP, RTAS.
#include <initializer_list>
#include <set>

#include "fixture.h"
#include "hcall/rtas.h"

namespace mpower::hcall {
namespace {

constexpr u64 kVty = 0x71000000, kGet = 0x54, kPut = 0x58;

using Term = HcallTest;

TEST_F(Term, Put_WritesFromTheMostSignificantByte) {
    ASSERT_EQ(call(kPut, {kVty, 16, 0x6162636465666768, 0x696a6b6c6d6e6f70}), papr::kSuccess);
    ASSERT_EQ(call(kPut, {0, 1, 0x2100000000000000, 0}), papr::kSuccess);
    ASSERT_EQ(call(kPut, {kVty, 0, ~u64{0}, 0}), papr::kSuccess);
    EXPECT_EQ(console_.output, "abcdefghijklmnop!");
}

TEST_F(Term, Get_ReturnsLengthAndPaddedBytes) {
    console_.input = "abcdefghijklmnopq";
    ASSERT_EQ(call(kGet, {kVty}), papr::kSuccess);
    EXPECT_EQ(r(4), 16u);
    EXPECT_EQ(r(5), 0x6162636465666768u);
    EXPECT_EQ(r(6), 0x696a6b6c6d6e6f70u);
    ASSERT_EQ(call(kGet, {0}), papr::kSuccess);
    EXPECT_EQ(r(4), 1u);
    EXPECT_EQ(r(5), 0x7100000000000000u);
    ASSERT_EQ(call(kGet, {kVty}), papr::kSuccess);
    EXPECT_EQ(r(4), 0u);
}

TEST_F(Term, ReturnParameter_WhenUnitOrLengthIsBad) {
    console_.input = "x";
    for (u64 unit : {u64{1}, kVty + 1, ~u64{0}}) {
        EXPECT_EQ(call(kGet, {unit}), papr::kParameter);
        EXPECT_EQ(call(kPut, {unit, 1, 0, 0}), papr::kParameter);
    }
    for (u64 length : {u64{17}, ~u64{0}}) EXPECT_EQ(call(kPut, {kVty, length, 0, 0}), papr::kParameter);
    EXPECT_EQ(console_.output, "");
    EXPECT_EQ(console_.input, "x");
}

using Logical = HcallTest;

TEST_F(Logical, StoreThenLoad_AreBigEndian_AtTheEdgeOfRam) {
    for (u64 size : {1, 2, 4, 8}) {
        const u64 at = kRam - size, value = 0x1122334455667788;
        ASSERT_EQ(call(0x40, {size, at, value}), papr::kSuccess);
        EXPECT_EQ(*ram(kRam - 1), 0x88);
        ASSERT_EQ(call(0x3c, {size, at}), papr::kSuccess);
        EXPECT_EQ(r(4), size == 8 ? value : value & ((u64{1} << 8 * size) - 1));
        EXPECT_EQ(call(0x44, {size, at + 1}), papr::kParameter);
        EXPECT_EQ(call(0x48, {size, at + 1, 0}), papr::kParameter);
    }
}

TEST_F(Logical, ReturnParameter_WhenSizeOrAddressIsBad) {
    for (u64 size : {u64{0}, u64{3}, u64{16}, u64{1} << 63, ~u64{0}}) {
        EXPECT_EQ(call(0x3c, {size, 0}), papr::kParameter) << size;
        EXPECT_EQ(call(0x40, {size, 0, 0}), papr::kParameter) << size;
    }
    for (u64 address : {kRam, u64{1} << 60, ~u64{7}, ~u64{0}}) {
        EXPECT_EQ(call(0x3c, {8, address}), papr::kParameter) << address;
        EXPECT_EQ(call(0x40, {8, address, 0}), papr::kParameter) << address;
    }
}

TEST_F(Logical, CacheOperations_Succeed) {
    EXPECT_EQ(call(0x4c, {0x1000}), papr::kSuccess);
    EXPECT_EQ(call(0x50, {0x1000}), papr::kSuccess);
}

TEST_F(Logical, Memop_CopiesOverlappingRangesInBothDirections) {
    for (u64 i = 0; i < 16; ++i) *ram(0x1000 + i) = static_cast<u8>(i);
    ASSERT_EQ(call(0xf001, {0x1002, 0x1000, 1, 4, 0}), papr::kSuccess);
    EXPECT_EQ(load_be<u64>(ram(0x1002)), 0x0001020304050607u);
    ASSERT_EQ(call(0xf001, {0x1000, 0x1002, 1, 4, 0}), papr::kSuccess);
    EXPECT_EQ(load_be<u64>(ram(0x1000)), 0x0001020304050607u);
}

TEST_F(Logical, Memop_InvertsInPlace) {
    store_be<u64>(ram(0x1000), 0x00ff0f0f12345678);
    ASSERT_EQ(call(0xf001, {0x1000, 0x1000, 3, 1, 1}), papr::kSuccess);
    EXPECT_EQ(load_be<u64>(ram(0x1000)), ~u64{0x00ff0f0f12345678});
}

TEST_F(Logical, Memop_ReturnsParameter_OnEachBadArgument) {
    const u64 all = ~u64{0};
    EXPECT_EQ(call(0xf001, {kRam - 8, 0, 3, 1, 0}), papr::kSuccess);
    EXPECT_EQ(call(0xf001, {0, 0, 3, 0, 0}), papr::kSuccess);
    EXPECT_EQ(call(0xf001, {kRam - 8, 0, 3, 2, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, kRam - 8, 3, 2, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {all & ~u64{7}, 0, 3, 1, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {4, 0, 3, 1, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, 4, 3, 1, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, 0, 4, 1, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, 0, all, 1, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, 0, 3, 0x80000001, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, 0, 0, all, 0}), papr::kParameter);
    EXPECT_EQ(call(0xf001, {0, 0, 3, 1, 2}), papr::kParameter);
}

class Rtas : public HcallTest {
  protected:
    static constexpr u64 kBlock = 0x2000;
    u64 block_ = kBlock;

    /// Return value of the hypercall; the call's own results are ret(n).
    i64 rtas(u32 token, std::initializer_list<u32> args, u32 nrets) {
        nargs_ = static_cast<u32>(args.size());
        u32 at = 0;
        const auto put = [&](u32 w) { store_be<u32>(ram(block_ + 4 * at++), w); };
        put(token), put(nargs_), put(nrets);
        for (u32 a : args) put(a);
        for (u32 n = 0; n < nrets; ++n) put(0xdeadbeef);
        return call(0xf000, {block_});
    }
    i32 status(u32 token, std::initializer_list<u32> args, u32 nrets) {
        EXPECT_EQ(rtas(token, args, nrets), papr::kSuccess) << token;
        return static_cast<i32>(ret(0));
    }
    u32 ret(u32 n) { return load_be<u32>(ram(block_ + 12 + 4 * (nargs_ + n))); }

  private:
    u32 nargs_ = 0;
};

TEST_F(Rtas, TokensAreDistinct) {
    std::set<u32> seen;
    for (const auto& [name, token] : rtas_tokens()) EXPECT_TRUE(seen.insert(token).second) << name;
    EXPECT_GE(seen.size(), 16u);
}

TEST_F(Rtas, UnknownToken_ReturnsParameter_AndMinus3) {
    EXPECT_EQ(rtas(0x2fff, {}, 1), papr::kParameter);
    EXPECT_EQ(static_cast<i32>(ret(0)), -3);
    EXPECT_EQ(rtas(0x2fff, {}, 0), papr::kParameter);  // no word to answer in: nothing is written
}

TEST_F(Rtas, EveryCall_RefusesAWrongShape_AndWritesNoMoreThanItsResults) {
    for (const auto& [name, token] : rtas_tokens()) {
        store_be<u32>(ram(kBlock + 12 + 4 * 9), 0x5a5a5a5a);
        EXPECT_EQ(rtas(token, {0, 0, 0, 0, 0, 0, 0, 0}, 1), papr::kSuccess) << name;  // nobody takes eight
        EXPECT_EQ(static_cast<i32>(ret(0)), -3) << name;
        EXPECT_EQ(load_be<u32>(ram(kBlock + 12 + 4 * 9)), 0x5a5a5a5au) << name;
        const u32 first = token == 0x2000 ? 'x' : 0;
        EXPECT_EQ(rtas(token, {first}, 0), papr::kSuccess) << name;  // no room for a status
    }
    EXPECT_EQ(console_.output, "");
    EXPECT_FALSE(machine_->ending());
}

TEST_F(Rtas, Block_IsCheckedAgainstTheEdgeOfRam) {
    block_ = kRam - 16;
    EXPECT_EQ(rtas(0x200f + 0x100, {}, 1), papr::kParameter);
    EXPECT_EQ(static_cast<i32>(ret(0)), -3);  // just fits
    store_be<u32>(ram(kRam - 16 + 8), 2);     // two results do not
    store_be<u32>(ram(kRam - 4), 0x12345678);
    EXPECT_EQ(call(0xf000, {block_}), papr::kParameter);
    EXPECT_EQ(load_be<u32>(ram(kRam - 4)), 0x12345678u);
    for (u64 bad : {kRam - 8, kRam, ~u64{11}, ~u64{0}}) EXPECT_EQ(call(0xf000, {bad}), papr::kParameter) << bad;
}

TEST_F(Rtas, Block_IsRefused_WhenCountsAreHuge) {
    for (u32 count : {u32{1025}, 0x40000000u, 0x7fffffffu, 0xffffffffu}) {
        for (u32 where : {4u, 8u}) {
            store_be<u32>(ram(kBlock), 0x2001);
            store_be<u32>(ram(kBlock + 4), 0);
            store_be<u32>(ram(kBlock + 8), 8);
            store_be<u32>(ram(kBlock + where), count);
            EXPECT_EQ(call(0xf000, {kBlock}), papr::kParameter) << count;
        }
    }
}

TEST_F(Rtas, DisplayCharacter_WritesOneByte) {
    EXPECT_EQ(status(0x2000, {'A'}, 1), 0);
    EXPECT_EQ(console_.output, "A");
}

TEST_F(Rtas, TimeOfDay_IsTheOneThatWasSet) {
    ASSERT_EQ(status(0x2002, {2024, 2, 29, 23, 58, 30, 0}, 1), 0);
    ASSERT_EQ(status(0x2001, {}, 8), 0);
    const u32 expected[] = {2024, 2, 29, 23};
    for (u32 n = 0; n < 4; ++n) EXPECT_EQ(ret(n + 1), expected[n]);
    EXPECT_GE(ret(5) * 60 + ret(6), 58 * 60 + 30u);
    EXPECT_LT(ret(5) * 60 + ret(6), 60 * 60u);
    EXPECT_LT(ret(7), 1'000'000'000u);
    for (u32 month : {0u, 13u, ~0u}) EXPECT_EQ(status(0x2002, {2024, month, 1, 0, 0, 0, 0}, 1), -3);
    EXPECT_EQ(status(0x2002, {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u}, 1), -3);
}

TEST_F(Rtas, PowerOff_EndsTheMachine) {
    ASSERT_EQ(status(0x2003, {0, 0}, 1), 0);
    EXPECT_TRUE(machine_->ending());
}

TEST_F(Rtas, SystemReboot_EndsTheMachine) {
    ASSERT_EQ(status(0x2004, {}, 1), 0);
    EXPECT_TRUE(machine_->ending());
}

TEST_F(Rtas, StartCpu_StartsAStoppedOneOnce) {
    EXPECT_EQ(status(0x2005, {1}, 2), 0);
    EXPECT_EQ(ret(1), 0u);
    ASSERT_EQ(status(0x2006, {1, 0x4000, 7}, 1), 0);
    EXPECT_EQ(status(0x2005, {1}, 2), 0);
    EXPECT_EQ(ret(1), 2u);
    EXPECT_EQ(status(0x2006, {1, 0x4000, 7}, 1), -1);
    for (u32 server : {3u, ~0u}) {
        EXPECT_EQ(status(0x2005, {server}, 2), -3);
        EXPECT_EQ(status(0x2006, {server, 0, 0}, 1), -3);
    }
}

TEST_F(Rtas, StopSelf_StopsTheCaller) {
    ASSERT_TRUE(cpu().start(0, 0));
    ASSERT_EQ(status(0x2007, {}, 1), 0);
    EXPECT_TRUE(cpu().stopped());
}

TEST_F(Rtas, Xive_IsSetReadMaskedAndUnmasked) {
    ASSERT_EQ(status(0x200a, {0x1100, 2, 5}, 1), 0);
    ASSERT_EQ(status(0x200b, {0x1100}, 3), 0);
    EXPECT_EQ(ret(1), 2u);
    EXPECT_EQ(ret(2), 5u);
    ASSERT_EQ(status(0x200c, {0x1100}, 1), 0);
    ASSERT_EQ(status(0x200b, {0x1100}, 3), 0);
    EXPECT_EQ(ret(2), 0xffu);
    ASSERT_EQ(status(0x200d, {0x1100}, 1), 0);
    ASSERT_EQ(status(0x200b, {0x1100}, 3), 0);
    EXPECT_EQ(ret(2), 5u);
}

TEST_F(Rtas, Xive_RefusesUnknownSourcesServersAndPriorities) {
    for (u32 source : {0u, 2u, 0xfffu, smp::kFirstSource + smp::kSources, ~0u}) {
        EXPECT_EQ(status(0x200a, {source, 0, 5}, 1), -3);
        EXPECT_EQ(status(0x200b, {source}, 3), -3);
        EXPECT_EQ(status(0x200c, {source}, 1), -3);
        EXPECT_EQ(status(0x200d, {source}, 1), -3);
    }
    EXPECT_EQ(status(0x200a, {0x1000, 3, 5}, 1), -3);
    EXPECT_EQ(status(0x200a, {0x1000, 0, 256}, 1), -3);
}

TEST_F(Rtas, EventScan_HasNoEvent) {
    EXPECT_EQ(status(0x200f, {0, 0, 0, 0}, 1), 1);
    EXPECT_EQ(status(0x200e, {0, 0, 0, 0, 0, 0}, 1), 1);
}

TEST_F(Rtas, SystemParameter_FitsTheBufferAndRam) {
    std::fill_n(ram(0x5000), 64, 0xaa);
    ASSERT_EQ(status(0x2008, {48, 0x5000, 10}, 1), 0);
    EXPECT_EQ(load_be<u16>(ram(0x5000)), 16);
    EXPECT_EQ(*ram(0x5009), 0);
    EXPECT_EQ(*ram(0x500a), 0xaa);
    EXPECT_EQ(status(0x2008, {48, static_cast<u32>(kRam - 18), 0xffffffff}, 1), 0);
    EXPECT_EQ(status(0x2008, {48, static_cast<u32>(kRam - 17), 0xffffffff}, 1), -3);
    EXPECT_EQ(status(0x2008, {48, 0x5000, 1}, 1), -3);
    EXPECT_EQ(status(0x2008, {9999, 0x5000, 64}, 1), -3);
}

}  // namespace
}  // namespace mpower::hcall
