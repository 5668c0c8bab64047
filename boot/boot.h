// Places everything a guest starts with in its RAM: kernel, initrd, RTAS blob, device tree.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "boot/device_tree.h"
#include "boot/elf.h"

namespace mpower::boot {

struct BootOptions {
    std::span<const u8> kernel;
    std::span<const u8> initrd;  ///< Empty: none.
    std::string bootargs;
    unsigned vcpus = 1;
    unsigned hpt_shift = 24;
    jit::IsaLevel level = jit::IsaLevel::k207;
    u64 seed = 0;
};

/// Registers at entry: r5 = 0, big-endian, 64-bit, relocation off, MSR[ME].
struct BootState {
    u64 entry = 0, r3 = 0, r4 = 0;
};

/// log2 of the HPT's size for this much RAM: 1/128 of it, at least 2^18 (PAPR, "ibm,pft-size").
unsigned hpt_shift_for(u64 ram_bytes);

/// Where the loader puts what the kernel does not bring. `initrd` is 0 if there is none.
struct Layout {
    u64 rtas = 0, tree = 0, initrd = 0;
};

/// Room for `tree_bytes` of device tree, RTAS and the initrd in RAM behind a kernel that ends at `kernel_end`. RTAS and
/// the tree are below 1 GiB, in the real-mode area, whatever the size of the initrd.
Result<Layout> lay_out(u64 ram_bytes, u64 kernel_end, u64 initrd_bytes, u64 tree_bytes);

Result<BootState> prepare(const BootOptions& options, std::span<u8> ram);

}  // namespace mpower::boot
