// Everything here is derived: mnemonics from objdump, rows from the decode table, what is compared with QEMU from words
// that the generator really makes, other tests from their sources. By hand: the reasons (absence() in
// tests/jit/objdump.cpp, not_compared() in generator.cpp, unmade_form() below).
#include "tests/differential/coverage.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <stdexcept>

#include "tests/campaign.h"
#include "tests/differential/generator.h"
#include "tests/jit/objdump.h"

namespace mpower::differential {
namespace {

using jit::IsaLevel;
using jit::isa::Row;

constexpr unsigned kSamples = 256;  ///< Groups made of each row; the rarest form of one has one in 16 at least.

/// Why a form of a row never occurs in the random comparison although the row does; nullptr: it should.
const char* unmade_form(std::string_view name) {
    if (name == "bca" || name == "bcla") return "reaches only addresses that a Linux program cannot have";
    if (name == "dcbzl") return "bit 10 is reserved, and ignored (Book II 4.3.2)";
    return nullptr;
}

/// The assembly that tests are made of: string literals of C and C++ sources, lines of assembly sources.
std::string assembly_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string text, line;
    while (std::getline(in, line)) {
        if (file.extension() == ".S") {
            text += ";" + line + ";";
            continue;
        }
        const std::string code = line.substr(0, line.find("//"));
        bool quoted = false;
        for (std::size_t n = 0; n < code.size(); ++n) {
            if (code[n] == '"') {
                quoted = !quoted;
                text += ';';
            } else if (quoted && code[n] == '\\') {
                text += ';';  // \n between instructions
                ++n;
            } else if (quoted) {
                text += code[n];
            }
        }
    }
    return text;
}

/// Whether a source has assembly that is not executed.
bool only_text(const std::string& name) {
    return name == "objdump.cpp" || name == "encoding_test.cpp" || name.starts_with("golden");
}

/// Sources of tests that execute an instruction of this name outside the random comparison, a blank between.
std::string other_tests(std::string_view mnemonic) {
    static const auto sources = [] {
        std::map<std::string, std::string> texts;
        for (const char* folder : {"tests/jit", "tests/guests"}) {
            for (const auto& entry : std::filesystem::directory_iterator(std::string(MPOWER_SOURCE_DIR "/") + folder)) {
                if (!entry.is_regular_file() || only_text(entry.path().filename())) continue;
                texts[folder + ('/' + entry.path().filename().string())] = assembly_of(entry.path());
            }
        }
        return texts;
    }();
    std::string found;
    for (const auto& [name, text] : sources) {
        for (std::size_t at = text.find(mnemonic); at != text.npos; at = text.find(mnemonic, at + 1)) {
            const std::size_t before = text.find_last_not_of(" \t", at - 1), after = at + mnemonic.size();
            if (at == 0 || before == text.npos || text[before] != ';') continue;
            if (after < text.size() && text.find_first_of(" \t;", after) != after) continue;
            found += (found.empty() ? "" : " ") + name;
            break;
        }
    }
    return found;
}

/// A mnemonic at a level, from words of it.
struct Mnemonic {
    const Row* row = nullptr;
    u32 illegal = 0;                   ///< A word without a row, or 0.
    bool wrong = false;                ///< A word is of a row that is called otherwise.
    bool little = false, big = false;  ///< Occurs in the random comparison.
};

std::map<std::string, Mnemonic> survey(IsaLevel level) {
    std::mt19937_64 random(campaign_seed());
    std::vector<u32> words = jit::isa::words_of_every_opcode(random);
    const auto append = [&](const std::vector<u32>& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words.size();
    };
    for (const Row& row : jit::isa::rows()) append(jit::isa::words_of_row(row, level, random));
    Generator little({.level = level, .little_endian = true, .classes = kAllRows, .only = {}});
    Generator big({.level = level, .little_endian = false, .classes = kAllRows, .only = {}});
    const std::size_t first_little = words.size();
    const std::size_t first_big = append(little.words_of_each_row(1, kSamples));
    append(big.words_of_each_row(1, kSamples));

    std::vector<std::string> names = jit::isa::disassemble(words, level);
    if (names.size() != words.size()) throw std::runtime_error("objdump left words out");
    // Rows that objdump does not know go by their own names.
    std::set<const Row*> known;
    for (std::size_t n = 0; n < words.size(); ++n) {
        if (!names[n].empty()) known.insert(jit::isa::decode(words[n], level));
    }
    std::map<std::string, Mnemonic> all;
    for (std::size_t n = 0; n < words.size(); ++n) {
        const Row* row = jit::isa::decode(words[n], level);
        if (names[n].empty() && row != nullptr && !known.contains(row)) names[n] = row->mnemonic;
        if (names[n].empty()) continue;
        Mnemonic& m = all[names[n]];
        if (row == nullptr) {
            m.illegal = words[n];
            continue;
        }
        m.row = row;
        m.wrong |= !jit::isa::same_name(names[n], *row);
        m.little |= n >= first_little && n < first_big;
        m.big |= n >= first_big;
    }
    return all;
}

enum Status { kCompared, kTested, kFaults, kGap, kStatuses };
constexpr const char* kStatusNames[] = {"compared", "tested", "faults", "GAP"};

struct Verdict {
    Status status;
    std::string row, why;
    bool operator==(const Verdict&) const = default;
};

Verdict judge(const std::string& name, const Mnemonic& m, IsaLevel level) {
    if (m.row == nullptr) {
        const std::string_view why = jit::isa::absence(name, level);
        return {why.empty() ? kGap : kFaults, "-", why.empty() ? "no row" : "illegal: " + std::string(why)};
    }
    const std::string id(m.row->id);
    if (m.illegal != 0) return {kGap, id, fmt::format("no row for {:08x}", m.illegal)};
    if (m.wrong) return {kGap, id, "a row of another name"};
    if (m.little && m.big) return {kCompared, id, family_of(*m.row)};
    const char* why = not_compared(*m.row, !m.little);
    if (m.little || m.big) {
        if (why == nullptr) return {kGap, id, "compared in one byte order only"};
        return {kCompared, id, fmt::format("{}; not {}: {}", family_of(*m.row), m.big ? "little" : "big", why)};
    }
    if (why == nullptr) why = unmade_form(name);
    if (why == nullptr) return {kGap, id, "neither compared nor a reason"};
    const bool hypervisor = m.row->flags & jit::isa::kHyper;
    const std::string tests = hypervisor ? "tests/jit/supervisor_test.cpp" : other_tests(name);  // all of them there
    if (tests.empty()) return {kGap, id, fmt::format("{}, and no test", why)};
    return {hypervisor ? kFaults : kTested, id, fmt::format("{}; {}", why, tests)};
}

}  // namespace

