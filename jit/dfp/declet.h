// Densely packed decimal: three digits in ten bits (Power ISA, Book I appendix B; IEEE 754-2008 3.5.2).
#pragma once

#include <array>

#include "base/types.h"

namespace mpower::jit::dfp {

/// Three BCD digits of a declet; all 1024 declets mean something, 24 of them the same as a canonical one.
constexpr u64 dpd_to_bcd(u64 d) {
    const auto bit = [&](unsigned n) { return d >> (9 - n) & 1; };  // p q r s t u v w x y
    const u64 pqr = d >> 7 & 7, stu = d >> 4 & 7, wxy = d & 7;
    const u64 r = bit(2), u = bit(5), y = bit(9), pq = pqr >> 1, st = stu >> 1;
    if (!bit(6)) return pqr << 8 | stu << 4 | wxy;
    switch (wxy >> 1) {  // w x
        case 0: return pqr << 8 | stu << 4 | (8 | y);
        case 1: return pqr << 8 | (8 | u) << 4 | (st << 1 | y);
        case 2: return (8 | r) << 8 | stu << 4 | (pq << 1 | y);
        default: break;
    }
    switch (st) {
        case 0: return (8 | r) << 8 | (8 | u) << 4 | (pq << 1 | y);
        case 1: return (8 | r) << 8 | (pq << 1 | u) << 4 | (8 | y);
        case 2: return pqr << 8 | (8 | u) << 4 | (8 | y);
        default: return (8 | r) << 8 | (8 | u) << 4 | (8 | y);
    }
}

/// The canonical declet of three BCD digits; of a digit above 9, what the equations of the ISA give.
constexpr u64 bcd_to_dpd(u64 bcd) {
    const u64 a = bcd >> 11 & 1, bcd1 = bcd >> 8 & 7, e = bcd >> 7 & 1, fgh = bcd >> 4 & 7, i = bcd >> 3 & 1,
              jkm = bcd & 7;
    const u64 d = bcd1 & 1, bc = bcd1 >> 1, h = fgh & 1, fg = fgh >> 1, m = jkm & 1, jk = jkm >> 1;
    switch (a << 2 | e << 1 | i) {
        case 0: return bcd1 << 7 | fgh << 4 | jkm;
        case 1: return bcd1 << 7 | fgh << 4 | 8 | m;
        case 2: return bcd1 << 7 | jk << 5 | h << 4 | 8 | 2 | m;
        case 3: return bcd1 << 7 | 2 << 5 | h << 4 | 8 | 6 | m;
        case 4: return jk << 8 | d << 7 | fgh << 4 | 8 | 4 | m;
        case 5: return fg << 8 | d << 7 | 1 << 5 | h << 4 | 8 | 6 | m;
        case 6: return jk << 8 | d << 7 | 0 << 5 | h << 4 | 8 | 6 | m;
        default: return bc << 8 | d << 7 | 3 << 5 | h << 4 | 8 | 6 | m;
    }
}

/// 0..999 of a declet.
inline constexpr auto kOfDeclet = [] {
    std::array<u16, 1024> table{};
    for (u64 d = 0; d < 1024; ++d) {
        const u64 bcd = dpd_to_bcd(d);
        table[d] = static_cast<u16>((bcd >> 8) * 100 + (bcd >> 4 & 15) * 10 + (bcd & 15));
    }
    return table;
}();
/// The canonical declet of 0..999.
inline constexpr auto kDeclet = [] {
    std::array<u16, 1000> table{};
    for (u64 n = 0; n < 1000; ++n) table[n] = static_cast<u16>(bcd_to_dpd(n / 100 << 8 | n / 10 % 10 << 4 | n % 10));
    return table;
}();

}  // namespace mpower::jit::dfp
