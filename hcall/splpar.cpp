// hcall-splpar, hcall-join: giving the processor away (PAPR, "Shared Processor LPAR").
#include "base/endian.h"
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

/// H_CEDE: EE on, sleep until an interrupt or a prod.
HcallStatus cede(Vcpu& cpu, Args) {
    jit::set_msr(cpu.state(), cpu.state().msr | jit::msr::kEe);
    cpu.sleep(Vcpu::Until::kInterruptOrProd);
    return papr::kSuccess;
}

HcallStatus prod(Vcpu& cpu, Args args) {
    Vcpu* target = cpu.machine().find(args[0]);
    if (target == nullptr) return papr::kParameter;
    target->prod();
    return papr::kSuccess;
}

/// The dispatch count of a vCPU's VPA, or `otherwise` if it has none.
u32 dispatch_count(Vcpu& cpu, u32 otherwise) {
    constexpr u64 kCount = 0x100;
    const u64 vpa = cpu.vpa.load(std::memory_order_acquire);
    const u8* count = vpa == 0 ? nullptr : cpu.machine().guest_ram().at(Ra{vpa + kCount}, 4);
    return count == nullptr ? otherwise : load_be<u32>(count);
}

/// H_CONFER to one vCPU (or all, -1) while its dispatch count is as the caller saw it: another one means that the lock
/// holder has run since, so that the caller had better look at the lock again than sleep.
HcallStatus confer(Vcpu& cpu, Args args) {
    if (args[0] != ~u64{0}) {
        Vcpu* target = cpu.machine().find(args[0]);
        if (target == nullptr) return papr::kParameter;
        const u32 seen = static_cast<u32>(args[1]);
        if (dispatch_count(*target, seen) != seen) return papr::kSuccess;
    }
    if (cpu.take_prod()) return papr::kSuccess;
    cpu.yield();
    return papr::kSuccess;
}

/// H_JOIN: sleeps with EE off until prodded. The last vCPU to call it is told to go on.
HcallStatus join(Vcpu& cpu, Args) {
    if (cpu.state().msr & jit::msr::kEe) return papr::kBadMode;
    smp::Machine& m = cpu.machine();
    if (!m.join(cpu)) return papr::kContinue;
    return papr::kSuccess;
}

HcallStatus signal_system_reset(Vcpu& cpu, Args args) {
    smp::Machine& m = cpu.machine();
    const i64 target = static_cast<i64>(args[0]);
    if (target >= 0) {
        Vcpu* one = m.find(args[0]);
        if (one == nullptr) return papr::kParameter;
        one->raise_system_reset();
        return papr::kSuccess;
    }
    if (target != -1 && target != -2) return papr::kParameter;
    for (VcpuId id = 0; id < m.vcpu_count(); ++id) {
        if ((target == -1 || id != cpu.id()) && !m.vcpu(id).stopped()) m.vcpu(id).raise_system_reset();
    }
    return papr::kSuccess;
}

/// Each vCPU has a processor of its own as far as the guest can tell: PURR counts with the time base, as the SPR does.
HcallStatus purr(Vcpu& cpu, Args args) {
    args[0] = cpu.time_base();
    return papr::kSuccess;
}

/// The hypervisor has no work that a vCPU would do for it.
HcallStatus poll_pending(Vcpu&, Args) { return papr::kSuccess; }

constexpr Hcall kHcalls[] = {
    {0xe0, "H_CEDE", cede},
    {0xe4, "H_CONFER", confer},
    {0xe8, "H_PROD", prod},
    {0xf4, "H_PURR", purr},
    {0x1d8, "H_POLL_PENDING", poll_pending},
    {0x298, "H_JOIN", join},
    {0x380, "H_SIGNAL_SYS_RESET", signal_system_reset},
};

}  // namespace

std::span<const Hcall> splpar_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
