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

/// Function codes of atomic memory operations (ISA 3.0, Book II 4.5); 0-7 are the same for loads and stores.
enum AtomicFunction : u32 {
    kSwap = 8,
    kSwapNotEqual = 16,
    kBoundedIncrement = 24,
    kIncrementEqual = 25,
    kBoundedDecrement = 28
};
constexpr u32 kStoreTwin = 24;

/// Value that functions 0-7 and swap leave in storage: `old` is the operand in storage, `x` the register's, both
/// zero-extended from `size` bytes.
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
        default: return x;
    }
}

/// A function code that does not exist: data storage interrupt with DSISR bit 61.
u64 no_such_function(CpuState& s, u64 ea, u64, u64) {
    s.spr[spr::kDar] = ea;
    s.spr[spr::kDsisr] = ppc_bit(61);
    s.pending = Vector::kDataStorage;
    s.pending_srr1 = 0;
    return 0;
}

/// Both operands of a function on two, the first at `ea` and the lower one at `low`, must be in one block of 32 bytes.
u64 check_pair(CpuState& s, u64 ea, u64 low, u64 size) {
    if ((low & (size - 1)) == 0 && (low & 31) + 2 * size <= 32) return 0;
    s.spr[spr::kDar] = ea;
    s.spr[spr::kDsisr] = 0;
    s.pending = Vector::kAlignment;
    s.pending_srr1 = 0;
    return 0;
}

/// The operand beside the one at `ea`, `size` bytes away.
Value load_neighbour(Builder& b, Value ea, u8 size, bool below) {
    const Value at = below ? b.sub(ea, b.imm(size)) : b.add(ea, size);
    b.call_sys(check_pair, b.effective(ea), b.effective(below ? at : ea), b.imm(size));
    return b.load(at, size);
}

/// Stores `v` if nothing changed the operand since it was loaded, else starts the instruction again.
void store_or_repeat(Builder& b, Value ea, Value v, u8 size) {
    b.exit_if(b.eq(b.store_conditional(ea, v, size), b.imm(0)), b.cia_plus(0));
}

Value operand(Builder& b, u32 r, u8 size) { return size == 4 ? b.zext32(b.gpr(r % 32)) : b.gpr(r % 32); }

// The operand at EA is changed by a reservation. The second operand of the functions on two is read or written beside
// it, not in one access with it: software that changes that one at the same time sees two steps.

/// lwat, ldat: RT <- old value in storage.
void load_atomic(Builder& b, Insn i, u8 size) {
    const u32 function = i.field(16, 20);
    const Value ea = b.gpr_or_zero(i.ra()), x = operand(b, i.rt() + 1, size);
    Value old, next;
    if (function <= kSwap || function == kSwapNotEqual) {
        old = b.load_reserve(ea, size);
        next = function <= kSwap ? atomic_result(b, function, old, x, size)
                                 : b.select(b.ne(old, x), operand(b, i.rt() + 2, size), old);
    } else if (function == kBoundedIncrement || function == kIncrementEqual || function == kBoundedDecrement) {
        const bool decrement = function == kBoundedDecrement;
        const Value bound = load_neighbour(b, ea, size, decrement);
        const Value present = b.load_reserve(ea, size);
        const Value done = function == kIncrementEqual ? b.eq(present, bound) : b.ne(present, bound);
        next = b.select(done, b.add(present, decrement ? ~u64{0} : 1), present);
        old = b.select(done, present, b.imm(u64{1} << (8 * size - 1)));
    } else {
        b.call_sys(no_such_function, b.effective(ea));
        return;
    }
    store_or_repeat(b, ea, next, size);
    b.set_gpr(i.rt(), old);
}

/// stwat, stdat
void store_atomic(Builder& b, Insn i, u8 size) {
    const u32 function = i.field(16, 20);
    const Value ea = b.gpr_or_zero(i.ra()), x = operand(b, i.rs(), size);
    if (function < kSwap) {
        const Value old = b.load_reserve(ea, size);
        store_or_repeat(b, ea, atomic_result(b, function, old, x, size), size);
    } else if (function == kStoreTwin) {
        const Value second = load_neighbour(b, ea, size, false);
        const Value first = b.load_reserve(ea, size);
        const Value equal = b.eq(first, second);
        store_or_repeat(b, ea, b.select(equal, x, first), size);
        b.exit_if(b.eq(equal, b.imm(0)), b.cia_plus(4));
        b.store(b.add(ea, size), x, size);
    } else {
        b.call_sys(no_such_function, b.effective(ea));
    }
}

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

void lwat(Builder& b, Insn i) { load_atomic(b, i, 4); }
void ldat(Builder& b, Insn i) { load_atomic(b, i, 8); }
void stwat(Builder& b, Insn i) { store_atomic(b, i, 4); }
void stdat(Builder& b, Insn i) { store_atomic(b, i, 8); }

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
// No-operations on every server processor since POWER5; RA = 0 is an invalid form.
void dst(Builder& b, Insn i) {
    if (i.ra() == 0) b.illegal();
}
void dstst(Builder& b, Insn i) { dst(b, i); }
void dss(Builder&, Insn) {}

void icbi(Builder& b, Insn i) { b.call_sys(jit::icbi, b.effective(address(b, i))); }

// Copy-paste has no accelerator to paste to: copy is accepted, paste. reports failure in CR0.
void copy(Builder&, Insn) {}
void cp_abort(Builder&, Insn) {}
void paste_(Builder& b, Insn) { b.set_cr(0, b.so()); }

}  // namespace mpower::jit::isa::sem
