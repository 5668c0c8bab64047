// Hot code writes guest state late: a value stays in its register until an instruction could see that the state is not
// in its place. What may only be seen by leaving (a fault, a side exit) is written out of line, on the way out. A loop
// keeps the state that it reads in registers from one round to the next.
#include <algorithm>
#include <utility>

#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Op;

namespace {

u8 size_of(Op set) { return set == Op::kSet8 ? 1 : set == Op::kSet32 ? 4 : 8; }

constexpr i8 kFromState = -2;

u8 seen_size(Op op) {
    switch (op) {
        case Op::kGet8: return 1;
        case Op::kGet32: return 4;
        case Op::kGet64: return 8;
        case Op::kGet128:
        case Op::kSet128: return 16;
        default: return 0;
    }
}

}  // namespace

void Compiler::write_later(const Inst& set) {
    const u8 size = size_of(set.op);
    write_now([&](const Late& l) {
        const bool overlaps = l.offset < set.imm + size && set.imm < l.offset + l.size;
        return overlaps && (l.offset != set.imm || l.size != size);
    });
    std::erase_if(late_, [&](const Late& l) { return l.offset == set.imm; });
    late_.push_back({set.imm, size, set.a, {}, {}, {}, {}});
}

void Compiler::settle(const Inst& i) {
    if (late_.empty() || i.op == Op::kLoop) return;
    if (i.op == Op::kCall || i.op == Op::kCallSys || ir::ends_block(i.op)) {
        write_now([](const Late&) { return true; });
    } else if (const u8 size = seen_size(i.op)) {
        write_now([&](const Late& l) { return l.offset < i.imm + size && i.imm < l.offset + l.size; });
    }
}

void Compiler::write_now(const std::function<bool(const Late&)>& which) {
    for (Late& l : late_) {
        if (!which(l)) continue;
        l.place = place_[l.value];
        if (live_.wanted_late[l.value]) {
            const Inst& compare = block_.insts[l.value];
            l.left = place_[compare.a];
            l.right = place_[compare.b];
            l.so = place_[compare.c];
        }
        write(l);
    }
    std::erase_if(late_, which);
}

std::vector<Compiler::Late> Compiler::late_writes() {
    for (Late& l : late_) {
        l.place = place_[l.value];
        if (!live_.wanted_late[l.value]) continue;
        const Inst& compare = block_.insts[l.value];
        l.left = place_[compare.a];
        l.right = place_[compare.b];
        l.so = place_[compare.c];
    }
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
}

void Compiler::load_from(const Gp& r, u32 id, const Place& place) {
    const Place now = std::exchange(place_[id], place);
    load_into(r, id);
    place_[id] = now;
}

void Compiler::write(const Late& l) {
    const Inst& i = block_.insts[l.value];
    if (live_.wanted_late[l.value]) {
        load_from(rax, i.a, l.left);
        load_from(rcx, i.b, l.right);
        a_.cmp(rax, rcx);
        make_cr_field(a_, rax, i.op == Op::kCompareS);
        load_from(rcx, i.c, l.so);
        a_.or_(eax, ecx);
        a_.mov(state(l.offset, 1), al);
        return;
    }
    if (u64 v; constant(l.value, &v) && static_cast<i64>(v) == static_cast<i32>(v)) {
        a_.emit(asmjit::x86::Inst::kIdMov, state(l.offset, l.size),
                imm(l.size == 1 ? static_cast<i8>(v) : static_cast<i32>(v)));
        return;
    }
    Gp r = rax;
    if (l.place.reg >= 0)
        r = gpq(static_cast<u32>(l.place.reg));
    else
        load_from(rax, l.value, l.place);
    a_.mov(state(l.offset, l.size), l.size == 1 ? Gp(r.r8()) : l.size == 4 ? Gp(r.r32()) : r);
}

