#include "jit/isa/spr_table.h"

#include <array>

#include "mmu/mmu.h"

namespace mpower::jit::isa {
namespace {

using enum Right;
using enum IsaLevel;

constexpr u64 kAll = ~u64{0}, kLow32 = 0xffffffff;

u64 get_time_base(CpuState& s) { return s.platform->time_base(); }
u64 get_time_base_upper(CpuState& s) { return s.platform->time_base() >> 32; }
u64 get_decrementer(CpuState& s) { return s.platform->decrementer() & kLow32; }
void set_decrementer(CpuState& s, u64 v) { s.platform->set_decrementer(static_cast<u64>(i64{static_cast<i32>(v)})); }
u64 get_vrsave(CpuState& s) { return s.vrsave; }
void set_vrsave(CpuState& s, u64 v) { s.vrsave = static_cast<u32>(v); }
u64 get_xer(CpuState& s) { return xer(s); }
void set_amr_all(CpuState& s) { s.mmu->set_amr(s.spr[spr::kAmr], s.spr[spr::kIamr]); }
/// mtspr AMR changes only the keys that UAMOR lets the program change, in problem and in privileged state of a guest
/// (Book III-S 5.7.9.3): here the whole AMR in privileged state, which owns UAMOR.
void set_amr(CpuState& s, u64 v) {
    s.spr[spr::kAmr] = v;
    set_amr_all(s);
}
void set_amr_user(CpuState& s, u64 v) {
    const u64 may = s.spr[spr::kUamor];
    set_amr(s, (s.spr[spr::kAmr] & ~may) | (v & may));
}
void set_iamr(CpuState& s, u64 v) {
    s.spr[spr::kIamr] = v;
    set_amr_all(s);
}
u64 get_ppr32(CpuState& s) { return s.spr[spr::kPpr] >> 32; }
void set_ppr32(CpuState& s, u64 v) { s.spr[spr::kPpr] = v << 32; }
u64 get_zero(CpuState&) { return 0; }
/// The instruction counter counts at a rate of our own choice (Book III-S 8.4.8): one a time-base tick.
u64 get_instructions(CpuState& s) { return s.platform->time_base(); }
void ignore(CpuState&, u64) {}
// BESCR has set (800) and reset (802) forms, and views of its upper word (801, 803).
void bescr_set(CpuState& s, u64 v) { s.spr[spr::kBescr] |= v; }
void bescr_reset(CpuState& s, u64 v) { s.spr[spr::kBescr] &= ~v; }
void bescr_set_upper(CpuState& s, u64 v) { s.spr[spr::kBescr] |= v << 32; }
void bescr_reset_upper(CpuState& s, u64 v) { s.spr[spr::kBescr] &= ~(v << 32); }

constexpr u8 kFscrDscr = 2, kFscrEbb = 7, kFscrTar = 8;

/// A register that is plain storage under its own number.
constexpr SprRow plain(u16 number, const char* name, Right read, Right write, IsaLevel level = kBase, u64 mask = kAll) {
    return {number, name, read, write, level, nullptr, nullptr, number, mask, 0};
}
/// The same under another register's storage.
constexpr SprRow alias(u16 number, const char* name, Right read, Right write, u16 storage, IsaLevel level = kBase,
                       u8 facility = 0) {
    return {number, name, read, write, level, nullptr, nullptr, storage, kAll, facility};
}
constexpr SprRow active(u16 number, const char* name, Right read, Right write, u64 (*get)(CpuState&),
                        void (*set)(CpuState&, u64), IsaLevel level = kBase, u8 facility = 0) {
    return {number, name, read, write, level, get, set, number, kAll, facility};
}

constexpr auto kRows = std::to_array<SprRow>({
    active(spr::kXer, "XER", kUser, kUser, get_xer, set_xer),
    alias(spr::kDscrUser, "DSCR", kUser, kUser, spr::kDscr, k206, kFscrDscr),
    active(
        spr::kAmrUser, "AMR", kUser, kUser, [](CpuState& s) { return s.spr[spr::kAmr]; }, set_amr_user, k206),
    plain(spr::kDscr, "DSCR", kPriv, kPriv, k206),
    plain(spr::kDsisr, "DSISR", kPriv, kPriv, kBase, kLow32),
    plain(spr::kDar, "DAR", kPriv, kPriv),
    active(spr::kDec, "DEC", kPriv, kPriv, get_decrementer, set_decrementer),
    plain(spr::kSrr0, "SRR0", kPriv, kPriv),
    plain(spr::kSrr1, "SRR1", kPriv, kPriv),
    plain(spr::kCfar, "CFAR", kPriv, kPriv, k205),
    active(
        spr::kAmr, "AMR", kPriv, kPriv, [](CpuState& s) { return s.spr[spr::kAmr]; }, set_amr, k206),
    plain(spr::kPidr, "PIDR", kPriv, kPriv, k300, kLow32),
    active(
        spr::kIamr, "IAMR", kPriv, kPriv, [](CpuState& s) { return s.spr[spr::kIamr]; }, set_iamr, k207),
    alias(spr::kCtrlRead, "CTRL", kUser, kNone, spr::kCtrl),
    plain(spr::kCtrl, "CTRL", kNone, kPriv, kBase, 1),
    plain(spr::kFscr, "FSCR", kPriv, kPriv, k207),
    plain(spr::kUamor, "UAMOR", kPriv, kPriv, k206),
    plain(spr::kPspb, "PSPB", kPriv, kPriv, k207, kLow32),
    active(spr::kDpdes, "DPDES", kPriv, kNone, get_zero, ignore, k207),
    active(spr::kVrsave, "VRSAVE", kUser, kUser, get_vrsave, set_vrsave),
    alias(spr::kSprg3User, "SPRG3", kUser, kNone, spr::kSprg3),
    active(spr::kTb, "TB", kUser, kNone, get_time_base, ignore),
    active(spr::kTbu, "TBU", kUser, kNone, get_time_base_upper, ignore),
    plain(spr::kSprg0, "SPRG0", kPriv, kPriv),
    plain(spr::kSprg1, "SPRG1", kPriv, kPriv),
    plain(spr::kSprg2, "SPRG2", kPriv, kPriv),
    plain(spr::kSprg3, "SPRG3", kPriv, kPriv),
    plain(spr::kPvr, "PVR", kPriv, kNone),
    active(spr::kSpurr, "SPURR", kPriv, kNone, get_time_base, ignore, k205),
    active(spr::kPurr, "PURR", kPriv, kNone, get_time_base, ignore, k205),
    alias(768, "SIER", kUser, kNone, 784, k207),
    alias(769, "MMCR2", kUser, kUser, 785, k207),
    alias(770, "MMCRA", kUser, kUser, 786),
    alias(771, "PMC1", kUser, kUser, 787),
    alias(772, "PMC2", kUser, kUser, 788),
    alias(773, "PMC3", kUser, kUser, 789),
    alias(774, "PMC4", kUser, kUser, 790),
    alias(775, "PMC5", kUser, kUser, 791),
    alias(776, "PMC6", kUser, kUser, 792),
    alias(779, "MMCR0", kUser, kUser, 795),
    alias(780, "SIAR", kUser, kNone, 796),
    alias(781, "SDAR", kUser, kNone, 797),
    alias(782, "MMCR1", kUser, kNone, 798),
    plain(784, "SIER", kPriv, kPriv, k207),
    plain(785, "MMCR2", kPriv, kPriv, k207),
    plain(786, "MMCRA", kPriv, kPriv),
    plain(787, "PMC1", kPriv, kPriv, kBase, kLow32),
    plain(788, "PMC2", kPriv, kPriv, kBase, kLow32),
    plain(789, "PMC3", kPriv, kPriv, kBase, kLow32),
    plain(790, "PMC4", kPriv, kPriv, kBase, kLow32),
    plain(791, "PMC5", kPriv, kPriv, kBase, kLow32),
    plain(792, "PMC6", kPriv, kPriv, kBase, kLow32),
    plain(795, "MMCR0", kPriv, kPriv, kBase, kLow32),
    plain(796, "SIAR", kPriv, kPriv),
    plain(797, "SDAR", kPriv, kPriv),
    plain(798, "MMCR1", kPriv, kPriv),
    active(
        spr::kBescrs, "BESCRS", kUser, kUser, [](CpuState& s) { return s.spr[spr::kBescr]; }, bescr_set, k207,
        kFscrEbb),
    active(
        spr::kBescrsu, "BESCRSU", kUser, kUser, [](CpuState& s) { return s.spr[spr::kBescr] >> 32; }, bescr_set_upper,
        k207, kFscrEbb),
    active(
        spr::kBescrr, "BESCRR", kUser, kUser, [](CpuState& s) { return s.spr[spr::kBescr]; }, bescr_reset, k207,
        kFscrEbb),
    active(
        spr::kBescrru, "BESCRRU", kUser, kUser, [](CpuState& s) { return s.spr[spr::kBescr] >> 32; }, bescr_reset_upper,
        k207, kFscrEbb),
    alias(spr::kEbbhr, "EBBHR", kUser, kUser, spr::kEbbhr, k207, kFscrEbb),
    alias(spr::kEbbrr, "EBBRR", kUser, kUser, spr::kEbbrr, k207, kFscrEbb),
    alias(spr::kBescr, "BESCR", kUser, kUser, spr::kBescr, k207, kFscrEbb),
    alias(spr::kTar, "TAR", kUser, kUser, spr::kTar, k207, kFscrTar),
    active(spr::kIc, "IC", kPriv, kNone, get_instructions, ignore, k207),
    active(spr::kVtb, "VTB", kPriv, kNone, get_time_base, ignore, k207),
    plain(spr::kPpr, "PPR", kUser, kUser, k205),
    active(spr::kPpr32, "PPR32", kUser, kUser, get_ppr32, set_ppr32, k207),
    plain(spr::kPir, "PIR", kPriv, kNone, kBase, kLow32),
});

struct Index {
    std::array<const SprRow*, 1024> by_number{};
    Index() {
        for (const SprRow& row : kRows) by_number[row.number] = &row;
    }
};

}  // namespace

const SprRow* find_spr(unsigned number, IsaLevel level) {
    static const Index index;
    const SprRow* row = index.by_number[number & 1023];
    return row != nullptr && row->level <= level ? row : nullptr;
}

}  // namespace mpower::jit::isa
