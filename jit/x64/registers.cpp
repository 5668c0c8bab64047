// The compiler's register allocation.
#include <algorithm>

#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Float;
using ir::FloatForm;
using ir::Op;

namespace {

// Those that survive calls first.
constexpr u8 kAllocatable[] = {3 /*rbx*/, 5 /*rbp*/, 12, 6 /*rsi*/, 7 /*rdi*/, 8, 9, 10, 11};
constexpr unsigned kCalleeSaved = 3;

Mem saved(u32 r) { return ptr_64(rsp, kSavedGeneral + 8 * static_cast<int>(r)); }
Mem saved_vector(u32 r) { return ptr_64(rsp, kSavedVectors + 16 * static_cast<int>(r)); }

bool fits_i32(u64 v) { return static_cast<i64>(v) == static_cast<i32>(v); }

}  // namespace

Mem Compiler::slot(u32 id, int offset) {
    i16& n = place_[id].slot;
    if (n < 0) {  // the first free one: few slots are in the cache, and they are far from aliases
        const auto free = std::find(slot_owner_.begin(), slot_owner_.end(), kNobody);
        n = static_cast<i16>(free - slot_owner_.begin());
        if (free == slot_owner_.end())
            slot_owner_.push_back(id);
        else
            *free = id;
    }
    return ptr_64(rsp, kSlots + 16 * n + offset);
}

bool Compiler::is_remade(u32 id) const {
    const Inst& i = block_.insts[id];
    return i.op == Op::kConst || i.op == Op::kPc || (i.op == Op::kGet8 && i.imm == offsetof(CpuState, so) && so_stays_);
}

bool Compiler::constant(u32 id, u64* v) const {
    *v = block_.insts[id].imm;
    return block_.insts[id].op == Op::kConst;
}

void Compiler::save(u32 id) {
    if (place_[id].in_slot || place_[id].in_state || is_remade(id)) return;
    if (place_[id].reg >= 0)
        a_.mov(slot(id), gpq(static_cast<u32>(place_[id].reg)));
    else if (is_vector(id))
        a_.movaps(slot(id), xmm(static_cast<u32>(place_[id].xmm)));
    else
        a_.movq(slot(id), xmm(static_cast<u32>(place_[id].xmm)));
    place_[id].in_slot = true;
}

Mem Compiler::spilled(u32 id) { return place_[id].in_slot ? slot(id) : state(block_.insts[id].imm, 8); }

void Compiler::leave_state(u64 offset, u64 size) {
    std::erase_if(in_state_, [&](u32 id) {
        const u64 at = block_.insts[id].imm;
        if (at + 8 <= offset || offset + size <= at) return false;
        Place& place = place_[id];
        if (place.reg < 0 && place.xmm < 0 && !place.in_slot && live_.last_use[id] >= now_) {
            a_.mov(rax, state(at, 8));
            a_.mov(slot(id), rax);
            place.in_slot = true;
        }
        place.in_state = false;
        return true;
    });
}

void Compiler::find_state_values() {
    stays_in_state_.assign(block_.insts.size(), false);
    if (!lazy_) {  // what is stored goes where the store wants it
        for (const Inst& i : block_.insts) {
            if (i.op != Op::kStore) continue;
            const Inst& v = block_.insts[i.b];
            stays_in_state_[i.b] =
                v.op == Op::kGet64 && ir::is_gpr(v.imm) && v.guest == i.guest && live_.uses[i.b] == 1;
        }
        return;
    }
    for (u32 id = 0; id < block_.insts.size(); ++id) {
        const Inst& i = block_.insts[id];
        if (i.op == Op::kGet64 && ir::is_gpr(i.imm))
            stays_in_state_[id] = id >= block_.kept || is_arm() || !is_written(i);
        u32 argument[3];
        const unsigned n = ir::arguments(i, argument);
        // Ways out write these, perhaps after the GPR that they were read from.
        const bool late = ir::set_size(i.op) != 0 || ir::is_float(i.op) || live_.wanted_late[id];
        for (unsigned k = 0; late && k < n; ++k) stays_in_state_[argument[k]] = false;
    }
}

void Compiler::forget_xmm(u32 id) {
    if (place_[id].xmm < 0) return;
    xmm_owner_[place_[id].xmm] = kNobody;
    place_[id].xmm = -1;
}

