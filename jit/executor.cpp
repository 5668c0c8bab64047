#include "jit/executor.h"

#include "jit/interp/interp.h"
#include "jit/x64/executor.h"

namespace mpower::jit {

std::unique_ptr<Executor> make_executor(Accel accel, mmu::Mmu& mmu) {
    if (accel == Accel::kJit) return std::make_unique<x64::X64Executor>(mmu);
    return std::make_unique<Interpreter>(mmu);
}

}  // namespace mpower::jit
