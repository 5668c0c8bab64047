/* Entry, interrupt vectors, and the instructions that C cannot say. A vCPU enters big-endian, 64-bit, translation off. */
#include "cpu.h"

    .machine power8

/* A word of code that runs while the processor is big-endian. */
#ifdef __LITTLE_ENDIAN__
#define BE(x) .long (((x) & 0xff) << 24) | (((x) & 0xff00) << 8) | (((x) >> 8) & 0xff00) | (((x) >> 24) & 0xff)
/* From big-endian to little-endian by rfid; clobbers r10, r11, LR. */
#define TO_NATIVE                                                        \
    BE(0x429f0005); /* bcl 20,31,.+4 */                                  \
    BE(0x7d4802a6); /* mflr 10 */                                        \
    BE(0x394a001c); /* addi 10,10,28: what follows the macro */          \
    BE(0x7d5a03a6); /* mtsrr0 10 */                                      \
    BE(0x7d6000a6); /* mfmsr 11 */                                       \
    BE(0x616b0001); /* ori 11,11,1: LE */                                \
    BE(0x7d7b03a6); /* mtsrr1 11 */                                      \
    BE(0x4c000024)  /* rfid */
#else
#define BE(x) .long x
#define TO_NATIVE
#endif

#define LOAD_ADDRESS(reg, symbol) lis reg, symbol@h; ori reg, reg, symbol@l

    .section .text.vectors, "ax"
    .globl _start
_start:
    BE(0x48004000) /* b boot */

    .macro vector at
    .org \at
    mtsprg 1, 3
    li 3, \at
    b interrupt
    .endm
    vector 0x100
    vector 0x200
    vector 0x300
    vector 0x380
    vector 0x400
    vector 0x480
    vector 0x500
    vector 0x600
    vector 0x700
    vector 0x800
    vector 0x900
    vector 0xa00
    vector 0xc00
    vector 0xd00
    vector 0xf00
    vector 0xf20
    vector 0xf40
    vector 0xf60

    .org 0x2000
/* Records the interrupt and returns from attempt() with its vector. */
interrupt:
    mtsprg 2, 4
    mfsprg 4, 0
    std 3, CPU_VECTOR(4)
    mfsprg 3, 1
    std 3, CPU_R3(4)
    mfsprg 3, 2
    std 3, CPU_R4(4)
    mfsrr0 3
    std 3, CPU_SRR0(4)
    mfsrr1 3
    std 3, CPU_SRR1(4)
    mfdar 3
    std 3, CPU_DAR(4)
    mfdsisr 3
    std 3, CPU_DSISR(4)
    mr 13, 4
    ld 3, CPU_ARMED(13)
    cmpdi 3, 0
    bne 1f
    LOAD_ADDRESS(3, unexpected)
    mtctr 3
    LOAD_ADDRESS(2, .TOC.)
    bctr
1:  ld 3, CPU_VECTOR(4)
leave_attempt:
    li 0, 0
    std 0, CPU_ARMED(13)
    ld 1, CPU_SAVED(13)
    ld 2, CPU_SAVED + 8(13)
    ld 0, CPU_SAVED + 16(13)
    mtlr 0
    ld 0, CPU_SAVED + 24(13)
    mtcr 0
    ld 0, CPU_SAVED + 32(13)
    mtmsrd 0
    isync
    .set n, 14
    .rept 18
    ld n, CPU_SAVED + 40 + 8*(n - 14)(13)
    .set n, n + 1
    .endr
    blr

    .org 0x4000
/* r3 = device tree, r5 = 0 (or another firmware's entry). Moves the image to 0 and goes on there. */
boot:
    TO_NATIVE
    bcl 20, 31, 1f
1:  mflr 6
    LOAD_ADDRESS(7, 1b)
    sub 6, 6, 7 /* where we are; link address 0 */
    li 7, 0
    LOAD_ADDRESS(8, image_end)
2:  ldx 9, 6, 7
    std 9, 0(7)
    addi 7, 7, 8
    cmpld 7, 8
    blt 2b
    li 9, 0
    LOAD_ADDRESS(8, bss_end)
3:  std 9, 0(7)
    addi 7, 7, 8
    cmpld 7, 8
    blt 3b
    li 7, 0
    LOAD_ADDRESS(8, image_end)
4:  dcbst 0, 7
    sync
    icbi 0, 7
    addi 7, 7, 128
    cmpld 7, 8
    blt 4b
    sync
    isync
    LOAD_ADDRESS(9, main)
    mtctr 9
    mr 4, 5
    li 6, 0
    b enter_c

    .globl secondary_entry
/* r3 = index of this CPU. */
secondary_entry:
    TO_NATIVE
    LOAD_ADDRESS(9, secondary)
    mtctr 9
    mr 6, 3
    b enter_c

    .globl restart_entry
/* r3 = a struct life (restart.c). */
restart_entry:
    BE(0x7c6019ad) /* stdcx. 3, 0, 3 */
    BE(0x7d800026) /* mfcr 12 */
    BE(0x7d2000a6) /* mfmsr 9 */
    TO_NATIVE
    LOAD_ADDRESS(10, restarted)
    mtctr 10
    ld 6, 8(3)
    mr 4, 12
    mr 5, 9
