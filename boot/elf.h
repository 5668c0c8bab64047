// Loader of ELF64 PowerPC images of either byte order.
#pragma once

#include <span>

#include "base/result.h"
#include "base/types.h"

namespace mpower::boot {

constexpr u64 kLoadBase = u64{4} << 20;

struct LoadedKernel {
    Ra entry{};
    Ra low{}, high{};  ///< Storage it occupies: low .. high-1, zero-filled parts included.
    bool little_endian = false;
};

/// Copies the image's segments into RAM, each at kLoadBase + (virtual address & 0x0fffffff), as QEMU's pseries does.
/// Fails with what is wrong with the file, or what does not fit.
Result<LoadedKernel> load_elf(std::span<const u8> file, std::span<u8> ram);

}  // namespace mpower::boot
