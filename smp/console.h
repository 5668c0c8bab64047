// What the guest's hvc0 is connected to.
#pragma once

#include <cstddef>
#include <span>

#include "base/types.h"

namespace mpower::smp {

class ConsoleDevice {
  public:
    virtual ~ConsoleDevice() = default;
    /// Takes up to `to.size()` bytes of pending input, 0 if there is none; never blocks. Any vCPU thread.
    virtual std::size_t read(std::span<u8> to) = 0;
    /// Writes all of `bytes`; may block on a slow terminal. Any vCPU thread.
    virtual void write(std::span<const u8> bytes) = 0;
};

}  // namespace mpower::smp
