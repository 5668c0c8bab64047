#include "smp/vcpu.h"

#include <sched.h>

#include <ctime>

#include "base/endian.h"
#include "base/log.h"
#include "smp/machine.h"
#include "smp/xics.h"

namespace mpower::smp {
namespace {

constexpr u64 kNoDeadline = u64{1} << 62;
constexpr u64 kVpaYieldCount = 0x100;  // PAPR, "Virtual Processor Area": dispatch counter

static_assert(kAttnInterrupt == jit::kAttentionInterrupt);

}  // namespace

Vcpu::Vcpu(Machine& machine, VcpuId id, jit::IsaLevel level)
    : machine_(machine),
      mmu_(machine.guest_ram(), machine.hpt(), machine.code_epochs()),
      broadcaster_(*this),
      icp_(std::make_unique<Icp>(machine.ics(), [this] { kick(kAttnInterrupt); })),
      executor_(jit::make_executor(machine.options().accel, mmu_, machine.shared_code())) {
    state_.id = id;
    state_.level = level;
    state_.mmu = &mmu_;
    state_.platform = this;
    deadline_.store(kNoDeadline, std::memory_order_relaxed);
}

Vcpu::~Vcpu() = default;

void Vcpu::reset_registers(u64 entry, u64 r3, u64 r4) {
    jit::CpuState& s = state_;
    std::fill(std::begin(s.gpr), std::end(s.gpr), 0);
    s.gpr[3] = r3;
    s.gpr[4] = r4;
    s.nip = entry;
    s.lr = s.ctr = 0;
    std::fill(std::begin(s.cr), std::end(s.cr), 0);
    s.so = s.ov = s.ca = s.ov32 = s.ca32 = s.xer_count = 0;
    s.vrsave = s.vscr = 0;
    s.fpscr = 0;
    s.last_float = {};
    std::fill(std::begin(s.vsr), std::end(s.vsr), jit::V128{});
    std::fill(std::begin(s.spr), std::end(s.spr), 0);
    s.reserve_size = 0;
    s.pending = jit::Vector::kNone;
    s.spr[jit::spr::kPvr] = s.level >= jit::IsaLevel::k300 ? 0x004e1202 : 0x004d0200;
    s.spr[jit::spr::kPir] = s.id;
    s.spr[jit::spr::kCtrl] = 1;
    s.interrupt_le = machine_.interrupt_le();
    s.ail = machine_.ail();
    mmu_.reset();
    prodded_.store(false, std::memory_order_relaxed);
    jit::set_msr(s, jit::msr::kSf | jit::msr::kMe);
}

bool Vcpu::start(u64 entry, u64 r3, u64 r4) {
    RunState expected = RunState::kStopped;
    if (!run_state_.compare_exchange_strong(expected, RunState::kClaimed, std::memory_order_acq_rel)) return false;
    start_entry_ = entry;
    start_r3_ = r3;
    start_r4_ = r4;
    run_state_.store(RunState::kStarting, std::memory_order_release);  // pairs with wait_for_start
    kick(kAttnInterrupt);
    return true;
}

void Vcpu::stop_self() {
    set_decrementer(kNoDeadline);
    run_state_.store(RunState::kStopped, std::memory_order_release);
}

void Vcpu::sleep_until_attention() {
    sleeping_.store(true, std::memory_order_seq_cst);  // pairs with kick
    futex_wait(state_.attention, 0, -1);
    sleeping_.store(false, std::memory_order_relaxed);
}

void Vcpu::clear_idle_attention() {
    // Invalidations are replayed on entry to GUEST, and interrupts are looked at by who sleeps.
    state_.attention.fetch_and(~u32{kAttnInvalidate | kAttnInterrupt}, std::memory_order_acq_rel);
}

bool Vcpu::wait_for_start() {
    for (;;) {
        // Nothing else matters to a stopped vCPU. Before the look at run_state_, never between it and the sleep: the
        // bit of a start that comes there keeps this vCPU awake.
        state_.attention.fetch_and(u32{kAttnHalt}, std::memory_order_acq_rel);
        if (machine_.ending()) return false;
        if (run_state_.load(std::memory_order_acquire) == RunState::kStarting) break;
        sleep_until_attention();
    }
    reset_registers(start_entry_, start_r3_, start_r4_);
    run_state_.store(RunState::kRunning, std::memory_order_release);
    return true;
}

void Vcpu::count_dispatch() {
    // Even while the vCPU is dispatched, odd while it is not; other vCPUs' spin locks read it.
    const u64 address = vpa.load(std::memory_order_relaxed);
    if (address == 0) return;
    if (u8* count = machine_.guest_ram().at_for_store(Ra{address + kVpaYieldCount}, 4))
        store_be<u32>(count, load_be<u32>(count) + 1);
}

void Vcpu::sleep(Until until) {
    const auto interrupted = [&] {
        return until == Until::kInterruptOrProd && (icp_->asserted() || decrementer_expired());
    };
    bool counted = false;
    for (;;) {
        clear_idle_attention();
        if (take_prod() || interrupted()) break;
        if (state_.attention.load(std::memory_order_acquire) != 0) break;  // system reset, or the machine halts
        if (!counted) count_dispatch();
        counted = true;
        sleep_until_attention();
    }
    if (counted) count_dispatch();
    state_.attention.fetch_or(kAttnInterrupt, std::memory_order_relaxed);
}

void Vcpu::prod() {
    prodded_.store(true, std::memory_order_release);
    kick(kAttnInterrupt);
}

void Vcpu::yield() { sched_yield(); }

u64 Vcpu::time_base() { return machine_.time_base(); }

void Vcpu::set_decrementer(u64 ticks) {
    const u64 now = time_base();
    const u64 deadline = static_cast<i64>(ticks) < 0 ? now : now + ticks;
    // seq_cst: pairs with the timer's scan (Timer::arm).
    deadline_.store(deadline, std::memory_order_seq_cst);
    if (deadline <= now) {
        state_.attention.fetch_or(kAttnInterrupt, std::memory_order_relaxed);
    } else {
        machine_.timer().arm(deadline);
    }
}

u64 Vcpu::decrementer() { return deadline() - time_base(); }
u64 Vcpu::random() { return machine_.random(); }

void Vcpu::deliver_interrupts() {
    if (state_.msr & jit::msr::kEe) {
        if (icp_->asserted()) {
            ++stats_.external;
            jit::take_interrupt(state_, jit::Vector::kExternal, state_.nip, 0);
        } else if (decrementer_expired()) {
            ++stats_.decrementer;
            jit::take_interrupt(state_, jit::Vector::kDecrementer, state_.nip, 0);
        }
    }
    // The lines stay up until the guest deals with their cause: look again when it sets EE.
    state_.interrupt_held = icp_->asserted() || decrementer_expired();
}

bool Vcpu::handle_attention() {
    const u32 bits = state_.attention.exchange(0, std::memory_order_acq_rel);
    if ((bits & kAttnHalt) || machine_.ending()) return false;
    if (bits & kAttnInvalidate) log_.catch_up(mmu_);
    if (bits & kAttnMode) {
        state_.interrupt_le = machine_.interrupt_le();
        state_.ail = machine_.ail();
    }
    if (bits & kAttnReset) jit::take_interrupt(state_, jit::Vector::kSystemReset, state_.nip, 0);
    if (bits & (kAttnInterrupt | kAttnReset)) deliver_interrupts();
    return true;
}

void Vcpu::run() {
    while (wait_for_start()) run_guest();
    timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    stats_.busy_seconds = static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) / 1e9;
}

void Vcpu::run_guest() {
    log_.enter_guest(mmu_);
    for (;;) {
        if (state_.attention.load(std::memory_order_relaxed) != 0 && !handle_attention()) break;
        if (executor_->run(state_) != jit::Exit::kHypercall) continue;
        log_.leave_guest();
        ++stats_.hypercalls;
        machine_.hypercall_handler()(*this);
        // Not stopped(): another vCPU may have started this one again between stop_self and here.
        if (machine_.ending() || run_state_.load(std::memory_order_acquire) != RunState::kRunning) return;
        log_.enter_guest(mmu_);
    }
    log_.leave_guest();
}

}  // namespace mpower::smp
