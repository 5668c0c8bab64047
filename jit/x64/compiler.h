// One IR block to x86-64 code, in one pass: values go to registers as they are made and leave them after their last
// use.
#pragma once

#include <functional>
#include <memory>

#include "jit/ir/passes.h"
#include "jit/x64/code_cache.h"
#include "jit/x64/evex.h"

namespace mpower::jit::x64 {

class Compiler {
  public:
    /// `block` is what begins at real address `ra`; `visitor` gets the code. `heat`, if there is one, counts down the
    /// block's executions until it is promoted. `hot` code keeps guest state in host registers as long as nobody can
    /// see it (late.cpp).
    Compiler(EvexAssembler& a, CodeCache& cache, const CodeCache::Visitor& visitor, ir::Block& block, Ra ra, i32* heat,
             bool hot)
        : a_(a),
          cache_(cache),
          visitor_(visitor),
          stubs_(cache.stubs()),
          host_(cache.host()),
          block_(block),
          ra_(ra),
          heat_(heat),
          lazy_(hot),
          unit_(own_unit_) {}
    /// What lies where: first what is expected to be executed, then what is out of line, then constants.
    struct Parts {
        std::size_t main_end = 0, cold_end = 0;
        std::size_t loop = 0;  ///< Where a round of the block that is a loop begins; 0: it is none.
    };
    Parts compile();

    /// Of an arm (arms.cpp): `exit`, which `path` is about to emit, goes on in `block`.
    Compiler(Compiler& path, ir::Block& block, const ir::Inst& exit);

  private:
    using Gp = asmjit::x86::Gp;
    using Mem = asmjit::x86::Mem;
    using Label = asmjit::Label;
    using Operand = asmjit::Operand;
    using Inst = ir::Inst;
    using Xmm = asmjit::x86::Xmm;
    using CondCode = asmjit::x86::CondCode;

    static constexpr u32 kNobody = ~u32{0};
    /// Registers that a loop may keep state in; the others are for its values.
    static constexpr unsigned kKept = 6, kHoisted = 2, kKeptVectors = 6, kKeptVectorsOf32 = 22;

    /// Where a value is, perhaps in more places than one. Constants and addresses of the block are made again when they
    /// are wanted. A v128 value is never in a general register; an i64 value may be in the low half of an xmm register.
    struct Place {
        i8 reg = -1;
        i8 xmm = -1;
        bool in_slot = false;
        bool in_state = false;  ///< A GPR that was read: it is still where it was read from.
        i16 slot = -1;
    };
    /// Registers that a call in code out of line destroys, and whose values live on.
    struct Kept {
        std::vector<std::pair<u32, u32>> general, vectors;  ///< register, value id
    };

    struct Constant {
        Label label;
        u64 lo, hi;
    };
    /// State that a loop keeps in a register from round to round.
    struct Home {
        Inst get;
        int number;  ///< number_of().
    };
    /// A look that a loop has hoisted: in `reg` when a round begins.
    struct Look {
        Inst look;
        ir::BaseOfLook base;
        u32 id, reg;
    };
    /// What a block and its arms have in common.
    struct Unit {
        std::vector<std::unique_ptr<Compiler>> arms;  ///< Emitted after the block.
        std::vector<std::function<void()>> cold;      ///< Emitted after them.
        std::vector<Constant> constants;
        std::vector<u64> written;  ///< Offsets of state that any of them writes.
        // Of a loop.
        std::vector<Home> homes;
        std::vector<Look> looks;
        std::vector<ir::Range> unseen;  ///< written_unseen().
        Label loop;
    };

    void prepare();
    void find_written();  ///< Unit::written and ::unseen.
    void emit_block();
    bool is_arm() const { return &unit_ != &own_unit_; }
    // --- arms (arms.cpp)
    void emit_arm_exit(const Inst& i);
    void emit_arm();
    /// What the path has in registers or not in its place becomes the first instructions of the arm.
    void take_over(Compiler& path);
    void place_inputs();

