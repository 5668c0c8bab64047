// hcall-term, hcall-vio, H_LOGICAL_*, KVMPPC_H_LOGICAL_MEMOP, RTAS.
#include <chrono>
#include <initializer_list>
#include <set>
#include <thread>

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

TEST_F(Term, VioSignal_SwitchesTheInterrupt_AndLosesNone) {
    constexpr u64 kSignal = 0x104;
    call(0x68, {0xff});
    machine_->ics().set_xive(smp::kVtySource, 0, 5);
    const auto interrupted = [&] {
        call(0x74);
        const u64 xirr = r(4);
        call(0x64, {xirr});
        return (xirr & 0xffffff) == smp::kVtySource;
    };
    machine_->console_has_input();
    EXPECT_TRUE(interrupted());  // on from the start
    ASSERT_EQ(call(kSignal, {kVty, 0}), papr::kSuccess);
    machine_->console_has_input();
    EXPECT_FALSE(interrupted());
    ASSERT_EQ(call(kSignal, {kVty, 1}), papr::kSuccess);
    EXPECT_TRUE(interrupted());
    ASSERT_EQ(call(kSignal, {kVty, 1}), papr::kSuccess);
    EXPECT_FALSE(interrupted());
    machine_->console_has_input();
    EXPECT_TRUE(interrupted());
    for (u64 mode : {u64{2}, ~u64{0}}) EXPECT_EQ(call(kSignal, {kVty, mode}), papr::kParameter);
    for (u64 unit : {u64{0}, kVty + 1, ~u64{0}}) EXPECT_EQ(call(kSignal, {unit, 0}), papr::kParameter);
    machine_->console_has_input();
    EXPECT_TRUE(interrupted());
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
}

TEST_F(Rtas, TimeOfDay_IsRefused_WhenThereIsNoSuchTime) {
    const u32 good[7] = {2023, 2, 28, 23, 59, 59, 999'999'999};
    const auto set = [&](unsigned field, u32 value) {
        u32 f[7];
        std::copy_n(good, 7, f);
        f[field] = value;
        return status(0x2002, {f[0], f[1], f[2], f[3], f[4], f[5], f[6]}, 1);
    };
    const std::initializer_list<u32> bad[7] = {{0, 1969, 2200, 0x80000000, ~0u},
                                               {0, 13, 0x102, ~0u},
                                               {0, 29, 32, 0x11c, ~0u},
                                               {24, ~0u},
                                               {60, ~0u},
                                               {60, ~0u},
                                               {1'000'000'000, ~0u}};
    ASSERT_EQ(set(0, good[0]), 0);
    for (unsigned field = 0; field < 7; ++field) {
        for (u32 value : bad[field]) EXPECT_EQ(set(field, value), -3) << field << ' ' << value;
    }
    EXPECT_EQ(status(0x2002, {2100, 2, 29, 0, 0, 0, 0}, 1), -3);
    EXPECT_EQ(status(0x2002, {2024, 4, 31, 0, 0, 0, 0}, 1), -3);
    ASSERT_EQ(status(0x2001, {}, 8), 0);  // a refused one changes nothing
    EXPECT_TRUE(ret(1) == 2023 && (ret(2) == 2 || ret(2) == 3)) << ret(1) << '-' << ret(2);
    for (u32 year : {1970u, 2199u}) {
        ASSERT_EQ(status(0x2002, {year, 12, 31, 12, 0, 0, 0}, 1), 0);
        ASSERT_EQ(status(0x2001, {}, 8), 0);
        EXPECT_TRUE(ret(1) == year && ret(2) == 12 && ret(3) == 31 && ret(4) == 12) << ret(1);
    }
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
    for (u32 parameter : {20u, 42u, 48u, 50u}) {
        EXPECT_EQ(status(0x2008, {parameter, static_cast<u32>(kRam - 2), 2}, 1), 0);
        EXPECT_EQ(status(0x2008, {parameter, static_cast<u32>(kRam - 2), 3}, 1), -9999);
        for (u32 outside : {static_cast<u32>(kRam), 0xfffffffeu, ~0u}) {
            EXPECT_EQ(status(0x2008, {parameter, outside, 64}, 1), -9999);
            EXPECT_EQ(status(0x2008, {parameter, outside, ~0u}, 1), -9999);
        }
        for (u32 length : {0u, 1u}) EXPECT_EQ(status(0x2008, {parameter, 0x5000, length}, 1), -9999);
    }
    EXPECT_EQ(status(0x2008, {48, static_cast<u32>(kRam - 17), ~0u}, 1), -9999);
    for (u32 unknown : {0u, 19u, 9999u, ~0u}) EXPECT_EQ(status(0x2008, {unknown, 0x5000, 64}, 1), -3);
}

TEST_F(Rtas, SystemParameters_SayWhatTheMachineIs) {
    ASSERT_EQ(status(0x2008, {20, 0x5000, 4096}, 1), 0);
    const std::string splpar = "MaxEntCap=3,DesMem=32,DesProcs=3,MaxPlatProcs=3";
    EXPECT_EQ(load_be<u16>(ram(0x5000)), splpar.size() + 1);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(ram(0x5002))), splpar);
    *ram(0x5002) = 0xaa;
    ASSERT_EQ(status(0x2008, {42, 0x5000, 3}, 1), 0);
    EXPECT_EQ(load_be<u16>(ram(0x5000)), 1);
    EXPECT_EQ(*ram(0x5002), 0);
}

