/* The page table as a litmus test's location. vCPU 0 changes an entry by hypercall, then sets a flag (lwsync between);
 * who has seen the flag (isync behind) accesses the page, and the hypercall must have happened for it: a page that was
 * entered or made writable does not fault, one that was removed or made read-only does, in every AMR's look-aside
 * buffer, R and C record what came after they were cleared. In between the others access the page all the time, or are
 * in hypercalls. Further: protection changed back and forth; an address moved from page to page while others store to
 * it; a slot used in turns by two addresses; code whose page is taken away while it runs; one real page by several
 * addresses and page sizes. */
#include "cpu.h"

#define ROUNDS 2000
#define SECONDS 1 /* at most, each test and page size: every step waits for all vCPUs, and those for the host */
#define TICKS 512000000ul
#define SPIN 10000 /* ticks before a vCPU that waits lets others run */
#define H_CLEAR_REF 0x14
#define H_CONFER 0xe4
#define DSISR_NONE 0x40000000ul
#define DSISR_PROTECTION 0x08000000ul
#define DSISR_STORE 0x02000000ul
#define SRR1_NO_EXECUTE 0x10000000ul
#define SRR1_REASON 0x58000000ul
#define SPR_AMR "29"
#define AMRS 3 /* that let key 0 do everything */

/* 16M pages: their real addresses are those of two whole pages; the others' storage holds eight pages. */
static const struct page_kind kinds[] = {
    {"4K", 12, 0, 0, 0, 0x40000000, 0x1d1d1, 0x0b00000},
    {"64K", 16, 0x110, HPTE_LARGE, 0x1000, 0x50000000, 0x2e2e2, 0x0b00000},
    {"16M", 24, 0x100, HPTE_LARGE, 0, 0x60000000, 0x3f3f3, 0x2000000},
};
static const struct page_kind* kind;

static volatile u32 rounds, denied, stale, wrong_value, wrong_reason, transient, r_lost, c_lost, c_early, moved,
    odd_results;

/* --- steps: vCPU 0 does something, tells all, and waits for all */
static volatile u64 flag __attribute__((aligned(128)));
static volatile u32 acknowledged __attribute__((aligned(128)));
static u64 steps_done; /* vCPU 0's */

static u64 page_ea(u64 page) { return kind->segment + (page << kind->shift); }
static u64 page_real(u64 page) { return kind->real + (page << kind->shift); }
static volatile u64* word(u64 page, u64 offset) { return (volatile u64*)(page_real(page) + offset); }
static u64 others(void) { return machine.cpu_count - 1; }

static u64 next(u64* seed) {
    *seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
    return *seed >> 33;
}
static void lwsync(void) { __asm__ volatile("lwsync" ::: "memory"); }
static void isync(void) { __asm__ volatile("isync" ::: "memory"); }
static void pause(u64 ticks) {
    for (const u64 end = timebase() + ticks; timebase() < end;) {}
}
static void confer(void) { hcall(H_CONFER, ~0ul, 0, 0, 0, 0); }

static void wait_acknowledged(void) {
    ++steps_done;
    for (u64 end = timebase() + SPIN; acknowledged != steps_done * others();) {
        if (timebase() > end) confer();
    }
    lwsync();
}
static void tell(u64 value) {
    lwsync();
    flag = value;
}
static void acknowledge(void) {
    lwsync();
    count_up(&acknowledged, 1);
}
static void start_steps(void) { flag = acknowledged = 0, steps_done = 0; }

static void check(long result) {
    if (result != 0) count_up(&odd_results, 1);
}
static void enter(u64 ea, u64 real, u64 pp) {
    u64 out[4];
    check(hcall(H_ENTER, H_EXACT, pteg_slot(kind, ea), avpn(kind, ea) | kind->v | HPTE_V, real | kind->r | HPTE_M | pp,
                out));
}
static u64 remove(u64 ea) {
    u64 out[4];
    check(hcall(H_REMOVE, H_AVPN, pteg_slot(kind, ea), avpn(kind, ea), 0, out));
    return out[1];
}
static void protect(u64 ea, u64 bits) {
    check(hcall(H_PROTECT, H_AVPN | bits, pteg_slot(kind, ea), avpn(kind, ea), 0, 0));
}
static void clear(u64 what, u64 ea) {
    u64 out[4];
    check(hcall(what, 0, pteg_slot(kind, ea), 0, 0, out));
}
static u64 read_r(u64 ea) {
    u64 out[4];
    check(hcall(H_READ, 0, pteg_slot(kind, ea), 0, 0, out));
    return out[1];
}