Xmm Compiler::take_xmm() {
    u32 victim = kNobody;
    for (u32 r = kFirstXmm; r < xmm_end(); ++r) {
        if (pinned_xmm_ >> r & 1) continue;
        if (xmm_owner_[r] == kNobody) {
            pinned_xmm_ |= 1u << r;
            return xmm(r);
        }
        if (victim == kNobody || next_use(xmm_owner_[r]) > next_use(xmm_owner_[victim])) victim = r;
    }
    const u32 id = xmm_owner_[victim];
    if (place_[id].reg < 0) save(id);
    forget_xmm(id);
    pinned_xmm_ |= 1u << victim;
    return xmm(victim);
}

// If none is free, what is wanted last of what is there moves up.
Xmm Compiler::take_low_xmm() {
    const Xmm x = take_xmm();
    if (x.id() < EvexAssembler::kFirst) return x;
    u32 low = kNobody;
    for (u32 r = kFirstXmm; r < EvexAssembler::kFirst; ++r) {
        if (pinned_xmm_ >> r & 1) continue;
        if (low == kNobody || next_use(xmm_owner_[r]) > next_use(xmm_owner_[low])) low = r;
    }
    a_.movaps(x, xmm(low));
    own_xmm(x, xmm_owner_[low]);
    xmm_owner_[low] = kNobody;
    pinned_xmm_ |= 1u << low;
    return xmm(low);
}

Xmm Compiler::own_xmm(const Xmm& x, u32 id) {
    xmm_owner_[x.id()] = id;
    place_[id].xmm = static_cast<i8>(x.id());
    return x;
}

Xmm Compiler::define_xmm(u32 id) {
    if (!wants_home_.empty() && wants_home_[id] >= 0) {
        const u32 home = static_cast<u32>(wants_home_[id]);
        if (xmm_owner_[home] == kNobody && (pinned_xmm_ >> home & 1) == 0) return own_xmm(xmm(home), id);
    }
    return own_xmm(take_xmm(), id);
}

Xmm Compiler::define_home(u32 id) {
    u32 r = xmm_end() - 1;
    while (xmm_owner_[r] != kNobody) --r;
    return own_xmm(xmm(r), id);
}

Xmm Compiler::define_low_xmm(u32 id) { return own_xmm(take_low_xmm(), id); }

Xmm Compiler::use_xmm(u32 id) {
    if (place_[id].xmm < 0) {
        const Xmm x = take_xmm();
        load_into_xmm(x, id);
        own_xmm(x, id);
    }
    pinned_xmm_ |= 1u << place_[id].xmm;
    return xmm(static_cast<u32>(place_[id].xmm));
}

Xmm Compiler::use_low_xmm(u32 id) {
    const Xmm x = use_xmm(id);  // and pinned, for those who use it where it is
    if (x.id() < EvexAssembler::kFirst) return x;
    const Xmm low = take_low_xmm();
    a_.movaps(low, x);
    xmm_owner_[x.id()] = kNobody;
    return own_xmm(low, id);
}

void Compiler::load_into_xmm(const Xmm& x, u32 id) {
    u64 v;
    if (place_[id].xmm >= 0) {
        a_.movaps(x, xmm(static_cast<u32>(place_[id].xmm)));
    } else if (place_[id].reg >= 0) {
        a_.movq(x, gpq(static_cast<u32>(place_[id].reg)));
    } else if (constant(id, &v)) {
        if (v == 0)
            a_.xorps(x, x);
        else
            a_.movq(x, pool(v, 0));
    } else if (is_remade(id)) {
        a_.movq(x, use(id));
    } else if (is_vector(id)) {
        a_.movaps(x, slot(id));
    } else {
        a_.movq(x, spilled(id));
    }
}

Mem Compiler::pool(u64 lo, u64 hi) {
    for (const Constant& c : unit_.constants) {
        if (c.lo == lo && c.hi == hi) return xmmword_ptr(c.label);
    }
    unit_.constants.push_back({a_.newLabel(), lo, hi});
    return xmmword_ptr(unit_.constants.back().label);
}

