// The table of hypercalls.
#include "fixture.h"

namespace mpower::hcall {
namespace {

papr::HcallStatus nothing(smp::Vcpu&, Args) { return papr::kSuccess; }

TEST(Table, Finds_WhatWasRegistered_AndNothingElse) {
    static constexpr Hcall kFirst[] = {{0, "H_ZERO", nothing}, {kMaxPaprOpcode, "H_LAST", nothing}};
    static constexpr Hcall kSecond[] = {{kFirstPrivate, "H_P0", nothing}, {kMaxPrivate, "H_P15", nothing}};
    const Table table = Table::of({kFirst, kSecond});
    for (const Hcall& h : kFirst) EXPECT_STREQ(table.find(h.opcode)->name, h.name);
    for (const Hcall& h : kSecond) EXPECT_STREQ(table.find(h.opcode)->name, h.name);
    for (u64 opcode : {u64{1}, u64{4}, kMaxPaprOpcode + 1, kMaxPaprOpcode + 4, kFirstPrivate - 4, kFirstPrivate + 1,
                       kMaxPrivate + 1, u64{1} << 32, u64{1} << 63, ~u64{0}}) {
        EXPECT_EQ(table.find(opcode), nullptr) << opcode;
    }
}

/// That a table of this program ends it with a line like `pattern`.
void expect_refused(std::initializer_list<std::span<const Hcall>> sets, const char* pattern) {
    EXPECT_EXIT(Table::of(sets), testing::KilledBySignal(SIGABRT), pattern);
}

TEST(TableDeathTest, DoubledOpcode_EndsTheProgram_AndNamesBoth) {
    static constexpr Hcall kOne[] = {{4, "H_ONE", nothing}}, kOther[] = {{8, "H_FINE", nothing}, {4, "H_TWO", nothing}};
    expect_refused({kOne, kOther}, "^mpower: hypercall 0x4 registered twice: H_ONE and H_TWO\n$");
    static constexpr Hcall kPrivate[] = {{0xf003, "H_A", nothing}, {0xf003, "H_B", nothing}};
    expect_refused({kPrivate}, "^mpower: hypercall 0xf003 registered twice: H_A and H_B\n$");
}

TEST(TableDeathTest, MisalignedOpcode_EndsTheProgram) {
    static constexpr Hcall kHcalls[] = {{6, "H_ODD", nothing}};
    expect_refused({kHcalls}, "^mpower: hypercall 0x6 .H_ODD.: PAPR opcodes are multiples of 4\n$");
}

TEST(TableDeathTest, OpcodeOutOfRange_EndsTheProgram) {
    for (const u64 opcode : {kMaxPaprOpcode + 4, kFirstPrivate - 4, kMaxPrivate + 1, ~u64{0}}) {
        const Hcall hcalls[] = {{opcode, "H_FAR", nothing}};
        expect_refused({hcalls}, "^mpower: hypercall 0x[0-9a-f]+ .H_FAR.: out of range\n$");
    }
}

}  // namespace
}  // namespace mpower::hcall