static void load(u64 ea, u64 result) { *(volatile u64*)result = translated_load(ea); }
static void store(u64 ea, u64 value) { translated_store(ea, value); }
static u64 load_vector(u64 ea, u64* value) { return attempt(load, ea, (u64)value); }
static void set_amr(u64 amr) { __asm__ volatile("mtspr " SPR_AMR ", %0; isync" ::"r"(amr)); }

/* --- what follows a flag that was seen. Each vCPU stores to its own doubleword behind the one that vCPU 0 stores to.
 */
enum step { ENTER, WRITABLE, CLEAR_MOD, CLEAR_REF, READ_ONLY, REMOVE, STEPS };
static volatile u64 offset; /* in the page, another each round */

static void must_load(u64 ea, u64 wanted) {
    for (u64 amr = 0; amr < AMRS; ++amr) {
        u64 value = 0;
        set_amr(amr);
        if (load_vector(ea, &value) != 0) {
            count_up(&denied, 1);
        } else if (value != wanted) {
            count_up(&wrong_value, 1);
        }
    }
}
static void must_not(u64 vector, u64 reason) {
    if (vector == 0) {
        count_up(&stale, 1);
    } else if (vector != 0x300 || this_cpu()->dsisr != reason) {
        count_up(&wrong_reason, 1);
    }
}
static void must_store(u64 ea, u64 value) {
    if (attempt(store, ea, value) != 0) count_up(&denied, 1);
}

static void answer(enum step step, u64 ea, u64 mine, u64 round) {
    u64 value;
    switch (step) {
        case ENTER: must_load(ea, round); break;
        case WRITABLE:
        case CLEAR_MOD: must_store(mine, round); break;
        case CLEAR_REF: must_load(ea, round); break;
        case READ_ONLY:
            must_not(attempt(store, mine, 0), DSISR_PROTECTION | DSISR_STORE);
            must_load(ea, round);
            break;
        default:
            for (u64 amr = 0; amr < AMRS; ++amr) {
                set_amr(amr);
                must_not(load_vector(ea, &value), DSISR_NONE);
            }
            must_not(attempt(store, mine, 0), DSISR_NONE | DSISR_STORE);
    }
    set_amr(0);
}

static void change(enum step step, u64 ea, u64 round) {
    switch (step) {
        case ENTER: *word(0, offset) = round, enter(ea, page_real(0), PP_READ); break;
        case WRITABLE: protect(ea, PP_WRITE); break;
        case CLEAR_MOD: clear(H_CLEAR_MOD, ea); break;
        case CLEAR_REF: clear(H_CLEAR_REF, ea); break;
        case READ_ONLY: protect(ea, PP_READ); break;
        default: {
            const u64 r = remove(ea);
            if (!(r & HPTE_R)) count_up(&r_lost, 1);
            if (!(r & HPTE_C)) count_up(&c_lost, 1);
        }
    }
}
static void audit(enum step step, u64 ea) {
    const u64 r = step == REMOVE ? HPTE_R | HPTE_C : read_r(ea);
    if (!(r & HPTE_R)) count_up(&r_lost, 1);
    if (!(r & HPTE_C) && step != ENTER) count_up(&c_lost, 1);
    if ((r & HPTE_C) && step == ENTER) count_up(&c_early, 1);
}

static void steps(u64 index) {
    u64 seed = index + timebase(), value;
    set_slb(kind, 10);
    const u64 deadline = timebase() + SECONDS * TICKS;
    if (index == 0) {
        for (u64 round = 1; round <= ROUNDS && timebase() < deadline; ++round) {
            offset = (next(&seed) & ((1ul << kind->shift) - 1)) & ~0xffful;
            const u64 ea = page_ea(0);
            for (u64 step = 0; step < STEPS; ++step) {
                pause(next(&seed) & 1023);
                change(step, ea, round);
                tell(round * STEPS + step);
                wait_acknowledged();
                audit(step, ea);
            }
            ++rounds;
        }
        tell(~0ul);
        return;
    }
    for (u64 awaited = STEPS; flag != ~0ul; ++awaited) {
        const u64 step = awaited % STEPS, round = awaited / STEPS;
        /* What is being done hinders no load but by the last step; who is in hypercalls learns of it on the way back.
         */
        while (flag < awaited) {
            const u64 ea = page_ea(0) + offset;
            if (round & 1) {
                confer();
            } else if (next(&seed) & 1) {
                attempt(store, ea + 8 * index, 1);
            } else if (load_vector(ea, &value) != 0 && step != ENTER && step != REMOVE) {
                count_up(&transient, 1);
            }
        }
        if (flag == ~0ul) return;
        isync();
        answer(step, page_ea(0) + offset, page_ea(0) + offset + 8 * index, round);
        acknowledge();
    }
}

