// The only way to big-endian guest data: loads and stores of a value in a given byte order at any host address.
#pragma once

#include <type_traits>

#include "base/types.h"

namespace mpower {

constexpr u8 byte_swap(u8 v) { return v; }
constexpr u16 byte_swap(u16 v) { return __builtin_bswap16(v); }
constexpr u32 byte_swap(u32 v) { return __builtin_bswap32(v); }
constexpr u64 byte_swap(u64 v) { return __builtin_bswap64(v); }
constexpr u128 byte_swap(u128 v) {
    return u128{__builtin_bswap64(static_cast<u64>(v))} << 64 | __builtin_bswap64(static_cast<u64>(v >> 64));
}

/// Big-endian value at `p`, which need not be aligned; one relaxed access, since vCPUs may store there meanwhile.
template <class T>
T load_be(const void* p) {
    return byte_swap(__atomic_load_n(static_cast<const T*>(p), __ATOMIC_RELAXED));
}

/// Stores `v` at `p` in big-endian byte order, likewise.
template <class T>
void store_be(void* p, std::type_identity_t<T> v) {
    __atomic_store_n(static_cast<T*>(p), byte_swap(v), __ATOMIC_RELAXED);
}

}  // namespace mpower
