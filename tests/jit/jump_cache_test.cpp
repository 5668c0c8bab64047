// CpuState::jumps: which pairs of address and stamp share an answer. None may: they would run each other's code.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>

#include "jit/state.h"

namespace mpower::jit {
namespace {

TEST(JumpCache, EntryAndTag_TellAddressAndStamp) {
    const auto cache = std::make_unique<JumpCache>();
    std::map<std::pair<const JumpEntry*, u64>, std::pair<u64, u64>> known;
    const u64 bases[] = {0, 0x20000, 0x40000, u64{1} << 32, 0xc000000000000000, ~u64{0} << 17};
    for (u64 stamp = 1; stamp < JumpCache::kStamps; stamp = 2 * stamp + 3) {
        for (const u64 s : {stamp, stamp + 1, stamp ^ 0x1ff80}) {
            if (s == 0 || s >= JumpCache::kStamps) continue;
            cache->set(s, s % 5);  // few kinds: stamps share orders
            for (const u64 base : bases) {
                for (u64 word = 0; word < 2048; ++word) {
                    const u64 ea = base + (word < 1024 ? word : 31 * word) * 4;
                    JumpEntry& entry = cache->entry(ea);
                    EXPECT_NE(entry.tag, cache->tag(ea)) << "of an empty entry";
                    const auto [at, fresh] = known.try_emplace({&entry, cache->tag(ea)}, ea, s);
                    ASSERT_TRUE(fresh || at->second == std::pair(ea, s))
                        << std::hex << ea << " and " << at->second.first;
                }
            }
        }
    }
}

// Stamps that differ as their orders do, and addresses likewise: the same entry.
TEST(JumpCache, EntryAndTag_TellThem_WhenStampsDifferAsTheirOrdersDo) {
    const auto cache = std::make_unique<JumpCache>();
    for (u64 kind = 1; kind < 64; ++kind) {
        cache->set(1, 0);
        const u64 order = cache->order, tag = cache->tag(0x1000);
        const JumpEntry* const entry = &cache->entry(0x1000);
        cache->set(1, kind);
        const u64 difference = (order ^ cache->order) >> 3;
        cache->set(1 ^ difference, kind);
        const u64 other = 0x1000 ^ difference;
        ASSERT_NE(difference, 0u);
        EXPECT_EQ(&cache->entry(other), entry);
        EXPECT_NE(cache->tag(other), tag);
    }
}

// Linux's code in two modes: neither takes the other's entry.
TEST(JumpCache, KindsOfStamps_HaveEntriesOfTheirOwn) {
    const auto cache = std::make_unique<JumpCache>();
    unsigned shared = 0;
    for (u64 ea = 0xc000000000000000; ea < 0xc000000000001000; ea += 4) {
        cache->set(1, 2);
        const JumpEntry* const one = &cache->entry(ea);
        cache->set(2, 3);
        shared += one == &cache->entry(ea);
    }
    EXPECT_EQ(shared, 0u);
}

}  // namespace
}  // namespace mpower::jit
