// The device tree of a directly entered kernel: what firmware and Linux's prom_init would have made together
// (PAPR, "Device Tree"; Linux's booting-without-of).
#pragma once

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "jit/state.h"

namespace mpower::boot {

struct Range {
    u64 start = 0, size = 0;
};

struct TreeOptions {
    u64 ram_bytes = 0;
    unsigned vcpus = 1;
    unsigned hpt_shift = 24;
    jit::IsaLevel level = jit::IsaLevel::k207;
    std::string bootargs{};
    Range initrd{};  ///< size 0: none.
    u64 rtas_base = 0, rtas_size = 0;
    std::vector<Range> reserved{};  ///< Memory reserve map.
    std::array<u8, 32> rng_seed{};
    std::vector<std::pair<std::string, u32>> rtas_tokens{};
    std::vector<std::string> hypertas{};
};

/// The flattened tree, as it goes into guest RAM.
Result<std::vector<u8>> build_device_tree(const TreeOptions& options);

}  // namespace mpower::boot
