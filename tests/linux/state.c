// state SECONDS: FP, VMX, VSX and DFP state of ppc64el Linux programs survives context switches, migrations and
// signals. 2 processes of 8 threads load all registers with random values, in random rounding modes, or calculate what
// is known, while a timer interrupts each thread a thousand times a second; the handler does the same in modes of its
// own, and leaves its state behind. 3 processes of 2 threads use FP, VMX or VSX only. Exit status 1: something was
// lost.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { kProcesses = 2, kThreads = 8, kOnlyThreads = 2, kNumbers = 64 };

struct Shared {
    atomic_ulong rounds, facilities, signals, migrations, changed, lost;
};
static struct Shared* shared;

static void lost(const char* what, unsigned long got, unsigned long wanted) {
    if (atomic_fetch_add(&shared->lost, 1) < 10) {
        char line[120];
        const int n = snprintf(line, sizeof line, "LOST %s: %#lx, not %#lx\n", what, got, wanted);
        if (write(1, line, (size_t)n) != n) abort();
    }
}
static void compare(const char* what, uint64_t got, uint64_t wanted) {
    if (got != wanted) lost(what, got, wanted);
}
static void compare_vectors(const char* what, unsigned __int128 got, unsigned __int128 wanted) {
    compare(what, (uint64_t)got, (uint64_t)wanted);
    compare(what, (uint64_t)(got >> 64), (uint64_t)(wanted >> 64));
}

/* --- all registers */
struct State {
    unsigned __int128 vsr[64];
    unsigned __int128 vscr; /* The last word of the register, so the first in storage. */
    uint64_t fpscr;
} __attribute__((aligned(16)));

#define LOW_REGISTERS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define ALL_REGISTERS \
    LOW_REGISTERS ",32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63"
#define FPR_CLOBBERS                                                                                              \
    "fr0", "fr1", "fr2", "fr3", "fr4", "fr5", "fr6", "fr7", "fr8", "fr9", "fr10", "fr11", "fr12", "fr13", "fr14", \
        "fr15", "fr16", "fr17", "fr18", "fr19", "fr20", "fr21", "fr22", "fr23", "fr24", "fr25", "fr26", "fr27",   \
        "fr28", "fr29", "fr30", "fr31"
#define VR_CLOBBERS                                                                                              \
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", \
        "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"

/* Loads the state, counts down, and stores it. */
static void __attribute__((noinline)) hold(const struct State* in, struct State* out, unsigned long count) {
    const void* from = in;
    void* to = out;
    __asm__ volatile(
        "lfd 0,%c[fpscr](%[from])\n mtfsf 0xff,0,1,0\n"
        "li 0,%c[vscr]\n lvx 0,%[from],0\n mtvscr 0\n"
        ".irp n," ALL_REGISTERS
        "\n lxvd2x \\n,0,%[from]\n addi %[from],%[from],16\n .endr\n"
        "mtctr %[count]\n 1: bdnz 1b\n"
        ".irp n," ALL_REGISTERS
        "\n stxvd2x \\n,0,%[to]\n addi %[to],%[to],16\n .endr\n"
        "mffs 0\n stfd 0,%c[fpscr]-1024(%[to])\n"
        "mfvscr 0\n stvx 0,0,%[to]\n"
        : [from] "+b"(from), [to] "+b"(to)
        : [count] "r"(count), [fpscr] "i"(offsetof(struct State, fpscr)), [vscr] "i"(offsetof(struct State, vscr))
        : "0", "ctr", "memory", FPR_CLOBBERS, VR_CLOBBERS);
}

