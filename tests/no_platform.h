// A machine for tests that depend on no time: nothing goes on in it.
#pragma once

#include "jit/state.h"

namespace mpower::jit {

class NoPlatform final : public Platform {
  public:
    u64 time_base() override { return 0; }
    void set_decrementer(u64) override {}
    u64 decrementer() override { return 0; }
    u64 random() override { return 0; }
    void wait_a_while() override { ++waits; }

    unsigned waits = 0;
};

}  // namespace mpower::jit