/* --- protection back and forth, as fast as it goes: who may load all the time never faults, and no C is lost */
static void toggle(u64 index) {
    const u64 ea = page_ea(0);
    set_slb(kind, 10);
    const u64 deadline = timebase() + SECONDS * TICKS;
    if (index == 0) {
        enter(ea, page_real(0), PP_WRITE);
        tell(1);
        for (u64 n = 0; n < 500 * ROUNDS && timebase() < deadline; ++n) {
            clear(H_CLEAR_MOD, ea);
            const u64 before = *word(0, 8); /* vCPU 1's */
            protect(ea, PP_READ);
            if (*word(0, 8) != before && !(read_r(ea) & HPTE_C)) count_up(&c_lost, 1);
            protect(ea, PP_WRITE);
            ++rounds;
        }
        tell(~0ul);
        wait_acknowledged();
        remove(ea);
        return;
    }
    while (flag == 0) {}
    for (u64 n = 0, value; flag != ~0ul; ++n) {
        if (n & 1) {
            attempt(store, ea + 8 * index, n);
        } else if (load_vector(ea, &value) != 0) {
            count_up(&transient, 1);
        }
    }
    acknowledge();
}

/* --- an address moves between pages 0 and 1 */
static void move(u64 index) {
    const u64 ea = page_ea(0), at = 512 + 8 * index;
    u64 seed = index + timebase(), value;
    set_slb(kind, 10);
    const u64 deadline = timebase() + SECONDS * TICKS;
    if (index == 0) {
        *word(0, 0) = 2, *word(1, 0) = 1; /* the parity of the round in which the address means it */
        enter(ea, page_real(0), PP_WRITE);
        for (u64 round = 1; round <= ROUNDS && timebase() < deadline; ++round) {
            u64 before[MAX_CPUS];
            pause(next(&seed) & 4095);
            remove(ea);
            enter(ea, page_real(round & 1), PP_WRITE);
            for (u64 i = 1; i <= others(); ++i) before[i] = *word(~round & 1, 512 + 8 * i);
            tell(round);
            pause(next(&seed) & 4095);
            for (u64 i = 1; i <= others(); ++i) {
                if (before[i] != *word(~round & 1, 512 + 8 * i)) count_up(&moved, 1);
            }
            wait_acknowledged();
            ++rounds;
        }
        tell(~0ul);
        remove(ea);
        return;
    }
    for (u64 round = 1, n = 0; flag != ~0ul; ++round) {
        while (flag < round) {
            const u64 vector = attempt(store, ea + at, ++n);
            if (vector != 0 && vector != 0x300) count_up(&odd_results, 1);
        }
        if (flag == ~0ul) return;
        isync();
        if (load_vector(ea, &value) != 0) {
            count_up(&denied, 1);
        } else if ((value & 1) != (round & 1)) {
            count_up(&stale, 1);
        }
        must_store(ea + at, ++n);
        if (*word(round & 1, at) != n) count_up(&moved, 1);
        acknowledge();
    }
}

/* --- one slot in turns for two addresses, whose pages hold 0x111... and 0x222...: V of the one with R of the other
 * would show the wrong page. */
