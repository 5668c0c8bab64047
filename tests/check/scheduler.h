// A deterministic scheduler: fibers whose atomic accesses are its scheduling points, each with an x86 store buffer.
//
// A schedule is the list of the choices made at the points where there was more than one: run on (choice 0, free),
// run another fiber (a preemption if the running one could go on), or commit the oldest buffered store of a fiber
// (free). Depth-first search over these lists is exhaustive up to the preemption bound; a list replays its run.
#pragma once

#include <ucontext.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/types.h"

namespace mpower::check {

class Scheduler {
  public:
    struct Run {
        std::vector<unsigned> choices, options;
        std::string failure;  ///< Deadlock or livelock; empty: all fibers ended.
    };

    static inline Scheduler* current = nullptr;
    static constexpr unsigned kStepLimit = 5000;

    /// Runs the fibers. Choices come from `prefix`, then from `random` if given, else 0.
    Run run(const std::vector<std::function<void()>>& bodies, const std::vector<unsigned>& prefix, unsigned bound,
            std::mt19937_64* random = nullptr) {
        Run result;
        fibers_.clear();
        for (const auto& body : bodies) fibers_.push_back(std::make_unique<Fiber>(body));
        current = this;
        running_ = nullptr;
        version_ = 1;
        unsigned preemptions = 0;
        for (unsigned step = 0;; ++step) {
            std::vector<std::pair<Fiber*, bool>> options;  // fiber, commit a store instead of running it
            const bool can_go_on = running_ != nullptr && ready(*running_);
            if (can_go_on) options.push_back({running_, false});
            for (auto& f : fibers_) {
                if (f.get() == running_ || !ready(*f)) continue;
                if (!can_go_on || random != nullptr || preemptions < bound) options.push_back({f.get(), false});
            }
            for (auto& f : fibers_) {
                if (!f->stores.empty()) options.push_back({f.get(), true});
            }
            if (options.empty()) {
                for (auto& f : fibers_) {
                    if (!f->ended) result.failure = "deadlock";
                }
                break;
            }
            if (step == kStepLimit) {
                result.failure = "livelock";
                break;
            }
            unsigned choice = 0;
            if (options.size() > 1) {
                const size_t n = result.choices.size();
                if (n < prefix.size()) {
                    choice = prefix[n];
                } else if (random != nullptr) {
                    choice = static_cast<unsigned>((*random)() % options.size());
                }
                result.choices.push_back(choice);
                result.options.push_back(static_cast<unsigned>(options.size()));
            }
            const auto [fiber, commits] = options.at(choice);
            if (commits) {
                commit_oldest(*fiber);
                continue;
            }
            if (can_go_on && fiber != running_) ++preemptions;
            running_ = fiber;
            swapcontext(&main_, &fiber->context);
        }
        current = nullptr;
        return result;
    }

    // --- called by the fibers
    void point() {
        Fiber& f = *running_;
        swapcontext(&f.context, &main_);
        if (f.seen == 0) f.seen = version_;
    }
    /// The fiber runs again when memory has changed since its first look after the last pause.
    void pause() {
        running_->waits_for = running_->seen != 0 ? running_->seen : version_;
        running_->seen = 0;
        swapcontext(&running_->context, &main_);
        running_->waits_for = 0;
    }
    u64 load(const u64* address) const {
        const auto& stores = running_->stores;
        for (auto s = stores.rbegin(); s != stores.rend(); ++s) {
            if (s->first == address) return s->second;
        }
        return *address;
    }
    void buffer(u64* address, u64 value) { running_->stores.push_back({address, value}); }
    void drain() {
        while (!running_->stores.empty()) commit_oldest(*running_);
    }
    void write(u64* address, u64 value) {
        *address = value;
        ++version_;
    }

  private:
    struct Fiber {
        explicit Fiber(std::function<void()> f) : body(std::move(f)), stack(new char[kStack]) {
            getcontext(&context);
            context.uc_stack.ss_sp = stack.get();
            context.uc_stack.ss_size = kStack;
            makecontext(&context, &Scheduler::start, 0);
        }
        static constexpr size_t kStack = 65536;
        std::function<void()> body;
        std::unique_ptr<char[]> stack;
        ucontext_t context{};
        std::deque<std::pair<u64*, u64>> stores;
        u64 seen = 0, waits_for = 0;  // versions of memory; 0: none
        bool ended = false;
    };
    static void start() {
        Fiber& f = *current->running_;
        f.body();
        f.ended = true;
        for (;;) swapcontext(&f.context, &current->main_);
    }
    bool ready(const Fiber& f) const { return !f.ended && (f.waits_for == 0 || f.waits_for != version_); }
    void commit_oldest(Fiber& f) {
        const auto [address, value] = f.stores.front();
        f.stores.pop_front();
        write(address, value);
    }

    std::vector<std::unique_ptr<Fiber>> fibers_;
    Fiber* running_ = nullptr;
    ucontext_t main_{};
    u64 version_ = 1;
};

/// The next list of choices in depth-first order; false: there is none.
inline bool next_schedule(const Scheduler::Run& run, std::vector<unsigned>& prefix) {
    prefix = run.choices;
    while (!prefix.empty() && prefix.back() + 1 == run.options[prefix.size() - 1]) prefix.pop_back();
    if (prefix.empty()) return false;
    ++prefix.back();
    return true;
}

}  // namespace mpower::check
