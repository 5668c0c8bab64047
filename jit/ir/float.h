// Floating-point operations that a host computes itself: kFloat, kFloatVector, kFloatCompare of ops.inc.
//
// Each has the helper that defines it: operands, result and FPSCR are registers' and the state's, whatever they are. An
// executor may compute the result otherwise where it can prove that the helper would leave the same state.
#pragma once

#include "jit/state.h"

namespace mpower::jit::ir {

/// Operands as in jit/fp/arith.h: A * C + B is fused, one-operand operations have B.
enum class Float : u8 {
    kNone,
    kAdd,
    kSub,
    kMul,
    kDiv,
    kSqrt,
    kMadd,
    kMsub,
    kNmadd,
    kNmsub,
    kRound,  ///< To single precision.
    kTruncate,
    kCeil,
    kFloor,  ///< To an integral value.
    kFromS64,
    kFromU64,  ///< From the integer that the register holds.
    kToS32,
    kToU32,
    kToS64,
    kToU64,  ///< Towards zero; the word forms extended to 64 bits.
    kEqual,
    kGreater,
    kGreaterEqual,  ///< Masks; vector forms only.
};

constexpr bool is_fused(Float op) { return op >= Float::kMadd && op <= Float::kNmsub; }
constexpr bool reads_a(Float op) { return op <= Float::kDiv || is_fused(op) || op >= Float::kEqual; }

/// What Inst::imm2 of these operations has.
struct FloatForm {
    Float op = Float::kNone;
    bool single = false;   ///< Rounded to single; of a vector form: on single elements.
    bool nearest = false;  ///< kTo...: to nearest instead (FPSCR[RN] decides, the fast way is for nearest).
    bool twice = false;    ///< kTo...32: the word in both halves.
    bool ordered = false;  ///< Of comparisons.
    u32 regs = 0;          ///< VSX registers: target, A, B, C, a byte each.

    constexpr u64 packed() const {
        return static_cast<u64>(op) | u64{single} << 8 | u64{nearest} << 9 | u64{twice} << 10 | u64{ordered} << 11 |
               u64{regs} << 32;
    }
    static constexpr FloatForm of(u64 v) {
        return {static_cast<Float>(v & 0xff), bool(v >> 8 & 1), bool(v >> 9 & 1), bool(v >> 10 & 1), bool(v >> 11 & 1),
                static_cast<u32>(v >> 32)};
    }
    constexpr u32 target() const { return regs & 63; }
};

}  // namespace mpower::jit::ir
