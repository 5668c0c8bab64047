// guest FILE: calls libm with the arguments of FILE (expect.c) and compares with its results. Prints a line a function:
// how far from the correctly rounded result it was at most, in ulps, and may be; then a sum of all bits. Exit status 1:
// too far.
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "record.h"

/* Functions of one, two and three operands by one name. */
#define CALL_1(name, v) name(v[0])
#define CALL_2(name, v) name(v[0], v[1])
#define CALL_3(name, v) name(v[0], v[1], v[2])

static uint64_t call_double(uint32_t function, const uint64_t bits[3]) {
    double v[3], y = 0;
    memcpy(v, bits, sizeof v);
    uint32_t n = 0;
#define F(name, operands, wide, narrow, range) \
    if (function == n++) y = CALL_##operands(name, v);
#include "functions.inc"
#undef F
    uint64_t result;
    memcpy(&result, &y, sizeof y);
    return result;
}

static uint64_t call_float(uint32_t function, const uint64_t bits[3]) {
    float v[3], y = 0;
    for (int i = 0; i < 3; ++i) {
        const uint32_t low = (uint32_t)bits[i];
        memcpy(&v[i], &low, sizeof low);
    }
    uint32_t n = 0;
#define F(name, operands, wide, narrow, range) \
    if (function == n++) y = CALL_##operands(name##f, v);
#include "functions.inc"
#undef F
    uint32_t result;
    memcpy(&result, &y, sizeof y);
    return result;
}

/* Numbers from bit patterns in the order of their values. */
static int64_t order(int is_float, uint64_t bits) {
    const uint64_t sign = is_float ? 1ull << 31 : 1ull << 63, size = bits & (sign - 1);
    return bits & sign ? -(int64_t)size : (int64_t)size;
}
static int is_nan(int is_float, uint64_t bits) {
    return is_float ? (bits & 0x7fffffff) > 0x7f800000 : (bits & ~0ull >> 1) > 0x7ffull << 52;
}

struct Line {
    const char* name;
    unsigned bound[2];
    unsigned long worst[2];
};

int main(int argc, char** argv) {
    static struct Line lines[] = {
#define F(name, operands, wide, narrow, range) {#name, {wide, narrow}, {0, 0}},
#include "functions.inc"
#undef F
    };
    enum { kLines = sizeof lines / sizeof *lines };
    FILE* const in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (in == NULL) return fprintf(stderr, "usage: guest FILE\n"), 2;
    struct Record r;
    unsigned long results = 0, wrong = 0, sum = 0;
    while (fread(&r, sizeof r, 1, in) == 1) {
        if (r.function >= kLines || r.is_float > 1) return fprintf(stderr, "guest: not a file of expect's\n"), 2;
        struct Line* const line = &lines[r.function];
        const uint64_t y = r.is_float ? call_float(r.function, r.arguments) : call_double(r.function, r.arguments);
        unsigned long error = ~0ul;
        if (is_nan(r.is_float, y) && is_nan(r.is_float, r.result)) {
            error = 0;
        } else if (!is_nan(r.is_float, y) && !is_nan(r.is_float, r.result)) {
            const int64_t distance = order(r.is_float, y) - order(r.is_float, r.result);
            error = (unsigned long)(distance < 0 ? -distance : distance);
        }
        ++results;
        sum = (sum ^ y) * 0x9e3779b97f4a7c15;
        if (error > line->worst[r.is_float]) line->worst[r.is_float] = error;
        if (error > line->bound[r.is_float] && ++wrong <= 20) {
            printf("WRONG %s%s(%#lx, %#lx, %#lx) = %#lx, correctly %#lx\n", line->name, r.is_float ? "f" : "",
                   r.arguments[0], r.arguments[1], r.arguments[2], y, r.result);
        }
    }
    for (int n = 0; n < kLines; ++n) {
        printf("%-7s double %lu of %u ulps, float %lu of %u ulps\n", lines[n].name, lines[n].worst[0],
               lines[n].bound[0], lines[n].worst[1], lines[n].bound[1]);
    }
    printf("%lu results, sum %016lx, %lu wrong\n", results, sum, wrong);
    return wrong != 0 || results == 0;
}
