// Fixed-point loads and stores (Power ISA, Book I 3.3.2-3.3.6).
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using Order = Builder::Order;

namespace {

enum class Form { kD, kDs, kX };

Value address(Builder& b, Insn i, Form form) {
    switch (form) {
        case Form::kD: return b.add(b.gpr_or_zero(i.ra()), i.si());
        case Form::kDs: return b.add(b.gpr_or_zero(i.ra()), i.ds());
        default: return i.ra() == 0 ? b.gpr(i.rb()) : b.add(b.gpr(i.ra()), b.gpr(i.rb()));
    }
}

/// RT <- MEM(EA, size)
void load(Builder& b, Insn i, Form form, u8 size, bool sign = false, Order order = Order::kGuest) {
    b.set_gpr(i.rt(), b.load(address(b, i, form), size, sign, order));
}

/// The same, and RA <- EA. RA = 0 and RA = RT are invalid forms.
void load_update(Builder& b, Insn i, Form form, u8 size, bool sign = false) {
    if (i.ra() == 0 || i.ra() == i.rt()) return b.illegal();
    const Value ea = address(b, i, form);
    const Value v = b.load(ea, size, sign);
    b.set_gpr(i.rt(), v);
    b.set_gpr(i.ra(), ea);
}

/// MEM(EA, size) <- (RS)
void store(Builder& b, Insn i, Form form, u8 size, Order order = Order::kGuest) {
    b.store(address(b, i, form), b.gpr(i.rs()), size, order);
}

void store_update(Builder& b, Insn i, Form form, u8 size) {
    if (i.ra() == 0) return b.illegal();
    const Value ea = address(b, i, form);
    b.store(ea, b.gpr(i.rs()), size);
    b.set_gpr(i.ra(), ea);
}

u64 alignment(CpuState& s, u64 ea, u64, u64) {
    s.spr[spr::kDar] = ea;
    s.spr[spr::kDsisr] = 0;
    s.pending = Vector::kAlignment;
    s.pending_srr1 = 0;
    return 0;
}

/// Load/store multiple and string take an alignment interrupt in little-endian mode (Book III-S 6.5.8).
bool refused_in_little_endian(Builder& b, Value ea) {
    if (!b.mode().le) return false;
    b.call_sys(alignment, b.effective(ea));
    return true;
}

/// lq, stq: an address that is no multiple of 16 is an alignment interrupt (Book I 3.3.4).
u64 check_quadword(CpuState& s, u64 ea, u64, u64) { return (ea & 15) == 0 ? 0 : alignment(s, ea, 0, 0); }

/// lswi, stswi: NB bytes (0 means 32), four to a register, wrapping from r31 to r0.
void load_string_immediate(Builder& b, Insn i, Value ea, u32 bytes) {
    Value words[8];
    const u32 count = (bytes + 3) / 4;
    for (u32 n = 0; n < count; ++n) {
        const u32 here = bytes - 4 * n < 4 ? bytes - 4 * n : 4;
        words[n] = b.imm(0);
        for (u32 at = 0; at < here; ++at) {
            words[n] = b.or_(words[n], b.shl(b.load(b.add(ea, 4 * n + at), 1), 24 - 8 * at));
        }
    }
    for (u32 n = 0; n < count; ++n) b.set_gpr((i.rt() + n) % 32, words[n]);
}

void store_string_immediate(Builder& b, Insn i, Value ea, u32 bytes) {
    for (u32 at = 0; at < bytes; ++at) {
        const Value word = b.gpr((i.rs() + at / 4) % 32);
        b.store(b.add(ea, at), b.shr(word, 24 - 8 * (at % 4)), 1);
    }
}

/// lswx, stswx: the count is in XER, known only when it runs.
Value byte_count(Builder& b) { return b.get8(offsetof(CpuState, xer_count)); }

}  // namespace

