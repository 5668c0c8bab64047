/* Bare-metal tests of the machine. The kernel command line chooses: "exceptions", "mmu", "smp", "restart", "races",
 * "pages", "code", "litmus", "aba", "reboot", "time-KIND" (timed.c); none: all up to "litmus". */
#include "cpu.h"

struct cpu cpus[MAX_CPUS];

int chosen(const char* test) {
    if (machine.bootargs[0] == 0) return 1;
    for (const char* at = machine.bootargs; *at != 0; ++at) {
        const char *a = at, *b = test;
        while (*b != 0 && *a == *b) ++a, ++b;
        if (*b == 0) return 1;
    }
    return 0;
}

void finish(void) {
    print(failures == 0 ? "ALL PASS\n" : "SOME FAILED\n");
    if (machine.described) {
        const u32 masks[2] = {0xffffffff, 0xffffffff};
        rtas(machine.power_off, 2, masks, 1);
        print("FAIL power-off returned\n");
    }
    for (;;) {}
}

void unexpected(void) {
    const struct cpu* cpu = this_cpu();
    ++failures;
    print("FAIL interrupt "), print_hex(cpu->vector);
    print(" at "), print_hex(cpu->srr0);
    print(" SRR1 "), print_hex(cpu->srr1);
    print(" DAR "), print_hex(cpu->dar), print("\n");
    finish();
}

void main(u64 fdt, u64 firmware) {
    machine.pft_shift = 22;
    machine.cpu_count = 0;
#ifdef __LITTLE_ENDIAN__
    /* H_SET_MODE: interrupts in little-endian mode. */
    expect("H_SET_MODE little-endian", (u64)hcall(0x31c, 1, 4, 0, 0, 0), 0);
#endif
    if (firmware == 0) {
        read_device_tree(fdt);
    } else {
        machine.described = ask_firmware();
    }
    if (chosen("exceptions")) test_exceptions();
    if (chosen("mmu")) test_mmu();
    if (!machine.described) {
        print("SKIP smp: started by other firmware, no device tree\n");
    } else {
        if (machine.bootargs[0] != 0 && chosen("reboot")) test_reboot();
        start_all();
        if (chosen("smp")) test_smp();
        if (chosen("restart")) test_restart();
        if (chosen("races")) test_races();
        if (chosen("pages")) test_pages();
        if (chosen("code")) test_code();
        if (chosen("litmus")) test_litmus();
        if (machine.bootargs[0] != 0 && chosen("aba")) test_aba();
        if (machine.bootargs[0] != 0) time_hypercalls();
        stop_all();
    }
    finish();
}