void Compiler::forget_register(u32 id) {
    if (place_[id].reg < 0) return;
    owner_[place_[id].reg] = kNobody;
    place_[id].reg = -1;
}

Gp Compiler::take_register() {
    u32 victim = 16;
    for (const u8 r : kAllocatable) {
        if (pinned_ >> r & 1) continue;
        if (owner_[r] == kNobody) {
            pinned_ |= 1u << r;
            return gpq(r);
        }
        if (victim == 16 || next_use(owner_[r]) > next_use(owner_[victim])) victim = r;
    }
    const u32 id = owner_[victim];
    if (place_[id].xmm < 0) save(id);
    forget_register(id);
    pinned_ |= 1u << victim;
    return gpq(victim);
}

void Compiler::load_address(const Gp& r, u64 offset) {
    if (fits_i32(offset)) {
        if (block_.mode.sf)
            a_.lea(r, ptr(kEntry, static_cast<i32>(offset)));
        else
            a_.lea(r.r32(), ptr(kEntry, static_cast<i32>(offset)));
        return;
    }
    a_.mov(r, imm(offset));
    if (block_.mode.sf)
        a_.add(r, kEntry);
    else
        a_.add(r.r32(), kEntry.r32());
}

void Compiler::load_into(const Gp& r, u32 id) {
    const Inst& i = block_.insts[id];
    if (place_[id].reg >= 0) {
        a_.mov(r, gpq(static_cast<u32>(place_[id].reg)));
    } else if (i.op == Op::kConst) {
        if (i.imm == 0)
            a_.mov(r.r32(), 0);  // not xor: flags may be wanted
        else if (i.imm <= 0xffffffff)
            a_.mov(r.r32(), imm(i.imm));
        else
            a_.mov(r, imm(i.imm));
    } else if (i.op == Op::kPc) {
        load_address(r, i.imm);
    } else if (is_remade(id)) {
        a_.movzx(r.r32(), state(i.imm, 1));
    } else if (place_[id].xmm >= 0) {
        a_.movq(r, xmm(static_cast<u32>(place_[id].xmm)));
    } else {
        a_.mov(r, spilled(id));
    }
}

Gp Compiler::use(u32 id) {
    if (place_[id].reg < 0) {
        const Gp r = take_register();
        load_into(r, id);
        place_[id].reg = static_cast<i8>(r.id());
        owner_[r.id()] = id;
    }
    pinned_ |= 1u << place_[id].reg;
    return gpq(static_cast<u32>(place_[id].reg));
}

asmjit::Operand Compiler::operand(u32 id) {
    u64 v;
    if (constant(id, &v) && fits_i32(v)) return imm(static_cast<i64>(v));
    return use(id);
}

asmjit::Operand Compiler::wide_source(u32 id) {
    const Place& place = place_[id];
    if (place.reg < 0 && (place.in_slot || place.in_state) && !is_vector(id) && (dies(id) || is_full()))
        return spilled(id);
    return use(id);
}

asmjit::Operand Compiler::source(u32 id) { return is_remade(id) ? operand(id) : wide_source(id); }

Gp Compiler::define(u32 id) {
    const Gp r = take_register();
    owner_[r.id()] = id;
    place_[id].reg = static_cast<i8>(r.id());
    return r;
}

Gp Compiler::define_from(u32 id, u32 a) {
    if (dies(a) && place_[a].reg >= 0) {
        const i8 r = place_[a].reg;
        place_[a].reg = -1;
        owner_[r] = id;
        place_[id].reg = r;
        pinned_ |= 1u << r;
        return gpq(static_cast<u32>(r));
    }
    // Pinned, lest the new register be the one that holds a.
    if (place_[a].reg >= 0) pinned_ |= 1u << place_[a].reg;
    const Gp r = define(id);
    load_into(r, a);
    return r;
}

void Compiler::find_uses() {
    const std::size_t n = block_.insts.size();
    first_use_.assign(n + 1, 0);
    const auto each_use = [&](auto f) {
        for (u32 id = 0; id < n; ++id) {
            if (ir::is_pure(block_.insts[id].op) && live_.uses[id] == 0) continue;
            u32 args[3];
            const unsigned count = ir::arguments(block_.insts[id], args);
            for (unsigned k = 0; k < count; ++k) f(args[k], live_.fused[id] ? live_.last_use[id] : id);
        }
    };
    each_use([&](u32 value, u32) { ++first_use_[value + 1]; });
    for (std::size_t id = 0; id < n; ++id) first_use_[id + 1] += first_use_[id];
    use_at_.resize(first_use_[n]);
    next_use_ = first_use_;
    each_use([&](u32 value, u32 at) { use_at_[next_use_[value]++] = at; });
    next_use_ = first_use_;
}

