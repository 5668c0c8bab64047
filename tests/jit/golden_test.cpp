// Code quality as figures in the tree: what the translator makes of each instruction and of typical blocks, in
// golden/*.json. A difference fails, so that a change of code quality shows in the diff of the change that made it.
// MPOWER_GOLDEN=write writes the files anew, =list prints the blocks' host code. README.md says what is counted.
//
// Nothing is executed, so code for any host can be counted on any other.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "jit/isa/table.h"
#include "jit/x64/compiler.h"
#include "jit/x64/listing.h"
#include "tests/jit/golden_cases.h"

namespace mpower::jit::x64 {
namespace {

using Json = nlohmann::ordered_json;

constexpr u64 kRamBytes = 1 << 20, kCode = 0x10000;
constexpr u32 kNop = 0x60000000, kStop = 0x48000000;  // b .

/// The hosts that code is counted for: x86-64-v3 with AES and PCLMUL, and one with everything that we know how to use.
struct Target {
    const char* name;
    Host host;
};
constexpr Target kTargets[] = {
    {"avx2", {.avx2 = true, .bmi = true, .aes = true, .clmul = true}},
    {"avx512", {true, true, true, true, true, true, true, true, true}},
};

bool is_wish(std::string_view wish) {
    const char* const text = std::getenv("MPOWER_GOLDEN");
    return text != nullptr && text == wish;
}

/// Host instructions and their bytes, without nops: they align what is patched, and come and go with what is before.
struct Count {
    i64 instructions = 0, bytes = 0;
    bool operator==(const Count&) const = default;
};
struct Counts {
    Count main, out_of_line;
    Count round;  ///< Of main: what a loop executes each time.
    i64 constant_bytes = 0;
    bool operator==(const Counts&) const = default;
};

Count operator+(Count a, Count b) { return {a.instructions + b.instructions, a.bytes + b.bytes}; }
Count operator-(Count a, Count b) { return {a.instructions - b.instructions, a.bytes - b.bytes}; }
Counts operator+(const Counts& a, const Counts& b) {
    return {a.main + b.main, a.out_of_line + b.out_of_line, a.round + b.round, a.constant_bytes + b.constant_bytes};
}
Counts operator-(const Counts& a, const Counts& b) {
    return {a.main - b.main, a.out_of_line - b.out_of_line, a.round - b.round, a.constant_bytes - b.constant_bytes};
}

/// {"main": [instructions, bytes], ...}; what is 0 but for main is left out.
Json to_json(const Counts& c) {
    Json j{{"main", {c.main.instructions, c.main.bytes}}};
    if (c.round != Count{}) j["round"] = {c.round.instructions, c.round.bytes};
    if (c.out_of_line != Count{}) j["out of line"] = {c.out_of_line.instructions, c.out_of_line.bytes};
    if (c.constant_bytes != 0) j["constant bytes"] = c.constant_bytes;
    return j;
}

/// Where instructions begin, and which are nops: what the assembler logs, it emits next.
class Recorder final : public asmjit::Logger {
  public:
    explicit Recorder(asmjit::x86::Assembler& a) : a_(a) {}
    Count count(std::size_t begin, std::size_t end) const {
        Count c{0, static_cast<i64>(end - begin)};
        for (const auto& [offset, nop] : instructions_) {
            if (offset < begin || offset >= end) continue;
            if (nop)
                --c.bytes;
            else
                ++c.instructions;
        }
        return c;
    }

  private:
    asmjit::Error _log(const char* data, std::size_t size) noexcept override {
        std::string_view text(data, size);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        // Labels are L1:, directives begin with a dot.
        if (!text.empty() && std::islower(static_cast<unsigned char>(text[0])) != 0)
            instructions_.emplace_back(a_.offset(), text.starts_with("nop"));
        return asmjit::kErrorOk;
    }

