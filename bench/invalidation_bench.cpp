// The invalidation broadcast alone: one initiator, and vCPUs that run guest code, a poll of their attention word in a
// loop. An iteration is one page, from the call to its return.
//
// p50_ns and p99_ns are of every iteration, with the cost of reading the clock in them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "mmu/held_pages.h"
#include "smp/invalidation.h"

namespace mpower::smp {
namespace {

constexpr hpt::VirtualPage kPage{.vsid = 7};

/// Holds one page, which comes back as soon as it is invalidated.
struct Tlb {
    mmu::HeldPages held;
    bool use = false;

    void fill() {
        if (use) held.walk({.vsid = kPage.vsid}, 0, [] { return std::optional(hpt::Match{}); });
    }
    void invalidate(const hpt::VirtualPage& page) {
        held.unmark(page);
        fill();
    }
    void flush_all() { held.clear(); }
    void trim() {}
    bool holds(const hpt::VirtualPage& page) const { return held.holds(page); }
};

struct RunningVcpu {
    InvalidationLog log;
    Tlb tlb;
    std::atomic<u32> attention{0};
    std::atomic<bool> ready{false}, end{false};
    std::thread thread;

    explicit RunningVcpu(bool uses_page) {
        tlb.use = uses_page;
        thread = std::thread([this] {
            log.enter_guest(tlb);
            tlb.fill();
            ready.store(true);
            while (!end.load(std::memory_order_relaxed)) {
                if (attention.load(std::memory_order_relaxed) == 0) continue;
                attention.exchange(0, std::memory_order_acq_rel);
                log.catch_up(tlb);
            }
            log.leave_guest();
        });
        while (!ready.load()) std::this_thread::yield();
    }
    ~RunningVcpu() {
        end.store(true);
        thread.join();
    }
};

/// Arguments: vCPUs beside the initiator, do they use the page.
void invalidate(benchmark::State& state) {
    std::deque<RunningVcpu> others;
    for (i64 n = 0; n < state.range(0); ++n) others.emplace_back(state.range(1) != 0);
    Tlb own;
    std::vector<BasicAwaited<StdLogPolicy>> awaited;
    std::vector<double> times;
    times.reserve(1 << 20);
    for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        broadcast(
            std::span(&kPage, 1), own,
            [&](auto f) {
                for (RunningVcpu& v : others) {
                    f(v.log, v.tlb, [&v] { v.attention.fetch_or(1, std::memory_order_seq_cst); });
                }
            },
            awaited);
        if (times.size() < times.capacity()) {
            times.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
        }
    }
    std::sort(times.begin(), times.end());
    state.counters["p50_ns"] = times[times.size() / 2];
    state.counters["p99_ns"] = times[times.size() * 99 / 100];
}
BENCHMARK(invalidate)->ArgNames({"others", "held"})->ArgsProduct({{1, 3}, {0, 1}})->UseRealTime();

}  // namespace
}  // namespace mpower::smp
