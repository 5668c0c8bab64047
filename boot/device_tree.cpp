#include "boot/device_tree.h"

#include <libfdt.h>

#include <initializer_list>

#include "base/endian.h"
#include "base/time_base.h"
#include "boot/pa_features.h"
#include "smp/machine.h"

namespace mpower::boot {
namespace {

constexpr u32 kXicsPhandle = 0x1111;

/// libfdt's sequential writer with errors kept until the end.
class Tree {
  public:
    explicit Tree(std::size_t bytes) : blob_(bytes) { check(fdt_create(blob_.data(), static_cast<int>(bytes))); }

    void reserve(const Range& r) { check(fdt_add_reservemap_entry(blob_.data(), r.start, r.size)); }
    void end_reserve() { check(fdt_finish_reservemap(blob_.data())); }
    void begin(const std::string& name) { check(fdt_begin_node(blob_.data(), name.c_str())); }
    void end() { check(fdt_end_node(blob_.data())); }
    void empty(const char* name) { check(fdt_property(blob_.data(), name, nullptr, 0)); }
    void u32s(const char* name, std::initializer_list<u32> cells) { bytes(name, pack<u32>(cells)); }
    void u32s(const char* name, const std::vector<u32>& cells) { bytes(name, pack<u32>(cells)); }
    void u64s(const char* name, std::initializer_list<u64> cells) { bytes(name, pack<u64>(cells)); }
    void text(const char* name, const std::string& s) { check(fdt_property_string(blob_.data(), name, s.c_str())); }
    void texts(const char* name, const std::vector<std::string>& list) {
        std::vector<u8> all;
        for (const std::string& s : list) all.insert(all.end(), s.c_str(), s.c_str() + s.size() + 1);
        bytes(name, all);
    }
    void bytes(const char* name, const std::vector<u8>& data) {
        check(fdt_property(blob_.data(), name, data.data(), static_cast<int>(data.size())));
    }

    Result<std::vector<u8>> finish(u32 boot_cpu) {
        check(fdt_finish(blob_.data()));
        if (error_ != 0) return fail("device tree: {}", fdt_strerror(error_));
        fdt_set_boot_cpuid_phys(blob_.data(), boot_cpu);
        blob_.resize(fdt_totalsize(blob_.data()));
        return std::move(blob_);
    }

  private:
    template <class T, class List>
    static std::vector<u8> pack(const List& cells) {
        std::vector<u8> out(cells.size() * sizeof(T));
        u8* p = out.data();
        for (const T cell : cells) {
            store_be<T>(p, cell);
            p += sizeof(T);
        }
        return out;
    }
    void check(int status) {
        if (status < 0 && error_ == 0) error_ = status;
    }

