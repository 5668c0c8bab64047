/* The hash page table through hypercalls (PAPR 14.5.4): pages of 4K, 64K and 16M, protection, reference and change
 * bits, problem state. */
#include "cpu.h"

#define DSISR_NONE 0x40000000ul
#define DSISR_PROTECTION 0x08000000ul
#define DSISR_STORE 0x02000000ul
#define SRR1_NO_EXECUTE 0x10000000ul

static const struct page_kind kinds[] = {
    {"4K", 12, 0, 0, 0, 0x10000000, 0x12345, 0x0a00000},
    {"64K", 16, 0x110, HPTE_LARGE, 0x1000, 0x20000000, 0x2f00d, 0x0a10000},
    {"16M", 24, 0x100, HPTE_LARGE, 0, 0x30000000, 0x3beef, 0x1000000},
};

u64 avpn(const struct page_kind* k, u64 ea) { return (k->vsid << 5 | (ea >> 23 & 31)) << 7; }

u64 pteg_slot(const struct page_kind* k, u64 ea) {
    const u64 hash = k->vsid ^ ((ea & 0x0fffffff) >> k->shift);
    return (hash & ((1ul << (machine.pft_shift - 7)) - 1)) * 8;
}

static void slbmte(u64 kind, u64 index) {
    const struct page_kind* const k = (const struct page_kind*)kind;
    const u64 esid = k->segment | 1ul << 27 | index, vsid = k->vsid << 12 | k->slb;
    __asm__ volatile("slbmte %0, %1; isync" ::"r"(vsid), "r"(esid));
}
void set_slb(const struct page_kind* k, u64 index) { expect("slbmte", attempt(slbmte, (u64)k, index), 0); }

static void load(u64 ea, u64 result) { *(u64*)result = translated_load(ea); }
static void store(u64 ea, u64 value) { translated_store(ea, value); }
static void fetch(u64 ea, u64 bits) { jump(ea, bits); }

/* tlbiel of all entries (IS = 3) in a congruence class. */
static void forget(u64 class, u64 unused) {
    (void)unused;
    __asm__ volatile("ptesync; tlbiel %0; ptesync" ::"r"(class << 12 | 0xc00) : "memory");
}
static u64 read_r(u64 slot) {
    u64 out[4];
    expect("H_READ", (u64)hcall(H_READ, 0, slot, 0, 0, out), 0);
    return out[1];
}

