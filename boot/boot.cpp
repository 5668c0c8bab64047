#include "boot/boot.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "base/endian.h"
#include "hcall/rtas.h"
#include "hcall/table.h"

namespace mpower::boot {
namespace {

/// What RTAS is to the guest: r4 := r3 (the argument block), r3 := KVMPPC_H_RTAS, hypercall, return.
constexpr u32 kRtasBlob[] = {
    0x7c641b78,  // mr   r4,r3
    0x3c600000,  // lis  r3,0
    0x6063f000,  // ori  r3,r3,0xf000
    0x44000022,  // sc   1
    0x4e800020,  // blr
};
constexpr u64 kRtasSize = 4096;  // the blob and room for the error log that PAPR says

constexpr u64 align_up(u64 v, u64 to) { return (v + to - 1) & ~(to - 1); }

}  // namespace

unsigned hpt_shift_for(u64 ram_bytes) {
    const unsigned shift = static_cast<unsigned>(std::bit_width(std::bit_ceil(ram_bytes))) - 1;
    return std::clamp(shift - 7, 18u, 46u);
}

Result<Layout> lay_out(u64 ram_bytes, u64 kernel_end, u64 initrd_bytes, u64 tree_bytes) {
    // From the end of the real-mode area downwards: RTAS, device tree. The kernel copies itself to 0 and takes what
    // follows, so nothing stands below it.
    const u64 top = std::min<u64>(ram_bytes, u64{1} << 30);
    Layout at;
    at.rtas = (top - kRtasSize) & ~u64{4095};
    at.tree = (at.rtas - tree_bytes) & ~u64{65535};
    if (at.rtas < tree_bytes || at.tree < kernel_end) {
        return fail("no room for the device tree after the kernel in {} MiB of RAM; give more with -m",
                    ram_bytes >> 20);
    }
    if (initrd_bytes == 0) return at;
    // The first place that is large enough: behind the kernel, whose BSS grows when it moves to 0; or above the
    // real-mode area, as Linux reads the initrd with relocation on.
    at.initrd = align_up(kernel_end + (u64{16} << 20), 65536);
    if (at.initrd <= at.tree && at.tree - at.initrd >= initrd_bytes) return at;
    at.initrd = top;
    if (ram_bytes - top >= initrd_bytes) return at;
    return fail("-initrd: {} MiB do not fit behind the kernel in {} MiB of RAM; give more with -m", initrd_bytes >> 20,
                ram_bytes >> 20);
}

Result<BootState> prepare(const BootOptions& options, std::span<u8> ram) {
    const auto kernel = load_elf(options.kernel, ram);
    if (!kernel) return tl::unexpected("-kernel: " + kernel.error());

    const u64 tree_room = align_up(131072 + options.vcpus * u64{2048} + options.bootargs.size(), 65536);
    const auto at = lay_out(ram.size(), kernel->high.v, options.initrd.size(), tree_room);
    if (!at) return tl::unexpected(at.error());
    TreeOptions tree{.ram_bytes = ram.size(),
                     .vcpus = options.vcpus,
                     .hpt_shift = options.hpt_shift,
                     .level = options.level,
                     .bootargs = options.bootargs,
                     .rtas_base = at->rtas,
                     .rtas_size = kRtasSize,
                     .rtas_tokens = hcall::rtas_tokens(),
                     .hypertas = hcall::hypertas_functions()};
    for (u32 n = 0; n < std::size(kRtasBlob); ++n) store_be<u32>(ram.data() + at->rtas + 4 * n, kRtasBlob[n]);

    std::random_device host;
    std::mt19937_64 seeded(options.seed);
    for (u8& byte : tree.rng_seed) byte = static_cast<u8>(options.seed != 0 ? seeded() : host());

    if (!options.initrd.empty()) {
        std::memcpy(ram.data() + at->initrd, options.initrd.data(), options.initrd.size());
        tree.initrd = {at->initrd, options.initrd.size()};
        tree.reserved.push_back({at->initrd, align_up(options.initrd.size(), 4096)});
    }
    tree.reserved.push_back({at->rtas, kRtasSize});
    tree.reserved.push_back({at->tree, tree_room});
    const auto blob = build_device_tree(tree);
    if (!blob) return tl::unexpected(blob.error());
    if (blob->size() > tree_room) return fail("the device tree of {} bytes is too large", blob->size());
    std::memcpy(ram.data() + at->tree, blob->data(), blob->size());
    return BootState{.entry = kernel->entry.v, .r3 = at->tree, .r4 = kLoadBase};
}

}  // namespace mpower::boot