TEST_F(Rtas, SystemParameters_AreNotTheGuestsToSet) {
    store_be<u16>(ram(0x5000), 16);
    for (u32 parameter : {20u, 42u, 48u, 50u}) {
        EXPECT_EQ(status(0x2009, {parameter, 0x5000}, 1), -9002);
        store_be<u16>(ram(kRam - 18), 16);
        EXPECT_EQ(status(0x2009, {parameter, static_cast<u32>(kRam - 18)}, 1), -9002);
        store_be<u16>(ram(kRam - 18), 17);  // the last byte is outside
        EXPECT_EQ(status(0x2009, {parameter, static_cast<u32>(kRam - 18)}, 1), -9999);
        for (u32 outside : {static_cast<u32>(kRam - 1), static_cast<u32>(kRam), ~0u}) {
            EXPECT_EQ(status(0x2009, {parameter, outside}, 1), -9999);
        }
    }
    EXPECT_EQ(status(0x2009, {43, 0x5000}, 1), -3);
    EXPECT_EQ(status(0x2009, {43, ~0u}, 1), -3);
}

TEST_F(Rtas, Nvram_HoldsWhatWasStored_UpToItsEnd) {
    for (u32 n = 0; n < 16; ++n) *ram(0x5000 + n) = static_cast<u8>(0x80 + n);
    for (u32 index : {100u, smp::kNvramBytes - 16}) {
        ASSERT_EQ(status(0x2013, {index, 0x5000, 16}, 2), 0);
        EXPECT_EQ(ret(1), 16u);
        std::fill_n(ram(0x6000), 17, 0xaa);
        ASSERT_EQ(status(0x2012, {index + 2, 0x6001, 14}, 2), 0);
        EXPECT_EQ(ret(1), 14u);
        EXPECT_EQ(*ram(0x6000), 0xaa);
        EXPECT_TRUE(std::equal(ram(0x6001), ram(0x600f), ram(0x5002)));
        EXPECT_EQ(*ram(0x600f), 0xaa);
    }
    ASSERT_EQ(status(0x2012, {0, 0x10000, smp::kNvramBytes}, 2), 0);
    EXPECT_EQ(ret(1), smp::kNvramBytes);
    EXPECT_EQ(*ram(0x10000 + 99), 0);
    EXPECT_EQ(*ram(0x10000 + 115), 0x8f);
    EXPECT_EQ(*ram(0x10000 + 65535), 0x8f);
}

