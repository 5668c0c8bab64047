/* What start.S and the C code share. */
#ifndef MPOWER_TESTS_GUESTS_CPU_H
#define MPOWER_TESTS_GUESTS_CPU_H

/* Offsets in struct cpu, whose address is in r13 and SPRG0. */
#define CPU_SRR0 0
#define CPU_SRR1 8
#define CPU_DAR 16
#define CPU_DSISR 24
#define CPU_VECTOR 32
#define CPU_R3 40
#define CPU_R4 48
#define CPU_ARMED 56 /* within attempt() */
#define CPU_SAVED 64 /* r1, r2, LR, CR, MSR, then r14-r31 */
#define CPU_STACK 256
#define CPU_BYTES (16384 + CPU_STACK)

#define MAX_CPUS 64

#define MSR_LE 1
#define MSR_DR 0x10
#define MSR_IR 0x20
#define MSR_FP 0x2000
#define MSR_PR 0x4000
#define MSR_EE 0x8000
#define MSR_VSX 0x800000
#define MSR_VEC 0x2000000

#ifndef __ASSEMBLER__
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;

struct cpu {
    u64 srr0, srr1, dar, dsisr, vector, r3, r4, armed;
    u64 saved[(CPU_STACK - CPU_SAVED) / 8];
    u8 stack[CPU_BYTES - CPU_STACK];
} __attribute__((aligned(128)));
_Static_assert(sizeof(struct cpu) == CPU_BYTES, "offsets");
extern struct cpu cpus[MAX_CPUS];

/* --- start.S */
/* Calls function(a, b) and returns 0; if an interrupt comes instead, returns its vector, with cpu->srr0 ... filled. */
u64 attempt(void (*function)(u64, u64), u64 a, u64 b);
/* sc 1 with r3 = number; r4-r7 of the result in out. */
long hcall(u64 number, u64 a, u64 b, u64 c, u64 d, u64* out);
void call_rtas(void* args, u64 base, u64 entry);
void secondary_entry(void);
/* Accesses with MSR[DR] on, everything else in real mode. */
u64 translated_load(u64 ea);
void translated_store(u64 ea, u64 value);
u64 translated_loads(u64 ea, u64 until, u64 count);
void translated_stores(u64 ea, u64 first_value, u64 count);
/* Goes to ea with these MSR bits on; never comes back but by an interrupt. */
void jump(u64 ea, u64 msr_bits);
void illegal_instruction(u64, u64), trap_instruction(u64, u64), system_call(u64, u64), use_fp(u64, u64),
    use_vec(u64, u64), use_vsx(u64, u64), load_reserve_at(u64, u64), wait_enabled(u64, u64);
extern char illegal_at[], trap_at[], after_system_call[], fp_at[], vec_at[], vsx_at[], read_msr[], problem_syscall[],
    after_problem_syscall[];

/* --- console.c */
void print(const char* text);
void print_number(u64 value);
void print_hex(u64 value);
/* Reports a failure unless the values are equal; counts it. */
void expect(const char* what, u64 got, u64 wanted);
extern unsigned failures;
/* An interrupt outside attempt(): reports it and ends the machine. */
void unexpected(void);
void finish(void);

/* --- fdt.c */
struct machine {
    int described; /* 0: nothing known of it (started by other firmware) */
    u32 servers[MAX_CPUS];
    unsigned cpu_count;
    u32 pft_shift; /* log2 of the hash table's bytes */
    u32 vty;
    u32 rtas_base, rtas_entry; /* entry 0: RTAS by hypercall */
    u32 start_cpu, query_cpu_stopped_state, stop_self, power_off, system_reboot, nvram_fetch, nvram_store;
    char bootargs[64];
};
extern struct machine machine;
void read_device_tree(u64 fdt);
/* The first of the results. */
int rtas(u32 token, u32 nargs, const u32* args, u32 nrets);
/* Of one argument and two results; the second. */
int rtas_pair(u32 token, u32 arg, u32* second);

/* --- firmware.c */
/* Asks the firmware that started us; 0: it has no answer. */
int ask_firmware(void);

/* --- main.c */
int chosen(const char* test);

void test_exceptions(void);
void test_mmu(void);
void test_smp(void);
void test_restart(void);
void test_races(void);
void test_pages(void);
void test_code(void);
void test_litmus(void);
void test_aba(void);
void test_reboot(void);
void time_hypercalls(void);

/* --- smp.c */
void start_all(void);
/* Runs function(index) on every vCPU, the caller being 0; false if not all finished within two minutes. */
int on_all(void (*function)(u64 index));
void stop_all(void);
/* Adds n, whole; the sum. */
u32 count_up(volatile u32* at, u32 n);

/* --- mmu.c */
#define H_REMOVE 0x04
#define H_ENTER 0x08
#define H_READ 0x0c
#define H_CLEAR_MOD 0x10
#define H_PROTECT 0x18
#define H_EXACT (1ul << 39) /* H_ENTER: this slot and no other */
#define H_AVPN (1ul << 31)
#define H_NOT_FOUND (-7l)
#define HPTE_V 1ul
#define HPTE_LARGE 4ul
#define HPTE_R 0x100ul
#define HPTE_C 0x80ul
#define HPTE_M 0x10ul
#define HPTE_N 4ul
#define PP_WRITE 2ul
#define PP_READ 3ul

struct page_kind {
    const char* name;
    unsigned shift;
    u64 slb;     /* L || LP of the SLB entry */
    u64 v, r;    /* L of the HPTE, its LP field */
    u64 segment; /* effective address, 256M segment */
    u64 vsid, real;
};
u64 avpn(const struct page_kind* k, u64 ea);
/* First slot of the primary PTEG. */
u64 pteg_slot(const struct page_kind* k, u64 ea);
void set_slb(const struct page_kind* k, u64 index);

static inline struct cpu* this_cpu(void) {
    struct cpu* c;
    __asm__("mr %0, 13" : "=r"(c));
    return c;
}
static inline void spin_lock(volatile u32* lock) {
    u32 t;
    __asm__ volatile("1: lwarx %0, 0, %1; cmpwi %0, 0; bne- 1b; stwcx. %2, 0, %1; bne- 1b; isync"
                     : "=&r"(t) : "r"(lock), "r"(1) : "cr0", "memory");
}
static inline void spin_unlock(volatile u32* lock) {
    __asm__ volatile("lwsync" ::: "memory");
    *lock = 0;
}
static inline u64 timebase(void) {
    u64 t;
    __asm__ volatile("mfspr %0, 268" : "=r"(t));
    return t;
}
#endif
#endif
