#include "tools/options.h"

#include <sys/sysinfo.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "smp/machine.h"

namespace mpower::tools {
namespace {

constexpr u64 kMinimumRam = u64{64} << 20, kMaximumRam = u64{1} << 42;

/// "512", "512M" (MiB), "2G", "65536K" to bytes.
Result<u64> parse_size(const std::string& text) {
    u64 value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string unit(end, text.data() + text.size());
    u64 scale = u64{1} << 20;
    if (unit == "K" || unit == "k") scale = u64{1} << 10;
    if (unit == "G" || unit == "g") scale = u64{1} << 30;
    if (unit == "T" || unit == "t") scale = u64{1} << 40;
    const bool known = unit.empty() || (unit.size() == 1 && std::string("KkMmGgTt").find(unit) != std::string::npos);
    if (error != std::errc{} || !known || value > kMaximumRam / scale) {
        return fail("-m {}: not a size; give MiB, or a number with K, M, G or T", text);
    }
    const u64 bytes = value * scale;
    if (bytes < kMinimumRam) return fail("-m {}: too little; a guest needs at least 64 MiB", text);
    if (bytes % 65536 != 0) return fail("-m {}: not a multiple of 64 KiB", text);
    // RAM is backed as the guest touches it. More than the host could ever back would be killed halfway.
    struct sysinfo host;
    if (sysinfo(&host) == 0 && bytes / host.mem_unit > u64{host.totalram} + host.totalswap) {
        return fail("-m {}: more than the host's {} MiB of RAM and swap", text,
                    (u64{host.totalram} + host.totalswap) * host.mem_unit >> 20);
    }
    return bytes;
}

/// -rtc base=utc | base=YYYY-MM-DDTHH:MM:SS
Result<i64> parse_rtc(const std::string& text) {
    if (text.empty() || text == "base=utc") return 0;
    tm t{};
    if (text.rfind("base=", 0) == 0) {
        const char* end = strptime(text.c_str() + 5, "%Y-%m-%dT%H:%M:%S", &t);
        if (end != nullptr && *end == '\0') return i64{timegm(&t)} - i64{time(nullptr)};
    }
    return fail("-rtc {}: give base=utc or base=YYYY-MM-DDTHH:MM:SS", text);
}

}  // namespace

Result<std::optional<Options>> parse_options(int argc, char** argv) {
    Options o;
    std::string memory = "512", cpu = "power8", accel = "jit", reservations = "weak", snapshot_dir, loadvm, incoming;
    i64 vcpus = 1;
    CLI::App app{"mpower: an emulator of an IBM pSeries (PAPR) machine"};
    app.name("mpower");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // as QEMU does
    app.set_help_flag("--help,-h", "Print this help");
    app.add_option("--kernel", o.kernel, "ELF image to boot, either byte order")->type_name("FILE");
    app.add_option("--initrd", o.initrd, "Initial RAM disk")->type_name("FILE");
    app.add_option("--append", o.append, "Kernel command line")->type_name("TEXT");
    app.add_option("--smp", vcpus, fmt::format("Number of vCPUs, 1 to {}", smp::kMaxVcpus))->type_name("N");
    app.add_option("--memory", memory, "Guest RAM: MiB, or a number with K, M, G, T (-m)")->type_name("SIZE");
    app.add_option("--cpu", cpu, "power8 or power9");
    app.add_option("--accel", accel,
                   "jit (translation to host code), interp (the reference), or verify (both, compared, one vCPU)");
    app.add_flag("--jit-random", o.jit_random, "Let traces of hot code take branches at random (for -accel verify)");
    app.add_option("--jit-hot", o.jit_hot, "Executions after which a block is translated anew, better")
        ->check(CLI::Range(0, jit::CodeOptions::kNever));
    app.add_option("--reservations", reservations,
                   "weak (stcx. sees others' stcx., and others' stores by the value) or strict (it sees every store)");
    app.add_option("--serial", o.serial, "stdio or file:FILE");
    app.add_option("--log", o.log_sets, "Log sets: in_asm,op,out_asm,hcall,int,mmu,guest_errors,unimp (-d)")
        ->type_name("SETS");
    app.add_option("--logfile", o.log_file, "File for the log instead of standard error (-D)")->type_name("FILE");
    app.add_option("--seed", o.seed, "Seed of the guest's random numbers; 0: from the host")->type_name("N");
    app.add_option("--stats", o.stats, "Write statistics as JSON to FILE; -: a table to standard error")
        ->type_name("FILE");
    app.add_flag("--perfmap", o.profile.map, "Write /tmp/perf-PID.map, by which Linux perf names translated code");
    app.add_option("--jitdump", o.profile.dump_folder, "Write jit-PID.dump, for perf inject --jit, into FOLDER")
        ->type_name("FOLDER");
    app.add_option("--rtc", o.rtc, "base=utc or base=YYYY-MM-DDTHH:MM:SS");
    app.add_option("--slow-time", o.slow_time, "The guest's time base runs N times slower than the host's clock")
        ->type_name("N")
        ->check(CLI::Range(1, 1000));
    app.add_flag("--no-reboot", o.no_reboot, "End when the guest reboots");
    app.add_option("--snapshot-dir", snapshot_dir, "(not implemented)");
    app.add_option("--loadvm", loadvm, "(not implemented)");
    app.add_option("--incoming", incoming, "(not implemented)");

    // QEMU's users write -kernel; CLI11 takes long names with two dashes only. A word that is an option's value stays
    // as it is, whatever it begins with.
    std::vector<std::string> args;
    bool is_value = false;
    for (int n = 1; n < argc; ++n) {
        std::string word = argv[n];
        if (is_value) {
            is_value = false;
        } else {
            if (word == "-m")
                word = "--memory";
            else if (word == "-d")
                word = "--log";
            else if (word == "-D")
                word = "--logfile";
            else if (word.size() > 2 && word[0] == '-' && word[1] != '-')
                word.insert(0, "-");
            const CLI::Option* option = app.get_option_no_throw(word);
            is_value = option != nullptr && option->get_items_expected_min() > 0;
        }
        args.push_back(std::move(word));
    }
    std::reverse(args.begin(), args.end());  // the order in which CLI11 takes them
    try {
        app.parse(std::move(args));
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return std::nullopt;
    } catch (const CLI::ParseError& e) { return fail("{}; see mpower -help", e.what()); }

    if (o.kernel.empty()) return fail("no -kernel given; see mpower -help");
    if (vcpus < 1 || vcpus > smp::kMaxVcpus) return fail("-smp {}: give 1 to {} vCPUs", vcpus, smp::kMaxVcpus);
    o.vcpus = static_cast<unsigned>(vcpus);
    const auto ram = parse_size(memory);
    if (!ram) return tl::unexpected(ram.error());
    o.ram_bytes = *ram;
    if (cpu == "power9")
        o.level = jit::IsaLevel::k300;
    else if (cpu != "power8")
        return fail("-cpu {}: known are power8 and power9", cpu);
    if (accel == "interp")
        o.accel = jit::Accel::kInterp;
    else if (accel == "verify")
        o.accel = jit::Accel::kVerify;
    else if (accel != "jit")
        return fail("-accel {}: known are jit, interp and verify", accel);
    if (o.accel == jit::Accel::kVerify && o.vcpus != 1) return fail("-accel verify: one vCPU only; give -smp 1");
    if (app.count("--jitdump") != 0 && o.profile.dump_folder.empty()) return fail("-jitdump: give a folder");
    if (o.accel == jit::Accel::kInterp && o.profile.any())
        return fail("-perfmap, -jitdump: -accel interp makes no code");
    if (reservations == "strict")
        o.reservations = mmu::ReservationMode::kStrict;
    else if (reservations != "weak")
        return fail("-reservations {}: known are weak and strict", reservations);
    if (o.serial != "stdio" && o.serial.rfind("file:", 0) != 0)
        return fail("-serial {}: give stdio or file:FILE", o.serial);
    if (!snapshot_dir.empty() || !loadvm.empty() || !incoming.empty()) {
        return fail("snapshots and migration are not implemented yet");
    }
    const auto rtc = parse_rtc(o.rtc);
    if (!rtc) return tl::unexpected(rtc.error());
    o.rtc_offset_seconds = *rtc;
    return o;
}

}  // namespace mpower::tools