static uint64_t random_bits(uint64_t* seed) { /* splitmix64 */
    uint64_t x = *seed += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* DRN, RN, sticky bits, FPRF; VX sums up the VX* bits, FX is set, nothing is enabled. */
static uint64_t random_fpscr(uint64_t* seed) {
    uint64_t f = random_bits(seed) & 0x700000003;
    if (random_bits(seed) & 1) f |= 0x80000000 | (random_bits(seed) & 0x1ffff700);
    if (f & 0x01f80700) f |= 0x20000000;
    return f;
}
static uint32_t random_vscr(uint64_t* seed) { return random_bits(seed) & 0x10001; }

static void check_registers(uint64_t* seed, unsigned long count) {
    struct State in, out;
    for (int n = 0; n < 64; ++n) in.vsr[n] = (unsigned __int128)random_bits(seed) << 64 | random_bits(seed);
    in.vscr = random_vscr(seed);
    in.fpscr = random_fpscr(seed);
    hold(&in, &out, count);
    for (int n = 0; n < 64; ++n) { compare_vectors("register", out.vsr[n], in.vsr[n]); }
    compare("FPSCR", out.fpscr, in.fpscr);
    compare_vectors("VSCR", out.vscr, in.vscr);
}

/* --- registers of one facility. Linux gives a program a facility when it uses it, and after 255 switches waits for
 * that again. Where a program uses nothing else, other programs' registers are in the rest. */
enum { kFp, kVmx, kVsx, kFacilities };

/* Counts down, or yields the processor: Linux keeps these registers in system calls. */
#define PASS_TIME                                                                   \
    "cmpdi %[yields],0\n bne 2f\n mtctr %[count]\n 1: bdnz 1b\n b 3f\n"             \
    "2: li 0,158\n sc\n addi %[yields],%[yields],-1\n cmpdi %[yields],0\n bne 2b\n" \
    "3:\n"
#define PASS_TIME_CLOBBERS "0", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "ctr", "xer", "cr0", "memory"

static void __attribute__((noinline)) hold_fp(const struct State* in, struct State* out, long count, long yields) {
    __asm__ volatile(
        "lfd 0,%c[fpscr](%[from])\n mtfsf 0xff,0,1,0\n"
        ".irp n," LOW_REGISTERS "\n lfd \\n,16*\\n(%[from])\n .endr\n" PASS_TIME ".irp n," LOW_REGISTERS
        "\n stfd \\n,16*\\n(%[to])\n .endr\n"
        "mffs 0\n stfd 0,%c[fpscr](%[to])\n"
        : [yields] "+r"(yields)
        : [from] "b"(in), [to] "b"(out), [count] "r"(count), [fpscr] "i"(offsetof(struct State, fpscr))
        : PASS_TIME_CLOBBERS, FPR_CLOBBERS);
}
static void __attribute__((noinline)) hold_vmx(const struct State* in, struct State* out, long count, long yields) {
    __asm__ volatile(
        "li 0,%c[vscr]\n lvx 0,%[from],0\n mtvscr 0\n"
        ".irp n," LOW_REGISTERS "\n li 0,512+16*\\n\n lvx \\n,%[from],0\n .endr\n" PASS_TIME ".irp n," LOW_REGISTERS
        "\n li 0,512+16*\\n\n stvx \\n,%[to],0\n .endr\n"
        "li 0,%c[vscr]\n mfvscr 0\n stvx 0,%[to],0\n"
        : [yields] "+r"(yields)
        : [from] "b"(in), [to] "b"(out), [count] "r"(count), [vscr] "i"(offsetof(struct State, vscr))
        : PASS_TIME_CLOBBERS, VR_CLOBBERS);
}
/* Registers that a function need not save, which it would do by instructions of the other facilities. */
#define VOLATILE_VSRS "0,1,2,3,4,5,6,7,8,9,10,11,12,13,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51"
static void __attribute__((noinline)) hold_vsx(const struct State* in, struct State* out, long count, long yields) {
    __asm__ volatile(".irp n," VOLATILE_VSRS "\n li 0,16*\\n\n lxvd2x \\n,%[from],0\n .endr\n" PASS_TIME
                     ".irp n," VOLATILE_VSRS "\n li 0,16*\\n\n stxvd2x \\n,%[to],0\n .endr\n"
                     : [yields] "+r"(yields)
                     : [from] "b"(in), [to] "b"(out), [count] "r"(count)
                     : PASS_TIME_CLOBBERS, "fr0", "fr1", "fr2", "fr3", "fr4", "fr5", "fr6", "fr7", "fr8", "fr9", "fr10",
                       "fr11", "fr12", "fr13", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
                       "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19");
}

static void check_facility(int facility, uint64_t* seed, long count, long yields) {
    struct State in, out;
    for (int n = 0; n < 64; ++n) in.vsr[n] = (unsigned __int128)random_bits(seed) << 64 | random_bits(seed);
    in.vscr = random_vscr(seed);
    in.fpscr = random_fpscr(seed);
    if (facility == kFp) {
        hold_fp(&in, &out, count, yields);
        for (int n = 0; n < 32; ++n) compare("FPR", (uint64_t)out.vsr[n], (uint64_t)in.vsr[n]);
        compare("FPSCR beside FPRs", out.fpscr, in.fpscr);
    } else if (facility == kVmx) {
        hold_vmx(&in, &out, count, yields);
        for (int n = 32; n < 64; ++n) { compare_vectors("VR", out.vsr[n], in.vsr[n]); }
        compare_vectors("VSCR beside VRs", out.vscr, in.vscr);
    } else {
        hold_vsx(&in, &out, count, yields);
        for (int n = 0; n < 52; ++n) {
            if (n >= 14 && n < 32) continue;
            compare_vectors("VSR", out.vsr[n], in.vsr[n]);
        }
    }
}

/* --- calculations, whose result and FPSCR or VSCR depend on the modes only */
static void set_modes(uint64_t fpscr, uint32_t vscr) {
    const uint32_t words[4] __attribute__((aligned(16))) = {vscr, 0, 0, 0};
    __asm__ volatile("mtfsf 0xff,%0,1,0\n lvx 0,0,%1\n mtvscr 0"
                     :
                     : "d"(fpscr), "b"(words), "m"(words)
                     : "v0", "memory");
}
static uint64_t get_fpscr(void) {
    uint64_t f;
    __asm__ volatile("mffs %0" : "=d"(f) : : "memory");
    return f;
}
static uint32_t get_vscr(void) {
    uint32_t words[4] __attribute__((aligned(16)));
    __asm__ volatile("mfvscr 0\n stvx 0,0,%1" : "=m"(words) : "b"(words) : "v0", "memory");
    return words[0];
}

/* What a calculation leaves: its value's bits, FPSCR, VSCR. */
struct Outcome {
    uint64_t value, fpscr, vscr;
};
static double doubles[kNumbers];
static float singles[kNumbers] __attribute__((aligned(16)));
static _Decimal64 decimals[kNumbers];
static int32_t integers[kNumbers] __attribute__((aligned(16)));

static uint64_t __attribute__((noinline)) binary(int length) {
    double sum = 0, product = 1;
    for (int n = 0; n < length; ++n) {
        const double x = doubles[n % kNumbers];
        sum += x / 3;
        product = product * x + 0.1;
        if (product > 1e100) product = 1;
    }
    const double result = sum + product;
    uint64_t bits;
    memcpy(&bits, &result, sizeof bits);
    return bits;
}
static uint64_t __attribute__((noinline)) decimal(int length) {
    _Decimal64 sum = 0, product = 1;
    for (int n = 0; n < length; ++n) {
        const _Decimal64 x = decimals[n % kNumbers];
        sum += x / 3;
        product *= x;
        if (product > 1e100DD) product = 1;
    }
    const _Decimal64 result = sum + product;
    uint64_t bits;
    memcpy(&bits, &result, sizeof bits);
    return bits;
}
/* Saturates, and adds denormals, which VSCR[NJ] is about. */
static uint64_t __attribute__((noinline)) vectors(int length) {
    const void *f = singles, *i = integers;
    uint64_t result[4] __attribute__((aligned(16)));
    __asm__ volatile(
        "vxor 2,2,2\n vxor 3,3,3\n mtctr %[length]\n li 0,0\n"
        "1: lvx 4,%[f],0\n lvx 5,%[i],0\n vaddfp 2,2,4\n vaddsws 3,3,5\n vmaddfp 2,2,4,4\n vperm 3,3,2,5\n"
        "addi 0,0,16\n andi. 0,0,240\n bdnz 1b\n stvx 2,0,%[to]\n li 0,16\n stvx 3,%[to],0"
        : "=m"(result)
        : [f] "b"(f), [i] "b"(i), [to] "b"(result), [length] "r"((long)length)
        : "0", "ctr", "cr0", "v2", "v3", "v4", "v5", "memory");
    return result[0] ^ result[1] * 3 ^ result[2] * 5 ^ result[3] * 7;
}

enum { kKinds = 3, kModes = 16, kShort = 64, kLongest = 20000 };
static struct Outcome expected[2][kKinds][kModes];

/* What a sum or a comparison leaves in FPSCR does not come back when FPSCR is set, and FPCC of a comparison stays. */
static void check_status(uint64_t* seed, long count) {
    const double x = doubles[random_bits(seed) % kNumbers], y = doubles[random_bits(seed) % kNumbers];
    const uint64_t modes = random_fpscr(seed);
    uint64_t got, compared;
    __asm__ volatile(
        "fcmpu 0,%[y],%[x]\n fadd 0,%[x],%[y]\n mtfsf 0xff,%[modes],1,0\n mtctr %[count]\n 1: bdnz 1b\n mffs %[got]"
        : [got] "=&d"(got)
        : [x] "d"(x), [y] "d"(y), [modes] "d"(modes), [count] "r"(count)
        : "fr0", "ctr", "cr0", "memory");
    __asm__ volatile(
        "fadd 0,%[x],%[y]\n mtfsf 0xff,%[modes],1,0\n fcmpu 0,%[x],%[y]\n mtctr %[count]\n 1: bdnz 1b\n mffs %[got]"
        : [got] "=&d"(compared)
        : [x] "d"(x), [y] "d"(y), [modes] "d"(modes), [count] "r"(count)
        : "fr0", "ctr", "cr0", "memory");
    compare("FPSCR set after a sum", got, modes);
    compare("FPSCR of a comparison", compared, (modes & ~0xf000ul) | (x < y ? 0x8000 : x > y ? 0x4000 : 0x2000));
}

/* A while in which a result's FPSCR is not asked for. */
static void idle(long count) { __asm__ volatile("mtctr %0\n 1: bdnz 1b" : : "r"(count) : "ctr", "memory"); }

static struct Outcome calculate(int kind, int mode, int length) {
    struct Outcome o;
    set_modes((uint64_t)(mode & 7) << 32 | (mode & 3), mode & 8 ? 0x10000 : 0);
    o.value = kind == 0 ? binary(length) : kind == 1 ? decimal(length) : vectors(length);
    idle(length * 20);
    o.fpscr = get_fpscr();
    o.vscr = get_vscr();
    return o;
}
static void check_calculation(int kind, int mode, int is_long) {
    const struct Outcome o = calculate(kind, mode, is_long ? kLongest : kShort), *e = &expected[is_long][kind][mode];
    compare("value", o.value, e->value);
    compare("FPSCR of a calculation", o.fpscr, e->fpscr);
    compare("VSCR of a calculation", o.vscr, e->vscr);
}

/* --- signals */
static _Thread_local uint64_t handler_seed;

/* Leaves whatever it made of the registers: the kernel has to bring back the program's. */
static void on_timer(int number) {
    (void)number;
    const uint64_t fpscr = get_fpscr();
    if (fpscr & 0x7000000ff)
        lost("FPSCR of a handler", fpscr, 0); /* Linux starts it with no mode and nothing enabled. */
    const uint64_t r = random_bits(&handler_seed);
    if (r & 1)
        check_registers(&handler_seed, 100);
    else
        check_calculation((int)((r >> 8) % kKinds), (int)((r >> 16) % kModes), 0);
    set_modes(random_fpscr(&handler_seed), random_vscr(&handler_seed));
    atomic_fetch_add(&shared->signals, 1);
}

/* Changes FPSCR and VSCR of the program that it interrupted. */
static _Thread_local uint64_t wanted_fpscr;
static _Thread_local uint32_t wanted_vscr;
static void on_change(int number, siginfo_t* info, void* context) {
    (void)number, (void)info;
    ucontext_t* const c = context;
    memcpy(&c->uc_mcontext.fp_regs[32], &wanted_fpscr, sizeof wanted_fpscr);
    c->uc_mcontext.v_regs->vscr.vscr_word = wanted_vscr;
    set_modes(0, 0);
}
static void check_change(uint64_t* seed) {
    wanted_fpscr = random_fpscr(seed);
    wanted_vscr = random_vscr(seed);
    set_modes(random_fpscr(seed), random_vscr(seed));
    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
    const uint64_t fpscr = get_fpscr();
    const uint32_t vscr = get_vscr();
    compare("FPSCR that a handler set", fpscr, wanted_fpscr);
    compare("VSCR that a handler set", vscr, wanted_vscr);
    atomic_fetch_add(&shared->changed, 1);
}

static time_t end;
static int only; /* Of a process: its facility. */

static void migrate(uint64_t r) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(r % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &one);
    if (sched_setaffinity(0, sizeof one, &one) == 0) atomic_fetch_add(&shared->migrations, 1);
}