static void reuse(u64 index) {
    struct page_kind second = *kind;
    second.vsid ^= 1;
    second.segment += 0x40000000;
    const u64 ea[2] = {page_ea(0), second.segment + (1ul << kind->shift)};
    set_slb(kind, 10);
    set_slb(&second, 11);
    if (index == 0) {
        const u64 slot = pteg_slot(kind, ea[0]), deadline = timebase() + SECONDS * TICKS;
        if (slot != pteg_slot(&second, ea[1])) check(1);
        *word(0, 0) = 0x1111111111111111, *word(1, 0) = 0x2222222222222222;
        const u64 v[2] = {avpn(kind, ea[0]) | kind->v | HPTE_V, avpn(&second, ea[1]) | kind->v | HPTE_V};
        u64 out[4];
        for (u64 n = 0; n <= 500 * ROUNDS && timebase() < deadline; ++n) {
            check(hcall(H_ENTER, H_EXACT, slot, v[n & 1], page_real(n & 1) | kind->r | HPTE_M | PP_READ, out));
            check(hcall(H_REMOVE, H_AVPN, slot, v[n & 1] & ~0x7ful, 0, out));
            ++rounds;
        }
        tell(~0ul);
        return;
    }
    for (u64 n = 0; flag != ~0ul; ++n) {
        u64 value;
        const u64 vector = load_vector(ea[n & 1], &value);
        if (vector == 0 && value != (n & 1 ? 0x2222222222222222 : 0x1111111111111111)) count_up(&wrong_value, 1);
        if (vector != 0 && vector != 0x300) count_up(&odd_results, 1);
    }
}

/* --- code: a loop through two pages, the first of which stays. The second is storage page 1 or 2, which differ in the
 * counter that they store to. It is removed, or made no-execute, while the others run in it. Who still runs in it
 * PATIENCE later is told to trap, by the counters' third doubleword. */
#define PATIENCE (10 * TICKS)
#define RUNS 20000 /* the most iterations before */
static volatile struct { u64 count[16]; } counters[MAX_CPUS] __attribute__((aligned(128)));

static u32 branch(long to) { return 0x48000000 | ((u32)to & 0x03fffffc); }
static void put_code(u64 page, const u32* code, u64 words) {
    volatile u32* const at = (volatile u32*)page_real(page);
    for (u64 i = 0; i < words; ++i) at[i] = code[i];
    __asm__ volatile("dcbst 0, %0; sync; icbi 0, %0; sync; isync" ::"r"(at) : "memory");
}
static void run_code(u64 ea, u64 counter) {
    __asm__ volatile("mtsrr0 %0; mfmsr 5; ori 5, 5, 0x20; mtsrr1 5; mr 4, %1; li 3, 0; rfid" ::"r"(ea), "r"(counter)
                     : "3", "4", "5", "memory");
}

static void code(u64 index) {
    const u64 ea = page_ea(1), step = 1ul << kind->shift;
    u64 seed = index + timebase(), before[MAX_CPUS];
    set_slb(kind, 10);
    const u64 deadline = timebase() + SECONDS * TICKS;
    if (index == 0) {
        const u32 first[] = {0xe8a40010 /* ld 5,16(4) */, 0x2c250000 /* cmpdi 5,0 */, 0x4082000c /* bne trap */,
                             0x38630001 /* addi 3,3,1 */, branch((long)step - 16),    0x7fe00008 /* trap */};
        const u32 second[] = {0xf8640000 /* std 3,0(4) */, 0x60000000, branch(-(long)step - 8)};
        const u32 other[] = {0xf8640008 /* std 3,8(4) */, 0x60000000, branch(-(long)step - 8)};
        put_code(0, first, 6), put_code(1, second, 3), put_code(2, other, 3);
        enter(page_ea(0), page_real(0), PP_READ);
        for (u64 round = 1; round <= ROUNDS && timebase() < deadline && wrong_reason == 0; ++round) {
            const u64 here = round & 1, runs = next(&seed) % RUNS;
            for (u64 i = 1; i <= others(); ++i) counters[i].count[0] = counters[i].count[1] = counters[i].count[2] = 0;
            enter(ea, page_real(here ? 1 : 2), PP_READ);
            tell(round);
            for (u64 i = 1; i <= others(); ++i) {
                while (counters[i].count[!here] <= runs && timebase() < deadline + 60 * TICKS) {
                    if ((timebase() & 0xffff) < 64) confer();
                }
            }
            const int no_execute = round % 3 == 0;
            if (no_execute) {
                protect(ea, HPTE_N | PP_READ);
            } else {
                remove(ea);
            }
            for (u64 i = 1; i <= others(); ++i) before[i] = counters[i].count[!here];
            pause(next(&seed) & 4095);
            for (u64 i = 1; i <= others(); ++i) {
                if (counters[i].count[!here] != before[i]) count_up(&moved, 1);
                if (counters[i].count[here] != 0) count_up(&stale, 1);
            }
            const u64 patience = timebase() + PATIENCE;
            while (acknowledged != (steps_done + 1) * others() && timebase() < patience) confer();
            for (u64 i = 1; i <= others(); ++i) counters[i].count[2] = 1;
            wait_acknowledged();
            if (no_execute) remove(ea);
            ++rounds;
        }
        tell(~0ul);
        remove(page_ea(0));
        return;
    }
    for (u64 round = 1; flag != ~0ul; ++round) {
        while (flag < round) {}
        if (flag == ~0ul) return;
        isync();
        const u64 vector = attempt(run_code, page_ea(0), (u64)&counters[index]);
        const u64 reason = round % 3 == 0 ? SRR1_NO_EXECUTE : DSISR_NONE;
        if (vector != 0x400 || (this_cpu()->srr1 & SRR1_REASON) != reason || this_cpu()->srr0 - ea > 8) {
            count_up(&wrong_reason, 1);
        }
        acknowledge();
    }
}