/* r6 = index, CTR = C function, r3, r4 = arguments. */
enter_c:
    LOAD_ADDRESS(13, cpus)
    LOAD_ADDRESS(7, CPU_BYTES)
    mulld 6, 6, 7
    add 13, 13, 6
    mtsprg 0, 13
    add 1, 13, 7
    addi 1, 1, -128
    li 0, 0
    std 0, 0(1)
    LOAD_ADDRESS(2, .TOC.)
    /* 64-bit mode, no facility on, whatever the firmware left. */
    mfmsr 7
    li 8, 1
    rldicr 8, 8, 63, 0
    or 7, 7, 8
    LOAD_ADDRESS(8, (MSR_FP | MSR_VEC | MSR_VSX))
    andc 7, 7, 8
    mtmsrd 7
    isync
    bctrl
5:  b 5b

    .text
#define FUNCTION(name) .globl name; .type name, @function; name

FUNCTION(attempt):
    std 1, CPU_SAVED(13)
    std 2, CPU_SAVED + 8(13)
    mflr 0
    std 0, CPU_SAVED + 16(13)
    mfcr 0
    std 0, CPU_SAVED + 24(13)
    mfmsr 0
    std 0, CPU_SAVED + 32(13)
    li 0, 1
    std 0, CPU_ARMED(13)
    .set n, 14
    .rept 18
    std n, CPU_SAVED + 40 + 8*(n - 14)(13)
    .set n, n + 1
    .endr
    stdu 1, -112(1)
    mr 12, 3
    mtctr 3
    mr 3, 4
    mr 4, 5
    bctrl
    li 3, 0
    b leave_attempt

FUNCTION(hcall):
    std 8, -8(1)
    sc 1
    ld 8, -8(1)
    cmpdi 8, 0
    beqlr
    std 4, 0(8)
    std 5, 8(8)
    std 6, 16(8)
    std 7, 24(8)
    blr

/* call_rtas(args, base, entry): RTAS is big-endian. */
FUNCTION(call_rtas):
    mflr 0
    std 0, 16(1)
    mtsrr0 5
    mfmsr 6
    li 7, MSR_LE
    andc 6, 6, 7
    mtsrr1 6
    LOAD_ADDRESS(7, rtas_return)
    mtlr 7
    rfid
rtas_return:
    TO_NATIVE
    ld 0, 16(1)
    mtlr 0
    blr

FUNCTION(translated_load):
    mfmsr 5
    ori 6, 5, MSR_DR
    mtmsrd 6
    isync
    ld 3, 0(3)
    mtmsrd 5
    isync
    blr

FUNCTION(translated_store):
    mfmsr 5
    ori 6, 5, MSR_DR
    mtmsrd 6
    isync
    std 4, 0(3)
    mtmsrd 5
    isync
    blr

/* r5 loads from r3 with translation on, or until one gives r4; the last value. */
FUNCTION(translated_loads):
    mtctr 5
    mfmsr 5
    ori 6, 5, MSR_DR
    mtmsrd 6
    isync
7:  ld 7, 0(3)
    cmpd 7, 4
    bdnzf 2, 7b
    mtmsrd 5
    isync
    mr 3, 7
    blr

/* r5 stores to r3 with translation on: r4, r4 + 1 ... */
FUNCTION(translated_stores):
    mtctr 5
    mfmsr 5
    ori 6, 5, MSR_DR
    mtmsrd 6
    isync
8:  std 4, 0(3)
    addi 4, 4, 1
    bdnz 8b
    mtmsrd 5
    isync
    blr

FUNCTION(jump):
    mtsrr0 3
    mfmsr 5
    or 5, 5, 4
    mtsrr1 5
    rfid

FUNCTION(illegal_instruction):
    .globl illegal_at
illegal_at:
    .long 0
    blr
FUNCTION(trap_instruction):
    .globl trap_at
trap_at:
    trap
    blr
FUNCTION(system_call):
    sc
    .globl after_system_call
after_system_call:
    blr
FUNCTION(use_fp):
    .globl fp_at
fp_at:
    fadd 1, 1, 1
    blr
FUNCTION(use_vec):
    .globl vec_at
vec_at:
    vaddubm 1, 1, 1
    blr
FUNCTION(use_vsx):
    mfmsr 5
    lis 6, (MSR_VEC) >> 16
    ori 6, 6, MSR_FP
    or 5, 5, 6
    mtmsrd 5
    isync
    .globl vsx_at
vsx_at:
    xxlor 1, 1, 1
    blr
FUNCTION(load_reserve_at):
    lwarx 3, 0, 3
    blr
/* Waits with interrupts on; r3 = time base ticks at most. */
FUNCTION(wait_enabled):
    mfmsr 5
    ori 5, 5, MSR_EE
    mftb 6
    add 6, 6, 3
    mtmsrd 5, 1
6:  mftb 7
    cmpld 7, 6
    blt 6b
    xori 5, 5, MSR_EE
    mtmsrd 5, 1
    blr

/* Run in problem state. */
    .globl read_msr, problem_syscall, after_problem_syscall
read_msr:
    mfmsr 3
problem_syscall:
    sc
after_problem_syscall:
    trap
