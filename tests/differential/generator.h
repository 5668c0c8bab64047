// Makes random programs from the rows of the decode table.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/differential/program.h"
#include "tests/differential/random.h"

namespace mpower::differential {

/// Which rows take part.
enum RowClass : u32 { kFixedRows = 1, kFpRows = 2, kVmxRows = 4, kVsxRows = 8, kDfpRows = 16, kAllRows = 31 };

struct GeneratorOptions {
    jit::IsaLevel level = jit::IsaLevel::k207;
    bool little_endian = true;
    u32 classes = kFixedRows;
    std::set<std::string, std::less<>> only;  ///< Mnemonics; empty: all.
    unsigned groups = 100;                    ///< Instructions under test per program.
};

/// Why a row takes no part, or nullptr.
const char* not_compared(const jit::isa::Row& row, bool little_endian);

/// The value of --rows that a row belongs to.
const char* family_of(const jit::isa::Row& row);

class Generator {
  public:
    explicit Generator(GeneratorOptions options);

    /// Program number `index` of a seed; the same program for the same arguments and bans.
    Program program(u64 seed, u64 index);
    /// No more instructions of this row.
    void ban(const jit::isa::Row* row);

    /// Instructions under test, `count` of each row selected.
    std::vector<u32> words_of_each_row(u64 seed, unsigned count);

    /// Rows selected, and those of them that no instruction was made of so far.
    std::size_t selected() const { return rows_.size(); }
    std::vector<std::string> missing() const;

  private:
    struct Candidate {
        const jit::isa::Row* row;
        u32 operands;  ///< Bits that a row shows as '-'.
        u64 made = 0;
        bool banned = false;
    };

    Image initial(Random& random) const;
    bool make(Random& random, Candidate& candidate, Group* group) const;
    bool acceptable(u32 word, const jit::isa::Row* row) const;

    GeneratorOptions options_;
    std::vector<Candidate> rows_;
    std::size_t decimals_ = 0;  ///< Rows of decimal floating point among them.
};

}  // namespace mpower::differential
