// hcall-splpar, H_REGISTER_VPA, H_SET_MODE and its like, hcall-interrupt.
#include "fixture.h"

namespace mpower::hcall {
namespace {

constexpr u64 kRegister = 0xdc, kCede = 0xe0, kConfer = 0xe4, kProd = 0xe8, kJoin = 0x298, kReset = 0x380,
              kMode = 0x31c;
constexpr u64 kVpa = u64{1} << 45, kDtl = u64{2} << 45, kShadow = u64{3} << 45, kDeregister = u64{4} << 45;
constexpr u64 kAll = ~u64{0};

class Vpa : public HcallTest {
  protected:
    /// An area that says it has `size` bytes.
    void vpa_at(u64 address, u16 size) { store_be<u16>(ram(address + 4), size); }
    void log_at(u64 address, u32 size) { store_be<u32>(ram(address + 4), size); }
};

TEST_F(Vpa, Register_MarksTheAreaShared_ForTheNamedProcessor) {
    vpa_at(0x3000, 640);
    ASSERT_EQ(call(kRegister, {kVpa, 1, 0x3000}), papr::kSuccess);
    EXPECT_EQ(cpu(1).vpa.load(), 0x3000u);
    EXPECT_EQ(cpu(0).vpa.load(), 0u);
    EXPECT_EQ(*ram(0x3009) & 2, 2);
}

TEST_F(Vpa, Register_ChecksAddressSizeAndPage) {
    EXPECT_EQ(call(kRegister, {kVpa, 0, 0}), papr::kHardware);
    vpa_at(0x3040, 640);
    EXPECT_EQ(call(kRegister, {kVpa, 0, 0x3040}), papr::kParameter);  // not aligned to 128
    vpa_at(0x3000, 639);
    EXPECT_EQ(call(kRegister, {kVpa, 0, 0x3000}), papr::kParameter);
    vpa_at(0x3d80, 641);
    EXPECT_EQ(call(kRegister, {kVpa, 0, 0x3d80}), papr::kParameter);  // the last byte is in the next page
    vpa_at(0x3d80, 640);
    EXPECT_EQ(call(kRegister, {kVpa, 0, 0x3d80}), papr::kSuccess);
}

TEST_F(Vpa, Register_ChecksTheEdgeOfRam) {
    vpa_at(kRam - 640, 640);
    EXPECT_EQ(call(kRegister, {kVpa, 0, kRam - 640}), papr::kSuccess);
    for (u64 outside : {kRam, kRam + 0x1000, ~u64{127}, u64{1} << 63}) {
        EXPECT_EQ(call(kRegister, {kVpa, 0, outside}), papr::kParameter) << outside;
        EXPECT_EQ(call(kRegister, {kShadow, 0, outside}), papr::kParameter) << outside;
        EXPECT_EQ(call(kRegister, {kDtl, 0, outside}), papr::kParameter) << outside;
    }
    EXPECT_EQ(call(kRegister, {kDtl, 0, ~u64{0} - 3}), papr::kParameter);  // address + 4 wraps to 0
    log_at(kRam - 48, 49);
    EXPECT_EQ(call(kRegister, {kDtl, 0, kRam - 48}), papr::kParameter);
    log_at(kRam - 48, 48);
    EXPECT_EQ(call(kRegister, {kDtl, 0, kRam - 48}), papr::kSuccess);
    log_at(0x3000, ~u32{0});
    EXPECT_EQ(call(kRegister, {kDtl, 0, 0x3000}), papr::kParameter);
}

TEST_F(Vpa, ShadowAndDtl_NeedAVpa_AndHoldIt) {
    log_at(0x4000, 48);
    EXPECT_EQ(call(kRegister, {kShadow, 0, 0x4000}), papr::kResource);
    EXPECT_EQ(call(kRegister, {kDtl, 0, 0x4000}), papr::kResource);
    vpa_at(0x3000, 640);
    ASSERT_EQ(call(kRegister, {kVpa, 0, 0x3000}), papr::kSuccess);
    EXPECT_EQ(call(kRegister, {kShadow, 0, 0x4000}), papr::kSuccess);
    EXPECT_EQ(call(kRegister, {kDtl, 0, 0x4000}), papr::kSuccess);
    EXPECT_EQ(call(kRegister, {kDeregister | kVpa, 0, 0}), papr::kResource);
    EXPECT_EQ(call(kRegister, {kDeregister | kDtl, 0, 0}), papr::kSuccess);
    EXPECT_EQ(call(kRegister, {kDeregister | kVpa, 0, 0}), papr::kResource);
    EXPECT_EQ(call(kRegister, {kDeregister | kShadow, 0, 0}), papr::kSuccess);
    EXPECT_EQ(call(kRegister, {kDeregister | kVpa, 0, 0}), papr::kSuccess);
    EXPECT_EQ(cpu().vpa.load(), 0u);
}

TEST_F(Vpa, ReturnsParameter_WhenProcessorOrFunctionIsUnknown) {
    vpa_at(0x3000, 640);
    EXPECT_EQ(call(kRegister, {kVpa, 3, 0x3000}), papr::kParameter);
    EXPECT_EQ(call(kRegister, {kVpa, kAll, 0x3000}), papr::kParameter);
    EXPECT_EQ(call(kRegister, {0, 0, 0x3000}), papr::kParameter);
    EXPECT_EQ(call(kRegister, {kDeregister, 0, 0x3000}), papr::kParameter);
}

using Splpar = HcallTest;

TEST_F(Splpar, Cede_SetsEeAndReturnsAtOnce_WhenProdded) {
    ASSERT_EQ(call_on(1, kProd, {0}), papr::kSuccess);
    ASSERT_EQ(call(kCede), papr::kSuccess);
    EXPECT_TRUE(cpu().state().msr & jit::msr::kEe);
    EXPECT_FALSE(cpu().take_prod());  // the prod is used up
}

TEST_F(Splpar, Cede_ReturnsAtOnce_WhenAnInterruptIsPresented) {
    ASSERT_EQ(call(0x68, {0xff}), papr::kSuccess);
    ASSERT_EQ(call_on(1, 0x6c, {0, 4}), papr::kSuccess);
    EXPECT_EQ(call(kCede), papr::kSuccess);
}

TEST_F(Splpar, ProdAndConfer_ReturnParameter_WhenProcessorIsUnknown) {
    EXPECT_EQ(call(kProd, {3}), papr::kParameter);
    EXPECT_EQ(call(kProd, {kAll}), papr::kParameter);
    EXPECT_EQ(call(kConfer, {3, 0}), papr::kParameter);
    EXPECT_EQ(call(kConfer, {kAll, 0}), papr::kSuccess);
}

TEST_F(Splpar, Confer_KeepsTheProd_OnlyWhenTheHolderHasRunSince) {
    store_be<u16>(ram(0x3004), 640);
    store_be<u32>(ram(0x3100), 7);
    ASSERT_EQ(call(kRegister, {kVpa, 1, 0x3000}), papr::kSuccess);
    cpu().prod();
    ASSERT_EQ(call(kConfer, {1, 5}), papr::kSuccess);
    EXPECT_TRUE(cpu().take_prod());
    cpu().prod();
    ASSERT_EQ(call(kConfer, {1, 7}), papr::kSuccess);
    EXPECT_FALSE(cpu().take_prod());
}

TEST_F(Splpar, Join_ReturnsBadMode_WithEeOn_AndContinue_ToTheLast) {
    cpu().state().msr = jit::msr::kEe;
    EXPECT_EQ(call(kJoin), papr::kBadMode);
    cpu().state().msr = 0;
    ASSERT_TRUE(cpu().start(0, 0));  // the only one that runs
    EXPECT_EQ(call(kJoin), papr::kContinue);
    EXPECT_EQ(call(kJoin), papr::kContinue);
}

TEST_F(Splpar, Purr_CountsWithTheTimeBase) {
    const u64 before = cpu().time_base();
    ASSERT_EQ(call(0xf4), papr::kSuccess);
    EXPECT_GE(r(4), before);
    EXPECT_LE(r(4), cpu().time_base());
}

TEST_F(Splpar, PollPending_HasNothing) { EXPECT_EQ(call(0x1d8), papr::kSuccess); }

TEST_F(Splpar, SystemReset_GoesToTheNamed_OrToRunningOnes) {
    const auto reset = [&](VcpuId id) { return (cpu(id).state().attention.exchange(0) & smp::kAttnReset) != 0; };
    for (VcpuId id = 0; id < 2; ++id) cpu(id).start(0, 0);
    for (VcpuId id = 0; id < 3; ++id) reset(id);
    ASSERT_EQ(call(kReset, {1}), papr::kSuccess);
    EXPECT_TRUE(!reset(0) && reset(1) && !reset(2));
    ASSERT_EQ(call(kReset, {kAll}), papr::kSuccess);
    EXPECT_TRUE(reset(0) && reset(1) && !reset(2));
    ASSERT_EQ(call(kReset, {kAll - 1}), papr::kSuccess);
    EXPECT_TRUE(!reset(0) && reset(1) && !reset(2));
    EXPECT_EQ(call(kReset, {3}), papr::kParameter);
    EXPECT_EQ(call(kReset, {kAll - 2}), papr::kParameter);
}

using Mode = HcallTest;

TEST_F(Mode, LittleEndianAndAil_AreMachineWide) {
    ASSERT_EQ(call(kMode, {1, 4, 0, 0}), papr::kSuccess);
    EXPECT_TRUE(machine_->interrupt_le());
    EXPECT_TRUE(cpu(2).state().attention.load() & smp::kAttnMode);
    ASSERT_EQ(call(kMode, {0, 4, 0, 0}), papr::kSuccess);
    EXPECT_FALSE(machine_->interrupt_le());
    ASSERT_EQ(call(kMode, {3, 3, 0, 0}), papr::kSuccess);
    EXPECT_TRUE(machine_->ail());
    ASSERT_EQ(call(kMode, {0, 3, 0, 0}), papr::kSuccess);
    EXPECT_FALSE(machine_->ail());
}

TEST_F(Mode, NamesTheBadArgument) {
    for (u64 resource : {u64{3}, u64{4}}) {
        EXPECT_EQ(call(kMode, {0, resource, 1, 0}), papr::kP3);
        EXPECT_EQ(call(kMode, {0, resource, 0, 1}), papr::kP4);
        EXPECT_EQ(call(kMode, {2, resource, 0, 0}), papr::kUnsupportedFlag);
        EXPECT_EQ(call(kMode, {kAll, resource, 0, 0}), papr::kUnsupportedFlag);
    }
    EXPECT_EQ(call(kMode, {1, 3, 0, 0}), papr::kUnsupportedFlag);
    for (u64 resource : {u64{0}, u64{1}, u64{2}, u64{5}, kAll}) EXPECT_EQ(call(kMode, {0, resource, 0, 0}), papr::kP2);
}

TEST_F(Mode, Sprg0IsSet_AndThereIsNoDabr) {
    ASSERT_EQ(call(0x24, {0x123456789abcdef0}), papr::kSuccess);
    EXPECT_EQ(cpu().state().spr[jit::spr::kSprg0], 0x123456789abcdef0u);
    EXPECT_EQ(call(0x28, {0x1000}), papr::kHardware);
    EXPECT_EQ(call(0x134, {0x1000, 3}), papr::kHardware);
    EXPECT_EQ(call(0x134, {0x1000, 0}), papr::kParameter);
    EXPECT_EQ(call(0x134, {0x1000, 7}), papr::kParameter);
}

TEST_F(Mode, Random_IsTheSeedsSequence_OrTheHosts) {
    const auto first = [this](u64 seed) {
        smp::MachineOptions options = machine_->options();
        options.seed = seed;
        auto made = smp::Machine::create(options, console_, dispatch);
        EXPECT_TRUE(made);
        machine_ = std::move(*made);
        EXPECT_EQ(call(0x300), papr::kSuccess);
        return r(4);
    };
    const u64 one = first(1);
    EXPECT_EQ(call(0x300), papr::kSuccess);
    EXPECT_NE(r(4), one);
    EXPECT_EQ(first(1), one);
    EXPECT_NE(first(2), one);
    EXPECT_NE(first(0), first(0));
}

class Xics : public HcallTest {
  protected:
    static constexpr u64 kEoi = 0x64, kCppr = 0x68, kIpi = 0x6c, kIpoll = 0x70, kXirr = 0x74, kXirrX = 0x2fc;
    u64 xirr() {
        EXPECT_EQ(call(kXirr), papr::kSuccess);
        return r(4);
    }
    void source(u32 n, u8 priority) { machine_->ics().set_xive(n, 0, priority); }
};

TEST_F(Xics, Ipi_WaitsForCppr_IsAcceptedOnce_AndComesAgainUntilMfrrIsCleared) {
    ASSERT_EQ(call_on(1, kIpi, {0, 4}), papr::kSuccess);
    EXPECT_FALSE(cpu().icp().asserted());
    ASSERT_EQ(call(kCppr, {4}), papr::kSuccess);  // not better than CPPR
    EXPECT_FALSE(cpu().icp().asserted());
    ASSERT_EQ(call(kCppr, {0xff}), papr::kSuccess);
    EXPECT_EQ(xirr(), 0xff000002u);
    EXPECT_EQ(xirr(), 0x04000000u);
    ASSERT_EQ(call(kEoi, {0xff000002}), papr::kSuccess);
    EXPECT_EQ(xirr(), 0xff000002u);
    ASSERT_EQ(call(kIpi, {0, 0xff}), papr::kSuccess);
    ASSERT_EQ(call(kEoi, {0xff000002}), papr::kSuccess);
    EXPECT_EQ(xirr(), 0xff000000u);
}

TEST_F(Xics, BetterSource_DisplacesThePresentedOne_WhichComesBackAfterEoi) {
    call(kCppr, {0xff});
    source(0x1000, 7);
    source(0x11ff, 3);
    machine_->ics().trigger(0x1000);
    machine_->ics().trigger(0x11ff);
    EXPECT_EQ(xirr(), 0xff0011ffu);
    EXPECT_FALSE(cpu().icp().asserted());
    call(kEoi, {0xff0011ff});
    EXPECT_EQ(xirr(), 0xff001000u);
    call(kEoi, {0xff001000});
    EXPECT_EQ(xirr(), 0xff000000u);
}

TEST_F(Xics, LoweredCppr_TakesBackThePresentedOne_UntilItIsRaised) {
    call(kCppr, {0xff});
    source(0x1000, 7);
    machine_->ics().trigger(0x1000);
    call(kCppr, {7});
    EXPECT_FALSE(cpu().icp().asserted());
    call(kCppr, {8});
    EXPECT_EQ(xirr(), 0x08001000u);
}

TEST_F(Xics, MaskedSource_IsDeliveredWhenItIsUnmasked_WhereItThenGoes) {
    call(kCppr, {0xff});
    call_on(1, kCppr, {0xff});
    source(0x1000, 7);
    machine_->ics().int_off(0x1000);
    machine_->ics().trigger(0x1000);
    EXPECT_FALSE(cpu().icp().asserted());
    machine_->ics().set_xive(0x1000, 1, 5);
    EXPECT_FALSE(cpu().icp().asserted());
    EXPECT_TRUE(cpu(1).icp().asserted());
}

TEST_F(Xics, Ipoll_ShowsWithoutAccepting) {
    call(kCppr, {0xff});
    call(kIpi, {0, 4});
    ASSERT_EQ(call_on(1, kIpoll, {0}), papr::kSuccess);
    EXPECT_EQ(cpu(1).state().gpr[4], 0xff000002u);
    EXPECT_EQ(cpu(1).state().gpr[5], 4u);
    EXPECT_EQ(xirr(), 0xff000002u);
}

TEST_F(Xics, XirrX_AddsTheTimeBase) {
    const u64 before = cpu().time_base();
    ASSERT_EQ(call(kXirrX), papr::kSuccess);
    EXPECT_EQ(r(4), 0u);
    EXPECT_GE(r(5), before);
    EXPECT_LE(r(5), cpu().time_base());
}

TEST_F(Xics, ReturnParameter_WhenServerIsUnknown) {
    for (u64 server : {u64{3}, kAll}) {
        EXPECT_EQ(call(kIpi, {server, 4}), papr::kParameter);
        EXPECT_EQ(call(kIpoll, {server}), papr::kParameter);
    }
}

}  // namespace
}  // namespace mpower::hcall
