// One IR block to x86-64 code, in one pass: values go to registers as they are made and leave them after their last
// use.
#pragma once

#include <functional>

#include "jit/ir/passes.h"
#include "jit/x64/executor.h"

namespace mpower::jit::x64 {

class Compiler {
  public:
    /// `links` gets the block's direct jumps, `jump` as an offset from the block's start.
    Compiler(asmjit::x86::Assembler& a, const Stubs& stubs, mmu::Mmu& mmu, CachedBlock& block, std::vector<Link>& links)
        : a_(a), stubs_(stubs), mmu_(mmu), cached_(block), block_(block.block), links_(links) {}
    void compile();

  private:
    using Gp = asmjit::x86::Gp;
    using Mem = asmjit::x86::Mem;
    using Label = asmjit::Label;
    using Operand = asmjit::Operand;
    using Inst = ir::Inst;
    using CondCode = asmjit::x86::CondCode;

    static constexpr u32 kNobody = ~u32{0};

    /// Where a value is. Constants and addresses of the block are made again when they are wanted.
    struct Place {
        i8 reg = -1;
        bool in_slot = false;
    };

    // --- registers (registers.cpp)
    Gp take_register();  ///< A free one, else that of the value used last of all.
    void forget_register(u32 id);
    void save(u32 id);             ///< To its slot, if it is not there.
    bool is_remade(u32 id) const;  ///< kConst, kPc.
    bool dies(u32 id) const { return live_.last_use[id] <= now_; }
    void load_into(const Gp& r, u32 id);  ///< A copy; for scratch registers.
    Gp use(u32 id);                       ///< The value in a register that holds it.
    Operand operand(u32 id);              ///< A register, or an immediate if it fits in 32 bits, sign-extended.
    bool constant(u32 id, u64* v) const;
    Gp define(u32 id);              ///< A register for the result.
    Gp define_from(u32 id, u32 a);  ///< With a copy of `a` in it: `a`'s own register if a dies.
    Mem slot(u32 id, int offset = 0) const;
    void clear_caller_saved();  ///< Saves what lives on, before a call.

    // --- parts of operations
    void emit_prologue();
    void emit_inst(u32 id, const Inst& i);
    bool emit_arithmetic(u32 id, const Inst& i);
    void emit_binary(asmjit::x86::Inst::Id op, u32 id, const Inst& i);
    void emit_shift(asmjit::x86::Inst::Id op, u32 id, const Inst& i);
    void emit_divide(u32 id, const Inst& i);
    void emit_set(const Inst& i);
    void emit_bool(u32 id, const Inst& i);
    void emit_compare(u32 id, const Inst& i, bool is_signed);
    void emit_call(u32 id, const Inst& i, bool system);
    /// Sets flags for "value id is not 0", and says by which condition.
    CondCode condition(u32 id);

    // --- storage
    /// Level-1 look-up: leaves rdx = addend, jumps to `slow` on a miss. Clobbers rax, rdx.
    void look_up(const Gp& ea, unsigned size, bool store, const Label& slow);
    void emit_load(u32 id, const Inst& i);
    void emit_store(const Inst& i);
    void emit_load128(u32 id, const Inst& i);
    void emit_store128(const Inst& i);
    void emit_reserve(u32 id, const Inst& i);
    void swap(const Gp& r, unsigned size);

    // --- ways out
    void jump_interrupt(const Inst& i);  ///< Takes the pending interrupt at i.
    void emit_raise(const Inst& i);
    void leave_for(u32 target);  ///< On to the address in a value.
    void emit_exit_if(const Inst& i);
    void load_address(const Gp& r, u64 offset);

    asmjit::x86::Assembler& a_;
    const Stubs& stubs_;
    mmu::Mmu& mmu_;
    CachedBlock& cached_;
    ir::Block& block_;
    std::vector<Link>& links_;
    ir::Liveness live_;
    std::vector<Place> place_;
    u32 owner_[16];
    u32 pinned_ = 0;  ///< Registers of the instruction being emitted.
    u32 now_ = 0;
    std::vector<std::function<void()>> cold_;  ///< Emitted after the block.
};

}  // namespace mpower::jit::x64
