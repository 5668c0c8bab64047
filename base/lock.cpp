#include "base/lock.h"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace mpower {
namespace {

constexpr std::array kNames{"PTEG",          "invalidation", "code key", "code page",
                            "code visitors", "NVRAM",        "console",  "profile"};
static_assert(kNames.size() == static_cast<unsigned>(LockRank::kProfile) + 1);

/// How many of each rank: one, but for H_BULK_REMOVE's PTEGs.
thread_local std::array<unsigned, kNames.size()> held{};

unsigned index(LockRank rank) { return static_cast<unsigned>(rank); }

}  // namespace

void LockOrder::before(LockRank rank) {
    for (unsigned n = index(rank); n < held.size(); ++n) {
        if (held[n] == 0) continue;
        std::fprintf(stderr, "lock order: a thread that holds \"%s\" waits for \"%s\"\n", kNames[n],
                     kNames[index(rank)]);
        std::abort();
    }
}

void LockOrder::took(LockRank rank) { ++held[index(rank)]; }

void LockOrder::released(LockRank rank) {
    if (held[index(rank)]-- != 0) return;
    std::fprintf(stderr, "lock order: a thread releases \"%s\", which it does not hold\n", kNames[index(rank)]);
    std::abort();
}

}  // namespace mpower