bool Compiler::is_written(const Inst& get) const {
    return std::any_of(block_.insts.begin() + block_.kept, block_.insts.end(), [&](const Inst& i) {
        return (i.op == Op::kSet8 || i.op == Op::kSet32 || i.op == Op::kSet64) && i.imm == get.imm;
    });
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

void Compiler::emit_loop_head() {
    for (u32 id = 0; id < block_.kept; ++id) {
        const Inst& get = block_.insts[id];
        homes_.push_back(static_cast<u8>(place_[id].reg));
        // What the loop writes is not in its place from the second round on.
        if (is_written(get)) late_.push_back({get.imm, seen_size(get.op), id, {}, {}, {}, {}});
    }
    loop_ = a_.newLabel();
    a_.bind(loop_);
    parts_.loop = a_.offset();
}

void Compiler::emit_loop() {
    const auto kept = [&](const Late& l) {
        for (u32 id = 0; id < block_.kept; ++id) {
            if (block_.insts[id].imm == l.offset) return true;
        }
        return false;
    };
    // What the next round writes before it can be seen is written by the poll's way out only.
    const std::vector<ir::Range> unseen = ir::written_unseen(block_);
    const auto is_unseen = [&](const Late& l) {
        return std::any_of(unseen.begin(), unseen.end(), [&](const ir::Range& r) { return r.offset == l.offset; });
    };
    write_now([&](const Late& l) { return !kept(l) && !is_unseen(l); });
    const Label leave = a_.newLabel();
    a_.cmp(state(offsetof(CpuState, attention), 4), 0);
    a_.jne(leave);
    cold_.push_back([this, leave, late = late_writes()] {
        a_.bind(leave);
        write(late);
        a_.jmp(imm(stubs_.poll));
    });
    // What each home has to hold for the next round, and where that is.
    struct Move {
        u8 to;
        u32 value;
        i8 from;
    };
    std::vector<Move> moves;
    for (u32 id = 0; id < block_.kept; ++id) {
        const Inst& get = block_.insts[id];
        const auto late = std::find_if(late_.begin(), late_.end(), [&](const Late& l) { return l.offset == get.imm; });
        if (late != late_.end()) {
            if (place_[late->value].reg != homes_[id])
                moves.push_back({homes_[id], late->value, place_[late->value].reg});
        } else if (is_written(get)) {  // and had to be put in its place
            moves.push_back({homes_[id], id, kFromState});
        } else if (place_[id].reg != homes_[id]) {
            moves.push_back({homes_[id], id, place_[id].reg});
        }
    }
    while (!moves.empty()) {
        bool moved = false;
        for (std::size_t n = 0; n < moves.size(); ++n) {
            const Move m = moves[n];
            const auto needs_it = [&](const Move& o) { return &o != &moves[n] && o.from == static_cast<i8>(m.to); };
            if (std::any_of(moves.begin(), moves.end(), needs_it)) continue;
            if (m.from >= 0)
                a_.mov(gpq(m.to), gpq(static_cast<u32>(m.from)));
            else if (m.from == kFromState)
                load_state(gpq(m.to), block_.insts[m.value]);
            else {
                Place elsewhere = place_[m.value];
                elsewhere.reg = -1;
                load_from(gpq(m.to), m.value, elsewhere);
            }
            moves.erase(moves.begin() + static_cast<std::ptrdiff_t>(n));
            moved = true;
            break;
        }
        if (moved) continue;
        // Only cycles are left: one of them goes through rax.
        const i8 held = moves.front().from;
        a_.mov(rax, gpq(static_cast<u32>(held)));
        for (Move& m : moves) {
            if (m.from == held) m.from = static_cast<i8>(rax.id());
        }
    }
    for (u32 id = 0; id < block_.kept; ++id) {  // as a read would have it
        const Inst& get = block_.insts[id];
        if (get.op != Op::kGet64 && is_written(get)) extend(gpq(homes_[id]), get.op);
    }
    a_.jmp(loop_);
}

}  // namespace mpower::jit::x64
