// Instructions of the supervisor, and those that this machine does not have: what no random program in problem state
// can show. The hypervisor's, and privileged ones in problem state, are taken from the decode table.
#include <gtest/gtest.h>

#include "jit/isa/table.h"
#include "tests/jit/instruction_case.h"

namespace mpower::jit::test {
namespace {

void check(const std::vector<InstructionCase>& cases) {
    Bench bench;
    for (const InstructionCase& c : cases) bench.check(c);
}

InstructionCase interrupted(const isa::Row& row, const std::string& srr1, const std::string& mode) {
    return {std::string(row.mnemonic), {row.value}, "", "int=700 srr1=" + srr1, mode};
}

TEST(Supervisor, EveryHypervisorInstruction_IsIllegal_ToAGuest) {
    int count = 0;
    for (const isa::Row& row : isa::rows()) {
        if ((row.flags & isa::kHyper) == 0) continue;
        check({interrupted(row, "80000", "p9"), interrupted(row, "40000", "p9 pr")});
        ++count;
    }
    EXPECT_GT(count, 10);
}

TEST(Supervisor, EveryPrivilegedInstruction_Interrupts_InProblemState) {
    int count = 0;
    for (const isa::Row& row : isa::rows()) {
        if ((row.flags & isa::kPriv) == 0) continue;
        check({interrupted(row, "40000", "p9 pr")});
        ++count;
    }
    EXPECT_GT(count, 10);
}

// clang-format off

// Book III-S 5.9.3.1. Entry 0 is the bench's own; entry 1 is made by each case, and removed at its end.
TEST(Supervisor, Slb) {
    check({
        {"slbmte r3,r4; slbmfee r5,r6; slbmfev r7,r6; slbia",
         {0x7c602324, 0x7ca03726, 0x7ce036a6, 0x7c0003e4}, "r3=123c00 r4=18000001 r6=1", "r5=18000000 r7=123c00"},
        {"slbmte r3,r4; slbfee. r8,r9; slbia", {0x7c602324, 0x7d004fa7, 0x7c0003e4},
         "r3=123c00 r4=18000001 r9=1fffffff", "r8=123c00 cr0=2"},
        {"slbfee. r8,r9", {0x7d004fa7}, "r8=5 r9=10000000 so=1", "r8=0 cr0=1"},
        {"slbmte r3,r4; slbie r10; slbmfee r5,r6; slbfee. r8,r10", {0x7c602324, 0x7c005364, 0x7ca03726, 0x7d0057a7},
         "r3=123c00 r4=18000001 r5=5 r6=1 r10=10000000", "r5=0"},
        {"slbmte r3,r4; slbie r10; slbmfee r5,r6; slbia", {0x7c602324, 0x7c005364, 0x7ca03726, 0x7c0003e4},
         "r3=123c00 r4=18000001 r6=1 r10=20000000", "r5=18000000"},
        {"slbmte r3,r4; slbieg r3,r10; slbmfee r5,r6", {0x7c602324, 0x7c6053a4, 0x7ca03726},
         "r3=123c00 r4=18000001 r5=5 r6=1 r10=10000000", "r5=0", "p9"},
        {"slbmte r3,r4; slbia; slbmfee r5,r6; slbmfee r7,r8", {0x7c602324, 0x7c0003e4, 0x7ca03726, 0x7ce04726},
         "r3=123c00 r4=18000001 r5=5 r6=1", "r5=0 r7=8000000"},
        {"slbmte r3,r4; slbsync; slbmfee r5,r6; slbia", {0x7c602324, 0x7c0002a4, 0x7ca03726, 0x7c0003e4},
         "r3=123c00 r4=18000001 r6=1", "r5=18000000", "p9"},
    });
}

// ME and LE stay; mtmsr does not reach the upper half.
TEST(Supervisor, Msr) {
    check({
        {"mfmsr r4", {0x7c8000a6}, "", "r4=8000000002000000"},
        {"mtmsr r3; mfmsr r4", {0x7c600124, 0x7c8000a6}, "r3=ffffffff00002000", "r4=8000000000002000"},
        {"mtmsr r3; mfmsr r4", {0x7c600124, 0x7c8000a6}, "r3=1001", "r4=8000000000000000"},
        {"mtmsrd r3; mfmsr r4", {0x7c600164, 0x7c8000a6}, "r3=8000000000002000", "r4=8000000000002000"},
        {"mtmsrd r3,1; mfmsr r4", {0x7c610164, 0x7c8000a6}, "r3=8002", "r4=8000000002008002"},
        {"mtmsrd r3,1; mfmsr r4", {0x7c610164, 0x7c8000a6}, "r3=2000", "r4=8000000002000000"},
    });
}

TEST(Supervisor, SystemCallsAndReturns) {
    check({
        {"scv 3", {0x44000061}, "fscr=1000", "lr=+4 ctr=8000000002000000 nip=17060", "p9"},
        {"scv 3", {0x44000061}, "", "int=f60 fscr=0c00000000000000", "p9"},
        {"rfscv", {0x4c0000a4}, "lr=20002 ctr=8000000000000000", "nip=20000", "p9"},
        {"rfscv", {0x4c0000a4}, "lr=ffffffff00020000 ctr=0", "nip=20000", "p9"},
    });
}

TEST(Supervisor, WhatThisMachineDoesNotHave_IsIllegal) {
    for (const char* mode : {"p9", "p9 pr", ""}) {
        check({
            {"tbegin.", {0x7c00051d}, "", "int=700 srr1=80000", mode},
            {"tend.", {0x7c00055d}, "", "int=700 srr1=80000", mode},
            {"tcheck cr3", {0x7d80059c}, "", "int=700 srr1=80000", mode},
            {"treclaim. r3", {0x7c03075d}, "", "int=700 srr1=80000", mode},
            {"rfebb", {0x4c000924}, "", "int=700 srr1=80000", mode},
            {"mfbhrbe r3,1", {0x7c600a5c}, "", "int=700 srr1=80000", mode},
            {"msgsndp r3", {0x7c00191c}, "", "int=700 srr1=80000", mode},
            {"stop", {0x4c0002e4}, "", "int=700 srr1=80000", mode},
        });
    }
}

// clang-format on

}  // namespace
}  // namespace mpower::jit::test
