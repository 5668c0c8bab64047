// Integer names and the strong address types of the whole program.
//
// An effective, a virtual and a real address are all 64-bit numbers, and mixing them up is the classic bug of an
// emulator; here that does not compile. Conversions are explicit: `Ra{x}` to make one, `.v` to read one.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace mpower {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using u128 = unsigned __int128;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using i128 = __int128;

/// A 64-bit number of one kind; `Tag` keeps kinds apart. Arithmetic stays inside the kind.
template <class Tag>
struct Strong {
    u64 v = 0;

    constexpr Strong() = default;
    constexpr explicit Strong(u64 value) : v(value) {}
    constexpr auto operator<=>(const Strong&) const = default;
    constexpr Strong operator+(u64 n) const { return Strong(v + n); }
    constexpr Strong operator-(u64 n) const { return Strong(v - n); }
    constexpr u64 operator-(Strong o) const { return v - o.v; }
    constexpr Strong operator&(u64 mask) const { return Strong(v & mask); }
};

using Ea = Strong<struct EaTag>;                ///< Effective address: what an instruction computes.
using Ra = Strong<struct RaTag>;                ///< Real address as the guest sees it (PAPR: logical address).
using PteIndex = Strong<struct PteIndexTag>;    ///< Index of an HPTE in the whole HPT (PAPR: ptex).
using PtegIndex = Strong<struct PtegIndexTag>;  ///< Index of a PTEG (eight HPTEs) in the HPT.

/// Server number of a vCPU, 0 .. number of vCPUs - 1; the same as its index in Machine.
using VcpuId = u32;

constexpr std::size_t kCacheLine = 64;  ///< Host cache line, bytes.

}  // namespace mpower
