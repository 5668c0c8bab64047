// ELF loader, layout of RAM, device tree.
#include "boot/boot.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstring>
#include <set>
#include <string>

#include "boot/device_tree.h"
#include "boot/elf.h"
#include "boot/pa_features.h"

namespace mpower::boot {
namespace {

constexpr u64 kMiB = u64{1} << 20, kGiB = u64{1} << 30, kAll = ~u64{0};

/// A little-endian image of one segment of 16 bytes at `entry`.
struct Image {
    Elf64_Ehdr header{};
    Elf64_Phdr segment{};
    u8 bytes[16] = {1, 2, 3};

    Image() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_machine = EM_PPC64;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof segment;
        header.e_phnum = 1;
        segment.p_type = PT_LOAD;
        segment.p_offset = offsetof(Image, bytes);
        segment.p_filesz = segment.p_memsz = sizeof bytes;
    }
    std::span<const u8> file() const { return {reinterpret_cast<const u8*>(this), sizeof *this}; }
};

class Elf : public testing::Test {
  protected:
    /// The error of loading the image into 8 MiB, or "".
    std::string load() {
        const auto loaded = load_elf(image_.file(), ram_);
        return loaded ? "" : loaded.error();
    }
    Image image_;
    std::vector<u8> ram_ = std::vector<u8>(8 * kMiB);
};

TEST_F(Elf, Segment_IsPlacedAt4MiB_AndTheRestZeroed) {
    image_.segment.p_memsz = 32;
    std::fill(ram_.begin(), ram_.end(), 0xff);
    ASSERT_EQ(load(), "");
    EXPECT_EQ(ram_[4 * kMiB + 2], 3);
    EXPECT_EQ(ram_[4 * kMiB + 31], 0);
    EXPECT_EQ(ram_[4 * kMiB + 32], 0xff);
    EXPECT_EQ(ram_[4 * kMiB - 1], 0xff);
}

TEST_F(Elf, Segment_MayEndAtTheEndOfRam_NotBehindIt) {
    image_.segment.p_vaddr = 4 * kMiB - 16;
    image_.header.e_entry = 4 * kMiB - 16;
    EXPECT_EQ(load(), "");
    image_.segment.p_vaddr = image_.header.e_entry = 4 * kMiB - 15;
    EXPECT_NE(load().find("needs 9 MiB of RAM"), std::string::npos) << load();
}

TEST_F(Elf, SizesThatWrap_AreRefused_AndTheMessageDoesNotWrap) {
    image_.segment.p_memsz = kAll;
    EXPECT_NE(load().find("needs 17592186044420 MiB"), std::string::npos) << load();
    image_ = {};
    image_.segment.p_offset = kAll - 7;
    EXPECT_NE(load().find("truncated"), std::string::npos) << load();
    image_ = {};
    image_.segment.p_offset = 8;
    image_.segment.p_filesz = image_.segment.p_memsz = kAll - 7;
    EXPECT_NE(load().find("truncated"), std::string::npos) << load();
    image_ = {};
    image_.header.e_phoff = kAll - 55;
    EXPECT_NE(load().find("program headers at byte 18446744073709551560"), std::string::npos) << load();
    image_ = {};
    image_.segment.p_vaddr = kAll - 7;
    EXPECT_NE(load().find("needs 261 MiB"), std::string::npos) << load();
}

TEST(LayOut, Initrd_StandsBehindTheKernel_WhenThereIsRoom) {
    const auto at = lay_out(512 * kMiB, 40 * kMiB, 100 * kMiB, 128 * 1024);
    ASSERT_TRUE(at) << at.error();
    EXPECT_EQ(at->initrd, 56 * kMiB);
    EXPECT_EQ(at->rtas, 512 * kMiB - 4096);
    EXPECT_LE(at->tree + 128 * 1024, at->rtas);
    EXPECT_EQ(at->tree % 65536, 0u);
}

TEST(LayOut, Initrd_UsesTheWholeGap_AndNotAByteMore) {
    const auto empty = lay_out(512 * kMiB, 40 * kMiB, 0, 128 * 1024);
    ASSERT_TRUE(empty);
    const u64 gap = empty->tree - 56 * kMiB;
    const auto whole = lay_out(512 * kMiB, 40 * kMiB, gap, 128 * 1024);
    ASSERT_TRUE(whole) << whole.error();
    EXPECT_EQ(whole->initrd + gap, whole->tree);
    const auto more = lay_out(512 * kMiB, 40 * kMiB, gap + 1, 128 * 1024);
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().find("give more with -m"), std::string::npos);
}

TEST(LayOut, LargeInitrd_StandsAbove1GiB_AndRtasAndTreeStayBelow) {
    const auto at = lay_out(3 * kGiB, 40 * kMiB, 2 * kGiB, 128 * 1024);
    ASSERT_TRUE(at) << at.error();
    EXPECT_EQ(at->initrd, kGiB);
    EXPECT_LT(at->rtas, kGiB);
    EXPECT_LT(at->tree, at->rtas);
    EXPECT_FALSE(lay_out(3 * kGiB, 40 * kMiB, 2 * kGiB + 1, 128 * 1024));
    EXPECT_FALSE(lay_out(3 * kGiB, 40 * kMiB, kAll, 128 * 1024));
}

TEST(LayOut, Tree_NeedsRoomBehindTheKernel) {
    EXPECT_FALSE(lay_out(64 * kMiB, 64 * kMiB, 0, 65536));
    EXPECT_FALSE(lay_out(64 * kMiB, 4 * kMiB, 0, 64 * kMiB));
}