    asmjit::x86::Assembler& a_;
    std::vector<std::pair<std::size_t, bool>> instructions_;
};

ir::Mode mode_of(const std::string& name) {
    return {.sf = name != "32",
            .le = name != "be",
            .pr = name == "pr",
            .fp_exceptions = false,
            .single_step = false,
            .level = IsaLevel::k300};
}

/// Makes code and counts it.
class Bench {
  public:
    explicit Bench(const Host& host) : cache_(ram_, epochs_, {}, 4 * CodeCache::kChunk, host) {
        cache_.add(visitor_);
        cache_.arrive(visitor_);
    }
    ~Bench() { cache_.remove(visitor_); }

    Counts compile(ir::Block block, u64 at, bool hot) {
        // The code is never put there, nor the counter of executions.
        const u8* const where = cache_.memory().code(CodeCache::kChunk);
        i32* const heat = reinterpret_cast<i32*>(cache_.memory().data());
        asmjit::CodeHolder holder;
        holder.init(asmjit::Environment::host(), reinterpret_cast<u64>(where));
        EvexAssembler a;
        holder.attach(&a);
        Recorder recorder(a);
        holder.setLogger(&recorder);
        Compiler compiler(a, cache_, visitor_, block, Ra{kCode + at}, hot ? nullptr : heat, hot);
        const Compiler::Parts parts = compiler.compile();
        const std::size_t end = holder.textSection()->bufferSize();
        if (is_wish("list")) {
            fmt::print(" {}, out of line from {:x}\n", hot ? "hot" : "cold", parts.main_end);
            const std::span<const u8> code(holder.textSection()->buffer().data(), parts.cold_end);
            for (const std::string& line : listing(code, where)) fmt::print("  {}\n", line);
        }
        return {recorder.count(0, parts.main_end), recorder.count(parts.main_end, parts.cold_end),
                parts.loop == 0 ? Count{} : recorder.count(parts.loop, parts.main_end),
                static_cast<i64>(end - parts.cold_end)};
    }

    /// Each basic block of `words` by itself, in all.
    Counts cold(std::span<const u32> words, ir::Mode mode) {
        Counts sum;
        for (std::size_t at = 0; at < words.size();) {
            ir::Block block = translate(words.subspan(at), mode, kCode);
            const std::size_t count = block.guest_count;
            sum = sum + compile(std::move(block), 4 * at, false);
            at += count;
        }
        return sum;
    }

    /// The trace that begins with `words`; ways back to its start were taken, ways on were not.
    Counts hot(std::span<const u32> words, ir::Mode mode) {
        std::array<u32, 1024> page;
        page.fill(kStop);
        std::copy(words.begin(), words.end(), page.begin());
        const Heat heat = [&](unsigned word) { return word < words.size() ? 1u : 0u; };
        const TraceSource source{.page = page, .first = 0, .mode = mode, .address = kCode, .heat = heat};
        return compile(translate_trace(source).block, 0, true);
    }

  private:
    mmu::GuestRam ram_ = std::move(*mmu::GuestRam::create(kRamBytes));
    mmu::CodeEpochs epochs_{kRamBytes};
    CodeCache cache_;
    CodeCache::Visitor visitor_;
};

struct Row {
    std::string_view id, bits;
    u32 flags;
};
using namespace isa;  // the names of flags
constexpr Row kRows[] = {
#define INST(id, mnemonic, bits, level, flags) {#id, bits, flags},
#include "jit/isa/rows/all.inc"
#undef INST
};

/// Registers 4, 5, 6 and 7 in the four places of operands, from left to right; no record, no overflow. As a
/// displacement it is 0x31c0.
u32 typical_word(const Row& row) {
    if (const auto word = test::kWords.find(row.id); word != test::kWords.end()) return word->second;
    u32 value = 0, operands = 0;
    for (const char c : row.bits) {
        if (c == ' ') continue;
        value = value << 1 | (c == '1');
        operands = operands << 1 | (c == '-');
    }
    return value | ((u32{4} << 21 | u32{5} << 16 | u32{6} << 11 | u32{7} << 6) & operands);
}

struct Golden : testing::Test {
    void SetUp() override {
        // The address of a function is 10 bytes of code in a program that may be anywhere, 5 in one that is low.
        if (reinterpret_cast<u64>(&mode_of) >> 32 == 0) GTEST_SKIP() << "this is no position-independent program";
    }

