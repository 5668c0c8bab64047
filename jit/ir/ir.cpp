#include "jit/ir/ir.h"

#include <fmt/format.h>

namespace mpower::jit::ir {
namespace {

struct OpInfo {
    const char* name;
    bool result;
    int arguments;
};

constexpr bool has_result(Type t) { return t != Type::kNone; }

constexpr OpInfo kOps[] = {
#define OP(name, result, arguments, text) {#name, has_result(Type::result), arguments},
#include "jit/ir/ops.inc"
#undef OP
};

}  // namespace

Mode mode_of(const CpuState& s) {
    const u64 m = s.msr;
    return {.sf = bool(m & msr::kSf),
            .le = bool(m & msr::kLe),
            .pr = bool(m & msr::kPr),
            .fp_exceptions = bool(m & (msr::kFe0 | msr::kFe1)),
            .single_step = bool(m & (msr::kSe | msr::kBe)),
            .level = s.level};
}

std::string to_string(const Block& block) {
    std::string text;
    for (std::size_t id = 0; id < block.insts.size(); ++id) {
        const Inst& i = block.insts[id];
        const OpInfo& op = kOps[static_cast<unsigned>(i.op)];
        text += fmt::format("  [{}] ", i.guest);
        text += op.result ? fmt::format("v{} = {}", id, op.name + 1) : std::string(op.name + 1);
        for (int n = 0; n < op.arguments; ++n) text += fmt::format(" v{}", n == 0 ? i.a : n == 1 ? i.b : i.c);
        text += fmt::format(" imm {:#x}", i.imm);
        if (i.access.size != 8 || i.access.swap)
            text += fmt::format(" size {}{}", i.access.size, i.access.swap ? " swap" : "");
        if (i.op == Op::kExitIf && i.imm2 != 0) text += fmt::format(" arm {}", i.imm2);
        text += '\n';
    }
    for (std::size_t n = 0; n < block.arms.size(); ++n) {
        text += fmt::format("arm {}:\n{}", n + 1, to_string(block.arms[n]));
    }
    return text;
}

}  // namespace mpower::jit::ir