class DeviceTree : public testing::Test {
  protected:
    void build(jit::IsaLevel level, unsigned vcpus = 2) {
        TreeOptions options{.ram_bytes = 64 * kMiB, .vcpus = vcpus, .level = level};
        options.rtas_tokens = {{"nvram-fetch", 1}};
        auto made = build_device_tree(options);
        ASSERT_TRUE(made) << made.error();
        blob_ = std::move(*made);
    }
    /// Bytes of a property; nothing if it is absent.
    std::vector<u8> property(const char* path, const char* name) {
        int length = 0;
        const int node = fdt_path_offset(blob_.data(), path);
        EXPECT_GE(node, 0) << path;
        const auto* p = static_cast<const u8*>(fdt_getprop(blob_.data(), node, name, &length));
        return p == nullptr ? std::vector<u8>() : std::vector<u8>(p, p + length);
    }
    static bool bit(const std::vector<u8>& features, unsigned byte, unsigned bit) {
        return features.at(2 + byte) & (0x80 >> bit);
    }
    std::vector<u8> blob_;
};

TEST_F(DeviceTree, PaFeatures_OfPower8) {
    build(jit::IsaLevel::k207);
    const auto f = property("/cpus/PowerPC,POWER8@0", "ibm,pa-features");
    const std::vector<u8> expected{24, 0, 0xf2, 0x37, 0x47, 0xc0, 0, 0xb0, 0x80, 0,    0, 0, 0,
                                   0,  0, 0,    0,    0,    0x80, 0, 0x80, 0,    0x80, 0, 0, 0};
    EXPECT_EQ(f, expected);
}

TEST_F(DeviceTree, PaFeatures_OfPower9_AddWhatIsImplementedOfIsa30) {
    build(jit::IsaLevel::k300);
    const auto f = property("/cpus/PowerPC,POWER9@0", "ibm,pa-features");
    ASSERT_EQ(f.size(), 68u);
    EXPECT_EQ(f[0], 66);
    EXPECT_EQ(f[1], 0);
    // What Linux takes from it: MMU, FPU, CTRL, no-execute, cache-inhibited large pages, little-endian ...
    const std::pair<unsigned, unsigned> present[] = {{0, 0}, {0, 1}, {0, 3}, {0, 6}, {1, 2}, {5, 0}};
    for (const auto& [byte, number] : present) EXPECT_TRUE(bit(f, byte, number)) << byte << '.' << number;
    // ... and not: transactional memory, radix, DAWR1. What else the vCPU lacks: DABR, CFAR, large decrementer,
    // counters, event-based branches, copy-paste.
    const std::pair<unsigned, unsigned> absent[] = {{22, 0}, {40, 0}, {64, 0}, {0, 5},  {5, 1},
                                                    {24, 0}, {28, 0}, {42, 0}, {34, 0}, {38, 0}};
    for (const auto& [byte, number] : absent) EXPECT_FALSE(bit(f, byte, number)) << byte << '.' << number;
    std::set<unsigned> nonzero;
    for (unsigned byte = 24; byte < 66; ++byte) {
        if (f[2 + byte] != 0) nonzero.insert(byte);
    }
    EXPECT_EQ(nonzero, (std::set<unsigned>{44, 46, 48, 50, 52, 54, 56, 58, 60, 62}));
}

TEST_F(DeviceTree, EachFeature_HasABitOfItsOwn) {
    std::set<std::pair<unsigned, unsigned>> seen;
    for (const PaFeature& f : kPaFeatures) {
        EXPECT_TRUE(seen.insert({f.byte, f.bit}).second) << f.name;
        EXPECT_LT(f.byte, f.since >= jit::IsaLevel::k300 ? 66u : 24u) << f.name;
        EXPECT_LT(f.bit, 8u) << f.name;
    }
}

TEST_F(DeviceTree, DecimalFloatingPoint_IsAnnounced_LargeDecrementerIsNot) {
    build(jit::IsaLevel::k300);
    EXPECT_TRUE(property("/cpus/PowerPC,POWER9@1", "ibm,dec-bits").empty());
    EXPECT_EQ(property("/cpus/PowerPC,POWER9@1", "ibm,dfp"), (std::vector<u8>{0, 0, 0, 1}));
    EXPECT_EQ(property("/cpus/PowerPC,POWER9@1", "reg"), (std::vector<u8>{0, 0, 0, 1}));
}

TEST_F(DeviceTree, RandomNumbersAndNvram_AreWhereLinuxLooksForThem) {
    build(jit::IsaLevel::k207);
    const auto is = [&](const char* path, const char* name, const std::string& text) {
        const auto p = property(path, name);
        return std::string(p.begin(), p.end()) == text + '\0';
    };
    EXPECT_TRUE(is("/ibm,platform-facilities", "device_type", "ibm,platform-facilities"));
    EXPECT_TRUE(is("/ibm,platform-facilities/ibm,random-v1", "compatible", "ibm,random"));
    EXPECT_TRUE(is("/nvram", "device_type", "nvram"));
    EXPECT_EQ(property("/nvram", "#bytes"), (std::vector<u8>{0, 1, 0, 0}));
}

TEST_F(DeviceTree, HoldsTheMostVcpus) {
    build(jit::IsaLevel::k300, 1024);
    EXPECT_EQ(property("/cpus/PowerPC,POWER9@3ff", "reg"), (std::vector<u8>{0, 0, 3, 0xff}));
    EXPECT_LE(blob_.size(), 131072 + 1024 * 2048u);
}

}  // namespace
}  // namespace mpower::boot
