// Run-time abstraction services, called through KVMPPC_H_RTAS (PAPR, "Run-Time Abstraction Services").
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/types.h"

namespace mpower::hcall {

/// Name and token of each implemented RTAS call, for the device tree's /rtas.
std::vector<std::pair<std::string, u32>> rtas_tokens();

}  // namespace mpower::hcall
