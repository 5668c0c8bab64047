// The calls on the hash page table, by 1 .. N threads on own, one shared, or random PTEGs, against the same table under
// one mutex and under a TBB spin mutex for each PTEG. An iteration is one call, or one pair of enter and remove.
//
// p50_ns and p99_ns are of batches of 64 iterations, as one reading of the clock costs, and is as coarse as, a call:
// the time of a batch, less the reading's, divided by 64. Every fourth batch is timed.
#include <benchmark/benchmark.h>
#include <tbb/spin_mutex.h>
#include <x86intrin.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "hpt/hpt.h"

namespace mpower::hpt {
namespace {

constexpr unsigned kShift = 24;
constexpr u64 kRam = u64{1} << 40;

struct Nobody : Invalidator {
    void invalidate(std::span<const VirtualPage>) override {}
};

/// The table without locks of its own.
struct Unlocked : StdPolicy {
    static constexpr Mutant kMutant = Mutant::kNoLock;
};

/// Locks for a call on a PTEG.
struct OwnLocks {
    using Table = Hpt;
    struct Guard {
        Guard(OwnLocks&, u64) {}
        ~Guard() {}
    };
};
struct OneMutex {
    using Table = BasicHpt<Unlocked>;
    std::mutex mutex;
    struct Guard {
        Guard(OneMutex& m, u64) : lock(m.mutex) {}
        std::lock_guard<std::mutex> lock;
    };
};
struct TbbMutexes {
    using Table = BasicHpt<Unlocked>;
    std::unique_ptr<tbb::spin_mutex[]> mutexes{new tbb::spin_mutex[u64{1} << (kShift - 7)]};
    struct Guard {
        Guard(TbbMutexes& m, u64 pteg) : lock(m.mutexes[pteg]) {}
        tbb::spin_mutex::scoped_lock lock;
    };
};

template <class Locks>
struct Shared {
    std::unique_ptr<typename Locks::Table> table = *Locks::Table::create(kShift);
    Locks locks;
    Shared() {
        // The host backs the table's memory here, not in the measurement.
        Nobody nobody;
        for (u64 slot = 0; slot < table->slots(); slot += 4096 / 16) {
            table->enter(flag::kExact, PteIndex{slot}, kValid, 0x1000 | kM, kRam);
            table->remove(0, PteIndex{slot}, 0, nobody);
        }
    }
    static Shared& get() {
        static Shared shared;
        return shared;
    }
};

/// Times of batches of iterations.
class Latency {
  public:
    template <class F>
    void measure(F f) {
        if (n_ % (4 * kBatch) == 0) start_ = __rdtsc();
        f();
        if (n_++ % (4 * kBatch) != kBatch - 1) return;
        const u64 ticks = __rdtsc() - start_;
        if (batches_.size() < 100000) batches_.push_back(ticks > overhead_ ? ticks - overhead_ : 0);
    }
    void report(benchmark::State& state) {
        std::sort(batches_.begin(), batches_.end());
        const auto at = [&](double p) {
            const auto n = static_cast<size_t>(p * static_cast<double>(batches_.size()));
            return batches_.empty() ? 0.0 : static_cast<double>(batches_[n]) * ns_per_tick() / kBatch;
        };
        using benchmark::Counter;
        state.counters["p50_ns"] = Counter(at(0.5), Counter::kAvgThreads);
        state.counters["p99_ns"] = Counter(at(0.99), Counter::kAvgThreads);
    }

  private:
    static constexpr u64 kBatch = 64;

    static u64 clock_overhead() {
        u64 least = ~u64{0};
        for (int i = 0; i < 1000; ++i) {
            const u64 start = __rdtsc();
            least = std::min<u64>(least, __rdtsc() - start);
        }
        return least;
    }
    static double ns_per_tick() {
        static const double value = [] {
            const auto start = std::chrono::steady_clock::now();
            const u64 ticks = __rdtsc();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            const std::chrono::duration<double, std::nano> ns = std::chrono::steady_clock::now() - start;
            return ns.count() / static_cast<double>(__rdtsc() - ticks);
        }();
        return value;
    }
    u64 n_ = 0, start_ = 0;
    const u64 overhead_ = clock_overhead();
    std::vector<u64> batches_;
};

enum class Where { kOwn, kOne, kRandom };

/// PTEGs for a thread to work on. Own ones are far from other threads'.
class Ptegs {
  public:
    Ptegs(Where where, int thread) : where_(where), base_(u64{1 + static_cast<unsigned>(thread)} << 12) {}
    u64 next() {
        n_ = n_ * 6364136223846793005 + 1442695040888963407;
        switch (where_) {
            case Where::kOwn: return base_ + (n_ >> 58);
            case Where::kOne: return 77;
            case Where::kRandom: break;
        }
        return n_ >> (64 - (kShift - 7));
    }

