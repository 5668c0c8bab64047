#include "smp/machine.h"

#include <sys/random.h>

#include <ctime>

#include "base/time_base.h"
#include "smp/vcpu.h"
#include "smp/xics.h"

namespace mpower::smp {
namespace {

i64 clock_ns(clockid_t clock) {
    timespec ts;
    clock_gettime(clock, &ts);
    return i64{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec;
}

}  // namespace

Result<std::unique_ptr<Machine>> Machine::create(const MachineOptions& options, ConsoleDevice& console,
                                                 HypercallHandler handler) {
    if (options.vcpus < 1 || options.vcpus > kMaxVcpus) {
        return fail("a machine has 1 to {} vCPUs, not {}", kMaxVcpus, options.vcpus);
    }
    auto ram = mmu::GuestRam::create(options.ram_bytes, options.reservations);
    if (!ram) return tl::unexpected(ram.error());
    auto hpt = hpt::Hpt::create(options.hpt_shift);
    if (!hpt) return tl::unexpected(hpt.error());
    return std::unique_ptr<Machine>(new Machine(options, console, handler, std::move(*ram), std::move(*hpt)));
}

Machine::Machine(const MachineOptions& options, ConsoleDevice& console, HypercallHandler handler, mmu::GuestRam ram,
                 std::unique_ptr<hpt::Hpt> hpt)
    : options_(options),
      console_(console),
      handler_(handler),
      ram_(std::move(ram)),
      epochs_(options.ram_bytes),
      shared_code_(jit::make_shared_code(options.accel, ram_, epochs_, options.code)),
      hpt_(std::move(hpt)),
      ics_(std::make_unique<Ics>(*this)),
      rtc_offset_ns_(options.rtc_offset_seconds * 1'000'000'000),
      tb_origin_ns_(clock_ns(CLOCK_MONOTONIC)),
      fired_(options.vcpus),
      random_(options.seed) {
    for (VcpuId id = 0; id < options.vcpus; ++id) vcpus_.push_back(std::make_unique<Vcpu>(*this, id, options.level));
}

Machine::~Machine() = default;

u64 Machine::fire_decrementers(u64 now) {
    u64 next = ~u64{0};
    for (auto& cpu : vcpus_) {
        const u64 deadline = cpu->deadline();
        u64& told = fired_[cpu->id()];
        if (deadline > now) {
            next = std::min(next, deadline);
        } else if (told != deadline) {
            told = deadline;
            cpu->kick(kAttnInterrupt);
        }
    }
    return next;
}

Ending Machine::run(u64 entry, u64 r3, u64 r4) {
    timer_.start([this] { return time_base(); }, [this](u64 now) { return fire_decrementers(now); },
                 options_.slow_time);
    vcpu(0).start(entry, r3, r4);
    std::vector<std::thread> threads;
    for (auto& cpu : vcpus_) threads.emplace_back([&cpu] { cpu->run(); });
    for (std::thread& t : threads) t.join();
    timer_.stop();
    return ending_.load(std::memory_order_acquire);
}

void Machine::tell_all(u32 attention_bits) {
    for (auto& cpu : vcpus_) cpu->kick(attention_bits);
}

void Machine::request_end(Ending ending) {
    Ending expected = Ending::kRunning;
    ending_.compare_exchange_strong(expected, ending, std::memory_order_acq_rel);
    tell_all(kAttnHalt);
}

u64 Machine::time_base() const { return ticks_in(clock_ns(CLOCK_MONOTONIC) - tb_origin_ns_, options_.slow_time); }

i64 Machine::wall_clock_ns() const { return clock_ns(CLOCK_REALTIME) + rtc_offset_ns_.load(std::memory_order_relaxed); }

void Machine::set_wall_clock_ns(i64 ns) {
    rtc_offset_ns_.store(ns - clock_ns(CLOCK_REALTIME), std::memory_order_relaxed);
}

void Machine::console_has_input() {
    // Pairs with the exchange below: either this sees the interrupt on, or whoever switches it on sees the input.
    if (console_interrupt_.load(std::memory_order_seq_cst)) ics_->trigger(kVtySource);
}

void Machine::set_console_interrupt(bool on) {
    if (!console_interrupt_.exchange(on, std::memory_order_seq_cst) && on) ics_->trigger(kVtySource);
}

void Machine::set_interrupt_le(bool le) {
    interrupt_le_.store(le, std::memory_order_release);
    tell_all(kAttnMode);
}

void Machine::set_ail(bool on) {
    ail_.store(on, std::memory_order_release);
    tell_all(kAttnMode);
}

bool Machine::join(Vcpu& cpu) {
    u32 running = 0;
    for (auto& other : vcpus_) running += !other->stopped();
    // acq_rel: the last to join sees what the others did before they joined.
    if (joined_.fetch_add(1, std::memory_order_acq_rel) + 1 >= running) {
        joined_.fetch_sub(1, std::memory_order_acq_rel);
        return false;
    }
    cpu.sleep(Vcpu::Until::kProd);
    joined_.fetch_sub(1, std::memory_order_acq_rel);
    return true;
}

u64 Machine::random() {
    if (options_.seed == 0) {
        // Linux credits H_RANDOM and darn with full entropy: no generator of ours would be as good as the host's.
        u64 bits;
        while (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
            // A signal cut it short.
        }
        return bits;
    }
    // splitmix64: a counter through a mixer, so that every thread draws from one sequence without a lock.
    u64 z = random_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed) + 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

}  // namespace mpower::smp
