/* The console through H_PUT_TERM_CHAR (PAPR 16.6), real mode. */
#include "cpu.h"

unsigned failures;

static void put(const char* text, u64 length) {
    while (length != 0) {
        const u64 n = length < 16 ? length : 16;
        u64 word[2] = {0, 0};
        /* The characters, leftmost first, in two registers. */
        for (u64 i = 0; i < n; ++i) word[i / 8] |= (u64)(u8)text[i] << (56 - 8 * (i % 8));
        while (hcall(0x58, machine.vty, n, word[0], word[1], 0) == 1) {} /* H_BUSY */
        text += n;
        length -= n;
    }
}

void print(const char* text) {
    u64 n = 0;
    while (text[n] != 0) ++n;
    put(text, n);
}

void print_number(u64 value) {
    char digits[20];
    int at = 20;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    put(digits + at, (u64)(20 - at));
}

void print_hex(u64 value) {
    char text[18] = "0x";
    for (int i = 0; i < 16; ++i) text[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    put(text, 18);
}

void expect(const char* what, u64 got, u64 wanted) {
    if (got == wanted) return;
    ++failures;
    print("FAIL ");
    print(what);
    print(": got ");
    print_hex(got);
    print(", wanted ");
    print_hex(wanted);
    print("\n");
}
