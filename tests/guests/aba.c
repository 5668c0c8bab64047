/* A store-conditional must fail when another vCPU has stored to the granule since the load-reserve, also if it put the
 * old value back (Power ISA 2.07, Book II 1.7.3). */
#include "cpu.h"

#define ROUNDS 200

static volatile struct { u64 value; } word __attribute__((aligned(128)));
static volatile u32 reserved __attribute__((aligned(128))), stored __attribute__((aligned(128)));
static u64 succeeded;

/* larx; say so; wait for the other's stores; stcx. In one piece, so that no other store of ours comes between. */
static u64 conditional(u32 round) {
    u64 t, success;
    __asm__ volatile(
        "ldarx %0, 0, %2\n\t"
        "stw %5, 0(%3)\n"
        "1: lwz %1, 0(%4)\n\t"
        "cmpw %1, %5\n\t"
        "bne 1b\n\t"
        "isync\n\t"
        "stdcx. %0, 0, %2\n\t"
        "mfcr %1"
        : "=&r"(t), "=&r"(success)
        : "r"(&word.value), "b"(&reserved), "b"(&stored), "r"(round)
        : "cr0", "memory");
    return success >> 29 & 1;
}

static void play(u64 index) {
    if (index > 1) return;
    for (u32 round = 1; round <= ROUNDS; ++round) {
        if (index == 0) {
            succeeded += conditional(round);
        } else {
            while (reserved != round) {}
            word.value = 1;
            word.value = 0;
            __asm__ volatile("sync" ::: "memory");
            stored = round;
        }
    }
}

void test_aba(void) {
    if (machine.cpu_count < 2) {
        print("SKIP aba: one vCPU\n");
        return;
    }
    const unsigned before = failures;
    on_all(play);
    expect("stdcx. after another vCPU's stores", succeeded, 0);
    if (failures == before) print("PASS aba\n");
}