    std::vector<u8> blob_;
    int error_ = 0;
};

void add_cpu(Tree& t, const TreeOptions& o, u32 id) {
    const bool power9 = o.level >= jit::IsaLevel::k300;
    t.begin(fmt::format("PowerPC,{}@{:x}", power9 ? "POWER9" : "POWER8", id));
    t.text("device_type", "cpu");
    t.text("status", "okay");
    t.u32s("reg", {id});
    t.u32s("cpu-version", {power9 ? 0x004e1202u : 0x004d0200u});
    t.u32s("ibm,ppc-interrupt-server#s", {id});
    t.u32s("ibm,ppc-interrupt-gserver#s", {id, 0});
    t.u32s("timebase-frequency", {kTimeBaseHz});
    t.u32s("clock-frequency", {1000000000});
    for (const char* line : {"d-cache-block-size", "d-cache-line-size", "i-cache-block-size", "i-cache-line-size"}) {
        t.u32s(line, {128});
    }
    t.u32s("d-cache-size", {0x8000});
    t.u32s("i-cache-size", {0x8000});
    t.u32s("slb-size", {32});
    t.u32s("ibm,slb-size", {32});
    t.empty("64-bit");
    t.u32s("ibm,purr", {1});
    t.u32s("ibm,spurr", {1});
    t.u32s("ibm,processor-segment-sizes", {28, 40, 0xffffffff, 0xffffffff});
    // For each base page size: shift, SLB encoding, count, then {actual shift, HPTE encoding}.
    t.u32s("ibm,segment-page-sizes",
           {12, 0, 3, 12, 0, 16, 7, 24, 0x38, 16, 0x110, 2, 16, 1, 24, 8, 24, 0x100, 1, 24, 0});
    t.u32s("ibm,pft-size", {0, o.hpt_shift});
    t.u32s("ibm,vmx", {2});
    t.u32s("ibm,dfp", {1});  // where Linux learns of decimal floating point (AT_HWCAP)
    t.bytes("ibm,pa-features", pa_features(o.level));
    t.bytes("ibm,pi-features", {1, 0, 0});
    t.u32s("ibm,chip-id", {id});
    t.end();
}

void add_memory(Tree& t, const TreeOptions& o) {
    t.begin("memory@0");
    t.text("device_type", "memory");
    t.u64s("reg", {0, o.ram_bytes});
    t.end();
}

void add_rtas(Tree& t, const TreeOptions& o) {
    t.begin("rtas");
    t.texts("ibm,hypertas-functions", o.hypertas);
    t.texts("qemu,hypertas-functions", {"hcall-memop1"});
    t.u32s("rtas-size", {static_cast<u32>(o.rtas_size)});
    t.u32s("rtas-error-log-max", {2048});
    t.u32s("rtas-event-scan-rate", {1});
    t.empty("ibm,extended-os-term");
    for (const auto& [name, token] : o.rtas_tokens) t.u32s(name.c_str(), {token});
    t.u32s("linux,rtas-base", {static_cast<u32>(o.rtas_base)});
    t.u32s("linux,rtas-entry", {static_cast<u32>(o.rtas_base)});
    t.end();
}

void add_devices(Tree& t, const TreeOptions& o) {
    t.begin("interrupt-controller");
    t.text("device_type", "PowerPC-External-Interrupt-Presentation");
    t.text("compatible", "IBM,ppc-xicp");
    t.empty("interrupt-controller");
    t.u32s("ibm,interrupt-server-ranges", {0, o.vcpus});
    t.u32s("#interrupt-cells", {2});
    t.u32s("phandle", {kXicsPhandle});
    t.u32s("linux,phandle", {kXicsPhandle});
    t.end();

    t.begin("ibm,platform-facilities");
    t.text("device_type", "ibm,platform-facilities");
    t.u32s("#address-cells", {1});
    t.u32s("#size-cells", {0});
    t.begin("ibm,random-v1");
    t.text("compatible", "ibm,random");
    t.end();
    t.end();

    t.begin("nvram");
    t.text("device_type", "nvram");
    t.u32s("#bytes", {smp::kNvramBytes});
    t.end();

    t.begin("vdevice");
    t.text("device_type", "vdevice");
    t.text("compatible", "IBM,vdevice");
    t.u32s("#address-cells", {1});
    t.u32s("#size-cells", {0});
    t.u32s("#interrupt-cells", {2});
    t.empty("interrupt-controller");
    t.begin("vty@71000000");
    t.text("name", "vty");
    t.text("device_type", "serial");
    t.text("compatible", "hvterm1");
    t.u32s("reg", {0x71000000});
    t.u32s("interrupts", {0x1100, 0});
    t.end();
    t.end();
}

}  // namespace

Result<std::vector<u8>> build_device_tree(const TreeOptions& o) {
    Tree t(65536 + o.vcpus * 2048 + o.bootargs.size());
    for (const Range& r : o.reserved) t.reserve(r);
    t.end_reserve();
    t.begin("");
    t.text("device_type", "chrp");
    t.text("compatible", "qemu,pseries");
    t.text("model", "IBM pSeries (emulated by mpower)");
    t.u32s("#address-cells", {2});
    t.u32s("#size-cells", {2});

    t.begin("chosen");
    t.text("bootargs", o.bootargs);
    if (o.initrd.size != 0) {
        t.u64s("linux,initrd-start", {o.initrd.start});
        t.u64s("linux,initrd-end", {o.initrd.start + o.initrd.size});
    }
    t.text("stdout-path", "/vdevice/vty@71000000");
    t.text("linux,stdout-path", "/vdevice/vty@71000000");
    t.bytes("rng-seed", {o.rng_seed.begin(), o.rng_seed.end()});
    t.end();

    t.begin("cpus");
    t.u32s("#address-cells", {1});
    t.u32s("#size-cells", {0});
    for (u32 id = 0; id < o.vcpus; ++id) add_cpu(t, o, id);
    t.end();

    add_memory(t, o);
    add_rtas(t, o);
    add_devices(t, o);
    t.end();
    return t.finish(0);
}

}  // namespace mpower::boot
