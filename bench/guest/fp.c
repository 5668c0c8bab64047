/* Floating point and the C library's memory functions: fp NAME COUNT. Prints the result, which depends only on COUNT;
 * exits with 1 if it breaks a rule that it must obey. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int right, const char* what) {
    if (right) return;
    fprintf(stderr, "fp: wrong: %s\n", what);
    exit(1);
}

/* A number in [-1, 1) from a linear congruential generator. */
static double next(unsigned* seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(int)*seed * 0x1p-31;
}

/* Bodies on springs of gravity: symplectic steps keep the energy. */
enum { kBodies = 5 };
struct body {
    double at[3], speed[3], mass;
};

static double energy(const struct body* b) {
    double sum = 0;
    for (int i = 0; i < kBodies; ++i) {
        for (int k = 0; k < 3; ++k) sum += 0.5 * b[i].mass * b[i].speed[k] * b[i].speed[k];
        for (int j = 0; j < i; ++j) {
            double r = 0;
            for (int k = 0; k < 3; ++k) r += (b[i].at[k] - b[j].at[k]) * (b[i].at[k] - b[j].at[k]);
            sum -= b[i].mass * b[j].mass / sqrt(r);
        }
    }
    return sum;
}

static void nbody(long steps) {
    struct body b[kBodies] = {{{0, 0, 0}, {0, 0, 0}, 1}};
    unsigned seed = 1;
    for (int i = 1; i < kBodies; ++i) {
        const double r = 1.5 * i, v = sqrt(1 / r);
        b[i] = (struct body){{r, 0, 0.01 * next(&seed)}, {0, v, 0.01 * next(&seed)}, 1e-4 * i};
    }
    const double before = energy(b), dt = 0.001;
    for (long step = 0; step < steps; ++step) {
        for (int i = 0; i < kBodies; ++i) {
            for (int j = 0; j < i; ++j) {
                double d[3], r = 0;
                for (int k = 0; k < 3; ++k) d[k] = b[i].at[k] - b[j].at[k], r += d[k] * d[k];
                const double pull = dt / (r * sqrt(r));
                for (int k = 0; k < 3; ++k) {
                    b[i].speed[k] -= d[k] * b[j].mass * pull;
                    b[j].speed[k] += d[k] * b[i].mass * pull;
                }
            }
        }
        for (int i = 0; i < kBodies; ++i) {
            for (int k = 0; k < 3; ++k) b[i].at[k] += dt * b[i].speed[k];
        }
    }
    const double after = energy(b);
    check(fabs(after - before) < 1e-3 * fabs(before), "the energy is kept");
    printf("%.15e\n", after);
}

static void mandelbrot(long size) {
    long inside = 0, steps = 0;
    for (long y = 0; y < size; ++y) {
        for (long x = 0; x < size; ++x) {
            const double cr = 3.0 * x / size - 2.0, ci = 2.0 * y / size - 1.0;
            double zr = 0, zi = 0;
            int n = 0;
            for (; n < 200 && zr * zr + zi * zi < 4; ++n) {
                const double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
            }
            inside += n == 200;
            steps += n;
        }
    }
    /* The set's area is 1.5066; 200 steps on a grid come near. */
    check(fabs(6.0 * inside / (size * size) - 1.52) < 0.05, "the set's area");
    printf("%ld %ld\n", inside, steps);
}

