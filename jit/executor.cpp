#include "jit/executor.h"

#include "jit/interp/interp.h"
#include "jit/verify.h"
#include "jit/x64/executor.h"

namespace mpower::jit {

std::unique_ptr<SharedCode> make_shared_code(Accel accel, mmu::GuestRam& ram, mmu::CodeEpochs& epochs,
                                             const CodeOptions& options) {
    if (accel == Accel::kJit) return std::make_unique<x64::CodeCache>(ram, epochs, options);
    if (accel == Accel::kVerify) {
        CodeOptions exact = options;
        exact.count_instructions = exact.one_block = true;
        return std::make_unique<x64::CodeCache>(ram, epochs, exact);
    }
    return std::make_unique<SharedCode>();
}

std::unique_ptr<Executor> make_executor(Accel accel, mmu::Mmu& mmu, SharedCode& shared) {
    if (accel == Accel::kJit) return std::make_unique<x64::X64Executor>(mmu, dynamic_cast<x64::CodeCache&>(shared));
    if (accel == Accel::kVerify) return std::make_unique<Verifier>(mmu, dynamic_cast<x64::CodeCache&>(shared));
    return std::make_unique<Interpreter>(mmu);
}

}  // namespace mpower::jit
