// Arms: ways out of hot code that are often taken go on in the same code. Such a way finds in registers what the path
// had there; what the path had not put in its place yet, the arm may, later.
#include <algorithm>
#include <utility>

#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using ir::Op;

Compiler::Compiler(Compiler& path, ir::Block& block, const Inst& exit)
    : a_(path.a_),
      cache_(path.cache_),
      visitor_(path.visitor_),
      stubs_(path.stubs_),
      host_(path.host_),
      block_(block),
      ra_(path.ra_),
      heat_(nullptr),
      lazy_(true),
      unit_(path.unit_),
      counted_(static_cast<u16>(path.counted_ + exit.guest + 1)) {
    entry_ = a_.newLabel();
    take_over(path);
}

void Compiler::emit_arm_exit(const Inst& i) {
    const CondCode code = condition(i.a);
    unit_.arms.push_back(std::make_unique<Compiler>(*this, block_.arms[i.imm2 - 1], i));
    a_.j(i.imm != 0 ? negateCond(code) : code, unit_.arms.back()->entry_);
}

void Compiler::emit_arm() {
    a_.bind(entry_);
    prepare();
    place_inputs();
    emit_block();
}

void Compiler::take_over(Compiler& path) {
    if (path.bits_.empty()) path.bits_ = ir::possible_bits(path.block_);
    for (Late& l : path.late_) path.locate(l);
    std::vector<Inst> inputs, made;
    std::vector<u32> sources;  // of inputs: the path's value
    // Of what is made, not of an input.
    constexpr u32 kMade = u32{1} << 31;
    const auto make = [&](const Inst& i) {
        made.push_back(i);
        return static_cast<u32>(made.size() - 1) | kMade;
    };
    const auto add = [&](u32 id, const Inst& i) {
        sources.push_back(id);
        inputs_.push_back(path.place_[id]);
        inputs.push_back(i);
    };
    const auto input = [&](u32 id) {
        const auto n = static_cast<u32>(std::find(sources.begin(), sources.end(), id) - sources.begin());
        // What is in its place is a read of it: it needs no slot.
        if (n < sources.size()) return n;
        if (path.place_[id].in_state)
            add(id, {.op = Op::kGet64, .imm = path.block_.insts[id].imm});
        else
            add(id, {.op = Op::kInput, .imm = path.bits_[id]});
        return n;
    };
    const auto value = [&](u32 id) {
        const Inst& i = path.block_.insts[id];
        return path.is_remade(id) ? make({.op = i.op, .imm = i.imm}) : input(id);
    };
    for (u32 id = 0; id < path.block_.kept; ++id) {
        const Inst& get = path.block_.insts[id];
        if (get.op == Op::kInput || path.is_changed(get)) continue;
        const auto overlaps = [&](const Late& l) {
            return ir::Range{l.offset, l.size, 0}.overlaps(get.imm, ir::get_size(get.op));
        };
        if (std::any_of(path.late_.begin(), path.late_.end(), overlaps)) continue;
        const Place& place = path.place_[id];
        if (place.reg < 0 && place.xmm < 0 && !place.in_slot && !place.in_state) continue;
        add(id, {.op = get.op, .imm = get.imm});
    }
    for (const Late& l : path.late_) {
        const Inst& i = path.block_.insts[l.value];
        u32 id;
        if (path.live_.wanted_late[l.value]) {
            const u32 a = value(i.a), b = value(i.b), c = value(i.c);
            id = make({.op = i.op, .a = a, .b = b, .c = c, .imm = i.imm});
        } else {
            id = value(l.value);
        }
        make({.op = l.size == 1 ? Op::kSet8 : l.size == 4 ? Op::kSet32 : Op::kSet64, .a = id, .imm = l.offset});
    }
    const u32 kept = static_cast<u32>(inputs.size());
    for (Inst& i : made) {
        ir::for_each_argument(i, [&](u32& id) { id = (id & kMade) != 0 ? (id & ~kMade) + kept : id; });
    }
    inputs.insert(inputs.end(), made.begin(), made.end());
    const u32 shift = static_cast<u32>(inputs.size());
    for (Inst i : block_.insts) {
        ir::for_each_argument(i, [&](u32& id) { id += shift; });
        inputs.push_back(i);
    }
    block_.insts = std::move(inputs);
    block_.kept = kept;
}

void Compiler::place_inputs() {
    std::vector<u32> unplaced;
    for (u32 id = 0; id < block_.kept; ++id) {
        if (first_use_[id] == first_use_[id + 1] && live_.last_use[id] <= block_.kept) continue;  // of no use
        Place place = inputs_[id];
        place.in_state = stays_in_state_[id];
        if (place.in_state) in_state_.push_back(id);
        if (place.reg >= 0) owner_[place.reg] = id;
        if (place.xmm >= 0) xmm_owner_[place.xmm] = id;
        if (place.in_slot) {
            const auto n = static_cast<std::size_t>(place.slot);
            if (slot_owner_.size() <= n) slot_owner_.resize(n + 1, kNobody);
            slot_owner_[n] = id;
        }
        if (place.reg < 0 && place.xmm < 0 && !place.in_slot && !place.in_state) unplaced.push_back(id);
        place_[id] = place;
    }
    // The path had it in the state only, which this arm changes while it wants the value.
    for (const u32 id : unplaced) a_.mov(define(id), state(block_.insts[id].imm, 8));
}

}  // namespace mpower::jit::x64