    // --- registers (registers.cpp)
    Gp take_register();            ///< A free one, else that of the value used last of all.
    void forget_register(u32 id);  ///< The general one.
    void forget_xmm(u32 id);
    /// Vector registers: with AVX-512 32, else 16. The _low ones are xmm0 to xmm15, which every instruction takes.
    u32 xmm_end() const { return host_.avx512 ? kMostXmm : EvexAssembler::kFirst; }
    Xmm take_xmm();
    Xmm take_low_xmm();
    Xmm use_xmm(u32 id);  ///< A v128, or the low half.
    Xmm use_low_xmm(u32 id);
    Xmm define_xmm(u32 id);   ///< A register for the result, none of an operand in use.
    Xmm define_home(u32 id);  ///< Of state that a loop keeps; rather none of the low ones.
    Xmm define_low_xmm(u32 id);
    Xmm own_xmm(const Xmm& x, u32 id);
    void load_into_xmm(const Xmm& x, u32 id);
    bool is_vector(u32 id) const { return ir::type_of(block_.insts[id].op) == ir::Type::kV128; }
    void find_wishes();  ///< Which i64 values had better be in xmm registers: wants_xmm_.
    Kept kept() const;
    void save_kept(const Kept& k);
    void restore_kept(const Kept& k);
    Mem pool(u64 lo, u64 hi);  ///< A constant, embedded after the block.
    Mem pool(u64 both) { return pool(both, both); }
    void save(u32 id);    ///< To its slot, if it is not there, nor in the state.
    Mem spilled(u32 id);  ///< Where it is then.
    /// Before GPRs in [offset, offset + size) of the state are written: what is only there goes to its slot.
    void leave_state(u64 offset, u64 size);
    void find_state_values();      ///< stays_in_state_.
    bool is_remade(u32 id) const;  ///< kConst, kPc.
    bool dies(u32 id) const { return live_.last_use[id] <= now_; }
    void find_uses();
    u32 next_use(u32 id);                 ///< From now_ on; or its end. Of cold code its end.
    bool is_full() const;                 ///< No general register is free.
    void load_into(const Gp& r, u32 id);  ///< A copy; for scratch registers.
    Gp use(u32 id);                       ///< The value in a register that holds it.
    Operand operand(u32 id);              ///< A register, or an immediate if it fits in 32 bits, sign-extended.
    Operand source(u32 id);               ///< Likewise, or the slot of a value that is wanted no more.
    Operand wide_source(u32 id);          ///< A register, or such a slot.
    bool constant(u32 id, u64* v) const;
    Gp define(u32 id);                 ///< A register for the result.
    Gp define_from(u32 id, u32 a);     ///< With a copy of `a` in it: `a`'s own register if a dies.
    Mem slot(u32 id, int offset = 0);  ///< The value's own until its last use.
    void clear_caller_saved();         ///< Saves what lives on, before a call.
    void forget_caller_saved();

