/* Litmus tests: outcomes that the storage model forbids must never appear (Power ISA 2.07, Book II 1.7). litmus/emit.py
 * makes the tests and says what is allowed. Each runs many instances, on memory of their own, by vCPUs 0 .. n-1 at
 * once: in rounds of INSTANCES, each thread beginning an instance by the time base when the others do, but for a few
 * ticks that differ from instance to instance. What the instances of a round came to is counted while those of the next
 * are set up. */
#include "litmus.h"

#define INSTANCES 256
#define ROUNDS 400              /* at most, each test; 102,400 runs */
#define ROUNDS_LONG 4096        /* at least; 1,048,576 runs */
#define TICKS (6 * 512000000ul) /* at most, all tests; not in the long run */
/* Every test is run in several passes over all: a busy host lets two vCPUs run side by side, or on one processor in
 * turns, for a second or more. */
#define PASSES 8
#define PASSES_PATIENT 200 /* at most, in the long run, for tests whose relaxed outcome has to be seen */
#define HAMMER_TICKS (512000000ul / 5)
#define HAMMER_TICKS_LONG (20 * 512000000ul)
#define SPIN 10000 /* ticks before a vCPU that waits lets others run: there may be more vCPUs than host processors */
#define SHORTEST_STEP (20 << TIME_SHIFT)
#define LONGEST_STEP (500 << TIME_SHIFT) /* a microsecond */
#define PREEMPTED (50000 << TIME_SHIFT)  /* later than this: the host ran something else */
#define LEAD 2000                        /* ticks from the meeting of the threads to the first instance */
#define H_CONFER 0xe4
#define H_PROD 0xe8
#define H_JOIN 0x298

static struct { u64 value[LOCATION_BYTES / 8]; } memory[2][MOST_LOCATIONS][INSTANCES] __attribute__((aligned(128)));
static struct { u64 value[RESULT_BYTES / 8]; } results[2][MOST_THREADS][INSTANCES] __attribute__((aligned(128)));

static struct count {
    u64 outcomes[MOST_OUTCOMES]; /* as in the test's list */
    u64 others;
    u32 other;                                        /* one of them */
} counts[MOST_THREADS] __attribute__((aligned(128))); /* by each thread in this pass */
static struct count totals[MOST_TESTS];

static volatile u32 arrived __attribute__((aligned(128)));
static volatile u32 turn __attribute__((aligned(128)));
static volatile u64 met_at;
/* What vCPU 0 has all others do: how many orders there have been << 32 | which test, or one of these. */
#define HAMMER 0x10000u
#define GO_HOME 0x10001u
static volatile u64 order __attribute__((aligned(128)));
static volatile u64 ended;             /* the last order done; they increase */
static long time_step = SHORTEST_STEP; /* between two instances */
static int is_long, must_see;

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
    const int backwards = (random >> 61) == 0;
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

/* The initial values of a round's instances. A thread's store takes long, and stays in the store buffer, if the
 * location is in another's cache, and its load is quick if the location is in its own: who sets what up changes. */
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

static void run_thread(const struct litmus* test, u64 thread, u64 now) {
    const u64 deadline = timebase() + TICKS / (PASSES * litmus_count);
    u64 random = thread * 2 + timebase();
    counts[thread].others = 0;
    for (u32 n = 0; n < test->allowed; ++n) counts[thread].outcomes[n] = 0;
    set_up(test, thread, 0, 0);
    meet(test);
    for (u64 round = 0; ended < now; ++round) {
        const unsigned half = round & 1;
        random = random * 6364136223846793005ul + 1442695040888963407ul;
        play(test, thread, half, random);
        meet(test);
        count(test, thread, half);
        set_up(test, thread, !half, round / 2);
        if (thread == 0 &&
            (is_long ? round + 1 == ROUNDS_LONG / PASSES : round + 1 == ROUNDS / PASSES || timebase() > deadline))
            ended = now;
        meet(test);
    }
}

static void add(const struct litmus* test, struct count* total) {
    for (u32 t = 0; t < test->threads; ++t) {
        for (u32 n = 0; n < test->allowed; ++n) total->outcomes[n] += counts[t].outcomes[n];
        total->others += counts[t].others;
        if (counts[t].others != 0) total->other = counts[t].other;
    }
}

static u64 runs(const struct litmus* test, const struct count* total, u32 first) {
    u64 sum = 0;
    for (u32 n = first; n < test->allowed; ++n) sum += total->outcomes[n];
    return sum;
}
/* Of outcomes that are not sequentially consistent. */
static u64 relaxed(const struct litmus* test, const struct count* total) { return runs(test, total, test->sc); }

static void report(const struct litmus* test, const struct count* total) {
    u64 seen = 0;
    for (u32 n = 0; n < test->allowed; ++n) seen += total->outcomes[n] != 0;
    print("INFO "), print(test->name), print(" runs "), print_number(runs(test, total, 0) + total->others);
    print(", outcomes "), print_number(seen), print(" of "), print_number(test->allowed);
    if (test->sc != test->allowed) print(", relaxed "), print_number(relaxed(test, total));
    print("\n");
    if (must_see && test->must_be_seen && relaxed(test, total) == 0) {
        ++failures;
        print("FAIL "), print(test->name), print(" is never relaxed\n");
    }
    if (total->others != 0) {
        ++failures;
        print("FAIL "), print(test->name), print(": "), print_number(total->others), print(" forbidden, as");
        for (u32 k = 0; k < test->observables; ++k) {
            const u32 value = total->other >> 4 * k & 15;
            print(" "), print(test->observable[k].name), print("="), value == 15 ? print("torn") : print_number(value);
        }
        print("\n");
    }
}

