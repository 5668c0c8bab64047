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

/// Rows by primary opcode and, below it, by those of the low 11 bits of the word that tell its rows apart: each bucket
/// holds the few rows that can match, most specific first.
struct Tree {
    std::vector<Row> sorted{kRows.begin(), kRows.end()};
    struct Bucket {
        u32 first = 0, count = 0;  ///< In `matching`.
    };
    struct Primary {
        u32 mask = 0, first = 0;  ///< In `buckets`.
    };
    std::vector<const Row*> matching;
    std::vector<Bucket> buckets;
    std::array<Primary, 64> primaries;

    Tree() {
        std::stable_sort(sorted.begin(), sorted.end(),
                         [](const Row& a, const Row& b) { return std::popcount(a.mask) > std::popcount(b.mask); });
        std::array<std::vector<const Row*>, 64> rows_of;
        for (const Row& row : sorted) {
            primaries[row.value >> 26].mask |= row.mask & 2047;
            rows_of[row.value >> 26].push_back(&row);
        }
        for (u32 n = 0; n < 64; ++n) {
            Primary& primary = primaries[n];
            primary.first = static_cast<u32>(buckets.size());
            for (u32 low = 0; low <= primary.mask; ++low) {
                const u32 first = static_cast<u32>(matching.size());
                for (const Row* row : rows_of[n]) {
                    if ((low & row->mask) == (row->value & 2047)) matching.push_back(row);
                }
                buckets.push_back({first, static_cast<u32>(matching.size()) - first});
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
    const Tree& t = tree();
    const Tree::Primary& primary = t.primaries[word >> 26];
    const Tree::Bucket bucket = t.buckets[primary.first + (word & primary.mask)];
    for (u32 n = bucket.first; n < bucket.first + bucket.count; ++n) {
        const Row* row = t.matching[n];
        if ((word & row->mask) == row->value && row->level <= level) return row;
    }
    return nullptr;
}

}  // namespace mpower::jit::isa
