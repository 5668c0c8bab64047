// Storage accesses of the IR, as both executors perform them. Each returns false if it must be interrupted:
// state.pending, DAR and DSISR say why, and storage and the reservation are as they were.
#pragma once

#include "base/bits.h"
#include "base/endian.h"
#include "jit/ir/passes.h"
#include "mmu/mmu.h"

namespace mpower::jit {

inline u64 swap_sized(u64 v, u8 size) {
    switch (size) {
        case 1: return v & 0xff;
        case 2: return byte_swap(static_cast<u16>(v));
        case 4: return byte_swap(static_cast<u32>(v));
        default: return byte_swap(v);
    }
}

inline u64 finish_load(u64 v, const ir::Access& access) {
    if (access.swap) v = swap_sized(v, access.size);
    if (access.sign) v = static_cast<u64>(sign_extend(v, access.size * 8));
    return v;
}

/// One aligned or unaligned load within a page. Aligned: single-copy atomic, acquire (a plain mov on x86; it orders
/// this load before later accesses, which the memory model of DESIGN section 7 builds on).
inline u64 load_host(const u8* p, u8 size) {
    switch (size) {
        case 1: return __atomic_load_n(p, __ATOMIC_ACQUIRE);
        case 2: return __atomic_load_n(reinterpret_cast<const u16*>(p), __ATOMIC_ACQUIRE);
        case 4: return __atomic_load_n(reinterpret_cast<const u32*>(p), __ATOMIC_ACQUIRE);
        default: return __atomic_load_n(reinterpret_cast<const u64*>(p), __ATOMIC_ACQUIRE);
    }
}

inline void store_host(u8* p, u64 v, u8 size) {
    switch (size) {
        case 1: __atomic_store_n(p, static_cast<u8>(v), __ATOMIC_RELEASE); break;
        case 2: __atomic_store_n(reinterpret_cast<u16*>(p), static_cast<u16>(v), __ATOMIC_RELEASE); break;
        case 4: __atomic_store_n(reinterpret_cast<u32*>(p), static_cast<u32>(v), __ATOMIC_RELEASE); break;
        default: __atomic_store_n(reinterpret_cast<u64*>(p), v, __ATOMIC_RELEASE); break;
    }
}

/// For a kLook that finds nothing in level 1: may fill it for the first access, at `first`, and looks again. Host minus
/// effective address of the bytes of `form` at `low`; 0: not one for all, or it is not known.
u64 look_slow(CpuState& s, u64 first, u64 low, const ir::ProbeForm& form);

bool load_slow(CpuState& s, u64 ea, const ir::Access& access, u64* out);
bool store_slow(CpuState& s, u64 ea, const ir::Access& access, u64 v);  // v in storage's byte order

/// Whether a store of `size` bytes at `p` may end reservations: that is for the slow paths to do.
inline bool disturbs(const CpuState& s, const u8* p, unsigned size) {
    const mmu::Reservations& r = s.mmu->reservations();
    const u64 at = reinterpret_cast<u64>(p);
    return r.strict() && (r.disturbs(at) || r.disturbs(at + size - 1));
}

inline bool load(CpuState& s, u64 ea, const ir::Access& access, u64* out) {
    const u8* p = s.mmu->hit(ea, access.size, false);
    if (p == nullptr) [[unlikely]]
        return load_slow(s, ea, access, out);
    *out = finish_load(load_host(p, access.size), access);
    return true;
}

inline bool store(CpuState& s, u64 ea, const ir::Access& access, u64 v) {
    if (access.swap) v = swap_sized(v, access.size);
    u8* p = s.mmu->hit(ea, access.size, true);
    if (p == nullptr || s.stores != nullptr || disturbs(s, p, access.size)) [[unlikely]]
        return store_slow(s, ea, access, v);
    store_host(p, v, access.size);
    return true;
}

bool load128(CpuState& s, u64 ea, const ir::Access& access, V128* out);
bool store128(CpuState& s, u64 ea, const ir::Access& access, V128 v);

/// larx. A value of up to 8 bytes is in out->lo. mmu/reservations.h says how a reservation is lost.
bool load_reserve(CpuState& s, u64 ea, const ir::Access& access, V128* out);
/// stcx.: *stored is 1 or 0.
bool store_conditional(CpuState& s, u64 ea, const ir::Access& access, V128 v, u64* stored);

}  // namespace mpower::jit
