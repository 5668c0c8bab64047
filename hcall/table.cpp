#include "hcall/table.h"

#include <cstdio>
#include <cstdlib>

#include "base/log.h"

namespace mpower::hcall {

Result<std::size_t> Table::index(u64 opcode) {
    if (opcode <= kMaxPaprOpcode) {
        if (opcode % 4 != 0) return fail("PAPR opcodes are multiples of 4");
        return opcode / 4;
    }
    if (opcode < kFirstPrivate || opcode > kMaxPrivate) return fail("out of range");
    return kMaxPaprOpcode / 4 + 1 + opcode - kFirstPrivate;
}

Result<void> Table::add(const Hcall& hcall) {
    const auto at = index(hcall.opcode);
    if (!at) return fail("hypercall {:#x} ({}): {}", hcall.opcode, hcall.name, at.error());
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

Table Table::of(std::initializer_list<std::span<const Hcall>> sets) {
    Table t;
    for (const auto set : sets) {
        for (const Hcall& h : set) {
            if (const auto added = t.add(h); !added) {
                std::fprintf(stderr, "mpower: %s\n", added.error().c_str());
                std::abort();
            }
        }
    }
    return t;
}

namespace {

// Made before main, so that a registration error shows at once and not at a guest's first hypercall.
const Table kTable = Table::of({pft_hcalls(), splpar_hcalls(), vpa_hcalls(), mode_hcalls(), term_hcalls(),
                                xics_hcalls(), logical_hcalls(), rtas_hcalls()});

}  // namespace

void dispatch(smp::Vcpu& cpu) {
    jit::CpuState& s = cpu.state();
    const u64 opcode = s.gpr[3];
    if (s.msr & jit::msr::kPr) {
        s.gpr[3] = static_cast<u64>(i64{papr::kPrivilege});
        return;
    }
    const Hcall* h = kTable.find(opcode);
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
    return {"hcall-pft",          "hcall-term",       "hcall-interrupt", "hcall-splpar", "hcall-join",
            "hcall-set-mode",     "hcall-bulk",       "hcall-sprg0",     "hcall-copy",   "hcall-debug",
            "hcall-block-remove", "hcall-hpt-resize", "hcall-vio"};
}

}  // namespace mpower::hcall
