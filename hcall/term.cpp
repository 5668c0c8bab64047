// hcall-term, hcall-vio: the virtual terminal (PAPR, "Client VTY"). Up to 16 bytes a call, first in the most
// significant place.
#include "base/endian.h"
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

constexpr u64 kVtyUnit = 0x71000000;  // as in the device tree
constexpr u64 kMost = 16;

bool is_vty(u64 unit) { return unit == 0 || unit == kVtyUnit; }

HcallStatus get_char(Vcpu& cpu, Args args) {
    if (!is_vty(args[0])) return papr::kParameter;
    u8 bytes[kMost] = {};
    args[0] = cpu.machine().console().read(bytes);
    args[1] = load_be<u64>(bytes);
    args[2] = load_be<u64>(bytes + 8);
    return papr::kSuccess;
}

HcallStatus put_char(Vcpu& cpu, Args args) {
    if (!is_vty(args[0]) || args[1] > kMost) return papr::kParameter;
    u8 bytes[kMost];
    store_be<u64>(bytes, args[2]);
    store_be<u64>(bytes + 8, args[3]);
    cpu.machine().console().write({bytes, args[1]});
    return papr::kSuccess;
}

/// H_VIO_SIGNAL: the unit's interrupt off (0) or on (1).
HcallStatus vio_signal(Vcpu& cpu, Args args) {
    if (args[0] != kVtyUnit || args[1] > 1) return papr::kParameter;
    cpu.machine().set_console_interrupt(args[1] == 1);
    return papr::kSuccess;
}

constexpr Hcall kHcalls[] = {
    {0x54, "H_GET_TERM_CHAR", get_char}, {0x58, "H_PUT_TERM_CHAR", put_char}, {0x104, "H_VIO_SIGNAL", vio_signal}};

}  // namespace

std::span<const Hcall> term_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
