#include "tests/differential/oracle.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/endian.h"

namespace mpower::differential {
namespace {

bool write_all(int fd, const void* data, std::size_t bytes) {
    const char* p = static_cast<const char*>(data);
    while (bytes != 0) {
        const ssize_t n = write(fd, p, bytes);
        if (n <= 0) return false;
        p += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

bool read_all(int fd, void* data, std::size_t bytes) {
    char* p = static_cast<char*>(data);
    while (bytes != 0) {
        const ssize_t n = read(fd, p, bytes);
        if (n <= 0) return false;
        p += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

/// DiffState is doublewords throughout, so one loop changes its byte order.
void swap_doublewords(DiffState* s) {
    u64* p = reinterpret_cast<u64*>(s);
    for (std::size_t i = 0; i < sizeof *s / 8; ++i) p[i] = byte_swap(p[i]);
}

DiffState pack(const State& s) {
    DiffState d{};
    std::memcpy(d.gpr, s.gpr, sizeof d.gpr);
    d.cr = s.cr, d.xer = s.xer, d.lr = s.lr, d.ctr = s.ctr, d.fpscr = s.fpscr, d.vrsave = s.vrsave;
    d.vscr[1] = s.vscr;
    for (int i = 0; i < 64; ++i) d.vsr[i][0] = s.vsr[i].hi, d.vsr[i][1] = s.vsr[i].lo;
    return d;
}

State unpack(const DiffState& d) {
    State s;
    std::memcpy(s.gpr, d.gpr, sizeof d.gpr);
    s.cr = d.cr, s.xer = d.xer, s.lr = d.lr, s.ctr = d.ctr, s.fpscr = d.fpscr, s.vrsave = d.vrsave;
    s.vscr = d.vscr[1];
    s.signal = d.signal, s.fault_nip = d.fault_nip;
    for (int i = 0; i < 64; ++i) s.vsr[i] = {.lo = d.vsr[i][1], .hi = d.vsr[i][0]};
    return s;
}

}  // namespace

Result<Oracle> Oracle::start(const std::string& qemu, const std::string& cpu, const std::string& runner,
                             bool little_endian) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return fail("pipe: {}", std::strerror(errno));
    // Both directions of a test fit the pipes, so neither side waits for the other half-way.
    for (const int fd : {to[0], from[0]}) fcntl(fd, F_SETPIPE_SZ, 65536);
    signal(SIGPIPE, SIG_IGN);
    const pid_t pid = fork();
    if (pid < 0) return fail("fork: {}", std::strerror(errno));
    if (pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        execlp(qemu.c_str(), qemu.c_str(), "-cpu", cpu.c_str(), runner.c_str(), nullptr);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    return Oracle(pid, to[1], from[0], little_endian);
}

Oracle::Oracle(Oracle&& other) noexcept : pid_(other.pid_), to_(other.to_), from_(other.from_), le_(other.le_) {
    other.pid_ = -1;
}

Oracle::~Oracle() {
    if (pid_ < 0) return;
    close(to_);  // end of file: the runner exits
    close(from_);
    waitpid(pid_, nullptr, 0);
}

bool Oracle::send(const Image& initial, std::span<const u32> code) {
    struct {
        DiffState state;
        u8 scratch[DIFF_SCRATCH_BYTES];
        u64 count;
        u32 code[DIFF_CODE_WORDS];
    } request;
    if (code.size() > DIFF_CODE_WORDS) return false;
    request.state = pack(initial.state);
    std::memcpy(request.scratch, initial.scratch.data(), DIFF_SCRATCH_BYTES);
    request.count = code.size();
    for (std::size_t i = 0; i < code.size(); ++i) request.code[i] = le_ ? code[i] : byte_swap(code[i]);
    if (!le_) {
        swap_doublewords(&request.state);
        request.count = byte_swap(request.count);
    }
    return write_all(to_, &request, offsetof(decltype(request), code) + 4 * code.size());
}

bool Oracle::receive(Image* result) {
    DiffState state;
    if (!read_all(from_, &state, sizeof state)) return false;
    if (!read_all(from_, result->scratch.data(), DIFF_SCRATCH_BYTES)) return false;
    if (!le_) swap_doublewords(&state);
    result->state = unpack(state);
    return true;
}

}  // namespace mpower::differential
