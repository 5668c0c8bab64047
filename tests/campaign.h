// How long random tests run, and their seed, from the environment.
#pragma once

#include <cstdlib>
#include <random>

#include "base/types.h"

namespace mpower {

/// MPOWER_LONG is set and not empty: the long campaigns.
inline bool long_run() {
    const char* const text = std::getenv("MPOWER_LONG");
    return text != nullptr && *text != 0;
}

/// MPOWER_SEED, or a new seed each time. The test prints it.
inline u64 campaign_seed() {
    const char* const text = std::getenv("MPOWER_SEED");
    return text != nullptr && *text != 0 ? std::strtoull(text, nullptr, 0) : std::random_device{}();
}

}  // namespace mpower
