#include "jit/isa/table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace mpower::jit::isa {
namespace {

struct Pattern {
    u32 mask = 0, value = 0;
};

/// Mask and value of a row's bit string; a malformed one does not compile.
consteval Pattern parse(std::string_view bits) {
    Pattern p;
    int n = 0;
    for (const char c : bits) {
        if (c == ' ') continue;
        p.mask = p.mask << 1 | (c == '0' || c == '1');
        p.value = p.value << 1 | (c == '1');
        if (c != '0' && c != '1' && c != '-' && c != '.') throw "a row's bits are 0 1 - .";
        ++n;
    }
    if (n != 32) throw "a row has 32 bits";
    return p;
}

using enum IsaLevel;

constexpr auto kRows = std::to_array<Row>({
#define INST(id, mnemonic, bits, level, flags) \
    Row{#id, mnemonic, parse(bits).mask, parse(bits).value, level, flags, sem::id},
#include "jit/isa/rows/all.inc"
#undef INST
});

/// Rows by primary opcode (6 bits) and, below it, by the low 11 bits of the word: each bucket holds the few rows that
/// can match, most specific first.
struct Tree {
    std::vector<Row> sorted{kRows.begin(), kRows.end()};
    std::array<std::vector<const Row*>, 64 * 2048> buckets;

    Tree() {
        std::stable_sort(sorted.begin(), sorted.end(),
                         [](const Row& a, const Row& b) { return std::popcount(a.mask) > std::popcount(b.mask); });
        for (const Row& row : sorted) {
            const u32 primary = row.value >> 26;
            for (u32 low = 0; low < 2048; ++low) {
                if ((low & row.mask) == (row.value & 2047)) buckets[primary * 2048 + low].push_back(&row);
            }
        }
    }
};

const Tree& tree() {
    static const Tree t;
    return t;
}

}  // namespace

std::span<const Row> rows() { return tree().sorted; }

const Row* decode(u32 word, IsaLevel level) {
    for (const Row* row : tree().buckets[(word >> 26) * 2048 + (word & 2047)]) {
        if ((word & row->mask) == row->value && row->level <= level) return row;
    }
    return nullptr;
}

}  // namespace mpower::jit::isa
