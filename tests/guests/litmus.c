/* Litmus tests: outcomes that the storage model forbids must never appear (Power ISA 2.07, Book II 1.7). Each runs many
 * instances on its own pair of granules, by vCPUs 0 and 1 (IRIW: 0-3) at once. */
#include "cpu.h"

#define INSTANCES 256
#define ROUNDS 100
#define TICKS 512000000ul /* a second at most, each test */

static volatile struct { u64 v; } x[INSTANCES] __attribute__((aligned(128))), y[INSTANCES] __attribute__((aligned(128)));
static u64 seen[4][2][INSTANCES];
static volatile u32 arrived __attribute__((aligned(128)));
static volatile u32 turn __attribute__((aligned(128)));

#define SYNC __asm__ volatile("sync" ::: "memory")
#define LWSYNC __asm__ volatile("lwsync" ::: "memory")
#define NOTHING __asm__ volatile("" ::: "memory")
/* A value that depends on `value` and is 0. */
static u64 zero_from(u64 value) {
    u64 r;
    __asm__ volatile("xor %0, %1, %1" : "=r"(r) : "r"(value));
    return r;
}

/* --- the threads of each test: thread(number, instance) */
#define SB(name, barrier)                              \
    static void name(u64 t, u64 i) {                   \
        if (t == 0) { x[i].v = 1; barrier; seen[0][0][i] = y[i].v; } \
        else { y[i].v = 1; barrier; seen[1][0][i] = x[i].v; }        \
    }
SB(sb, NOTHING)
SB(sb_syncs, SYNC)
static int sb_forbidden(u64 i) { return seen[0][0][i] == 0 && seen[1][0][i] == 0; }

static void mp_lwsync_addr(u64 t, u64 i) {
    if (t == 0) {
        x[i].v = 1;
        LWSYNC;
        y[i].v = 1;
    } else {
        const u64 flag = seen[1][0][i] = y[i].v;
        seen[1][1][i] = x[i + zero_from(flag)].v;
    }
}
static void mp_syncs(u64 t, u64 i) {
    if (t == 0) {
        x[i].v = 1;
        SYNC;
        y[i].v = 1;
    } else {
        seen[1][0][i] = y[i].v;
        SYNC;
        seen[1][1][i] = x[i].v;
    }
}
static void mp_lwsync_isync(u64 t, u64 i) {
    if (t == 0) {
        x[i].v = 1;
        LWSYNC;
        y[i].v = 1;
    } else {
        u64 flag;
        __asm__ volatile("ld %0, 0(%1); cmpd %0, %0; bne- 1f; 1: isync" : "=&r"(flag) : "b"(&y[i].v) : "cr0", "memory");
        seen[1][0][i] = flag;
        seen[1][1][i] = x[i].v;
    }
}
static int mp_forbidden(u64 i) { return seen[1][0][i] == 1 && seen[1][1][i] == 0; }

static void lb_datas(u64 t, u64 i) {
    if (t == 0) {
        const u64 r = seen[0][0][i] = x[i].v;
        y[i].v = 1 + zero_from(r);
    } else {
        const u64 r = seen[1][0][i] = y[i].v;
        x[i].v = 1 + zero_from(r);
    }
}
static int lb_forbidden(u64 i) { return seen[0][0][i] == 1 && seen[1][0][i] == 1; }

static void r_syncs(u64 t, u64 i) {
    if (t == 0) {
        x[i].v = 1;
        SYNC;
        y[i].v = 1;
    } else {
        y[i].v = 2;
        SYNC;
        seen[1][0][i] = x[i].v;
    }
}
static int r_forbidden(u64 i) { return y[i].v == 2 && seen[1][0][i] == 0; }

static void s_lwsync_data(u64 t, u64 i) {
    if (t == 0) {
        x[i].v = 2;
        LWSYNC;
        y[i].v = 1;
    } else {
        const u64 r = seen[1][0][i] = y[i].v;
        x[i].v = 1 + zero_from(r);
    }
}
static int s_forbidden(u64 i) { return seen[1][0][i] == 1 && x[i].v == 2; }

static void writes_lwsyncs(u64 t, u64 i) { /* 2+2W */
    if (t == 0) {
        x[i].v = 1;
        LWSYNC;
        y[i].v = 2;
    } else {
        y[i].v = 1;
        LWSYNC;
        x[i].v = 2;
    }
}
static int writes_forbidden(u64 i) { return x[i].v == 1 && y[i].v == 1; }

static void coherence(u64 t, u64 i) { /* CoRR */
    if (t == 0) {
        x[i].v = 1;
    } else {
        seen[1][0][i] = x[i].v;
        seen[1][1][i] = x[i].v;
    }
}
static int coherence_forbidden(u64 i) { return seen[1][0][i] == 1 && seen[1][1][i] == 0; }

