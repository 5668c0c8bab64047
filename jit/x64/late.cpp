// Hot code writes guest state late: a value stays in its register until an instruction could see that the state is not
// in its place. What may only be seen by leaving (a fault, a side exit) is written out of line, on the way out. A loop
// keeps the state that it reads in registers from one round to the next.
#include <algorithm>
#include <utility>

#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::FloatForm;
using ir::Op;

namespace {

constexpr int kFromState = -2, kFromLooks = -3;  // and below

Mem looked(std::size_t n) { return ptr_64(rsp, kLooks + 8 * static_cast<int>(n)); }

u8 seen_size(Op op) { return op == Op::kSet128 ? 16 : ir::get_size(op); }

}  // namespace

void Compiler::write_later(const Inst& set) {
    const u8 size = ir::set_size(set.op);
    write_now([&](const Late& l) {
        const bool overlaps = l.offset < set.imm + size && set.imm < l.offset + l.size;
        return overlaps && (l.offset != set.imm || l.size != size);
    });
    std::erase_if(late_, [&](const Late& l) { return l.offset == set.imm; });
    late_.push_back({set.imm, size, set.a});
}

void Compiler::write_status_later(u32 id) {
    std::erase_if(late_, [](const Late& l) { return l.offset == ir::kStatusOffset; });
    late_.push_back({ir::kStatusOffset, sizeof(LastFloat), id});
}

void Compiler::settle(const Inst& i) {
    if (late_.empty() || i.op == Op::kLoop || (i.op == Op::kSet128 && block_.late_float)) return;
    if (i.op == Op::kCall || i.op == Op::kCallSys || ir::ends_block(i.op)) {
        write_now([](const Late&) { return true; });
    } else if (const u8 size = seen_size(i.op)) {
        write_now([&](const Late& l) { return l.offset < i.imm + size && i.imm < l.offset + l.size; });
    }
}

void Compiler::write_now(const std::function<bool(const Late&)>& which) {
    for (const Late& l : late_) {
        if (which(l)) leave_state(l.offset, l.size);
    }
    for (Late& l : late_) {
        if (!which(l)) continue;
        locate(l);
        write(l);
    }
    std::erase_if(late_, which);
}

void Compiler::locate(Late& l) const {
    l.place = place_[l.value];
    if (!live_.wanted_late[l.value] && l.offset != ir::kStatusOffset) return;
    const Inst& made = block_.insts[l.value];
    l.operands[0] = place_[made.a];
    l.operands[1] = place_[made.b];
    l.operands[2] = place_[made.c];
}

std::vector<Compiler::Late> Compiler::late_writes() {
    for (Late& l : late_) locate(l);
    return late_;
}

std::vector<Compiler::Late> Compiler::late_writes(u32 id, const Gp& r) {
    const i8 now = std::exchange(place_[id].reg, static_cast<i8>(r.id()));
    std::vector<Late> all = late_writes();
    place_[id].reg = now;
    return all;
}

void Compiler::write(const std::vector<Late>& late) {
    for (const Late& l : late) write(l);
    if (floats_) a_.call(imm(stubs_.note_inexact));
}

void Compiler::load_from(const Gp& r, u32 id, const Place& place) {
    const Place now = std::exchange(place_[id], place);
    load_into(r, id);
    place_[id] = now;
}

void Compiler::write_status(const Late& l) {
    const Inst& i = block_.insts[l.value];
    const FloatForm form = FloatForm::of(i.imm2);
    // A comparison since then has written LastFloat::compared.
    a_.emit(asmjit::x86::Inst::kIdMov, state(l.offset, l.compared ? 2 : 8), imm(form.packed() & 0xffff));
    const u32 ids[] = {i.a, i.b, i.c};
    const u64 offsets[] = {offsetof(LastFloat, a), offsetof(LastFloat, b), offsetof(LastFloat, c)};
    for (unsigned n = 0; n < 3; ++n) {
        if ((n == 0 && !reads_a(form.op)) || (n == 2 && !is_fused(form.op))) continue;
        write_word(l.offset + offsets[n], ids[n], l.operands[n]);
    }
}