    // --- state that is written late (late.cpp)
    /// State that is not in its place: what to write there, and where that is.
    struct Late {
        u64 offset;
        u8 size;
        u32 value;
        Place place{};
        Place operands[3]{};    ///< Of the value, if it is a comparison that was not made, or of LastFloat.
        bool compared = false;  ///< Of LastFloat: a comparison has been made since.
    };
    void write_later(const Inst& set);
    void write_status_later(u32 id);  ///< LastFloat; of kFloat `id`.
    void locate(Late& late) const;
    /// Before an instruction: writes what it could see, or could not be told apart from.
    void settle(const Inst& i);
    void write_now(const std::function<bool(const Late&)>& which);
    /// What a way out from here has to write.
    std::vector<Late> late_writes();
    /// Likewise; value `id` is in `r` on that way, whatever becomes of the register on the other.
    std::vector<Late> late_writes(u32 id, const Gp& r);
    void write(const std::vector<Late>& late);
    void write(const Late& late);
    void write_status(const Late& late);
    void write_word(u64 offset, u32 id, const Place& place);
    Gp at_hand(u32 id, const Place& place);  ///< The register that holds a value; rax, loaded, if none does.
    void load_from(const Gp& r, u32 id, const Place& place);
    /// Whether the block or any of its arms writes it.
    bool is_written(const Inst& get) const;
    bool is_changed(const Inst& get) const;    ///< By what stands before now_.
    u32 kept_value(const Inst& get) const;     ///< What is still there, and in a register, of it; kNobody: nothing is.
    u32 present_value(const Inst& get) const;  ///< Likewise, or what is to be written there.
    void load_state(const Gp& r, const Inst& get);
    void extend(const Gp& r, ir::Op get);
    /// A register by number: general ones, then vector ones; -1: none.
    static constexpr int kVectorNumber = 16;
    int number_of(const Place& place, bool vector) const;
    void move(int to, int from);
    void emit_loop_head();
    void emit_loop();
    /// Makes the looks of the next round, where their bases have changed: for each of Unit::looks the register that has
    /// it, or -1: its slot, or kFromLooks and below: the frame. Control may go to `leave`. Clobbers rax, rcx, rdx.
    std::vector<int> look_again(const Label& leave);
    /// Host register of what the state of `get` is, or is going to be; `scratch`, loaded, if it is in none.
    Gp present(const Inst& get, const Gp& scratch);

    // --- parts of operations
    void emit_prologue();
    void need_hoisted();                      ///< A loop's facilities: Block::hoisted_needs.
    void test_msr(u64 bit);                   ///< ZF.
    void poll();                              ///< With the address to go on at in kEntry.
    void count_instructions(unsigned count);  ///< At the way out.
    void emit_inst(u32 id, const Inst& i);
    bool emit_arithmetic(u32 id, const Inst& i);
    void emit_binary(asmjit::x86::Inst::Id op, u32 id, const Inst& i);
    void emit_add(u32 id, const Inst& i);
    void emit_shift(asmjit::x86::Inst::Id op, u32 id, const Inst& i);
    void emit_divide(u32 id, const Inst& i);
    void emit_set(const Inst& i);
    void emit_bool(u32 id, const Inst& i);
    void emit_compare(u32 id, const Inst& i, bool is_signed);
    void emit_call(u32 id, const Inst& i, bool system);
    void emit_pause();
    void emit_make(u32 id, const Inst& i);
    void emit_half(u32 id, const Inst& i);
    void emit_vector(u32 id, const Inst& i);
    /// r <- op(a, b, c, n) in several host instructions; false, and nothing emitted, if this host has no short way.
    bool emit_composed(ir::Lanes op, const Xmm& r, const Xmm& a, const Xmm& b, const Xmm& c, u64 n);
    void shift_bytes(ir::Lanes op, const Xmm& r, const Xmm& a, const Xmm& b);
    bool emit_crypto(ir::Lanes op, const Xmm& r, const Xmm& a, const Xmm& b, u64 n);
    void emit_vector_call(u32 id, const Inst& i);
    // --- floating point
    void find_dead_status();
    /// Before a late_float block: whether FPSCR keeps the host from computing, to kUnusual. As long as XX is 0, the
    /// host's flag of inexact results stands for it in the block: it is 0 at its start, end_floats() brings it to XX,
    /// and C++ that is called in between does not change it.
    void begin_floats();
    void end_floats();
    void clear_inexact(const Label& was_clear);  ///< The host's flag; goes there if it was.
    /// After the fast way of kFloat `id`, whose result is in the low half: what it writes, now or late.
    void finish_float(u32 id, const Xmm& result);
    void call_keeping_inexact(u64 function);  ///< Clobbers what calls clobber.
    /// What compute() emits, if FPSCR allows the host to do it; else, or (if the block is not late_float) if what it
    /// computes is inexact for the first time, goes to `slow`. compute() may go there too; it is called once or twice.
    /// Clobbers rax.
    void compute_by_host(const Label& slow, const std::function<void()>& compute);
    void compute_scalar(const ir::FloatForm& form, const Xmm& r, const Xmm& a, const Xmm& b, const Xmm& c);
    void compute_vector(const ir::FloatForm& form, const Xmm& r, const Xmm& a, const Xmm& b, const Xmm& c);
    void emit_float(u32 id, const Inst& i);
    void emit_conversion(u32 id, const Inst& i);
    void emit_float_vector(u32 id, const Inst& i);
    void emit_float_compare(u32 id, const Inst& i);
    void emit_float_call(u32 id, const Inst& i);
    void call_float(const Inst& i, const Kept& k);
    /// Likewise, out of line, with the state that the helper wants written before, of all that is `late`. Where the
    /// block's assumptions do not hold after it, it is left behind i, but for a comparison.
    void call_float_late(const Inst& i, const Kept& k, const std::vector<Late>& late);
    void emit_widen(u32 id, const Inst& i);
    void emit_narrow(u32 id, const Inst& i);
    bool emit_sign(u32 id, const Inst& i);
    void emit_vector_test(u32 id, const Inst& i);
    void store64(const Mem& to, u32 id);
    /// Sets flags for "value id is not 0", and says by which condition.
    CondCode condition(u32 id);
    void note_flags(u32 id) {  ///< ZF has just been set by value id.
        flags_of_ = id;
        flags_at_ = a_.offset();
    }
    void compare(const Inst& i);              ///< Flags: of the operands of a comparison.
    void test_bits(const Inst& i, bool low);  ///< ZF: of a kAnd, or the low word of it.

