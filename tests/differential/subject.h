// Our side: a vCPU's state and an executor over a small guest RAM, in real mode, at the runner's addresses.
#pragma once

#include <memory>
#include <span>

#include "jit/executor.h"
#include "tests/differential/program.h"

namespace mpower::differential {

class Subject {
  public:
    /// `hot`: runs each program several times and looks at the last one, so that the translator's hot code runs.
    Subject(jit::IsaLevel level, bool little_endian, jit::Accel accel, bool hot);
    ~Subject();

    /// Runs a test to its end or to the first interrupt.
    Image run(const Image& initial, std::span<const u32> code);
    /// Guest instructions executed by all run() calls.
    u64 instructions() const;

  private:
    void execute(const Image& initial);
    struct Parts;
    std::unique_ptr<Parts> parts_;
    bool le_;
    unsigned rounds_;
};

}  // namespace mpower::differential
