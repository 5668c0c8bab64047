// Hypercall return codes (PAPR, "Hypervisor Call Return Codes").
#pragma once

#include "base/types.h"

namespace mpower::papr {

enum HcallStatus : i64 {
    kSuccess = 0,
    kBusy = 1,
    kClosed = 2,
    kNotAvailable = 3,
    kPartial = 5,
    kContinue = 18,
    kLongBusyOrder1Msec = 9900,
    kHardware = -1,
    kFunction = -2,
    kPrivilege = -3,
    kParameter = -4,
    kBadMode = -5,
    kPtegFull = -6,
    kNotFound = -7,
    kReservedDabr = -8,
    kNoMem = -9,
    kAuthority = -10,
    kPermission = -11,
    kResource = -16,
    kAborted = -38,
    kP2 = -55,
    kP3 = -56,
    kP4 = -57,
    kUnsupportedFlag = -256,  // minus the number of the first unsupported flag bit
};

}  // namespace mpower::papr
