// "ibm,pa-features" of a processor node: which parts of the architecture the vCPU has (LoPAR, "Processor Architecture
// Binding"; bytes from 24 on, which LoPAR leaves open, as POWER9 machines use them).
#pragma once

#include <vector>

#include "base/types.h"
#include "jit/state.h"

namespace mpower::boot {

/// One bit of the attribute list; bit 0 is the most significant.
struct PaFeature {
    unsigned byte, bit;
    jit::IsaLevel since;  ///< First ISA level whose vCPUs announce it.
    const char* name;
};

/// Everything that is announced. What is not in it reads as "not supported".
extern const std::vector<PaFeature> kPaFeatures;

/// The property: length, specifier type 0, attribute bytes.
std::vector<u8> pa_features(jit::IsaLevel level);

}  // namespace mpower::boot
