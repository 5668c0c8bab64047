// An instruction word and its fields by the names of the manual (Power ISA, Book I section 1.6).
#pragma once

#include "base/bits.h"

namespace mpower::jit::isa {

struct Insn {
    u32 word = 0;

    constexpr u32 field(unsigned first, unsigned last) const { return insn_field(word, first, last); }
    constexpr bool bit(unsigned n) const { return field(n, n); }

    constexpr u32 opcd() const { return field(0, 5); }
    constexpr u32 rt() const { return field(6, 10); }
    constexpr u32 rs() const { return field(6, 10); }
    constexpr u32 ra() const { return field(11, 15); }
    constexpr u32 rb() const { return field(16, 20); }
    constexpr u32 rc_field() const { return field(21, 25); }  ///< RC/FRC/VRC: the fourth operand of A and VA forms.
    constexpr bool rc() const { return bit(31); }             ///< Rc: record.
    constexpr bool oe() const { return bit(21); }
    constexpr bool aa() const { return bit(30); }
    constexpr bool lk() const { return bit(31); }
    constexpr u32 bf() const { return field(6, 8); }
    constexpr u32 bfa() const { return field(11, 13); }
    constexpr bool l() const { return bit(10); }
    constexpr u32 bo() const { return field(6, 10); }
    constexpr u32 bi() const { return field(11, 15); }
    constexpr u32 bh() const { return field(19, 20); }
    constexpr u32 bt() const { return field(6, 10); }
    constexpr u32 ba() const { return field(11, 15); }
    constexpr u32 bb() const { return field(16, 20); }
    constexpr u64 si() const { return static_cast<u64>(sign_extend(field(16, 31), 16)); }  ///< Also D.
    constexpr u64 ui() const { return field(16, 31); }
    constexpr u64 ds() const { return static_cast<u64>(sign_extend(field(16, 29) << 2, 16)); }
    constexpr u64 dq() const { return static_cast<u64>(sign_extend(field(16, 27) << 4, 16)); }
    constexpr u64 bd() const { return static_cast<u64>(sign_extend(field(16, 29) << 2, 16)); }
    constexpr u64 li() const { return static_cast<u64>(sign_extend(field(6, 29) << 2, 26)); }
    constexpr u32 to() const { return field(6, 10); }
    constexpr u32 sh5() const { return field(16, 20); }
    constexpr u32 mb5() const { return field(21, 25); }
    constexpr u32 me5() const { return field(26, 30); }
    constexpr u32 sh6() const { return field(30, 30) << 5 | field(16, 20); }
    constexpr u32 mb6() const { return field(26, 26) << 5 | field(21, 25); }  ///< Also ME of MD form.
    constexpr u32 fxm() const { return field(12, 19); }
    constexpr u32 spr() const { return field(16, 20) << 5 | field(11, 15); }  ///< Halves swapped. Also TBR.
    constexpr u32 nb() const { return field(16, 20); }
    // VSX registers, 0..63.
    constexpr u32 xt() const { return bit(31) << 5 | field(6, 10); }
    constexpr u32 xs() const { return xt(); }
    constexpr u32 xa() const { return bit(29) << 5 | field(11, 15); }
    constexpr u32 xb() const { return bit(30) << 5 | field(16, 20); }
    constexpr u32 xc() const { return bit(28) << 5 | field(21, 25); }
    constexpr u32 xt_dq() const { return bit(28) << 5 | field(6, 10); }  ///< lxv, stxv.
};

}  // namespace mpower::jit::isa
