#include "jit/fp/soft.h"

namespace mpower::jit::fp {

// Book I 4.6.2, "DOUBLE"
u64 widen_single(u32 bits) {
    const u64 sign = u64{bits >> 31} << 63;
    const u64 biased = bits >> 23 & 0xff;
    u64 fraction = bits & 0x7fffff;
    if (biased == 0xff) return sign | u64{0x7ff} << 52 | fraction << 29;
    if (biased != 0) return sign | (biased + 1023 - 127) << 52 | fraction << 29;
    if (fraction == 0) return sign;
    const int shift = std::countl_zero(fraction) - 40;  // brings the highest one to bit 23
    fraction = fraction << shift & 0x7fffff;
    return sign | static_cast<u64>(1023 - 126 - shift) << 52 | fraction << 29;
}

// Book I 4.6.3, "SINGLE"
u32 narrow_single(u64 bits) {
    const int biased = static_cast<int>(bits >> 52 & 0x7ff);
    if (biased <= 896 && biased >= 874) {
        const u64 significand = (bits & Double::kFractionMask) | u64{1} << 52;
        return static_cast<u32>(bits >> 63 << 31) | static_cast<u32>(significand >> (29 + 897 - biased));
    }
    if (biased < 874) {  // zero keeps its sign; smaller magnitudes are undefined by the ISA and become zero
        if (biased != 0 || (bits & Double::kFractionMask) != 0) return static_cast<u32>(bits >> 63 << 31);
    }
    return static_cast<u32>(bits >> 62 << 30) | static_cast<u32>(bits >> 29 & 0x3fffffff);
}

}  // namespace mpower::jit::fp
