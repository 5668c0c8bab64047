#include "tools/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace mpower::tools {
namespace {

constexpr u8 kEscape = 1;  // Ctrl-A
constexpr char kHelp[] = "\r\nCtrl-A h  this help\r\nCtrl-A x  quit\r\nCtrl-A Ctrl-A  send Ctrl-A\r\n";

}  // namespace

Result<std::unique_ptr<Console>> Console::open(const std::string& serial) {
    if (serial.rfind("file:", 0) == 0) {
        const std::string path = serial.substr(5);
        const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0) return fail("-serial {}: {}", serial, std::strerror(errno));
        return std::unique_ptr<Console>(new Console(-1, fd));
    }
    std::unique_ptr<Console> console(new Console(STDIN_FILENO, STDOUT_FILENO));
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &console->saved_) == 0) {
        termios raw = console->saved_;
        cfmakeraw(&raw);
        raw.c_oflag |= OPOST;
        console->raw_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    return console;
}

Console::~Console() {
    stop();
    if (raw_) tcsetattr(STDIN_FILENO, TCSANOW, &saved_);
    if (out_ != STDOUT_FILENO) close(out_);
}

void Console::start(std::function<void()> on_input, std::function<void()> on_quit) {
    if (in_ < 0) return;
    on_input_ = std::move(on_input);
    on_quit_ = std::move(on_quit);
    wake_ = eventfd(0, EFD_CLOEXEC);
    reader_ = std::thread([this] { loop(); });
}

void Console::stop() {
    if (!reader_.joinable()) return;
    const u64 one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
    reader_.join();
    close(wake_);
}

void Console::loop() {
    for (;;) {
        pollfd fds[] = {{in_, POLLIN, 0}, {wake_, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
        if (fds[1].revents != 0) return;
        if (fds[0].revents == 0) continue;
        u8 bytes[256];
        const ssize_t n = ::read(in_, bytes, sizeof bytes);
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
    input_.push_back(byte);
}

std::size_t Console::read(std::span<u8> to) {
    const std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (; n < to.size() && !input_.empty(); ++n) {
        to[n] = input_.front();
        input_.pop_front();
    }
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
