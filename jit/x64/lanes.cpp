// The compiler's operations on lanes that take a few host instructions each. xmm0 to xmm3 are free to use.
#include "jit/x64/compiler.h"

namespace mpower::jit::x64 {

using namespace asmjit::x86;
using asmjit::imm;
using ir::Lanes;

namespace {

constexpr u64 each8(u64 v) { return v * 0x0101010101010101; }
constexpr u64 each16(u64 v) { return v * 0x0001000100010001; }
constexpr u64 each32(u64 v) { return v << 32 | v; }

/// The bytes' numbers 0 .. 15, and from 15 down, as the halves of a constant.
constexpr u64 kUp0 = 0x0706050403020100, kUp8 = 0x0f0e0d0c0b0a0908;
constexpr u64 kDown0 = 0x08090a0b0c0d0e0f, kDown8 = 0x0001020304050607;

}  // namespace

bool Compiler::emit_composed(Lanes op, const Xmm& r, const Xmm& a, const Xmm& b, const Xmm& c, u64 n) {
    using L = Lanes;
    const auto ones = [&](const Xmm& x) { a_.vpcmpeqd(x, x, x); };
    const auto invert = [&](const Xmm& x) {
        ones(xmm0);
        a_.vpxor(x, x, xmm0);
    };
    // Counts are taken modulo the lanes' width.
    const auto counts = [&](u64 each) {
        a_.vpand(xmm1, b, pool(each));
        return xmm1;
    };
    switch (op) {
        case L::kNor:
            a_.vpor(r, a, b);
            invert(r);
            break;
        case L::kNand:
            a_.vpand(r, a, b);
            invert(r);
            break;
        case L::kEqv:
            a_.vpxor(r, a, b);
            invert(r);
            break;
        case L::kOrNot:
            ones(xmm0);
            a_.vpxor(xmm0, b, xmm0);
            a_.vpor(r, a, xmm0);
            break;
        case L::kSelect:
            if (host_.avx512) {
                a_.vmovaps(r, c);
                a_.vpternlogq(r, a, b, imm(0xac));  // the first ? the third : the second
                break;
            }
            a_.vpand(xmm0, b, c);
            a_.vpandn(r, c, a);
            a_.vpor(r, r, xmm0);
            break;

        case L::kDifferenceU8:
            a_.vpmaxub(xmm0, a, b);
            a_.vpminub(r, a, b);
            a_.vpsubb(r, xmm0, r);
            break;
        case L::kDifferenceU16:
            a_.vpmaxuw(xmm0, a, b);
            a_.vpminuw(r, a, b);
            a_.vpsubw(r, xmm0, r);
            break;
        case L::kDifferenceU32:
            a_.vpmaxud(xmm0, a, b);
            a_.vpminud(r, a, b);
            a_.vpsubd(r, xmm0, r);
            break;
        case L::kNegate32:
            a_.vpxor(xmm0, xmm0, xmm0);
            a_.vpsubd(r, xmm0, a);
            break;
        case L::kNegate64:
            a_.vpxor(xmm0, xmm0, xmm0);
            a_.vpsubq(r, xmm0, a);
            break;

        // a > b unless a is the lesser one, or equal
        case L::kGreaterU8:
            a_.vpminub(r, a, b);
            a_.vpcmpeqb(r, r, a);
            invert(r);
            break;
        case L::kGreaterU16:
            a_.vpminuw(r, a, b);
            a_.vpcmpeqw(r, r, a);
            invert(r);
            break;
        case L::kGreaterU32:
            a_.vpminud(r, a, b);
            a_.vpcmpeqd(r, r, a);
            invert(r);
            break;
        case L::kGreaterU64:
            a_.vmovups(xmm0, pool(u64{1} << 63));
            a_.vpxor(r, a, xmm0);
            a_.vpxor(xmm0, b, xmm0);
            a_.vpcmpgtq(r, r, xmm0);
            break;
        case L::kNotEqual8:
            a_.vpcmpeqb(r, a, b);
            invert(r);
            break;
        case L::kNotEqual16:
            a_.vpcmpeqw(r, a, b);
            invert(r);
            break;
        case L::kNotEqual32:
            a_.vpcmpeqd(r, a, b);
            invert(r);
            break;
        // a = b but not 0: the lesser one is 0 if either is
        case L::kNotEqualOrZero8:
            a_.vpxor(xmm1, xmm1, xmm1);
            a_.vpminub(r, a, b);
            a_.vpcmpeqb(xmm1, r, xmm1);
            a_.vpcmpeqb(r, a, b);
            a_.vpandn(r, xmm1, r);
            invert(r);
            break;
        case L::kNotEqualOrZero16:
            a_.vpxor(xmm1, xmm1, xmm1);
            a_.vpminuw(r, a, b);
            a_.vpcmpeqw(xmm1, r, xmm1);
            a_.vpcmpeqw(r, a, b);
            a_.vpandn(r, xmm1, r);
            invert(r);
            break;
        case L::kNotEqualOrZero32:
            a_.vpxor(xmm1, xmm1, xmm1);
            a_.vpminud(r, a, b);
            a_.vpcmpeqd(xmm1, r, xmm1);
            a_.vpcmpeqd(r, a, b);
            a_.vpandn(r, xmm1, r);
            invert(r);
            break;

        case L::kRotate32:
            counts(each32(31));
            a_.vmovups(xmm0, pool(each32(32)));
            a_.vpsubd(xmm0, xmm0, xmm1);
            a_.vpsrlvd(xmm0, a, xmm0);
            a_.vpsllvd(r, a, xmm1);
            a_.vpor(r, r, xmm0);
            break;
        case L::kRotate64:
            counts(63);
            a_.vmovups(xmm0, pool(64));
            a_.vpsubq(xmm0, xmm0, xmm1);
            a_.vpsrlvq(xmm0, a, xmm0);
            a_.vpsllvq(r, a, xmm1);
            a_.vpor(r, r, xmm0);
            break;
        case L::kShiftLeft32: a_.vpsllvd(r, a, counts(each32(31))); break;
        case L::kShiftRight32: a_.vpsrlvd(r, a, counts(each32(31))); break;
        case L::kShiftRightS32: a_.vpsravd(r, a, counts(each32(31))); break;
        case L::kShiftLeft64: a_.vpsllvq(r, a, counts(63)); break;
        case L::kShiftRight64: a_.vpsrlvq(r, a, counts(63)); break;
        case L::kShiftLeft8:
        case L::kShiftRight8:
        case L::kShiftRightS8: shift_bytes(op, r, a, b); break;
        case L::kShiftLeft16:
            if (!host_.avx512) return false;
            a_.vpsllvw(r, a, counts(each16(15)));
            break;
        case L::kShiftRight16:
            if (!host_.avx512) return false;
            a_.vpsrlvw(r, a, counts(each16(15)));
            break;
        case L::kShiftRightS16:
            if (!host_.avx512) return false;
            a_.vpsravw(r, a, counts(each16(15)));
            break;
        case L::kShiftRightS64:
            if (!host_.avx512) return false;
            a_.vpsravq(r, a, counts(63));
            break;

        // By 0 to 7 bits: the halves, and what goes from one to the other. A shift by 64 - 0 gives 0.
        case L::kWholeLeft:
            a_.vpand(xmm1, b, pool(7, 0));
            a_.vmovq(xmm2, pool(64, 0));
            a_.vpsubq(xmm2, xmm2, xmm1);
            a_.vpslldq(xmm0, a, 8);
            a_.vpsrlq(xmm0, xmm0, xmm2);
            a_.vpsllq(r, a, xmm1);
            a_.vpor(r, r, xmm0);
            break;
        case L::kWholeRight:
            a_.vpand(xmm1, b, pool(7, 0));
            a_.vmovq(xmm2, pool(64, 0));
            a_.vpsubq(xmm2, xmm2, xmm1);
            a_.vpsrldq(xmm0, a, 8);
            a_.vpsllq(xmm0, xmm0, xmm2);
            a_.vpsrlq(r, a, xmm1);
            a_.vpor(r, r, xmm0);
            break;
        // A byte number with bit 7 set selects 0; otherwise its low four bits count.
        case L::kBytesLeft:
        case L::kBytesRight:
            a_.vpsrlw(xmm0, b, 3);
            a_.vpand(xmm0, xmm0, pool(15, 0));
            a_.vpxor(xmm1, xmm1, xmm1);
            a_.vpshufb(xmm0, xmm0, xmm1);
            if (op == L::kBytesLeft) {
                a_.vmovups(xmm1, pool(kUp0, kUp8));
                a_.vpsubb(xmm0, xmm1, xmm0);
            } else {
                a_.vpaddb(xmm0, xmm0, pool(kUp0 + each8(0x70), kUp8 + each8(0x70)));
            }
            a_.vpshufb(r, a, xmm0);
            break;
        case L::kShiftPair:
            if (n == 0)
                a_.vmovaps(r, a);
            else
                a_.vpalignr(r, a, b, imm(16 - n));
            break;

        case L::kMergeEven32:
            a_.vpsrlq(xmm0, b, 32);
            a_.vpblendd(r, xmm0, a, imm(0b1010));
            break;
        case L::kMergeOdd32:
            a_.vpsllq(xmm0, a, 32);
            a_.vpblendd(r, b, xmm0, imm(0b1010));
            break;
        // The left half comes from a, the right one from b; doubleword 0 is lane 1.
        case L::kDoublewords: a_.vshufpd(r, b, a, imm((n & 1 ? 0 : 1) | (n & 2 ? 0 : 2))); break;
        case L::kSplat8: a_.vpshufb(r, a, pool(each8(15 - (n & 15)))); break;
        case L::kSplat16: a_.vpshufb(r, a, pool(each16(0x0100 + 0x0202 * (7 - (n & 7))))); break;
        case L::kSplat32: a_.vpshufd(r, a, imm(0x55 * (3 - (n & 3)))); break;
        case L::kPack16:
            a_.vmovups(xmm1, pool(each16(0xff)));
            a_.vpand(xmm0, a, xmm1);
            a_.vpand(r, b, xmm1);
            a_.vpackuswb(r, r, xmm0);
            break;
        case L::kPack32:
            a_.vmovups(xmm1, pool(each32(0xffff)));
            a_.vpand(xmm0, a, xmm1);
            a_.vpand(r, b, xmm1);
            a_.vpackusdw(r, r, xmm0);
            break;
        case L::kPack64: a_.vshufps(r, b, a, imm(0x88)); break;
        case L::kUnpackHigh8:
            a_.vpsrldq(xmm0, a, 8);
            a_.vpmovsxbw(r, xmm0);
            break;
        case L::kUnpackHigh16:
            a_.vpsrldq(xmm0, a, 8);
            a_.vpmovsxwd(r, xmm0);
            break;
        case L::kUnpackHigh32:
            a_.vpsrldq(xmm0, a, 8);
            a_.vpmovsxdq(r, xmm0);
            break;

        // The ISA's byte k of a || b is the host's byte 31 - k of the pair that has b low.
        case L::kPermute:
        case L::kPermuteRight:
            if (host_.vbmi) {
                if (op == L::kPermute)
                    a_.vpxor(r, c, pool(each8(31)));
                else
                    a_.vmovaps(r, c);
                a_.vpermi2b(r, b, a);
                break;
            }
            if (op == L::kPermute) {
                ones(xmm0);
                a_.vpandn(xmm0, c, xmm0);
                a_.vpand(xmm0, xmm0, pool(each8(31)));
            } else {
                a_.vpand(xmm0, c, pool(each8(31)));
            }
            a_.vpshufb(xmm1, b, xmm0);
            a_.vpshufb(xmm2, a, xmm0);
            a_.vpsllw(xmm0, xmm0, 3);  // bit 4, which chooses the register, to bit 7
            a_.vpblendvb(r, xmm1, xmm2, xmm0);
            break;
        // Its element k is the host's 15 - k: the complement of both nibbles.
        case L::kPermuteXor:
            a_.vpxor(xmm1, c, pool(~u64{0}));
            a_.vpsrlw(xmm0, xmm1, 4);
            a_.vpand(xmm0, xmm0, pool(each8(15)));
            a_.vpand(xmm1, xmm1, pool(each8(15)));
            a_.vpshufb(xmm0, a, xmm0);
            a_.vpshufb(xmm1, b, xmm1);
            a_.vpxor(r, xmm0, xmm1);
            break;
        case L::kReverse16: a_.vpshufb(r, a, pool(0x0607040502030001, 0x0e0f0c0d0a0b0809)); break;
        case L::kReverse32: a_.vpshufb(r, a, pool(0x0405060700010203, 0x0c0d0e0f08090a0b)); break;
        case L::kReverse64: a_.vpshufb(r, a, pool(kDown8, kDown0)); break;
        case L::kReverse128: a_.vpshufb(r, a, pool(kDown0, kDown8)); break;
        case L::kReverseWords: a_.vpshufd(r, a, imm(0x1b)); break;
        // Bit n of 128 is bit 7 - n % 8 of the host's byte 15 - n / 8; numbers above 127 give 0.
        case L::kBitPermute:
            a_.vpsrlw(xmm0, b, 3);
            a_.vpand(xmm0, xmm0, pool(each8(31)));
            a_.vmovups(xmm1, pool(each8(15)));
            a_.vpsubb(xmm0, xmm1, xmm0);
            a_.vpshufb(xmm0, a, xmm0);  // the byte with the bit, or 0
            a_.vpand(xmm1, b, pool(each8(7)));
            a_.vmovups(xmm2, pool(0x0102040810204080, 0));
            a_.vpshufb(xmm1, xmm2, xmm1);
            a_.vpand(xmm0, xmm0, xmm1);
            a_.vpcmpeqb(xmm0, xmm0, xmm1);
            a_.vpmovmskb(eax, xmm0);
            a_.vmovd(r, eax);
            a_.vpslldq(r, r, 8);
            break;
        case L::kShiftPatternLeft:
        case L::kShiftPatternRight:
            a_.vpxor(xmm1, xmm1, xmm1);
            a_.vpshufb(xmm0, a, xmm1);
            if (op == L::kShiftPatternLeft) {
                a_.vpaddb(r, xmm0, pool(kDown0, kDown8));
            } else {
                a_.vmovups(r, pool(kDown0 + each8(16), kDown8 + each8(16)));
                a_.vpsubb(r, r, xmm0);
            }
            break;

        // Odd elements are even lanes.
        case L::kMulOddU16:
            a_.vmovups(xmm1, pool(each16(0xff)));
            a_.vpand(xmm0, a, xmm1);
            a_.vpand(r, b, xmm1);
            a_.vpmullw(r, r, xmm0);
            break;
        case L::kMulEvenU16:
            a_.vpsrlw(xmm0, a, 8);
            a_.vpsrlw(r, b, 8);
            a_.vpmullw(r, r, xmm0);
            break;
        case L::kMulOddS16:
            a_.vpsllw(xmm0, a, 8);
            a_.vpsllw(r, b, 8);
            a_.vpsraw(xmm0, xmm0, 8);
            a_.vpsraw(r, r, 8);
            a_.vpmullw(r, r, xmm0);
            break;
        case L::kMulEvenS16:
            a_.vpsraw(xmm0, a, 8);
            a_.vpsraw(r, b, 8);
            a_.vpmullw(r, r, xmm0);
            break;
        case L::kMulOddU32:
        case L::kMulOddS32:
        case L::kMulEvenU32:
        case L::kMulEvenS32:
            if (op == L::kMulOddU32 || op == L::kMulEvenU32)
                a_.vpmulhuw(xmm0, a, b);
            else
                a_.vpmulhw(xmm0, a, b);
            a_.vpmullw(r, a, b);
            if (op == L::kMulOddU32 || op == L::kMulOddS32)
                a_.vpslld(xmm0, xmm0, 16);
            else
                a_.vpsrld(r, r, 16);
            a_.vpblendw(r, r, xmm0, imm(0xaa));
            break;
        case L::kMulEvenU64:
        case L::kMulEvenS64:
            a_.vpsrlq(xmm0, a, 32);
            a_.vpsrlq(r, b, 32);
            if (op == L::kMulEvenU64)
                a_.vpmuludq(r, r, xmm0);
            else
                a_.vpmuldq(r, r, xmm0);
            break;
        // Sums of four products of bytes: of the pairs of odd ones and of even ones.
        case L::kMulSumU8:
        case L::kMulSumSU8:
            if (op == L::kMulSumU8) {
                a_.vpsrlw(xmm0, a, 8);
                a_.vpand(xmm1, a, pool(each16(0xff)));
            } else {
                a_.vpsraw(xmm0, a, 8);
                a_.vpsllw(xmm1, a, 8);
                a_.vpsraw(xmm1, xmm1, 8);
            }
            a_.vpsrlw(xmm2, b, 8);
            a_.vpmaddwd(xmm0, xmm0, xmm2);
            a_.vpand(xmm2, b, pool(each16(0xff)));
            a_.vpmaddwd(xmm1, xmm1, xmm2);
            a_.vpaddd(xmm0, xmm0, c);
            a_.vpaddd(r, xmm0, xmm1);
            break;
        case L::kMulSumS16:
            a_.vpmaddwd(xmm0, a, b);
            a_.vpaddd(r, xmm0, c);
            break;
        case L::kMulAdd16:
            a_.vpmullw(xmm0, a, b);
            a_.vpaddw(r, xmm0, c);
            break;

        case L::kExtend8to32:
            a_.vpslld(r, a, 24);
            a_.vpsrad(r, r, 24);
            break;
        case L::kExtend16to32:
            a_.vpslld(r, a, 16);
            a_.vpsrad(r, r, 16);
            break;
        case L::kExtend8to64:
        case L::kExtend16to64:
            if (!host_.avx512) return false;
            a_.vpsllq(r, a, op == L::kExtend8to64 ? 56 : 48);
            a_.vpsraq(r, r, op == L::kExtend8to64 ? 56 : 48);
            break;
        case L::kExtend32to64:
            a_.vpshufd(xmm0, a, imm(0x08));
            a_.vpmovsxdq(r, xmm0);
            break;
        default: return emit_crypto(op, r, a, b, n);
    }
    return true;
}

// By products of words: even bytes, and odd ones. A shift to the right by n is one of the product with 2^(7 - n) by 7.
void Compiler::shift_bytes(Lanes op, const Xmm& r, const Xmm& a, const Xmm& b) {
    const bool left = op == Lanes::kShiftLeft8, sign = op == Lanes::kShiftRightS8;
    const u64 even = each16(0xff);
    a_.vpand(xmm1, b, pool(each8(7)));
    a_.vmovups(xmm0, pool(left ? 0x8040201008040201 : 0x0102040810204080));
    a_.vpshufb(xmm1, xmm0, xmm1);  // the power of 2 for each byte
    a_.vpand(xmm0, xmm1, pool(even));
    a_.vpsrlw(xmm1, xmm1, 8);
    if (left) {
        a_.vpmullw(xmm0, a, xmm0);
        a_.vpand(xmm0, xmm0, pool(even));
        a_.vpand(xmm2, a, pool(~even));
        a_.vpmullw(xmm1, xmm1, xmm2);
    } else {
        const auto shift = [&](const Xmm& to, const Xmm& from, u32 by) {
            sign ? a_.vpsraw(to, from, by) : a_.vpsrlw(to, from, by);
        };
        a_.vpsllw(xmm2, a, 8);
        shift(xmm2, xmm2, 8);
        a_.vpmullw(xmm0, xmm0, xmm2);
        shift(xmm0, xmm0, 7);
        a_.vpand(xmm0, xmm0, pool(even));
        shift(xmm2, a, 8);
        a_.vpmullw(xmm1, xmm1, xmm2);
        shift(xmm1, xmm1, 7);
        a_.vpsllw(xmm1, xmm1, 8);
    }
    a_.vpor(r, xmm0, xmm1);
}

// AES-NI numbers a state's bytes from the right.
bool Compiler::emit_crypto(Lanes op, const Xmm& r, const Xmm& a, const Xmm& b, u64 n) {
    using L = Lanes;
    const auto reverse = [&](const Xmm& to, const Xmm& from) { a_.vpshufb(to, from, pool(kDown0, kDown8)); };
    // to <- x rotated right by count in each lane; xmm3 is used
    const auto rotated = [&](const Xmm& to, const Xmm& x, u32 count) {
        if (host_.avx512) {
            op == L::kSigma32 ? a_.vprord(to, x, count) : a_.vprorq(to, x, count);
            return;
        }
        if (op == L::kSigma32) {
            a_.vpsrld(to, x, count);
            a_.vpslld(xmm3, x, 32 - count);
        } else {
            a_.vpsrlq(to, x, count);
            a_.vpsllq(xmm3, x, 64 - count);
        }
        a_.vpor(to, to, xmm3);
    };
    // to <- the sum of two rotations and of another one, or a shift; xmm0 and xmm1 are used
    const auto sigma = [&](const Xmm& to, u32 first, u32 second, u32 third, bool shift) {
        rotated(to, a, first);
        rotated(xmm1, a, second);
        if (!shift)
            rotated(xmm0, a, third);
        else if (op == L::kSigma32)
            a_.vpsrld(xmm0, a, third);
        else
            a_.vpsrlq(xmm0, a, third);
        if (host_.avx512) {
            a_.vpternlogd(to, xmm1, xmm0, imm(0x96));  // the sum of all three
        } else {
            a_.vpxor(to, to, xmm1);
            a_.vpxor(to, to, xmm0);
        }
    };
    switch (op) {
        case L::kCipher:
        case L::kCipherLast:
            if (!host_.aes) return false;
            reverse(xmm0, a);
            a_.vpxor(xmm1, xmm1, xmm1);
            if (op == L::kCipher)
                a_.vaesenc(xmm0, xmm0, xmm1);
            else
                a_.vaesenclast(xmm0, xmm0, xmm1);
            reverse(xmm0, xmm0);
            a_.vpxor(r, xmm0, b);
            break;
        // The key comes before the columns are mixed back, not after.
        case L::kDecipher:
        case L::kDecipherLast:
            if (!host_.aes) return false;
            reverse(xmm0, a);
            reverse(xmm1, b);
            a_.vaesdeclast(xmm0, xmm0, xmm1);
            if (op == L::kDecipher) a_.vaesimc(xmm0, xmm0);
            reverse(r, xmm0);
            break;
        // Undoes the shift of rows that comes with it: byte i of the result is that of byte 5 i modulo 16.
        case L::kSubBytes:
            if (!host_.aes) return false;
            a_.vpshufb(xmm0, a, pool(0x0b0e0104070a0d00, 0x0306090c0f020508));
            a_.vpxor(xmm1, xmm1, xmm1);
            a_.vaesenclast(r, xmm0, xmm1);
            break;
        case L::kPolynomialSum64:
            if (!host_.clmul) return false;
            a_.vpclmulqdq(xmm0, a, b, imm(0x00));
            a_.vpclmulqdq(r, a, b, imm(0x11));
            a_.vpxor(r, r, xmm0);
            break;
        case L::kGatherBits: return false;
        case L::kSigma32:
        case L::kSigma64: {
            const bool words = op == L::kSigma32, capital = n & 16;
            // SIX's bits of the elements, from the left; for doublewords every other one counts.
            const u64 six = words ? n & 15 : (n & 8 ? 12 : 0) | (n & 2 ? 3 : 0);
            const auto first = [&](const Xmm& to) {
                if (words)
                    capital ? sigma(to, 2, 13, 22, false) : sigma(to, 7, 18, 3, true);
                else
                    capital ? sigma(to, 28, 34, 39, false) : sigma(to, 1, 8, 7, true);
            };
            const auto second = [&](const Xmm& to) {
                if (words)
                    capital ? sigma(to, 6, 11, 25, false) : sigma(to, 17, 19, 10, true);
                else
                    capital ? sigma(to, 14, 18, 41, false) : sigma(to, 19, 61, 6, true);
            };
            if (six == 0 || six == 15) {
                six == 0 ? first(r) : second(r);
                break;
            }
            const Xmm both = r.id() < EvexAssembler::kFirst ? r : xmm3;
            first(both);
            second(xmm2);
            a_.vpblendd(both, both, xmm2, imm(six));
            if (both != r) a_.vmovaps(r, both);
            break;
        }
        default: return false;
    }
    return true;
}

}  // namespace mpower::jit::x64
