#include "tests/differential/random.h"

#include <iterator>

namespace mpower::differential {

u64 Random::integer() {
    static constexpr u64 kCorners[] = {0,
                                       1,
                                       2,
                                       ~u64{0},
                                       ~u64{1},
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0xffffffff80000000,
                                       0xffffffff7fffffff,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0x8000000000000001,
                                       0x7fffffff80000000,
                                       0xffffffff00000000};
    switch (below(8)) {
        case 0:
        case 1: return kCorners[below(std::size(kCorners))];
        case 2: return bits() & 0xffffffff;
        case 3: return static_cast<u64>(i64{static_cast<i32>(bits())});
        case 4: return static_cast<u64>(between(-130, 130));
        case 5: return u64{1} << below(64);
        default: return bits();
    }
}

u64 Random::real64() {
    static constexpr u64 kCorners[] = {
        0, 1, 2, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x7fefffffffffffff, 0x7ff0000000000000,
        0x7ff8000000000000, 0x7ff0000000000001, 0x7ff4000000000000, 0x7fffffffffffffff, 0x3ff0000000000000,
        0x3ff0000000000001, 0x3fefffffffffffff, 0x4000000000000000, 0x3fe0000000000000, 0x4008000000000000,
        // limits of single precision and of the integer conversions
        0x47efffffe0000000, 0x47effffff0000000, 0x47f0000000000000, 0x3810000000000000, 0x380fffffffffffff,
        0x36a0000000000000, 0x3690000000000000, 0x41dfffffffc00000, 0x41e0000000000000, 0x41efffffffe00000,
        0x41f0000000000000, 0x43dfffffffffffff, 0x43e0000000000000, 0x43efffffffffffff, 0x43f0000000000000};
    const u64 sign = bits() & u64{1} << 63;
    switch (below(6)) {
        case 0:
        case 1: return sign | kCorners[below(std::size(kCorners))];
        case 2: return sign | u64{below(40) + 1003} << 52 | (bits() & 0x000fffffffffffff);  // about 1
        case 3: return sign | u64{below(40) + 1003} << 52 | (bits() & 0x000fffffe0000000);  // a single, exactly
        case 4: return sign | u64{below(1100) + 1} << 52 | (bits() & 0x000f000000000000);
        default: return bits();
    }
}

u32 Random::real32() {
    static constexpr u32 kCorners[] = {0,          1,          0x007fffff, 0x00800000, 0x7f7fffff, 0x7f800000,
                                       0x7fc00000, 0x7f800001, 0x7fa00000, 0x7fffffff, 0x3f800000, 0x3f800001,
                                       0x3f7fffff, 0x40000000, 0x4f000000, 0x4effffff, 0x4f800000, 0x3f000000};
    const u32 sign = static_cast<u32>(bits()) & 0x80000000;
    switch (below(4)) {
        case 0:
        case 1: return sign | kCorners[below(std::size(kCorners))];
        case 2: return sign | (below(30) + 112) << 23 | (static_cast<u32>(bits()) & 0x7fffff);
        default: return static_cast<u32>(bits());
    }
}

jit::V128 Random::vector() {
    const auto words = [&] { return u64{real32()} << 32 | real32(); };
    switch (below(5)) {
        case 0:
        case 1: return {.lo = real64(), .hi = real64()};
        case 2: return {.lo = words(), .hi = words()};
        case 3: return {.lo = integer(), .hi = integer()};
        default: return {.lo = bits(), .hi = bits()};
    }
}

}  // namespace mpower::differential
