/* The few things that the guest needs to know when Open Firmware started it: through the client interface (IEEE 1275),
 * which QEMU's small firmware (-machine x-vof=on) has as a hypercall, so that it works after the image has moved over
 * it. */
#include "cpu.h"

#define VOF_CLIENT 0xf005

static void put32(u32* at, u32 value) {
#ifdef __LITTLE_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    *at = value;
}

static u32 get32(const u32* at) {
#ifdef __LITTLE_ENDIAN__
    return __builtin_bswap32(*at);
#else
    return *at;
#endif
}

/* Service, argument and result counts, arguments, one result: each a big-endian word. */
static u32 call(const char* service, u32 nargs, const u64* args) {
    static u32 block[12];
    put32(block, (u32)(u64)service);
    put32(block + 1, nargs);
    put32(block + 2, 1);
    for (u32 i = 0; i < nargs; ++i) put32(block + 3 + i, (u32)args[i]);
    put32(block + 3 + nargs, 0xffffffff);
    return hcall(VOF_CLIENT, (u64)block, 0, 0, 0, 0) == 0 ? get32(block + 3 + nargs) : 0xffffffff;
}

static u32 find(const char* path) { return call("finddevice", 1, (u64[]){(u64)path}); }
static u32 child(u32 node) { return call("child", 1, (u64[]){node}); }
static u32 peer(u32 node) { return call("peer", 1, (u64[]){node}); }
/* Length of the property; bytes at most are copied. */
static u32 property(u32 node, const char* name, void* to, u32 bytes) {
    return call("getprop", 4, (u64[]){node, (u64)name, (u64)to, bytes});
}
static u32 word(u32 node, const char* name) {
    u32 value = 0;
    property(node, name, &value, sizeof value);
    return get32(&value);
}

int ask_firmware(void) {
    const u32 chosen = find("/chosen"), all = find("/cpus"), services = find("/rtas"), devices = find("/vdevice");
    if (chosen == 0xffffffff) return 0;
    property(chosen, "bootargs", machine.bootargs, sizeof machine.bootargs - 1);
    machine.start_cpu = word(services, "start-cpu");
    machine.query_cpu_stopped_state = word(services, "query-cpu-stopped-state");
    machine.stop_self = word(services, "stop-self");
    machine.power_off = word(services, "power-off");
    for (u32 node = child(devices); node != 0; node = peer(node)) {
        char name[8] = {0};
        property(node, "name", name, sizeof name - 1);
        if (name[0] == 'v' && name[1] == 't' && name[2] == 'y') machine.vty = word(node, "reg");
    }
    for (u32 node = child(all); node != 0; node = peer(node)) {
        u32 servers[8] = {0}, size[2] = {0};
        const u32 bytes = property(node, "ibm,ppc-interrupt-server#s", servers, sizeof servers);
        for (u32 i = 0; i < bytes / 4 && bytes <= sizeof servers && machine.cpu_count < MAX_CPUS; ++i) {
            machine.servers[machine.cpu_count++] = get32(servers + i);
        }
        if (property(node, "ibm,pft-size", size, sizeof size) == sizeof size) machine.pft_shift = get32(size + 1);
    }
    return machine.cpu_count != 0;
}