/* --- aliases: one real page by addresses of all page sizes. vCPU 0 stores 1, 2, 3 ... to x, through each in turn; the
 * others must never see it decrease (CoRR, CoWW), nor y, which is stored behind it, ahead of it (MP). */
#define BURST 1000
#define TRIES 100000
static u64 alias[3];
struct aliases {
    u64 x[3], y[3], own[3], add[3];
}; /* addresses of four doublewords, each in its own granule */
static struct aliases of[MAX_CPUS];

#define WITH_DR(code) "mfmsr 8; ori 9, 8, 0x10; mtmsrd 9; isync; " code "; mtmsrd 8; isync"

static void write_burst(u64 a, u64 from) {
    const struct aliases* const s = (const struct aliases*)a;
    __asm__ volatile(WITH_DR("mtctr %0; 1: addi %1, %1, 1; std %1, 0(%2); lwsync; std %1, 0(%5);"
                             "addi %1, %1, 1; std %1, 0(%3); lwsync; std %1, 0(%6);"
                             "addi %1, %1, 1; std %1, 0(%4); lwsync; std %1, 0(%7); bdnz 1b")
                     :
                     : "r"((u64)BURST), "r"(from), "b"(s->x[0]), "b"(s->x[1]), "b"(s->x[2]), "b"(s->y[1]), "b"(s->y[2]),
                       "b"(s->y[0])
                     : "8", "9", "ctr", "memory");
}
/* Counts pairs of loads out of order. */
static void read_burst(u64 a, u64 bad_at) {
    const struct aliases* const s = (const struct aliases*)a;
    u64 bad = 0;
    __asm__ volatile(WITH_DR("mtctr %1; li 12, 0; 1: ld 10, 0(%2); cmpld 10, 12; bge 2f; addi %0, %0, 1;"
                             "2: ld 11, 0(%3); cmpld 11, 10; bge 3f; addi %0, %0, 1; 3: ld 12, 0(%4); cmpld 12, 11;"
                             "bge 4f; addi %0, %0, 1; 4: ld 10, 0(%5); lwsync; ld 11, 0(%3); cmpld 11, 10; bge 5f;"
                             "addi %0, %0, 1; 5: bdnz 1b")
                     : "+r"(bad)
                     : "r"((u64)BURST), "b"(s->x[2]), "b"(s->x[0]), "b"(s->x[1]), "b"(s->y[2])
                     : "8", "9", "10", "11", "12", "cr0", "ctr", "memory");
    *(volatile u64*)bad_at += bad;
}
/* A thread's own stores, by whatever address, are what it loads; larx by one address and stcx. by another are a pair.
 */
