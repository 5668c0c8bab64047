// FPRF, FR and FI, worked out when they are wanted.
#include "jit/fp/arith.h"
#include "jit/ir/float.h"

namespace mpower::jit::fp {
namespace {

using ir::Float;

struct Status {
    u32 fprf;
    bool fr, fi;
};

template <class T, Operation op>
Status status_of(const LastFloat& last) {
    Context c;
    const u64 v = compute<T, op>(c, last.a, last.b, last.c);
    return {result_class<T>(v), c.fr, c.fi};
}

template <class As, class T>
Status from_integer_status(const LastFloat& last) {
    Context c;
    const u64 v = pack<As>(c, from_integer<u128>(static_cast<T>(last.b)));
    return {result_class<As>(v), c.fr, c.fi};
}

template <class T>
Status to_integer_status(const LastFloat& last, bool nearest) {
    Context c;
    to_integer<T>(c, unpack<Double>(last.b), nearest ? Rounding::kNearest : Rounding::kZero);
    return {class_of<Double>(last.b), c.fr, c.fi};
}

template <class T>
Status status(const LastFloat& last, Float op, bool nearest) {
    using enum Operation;
    switch (op) {
        case Float::kAdd: return status_of<T, kAdd>(last);
        case Float::kSub: return status_of<T, kSub>(last);
        case Float::kMul: return status_of<T, kMul>(last);
        case Float::kDiv: return status_of<T, kDiv>(last);
        case Float::kSqrt: return status_of<T, kSqrt>(last);
        case Float::kMadd: return status_of<T, kMadd>(last);
        case Float::kMsub: return status_of<T, kMsub>(last);
        case Float::kNmadd: return status_of<T, kNmadd>(last);
        case Float::kNmsub: return status_of<T, kNmsub>(last);
        case Float::kRound: return status_of<DpSp, kRound>(last);
        case Float::kTruncate: return status_of<Dp, kIntegralZero>(last);
        case Float::kCeil: return status_of<Dp, kIntegralUp>(last);
        case Float::kFloor: return status_of<Dp, kIntegralDown>(last);
        case Float::kFromS64: return from_integer_status<T, i64>(last);
        case Float::kFromU64: return from_integer_status<T, u64>(last);
        case Float::kToS32: return to_integer_status<i32>(last, nearest);
        case Float::kToU32: return to_integer_status<u32>(last, nearest);
        case Float::kToS64: return to_integer_status<i64>(last, nearest);
        case Float::kToU64: return to_integer_status<u64>(last, nearest);
        default: std::abort();
    }
}

}  // namespace

void settle(CpuState& s) {
    LastFloat& last = s.last_float;
    if (last.operation != 0) {
        const ir::FloatForm form = ir::FloatForm::of(last.operation);
        const Status st =
            form.single ? status<DpSp>(last, form.op, form.nearest) : status<Dp>(last, form.op, form.nearest);
        s.fpscr &= ~(fpscr::kFprf | fpscr::kFr | fpscr::kFi);
        s.fpscr |= u64{st.fprf} << 12 | (st.fr ? fpscr::kFr : 0) | (st.fi ? fpscr::kFi : 0);
        last.operation = 0;
    }
    if (last.compared != 0) {
        s.fpscr = (s.fpscr & ~fpscr::kFpcc) | u64{last.compared} << 12;
        last.compared = 0;
    }
}

}  // namespace mpower::jit::fp
