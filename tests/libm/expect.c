// expect SEED COUNT: COUNT random arguments of each function in double and in float, with the correctly rounded result
// by MPFR, to standard output. Runs on the host.
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

enum Range {
    kAny,      /* any finite number; half of them about 1 */
    kUnit,     /* -1 to 1 */
    kPositive, /* any finite number above 0 */
    kExponent, /* where the results of exponentials are finite, and a little beyond */
    kPower,    /* a positive base, an exponent that keeps the result finite mostly */
};

static uint64_t seed;
static uint64_t random_bits(void) { /* splitmix64 */
    uint64_t x = seed += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}
static uint64_t below(uint64_t n) { return random_bits() % n; }

/* A number with an exponent (of 2) from first to last, as bits of its format. */
static uint64_t with_exponent(int is_float, int first, int last) {
    const int exponent = first + (int)below((uint64_t)(last - first + 1));
    const uint64_t sign = random_bits() & 1,
                   bits = below(4) ? random_bits() : random_bits() & random_bits() & random_bits();
    if (is_float) return sign << 31 | (uint64_t)(exponent + 127) << 23 | bits >> 41;
    return sign << 63 | (uint64_t)(exponent + 1023) << 52 | bits >> 12;
}

static uint64_t magnitude(int is_float, uint64_t bits) { return bits & (is_float ? 0x7fffffff : ~0ull >> 1); }

static uint64_t draw(enum Range range, int is_float, int which) {
    const int least = is_float ? -127 : -1023, most = is_float ? 127 : 1023; /* least: denormals */
    switch (range) {
        case kUnit: return with_exponent(is_float, below(8) ? -12 : least, -1);
        case kExponent: return with_exponent(is_float, below(8) ? -8 : least, is_float ? 6 : 9);
        case kPositive: return magnitude(is_float, draw(kAny, is_float, which));
        case kPower:
            if (which == 1) return with_exponent(is_float, -6, 5);
            return magnitude(is_float, with_exponent(is_float, below(2) ? -2 : least / 8, below(2) ? 1 : most / 8));
        default: return below(2) ? with_exponent(is_float, -10, 10) : with_exponent(is_float, least, most);
    }
}

static double value(int is_float, uint64_t bits) {
    double d;
    if (is_float) {
        const uint32_t low = (uint32_t)bits;
        float f;
        memcpy(&f, &low, sizeof f);
        return f;
    }
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* MPFR's other names and operands. */
#define mpfr_tgamma mpfr_gamma
static int log_gamma(mpfr_t y, const mpfr_t x, mpfr_rnd_t mode) {
    int sign;
    return mpfr_lgamma(y, &sign, x, mode);
}
#define mpfr_lgamma log_gamma

typedef int (*One)(mpfr_t, const mpfr_t, mpfr_rnd_t);
typedef int (*Two)(mpfr_t, const mpfr_t, const mpfr_t, mpfr_rnd_t);
typedef int (*Three)(mpfr_t, const mpfr_t, const mpfr_t, const mpfr_t, mpfr_rnd_t);

struct Function {
    int operands;
    enum Range range;
    void* exact;
};

int main(int argc, char** argv) {
    if (argc != 3) return fprintf(stderr, "usage: expect SEED COUNT\n"), 1;
    seed = strtoull(argv[1], NULL, 0);
    const long count = strtol(argv[2], NULL, 0);
    const struct Function functions[] = {
#define F(name, operands, wide, narrow, range) {operands, range, (void*)mpfr_##name},
#include "functions.inc"
#undef F
    };
    for (int is_float = 0; is_float < 2; ++is_float) {
        mpfr_set_emin(is_float ? -148 : -1073);
        mpfr_set_emax(is_float ? 128 : 1024);
        mpfr_t x[3], y;
        for (int i = 0; i < 3; ++i) mpfr_init2(x[i], is_float ? 24 : 53);
        mpfr_init2(y, is_float ? 24 : 53);
        for (uint32_t n = 0; n < sizeof functions / sizeof *functions; ++n) {
            const struct Function* const f = &functions[n];
            for (long i = 0; i < count; ++i) {
                struct Record r = {n, (uint32_t)is_float, {0, 0, 0}, 0};
                for (int k = 0; k < f->operands; ++k) {
                    r.arguments[k] = draw(f->range, is_float, k);
                    mpfr_set_d(x[k], value(is_float, r.arguments[k]), MPFR_RNDN);
                }
                int inexact;
                if (f->operands == 1) {
                    inexact = ((One)f->exact)(y, x[0], MPFR_RNDN);
                } else if (f->operands == 2) {
                    inexact = ((Two)f->exact)(y, x[0], x[1], MPFR_RNDN);
                } else {
                    inexact = ((Three)f->exact)(y, x[0], x[1], x[2], MPFR_RNDN);
                }
                mpfr_subnormalize(y, inexact, MPFR_RNDN);
                const double result = mpfr_get_d(y, MPFR_RNDN);
                const float narrow = (float)result; /* exact: y has 24 bits there */
                memcpy(&r.result, is_float ? (const void*)&narrow : &result, is_float ? 4 : 8);
                if (fwrite(&r, sizeof r, 1, stdout) != 1) return perror("expect"), 1;
            }
        }
    }
    return 0;
}
