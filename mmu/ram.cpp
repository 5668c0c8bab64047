#include "mmu/ram.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mpower::mmu {

Result<GuestRam> GuestRam::create(u64 size) {
    if (size == 0 || size % 65536 != 0) return fail("guest RAM must be a multiple of 64 KiB, not {} bytes", size);
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return fail("cannot reserve {} bytes of guest RAM: {}", size, std::strerror(errno));
    madvise(p, size, MADV_HUGEPAGE);  // fewer host TLB misses; a refusal costs nothing but speed
    return GuestRam(static_cast<u8*>(p), size);
}

GuestRam::~GuestRam() {
    if (base_ != nullptr) munmap(base_, size_);
}

}  // namespace mpower::mmu
