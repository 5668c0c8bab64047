#include "jit/x64/executor.h"

#include <cstdlib>
#include <cstring>

#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

X64Executor::X64Executor(mmu::Mmu& mmu, std::size_t code_bytes)
    : mmu_(mmu),
      cache_(mmu, this),
      memory_(code_bytes),
      stubs_(make_stubs(memory_, mmu, cache_)),
      stub_bytes_(memory_.used()) {}

void X64Executor::jump_to(const u8* from, const void* to) {
    const auto distance = static_cast<i32>(static_cast<const u8*>(to) - (from + 5));
    u8 jump[5] = {0xe9};
    std::memcpy(jump + 1, &distance, 4);
    memory_.patch(from, jump);
}

void X64Executor::translated(CachedBlock& block) {
    const void* const old = block.code;
    holder_.reset();
    holder_.init(asmjit::Environment::host(), reinterpret_cast<u64>(memory_.next()));
    holder_.attach(&assembler_);
    const std::size_t first_link = links_.size();
    Compiler(assembler_, stubs_, mmu_, block, links_).compile();
    const asmjit::CodeBuffer& code = holder_.textSection()->buffer();
    if (holder_.hasUnresolvedLinks() || !holder_.relocEntries().empty() || code.size() > kRoomForBlock) std::abort();
    const u8* const start = memory_.add({code.data(), code.size()});
    for (std::size_t n = first_link; n < links_.size(); ++n) links_[n].jump += reinterpret_cast<u64>(start);
    block.code = start;
    block.block.insts = {};  // not needed again
    // Links of other blocks still lead to the old code.
    if (old != nullptr) jump_to(static_cast<const u8*>(old), start);
}

void X64Executor::dropped() {
    memory_.truncate(stub_bytes_);
    links_.clear();
    waiting_link_ = ~u64{0};
}

Exit X64Executor::run(CpuState& s) {
    waiting_link_ = ~u64{0};
    while (s.attention.load(std::memory_order_relaxed) == 0) {
        const CachedBlock* block = cache_.find(s);
        if (block == nullptr) break;
        if (waiting_link_ < links_.size() && links_[waiting_link_].target == block->key) {
            jump_to(links_[waiting_link_].jump, block->code);
        }
        const u64 left = stubs_.enter(&s, block->code);
        if (left == kLeftHypercall) return Exit::kHypercall;
        waiting_link_ = left >= kLeftLink ? left - kLeftLink : ~u64{0};
    }
    return Exit::kAttention;
}

}  // namespace mpower::jit::x64
