// Sleeping on a 32-bit word (Linux futex). The word is the only state; there is no queue to lose a wake-up in.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <ctime>

#include "base/types.h"

namespace mpower {

/// Sleeps while `word` equals `expected`, at most `timeout_ns` (negative: for ever). May return early for no reason.
inline void futex_wait(std::atomic<u32>& word, u32 expected, i64 timeout_ns) {
    const timespec ts{.tv_sec = timeout_ns / 1'000'000'000, .tv_nsec = timeout_ns % 1'000'000'000};
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? nullptr : &ts, nullptr, 0);
}

/// Wakes every thread that sleeps on `word`. The caller has changed the word before.
inline void futex_wake(std::atomic<u32>& word) {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace mpower
