// Memory for generated code, mapped twice: where it is written it cannot be executed, and the other way round.
#pragma once

#include <span>

#include "base/result.h"
#include "base/types.h"

namespace mpower::jit::x64 {

class CodeMemory {
  public:
    /// Reserves `bytes`; the host backs what is written. Aborts with a message if the host gives none.
    explicit CodeMemory(std::size_t bytes);
    ~CodeMemory();
    CodeMemory(const CodeMemory&) = delete;
    CodeMemory& operator=(const CodeMemory&) = delete;

    /// Where the next code will be executed: 16-byte aligned.
    const u8* next() const { return execute_ + used_; }
    std::size_t room() const { return bytes_ - used_; }
    /// Puts code at next(); there must be room.
    const u8* add(std::span<const u8> code);
    /// Overwrites code, given by where it is executed. Only while its thread, the only one that runs it, is elsewhere.
    void patch(const u8* where, std::span<const u8> code);
    /// Gives everything after the first `bytes` free.
    void truncate(std::size_t bytes) { used_ = bytes; }
    std::size_t used() const { return used_; }

  private:
    std::size_t bytes_, used_ = 0;
    u8 *write_ = nullptr, *execute_ = nullptr;
};

}  // namespace mpower::jit::x64
