#include "jit/storage_access.h"

#include <cstring>

#include "jit/interrupt_ops.h"

namespace mpower::jit {
namespace {

// Quadwords: an aligned 16-byte SSE load or store is single-copy atomic on every x86 that has AVX.
V128 load_host128(const u8* p) {
    using Vector = long long __attribute__((vector_size(16), may_alias));
    using Unaligned = long long __attribute__((vector_size(16), may_alias, aligned(1)));
    const Vector x = *reinterpret_cast<const Unaligned*>(p);
    return {static_cast<u64>(x[0]), static_cast<u64>(x[1])};
}
void store_host128(u8* p, V128 v) {
    using Unaligned = long long __attribute__((vector_size(16), may_alias, aligned(1)));
    *reinterpret_cast<Unaligned*>(p) = Unaligned{static_cast<long long>(v.lo), static_cast<long long>(v.hi)};
}

V128 swap128(V128 v) { return {byte_swap(v.hi), byte_swap(v.lo)}; }

bool report(CpuState& s, u64 ea, const mmu::Fault& fault) {
    raise_storage(s, ea, fault);
    return false;
}

/// Host addresses of an access that may cross a 4K page: `first` bytes at p, the rest at q. Both pages are translated
/// before anything is stored, so a fault leaves storage as it was.
struct Pieces {
    u8* p;
    u8* q;
    unsigned first;
};
bool pieces(CpuState& s, u64 ea, unsigned size, bool store, Pieces* out) {
    mmu::Fault fault;
    out->p = s.mmu->translate(ea, store, &fault);
    if (out->p == nullptr) return report(s, ea, fault);
    const unsigned room = 4096 - (ea & 4095);
    out->first = room < size ? room : size;
    out->q = nullptr;
    if (out->first < size) {
        const u64 next = ea + out->first;
        out->q = s.mmu->translate(next, store, &fault);
        if (out->q == nullptr) return report(s, next, fault);
        // The second page may have displaced the first one's entry, but not the mapping: no poll lies between.
    }
    return true;
}

bool misaligned(CpuState& s, u64 ea, const ir::Access& access) {
    if (!access.aligned || (ea & (access.size - 1)) == 0) return false;
    s.spr[spr::kDar] = ea;
    s.spr[spr::kDsisr] = 0;
    s.pending = Vector::kAlignment;
    s.pending_srr1 = 0;
    return true;
}

template <class T>
bool exchange(u8* p, u128 expected, u128 desired) {
    T e = static_cast<T>(expected);
    return __atomic_compare_exchange_n(reinterpret_cast<T*>(p), &e, static_cast<T>(desired), false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

}  // namespace

bool load_slow(CpuState& s, u64 ea, const ir::Access& access, u64* out) {
    Pieces x;
    if (!pieces(s, ea, access.size, false, &x)) return false;
    if (x.q == nullptr) {
        *out = finish_load(load_host(x.p, access.size), access);
        return true;
    }
    u64 v = 0;
    std::memcpy(&v, x.p, x.first);
    std::memcpy(reinterpret_cast<u8*>(&v) + x.first, x.q, access.size - x.first);
    *out = finish_load(v, access);
    return true;
}

bool store_slow(CpuState& s, u64 ea, const ir::Access& access, u64 v) {
    Pieces x;
    if (!pieces(s, ea, access.size, true, &x)) return false;
    if (x.q == nullptr) {
        store_host(x.p, v, access.size);
        return true;
    }
    std::memcpy(x.p, &v, x.first);
    std::memcpy(x.q, reinterpret_cast<const u8*>(&v) + x.first, access.size - x.first);
    return true;
}

bool load128(CpuState& s, u64 ea, const ir::Access& access, V128* out) {
    Pieces x;
    const u8* p = s.mmu->hit(ea, 16, false);
    if (p == nullptr) {
        if (!pieces(s, ea, 16, false, &x)) return false;
        p = x.p;
        if (x.q != nullptr) {
            std::memcpy(out, x.p, x.first);
            std::memcpy(reinterpret_cast<u8*>(out) + x.first, x.q, 16 - x.first);
            if (access.swap) *out = swap128(*out);
            return true;
        }
    }
    *out = load_host128(p);
    if (access.swap) *out = swap128(*out);
    return true;
}

bool store128(CpuState& s, u64 ea, const ir::Access& access, V128 v) {
    if (access.swap) v = swap128(v);
    Pieces x;
    u8* p = s.mmu->hit(ea, 16, true);
    if (p == nullptr) {
        if (!pieces(s, ea, 16, true, &x)) return false;
        p = x.p;
        if (x.q != nullptr) {
            std::memcpy(x.p, &v, x.first);
            std::memcpy(x.q, reinterpret_cast<const u8*>(&v) + x.first, 16 - x.first);
            return true;
        }
    }
    store_host128(p, v);
    return true;
}

bool load_reserve(CpuState& s, u64 ea, const ir::Access& access, V128* out) {
    if (misaligned(s, ea, access)) return false;
    Pieces x;
    if (!pieces(s, ea, access.size, false, &x)) return false;
    u128 raw;
    if (access.size == 16) {
        const V128 v = load_host128(x.p);
        raw = u128{v.hi} << 64 | v.lo;
        *out = access.swap ? swap128(v) : v;
    } else {
        const u64 v = load_host(x.p, access.size);
        raw = v;
        out->lo = finish_load(v, access);
    }
    s.reserve_ra = s.mmu->real(x.p).v;
    s.reserve_size = access.size;
    s.reserve_value = raw;
    return true;
}

bool store_conditional(CpuState& s, u64 ea, const ir::Access& access, V128 v, u64* stored) {
    if (misaligned(s, ea, access)) return false;
    Pieces x;
    if (!pieces(s, ea, access.size, true, &x)) return false;
    const bool held = s.reserve_size == access.size && s.reserve_ra == s.mmu->real(x.p).v;
    s.reserve_size = 0;
    *stored = 0;
    if (!held) return true;
    u128 desired;
    if (access.size == 16) {
        if (access.swap) v = swap128(v);
        desired = u128{v.hi} << 64 | v.lo;
    } else {
        desired = access.swap ? swap_sized(v.lo, access.size) : v.lo;
    }
    switch (access.size) {
        case 1: *stored = exchange<u8>(x.p, s.reserve_value, desired); break;
        case 2: *stored = exchange<u16>(x.p, s.reserve_value, desired); break;
        case 4: *stored = exchange<u32>(x.p, s.reserve_value, desired); break;
        case 8: *stored = exchange<u64>(x.p, s.reserve_value, desired); break;
        default: *stored = __sync_bool_compare_and_swap(reinterpret_cast<u128*>(x.p), s.reserve_value, desired); break;
    }
    return true;
}

}  // namespace mpower::jit
