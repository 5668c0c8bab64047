/* A reboot starts the machine anew, but for its NVRAM (PAPR, "NVRAM"), which tells the second life from the first. */
#include "cpu.h"

#define MARK_AT 32768 /* in the free partition, far behind its header */

void test_reboot(void) {
    static volatile u8 mark; /* clear after each start */
    expect("memory after a start", mark, 0);
    const u32 one_byte[3] = {MARK_AT, (u32)(u64)&mark, 1};
    expect("nvram-fetch", (u64)rtas(machine.nvram_fetch, 3, one_byte, 2), 0);
    if (mark == 'r') {
        print("PASS reboot\n");
        return;
    }
    expect("NVRAM after power-on", mark, 0);
    mark = 'r';
    expect("nvram-store", (u64)rtas(machine.nvram_store, 3, one_byte, 2), 0);
    rtas(machine.system_reboot, 0, 0, 1);
    print("FAIL system-reboot returned\n");
    ++failures;
}
