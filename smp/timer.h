// One thread that tells vCPUs when their decrementers expire; asleep when no deadline is near.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "base/types.h"

namespace mpower::smp {

class Timer {
  public:
    /// `fire(now)` kicks every vCPU whose deadline is at or before `now` (time-base ticks) and that was not told of
    /// that deadline yet, and returns the earliest deadline after it. It runs on the timer's thread. A tick takes
    /// `slowness` times its time.
    void start(std::function<u64()> now, std::function<u64(u64)> fire, u32 slowness = 1);
    void stop();
    /// A deadline was set to `ticks`, and is visible to fire(). Any thread.
    void arm(u64 ticks);

  private:
    void loop();

    std::function<u64()> now_;
    std::function<u64(u64)> fire_;
    u32 slowness_ = 1;
    std::atomic<u64> next_{~u64{0}};  ///< What the thread sleeps for; all ones while it looks.
    std::atomic<u32> changed_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace mpower::smp
