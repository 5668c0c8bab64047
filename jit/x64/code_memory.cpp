#include "jit/x64/code_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mpower::jit::x64 {
namespace {

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "mpower: no memory for translated code: %s: %s; use -accel interp\n", what,
                 std::strerror(errno));
    std::exit(1);
}

}  // namespace

CodeMemory::CodeMemory(std::size_t code_bytes, std::size_t data_bytes)
    : code_bytes_(code_bytes), data_bytes_(data_bytes) {
    // One reservation, so that code reaches its data by a displacement.
    void* all =
        mmap(nullptr, 2 * code_bytes + data_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) give_up("mmap");
    execute_ = static_cast<u8*>(all);
    write_ = execute_ + code_bytes;
    data_ = write_ + code_bytes;
    // Without a file: perf looks into its map file only for code that is in none. mremap with size 0 leaves what is
    // shared where it is, and maps it once more.
    constexpr int kShared = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (mmap(execute_, code_bytes, PROT_READ | PROT_EXEC, kShared, -1, 0) == MAP_FAILED ||
        mremap(execute_, 0, code_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, write_) == MAP_FAILED ||
        mprotect(write_, code_bytes, PROT_READ | PROT_WRITE) != 0 ||
        mprotect(data_, data_bytes, PROT_READ | PROT_WRITE) != 0)
        give_up("mmap");
}

CodeMemory::~CodeMemory() { munmap(execute_, 2 * code_bytes_ + data_bytes_); }

void CodeMemory::write(const u8* where, std::span<const u8> code) {
    std::memcpy(writable(where), code.data(), code.size());
}

void CodeMemory::patch(const u8* where, const void* to) {
    const std::size_t first = reinterpret_cast<u64>(where) % 8;
    u64* const word = reinterpret_cast<u64*>(writable(where) - first);
    u8 bytes[8];
    std::memcpy(bytes, word, 8);
    const u32 rel32 = static_cast<u32>(static_cast<const u8*>(to) - (where + kJump));
    bytes[first] = 0xe9;
    std::memcpy(bytes + first + 1, &rel32, 4);
    u64 patched;
    std::memcpy(&patched, bytes, 8);
    __atomic_store_n(word, patched, __ATOMIC_RELEASE);
}

void CodeMemory::discard(std::size_t code_offset, std::size_t code_bytes, std::size_t data_offset,
                         std::size_t data_bytes) {
    madvise(write_ + code_offset, code_bytes, MADV_REMOVE);
    madvise(data_ + data_offset, data_bytes, MADV_DONTNEED);
}

}  // namespace mpower::jit::x64
