/* Code that changes. After the stores, dcbst, sync, icbi, sync and isync the new instructions are executed, by the vCPU
 * that stored them; by another after it has seen so and executed isync (Power ISA 2.07, Book II 1.8, 4.3.1). */
#include "cpu.h"

#define LI_R3(n) (0x38600000u | (n))
#define ADDI_R3(n) (0x38630000u | (n))
#define MTCTR_R4 0x7c8903a6u
#define BDNZ_BACK 0x4200fffcu /* to the instruction before */
#define BLR 0x4e800020u
#define B(distance) (0x48000000u | (distance))

#define TICKS 512000000ul /* a second */
#define WAYS 64           /* of the code that others execute */
#define CHANGES 50000     /* of it at least */
#define CALLS 10000       /* at least, with few enough changes during each */

static u32 code[2 * WAYS + 1] __attribute__((aligned(4096)));
static volatile struct { u64 value; } published __attribute__((aligned(128)));
static volatile struct { u32 value; } calls __attribute__((aligned(128))), wrong __attribute__((aligned(128)));
static volatile struct { u32 value; } ended __attribute__((aligned(128)));

static void put(u32 at, u32 word) {
    ((volatile u32*)code)[at] = word;
    __asm__ volatile("dcbst 0, %0; sync; icbi 0, %0; sync" ::"r"(&code[at]) : "memory");
}

static u64 call(u64 rounds) {
    __asm__ volatile("isync" ::: "memory");
    return ((u64(*)(u64, u64))code)(0, rounds);
}

static void own_code(void) {
    put(1, BLR);
    for (u64 n = 0; n < 3000; ++n) {
        put(0, LI_R3(n));
        /* Some often enough to be worth more of a translator's time. */
        for (u64 again = n % 300 == 0 ? 3000 : 2; again != 0; --again) {
            if (call(0) != n) expect("own code, changed", call(0), n);
        }
    }
    put(0, MTCTR_R4);
    put(2, BDNZ_BACK);
    put(3, BLR);
    for (u64 n = 1; n < 300; ++n) {
        put(1, ADDI_R3(n));
        expect("own code, changed in a loop", call(5000), 5000 * n);
    }
}

/* vCPU 0 changes a branch, which may be done while others execute it: they go the old way or the new one, and no old
 * way after they have seen that it is done. */
static void change(void) {
    const u64 deadline = timebase() + 30 * TICKS;
    for (u64 n = 1; (n < CHANGES || calls.value < CALLS) && timebase() < deadline; ++n) {
        put(0, B(4 + 8 * (n % WAYS)));
        published.value = n;
    }
    __asm__ volatile("lwsync" ::: "memory");
    ended.value = 1;
}

static void follow(void) {
    while (!ended.value) {
        const u64 first = published.value;
        const u64 way = call(0);
        __asm__ volatile("sync" ::: "memory");
        const u64 last = published.value + 1;
        if (last - first >= WAYS) continue; /* any way is right */
        if ((way - first) % WAYS > last - first) count_up(&wrong.value, 1);
        count_up(&calls.value, 1);
    }
}

static void others_code(u64 index) {
    if (index == 0)
        change();
    else
        follow();
}

void test_code(void) {
    const unsigned before = failures;
    own_code();
    if (machine.cpu_count > 1) {
        for (u32 n = 0; n < WAYS; ++n) {
            put(1 + 2 * n, LI_R3(n));
            put(2 + 2 * n, BLR);
        }
        put(0, B(4));
        on_all(others_code);
        expect("calls that went an old way", wrong.value, 0);
        expect("calls by others", calls.value >= CALLS, 1);
    }
    if (failures == before) print("PASS code\n");
}
