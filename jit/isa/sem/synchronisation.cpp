// Load and reserve, store conditional, atomic memory operations, barriers, cache management (Power ISA, Book II).
#include "jit/cache_ops.h"
#include "jit/isa/table.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

Value address(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), b.gpr(i.rb())); }

void load_reserve(Builder& b, Insn i, u8 size) { b.set_gpr(i.rt(), b.load_reserve(address(b, i), size)); }

/// CR0 <- 0b00 || stored || SO
void set_stored(Builder& b, Value stored) { b.set_cr(0, b.or_(b.shl(stored, 1), b.so())); }

void store_conditional(Builder& b, Insn i, u8 size) {
    set_stored(b, b.store_conditional(address(b, i), b.gpr(i.rs()), size));
}

/// Value that an atomic memory operation leaves in storage (ISA 3.0, Book II 4.5): `old` is the operand in storage,
/// `x` the register's, both zero-extended from `size` bytes.
Value atomic_result(Builder& b, u32 function, Value old, Value x, u8 size) {
    const auto s = [&](Value v) { return size == 4 ? b.sext32(v) : v; };
    switch (function) {
        case 0: return b.add(old, x);
        case 1: return b.xor_(old, x);
        case 2: return b.or_(old, x);
        case 3: return b.and_(old, x);
        case 4: return b.select(b.lt_u(old, x), x, old);
        case 5: return b.select(b.lt_s(s(old), s(x)), x, old);
        case 6: return b.select(b.lt_u(x, old), x, old);
        case 7: return b.select(b.lt_s(s(x), s(old)), x, old);
        default: return x;  // 8: swap
    }
}

/// lwat, ldat, stwat, stdat by a reservation: another vCPU's store in between starts the instruction again. Functions
/// on two operands in storage (16, 24, 25, 28) are refused as the ISA allows for unsupported ones: data storage
/// interrupt is for storage that cannot, an invalid function is an illegal instruction.
void atomic_memory(Builder& b, Insn i, u8 size, bool is_load) {
    const u32 function = i.field(16, 20);
    if (function > 8 || (!is_load && function == 8)) return b.illegal();
    const Value ea = b.gpr_or_zero(i.ra());
    const u32 operand = is_load ? (i.rt() + 1) % 32 : i.rs();
    const Value x = size == 4 ? b.zext32(b.gpr(operand)) : b.gpr(operand);
    const Value old = b.load_reserve(ea, size);
    const Value stored = b.store_conditional(ea, atomic_result(b, function, old, x, size), size);
    b.exit_if(b.eq(stored, b.imm(0)), b.cia_plus(0));
    if (is_load) b.set_gpr(i.rt(), old);
}

constexpr u64 kCacheLineBytes = 128;

}  // namespace

void lbarx(Builder& b, Insn i) { load_reserve(b, i, 1); }
void lharx(Builder& b, Insn i) { load_reserve(b, i, 2); }
void lwarx(Builder& b, Insn i) { load_reserve(b, i, 4); }
void ldarx(Builder& b, Insn i) { load_reserve(b, i, 8); }
void lqarx(Builder& b, Insn i) {
    if ((i.rt() & 1) || i.rt() == i.ra() || i.rt() == i.rb()) return b.illegal();
    const Value v = b.load_reserve128(address(b, i));
    b.set_gpr(i.rt(), b.high64(v));
    b.set_gpr(i.rt() + 1, b.low64(v));
}
void stbcx_(Builder& b, Insn i) { store_conditional(b, i, 1); }
void sthcx_(Builder& b, Insn i) { store_conditional(b, i, 2); }
void stwcx_(Builder& b, Insn i) { store_conditional(b, i, 4); }
void stdcx_(Builder& b, Insn i) { store_conditional(b, i, 8); }
void stqcx_(Builder& b, Insn i) {
    if (i.rs() & 1) return b.illegal();
    const Value v = b.make_v128(b.gpr(i.rs()), b.gpr(i.rs() + 1));
    set_stored(b, b.store_conditional128(address(b, i), v));
}

void lwat(Builder& b, Insn i) { atomic_memory(b, i, 4, true); }
void ldat(Builder& b, Insn i) { atomic_memory(b, i, 8, true); }
void stwat(Builder& b, Insn i) { atomic_memory(b, i, 4, false); }
void stdat(Builder& b, Insn i) { atomic_memory(b, i, 8, false); }

void isync(Builder& b, Insn) { b.exit_sync(); }

// L = 1 (lwsync) orders everything but a store before a load: x86 does that by itself.
void sync(Builder& b, Insn i) {
    if (i.field(9, 10) != 1) b.fence();
}
void eieio(Builder&, Insn) {}
// Waiting is a hint; H_CEDE is how a guest idles.
void wait(Builder&, Insn) {}

void dcbz(Builder& b, Insn i) {
    const Value ea = b.and_(address(b, i), ~(kCacheLineBytes - 1));
    const Value zero = b.make_v128(b.imm(0), b.imm(0));
    for (u64 at = 0; at < kCacheLineBytes; at += 16) b.store128(b.add(ea, at), zero);
}

// Storage is coherent: cleaning and flushing a line changes nothing that a program can see.
void dcbst(Builder&, Insn) {}
void dcbf(Builder&, Insn) {}
void dcbi(Builder&, Insn) {}
void dcbt(Builder&, Insn) {}
void dcbtst(Builder&, Insn) {}
void icbt(Builder&, Insn) {}

void icbi(Builder& b, Insn i) { b.call_sys(jit::icbi, b.effective(address(b, i))); }

// Copy-paste has no accelerator to paste to: copy is accepted, paste. reports failure in CR0.
void copy(Builder&, Insn) {}
void cp_abort(Builder&, Insn) {}
void paste_(Builder& b, Insn) { b.set_cr(0, b.so()); }

}  // namespace mpower::jit::isa::sem
