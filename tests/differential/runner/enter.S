/* Into the code under test with a given state, and back. Everything but r1 is the test's. */
#include "protocol.h"

#define SAVED(n) (DIFF_OFF_SAVED + 8 * (n))

    .machine power8
    .section .text.first, "ax"
/* The code under test ends with a branch here; r1 still points to DiffState. */
done:
    std 0, 0(1)
    .set n, 2
    .rept 30
    std n, 8*n(1)
    .set n, n + 1
    .endr
    mfcr 3
    std 3, DIFF_OFF_CR(1)
    mfxer 3
    std 3, DIFF_OFF_XER(1)
    mflr 3
    std 3, DIFF_OFF_LR(1)
    mfctr 3
    std 3, DIFF_OFF_CTR(1)
    mfspr 3, 256
    std 3, DIFF_OFF_VRSAVE(1)
    .set n, 0
    .rept 64
    li 3, DIFF_OFF_VSR + 16*n
    stxvd2x n, 1, 3
    .set n, n + 1
    .endr
    mffs 0
    stfd 0, DIFF_OFF_FPSCR(1)
    mfvscr 0
    li 3, DIFF_OFF_VSCR
    stxvd2x 32, 1, 3
    std 1, 8(1)
/* Back to the runner, also out of its signal handler: r3 = DiffState. */
    mr 3, 1
    .globl leave
leave:
    ld 1, SAVED(0)(3)
    ld 2, SAVED(1)(3)
    ld 0, SAVED(2)(3)
    mtlr 0
    ld 0, SAVED(3)(3)
    mtcr 0
    .set n, 13
    .rept 19
    ld n, SAVED(n)(3)
    .set n, n + 1
    .endr
    blr

/* void enter(struct DiffState*) */
    .globl enter
    .type enter, @function
enter:
    std 1, SAVED(0)(3)
    std 2, SAVED(1)(3)
    mflr 0
    std 0, SAVED(2)(3)
    mfcr 0
    std 0, SAVED(3)(3)
    .set n, 13
    .rept 19
    std n, SAVED(n)(3)
    .set n, n + 1
    .endr
    mr 1, 3
    /* No reservation from the last test. */
    li 4, SAVED(4)
    stdcx. 4, 1, 4
    lfd 0, DIFF_OFF_FPSCR(1)
    mtfsf 255, 0, 1, 0
    li 3, DIFF_OFF_VSCR
    lxvd2x 32, 1, 3
    mtvscr 0
    .set n, 0
    .rept 64
    li 3, DIFF_OFF_VSR + 16*n
    lxvd2x n, 1, 3
    .set n, n + 1
    .endr
    ld 3, DIFF_OFF_VRSAVE(1)
    mtspr 256, 3
    ld 3, DIFF_OFF_CTR(1)
    mtctr 3
    ld 3, DIFF_OFF_LR(1)
    mtlr 3
    ld 3, DIFF_OFF_XER(1)
    mtxer 3
    ld 3, DIFF_OFF_CR(1)
    mtcr 3
    ld 0, 0(1)
    .set n, 2
    .rept 30
    ld n, 8*n(1)
    .set n, n + 1
    .endr
    b done + (DIFF_CODE - DIFF_DONE)

    .globl _start
_start:
    lis 2, .TOC.@ha
    addi 2, 2, .TOC.@l
    stdu 1, -128(1)
    bl serve
    nop
    trap
