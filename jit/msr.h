// MSR bits (Power ISA 2.07, Book III-S 3.2.1) and interrupt vectors (6.5), each named once.
#pragma once

#include "base/bits.h"

namespace mpower::jit {

namespace msr {
constexpr u64 kSf = ppc_bit(0);
constexpr u64 kHv = ppc_bit(3);
constexpr u64 kTm = ppc_bit(31);
constexpr u64 kVec = ppc_bit(38);
constexpr u64 kVsx = ppc_bit(40);
constexpr u64 kEe = ppc_bit(48);
constexpr u64 kPr = ppc_bit(49);
constexpr u64 kFp = ppc_bit(50);
constexpr u64 kMe = ppc_bit(51);
constexpr u64 kFe0 = ppc_bit(52);
constexpr u64 kSe = ppc_bit(53);
constexpr u64 kBe = ppc_bit(54);
constexpr u64 kFe1 = ppc_bit(55);
constexpr u64 kIr = ppc_bit(58);
constexpr u64 kDr = ppc_bit(59);
constexpr u64 kPmm = ppc_bit(61);
constexpr u64 kRi = ppc_bit(62);
constexpr u64 kLe = ppc_bit(63);
}  // namespace msr

/// Interrupt vector offsets; also the number by which the interrupt is known.
enum class Vector : u16 {
    kNone = 0,
    kSystemReset = 0x100,
    kMachineCheck = 0x200,
    kDataStorage = 0x300,
    kDataSegment = 0x380,
    kInsnStorage = 0x400,
    kInsnSegment = 0x480,
    kExternal = 0x500,
    kAlignment = 0x600,
    kProgram = 0x700,
    kFpUnavailable = 0x800,
    kDecrementer = 0x900,
    kSystemCall = 0xc00,
    kTrace = 0xd00,
    kPerformanceMonitor = 0xf00,
    kVecUnavailable = 0xf20,
    kVsxUnavailable = 0xf40,
    kFacilityUnavailable = 0xf60,
    kSystemCallVectored = 0x3000,  // base of scv's 128 entries; not an offset of the low vectors
};

/// SRR1 bits that a Program interrupt sets (Book III-S 6.5.9).
namespace program {
constexpr u64 kFpEnabled = ppc_bit(43);
constexpr u64 kIllegal = ppc_bit(44);
constexpr u64 kPrivileged = ppc_bit(45);
constexpr u64 kTrap = ppc_bit(46);
}  // namespace program

}  // namespace mpower::jit
