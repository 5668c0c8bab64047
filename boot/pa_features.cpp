#include "boot/pa_features.h"

namespace mpower::boot {

using enum jit::IsaLevel;

// Left out because the vCPU does not have them: DABR (0.5) and DABRX (1.4), write-through and incoherent storage (0.7,
// 1.0), DSISR and DAR as version 2.01 sets them (1.1, 2.3), VPM (2.0), strong access order (4.0), CFAR (5.1),
// coprocessors (8-15), transactional memory (22.0), large decrementer (24.0), performance monitor (28.0, 42.0),
// event-based branches (34.0), copy-paste (38.0), radix (40.0), DAWR1 (64.0).
const std::vector<PaFeature> kPaFeatures = {
    {0, 0, kBase, "memory management unit"},
    {0, 1, kBase, "floating point"},
    {0, 2, kBase, "SLB"},
    {0, 3, kBase, "RUN field of CTRL"},
    {0, 6, kBase, "no-execute bit of HPTEs"},
    {1, 2, kBase, "cache-inhibited large pages"},
    {1, 3, kBase, "frin, friz, frip, frim"},
    {1, 5, kBase, "SPRG3 in problem state"},
    {1, 6, kBase, "an invalid SLB entry reads as zeros"},
    {1, 7, kBase, "PP = 110"},
    {2, 1, kBase, "data streams of ISA 2.05"},
    {2, 5, kBase, "PPR"},
    {2, 6, kBase, "data streams of ISA 2.02"},
    {2, 7, kBase, "data streams of ISA 2.06"},
    {3, 0, kBase, "DSCR[LSD]"},
    {3, 1, kBase, "DSCR[URG]"},
    {5, 0, kBase, "little-endian"},
    {5, 2, kBase, "elemental barriers"},
    {5, 3, kBase, "lq and stq in problem state, either byte order"},
    {6, 0, kBase, "data streams of ISA 2.07"},
    {16, 0, kBase, "vector of ISA 2.07"},
    {18, 0, kBase, "vector-scalar of ISA 2.07"},
    {20, 0, kBase, "vector.crypto of ISA 2.07"},
    {44, 0, k300, "PC-relative addition"},
    {46, 0, k300, "scv"},
    {48, 0, k300, "vectors of ISA 3.0"},
    {50, 0, k300, "quad-precision binary floating point"},
    {52, 0, k300, "string operations of ISA 3.0"},
    {54, 0, k300, "decimal floating point"},
    {56, 0, k300, "decimal integers of ISA 3.0"},
    {58, 0, k300, "SHA"},
    {60, 0, k300, "atomic memory operations"},
    {62, 0, k300, "darn"},
};

std::vector<u8> pa_features(jit::IsaLevel level) {
    // A processor's list ends where its architecture did, so that each attribute left out reads as a zero bit: a byte
    // that is missing makes Linux believe the processor version instead (transactional memory: byte 22, radix: 40).
    const u8 bytes = level >= k300 ? 66 : 24;
    std::vector<u8> property(2 + bytes);
    property[0] = bytes;
    for (const PaFeature& f : kPaFeatures) {
        if (f.since <= level) property[2 + f.byte] |= static_cast<u8>(0x80 >> f.bit);
    }
    return property;
}

}  // namespace mpower::boot
