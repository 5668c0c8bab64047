// H_REGISTER_VPA: virtual processor area, SLB shadow, dispatch trace log (PAPR, "Virtual Processor Area").
#include "base/endian.h"
#include "hcall/table.h"

namespace mpower::hcall {
namespace {

using papr::HcallStatus;
using smp::Vcpu;

constexpr u64 kPage = 4096, kSizeOffset = 4, kSharedOffset = 9;
constexpr u8 kShared = 2;
constexpr u64 kVpaMinimum = 640, kSlbShadowMinimum = 8, kDtlMinimum = 48;

/// Size field at address + 4, or 0 if that is not in RAM.
template <class T>
u64 size_field(Vcpu& cpu, u64 address) {
    const u8* p = cpu.machine().guest_ram().at(Ra{address + kSizeOffset}, sizeof(T));
    return p == nullptr || address + kSizeOffset < address ? 0 : load_be<T>(p);
}

bool in_ram(Vcpu& cpu, u64 address, u64 size) { return cpu.machine().guest_ram().at(Ra{address}, size) != nullptr; }
bool crosses_page(u64 address, u64 size) { return address / kPage != (address + size - 1) / kPage; }

HcallStatus register_vpa(Vcpu& cpu, u64 address) {
    if (address == 0) return papr::kHardware;
    if (address % 128 != 0) return papr::kParameter;
    const u64 size = size_field<u16>(cpu, address);
    if (size < kVpaMinimum || crosses_page(address, size) || !in_ram(cpu, address, size)) return papr::kParameter;
    u8* shared = cpu.machine().guest_ram().at_for_store(Ra{address + kSharedOffset}, 1);
    __atomic_fetch_or(shared, kShared, __ATOMIC_RELAXED);
    cpu.vpa.store(address, std::memory_order_release);
    return papr::kSuccess;
}

HcallStatus deregister_vpa(Vcpu& cpu) {
    if (cpu.slb_shadow != 0 || cpu.dtl != 0) return papr::kResource;
    cpu.vpa.store(0, std::memory_order_release);
    return papr::kSuccess;
}

HcallStatus register_slb_shadow(Vcpu& cpu, u64 address) {
    if (address == 0) return papr::kHardware;
    const u64 size = size_field<u32>(cpu, address);
    if (size < kSlbShadowMinimum || crosses_page(address, size) || !in_ram(cpu, address, size)) return papr::kParameter;
    if (cpu.vpa.load(std::memory_order_acquire) == 0) return papr::kResource;
    cpu.slb_shadow = address;
    return papr::kSuccess;
}

HcallStatus register_dtl(Vcpu& cpu, u64 address) {
    if (address == 0) return papr::kHardware;
    const u64 size = size_field<u32>(cpu, address);
    if (size < kDtlMinimum || !in_ram(cpu, address, size)) return papr::kParameter;
    if (cpu.vpa.load(std::memory_order_acquire) == 0) return papr::kResource;
    cpu.dtl = address;
    return papr::kSuccess;
}

HcallStatus register_area(Vcpu& cpu, Args args) {
    Vcpu* target = cpu.machine().find(args[1]);
    if (target == nullptr) return papr::kParameter;
    const u64 address = args[2];
    switch (args[0]) {
        case 0x200000000000: return register_vpa(*target, address);
        case 0x400000000000: return register_dtl(*target, address);
        case 0x600000000000: return register_slb_shadow(*target, address);
        case 0xa00000000000: return deregister_vpa(*target);
        case 0xc00000000000: target->dtl = 0; return papr::kSuccess;
        case 0xe00000000000: target->slb_shadow = 0; return papr::kSuccess;
        default: return papr::kParameter;
    }
}

constexpr Hcall kHcalls[] = {{0xdc, "H_REGISTER_VPA", register_area}};

}  // namespace

std::span<const Hcall> vpa_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
