#include "smp/timer.h"

#include "base/futex.h"
#include "base/time_base.h"

namespace mpower::smp {

void Timer::start(std::function<u64()> now, std::function<u64(u64)> fire, u32 slowness) {
    now_ = std::move(now);
    fire_ = std::move(fire);
    slowness_ = slowness;
    thread_ = std::thread([this] { loop(); });
}

void Timer::stop() {
    if (!thread_.joinable()) return;
    stop_.store(true, std::memory_order_release);
    changed_.fetch_add(1, std::memory_order_release);
    futex_wake(changed_);
    thread_.join();
}

void Timer::arm(u64 ticks) {
    // seq_cst, with the caller's store of the deadline before: pairs with loop(), which sets next_ before it reads the
    // deadlines. Either it sees the new deadline, or this sees next_ of all ones and wakes it.
    if (ticks < next_.load(std::memory_order_seq_cst)) {
        changed_.fetch_add(1, std::memory_order_seq_cst);
        futex_wake(changed_);
    }
}

void Timer::loop() {
    constexpr u64 kNever = u64{1} << 62;
    for (;;) {
        next_.store(~u64{0}, std::memory_order_seq_cst);
        const u32 seen = changed_.load(std::memory_order_seq_cst);
        // After `seen`: a stop() that this does not see changes the word that is slept on.
        if (stop_.load(std::memory_order_acquire)) return;
        const u64 next = fire_(now_());
        next_.store(next, std::memory_order_seq_cst);
        if (next >= kNever) {
            futex_wait(changed_, seen, -1);
            continue;
        }
        const u64 now = now_();
        if (next > now) futex_wait(changed_, seen, ns_in(next - now, slowness_) + 1);
    }
}

}  // namespace mpower::smp
