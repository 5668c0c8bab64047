// The guest's console on this process's standard input and output, or in a file.
#pragma once

#include <termios.h>

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "smp/console.h"

namespace mpower::tools {

class Console final : public smp::ConsoleDevice {
  public:
    /// `serial` is "stdio" or "file:PATH". A terminal is put in raw mode until the destructor.
    static Result<std::unique_ptr<Console>> open(const std::string& serial);
    ~Console() override;

    /// Starts to read input: `on_input` after bytes came, `on_quit` on Ctrl-A x; both on the reader's thread.
    void start(std::function<void()> on_input, std::function<void()> on_quit);
    /// Stops reading; after it neither function is called.
    void stop();

    std::size_t read(std::span<u8> to) override;
    void write(std::span<const u8> bytes) override;

  private:
    Console(int in, int out) : in_(in), out_(out) {}
    void loop();
    void take(u8 byte);

    int in_, out_, wake_ = -1;
    bool raw_ = false, escaped_ = false;
    termios saved_{};
    std::mutex mutex_;  ///< Guards input_; held for a few instructions.
    std::deque<u8> input_;
    std::function<void()> on_input_, on_quit_;
    std::thread reader_;
};

}  // namespace mpower::tools