/* --- single-copy atomicity: many more chances than an instance of a test has. vCPU 0 stores, vCPU 1 loads, all the
 * time. */
static const char* const hammered_names[] = {"torn quadwords", "torn doublewords", "torn words", "torn halfwords"};
static volatile struct { u64 value[16]; } hammered[4] __attribute__((aligned(128)));
static u64 torn[4], looks;

static void strike(u64 value) {
    __asm__ volatile("mr 6, %0; mr 7, %0; stq 6, 0(%1); std %0, 128(%1); stw %0, 256(%1); sth %0, 384(%1)" ::"r"(value),
                     "b"(hammered)
                     : "6", "7", "memory");
}
static void look(void) {
    u64 q, q2, d, w, h;
    __asm__ volatile("lq 6, 0(%5); mr %0, 6; mr %1, 7; ld %2, 128(%5); lwa %3, 256(%5); lha %4, 384(%5)"
                     : "=&r"(q), "=&r"(q2), "=&r"(d), "=&r"(w), "=&r"(h)
                     : "b"(hammered)
                     : "6", "7", "memory");
    torn[0] += q + 1 > 1 || q != q2;
    torn[1] += d + 1 > 1;
    torn[2] += w + 1 > 1;
    torn[3] += h + 1 > 1;
    ++looks;
}
static void hammer(u64 thread, u64 now) {
    if (thread == 0) {
        const u64 end = timebase() + (is_long ? HAMMER_TICKS_LONG : HAMMER_TICKS);
        while (timebase() < end) {
            for (unsigned i = 0; i < 100; ++i) strike(-(u64)(i & 1));
        }
        ended = now;
    } else if (thread == 1) {
        while (ended < now) look();
    }
}

static u64 give_order(u64 what) {
    LWSYNC;
    order = ((order >> 32) + 1) << 32 | what;
    for (u32 i = 1; i < machine.cpu_count; ++i) hcall(H_PROD, machine.servers[i], 0, 0, 0, 0);
    return order;
}

/* "litmus=NAME" on the command line: this test only. */
static int is_wanted(const struct litmus* test) {
    const char* at = machine.bootargs;
    for (const char* key = "litmus="; *key != 0 && *at != 0; ++at) key = *at == *key ? key + 1 : "litmus=";
    if (*at == 0) return 1;
    const char* name = test->name;
    while (*name != 0 && *at == *name) ++at, ++name;
    return *name == 0 && (*at == 0 || *at == ' ');
}

static void lead(void) {
    const u64 end = timebase() + TICKS;
    u64 tests = 0, all = 0;
    for (u32 pass = 0; pass < (must_see ? PASSES_PATIENT : PASSES); ++pass) {
        for (u32 n = 0; n < litmus_count; ++n) {
            const struct litmus* test = &litmus_tests[n];
            if (test->threads > machine.cpu_count || !is_wanted(test)) continue;
            if (pass > 0 && !is_long && timebase() > end) continue; /* the host is slow; each test has had a round */
            if (pass >= PASSES && (!test->must_be_seen || relaxed(test, &totals[n]) != 0)) continue;
            run_thread(test, 0, give_order(n));
            add(test, &totals[n]);
        }
    }
    hammer(0, give_order(HAMMER));
    give_order(GO_HOME);
    for (u32 n = 0; n < litmus_count; ++n) {
        if (litmus_tests[n].threads > machine.cpu_count || !is_wanted(&litmus_tests[n])) continue;
        report(&litmus_tests[n], &totals[n]);
        all += runs(&litmus_tests[n], &totals[n], 0);
        ++tests;
    }
    expect("there is such a litmus test", tests != 0, 1);
    for (u32 k = 0; k < 4; ++k) expect(hammered_names[k], torn[k], 0);
    print("INFO litmus: "), print_number(tests), print(" tests, "), print_number(all), print(" runs, ");
    print_number(looks), print(" looks for torn values\n");
}

/* Those that have nothing to do sleep. */
static void follow(u64 index) {
    for (u64 last = 0, now; (u32)last != GO_HOME; last = now) {
        for (const u64 end = timebase() + SPIN; (now = order) == last;) {
            if (timebase() > end) hcall(H_JOIN, 0, 0, 0, 0, 0);
        }
        LWSYNC;
        const u32 what = (u32)now;
        if (what == HAMMER) hammer(index, now);
        if (what < litmus_count && index < litmus_tests[what].threads) run_thread(&litmus_tests[what], index, now);
    }
}

static void run(u64 index) {
    if (index == 0) {
        lead();
    } else {
        follow(index);
    }
}

void test_litmus(void) {
    const unsigned before = failures;
    if (machine.cpu_count < 2) {
        print("SKIP litmus: one vCPU\n");
        return;
    }
    is_long = machine.bootargs[0] != 0 && chosen("long");
    must_see = is_long && chosen("reorders");
    if (on_all(run) && failures == before) print("PASS litmus\n");
}
