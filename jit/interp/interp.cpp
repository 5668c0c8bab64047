#include "jit/interp/interp.h"

#include <bit>
#include <cstring>

#include "base/endian.h"
#include "base/log.h"
#include "jit/interrupt_ops.h"
#include "jit/translate.h"

namespace mpower::jit {

using ir::Inst;
using ir::Op;

struct Interpreter::CachedBlock {
    u64 key = 0;
    u64 epoch = 0;
    Ra ra{};
    std::vector<u32> words;  ///< As in storage, to compare.
    ir::Block block;
};

Interpreter::Interpreter(mmu::Mmu& mmu) : mmu_(mmu) {}
Interpreter::~Interpreter() = default;

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
    return static_cast<i64>(a) < static_cast<i64>(b) ? cr::kLt : static_cast<i64>(a) > static_cast<i64>(b) ? cr::kGt : cr::kEq;
}
u8 compare_u(u64 a, u64 b) { return a < b ? cr::kLt : a > b ? cr::kGt : cr::kEq; }

u64 swap_sized(u64 v, u8 size) {
    switch (size) {
        case 1: return v & 0xff;
        case 2: return byte_swap(static_cast<u16>(v));
        case 4: return byte_swap(static_cast<u32>(v));
        default: return byte_swap(v);
    }
}

u64 finish_load(u64 v, const ir::Access& access) {
    if (access.swap) v = swap_sized(v, access.size);
    if (access.sign) v = static_cast<u64>(sign_extend(v, access.size * 8));
    return v;
}

/// One aligned or unaligned load within a page. Aligned: single-copy atomic, acquire (a plain mov on x86; it orders
/// this load before later accesses, which the memory model of DESIGN section 7 builds on).
u64 load_host(const u8* p, u8 size) {
    switch (size) {
        case 1: return __atomic_load_n(p, __ATOMIC_ACQUIRE);
        case 2: return __atomic_load_n(reinterpret_cast<const u16*>(p), __ATOMIC_ACQUIRE);
        case 4: return __atomic_load_n(reinterpret_cast<const u32*>(p), __ATOMIC_ACQUIRE);
        default: return __atomic_load_n(reinterpret_cast<const u64*>(p), __ATOMIC_ACQUIRE);
    }
}

void store_host(u8* p, u64 v, u8 size) {
    switch (size) {
        case 1: __atomic_store_n(p, static_cast<u8>(v), __ATOMIC_RELEASE); break;
        case 2: __atomic_store_n(reinterpret_cast<u16*>(p), static_cast<u16>(v), __ATOMIC_RELEASE); break;
        case 4: __atomic_store_n(reinterpret_cast<u32*>(p), static_cast<u32>(v), __ATOMIC_RELEASE); break;
        default: __atomic_store_n(reinterpret_cast<u64*>(p), v, __ATOMIC_RELEASE); break;
    }
}

// Quadwords: an aligned 16-byte SSE load or store is single-copy atomic on every x86 that has AVX.
V128 load_host128(const u8* p) {
    using Vector = long long __attribute__((vector_size(16), may_alias));
    using Unaligned = long long __attribute__((vector_size(16), may_alias, aligned(1)));
    const Vector x = *reinterpret_cast<const Unaligned*>(p);
    return {static_cast<u64>(x[0]), static_cast<u64>(x[1])};
}
void store_host128(u8* p, V128 v) {
    using Unaligned = long long __attribute__((vector_size(16), may_alias, aligned(1)));
    *reinterpret_cast<Unaligned*>(p) = Unaligned{static_cast<long long>(v.lo), static_cast<long long>(v.hi)};
}

V128 swap128(V128 v) { return {byte_swap(v.hi), byte_swap(v.lo)}; }

bool report(CpuState& s, u64 ea, const mmu::Fault& fault) {
    raise_storage(s, ea, fault);
    return false;
}

