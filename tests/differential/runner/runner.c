/* Runs inside qemu-user: takes tests from standard input, runs each, and writes the state it leaves to standard output.
 * Freestanding, integer registers only: FP and vector registers belong to the tests. */
#include "protocol.h"

enum { kRead = 3, kWrite = 4, kExit = 1, kSigaction = 173, kSigaltstack = 185 };
enum { kSigill = 4, kSigtrap = 5, kSigbus = 7, kSigfpe = 8, kSigsegv = 11 };
enum { kOnStack = 0x08000000, kSiginfo = 4, kNoDefer = 0x40000000 };

static struct DiffState* const state = (struct DiffState*)DIFF_STATE;
static char* const scratch = (char*)DIFF_SCRATCH;
static unsigned* const code = (unsigned*)DIFF_CODE;
static char signal_stack[65536] __attribute__((aligned(16)));
static unsigned incoming[DIFF_CODE_WORDS];

void enter(struct DiffState*);
void leave(struct DiffState*);

static long syscall3(long number, long a, long b, long c) {
    register long r0 __asm__("0") = number;
    register long r3 __asm__("3") = a;
    register long r4 __asm__("4") = b;
    register long r5 __asm__("5") = c;
    register long r6 __asm__("6") = 8; /* size of the signal set, for rt_sigaction */
    __asm__ volatile("sc\n\tbns+ 1f\n\tneg 3, 3\n1:"
                     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6)
                     :
                     : "7", "8", "9", "10", "11", "12", "ctr", "cr0", "memory");
    return r3;
}

static void transfer(long number, void* at, unsigned long bytes) {
    char* p = at;
    while (bytes != 0) {
        const long n = syscall3(number, number == kRead ? 0 : 1, (long)p, (long)bytes);
        if (n <= 0) syscall3(kExit, n == 0 ? 0 : 3, 0, 0);
        p += n;
        bytes -= (unsigned long)n;
    }
}

/* The kernel's ucontext of 64-bit Power: 168 bytes, then sigcontext, whose pt_regs begin 64 bytes in. */
static void on_signal(int number, void* info, const char* context) {
    const unsigned long* regs = (const unsigned long*)(context + 168 + 64);
    (void)info;
    for (int i = 0; i < 32; ++i) state->gpr[i] = regs[i];
    state->fault_nip = regs[32];
    state->signal = (unsigned long)number;
    leave(state);
}

static void catch_signals(void) {
    struct { void* base; int flags; unsigned long size; } stack = {signal_stack, 0, sizeof signal_stack};
    struct { void* handler; unsigned long flags; void* restorer; unsigned long mask; } action = {
        (void*)on_signal, kOnStack | kSiginfo | kNoDefer, 0, 0};
    static const int signals[] = {kSigill, kSigtrap, kSigbus, kSigfpe, kSigsegv};
    syscall3(kSigaltstack, (long)&stack, 0, 0);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; ++i) {
        syscall3(kSigaction, signals[i], (long)&action, 0);
    }
}

void serve(void) {
    catch_signals();
    for (;;) {
        unsigned long words;
        transfer(kRead, state, sizeof *state);
        transfer(kRead, scratch, DIFF_SCRATCH_BYTES);
        transfer(kRead, &words, sizeof words);
        transfer(kRead, incoming, 4 * words);
        for (unsigned long i = 0; i < words; ++i) code[i] = incoming[i];
        for (unsigned long i = 0; i < words; i += 8) __asm__ volatile("dcbst 0,%0; sync; icbi 0,%0" ::"r"(code + i) : "memory");
        __asm__ volatile("sync; isync" ::: "memory");
        enter(state);
        transfer(kWrite, state, sizeof *state);
        transfer(kWrite, scratch, DIFF_SCRATCH_BYTES);
    }
}
