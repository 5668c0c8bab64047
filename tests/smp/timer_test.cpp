#include "smp/timer.h"

#include <gtest/gtest.h>

namespace mpower::smp {
namespace {

TEST(Timer, Stop_EndsTheThread_WheneverItComes) {
    constexpr u64 kNever = u64{1} << 62;
    for (int round = 0; round < 200; ++round) {
        Timer timer;
        std::atomic<bool> running{false}, asked{false};
        timer.start([] { return u64{0}; },
                    [&](u64) {
                        running.store(true);
                        return asked.load() ? kNever : 0;  // it does not sleep before stop() is on its way
                    });
        while (!running.load()) std::this_thread::yield();
        asked.store(true);
        timer.stop();
    }
}

}  // namespace
}  // namespace mpower::smp