/// Host addresses of an access that may cross a 4K page: `first` bytes at p, the rest at q. Both pages are translated
/// before anything is stored, so a fault leaves storage as it was.
struct Pieces {
    u8* p;
    u8* q;
    unsigned first;
};
bool pieces(CpuState& s, u64 ea, unsigned size, bool store, Pieces* out) {
    mmu::Fault fault;
    out->p = s.mmu->translate(ea, store, &fault);
    if (out->p == nullptr) return report(s, ea, fault);
    const unsigned room = 4096 - (ea & 4095);
    out->first = room < size ? room : size;
    out->q = nullptr;
    if (out->first < size) {
        const u64 next = ea + out->first;
        out->q = s.mmu->translate(next, store, &fault);
        if (out->q == nullptr) return report(s, next, fault);
        // The second page may have displaced the first one's entry, but not the mapping: no poll lies between.
    }
    return true;
}

bool misaligned(CpuState& s, u64 ea, const ir::Access& access) {
    if (!access.aligned || (ea & (access.size - 1)) == 0) return false;
    s.spr[spr::kDar] = ea;
    s.spr[spr::kDsisr] = 0;
    s.pending = Vector::kAlignment;
    s.pending_srr1 = 0;
    return true;
}

bool load(CpuState& s, u64 ea, const ir::Access& access, u64* out) {
    if (const u8* p = s.mmu->hit(ea, access.size, false)) [[likely]] {
        *out = finish_load(load_host(p, access.size), access);
        return true;
    }
    Pieces x;
    if (!pieces(s, ea, access.size, false, &x)) return false;
    if (x.q == nullptr) {
        *out = finish_load(load_host(x.p, access.size), access);
        return true;
    }
    u64 v = 0;
    std::memcpy(&v, x.p, x.first);
    std::memcpy(reinterpret_cast<u8*>(&v) + x.first, x.q, access.size - x.first);
    *out = finish_load(v, access);
    return true;
}

bool store(CpuState& s, u64 ea, const ir::Access& access, u64 v) {
    if (access.swap) v = swap_sized(v, access.size);
    if (u8* p = s.mmu->hit(ea, access.size, true)) [[likely]] {
        store_host(p, v, access.size);
        return true;
    }
    Pieces x;
    if (!pieces(s, ea, access.size, true, &x)) return false;
    if (x.q == nullptr) {
        store_host(x.p, v, access.size);
        return true;
    }
    std::memcpy(x.p, &v, x.first);
    std::memcpy(x.q, reinterpret_cast<const u8*>(&v) + x.first, access.size - x.first);
    return true;
}

bool load128(CpuState& s, u64 ea, const ir::Access& access, V128* out) {
    Pieces x;
    const u8* p = s.mmu->hit(ea, 16, false);
    if (p == nullptr) {
        if (!pieces(s, ea, 16, false, &x)) return false;
        p = x.p;
        if (x.q != nullptr) {
            std::memcpy(out, x.p, x.first);
            std::memcpy(reinterpret_cast<u8*>(out) + x.first, x.q, 16 - x.first);
            if (access.swap) *out = swap128(*out);
            return true;
        }
    }
    *out = load_host128(p);
    if (access.swap) *out = swap128(*out);
    return true;
}

bool store128(CpuState& s, u64 ea, const ir::Access& access, V128 v) {
    if (access.swap) v = swap128(v);
    Pieces x;
    u8* p = s.mmu->hit(ea, 16, true);
    if (p == nullptr) {
        if (!pieces(s, ea, 16, true, &x)) return false;
        p = x.p;
        if (x.q != nullptr) {
            std::memcpy(x.p, &v, x.first);
            std::memcpy(x.q, reinterpret_cast<const u8*>(&v) + x.first, 16 - x.first);
            return true;
        }
    }
    store_host128(p, v);
    return true;
}

