// The machine: guest RAM, HPT, vCPUs, interrupt sources, clock, and its life from start to power-off.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "hpt/hpt.h"
#include "jit/executor.h"
#include "mmu/code_epochs.h"
#include "mmu/ram.h"
#include "smp/console.h"
#include "smp/nvram.h"
#include "smp/timer.h"

namespace mpower::smp {

class Ics;
class Vcpu;

struct MachineOptions {
    u64 ram_bytes = u64{512} << 20;
    unsigned vcpus = 1;       ///< 1 .. kMaxVcpus.
    unsigned hpt_shift = 24;  ///< log2 of the HPT's size in bytes, 18..46.
    jit::IsaLevel level = jit::IsaLevel::k207;
    jit::Accel accel = jit::Accel::kInterp;
    jit::CodeOptions code;
    mmu::ReservationMode reservations = mmu::ReservationMode::kWeak;
    u64 seed = 0;                                              ///< H_RANDOM, darn; 0: from the host.
    i64 rtc_offset_seconds = 0;                                ///< Guest wall clock minus host clock.
    u32 slow_time = 1;                                         ///< The time base runs so many times slower; not 0.
    std::shared_ptr<Nvram> nvram = std::make_shared<Nvram>();  ///< Give the next machine the same after a reboot.
};

constexpr unsigned kMaxVcpus = 1024;

/// How the machine ended.
enum class Ending : u8 { kRunning, kPowerOff, kReboot, kCheckstop };

class Machine {
  public:
    /// Called on the vCPU's thread, mode OUT, for each sc 1; sets r3 and outputs. Given in so that smp does not know
    /// hcall.
    using HypercallHandler = void (*)(Vcpu&);

    static Result<std::unique_ptr<Machine>> create(const MachineOptions& options, ConsoleDevice& console,
                                                   HypercallHandler handler);
    ~Machine();

    const MachineOptions& options() const { return options_; }
    std::span<u8> ram() { return ram_.bytes(); }
    u64 ram_bytes() const { return ram_.size(); }
    mmu::CodeEpochs& code_epochs() { return epochs_; }
    jit::SharedCode& shared_code() { return *shared_code_; }
    mmu::GuestRam& guest_ram() { return ram_; }
    hpt::Hpt& hpt() { return *hpt_; }
    unsigned vcpu_count() const { return static_cast<unsigned>(vcpus_.size()); }
    Vcpu& vcpu(VcpuId id) { return *vcpus_[id]; }
    /// The vCPU of a server number as the guest gives it, or nullptr.
    Vcpu* find(u64 server) { return server < vcpus_.size() ? vcpus_[server].get() : nullptr; }
    Ics& ics() { return *ics_; }
    ConsoleDevice& console() { return console_; }
    Nvram& nvram() { return *options_.nvram; }
    Timer& timer() { return timer_; }
    HypercallHandler hypercall_handler() const { return handler_; }

    /// Starts every vCPU's thread, vCPU 0 at `entry` with r3, r4; returns when the machine has ended.
    Ending run(u64 entry, u64 r3, u64 r4);

    /// Ends the machine: every vCPU leaves at its next poll. Any thread; the first caller's ending counts.
    void request_end(Ending ending);
    bool ending() const { return ending_.load(std::memory_order_acquire) != Ending::kRunning; }

    /// Ticks since the machine was made, the same for all vCPUs: 512 MHz, of slower time if there is. Any thread.
    u64 time_base() const;
    /// Guest wall clock: nanoseconds since 1970, UTC. Any thread. set_ moves the offset.
    i64 wall_clock_ns() const;
    void set_wall_clock_ns(i64 ns);

    /// Interrupts the guest: the console has input. Any thread.
    void console_has_input();
    /// Whether it does (H_VIO_SIGNAL). Switched on, it comes once for what may have come meanwhile. Any vCPU thread.
    void set_console_interrupt(bool on);

    /// LPCR[ILE] and LPCR[AIL] of every vCPU, present and started later (H_SET_MODE). Any vCPU thread in mode OUT; the
    /// caller's take effect at once, others' at their next poll.
    void set_interrupt_le(bool le);
    void set_ail(bool on);
    bool interrupt_le() const { return interrupt_le_.load(std::memory_order_relaxed); }
    bool ail() const { return ail_.load(std::memory_order_relaxed); }

    /// H_JOIN: `cpu` sleeps until prodded; false if every other running vCPU has joined already. Its own thread, OUT.
    bool join(Vcpu& cpu);

    /// From the host, or the next of the sequence that options().seed begins. Any thread.
    u64 random();

  private:
    Machine(const MachineOptions& options, ConsoleDevice& console, HypercallHandler handler, mmu::GuestRam ram,
            std::unique_ptr<hpt::Hpt> hpt);
    u64 fire_decrementers(u64 now);
    void tell_all(u32 attention_bits);

    MachineOptions options_;
    ConsoleDevice& console_;
    HypercallHandler handler_;
    mmu::GuestRam ram_;
    mmu::CodeEpochs epochs_;
    std::unique_ptr<jit::SharedCode> shared_code_;
    std::unique_ptr<hpt::Hpt> hpt_;
    Timer timer_;
    std::unique_ptr<Ics> ics_;
    std::vector<std::unique_ptr<Vcpu>> vcpus_;
    std::atomic<Ending> ending_{Ending::kRunning};
    std::atomic<i64> rtc_offset_ns_{0};
    std::atomic<bool> interrupt_le_{false}, ail_{false};
    std::atomic<bool> console_interrupt_{true};  // Linux's hvc_vio never asks for it
    i64 tb_origin_ns_;
    std::vector<u64> fired_;  ///< Last deadline each vCPU was told of; the timer's thread.
    std::atomic<u64> random_{0};
    std::atomic<u32> joined_{0};
};

}  // namespace mpower::smp
