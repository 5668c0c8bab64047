// The mpower program: options, files, machine, console, exit status.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "base/log.h"
#include "boot/boot.h"
#include "hcall/table.h"
#include "smp/machine.h"
#include "smp/vcpu.h"
#include "tools/console.h"
#include "tools/options.h"
#include "tools/statistics.h"

namespace mpower::tools {
namespace {

constexpr int kUsageError = 1, kGuestStopped = 2;

/// A file mapped for reading.
class MappedFile {
  public:
    static Result<MappedFile> open(const char* option, const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return fail("{} {}: {}", option, path, std::strerror(errno));
        struct stat st;
        if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
            close(fd);
            return fail("{} {}: not a file with something in it", option, path);
        }
        void* p = mmap(nullptr, static_cast<std::size_t>(st.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        if (p == MAP_FAILED) return fail("{} {}: {}", option, path, std::strerror(errno));
        return MappedFile({static_cast<const u8*>(p), static_cast<std::size_t>(st.st_size)});
    }
    MappedFile() = default;
    MappedFile(MappedFile&& o) noexcept : bytes_(std::exchange(o.bytes_, {})) {}
    MappedFile& operator=(MappedFile&& o) noexcept {
        std::swap(bytes_, o.bytes_);
        return *this;
    }
    ~MappedFile() {
        if (!bytes_.empty()) munmap(const_cast<u8*>(bytes_.data()), bytes_.size());
    }
    std::span<const u8> bytes() const { return bytes_; }

  private:
    explicit MappedFile(std::span<const u8> bytes) : bytes_(bytes) {}
    std::span<const u8> bytes_;
};

struct Ended {
    smp::Ending ending;
    int signal;  ///< The signal that ended the machine, or 0.
};

/// One life of the machine: from power-on to power-off or reboot.
Result<Ended> run_once(const Options& o, const MappedFile& kernel, const MappedFile& initrd,
                       std::shared_ptr<smp::Nvram> nvram, Console& console, jit::Profile* profile) {
    const smp::MachineOptions machine_options{.ram_bytes = o.ram_bytes,
                                              .vcpus = o.vcpus,
                                              .hpt_shift = boot::hpt_shift_for(o.ram_bytes),
                                              .level = o.level,
                                              .accel = o.accel,
                                              .code = {.count_instructions = !o.stats.empty(),
                                                       .hot = o.jit_hot,
                                                       .random_ways = o.jit_random,
                                                       .profile = profile},
                                              .reservations = o.reservations,
                                              .seed = o.seed,
                                              .rtc_offset_seconds = o.rtc_offset_seconds,
                                              .slow_time = o.slow_time,
                                              .nvram = std::move(nvram)};
    auto machine = smp::Machine::create(machine_options, console, hcall::dispatch);
    if (!machine) return tl::unexpected(machine.error());
    smp::Machine& m = **machine;
    const auto entry = boot::prepare({.kernel = kernel.bytes(),
                                      .initrd = initrd.bytes(),
                                      .bootargs = o.append,
                                      .vcpus = o.vcpus,
                                      .hpt_shift = machine_options.hpt_shift,
                                      .level = o.level,
                                      .seed = o.seed},
                                     m.ram());
    if (!entry) return tl::unexpected(entry.error());

    // Signals end the machine in order, so that the terminal and the statistics are not lost. They are blocked in every
    // thread (main blocked them) and waited for here.
    std::atomic<int> signal{0};
    std::atomic<bool> ended{false};
    std::thread signals([&] {
        sigset_t set;
        sigemptyset(&set);
        for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&set, s);
        // SIGUSR1 is how this thread is told that the machine has ended; anybody else's means nothing.
        while (!ended) {
            int got = 0;
            if (sigwait(&set, &got) != 0 || got == SIGUSR1) continue;
            signal = got;
            m.request_end(smp::Ending::kPowerOff);
        }
    });
    console.start([&] { m.console_has_input(); }, [&] { m.request_end(smp::Ending::kPowerOff); });
    const auto start = std::chrono::steady_clock::now();
    const smp::Ending ending = m.run(entry->entry, entry->r3, entry->r4);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    console.stop();
    ended = true;
    pthread_kill(signals.native_handle(), SIGUSR1);
    signals.join();
    if (!o.stats.empty()) {
        if (const auto written = write_statistics(m, seconds.count(), o.stats); !written) {
            return tl::unexpected(written.error());
        }
    }
    return Ended{ending, signal};
}

/// Lives of the machine until one ends for good: the exit status.
Result<int> run_lives(const Options& o, const MappedFile& kernel, const MappedFile& initrd, Console& console,
                      jit::Profile* profile) {
    const auto nvram = std::make_shared<smp::Nvram>();
    for (;;) {
        const auto ended = run_once(o, kernel, initrd, nvram, console, profile);
        if (!ended) return tl::unexpected(ended.error());
        if (ended->signal != 0) return 128 + ended->signal;
        if (ended->ending == smp::Ending::kCheckstop) return kGuestStopped;
        if (ended->ending == smp::Ending::kPowerOff || o.no_reboot) return 0;
    }
}

Result<int> run(const Options& o) {
    if (const auto ok = configure_log(o.log_sets, o.log_file); !ok) return tl::unexpected(ok.error());
    auto kernel = MappedFile::open("-kernel", o.kernel);
    if (!kernel) return tl::unexpected(kernel.error());
    MappedFile initrd;
    if (!o.initrd.empty()) {
        auto opened = MappedFile::open("-initrd", o.initrd);
        if (!opened) return tl::unexpected(opened.error());
        if (opened->bytes().size() >= o.ram_bytes) {
            return fail("-initrd {}: {} MiB, more than the {} MiB of RAM; give more with -m", o.initrd,
                        opened->bytes().size() >> 20, o.ram_bytes >> 20);
        }
        initrd = std::move(*opened);
    }
    auto console = Console::open(o.serial);
    if (!console) return tl::unexpected(console.error());
    std::unique_ptr<jit::Profile> profile;
    if (o.profile.any()) {
        auto opened = jit::Profile::open(o.profile);
        if (!opened) return tl::unexpected(opened.error());
        profile = std::move(*opened);
    }
    const auto status = run_lives(o, *kernel, initrd, **console, profile.get());
    if (profile != nullptr) {
        if (const auto ok = profile->close(); !ok && status) return tl::unexpected(ok.error());
    }
    return status;
}

}  // namespace
}  // namespace mpower::tools

int main(int argc, char** argv) {
    using namespace mpower::tools;
    sigset_t handled;
    sigemptyset(&handled);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&handled, s);
    pthread_sigmask(SIG_BLOCK, &handled, nullptr);
    signal(SIGPIPE, SIG_IGN);

    const auto options = parse_options(argc, argv);
    mpower::Result<int> status = 0;
    if (!options) {
        status = tl::unexpected(options.error());
    } else if (*options) {
        status = run(**options);
    }
    if (!status) {
        std::fprintf(stderr, "mpower: %s\n", status.error().c_str());
        return kUsageError;
    }
    return *status;
}