void Compiler::write_word(u64 offset, u32 id, const Place& place) {
    if (place.reg < 0 && place.xmm >= 0) return void(a_.movq(state(offset, 8), xmm(static_cast<u32>(place.xmm))));
    a_.mov(state(offset, 8), at_hand(id, place));
}

Gp Compiler::at_hand(u32 id, const Place& place) {
    if (place.reg >= 0) return gpq(static_cast<u32>(place.reg));
    load_from(rax, id, place);
    return rax;
}

void Compiler::write(const Late& l) {
    if (l.offset == ir::kStatusOffset) return write_status(l);
    const Inst& i = block_.insts[l.value];
    if (live_.wanted_late[l.value]) {
        load_from(rax, i.a, l.operands[0]);
        load_from(rcx, i.b, l.operands[1]);
        a_.cmp(i.imm != 0 ? Gp(eax) : Gp(rax), i.imm != 0 ? Gp(ecx) : Gp(rcx));
        make_cr_field(a_, rax, i.op == Op::kCompareS);
        load_from(rcx, i.c, l.operands[2]);
        a_.or_(eax, ecx);
        a_.mov(state(l.offset, 1), al);
        return;
    }
    if (u64 v; constant(l.value, &v) && static_cast<i64>(v) == static_cast<i32>(v)) {
        a_.emit(asmjit::x86::Inst::kIdMov, state(l.offset, l.size),
                imm(l.size == 1 ? static_cast<i8>(v) : static_cast<i32>(v)));
        return;
    }
    if (l.size == 16) {
        Xmm x = xmm0;
        if (l.place.xmm >= 0)
            x = xmm(static_cast<u32>(l.place.xmm));
        else
            a_.movaps(x, ptr_128(rsp, kSlots + 16 * l.place.slot));
        a_.movaps(state(l.offset, 16), x);
        return;
    }
    if (l.size == 8) return write_word(l.offset, l.value, l.place);
    const Gp r = at_hand(l.value, l.place);
    a_.mov(state(l.offset, l.size), l.size == 1 ? Gp(r.r8()) : Gp(r.r32()));
}

void Compiler::find_written() {
    const std::function<void(const ir::Block&)> find = [&](const ir::Block& block) {
        for (const Inst& i : block.insts) {
            if (ir::set_size(i.op) != 0) unit_.written.push_back(i.imm);
        }
        for (const ir::Block& arm : block.arms) find(arm);
    };
    find(block_);
    unit_.unseen = ir::written_unseen(block_);
}

bool Compiler::is_written(const Inst& get) const {
    return std::find(unit_.written.begin(), unit_.written.end(), get.imm) != unit_.written.end();
}

bool Compiler::is_changed(const Inst& get) const {
    const ir::Range range{get.imm, ir::get_size(get.op), 0};
    return std::any_of(block_.insts.begin() + block_.kept, block_.insts.begin() + now_, [&](const Inst& i) {
        return ir::is_call(i.op) || (ir::set_size(i.op) != 0 && range.overlaps(i.imm, ir::set_size(i.op)));
    });
}

u32 Compiler::kept_value(const Inst& kept) const {
    for (u32 id = 0; id < block_.kept; ++id) {
        const Inst& get = block_.insts[id];
        if (get.op == kept.op && get.imm == kept.imm) return is_changed(get) ? kNobody : id;
    }
    return kNobody;
}

void Compiler::load_state(const Gp& r, const Inst& get) {
    a_.mov(get.op == Op::kGet64 ? r : Gp(r.r32()), state(get.imm, get.op == Op::kGet64 ? 8 : 4));
    if (get.op == Op::kGet8) extend(r, get.op);
}

void Compiler::extend(const Gp& r, Op get) {
    if (get == Op::kGet8)
        a_.movzx(r.r32(), r.r8());
    else
        a_.mov(r.r32(), r.r32());
}

