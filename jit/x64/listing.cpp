#include "jit/x64/listing.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

namespace mpower::jit::x64 {

std::vector<std::string> listing(std::span<const u8> code, const u8* address) {
    csh handle;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return {"no disassembler"};
    std::vector<std::string> lines;
    const auto base = reinterpret_cast<u64>(address);
    for (std::size_t at = 0; at < code.size();) {
        cs_insn* insn = nullptr;
        if (cs_disasm(handle, code.data() + at, code.size() - at, base + at, 1, &insn) != 1) {
            lines.push_back(fmt::format("{:4x}: .byte {:#04x}", at, code[at]));
            ++at;
            continue;
        }
        lines.push_back(fmt::format("{:4x}: {} {}", at, insn->mnemonic, insn->op_str));
        at += insn->size;
        cs_free(insn, 1);
    }
    cs_close(&handle);
    return lines;
}

}  // namespace mpower::jit::x64