TEST_F(Rtas, Nvram_RefusesWhatIsBehindItsEnd_OrOutsideRam) {
    const u32 size = smp::kNvramBytes, edge = static_cast<u32>(kRam - 16);
    std::fill_n(ram(kRam - 16), 16, 0xaa);
    for (u32 token : {0x2012u, 0x2013u}) {
        const auto refused = [&](u32 index, u32 buffer, u32 length) {
            EXPECT_EQ(status(token, {index, buffer, length}, 2), -3) << token << ' ' << index << ' ' << length;
            EXPECT_EQ(ret(1), 0u);
        };
        refused(size - 1, 0x5000, 2);
        refused(size, 0x5000, 1);
        refused(size + 1, 0x5000, 0);
        refused(0, 0x10000, size + 1);
        refused(2, 0x5000, ~0u);  // the sums wrap
        refused(~0u, 0x5000, 2);
        refused(100, edge, 17);
        refused(100, static_cast<u32>(kRam), 1);
        refused(100, ~0u, 2);
        EXPECT_EQ(status(token, {size, 0x5000, 0}, 2), 0);
        EXPECT_EQ(status(token, {size - 1, 0x5000, 1}, 2), 0);
        EXPECT_EQ(status(token, {100, edge, 16}, 2), 0);
    }
    EXPECT_EQ(*ram(kRam - 1), 0);  // by the fetch, and stored back
}

TEST_F(Rtas, Nvram_BeginsAsOneFreePartition) {
    ASSERT_EQ(status(0x2012, {0, 0x5000, 17}, 2), 0);
    const u8* header = ram(0x5000);
    EXPECT_EQ(header[0], 0x7f);
    EXPECT_EQ(load_be<u16>(header + 2) * 16u, smp::kNvramBytes);
    EXPECT_EQ(std::string(header + 4, header + 16), "wwwwwwwwwwww");
    EXPECT_EQ(header[16], 0);
    u8 sum = header[0];
    for (u32 n = 2; n < 16; ++n) {
        const u8 next = header[n];
        sum = static_cast<u8>(sum + next);
        if (sum < next) ++sum;
    }
    EXPECT_EQ(header[1], sum);
}

TEST_F(Rtas, Nvram_OutlivesTheMachine_WhenTheNextGetsIt) {
    *ram(0x5000) = 0x77;
    ASSERT_EQ(status(0x2013, {300, 0x5000, 1}, 2), 0);
    smp::MachineOptions options = machine_->options();
    for (const u8 expected : {0x77, 0}) {
        auto made = smp::Machine::create(options, console_, dispatch);
        ASSERT_TRUE(made) << made.error();
        machine_ = std::move(*made);
        ASSERT_EQ(status(0x2012, {300, 0x5000, 1}, 2), 0);
        EXPECT_EQ(*ram(0x5000), expected);
        options.nvram = std::make_shared<smp::Nvram>();
    }
}

TEST_F(Rtas, TimeBase_IsSlower_IfThatIsAskedFor) {
    smp::MachineOptions options = machine_->options();
    for (const u32 slowness : {1u, 20u}) {
        options.slow_time = slowness;
        auto made = smp::Machine::create(options, console_, dispatch);
        ASSERT_TRUE(made) << made.error();
        const auto nanoseconds = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
        const auto least = nanoseconds();
        const u64 begin = (*made)->time_base();
        const auto before = nanoseconds();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const auto after = nanoseconds();
        const u64 ticks = (*made)->time_base() - begin;
        const auto most = nanoseconds();
        const u64 ns = (ticks + 1) * 125 * slowness / 64;
        EXPECT_GE(ns + 1, static_cast<u64>(after - before));
        EXPECT_LE(ns, static_cast<u64>(most - least) + 2 * 125 * slowness / 64);
    }
}

TEST_F(Rtas, IndicatorsAndSensors_AreNotThere) {
    for (u32 token : {3u, 9001u, 9003u, ~0u}) {
        EXPECT_EQ(status(0x201a, {token, 0, 1}, 1), -3);
        EXPECT_EQ(status(0x201d, {token, 0}, 2), -3);
    }
}

}  // namespace
}  // namespace mpower::hcall