static void test_page(const struct page_kind* k) {
    struct cpu* cpu = this_cpu();
    const u64 offset = 0x428, ea = k->segment + offset, v = avpn(k, ea) | k->v | HPTE_V, slot = pteg_slot(k, ea);
    volatile u64* const real = (volatile u64*)(k->real + offset);
    u64 value = 0, out[4];
    *real = 0x1122334455667788;

    expect("no translation", attempt(load, ea, (u64)&value), 0x300);
    expect("DSISR of no translation", cpu->dsisr, DSISR_NONE);
    expect("DAR of no translation", cpu->dar, ea);

    expect("H_ENTER", (u64)hcall(H_ENTER, H_EXACT, slot, v, k->real | k->r | HPTE_M | PP_WRITE, out), 0);
    expect("H_ENTER's slot", out[0], slot);
    expect("R and C of a page not used", read_r(slot) & (HPTE_R | HPTE_C), 0);
    expect("load", attempt(load, ea, (u64)&value), 0);
    expect("value loaded", value, 0x1122334455667788);
    expect("R and C after a load", read_r(slot) & (HPTE_R | HPTE_C), HPTE_R);
    for (u64 class = 0; class < 512; class += 73) expect("tlbiel", attempt(forget, class, 0), 0);
    expect("load after tlbiel", attempt(load, ea, (u64)&value), 0);
    expect("store", attempt(store, ea, 0x0123456789abcdef), 0);
    expect("value stored", *real, 0x0123456789abcdef);
    expect("R and C after a store", read_r(slot) & (HPTE_R | HPTE_C), HPTE_R | HPTE_C);

    /* The last doubleword of the page; a load across its end finds nothing behind it (16M: the segment goes on). */
    const u64 last = k->segment + (1ul << k->shift) - 8;
    expect("store at the page's end", attempt(store, last, 5), 0);
    expect("value at the page's end", *(volatile u64*)(k->real + (1ul << k->shift) - 8), 5);
    expect("load across the page's end", attempt(load, last + 4, (u64)&value), 0x300);

    expect("H_PROTECT with a wrong AVPN", (u64)hcall(H_PROTECT, H_AVPN | PP_READ, slot, avpn(k, ea) ^ 0x1000, 0, out),
           (u64)H_NOT_FOUND);
    expect("H_PROTECT", (u64)hcall(H_PROTECT, H_AVPN | HPTE_N | PP_READ, slot, avpn(k, ea), 0, out), 0);
    expect("load from a read-only page", attempt(load, ea, (u64)&value), 0);
    expect("store to a read-only page", attempt(store, ea, 1), 0x300);
    expect("DSISR of protection", cpu->dsisr, DSISR_PROTECTION | DSISR_STORE);
    expect("DAR of protection", cpu->dar, ea);
    expect("the refused store", *real, 0x0123456789abcdef);
    expect("fetch from a no-execute page", attempt(fetch, ea & ~3ul, MSR_IR), 0x400);
    expect("SRR1 of no-execute", cpu->srr1 & 0x7c000000, SRR1_NO_EXECUTE);

    expect("H_REMOVE", (u64)hcall(H_REMOVE, H_AVPN, slot, avpn(k, ea), 0, out), 0);
    expect("H_REMOVE's V word", out[0] & ~0x7ful, v & ~0x7ful);
    expect("H_REMOVE's R and C", out[1] & (HPTE_R | HPTE_C), HPTE_R | HPTE_C);
    expect("H_REMOVE again", (u64)hcall(H_REMOVE, H_AVPN, slot, avpn(k, ea), 0, out), (u64)H_NOT_FOUND);
    expect("load from a removed page", attempt(load, ea, (u64)&value), 0x300);
    expect("DSISR of a removed page", cpu->dsisr, DSISR_NONE);
    expect("fetch without translation", attempt(fetch, ea & ~3ul, MSR_IR), 0x400);
    expect("SRR1 of no translation", cpu->srr1 & 0x7c000000, DSISR_NONE);
}

/* The whole image through one 16M page at effective address 0, problem state. */
static void test_problem_state(void) {
    static const struct page_kind image = {"image", 24, 0x100, HPTE_LARGE, 0, 0, 0x4cafe, 0};
    struct cpu* cpu = this_cpu();
    u64 out[4];
    const u64 slot = pteg_slot(&image, 0);
    const u64 problem = MSR_PR | MSR_EE | MSR_IR | MSR_DR;
    set_slb(&image, 8);
    expect("H_ENTER of the image", (u64)hcall(H_ENTER, H_EXACT, slot, avpn(&image, 0) | HPTE_LARGE | HPTE_V, HPTE_M | PP_WRITE, out), 0);
    __asm__ volatile("mtspr 22, %0" ::"r"(0x7fffffff));

    expect("mfmsr in problem state", attempt(fetch, (u64)read_msr, problem), 0x700);
    expect("its SRR0", cpu->srr0, (u64)read_msr);
    expect("its SRR1: privileged", cpu->srr1 & 0x1f0000, 0x40000);
    expect("its SRR1: MSR", cpu->srr1 & problem, problem);
    expect("sc in problem state", attempt(fetch, (u64)problem_syscall, problem), 0xc00);
    expect("its SRR0", cpu->srr0, (u64)after_problem_syscall);
    expect("H_REMOVE of the image", (u64)hcall(H_REMOVE, 0, slot, 0, 0, out), 0);
    expect("problem state without translation", attempt(fetch, (u64)read_msr, problem), 0x400);
}

void test_mmu(void) {
    const unsigned before = failures;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        const unsigned so_far = failures;
        set_slb(&kinds[i], i + 1);
        test_page(&kinds[i]);
        if (failures != so_far) print("(in pages of "), print(kinds[i].name), print(")\n");
    }
    test_problem_state();
    if (failures == before) print("PASS mmu\n");
}
