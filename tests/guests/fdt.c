/* The few things that the tests need from the flattened device tree (devicetree specification, chapter 5), and RTAS. */
#include "cpu.h"

struct machine machine;

static u32 be32(const void* at) {
    const u8* p = at;
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static int same(const char* a, const char* b) {
    while (*a != 0 && *a == *b) ++a, ++b;
    return *a == *b;
}
/* Name without a unit address. */
static int named(const char* node, const char* name) {
    while (*name != 0 && *node == *name) ++node, ++name;
    return *name == 0 && (*node == 0 || *node == '@');
}

static void property(const char* const* path, int depth, const char* name, const u8* value, u32 length) {
    if (depth == 2 && named(path[1], "rtas")) {
        const u32 v = length >= 4 ? be32(value) : 0;
        if (same(name, "linux,rtas-base")) machine.rtas_base = v;
        if (same(name, "linux,rtas-entry")) machine.rtas_entry = v;
        if (same(name, "start-cpu")) machine.start_cpu = v;
        if (same(name, "query-cpu-stopped-state")) machine.query_cpu_stopped_state = v;
        if (same(name, "stop-self")) machine.stop_self = v;
        if (same(name, "power-off")) machine.power_off = v;
        if (same(name, "system-reboot")) machine.system_reboot = v;
        if (same(name, "nvram-fetch")) machine.nvram_fetch = v;
        if (same(name, "nvram-store")) machine.nvram_store = v;
    }
    if (depth == 2 && named(path[1], "chosen") && same(name, "bootargs")) {
        for (u32 i = 0; i < length && i < sizeof machine.bootargs - 1; ++i) machine.bootargs[i] = (char)value[i];
    }
    if (depth == 3 && named(path[1], "vdevice") && named(path[2], "vty") && same(name, "reg"))
        machine.vty = be32(value);
    if (depth == 3 && named(path[1], "cpus")) {
        if (same(name, "ibm,pft-size") && length >= 8) machine.pft_shift = be32(value + 4);
        /* One entry for each thread of the core. */
        if (same(name, "ibm,ppc-interrupt-server#s")) {
            for (u32 i = 0; i + 4 <= length && machine.cpu_count < MAX_CPUS; i += 4) {
                machine.servers[machine.cpu_count++] = be32(value + i);
            }
        }
    }
}

void read_device_tree(u64 fdt) {
    const u8* base = (const u8*)fdt;
    if (be32(base) != 0xd00dfeed) {
        print("FAIL r3 is no device tree\n");
        ++failures;
        return;
    }
    machine.described = 1;
    const u8* p = base + be32(base + 8);
    const char* strings = (const char*)base + be32(base + 12);
    const char* path[8];
    int depth = 0;
    for (;;) {
        const u32 token = be32(p);
        p += 4;
        if (token == 1) { /* node */
            if (depth < 8) path[depth] = (const char*)p;
            ++depth;
            u64 n = 0;
            while (p[n] != 0) ++n;
            p += (n + 4) & ~3ul;
        } else if (token == 2) {
            --depth;
        } else if (token == 3) {
            const u32 length = be32(p);
            property(path, depth, strings + be32(p + 4), p + 8, length);
            p += 8 + ((length + 3) & ~3u);
        } else if (token == 9) {
            return;
        }
    }
}

#define KVMPPC_H_RTAS 0xf000

static void put32(u32* at, u32 value) {
    u8* p = (u8*)at;
    p[0] = (u8)(value >> 24), p[1] = (u8)(value >> 16), p[2] = (u8)(value >> 8), p[3] = (u8)value;
}

/* PAPR 7.2.6: token, argument and result counts, arguments, results, each a big-endian word. */
static int call(u32 token, u32 nargs, const u32* args, u32 nrets, u32* second) {
    u32 block[8];
    put32(block, token);
    put32(block + 1, nargs);
    put32(block + 2, nrets);
    for (u32 i = 0; i < nargs; ++i) put32(block + 3 + i, args[i]);
    for (u32 i = 0; i < nrets; ++i) put32(block + 3 + nargs + i, 0xffffffff);
    if (machine.rtas_entry != 0) {
        call_rtas(block, machine.rtas_base, machine.rtas_entry);
    } else {
        hcall(KVMPPC_H_RTAS, (u64)block, 0, 0, 0, 0);
    }
    if (second != 0) *second = be32(block + 3 + nargs + 1);
    return (int)be32(block + 3 + nargs);
}
int rtas(u32 token, u32 nargs, const u32* args, u32 nrets) { return call(token, nargs, args, nrets, 0); }
int rtas_pair(u32 token, u32 arg, u32* second) { return call(token, 1, &arg, 2, second); }