static void wrc(u64 t, u64 i) { /* WRC+lwsync+addr */
    if (t == 0) {
        x[i].v = 1;
    } else if (t == 1) {
        seen[1][0][i] = x[i].v;
        LWSYNC;
        y[i].v = 1;
    } else if (t == 2) {
        const u64 r = seen[2][0][i] = y[i].v;
        seen[2][1][i] = x[i + zero_from(r)].v;
    }
}
static int wrc_forbidden(u64 i) { return seen[1][0][i] == 1 && seen[2][0][i] == 1 && seen[2][1][i] == 0; }

static void iriw(u64 t, u64 i) { /* IRIW+syncs */
    if (t == 0) {
        x[i].v = 1;
    } else if (t == 1) {
        y[i].v = 1;
    } else if (t == 2) {
        seen[2][0][i] = x[i].v;
        SYNC;
        seen[2][1][i] = y[i].v;
    } else {
        seen[3][0][i] = y[i].v;
        SYNC;
        seen[3][1][i] = x[i].v;
    }
}
static int iriw_forbidden(u64 i) {
    return seen[2][0][i] == 1 && seen[2][1][i] == 0 && seen[3][0][i] == 1 && seen[3][1][i] == 0;
}

static const struct litmus {
    const char* name;
    u64 threads;
    void (*thread)(u64, u64);
    int (*outcome)(u64);
    int allowed;
} tests[] = {
    {"SB", 2, sb, sb_forbidden, 1},
    {"SB+syncs", 2, sb_syncs, sb_forbidden, 0},
    {"MP+syncs", 2, mp_syncs, mp_forbidden, 0},
    {"MP+lwsync+addr", 2, mp_lwsync_addr, mp_forbidden, 0},
    {"MP+lwsync+ctrlisync", 2, mp_lwsync_isync, mp_forbidden, 0},
    {"LB+datas", 2, lb_datas, lb_forbidden, 0},
    {"R+syncs", 2, r_syncs, r_forbidden, 0},
    {"S+lwsync+data", 2, s_lwsync_data, s_forbidden, 0},
    {"2+2W+lwsyncs", 2, writes_lwsyncs, writes_forbidden, 0},
    {"CoRR", 2, coherence, coherence_forbidden, 0},
    {"WRC+lwsync+addr", 3, wrc, wrc_forbidden, 0},
    {"IRIW+syncs", 4, iriw, iriw_forbidden, 0},
};
static const struct litmus* test;
static u64 found, tried;
static volatile u32 enough;

/* All threads of the test together. */
static void meet(void) {
    const u32 now = turn;
    LWSYNC;
    /* The last to arrive, and nobody else, opens the next turn: another might do it when that has begun. */
    if (count_up(&arrived, 1) == test->threads) {
        arrived = 0;
        LWSYNC;
        turn = now + 1;
    }
    while (turn == now) {}
    LWSYNC;
}

static void run(u64 index) {
    if (index >= test->threads) return;
    const u64 deadline = timebase() + TICKS;
    for (int round = 0; !enough; ++round) {
        /* What a thread of SB stores to is in the other's cache, what it loads from in its own: the store waits in the
         * store buffer while the load is done. */
        for (u64 i = 0; i < INSTANCES && index < 2; ++i) *(index == 0 ? &y[i].v : &x[i].v) = 0;
        meet();
        /* Threads meet at different instances: some go through them backwards. */
        for (u64 i = 0; i < INSTANCES; ++i) test->thread(index, round & 1 && index & 1 ? INSTANCES - 1 - i : i);
        SYNC;
        meet();
        if (index == 0) {
            for (u64 i = 0; i < INSTANCES; ++i) found += (u64)(test->outcome(i) != 0);
            tried += INSTANCES;
            enough = round + 1 >= ROUNDS || timebase() > deadline;
        }
        meet();
    }
}

void test_litmus(void) {
    const unsigned before = failures;
    if (machine.cpu_count < 2) {
        print("SKIP litmus: one vCPU\n");
        return;
    }
    for (unsigned i = 0; i < sizeof tests / sizeof *tests; ++i) {
        test = &tests[i];
        if (test->threads > machine.cpu_count) continue;
        found = tried = 0;
        enough = 0;
        if (!on_all(run)) return;
        if (test->allowed) {
            /* Shown for the reader: where it never appears, the others prove little. */
            print("INFO "), print(test->name), print(" reordered "), print_number(found), print(" of ");
            print_number(tried), print("\n");
        } else {
            expect(test->name, found, 0);
        }
    }
    if (failures == before) print("PASS litmus\n");
}