u32 Compiler::next_use(u32 id) {
    if (!lazy_) return live_.last_use[id];
    const u32 end = first_use_[id + 1];
    u32& next = next_use_[id];
    while (next < end && use_at_[next] < now_) ++next;
    return next < end ? use_at_[next] : live_.last_use[id];
}

bool Compiler::is_full() const {
    return std::all_of(std::begin(kAllocatable), std::end(kAllocatable),
                       [&](u8 r) { return owner_[r] != kNobody || (pinned_ >> r & 1) != 0; });
}

void Compiler::clear_caller_saved() {
    for (unsigned n = kCalleeSaved; n < sizeof kAllocatable; ++n) {
        const u32 id = owner_[kAllocatable[n]];
        if (id != kNobody && !dies(id)) save(id);
    }
    for (const u32 id : xmm_owner_) {
        if (id != kNobody && !dies(id)) save(id);
    }
}

void Compiler::forget_caller_saved() {
    for (unsigned n = kCalleeSaved; n < sizeof kAllocatable; ++n) {
        if (owner_[kAllocatable[n]] != kNobody) forget_register(owner_[kAllocatable[n]]);
    }
    for (const u32 id : xmm_owner_) {
        if (id != kNobody) forget_xmm(id);
    }
}

// A value that dies here may still be written on the way out.
Compiler::Kept Compiler::kept() const {
    Kept k;
    for (unsigned n = kCalleeSaved; n < sizeof kAllocatable; ++n) {
        const u32 r = kAllocatable[n], id = owner_[r];
        if (id != kNobody && live_.last_use[id] >= now_) k.general.emplace_back(r, id);
    }
    for (u32 r = kFirstXmm; r < kMostXmm; ++r) {
        if (xmm_owner_[r] != kNobody && live_.last_use[xmm_owner_[r]] >= now_) k.vectors.emplace_back(r, xmm_owner_[r]);
    }
    return k;
}

// Not to the values' slots: which slot was free there is not known any more when code out of line is made.
void Compiler::save_kept(const Kept& k) {
    for (const auto& [r, id] : k.general) a_.mov(saved(r), gpq(r));
    for (const auto& [r, id] : k.vectors) {
        if (is_vector(id))
            a_.movaps(saved_vector(r), xmm(r));
        else
            a_.movq(saved_vector(r), xmm(r));
    }
}

void Compiler::restore_kept(const Kept& k) {
    for (const auto& [r, id] : k.general) a_.mov(gpq(r), saved(r));
    for (const auto& [r, id] : k.vectors) {
        if (is_vector(id))
            a_.movaps(xmm(r), saved_vector(r));
        else
            a_.movq(xmm(r), saved_vector(r));
    }
}

void Compiler::find_wishes() {
    wants_xmm_.assign(block_.insts.size(), false);
    for (u32 id = static_cast<u32>(block_.insts.size()); id-- > 0;) {
        const Inst& i = block_.insts[id];
        if (ir::is_pure(i.op) && live_.uses[id] == 0) continue;
        const bool passes_on = (i.op == Op::kAnd || i.op == Op::kOr || i.op == Op::kXor) && wants_xmm_[id];
        const bool from_integer =
            FloatForm::of(i.imm2).op == Float::kFromS64 || FloatForm::of(i.imm2).op == Float::kFromU64;
        if (passes_on || (i.op == Op::kMakeV128 && !live_.fused[id]) || i.op == Op::kFloatCompare ||
            i.op == Op::kNarrow || (i.op == Op::kFloat && !from_integer)) {
            u32 argument[3];
            const unsigned n = ir::arguments(i, argument);
            for (unsigned k = 0; k < n; ++k) wants_xmm_[argument[k]] = true;
        }
    }
}

}  // namespace mpower::jit::x64