    /// The first target's figures, and another's where they differ.
    template <class F>
    Json figures(F count) {
        const Counts first = count(*benches_[0]);
        Json all = to_json(first);
        for (std::size_t n = 1; n < std::size(kTargets); ++n) {
            if (const Counts c = count(*benches_[n]); c != first) all[kTargets[n].name] = to_json(c);
        }
        return all;
    }

    std::array<std::unique_ptr<Bench>, std::size(kTargets)> benches_ = [] {
        std::array<std::unique_ptr<Bench>, std::size(kTargets)> all;
        for (std::size_t n = 0; n < all.size(); ++n) all[n] = std::make_unique<Bench>(kTargets[n].host);
        return all;
    }();
};

/// Writes `found` to the file, or compares with it.
void settle(const std::string& file, const Json& found) {
    const std::string path = MPOWER_SOURCE_DIR "/tests/jit/golden/" + file;
    if (is_wish("write")) {
        std::ofstream out(path);
        const char* separator = "{\n";
        for (const auto& [name, entry] : found.items()) {
            out << separator << Json(name).dump() << ": " << entry.dump();
            separator = ",\n";
        }
        out << "\n}\n";
        ASSERT_TRUE(out.flush()) << path << ": cannot be written";
        return;
    }
    std::ifstream in(path);
    const Json expected = Json::parse(in, nullptr, false);
    ASSERT_TRUE(expected.is_object()) << path << " is not there, or no JSON";
    for (const auto& [name, entry] : found.items()) {
        if (!expected.contains(name))
            ADD_FAILURE() << name << " is not in " << file << "; here: " << entry.dump();
        else if (expected[name] != entry)
            ADD_FAILURE() << name << "\n  " << file << ": " << expected[name].dump() << "\n  here: " << entry.dump();
    }
    for (const auto& [name, entry] : expected.items())
        EXPECT_TRUE(found.contains(name)) << name << " is in " << file << ", not here";
    if (testing::Test::HasFailure())
        std::puts(
            "If that is wanted: MPOWER_GOLDEN=write jit_test --gtest_filter='Golden.*', and commit the difference");
}

TEST_F(Golden, EveryInstruction_TakesAsMuchHostCode_AsTheFileSays) {
    const ir::Mode mode = mode_of("");
    Json all = Json::object();
    const auto add_word = [&](const std::string& name, u32 word) {
        const auto count = [&](Bench& b) { return b.cold({{word}}, mode) - b.cold({{kNop}}, mode); };
        all[fmt::format("{} {:08x}", name, word)] = figures(count);
    };
    for (const Row& row : kRows) {
        if (row.flags & kHyper) continue;  // illegal here
        const u32 word = typical_word(row);
        const isa::Row* const decoded = decode(word, mode.level);
        ASSERT_TRUE(decoded != nullptr && decoded->id == row.id) << row.id << ": give a word in kWords";
        EXPECT_NE(translate({{word}}, mode, kCode).insts.back().op, ir::Op::kRaise)
            << row.id << ": " << std::hex << word << " is illegal; give a word in kWords";
        add_word(std::string(row.id), word);
    }
    for (const test::Variant& v : test::kVariants) add_word(v.text, v.word);
    settle("instructions.json", all);
}

TEST_F(Golden, TypicalBlocks_TakeAsMuchHostCode_AsTheFileSays) {
    Json all = Json::object();
    for (const test::GoldenBlock& block : test::kBlocks) {
        const ir::Mode mode = mode_of(block.mode);
        std::vector<u32> words;
        Json guest = Json::array();
        for (const test::Variant& v : block.guest) {
            words.push_back(v.word);
            guest.push_back(v.text);
        }
        Json entry{{"guest", guest}};
        if (is_wish("list")) fmt::print("{}\n", block.name);
        entry["cold"] = figures([&](Bench& b) { return b.cold(words, mode); });
        entry["hot"] = figures([&](Bench& b) { return b.hot(words, mode); });
        all[block.name] = entry;
    }
    settle("blocks.json", all);
}

}  // namespace
}  // namespace mpower::jit::x64
