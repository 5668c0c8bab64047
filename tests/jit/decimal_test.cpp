// Packed decimals in vector registers, case by case (instruction_case.h says how to read them).
#include "tests/jit/instruction_case.h"

namespace mpower::jit::test {
namespace {

void check(const std::vector<InstructionCase>& cases) {
    Bench bench;
    for (const InstructionCase& c : cases) bench.check(c);
}

// clang-format off: a line a case

// The only two of POWER8; VRB counts negatively for bcdsub.
TEST(Decimal, Sums_HaveTheirSignAndOverflow) {
    check({
        {"bcdadd. v2,v3,v4,0", {0x10432401}, "v3=9c v4=1c", "v2=10c cr6=4"},
        {"bcdadd. v2,v3,v4,1", {0x10432601}, "v3=9c v4=1f", "v2=10f cr6=4"},
        {"bcdadd. v2,v3,v4,0", {0x10432401}, "v3=5d v4=5c", "v2=c cr6=2"},
        {"bcdadd. v2,v3,v4,0", {0x10432401}, "v3=9999999999999999999999999999999c v4=1c", "v2=c cr6=5"},
        {"bcdsub. v2,v3,v4,0", {0x10432441}, "v3=5c v4=7a", "v2=2d cr6=8"},
        {"bcdsub. v2,v3,v4,0", {0x10432441}, "v3=5c v4=75 v2=7", "cr6=1"},
    });
}

// CR6 is the operand's sign, even if nothing is left of it.
TEST(Decimal, Shifts_LoseDigitsAndRound) {
    check({
        {"bcds. v2,v4,v3,0", {0x10441cc1}, "v3=123c v4=00000000000000020000000000000000", "v2=12300c cr6=4", "p9"},
        {"bcds. v2,v4,v3,1", {0x10441ec1}, "v3=123d v4=00000000000000ff0000000000000000", "v2=12d cr6=8", "p9"},
        {"bcds. v2,v4,v3,1", {0x10441ec1}, "v3=123a v4=00000000000000000000000000000000", "v2=123f cr6=4", "p9"},
        {"bcds. v2,v4,v3,0", {0x10441cc1}, "v3=123c v4=00000000000000fd0000000000000000", "v2=c cr6=4", "p9"},
        {"bcds. v2,v4,v3,0", {0x10441cc1}, "v3=c v4=00000000000000fd0000000000000000", "v2=c cr6=2", "p9"},
        {"bcds. v2,v4,v3,0",
         {0x10441cc1},
         "v3=1c v4=000000000000001e0000000000000000",
         "v2=1000000000000000000000000000000c cr6=4",
         "p9"},
        {"bcds. v2,v4,v3,0", {0x10441cc1}, "v3=1c v4=000000000000001f0000000000000000", "v2=c cr6=5", "p9"},
        {"bcds. v2,v4,v3,0", {0x10441cc1}, "v3=1c v4=00000000000000800000000000000000", "v2=c cr6=4", "p9"},
        {"bcds. v2,v4,v3,0", {0x10441cc1}, "v2=7 v3=a3c v4=00000000000000010000000000000000", "cr6=1", "p9"},
        {"bcdsr. v2,v4,v3,0", {0x10441dc1}, "v3=125d v4=00000000000000ff0000000000000000", "v2=13d cr6=8", "p9"},
        {"bcdsr. v2,v4,v3,0", {0x10441dc1}, "v3=124d v4=00000000000000ff0000000000000000", "v2=12d cr6=8", "p9"},
        {"bcdsr. v2,v4,v3,0", {0x10441dc1}, "v3=999c v4=00000000000000ff0000000000000000", "v2=100c cr6=4", "p9"},
        {"bcdsr. v2,v4,v3,0",
         {0x10441dc1},
         "v3=5000000000000000000000000000000c v4=00000000000000e10000000000000000",
         "v2=1c cr6=4",
         "p9"},
        {"bcdsr. v2,v4,v3,0",
         {0x10441dc1},
         "v3=5000000000000000000000000000000c v4=00000000000000e00000000000000000",
         "v2=c cr6=4",
         "p9"},
        {"bcdus. v2,v4,v3", {0x10441c81}, "v3=99 v4=00000000000000010000000000000000", "v2=990 cr6=4", "p9"},
        {"bcdus. v2,v4,v3", {0x10441c81}, "v3=99 v4=00000000000000ff0000000000000000", "v2=9 cr6=4", "p9"},
        {"bcdus. v2,v4,v3",
         {0x10441c81},
         "v3=90000000000000000000000000000000 v4=00000000000000010000000000000000",
         "v2=0 cr6=5",
         "p9"},
        {"bcdus. v2,v4,v3", {0x10441c81}, "v3=1 v4=00000000000000200000000000000000", "v2=0 cr6=5", "p9"},
        {"bcdus. v2,v4,v3", {0x10441c81}, "v4=00000000000000010000000000000000", "cr6=2", "p9"},
        {"bcdus. v2,v4,v3", {0x10441c81}, "v3=1c v2=7 v4=00000000000000010000000000000000", "cr6=1", "p9"},
    });
}

// The length is bits 48:63 of VRA.
TEST(Decimal, Truncation_KeepsTheLowDigits) {
    check({
        {"bcdtrunc. v2,v4,v3,0", {0x10441d01}, "v3=1234c v4=00000000000000020000000000000000", "v2=34c cr6=5", "p9"},
        {"bcdtrunc. v2,v4,v3,1", {0x10441f01}, "v3=1234c v4=00000000000000040000000000000000", "v2=1234f cr6=4", "p9"},
        {"bcdtrunc. v2,v4,v3,0", {0x10441d01}, "v3=1234d v4=00000000000010000000000000000000", "v2=1234d cr6=8", "p9"},
        {"bcdutrunc. v2,v4,v3", {0x10441d41}, "v3=5 v4=00000000000000000000000000000000", "v2=0 cr6=5", "p9"},
        {"bcdutrunc. v2,v4,v3", {0x10441d41}, "v3=12345 v4=00000000000000030000000000000000", "v2=345 cr6=5", "p9"},
        {"bcdutrunc. v2,v4,v3",
         {0x10441d41},
         "v3=99999999999999999999999999999999 v4=00000000000000200000000000000000",
         "v2=99999999999999999999999999999999 cr6=4",
         "p9"},
    });
}

TEST(Decimal, Signs_AreSetAndCopied) {
    check({
        {"bcdsetsgn. v2,v3,1", {0x105f1f81}, "v3=5a", "v2=5f cr6=4", "p9"},
        {"bcdsetsgn. v2,v3,0", {0x105f1d81}, "v3=5b", "v2=5d cr6=8", "p9"},
        {"bcdcpsgn. v2,v4,v3", {0x10441b41}, "v4=12c v3=34b", "v2=12b cr6=8", "p9"},
        {"bcdcpsgn. v3,v4,v3", {0x10641b41}, "v4=12c v3=34b", "v3=12b cr6=8", "p9"},
        {"bcdcpsgn. v2,v4,v3", {0x10441b41}, "v4=12c v3=349 v2=7", "cr6=1", "p9"},
    });
}

// National: seven halfwords and a sign; zoned: sixteen bytes.
TEST(Decimal, Conversions_GoBothWays) {
    check({
        {"bcdctn. v2,v3", {0x10451d81}, "v3=123d", "v2=0030003000300030003100320033002d cr6=8", "p9"},
        {"bcdctn. v2,v3", {0x10451d81}, "v3=12345678c", "v2=0032003300340035003600370038002b cr6=5", "p9"},
        {"bcdcfn. v2,v3,0", {0x10471d81}, "v3=0030003000300030003100320033002d", "v2=123d cr6=8", "p9"},
        {"bcdcfn. v2,v3,1", {0x10471f81}, "v3=0030003000300030003100320033002b", "v2=123f cr6=4", "p9"},
        {"bcdcfn. v2,v3,0", {0x10471d81}, "v2=7 v3=0030003000300030003a00320033002d", "cr6=1", "p9"},
        {"bcdctz. v2,v3,0", {0x10441d81}, "v3=123d", "v2=30303030303030303030303030313273 cr6=8", "p9"},
        {"bcdctz. v2,v3,1", {0x10441f81}, "v3=123d", "v2=f0f0f0f0f0f0f0f0f0f0f0f0f0f1f2d3 cr6=8", "p9"},
        {"bcdctz. v2,v3,1", {0x10441f81}, "v3=10000000000000000c", "v2=f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0c0 cr6=5", "p9"},
        {"bcdcfz. v2,v3,0", {0x10461d81}, "v3=30303030303030303030303030313263", "v2=123d cr6=8", "p9"},
        {"bcdcfz. v2,v3,1", {0x10461f81}, "v3=f0f0f0f0f0f0f0f0f0f0f0f0f0f1f2c3", "v2=123c cr6=4", "p9"},
        {"bcdcfz. v2,v3,1", {0x10461f81}, "v2=7 v3=f0f0f0f0f0f0f0f0f0f0f0f0f0f1f293", "cr6=1", "p9"},
        {"bcdcfz. v2,v3,0", {0x10461d81}, "v2=7 v3=f0f0f0f0f0f0f0f0f0f0f0f0f0f1f233", "cr6=1", "p9"},
        {"bcdctsq. v2,v3", {0x10401d81}, "v3=12d", "v2=fffffffffffffffffffffffffffffff4 cr6=8", "p9"},
        {"bcdctsq. v2,v3",
         {0x10401d81},
         "v3=9999999999999999999999999999999c",
         "v2=7e37be2022c0914b267fffffff cr6=4",
         "p9"},
        {"bcdcfsq. v2,v3,0", {0x10421d81}, "v3=fffffffffffffffffffffffffffffff4", "v2=12d cr6=8", "p9"},
        {"bcdcfsq. v2,v3,1",
         {0x10421f81},
         "v3=7e37be2022c0914b267fffffff",
         "v2=9999999999999999999999999999999f cr6=4",
         "p9"},
        {"bcdcfsq. v2,v3,0",
         {0x10421d81},
         "v3=7fffffffffffffffffffffffffffffff",
         "v2=3460469231731687303715884105727c cr6=5",
         "p9"},
        {"bcdctsq. v2,v3", {0x10401d81}, "v3=12d", "int=700 srr1=80000"},
    });
}

}  // namespace
}  // namespace mpower::jit::test
