// Processor state that only the hypervisor can set (PAPR, "H_SET_MODE", "H_SET_DABR", "H_SET_SPRG0").
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

HcallStatus set_sprg0(Vcpu& cpu, Args args) {
    cpu.state().spr[jit::spr::kSprg0] = args[0];
    return papr::kSuccess;
}

/// POWER8 and POWER9 have no DABR.
HcallStatus set_dabr(Vcpu&, Args) { return papr::kHardware; }

HcallStatus set_xdabr(Vcpu&, Args args) {
    constexpr u64 kHypervisor = 4;
    if ((args[1] & kHypervisor) || (args[1] & 7) == 0) return papr::kParameter;
    return papr::kHardware;
}

HcallStatus set_mode(Vcpu& cpu, Args args) {
    const u64 flags = args[0], resource = args[1], value1 = args[2], value2 = args[3];
    constexpr u64 kAddressTranslation = 3, kLittleEndian = 4;
    switch (resource) {
        case kAddressTranslation:
            if (value1 != 0) return papr::kP3;
            if (value2 != 0) return papr::kP4;
            if (flags != 0 && flags != 3) return papr::kUnsupportedFlag;
            cpu.machine().set_ail(flags == 3);
            return papr::kSuccess;
        case kLittleEndian:
            if (value1 != 0) return papr::kP3;
            if (value2 != 0) return papr::kP4;
            if (flags > 1) return papr::kUnsupportedFlag;
            cpu.machine().set_interrupt_le(flags == 1);
            return papr::kSuccess;
        default: return papr::kP2;  // CIABR, DAWR: no hardware breakpoints
    }
}

/// H_REGISTER_PROC_TBL: an ISA 3.0 guest says which kind of translation it uses. Hash by SLB is the only one here.
HcallStatus register_process_table(Vcpu&, Args args) {
    constexpr u64 kKnown = 0x1f, kModify = 0x10, kRegister = 0x08, kType = 0x06;
    const u64 flags = args[0];
    if (flags & ~kKnown) return papr::kParameter;
    if (!(flags & kModify)) return papr::kSuccess;
    if ((flags & kRegister) && (flags & kType) != 0) return papr::kParameter;
    if (args[1] != 0) return papr::kP2;
    if (args[2] != 0) return papr::kP3;
    if (args[3] != 0) return papr::kP4;
    return papr::kSuccess;
}

/// Nothing here speculates past the guest's own protection, so no behaviour is asked of it.
HcallStatus get_cpu_characteristics(Vcpu&, Args args) {
    args[0] = args[1] = 0;
    return papr::kSuccess;
}

/// H_RANDOM: 64 random bits, from the generator that darn draws from.
HcallStatus random(Vcpu& cpu, Args args) {
    args[0] = cpu.random();
    return papr::kSuccess;
}

constexpr Hcall kHcalls[] = {
    {0x24, "H_SET_SPRG0", set_sprg0},
    {0x28, "H_SET_DABR", set_dabr},
    {0x134, "H_SET_XDABR", set_xdabr},
    {0x1c8, "H_GET_CPU_CHARACTERISTICS", get_cpu_characteristics},
    {0x300, "H_RANDOM", random},
    {0x31c, "H_SET_MODE", set_mode},
    {0x37c, "H_REGISTER_PROC_TBL", register_process_table},
};

}  // namespace

std::span<const Hcall> mode_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
