#include "jit/x64/host.h"

#include <asmjit/x86.h>

namespace mpower::jit::x64 {

const Host& host() {
    static const Host the_host = [] {
        const auto& f = asmjit::CpuInfo::host().features().x86();
        Host h{};
        h.avx2 = f.hasAVX2() && f.hasFMA();
        h.bmi = f.hasBMI() && f.hasBMI2();
        h.avx512 =
            h.avx2 && f.hasAVX512_F() && f.hasAVX512_VL() && f.hasAVX512_BW() && f.hasAVX512_DQ() && f.hasAVX512_CDI();
        h.vbmi = h.avx512 && f.hasAVX512_VBMI();
        h.bitalg = h.avx512 && f.hasAVX512_BITALG();
        h.vpopcnt = h.avx512 && f.hasAVX512_VPOPCNTDQ();
        h.gfni = h.avx2 && f.hasGFNI();
        h.aes = h.avx2 && f.hasAESNI();
        h.clmul = h.avx2 && f.hasPCLMULQDQ();
        return h;
    }();
    return the_host;
}

}  // namespace mpower::jit::x64
