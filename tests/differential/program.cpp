#include "tests/differential/program.h"

#include <algorithm>

namespace mpower::differential {
namespace {

constexpr u32 branch_to(u64 from, u64 to) { return 0x48000000 | (static_cast<u32>(to - from) & 0x03fffffc); }

}  // namespace

std::vector<u32> Program::layout(std::size_t count) const {
    std::vector<u64> address;
    u64 next = DIFF_CODE;
    for (const Group& group : groups) {
        address.push_back(next);
        next += 4 * group.words.size();
    }
    address.push_back(next);

    std::vector<u32> code;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const Group& group = groups[i];
        const std::size_t start = code.size();
        code.insert(code.end(), group.words.begin(), group.words.end());
        if (i >= count) {
            code[start] = branch_to(address[i], DIFF_DONE);
            continue;
        }
        const u64 to = address[std::min(i + 1 + group.skip, groups.size())];
        const u64 from = DIFF_CODE + 4 * (code.size() - 1);
        switch (group.target) {
            case Target::kNone: break;
            case Target::kRelative14: code.back() |= static_cast<u32>(to - from) & 0xfffc; break;
            case Target::kRelative24: code.back() |= static_cast<u32>(to - from) & 0x03fffffc; break;
            case Target::kAbsolute24: code.back() |= static_cast<u32>(to) & 0x03fffffc; break;
            case Target::kRegister:
                code[start] |= static_cast<u32>(to >> 16);
                code[start + 1] |= static_cast<u32>(to & 0xffff);
                break;
        }
    }
    code.push_back(branch_to(DIFF_CODE + 4 * code.size(), DIFF_DONE));
    return code;
}

}  // namespace mpower::differential
