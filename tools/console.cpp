#include "tools/console.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace mpower::tools {
namespace {

constexpr u8 kEscape = 1;  // Ctrl-A
constexpr char kHelp[] = "\r\nCtrl-A h  this help\r\nCtrl-A x  quit\r\nCtrl-A Ctrl-A  send Ctrl-A\r\n";

/// The terminal as it was found, for the handler of a signal that kills the program.
termios g_saved;

/// Puts the terminal back; the calls are async-signal-safe (POSIX, 2.4.3). A background process may change it, too.
void restore_terminal() {
    signal(SIGTTOU, SIG_IGN);
    tcsetattr(STDIN_FILENO, TCSANOW, &g_saved);
}

constexpr int kFatal[] = {SIGABRT, SIGBUS,  SIGFPE,  SIGILL,  SIGQUIT, SIGSEGV,
                          SIGSYS,  SIGTRAP, SIGXCPU, SIGXFSZ, SIGALRM};

void on_fatal_signal(int number) {
    restore_terminal();
    raise(number);  // SA_RESETHAND has put the default action back
}

void set_fatal_handlers(bool on) {
    struct sigaction action {};
    action.sa_handler = on ? on_fatal_signal : SIG_DFL;
    action.sa_flags = SA_RESETHAND | SA_NODEFER;
    for (const int number : kFatal) sigaction(number, &action, nullptr);
}

}  // namespace

Result<std::unique_ptr<Console>> Console::open(const std::string& serial) {
    if (serial.rfind("file:", 0) == 0) {
        const std::string path = serial.substr(5);
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) return fail("-serial {}: {}", serial, std::strerror(errno));
        return std::unique_ptr<Console>(new Console(-1, fd));
    }
    std::unique_ptr<Console> console(new Console(STDIN_FILENO, STDOUT_FILENO));
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &g_saved) == 0) {
        termios raw = g_saved;
        cfmakeraw(&raw);
        raw.c_oflag |= OPOST;
        set_fatal_handlers(true);
        console->raw_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    return console;
}

Console::~Console() {
    stop();
    if (raw_) {
        restore_terminal();
        set_fatal_handlers(false);
    }
    if (out_ != STDOUT_FILENO) close(out_);
}

void Console::start(std::function<void()> on_input, std::function<void()> on_quit) {
    if (in_ < 0) return;
    on_input_ = std::move(on_input);
    on_quit_ = std::move(on_quit);
    stopping_ = false;
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    reader_ = std::thread([this] { loop(); });
}

void Console::stop() {
    if (!reader_.joinable()) return;
    stopping_ = true;
    wake();
    reader_.join();
    close(wake_);
    wake_ = -1;
}

void Console::wake() const {
    const u64 one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

std::size_t Console::room() {
    const std::lock_guard lock(mutex_);
    return kMostInput - input_.size();
}

void Console::loop() {
    for (;;) {
        u8 bytes[256];
        const std::size_t most = raw_ ? sizeof bytes : std::min(room(), sizeof bytes);
        pollfd fds[] = {{most != 0 ? in_ : -1, POLLIN, 0}, {wake_, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0) {
            if (errno != EINTR) return;
            continue;
        }
        if (fds[1].revents != 0) {
            u64 count;
            [[maybe_unused]] const auto taken = ::read(wake_, &count, sizeof count);
        }
        if (stopping_) return;
        if (fds[0].revents == 0) continue;
        const ssize_t n = ::read(in_, bytes, most);
        if (n <= 0) return;  // end of input: the guest goes on without
        for (ssize_t i = 0; i < n; ++i) take(bytes[i]);
        on_input_();
    }
}

void Console::take(u8 byte) {
    if (raw_ && !escaped_ && byte == kEscape) {
        escaped_ = true;
        return;
    }
    if (escaped_) {
        escaped_ = false;
        if (byte == 'x') return on_quit_();
        if (byte == 'h') return write({reinterpret_cast<const u8*>(kHelp), sizeof kHelp - 1});
    }
    const std::lock_guard lock(mutex_);
    if (input_.size() < kMostInput) input_.push_back(byte);
}

std::size_t Console::read(std::span<u8> to) {
    const std::lock_guard lock(mutex_);
    const bool was_full = input_.size() == kMostInput;
    std::size_t n = 0;
    for (; n < to.size() && !input_.empty(); ++n) {
        to[n] = input_.front();
        input_.pop_front();
    }
    if (was_full && n != 0) wake();
    return n;
}

void Console::write(std::span<const u8> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(out_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;  // the reader of our output is gone; the guest need not stop for it
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

}  // namespace mpower::tools
