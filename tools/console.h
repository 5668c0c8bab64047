// The guest's console on this process's standard input and output, or in a file.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "base/lock.h"
#include "base/result.h"
#include "smp/console.h"

namespace mpower::tools {

class Console final : public smp::ConsoleDevice {
  public:
    /// `serial` is "stdio" or "file:PATH". A terminal is put in raw mode until the destructor, or a signal that kills
    /// the program. One console at a time.
    static Result<std::unique_ptr<Console>> open(const std::string& serial);
    ~Console() override;

    /// Starts to read input: `on_input` after bytes came, `on_quit` on Ctrl-A x; both on the reader's thread.
    void start(std::function<void()> on_input, std::function<void()> on_quit);
    /// Stops reading; after it neither function is called.
    void stop();

    std::size_t read(std::span<u8> to) override;
    void write(std::span<const u8> bytes) override;

  private:
    /// Input that the guest has not read. When it is full, a pipe is left alone until there is room; a terminal is read
    /// on, so that Ctrl-A x works, and what does not fit is dropped.
    static constexpr std::size_t kMostInput = 4096;

    Console(int in, int out) : in_(in), out_(out) {}
    void loop();
    void take(u8 byte);
    std::size_t room();
    void wake() const;

    int in_, out_, wake_ = -1;
    bool raw_ = false, escaped_ = false;
    Mutex<LockRank::kConsole> mutex_;  ///< Guards input_; held for a few instructions.
    std::deque<u8> input_;
    std::atomic<bool> stopping_{false};
    std::function<void()> on_input_, on_quit_;
    std::thread reader_;
};

}  // namespace mpower::tools