static void own_burst(u64 a, u64 bad_at) {
    const struct aliases* const s = (const struct aliases*)a;
    u64 bad = 0, tries = TRIES;
    for (u64 n = 0; n < 20; ++n) {
        const u64 i = n % 3, j = (n + 1) % 3, value = timebase();
        __asm__ volatile(WITH_DR("std %1, 0(%2); ld 10, 0(%3); cmpd 10, %1; beq 1f; addi %0, %0, 1; 1: stw %1, 4(%3);"
                                 "sth %1, 0(%2); lwz 10, 4(%2); lhz 11, 0(%3); xor 11, 11, 10; andi. 11, 11, 0xffff;"
                                 "beq 2f; addi %0, %0, 1; 2:")
                         : "+r"(bad)
                         : "r"(value), "b"(s->own[i]), "b"(s->own[j])
                         : "8", "9", "10", "11", "cr0", "memory");
        __asm__ volatile(WITH_DR("1: cmpdi %0, 0; beq 2f; addi %0, %0, -1; ldarx 10, 0, %1; addi 10, 10, 1;"
                                 "stdcx. 10, 0, %2; bne 1b; 2:")
                         : "+r"(tries)
                         : "r"(s->add[i]), "r"(s->add[j])
                         : "8", "9", "10", "cr0", "memory");
    }
    if (tries == 0) bad += 1ul << 32;
    *(volatile u64*)bad_at += bad;
}

static u64 alias_bad[MAX_CPUS], added[MAX_CPUS];

static void use_aliases(u64 index) {
    for (u64 k = 0; k < 3; ++k) set_slb(&kinds[k], 10 + k);
    for (u64 k = 0; k < 3; ++k) {
        of[index].x[k] = alias[k];
        of[index].y[k] = alias[k] + 128;
        of[index].add[k] = alias[k] + 256;
        of[index].own[k] = alias[k] + 384 + 8 * index;
    }
    const u64 deadline = timebase() + SECONDS * TICKS;
    u64 n = 0;
    for (; n < 20 * ROUNDS && timebase() < deadline; ++n) {
        const u64 vector = index == 0 ? attempt(write_burst, (u64)&of[0], n * 3 * BURST)
                                      : attempt(read_burst, (u64)&of[index], (u64)&alias_bad[index]);
        if (vector != 0 || attempt(own_burst, (u64)&of[index], (u64)&alias_bad[index]) != 0) count_up(&odd_results, 1);
        added[index] += 20;
    }
    count_up(&rounds, n);
}

static void test_aliases(void) {
    const u64 real = 0x0b00000;
    volatile u64* const at = (volatile u64*)real;
    for (u64 i = 0; i < 512; ++i) at[i] = 0;
    for (u64 k = 0; k < 3; ++k) {
        kind = &kinds[k];
        const u64 mask = (1ul << kind->shift) - 1;
        alias[k] = kind->segment | (real & mask);
        enter(kind->segment, real & ~mask, PP_WRITE);
    }
    on_all(use_aliases);
    u64 sum = 0, bad = 0;
    for (u64 i = 0; i < machine.cpu_count; ++i) sum += added[i], bad += alias_bad[i];
    for (u64 k = 0; k < 3; ++k) kind = &kinds[k], remove(kind->segment);
    expect("aliases: loads out of order", bad & 0xffffffff, 0);
    expect("aliases: stcx. that never succeeds", bad >> 32, 0);
    expect("aliases: sum of larx/stcx. by different addresses", at[32], sum);
}

/* --- */
static void run(const char* name, void (*test)(u64), const struct page_kind* k) {
    kind = k;
    rounds = 0;
    start_steps();
    on_all(test);
    print("INFO pages: "), print(name), print(" "), print(k->name), print(", rounds "), print_number(rounds),
        print("\n");
    expect("rounds happened", rounds != 0, 1);
}

void test_pages(void) {
    const unsigned before = failures;
    for (unsigned i = 0; i < 3; ++i) {
        run("steps", steps, &kinds[i]);
        run("toggle", toggle, &kinds[i]);
        run("move", move, &kinds[i]);
        run("reuse", reuse, &kinds[i]);
        if (i < 2) run("code", code, &kinds[i]); /* three 16M pages would be too much */
    }
    rounds = 0;
    test_aliases();
    print("INFO pages: aliases, rounds "), print_number(rounds), print("\n");
    expect("faults after the flag of a page that is there", denied, 0);
    expect("accesses after the flag of a page that is gone", stale, 0);
    expect("another value than before the flag", wrong_value, 0);
    expect("another interrupt or reason", wrong_reason, 0);
    expect("faults of loads that are allowed before and after", transient, 0);
    expect("R lost", r_lost, 0);
    expect("C lost", c_lost, 0);
    expect("C without a store", c_early, 0);
    expect("stores or instructions through an old translation", moved, 0);
    expect("other results", odd_results, 0);
    if (failures == before) print("PASS pages "), print_number(machine.cpu_count), print("\n");
}
