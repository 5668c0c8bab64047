#include "jit/profile.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace mpower::jit {
namespace {

// Records of a jitdump, as they are in the file.
struct DumpHeader {
    u32 magic = 0x4a695444;  // "JiTD" as a word: its bytes tell the order
    u32 version = 1;
    u32 size = sizeof(DumpHeader);
    u32 machine = EM_X86_64;
    u32 pad = 0;
    u32 pid = 0;
    u64 time = 0;
    u64 flags = 0;
};
static_assert(sizeof(DumpHeader) == 40);

enum class Record : u32 { kCodeLoad = 0, kCodeClose = 3 };
struct RecordHeader {
    Record id;
    u32 size;  ///< Of all of the record.
    u64 time;
};
static_assert(sizeof(RecordHeader) == 16);

/// After it come the name, with its 0, and the code.
struct CodeLoad {
    RecordHeader header;
    u32 pid, thread;
    u64 address, load_address;
    u64 code_bytes;
    u64 index;
};
static_assert(sizeof(CodeLoad) == 56);

u32 this_thread() { return static_cast<u32>(syscall(SYS_gettid)); }

}  // namespace

Result<std::unique_ptr<Profile>> Profile::open(const Wanted& wanted) {
    std::unique_ptr<Profile> p(new Profile);
    if (wanted.map) {
        if (const auto ok = p->open_map(); !ok) return tl::unexpected(ok.error());
    }
    if (!wanted.dump_folder.empty()) {
        if (const auto ok = p->open_dump(wanted.dump_folder); !ok) return tl::unexpected(ok.error());
    }
    return p;
}

Result<void> Profile::open_file(File& file, const char* option, const std::string& path) {
    file.what = fmt::format("{} {}", option, path);
    // /tmp is everybody's: a link that somebody put there is not followed.
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd >= 0) file.stream = fdopen(fd, "w");
    if (file.stream == nullptr) return fail("{}: {}", file.what, std::strerror(errno));
    return {};
}

Result<void> Profile::open_map() {
    const auto ok = open_file(map_, "-perfmap", fmt::format("/tmp/perf-{}.map", getpid()));
    if (ok) std::setvbuf(map_.stream, nullptr, _IOLBF, BUFSIZ);  // perf top reads it meanwhile
    return ok;
}

Result<void> Profile::open_dump(const std::string& folder) {
    const auto ok = open_file(dump_, "-jitdump", fmt::format("{}/jit-{}.dump", folder, getpid()));
    if (!ok) return ok;
    const DumpHeader header{.pid = static_cast<u32>(getpid()), .time = now()};
    std::fwrite(&header, sizeof header, 1, dump_.stream);
    if (std::fflush(dump_.stream) != 0) return fail("{}: {}", dump_.what, std::strerror(errno));
    marker_bytes_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    marker_ = mmap(nullptr, marker_bytes_, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(dump_.stream), 0);
    if (marker_ == MAP_FAILED) {
        marker_ = nullptr;
        return fail("{}: cannot be mapped executable, as perf needs it: {}", dump_.what, std::strerror(errno));
    }
    return {};
}

Profile::~Profile() { static_cast<void>(close()); }

u64 Profile::now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<u64>(t.tv_sec) * 1'000'000'000 + static_cast<u64>(t.tv_nsec);
}

std::string Profile::name(u64 address, bool user, bool hot) {
    return fmt::format("ppc_{:016x}_{}_{}", address, user ? "user" : "kernel", hot ? "hot" : "cold");
}

void Profile::add(const std::string& name, std::span<const u8> code, const u8* where, u64 since) {
    const auto address = reinterpret_cast<u64>(where);
    const std::lock_guard lock(mutex_);
    if (map_.stream != nullptr) fmt::print(map_.stream, "{:x} {:x} {}\n", address, code.size(), name);
    if (dump_.stream == nullptr) return;
    const CodeLoad load{
        .header = {Record::kCodeLoad, static_cast<u32>(sizeof(CodeLoad) + name.size() + 1 + code.size()), since},
        .pid = static_cast<u32>(getpid()),
        .thread = this_thread(),
        .address = address,
        .load_address = address,
        .code_bytes = code.size(),
        .index = records_++};
    std::fwrite(&load, sizeof load, 1, dump_.stream);
    std::fwrite(name.c_str(), name.size() + 1, 1, dump_.stream);
    std::fwrite(code.data(), code.size(), 1, dump_.stream);
}

Result<void> Profile::close_file(File& file) {
    if (file.stream == nullptr) return {};
    const bool bad = std::ferror(file.stream) != 0;
    FILE* const stream = file.stream;
    file.stream = nullptr;
    if (std::fclose(stream) == 0 && !bad) return {};
    return fail("{}: cannot be written", file.what);
}

Result<void> Profile::close() {
    const std::lock_guard lock(mutex_);
    if (dump_.stream != nullptr) {
        const RecordHeader end{Record::kCodeClose, sizeof(RecordHeader), now()};
        std::fwrite(&end, sizeof end, 1, dump_.stream);
    }
    if (marker_ != nullptr) munmap(marker_, marker_bytes_);
    marker_ = nullptr;
    const auto map = close_file(map_), dump = close_file(dump_);
    return map ? dump : map;
}

}  // namespace mpower::jit
