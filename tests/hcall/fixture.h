// A machine whose vCPUs have no threads: tests put arguments into a vCPU's registers and dispatch on it directly.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>

#include "base/endian.h"
#include "hcall/table.h"
#include "smp/machine.h"
#include "smp/vcpu.h"
#include "smp/xics.h"

namespace mpower::hcall {

struct FakeConsole final : smp::ConsoleDevice {
    std::string input, output;
    std::size_t read(std::span<u8> to) override {
        const std::size_t n = std::min(to.size(), input.size());
        std::copy_n(input.begin(), n, to.begin());
        input.erase(0, n);
        return n;
    }
    void write(std::span<const u8> bytes) override { output.append(bytes.begin(), bytes.end()); }
};

class HcallTest : public testing::Test {
  protected:
    static constexpr u64 kRam = (u64{32} << 20) + 0x10000;  // its last 16M page is not whole

    void SetUp() override {
        smp::MachineOptions options;
        options.ram_bytes = kRam;
        options.vcpus = 3;
        options.hpt_shift = 18;
        options.seed = 1;
        auto made = smp::Machine::create(options, console_, dispatch);
        ASSERT_TRUE(made) << made.error();
        machine_ = std::move(*made);
    }

    smp::Vcpu& cpu(VcpuId id = 0) { return machine_->vcpu(id); }
    u64 r(unsigned n) { return cpu().state().gpr[n]; }
    u8* ram(u64 at) { return machine_->ram().data() + at; }

    /// r3 after the hypercall on vCPU `id`, with `args` in r4 and up.
    i64 call_on(VcpuId id, u64 opcode, std::initializer_list<u64> args) {
        jit::CpuState& s = cpu(id).state();
        std::fill(s.gpr + 3, s.gpr + 13, 0);
        s.gpr[3] = opcode;
        std::copy(args.begin(), args.end(), s.gpr + 4);
        dispatch(cpu(id));
        return static_cast<i64>(s.gpr[3]);
    }
    i64 call(u64 opcode, std::initializer_list<u64> args = {}) { return call_on(0, opcode, args); }

    FakeConsole console_;
    std::unique_ptr<smp::Machine> machine_;
};

}  // namespace mpower::hcall
