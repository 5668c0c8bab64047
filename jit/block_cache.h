// The blocks that one vCPU has translated, and the way from the guest's NIP to one of them. Both executors use it.
//
// A block is found by real address and mode, so that it serves every effective address the code is mapped at. Before it
// runs, its page's code epoch tells whether its source words must be compared with storage (mmu/code_epochs.h).
//
// Threads: the vCPU's own only.
#pragma once

#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include "jit/ir/ir.h"
#include "mmu/mmu.h"

namespace mpower::jit {

struct CachedBlock {
    u64 key = 0;
    u64 epoch = 0;               ///< CodeEpochs::of its page when its words were last known to be storage's.
    const void* code = nullptr;  ///< Host code, for an executor that makes some.
    Ra ra{};
    std::vector<u32> words;  ///< As in storage, to compare.
    ir::Block block;

    /// Whether the words are still those at `storage`.
    bool matches(const u8* storage) const {
        return std::memcmp(words.data(), storage, words.size() * sizeof(u32)) == 0;
    }
};

/// Told of translations, by a BlockCache.
class BlockListener {
  public:
    virtual ~BlockListener() = default;
    /// `block.block` was translated, for the first time or anew (`block.code` is then the old code).
    virtual void translated(CachedBlock& block) = 0;
    /// Every block is about to be dropped.
    virtual void dropped() = 0;
    /// No room for another translation: drop all first.
    virtual bool full() const = 0;
};

class BlockCache {
  public:
    /// Most recent blocks by hash of address and mode, in front of the map; generated code reads it.
    struct alignas(32) Recent {
        u64 key = ~u64{0};
        CachedBlock* block = nullptr;
        const void* code = nullptr;  ///< block->code: saves generated code a load that often misses the cache.
    };
    static constexpr unsigned kRecent = 32768;

    explicit BlockCache(mmu::Mmu& mmu, BlockListener* listener = nullptr) : mmu_(mmu), listener_(listener) {}

    /// The block at s.nip, valid at this moment; takes the interrupt of a fetch that fails. nullptr: attention is asked
    /// for, nothing was found.
    CachedBlock* find(CpuState& s);
    u64 translated() const { return translated_; }

    static u64 key_of(Ra ra, u32 mode_key) {
        return ra.v << 10 | mode_key;
    }  // mode keys have 11 bits, ra's last 2 are 0
    static u64 slot_of(Ra ra, u32 mode_key) { return (ra.v >> 2 ^ mode_key * 37) % kRecent; }
    const Recent* recent() const { return recent_.data(); }

  private:
    static constexpr std::size_t kMaxBlocks = 1 << 18;  ///< Then all are dropped; about 1 KiB each.

    CachedBlock* find_slow(CpuState& s, Ra ra, u32 mode_key);

    mmu::Mmu& mmu_;
    BlockListener* listener_;
    std::vector<Recent> recent_{kRecent};
    std::unordered_map<u64, std::unique_ptr<CachedBlock>> blocks_;
    u64 translated_ = 0;
};

}  // namespace mpower::jit
