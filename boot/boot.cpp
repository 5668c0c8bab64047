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

Result<BootState> prepare(const BootOptions& options, std::span<u8> ram) {
    const auto kernel = load_elf(options.kernel, ram);
    if (!kernel) return tl::unexpected("-kernel: " + kernel.error());

    // From the kernel's end upwards: initrd; from the end of the real-mode area downwards: RTAS, device tree. The
    // kernel copies itself to 0 and takes what follows, so nothing stands below it.
    const u64 top = std::min<u64>(ram.size(), u64{1} << 30);
    TreeOptions tree{.ram_bytes = ram.size(),
                     .vcpus = options.vcpus,
                     .hpt_shift = options.hpt_shift,
                     .level = options.level,
                     .bootargs = options.bootargs,
                     .rtas_base = (top - kRtasSize) & ~u64{4095},
                     .rtas_size = kRtasSize,
                     .rtas_tokens = hcall::rtas_tokens(),
                     .hypertas = hcall::hypertas_functions()};
    for (u32 n = 0; n < std::size(kRtasBlob); ++n) store_be<u32>(ram.data() + tree.rtas_base + 4 * n, kRtasBlob[n]);

    std::mt19937_64 random(options.seed != 0 ? options.seed : std::random_device{}());
    for (u8& byte : tree.rng_seed) byte = static_cast<u8>(random());

    const u64 tree_room = align_up(131072 + options.vcpus * u64{2048} + options.bootargs.size(), 65536);
    const u64 tree_at = (tree.rtas_base - tree_room) & ~u64{65535};
    if (tree.rtas_base < tree_room || tree_at < kernel->high.v) {
        return fail("no room for the device tree after the kernel in {} MiB of RAM; give more with -m",
                    ram.size() >> 20);
    }
    if (!options.initrd.empty()) {
        const u64 at = align_up(kernel->high.v + (u64{16} << 20), 65536);  // the kernel's BSS grows when it moves to 0
        if (at > tree_at || tree_at - at < options.initrd.size()) {
            return fail("-initrd: {} MiB do not fit behind the kernel in {} MiB of RAM; give more with -m",
                        options.initrd.size() >> 20, ram.size() >> 20);
        }
        std::memcpy(ram.data() + at, options.initrd.data(), options.initrd.size());
        tree.initrd = {at, options.initrd.size()};
        tree.reserved.push_back({at, align_up(options.initrd.size(), 4096)});
    }
    tree.reserved.push_back({tree.rtas_base, kRtasSize});
    tree.reserved.push_back({tree_at, tree_room});
    const auto blob = build_device_tree(tree);
    if (!blob) return tl::unexpected(blob.error());
    if (blob->size() > tree_room) return fail("the device tree of {} bytes is too large", blob->size());
    std::memcpy(ram.data() + tree_at, blob->data(), blob->size());
    return BootState{.entry = kernel->entry.v, .r3 = tree_at, .r4 = kLoadBase};
}

}  // namespace mpower::boot