void lbz(Builder& b, Insn i) { load(b, i, Form::kD, 1); }
void lbzx(Builder& b, Insn i) { load(b, i, Form::kX, 1); }
void lbzu(Builder& b, Insn i) { load_update(b, i, Form::kD, 1); }
void lbzux(Builder& b, Insn i) { load_update(b, i, Form::kX, 1); }
void lhz(Builder& b, Insn i) { load(b, i, Form::kD, 2); }
void lhzx(Builder& b, Insn i) { load(b, i, Form::kX, 2); }
void lhzu(Builder& b, Insn i) { load_update(b, i, Form::kD, 2); }
void lhzux(Builder& b, Insn i) { load_update(b, i, Form::kX, 2); }
void lha(Builder& b, Insn i) { load(b, i, Form::kD, 2, true); }
void lhax(Builder& b, Insn i) { load(b, i, Form::kX, 2, true); }
void lhau(Builder& b, Insn i) { load_update(b, i, Form::kD, 2, true); }
void lhaux(Builder& b, Insn i) { load_update(b, i, Form::kX, 2, true); }
void lwz(Builder& b, Insn i) { load(b, i, Form::kD, 4); }
void lwzx(Builder& b, Insn i) { load(b, i, Form::kX, 4); }
void lwzu(Builder& b, Insn i) { load_update(b, i, Form::kD, 4); }
void lwzux(Builder& b, Insn i) { load_update(b, i, Form::kX, 4); }
void lwa(Builder& b, Insn i) { load(b, i, Form::kDs, 4, true); }
void lwax(Builder& b, Insn i) { load(b, i, Form::kX, 4, true); }
void lwaux(Builder& b, Insn i) { load_update(b, i, Form::kX, 4, true); }
void ld(Builder& b, Insn i) { load(b, i, Form::kDs, 8); }
void ldx(Builder& b, Insn i) { load(b, i, Form::kX, 8); }
void ldu(Builder& b, Insn i) { load_update(b, i, Form::kDs, 8); }
void ldux(Builder& b, Insn i) { load_update(b, i, Form::kX, 8); }

void stb(Builder& b, Insn i) { store(b, i, Form::kD, 1); }
void stbx(Builder& b, Insn i) { store(b, i, Form::kX, 1); }
void stbu(Builder& b, Insn i) { store_update(b, i, Form::kD, 1); }
void stbux(Builder& b, Insn i) { store_update(b, i, Form::kX, 1); }
void sth(Builder& b, Insn i) { store(b, i, Form::kD, 2); }
void sthx(Builder& b, Insn i) { store(b, i, Form::kX, 2); }
void sthu(Builder& b, Insn i) { store_update(b, i, Form::kD, 2); }
void sthux(Builder& b, Insn i) { store_update(b, i, Form::kX, 2); }
void stw(Builder& b, Insn i) { store(b, i, Form::kD, 4); }
void stwx(Builder& b, Insn i) { store(b, i, Form::kX, 4); }
void stwu(Builder& b, Insn i) { store_update(b, i, Form::kD, 4); }
void stwux(Builder& b, Insn i) { store_update(b, i, Form::kX, 4); }
void std(Builder& b, Insn i) { store(b, i, Form::kDs, 8); }
void stdx(Builder& b, Insn i) { store(b, i, Form::kX, 8); }
void stdu(Builder& b, Insn i) { store_update(b, i, Form::kDs, 8); }
void stdux(Builder& b, Insn i) { store_update(b, i, Form::kX, 8); }

// Byte-reversed.
void lhbrx(Builder& b, Insn i) { load(b, i, Form::kX, 2, false, Order::kReversed); }
void lwbrx(Builder& b, Insn i) { load(b, i, Form::kX, 4, false, Order::kReversed); }
void ldbrx(Builder& b, Insn i) { load(b, i, Form::kX, 8, false, Order::kReversed); }
void sthbrx(Builder& b, Insn i) { store(b, i, Form::kX, 2, Order::kReversed); }
void stwbrx(Builder& b, Insn i) { store(b, i, Form::kX, 4, Order::kReversed); }
void stdbrx(Builder& b, Insn i) { store(b, i, Form::kX, 8, Order::kReversed); }

// Multiple: RT..r31. An RA in the range is an invalid form for lmw.
void lmw(Builder& b, Insn i) {
    if (i.ra() >= i.rt()) return b.illegal();
    const Value ea = address(b, i, Form::kD);
    if (refused_in_little_endian(b, ea)) return;
    Value v[32];
    for (u32 r = i.rt(); r < 32; ++r) v[r] = b.load(b.add(ea, 4 * (r - i.rt())), 4);
    for (u32 r = i.rt(); r < 32; ++r) b.set_gpr(r, v[r]);
}
void stmw(Builder& b, Insn i) {
    const Value ea = address(b, i, Form::kD);
    if (refused_in_little_endian(b, ea)) return;
    for (u32 r = i.rs(); r < 32; ++r) b.store(b.add(ea, 4 * (r - i.rs())), b.gpr(r), 4);
}