    // --- storage
    /// Level-1 look-up of `size` bytes at base + distance: sets `addend`, jumps to `slow` on a miss. Clobbers rax, rdx.
    /// `aligned`: what is not naturally aligned is a miss too.
    void look_up(const Gp& base, i32 distance, unsigned size, bool store, const Gp& addend, const Label& slow,
                 bool aligned = false);
    /// The storage that the access i means, by a look-up or by its probe. Likewise.
    Mem find_storage(const Inst& i, const Gp& base, bool store, const Label& slow);
    /// To be called first: a kProbe is made by the access that follows it.
    void begin_storage(const Inst& i);
    bool makes_probe(const Inst& i) const;
    /// Level-1 look-up of kProbe or kLook `look`, whose base is in `base`. `addend` is set last, and may be `base`.
    void look_up_all(const Inst& look, const Gp& base, const Gp& addend, const Label& miss);
    /// kLook `i` of `base`: sets `addend`. On a miss `first` is used, and control may go to `leave`.
    void look(const Inst& i, const Gp& base, const Gp& first, const Gp& addend, const Label& leave);
    void emit_look(u32 id, const Inst& i);
    void test_guesses();  ///< To kWrongGuess, before the block: 0 if all are right.
    void load_effective(const Gp& r, const Gp& base, const Inst& i);
    Stubs::Keep kept_vectors() const;  ///< Values that may be wanted again, on a way out too; or MXCSR.
    void call_access(const Inst& i, const Gp& ea, bool store, Stubs::Keep vectors);  ///< Of Stubs::access.
    void access_cold(const Inst& i, bool store);  ///< Cold code's access but for its value.
    /// Hot code's accesses when the TLB has nothing: from `slow` to `done`. `before` has the value to store, `after`
    /// the one that was loaded (Stubs::access).
    void access_out_of_line(const Label& slow, const Label& done, const std::vector<Inst>& run, const Gp& ea,
                            bool store, const std::vector<Late>& late, const std::function<void()>& before,
                            const std::function<void()>& after);
    void emit_load(u32 id, const Inst& i);
    void emit_store(const Inst& i);
    void emit_load128(u32 id, const Inst& i);
    void emit_store128(const Inst& i);
    std::vector<Inst> take_run(const Inst& first);  ///< now_ becomes the last one's.
    /// Stores `v` to all of them; clobbers xmm1.
    void store_run(const std::vector<Inst>& run, Mem storage, const Xmm& v);
    // --- reservations (reservations.cpp)
    /// Before the plain store i to `storage`: goes to `slow` if it may end reservations. Clobbers rax, rcx.
    void test_watched(const Mem& storage, const Gp& base, const Inst& i, const Label& slow);
    void emit_reserve(u32 id, const Inst& i);
    void emit_larx(u32 id, const Inst& i);
    void emit_stcx(u32 id, const Inst& i);
    void call_reserve(u32 id, const Inst& i);
    /// The slow path of larx and stcx.: the stub's call, after which the access is done, or the way to its interrupt.
    /// What the stub wants in rdx is there.
    void call_slow(u64 stub, const Gp& ea, const Inst& i, const std::vector<Late>& late);
    /// The slot in the table of reservations of host address `at`; clobbers `r` and perhaps `spare`.
    Mem find_slot(const Gp& at, const Gp& r, const Gp& spare);
    /// Likewise, of the folded address in `r`.
    Mem slot_of(const Gp& r, const Gp& spare);

