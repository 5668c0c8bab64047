// What the goldens count: words of instructions, and typical blocks.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace mpower::jit::test {

/// Words of rows whose operands cannot be just anything (golden_test.cpp, typical_word).
inline const std::map<std::string_view, u32> kWords = {
    {"b", 0x48000010},       // b .+16
    {"bc", 0x41860010},      // beq cr1,.+16
    {"bclr", 0x4e800020},    // blr
    {"bcctr", 0x4e800420},   // bctr
    {"bctar", 0x4e800460},   // bctar
    {"mfocrf", 0x7c940026},  // mfocrf r4,0x40
    {"mtocrf", 0x7c940120},  // mtocrf 0x40,r4
    {"mfspr", 0x7c8802a6},   // mflr r4
    {"mtspr", 0x7c8803a6},   // mtlr r4
    {"mftb", 0x7c8c42e6},    // mftb r4
    // pairs of registers: 4, 6, 6
    {"daddq", 0xfc863004},
    {"dsubq", 0xfc863404},
    {"dmulq", 0xfc863044},
    {"ddivq", 0xfc863444},
    {"dcmpuq", 0xfc863504},
    {"dcmpoq", 0xfc863104},
    {"dquaq", 0xfc863006},
    {"dscliq", 0xfc863084},
    {"dscriq", 0xfc8630c4},
    {"dtstdcq", 0xfc863184},
    {"dtstdgq", 0xfc8631c4},
    {"dtstexq", 0xfc863144},
    {"lswi", 0x7c8524aa},    // lswi r4,r5,4
    {"lmw", 0xbba50010},     // lmw r29,16(r5)
    {"stmw", 0xbfa50010},    // stmw r29,16(r5)
    {"rlwinm", 0x54a4421e},  // rlwinm r4,r5,8,8,15
    {"sc", 0x44000002},      // sc 0
};

struct Variant {
    std::string text;
    u32 word;
};

/// Other forms of rows.
inline const std::vector<Variant> kVariants = {
    {"add. r4,r5,r6", 0x7c853215},
    {"addo r4,r5,r6", 0x7c853614},
    {"addo. r4,r5,r6", 0x7c853615},
    {"adde. r4,r5,r6", 0x7c853115},
    {"subfco. r4,r5,r6", 0x7c853411},
    {"li r4,1", 0x38800001},
    {"lis r4,1", 0x3c800001},
    {"mr r4,r5", 0x7ca42b78},
    {"cmpd r5,r6", 0x7c253000},
    {"cmpld r5,r6", 0x7c253040},
    {"cmpdi r5,1", 0x2c250001},
    {"mullw. r4,r5,r6", 0x7c8531d7},
    {"srawi. r4,r5,6", 0x7ca43671},
    {"rlwinm. r4,r5,8,8,15", 0x54a4421f},
    {"sldi r4,r5,3", 0x78a41f24},
    {"rotldi r4,r5,3", 0x78a41800},
    {"clrldi r4,r5,32", 0x78a40020},
    {"mfcr r4", 0x7c800026},
    {"mtcrf 0x80,r4", 0x7c880120},
    {"mtcrf 0xff,r4", 0x7c8ff120},
    {"mfctr r4", 0x7c8902a6},
    {"mtctr r4", 0x7c8903a6},
    {"mfxer r4", 0x7c8102a6},
    {"mtxer r4", 0x7c8103a6},
    {"mfsprg0 r4", 0x7c9042a6},
    {"mtsprg0 r4", 0x7c9043a6},
    {"mtsrr0 r4", 0x7c9a03a6},
    {"mfdec r4", 0x7c9602a6},
    {"bl .+16", 0x48000011},
    {"bdnz .+16", 0x42000010},
    {"bctrl", 0x4e800421},
    {"beqlr", 0x4d820020},
    {"lwsync", 0x7c2004ac},
    {"ld r4,0(r5)", 0xe8850000},
    {"sc 1", 0x44000022},
    {"fadd. f4,f5,f6", 0xfc85302b},
    {"crclr 6", 0x4cc63182},
    {"vcmpequb. v4,v5,v6", 0x10853406},
    {"xxlxor vs4,vs4,vs4", 0xf08424d0},
};

/// Guest code as it is met: a name, assembly, the words. Mode: "32" 32-bit, "be" big-endian, "pr" problem state; else
/// 64-bit, little-endian, privileged. A branch out of a block leads to code of the same page.
struct GoldenBlock {
    std::string name;
    std::vector<Variant> guest;
    std::string mode = "";
};

