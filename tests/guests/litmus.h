/* What litmus.c and the tests that litmus/emit.py makes share. */
#ifndef MPOWER_TESTS_GUESTS_LITMUS_H
#define MPOWER_TESTS_GUESTS_LITMUS_H
#include "cpu.h"

#define MOST_TESTS 200
#define MOST_THREADS 4
#define MOST_LOCATIONS 4
#define MOST_OBSERVABLES 8
#define MOST_OUTCOMES 64
#define LOCATION_BYTES 256 /* of an instance: two reservation granules */
#define RESULT_BYTES 64    /* of an instance and thread: four results of 16 bytes */
#define TIME_SHIFT 4       /* times of a stretch have so many bits of fraction */

/* Offsets in struct stretch. */
#define STRETCH_RESULTS 32
#define STRETCH_WHEN 40
#define STRETCH_LOCATION_STEP 48
#define STRETCH_RESULT_STEP 56
#define STRETCH_TIME_STEP 64
#define STRETCH_COUNT 72

#ifdef __ASSEMBLER__
/* A thread of a test: function(stretch). In its code r3-r6 hold the addresses of the instance's locations, r7 that of
 * its results, r8 the time of its begin, r9-r11 the steps of these, CTR how many instances are left. r0, r12, r14-r31
 * are free. */
    .macro BEGIN name
    .globl \name
    .type \name, @function
\name:
    .set n, 14
    .rept 18
    std n, 8*(n - 32)(1)
    .set n, n + 1
    .endr
    ld 7, STRETCH_RESULTS(3)
    ld 8, STRETCH_WHEN(3)
    ld 9, STRETCH_LOCATION_STEP(3)
    ld 10, STRETCH_RESULT_STEP(3)
    ld 11, STRETCH_TIME_STEP(3)
    ld 0, STRETCH_COUNT(3)
    mtctr 0
    ld 4, 8(3)
    ld 5, 16(3)
    ld 6, 24(3)
    ld 3, 0(3)
    .endm

    .macro AWAIT
8:  mftb 0
    sldi 0, 0, TIME_SHIFT
    cmpld 0, 8
    blt- 8b
    .endm

    .macro NEXT
    add 3, 3, 9
    add 4, 4, 9
    add 5, 5, 9
    add 6, 6, 9
    add 7, 7, 10
    add 8, 8, 11
    bdnz 8b
    .set n, 14
    .rept 18
    ld n, 8*(n - 32)(1)
    .set n, n + 1
    .endr
    blr
    .endm
#else
/* Many instances of a test, one after the other, for one thread. */
struct stretch {
    u64 locations[MOST_LOCATIONS]; /* addresses in the first instance */
    u64 results;
    u64 when; /* time base, with TIME_SHIFT bits of fraction: not earlier */
    long location_step, result_step, time_step;
    u64 count;
};
_Static_assert(__builtin_offsetof(struct stretch, count) == STRETCH_COUNT, "offsets");

/* A part of the outcome: what a thread kept, or what a location has at the end. All bytes of a value are the same. */
struct observable {
    const char* name;
    u8 final;
    u8 number; /* of the thread, or of the location */
    u8 offset, size;
};

struct litmus {
    const char* name;
    u32 threads, locations, observables;
    u32 allowed, sc; /* how many outcomes are allowed; how many of them are sequentially consistent: the first ones */
    u32 must_be_seen; /* the others have to be seen on a host that reorders stores and loads */
    u8 initial[MOST_LOCATIONS];
    void (*thread[MOST_THREADS])(const struct stretch*);
    const u32* outcomes; /* four bits for each observable, the first in the lowest */
    struct observable observable[MOST_OBSERVABLES];
};
extern const struct litmus litmus_tests[];
extern const u32 litmus_count;
#endif
#endif
