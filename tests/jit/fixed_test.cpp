// Fixed-point, branch, storage and synchronisation instructions, case by case (instruction_case.h says how to read
// them).
#include <random>

#include "tests/campaign.h"
#include "tests/jit/instruction_case.h"

namespace mpower::jit::test {
namespace {

void check(const std::vector<InstructionCase>& cases) {
    for (const auto mode : {mmu::ReservationMode::kWeak, mmu::ReservationMode::kStrict}) {
        Bench bench(mode);
        for (const InstructionCase& c : cases) bench.check(c);
    }
}

// clang-format off: a line a case

// Book I 3.3.9.
TEST(Fixed, Arithmetic_SetsResultCarryAndOverflow) {
    check({
        {"addi r3,r0,-1", {0x3860ffff}, "r0=5", "r3=-1"},
        {"addi r3,r4,16", {0x38640010}, "r4=20", "r3=30"},
        {"addis r3,r4,-1", {0x3c64ffff}, "r4=1", "r3=ffffffffffff0001"},
        {"addpcis r3,1", {0x4c600005}, "", "r3=20004", "p9"},
        {"add r3,r4,r5", {0x7c642a14}, "r4=-1 r5=2", "r3=1"},
        {"addo. r3,r4,r5", {0x7c642e15}, "r4=7fffffffffffffff r5=1", "r3=8000000000000000 ov=1 so=1 cr0=9"},
        {"addo. r3,r4,r5", {0x7c642e15}, "so=1 ov=1 r4=1 r5=1", "r3=2 ov=0 cr0=5"},
        {"addo r3,r4,r5", {0x7c642e14}, "r4=7fffffff r5=1", "r3=80000000 ov32=1", "p9"},
        {"addo. r3,r4,r5", {0x7c642e15}, "r4=7fffffff r5=1", "r3=80000000 ov=1 so=1 cr0=9", "32"},
        {"add. r3,r4,r5", {0x7c642a15}, "r4=7fffffff r5=1", "r3=80000000 cr0=4"},
        {"addc r3,r4,r5", {0x7c642814}, "r4=-1 r5=1", "ca=1"},
        {"addc r3,r4,r5", {0x7c642814}, "r4=ffffffff r5=1", "r3=100000000"},
        {"addc r3,r4,r5", {0x7c642814}, "r4=ffffffff r5=1", "r3=100000000 ca32=1", "p9"},
        {"addc r3,r4,r5", {0x7c642814}, "r4=ffffffff r5=1", "r3=100000000 ca=1", "32"},
        {"adde r3,r4,r5", {0x7c642914}, "ca=1 r4=-1 r5=0", "r3=0 ca=1"},
        {"adde. r3,r4,r5", {0x7c642915}, "ca=1 r4=1 r5=2", "r3=4 ca=0 cr0=4"},
        {"addme r3,r4", {0x7c6401d4}, "r4=0", "r3=-1"},
        {"addme r3,r4", {0x7c6401d4}, "ca=1 r4=0", "r3=0 ca=1"},
        {"addze r3,r4", {0x7c640194}, "ca=1 r4=-1", "r3=0 ca=1"},
        {"addic r3,r4,-1", {0x3064ffff}, "r4=1", "ca=1"},
        {"addic. r3,r4,-1", {0x3464ffff}, "r4=0", "r3=-1 cr0=8"},
        {"subfic r3,r4,0", {0x20640000}, "r4=0", "ca=1"},
        {"subfic r3,r4,5", {0x20640005}, "r4=6", "r3=-1"},
        {"subf r3,r4,r5", {0x7c642850}, "r4=1 r5=3", "r3=2"},
        {"subfo. r3,r4,r5", {0x7c642c51}, "r4=1 r5=8000000000000000", "r3=7fffffffffffffff ov=1 so=1 cr0=5"},
        {"subfc r3,r4,r5", {0x7c642810}, "r4=3 r5=3", "ca=1"},
        {"subfc r3,r4,r5", {0x7c642810}, "r4=4 r5=3", "r3=-1"},
        {"subfe r3,r4,r5", {0x7c642910}, "r4=4 r5=3", "r3=-2"},
        {"subfze r3,r4", {0x7c640190}, "ca=1 r4=0", "r3=0 ca=1"},
        {"subfme r3,r4", {0x7c6401d0}, "ca=1 r4=0", "r3=-1 ca=1"},
        {"nego. r3,r4", {0x7c6404d1}, "r4=8000000000000000", "r3=8000000000000000 ov=1 so=1 cr0=9"},
        {"neg r3,r4", {0x7c6400d0}, "r4=1", "r3=-1"},
        {"addex r3,r4,r5,0", {0x7c642954}, "ov=1 r4=-1 r5=0", "r3=0 ov=1 ov32=1", "p9"},
        {"addex r3,r4,r5,0", {0x7c642954}, "ov=1 r4=1 r5=1", "r3=3 ov=0", "p9"},
    });
}

// Quotients that do not exist are undefined: 0 here.
TEST(Fixed, MultiplyAndDivide_SetResultAndOverflow) {
    check({
        {"mulli r3,r4,-3", {0x1c64fffd}, "r4=5", "r3=-f"},
        {"mullw r3,r4,r5", {0x7c6429d6}, "r4=ffffffff r5=2", "r3=-2"},
        {"mullwo. r3,r4,r5", {0x7c642dd7}, "r4=10000 r5=10000", "r3=100000000 ov=1 so=1 cr0=5"},
        {"mulldo r3,r4,r5", {0x7c642dd2}, "r4=100000000 r5=100000000", "r3=0 ov=1 so=1"},
        {"mulldo r3,r4,r5", {0x7c642dd2}, "r4=-1 r5=-1", "r3=1"},
        {"mulhd r3,r4,r5", {0x7c642892}, "r4=-1 r5=2", "r3=-1"},
        {"mulhdu r3,r4,r5", {0x7c642812}, "r4=-1 r5=2", "r3=1"},
        {"mulhw r3,r4,r5", {0x7c642896}, "r4=80000000 r5=4", "r3=fffffffefffffffe"},
        {"mulhwu r3,r4,r5", {0x7c642816}, "r4=80000000 r5=4", "r3=200000002"},
        {"maddhd r3,r4,r5,r6", {0x106429b0}, "r4=-1 r5=1 r6=0", "r3=-1", "p9"},
        {"maddhdu r3,r4,r5,r6", {0x106429b1}, "r4=-1 r5=-1 r6=-1", "r3=-1", "p9"},
        {"maddld r3,r4,r5,r6", {0x106429b3}, "r4=3 r5=4 r6=-1", "r3=b", "p9"},
        {"divw r3,r4,r5", {0x7c642bd6}, "r4=fffffff9 r5=2", "r3=fffffffd"},
        {"divwo r3,r4,r5", {0x7c642fd6}, "r4=80000000 r5=ffffffff", "ov=1 so=1"},
        {"divwuo r3,r4,r5", {0x7c642f96}, "r4=7 r5=0", "ov=1 so=1"},
        {"divwu r3,r4,r5", {0x7c642b96}, "r4=ffffffff00000007 r5=2", "r3=3"},
        {"divd r3,r4,r5", {0x7c642bd2}, "r4=-7 r5=2", "r3=-3"},
        {"divdo r3,r4,r5", {0x7c642fd2}, "r4=8000000000000000 r5=-1", "ov=1 so=1"},
        {"divdo r3,r4,r5", {0x7c642fd2}, "r4=8000000000000000 r5=-1", "ov=1 so=1 ov32=1", "p9"},
        {"divdu r3,r4,r5", {0x7c642b92}, "r4=-1 r5=10", "r3=fffffffffffffff"},
        {"divweu r3,r4,r5", {0x7c642b16}, "r4=1 r5=2", "r3=80000000"},
        {"divweuo r3,r4,r5", {0x7c642f16}, "r4=2 r5=2", "ov=1 so=1"},
        {"divwe r3,r4,r5", {0x7c642b56}, "r4=ffffffff r5=4", "r3=c0000000"},
        {"divde r3,r4,r5", {0x7c642b52}, "r4=1 r5=4", "r3=4000000000000000"},
        {"divdeo r3,r4,r5", {0x7c642f52}, "r4=1 r5=2", "ov=1 so=1"},
        {"divdeu r3,r4,r5", {0x7c642b12}, "r4=1 r5=2", "r3=8000000000000000"},
        {"modsw r3,r4,r5", {0x7c642e16}, "r4=fffffff9 r5=2", "r3=-1", "p9"},
        {"modud r3,r4,r5", {0x7c642a12}, "r4=-1 r5=10", "r3=f", "p9"},
        {"darn r3,0", {0x7c6005e6}, "", "r3=89abcdef", "p9"},
        {"darn r3,1", {0x7c6105e6}, "", "r3=123456789abcdef", "p9"},
    });
}

// Book I 2.5, 3.3.10.
TEST(Fixed, CompareAndConditionRegister_SetTheirFields) {
    check({
        {"cmpd cr2,r4,r5", {0x7d242800}, "r4=-1 r5=1", "cr2=8"},
        {"cmpld cr2,r4,r5", {0x7d242840}, "r4=-1 r5=1", "cr2=4"},
        {"cmpw r4,r5", {0x7c042800}, "r4=100000001 r5=1 so=1", "cr0=3"},
        {"cmpwi cr7,r4,-1", {0x2f84ffff}, "r4=ffffffff", "cr7=2"},
        {"cmplwi r4,0xffff", {0x2804ffff}, "r4=10000", "cr0=4"},
        {"cmprb cr1,0,r4,r5", {0x7c842980}, "r4=41 r5=5a41", "cr1=4", "p9"},
        {"cmprb cr1,1,r4,r5", {0x7ca42980}, "r4=7b r5=7a615a41", "cr1=0", "p9"},
        {"cmpeqb cr1,r4,r5", {0x7c8429c0}, "r4=3 r5=0003000000000000", "cr1=4", "p9"},
        {"mcrf cr1,cr6", {0x4c980000}, "cr6=a", "cr1=a"},
        {"crand 0,4,8", {0x4c044202}, "cr1=8 cr2=8", "cr0=8"},
        {"crnor 31,0,1", {0x4fe00842}, "cr7=4", "cr7=5"},
        {"creqv 6,6,6", {0x4cc63242}, "", "cr1=2"},
        {"crxor 6,6,6", {0x4cc63182}, "cr1=f", "cr1=d"},
        {"crorc 2,3,3", {0x4c431b42}, "", "cr0=2"},
        {"crandc 2,3,4", {0x4c432102}, "cr0=1", "cr0=3"},
        {"crnand 2,2,2", {0x4c4211c2}, "cr0=2", "cr0=0"},
        {"mfcr r3", {0x7c600026}, "cr0=1 cr1=2 cr7=f", "r3=1200000f"},
        {"mfocrf r3,0x40", {0x7c740026}, "cr0=1 cr1=2", "r3=2000000"},
        {"mtcrf 0x81,r3", {0x7c681120}, "r3=ffffffff12345678 cr1=f", "cr0=1 cr7=8"},
        {"mtocrf 0x08,r3", {0x7c708120}, "r3=12345678", "cr4=5"},
        {"mcrxrx cr3", {0x7d800480}, "ov=1 ca32=1", "cr3=9", "p9"},
        {"setb r3,cr3", {0x7c6c0100}, "cr3=8", "r3=-1", "p9"},
        {"setb r3,cr3", {0x7c6c0100}, "cr3=5", "r3=1", "p9"},
        {"isel r3,r4,r5,9", {0x7c642a5e}, "r4=1 r5=2 cr2=4", "r3=1"},
        {"isel r3,r0,r5,9", {0x7c602a5e}, "r0=7 r5=2 r3=9 cr2=4", "r3=0"},
    });
}

// Book I 3.3.13, 3.3.14.
TEST(Fixed, LogicRotateAndShift_GiveTheManualsResults) {
    check({
        {"andi. r3,r4,0xff00", {0x7083ff00}, "r4=-1", "r3=ff00 cr0=4"},
        {"andis. r3,r4,0x8000", {0x74838000}, "r4=ffffffff", "r3=80000000 cr0=4"},
        {"andis. r3,r4,0x8000", {0x74838000}, "r4=ffffffff", "r3=80000000 cr0=8", "32"},
        {"nop", {0x60000000}, "", ""},
        {"or r31,r31,r31", {0x7ffffb78}, "r31=5", ""},
        {"or. r3,r4,r4", {0x7c832379}, "r4=-1", "r3=-1 cr0=8"},
        {"oris r3,r4,1", {0x64830001}, "r4=2", "r3=10002"},
        {"xori r3,r4,0xffff", {0x6883ffff}, "r4=-1", "r3=ffffffffffff0000"},
        {"nand r3,r4,r5", {0x7c832bb8}, "r4=c r5=a", "r3=-9"},
        {"nor r3,r4,r5", {0x7c8328f8}, "r4=c r5=a", "r3=-f"},
        {"eqv r3,r4,r5", {0x7c832a38}, "r4=c r5=a", "r3=-7"},
        {"andc r3,r4,r5", {0x7c832878}, "r4=c r5=a", "r3=4"},
        {"orc r3,r4,r5", {0x7c832b38}, "r4=c r5=a", "r3=-3"},
        {"extsb. r3,r4", {0x7c830775}, "r4=80", "r3=-80 cr0=8"},
        {"extsh r3,r4", {0x7c830734}, "r4=18000", "r3=-8000"},
        {"extsw r3,r4", {0x7c8307b4}, "r4=180000000", "r3=-80000000"},
        {"cntlzw r3,r4", {0x7c830034}, "r4=ffffffff00000001", "r3=1f"},
        {"cntlzd r3,r4", {0x7c830074}, "r4=0", "r3=40"},
        {"cnttzw r3,r4", {0x7c830434}, "r4=100000000", "r3=20", "p9"},
        {"cnttzd r3,r4", {0x7c830474}, "r4=100000000", "r3=20", "p9"},
        {"cmpb r3,r4,r5", {0x7c832bf8}, "r4=1122334455667788 r5=1100330055007700", "r3=ff00ff00ff00ff00"},
        {"popcntb r3,r4", {0x7c8300f4}, "r4=ff0103", "r3=80102"},
        {"popcntw r3,r4", {0x7c8302f4}, "r4=ff00000003", "r3=800000002"},
        {"popcntd r3,r4", {0x7c8303f4}, "r4=-1", "r3=40"},
        {"prtyw r3,r4", {0x7c830134}, "r4=0100000001010100", "r3=100000001"},
        {"prtyd r3,r4", {0x7c830174}, "r4=0100000001010100", ""},
        {"bpermd r3,r4,r5", {0x7c8329f8}, "r4=000102030405ff3f r5=fc00000000000001", "r3=fd"},
        {"addg6s r3,r4,r5", {0x7c642894}, "r4=5 r5=b", "r3=6666666666666660"},
        {"cbcdtd r3,r4", {0x7c830274}, "r4=999", "r3=ff"},
        {"cdtbcd r3,r4", {0x7c830234}, "r4=ff", "r3=999"},
        {"rlwinm r3,r4,8,24,31", {0x5483463e}, "r4=12345678", "r3=12"},
        {"rlwinm. r3,r4,0,31,0", {0x548307c1}, "r4=80000001", "r3=8000000180000001 r4=80000001 cr0=8"},
        {"rlwnm r3,r4,r5,0,31", {0x5c83283e}, "r4=12345678 r5=24", "r3=23456781"},
        {"rlwimi r3,r4,4,0,27", {0x50832036}, "r3=a r4=1", "r3=1a"},
        {"rldicl r3,r4,8,56", {0x78834620}, "r4=1200000000000000", "r3=12"},
        {"rldicr r3,r4,8,47", {0x788343e4}, "r4=123456", "r3=12340000"},
        {"rldic r3,r4,4,48", {0x78832428}, "r4=fffff", "r3=fff0"},
        {"rldimi r3,r4,16,32", {0x7883802c}, "r3=ffffffff0000ffff r4=1234", "r3=ffffffff1234ffff"},
        {"rldcl r3,r4,r5,32", {0x78832830}, "r4=1 r5=44", "r3=10"},
        {"rldcr r3,r4,r5,31", {0x78832fd2}, "r4=1 r5=60", "r3=100000000"},
        {"slw r3,r4,r5", {0x7c832830}, "r4=ffffffff r5=4", "r3=fffffff0"},
        {"slw r3,r4,r5", {0x7c832830}, "r4=ffffffff r5=20", ""},
        {"srw r3,r4,r5", {0x7c832c30}, "r4=ffffffff80000000 r5=1f", "r3=1"},
        {"sld r3,r4,r5", {0x7c832836}, "r4=1 r5=3f", "r3=8000000000000000"},
        {"sld r3,r4,r5", {0x7c832836}, "r4=1 r5=40", ""},
        {"srd r3,r4,r5", {0x7c832c36}, "r4=-1 r5=80", "r3=-1"},
        {"srawi r3,r4,1", {0x7c830e70}, "r4=ffffffff", "r3=-1 ca=1"},
        {"srawi. r3,r4,1", {0x7c830e71}, "r4=fffffffe ca=1", "r3=-1 ca=0 cr0=8"},
        {"sraw r3,r4,r5", {0x7c832e30}, "r4=80000000 r5=3f", "r3=-1 ca=1"},
        {"sraw r3,r4,r5", {0x7c832e30}, "r4=80000000 r5=3f", "r3=-1 ca=1 ca32=1", "p9"},
        {"sradi r3,r4,63", {0x7c83fe76}, "r4=8000000000000000", "r3=-1"},
        {"srad r3,r4,r5", {0x7c832e34}, "r4=8000000000000001 r5=40", "r3=-1 ca=1"},
        {"extswsli r3,r4,4", {0x7c8326f4}, "r4=80000000", "r3=-800000000", "p9"},
    });
}

// Book I 2.4. The LR is set whether or not the branch is taken.
TEST(Fixed, Branches_GoWhereBoAndBiSay) {
    check({
        {"b .+0x100", {0x48000100}, "", "nip=+100"},
        {"bl .-0x10", {0x4bfffff1}, "", "nip=fff0 lr=+4"},
        {"ba 0x2000000-0x1fff000", {0x48001002}, "", "nip=1000"},
        {"bdnz .+8", {0x42000008}, "ctr=2", "ctr=1 nip=+8"},
        {"bdnz .+8", {0x42000008}, "ctr=1", "ctr=0"},
        {"bdnz .+8", {0x42000008}, "ctr=0", "ctr=-1 nip=+8"},
        {"bdz .+8", {0x42400008}, "ctr=1", "ctr=0 nip=+8"},
        {"bdnz .+8", {0x42000008}, "ctr=100000001", "ctr=100000000 nip=+4", "32"},
        {"beq .+8", {0x41820008}, "cr0=2", "nip=+8"},
        {"beq .+8", {0x41820008}, "cr0=d", ""},
        {"bnsl cr7,.+8", {0x409f0009}, "cr7=1", "lr=+4"},
        {"bdnzt lt,.+8", {0x41000008}, "ctr=5 cr0=0", "ctr=4"},
        {"bdnzt lt,.+8", {0x41000008}, "ctr=5 cr0=8", "ctr=4 nip=+8"},
        {"bdzf eq,.+8", {0x40420008}, "ctr=1 cr0=0", "ctr=0 nip=+8"},
        {"blr", {0x4e800020}, "lr=20003", "nip=20000"},
        {"blrl", {0x4e800021}, "lr=20000", "nip=20000 lr=+4"},
        {"bdnzlr", {0x4e000020}, "lr=20000 ctr=1", "ctr=0"},
        {"bctr", {0x4e800420}, "ctr=20002", "nip=20000"},
        {"bctr", {0x4e800420}, "ctr=f00020000", "nip=20000", "32"},
        {"beqctrl", {0x4d820421}, "ctr=20000 cr0=0", "lr=+4"},
        {"bctar", {0x4e800460}, "tar=20000", "nip=20000"},
        {"bca 12,2,0x100", {0x41820102}, "cr0=2", "nip=100"},
        {"bca 12,2,0x100", {0x41820102}, "cr0=d", ""},
        {"bcla 12,2,0x100", {0x41820103}, "cr0=2", "nip=100 lr=+4"},
        {"bctar", {0x4e800460}, "tar=20000", "int=f60 fscr=0800000000000000", "pr"},
        {"bctar", {0x4e800460}, "tar=20000 fscr=100", "nip=20000", "pr"},
        {"bcctr 16,0 (CTR both counter and target)", {0x4e000420}, "ctr=20000", "int=700 srr1=80000"},
        {"isync", {0x4c00012c}, "", ""},
    });
}

// Book I 3.3.11; SRR1 bit 46.
TEST(Fixed, Traps_AreProgramInterrupts_WhenTheConditionHolds) {
    check({
        {"trap", {0x7fe00008}, "", "int=700 srr1=20000"},
        {"tweq r4,r5", {0x7c842808}, "r4=100000001 r5=1", "int=700 srr1=20000"},
        {"tdeq r4,r5", {0x7c842888}, "r4=100000001 r5=1", ""},
        {"twlti r4,0", {0x0e040000}, "r4=80000000", "int=700 srr1=20000"},
        {"tdlti r4,0", {0x0a040000}, "r4=80000000", ""},
        {"twllei r4,5", {0x0cc40005}, "r4=6", ""},
        {"tdlgei r4,-1", {0x08a4ffff}, "r4=-1", "int=700 srr1=20000"},
        {"twgt r4,r5", {0x7d042808}, "r4=1 r5=ffffffff", "int=700 srr1=20000"},
    });
}

// Book I 3.3.2-3.3.5.
TEST(Fixed, LoadsAndStores_UseTheByteOrderAndUpdateRa) {
    check({
        {"lbz r3,0x10(r4)", {0x88640010}, "r4=2000 m2010=80", "r3=80"},
        {"lhz r3,-2(r4)", {0xa064fffe}, "r4=2002 m2000=8001", "r3=8001"},
        {"lha r3,0(r4)", {0xa8640000}, "r4=2000 m2000=8001", "r3=-7fff"},
        {"lhau r3,2(r4)", {0xac640002}, "r4=2000 m2002=8001", "r3=-7fff r4=2002"},
        {"lwz r3,0x2000(0)", {0x80602000}, "m2000=80000001", "r3=80000001"},
        {"lwa r3,0(r4)", {0xe8640002}, "r4=2000 m2000=80000001", "r3=-7fffffff"},
        {"lwaux r3,r4,r5", {0x7c642aea}, "r4=2000 r5=4 m2004=80000001", "r3=-7fffffff r4=2004"},
        {"ld r3,8(r4)", {0xe8640008}, "r4=2000 m2008=0102030405060708", "r3=102030405060708"},
        {"ld r3,8(r4)", {0xe8640008}, "r4=2000 m2008=0102030405060708", "r3=807060504030201", "le"},
        {"lwz r3,0(r4)", {0x80640000}, "r4=f00002000 m2000=01020304", "r3=1020304", "32"},
        {"lwzu r3,4(r4)", {0x84640004}, "r4=f00002000 m2004=01020304", "r3=1020304 r4=f00002004", "32"},
        {"ldx r3,0,r4", {0x7c60202a}, "r0=5 r4=2000 m2000=0000000000000001", "r3=1"},
        {"stb r3,0(r4)", {0x98640000}, "r3=1234 r4=2000", "m2000=34"},
        {"sthu r3,2(r4)", {0xb4640002}, "r3=1234 r4=2000", "m2002=1234 r4=2002"},
        {"stw r3,1(r4)", {0x90640001}, "r3=12345678 r4=2000", "m2001=12345678"},
        {"stw r3,1(r4)", {0x90640001}, "r3=12345678 r4=2000", "m2001=78563412", "le"},
        {"stdu r4,8(r4)", {0xf8840009}, "r4=2000", "m2008=0000000000002000 r4=2008"},
        {"stdux r3,r4,r5", {0x7c64296a}, "r3=1 r4=2000 r5=10", "m2017=01 r4=2010"},
        {"lhbrx r3,r4,r5", {0x7c642e2c}, "r4=2000 r5=0 m2000=0102", "r3=201"},
        {"lwbrx r3,r4,r5", {0x7c642c2c}, "r4=2000 m2000=01020304", "r3=4030201"},
        {"lwbrx r3,r4,r5", {0x7c642c2c}, "r4=2000 m2000=01020304", "r3=1020304", "le"},
        {"ldbrx r3,r4,r5", {0x7c642c28}, "r4=2000 m2000=0102030405060708", "r3=807060504030201"},
        {"sthbrx r3,0,r4", {0x7c60272c}, "r4=2000 r3=1122", "m2000=2211"},
        {"stwbrx r3,0,r4", {0x7c60252c}, "r4=2000 r3=11223344", "m2000=44332211"},
        {"stdbrx r3,0,r4", {0x7c602528}, "r4=2000 r3=1122334455667788", "m2000=8877665544332211"},
        {"lmw r30,0(r4)", {0xbbc40000}, "r4=2000 m2000=0000000100000002 r30=-1", "r30=1 r31=2"},
        {"stmw r30,2(r4)", {0xbfc40002}, "r4=2000 r30=1 r31=ffffffff00000002", "m2005=01 m2009=02"},
        {"lswi r30,r4,9", {0x7fc44caa}, "r4=2000 m2000=010203040506070809 r5=-1", "r30=1020304 r31=5060708 r0=9000000"},
        {"lswi r30,r4,9", {0x7fc44caa}, "r4=2000", "int=600 dar=2000", "le"},
        {"stswi r31,r4,6", {0x7fe435aa}, "r4=2000 r31=01020304 r0=05060708", "m2000=010203040506"},
        {"lswx r6,r4,r5", {0x7cc42c2a}, "r4=2000 r5=1 count=5 m2001=0102030405 r7=-1 r8=-1", "r6=1020304 r7=5000000"},
        {"lswx r6,r4,r5", {0x7cc42c2a}, "r4=2000 count=0 r6=1", ""},
        {"stswx r6,r4,r5", {0x7cc42d2a}, "r4=2000 count=3 r6=01020304", "m2000=010203"},
        {"stswx r6,r4,r5", {0x7cc42d2a}, "r4=2000 count=3", "int=600 dar=2000", "le"},
        {"lmw r30,0(r4)", {0xbbc40000}, "r4=2000", "int=600 dar=2000", "le"},
        {"stmw r30,0(r4)", {0xbfc40000}, "r4=2004", "int=600 dar=2004", "le"},
        {"lq r6,0(r4)", {0xe0c40000}, "r4=2000 m2000=000000000000000a000000000000000b", "r6=a r7=b"},
        {"lq r6,0(r4)", {0xe0c40000}, "r4=2000 m2000=0a000000000000000b00000000000000", "r6=b r7=a", "le pr"},
        {"lq r6,0(r4)", {0xe0c40000}, "r4=2008", "int=600 dar=2008"},
        {"stq r6,0x10(r4)", {0xf8c40012}, "r4=2000 r6=a r7=b", "m2017=0a m201f=0b"},
        {"stq r6,0(r4)", {0xf8c40002}, "r4=2000 r6=a r7=b", "m2000=0b m2008=0a", "le"},
        {"stq r6,0(r4)", {0xf8c40002}, "r4=2001", "int=600 dar=2001"},
    });
}

// Book II 4.6.2: CR0 is 0b00, stored, SO.
TEST(Fixed, Reservations_StoreOnlyWhileTheyLast) {
    check({
        {"lwarx r3,0,r4; stwcx. r5,0,r4",
         {0x7c602028, 0x7ca0212d},
         "r4=2000 r5=7 m2000=01020304",
         "r3=1020304 m2000=00000007 cr0=2"},
        {"lwarx r3,0,r4; stwcx. r5,0,r4",
         {0x7c602028, 0x7ca0212d},
         "r4=2000 r5=7 so=1 m2000=01020304",
         "r3=4030201 m2000=07000000 cr0=3",
         "le"},
        {"stwcx. r5,0,r4", {0x7ca0212d}, "r4=2000 r5=7 cr0=f", "cr0=0"},
        {"ldarx r3,0,r4; stdcx. r5,0,r4; stdcx. r6,0,r4",
         {0x7c6020a8, 0x7ca021ad, 0x7cc021ad},
         "r4=2000 r5=7 r6=8",
         "m2007=07 cr0=0"},
        {"lbarx r3,0,r4; stbcx. r5,0,r4", {0x7c602068, 0x7ca0256d}, "r4=2001 r5=107", "m2001=07 cr0=2"},
        {"lharx r3,0,r4; sthcx. r5,0,r4", {0x7c6020e8, 0x7ca025ad}, "r4=2002 r5=10007", "m2003=07 cr0=2"},
        {"lqarx r6,0,r4; stqcx. r8,0,r4",
         {0x7cc02228, 0x7d00216d},
         "r4=2000 r8=1 r9=2 m2000=11 m2008=22",
         "r6=1100000000000000 r7=2200000000000000 m2000=0000000000000001 m2008=0000000000000002 cr0=2"},
        // Another address, size, or larx since: nothing is stored, and the reservation is gone.
        {"lwarx r3,0,r4; stwcx. r5,0,r6", {0x7c602028, 0x7ca0312d}, "r4=2000 r5=7 r6=2004", "cr0=0"},
        {"lwarx r3,0,r4; stdcx. r5,0,r4", {0x7c602028, 0x7ca021ad}, "r4=2000 r5=7", "cr0=0"},
        {"lwarx r3,0,r4; stwcx. r5,0,r6; stwcx. r5,0,r4",
         {0x7c602028, 0x7ca0312d, 0x7ca0212d},
         "r4=2000 r5=7 r6=2004",
         "cr0=0"},
        {"lwarx r3,0,r4; lwarx r3,0,r6; stwcx. r5,0,r4",
         {0x7c602028, 0x7c603028, 0x7ca0212d},
         "r4=2000 r5=7 r6=2004",
         "cr0=0"},
        // Stores of one's own: beside the word, they leave the reservation; the value that was loaded must be there.
        {"lwarx r3,0,r4; stw r5,4(r4); stwcx. r5,0,r4",
         {0x7c602028, 0x90a40004, 0x7ca0212d},
         "r4=2000 r5=7",
         "m2003=07 m2007=07 cr0=2"},
        {"lwarx r3,0,r4; stb r5,0(r4); stwcx. r5,0,r4",
         {0x7c602028, 0x98a40000, 0x7ca0212d},
         "r4=2000 r5=7",
         "m2000=07 cr0=0"},
        {"lwarx r3,0,r4; stw r5,0(r4); stwcx. r6,0,r4; lwarx r3,0,r4; stwcx. r6,0,r4",
         {0x7c602028, 0x90a40000, 0x7cc0212d, 0x7c602028, 0x7cc0212d},
         "r4=2000 r5=7 r6=8",
         "r3=7 m2003=08 cr0=2"},
        {"ldarx r3,0,r4; stdx r5,0,r6; stdcx. r5,0,r4",
         {0x7c6020a8, 0x7ca0312a, 0x7ca021ad},
         "r4=2080 r5=7 r6=20fd",
         "m2087=07 m2104=07 cr0=2"},
        {"lwarx r4,0,r4; addi r4,r4,1; stwcx. r4,0,r5",
         {0x7c802028, 0x38840001, 0x7c80292d},
         "r4=2000 r5=2000 m2000=000000ff",
         "r4=100 m2000=00000100 cr0=2"},
        {"lwarx r3,0,r4; stwcx. r4,0,r4", {0x7c602028, 0x7c80212d}, "r4=2000", "m2000=00002000 cr0=2"},
        {"lwarx r3,0,r4", {0x7c602028}, "r4=2002", "int=600 dar=2002"},
        {"stdcx. r3,0,r4", {0x7c6021ad}, "r4=2004", "int=600 dar=2004"},
        {"lqarx r6,0,r4", {0x7cc02228}, "r4=2008", "int=600 dar=2008"},
    });
}

// ISA 3.0, Book II 4.5; functions 24, 25 and 28 use a neighbour.
TEST(Fixed, AtomicMemoryOperations_ChangeStorageAndReturnTheOldValue) {
    check({
        {"lwat r6,r4,0", {0x7cc4048c}, "r4=2000 r7=5 m2000=ffffffff r6=-1", "r6=ffffffff m2000=00000004", "p9"},
        {"ldat r6,r4,1", {0x7cc40ccc}, "r4=2000 r7=f m2000=00000000000000ff", "r6=ff m2007=f0", "p9"},
        {"ldat r6,r4,2", {0x7cc414cc}, "r4=2000 r7=f m2000=00000000000000f0", "r6=f0 m2007=ff", "p9"},
        {"ldat r6,r4,3", {0x7cc41ccc}, "r4=2000 r7=f m2000=000000000000003c", "r6=3c m2007=0c", "p9"},
        {"lwat r6,r4,4", {0x7cc4248c}, "r4=2000 r7=80000000 m2000=00000001", "r6=1 m2000=80000000", "p9"},
        {"lwat r6,r4,5", {0x7cc42c8c}, "r4=2000 r7=80000000 m2000=00000001", "r6=1", "p9"},
        {"lwat r6,r4,6", {0x7cc4348c}, "r4=2000 r7=80000000 m2000=00000001", "r6=1", "p9"},
        {"lwat r6,r4,7", {0x7cc43c8c}, "r4=2000 r7=80000000 m2000=00000001", "r6=1 m2000=80000000", "p9"},
        {"lwat r6,r4,8", {0x7cc4448c}, "r4=2000 r7=5 m2000=00000001", "r6=1 m2003=05", "p9"},
        {"lwat r31,r4,8", {0x7fe4448c}, "r4=2000 r0=5 m2000=00000001", "r31=1 m2003=05", "p9"},
        {"ldat r6,r4,16", {0x7cc484cc}, "r4=2000 r7=1 r8=9 m2000=0000000000000002", "r6=2 m2007=09", "p9"},
        {"ldat r6,r4,16", {0x7cc484cc}, "r4=2000 r7=2 r8=9 m2000=0000000000000002", "r6=2", "p9"},
        {"lwat r6,r4,24", {0x7cc4c48c}, "r4=2000 m2000=0000000100000003", "r6=1 m2003=02", "p9"},
        {"lwat r6,r4,24", {0x7cc4c48c}, "r4=2000 m2000=0000000300000003", "r6=80000000", "p9"},
        {"ldat r6,r4,25", {0x7cc4cccc}, "r4=2000 m2007=03 m200f=03", "r6=3 m2007=04", "p9"},
        {"ldat r6,r4,25", {0x7cc4cccc}, "r4=2000 m2007=03 m200f=04", "r6=8000000000000000", "p9"},
        {"lwat r6,r4,28", {0x7cc4e48c}, "r4=2004 m2000=0000000000000003", "r6=3 m2007=02", "p9"},
        {"lwat r6,r4,28", {0x7cc4e48c}, "r4=2004 m2000=0000000300000003", "r6=80000000", "p9"},
        {"lwat r6,r4,28", {0x7cc4e48c}, "r4=2020", "int=600 dar=2020", "p9"},
        {"lwat r6,r4,24", {0x7cc4c48c}, "r4=201c", "int=600 dar=201c", "p9"},
        {"lwat r6,r4,9", {0x7cc44c8c}, "r4=2000 ", "int=300 dar=2000 dsisr=4", "p9"},
        {"lwat r6,r4,0", {0x7cc4048c}, "r4=2002", "int=600 dar=2002", "p9"},
        {"stwat r6,r4,0", {0x7cc4058c}, "r4=2000 r6=2 m2000=00000001", "m2003=03", "p9"},
        {"stdat r6,r4,5", {0x7cc42dcc}, "r4=2000 r6=-1 m2000=0000000000000001", "", "p9"},
        {"stdat r6,r4,24", {0x7cc4c5cc}, "r4=2000 r6=7 m2007=03 m200f=03", "m2007=07 m200f=07", "p9"},
        {"stdat r6,r4,24", {0x7cc4c5cc}, "r4=2000 r6=7 m2007=03 m200f=04", "", "p9"},
        {"stwat r6,r4,8", {0x7cc4458c}, "r4=2000 ", "int=300 dar=2000 dsisr=4", "p9"},
    });
}

// Book II 4.3, 4.4; a cache line has 128 bytes.
TEST(Fixed, CacheAndBarriers_OnlyDcbzChangesStorage) {
    check({
        {"dcbz 0,r4", {0x7c0027ec}, "r4=20ff m207f=01 m2080=02 m20ff=03 m2100=04", "m2080=00 m20ff=00"},
        {"dcbzl 0,r4", {0x7c2027ec}, "r4=20ff m207f=01 m2080=02 m20ff=03 m2100=04", "m2080=00 m20ff=00"},
        {"dcbt 0,r4", {0x7c00222c}, "r4=2000 m2000=0102", ""},
        {"dcbtst 0,r4", {0x7c0021ec}, "r4=2000 m2000=0102", ""},
        {"dcbst 0,r4", {0x7c00206c}, "r4=2000 m2000=0102", ""},
        {"dcbf 0,r4", {0x7c0020ac}, "r4=2000 m2000=0102", ""},
        {"icbt 0,0,r4", {0x7c00202c}, "r4=2000 m2000=0102", ""},
        {"icbi 0,r4", {0x7c0027ac}, "r4=2000 m2000=0102", ""},
        {"sync", {0x7c0004ac}, "r4=2000 m2000=0102", ""},
        {"lwsync", {0x7c2004ac}, "r4=2000 m2000=0102", ""},
        {"ptesync", {0x7c4004ac}, "r4=2000 m2000=0102", ""},
        {"eieio", {0x7c0006ac}, "r4=2000 m2000=0102", ""},
        {"dssall", {0x7e00066c}, "r4=2000 m2000=0102", ""},
        {"copy r4,r5", {0x7c242e0c}, "r4=2000", "", "p9"},
        {"cpabort", {0x7c00068c}, "", "", "p9"},
        {"paste. r4,r5", {0x7c242f0d}, "r4=2000 so=1", "cr0=1", "p9"},
    });
}

// SRR1 bit 44 (bit 45 for privileged ones in problem state).
TEST(Fixed, InvalidFormsAndLaterInstructions_AreIllegal) {
    check({
        {"lwzu r3,0(0)", {0x84600000}, "r4=2000", "int=700 srr1=80000"},
        {"lwzu r4,0(r4)", {0x84840000}, "r4=2000", "int=700 srr1=80000"},
        {"stwu r3,0(0)", {0x94600000}, "r4=2000", "int=700 srr1=80000"},
        {"ldu r4,0(r4)", {0xe8840001}, "r4=2000", "int=700 srr1=80000"},
        {"lbzux r3,0,r4", {0x7c6020ee}, "r4=2000", "int=700 srr1=80000"},
        {"stdux r3,0,r4", {0x7c60216a}, "r4=2000", "int=700 srr1=80000"},
        {"lmw r3,0(r4)", {0xb8640000}, "r4=2000", "int=700 srr1=80000"},
        {"lswi r3,r4,8", {0x7c6444aa}, "r4=2000", "int=700 srr1=80000"},
        {"lq r7,0(r4)", {0xe0e40000}, "r4=2000", "int=700 srr1=80000"},
        {"lq r4,0(r4)", {0xe0840000}, "r4=2000", "int=700 srr1=80000"},
        {"stq r7,0(r4)", {0xf8e40002}, "r4=2000", "int=700 srr1=80000"},
        {"lqarx r4,0,r4", {0x7c802228}, "r4=2000", "int=700 srr1=80000"},
        {"stqcx. r7,0,r4", {0x7ce0216d}, "r4=2000", "int=700 srr1=80000"},
        {".long 0", {0x00000000}, "", "int=700 srr1=80000"},
        {"modsd r3,r4,r5", {0x7c642e12}, "", "int=700 srr1=80000"},
        {"setb r3,cr0", {0x7c600100}, "", "int=700 srr1=80000"},
        {"addpcis r3,0", {0x4c600004}, "", "int=700 srr1=80000"},
        {"lwat r3,r4,0", {0x7c64048c}, "", "int=700 srr1=80000"},
        {"maddld r3,r4,r5,r6", {0x106429b3}, "", "int=700 srr1=80000"},
        {"cmpeqb cr0,r4,r5", {0x7c0429c0}, "", "int=700 srr1=80000"},
        {"addex r3,r4,r5,0", {0x7c642954}, "", "int=700 srr1=80000"},
        {"extswsli r3,r4,1", {0x7c830ef4}, "", "int=700 srr1=80000"},
        {"mcrxrx cr0", {0x7c000480}, "", "int=700 srr1=80000"},
        {"wait", {0x7c00003c}, "", "int=700 srr1=80000"},
        {"addex r3,r4,r5,1", {0x7c642b54}, "", "int=700 srr1=80000", "p9"},
        {"ldcix r3,0,r4", {0x7c6026ea}, "", "int=700 srr1=80000"},
        {"ldcix r3,0,r4", {0x7c6026ea}, "", "int=700 srr1=40000", "pr"},
        {"dcbi 0,r4", {0x7c0023ac}, "", "int=700 srr1=40000", "pr"},
    });
}

// clang-format on

/// The add and subtract family (Book I 3.3.9): RT <- (RA or its complement) + y + carry.
struct Sum {
    const char* name;
    u32 xo;
    bool complement;
    enum { kRb, kZero, kMinusOne } y;
    enum { kNoCarry, kOne, kCa } carry;
    bool sets_ca;
};
constexpr Sum kSums[] = {
    {"add", 266, false, Sum::kRb, Sum::kNoCarry, false},   {"subf", 40, true, Sum::kRb, Sum::kOne, false},
    {"addc", 10, false, Sum::kRb, Sum::kNoCarry, true},    {"subfc", 8, true, Sum::kRb, Sum::kOne, true},
    {"adde", 138, false, Sum::kRb, Sum::kCa, true},        {"subfe", 136, true, Sum::kRb, Sum::kCa, true},
    {"addme", 234, false, Sum::kMinusOne, Sum::kCa, true}, {"subfme", 232, true, Sum::kMinusOne, Sum::kCa, true},
    {"addze", 202, false, Sum::kZero, Sum::kCa, true},     {"subfze", 200, true, Sum::kZero, Sum::kCa, true},
    {"neg", 104, true, Sum::kZero, Sum::kOne, false},
};

/// CA and OV of x + y + carry on `bits` bits, from 128-bit sums.
std::pair<u64, u64> carry_and_overflow(u64 x, u64 y, u64 carry, unsigned bits) {
    const auto low = [&](u64 v) { return v << (64 - bits) >> (64 - bits); };
    const u128 unsigned_sum = u128{low(x)} + low(y) + carry;
    const i128 signed_sum = i128{sign_extend(x, bits)} + sign_extend(y, bits) + static_cast<i128>(carry);
    return {static_cast<u64>(unsigned_sum >> bits) & 1, signed_sum != sign_extend(static_cast<u64>(signed_sum), bits)};
}

// qemu-user has no 32-bit mode of a 64-bit processor, so the differential test does not see this.
TEST(Fixed, SumsCarryAndOverflowAtTheWidthOfTheMode) {
    const u64 seed = campaign_seed();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    constexpr u64 kCorners[] = {
        0, 1, ~u64{0}, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, u64{1} << 63, 0x100000000};
    const auto operand = [&] { return random() % 2 ? kCorners[random() % std::size(kCorners)] : random(); };
    Bench bench;
    for (int n = 0; n < 3000; ++n) {
        const Sum& sum = kSums[random() % std::size(kSums)];
        const bool narrow = random() % 2, isa300 = random() % 2;
        const u64 ra = operand(), rb = operand(), ca = random() % 2;
        const u64 x = sum.complement ? ~ra : ra, y = sum.y == Sum::kRb ? rb : sum.y == Sum::kZero ? 0 : ~u64{0};
        const u64 carry = sum.carry == Sum::kNoCarry ? 0 : sum.carry == Sum::kOne ? 1 : ca;
        const u64 r = x + y + carry;
        const auto [ca64, ov64] = carry_and_overflow(x, y, carry, 64);
        const auto [ca32, ov32] = carry_and_overflow(x, y, carry, 32);
        const u64 ov = narrow ? ov32 : ov64;
        const i64 compared = narrow ? sign_extend(r, 32) : static_cast<i64>(r);
        std::string after = fmt::format("r3={:x} ov={} so={} cr0={}", r, ov, ov,
                                        (compared < 0   ? 8
                                         : compared > 0 ? 4
                                                        : 2) |
                                            ov);
        if (sum.sets_ca) after += fmt::format(" ca={}", narrow ? ca32 : ca64);
        if (isa300) after += fmt::format(" ov32={}", ov32);
        if (isa300 && sum.sets_ca) after += fmt::format(" ca32={}", ca32);
        const u32 rb_field = sum.y == Sum::kRb ? 5 << 11 : 0;
        bench.check({.text = sum.name,
                     .words = {31u << 26 | 3 << 21 | 4 << 16 | rb_field | 1 << 10 | sum.xo << 1 | 1},
                     .before = fmt::format("r4={:x} r5={:x} ca={}", ra, rb, ca),
                     .after = after,
                     .mode = narrow ? (isa300 ? "32 p9" : "32") : (isa300 ? "p9" : "")});
    }
}

}  // namespace
}  // namespace mpower::jit::test
