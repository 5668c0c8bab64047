// differential_test: random programs must leave the same registers and storage here and in qemu-user.
//
// Exit status: 0 no difference, 1 differences or start-up error, 77 a tool is missing (CTest: skipped, reason printed).
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>

#include "tests/differential/coverage.h"
#include "tests/differential/generator.h"
#include "tests/differential/oracle.h"
#include "tests/differential/report.h"
#include "tests/differential/subject.h"
#include "tests/jit/objdump.h"

namespace mpower::differential {
namespace {

struct Settings {
    u64 seed = 0;
    u64 instructions = 300000;
    std::string rows = "fixed";
    std::string only;
    std::string level = "power8";
    std::string endian = "little", accel = "interp";
    std::string runner, qemu;
    std::optional<u64> program;
    unsigned max_differences = 10;
    bool single = false, coverage = false, gaps = false, undecoded = false;
};

std::set<std::string, std::less<>> split(const std::string& list) {
    std::set<std::string, std::less<>> parts;
    std::size_t at = 0;
    while (at < list.size()) {
        const std::size_t comma = std::min(list.find(',', at), list.size());
        if (comma > at) parts.insert(list.substr(at, comma - at));
        at = comma + 1;
    }
    return parts;
}

jit::Accel accel_of(const std::string& name) {
    return name == "interp" ? jit::Accel::kInterp : name == "verify" ? jit::Accel::kVerify : jit::Accel::kJit;
}

class Campaign {
  public:
    Campaign(const Settings& settings, GeneratorOptions options)
        : settings_(settings),
          generator_(options),
          subject_(options.level, options.little_endian, accel_of(settings.accel),
                   settings.accel == "hot" || settings.accel == "verify") {}

    bool start() {
        auto oracle = Oracle::start(settings_.qemu, settings_.level, settings_.runner, settings_.endian == "little");
        if (!oracle) return fmt::print(stderr, "differential_test: {}\n", oracle.error()), false;
        oracle_.emplace(std::move(*oracle));
        return true;
    }

    /// True when no difference was found.
    bool run() {
        u64 index = settings_.program.value_or(0);
        Program next = generator_.program(settings_.seed, index);
        u64 programs = 0;
        while (differences_ < settings_.max_differences) {
            const Program program = std::move(next);
            const std::vector<u32> code = program.layout(program.groups.size());
            if (!oracle_->send(program.initial, code)) return lost(index);
            const Image ours = subject_.run(program.initial, code);
            ++programs;
            const bool last = settings_.program || executed() >= settings_.instructions;
            if (!last) next = generator_.program(settings_.seed, index + 1);
            Image theirs;
            if (!oracle_->receive(&theirs)) return lost(index);
            if (!same(ours, theirs)) {
                if (!investigate(program, index)) return false;
                if (!last) next = generator_.program(settings_.seed, index + 1);  // without the row just banned
            }
            if (last) break;
            ++index;
        }
        const std::vector<std::string> missing = generator_.missing();
        fmt::print("{} instructions in {} programs, {} rows selected, {} differences, {} explained\n", executed(),
                   programs, generator_.selected(), differences_, explained_);
        if (!missing.empty() && !settings_.program && !settings_.single) {
            fmt::print("rows of which no instruction was made: {}\n", fmt::join(missing, " "));
            return false;
        }
        return differences_ == 0;
    }

    /// Prints words that the oracle executes and our table does not know: each primary opcode and extended opcode with
    /// several operands, storage accesses pointed into the scratch storage.
    bool survey(jit::IsaLevel level) {
        Random random(settings_.seed);
        Image initial;
        for (u32 low = 0; low < 64 * 2048 * 4; ++low) {
            constexpr u32 kOperands[] = {0x01060000, 0x01063800, 0, 0};
            const u32 variant = low / (64 * 2048), primary = low / 2048 % 64;
            const u32 operands = variant == 2 ? static_cast<u32>(random.bits()) : kOperands[variant];
            const u32 word = primary << 26 | (operands & 0x03fff800) | (low & 2047);
            // Not through the runner's own register.
            if (insn_field(word, 6, 10) == kStateRegister || insn_field(word, 11, 15) == kStateRegister) continue;
            if (primary == 17 || jit::isa::decode(word, level) != nullptr)
                continue;  // 17: a system call of qemu-user's
            for (u64& r : initial.state.gpr) r = DIFF_CENTRE;
            initial.state.gpr[kTemp2] = 0;
            initial.state.gpr[kStateRegister] = DIFF_STATE;
            const u32 code[] = {word, 0x48000000 | ((DIFF_DONE - DIFF_CODE - 4) & 0x03fffffc)};
            Image theirs;
            if (!oracle_->send(initial, code) || !oracle_->receive(&theirs)) return lost(low);
            if (theirs.state.signal != 4) fmt::print("undecoded {:08x}\n", word);
        }
        return true;
    }

  private:
    u64 executed() const { return subject_.instructions() - wasted_; }

    bool lost(u64 index) {
        fmt::print("the oracle ended at program {} (seed {}); does `{}` run here?\n", index, settings_.seed,
                   settings_.qemu);
        return false;
    }

    bool both(const Program& program, std::size_t count, Image* ours, Image* theirs) {
        const std::vector<u32> code = program.layout(count);
        if (!oracle_->send(program.initial, code)) return false;
        *ours = subject_.run(program.initial, code);
        return oracle_->receive(theirs);
    }

