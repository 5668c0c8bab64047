// The decode table against GNU objdump: every row's words have the row's name there. That every word which objdump
// knows has a row, or a reason not to, is for tests/differential/coverage.cpp.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/campaign.h"
#include "tests/jit/objdump.h"

namespace mpower::jit::isa {
namespace {

/// Rows that the GNU tools leave out for these processors: they have mfspr 268 instead of mftb, and count
/// the quadword accesses of floating point as phased out.
const std::set<std::string_view> kUnknownToObjdump = {"mftb", "lfdp", "lfdpx", "stfdp", "stfdpx"};

class Encoding : public testing::TestWithParam<IsaLevel> {};

TEST_P(Encoding, EveryRow_HasObjdumpsName) {
    if (!have_objdump()) {
        GTEST_SKIP() << "no " << objdump_name() << ": Debian package binutils-powerpc64le-linux-gnu";
    }
    const IsaLevel level = GetParam();
    const u64 seed = campaign_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::vector<u32> words;
    std::vector<const Row*> expected;
    for (const Row& row : rows()) {
        for (const u32 word : words_of_row(row, level, random)) {
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

INSTANTIATE_TEST_SUITE_P(Level, Encoding, testing::Values(IsaLevel::k207, IsaLevel::k300),
                         [](const auto& info) { return std::string(processor(info.param)); });

}  // namespace
}  // namespace mpower::jit::isa
