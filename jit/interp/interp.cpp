#include "jit/interp/interp.h"

#include <bit>
#include <cstdlib>

#include "base/endian.h"
#include "jit/fp/soft.h"
#include "jit/interrupt_ops.h"
#include "jit/storage_access.h"
#include "jit/translate.h"

namespace mpower::jit {

using ir::Inst;
using ir::Op;

namespace {

/// A slot of the value array: an i64 value is in `lo` of it.
union Slot {
    u64 i;
    V128 v;
    Slot() {}  // left as it is: every value is written before it is read
};

constexpr std::size_t kMaxValues = kMaxBlockIr;

u64 high_s(u64 a, u64 b) { return static_cast<u64>(i128{static_cast<i64>(a)} * static_cast<i64>(b) >> 64); }
u64 high_u(u64 a, u64 b) { return static_cast<u64>(u128{a} * b >> 64); }
bool divides_s(u64 a, u64 b) { return b != 0 && !(a == u64{1} << 63 && b == ~u64{0}); }

u64 shift_left(u64 a, u64 n) { return (n & 127) >= 64 ? 0 : a << (n & 127); }
u64 shift_right(u64 a, u64 n) { return (n & 127) >= 64 ? 0 : a >> (n & 127); }
u64 shift_right_arithmetic(u64 a, u64 n) {
    const u64 count = (n & 127) >= 64 ? 63 : (n & 127);
    return static_cast<u64>(static_cast<i64>(a) >> count);
}
u64 rotate_word(u64 a, u64 n) {
    const u64 twice = (a << 32) | (a & 0xffffffff);
    return std::rotl(twice, static_cast<int>(n & 31));
}
u8 compare_s(u64 a, u64 b) {
    return static_cast<i64>(a) < static_cast<i64>(b)   ? cr::kLt
           : static_cast<i64>(a) > static_cast<i64>(b) ? cr::kGt
                                                       : cr::kEq;
}
u8 compare_u(u64 a, u64 b) { return a < b ? cr::kLt : a > b ? cr::kGt : cr::kEq; }

u8 mask_summary(V128 m) { return static_cast<u8>(((m.hi & m.lo) == ~u64{0}) << 3 | ((m.hi | m.lo) == 0) << 1); }

template <class T>
T& field(CpuState& s, u64 offset) {
    return *reinterpret_cast<T*>(reinterpret_cast<u8*>(&s) + offset);
}

}  // namespace

bool Interpreter::execute(CpuState& s, const CachedBlock& cached, Exit* exit) {
    static_assert(sizeof(Slot) == 16);
    Slot v[kMaxValues];
    const u64 entry = s.nip;
    const bool sf = cached.block.mode.sf;
    const auto address = [&](u64 offset) { return sf ? entry + offset : static_cast<u32>(entry + offset); };
    const Inst* const begin = cached.block.insts.data();
    s.instructions += cached.block.guest_count;
    for (const Inst* i = begin;; ++i) {
        Slot& r = v[i - begin];
        const auto a = [&] { return v[i->a].i; };
        const auto b = [&] { return v[i->b].i; };
        const auto c = [&] { return v[i->c].i; };
        // Leaves the block for the interrupt in s.pending, which the current instruction caused.
        const auto interrupted = [&] {
            s.instructions -= cached.block.guest_count - i->guest;
            take_pending(s, address(cached.block.pc_of(*i)));
            return true;
        };
        const auto raise = [&](u64 srr1) {
            s.pending = static_cast<Vector>(i->imm);
            s.pending_srr1 = srr1;
            return interrupted();
        };
        switch (i->op) {
            case Op::kConst: r.i = i->imm; break;
            case Op::kPc: r.i = address(i->imm); break;
            case Op::kGet8: r.i = field<u8>(s, i->imm); break;
            case Op::kGet32: r.i = field<u32>(s, i->imm); break;
            case Op::kGet64: r.i = field<u64>(s, i->imm); break;
            case Op::kGet128: r.v = field<V128>(s, i->imm); break;
            case Op::kSet8: field<u8>(s, i->imm) = static_cast<u8>(a()); break;
            case Op::kSet32: field<u32>(s, i->imm) = static_cast<u32>(a()); break;
            case Op::kSet64: field<u64>(s, i->imm) = a(); break;
            case Op::kSet128: field<V128>(s, i->imm) = v[i->a].v; break;
            case Op::kAdd: r.i = a() + b(); break;
            case Op::kSub: r.i = a() - b(); break;
            case Op::kMul: r.i = a() * b(); break;
            case Op::kMulHighS: r.i = high_s(a(), b()); break;
            case Op::kMulHighU: r.i = high_u(a(), b()); break;
            case Op::kDivS:
                r.i = divides_s(a(), b()) ? static_cast<u64>(static_cast<i64>(a()) / static_cast<i64>(b())) : 0;
                break;
            case Op::kDivU: r.i = b() != 0 ? a() / b() : 0; break;
            case Op::kRemS:
                r.i = divides_s(a(), b()) ? static_cast<u64>(static_cast<i64>(a()) % static_cast<i64>(b())) : 0;
                break;
            case Op::kRemU: r.i = b() != 0 ? a() % b() : 0; break;
            case Op::kNeg: r.i = -a(); break;
            case Op::kAnd: r.i = a() & b(); break;
            case Op::kOr: r.i = a() | b(); break;
            case Op::kXor: r.i = a() ^ b(); break;
            case Op::kAndNot: r.i = a() & ~b(); break;
            case Op::kNot: r.i = ~a(); break;
            case Op::kShl: r.i = shift_left(a(), b()); break;
            case Op::kShr: r.i = shift_right(a(), b()); break;
            case Op::kSar: r.i = shift_right_arithmetic(a(), b()); break;
            case Op::kRotl: r.i = std::rotl(a(), static_cast<int>(b() & 63)); break;
            case Op::kRotlWord: r.i = rotate_word(a(), b()); break;
            case Op::kShl32: r.i = static_cast<u32>(a() << (b() & 31)); break;
            case Op::kShr32: r.i = static_cast<u32>(a()) >> (b() & 31); break;
            case Op::kRotl32: r.i = std::rotl(static_cast<u32>(a()), static_cast<int>(b() & 31)); break;
            case Op::kSext8: r.i = static_cast<u64>(i64{static_cast<i8>(a())}); break;
            case Op::kSext16: r.i = static_cast<u64>(i64{static_cast<i16>(a())}); break;
            case Op::kSext32: r.i = static_cast<u64>(i64{static_cast<i32>(a())}); break;
            case Op::kZext8: r.i = static_cast<u8>(a()); break;
            case Op::kZext16: r.i = static_cast<u16>(a()); break;
            case Op::kZext32: r.i = static_cast<u32>(a()); break;
            case Op::kClz: r.i = static_cast<u64>(std::countl_zero(a())); break;
            case Op::kCtz: r.i = static_cast<u64>(std::countr_zero(a())); break;
            case Op::kPopcnt: r.i = static_cast<u64>(std::popcount(a())); break;
            case Op::kBswap16: r.i = byte_swap(static_cast<u16>(a())); break;
            case Op::kBswap32: r.i = byte_swap(static_cast<u32>(a())); break;
            case Op::kBswap64: r.i = byte_swap(a()); break;
            case Op::kEq: r.i = a() == b(); break;
            case Op::kNe: r.i = a() != b(); break;
            case Op::kLtS: r.i = static_cast<i64>(a()) < static_cast<i64>(b()); break;
            case Op::kLtU: r.i = a() < b(); break;
            case Op::kSelect: r.i = a() != 0 ? b() : c(); break;
            case Op::kCompareS: r.i = compare_s(a(), b()) | c(); break;
            case Op::kCompareU: r.i = compare_u(a(), b()) | c(); break;
            case Op::kMakeV128: r.v = {b(), a()}; break;
            case Op::kHigh64: r.i = v[i->a].v.hi; break;
            case Op::kLow64: r.i = v[i->a].v.lo; break;
            case Op::kVector:
                r.v = reinterpret_cast<ir::VectorFunction>(i->imm)(v[i->a].v, v[i->b].v, v[i->c].v, i->imm2 >> 16);
                break;
            case Op::kVectorTest: r.i = mask_summary(v[i->a].v); break;
            case Op::kWiden: r.i = fp::widen_single(static_cast<u32>(a())); break;
            case Op::kNarrow: r.i = fp::narrow_single(a()); break;
            case Op::kFloat:
            case Op::kFloatVector:
            case Op::kFloatCompare: {
                const ir::FloatForm form = ir::FloatForm::of(i->imm2);
                const u64 result = reinterpret_cast<ir::Helper>(i->imm)(s, form.regs, form.ordered, 0);
                const V128 target = s.vsr[form.target()];
                if (i->op == Op::kFloatVector)
                    r.v = target;
                else
                    r.i = i->op == Op::kFloat ? target.hi : result;
                break;
            }
            case Op::kProbe:
            case Op::kLook: r.i = 0; break;
            case Op::kLoad:
            case Op::kLoadBy:
                if (!load(s, a() + i->imm, i->access, &r.i)) return interrupted();
                break;
            case Op::kLoad128:
            case Op::kLoad128By:
                if (!load128(s, a() + i->imm, i->access, &r.v)) return interrupted();
                break;
            case Op::kStore:
            case Op::kStoreBy:
                if (!store(s, a() + i->imm, i->access, b())) return interrupted();
                break;
            case Op::kStore128:
            case Op::kStore128By:
                if (!store128(s, a() + i->imm, i->access, v[i->b].v)) return interrupted();
                break;
            case Op::kLoadReserve:
            case Op::kLoadReserve128:
                if (!load_reserve(s, a(), i->access, &r.v)) return interrupted();
                break;
            case Op::kStoreCond:
            case Op::kStoreCond128: {
                u64 stored;
                if (!store_conditional(s, a(), i->access, v[i->b].v, &stored)) return interrupted();
                r.i = stored;
                break;
            }
            case Op::kFence: __atomic_thread_fence(__ATOMIC_SEQ_CST); break;
            case Op::kPause:
                if (--s.pauses == 0) end_pauses(s);
                break;
            case Op::kCall: r.i = reinterpret_cast<ir::Helper>(i->imm)(s, a(), b(), c()); break;
            case Op::kCallSys:
                s.nip = address(cached.block.pc_of(*i));
                r.i = reinterpret_cast<ir::Helper>(i->imm)(s, a(), b(), c());
                if (s.pending != Vector::kNone) return interrupted();
                break;
            case Op::kNeed:
                if (s.msr & i->imm2) break;
                return raise(0);
            case Op::kRaiseIf:
                if (a() == 0) break;
                [[fallthrough]];
            case Op::kRaise: return raise(i->imm2);
            case Op::kSyscall:
                take_interrupt(s, static_cast<Vector>(i->imm), address(cached.block.pc_of(*i) + 4), 0);
                return true;
            case Op::kHypercall:
                s.nip = address(cached.block.pc_of(*i) + 4);
                *exit = Exit::kHypercall;
                return false;
            case Op::kExitIf:
                if ((a() != 0) == (i->imm != 0)) break;
                s.nip = b() & ~u64{3};
                s.instructions -= cached.block.guest_count - 1 - i->guest;
                if (cached.block.mode.single_step) [[unlikely]]
                    take_interrupt(s, Vector::kTrace, s.nip, 0);
                return true;
            case Op::kExit:
            case Op::kExitSync:
                s.nip = a() & ~u64{3};
                if (cached.block.mode.single_step) [[unlikely]]
                    take_interrupt(s, Vector::kTrace, s.nip, 0);
                return true;
            case Op::kReturn: return true;
            case Op::kLoop: s.nip = entry; return true;
            case Op::kInput: std::abort();  // only arms have it
        }
    }
}

Exit Interpreter::step(CpuState& s) {
    Exit exit = Exit::kAttention;
    const CachedBlock* block = cache_.find(s);
    if (block != nullptr) execute(s, *block, &exit);
    return exit;
}

Exit Interpreter::run(CpuState& s) {
    Exit exit = Exit::kAttention;
    // The poll is the first thing of every block: an invalidation waits no longer than one block.
    while (s.attention.load(std::memory_order_relaxed) == 0) {
        const CachedBlock* block = cache_.find(s);
        if (block == nullptr) break;
        if (!execute(s, *block, &exit)) return exit;
    }
    return Exit::kAttention;
}

}  // namespace mpower::jit
