#include "tests/differential/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "jit/fp/fpscr.h"
#include "jit/translate.h"
#include "tests/differential/shapes.h"
#include "tests/jit/objdump.h"

namespace mpower::differential {
namespace {

using jit::isa::Row;

std::string_view without_dot(std::string_view mnemonic) {
    if (mnemonic.ends_with('.')) mnemonic.remove_suffix(1);
    return mnemonic;
}

u32 class_of(const Row& row) {
    using namespace jit::isa;
    if (row.flags & (kVsx | kVsxOrVec | kVsxOrVecDq | kFpOrVec)) return kVsxRows;
    if (row.flags & kVec) return kVmxRows;
    if (decimal_row(row)) return kDfpRows;
    if (row.flags & kFp) return kFpRows;
    return kFixedRows;
}

u64 mixed(u64 seed, u64 index) {  // splitmix64's finaliser
    u64 x = seed * 0x9e3779b97f4a7c15 + index;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

}  // namespace

const char* family_of(const Row& row) {
    switch (class_of(row)) {
        case kFixedRows: return "fixed";
        case kFpRows: return "fp";
        case kVmxRows: return "vmx";
        case kVsxRows: return "vsx";
        default: return "dfp";
    }
}

const char* not_compared(const Row& row, bool little_endian) {
    struct Family {
        std::string_view ids;  ///< Between blanks.
        const char* why;
    };
    static constexpr Family kFamilies[] = {
        {" stqcx_ ", "fails in QEMU 7.2 right after its lqarx"},
        {" vrldmi ", "gives zeros in QEMU 7.2 on x86; vrldnm and vrlwmi are compared"},
        {" vexptefp ", "QEMU 7.2's series is for operands near 0: 2 to the -28 is negative there"},
        {" icbt ", "QEMU 7.2 has it for BookE only"},
        {" sc scv ", "a system call: qemu-user's own"},
        {" mftb darn ", "another value each time"},
        {" wait ", "waits"},
        {" copy cp_abort paste_ ", "QEMU 7.2 does not have it"},
    };
    static constexpr Family kLittle = {" lmw stmw lswi lswx stswi stswx ",
                                       "alignment interrupt in little-endian mode (Book I 3.3.5, 3.3.6)"};
    const std::string id = fmt::format(" {} ", row.id);
    if (row.flags & jit::isa::kHyper) return "the hypervisor's: an interrupt (Book III, 1.6.3)";
    if (row.flags & jit::isa::kPriv) return "privileged";
    for (const Family& f : kFamilies) {
        if (f.ids.find(id) != f.ids.npos) return f.why;
    }
    return little_endian && kLittle.ids.find(id) != kLittle.ids.npos ? kLittle.why : nullptr;
}

Generator::Generator(GeneratorOptions options) : options_(std::move(options)) {
    for (const Row& row : jit::isa::rows()) {
        const std::string_view mnemonic = without_dot(row.mnemonic);
        if (row.level > options_.level) continue;
        const bool named = options_.only.contains(mnemonic) || options_.only.contains(row.mnemonic);
        if (options_.only.empty() ? (class_of(row) & options_.classes) == 0 : !named) continue;
        if (not_compared(row, options_.little_endian) != nullptr) continue;
        rows_.push_back({.row = &row, .operands = jit::isa::operand_bits(row)});
        decimals_ += decimal_row(row);
    }
}

void Generator::ban(const Row* row) {
    for (Candidate& c : rows_) c.banned |= c.row == row;
}

std::vector<std::string> Generator::missing() const {
    std::vector<std::string> names;
    for (const Candidate& c : rows_) {
        if (c.made == 0) names.emplace_back(c.row->mnemonic);
    }
    return names;
}

bool Generator::acceptable(u32 word, const Row* row) const {
    if (jit::isa::decode(word, options_.level) != row) return false;  // a more specific row's word
    if (row->mnemonic == "lswx") return true;  // may write any GPR as far as the IR shows; its shape sees to it
    const jit::ir::Mode mode{.sf = true,
                             .le = options_.little_endian,
                             .pr = false,
                             .fp_exceptions = false,
                             .single_step = false,
                             .level = options_.level};
    const jit::ir::Block block = jit::translate({&word, 1}, mode, DIFF_CODE);
    for (const jit::ir::Inst& inst : block.insts) {
        // An invalid form, by our own definition: not to be compared.
        if (inst.op == jit::ir::Op::kRaise) return false;
        if (inst.op != jit::ir::Op::kSet64) continue;
        const u64 first = offsetof(jit::CpuState, gpr) + 8 * kStateRegister;
        if (inst.imm >= first && inst.imm <= offsetof(jit::CpuState, gpr) + 8 * kLastReserved) return false;
    }
    return true;
}

bool Generator::make(Random& random, Candidate& candidate, Group* group) const {
    const Row& row = *candidate.row;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        Draft draft{.random = random,
                    .row = row,
                    .mnemonic = without_dot(row.mnemonic),
                    .storage = (row.flags & jit::isa::kStorage) != 0,
                    .isa300 = options_.level >= jit::IsaLevel::k300,
                    .little_endian = options_.little_endian,
                    .word = row.value | (static_cast<u32>(random.bits()) & candidate.operands)};
        if (!shape(draft) || !acceptable(draft.word, &row)) continue;
        group->row = &row;
        group->word = draft.word;
        group->words = std::move(draft.before);
        group->words.push_back(draft.word);
        group->words.insert(group->words.end(), draft.after.begin(), draft.after.end());
        group->target = draft.target;
        group->skip = random.below(5);
        ++candidate.made;
        return true;
    }
    return false;
}

std::vector<u32> Generator::words_of_each_row(u64 seed, unsigned count) {
    Random random(seed);
    std::vector<u32> words;
    for (Candidate& c : rows_) {
        Group group;
        for (unsigned n = 0; n < count; ++n) {
            if (make(random, c, &group)) words.push_back(group.word);
        }
    }
    return words;
}

Image Generator::initial(Random& random) const {
    Image image;
    State& s = image.state;
    for (u64& r : s.gpr) r = random.integer();
    s.gpr[kStateRegister] = DIFF_STATE;
    s.gpr[kBase] = DIFF_CENTRE;
    s.gpr[kIndex] = static_cast<u64>(random.between(-1024, 1023));
    s.gpr[kAlignedIndex] = 16 * random.below(64);
    s.gpr[kDigits] = 0x7777777777777777;
    s.cr = static_cast<u32>(random.bits());
    const bool isa300 = options_.level >= jit::IsaLevel::k300;
    s.xer = random.bits() & (isa300 ? 0xe00c007f : 0xe000007f);
    s.lr = random.integer();
    s.ctr = random.one_in(2) ? random.below(4) : random.integer();
    // Sticky bits at random, but none that contradict each other: VX sums up the VX* bits, FX is as shapes_fp.cpp says,
    // and no exception is enabled.
    s.fpscr = random.one_in(2) ? 0 : (random.bits() & 0x1ff9f700) | 0x80000000;
    constexpr u64 kInvalid = 0x01f80700, kVxSummary = 0x20000000;
    if (s.fpscr & kInvalid) s.fpscr |= kVxSummary;
    s.fpscr |= random.below(4);  // RN
    s.vrsave = static_cast<u32>(random.bits());
    s.vscr = random.one_in(4) ? 1 : 0;
    for (jit::V128& v : s.vsr) v = random.vector();
    if (decimals_ == rows_.size() || (decimals_ != 0 && random.one_in(2))) {
        s.fpscr |= random.bits() & jit::fp::fpscr::kDrn;
        decimal_operands(random, s);
    }
    for (std::size_t i = 0; i < image.scratch.size(); i += 8) {
        const u64 v = random.one_in(2) ? random.integer() : random.real64();
        for (int byte = 0; byte < 8; ++byte) image.scratch[i + byte] = static_cast<u8>(v >> 8 * byte);
    }
    return image;
}

Program Generator::program(u64 seed, u64 index) {
    Random random(mixed(seed, index));
    Program p;
    p.initial = initial(random);
    std::vector<Candidate*> pool;
    for (Candidate& c : rows_) {
        if (!c.banned) pool.push_back(&c);
    }
    for (unsigned i = 0; i < options_.groups && !pool.empty(); ++i) {
        // Programs of one instruction go through the rows in turn, so that each has as many.
        Candidate& candidate =
            *pool[options_.groups == 1 ? index % pool.size() : random.below(static_cast<u32>(pool.size()))];
        Group group;
        if (make(random, candidate, &group)) p.groups.push_back(std::move(group));
    }
    return p;
}

}  // namespace mpower::differential
