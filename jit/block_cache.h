// The blocks of IR that one vCPU's interpreter has made, and the way from the guest's NIP to one of them.
//
// A block is found by real address and mode, so that it serves every effective address the code is mapped at. Before it
// runs, its page's code epoch tells whether its source words must be compared with storage (mmu/code_epochs.h).
//
// Threads: the vCPU's own only.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "jit/ir/ir.h"
#include "mmu/mmu.h"

namespace mpower::jit {

struct CachedBlock {
    u64 key = 0;
    u64 epoch = 0;  ///< CodeEpochs::of its page when its words were last known to be storage's.
    Ra ra{};
    std::vector<u32> words;  ///< As in storage, to compare.
    ir::Block block;

    /// Whether the words are still those at `storage`.
    bool matches(const u8* storage) const {
        for (const u32 word : words) {
            if (__atomic_load_n(reinterpret_cast<const u32*>(storage), __ATOMIC_RELAXED) != word) return false;
            storage += sizeof word;
        }
        return true;
    }
};

class BlockCache {
  public:
    BlockCache(mmu::Mmu& mmu, unsigned max_insns) : mmu_(mmu), max_insns_(max_insns) {}

    /// The block at s.nip, valid at this moment; takes the interrupt of a fetch that fails. nullptr: attention is asked
    /// for, nothing was found.
    CachedBlock* find(CpuState& s);
    u64 translated() const { return translated_; }

  private:
    static constexpr unsigned kRecent = 32768;
    static constexpr std::size_t kMaxBlocks = 1 << 18;  ///< Then all are dropped; about 1 KiB each.

    /// Most recent blocks by hash of address and mode, in front of the map.
    struct Recent {
        u64 key = ~u64{0};
        CachedBlock* block = nullptr;
    };

    CachedBlock* find_slow(CpuState& s, Ra ra, u32 mode_key);

    mmu::Mmu& mmu_;
    unsigned max_insns_;  ///< Of a block.
    std::vector<Recent> recent_{kRecent};
    std::unordered_map<u64, std::unique_ptr<CachedBlock>> blocks_;
    u64 translated_ = 0;
};

}  // namespace mpower::jit
