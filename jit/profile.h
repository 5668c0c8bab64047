// What Linux perf needs to know to name generated code: a map file, a jitdump, or both.
//
// The map (/tmp/perf-PID.map) says which addresses are which guest code, for `perf top` and `perf report` on this host.
// It knows no time: once the code cache has turned over, an address may be in it twice. The jitdump has the time and
// the code itself: `perf inject --jit` makes images of it that `perf annotate` can show. Formats: the kernel's
// tools/perf/Documentation, jit-interface.txt and jitdump-specification.txt.
//
// Threads: add() from any. A mutex keeps records whole; it is taken last of all locks, and only with a profile.
#pragma once

#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "base/lock.h"
#include "base/result.h"
#include "base/types.h"

namespace mpower::jit {

class Profile {
  public:
    struct Wanted {
        bool map = false;
        std::string dump_folder;  ///< For jit-PID.dump, the name that perf looks for; empty: no jitdump.
        bool any() const { return map || !dump_folder.empty(); }
    };
    /// The error names the option that asked for what cannot be made.
    static Result<std::unique_ptr<Profile>> open(const Wanted& wanted);
    Profile(const Profile&) = delete;
    Profile& operator=(const Profile&) = delete;
    ~Profile();

    /// Nanoseconds on perf's clock (`perf record -k mono`).
    static u64 now();
    /// "ppc_c000000000012340_kernel_hot".
    static std::string name(u64 address, bool user, bool hot);
    /// `code` is executed at `where` from `since` on.
    void add(const std::string& name, std::span<const u8> code, const u8* where, u64 since);
    /// Writes what is left. Nothing may be added after it. The error: something could not be written.
    Result<void> close();

  private:
    Profile() = default;
    Result<void> open_map();
    Result<void> open_dump(const std::string& folder);

    struct File {
        std::string what;  ///< Option and path, for a message.
        FILE* stream = nullptr;
    };
    static Result<void> open_file(File& file, const char* option, const std::string& path);
    static Result<void> close_file(File& file);

    Mutex<LockRank::kProfile> mutex_;  ///< Everything below.
    File map_, dump_;
    void* marker_ = nullptr;  ///< The dump's first page, mapped executable: by that perf record learns of the file.
    std::size_t marker_bytes_ = 0;
    u64 records_ = 0;
};

}  // namespace mpower::jit
