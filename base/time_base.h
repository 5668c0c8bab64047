// The time base's rate.
#pragma once

#include "base/types.h"

namespace mpower {

constexpr u32 kTimeBaseHz = 512'000'000;

/// Ticks of the time base in `ns` nanoseconds of a clock that runs `slowness` times faster than the guest's.
constexpr u64 ticks_in(i64 ns, u32 slowness = 1) {
    return static_cast<u64>(ns) * 64 / (u64{125} * slowness);  // 64 / 125 of a GHz
}
/// Nanoseconds of that clock in so many ticks.
constexpr i64 ns_in(u64 ticks, u32 slowness = 1) { return static_cast<i64>(ticks * 125 * slowness / 64); }
static_assert(ticks_in(1'000'000'000) == kTimeBaseHz && ns_in(kTimeBaseHz, 3) == 3'000'000'000);

}  // namespace mpower
