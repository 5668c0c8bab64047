// What tests/guests/profile.sh cannot show: many threads that add at once, and memory that perf's map serves.
#include "jit/profile.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "jit/x64/code_memory.h"

namespace mpower::jit {
namespace {

std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

u64 number(const std::string& bytes, std::size_t at, std::size_t size) {
    u64 v = 0;
    EXPECT_LE(at + size, bytes.size());
    if (at + size <= bytes.size()) std::memcpy(&v, bytes.data() + at, size);
    return v;
}

TEST(Profile, RecordsStayWhole_WhenThreadsAddAtOnce) {
    constexpr u64 kThreads = 4, kRecords = 20'000;
    const std::string folder = testing::TempDir() + "mpower_profile_" + std::to_string(getpid());
    std::filesystem::create_directory(folder);
    auto profile = Profile::open({.map = true, .dump_folder = folder});
    ASSERT_TRUE(profile) << profile.error();
    {
        std::latch all_there(kThreads);
        std::vector<std::jthread> threads;
        for (u64 t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                all_there.arrive_and_wait();
                for (u64 n = 0; n < kRecords; ++n) {
                    // Address, name, length and bytes say the same.
                    const u64 id = t * kRecords + n;
                    const std::vector<u8> code(id % 97 + 1, static_cast<u8>(id));
                    (*profile)->add(Profile::name(id, false, true), code, reinterpret_cast<const u8*>(id), id);
                }
            });
        }
    }
    ASSERT_TRUE((*profile)->close());
    const std::string map_path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    const std::string map = read(map_path), dump = read(folder + "/jit-" + std::to_string(getpid()) + ".dump");
    std::filesystem::remove(map_path);
    std::filesystem::remove_all(folder);

    std::istringstream lines(map);
    std::set<u64> seen;
    for (std::string line; std::getline(lines, line);) {
        const u64 id = std::stoull(line, nullptr, 16);
        EXPECT_EQ(line, fmt::format("{:x} {:x} ppc_{:016x}_kernel_hot", id, id % 97 + 1, id));
        seen.insert(id);
    }
    EXPECT_EQ(seen.size(), kThreads * kRecords);

    seen.clear();
    std::size_t at = 40;
    for (u64 index = 0; index < kThreads * kRecords; ++index) {
        ASSERT_EQ(number(dump, at, 4), 0u) << "record at " << at;
        const u64 id = number(dump, at + 8, 8), bytes = id % 97 + 1;
        const std::string name = Profile::name(id, false, true);
        ASSERT_EQ(number(dump, at + 4, 4), 56 + name.size() + 1 + bytes);
        EXPECT_EQ(number(dump, at + 24, 8), id);
        EXPECT_EQ(number(dump, at + 40, 8), bytes);
        EXPECT_EQ(number(dump, at + 48, 8), index);
        EXPECT_EQ(dump.substr(at + 56, name.size() + 1), name + '\0');
        EXPECT_EQ(dump.substr(at + 57 + name.size(), bytes), std::string(bytes, static_cast<char>(id)));
        seen.insert(id);
        at += number(dump, at + 4, 4);
    }
    EXPECT_EQ(seen.size(), kThreads * kRecords);
    EXPECT_EQ(number(dump, at, 4), 3u);
    EXPECT_EQ(dump.size(), at + 16);
}

// perf takes a mapping for one of code without a file by this name only.
TEST(CodeMemory, IsExecutedFromNoFile_AndIsEmptyOnceDiscarded) {
    constexpr std::size_t kBytes = 1 << 20;
    x64::CodeMemory memory(kBytes, kBytes);
    const u8 code[] = {0xc3};
    memory.write(memory.code(4096), code);
    EXPECT_EQ(*memory.code(4096), 0xc3);
    std::ifstream maps("/proc/self/maps");
    const std::string start = fmt::format("{:x}-", reinterpret_cast<u64>(memory.code(0)));
    std::string line;
    while (std::getline(maps, line) && !line.starts_with(start)) {}
    EXPECT_NE(line.find(" r-xs "), std::string::npos) << line;
    EXPECT_NE(line.find(" /dev/zero"), std::string::npos) << line;
    memory.discard(4096, 4096, 0, 4096);
    EXPECT_EQ(*memory.code(4096), 0);
}

}  // namespace
}  // namespace mpower::jit
