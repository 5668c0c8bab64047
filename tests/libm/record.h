// What expect.c writes and guest.c reads: little-endian, as both machines are.
#pragma once

#include <stdint.h>

struct Record {
    uint32_t function; /* Line of functions.inc, from 0. */
    uint32_t is_float;
    uint64_t arguments[3], result; /* Bits; of a float the low 32. */
};
