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
static volatile u32 job_number __attribute__((aligned(128)));
static void (*volatile job)(u64 index);

#define ADD(name, type, larx, stcx)                                                                     \
    static type name(volatile void* at, u64 n) {                                                        \
        u64 t;                                                                                          \
        __asm__ volatile("1: " larx " %0, 0, %1; add %0, %0, %2; " stcx " %0, 0, %1; bne- 1b" \
                         : "=&r"(t) : "r"(at), "r"(n) : "cr0", "memory");                               \
        return (type)t;                                                                                 \
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
    spin_lock(&locked.lock);
    locked.value += 1;
    spin_unlock(&locked.lock);
}

/* --- jobs for all vCPUs */
u32 count_up(volatile u32* at, u32 n) { return add32(at, n); }

void secondary(u64 index) {
    u32 done = job_number;
    add32(&started, 1);
    for (;;) {
        while (job_number == done) {}
        __asm__ volatile("lwsync" ::: "memory");
        done = job_number;
        if (job == 0) break;
        job(index);
        __asm__ volatile("lwsync" ::: "memory");
        add32(&finished, 1);
    }
    rtas(machine.stop_self, 0, 0, 1);
    for (;;) {}
}

/* False: not all came in time. */
static int wait_for(volatile u32* count, u64 wanted) {
    const u64 deadline = timebase() + 120ul * 512000000;
    while (*count != wanted) {
        if (timebase() > deadline) return 0;
    }
    __asm__ volatile("lwsync" ::: "memory");
    return 1;
}

static void give(void (*function)(u64)) {
    job = function;
    finished = 0;
    __asm__ volatile("lwsync" ::: "memory");
    job_number += 1;
}

int on_all(void (*function)(u64 index)) {
    give(function);
    function(0);
    const int all = wait_for(&finished, machine.cpu_count - 1);
    expect("vCPUs that finished", finished, machine.cpu_count - 1);
    return all;
}

void start_all(void) {
    expect("device tree has a cpu", machine.cpu_count != 0, 1);
    started = 0;
    for (u32 i = 1; i < machine.cpu_count; ++i) {
        const u32 args[3] = {machine.servers[i], (u32)(u64)secondary_entry, i};
        expect("start-cpu", (u64)rtas(machine.start_cpu, 3, args, 1), 0);
    }
    wait_for(&started, machine.cpu_count - 1);
    expect("vCPUs started", started, machine.cpu_count - 1);
}

void stop_all(void) { give(0); }

/* --- counters */
static void work(u64 index) {
    (void)index;
    for (int i = 0; i < ROUNDS; ++i) {
        add8(&counter8, 1);
        add16(&counter16, 3);
        add32(&counter32, 5);
        add64(&counter64, 0x100000001);
        add128(&counter128);
        add_locked();
    }
}

void test_smp(void) {
    const unsigned before = failures;
    const u64 n = machine.cpu_count;
    on_all(work);
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