/* Gaussian elimination with partial pivoting, COUNT times. */
enum { kOrder = 100 };
static void linpack(long count) {
    static double a[kOrder][kOrder], x[kOrder];
    unsigned seed = 1;
    double worst = 0;
    for (long n = 0; n < count; ++n) {
        for (int i = 0; i < kOrder; ++i) {
            x[i] = 0;
            for (int j = 0; j < kOrder; ++j) x[i] += a[i][j] = next(&seed); /* so that the solution is all ones */
        }
        for (int k = 0; k < kOrder; ++k) {
            int pivot = k;
            for (int i = k + 1; i < kOrder; ++i) pivot = fabs(a[i][k]) > fabs(a[pivot][k]) ? i : pivot;
            for (int j = k; j < kOrder; ++j) {
                const double t = a[k][j];
                a[k][j] = a[pivot][j], a[pivot][j] = t;
            }
            const double t = x[k];
            x[k] = x[pivot], x[pivot] = t;
            for (int i = k + 1; i < kOrder; ++i) {
                const double f = a[i][k] / a[k][k];
                for (int j = k; j < kOrder; ++j) a[i][j] -= f * a[k][j];
                x[i] -= f * x[k];
            }
        }
        for (int i = kOrder - 1; i >= 0; --i) {
            for (int j = i + 1; j < kOrder; ++j) x[i] -= a[i][j] * x[j];
            x[i] /= a[i][i];
            worst = fmax(worst, fabs(x[i] - 1));
        }
    }
    check(worst < 1e-6, "the solution");
    printf("%.15e\n", worst);
}

/* a = b + s * c on arrays. */
static void triad_of(int length, long count) {
    double *a = malloc(length * sizeof *a), *b = malloc(length * sizeof *b), *c = malloc(length * sizeof *c);
    check(a && b && c, "malloc");
    for (int i = 0; i < length; ++i) a[i] = 0, b[i] = i, c[i] = 1;
    for (long n = 0; n < count; ++n) {
        const double s = (double)n;
        for (int i = 0; i < length; ++i) a[i] = b[i] + s * c[i];
        __asm__ volatile("" ::"r"(a) : "memory");
    }
    for (int i = 0; i < length; ++i) check(a[i] == i + (double)(count - 1), "an element");
    printf("%g\n", a[length - 1]);
}
/* Larger than caches. */
static void triad(long count) { triad_of(1 << 20, count); }
/* In a second-level cache: the host's memory is no part of it. */
static void triad_l2(long count) { triad_of(1 << 14, count); }

static void copy(long count) {
    enum { kBytes = 65536 };
    static unsigned char from[kBytes + 16], to[kBytes + 16];
    for (int i = 0; i < kBytes; ++i) from[i] = (unsigned char)(i * 7);
    for (long n = 0; n < count; ++n) {
        memcpy(to + (n & 7), from, kBytes);
        __asm__ volatile("" ::"r"(to) : "memory");
    }
    check(memcmp(to + ((count - 1) & 7), from, kBytes) == 0, "the copy");
    puts("ok");
}

static void set(long count) {
    enum { kBytes = 65536 };
    static unsigned char to[kBytes + 16];
    for (long n = 0; n < count; ++n) {
        memset(to + (n & 7), (int)n, kBytes);
        __asm__ volatile("" ::"r"(to) : "memory");
    }
    for (int i = 0; i < kBytes; ++i) check(to[i + ((count - 1) & 7)] == (unsigned char)(count - 1), "a byte");
    puts("ok");
}

static void length(long count) {
    enum { kBytes = 4096 };
    static char text[kBytes + 16];
    memset(text, 'x', kBytes);
    unsigned long sum = 0;
    for (long n = 0; n < count; ++n) {
        __asm__ volatile("" ::"r"(text) : "memory");
        sum += strlen(text + (n & 15));
    }
    unsigned long wanted = 0;
    for (long n = 0; n < count; ++n) wanted += kBytes - (n & 15);
    check(sum == wanted, "the lengths");
    printf("%lu\n", sum);
}

static const struct {
    const char* name;
    void (*run)(long);
} kinds[] = {{"nbody", nbody},       {"mandelbrot", mandelbrot}, {"linpack", linpack}, {"triad", triad},
             {"triad-l2", triad_l2}, {"memcpy", copy},           {"memset", set},      {"strlen", length}};

int main(int argc, char** argv) {
    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; ++i) {
        if (strcmp(argv[1], kinds[i].name) != 0) continue;
        kinds[i].run(atol(argv[2]));
        return 0;
    }
    fputs("usage: fp NAME COUNT\n", stderr);
    return 2;
}
