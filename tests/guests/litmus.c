/* Litmus tests: outcomes that the storage model forbids must never appear (Power ISA 2.07, Book II 1.7). litmus/emit.py
 * makes the tests and says what is allowed. Each runs many instances, on memory of their own, by vCPUs 0 .. n-1 at once:
 * in rounds of INSTANCES, each thread beginning an instance by the time base when the others do, but for a few ticks that
 * differ from instance to instance. What the instances of a round came to is counted while those of the next are set up. */
#include "litmus.h"

#define INSTANCES 256
#define ROUNDS 400 /* at most, each test; 102,400 runs */
#define ROUNDS_LONG 4096 /* 1,048,576 */
#define MOST_PATIENCE 20 /* so many times longer, where something has to be seen */
#define TICKS (8 * 512000000ul) /* at most, all tests; not in the long run */
#define SPIN 10000 /* ticks before a vCPU that waits lets others run: there may be more vCPUs than host processors */
#define SHORTEST_STEP (20 << TIME_SHIFT)
#define LONGEST_STEP (500 << TIME_SHIFT) /* a microsecond */
#define PREEMPTED (50000 << TIME_SHIFT) /* later than this: the host ran something else */
#define LEAD 2000 /* ticks from the meeting of the threads to the first instance */
#define H_CONFER 0xe4
#define H_PROD 0xe8
#define H_JOIN 0x298

static struct { u64 value[LOCATION_BYTES / 8]; } memory[2][MOST_LOCATIONS][INSTANCES] __attribute__((aligned(128)));
static struct { u64 value[RESULT_BYTES / 8]; } results[2][MOST_THREADS][INSTANCES] __attribute__((aligned(128)));

/* What each thread has counted. */
static struct count {
    u64 outcomes[MOST_OUTCOMES]; /* as in the test's list */
    u64 others;
    u32 other; /* one of them */
} counts[MOST_THREADS] __attribute__((aligned(128)));

static volatile u32 arrived __attribute__((aligned(128)));
static volatile u32 turn __attribute__((aligned(128)));
static volatile u64 met_at;
static volatile u32 started __attribute__((aligned(128))), ended; /* how many tests, the skipped ones too */
static long time_step = SHORTEST_STEP; /* between two instances */
static u64 most_rounds, ticks, tests, runs;
static int must_see;

#define LWSYNC __asm__ volatile("lwsync" ::: "memory")

/* All threads of the test together. */
static void meet(const struct litmus* test) {
    const u32 now = turn;
    LWSYNC;
    /* The last to arrive, and nobody else, opens the next turn: another might do it when that has begun. */
    if (count_up(&arrived, 1) == test->threads) {
        arrived = 0;
        met_at = timebase();
        LWSYNC;
        turn = now + 1;
    }
    for (const u64 end = timebase() + SPIN; turn == now;) {
        if (timebase() > end) hcall(H_CONFER, ~0ul, 0, 0, 0, 0);
    }
    LWSYNC;
}

/* The thread's part of a round. Threads meet at different instances: some go through them backwards. */
static void play(const struct litmus* test, u64 thread, unsigned half, u64 random) {
    const int backwards = (random >> 60) == 0;
    const u64 first = backwards ? INSTANCES - 1 : 0;
    struct stretch s = {.results = (u64)&results[half][thread][first], .count = INSTANCES};
    for (u32 l = 0; l < MOST_LOCATIONS; ++l) s.locations[l] = (u64)&memory[half][l][first];
    s.location_step = backwards ? -LOCATION_BYTES : LOCATION_BYTES;
    s.result_step = backwards ? -RESULT_BYTES : RESULT_BYTES;
    /* Up to 32 ticks late, and earlier or later by up to half a tick with each instance. */
    s.when = ((met_at + LEAD) << TIME_SHIFT) + (random >> 40 & 511);
    s.time_step = time_step + (long)(random >> 50 & 15) - 8;
    test->thread[thread](&s);
    /* An instance shall begin as soon as the one before has ended, no sooner. */
    if (thread != 0) return;
    const u64 end = s.when + s.time_step * INSTANCES;
    const long late = (long)((timebase() << TIME_SHIFT) - end);
    if (late > PREEMPTED) return;
    if (late > s.time_step) {
        time_step += time_step < LONGEST_STEP ? 2 << TIME_SHIFT : 0;
    } else {
        time_step -= time_step > SHORTEST_STEP ? 1 << TIME_SHIFT : 0;
    }
}

/* The initial values of a round's instances. A thread's store takes long, and stays in the store buffer, if the location is
 * in another's cache, and its load is quick if the location is in its own: who sets what up changes. */
static void set_up(const struct litmus* test, u64 thread, unsigned half, u64 round) {
    for (u32 l = 0; l < test->locations; ++l) {
        if ((l + round) % test->threads != thread) continue;
        const u64 value = test->initial[l] * 0x0101010101010101ul;
        for (u64 i = 0; i < INSTANCES; ++i) memory[half][l][i].value[0] = memory[half][l][i].value[1] = value;
    }
}

/* The byte of which a value consists, at most 14; 15: not all bytes are the same. */
static u32 value_at(const u8* at, u32 size) {
    const u64 ones = 0x0101010101010101ul >> (64 - 8 * size);
    const u64 v = size == 8 ? *(const u64*)at : size == 4 ? *(const u32*)at : size == 2 ? *(const u16*)at : *at;
    return v == (v & 0xff) * ones && (v & 0xff) < 15 ? v & 0xff : 15;
}

