// Host accesses to storage that other vCPUs may access at the same moment: guest RAM, HPT entries.
//
// All of them are atomic accesses, or one host instruction that is: the guest's races are its own affair, never ours,
// in the eyes of the C++ standard and of ThreadSanitizer too. Loads and stores of guest instructions are in
// jit/storage_access.h, big-endian ones of the hypervisor's in base/endian.h.
#pragma once

#include "base/types.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace mpower {

/// Copies `n` bytes upwards, 8 at a time where both ends allow, each relaxed. They may be the same, but not overlap.
inline void copy_shared(void* to, const void* from, u64 n) {
    u8* t = static_cast<u8*>(to);
    const u8* f = static_cast<const u8*>(from);
    if (((reinterpret_cast<u64>(t) | reinterpret_cast<u64>(f)) & 7) == 0) {
        for (; n >= 8; n -= 8, t += 8, f += 8) {
            const u64 v = __atomic_load_n(reinterpret_cast<const u64*>(f), __ATOMIC_RELAXED);
            __atomic_store_n(reinterpret_cast<u64*>(t), v, __ATOMIC_RELAXED);
        }
    }
    for (; n != 0; --n, ++t, ++f) __atomic_store_n(t, __atomic_load_n(f, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

/// Clears `n` bytes, a multiple of 8 on an 8-byte boundary, each doubleword relaxed.
inline void zero_shared(void* p, u64 n) {
    for (u64* q = static_cast<u64*>(p); n != 0; n -= 8) __atomic_store_n(q++, u64{0}, __ATOMIC_RELAXED);
}

/// Tells ThreadSanitizer what it cannot see of the 16-byte instructions below, half by half: the halves are accessed by
/// 8-byte atomics too.
inline void note_release16([[maybe_unused]] void* p) {
#ifdef __SANITIZE_THREAD__
    __tsan_release(p);
    __tsan_release(static_cast<u8*>(p) + 8);
#endif
}
inline void note_acquire16([[maybe_unused]] const void* p) {
#ifdef __SANITIZE_THREAD__
    u8* const q = static_cast<u8*>(const_cast<void*>(p));
    __tsan_acquire(q);
    __tsan_acquire(q + 8);
#endif
}

struct Bytes16 {
    u64 lo, hi;
};

// On a 16-byte boundary an SSE load or store is single-copy atomic on every x86 that has AVX. Any address will do.
__attribute__((no_sanitize("thread"))) inline Bytes16 load16_shared(const void* p) {
    using Unaligned = long long __attribute__((vector_size(16), may_alias, aligned(1)));
    const Unaligned x = *static_cast<const Unaligned*>(p);
    note_acquire16(p);
    return {static_cast<u64>(x[0]), static_cast<u64>(x[1])};
}
__attribute__((no_sanitize("thread"))) inline void store16_shared(void* p, Bytes16 v) {
    using Unaligned = long long __attribute__((vector_size(16), may_alias, aligned(1)));
    note_release16(p);
    *static_cast<Unaligned*>(p) = Unaligned{static_cast<long long>(v.lo), static_cast<long long>(v.hi)};
}

/// One lock cmpxchg16b at a 16-byte boundary, seq_cst. Not the compiler's builtin: ThreadSanitizer's library does that
/// under a mutex, which 8-byte accesses to the halves do not take.
inline bool compare_exchange16(void* p, u128 expected, u128 desired) {
    u64 lo = static_cast<u64>(expected), hi = static_cast<u64>(expected >> 64);
    bool equal;
    note_release16(p);
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(equal), "+m"(*static_cast<u128*>(p)), "+a"(lo), "+d"(hi)
                     : "b"(static_cast<u64>(desired)), "c"(static_cast<u64>(desired >> 64))
                     : "memory");
    note_acquire16(p);
    return equal;
}

}  // namespace mpower
