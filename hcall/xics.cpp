// hcall-interrupt: the presentation controllers (PAPR, "Platform Interrupt Presentation").
#include "smp/xics.h"
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

HcallStatus xirr(Vcpu& cpu, Args args) {
    args[0] = cpu.icp().accept();
    return papr::kSuccess;
}
HcallStatus xirr_x(Vcpu& cpu, Args args) {
    args[0] = cpu.icp().accept();
    args[1] = cpu.time_base();
    return papr::kSuccess;
}
HcallStatus eoi(Vcpu& cpu, Args args) {
    cpu.icp().eoi(static_cast<u32>(args[0]));
    return papr::kSuccess;
}
HcallStatus cppr(Vcpu& cpu, Args args) {
    cpu.icp().set_cppr(static_cast<u8>(args[0]));
    return papr::kSuccess;
}
HcallStatus ipi(Vcpu& cpu, Args args) {
    Vcpu* target = cpu.machine().find(args[0]);
    if (target == nullptr) return papr::kParameter;
    target->icp().set_mfrr(static_cast<u8>(args[1]));
    return papr::kSuccess;
}
HcallStatus ipoll(Vcpu& cpu, Args args) {
    Vcpu* target = cpu.machine().find(args[0]);
    if (target == nullptr) return papr::kParameter;
    u8 mfrr;
    args[0] = target->icp().poll(&mfrr);
    args[1] = mfrr;
    return papr::kSuccess;
}

constexpr Hcall kHcalls[] = {
    {0x64, "H_EOI", eoi},     {0x68, "H_CPPR", cppr}, {0x6c, "H_IPI", ipi},
    {0x70, "H_IPOLL", ipoll}, {0x74, "H_XIRR", xirr}, {0x2fc, "H_XIRR_X", xirr_x},
};

}  // namespace

std::span<const Hcall> xics_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