bool print_coverage(bool whole) {
    constexpr IsaLevel kLevels[] = {IsaLevel::k207, IsaLevel::k300};
    std::map<std::string, std::map<IsaLevel, Verdict>> lines;
    unsigned sums[std::size(kLevels)][kStatuses]{};
    std::set<std::string_view> rows_seen;
    for (const IsaLevel level : kLevels) {
        for (const auto& [name, m] : survey(level)) {
            const Verdict v = judge(name, m, level);
            lines[name].emplace(level, v);
            ++sums[level == IsaLevel::k300][v.status];
            if (m.row != nullptr) rows_seen.insert(m.row->id);
        }
    }
    bool good = true;
    for (const auto& [name, levels] : lines) {
        const auto print = [&](const char* level, const Verdict& v) {
            good &= v.status != kGap;
            if (whole || v.status == kGap)
                fmt::print("{:<13} {:<9} {:<8} {:<13} {}\n", name, level, kStatusNames[v.status], v.row, v.why);
        };
        const auto old = levels.find(IsaLevel::k207), young = levels.find(IsaLevel::k300);
        if (old != levels.end() && young != levels.end() && old->second == young->second) {
            print("2.07 3.0", old->second);
            continue;
        }
        if (old != levels.end()) print("2.07", old->second);
        if (young != levels.end()) print("3.0", young->second);
    }
    for (const Row& row : jit::isa::rows()) {
        if (rows_seen.contains(row.id)) continue;
        good = false;
        fmt::print("row {}: no mnemonic is of it\n", row.id);
    }
    for (const IsaLevel level : kLevels) {
        const auto& s = sums[level == IsaLevel::k300];
        fmt::print("ISA {}: {} mnemonics: {} compared with QEMU, {} tested otherwise, {} fault, {} gaps\n",
                   level == IsaLevel::k300 ? "3.0" : "2.07", s[0] + s[1] + s[2] + s[3], s[kCompared], s[kTested],
                   s[kFaults], s[kGap]);
    }
    fmt::print("{} rows of the decode table\n", jit::isa::rows().size());
    return good;
}

}  // namespace mpower::differential
