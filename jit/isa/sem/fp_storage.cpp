// Floating-point loads, stores and moves (Power ISA, Book I 4.6.2-4.6.5).
#include "jit/fp/emit.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;

namespace {

Value address_d(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), i.si()); }
Value address_ds(Builder& b, Insn i) { return b.add(b.gpr_or_zero(i.ra()), i.ds()); }
Value address_x(Builder& b, Insn i) { return i.ra() == 0 ? b.gpr(i.rb()) : b.add(b.gpr(i.ra()), b.gpr(i.rb())); }

enum class Update : bool { kNo, kYes };

/// FRT <- DOUBLE(MEM(EA, 4)) or MEM(EA, 8)
void load(Builder& b, Insn i, Value ea, u8 size, Update update = Update::kNo) {
    if (update == Update::kYes && i.ra() == 0) return b.illegal();
    const Value v = b.load(ea, size);
    fp::set_scalar(b, i.rt(), size == 4 ? b.widen(v) : v);
    if (update == Update::kYes) b.set_gpr(i.ra(), ea);
}

/// MEM(EA, 4) <- SINGLE(FRS), or MEM(EA, 8) <- FRS
void store(Builder& b, Insn i, Value ea, u8 size, Update update = Update::kNo) {
    if (update == Update::kYes && i.ra() == 0) return b.illegal();
    const Value v = b.fpr(i.rs());
    b.store(ea, size == 4 ? b.narrow(v) : v, size);
    if (update == Update::kYes) b.set_gpr(i.ra(), ea);
}

/// The even register has the doubleword at EA in big-endian mode, the one at EA + 8 in little-endian mode.
void load_pair(Builder& b, Insn i, Value ea) {
    if (i.rt() & 1) return b.illegal();
    const Value first = b.load(ea, 8), second = b.load(b.add(ea, 8), 8);
    fp::set_scalar(b, i.rt(), b.mode().le ? second : first);
    fp::set_scalar(b, i.rt() + 1, b.mode().le ? first : second);
}
void store_pair(Builder& b, Insn i, Value ea) {
    if (i.rs() & 1) return b.illegal();
    b.store(ea, b.fpr(i.rs() + b.mode().le), 8);
    b.store(b.add(ea, 8), b.fpr(i.rs() + !b.mode().le), 8);
}

constexpr u64 kSign = fp::Double::kSign;

/// FRT <- a bit operation on FRB; FPSCR is not touched.
template <class F>
void move(Builder& b, Insn i, F f) {
    fp::set_scalar(b, i.rt(), f(b.fpr(i.rb())));
    if (i.rc()) fp::record_fp(b);
}

}  // namespace

void lfs(Builder& b, Insn i) { load(b, i, address_d(b, i), 4); }
void lfsu(Builder& b, Insn i) { load(b, i, address_d(b, i), 4, Update::kYes); }
void lfsx(Builder& b, Insn i) { load(b, i, address_x(b, i), 4); }
void lfsux(Builder& b, Insn i) { load(b, i, address_x(b, i), 4, Update::kYes); }
void lfd(Builder& b, Insn i) { load(b, i, address_d(b, i), 8); }
void lfdu(Builder& b, Insn i) { load(b, i, address_d(b, i), 8, Update::kYes); }
void lfdx(Builder& b, Insn i) { load(b, i, address_x(b, i), 8); }
void lfdux(Builder& b, Insn i) { load(b, i, address_x(b, i), 8, Update::kYes); }
void lfiwax(Builder& b, Insn i) { fp::set_scalar(b, i.rt(), b.load(address_x(b, i), 4, true)); }
void lfiwzx(Builder& b, Insn i) { fp::set_scalar(b, i.rt(), b.load(address_x(b, i), 4)); }
void lfdp(Builder& b, Insn i) { load_pair(b, i, address_ds(b, i)); }
void lfdpx(Builder& b, Insn i) { load_pair(b, i, address_x(b, i)); }

void stfs(Builder& b, Insn i) { store(b, i, address_d(b, i), 4); }
void stfsu(Builder& b, Insn i) { store(b, i, address_d(b, i), 4, Update::kYes); }
void stfsx(Builder& b, Insn i) { store(b, i, address_x(b, i), 4); }
void stfsux(Builder& b, Insn i) { store(b, i, address_x(b, i), 4, Update::kYes); }
void stfd(Builder& b, Insn i) { store(b, i, address_d(b, i), 8); }
void stfdu(Builder& b, Insn i) { store(b, i, address_d(b, i), 8, Update::kYes); }
void stfdx(Builder& b, Insn i) { store(b, i, address_x(b, i), 8); }
void stfdux(Builder& b, Insn i) { store(b, i, address_x(b, i), 8, Update::kYes); }
void stfiwx(Builder& b, Insn i) { b.store(address_x(b, i), b.fpr(i.rs()), 4); }
void stfdp(Builder& b, Insn i) { store_pair(b, i, address_ds(b, i)); }
void stfdpx(Builder& b, Insn i) { store_pair(b, i, address_x(b, i)); }

void fmr(Builder& b, Insn i) {
    move(b, i, [](Value v) { return v; });
}
void fneg(Builder& b, Insn i) {
    move(b, i, [&](Value v) { return b.xor_(v, b.imm(kSign)); });
}
void fabs(Builder& b, Insn i) {
    move(b, i, [&](Value v) { return b.and_(v, ~kSign); });
}
void fnabs(Builder& b, Insn i) {
    move(b, i, [&](Value v) { return b.or_(v, b.imm(kSign)); });
}
// FRT <- sign of FRA || FRB[1:63]
void fcpsgn(Builder& b, Insn i) {
    move(b, i, [&](Value v) { return b.or_(b.and_(v, ~kSign), b.and_(b.fpr(i.ra()), kSign)); });
}
// FRT <- FRA[0:31] || FRB[0:31]
void fmrgew(Builder& b, Insn i) {
    fp::set_scalar(b, i.rt(), b.or_(b.and_(b.fpr(i.ra()), ~u64{0} << 32), b.shr(b.fpr(i.rb()), 32)));
}
// FRT <- FRA[32:63] || FRB[32:63]
void fmrgow(Builder& b, Insn i) { fp::set_scalar(b, i.rt(), b.or_(b.shl(b.fpr(i.ra()), 32), b.zext32(b.fpr(i.rb())))); }

}  // namespace mpower::jit::isa::sem
