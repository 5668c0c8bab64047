#include "jit/x64/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

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

u8* map(int file, std::size_t bytes, int protection) {
    void* p = mmap(nullptr, bytes, protection, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (p == MAP_FAILED) give_up("mmap");
    return static_cast<u8*>(p);
}

}  // namespace

CodeMemory::CodeMemory(std::size_t bytes) : bytes_(bytes) {
    const int file = memfd_create("mpower-code", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, static_cast<off_t>(bytes)) != 0) give_up("memfd_create");
    write_ = map(file, bytes, PROT_READ | PROT_WRITE);
    execute_ = map(file, bytes, PROT_READ | PROT_EXEC);
    close(file);
}

CodeMemory::~CodeMemory() {
    munmap(write_, bytes_);
    munmap(execute_, bytes_);
}

const u8* CodeMemory::add(std::span<const u8> code) {
    const u8* where = next();
    std::memcpy(write_ + used_, code.data(), code.size());
    used_ = (used_ + code.size() + 15) & ~std::size_t{15};
    return where;
}

void CodeMemory::patch(const u8* where, std::span<const u8> code) {
    std::memcpy(write_ + (where - execute_), code.data(), code.size());
}

}  // namespace mpower::jit::x64
