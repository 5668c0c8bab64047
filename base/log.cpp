#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <sstream>
#include <string_view>
#include <utility>

namespace mpower {
namespace detail {
std::atomic<u32> log_mask{0};
}

namespace {
constexpr std::array<std::pair<std::string_view, Log>, 8> kNames{{
    {"in_asm", Log::kInAsm},
    {"op", Log::kOp},
    {"out_asm", Log::kOutAsm},
    {"hcall", Log::kHcall},
    {"int", Log::kInt},
    {"mmu", Log::kMmu},
    {"guest_errors", Log::kGuestErrors},
    {"unimp", Log::kUnimp},
}};
}

Result<void> configure_log(const std::string& sets, const std::string& file) {
    u32 mask = 0;
    std::stringstream list(sets);
    for (std::string name; std::getline(list, name, ',');) {
        u32 bit = 0;
        for (const auto& [known, set] : kNames) {
            if (known == name) bit = static_cast<u32>(set);
        }
        if (bit == 0) {
            return fail("-d: unknown log set '{}'; known are in_asm, op, out_asm, hcall, int, mmu, guest_errors, unimp",
                        name);
        }
        mask |= bit;
    }
    try {
        auto logger = file.empty() ? spdlog::stderr_logger_mt("mpower") : spdlog::basic_logger_mt("mpower", file, true);
        logger->set_pattern("%H:%M:%S.%f %v");
        spdlog::set_default_logger(std::move(logger));
    } catch (const spdlog::spdlog_ex& e) { return fail("-D: {}", e.what()); }
    detail::log_mask.store(mask, std::memory_order_relaxed);
    return {};
}

}  // namespace mpower
