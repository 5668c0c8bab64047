#include "boot/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "base/endian.h"

namespace mpower::boot {
namespace {

constexpr u64 kAddressMask = 0x0fffffff;

Ra place(u64 virtual_address) { return Ra{kLoadBase + (virtual_address & kAddressMask)}; }

/// Reads a structure of the file in its byte order, field by field.
class Reader {
  public:
    Reader(std::span<const u8> file, bool big) : file_(file), big_(big) {}

    template <class T>
    T at(u64 offset) const {
        T v;
        std::memcpy(&v, file_.data() + offset, sizeof v);
        return big_ ? byte_swap(v) : v;
    }

  private:
    std::span<const u8> file_;
    bool big_;
};

std::string machine_name(u16 machine) {
    switch (machine) {
        case EM_X86_64: return "x86-64";
        case EM_386: return "x86";
        case EM_AARCH64: return "AArch64";
        case EM_PPC: return "32-bit PowerPC";
        default: return fmt::format("machine {}", machine);
    }
}

}  // namespace

Result<LoadedKernel> load_elf(std::span<const u8> file, std::span<u8> ram) {
    if (file.size() < EI_NIDENT || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
        return fail("not an ELF file; give a ppc64 vmlinux or another ELF image");
    }
    const u8 data = file[EI_DATA];
    if (data != ELFDATA2LSB && data != ELFDATA2MSB) return fail("ELF file with an unknown byte order ({})", data);
    const Reader read(file, data == ELFDATA2MSB);
    if (file.size() < 20) return fail("truncated ELF file: the header does not fit its {} bytes", file.size());
    const u16 machine = read.at<u16>(offsetof(Elf64_Ehdr, e_machine));
    if (machine != EM_PPC64) return fail("ELF file for {}, not for 64-bit PowerPC", machine_name(machine));
    if (file[EI_CLASS] != ELFCLASS64) return fail("32-bit ELF file; a 64-bit one is needed");
    if (file.size() < sizeof(Elf64_Ehdr)) {
        return fail("truncated ELF file: the header does not fit its {} bytes", file.size());
    }
    const u64 entry = read.at<u64>(offsetof(Elf64_Ehdr, e_entry));
    const u64 headers = read.at<u64>(offsetof(Elf64_Ehdr, e_phoff));
    const u16 count = read.at<u16>(offsetof(Elf64_Ehdr, e_phnum));
    if (read.at<u16>(offsetof(Elf64_Ehdr, e_phentsize)) != sizeof(Elf64_Phdr) && count != 0) {
        return fail("ELF file with program headers of an unknown size");
    }
    if (headers > file.size() || file.size() - headers < u64{count} * sizeof(Elf64_Phdr)) {
        return fail("truncated ELF file: {} program headers at byte {}, the file ends at byte {}", count, headers,
                    file.size());
    }
    LoadedKernel kernel{.entry = place(entry), .low = Ra{~u64{0}}, .high = {}, .little_endian = data == ELFDATA2LSB};
    for (u16 n = 0; n < count; ++n) {
        const u64 at = headers + n * sizeof(Elf64_Phdr);
        if (read.at<u32>(at + offsetof(Elf64_Phdr, p_type)) != PT_LOAD) continue;
        const u64 offset = read.at<u64>(at + offsetof(Elf64_Phdr, p_offset));
        const u64 from_file = read.at<u64>(at + offsetof(Elf64_Phdr, p_filesz));
        const u64 in_memory = read.at<u64>(at + offsetof(Elf64_Phdr, p_memsz));
        const Ra to = place(read.at<u64>(at + offsetof(Elf64_Phdr, p_vaddr)));
        if (in_memory == 0) continue;
        if (from_file > in_memory) return fail("ELF file with a segment larger in the file than in memory");
        if (offset > file.size() || file.size() - offset < from_file) {
            return fail("truncated ELF file: a segment of {} bytes at byte {}, the file ends at byte {}", from_file,
                        offset, file.size());
        }
        if (to.v > ram.size() || ram.size() - to.v < in_memory) {
            return fail("the image needs {} MiB of RAM, there are {} MiB; give more with -m",
                        static_cast<u64>((u128{to.v} + in_memory + (1 << 20) - 1) >> 20), ram.size() >> 20);
        }
        std::memcpy(ram.data() + to.v, file.data() + offset, from_file);
        std::memset(ram.data() + to.v + from_file, 0, in_memory - from_file);
        kernel.low = std::min(kernel.low, to);
        kernel.high = std::max(kernel.high, to + in_memory);
    }
    if (kernel.high.v == 0) return fail("ELF file without anything to load");
    if (kernel.entry < kernel.low || kernel.entry >= kernel.high)
        return fail("ELF file whose entry point is not in it");
    return kernel;
}

}  // namespace mpower::boot
