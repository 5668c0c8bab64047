// A deterministic scheduler: fibers whose atomic accesses are its scheduling points, each with an x86 store buffer.
//
// A schedule is the list of the choices made at the points where there was more than one: run on (choice 0, free),
// run another fiber (a preemption if the running one could go on), or commit the oldest buffered store of a fiber
// (free). Depth-first search over these lists is exhaustive up to the preemption bound; a list replays its run. Where
// that is too many, the stores that are held back can be bounded too: Limits::holds.
//
// The choice is made by the fiber that runs, so that going on costs no switch; a switch is a few instructions.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#include "base/types.h"

namespace mpower::check {

/// xorshift64*: the schedules' random numbers.
class Random {
  public:
    explicit Random(u64 seed) : state_(seed * 2 + 1) {}
    unsigned below(unsigned n) {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return static_cast<unsigned>((state_ * 0x2545f4914f6cdd1d >> 32) * n >> 32);
    }

  private:
    u64 state_;
};

/// Saves the callee-saved registers and the stack pointer, and goes on where `to` was saved.
[[gnu::naked, gnu::noinline]] inline void switch_stack(void** /*save*/, void* /*to*/) {
    asm("push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15;"
        "mov %rsp, (%rdi); mov %rsi, %rsp;"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret");
}

class Scheduler {
  public:
    using Bodies = std::span<const std::function<void()>>;
    struct Run {
        std::vector<u8> choices, options;
        const char* failure = "";  ///< Deadlock or livelock; empty: all fibers ended.
    };

    /// Of preemptions, and of the times that a fiber with an empty store buffer holds a store back: it and those after
    /// it become visible later, at any time, but (if this is bounded) all at once.
    struct Limits {
        unsigned preemptions = 2, holds = ~0u;
    };

    static inline Scheduler* current = nullptr;
    static constexpr unsigned kStepLimit = 5000, kMostFibers = 4, kMostStores = 64;

    /// Runs the fibers. Choices come from `prefix`, then from `random` if given, else 0. The result is valid until the
    /// next call.
    const Run& run(Bodies bodies, const std::vector<u8>& prefix, Limits limits, Random* random = nullptr) {
        result_.choices.clear();
        result_.options.clear();
        result_.failure = "";
        prefix_ = &prefix;
        left_ = limits;
        unlimited_holds_ = limits.holds == ~0u;
        random_ = random;
        count_ = static_cast<unsigned>(bodies.size());
        for (unsigned n = 0; n < count_; ++n) fibers_[n].reset(bodies[n]);
        current = this;
        running_ = nullptr;
        version_ = 1;
        steps_ = 0;
        stickiness_ = random != nullptr ? 1u << random->below(6) : 1;
        go_to(decide());
        current = nullptr;
        return result_;
    }

    // --- called by the fibers
    void point() {
        Fiber* const self = running_;
        go_to(decide());
        if (self->seen == 0) self->seen = version_;
    }
    /// The fiber runs again when memory has changed since its first look after the last pause.
    void pause() {
        Fiber* const self = running_;
        self->waits_for = self->seen != 0 ? self->seen : version_;
        self->seen = 0;
        go_to(decide());
        self->waits_for = 0;
    }
    u64 load(const u64* address) const {
        const Fiber& f = *running_;
        for (unsigned n = f.stored; n > 0; --n) {
            if (f.stores[n - 1].address == address) return f.stores[n - 1].value;
        }
        return *address;
    }
    void buffer(u64* address, u64 value) {
        if (running_->stored == kMostStores) std::abort();
        running_->stores[running_->stored++] = {address, value};
        if (unlimited_holds_ || running_->stored > 1) return;
        if (left_.holds == 0 || choose(2) == 0) {
            commit_oldest(*running_);
        } else {
            --left_.holds;
        }
    }
    void drain() {
        while (running_->stored > 0) commit_oldest(*running_);
    }
    void write(u64* address, u64 value) {
        *address = value;
        ++version_;
    }

  private:
    struct Store {
        u64* address;
        u64 value;
    };
    struct Fiber {
        static constexpr size_t kStack = 65536;

        void reset(const std::function<void()>& f) {
            body = &f;
            // start() is entered as by a call: the return address' place is 8 off a multiple of 16.
            void** top = reinterpret_cast<void**>(stack.get() + kStack) - 2;
            top[0] = reinterpret_cast<void*>(&Scheduler::start);
            top[1] = nullptr;
            stack_pointer = top - 6;
            std::fill_n(top - 6, 6, nullptr);
            stored = 0;
            seen = waits_for = 0;
            ended = false;
        }
        const std::function<void()>* body = nullptr;
        std::unique_ptr<char[]> stack{new char[kStack]};
        void* stack_pointer = nullptr;
        std::array<Store, kMostStores> stores;
        unsigned stored = 0;
        u64 seen = 0, waits_for = 0;  // versions of memory; 0: none
        bool ended = false;
#if defined(__SANITIZE_THREAD__)
        void* tsan = __tsan_create_fiber(0);
#endif
    };

    static void start() {
        Fiber* const self = current->running_;
        (*self->body)();
        self->ended = true;
        current->go_to(current->decide());
        std::abort();
    }

    /// The fiber to run next; nullptr: the run has ended.
    Fiber* decide() {
        struct Option {
            Fiber* fiber;
            bool commits;  // a store instead of running it
        };
        for (;; ++steps_) {
            std::array<Option, 2 * kMostFibers> options;
            unsigned n = 0;
            const bool can_go_on = running_ != nullptr && ready(*running_);
            if (can_go_on) options[n++] = {running_, false};
            if (!can_go_on || random_ != nullptr || left_.preemptions > 0) {
                for (unsigned i = 0; i < count_; ++i) {
                    if (&fibers_[i] != running_ && ready(fibers_[i])) options[n++] = {&fibers_[i], false};
                }
            }
            for (unsigned i = 0; i < count_; ++i) {
                if (fibers_[i].stored > 0) options[n++] = {&fibers_[i], true};
            }
            if (n == 0) {
                const auto ended = [](const Fiber& f) { return f.ended; };
                if (!std::all_of(fibers_.begin(), fibers_.begin() + count_, ended)) result_.failure = "deadlock";
                return nullptr;
            }
            if (steps_ == kStepLimit) {
                result_.failure = "livelock";
                return nullptr;
            }
            const Option chosen = options[n > 1 ? choose(n, can_go_on) : 0];
            if (!chosen.commits) {
                if (can_go_on && chosen.fiber != running_ && left_.preemptions > 0) --left_.preemptions;
                return chosen.fiber;
            }
            do { commit_oldest(*chosen.fiber); } while (!unlimited_holds_ && chosen.fiber->stored > 0);
        }
    }

    /// One of n > 1 choices. At random: the first is to be preferred, more in some runs than in others, so that a fiber
    /// is left behind for long now and then.
    unsigned choose(unsigned n, bool first_preferred = false) {
        unsigned choice = 0;
        const size_t made = result_.choices.size();
        if (made < prefix_->size()) {
            choice = (*prefix_)[made];
        } else if (random_ != nullptr) {
            choice = first_preferred && random_->below(stickiness_) != 0 ? 0 : random_->below(n);
        }
        result_.choices.push_back(static_cast<u8>(choice));
        result_.options.push_back(static_cast<u8>(n));
        return choice;
    }

    void go_to(Fiber* next) {
        Fiber* const self = running_;
        if (next == self) return;
        running_ = next;
        void** save = self != nullptr ? &self->stack_pointer : &main_stack_pointer_;
#if defined(__SANITIZE_THREAD__)
        if (self == nullptr) main_tsan_ = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(next != nullptr ? next->tsan : main_tsan_, 0);
#endif
        switch_stack(save, next != nullptr ? next->stack_pointer : main_stack_pointer_);
    }

    bool ready(const Fiber& f) const { return !f.ended && (f.waits_for == 0 || f.waits_for != version_); }
    void commit_oldest(Fiber& f) {
        const Store oldest = f.stores[0];
        std::copy(f.stores.begin() + 1, f.stores.begin() + f.stored, f.stores.begin());
        --f.stored;
        write(oldest.address, oldest.value);
    }

    std::array<Fiber, kMostFibers> fibers_;
    unsigned count_ = 0, steps_ = 0, stickiness_ = 1;
    Limits left_;
    bool unlimited_holds_ = true;
    Fiber* running_ = nullptr;  // nullptr: the caller of run()
    void* main_stack_pointer_ = nullptr;
    const std::vector<u8>* prefix_ = nullptr;
    Random* random_ = nullptr;
    u64 version_ = 1;
    Run result_;
#if defined(__SANITIZE_THREAD__)
    void* main_tsan_ = nullptr;
#endif
};

/// The next list of choices in depth-first order; false: there is none.
inline bool next_schedule(const Scheduler::Run& run, std::vector<u8>& prefix) {
    prefix = run.choices;
    while (!prefix.empty() && prefix.back() + 1 == run.options[prefix.size() - 1]) prefix.pop_back();
    if (prefix.empty()) return false;
    ++prefix.back();
    return true;
}

/// The choices of a run, for a person and for a replay.
inline std::string choices_of(const Scheduler::Run& run) {
    std::string text = ", choices";
    for (const u8 c : run.choices) text += " " + std::to_string(c);
    return text;
}

}  // namespace mpower::check