    // --- ways out
    void jump_interrupt(const Inst& i, u64 stub);  ///< To Stubs::interrupt or raise, at i.
    void raise_out_of_line(asmjit::x86::CondCode condition, const Inst& i, u64 srr1);
    void emit_raise(const Inst& i, u64 srr1);
    void leave_for(u32 target);  ///< On to the address in a value.
    void emit_exit_if(const Inst& i);
    /// Direct jump to the block at an offset in this page, of the kind that its key says besides.
    void link_to(u64 offset, u64 kind = 0);
    void go_on_plain(u64 offset);  ///< Where hot code does not apply.
    void load_address(const Gp& r, u64 offset);

    EvexAssembler& a_;
    CodeCache& cache_;
    const CodeCache::Visitor& visitor_;
    const Stubs& stubs_;
    const Host& host_;
    ir::Block& block_;
    Ra ra_;
    i32* heat_;
    bool lazy_;
    bool floats_ = false;    ///< The host's flag of inexact results is wanted: begin_floats().
    bool usual_ = false;     ///< In a late_float block: what comes here has found FPSCR as kUnusual wants it.
    bool so_stays_ = false;  ///< Nothing in the block writes SO: it is read where it is wanted.
    ir::Liveness live_;
    std::vector<Late> late_;
    std::vector<i8> wants_home_;  ///< By value: the vector register that it had better be in at the loop's end; -1.
    Parts parts_;
    std::vector<Place> place_;
    std::vector<bool> wants_xmm_;
    /// Of a GPR that is read: no way out writes the value elsewhere, so it needs no slot until the GPR is written.
    std::vector<bool> stays_in_state_;
    std::vector<u32> in_state_;      ///< Values that were in_state.
    std::vector<bool> dead_status_;  ///< Of kFloat: FPRF, FR and FI are overwritten before anything can look at them.
    u32 owner_[16], xmm_owner_[kMostXmm];
    std::vector<u32> slot_owner_;
    u32 pinned_ = 0, pinned_xmm_ = 0;  ///< Registers of the instruction being emitted.
    u32 now_ = 0;
    u32 flags_of_ = kNobody;    ///< ZF says whether this value is 0 ...
    std::size_t flags_at_ = 0;  ///< ... as long as no code comes after this offset.
    /// Hot code's uses, value by value; where in it each value's begin, and its next one is.
    std::vector<u32> use_at_, first_use_, next_use_;
    Unit own_unit_;
    Unit& unit_;
    std::vector<std::function<void()>>& cold_ = unit_.cold;
    std::vector<u64> bits_;      ///< possible_bits(), once an arm asked for them.
    u16 counted_ = 0;            ///< Guest instructions on the path before an arm.
    Label entry_;                ///< Of an arm: where it begins.
    std::vector<Place> inputs_;  ///< Likewise.
};

}  // namespace mpower::jit::x64
