// qemu-user as the reference: one long-lived process that runs test after test (runner/).
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "base/result.h"
#include "tests/differential/program.h"

namespace mpower::differential {

class Oracle {
  public:
    /// Starts `qemu -cpu cpu runner`.
    static Result<Oracle> start(const std::string& qemu, const std::string& cpu, const std::string& runner,
                                bool little_endian);
    Oracle(Oracle&& other) noexcept;
    Oracle& operator=(Oracle&&) = delete;
    ~Oracle();

    /// Sends a test; it runs while the caller does something else. False: the process is gone.
    bool send(const Image& initial, std::span<const u32> code);
    /// Waits for the result of the test that was sent.
    bool receive(Image* result);

  private:
    Oracle(pid_t pid, int to, int from, bool little_endian) : pid_(pid), to_(to), from_(from), le_(little_endian) {}
    pid_t pid_;
    int to_, from_;
    bool le_;
};

}  // namespace mpower::differential
