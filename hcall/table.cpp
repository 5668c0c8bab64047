#include "hcall/table.h"

#include <spdlog/spdlog.h>

#include <cstdlib>

#include "base/log.h"

namespace mpower::hcall {

Result<std::size_t> Table::index(u64 opcode) {
    if (opcode <= kMaxPaprOpcode) {
        if (opcode % 4 != 0) return fail("hypercall {:#x}: PAPR opcodes are multiples of 4", opcode);
        return opcode / 4;
    }
    if (opcode < kFirstPrivate || opcode > kMaxPrivate) return fail("hypercall {:#x}: out of range", opcode);
    return kMaxPaprOpcode / 4 + 1 + opcode - kFirstPrivate;
}

Result<void> Table::add(const Hcall& hcall) {
    const auto at = index(hcall.opcode);
    if (!at) return tl::unexpected(at.error());
    if (entries_[*at].handler != nullptr) {
        return fail("hypercall {:#x} registered twice: {} and {}", hcall.opcode, entries_[*at].name, hcall.name);
    }
    entries_[*at] = hcall;
    return {};
}

const Hcall* Table::find(u64 opcode) const {
    const auto at = index(opcode);
    return at && entries_[*at].handler != nullptr ? &entries_[*at] : nullptr;
}

const Table& table() {
    static const Table built = [] {
        Table t;
        for (const auto set : {pft_hcalls(), splpar_hcalls(), vpa_hcalls(), mode_hcalls(), term_hcalls(), xics_hcalls(),
                               logical_hcalls(), rtas_hcalls()}) {
            for (const Hcall& h : set) {
                if (auto added = t.add(h); !added) {
                    spdlog::critical("{}", added.error());
                    std::abort();
                }
            }
        }
        return t;
    }();
    return built;
}

void dispatch(smp::Vcpu& cpu) {
    jit::CpuState& s = cpu.state();
    const u64 opcode = s.gpr[3];
    if (s.msr & jit::msr::kPr) {
        s.gpr[3] = static_cast<u64>(i64{papr::kPrivilege});
        return;
    }
    const Hcall* h = table().find(opcode);
    if (h == nullptr) {
        log(Log::kUnimp, "vcpu {} hypercall {:#x} is not implemented", cpu.id(), opcode);
        s.gpr[3] = static_cast<u64>(i64{papr::kFunction});
        return;
    }
    const bool logged = log_enabled(Log::kHcall);
    u64 in[4] = {s.gpr[4], s.gpr[5], s.gpr[6], s.gpr[7]};
    const papr::HcallStatus status = h->handler(cpu, Args{&s.gpr[4], 9});
    s.gpr[3] = static_cast<u64>(i64{status});
    if (logged) {
        log(Log::kHcall, "vcpu {} {}({:#x}, {:#x}, {:#x}, {:#x}) = {} r4 {:#x}", cpu.id(), h->name, in[0], in[1], in[2],
            in[3], static_cast<i64>(status), s.gpr[4]);
    }
}

std::vector<std::string> hypertas_functions() {
    return {"hcall-pft",  "hcall-term",     "hcall-interrupt", "hcall-splpar", "hcall-join",
            "hcall-bulk", "hcall-set-mode", "hcall-sprg0",     "hcall-copy",   "hcall-debug"};
}

}  // namespace mpower::hcall