int Compiler::number_of(const Place& place, bool vector) const {
    const int general = place.reg, xmm = place.xmm < 0 ? -1 : kVectorNumber + place.xmm;
    if (vector) return xmm >= 0 ? xmm : general;
    return general >= 0 ? general : xmm;
}

void Compiler::move(int to, int from) {
    const bool to_xmm = to >= kVectorNumber, from_xmm = from >= kVectorNumber;
    const Xmm x = xmm(static_cast<u32>((to_xmm ? to : from) - kVectorNumber));
    if (to_xmm && from_xmm)
        a_.movaps(x, xmm(static_cast<u32>(from - kVectorNumber)));
    else if (to_xmm)
        a_.movq(x, gpq(static_cast<u32>(from)));
    else if (from_xmm)
        a_.movq(gpq(static_cast<u32>(to)), x);
    else
        a_.mov(gpq(static_cast<u32>(to)), gpq(static_cast<u32>(from)));
}

void Compiler::emit_loop_head() {
    wants_home_.assign(block_.insts.size(), -1);
    for (u32 id = 0; id < block_.kept; ++id) {
        const Inst& get = block_.insts[id];
        const int home = number_of(place_[id], ir::is_vsx(get.imm));
        unit_.homes.push_back({get, home});
        // What the loop writes is not in its place from the second round on.
        if (!is_written(get)) continue;
        late_.push_back({get.imm, ir::get_size(get.op), id});
        if (home < kVectorNumber) continue;
        const auto last = std::find_if(block_.insts.rbegin(), block_.insts.rend(),
                                       [&](const Inst& i) { return ir::set_size(i.op) != 0 && i.imm == get.imm; });
        wants_home_[last->a] = static_cast<i8>(home - kVectorNumber);
    }
    for (u32 id = block_.kept; id < block_.body(); ++id) {
        const Inst& look = block_.insts[id];
        if (look.op != Op::kLook) continue;
        const Gp addend = use(id);
        if (!block_.arms.empty()) a_.mov(looked(unit_.looks.size()), addend);
        unit_.looks.push_back({look, ir::base_of_look(block_, look), id, addend.id()});
    }
    unit_.loop = a_.newLabel();
    a_.bind(unit_.loop);
    parts_.loop = a_.offset();
}

Gp Compiler::present(const Inst& get, const Gp& scratch) {
    const u32 value = present_value(get);
    if (value == kNobody)
        load_state(scratch, get);
    else if (place_[value].reg >= 0)
        return gpq(static_cast<u32>(place_[value].reg));
    else
        load_into(scratch, value);
    return scratch;
}

u32 Compiler::present_value(const Inst& get) const {
    const auto late = std::find_if(late_.begin(), late_.end(), [&](const Late& l) { return l.offset == get.imm; });
    return late != late_.end() ? late->value : kept_value(get);
}

std::vector<int> Compiler::look_again(const Label& leave) {
    std::vector<int> where;
    for (const Look& l : unit_.looks) {
        const int in_frame = kFromLooks - static_cast<int>(where.size());
        // Here the look is alive if no round changes its base (ir::liveness).
        const bool stays =
            is_arm() ? !is_written(l.base.left) && !is_written(l.base.right) : live_.last_use[l.id] == now_;
        if (stays) {
            where.push_back(is_arm() ? in_frame : place_[l.id].reg);
        } else {
            const bool free = owner_[l.reg] == kNobody;
            Gp base = present(l.base.left, rcx);
            if (l.base.is_sum()) {
                a_.lea(rcx, ptr(base, present(l.base.right, rax)));
                base = rcx;
            }
            const Gp addend = free ? gpq(l.reg) : rcx;
            look(l.look, base, base, addend, leave);
            if (!free) a_.mov(looked(where.size()), addend);
            where.push_back(free ? static_cast<int>(l.reg) : in_frame);
        }
    }
    return where;
}