void lswi(Builder& b, Insn i) {
    const u32 bytes = i.nb() == 0 ? 32 : i.nb();
    // RA in the range of registers loaded is an invalid form.
    if ((i.ra() + 32 - i.rt()) % 32 < (bytes + 3) / 4) return b.illegal();
    const Value ea = b.gpr_or_zero(i.ra());
    if (refused_in_little_endian(b, ea)) return;
    load_string_immediate(b, i, ea, bytes);
}
void stswi(Builder& b, Insn i) {
    const Value ea = b.gpr_or_zero(i.ra());
    if (refused_in_little_endian(b, ea)) return;
    store_string_immediate(b, i, ea, i.nb() == 0 ? 32 : i.nb());
}

// A select keeps each access inside the string: bytes past the end read its first byte, and are thrown away; an empty
// string exits before any access.
void lswx(Builder& b, Insn i) {
    const Value ea = address(b, i, Form::kX);
    if (refused_in_little_endian(b, ea)) return;
    const Value count = byte_count(b);
    b.exit_if(b.eq(count, b.imm(0)), b.cia_plus(4));
    Value words[32];
    for (u32 n = 0; n < 32; ++n) {
        words[n] = b.imm(0);
        for (u32 at = 0; at < 4; ++at) {
            const Value inside = b.lt_u(b.imm(4 * n + at), count);
            const Value byte = b.load(b.add(ea, b.select(inside, b.imm(4 * n + at), b.imm(0))), 1);
            words[n] = b.or_(words[n], b.select(inside, b.shl(byte, 24 - 8 * at), b.imm(0)));
        }
    }
    for (u32 n = 0; n < 32; ++n) {
        const u32 r = (i.rt() + n) % 32;
        b.set_gpr(r, b.select(b.lt_u(b.imm(4 * n), count), words[n], b.gpr(r)));
    }
}
void stswx(Builder& b, Insn i) {
    const Value ea = address(b, i, Form::kX);
    if (refused_in_little_endian(b, ea)) return;
    const Value count = byte_count(b);
    const Value next = b.cia_plus(4);
    for (u32 at = 0; at < 128; ++at) {
        b.exit_if(b.eq(b.imm(at), count), next);
        b.store(b.add(ea, at), b.shr(b.gpr((i.rs() + at / 4) % 32), 24 - 8 * (at % 4)), 1);
    }
}

// Quadwords: even register pair, the even one is the more significant doubleword.
void lq(Builder& b, Insn i) {
    if ((i.rt() & 1) || i.rt() == i.ra()) return b.illegal();
    const Value ea = b.add(b.gpr_or_zero(i.ra()), i.dq());
    b.call_sys(check_quadword, b.effective(ea));
    const Value v = b.load128(ea);
    b.set_gpr(i.rt(), b.high64(v));
    b.set_gpr(i.rt() + 1, b.low64(v));
}
void stq(Builder& b, Insn i) {
    if (i.rs() & 1) return b.illegal();
    const Value ea = address(b, i, Form::kDs);
    b.call_sys(check_quadword, b.effective(ea));
    b.store128(ea, b.make_v128(b.gpr(i.rs()), b.gpr(i.rs() + 1)));
}

// Cache-inhibited accesses are the hypervisor's; the translator has raised their interrupt.
void lwzcix(Builder& b, Insn) { b.illegal(); }
void lhzcix(Builder& b, Insn) { b.illegal(); }
void lbzcix(Builder& b, Insn) { b.illegal(); }
void ldcix(Builder& b, Insn) { b.illegal(); }
void stwcix(Builder& b, Insn) { b.illegal(); }
void sthcix(Builder& b, Insn) { b.illegal(); }
void stbcix(Builder& b, Insn) { b.illegal(); }
void stdcix(Builder& b, Insn) { b.illegal(); }

}  // namespace mpower::jit::isa::sem
