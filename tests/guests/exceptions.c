/* Interrupts: vector, SRR0, SRR1, DAR of each (Power ISA 2.07, Book III-S 6.5). */
#include "cpu.h"

#define SRR1_ILLEGAL 0x80000ul
#define SRR1_PRIVILEGED 0x40000ul
#define SRR1_TRAP 0x20000ul
#define SRR1_PROGRAM 0x1f0000ul /* bits 43-47 */

static void check(const char* what, u64 vector, u64 wanted, const void* srr0) {
    expect(what, vector, wanted);
    if (srr0 != 0) expect(what, this_cpu()->srr0, (u64)srr0);
}
static void check_program(const char* what, u64 vector, const void* srr0, u64 reason) {
    check(what, vector, 0x700, srr0);
    expect(what, this_cpu()->srr1 & SRR1_PROGRAM, reason);
}

static void load(u64 ea, u64 unused) {
    (void)unused;
    translated_load(ea);
}
static void fetch(u64 ea, u64 unused) {
    (void)unused;
    jump(ea, MSR_IR);
}
static void load_real(u64 address, u64 unused) {
    (void)unused;
    (void)*(volatile u64*)address;
}
static void move_to_decrementer(u64 ticks) { __asm__ volatile("mtspr 22, %0" ::"r"(ticks)); }

void test_exceptions(void) {
    const unsigned before = failures;
    struct cpu* cpu = this_cpu();
    move_to_decrementer(0x7fffffff);

    check_program("illegal instruction", attempt(illegal_instruction, 0, 0), illegal_at, SRR1_ILLEGAL);
    check_program("trap", attempt(trap_instruction, 0, 0), trap_at, SRR1_TRAP);
    check("system call", attempt(system_call, 0, 0), 0xc00, after_system_call);
    check("FP unavailable", attempt(use_fp, 0, 0), 0x800, fp_at);
    check("VEC unavailable", attempt(use_vec, 0, 0), 0xf20, vec_at);
    check("VSX unavailable", attempt(use_vsx, 0, 0), 0xf40, vsx_at);

    static u32 word[4];
    check("alignment of lwarx", attempt(load_reserve_at, (u64)word + 2, 0), 0x600, load_reserve_at);
    expect("DAR of the alignment interrupt", cpu->dar, (u64)word + 2);

    /* Segments without an SLB entry. */
    const u64 nowhere = 0x0000700000001230;
    expect("data segment", attempt(load, nowhere, 0), 0x380);
    expect("DAR of the data segment interrupt", cpu->dar, nowhere);
    check("instruction segment", attempt(fetch, nowhere, 0), 0x480, (const void*)nowhere);

    /* Real mode, relocation off: the MSR of the interrupted code is in SRR1. */
    check("real mode load", attempt(load_real, (u64)word, 0), 0, 0);
    expect("SRR1 has MSR[IR]", cpu->srr1 & (MSR_IR | MSR_DR | MSR_PR), MSR_IR);

    /* 1000 ticks of 512 MHz; the wait gives up after two seconds. */
    move_to_decrementer(1000);
    const u64 start = timebase();
    check("decrementer", attempt(wait_enabled, 1024000000, 0), 0x900, 0);
    expect("decrementer is in time (within a second)", timebase() - start < 512000000, 1);
    expect("SRR1 has MSR[EE]", cpu->srr1 & MSR_EE, MSR_EE);
    /* It stays asserted while negative: a second one comes at once. */
    check("negative decrementer", attempt(wait_enabled, 512000000, 0), 0x900, 0);
    move_to_decrementer(0x7fffffff);
    check("no decrementer", attempt(wait_enabled, 1000, 0), 0, 0);

    if (failures == before) print("PASS exceptions\n");
}
