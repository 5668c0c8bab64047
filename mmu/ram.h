// Guest RAM: one reserved host mapping, backed on first touch, starting at guest real address 0.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "base/result.h"
#include "base/types.h"
#include "mmu/reservations.h"

namespace mpower::mmu {

class GuestRam {
  public:
    /// Reserves `size` bytes (a multiple of 64 KiB), zero-filled.
    static Result<GuestRam> create(u64 size, ReservationMode mode = ReservationMode::kWeak);
    GuestRam(GuestRam&& o) noexcept
        : base_(std::exchange(o.base_, nullptr)), size_(o.size_), reservations_(std::move(o.reservations_)) {}
    GuestRam& operator=(GuestRam&&) = delete;
    ~GuestRam();

    u64 size() const { return size_; }
    std::span<u8> bytes() const { return {base_, size_}; }
    /// Host address of real addresses ra .. ra+length-1, or nullptr if any is outside RAM. Any thread.
    u8* at(Ra ra, u64 length) const { return length <= size_ && ra.v <= size_ - length ? base_ + ra.v : nullptr; }

    /// Likewise, to be stored to by what is not a guest instruction: reservations there are lost.
    u8* at_for_store(Ra ra, u64 length);
    Reservations& reservations() const { return *reservations_; }

  private:
    GuestRam(u8* base, u64 size, ReservationMode mode)
        : base_(base), size_(size), reservations_(std::make_unique<Reservations>(mode)) {}
    u8* base_;
    u64 size_;
    std::unique_ptr<Reservations> reservations_;
};

}  // namespace mpower::mmu
