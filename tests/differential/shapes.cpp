#include "tests/differential/shapes.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace mpower::differential {
namespace {

// --- the few instructions that dress others
u32 d_form(u32 opcode, u32 rt, u32 ra, i64 d) {
    return opcode << 26 | rt << 21 | ra << 16 | (static_cast<u32>(d) & 0xffff);
}
u32 x_form(u32 rt, u32 ra, u32 rb, u32 xo) { return 31u << 26 | rt << 21 | ra << 16 | rb << 11 | xo << 1; }
u32 addi(u32 rt, u32 ra, i64 si) { return d_form(14, rt, ra, si); }
u32 addis(u32 rt, u32 ra, i64 si) { return d_form(15, rt, ra, si); }
u32 ori(u32 ra, u32 rs, u32 ui) { return d_form(24, rs, ra, ui); }
u32 oris(u32 ra, u32 rs, u32 ui) { return d_form(25, rs, ra, ui); }
u32 and_(u32 ra, u32 rs, u32 rb) { return x_form(rs, ra, rb, 28); }
u32 neg(u32 rt, u32 ra) { return x_form(rt, ra, 0, 104); }
u32 extsw(u32 ra, u32 rs) { return x_form(rs, ra, 0, 986); }
u32 mtspr(u32 spr, u32 rs) { return x_form(rs, spr & 31, spr >> 5, 467); }
u32 md_form(u32 rs, u32 ra, u32 sh, u32 mb, u32 xo) {
    return 30u << 26 | rs << 21 | ra << 16 | (sh & 31) << 11 | (mb & 31) << 6 | (mb >> 5) << 5 | xo << 2 |
           (sh >> 5) << 1;
}
u32 rldicl(u32 ra, u32 rs, u32 sh, u32 mb) { return md_form(rs, ra, sh, mb, 0); }
u32 rldicr(u32 ra, u32 rs, u32 sh, u32 me) { return md_form(rs, ra, sh, me, 1); }
u32 rldimi(u32 ra, u32 rs, u32 sh, u32 mb) { return md_form(rs, ra, sh, mb, 3); }
u32 srdi(u32 ra, u32 rs, u32 n) { return rldicl(ra, rs, (64 - n) & 63, n); }
u32 sradi(u32 ra, u32 rs, u32 n) { return 31u << 26 | rs << 21 | ra << 16 | (n & 31) << 11 | 413 << 2 | (n >> 5) << 1; }
u32 rlwinm(u32 ra, u32 rs, u32 sh, u32 mb, u32 me) {
    return 21u << 26 | rs << 21 | ra << 16 | sh << 11 | mb << 6 | me << 1;
}

u32 any_source(Draft& d) { return d.random.below(32); }
u32 high_register(Draft& d) { return 8 + d.random.below(24); }
void no_record(Draft& d) { d.set(31, 31, 0); }

// --- storage
/// r6 := an address within the scratch storage, `align` a power of two; at most 1000 from its middle.
void point(Draft& d, i64 align = 1) {
    d.before.push_back(addi(kTemp, kBase, d.random.between(-1000 / align, 1000 / align) * align));
}

bool is_update(std::string_view m) { return m.ends_with("u") || m.ends_with("ux"); }

/// RA (and RB, or the displacement): a valid address.
bool storage(Draft& d) {
    const u32 primary = d.row.value >> 26;
    if (primary == 31) {
        switch (is_update(d.mnemonic) ? 0 : d.random.below(4)) {
            case 0: point(d), d.set(11, 15, kTemp), d.set(16, 20, kIndex); break;
            case 1: point(d), d.set(11, 15, 0), d.set(16, 20, kTemp); break;
            case 2: d.set(11, 15, kBase), d.set(16, 20, kIndex); break;
            default: d.set(11, 15, kIndex), d.set(16, 20, kBase); break;
        }
        return true;
    }
    // DQ form has four bits below the displacement (lq; lxv, stxv with fixed bits 29-31), DS form two.
    const bool dq = primary == 56 || (primary == 61 && (d.row.mask & 4) != 0);
    const bool ds = primary == 57 || primary == 58 || primary == 61 || primary == 62;
    const i64 unit = dq ? 16 : ds ? 4 : 1;
    point(d, unit);
    const u32 low = static_cast<u32>(unit - 1);
    const u32 displacement = static_cast<u32>(d.random.between(-1000 / unit, 1000 / unit) * unit);
    d.word = (d.word & (0xffff0000 | low)) | (displacement & 0xffff & ~low);
    d.set(11, 15, kTemp);
    return true;
}

/// An address that is a multiple of 16, in RA + RB.
bool aligned(Draft& d) {
    d.set(11, 15, kBase);
    d.set(16, 20, kAlignedIndex);
    return true;
}
bool load_reserve_quad(Draft& d) { return d.set(6, 10, high_register(d) & ~1u), aligned(d); }

/// stcx.: after a larx of the same size to the same address (else it is undefined whether it stores), with an
/// instruction between that leaves it alone. Now and then a second stcx. in front takes the reservation away.
template <u32 LarxXo>
bool store_conditional(Draft& d) {
    aligned(d);
    if (LarxXo == 276) d.set(6, 10, d.field(6, 10) & ~1u);  // RSp is even
    d.before.push_back(x_form(8, kBase, kAlignedIndex, LarxXo));
    if (d.random.one_in(2)) d.before.push_back(addi(9, any_source(d), d.random.between(-9, 9)));
    if (d.random.one_in(8)) d.before.push_back(d.word);
    return true;
}

bool quad(Draft& d) {  // lq, stq: an even register pair, a multiple of 16
    d.set(16, 27, d.random.below(128) - 64);
    d.set(11, 15, kBase);
    const bool load = d.mnemonic == "lq";
    d.set(6, 10, (load ? high_register(d) : any_source(d)) & ~1u);
    if (!load) d.set(28, 29, 0);  // a DS form: a multiple of 4 would be an alignment interrupt
    return true;
}

bool load_multiple(Draft& d) { return storage(d), d.set(6, 10, high_register(d)), true; }

bool string_immediate(Draft& d) {
    point(d);
    d.set(11, 15, kTemp);
    const u32 bytes = d.field(16, 20) == 0 ? 32 : d.field(16, 20);
    if (d.mnemonic == "lswi") d.set(6, 10, 8 + d.random.below(24 - (bytes + 3) / 4 + 1));  // no wrap to r0
    return true;
}

bool string_indexed(Draft& d) {
    // A count of 0 leaves RT of lswx undefined (Book I 3.3.7).
    const u32 bytes = 1 + d.random.below(64);
    storage(d);
    d.before.push_back(addi(kTemp2, 0, bytes));
    d.before.push_back(mtspr(1, kTemp2));
    if (d.mnemonic == "lswx") d.set(6, 10, 8 + d.random.below(24 - (bytes + 3) / 4 + 1));
    return true;
}

bool with_length(Draft& d) {  // lxvl ...: EA is (RA|0); RB[0:7] is the length
    point(d);
    d.set(11, 15, kTemp);
    d.before.push_back(addi(kTemp2, 0, d.random.below(20)));
    d.before.push_back(rldicr(kTemp2, kTemp2, 56, 7));
    d.set(16, 20, kTemp2);
    return true;
}

bool atomic(Draft& d) {  // lwat, ldat, stwat, stdat: only the function codes of Book II 4.5; operands RT+1, RT+2
    // Not 24, 25, 28: QEMU's "not done" is 0xffffffff80000000 in both sizes, and its 28 takes the bound from above EA.
    static constexpr u32 kLoads[] = {0, 1, 2, 3, 4, 6, 8, 16, 5, 7};
    static constexpr u32 kStores[] = {0, 1, 2, 3, 4, 6, 24, 5, 7};
    const bool load = d.mnemonic.starts_with('l');
    // QEMU compares words as unsigned in the signed maximum and minimum (5, 7).
    const auto broken = [&](u32 code) { return d.mnemonic.ends_with("wat") && (code == 5 || code == 7); };
    u32 code;
    do {
        code = load ? kLoads[d.random.below(std::size(kLoads))] : kStores[d.random.below(std::size(kStores))];
    } while (broken(code));
    point(d, 32);
    if (load) d.set(6, 10, 8 + d.random.below(20));
    d.set(11, 15, kTemp);
    d.set(16, 20, code);
    return true;
}

// --- results or operands that the ISA leaves undefined
/// RT[0:31] is undefined, so CR0 too, which becomes that of another (mulhw, divw ...: Book I 3.3.9).
bool low_word_result(Draft& d) {
    if (d.field(31, 31)) d.after.push_back(19u << 26 | (1 + d.random.below(7)) << 18);  // mcrf cr0,crN
    d.after.push_back(rldicl(d.field(6, 10), d.field(6, 10), 0, 32));
    return true;
}

/// A division that does not overflow, by something other than zero; else quotient and CR0 are undefined.
template <bool Extended, bool Signed, unsigned Bits>
bool divide(Draft& d) {
    // QEMU does not see every overflow of divdeo.
    if (d.field(21, 21) && d.random.one_in(4) && d.mnemonic.starts_with("div") && d.mnemonic != "divde") {
        // Overflow allowed: OV is defined, the quotient is not.
        no_record(d);
        d.after.push_back(addi(d.field(6, 10), 0, 0));
        return true;
    }
    const u32 a = any_source(d), b = any_source(d);
    if (Extended) {
        // |dividend| < 2^(n-4), |divisor| >= 7 * 2^(n-4)
        const u32 first = Signed ? 1 : 0;  // clears the sign
        if (Bits == 64) {
            d.before.push_back(Signed ? sradi(kTemp, a, 4) : srdi(kTemp, a, 4));
            d.before.push_back(rldicl(kTemp2, b, 0, first));
            d.before.push_back(rldimi(kTemp2, kDigits, 60, 1));
        } else {
            d.before.push_back(extsw(kTemp, a));
            d.before.push_back(Signed ? sradi(kTemp, kTemp, 4) : rldicl(kTemp, kTemp, 0, 36));
            d.before.push_back(rlwinm(kTemp2, b, 0, first, 31));
            d.before.push_back(oris(kTemp2, kTemp2, 0x7000));
        }
        d.set(11, 15, kTemp);
    } else {
        // Odd, so not zero; -2^(n-1) / -1 remains: the dividend is made positive half of the time, else the divisor.
        d.before.push_back(ori(kTemp2, b, 1));
        if (Bits == 32) d.before.push_back(extsw(kTemp2, kTemp2));
        d.before.push_back(Bits == 32 ? extsw(kTemp, a) : ori(kTemp, a, 0));
        const u32 positive = d.random.one_in(2) ? kTemp : kTemp2;
        if (Signed) d.before.push_back(rldicl(positive, positive, 0, Bits == 32 ? 33 : 1));
        d.set(11, 15, kTemp);
    }
    if (Signed && Extended && d.random.one_in(2)) d.before.push_back(neg(kTemp2, kTemp2));
    d.set(16, 20, kTemp2);
    return Bits == 32 ? low_word_result(d) : true;
}

bool one_cr_field(Draft& d) {  // mtocrf, mfocrf: exactly one FXM bit; mfocrf leaves the other bits of RT undefined
    const u32 n = d.random.below(8);
    d.set(12, 19, 0x80 >> n);
    if (d.mnemonic == "mfocrf") d.after.push_back(rlwinm(d.field(6, 10), d.field(6, 10), 0, 4 * n, 4 * n + 3));
    return true;
}

bool bcd_digits(Draft& d) {  // cbcdtd: valid digits only
    d.before.push_back(and_(kTemp, any_source(d), kDigits));
    d.set(6, 10, kTemp);
    return true;
}

bool first_carry(Draft& d) { return d.set(21, 22, 0), true; }  // addex: CY other than 0 is reserved

bool move_to_spr(Draft& d) {
    static constexpr u32 kSprs[] = {1, 8, 9, 256, 815};
    const u32 spr = kSprs[d.random.below(std::size(kSprs))];
    d.word = mtspr(spr, d.field(6, 10));
    if (spr == 256) {  // 32 bits; QEMU keeps 64
        d.before.push_back(rldicl(kTemp, any_source(d), 0, 32));
        d.word = mtspr(spr, kTemp);
    }
    if (spr == 1) {  // reserved bits of XER: as zeros
        d.before.push_back(addis(kTemp, 0, d.isa300 ? 0xe00c : 0xe000));
        d.before.push_back(ori(kTemp, kTemp, 0x7f));
        d.before.push_back(and_(kTemp, kTemp, any_source(d)));
        d.word = mtspr(1, kTemp);
    }
    return true;
}
bool move_from_spr(Draft& d) {
    static constexpr u32 kSprs[] = {1, 8, 9, 256, 815};
    const u32 spr = kSprs[d.random.below(std::size(kSprs))];
    if (spr == 815) d.before.push_back(mtspr(815, any_source(d)));  // TAR is not part of the state that is compared
    d.set(11, 15, spr & 31);
    d.set(16, 20, spr >> 5);
    return true;
}

// --- reserved encodings of hints
bool synchronise(Draft& d) {  // L = 0, 1 (lwsync), 2 (ptesync); E is a hint that QEMU rejects
    d.set(6, 20, 0);
    d.set(9, 10, d.random.below(3));
    return true;
}
bool flush_block(Draft& d) { return storage(d), d.set(6, 10, d.random.below(2)), true; }  // QEMU rejects L = 3 (dcbflp)
bool touch_instruction(Draft& d) { return storage(d), d.set(6, 10, 0), true; }            // and CT other than 0

// --- branches and traps
bool branch(Draft& d) {
    d.set(6, 29, 0);
    d.target = d.field(30, 30) ? Target::kAbsolute24 : Target::kRelative24;
    return true;
}

/// BO: the encodings of Book I table 2.4; bits "z" and "at" are hints.
u32 branch_options(Draft& d, bool may_decrement) {
    for (;;) {
        const u32 bo = d.random.below(32);
        if (!may_decrement && (bo & 4) == 0) continue;
        if ((bo & 20) == 20 && bo != 20) continue;       // 1z1zz, z = 0
        if ((bo & 20) == 0 && (bo & 1)) continue;        // 000zz, 001at: z = 0
        if ((bo & 20) == 4 && (bo & 3) == 1) continue;   // at = 01: reserved
        if ((bo & 20) == 16 && (bo & 9) == 1) continue;  // 1a00t: at = 01
        return bo;
    }
}

bool branch_conditional(Draft& d) {
    if (d.field(30, 30)) return false;  // bca reaches only the lowest and highest 32 KiB: no storage of the runner
    d.set(6, 10, branch_options(d, true));
    d.set(16, 29, 0);
    d.target = Target::kRelative14;
    return true;
}

template <u32 Spr>
bool branch_to_register(Draft& d) {
    d.set(6, 10, branch_options(d, Spr != 9));  // bcctr that decrements CTR is an invalid form
    d.before = {addis(kTemp, 0, 0), ori(kTemp, kTemp, 0), mtspr(Spr, kTemp)};
    d.target = Target::kRegister;
    return true;
}

/// Traps are taken in one case of 64, as the end of a program.
bool trap(Draft& d) {
    if (d.random.one_in(64)) return true;
    if (d.row.value >> 26 == 31) {
        d.set(16, 20, d.field(11, 15));
        d.set(6, 10, d.field(6, 10) & ~4u);  // a register is never less or greater than itself
    } else {
        d.set(6, 10, 0);
    }
    return true;
}

// --- vector
/// vextract*, vinsert*, vextu*: an element that begins too late is undefined (Book I 6.8.6).
u32 last_byte(const Draft& d) {
    const char size = d.mnemonic.starts_with("vextu") ? d.mnemonic[5] : d.mnemonic.back();
    return size == 'b' ? 15 : size == 'h' ? 14 : size == 'w' ? 12 : 8;
}
bool element_immediate(Draft& d) { return d.set(11, 15, d.random.below(last_byte(d) + 1)), true; }
bool element_indexed(Draft& d) {
    d.before.push_back(addi(kTemp, 0, d.random.below(last_byte(d) + 1)));
    d.before.push_back(oris(kTemp, kTemp, d.random.below(0x10000)));  // only the low four bits count
    d.set(11, 15, kTemp);
    return true;
}

u32 va_form(u32 rt, u32 ra, u32 rb, u32 xo) { return 4u << 26 | rt << 21 | ra << 16 | rb << 11 | xo; }

/// lvebx, lvehx, lvewx: the other elements are undefined (Book I 6.7.2). Each becomes the one that was loaded.
template <u32 Bytes, u32 Splat>
bool one_element(Draft& d) {
    const u32 offset = d.random.below(1000), element = offset % 16 / Bytes;
    d.before.push_back(addi(kTemp, kBase, offset));
    d.set(11, 15, kTemp);
    d.set(16, 20, kAlignedIndex);
    const u32 vrt = d.field(6, 10);
    d.after.push_back(va_form(vrt, d.little_endian ? 16 / Bytes - 1 - element : element, vrt, Splat));
    return true;
}

/// Packed decimal operands: valid digits 0-7 and a sign 12-15; others give an undefined result (Book I 6.17). VR28-31
/// become the operands and masks.
bool packed_decimal(Draft& d) {
    constexpr u32 kVspltisb = 780, kVslb = 260, kVor = 1156, kVand = 1028, kVxor = 1220, kVsldoi = 44;
    d.before = {
        va_form(28, 7, 0, kVspltisb),
        va_form(29, 4, 0, kVspltisb),
        va_form(29, 28, 29, kVslb),
        va_form(28, 28, 29, kVor),  // 0x77 in each byte
        va_form(29, 12, 0, kVspltisb),
        va_form(30, 30, 30, kVxor),
        va_form(29, 30, 29, 1 << 6 | kVsldoi),  // 0x0c in the last
        va_form(30, any_source(d), 28, kVand),
        va_form(30, 30, 29, kVor),
        va_form(31, any_source(d), 28, kVand),
        va_form(31, 31, 29, kVor),
    };
    if (d.random.one_in(4)) d.before.push_back(va_form(31, 30, 30, kVor));  // equal: the difference is zero
    d.set(11, 15, 30);
    d.set(16, 20, 31);
    return true;
}

/// VRT other than the operands: QEMU looks at an operand again after it wrote VRT.
bool copy_sign(Draft& d) {
    packed_decimal(d);
    d.set(6, 10, d.random.below(28));
    return true;
}

/// Conversions from packed decimals: the RA field is part of the opcode.
bool from_packed(Draft& d) {
    const u32 opcode = d.field(11, 15);
    copy_sign(d);
    d.set(11, 15, opcode);
    return true;
}

/// Conversions to packed decimals, of what the conversion from them gives.
bool to_packed(Draft& d) {
    from_packed(d);
    const bool zoned = d.mnemonic == "bcdcfz";
    const u32 opposite = zoned ? 4 : d.mnemonic == "bcdcfn" ? 5 : 0, ps = zoned ? d.field(22, 22) : 0;
    d.before.push_back(va_form(31, opposite, 31, 1 << 10 | ps << 9 | 385));
    return true;
}

/// Shift counts -16..15, lengths 0..15 in VRA; digits without a sign for the unsigned forms. CR6 is that of the
/// operand, but QEMU takes the result's: not compared.
bool shift_decimal(Draft& d) {
    constexpr u32 kVspltisb = 780, kVspltish = 844, kVand = 1028, kMcrf67 = 0x4f1c0000;
    copy_sign(d);
    d.after.push_back(kMcrf67);
    const bool truncate = d.mnemonic.ends_with("trunc");
    d.before.push_back(va_form(30, d.random.below(truncate ? 16 : 32), 0, truncate ? kVspltish : kVspltisb));
    if (d.mnemonic.starts_with("bcdu")) d.before.push_back(va_form(31, 31, 28, kVand));
    return true;
}

bool move_to_vscr(Draft& d) {  // only NJ and SAT: QEMU keeps the reserved bits too
    constexpr u32 kVspltish = 844, kVspltisw = 908;
    const u32 sat = d.random.below(2);
    d.before.push_back(d.random.one_in(4) ? va_form(28, 1, 0, kVspltish) : va_form(28, sat, 0, kVspltisw));
    d.set(16, 20, 28);
    return true;
}

using Shape = bool (*)(Draft&);

const std::map<std::string_view, Shape> kShapes = {
    {"b", branch},
    {"bc", branch_conditional},
    {"bclr", branch_to_register<8>},
    {"bcctr", branch_to_register<9>},
    {"bctar", branch_to_register<815>},
    {"tw", trap},
    {"td", trap},
    {"twi", trap},
    {"tdi", trap},
    {"lbarx", aligned},
    {"lharx", aligned},
    {"lwarx", aligned},
    {"ldarx", aligned},
    {"lqarx", load_reserve_quad},
    {"stbcx", store_conditional<52>},
    {"sthcx", store_conditional<116>},
    {"stwcx", store_conditional<20>},
    {"stdcx", store_conditional<84>},
    {"stqcx", store_conditional<276>},
    {"lq", quad},
    {"stq", quad},
    {"lmw", load_multiple},
    {"lswi", string_immediate},
    {"stswi", string_immediate},
    {"lswx", string_indexed},
    {"stswx", string_indexed},
    {"lxvl", with_length},
    {"lxvll", with_length},
    {"stxvl", with_length},
    {"stxvll", with_length},
    {"lwat", atomic},
    {"ldat", atomic},
    {"stwat", atomic},
    {"stdat", atomic},
    {"mulhw", low_word_result},
    {"mulhwu", low_word_result},
    {"divw", divide<false, true, 32>},
    {"divwu", divide<false, false, 32>},
    {"divd", divide<false, true, 64>},
    {"divdu", divide<false, false, 64>},
    {"divwe", divide<true, true, 32>},
    {"divweu", divide<true, false, 32>},
    {"divde", divide<true, true, 64>},
    {"divdeu", divide<true, false, 64>},
    {"modsw", divide<false, true, 32>},
    {"moduw", divide<false, false, 32>},
    {"modsd", divide<false, true, 64>},
    {"modud", divide<false, false, 64>},
    {"mtocrf", one_cr_field},
    {"mfocrf", one_cr_field},
    {"cbcdtd", bcd_digits},
    {"addex", first_carry},
    {"sync", synchronise},
    {"dcbf", flush_block},
    {"icbt", touch_instruction},
    {"mtspr", move_to_spr},
    {"mfspr", move_from_spr},
    {"mtvscr", move_to_vscr},
    {"bcdadd", packed_decimal},
    {"bcdsub", packed_decimal},
    {"bcdcpsgn", copy_sign},
    {"bcdsetsgn", from_packed},
    {"bcdctn", from_packed},
    {"bcdctz", from_packed},
    {"bcdctsq", from_packed},
    {"bcdcfn", to_packed},
    {"bcdcfz", to_packed},
    {"bcdcfsq", to_packed},
    {"bcds", shift_decimal},
    {"bcdsr", shift_decimal},
    {"bcdus", shift_decimal},
    {"bcdtrunc", shift_decimal},
    {"bcdutrunc", shift_decimal},
    {"lvebx", one_element<1, 524>},
    {"lvehx", one_element<2, 588>},
    {"lvewx", one_element<4, 652>},
    {"vextractub", element_immediate},
    {"vextractuh", element_immediate},
    {"vextractuw", element_immediate},
    {"vextractd", element_immediate},
    {"vinsertb", element_immediate},
    {"vinserth", element_immediate},
    {"vinsertw", element_immediate},
    {"vinsertd", element_immediate},
    {"vextublx", element_indexed},
    {"vextubrx", element_indexed},
    {"vextuhlx", element_indexed},
    {"vextuhrx", element_indexed},
    {"vextuwlx", element_indexed},
    {"vextuwrx", element_indexed},
};

}  // namespace

bool shape(Draft& d) {
    if (decimal_row(d.row)) return shape_decimal(d);
    const auto found = kShapes.find(d.mnemonic);
    const bool valid = found != kShapes.end() ? found->second(d) : d.storage ? storage(d) : true;
    return valid && shape_floating_point(d);
}

}  // namespace mpower::differential
