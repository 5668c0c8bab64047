// Dispatch of hypercalls (PAPR, "Hypervisor Call Functions"): r3 = opcode, r4.. = arguments; r3 = status, r4.. =
// results.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/papr.h"
#include "base/result.h"
#include "smp/machine.h"
#include "smp/vcpu.h"

namespace mpower::hcall {

/// r4..r12 of the caller: arguments in, results out.
using Args = std::span<u64, 9>;

/// A hypercall: runs on the calling vCPU's thread in mode OUT, takes no lock that a vCPU in mode GUEST could hold.
using Handler = papr::HcallStatus (*)(smp::Vcpu& cpu, Args args);

struct Hcall {
    u64 opcode;
    const char* name;
    Handler handler;
};

/// Opcodes of the two ranges: PAPR's, multiples of 4 up to 0x450, and the KVM/QEMU private ones from 0xf000.
constexpr u64 kMaxPaprOpcode = 0x450, kFirstPrivate = 0xf000, kMaxPrivate = 0xf00f;

/// Handlers by opcode.
class Table {
  public:
    /// All of `sets`. An opcode out of both ranges, not a multiple of 4 in PAPR's, or given twice ends the program with
    /// a line on standard error.
    static Table of(std::initializer_list<std::span<const Hcall>> sets);
    const Hcall* find(u64 opcode) const;

  private:
    static Result<std::size_t> index(u64 opcode);
    Result<void> add(const Hcall& hcall);
    std::array<Hcall, kMaxPaprOpcode / 4 + 1 + kMaxPrivate - kFirstPrivate + 1> entries_{};
};

/// Executes the hypercall in the vCPU's registers: H_PRIVILEGE from problem state, H_FUNCTION if unknown.
void dispatch(smp::Vcpu& cpu);

/// Names for "ibm,hypertas-functions": only what is here.
std::vector<std::string> hypertas_functions();

// Each file of this folder gives the hypercalls of one function set.
std::span<const Hcall> pft_hcalls();
std::span<const Hcall> splpar_hcalls();
std::span<const Hcall> vpa_hcalls();
std::span<const Hcall> mode_hcalls();
std::span<const Hcall> term_hcalls();
std::span<const Hcall> xics_hcalls();
std::span<const Hcall> logical_hcalls();
std::span<const Hcall> rtas_hcalls();

}  // namespace mpower::hcall
