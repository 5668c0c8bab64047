// Guest RAM: one reserved host mapping, backed on first touch, starting at guest real address 0.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "base/result.h"
#include "base/types.h"

namespace mpower::mmu {

class GuestRam {
  public:
    /// Reserves `size` bytes (a multiple of 64 KiB), zero-filled.
    static Result<GuestRam> create(u64 size);
    GuestRam(GuestRam&& o) noexcept : base_(std::exchange(o.base_, nullptr)), size_(o.size_) {}
    GuestRam& operator=(GuestRam&&) = delete;
    ~GuestRam();

    u64 size() const { return size_; }
    std::span<u8> bytes() const { return {base_, size_}; }
    /// Host address of real addresses ra .. ra+length-1, or nullptr if any is outside RAM. Any thread.
    u8* at(Ra ra, u64 length) const { return length <= size_ && ra.v <= size_ - length ? base_ + ra.v : nullptr; }

  private:
    GuestRam(u8* base, u64 size) : base_(base), size_(size) {}
    u8* base_;
    u64 size_;
};

}  // namespace mpower::mmu
