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

constexpr Hcall kHcalls[] = {
    {0x24, "H_SET_SPRG0", set_sprg0},
    {0x28, "H_SET_DABR", set_dabr},
    {0x134, "H_SET_XDABR", set_xdabr},
    {0x31c, "H_SET_MODE", set_mode},
};

}  // namespace

std::span<const Hcall> mode_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
