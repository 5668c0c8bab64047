// The decode table against GNU objdump, both ways: every row's words have the row's name there, and every word that
// objdump knows at an ISA level has a row (but for those that this machine does not have, listed with the reason).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "jit/isa/table.h"
#include "tests/campaign.h"

namespace mpower::jit::isa {
namespace {

#ifdef MPOWER_OBJDUMP
constexpr const char* kObjdump = MPOWER_OBJDUMP;
#else
constexpr const char* kObjdump = "powerpc64le-linux-gnu-objdump";
#endif

/// What the test needs of a row beyond Row: which bits are reserved.
struct Text {
    std::string_view id, mnemonic, bits;
};
constexpr Text kTexts[] = {
#define INST(id, mnemonic, bits, level, flags) {#id, mnemonic, bits},
#include "jit/isa/rows/all.inc"
#undef INST
};

/// Bits that are operands ('-').
u32 operand_bits(std::string_view id) {
    for (const Text& t : kTexts) {
        if (t.id != id) continue;
        u32 mask = 0;
        for (const char c : t.bits) {
            if (c != ' ') mask = mask << 1 | (c == '-');
        }
        return mask;
    }
    return 0;
}

/// Mask that keeps or clears each of the three register fields, by the low bits of `which`.
u32 some_fields(u32 which) {
    return ~((which & 1 ? 0 : 31u << 21) | (which & 2 ? 0 : 31u << 16) | (which & 4 ? 0 : 31u << 11));
}

bool have_objdump() { return std::system((std::string(kObjdump) + " --version >/dev/null 2>&1").c_str()) == 0; }

const char* processor(IsaLevel level) { return level == IsaLevel::k300 ? "power9" : "power8"; }

/// objdump's mnemonic of each word, without simplified mnemonics; "" for words that it does not know.
std::vector<std::string> disassemble(const std::vector<u32>& words, IsaLevel level) {
    const std::string file = testing::TempDir() + "mpower_encoding_" + std::to_string(std::random_device{}()) + ".bin";
    {
        std::ofstream out(file, std::ios::binary);
        for (const u32 w : words) {
            for (int shift = 24; shift >= 0; shift -= 8) out.put(static_cast<char>(w >> shift));
        }
    }
    const std::string command =
        std::string(kObjdump) + " -D -z -b binary -m powerpc:common64 -EB -M " + processor(level) + ",raw " + file;
    std::vector<std::string> names;
    FILE* pipe = popen(command.c_str(), "r");
    char line[512];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) {
        // "   10:\t7c 00 00 00 \tcmpw    cr0,r0,r0"
        const std::string text = line;
        const auto tab = text.find('\t'), next = text.find('\t', tab + 1);
        if (tab == std::string::npos || next == std::string::npos || text.find(':') > tab) continue;
        std::string name = text.substr(next + 1, text.find_first_of(" \t\n", next + 1) - next - 1);
        names.push_back(name == ".long" ? "" : name);
    }
    if (pipe != nullptr) pclose(pipe);
    std::remove(file.c_str());
    return names;
}

/// Whether objdump's name is of the row's family: OE, Rc, LK, AA and branch hints are operands of ours.
bool same_family(std::string_view objdump, std::string_view row) {
    if (!objdump.starts_with(row)) return false;
    return objdump.substr(row.size()).find_first_not_of("o.la+-") == std::string_view::npos;
}

class Encoding : public testing::TestWithParam<IsaLevel> {
  protected:
    void SetUp() override {
        if (!have_objdump()) GTEST_SKIP() << "no " << kObjdump << ": Debian package binutils-powerpc64le-linux-gnu";
    }
};

/// Rows that objdump names otherwise.
const std::map<std::string_view, std::set<std::string_view>> kOtherNames = {
    {"cp_abort", {"cpabort"}},                                                // the name of ISA 3.1
    {"dst", {"dstt"}},                                                        // T = 1
    {"dstst", {"dststt"}},     {"dss", {"dssall"}}, {"xsrqpi", {"xsrqpix"}},  // EX = 1
};

/// Rows that the GNU tools leave out for these processors: they have mfspr 268 instead of mftb, and count
/// the quadword accesses of floating point as phased out.
const std::set<std::string_view> kUnknownToObjdump = {"mftb", "lfdp", "lfdpx", "stfdp", "stfdpx"};

bool same_name(const std::string& objdump, const Row& row) {
    if (same_family(objdump, row.mnemonic)) return true;
    const auto other = kOtherNames.find(row.id);
    return other != kOtherNames.end() && other->second.contains(objdump);
}

TEST_P(Encoding, EveryRow_HasObjdumpsName) {
    const IsaLevel level = GetParam();
    const u64 seed = campaign_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<u32> words;
    std::vector<const Row*> expected;
    for (const Row& row : rows()) {
        const u32 operands = operand_bits(row.id);
        for (int n = 0; n < 64; ++n) {
            // Some with few bits set, for operands of which objdump wants one bit, or none.
            const u32 bits = static_cast<u32>(n % 2 ? random() : random() & random() & random());
            const u32 word = row.value | (bits & operands & some_fields(static_cast<u32>(n / 2)));
            if (decode(word, level) != &row) continue;  // a later level's, or a more specific row's
            words.push_back(word);
            expected.push_back(&row);
        }
    }
    const auto names = disassemble(words, level);
    ASSERT_EQ(names.size(), words.size());
    std::map<const Row*, int> known;
    std::set<const Row*> reported;
    for (std::size_t n = 0; n < words.size(); ++n) {
        const Row* row = expected[n];
        known[row] += !names[n].empty();
        if (names[n].empty() || same_name(names[n], *row) || !reported.insert(row).second) continue;
        ADD_FAILURE() << row->id << ": word " << std::hex << words[n] << " is " << names[n] << " to objdump";
    }
    for (const auto& [row, count] : known) {
        if (kUnknownToObjdump.contains(row->id)) continue;
        EXPECT_GT(count, 0) << row->id << " (" << row->mnemonic << "): none of its words is known to objdump";
    }
}

/// Why an instruction that objdump knows is illegal here, or "" if it should not be.
std::string_view absence(std::string_view name, IsaLevel level) {
    struct Family {
        std::string_view names;  ///< Between blanks.
        std::string_view why;
    };
    static constexpr Family kFamilies[] = {
        {" eciwx ecowx rfi mtsrd mtsrdin mtsle tlbia tlbld tlbli ", "of older processors"},
        {" pbt icswx waitasec ", "of processors that this is not"},
        {" hashst hashchk hashstp hashchkp ", "ISA 3.1"},
        {" nap doze sleep rvwinkle stop urfid rmieg slbiag msgsync msgsndu msgclru ",
         "the hypervisor's or ultravisor's"},
        {" msgsndp msgclrp ", "doorbells between the threads of a core: a core has one"},
        {" clrbhrb mfbhrbe rfebb ", "event-based branches, which the FSCR of this machine never enables"},
        {" tbegin tend tendall tabort tabortwc tabortwci tabortdc tabortdci tcheck tsr tresume tsuspend treclaim "
         "trechkpt ",
         "transactional memory, which the device tree does not offer"},
    };
    if (name.ends_with('.')) name.remove_suffix(1);
    for (const Family& f : kFamilies) {
        if (f.names.find(' ' + std::string(name) + ' ') != std::string_view::npos) return f.why;
    }
    if (name.starts_with("vabsdu") && level < IsaLevel::k300) return "ISA 3.0";
    return "";
}

TEST_P(Encoding, EveryWordThatObjdumpKnows_HasARow) {
    const IsaLevel level = GetParam();
    const u64 seed = campaign_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<u32> words;
    const auto add = [&](u32 word, u32 fields) {
        words.push_back(word | (static_cast<u32>(random()) & some_fields(fields) & 0x03fff800));
    };
    for (u32 primary = 1; primary < 64; ++primary) {
        // Every low part, with each of the upper fields now random, now 0 (reserved).
        for (u32 low = 0; low < 2048; ++low) {
            for (u32 fields = 0; fields < 8; ++fields) add(primary << 26 | low, fields);
            // Here the RA field may be part of the opcode.
            if (primary != 4 && primary != 31 && primary != 60 && primary != 63) continue;
            for (u32 ra = 0; ra < 32; ++ra) {
                for (const u32 fields : {4u, 5u}) add(primary << 26 | ra << 16 | low, fields);
            }
        }
    }
    const auto names = disassemble(words, level);
    ASSERT_EQ(names.size(), words.size());
    std::map<std::string, u32> missing, wrong;
    for (std::size_t n = 0; n < words.size(); ++n) {
        if (names[n].empty() || !absence(names[n], level).empty()) continue;
        const Row* row = decode(words[n], level);
        if (row == nullptr) {
            missing.emplace(names[n], words[n]);
        } else if (!same_name(names[n], *row)) {
            wrong.emplace(names[n] + " is our " + std::string(row->id), words[n]);
        }
    }
    for (const auto& [name, word] : missing)
        ADD_FAILURE() << "no row for " << name << ", for instance " << std::hex << word;
    for (const auto& [text, word] : wrong) ADD_FAILURE() << text << ", for instance " << std::hex << word;
}

INSTANTIATE_TEST_SUITE_P(Level, Encoding, testing::Values(IsaLevel::k207, IsaLevel::k300),
                         [](const auto& info) { return std::string(processor(info.param)); });

}  // namespace
}  // namespace mpower::jit::isa
