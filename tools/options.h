// The command line of mpower: QEMU's names, single dashes.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "jit/executor.h"
#include "jit/profile.h"
#include "mmu/reservations.h"

namespace mpower::tools {

struct Options {
    std::string kernel, initrd, append, serial = "stdio", log_sets, log_file, stats, rtc;
    u64 ram_bytes = u64{512} << 20;
    unsigned vcpus = 1;
    jit::IsaLevel level = jit::IsaLevel::k207;
    jit::Accel accel = jit::Accel::kJit;
    i32 jit_hot = jit::CodeOptions{}.hot;  ///< Executions after which a block is translated anew.
    bool jit_random = false;
    jit::Profile::Wanted profile;
    mmu::ReservationMode reservations = mmu::ReservationMode::kWeak;
    u64 seed = 0;
    i64 rtc_offset_seconds = 0;
    u32 slow_time = 1;
    bool no_reboot = false;
};

/// Parsed options; nullopt: the help was asked for and printed. The error is one line for the user.
Result<std::optional<Options>> parse_options(int argc, char** argv);

}  // namespace mpower::tools