/* No timer: nothing but the facility is used from switch to switch. */
static void* work_with_one(void* argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    while (time(NULL) < end) {
        const uint64_t r = random_bits(&seed);
        check_facility(only, &seed, 1 + (long)((r >> 8) % 100000), (long)(r % 2 ? 1 + (r >> 1) % 16 : 0));
        if ((r >> 24) % 64 == 0) migrate(r >> 32);
        atomic_fetch_add(&shared->facilities, 1);
    }
    return NULL;
}

static void* work(void* argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    handler_seed = ~seed;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    event._sigev_un._tid = gettid();
    timer_t timer;
    const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &often, NULL) != 0) abort();
    while (time(NULL) < end) {
        const uint64_t r = random_bits(&seed);
        switch (r % 5) {
            case 0: check_registers(&seed, 1 + (r >> 8) % 100000); break;
            case 1: check_change(&seed); break;
            case 2: check_status(&seed, 1 + (long)((r >> 8) % 1000000)); break;
            default: check_calculation((int)((r >> 8) % kKinds), (int)((r >> 16) % kModes), 1); break;
        }
        if ((r >> 24) % 8 == 0) migrate(r >> 32);
        atomic_fetch_add(&shared->rounds, 1);
    }
    timer_delete(timer);
    return NULL;
}