void Compiler::emit_loop() {
    const auto kept = [&](const Late& l) {
        return std::any_of(unit_.homes.begin(), unit_.homes.end(), [&](const Home& home) {
            return home.get.imm == l.offset && ir::get_size(home.get.op) == l.size;
        });
    };
    // What the next round writes before it can be seen is written by the poll's way out only.
    const auto is_unseen = [&](const Late& l) {
        return std::any_of(unit_.unseen.begin(), unit_.unseen.end(),
                           [&](const ir::Range& r) { return r.offset == l.offset && r.size == l.size; });
    };
    write_now([&](const Late& l) { return !kept(l) && !is_unseen(l); });
    const Label leave = a_.newLabel();
    a_.cmp(state(offsetof(CpuState, attention), 4), 0);
    a_.jne(leave);
    const std::vector<int> looks = look_again(leave);
    cold_.push_back([this, leave, late = late_writes()] {
        a_.bind(leave);
        write(late);
        if (unit_.looks.empty()) return void(a_.jmp(imm(stubs_.poll)));
        poll();
        go_on_plain(0);
    });
    // What each home has to hold for the next round, and where that is.
    struct Move {
        int to;
        u32 value;
        int from;
        const Inst* get;
    };
    std::vector<Move> moves;
    for (const Home& home : unit_.homes) {
        const bool vector = home.number >= kVectorNumber;
        const u32 value = present_value(home.get);
        const int from = value == kNobody ? kFromState : number_of(place_[value], vector);
        if (from != home.number) moves.push_back({home.number, value, from, &home.get});
    }
    for (std::size_t n = 0; n < looks.size(); ++n) {
        const Look& l = unit_.looks[n];
        if (looks[n] != static_cast<int>(l.reg))
            moves.push_back({static_cast<int>(l.reg), looks[n] == -1 ? l.id : kNobody, looks[n], nullptr});
    }
    while (!moves.empty()) {
        bool moved = false;
        for (std::size_t n = 0; n < moves.size(); ++n) {
            const Move m = moves[n];
            const auto needs_it = [&](const Move& o) { return &o != &moves[n] && o.from == m.to; };
            if (std::any_of(moves.begin(), moves.end(), needs_it)) continue;
            const bool vector = m.to >= kVectorNumber;
            const Gp to = gpq(static_cast<u32>(m.to));
            const Xmm to_xmm = xmm(static_cast<u32>(m.to - kVectorNumber));
            Place elsewhere = m.value == kNobody ? Place{} : place_[m.value];
            elsewhere.reg = elsewhere.xmm = -1;
            if (m.from >= 0) {
                move(m.to, m.from);
            } else if (m.from <= kFromLooks) {
                a_.mov(to, looked(static_cast<std::size_t>(kFromLooks - m.from)));
            } else if (m.from == kFromState && vector) {
                if (m.get->op == Op::kGet128)
                    a_.movaps(to_xmm, state(m.get->imm, 16));
                else
                    a_.movq(to_xmm, state(m.get->imm, 8));
            } else if (m.from == kFromState) {
                load_state(to, *m.get);
            } else if (vector && block_.insts[m.value].op == Op::kPc) {
                load_into(rax, m.value);
                a_.movq(to_xmm, rax);
            } else if (vector) {
                std::swap(elsewhere, place_[m.value]);
                load_into_xmm(to_xmm, m.value);
                std::swap(elsewhere, place_[m.value]);
            } else {
                load_from(to, m.value, elsewhere);
            }
            moves.erase(moves.begin() + static_cast<std::ptrdiff_t>(n));
            moved = true;
            break;
        }
        if (moved) continue;
        // Only cycles are left: one of them goes through a scratch register.
        const int held = moves.front().from;
        const int scratch = held >= kVectorNumber ? kVectorNumber : static_cast<int>(rax.id());
        move(scratch, held);
        for (Move& m : moves) {
            if (m.from == held) m.from = scratch;
        }
    }
    for (const Home& home : unit_.homes) {  // as a read would have it
        if (home.get.op != Op::kGet64 && home.get.op != Op::kGet128 && is_written(home.get))
            extend(gpq(static_cast<u32>(home.number)), home.get.op);
    }
    a_.jmp(unit_.loop);
}

}  // namespace mpower::jit::x64
