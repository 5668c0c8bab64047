// The guest's non-volatile memory: what outlives a reboot of the guest, though not the program.
#pragma once

#include <array>

#include "base/lock.h"
#include "base/types.h"

namespace mpower::smp {

constexpr u32 kNvramBytes = 65536;

/// Any vCPU thread in mode OUT, under `mutex`.
struct Nvram {
    /// As PAPR wants it found ("NVRAM", "Partitions"): in partitions, here a free one over the whole. A header is its
    /// signature, checksum, length in 16 bytes, and name.
    Nvram() {
        constexpr u8 kFree = 0x7f;
        constexpr u32 kLength = kNvramBytes / 16;
        bytes[0] = kFree;
        bytes[2] = u8{kLength >> 8};
        bytes[3] = u8{kLength & 0xff};
        for (u32 n = 4; n < 16; ++n) bytes[n] = 'w';
        u32 sum = 0;
        for (u32 n = 0; n < 16; ++n) sum += bytes[n];
        while (sum > 0xff) sum = (sum & 0xff) + (sum >> 8);  // carries come round
        bytes[1] = static_cast<u8>(sum);
    }

    Mutex<LockRank::kNvram> mutex;
    std::array<u8, kNvramBytes> bytes{};
};

}  // namespace mpower::smp
