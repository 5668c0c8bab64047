// Every schedule of a world of the model checker, or random ones.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "tests/check/scheduler.h"

namespace mpower::check {

struct Verdict {
    u64 schedules = 0;
    std::string failure;
    u64 waits = 0;  ///< Of the world, if it counts any; in all schedules.
};

/// `make` makes the world. Exhaustive within `limits` if `random_runs` is 0.
template <class W>
Verdict explore(const char* name, auto make, std::initializer_list<std::function<void(W&)>> fibers,
                Scheduler::Limits limits, u64 random_runs = 0, u64 seed = 1) {
    static Scheduler scheduler;
    std::optional<W> world;
    std::vector<std::function<void()>> bodies;
    for (const auto& f : fibers) bodies.push_back([&world, &f] { f(*world); });
    Verdict verdict;
    Random random(seed);
    std::vector<u8> prefix;
    for (;;) {
        make(world);
        const auto& run = random_runs ? scheduler.run(bodies, {}, {}, &random) : scheduler.run(bodies, prefix, limits);
        ++verdict.schedules;
        if constexpr (requires { world->waits; }) verdict.waits += world->waits;
        verdict.failure = run.failure;
        if (verdict.failure.empty()) verdict.failure = world->verdict();
        if (!verdict.failure.empty()) {
            verdict.failure += std::string(" in [") + name + "]" + choices_of(run);
            return verdict;
        }
        if (random_runs ? verdict.schedules == random_runs : !next_schedule(run, prefix)) return verdict;
    }
}

}  // namespace mpower::check
