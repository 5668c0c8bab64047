#include "tests/jit/objdump.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

namespace mpower::jit::isa {
namespace {

#ifdef MPOWER_OBJDUMP
constexpr const char* kObjdump = MPOWER_OBJDUMP;
#else
constexpr const char* kObjdump = "powerpc64le-linux-gnu-objdump";
#endif

/// Mask that keeps or clears each of the three register fields, by the low bits of `which`.
u32 some_fields(u32 which) {
    return ~((which & 1 ? 0 : 31u << 21) | (which & 2 ? 0 : 31u << 16) | (which & 4 ? 0 : 31u << 11));
}

/// Rows that objdump names otherwise.
const std::map<std::string_view, std::set<std::string_view>> kOtherNames = {
    {"cp_abort", {"cpabort"}},                                                // the name of ISA 3.1
    {"dst", {"dstt"}},                                                        // T = 1
    {"dstst", {"dststt"}},     {"dss", {"dssall"}}, {"xsrqpi", {"xsrqpix"}},  // EX = 1
};

}  // namespace

bool have_objdump() { return std::system((std::string(kObjdump) + " --version >/dev/null 2>&1").c_str()) == 0; }
const char* objdump_name() { return kObjdump; }
const char* processor(IsaLevel level) { return level == IsaLevel::k300 ? "power9" : "power8"; }

std::vector<std::string> disassemble(const std::vector<u32>& words, IsaLevel level) {
    const std::string file =
        std::filesystem::temp_directory_path() / ("mpower_words_" + std::to_string(std::random_device{}()) + ".bin");
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

std::vector<u32> words_of_every_opcode(std::mt19937_64& random) {
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
            add(primary << 26 | 1 << 21 | low, 6);  // dcbzl
        }
    }
    return words;
}

std::vector<u32> words_of_row(const Row& row, IsaLevel level, std::mt19937_64& random) {
    std::vector<u32> words;
    const u32 operands = operand_bits(row);
    for (u32 n = 0; n < 64; ++n) {
        // Some with few bits set, for operands of which objdump wants one bit, or none.
        const u32 bits = static_cast<u32>(n % 2 ? random() : random() & random() & random());
        const u32 word = row.value | (bits & operands & some_fields(n / 2));
        if (decode(word, level) == &row) words.push_back(word);  // not a later level's, or a more specific row's
    }
    return words;
}

u32 operand_bits(const Row& row) {
    static const auto masks = [] {
        std::map<std::string_view, u32> all;
        const auto add = [&](std::string_view id, std::string_view bits) {
            u32 mask = 0;
            for (const char c : bits) {
                if (c != ' ') mask = mask << 1 | (c == '-');
            }
            all[id] = mask;
        };
#define INST(id, mnemonic, bits, level, flags) add(#id, bits);
#include "jit/isa/rows/all.inc"
#undef INST
        return all;
    }();
    return masks.at(row.id);
}

bool same_name(std::string_view objdump, const Row& row) {
    if (objdump.starts_with(row.mnemonic) &&
        objdump.substr(row.mnemonic.size()).find_first_not_of("o.la+-") == std::string_view::npos)
        return true;
    const auto other = kOtherNames.find(row.id);
    return other != kOtherNames.end() && other->second.contains(objdump);
}

std::string_view absence(std::string_view name, IsaLevel level) {
    struct Family {
        std::string_view names;  ///< Between blanks.
        std::string_view why;
    };
    // Places are those of Power ISA 2.07 (Book III-S) and, where it has the instruction, 3.0.
    static constexpr Family kFamilies[] = {
        {" eciwx ecowx ", "external control, a category that POWER8 has not (Book II, External Control)"},
        {" rfi ", "32-bit implementations' (Book III-E)"},
        {" mtsrd mtsrdin mtsle tlbld tlbli ", "of processors before Power ISA 2.01"},
        {" tlbia ", "the hypervisor's (2.07 Book III-S 5.9.3.3)"},
        {" pbt icswx waitasec ", "coprocessors' and others', of processors that this is not (2.07 Book II, icswx)"},
        {" hashst hashchk hashstp hashchkp ", "ISA 3.1"},
        {" nap doze sleep rvwinkle stop ", "power saving: the hypervisor's (Book III-S 3.3.2)"},
        {" urfid msgsndu msgclru rmieg ", "the ultravisor's"},
        {" slbiag ", "the SLB of radix translation and others: ISA 3.0C and later"},
        {" msgsync ", "doorbells: the hypervisor's (3.0 Book III chapter 10)"},
        {" msgsndp msgclrp ", "doorbells between the threads of a core: a core has one (Book III, Processor Control)"},
        {" clrbhrb mfbhrbe ", "branch history, which MMCR0 of this machine never enables (Book II chapter 8)"},
        {" rfebb ", "event-based branches, which FSCR of this machine never enables (Book II chapter 7)"},
        {" tbegin tend tendall tabort tabortwc tabortwci tabortdc tabortdci tcheck tsr tresume tsuspend treclaim "
         "trechkpt ",
         "transactional memory, which ibm,pa-features does not offer (Book II chapter 5)"},
    };
    if (name.ends_with('.')) name.remove_suffix(1);
    for (const Family& f : kFamilies) {
        if (f.names.find(' ' + std::string(name) + ' ') != std::string_view::npos) return f.why;
    }
    if (name.starts_with("vabsdu") && level < IsaLevel::k300) return "ISA 3.0";
    return "";
}

}  // namespace mpower::jit::isa
