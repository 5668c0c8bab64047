// Decimal floating point: operands, and what QEMU 7.2 keeps differently in FPSCR.
//
//   FX     as in shapes_fp.cpp.
//   FI     QEMU never clears it. Made 0 before; after what it does not set it in (see known_dfp.cpp) too.
//   FPRF   QEMU and the ISA agree on it, so it is compared.
#include <algorithm>

#include "jit/dfp/arith.h"
#include "tests/differential/shapes.h"

namespace mpower::differential {
namespace {

using namespace jit::dfp;

u32 mtfsb0(u32 bit) { return 63u << 26 | bit << 21 | 70 << 1; }
constexpr u32 kFr = 13, kFi = 14;

/// XT := doubleword 0 of FPR n, twice: doubleword 1 is undefined.
u32 splat(u32 n) { return 60u << 26 | n << 21 | n << 16 | n << 11 | 10 << 3; }

/// Exponents of an operand relative to the one drawn last: sums and quotients need operands that are near.
template <class F>
Number decimal(Random& random, int& anchor) {
    const Range& r = F::kRange;
    Number n{.sign = random.one_in(2)};
    const int digits = static_cast<int>(random.below(static_cast<u32>(r.digits) + 1));
    const u128 drawn = u128{random.bits()} << 64 | random.bits();
    switch (random.below(8)) {
        case 0: n.coefficient = power(digits) - 1; break;               // 999
        case 1: n.coefficient = power(digits ? digits - 1 : 0); break;  // 1000
        case 2: n.coefficient = digits ? 5 * power(digits - 1) + random.below(3) : 0; break;
        case 3: n.coefficient = random.below(100) * power(digits > 2 ? digits - 2 : 0); break;
        default: n.coefficient = drawn % power(digits); break;
    }
    n.coefficient %= power(r.digits);
    switch (random.below(8)) {
        case 0: anchor = static_cast<int>(random.below(static_cast<u32>(r.max - r.min + 1))) + r.min; break;
        case 1: anchor = random.one_in(2) ? r.min : r.max; break;
        case 2: anchor = static_cast<int>(random.below(41)) - 20; break;
        case 3: anchor = (random.one_in(2) ? r.min : r.max) / 2 + static_cast<int>(random.below(21)) - 10; break;
        default: anchor += static_cast<int>(random.below(static_cast<u32>(2 * r.digits + 5))) - r.digits - 2; break;
    }
    anchor = std::min(std::max(anchor, r.min), r.max);
    n.exponent = anchor;
    if (random.one_in(6)) {  // half way between two integers
        const int zeros = static_cast<int>(random.below(static_cast<u32>(r.digits) - 1));
        n.coefficient = (drawn % power(r.digits - zeros - 1) * 10 + 5) * power(zeros);
        n.exponent = -zeros - 1;
    }
    if (random.one_in(12)) {
        constexpr Kind kSpecial[] = {Kind::kInfinity, Kind::kQuietNan, Kind::kSignallingNan};
        n.kind = kSpecial[random.below(3)];
        if (random.one_in(2)) n.coefficient = 0;
    }
    return n;
}

/// Now and then declets that are not canonical: 8, 9 in all three digits leave two bits free.
u64 loosened(Random& random, u64 bits) {
    if (!random.one_in(8)) return bits;
    for (int at = 0; at < 50; at += 10) {
        const u64 declet = bits >> at & 1023;
        if ((declet & 0x06e) == 0x06e) bits |= u64{random.below(4)} << (at + 8);
    }
    return bits;
}

}  // namespace

bool decimal_row(const jit::isa::Row& row) {
    const u32 primary = row.value >> 26;
    return (primary == 59 || primary == 63) && row.mnemonic.starts_with('d');
}

void decimal_operands(Random& random, State& s) {
    int anchor = 0;
    for (u32 n = 0; n < 32; ++n) {
        u64& fpr = s.vsr[n].hi;
        switch (random.below(16)) {
            case 0: fpr = random.integer(); break;  // exponents, significances, integers
            case 1: fpr = random.below(70) - u64{4}; break;
            case 2: fpr = random.bits(); break;
            case 3: fpr = u64{pack<Short>(decimal<Short>(random, anchor))}; break;
            case 4: {  // BCD
                fpr = 0;
                for (int at = 0; at < 64; at += 4) fpr |= u64{random.below(10)} << at;
                if (random.one_in(2)) fpr = (fpr & ~u64{15}) | (10 + random.below(6));
                break;
            }
            default: fpr = loosened(random, pack<Long>(decimal<Long>(random, anchor))); break;
        }
    }
    anchor = 0;
    for (u32 n = 0; n < 32; n += 2) {
        if (random.one_in(2)) continue;
        const u128 v = pack<Extended>(decimal<Extended>(random, anchor));
        s.vsr[n].hi = static_cast<u64>(v >> 64);
        s.vsr[n + 1].hi = loosened(random, static_cast<u64>(v));
    }
}

bool shape_decimal(Draft& d) {
    d.before = {mtfsb0(kFi), mtfsb0(kFr)};
    const std::string_view m = d.mnemonic;
    const bool quad = m.ends_with('q');
    // Even registers, most of the time: others are invalid forms, which are no part of the comparison.
    if (quad) {
        for (const unsigned first : {6u, 11u, 16u}) {
            if (first == 6 && (m.starts_with("dt") || m.starts_with("dcmp"))) continue;
            if (first == 11 && (m.starts_with("dquai") || m.starts_with("drint") || m.starts_with("dd") ||
                                m.starts_with("den") || m == "dtstsfiq")) {
                if (m != "ddivq") continue;
            }
            if (first == 16 && (m.starts_with("dsc") || m.starts_with("dtstd"))) continue;
            d.set(first, first + 4, d.field(first, first + 4) & ~1u);
        }
    }
    if (m.starts_with("dt") || m.starts_with("dcmp")) return true;
    const u32 target = d.field(6, 10);
    d.after.push_back(splat(target));
    if (quad && m != "dctfixq" && m != "dxexq") d.after.push_back(splat(target + 1));
    return true;
}

}  // namespace mpower::differential
