// What a host's processor has beyond x86-64.
#pragma once

namespace mpower::jit::x64 {

struct Host {
    bool avx2 = false;    ///< AVX2 and FMA: without them lanes and floating point are calls.
    bool bmi = false;     ///< BMI1 and BMI2.
    bool avx512 = false;  ///< F, VL, BW, DQ and CD.
    bool vbmi = false, bitalg = false, vpopcnt = false, gfni = false, aes = false, clmul = false;
};

/// Of this host.
const Host& host();

}  // namespace mpower::jit::x64
