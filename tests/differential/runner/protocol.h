/* What the host and the runner inside qemu-user say to each other over a pipe. Plain C; every number has the guest's
 * byte order.
 *
 * Request:  DiffState, scratch, u64 n, n code words.   Answer: DiffState, scratch.
 */
#ifndef MPOWER_TESTS_DIFFERENTIAL_PROTOCOL_H
#define MPOWER_TESTS_DIFFERENTIAL_PROTOCOL_H

/* The runner's memory, fixed so that both sides run at the same addresses (runner.lds). */
#define DIFF_DONE 0x1000000   /* Code jumps here when it is through. */
#define DIFF_STATE 0x1100000  /* DiffState; r1 points here throughout. */
#define DIFF_CENTRE 0x1111000 /* Middle of the scratch storage, a 4K page boundary; r2. */
#define DIFF_CODE 0x1120000
#define DIFF_CODE_WORDS 2048

#define DIFF_SCRATCH_BYTES 4608 /* 36 cache lines around DIFF_CENTRE. */
#define DIFF_SCRATCH (DIFF_CENTRE - DIFF_SCRATCH_BYTES / 2)

/* Offsets for the assembler. */
#define DIFF_OFF_CR 256
#define DIFF_OFF_XER 264
#define DIFF_OFF_LR 272
#define DIFF_OFF_CTR 280
#define DIFF_OFF_FPSCR 288
#define DIFF_OFF_VRSAVE 296
#define DIFF_OFF_VSCR 304
#define DIFF_OFF_SIGNAL 320
#define DIFF_OFF_VSR 336
#define DIFF_OFF_SAVED 1360 /* Behind DiffState: the runner's own registers. */

#ifndef __ASSEMBLER__
struct DiffState {
    unsigned long gpr[32];
    unsigned long cr, xer, lr, ctr, fpscr, vrsave;
    unsigned long vscr[2];           /* A quadword; VSCR is its last word. */
    unsigned long signal, fault_nip; /* 0, or the signal that ended the code, and where. */
    unsigned long vsr[64][2];        /* Doublewords 0 and 1. */
};
#ifdef __cplusplus
static_assert(sizeof(DiffState) == DIFF_OFF_SAVED);
#else
_Static_assert(sizeof(struct DiffState) == DIFF_OFF_SAVED, "offsets");
#endif
#endif
#endif
