// The vector facility, case by case (instruction_case.h says how to read them).
#include "tests/jit/instruction_case.h"

namespace mpower::jit::test {
namespace {

void check(const std::vector<InstructionCase>& cases) {
    for (const auto mode : {mmu::ReservationMode::kWeak, mmu::ReservationMode::kStrict}) {
        Bench bench(mode);
        for (const InstructionCase& c : cases) bench.check(c);
    }
}

TEST(Vmx, Loads_IgnoreLowAddressBits) {
    check({
        {"lvx v2,r4,r5",
         {0x7c4428ce},
         "r4=2000 r5=1f m2010=000102030405060708090a0b0c0d0e0f",
         "v2=000102030405060708090a0b0c0d0e0f"},
        {"lvx v2,r4,r5",
         {0x7c4428ce},
         "r4=2000 r5=1f m2010=000102030405060708090a0b0c0d0e0f",
         "v2=0f0e0d0c0b0a09080706050403020100",
         "le"},
        {"lvxl v2,0,r5",
         {0x7c402ace},
         "r0=1 r5=2019 m2010=000102030405060708090a0b0c0d0e0f",
         "v2=000102030405060708090a0b0c0d0e0f"},
        {"lvx v2,r4,r5",
         {0x7c4428ce},
         "r4=fffffff0 r5=100002020 m2010=01",
         "v2=01000000000000000000000000000000",
         "32"},
        {"stvx v2,r4,r5",
         {0x7c4429ce},
         "r4=2000 r5=2f v2=000102030405060708090a0b0c0d0e0f",
         "m2020=000102030405060708090a0b0c0d0e0f"},
        {"stvxl v2,r4,r5",
         {0x7c442bce},
         "r4=2000 r5=2f v2=000102030405060708090a0b0c0d0e0f",
         "m2020=0f0e0d0c0b0a09080706050403020100",
         "le"},
    });
}

// The element goes where it would be in a load of the whole quadword. The others are undefined: here as they were.
TEST(Vmx, ElementLoads_KeepTheOtherElements) {
    check({
        {"lvebx v2,0,r5",
         {0x7c40280e},
         "r5=2003 m2000=a0a1a2a3a4a5a6a7 v2=ffffffffffffffffffffffffffffffff",
         "v2=ffffffa3ffffffffffffffffffffffff"},
        {"lvebx v2,0,r5", {0x7c40280e}, "r5=2003 m2000=a0a1a2a3a4a5a6a7", "v2=a3000000", "le"},
        {"lvehx v2,0,r5", {0x7c40284e}, "r5=2005 m2000=a0a1a2a3a4a5a6a7", "v2=00000000a4a500000000000000000000"},
        {"lvehx v2,0,r5", {0x7c40284e}, "r5=2005 m2000=a0a1a2a3a4a5a6a7", "v2=a5a400000000", "le"},
        {"lvewx v2,0,r5", {0x7c40288e}, "r5=2007 m2000=a0a1a2a3a4a5a6a7", "v2=00000000a4a5a6a70000000000000000"},
        {"lvewx v2,0,r5", {0x7c40288e}, "r5=2007 m2000=a0a1a2a3a4a5a6a7", "v2=a7a6a5a400000000", "le"},
    });
}

TEST(Vmx, ElementStores_WriteTheElementThatTheAddressNames) {
    check({
        {"stvebx v2,0,r5", {0x7c40290e}, "r5=200f v2=000102030405060708090a0b0c0d0e0f", "m200f=0f"},
        {"stvebx v2,0,r5", {0x7c40290e}, "r5=200f v2=f00102030405060708090a0b0c0d0e0f", "m200f=f0", "le"},
        {"stvehx v2,0,r5", {0x7c40294e}, "r5=2003 v2=000102030405060708090a0b0c0d0e0f", "m2002=0203"},
        {"stvehx v2,0,r5", {0x7c40294e}, "r5=2003 v2=000102030405060708090a0b0c0d0e0f", "m2002=0d0c", "le"},
        {"stvewx v2,0,r5", {0x7c40298e}, "r5=200b v2=000102030405060708090a0b0c0d0e0f", "m2008=08090a0b"},
        {"stvewx v2,0,r5", {0x7c40298e}, "r5=200b v2=000102030405060708090a0b0c0d0e0f", "m2008=07060504", "le"},
    });
}

// The address in DAR is the one that was accessed; the register is as it was.
TEST(Vmx, StorageFaults_ArePrecise) {
    check({
        {"lvx v2,0,r5", {0x7c4028ce}, "r5=5017 v2=7", "int=300 dar=5010 dsisr=40000000", "pr"},
        {"lvewx v2,0,r5", {0x7c40288e}, "r5=5017 v2=7", "int=300 dar=5014 dsisr=40000000", "pr"},
        {"stvx v2,0,r5", {0x7c4029ce}, "r5=5017 v2=7", "int=300 dar=5010 dsisr=42000000", "pr"},
        {"stvehx v2,0,r5", {0x7c40294e}, "r5=5017 v2=7", "int=300 dar=5016 dsisr=42000000", "pr"},
    });
}

TEST(Vmx, Facility_IsNeeded) {
    check({
        {"vaddubm v2,v3,v4", {0x10432000}, "v3=1", "int=f20", "novec"},
        {"lvx v2,0,r5", {0x7c4028ce}, "r5=5000", "int=f20", "novec"},
        {"lvsl v2,0,r5", {0x7c40280c}, "r5=1", "int=f20", "novec"},
        {"mtvscr v2", {0x10001644}, "", "int=f20", "novec"},
    });
}

TEST(Vmx, InstructionsOfIsa300_AreIllegalOnPower8) {
    check({
        {"vabsdub v2,v3,v4", {0x10432403}, "v3=1", "int=700 srr1=80000"},
        {"vcmpneb v2,v3,v4", {0x10432007}, "", "int=700 srr1=80000"},
        {"vextublx r3,r4,v5", {0x10642e0d}, "v5=1", "int=700 srr1=80000"},
        {"vpermr v2,v3,v4,v5", {0x1043217b}, "v3=1", "int=700 srr1=80000"},
        {"vnegw v2,v3", {0x10461e02}, "v3=1", "int=700 srr1=80000"},
    });
}

TEST(Vmx, ShiftPatterns_AreNumbersFromTheLeft) {
    check({
        {"lvsl v2,r4,r5", {0x7c44280c}, "r4=5 r5=fffffffffffffffe", "v2=030405060708090a0b0c0d0e0f101112"},
        {"lvsl v2,0,r5", {0x7c40280c}, "r5=10", "v2=000102030405060708090a0b0c0d0e0f", "le"},
        {"lvsr v2,0,r5", {0x7c40284c}, "r5=23", "v2=0d0e0f101112131415161718191a1b1c"},
        {"lvsr v2,0,r5", {0x7c40284c}, "r5=0", "v2=101112131415161718191a1b1c1d1e1f", "le"},
    });
}

TEST(Vmx, Saturation_IsRemembered) {
    check({
        {"vaddubm v2,v3,v4", {0x10432000}, "v3=ff01 v4=0102", "v2=0003"},
        {"vaddubs v2,v3,v4", {0x10432200}, "v3=ff01 v4=0102", "v2=ff03 vscr=1"},
        {"vaddubs v2,v3,v4", {0x10432200}, "v3=01 v4=02 vscr=1", "v2=03"},
        {"vsubuws v2,v3,v4", {0x10432680}, "v3=1 v4=2", "v2=0 vscr=1"},
        {"vaddsbs v2,v3,v4", {0x10432300}, "v3=7f80 v4=01ff", "v2=7f80 vscr=1"},
        {"vaddshs v2,v3,v4", {0x10432340}, "v3=7ffe8001 v4=0001ffff", "v2=7fff8000"},
        {"vsubsws v2,v3,v4", {0x10432780}, "v3=80000000 v4=1", "v2=80000000 vscr=1"},
        {"vpkshus v2,v3,v4", {0x1043210e}, "v3=00ff0100ffff0001 v4=0", "v2=00000000ffff00010000000000000000 vscr=1"},
        {"vpkswss v2,v3,v4",
         {0x104321ce},
         "v3=0000800000007fff v4=ffff7fffffff8000",
         "v2=000000007fff7fff0000000080008000 vscr=1"},
        {"vsumsws v2,v3,v4",
         {0x10432788},
         "v3=7fffffff000000010000000000000000 v4=ffffffffffffffffffffffff00000000",
         "v2=7fffffff vscr=1"},
        {"vsum2sws v2,v3,v4",
         {0x10432688},
         "v3=0000000100000002fffffffffffffffe v4=00000009000000030000000900000004",
         "v2=00000000000000060000000000000001"},
        {"vmhaddshs v2,v3,v4,v5", {0x10432160}, "v3=8000 v4=8000 v5=7fff", "v2=7fff vscr=1"},
        {"vmsumuhs v2,v3,v4,v5", {0x10432167}, "v3=ffffffff v4=ffffffff v5=0", "v2=ffffffff vscr=1"},
        {"vmsumuhm v2,v3,v4,v5", {0x10432166}, "v3=ffffffff v4=ffffffff v5=0", "v2=fffc0002"},
        {"vmsumshs v2,v3,v4,v5", {0x10432169}, "v3=80008000 v4=80008000 v5=0", "v2=7fffffff vscr=1"},
        {"vmsummbm v2,v3,v4,v5", {0x10432165}, "v3=ff01ff01 v4=ff02ff02 v5=5", "v2=fffffe0b"},
    });
}

// SAT and NJ are all there is of VSCR.
TEST(Vmx, Vscr_MovesThroughTheLastWord) {
    check({
        {"mfvscr v2", {0x10400604}, "v2=ffffffffffffffffffffffffffffffff vscr=10001", "v2=10001"},
        {"mtvscr v2", {0x10001644}, "v2=ffffffffffffffffffffffffffffffff", "vscr=10001"},
        {"mtvscr v2", {0x10001644}, "v2=ffffffffffffffffffffffff00000000 vscr=10001", "vscr=0"},
    });
}

// CR6 with Rc: all || 0 || none || 0.
TEST(Vmx, Comparisons_SetCr6OnlyWhenTheyRecord) {
    check({
        {"vcmpequb v2,v3,v4", {0x10432006}, "v3=1 v4=2 cr6=5", "v2=ffffffffffffffffffffffffffffff00"},
        {"vcmpequb. v2,v3,v4", {0x10432406}, "v3=1 v4=2 cr6=5", "v2=ffffffffffffffffffffffffffffff00 cr6=0"},
        {"vcmpequb. v2,v3,v4", {0x10432406}, "v3=1 v4=1", "v2=ffffffffffffffffffffffffffffffff cr6=8"},
        {"vcmpgtuw. v2,v3,v4", {0x10432686}, "v3=80000000 v4=ffffffff cr6=f", "v2=0 cr6=2"},
        {"vcmpgtsw. v2,v3,v4", {0x10432786}, "v3=80000000 v4=ffffffff", "v2=0 cr6=2"},
        {"vcmpgtsw v2,v3,v4", {0x10432386}, "v3=1 v4=ffffffff", "v2=ffffffff"},
        {"vcmpgtud v2,v3,v4",
         {0x104322c7},
         "v3=80000000000000000000000000000000 v4=1",
         "v2=ffffffffffffffff0000000000000000"},
        {"vcmpnezb v2,v3,v4", {0x10432107}, "v3=0100020304 v4=0100020305", "v2=ffffffffffffffffffffff00ff0000ff", "p9"},
        {"vcmpneb. v2,v3,v4", {0x10432407}, "v3=2 v4=2", "v2=0 cr6=2", "p9"},
    });
}

TEST(Vmx, Quadwords_AddWithCarry) {
    check({
        {"vadduqm v2,v3,v4", {0x10432100}, "v3=ffffffffffffffff v4=1", "v2=00000000000000010000000000000000"},
        {"vaddcuq v2,v3,v4", {0x10432140}, "v3=ffffffffffffffffffffffffffffffff v4=1", "v2=1"},
        {"vaddeuqm v2,v3,v4,v5", {0x1043217c}, "v3=1 v4=1 v5=ffff", "v2=3"},
        {"vaddecuq v2,v3,v4,v5", {0x1043217d}, "v3=ffffffffffffffffffffffffffffffff v4=0 v5=1", "v2=1"},
        {"vaddecuq v2,v3,v4,v5", {0x1043217d}, "v3=ffffffffffffffffffffffffffffffff v4=0 v5=2 v2=9", "v2=0"},
        {"vsubuqm v2,v3,v4", {0x10432500}, "v3=0 v4=1", "v2=ffffffffffffffffffffffffffffffff"},
        {"vsubcuq v2,v3,v4", {0x10432540}, "v3=1 v4=1", "v2=1"},
        {"vsubeuqm v2,v3,v4,v5", {0x1043217e}, "v3=5 v4=2 v5=0", "v2=2"},
        {"vsubecuq v2,v3,v4,v5", {0x1043217f}, "v3=2 v4=2 v5=0 v2=9", "v2=0"},
        {"vsubcuw v2,v3,v4",
         {0x10432580},
         "v3=00000001000000020000000300000004 v4=2",
         "v2=00000001000000010000000100000001"},
        {"vmul10ecuq v2,v3,v4", {0x10432041}, "v3=ffffffffffffffffffffffffffffffff v4=9", "v2=9", "p9"},
        {"vmul10uq v2,v3", {0x10430201}, "v3=10000000000000001", "v2=a000000000000000a", "p9"},
    });
}

TEST(Vmx, Registers_MayBeTheSame) {
    check({
        {"vadduwm v2,v2,v2", {0x10421080}, "v2=1", "v2=2"},
        {"vmrglb v2,v2,v2", {0x1042110c}, "v2=0102030405060708", "v2=01010202030304040505060607070808"},
        {"vperm v2,v2,v2,v2",
         {0x104210ab},
         "v2=0f0e0d0c0b0a09080706050403020100",
         "v2=000102030405060708090a0b0c0d0e0f"},
        {"vmsumubm v2,v2,v2,v2", {0x104210a4}, "v2=2", "v2=6"},
    });
}

TEST(Vmx, Bytes_ArePermuted) {
    check({
        {"vperm v2,v3,v4,v5",
         {0x1043216b},
         "v3=000102030405060708090a0b0c0d0e0f v4=101112131415161718191a1b1c1d1e1f v5=001f10ff20e00f400000000000000000",
         "v2=001f101f00000f000000000000000000"},
        {"vpermr v2,v3,v4,v5",
         {0x1043217b},
         "v3=000102030405060708090a0b0c0d0e0f v4=101112131415161718191a1b1c1d1e1f v5=1f00e01f1f1f1f1f1f1f1f1f1f1f1f1f",
         "v2=001f1f00000000000000000000000000",
         "p9"},
        {"vpermxor v2,v3,v4,v5",
         {0x1043216d},
         "v3=000102030405060708090a0b0c0d0e0f v4=101112131415161718191a1b1c1d1e1f v5=f0000000000000000000000000000001",
         "v2=1f101010101010101010101010101011"},
        {"vsldoi v2,v3,v4,3",
         {0x104320ec},
         "v3=000102030405060708090a0b0c0d0e0f v4=10111213000000000000000000000000",
         "v2=030405060708090a0b0c0d0e0f101112"},
        {"vsldoi v2,v3,v4,0", {0x1043202c}, "v3=5 v4=6", "v2=5"},
        {"vsel v2,v3,v4,v5", {0x1043216a}, "v3=f0f0 v4=0ff0 v5=ff00", "v2=0ff0"},
        {"vsl v2,v3,v4",
         {0x104321c4},
         "v3=80000000000000008000000000000001 v4=0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
         "v2=00000000000000400000000000000080"},
        {"vsro v2,v3,v4", {0x1043244c}, "v3=000102030405060708090a0b0c0d0e0f v4=78", "v2=0"},
        {"vslo v2,v3,v4",
         {0x1043240c},
         "v3=000102030405060708090a0b0c0d0e0f v4=10",
         "v2=02030405060708090a0b0c0d0e0f0000"},
        {"vslv v2,v3,v4", {0x10432744}, "v3=0180 v4=0107", "v2=0300", "p9"},
        {"vsrv v2,v3,v4", {0x10432704}, "v3=0180 v4=0107", "v2=0003", "p9"},
        {"vspltisb v2,-16", {0x1050030c}, "", "v2=f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0"},
        {"vspltish v2,15", {0x104f034c}, "", "v2=000f000f000f000f000f000f000f000f"},
        {"vspltw v2,v3,1", {0x10411a8c}, "v3=00000001000000020000000300000004", "v2=00000002000000020000000200000002"},
        {"vmrgow v2,v3,v4",
         {0x1043268c},
         "v3=00000001000000020000000300000004 v4=00000005000000060000000700000008",
         "v2=00000002000000060000000400000008"},
        {"vpkpx v2,v3,v4",
         {0x1043230e},
         "v3=01f80000000000000000000000000000 v4=010000f8",
         "v2=fc00000000000000000000000000801f"},
        {"vupkhpx v2,v3", {0x10401b4e}, "v3=fc1f0000000000000000000000000000", "v2=ff1f001f000000000000000000000000"},
        {"vgbbd v2,v3", {0x10401d0c}, "v3=0102040810204080ff00000000000000", "v2=01020408102040808080808080808080"},
        {"vbpermq v2,v3,v4",
         {0x1043254c},
         "v3=80000000000000000000000000000001 v4=007f80ff000000000000000000000000",
         "v2=000000000000cfff0000000000000000"},
        {"vbpermd v2,v3,v4",
         {0x104325cc},
         "v3=80000000000000010000000000000001 v4=003f400000000000003f404040404040",
         "v2=00000000000000df0000000000000040",
         "p9"},
    });
}

// What the ISA leaves undefined: an element beyond the end is 0, and is not inserted.
TEST(Vmx, Elements_AreExtractedAndInserted) {
    check({
        {"vextractub v2,v3,15",
         {0x104f1a0d},
         "v3=000102030405060708090a0b0c0d0e0f",
         "v2=000000000000000f0000000000000000",
         "p9"},
        {"vextractuw v2,v3,12",
         {0x104c1a8d},
         "v3=000102030405060708090a0b0c0d0e0f",
         "v2=000000000c0d0e0f0000000000000000",
         "p9"},
        {"vextractd v2,v3,1",
         {0x10411acd},
         "v3=000102030405060708090a0b0c0d0e0f",
         "v2=01020304050607080000000000000000",
         "p9"},
        {"vinserth v2,v3,13",
         {0x104d1b4d},
         "v3=00000000000012340000000000000000 v2=ffffffffffffffffffffffffffffffff",
         "v2=ffffffffffffffffffffffffff1234ff",
         "p9"},
        {"vinsertd v2,v3,9", {0x10491bcd}, "v3=11223344556677880000000000000000 v2=7", "v2=7", "p9"},
        {"vextublx r3,r4,v5", {0x10642e0d}, "r4=fffffffffffffff1 v5=000102030405060708090a0b0c0d0e0f", "r3=1", "p9"},
        {"vextubrx r3,r4,v5", {0x10642f0d}, "r4=1 v5=000102030405060708090a0b0c0d0e0f", "r3=e", "p9"},
        {"vextuhlx r3,r4,v5", {0x10642e4d}, "r4=e v5=000102030405060708090a0b0c0d0e0f", "r3=e0f", "p9"},
        {"vextuwrx r3,r4,v5", {0x10642f8d}, "r4=2 v5=000102030405060708090a0b0c0d0e0f", "r3=a0b0c0d", "p9"},
        {"vclzlsbb r3,v5", {0x10602e02}, "v5=02040100000000000000000000000000", "r3=2", "p9"},
        {"vctzlsbb r3,v5", {0x10612e02}, "v5=2", "r3=10", "p9"},
    });
}

TEST(Vmx, RotatesUnderMask_TakeShiftAndMaskFromVrb) {
    check({
        {"vrlwnm v2,v3,v4", {0x10432185}, "v3=80000001 v4=00001f04", "v2=00000018", "p9"},
        {"vrlwmi v2,v3,v4", {0x10432085}, "v3=80000001 v4=00101f04 v2=aaaaaaaa", "v2=aaaa0018", "p9"},
        {"vrlwnm v2,v3,v4", {0x10432185}, "v3=ffffffff v4=001f0000", "v2=80000001", "p9"},
        {"vrldnm v2,v3,v4", {0x104321c5}, "v3=8000000000000001 v4=003c3f04", "v2=8", "p9"},
        {"vrldmi v2,v3,v4", {0x104320c5}, "v3=8000000000000001 v4=00003f04 v2=ffffffffffffffff", "v2=18", "p9"},
        {"vrldmi v2,v3,v4",
         {0x104320c5},
         "v3=8000000000000001 v4=003c3f04 v2=ffffffffffffffffffffffffffffffff",
         "v2=7ffffffffffffffffffffffffffffff8",
         "p9"},
    });
}

TEST(Vmx, Products_AreOfEvenOrOddElements) {
    check({
        {"vmulesb v2,v3,v4", {0x10432308}, "v3=ff02 v4=0203", "v2=fffe"},
        {"vmulosb v2,v3,v4", {0x10432108}, "v3=ff02 v4=0203", "v2=6"},
        {"vmuleuw v2,v3,v4", {0x10432288}, "v3=ffffffff00000002 v4=ffffffff00000003", "v2=fffffffe00000001"},
        {"vmulouw v2,v3,v4", {0x10432088}, "v3=ffffffff00000002 v4=ffffffff00000003", "v2=6"},
        {"vmulouh v2,v3,v4", {0x10432048}, "v3=ffff v4=ffff", "v2=fffe0001"},
        {"vmuluwm v2,v3,v4", {0x10432089}, "v3=10001 v4=10001", "v2=20001"},
        {"vmladduhm v2,v3,v4,v5", {0x10432162}, "v3=ffff v4=ffff v5=ffff", "v2=0"},
        {"vpmsumd v2,v3,v4",
         {0x104324c8},
         "v3=00000000000000030000000000000002 v4=00000000000000038000000000000000",
         "v2=00000000000000010000000000000005"},
        {"vpmsumb v2,v3,v4", {0x10432408}, "v3=ff03 v4=0203", "v2=1fb"},
        {"vmsumudm v2,v3,v4,v5",
         {0x10432163},
         "v3=00000000000000020000000000000003 v4=00000000000000050000000000000007 v5=ffffffffffffffffffffffffffffffff",
         "v2=1e",
         "p9"},
    });
}

// FIPS 197, appendix B: round 1 and round 10 of the cipher, and round 10 back.
TEST(Vmx, Aes_DoesTheStandardsExample) {
    check({
        {"vcipher v2,v3,v4",
         {0x10432508},
         "v3=193de3bea0f4e22b9ac68d2ae9f84808 v4=a0fafe1788542cb123a339392a6c7605",
         "v2=a49c7ff2689f352b6b5bea43026a5049"},
        {"vcipherlast v2,v3,v4",
         {0x10432509},
         "v3=eb40f21e592e38848ba113e71bc342d2 v4=d014f9a8c9ee2589e13f0cc8b6630ca6",
         "v2=3925841d02dc09fbdc118597196a0b32"},
        {"vncipher v2,v3,v4",
         {0x10432548},
         "v3=e9317db5cb322c723d2e895faf090794 v4=ac7766f319fadc2128d12941575c006e",
         "v2=876e46a6f24ce78c4d904ad897ecc395"},
        {"vncipherlast v2,v3,v4",
         {0x10432549},
         "v3=e9317db5cb322c723d2e895faf090794 v4=0",
         "v2=eb40f21e592e38848ba113e71bc342d2"},
        {"vsbox v2,v3", {0x104305c8}, "v3=00010253ff0000000000000000000063", "v2=637c77ed1663636363636363636363fb"},
    });
}

TEST(Vmx, ShaSigmas_AreChosenByElement) {
    check({
        {"vshasigmaw v2,v3,0,0",
         {0x10430682},
         "v3=00000001000000010000000100000001",
         "v2=02004000020040000200400002004000"},
        {"vshasigmaw v2,v3,0,10",
         {0x10435682},
         "v3=00000001000000010000000100000001",
         "v2=0000a000020040000000a00002004000"},
        {"vshasigmaw v2,v3,1,1",
         {0x10438e82},
         "v3=00000001000000010000000100000001",
         "v2=40080400400804004008040004200080"},
        {"vshasigmad v2,v3,0,2",
         {0x104316c2},
         "v3=00000000000000010000000000000001",
         "v2=81000000000000000000200000000008"},
        {"vshasigmad v2,v3,1,8",
         {0x1043c6c2},
         "v3=00000000000000010000000000000001",
         "v2=00044000008000000000001042000000"},
    });
}

// A NaN operand comes out quiet: VRA's, then the addend's, then the multiplier's. Without one, the default NaN.
TEST(Vmx, Floats_PropagateNans) {
    check({
        {"vaddfp v2,v3,v4", {0x1043200a}, "v3=7f800001 v4=7fc00002", "v2=7fc00001"},
        {"vaddfp v2,v3,v4", {0x1043200a}, "v3=3f800000 v4=ff800002", "v2=ffc00002"},
        {"vaddfp v2,v3,v4", {0x1043200a}, "v3=7f800000 v4=ff800000", "v2=7fc00000"},
        {"vsubfp v2,v3,v4", {0x1043204a}, "v3=7f800000 v4=7f800000", "v2=7fc00000"},
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=0 v4=7fc00004 v5=7fc00005", "v2=7fc00005"},
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=7fc00003 v4=7fc00004 v5=7fc00005", "v2=7fc00003"},
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=0 v4=7f800000 v5=0", "v2=7fc00000"},
        {"vnmsubfp v2,v3,v4,v5", {0x1043292f}, "v3=0 v4=ff800001 v5=0", "v2=800000008000000080000000ffc00001"},
        {"vmaxfp v2,v3,v4",
         {0x1043240a},
         "v3=80000000000000007f80000180000000 v4=0000000080000000000000007fc00000",
         "v2=00000000000000007fc000017fc00000"},
        {"vminfp v2,v3,v4", {0x1043244a}, "v3=8000000000000000 v4=0000000080000000", "v2=8000000080000000"},
    });
}

TEST(Vmx, MultiplyAdds_RoundOnce) {
    check({
        // (1 + 2^-23)(1 - 2^-23) - 1 = -2^-46
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=3f800001 v4=3f7ffffe v5=bf800000", "v2=a8800000"},
        {"vnmsubfp v2,v3,v4,v5",
         {0x1043292f},
         "v3=3f800001 v4=3f7ffffe v5=3f800000",
         "v2=80000000800000008000000028800000"},
        // -(1 * 1 - 1) is -0, and 0 * 0 + (-0) is +0
    });
}

// VSCR[NJ]: denormal operands are zeros, and so is a result that underflows, which is decided before rounding.
TEST(Vmx, NonJavaMode_FlushesDenormals) {
    check({
        {"vaddfp v2,v3,v4", {0x1043200a}, "v3=80000001 v4=00000001", "v2=0"},
        {"vaddfp v2,v3,v4", {0x1043200a}, "v3=00000001 v4=00000001", "v2=2"},
        {"vaddfp v2,v3,v4", {0x1043200a}, "v3=00000001 v4=3f800000 vscr=10000", "v2=3f800000"},
        {"vsubfp v2,v3,v4", {0x1043204a}, "v3=00800001 v4=00800000 vscr=10000", "v2=0"},
        {"vsubfp v2,v3,v4", {0x1043204a}, "v3=00800000 v4=00800001 vscr=10000", "v2=80000000"},
        // (1 + 2^-23) 2^-63 * (1 - 2^-23) 2^-63 is below 2^-126, but only just
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=20000001 v4=1ffffffe v5=0", "v2=00800000"},
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=20000001 v4=1ffffffe v5=0 vscr=10000", "v2=0"},
        {"vnmsubfp v2,v3,v4,v5",
         {0x1043292f},
         "v3=20000001 v4=1ffffffe v5=0 vscr=10000",
         "v2=80000000800000008000000080000000"},
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=20000000 v4=20000000 v5=0 vscr=10000", "v2=00800000"},
        // 2^-126 - 2^-200 and 2^-126 + 2^-200
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=0d800000 v4=8d800000 v5=00800000 vscr=10000", "v2=0"},
        {"vmaddfp v2,v3,v4,v5", {0x1043292e}, "v3=0d800000 v4=0d800000 v5=00800000 vscr=10000", "v2=00800000"},
        {"vcmpeqfp v2,v3,v4", {0x104320c6}, "v3=1 v4=80000002 vscr=10000", "v2=ffffffffffffffffffffffffffffffff"},
        {"vrfip v2,v3", {0x10401a8a}, "v3=1", "v2=3f800000"},
        {"vrfip v2,v3", {0x10401a8a}, "v3=1 vscr=10000", "v2=0"},
    });
}

TEST(Vmx, Conversions_TruncateAndSaturate) {
    check({
        {"vctsxs v2,v3,0", {0x10401bca}, "v3=4effffff3fffffffbfffffff7fc00000", "v2=7fffff8000000001ffffffff00000000"},
        {"vctsxs v2,v3,1", {0x10411bca}, "v3=3fc00000", "v2=3"},
        {"vctsxs v2,v3,0", {0x10401bca}, "v3=4f000000", "v2=7fffffff vscr=1"},
        {"vctsxs v2,v3,0", {0x10401bca}, "v3=ff800000", "v2=80000000 vscr=1"},
        {"vctuxs v2,v3,0", {0x10401b8a}, "v3=4f7fffffbf7fffff80000000ffc00000", "v2=ffffff00000000000000000000000000"},
        {"vctuxs v2,v3,0", {0x10401b8a}, "v3=bf800000", "v2=0 vscr=1"},
        {"vctuxs v2,v3,31", {0x105f1b8a}, "v3=3f800000", "v2=80000000"},
        {"vctuxs v2,v3,0", {0x10401b8a}, "v3=4f800000", "v2=ffffffff vscr=1"},
        {"vcfsx v2,v3,0", {0x10401b4a}, "v3=800000007fffffff0000000001000001", "v2=cf0000004f000000000000004b800000"},
        {"vcfux v2,v3,31", {0x105f1b0a}, "v3=80000000", "v2=3f800000"},
    });
}

TEST(Vmx, Rounding_KeepsTheSignOfZero) {
    check({
        {"vrfin v2,v3", {0x10401a0a}, "v3=3f0000003fc0000040200000bf000000", "v2=00000000400000004000000080000000"},
        {"vrfiz v2,v3", {0x10401a4a}, "v3=3f8fffffbf8fffffbf7fffff4b800001", "v2=3f800000bf800000800000004b800001"},
        {"vrfip v2,v3", {0x10401a8a}, "v3=3f800001bf8fffffbf7fffff00000001", "v2=40000000bf800000800000003f800000"},
        {"vrfim v2,v3", {0x10401aca}, "v3=3f8fffffbf8fffff8000000080000001", "v2=3f800000c000000080000000bf800000"},
    });
}

TEST(Vmx, FloatComparisons_AreFalseForNans) {
    check({
        {"vcmpeqfp. v2,v3,v4",
         {0x104324c6},
         "v3=7fc00000000000003f80000000000000 v4=7fc00000800000003f80000000000000",
         "v2=00000000ffffffffffffffffffffffff cr6=0"},
        {"vcmpgefp. v2,v3,v4", {0x104325c6}, "v3=80000000 v4=0", "v2=ffffffffffffffffffffffffffffffff cr6=8"},
        {"vcmpgtfp. v2,v3,v4", {0x104326c6}, "v3=7fc000007fc000007fc000007fc00000 v4=0", "v2=0 cr6=2"},
        {"vcmpbfp. v2,v3,v4",
         {0x104327c6},
         "v3=3f800000bf800000000000007fc00000 v4=3f8000003f8000003f8000003f800000",
         "v2=000000000000000000000000c0000000 cr6=0"},
        {"vcmpbfp. v2,v3,v4",
         {0x104327c6},
         "v3=3f800000bf8000000000000000000000 v4=3f8000003f8000000000000000000000",
         "v2=0 cr6=2"},
    });
}

// Exact where the ISA asks for it; elsewhere we give the rounded value, which lies within its bounds.
TEST(Vmx, Estimates_OfSpecialValues) {
    check({
        {"vrefp v2,v3", {0x1040190a}, "v3=0000000080000000ff80000040000000", "v2=7f800000ff800000800000003f000000"},
        {"vrsqrtefp v2,v3", {0x1040194a}, "v3=0000000080000000bf8000007f800000", "v2=7f800000ff8000007fc0000000000000"},
        {"vrsqrtefp v2,v3", {0x1040194a}, "v3=ff80000040800000 v4=0", "v2=7f8000007f8000007fc000003f000000"},
        {"vexptefp v2,v3", {0x1040198a}, "v3=ff8000007f8000000000000040400000", "v2=000000007f8000003f80000041000000"},
        {"vexptefp v2,v3", {0x1040198a}, "v3=c1e000003f00000041e00000c3000000", "v2=318000003fb504f34d80000000200000"},
        {"vlogefp v2,v3", {0x104019ca}, "v3=0000000080000000bf8000007f800000", "v2=ff800000ff8000007fc000007f800000"},
        {"vlogefp v2,v3", {0x104019ca}, "v3=3f80000041000000 v4=0", "v2=ff800000ff8000000000000040400000"},
    });
}

TEST(Vmx, Counts_AreOfEachElement) {
    check({
        {"vclzh v2,v3", {0x10401f42}, "v3=00018000", "v2=001000100010001000100010000f0000"},
        {"vctzd v2,v3", {0x105f1e02}, "v3=8", "v2=00000000000000400000000000000003", "p9"},
        {"vpopcntd v2,v3", {0x10401fc3}, "v3=ff", "v2=8"},
        {"vprtybq v2,v3", {0x104a1e02}, "v3=01000000000000000000000000000100", "v2=0", "p9"},
        {"vprtybw v2,v3",
         {0x10481e02},
         "v3=0100000001010000fe00000000000001",
         "v2=00000001000000000000000000000001",
         "p9"},
        {"vavgsb v2,v3,v4", {0x10432502}, "v3=807f v4=817f", "v2=817f"},
        {"vavguw v2,v3,v4", {0x10432482}, "v3=ffffffff v4=fffffffe", "v2=ffffffff"},
        {"vabsduh v2,v3,v4", {0x10432443}, "v3=0001ffff v4=ffff0001", "v2=fffefffe", "p9"},
        {"vextsb2d v2,v3", {0x10581e02}, "v3=80", "v2=ffffffffffffff80", "p9"},
        {"vnegd v2,v3", {0x10471e02}, "v3=8000000000000000", "v2=8000000000000000", "p9"},
        {"vsraw v2,v3,v4", {0x10432384}, "v3=80000000 v4=21", "v2=c0000000"},
        {"vrlb v2,v3,v4", {0x10432004}, "v3=81 v4=f1", "v2=3"},
    });
}

}  // namespace
}  // namespace mpower::jit::test