int main(int argc, char** argv) {
    if (argc != 2) return fprintf(stderr, "usage: state SECONDS\n"), 2;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return perror("state"), 2;
    uint64_t seed = (uint64_t)time(NULL);
    for (int n = 0; n < kNumbers; ++n) {
        doubles[n] = (double)(random_bits(&seed) >> 40) / 4096;
        decimals[n] = (_Decimal64)(long)(random_bits(&seed) >> 20) / 1000;
        singles[n] = n % 3 ? 1e-41f : -1.5e-38f;
        integers[n] = (int32_t)random_bits(&seed);
    }
    for (int kind = 0; kind < kKinds; ++kind) {
        for (int mode = 0; mode < kModes; ++mode) {
            expected[0][kind][mode] = calculate(kind, mode, kShort);
            expected[1][kind][mode] = calculate(kind, mode, kLongest);
        }
    }
    set_modes(0, 0);
    const struct sigaction timer = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    struct sigaction change = {.sa_sigaction = on_change, .sa_flags = SA_SIGINFO};
    sigaddset(&change.sa_mask, SIGALRM);
    sigaction(SIGALRM, &timer, NULL);
    sigaction(SIGUSR1, &change, NULL);
    end = time(NULL) + atol(argv[1]);
    for (int p = 0; p < kProcesses + kFacilities; ++p) {
        const pid_t child = fork();
        if (child != 0) continue;
        const int all = p < kProcesses, count = all ? kThreads : kOnlyThreads;
        only = p - kProcesses;
        pthread_t threads[kThreads];
        for (int t = 0; t < count; ++t) {
            void* const argument = (void*)(seed + (uintptr_t)(p * 1000 + t));
            if (pthread_create(&threads[t], NULL, all ? work : work_with_one, argument) != 0) abort();
        }
        for (int t = 0; t < count; ++t) pthread_join(threads[t], NULL);
        _exit(0);
    }
    int status, bad = 0;
    while (wait(&status) > 0) bad |= status;
    printf("%lu rounds, %lu of one facility, %lu timer signals, %lu changes by handlers, %lu migrations, %lu lost\n",
           shared->rounds, shared->facilities, shared->signals, shared->changed, shared->migrations, shared->lost);
    return bad != 0 || shared->lost != 0 || shared->signals == 0;
}
