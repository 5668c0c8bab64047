#include "jit/block_cache.h"

#include <algorithm>

#include "base/endian.h"
#include "jit/interrupt_ops.h"
#include "jit/translate.h"

namespace mpower::jit {

CachedBlock* BlockCache::find_slow(CpuState& s, Ra ra, u32 mode_key) {
    const u64 key = ir::block_key(ra, mode_key);
    const u64 epoch = mmu_.epochs().of(ra);
    const u8* storage = mmu_.host(ra, 4);
    const auto known = blocks_.find(key);
    CachedBlock* entry = known == blocks_.end() ? nullptr : known->second.get();
    if (entry == nullptr || !entry->matches(storage)) {
        if (blocks_.size() > kMaxBlocks) {
            blocks_.clear();
            std::fill(recent_.begin(), recent_.end(), Recent{});
            entry = nullptr;
        }
        const ir::Mode mode = ir::mode_of(s);
        const unsigned room = static_cast<unsigned>((4096 - (ra.v & 4095)) / 4);
        u32 raw[kMaxBlockInsns], words[kMaxBlockInsns];
        const unsigned n = std::min({room, kMaxBlockInsns, max_insns_});
        for (unsigned i = 0; i < n; ++i) {
            raw[i] = __atomic_load_n(reinterpret_cast<const u32*>(storage) + i, __ATOMIC_RELAXED);
            words[i] = mode.le ? raw[i] : byte_swap(raw[i]);
        }
        if (entry == nullptr) entry = (blocks_[key] = std::make_unique<CachedBlock>()).get();
        entry->key = key;
        entry->ra = ra;
        entry->block = translate({words, n}, mode, s.nip);
        entry->words.assign(raw, raw + entry->block.guest_count);
        ++translated_;
    }
    entry->epoch = epoch;
    return entry;
}

CachedBlock* BlockCache::find(CpuState& s) {
    for (;;) {
        Ra ra;
        mmu::Fault fault;
        if (!mmu_.fetch(s.nip, &ra, &fault)) [[unlikely]] {
            raise_fetch(s, fault);
            take_pending(s, s.nip);
            if (s.attention.load(std::memory_order_relaxed) != 0) return nullptr;
            continue;
        }
        const u32 mode_key = ir::mode_of(s).key();
        const u64 key = ir::block_key(ra, mode_key);
        Recent& recent = recent_[(ra.v >> 2 ^ mode_key * 37) % kRecent];
        if (recent.key == key) [[likely]] {
            const u64 epoch = mmu_.epochs().of(ra);
            if (recent.block->epoch == epoch) [[likely]]
                return recent.block;
            if (recent.block->matches(mmu_.host(ra, 4))) {
                recent.block->epoch = epoch;
                return recent.block;
            }
        }
        CachedBlock* const block = find_slow(s, ra, mode_key);
        recent = {key, block};
        return block;
    }
}

}  // namespace mpower::jit