// Reservations: by real address, size and the value loaded; stcx. is a compare-and-swap against that value. It does not
// see another vCPU's stores that put the same value back.
bool load_reserve(CpuState& s, u64 ea, const ir::Access& access, V128* out) {
    if (misaligned(s, ea, access)) return false;
    Pieces x;
    if (!pieces(s, ea, access.size, false, &x)) return false;
    u128 raw;
    if (access.size == 16) {
        const V128 v = load_host128(x.p);
        raw = u128{v.hi} << 64 | v.lo;
        *out = access.swap ? swap128(v) : v;
    } else {
        const u64 v = load_host(x.p, access.size);
        raw = v;
        out->lo = finish_load(v, access);
    }
    s.reserve_ra = s.mmu->real(x.p).v;
    s.reserve_size = access.size;
    s.reserve_value = raw;
    return true;
}

template <class T>
bool exchange(u8* p, u128 expected, u128 desired) {
    T e = static_cast<T>(expected);
    return __atomic_compare_exchange_n(reinterpret_cast<T*>(p), &e, static_cast<T>(desired), false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

bool store_conditional(CpuState& s, u64 ea, const ir::Access& access, V128 v, u64* stored) {
    if (misaligned(s, ea, access)) return false;
    Pieces x;
    if (!pieces(s, ea, access.size, true, &x)) return false;
    const bool held = s.reserve_size == access.size && s.reserve_ra == s.mmu->real(x.p).v;
    s.reserve_size = 0;
    *stored = 0;
    if (!held) return true;
    u128 desired;
    if (access.size == 16) {
        if (access.swap) v = swap128(v);
        desired = u128{v.hi} << 64 | v.lo;
    } else {
        desired = access.swap ? swap_sized(v.lo, access.size) : v.lo;
    }
    switch (access.size) {
        case 1: *stored = exchange<u8>(x.p, s.reserve_value, desired); break;
        case 2: *stored = exchange<u16>(x.p, s.reserve_value, desired); break;
        case 4: *stored = exchange<u32>(x.p, s.reserve_value, desired); break;
        case 8: *stored = exchange<u64>(x.p, s.reserve_value, desired); break;
        default:
            *stored = __sync_bool_compare_and_swap(reinterpret_cast<u128*>(x.p), s.reserve_value, desired);
            break;
    }
    return true;
}

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
            const Vector vector = s.pending;
            s.pending = Vector::kNone;
            take_interrupt(s, vector, address(4 * u64{i->guest}), s.pending_srr1);
            return true;
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
            case Op::kDivS: r.i = divides_s(a(), b()) ? static_cast<u64>(static_cast<i64>(a()) / static_cast<i64>(b())) : 0; break;
            case Op::kDivU: r.i = b() != 0 ? a() / b() : 0; break;
            case Op::kRemS: r.i = divides_s(a(), b()) ? static_cast<u64>(static_cast<i64>(a()) % static_cast<i64>(b())) : 0; break;
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
            case Op::kCompareS: r.i = compare_s(a(), b()); break;
            case Op::kCompareU: r.i = compare_u(a(), b()); break;
            case Op::kMakeV128: r.v = {b(), a()}; break;
            case Op::kHigh64: r.i = v[i->a].v.hi; break;
            case Op::kLow64: r.i = v[i->a].v.lo; break;
            case Op::kLoad:
                if (!load(s, a(), i->access, &r.i)) return interrupted();
                break;
            case Op::kLoad128:
                if (!load128(s, a(), i->access, &r.v)) return interrupted();
                break;
            case Op::kStore:
                if (!store(s, a(), i->access, b())) return interrupted();
                break;
            case Op::kStore128:
                if (!store128(s, a(), i->access, v[i->b].v)) return interrupted();
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
            case Op::kCall: r.i = reinterpret_cast<ir::Helper>(i->imm)(s, a(), b(), c()); break;
            case Op::kCallSys:
                s.nip = address(4 * u64{i->guest});
                r.i = reinterpret_cast<ir::Helper>(i->imm)(s, a(), b(), c());
                if (s.pending != Vector::kNone) return interrupted();
                break;
            case Op::kRaiseIf:
                if (a() == 0) break;
                [[fallthrough]];
            case Op::kRaise:
                s.pending = static_cast<Vector>(i->imm);
                s.pending_srr1 = i->imm2;
                return interrupted();
            case Op::kSyscall:
                take_interrupt(s, static_cast<Vector>(i->imm), address(4 * u64{i->guest} + 4), 0);
                return true;
            case Op::kHypercall:
                s.nip = address(4 * u64{i->guest} + 4);
                *exit = Exit::kHypercall;
                return false;
            case Op::kExitIf:
                if (a() == 0) break;
                s.nip = b() & ~u64{3};
                s.instructions -= cached.block.guest_count - 1 - i->guest;
                if (cached.block.mode.single_step) [[unlikely]] take_interrupt(s, Vector::kTrace, s.nip, 0);
                return true;
            case Op::kExit:
            case Op::kExitSync:
                s.nip = a() & ~u64{3};
                if (cached.block.mode.single_step) [[unlikely]] take_interrupt(s, Vector::kTrace, s.nip, 0);
                return true;
            case Op::kReturn: return true;
        }
    }
}

