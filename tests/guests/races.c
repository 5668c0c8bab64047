/* Invalidation against use. Every vCPU owns a page: it enters, uses, protects and removes its translation, while all
 * others load from it and store to it. What must hold whatever the timing (PAPR 14.5.4.1: when the hypercall returns, no
 * access through the old translation can be performed any more):
 *   - after H_REMOVE no load sees what the owner then puts into the page's storage, and no store changes it;
 *   - after H_PROTECT to read-only no store changes it;
 *   - C, as H_REMOVE returns it, is set if a store changed the page since H_ENTER; the same after H_CLEAR_MOD. */
#include "cpu.h"

#define ROUNDS 1500
#define SECONDS 4 /* at most, each kind: where vCPUs outnumber cores an invalidation waits for the host's scheduler */
#define TICKS 512000000ul
#define POISON 0xdeaddeaddeaddeadul
#define GOOD 0x600d600d600d600dul

static const struct page_kind kinds[] = {
    {"4K", 12, 0, 0, 0, 0x40000000, 0x5a5a5, 0x0b00000},
    {"64K", 16, 0x110, HPTE_LARGE, 0x1000, 0x50000000, 0x6b6b6, 0x0b00000},
};
static const struct page_kind* kind;

static volatile u32 poison_seen, store_after_remove, store_after_protect, change_lost, odd_results;
static volatile u32 loads, stores, faults, rounds;

static u64 page_ea(u64 owner) { return kind->segment + (owner << kind->shift); }
static volatile u64* page_real(u64 owner) { return (volatile u64*)(kind->real + (owner << kind->shift)); }

static u64 next(u64* seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#define BURST 100
static void load(u64 ea, u64 result) { *(u64*)result = translated_loads(ea, POISON, BURST); }
static void store(u64 ea, u64 value) { translated_stores(ea, value, BURST); }

/* A burst of accesses to one page: a fault ends it. */
static void use(u64 owner, u64* seed) {
    u64 value = GOOD, vector;
    if (next(seed) & 1) {
        vector = attempt(load, page_ea(owner), (u64)&value);
        if (vector == 0) count_up(&loads, 1);
        if (vector == 0 && value == POISON) count_up(&poison_seen, 1);
    } else {
        vector = attempt(store, page_ea(owner) + 8, next(seed));
        if (vector == 0) count_up(&stores, 1);
    }
    if (vector == 0x300) count_up(&faults, 1);
    if (vector != 0 && vector != 0x300) count_up(&odd_results, 1);
}

static void pause(u64 ticks) {
    const u64 end = timebase() + ticks;
    while (timebase() < end) {}
}

static void check(long result) {
    if (result != 0) count_up(&odd_results, 1);
}

static void race(u64 index) {
    u64 seed = index * 0x9e3779b97f4a7c15 + 88172645463325252ul, out[4];
    const u64 n = machine.cpu_count, ea = page_ea(index), slot = pteg_slot(kind, ea);
    volatile u64* const real = page_real(index);
    set_slb(kind, 10);
    const u64 deadline = timebase() + SECONDS * TICKS;
    for (int round = 0; round < ROUNDS && timebase() < deadline; ++round) {
        real[0] = GOOD;
        u64 first = real[1];
        __asm__ volatile("sync" ::: "memory");
        const u64 r = (kind->real + (index << kind->shift)) | kind->r | HPTE_M | PP_WRITE;
        check(hcall(H_ENTER, H_EXACT, slot, avpn(kind, ea) | kind->v | HPTE_V, r, out));
        for (u64 i = next(&seed) & 7; i != 0; --i) use(next(&seed) & 1 ? next(&seed) % n : 0, &seed);

        if (next(&seed) % 4 == 0) {
            check(hcall(H_CLEAR_MOD, 0, slot, 0, 0, out));
            const u64 after_clear = real[1];
            pause(next(&seed) & 1023);
            const u64 later = real[1];
            __asm__ volatile("sync" ::: "memory");
            check(hcall(H_READ, 0, slot, 0, 0, out));
            if (later != after_clear && (out[1] & HPTE_C) == 0) count_up(&change_lost, 1);
            first = real[1]; /* a store before the clearing does not count */
        }
        if (next(&seed) % 4 == 0) {
            check(hcall(H_PROTECT, H_AVPN | PP_READ, slot, avpn(kind, ea), 0, out));
            const u64 still = real[1];
            pause(next(&seed) & 1023);
            if (real[1] != still) count_up(&store_after_protect, 1);
            check(hcall(H_PROTECT, H_AVPN | PP_WRITE, slot, avpn(kind, ea), 0, out));
        }

        check(hcall(H_REMOVE, H_AVPN, slot, avpn(kind, ea), 0, out));
        const u64 last = real[1];
        real[0] = POISON;
        __asm__ volatile("sync" ::: "memory");
        if (last != first && (out[1] & HPTE_C) == 0) count_up(&change_lost, 1);
        for (u64 i = next(&seed) & 3; i != 0; --i) use(next(&seed) & 1 ? next(&seed) % n : 0, &seed);
        pause(next(&seed) & 1023);
        if (real[1] != last) count_up(&store_after_remove, 1);
        count_up(&rounds, 1);
    }
}

void test_races(void) {
    const unsigned before = failures;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        kind = &kinds[i];
        on_all(race);
    }
    expect("loads through a removed translation", poison_seen, 0);
    expect("stores through a removed translation", store_after_remove, 0);
    expect("stores through a read-only translation", store_after_protect, 0);
    expect("changes without C", change_lost, 0);
    expect("other results", odd_results, 0);
    /* The test says something only if the accesses met the translations. */
    expect("loads, stores and faults happened", loads != 0 && stores != 0 && faults != 0, 1);
    print("INFO races: "), print_number(rounds), print(" rounds, ");
    print_number(loads), print(" bursts of loads, "), print_number(stores), print(" of stores, ");
    print_number(faults), print(" faults\n");
    if (failures == before) print("PASS races "), print_number(machine.cpu_count), print("\n");
}
