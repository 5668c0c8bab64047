// XICS: the interrupt presentation controller of each vCPU (ICP) and the sources of the machine (ICS), as PAPR's
// "Platform-Interrupt controller" shows them to the guest.
//
// Lock-free: a presentation controller is one atomic word, a source is another; every operation is a compare-and-swap
// loop on one of them, O(1) in vCPUs and sources. An interrupt that cannot be presented (the priority is not better
// than CPPR or than what is presented already) waits: its bit in the server's `waiting` set. Who raises CPPR or signals
// EOI offers the waiting ones again. To lose none, the offerer sets the bit first and then looks at the word once more.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>

#include "base/types.h"

namespace mpower::smp {

class Ics;
class Machine;

constexpr u8 kLeastFavored = 0xff;    ///< Priority that masks everything.
constexpr u32 kIpiSource = 2;         ///< XISR of an inter-processor interrupt.
constexpr u32 kFirstSource = 0x1000;  ///< First external source number.
constexpr u32 kSources = 512;
constexpr u32 kVtySource = 0x1100;

class Icp {
  public:
    /// `raise` is called when the external interrupt line may have gone up, by the thread that did it.
    Icp(Ics& ics, std::function<void()> raise) : ics_(ics), raise_(std::move(raise)) {}

    /// True while an interrupt is presented. Any thread.
    bool asserted() const { return unpack(word_.load(std::memory_order_acquire)).xisr != 0; }

    u32 accept();                ///< H_XIRR: CPPR || XISR; the presented interrupt is accepted, CPPR := its priority.
    void eoi(u32 xirr);          ///< H_EOI: CPPR := XIRR's, the source may interrupt again.
    void set_cppr(u8 priority);  ///< H_CPPR.
    void set_mfrr(u8 priority);  ///< H_IPI: an IPI of that priority; kLeastFavored: none. Any thread.
    u32 poll(u8* mfrr) const;    ///< H_IPOLL: XIRR without accepting. Any thread.

    /// Presents `source` at `priority` now or as soon as CPPR lets it. Any thread.
    void offer(u32 source, u8 priority);

  private:
    struct State {
        u8 cppr = 0, mfrr = kLeastFavored, pending = kLeastFavored;
        u32 xisr = 0;
    };
    static State unpack(u64 w) {
        return {static_cast<u8>(w), static_cast<u8>(w >> 8), static_cast<u8>(w >> 16), static_cast<u32>(w >> 24)};
    }
    static u64 pack(State s) { return s.cppr | u64{s.mfrr} << 8 | u64{s.pending} << 16 | u64{s.xisr} << 24; }

    /// Applies `change` to the word; returns {before, after}. Raises the line if an interrupt came to be presented.
    template <class Change>
    std::pair<State, State> update(Change change);
    void put_back(const State& before, const State& after);
    void resend();

    Ics& ics_;
    std::function<void()> raise_;
    std::atomic<u64> word_{pack({})};
    std::array<std::atomic<u64>, kSources / 64> waiting_{};
};

class Ics {
  public:
    explicit Ics(Machine& machine);

    bool exists(u32 source) const { return source - kFirstSource < kSources; }
    /// An edge on a source. Any thread.
    void trigger(u32 source);
    /// RTAS ibm,set-xive / get-xive / int-off / int-on. The source exists. Any vCPU thread.
    void set_xive(u32 source, u32 server, u8 priority);
    void get_xive(u32 source, u32* server, u8* priority) const;
    void int_off(u32 source);
    void int_on(u32 source);

  private:
    friend class Icp;
    struct Source {
        u16 server = 0;
        u8 priority = kLeastFavored, saved = kLeastFavored;
        bool pending = false;
    };
    static Source unpack(u64 w) {
        return {static_cast<u16>(w), static_cast<u8>(w >> 16), static_cast<u8>(w >> 24), bool(w >> 32 & 1)};
    }
    static u64 pack(Source s) { return s.server | u64{s.priority} << 16 | u64{s.saved} << 24 | u64{s.pending} << 32; }
    template <class Change>
    Source update(u32 source, Change change);
    /// Presents a pending source that is not masked.
    void deliver(u32 source);

    Machine& machine_;
    std::array<std::atomic<u64>, kSources> sources_;
};

}  // namespace mpower::smp