Interpreter::CachedBlock* Interpreter::find_slow(CpuState& s, Ra ra, u32 mode_key) {
    const u64 key = ra.v << 10 | mode_key;  // mode keys have 11 bits, real addresses are multiples of 4
    const u64 epoch = mmu_.epochs().of(ra);
    std::unique_ptr<CachedBlock>& entry = blocks_[key];
    const u8* storage = mmu_.host(ra, 4);
    if (entry == nullptr ||
        std::memcmp(entry->words.data(), storage, entry->words.size() * sizeof(u32)) != 0) {
        if (blocks_.size() > kMaxBlocks) {
            blocks_.clear();
            std::fill(recent_.begin(), recent_.end(), Recent{});
            return find_slow(s, ra, mode_key);
        }
        const ir::Mode mode = ir::mode_of(s);
        const unsigned room = static_cast<unsigned>((4096 - (ra.v & 4095)) / 4);
        u32 raw[kMaxBlockInsns], words[kMaxBlockInsns];
        const unsigned n = std::min(room, kMaxBlockInsns);
        for (unsigned i = 0; i < n; ++i) {
            raw[i] = __atomic_load_n(reinterpret_cast<const u32*>(storage) + i, __ATOMIC_RELAXED);
            words[i] = mode.le ? raw[i] : byte_swap(raw[i]);
        }
        if (entry == nullptr) entry = std::make_unique<CachedBlock>();
        entry->key = key;
        entry->ra = ra;
        entry->block = translate({words, n}, mode, s.nip);
        entry->words.assign(raw, raw + entry->block.guest_count);
        ++translated_;
    }
    entry->epoch = epoch;
    return entry.get();
}

Interpreter::CachedBlock* Interpreter::find(CpuState& s) {
    for (;;) {
        Ra ra;
        mmu::Fault fault;
        if (!mmu_.fetch(s.nip, &ra, &fault)) [[unlikely]] {
            raise_fetch(s, fault);
            const Vector vector = s.pending;
            s.pending = Vector::kNone;
            take_interrupt(s, vector, s.nip, s.pending_srr1);
            if (s.attention.load(std::memory_order_relaxed) != 0) return nullptr;
            continue;
        }
        const u32 mode_key = ir::mode_of(s).key();
        Recent& recent = recent_[(ra.v >> 2 ^ mode_key * 37) % kRecent];
        const u64 key = ra.v << 10 | mode_key;
        if (recent.key == key && recent.block->epoch == mmu_.epochs().of(ra)) [[likely]] return recent.block;
        recent.block = find_slow(s, ra, mode_key);
        recent.key = key;
        return recent.block;
    }
}

Exit Interpreter::run(CpuState& s) {
    Exit exit = Exit::kAttention;
    // The poll is the first thing of every block: an invalidation waits no longer than one block.
    while (s.attention.load(std::memory_order_relaxed) == 0) {
        const CachedBlock* block = find(s);
        if (block == nullptr) break;
        if (!execute(s, *block, &exit)) return exit;
    }
    return Exit::kAttention;
}

}  // namespace mpower::jit
