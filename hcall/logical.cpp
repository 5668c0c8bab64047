// hcall-debug, hcall-memop: storage by real address (PAPR, "H_LOGICAL_*"; KVMPPC_H_LOGICAL_MEMOP). Every address is
// checked against guest RAM; what is not there is H_PARAMETER.
#include "base/endian.h"
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

/// Whether storage can be accessed in this size at once.
bool is_natural(u64 size) { return size <= 8 && is_power_of_two(size); }

u64 load(const u8* p, u64 size) {
    switch (size) {
        case 1: return load_be<u8>(p);
        case 2: return load_be<u16>(p);
        case 4: return load_be<u32>(p);
        default: return load_be<u64>(p);
    }
}

void store(u8* p, u64 size, u64 value) {
    switch (size) {
        case 1: store_be<u8>(p, static_cast<u8>(value)); break;
        case 2: store_be<u16>(p, static_cast<u16>(value)); break;
        case 4: store_be<u32>(p, static_cast<u32>(value)); break;
        default: store_be<u64>(p, value); break;
    }
}

HcallStatus logical_load(Vcpu& cpu, Args args) {
    const u8* p = is_natural(args[0]) ? cpu.machine().guest_ram().at(Ra{args[1]}, args[0]) : nullptr;
    if (p == nullptr) return papr::kParameter;
    args[0] = load(p, args[0]);
    return papr::kSuccess;
}

HcallStatus logical_store(Vcpu& cpu, Args args) {
    u8* p = is_natural(args[0]) ? cpu.machine().guest_ram().at_for_store(Ra{args[1]}, args[0]) : nullptr;
    if (p == nullptr) return papr::kParameter;
    store(p, args[0], args[2]);
    return papr::kSuccess;
}

/// Caches are coherent.
HcallStatus nothing_to_do(Vcpu&, Args) { return papr::kSuccess; }
HcallStatus icbi(Vcpu& cpu, Args) {
    cpu.machine().code_epochs().modified();
    return papr::kSuccess;
}

/// Copies (op 0) or inverts (op 1) `count` elements of 2^esize bytes, in the direction that overlap needs.
HcallStatus memop(Vcpu& cpu, Args args) {
    const u64 to = args[0], from = args[1], esize = args[2], count = args[3], op = args[4];
    if (esize > 3 || count > 0x80000000 || op > 1) return papr::kParameter;
    const u64 size = u64{1} << esize, bytes = count << esize;
    if (to % size != 0 || from % size != 0) return papr::kParameter;
    u8* destination = cpu.machine().guest_ram().at_for_store(Ra{to}, bytes);
    const u8* source = cpu.machine().guest_ram().at(Ra{from}, bytes);
    if (destination == nullptr || source == nullptr) return papr::kParameter;
    const bool backward = to >= from && to < from + bytes;
    for (u64 n = 0; n < count; ++n) {
        const u64 at = (backward ? count - 1 - n : n) * size;
        const u64 value = load(source + at, size);
        store(destination + at, size, op == 1 ? ~value : value);
    }
    return papr::kSuccess;
}

constexpr Hcall kHcalls[] = {
    {0x3c, "H_LOGICAL_CI_LOAD", logical_load},
    {0x40, "H_LOGICAL_CI_STORE", logical_store},
    {0x44, "H_LOGICAL_CACHE_LOAD", logical_load},
    {0x48, "H_LOGICAL_CACHE_STORE", logical_store},
    {0x4c, "H_LOGICAL_ICBI", icbi},
    {0x50, "H_LOGICAL_DCBF", nothing_to_do},
    {0xf001, "KVMPPC_H_LOGICAL_MEMOP", memop},
};

}  // namespace

std::span<const Hcall> logical_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
