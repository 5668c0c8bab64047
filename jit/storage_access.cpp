#include "jit/storage_access.h"

#include "base/shared_bytes.h"
#include "jit/interrupt_ops.h"
#include "jit/store_log.h"

namespace mpower::jit {
namespace {

V128 load_host128(const u8* p) {
    const Bytes16 x = load16_shared(p);
    return {x.lo, x.hi};
}
void store_host128(u8* p, V128 v) { store16_shared(p, {v.lo, v.hi}); }

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

void remember(CpuState& s, const Pieces& x, unsigned size) {
    if (s.stores == nullptr) return;
    s.stores->add(x.p, x.first);
    if (x.q != nullptr) s.stores->add(x.q, size - x.first);
}

/// -accel verify takes back what is done to the table of reservations, like any store.
void remember_slot(CpuState& s, u64 at) {
    if (s.stores != nullptr) s.stores->add(reinterpret_cast<u8*>(&s.mmu->reservations().slot(at)), sizeof(u64));
}

/// Before a store to `size` bytes at `p`, in one page.
void lose(CpuState& s, const u8* p, unsigned size) {
    mmu::Reservations& r = s.mmu->reservations();
    if (!r.strict()) return;
    const u64 first = reinterpret_cast<u64>(p), last = first + size - 1;
    const auto lose_one = [&](u64 at) {
        if (!r.disturbs(at)) return;
        const bool own = s.reserve_size != 0 && &r.slot(s.reserve_at) == &r.slot(at);
        remember_slot(s, at);
        r.lose(at, own ? &s.reserve_version : nullptr);
    };
    lose_one(first);
    if (&r.slot(last) != &r.slot(first)) lose_one(last);
}

/// What a store in pieces does before it stores.
void announce(CpuState& s, const Pieces& x, unsigned size) {
    remember(s, x, size);
    lose(s, x.p, x.first);
    if (x.q != nullptr) lose(s, x.q, size - x.first);
}

bool misaligned(CpuState& s, u64 ea, const ir::Access& access) {
    if (!access.aligned || (ea & (access.size - 1)) == 0) return false;
    s.spr[spr::kDar] = ea;
    s.spr[spr::kDsisr] = 0;
    s.pending = Vector::kAlignment;
    s.pending_srr1 = 0;
    return true;
}

/// Host address of what does not cross a page; nullptr: it must be interrupted.
u8* aligned_storage(CpuState& s, u64 ea, unsigned size, bool store) {
    if (u8* p = s.mmu->hit(ea, size, store)) return p;
    mmu::Fault fault;
    u8* const p = s.mmu->translate(ea, store, &fault);
    if (p == nullptr) report(s, ea, fault);
    return p;
}

template <class T>
bool exchange(u8* p, u128 expected, u128 desired) {
    T e = static_cast<T>(expected);
    return __atomic_compare_exchange_n(reinterpret_cast<T*>(p), &e, static_cast<T>(desired), false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

}  // namespace

u64 look_slow(CpuState& s, u64 first, u64 low, const ir::ProbeForm& form) {
    mmu::Fault fault;  // is met again by the access
    if (form.fills && s.mmu->translate(first, form.first_store, &fault) == nullptr) return 0;
    return s.mmu->addend(low, form.bytes, form.load, form.store);
}

bool load_slow(CpuState& s, u64 ea, const ir::Access& access, u64* out) {
    Pieces x;
    if (!pieces(s, ea, access.size, false, &x)) return false;
    if (x.q == nullptr) {
        *out = finish_load(load_host(x.p, access.size), access);
        return true;
    }
    u64 v = 0;
    copy_shared(&v, x.p, x.first);
    copy_shared(reinterpret_cast<u8*>(&v) + x.first, x.q, access.size - x.first);
    *out = finish_load(v, access);
    return true;
}

bool store_slow(CpuState& s, u64 ea, const ir::Access& access, u64 v) {
    Pieces x;
    if (!pieces(s, ea, access.size, true, &x)) return false;
    announce(s, x, access.size);
    if (x.q == nullptr) {
        store_host(x.p, v, access.size);
        return true;
    }
    copy_shared(x.p, &v, x.first);
    copy_shared(x.q, reinterpret_cast<const u8*>(&v) + x.first, access.size - x.first);
    return true;
}

bool load128(CpuState& s, u64 ea, const ir::Access& access, V128* out) {
    Pieces x;
    const u8* p = s.mmu->hit(ea, 16, false);
    if (p == nullptr) {
        if (!pieces(s, ea, 16, false, &x)) return false;
        p = x.p;
        if (x.q != nullptr) {
            copy_shared(out, x.p, x.first);
            copy_shared(reinterpret_cast<u8*>(out) + x.first, x.q, 16 - x.first);
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
    if (p == nullptr || s.stores != nullptr || disturbs(s, p, 16)) {
        if (!pieces(s, ea, 16, true, &x)) return false;
        announce(s, x, 16);
        p = x.p;
        if (x.q != nullptr) {
            copy_shared(x.p, &v, x.first);
            copy_shared(x.q, reinterpret_cast<const u8*>(&v) + x.first, 16 - x.first);
            return true;
        }
    }
    store_host128(p, v);
    return true;
}

bool load_reserve(CpuState& s, u64 ea, const ir::Access& access, V128* out) {
    if (misaligned(s, ea, access)) return false;
    const u8* const p = aligned_storage(s, ea, access.size, false);
    if (p == nullptr) return false;
    s.reserve_at = reinterpret_cast<u64>(p);
    s.reserve_size = access.size;
    if (s.mmu->reservations().strict()) remember_slot(s, s.reserve_at);
    s.reserve_version = s.mmu->reservations().reserve(s.reserve_at, [&] {
        if (access.size == 16) {
            const V128 v = load_host128(p);
            s.reserve_value = u128{v.hi} << 64 | v.lo;
            *out = access.swap ? swap128(v) : v;
        } else {
            const u64 v = load_host(p, access.size);
            s.reserve_value = v;
            out->lo = finish_load(v, access);
        }
    });
    return true;
}

bool store_conditional(CpuState& s, u64 ea, const ir::Access& access, V128 v, u64* stored) {
    if (misaligned(s, ea, access)) return false;
    u8* const p = aligned_storage(s, ea, access.size, true);
    if (p == nullptr) return false;
    const u64 at = reinterpret_cast<u64>(p);
    const bool held = s.reserve_size == access.size && s.reserve_at == at;
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
    if (s.stores != nullptr) s.stores->add(p, access.size);
    remember_slot(s, at);
    *stored = s.mmu->reservations().store_conditional(at, s.reserve_version, [&] {
        switch (access.size) {
            case 1: return exchange<u8>(p, s.reserve_value, desired);
            case 2: return exchange<u16>(p, s.reserve_value, desired);
            case 4: return exchange<u32>(p, s.reserve_value, desired);
            case 8: return exchange<u64>(p, s.reserve_value, desired);
            default: return compare_exchange16(p, s.reserve_value, desired);
        }
    });
    return true;
}

}  // namespace mpower::jit
