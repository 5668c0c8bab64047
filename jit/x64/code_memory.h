// Memory for generated code and what belongs to it, within reach of 32-bit displacements. The code is mapped twice:
// where it is written it cannot be executed, and the other way round.
//
// Threads: allocation and patching from any thread.
#pragma once

#include <atomic>
#include <span>

#include "base/result.h"
#include "base/types.h"

namespace mpower::jit::x64 {

class CodeMemory {
  public:
    /// Reserves `code_bytes` for code, as many to write it, and `data_bytes`; the host backs what is used. Ends the
    /// program with a message if the host gives no address space.
    CodeMemory(std::size_t code_bytes, std::size_t data_bytes);
    ~CodeMemory();
    CodeMemory(const CodeMemory&) = delete;
    CodeMemory& operator=(const CodeMemory&) = delete;

    /// Where code at `offset` is executed.
    const u8* code(std::size_t offset) const { return execute_ + offset; }
    u8* data() const { return data_; }
    std::size_t code_bytes() const { return code_bytes_; }
    std::size_t data_bytes() const { return data_bytes_; }

    /// Puts code, which nobody executes yet, where it will be executed.
    void write(const u8* where, std::span<const u8> code);
    /// Makes the instruction at `where` a jump to `to`. It is at least kJump bytes long, and the first kJump are in one
    /// 8-byte word. Another thread that comes by meanwhile executes the old or the new instruction.
    void patch(const u8* where, const void* to);
    static constexpr std::size_t kJump = 5;
    /// Gives memory back to the host. Nobody may execute or use it.
    void discard(std::size_t code_offset, std::size_t code_bytes, std::size_t data_offset, std::size_t data_bytes);

  private:
    u8* writable(const u8* where) const { return write_ + (where - execute_); }

    std::size_t code_bytes_, data_bytes_;
    u8 *execute_ = nullptr, *write_ = nullptr, *data_ = nullptr;
};

}  // namespace mpower::jit::x64
