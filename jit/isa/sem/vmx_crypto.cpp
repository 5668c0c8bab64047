// AES and SHA-2 steps (Power ISA 2.07, Book I 6.11; FIPS 197, FIPS 180-4).
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

constexpr u8 times(u8 a, u8 b) {
    u8 r = 0;
    for (; b != 0; b >>= 1) {
        if (b & 1) r ^= a;
        a = static_cast<u8>(a << 1 ^ (a & 0x80 ? 0x1b : 0));
    }
    return r;
}

struct Boxes {
    std::array<u8, 256> forward{}, inverse{};
    constexpr Boxes() {
        // The multiplicative inverse through powers of the generator 3, then the affine map.
        u8 p = 1, q = 1;
        do {
            p = static_cast<u8>(p ^ (p << 1) ^ (p & 0x80 ? 0x1b : 0));
            q ^= static_cast<u8>(q << 1);
            q ^= static_cast<u8>(q << 2);
            q ^= static_cast<u8>(q << 4);
            if (q & 0x80) q ^= 0x09;
            const u8 x =
                static_cast<u8>(q ^ std::rotl(q, 1) ^ std::rotl(q, 2) ^ std::rotl(q, 3) ^ std::rotl(q, 4) ^ 0x63);
            forward[p] = x;
        } while (p != 1);
        forward[0] = 0x63;
        for (unsigned n = 0; n < 256; ++n) inverse[forward[n]] = static_cast<u8>(n);
    }
};
constexpr Boxes kBoxes;

V128 sub_bytes(V128 a) {
    return map<u8>(a, [](u8 x) { return kBoxes.forward[x]; });
}

/// What the first byte of a column adds to its product with a circulant matrix, by that byte's value; `m` is the
/// matrix's first column. The bytes below it add the same, rotated.
using Products = std::array<u32, 256>;
constexpr Products products(std::array<u8, 4> m) {
    Products r{};
    for (unsigned x = 0; x < 256; ++x) {
        for (const u8 factor : m) r[x] = r[x] << 8 | times(static_cast<u8>(x), factor);
    }
    return r;
}
constexpr Products kMix = products({2, 1, 1, 3}), kUnmix = products({14, 9, 13, 11});

V128 mix_columns(V128 a, const Products& by) {
    return map<u32>(a, [&](u32 x) {
        return by[x >> 24] ^ std::rotr(by[x >> 16 & 255], 8) ^ std::rotr(by[x >> 8 & 255], 16) ^
               std::rotr(by[x & 255], 24);
    });
}

V128 shift_rows(V128 a, unsigned direction) {
    const auto x = elements<u8>(a);
    Elements<u8> r;
    for (unsigned n = 0; n < 16; ++n) r[n] = x[(n + 4 * direction * (n % 4)) % 16];
    return vector<u8>(r);
}

V128 exclusive_or(V128 a, V128 b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }

V128 cipher(V128 state, V128 key, bool last) {
    const V128 x = shift_rows(sub_bytes(state), 1);
    return exclusive_or(last ? x : mix_columns(x, kMix), key);
}

V128 decipher(V128 state, V128 key, bool last) {
    const V128 x = map<u8>(shift_rows(state, 3), [](u8 v) { return kBoxes.inverse[v]; });
    const V128 keyed = exclusive_or(x, key);
    return last ? keyed : mix_columns(keyed, kUnmix);
}

/// ST (16) chooses the capital functions; SIX's bit for each element the second of the pair.
V128 sha256_sigma(const V128& a, const V128&, const V128&, u64 field) {
    auto x = elements<u32>(a);
    for (unsigned n = 0; n < 4; ++n) {
        const bool second = field & 15 & (8u >> n);
        const u32 v = x[n];
        if (!(field & 16)) {
            x[n] = second ? std::rotr(v, 17) ^ std::rotr(v, 19) ^ v >> 10 : std::rotr(v, 7) ^ std::rotr(v, 18) ^ v >> 3;
        } else {
            x[n] = second ? std::rotr(v, 6) ^ std::rotr(v, 11) ^ std::rotr(v, 25)
                          : std::rotr(v, 2) ^ std::rotr(v, 13) ^ std::rotr(v, 22);
        }
    }
    return vector<u32>(x);
}

V128 sha512_sigma(const V128& a, const V128&, const V128&, u64 field) {
    auto x = elements<u64>(a);
    for (unsigned n = 0; n < 2; ++n) {
        const bool second = field & 15 & (8u >> (2 * n));
        const u64 v = x[n];
        if (!(field & 16)) {
            x[n] = second ? std::rotr(v, 19) ^ std::rotr(v, 61) ^ v >> 6 : std::rotr(v, 1) ^ std::rotr(v, 8) ^ v >> 7;
        } else {
            x[n] = second ? std::rotr(v, 14) ^ std::rotr(v, 18) ^ std::rotr(v, 41)
                          : std::rotr(v, 28) ^ std::rotr(v, 34) ^ std::rotr(v, 39);
        }
    }
    return vector<u64>(x);
}

}  // namespace

LANES(vcipher, kCipher, cipher(a, b, false))
LANES(vcipherlast, kCipherLast, cipher(a, b, true))
LANES(vncipher, kDecipher, decipher(a, b, false))
LANES(vncipherlast, kDecipherLast, decipher(a, b, true))

namespace {
/// One operand, VRA.
void on_a(Builder& b, Insn i, ir::VectorFunction f, ir::Lanes op, u64 n) {
    const Value x = b.vsr(32 + i.ra());
    b.set_vsr(32 + i.rt(), b.vector(f, op, x, x, x, n));
}
}  // namespace

void vsbox(Builder& b, Insn i) {
    on_a(
        b, i, [](const V128& a, const V128&, const V128&, u64) { return sub_bytes(a); }, ir::Lanes::kSubBytes, 0);
}
void vshasigmaw(Builder& b, Insn i) { on_a(b, i, sha256_sigma, ir::Lanes::kSigma32, i.rb()); }
void vshasigmad(Builder& b, Insn i) { on_a(b, i, sha512_sigma, ir::Lanes::kSigma64, i.rb()); }

}  // namespace mpower::jit::isa::sem
