#include "mmu/ram.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mpower::mmu {

void* StdReservationPolicy::map(u64 bytes) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags | MAP_32BIT, -1, 0);
    if (p == MAP_FAILED) p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (p == MAP_FAILED) std::abort();
    return p;
}

void StdReservationPolicy::unmap(void* p, u64 bytes) { munmap(p, bytes); }

Result<GuestRam> GuestRam::create(u64 size, ReservationMode mode) {
    if (size == 0 || size % 65536 != 0) return fail("guest RAM must be a multiple of 64 KiB, not {} bytes", size);
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return fail("cannot reserve {} bytes of guest RAM: {}", size, std::strerror(errno));
    madvise(p, size, MADV_HUGEPAGE);  // fewer host TLB misses; a refusal costs nothing but speed
    return GuestRam(static_cast<u8*>(p), size, mode);
}

u8* GuestRam::at_for_store(Ra ra, u64 length) {
    u8* const p = at(ra, length);
    if (p == nullptr) return p;
    for (u64 n = ra.v & ~(kGranuleBytes - 1); n < ra.v + length; n += kGranuleBytes)
        reservations_->lose(reinterpret_cast<u64>(base_ + n));
    return p;
}

GuestRam::~GuestRam() {
    if (base_ != nullptr) munmap(base_, size_);
}

}  // namespace mpower::mmu
