#include "tools/statistics.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "jit/translate.h"
#include "smp/vcpu.h"

namespace mpower::tools {

Result<void> write_statistics(smp::Machine& machine, double seconds, const std::string& where) {
    nlohmann::ordered_json all{{"seconds", seconds}};
    u64 instructions = 0;
    auto vcpus = nlohmann::ordered_json::array();
    for (VcpuId id = 0; id < machine.vcpu_count(); ++id) {
        smp::Vcpu& cpu = machine.vcpu(id);
        const mmu::TlbStats& tlb = cpu.mmu().stats();
        const jit::CodeStats code = cpu.executor().stats();
        instructions += cpu.state().instructions;
        vcpus.push_back({{"instructions", cpu.state().instructions},
                         {"busy_seconds", cpu.stats().busy_seconds},
                         {"hypercalls", cpu.stats().hypercalls},
                         {"external_interrupts", cpu.stats().external},
                         {"decrementer_interrupts", cpu.stats().decrementer},
                         {"tlb_level1_misses", tlb.level1_misses},
                         {"tlb_level2_misses", tlb.level2_misses},
                         {"tlb_invalidations", tlb.invalidations},
                         {"tlb_flushes", tlb.flushes},
                         {"invalidations_that_waited", cpu.invalidator().stats().waited},
                         {"invalidations_that_waited_for_nobody", cpu.invalidator().stats().alone},
                         {"invalidations_received", cpu.invalidation_log().head()},
                         {"storage_faults", tlb.faults},
                         {"blocks_translated", code.blocks},
                         {"hot_blocks", code.hot_blocks},
                         {"instructions_translated", code.instructions},
                         {"host_code_bytes", code.host_bytes},
                         {"translation_seconds", static_cast<double>(code.nanoseconds) / 1e9},
                         {"exits_resolved", code.resolved},
                         {"jumps_linked", code.linked},
                         {"blocks_interpreted", code.interpreted}});
    }
    double busy = 0;
    for (const auto& cpu : vcpus) busy += cpu["busy_seconds"].get<double>();
    all["instructions"] = instructions;
    all["million_instructions_per_busy_second"] = busy > 0 ? static_cast<double>(instructions) / busy / 1e6 : 0;
    all["unimplemented_instructions"] = jit::unimplemented_count();
    all["code_killed"] = machine.shared_code().killed();
    all["code_cache_turn_overs"] = machine.shared_code().turn_overs();
    all["vcpus"] = vcpus;
    if (where != "-") {
        std::ofstream file(where);
        file << all.dump(2) << '\n';
        if (!file.flush()) return fail("-stats {}: cannot write", where);
        return {};
    }
    std::string table;
    for (const auto& [name, value] : all.items()) {
        if (!value.is_array()) table += fmt::format("{:40} {}\n", name, value.dump());
    }
    for (std::size_t id = 0; id < vcpus.size(); ++id) {
        for (const auto& [name, value] : vcpus[id].items())
            table += fmt::format("vcpu {:<4} {:30} {}\n", id, name, value.dump());
    }
    fmt::print(stderr, "{}", table);
    return {};
}

}  // namespace mpower::tools
