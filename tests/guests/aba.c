/* A store-conditional must fail when another vCPU has stored to the granule since the load-reserve, also if it put the
 * old value back (Power ISA 2.07, Book II 1.7.3): "aba" looks at others' store-conditionals, alone and in a lock-free
 * stack; "aba-strict" looks at plain stores too, to the word and beside it. */
#include "cpu.h"

#define ROUNDS 200
#define TICKS_PER_SECOND 512000000ul
#define SLICES_LONG 60 /* of 10 seconds; else one of 3 */

static volatile struct { u64 before[16], value, beside; } word __attribute__((aligned(128)));
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

static u64 exchange(volatile u64* at, u64 value) {
    u64 old;
    __asm__ volatile("1: ldarx %0, 0, %1; stdcx. %2, 0, %1; bne- 1b" : "=&r"(old) : "r"(at), "r"(value) : "cr0", "memory");
    return old;
}

static void by_another_value(void) { word.value += 1; }
static void by_conditionals(void) { exchange(&word.value, 1), exchange(&word.value, 0); }
static void by_conditional_beside(void) { exchange(&word.beside, 1); }
static void by_conditional_then_store(void) { exchange(&word.value, 1), word.value = 0; }
static void by_stores(void) { word.value = 1, word.value = 0; }
static void by_store_beside(void) { word.beside = 1; }
static void by_same_value(void) { word.value = 0; }
static void by_unaligned_store(void) { /* its last byte is the granule's first */
    __asm__ volatile("stdx %0, 0, %1" ::"r"(0ul), "r"((u64)&word.value - 7) : "memory");
}
static void by_dcbz(void) { __asm__ volatile("dcbz 0, %0" ::"r"(&word.value) : "memory"); }

static const struct {
    const char* name;
    void (*store)(void);
    int strict; /* only with -reservations strict */
} ways[] = {
    {"stdcx. after another vCPU's store of another value", by_another_value, 0},
    {"stdcx. after another vCPU's stdcx. to the word", by_conditionals, 0},
    {"stdcx. after another vCPU's stdcx. beside the word", by_conditional_beside, 0},
    {"stdcx. after another vCPU's stdcx. and store to the word", by_conditional_then_store, 0},
    {"stdcx. after another vCPU's two stores", by_stores, 1},
    {"stdcx. after another vCPU's store beside the word", by_store_beside, 1},
    {"stdcx. after another vCPU's store of the same value", by_same_value, 1},
    {"stdcx. after another vCPU's unaligned store", by_unaligned_store, 1},
    {"stdcx. after another vCPU's dcbz", by_dcbz, 1},
};
static unsigned way;

static void play(u64 index) {
    if (index > 1) return;
    for (u32 round = 1; round <= ROUNDS; ++round) {
        if (index == 0) {
            succeeded += conditional(round);
        } else {
            while (reserved != round) {}
            ways[way].store();
            __asm__ volatile("sync" ::: "memory");
            stored = round;
        }
    }
}

/* --- the stack: nodes that come back in no time */
#define NODES 12

static volatile struct node { struct node* next; u64 owner; } nodes[NODES] __attribute__((aligned(128)));
static volatile struct { volatile struct node* top; } stack __attribute__((aligned(128)));
static volatile u32 corrupt __attribute__((aligned(128))), pops;
static u64 ticks;

static void push(volatile struct node* n) {
    u64 t;
    __asm__ volatile("lwsync\n1: ldarx %0, 0, %1; std %0, 0(%2); lwsync; stdcx. %2, 0, %1; bne- 1b"
                     : "=&r"(t) : "r"(&stack.top), "b"(n) : "cr0", "memory");
}
/* `wait`: rounds of a loop between the look at the first node's successor and the store; not 0. */
static volatile struct node* pop(u64 wait) {
    u64 n, next;
    __asm__ volatile(
        "1: ldarx %0, 0, %2\n\t"
        "cmpdi %0, 0\n\t"
        "beq 2f\n\t"
        "ld %1, 0(%0)\n\t"
        "mtctr %3\n"
        "3: bdnz 3b\n\t"
        "stdcx. %1, 0, %2\n\t"
        "bne- 1b\n"
        "2: lwsync"
        : "=&b"(n), "=&r"(next) : "r"(&stack.top), "r"(wait) : "cr0", "ctr", "memory");
    return (volatile struct node*)n;
}

static volatile struct node* take(u64 index, u64 wait) {
    volatile struct node* n = pop(wait);
    if (n == 0) return n;
    if (n->owner != 0) corrupt = 1;
    n->owner = index + 1;
    return n;
}
static void give_back(u64 index, volatile struct node* n) {
    if (n == 0) return;
    if (n->owner != index + 1) corrupt = 1;
    n->owner = 0;
    push(n);
}

static void use_stack(u64 index) {
    const u64 end = timebase() + ticks;
    u32 rounds = 0;
    u64 random = index * 2 + 1;
    while (corrupt == 0 && timebase() < end) {
        for (int i = 0; i < 64 && corrupt == 0; ++i, ++rounds) {
            random = random * 6364136223846793005ul + 1442695040888963407ul;
            volatile struct node* a = take(index, 1 + (random >> 60 == 0 ? random >> 50 & 1023 : random >> 57 & 7));
            volatile struct node* b = take(index, 1);
            give_back(index, a);
            give_back(index, b);
        }
    }
    count_up(&pops, rounds * 2);
}

static void test_stack(void) {
    for (unsigned i = 0; i < NODES; ++i) push(&nodes[i]);
    const unsigned slices = chosen("long") ? SLICES_LONG : 1;
    ticks = (slices == 1 ? 3 : 10) * TICKS_PER_SECOND;
    for (unsigned i = 0; i < slices && corrupt == 0; ++i) on_all(use_stack);
    unsigned left = 0;
    for (volatile struct node* n = stack.top; n != 0 && left <= NODES; n = n->next) ++left;
    print("INFO pops "), print_number(pops), print("\n");
    expect("nodes with two owners", corrupt, 0);
    expect("nodes on the stack", left, NODES);
}

void test_aba(void) {
    if (machine.cpu_count < 2) {
        print("SKIP aba: one vCPU\n");
        return;
    }
    const unsigned before = failures;
    for (way = 0; way < sizeof ways / sizeof *ways; ++way) {
        if (ways[way].strict && !chosen("aba-strict")) continue;
        word.value = word.beside = 0;
        reserved = stored = 0;
        succeeded = 0;
        on_all(play);
        expect(ways[way].name, succeeded, 0);
    }
    test_stack();
    if (failures == before) print("PASS aba\n");
}
