/* All vCPUs add to the same counters with load-reserve and store-conditional of every size. */
#include "cpu.h"

#define ROUNDS 100000

/* Each in its own reservation granule. */
static volatile struct { u8 value; } counter8 __attribute__((aligned(128)));
static volatile struct { u16 value; } counter16 __attribute__((aligned(128)));
static volatile struct { u32 value; } counter32 __attribute__((aligned(128)));
static volatile struct { u64 value; } counter64 __attribute__((aligned(128)));
static volatile struct { u64 high, low; } counter128 __attribute__((aligned(128)));
static volatile struct { u32 lock; u64 value; } locked __attribute__((aligned(128)));
static volatile u32 started __attribute__((aligned(128)));
static volatile u32 finished __attribute__((aligned(128)));
static volatile u32 go __attribute__((aligned(128)));

#define ADD(name, type, larx, stcx)                                                                     \
    static void name(volatile void* at, u64 n) {                                                        \
        u64 t;                                                                                          \
        __asm__ volatile("1: " larx " %0, 0, %1; add %0, %0, %2; " stcx " %0, 0, %1; bne- 1b" \
                         : "=&r"(t) : "r"(at), "r"(n) : "cr0", "memory");                               \
    }
ADD(add8, u8, "lbarx", "stbcx.")
ADD(add16, u16, "lharx", "sthcx.")
ADD(add32, u32, "lwarx", "stwcx.")
ADD(add64, u64, "ldarx", "stdcx.")

/* The pair r6 (more significant) and r7, as one number; both halves count. */
static void add128(volatile void* at) {
    __asm__ volatile("1: lqarx 6, 0, %0; addi 7, 7, 1; addi 6, 6, 2; stqcx. 6, 0, %0; bne- 1b" ::"r"(at)
                     : "6", "7", "cr0", "memory");
}

static void add_locked(void) {
    u32 t;
    __asm__ volatile("1: lwarx %0, 0, %1; cmpwi %0, 0; bne- 1b; stwcx. %2, 0, %1; bne- 1b; isync"
                     : "=&r"(t) : "r"(&locked.lock), "r"(1) : "cr0", "memory");
    locked.value += 1;
    __asm__ volatile("lwsync" ::: "memory");
    locked.lock = 0;
}

static void work(void) {
    while (!go) {}
    for (int i = 0; i < ROUNDS; ++i) {
        add8(&counter8, 1);
        add16(&counter16, 3);
        add32(&counter32, 5);
        add64(&counter64, 0x100000001);
        add128(&counter128);
        add_locked();
    }
    __asm__ volatile("lwsync" ::: "memory");
    add32(&finished, 1);
}

void secondary(u64 index) {
    (void)index;
    add32(&started, 1);
    work();
    rtas(machine.stop_self, 0, 0);
    for (;;) {}
}

void test_smp(void) {
    const unsigned before = failures;
    const u64 n = machine.cpu_count;
    expect("device tree has a cpu", n != 0, 1);
    for (u32 i = 1; i < n; ++i) {
        const u32 args[3] = {machine.servers[i], (u32)(u64)secondary_entry, i};
        expect("start-cpu", (u64)rtas(machine.start_cpu, 3, args), 0);
    }
    const u64 deadline = timebase() + 60ul * 512000000;
    while (started != n - 1 && timebase() < deadline) {}
    expect("vCPUs started", started, n - 1);
    go = 1;
    work();
    while (finished != n && timebase() < deadline) {}
    expect("vCPUs finished", finished, n);
    __asm__ volatile("lwsync" ::: "memory");
    expect("lbarx counter", counter8.value, (u8)(n * ROUNDS));
    expect("lharx counter", counter16.value, (u16)(3 * n * ROUNDS));
    expect("lwarx counter", counter32.value, (u32)(5 * n * ROUNDS));
    expect("ldarx counter", counter64.value, 0x100000001 * n * ROUNDS);
    /* lq's register pair: the even register is the doubleword at the lower address when big-endian. */
#ifdef __LITTLE_ENDIAN__
    expect("lqarx counter, odd register", counter128.high, n * ROUNDS);
    expect("lqarx counter, even register", counter128.low, 2 * n * ROUNDS);
#else
    expect("lqarx counter, odd register", counter128.low, n * ROUNDS);
    expect("lqarx counter, even register", counter128.high, 2 * n * ROUNDS);
#endif
    expect("counter under a lock", locked.value, n * ROUNDS);
    if (failures == before) print("PASS smp "), print_number(n), print("\n");
}