  private:
    Where where_;
    u64 base_, n_ = base_;
};

constexpr u64 kR0 = 0x123000 | kM;

template <class Locks, Where kWhere>
void enter_remove(benchmark::State& state) {
    auto& s = Shared<Locks>::get();
    Ptegs ptegs(kWhere, state.thread_index());
    Nobody nobody;
    Latency latency;
    for (auto _ : state) {
        latency.measure([&] {
            const u64 pteg = ptegs.next();
            u64 slot;
            {
                const typename Locks::Guard guard(s.locks, pteg);
                const auto e = s.table->enter(0, PteIndex{8 * pteg}, 0x80 | kValid, kR0, kRam);
                if (e.status != papr::kSuccess) return;
                slot = e.index.v;
            }
            const typename Locks::Guard guard(s.locks, pteg);
            benchmark::DoNotOptimize(s.table->remove(0, PteIndex{slot}, 0, nobody));
        });
    }
    latency.report(state);
    state.SetItemsProcessed(state.iterations());
}

template <class Locks, Where kWhere>
void protect(benchmark::State& state) {
    auto& s = Shared<Locks>::get();
    Ptegs ptegs(kWhere, state.thread_index());
    Nobody nobody;
    Latency latency;
    u64 pp = 0;
    for (auto _ : state) {
        latency.measure([&] {
            const u64 pteg = ptegs.next();
            const typename Locks::Guard guard(s.locks, pteg);
            s.table->enter(flag::kExact, PteIndex{8 * pteg + 7}, 0x80 | kValid, kR0, kRam);  // the first time
            benchmark::DoNotOptimize(s.table->protect(++pp & 3, PteIndex{8 * pteg + 7}, 0, nobody));
        });
    }
    latency.report(state);
    state.SetItemsProcessed(state.iterations());
}

template <class Locks>
void read(benchmark::State& state) {
    auto& s = Shared<Locks>::get();
    Ptegs ptegs(Where::kOwn, state.thread_index());
    for (auto _ : state) benchmark::DoNotOptimize(s.table->read(PteIndex{8 * ptegs.next()}));
    state.SetItemsProcessed(state.iterations());
}

void bulk_remove_4(benchmark::State& state) {
    auto& s = Shared<OwnLocks>::get();
    Ptegs ptegs(Where::kOwn, state.thread_index());
    Nobody nobody;
    for (auto _ : state) {
        std::array<u64, 8> pairs;
        for (unsigned i = 0; i < 8; i += 2) {
            const u64 pteg = ptegs.next();
            const auto e = s.table->enter(0, PteIndex{8 * pteg}, 0x80 | kValid, kR0, kRam);
            pairs[i] = bulk::kRequest | e.index.v;
            pairs[i + 1] = 0;
        }
        s.table->bulk_remove(pairs, nobody);
    }
    state.SetItemsProcessed(4 * state.iterations());
}

/// Walks that hit, while `range(0)` threads enter and remove for as long, in other PTEGs or in the one that is walked.
template <class Locks, bool kSamePteg>
void walk_beside_writers(benchmark::State& state) {
    auto& s = Shared<Locks>::get();
    const Segment segment{.vsid = 0x4321};
    const u64 pteg = primary_hash(segment, 0) & s.table->pteg_mask();
    Nobody nobody;
    s.table->enter(flag::kExact, PteIndex{8 * pteg}, tag_of(segment, 0), kR0, kRam);

    std::atomic<bool> stop{false};
    std::atomic<i64> running{0};
    std::atomic<u64> pairs{0};
    std::vector<std::thread> writers;
    for (i64 w = 1; w <= state.range(0); ++w) {
        writers.emplace_back([&, of = kSamePteg ? pteg : pteg + 64 * static_cast<u64>(w)] {
            Nobody no_one;
            u64 done = 0;
            running.fetch_add(1, std::memory_order_relaxed);
            for (; !stop.load(std::memory_order_relaxed); ++done) {
                const typename Locks::Guard guard(s.locks, of);
                const auto e = s.table->enter(0, PteIndex{8 * of}, 0x80 | kValid, kR0, kRam);
                if (e.status == papr::kSuccess) s.table->remove(0, e.index, 0, no_one);
            }
            pairs.fetch_add(done, std::memory_order_relaxed);
        });
    }
    while (running.load(std::memory_order_relaxed) != state.range(0)) std::this_thread::yield();

    Latency latency;
    for (auto _ : state) {
        latency.measure([&] { benchmark::DoNotOptimize(s.table->find(segment, 0)); });
    }
    stop.store(true, std::memory_order_relaxed);
    for (std::thread& w : writers) w.join();
    s.table->remove(0, PteIndex{8 * pteg}, 0, nobody);
    latency.report(state);
    state.SetItemsProcessed(state.iterations());
    state.counters["writes"] = benchmark::Counter(static_cast<double>(pairs.load()), benchmark::Counter::kIsRate);
}

#define BY_THREADS(...) BENCHMARK_TEMPLATE(__VA_ARGS__)->ThreadRange(1, 4)->UseRealTime()
BY_THREADS(enter_remove, OwnLocks, Where::kOwn);
BY_THREADS(enter_remove, OwnLocks, Where::kOne);
BY_THREADS(enter_remove, OwnLocks, Where::kRandom);
BY_THREADS(enter_remove, OneMutex, Where::kOwn);
BY_THREADS(enter_remove, OneMutex, Where::kOne);
BY_THREADS(enter_remove, TbbMutexes, Where::kOwn);
BY_THREADS(enter_remove, TbbMutexes, Where::kOne);
BY_THREADS(enter_remove, TbbMutexes, Where::kRandom);
BY_THREADS(protect, OwnLocks, Where::kOwn);
BY_THREADS(protect, OwnLocks, Where::kOne);
BY_THREADS(protect, OneMutex, Where::kOwn);
BY_THREADS(read, OwnLocks);
BENCHMARK(bulk_remove_4)->ThreadRange(1, 4)->UseRealTime();
#define BY_WRITERS(...) BENCHMARK_TEMPLATE(__VA_ARGS__)->ArgName("writers")->DenseRange(0, 3)->UseRealTime()
BY_WRITERS(walk_beside_writers, OwnLocks, false);
BY_WRITERS(walk_beside_writers, OwnLocks, true);
BY_WRITERS(walk_beside_writers, TbbMutexes, false);

}  // namespace
}  // namespace mpower::hpt