/* Counts the outcomes of this thread's share of the instances. */
static void count(const struct litmus* test, u64 thread, unsigned half) {
    struct count* c = &counts[thread];
    for (u64 i = thread; i < INSTANCES; i += test->threads) {
        u32 outcome = 0, n = 0;
        for (u32 k = 0; k < test->observables; ++k) {
            const struct observable* o = &test->observable[k];
            const void* at = o->final ? (void*)&memory[half][o->number][i] : (void*)&results[half][o->number][i];
            outcome |= value_at((const u8*)at + o->offset, o->size) << 4 * k;
        }
        while (n < test->allowed && test->outcomes[n] != outcome) ++n;
        if (n < test->allowed) {
            ++c->outcomes[n];
        } else {
            ++c->others;
            c->other = outcome;
        }
    }
}

/* Whether thread 0 has counted an outcome that is not sequentially consistent. */
static int relaxed(const struct litmus* test) {
    for (u32 n = test->sc; n < test->allowed; ++n) {
        if (counts[0].outcomes[n] != 0) return 1;
    }
    return 0;
}

static int is_enough(const struct litmus* test, u64 rounds, u64 deadline) {
    if (timebase() > deadline) return 1;
    if (must_see && test->must_be_seen && !relaxed(test) && rounds < MOST_PATIENCE * most_rounds) return 0;
    return rounds >= most_rounds;
}

/* `number`: of the test, from 1. */
static void run_thread(const struct litmus* test, u32 number, u64 thread) {
    const u64 deadline = timebase() + ticks;
    u64 random = thread * 2 + timebase();
    counts[thread].others = 0;
    for (u32 n = 0; n < test->allowed; ++n) counts[thread].outcomes[n] = 0;
    set_up(test, thread, 0, 0);
    meet(test);
    for (u64 round = 0; ended < number; ++round) {
        const unsigned half = round & 1;
        random = random * 6364136223846793005ul + 1442695040888963407ul;
        play(test, thread, half, random);
        meet(test);
        count(test, thread, half);
        set_up(test, thread, !half, round / 2);
        if (thread == 0 && is_enough(test, round + 1, deadline)) ended = number;
        meet(test);
    }
}

static void report(const struct litmus* test) {
    struct count* sum = &counts[0];
    u64 all = 0, relaxed = 0, seen = 0;
    for (u32 t = 1; t < test->threads; ++t) {
        for (u32 n = 0; n < test->allowed; ++n) sum->outcomes[n] += counts[t].outcomes[n];
        sum->others += counts[t].others;
        if (counts[t].others != 0) sum->other = counts[t].other;
    }
    for (u32 n = 0; n < test->allowed; ++n) {
        all += sum->outcomes[n];
        seen += sum->outcomes[n] != 0;
        if (n >= test->sc) relaxed += sum->outcomes[n];
    }
    all += sum->others;
    ++tests;
    runs += all;
    print("INFO "), print(test->name), print(" runs "), print_number(all);
    print(", outcomes "), print_number(seen), print(" of "), print_number(test->allowed);
    if (test->sc != test->allowed) print(", relaxed "), print_number(relaxed);
    print("\n");
    if (must_see && test->must_be_seen && relaxed == 0) {
        ++failures;
        print("FAIL "), print(test->name), print(" is never relaxed\n");
    }
    if (sum->others != 0) {
        ++failures;
        print("FAIL "), print(test->name), print(": "), print_number(sum->others), print(" forbidden, as");
        for (u32 k = 0; k < test->observables; ++k) {
            const u32 value = sum->other >> 4 * k & 15;
            print(" "), print(test->observable[k].name), print("="), value == 15 ? print("torn") : print_number(value);
        }
        print("\n");
    }
}

/* Sleeps until so many tests have begun. */
static void wait_for(u32 number) {
    for (const u64 end = timebase() + SPIN; started < number;) {
        if (timebase() > end) hcall(H_JOIN, 0, 0, 0, 0, 0);
    }
    LWSYNC;
}
static void begin(u32 number) {
    LWSYNC;
    started = number;
    for (u32 i = 1; i < machine.cpu_count; ++i) hcall(H_PROD, machine.servers[i], 0, 0, 0, 0);
}

static void run(u64 index) {
    for (u32 n = 0; n < litmus_count; ++n) {
        const struct litmus* test = &litmus_tests[n];
        if (test->threads > machine.cpu_count || index >= test->threads) continue;
        if (index == 0) {
            begin(n + 1);
        } else {
            wait_for(n + 1);
        }
        run_thread(test, n + 1, index);
        if (index == 0) report(test);
    }
    if (index == 0) {
        begin(litmus_count + 1);
    } else {
        wait_for(litmus_count + 1);
    }
}

void test_litmus(void) {
    const unsigned before = failures;
    if (machine.cpu_count < 2) {
        print("SKIP litmus: one vCPU\n");
        return;
    }
    const int is_long = machine.bootargs[0] != 0 && chosen("long");
    most_rounds = is_long ? ROUNDS_LONG : ROUNDS;
    ticks = is_long ? ~0ul >> 1 : TICKS / litmus_count;
    must_see = is_long && chosen("reorders");
    if (!on_all(run)) return;
    print("INFO litmus: "), print_number(tests), print(" tests, "), print_number(runs), print(" runs\n");
    if (failures == before) print("PASS litmus\n");
}
