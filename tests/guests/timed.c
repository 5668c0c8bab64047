/* Hypercalls on the hash page table, and loops of reservations, stores and dcbz, for tools/compare to time: the vCPUs
 * share a number of rounds of one kind, between two lines that the host takes the time of. Only when asked for by name:
 * "time-KIND"; with "long" 50 times the rounds. */
#include "cpu.h"

#define PTEGS 64ul /* for each vCPU */

static const struct page_kind page = {"4K", 12, 0, 0, 0, 0x60000000, 0x77000, 0x0b00000};

struct place {
    u64 ea, slot, v, r;
};
/* Page n of a vCPU; its PTEGs are its own, since the hash has the page number in its low bits. */
static struct place place_of(u64 index, u64 n) {
    const u64 ea = page.segment + ((index * PTEGS + n % PTEGS) << page.shift);
    return (struct place){ea, pteg_slot(&page, ea), avpn(&page, ea) | HPTE_V,
                          (page.real + (index << page.shift)) | HPTE_M | PP_WRITE};
}

static u64 rounds;
static volatile u32 wrong;
static void check(long result) {
    if (result != 0) count_up((volatile u32*)&wrong, 1);
}
static u64 enter(const struct place* p) {
    u64 out[4];
    check(hcall(H_ENTER, 0, p->slot, p->v, p->r, out));
    return out[0];
}
static void remove(const struct place* p, u64 slot) {
    u64 out[4];
    check(hcall(H_REMOVE, H_AVPN, slot, p->v & ~0x7ful, 0, out));
}

static void setup(u64 index) {
    (void)index;
    set_slb(&page, 10);
}

static void enter_remove(u64 index) {
    for (u64 n = 0; n < rounds; ++n) {
        const struct place p = place_of(index, n);
        remove(&p, enter(&p));
    }
}

/* All vCPUs in one PTEG; each has at most one of its eight slots. */
static void one_pteg(u64 index) {
    for (u64 n = 0; n < rounds; ++n) {
        struct place p = place_of(index, 0);
        p.slot = pteg_slot(&page, page.segment);
        remove(&p, enter(&p));
    }
}

/* With a store through the translation, which each removal has to make forgotten. */
static void enter_use_remove(u64 index) {
    for (u64 n = 0; n < rounds; ++n) {
        const struct place p = place_of(index, n);
        const u64 slot = enter(&p);
        translated_store(p.ea, n);
        remove(&p, slot);
    }
    if (*(volatile u64*)(page.real + (index << page.shift)) != rounds - 1) check(1);
}

static void protect(u64 index) {
    const struct place p = place_of(index, 0);
    const u64 slot = enter(&p);
    u64 out[4];
    for (u64 n = 0; n < rounds; ++n) {
        check(hcall(H_PROTECT, H_AVPN | (n & 1 ? PP_WRITE : PP_READ), slot, p.v & ~0x7ful, 0, out));
        translated_load(p.ea);
    }
    remove(&p, slot);
}

static void read(u64 index) {
    const struct place p = place_of(index, 0);
    const u64 slot = enter(&p);
    u64 out[4] = {0};
    for (u64 n = 0; n < rounds; ++n) check(hcall(H_READ, 0, slot, 0, 0, out));
    if ((out[0] & ~0x7eul) != p.v) check(1); /* the bits for software are not looked at */
    remove(&p, slot);
}

/* lwarx and stwcx., each vCPU in a granule of its own. */
static u32 area[MAX_CPUS][4096] __attribute__((aligned(128)));
static void reserve(u64 index) {
    volatile u32* const at = &area[index][0];
    const u32 before = *at;
    for (u64 n = 0; n < rounds; ++n) count_up(at, 1);
    if (*at - before != (u32)rounds) check(1);
}

/* A spin lock and what it protects, all vCPUs at one. */
static volatile struct {
    u32 lock;
    u64 value;
} shared __attribute__((aligned(128)));
static void lock(u64 index) {
    (void)index;
    for (u64 n = 0; n < rounds; ++n) {
        spin_lock(&shared.lock);
        shared.value += 1;
        spin_unlock(&shared.lock);
    }
}

/* Nothing but stores: 64 in a row to 256 bytes. */
static void store(u64 index) {
    volatile u32* const at = area[index];
    for (u64 n = 0; n < rounds / 64; ++n) {
        volatile u32* p = at + (n & 63) * 64;
#define FOUR(i) p[i] = (u32)n, p[i + 1] = (u32)n, p[i + 2] = (u32)n, p[i + 3] = (u32)n
#define SIXTEEN(i) FOUR(i), FOUR(i + 4), FOUR(i + 8), FOUR(i + 12)
        SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48);
    }
}

/* 64 KiB cleared as Linux does it, page after page of one MiB. */
static void zero(u64 index) {
    const u64 begin = page.real + (index << 20);
    for (u64 n = 0; n < rounds; ++n) {
        u64 at = begin + (n & 15) * 0x10000;
        for (u64 left = 64; left != 0; --left, at += 1024) {
            asm volatile(
                "dcbz 0,%0; dcbz %1,%0; dcbz %2,%0; dcbz %3,%0; dcbz %4,%0; dcbz %5,%0; dcbz %6,%0; dcbz %7,%0" ::"r"(
                    at),
                "r"(128ul), "r"(256ul), "r"(384ul), "r"(512ul), "r"(640ul), "r"(768ul), "r"(896ul)
                : "memory");
        }
    }
}

static const struct {
    const char *option, *name;
    void (*run)(u64 index);
    u64 rounds;
} kinds[] = {
    {"time-enter-remove", "enter_remove", enter_remove, 300000},
    {"time-use", "enter_use_remove", enter_use_remove, 200000},
    {"time-one-pteg", "one_pteg", one_pteg, 300000},
    {"time-protect", "protect", protect, 300000},
    {"time-read", "read", read, 2000000},
    {"time-reserve", "reserve", reserve, 50000000},
    {"time-lock", "lock", lock, 20000000},
    {"time-store", "store", store, 1000000000},
    {"time-zero", "zero", zero, 100000},
};

void time_hypercalls(void) {
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        if (!chosen(kinds[i].option)) continue;
        rounds = kinds[i].rounds * (chosen("long") ? 50 : 1) / machine.cpu_count;
        on_all(setup);
        print("begin "), print(kinds[i].name), print("\n");
        const u64 begin = timebase();
        on_all(kinds[i].run);
        const u64 ticks = timebase() - begin; /* of 125/64 ns */
        print("end "), print(kinds[i].name), print("\n");
        print("INFO picoseconds a round, all vCPUs together: "),
            print_number(ticks * 125000 / 64 / (rounds * machine.cpu_count)), print("\n");
        expect("results of hypercalls that were not 0", wrong, 0);
    }
}
