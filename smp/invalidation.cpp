#include "smp/invalidation.h"

#include <cassert>

#include "base/lock.h"
#include "smp/machine.h"
#include "smp/vcpu.h"

namespace mpower::smp {

void Broadcaster::invalidate(std::span<const hpt::VirtualPage> pages) {
    Machine& machine = self_.machine();
    assert(!self_.invalidation_log().in_guest());
    const LockScope<LockRank::kInvalidation> waiting;
    const auto each_other = [&](auto f) {
        for (VcpuId id = 0; id < machine.vcpu_count(); ++id) {
            Vcpu& other = machine.vcpu(id);
            if (&other != &self_) f(other.invalidation_log(), other.mmu(), [&other] { other.kick(kAttnInvalidate); });
        }
    };
    ++(broadcast(pages, self_.mmu(), each_other, awaited_) ? stats_.waited : stats_.alone);
}

}  // namespace mpower::smp