    /// Finds a group after which the results differ although they agree before it.
    bool investigate(const Program& program, u64 index) {
        const u64 before_count = subject_.instructions();
        std::size_t agree = 0, differ = program.groups.size();
        Image ours, theirs;
        if (!both(program, 0, &ours, &theirs)) return lost(index);
        if (!same(ours, theirs)) {
            fmt::print("program {} (seed {}): the state differs before the first instruction\n{}", index,
                       settings_.seed, describe(program.groups[0], program.initial, ours, theirs));
            ++differences_;
            return false;
        }
        while (differ - agree > 1) {
            const std::size_t middle = (agree + differ) / 2;
            if (!both(program, middle, &ours, &theirs)) return lost(index);
            (same(ours, theirs) ? agree : differ) = middle;
        }
        Image before, before_theirs;
        if (!both(program, agree, &before, &before_theirs) || !both(program, differ, &ours, &theirs))
            return lost(index);
        wasted_ += subject_.instructions() - before_count;
        const Group& group = program.groups[agree];
        if (known_difference(group, ours, theirs) != nullptr) {
            ++explained_;
            return true;
        }
        fmt::print("difference {}: program {} of seed {}, instruction {}\n{}", differences_ + 1, index, settings_.seed,
                   agree, describe(group, before, ours, theirs));
        std::fflush(stdout);
        generator_.ban(group.row);
        ++differences_;
        return true;
    }

    const Settings& settings_;
    Generator generator_;
    Subject subject_;
    std::optional<Oracle> oracle_;
    unsigned differences_ = 0;
    u64 explained_ = 0;
    u64 wasted_ = 0;  ///< Instructions executed to search for a cause.
};

int run(const Settings& settings) {
    GeneratorOptions options;
    options.level = settings.level == "power9" ? jit::IsaLevel::k300 : jit::IsaLevel::k207;
    options.little_endian = settings.endian == "little";
    options.only = split(settings.only);
    options.groups = settings.single ? 1 : 100;
    options.classes = 0;
    for (const std::string& name : split(settings.rows)) {
        const std::map<std::string, u32> classes = {{"fixed", kFixedRows}, {"fp", kFpRows},   {"vmx", kVmxRows},
                                                    {"vsx", kVsxRows},     {"dfp", kDfpRows}, {"all", kAllRows}};
        const auto found = classes.find(name);
        if (found == classes.end()) {
            fmt::print(stderr, "differential_test: --rows {}: use fixed, fp, vmx, vsx, dfp or all\n", name);
            return 1;
        }
        options.classes |= found->second;
    }
    if (settings.coverage || settings.gaps) {
        if (jit::isa::have_objdump()) return print_coverage(settings.coverage) ? 0 : 1;
        fmt::print("skipped: {} is missing: install binutils-powerpc64le-linux-gnu\n", jit::isa::objdump_name());
        return 77;
    }
    if (access(settings.runner.c_str(), R_OK) != 0) {
        fmt::print("skipped: no runner at {}: install the GNU cross compilers for powerpc64 and powerpc64le\n",
                   settings.runner);
        return 77;
    }
    if (std::system(fmt::format("command -v {} >/dev/null", settings.qemu).c_str()) != 0) {
        fmt::print("skipped: {} is missing: install qemu-user\n", settings.qemu);
        return 77;
    }
    fmt::print("seed {} {} {} endian rows {}\n", settings.seed, settings.level, settings.endian, settings.rows);
    const auto start = std::chrono::steady_clock::now();
    Campaign campaign(settings, options);
    const bool good = campaign.start() && (settings.undecoded ? campaign.survey(options.level) : campaign.run());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    fmt::print("{:.1f} s: {}\n", seconds.count(), good ? "PASS" : "FAIL");
    return good ? 0 : 1;
}

}  // namespace
}  // namespace mpower::differential

int main(int argc, char** argv) {
    using namespace mpower::differential;
    Settings settings;
    settings.seed = std::random_device{}();
    CLI::App app{"Random programs: mpower's executor against qemu-user"};
    app.add_option("--seed", settings.seed, "Seed (default: random, printed)");
    app.add_option("--instructions", settings.instructions, "Guest instructions to execute")->capture_default_str();
    app.add_option("--rows", settings.rows, "fixed, fp, vmx, vsx, dfp, all; a comma between")->capture_default_str();
    app.add_option("--only", settings.only, "These mnemonics, a comma between (instead of --rows)");
    app.add_option("--level", settings.level, "power8 or power9")->check(CLI::IsMember({"power8", "power9"}));
    app.add_option("--accel", settings.accel,
                   "interp, jit, hot (jit, its hot code), or verify (hot; each block is compared with interp's too)")
        ->check(CLI::IsMember({"interp", "jit", "hot", "verify"}));
    app.add_option("--endian", settings.endian, "little or big")->check(CLI::IsMember({"little", "big"}));
    app.add_option("--program", settings.program, "Run only this program of the seed");
    app.add_option("--max-differences", settings.max_differences, "Stop after so many rows have differed")
        ->capture_default_str();
    app.add_flag("--single", settings.single, "One instruction a program, each row as often");
    app.add_flag("--coverage", settings.coverage, "Print each mnemonic of POWER8 and POWER9, and what tests it");
    app.add_flag("--gaps", settings.gaps, "Print only those that nothing tests or explains, and the sums");
    app.add_flag("--undecoded", settings.undecoded, "Print words that the oracle executes and the table does not have");
    app.add_option("--runner", settings.runner, "Program inside qemu-user")->default_str("built beside this one");
    app.add_option("--qemu", settings.qemu, "qemu-user program")->default_str("qemu-ppc64le or qemu-ppc64");
    CLI11_PARSE(app, argc, argv);
    const bool little = settings.endian == "little";
    if (settings.runner.empty()) settings.runner = little ? MPOWER_RUNNER_LE : MPOWER_RUNNER_BE;
    if (settings.qemu.empty()) settings.qemu = little ? "qemu-ppc64le" : "qemu-ppc64";
    return run(settings);
}
