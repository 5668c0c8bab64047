// What `-d` selects. One line per event through spdlog, to stderr or the file of `-D`.
#pragma once

#include <spdlog/spdlog.h>

#include <atomic>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace mpower {

/// Log sets, bits of a mask. Names on the command line are those of QEMU's `-d`.
enum class Log : u32 {
    kInAsm = 1 << 0,
    kOp = 1 << 1,
    kOutAsm = 1 << 2,
    kHcall = 1 << 3,
    kInt = 1 << 4,
    kMmu = 1 << 5,
    kGuestErrors = 1 << 6,
    kUnimp = 1 << 7,
};

namespace detail {
extern std::atomic<u32> log_mask;  // relaxed: written at start-up, read anywhere
}

/// True if `set` was selected; one load and a branch. Any thread.
inline bool log_enabled(Log set) { return detail::log_mask.load(std::memory_order_relaxed) & static_cast<u32>(set); }

/// Writes one line to the log if `set` was selected. Any thread.
template <class... Args>
void log(Log set, fmt::format_string<Args...> format, Args&&... args) {
    if (log_enabled(set)) [[unlikely]]
        spdlog::info(format, std::forward<Args>(args)...);
}

/// Selects log sets by a comma-separated list of names (`in_asm,int`), and the file they go to (empty: stderr).
/// Called once, before any vCPU runs. Fails on an unknown name or a file that cannot be made.
Result<void> configure_log(const std::string& sets, const std::string& file);

}  // namespace mpower
