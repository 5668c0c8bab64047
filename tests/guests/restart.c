/* stop-self and start-cpu in a loop. Each life of a vCPU begins with the argument that start-cpu was given, and with
 * nothing of its former life: reservation, SLB entries, AMR, translations of a page that was moved or removed while it
 * was stopped. */
#include "cpu.h"

#define ROUNDS 2000
#define SECONDS 10
#define TICKS 512000000ul
#define SPIN 10000
#define H_CONFER 0xe4
#define MSR_ENTRY 0x8000000000001000ul /* SF, ME */
#define CR0_EQ 0x20000000ul
#define SLB_V 0x08000000ul
#define RUNNING 2

extern char restart_entry[];

/* What r3 points to. */
static struct life {
    volatile u64 reserved; /* restart_entry begins with stdcx. to this */
    u64 index;             /* restart_entry takes it from here */
    volatile u64 wanted;   /* what the page holds; 0: it is not there */
    volatile u32 lives, bad_state, bad_slb, bad_reservation, bad_amr, bad_page;
} lives[MAX_CPUS] __attribute__((aligned(128)));

static const struct page_kind kind = {"4K", 12, 0, 0, 0, 0x40000000, 0x4b4b4, 0x0b00000};
static u64 page_ea(u64 index) { return kind.segment + (index << 12); }
static u64 page_real(u64 index, u64 which) { return kind.real + ((2 * index + which) << 12); }

static void load(u64 ea, u64 result) { *(volatile u64*)result = translated_load(ea); }

void restarted(struct life* life, u64 cr, u64 msr) {
    u64 value = 0, amr;
    if (msr != MSR_ENTRY || life < lives || life >= lives + MAX_CPUS) ++life->bad_state;
    if ((cr & CR0_EQ) || life->reserved != 0) ++life->bad_reservation;
    for (u64 i = 0; i < 32; ++i) {
        u64 entry;
        __asm__ volatile("slbmfee %0, %1" : "=r"(entry) : "r"(i));
        if (entry & SLB_V) ++life->bad_slb;
    }
    __asm__ volatile("mfspr %0, 29" : "=r"(amr));
    if (amr != 0) ++life->bad_amr;
    set_slb(&kind, 0);
    const u64 vector = attempt(load, page_ea(life->index), (u64)&value);
    if (life->wanted == 0 ? vector != 0x300 : vector != 0 || value != life->wanted) ++life->bad_page;

    set_slb(&kind, life->lives % 32);
    __asm__ volatile("mtspr 29, %0; isync" ::"r"(1ul));
    __asm__ volatile("lwsync" ::: "memory");
    ++life->lives;
    __asm__ volatile("ldarx 0, 0, %0" ::"r"(&life->reserved) : "0", "memory");
    rtas(machine.stop_self, 0, 0, 1);
    for (;;) {}
}

static void wait_while(const volatile u32* at, u32 value) {
    const u64 spin = timebase() + SPIN, end = timebase() + 60 * TICKS;
    while (*at == value && timebase() < end) {
        if (timebase() > spin) hcall(H_CONFER, ~0ul, 0, 0, 0, 0);
    }
    expect("a started vCPU has run", *at, value + 1);
    __asm__ volatile("lwsync" ::: "memory");
}
static u32 state_of(u64 i) {
    u32 state = ~0u;
    expect("query-cpu-stopped-state", (u64)rtas_pair(machine.query_cpu_stopped_state, machine.servers[i], &state), 0);
    return state;
}

/* Moves the page of a vCPU that is stopped, or about to be. */
static void move(u64 i, u64 round) {
    const u64 ea = page_ea(i), slot = pteg_slot(&kind, ea);
    u64 out[4];
    struct life* const life = &lives[i];
    if (life->wanted != 0) expect("H_REMOVE", (u64)hcall(H_REMOVE, H_AVPN, slot, avpn(&kind, ea), 0, out), 0);
    life->wanted = 0;
    if (round % 3 == 2) return;
    life->wanted = *(volatile u64*)page_real(i, round & 1) = round << 8 | i;
    const u64 r = page_real(i, round & 1) | HPTE_M | PP_READ;
    expect("H_ENTER", (u64)hcall(H_ENTER, H_EXACT, slot, avpn(&kind, ea) | HPTE_V, r, out), 0);
}

void test_restart(void) {
    const unsigned before = failures;
    const u64 n = machine.cpu_count, deadline = timebase() + SECONDS * TICKS;
    if (n > 1) expect("state of a vCPU that runs", state_of(1), RUNNING);
    stop_all();
    for (u64 i = 1; i < n; ++i) {
        while (state_of(i) == RUNNING) hcall(H_CONFER, ~0ul, 0, 0, 0, 0);
        lives[i].index = i;
    }
    u64 round = 0;
    for (; round < ROUNDS && timebase() < deadline; ++round) {
        for (u64 i = 1; i < n; ++i) {
            const u32 args[3] = {machine.servers[i], (u32)(u64)restart_entry, (u32)(u64)&lives[i]};
            move(i, round);
            /* Every second time at the very moment that it stops, as soon as start-cpu succeeds. */
            while ((round & 1) && state_of(i) == RUNNING) {}
            int status;
            while ((status = rtas(machine.start_cpu, 3, args, 1)) != 0 && timebase() < deadline + 60 * TICKS) {}
            expect("start-cpu", (u64)status, 0);
        }
        for (u64 i = 1; i < n; ++i) wait_while(&lives[i].lives, (u32)round);
    }
    for (u64 i = 1; i < n; ++i) {
        expect("MSR and r3 of a started vCPU: lives in which they were wrong", lives[i].bad_state, 0);
        expect("lives with a reservation of the former", lives[i].bad_reservation, 0);
        expect("SLB entries of a former life", lives[i].bad_slb, 0);
        expect("lives with AMR of the former", lives[i].bad_amr, 0);
        expect("lives with a translation of the former", lives[i].bad_page, 0);
        while (state_of(i) == RUNNING) {}
        move(i, 2); /* away */
    }
    start_all();
    print("INFO restart: "), print_number(round), print(" rounds\n");
    if (failures == before) print("PASS restart "), print_number(n), print("\n");
}