inline const std::vector<GoldenBlock> kBlocks = {
    {"load and store", {{"ld r9,0(r4)", 0xe9240000}, {"std r9,8(r4)", 0xf9240008}}},
    {"load and store, big-endian", {{"ld r9,0(r4)", 0xe9240000}, {"std r9,8(r4)", 0xf9240008}}, "be"},
    {"add", {{"add r3,r4,r5", 0x7c642a14}, {"addi r3,r3,1", 0x38630001}}},
    {"add, 32-bit mode",
     {{"add r3,r3,r4", 0x7c632214}, {"add. r6,r3,r4", 0x7cc32215}, {"stw r3,0(r5)", 0x90650000}},
     "32"},
    {"128-bit add", {{"addc r3,r3,r5", 0x7c632814}, {"adde r4,r4,r6", 0x7c843114}}},
    {"compare and branch", {{"cmpdi r3,0", 0x2c230000}, {"beq .+64", 0x41820040}}},
    {"countdown loop", {{"addi r3,r3,-1", 0x3863ffff}, {"cmpdi r3,0", 0x2c230000}, {"bne .-8", 0x4082fff8}}},
    {"call", {{"bl .+64", 0x48000041}}},
    {"return", {{"blr", 0x4e800020}}},
    {"prologue",
     {{"mflr r0", 0x7c0802a6},
      {"std r0,16(r1)", 0xf8010010},
      {"std r30,-16(r1)", 0xfbc1fff0},
      {"std r31,-8(r1)", 0xfbe1fff8},
      {"stdu r1,-64(r1)", 0xf821ffc1},
      {"mr r31,r3", 0x7c7f1b78},
      {"bl .+64", 0x48000041}}},
    {"epilogue",
     {{"addi r1,r1,64", 0x38210040},
      {"ld r0,16(r1)", 0xe8010010},
      {"ld r30,-16(r1)", 0xebc1fff0},
      {"ld r31,-8(r1)", 0xebe1fff8},
      {"mtlr r0", 0x7c0803a6},
      {"blr", 0x4e800020}}},
    {"indirect call", {{"mtctr r12", 0x7d8903a6}, {"bctrl", 0x4e800421}}},
    {"jump table",
     {{"cmplwi r3,10", 0x2803000a},
      {"bgt .+64", 0x41810040},
      {"sldi r9,r3,2", 0x78691764},
      {"lwax r9,r4,r9", 0x7d244aaa},
      {"add r9,r9,r4", 0x7d292214},
      {"mtctr r9", 0x7d2903a6},
      {"bctr", 0x4e800420}}},
    {"byte copy loop", {{"lbzu r9,1(r4)", 0x8d240001}, {"stbu r9,1(r3)", 0x9d230001}, {"bdnz .-8", 0x4200fff8}}},
    {"string length loop",
     {{"lbz r9,0(r3)", 0x89230000},
      {"cmpwi r9,0", 0x2c090000},
      {"addi r3,r3,1", 0x38630001},
      {"bne .-12", 0x4082fff4}}},
    {"pointer chase loop", {{"ld r3,8(r3)", 0xe8630008}, {"cmpdi r3,0", 0x2c230000}, {"bne .-8", 0x4082fff8}}},
    {"sum loop",
     {{"ldx r9,r4,r8", 0x7d24402a},
      {"addi r8,r8,8", 0x39080008},
      {"add r3,r3,r9", 0x7c634a14},
      {"cmpd r8,r5", 0x7c282800},
      {"blt .-16", 0x4180fff0}}},
    {"spin lock",
     {{"lwarx r9,0,r3", 0x7d201828},
      {"cmpwi r9,0", 0x2c090000},
      {"bne .+64", 0x40820040},
      {"stwcx. r10,0,r3", 0x7d40192d},
      {"bne .-16", 0x4082fff0},
      {"isync", 0x4c00012c}}},
    {"spin unlock", {{"lwsync", 0x7c2004ac}, {"li r9,0", 0x39200000}, {"stw r9,0(r3)", 0x91230000}}},
    {"atomic add",
     {{"ldarx r9,0,r3", 0x7d2018a8},
      {"add r9,r9,r4", 0x7d292214},
      {"stdcx. r9,0,r3", 0x7d2019ad},
      {"bne .-12", 0x4082fff4}}},
    {"bits and isel",
     {{"andi. r9,r3,1", 0x70690001}, {"rldicl r10,r3,32,48", 0x786a0422}, {"iseleq r3,r10,r9", 0x7c6a489e}}},
    {"shift and mask", {{"srawi. r9,r3,3", 0x7c691e71}, {"rlwinm r10,r9,4,8,27", 0x552a2236}}},
    {"condition register", {{"mfcr r9", 0x7d200026}, {"crand 2,6,10", 0x4c465202}}},
    {"division", {{"divd r3,r4,r5", 0x7c642bd2}}},
    {"system call", {{"sc", 0x44000002}}, "pr"},
    {"multiply-add",
     {{"lfd f1,0(r3)", 0xc8230000},
      {"lfd f2,8(r3)", 0xc8430008},
      {"fmadd f3,f1,f2,f3", 0xfc6118ba},
      {"stfd f3,16(r3)", 0xd8630010}}},
    {"axpy loop",
     {{"lfdx f1,r4,r8", 0x7c2444ae},
      {"lfdx f2,r5,r8", 0x7c4544ae},
      {"fmadd f2,f0,f1,f2", 0xfc40107a},
      {"stfdx f2,r5,r8", 0x7c4545ae},
      {"addi r8,r8,8", 0x39080008},
      {"bdnz .-20", 0x4200ffec}}},
    {"VSX copy",
     {{"lxvd2x vs0,0,r4", 0x7c002698},
      {"xxswapd vs0,vs0", 0xf0000250},
      {"xxswapd vs0,vs0", 0xf0000250},
      {"stxvd2x vs0,0,r3", 0x7c001f98}}},
    {"vector add",
     {{"lvx v0,0,r4", 0x7c0020ce},
      {"lvx v1,0,r5", 0x7c2028ce},
      {"vaddubm v0,v0,v1", 0x10000800},
      {"stvx v0,0,r3", 0x7c0019ce}}},
    {"vector add loop",
     {{"lvx v0,r4,r8", 0x7c0440ce},
      {"lvx v1,r5,r8", 0x7c2540ce},
      {"vadduwm v0,v0,v1", 0x10000880},
      {"stvx v0,r3,r8", 0x7c0341ce},
      {"addi r8,r8,16", 0x39080010},
      {"bdnz .-20", 0x4200ffec}}},
};

}  // namespace mpower::jit::test
