// One vCPU: a host thread, its architected state, and the few words through which other threads reach it.
//
// Threads. state(), mmu() and every method not listed below belong to the vCPU's own thread. Any thread may call kick,
// prod, start, stopped, raise_system_reset, deadline, invalidation_log, icp.
//
// Modes. GUEST: inside the executor, may use translations, polls `attention`. OUT: everywhere else, hypercalls
// included; uses no translation, so nobody waits for it. A vCPU thread waits for another thread only in mode OUT; that
// rule is what excludes deadlock (DESIGN section 6, smp/invalidation.h).
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "base/futex.h"
#include "jit/executor.h"
#include "jit/state.h"
#include "mmu/mmu.h"
#include "smp/invalidation.h"

namespace mpower::smp {

class Icp;
class Machine;

/// Bits of CpuState::attention.
enum Attention : u32 {
    kAttnInterrupt = 1 << 0,   ///< External or decrementer state may have changed.
    kAttnInvalidate = 1 << 1,  ///< The invalidation log has news.
    kAttnReset = 1 << 2,       ///< System reset requested.
    kAttnHalt = 1 << 3,        ///< The machine stops.
    kAttnMode = 1 << 4,        ///< Machine-wide LPCR bits changed.
};

struct VcpuStats {
    u64 hypercalls = 0, external = 0, decrementer = 0;
    double busy_seconds = 0;  ///< Processor time of the vCPU's thread.
};

class Vcpu final : public jit::Platform {
  public:
    Vcpu(Machine& machine, VcpuId id, jit::IsaLevel level);
    ~Vcpu() override;

    VcpuId id() const { return state_.id; }
    jit::CpuState& state() { return state_; }
    mmu::Mmu& mmu() { return mmu_; }
    Machine& machine() { return machine_; }
    Icp& icp() { return *icp_; }
    Broadcaster& invalidator() { return broadcaster_; }
    InvalidationLog& invalidation_log() { return log_; }

    /// Thread body: waits to be started, runs guest code until the machine halts.
    void run();

    // --- for hypercalls
    /// Starts a stopped vCPU at real address `entry` with r3, as RTAS start-cpu says: big-endian, 64-bit, real mode.
    /// False if it is not stopped. Any thread.
    bool start(u64 entry, u64 r3, u64 r4 = 0);
    /// True until started and after stop_self. Any thread.
    bool stopped() const { return run_state_.load(std::memory_order_acquire) == RunState::kStopped; }
    /// RTAS stop-self: does not return to the guest; the thread waits for start or halt.
    void stop_self();
    enum class Until : u8 { kInterruptOrProd, kProd };
    /// Sleeps until an interrupt is pending (whatever MSR[EE]; not for kProd) or prod() was called, whose flag it
    /// consumes; or until a system reset or the machine's end. Returns at once if so. H_CEDE, H_JOIN.
    void sleep(Until until);
    /// Sets the prod flag and wakes. Any thread.
    void prod();
    bool take_prod() { return prodded_.exchange(false, std::memory_order_acq_rel); }
    /// Gives the processor away for a moment (H_CONFER).
    void yield();
    /// System reset interrupt as soon as possible. Any thread.
    void raise_system_reset() { kick(kAttnReset); }

    std::atomic<u64> vpa{0};  ///< Real address of the registered VPA; 0 = none. Written by H_REGISTER_VPA (any vCPU).
    const VcpuStats& stats() const { return stats_; }  ///< Exact once the machine has ended.
    jit::Executor& executor() { return *executor_; }

    std::atomic<u64> slb_shadow{0}, dtl{0};  ///< Likewise the SLB shadow and the dispatch trace log.

    // --- for any thread
    /// Makes the vCPU look at `bits` at its next poll, and wakes it if it sleeps.
    void kick(u32 bits) {
        // seq_cst: pairs with the sleeper's store of sleeping_ before its load of attention (Dekker).
        state_.attention.fetch_or(bits, std::memory_order_seq_cst);
        if (sleeping_.load(std::memory_order_seq_cst)) futex_wake(state_.attention);
    }
    /// Deadline of the decrementer, time-base ticks. Any thread (the timer's).
    u64 deadline() const { return deadline_.load(std::memory_order_relaxed); }

    // --- Platform: own thread
    u64 time_base() override;
    void set_decrementer(u64 ticks) override;
    u64 decrementer() override;
    u64 random() override;
    void wait_a_while() override { yield(); }

  private:
    enum class RunState : u32 { kStopped, kClaimed, kStarting, kRunning };

    void reset_registers(u64 entry, u64 r3, u64 r4);
    bool wait_for_start();  // false: the machine ends
    void run_guest();
    bool handle_attention();  // false: the machine ends
    void deliver_interrupts();
    bool decrementer_expired() { return time_base() >= deadline(); }
    void sleep_until_attention();
    void clear_idle_attention();
    void count_dispatch();

    Machine& machine_;
    jit::CpuState state_;
    mmu::Mmu mmu_;
    InvalidationLog log_;
    Broadcaster broadcaster_;
    std::unique_ptr<Icp> icp_;
    std::unique_ptr<jit::Executor> executor_;
    std::atomic<RunState> run_state_{RunState::kStopped};
    std::atomic<bool> prodded_{false};
    std::atomic<bool> sleeping_{false};
    std::atomic<u64> deadline_{0};
    u64 start_entry_ = 0, start_r3_ = 0, start_r4_ = 0;  // published by run_state_ kStarting
    VcpuStats stats_;
};

}  // namespace mpower::smp
