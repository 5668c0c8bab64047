/* What the kernel does for programs: sys NAME COUNT does NAME COUNT times, checks each result, and exits with 0 if all
 * were right. `sys clock TEXT` prints TEXT and the guest's monotonic clock in nanoseconds. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void check(int right, const char* what) {
    if (right) return;
    fprintf(stderr, "sys: wrong: %s\n", what);
    exit(1);
}

static void null_syscall(long count) {
    const long parent = getppid();
    for (long i = 0; i < count; ++i) check(syscall(SYS_getppid) == parent, "getppid");
}

static void child_exits_with(pid_t child, int wanted) {
    int status = 0;
    check(waitpid(child, &status, 0) == child, "waitpid");
    check(WIFEXITED(status) && WEXITSTATUS(status) == wanted, "the child's exit status");
}

/* A byte to and fro between two processes. */
static void ping_pong(long count) {
    int to[2], from[2];
    check(pipe(to) == 0 && pipe(from) == 0, "pipe");
    const pid_t child = fork();
    check(child >= 0, "fork");
    unsigned char byte = 0;
    if (child == 0) {
        close(to[1]);
        while (read(to[0], &byte, 1) == 1) {
            ++byte;
            if (write(from[1], &byte, 1) != 1) _exit(1);
        }
        _exit(7);
    }
    for (long i = 0; i < count; ++i) {
        byte = (unsigned char)i;
        check(write(to[1], &byte, 1) == 1 && read(from[0], &byte, 1) == 1, "pipe transfer");
        check(byte == (unsigned char)(i + 1), "the byte that came back");
    }
    close(to[1]);
    child_exits_with(child, 7);
}

/* Two processes on one CPU give way to one another. */
static void yield(long count) {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    check(sched_setaffinity(0, sizeof first, &first) == 0, "sched_setaffinity");
    const pid_t child = fork();
    check(child >= 0, "fork");
    for (long i = 0; i < count; ++i) check(sched_yield() == 0, "sched_yield");
    if (child == 0) _exit(7);
    child_exits_with(child, 7);
}

static void fork_exit(long count) {
    for (long i = 0; i < count; ++i) {
        const pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) _exit(i & 127);
        child_exits_with(child, i & 127);
    }
}

static const char* program;
static void exec(long count) {
    for (long i = 0; i < count; ++i) {
        const pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
            execl(program, program, "exit", "5", (char*)0);
            _exit(1);
        }
        child_exits_with(child, 5);
    }
}

static void exit_with(long status) { exit((int)status); }

/* 64 pages of 64K: a translation is entered for each, and removed. */
static void map_touch_unmap(long count) {
    const size_t bytes = 64 * 65536;
    for (long i = 0; i < count; ++i) {
        char* p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(p != MAP_FAILED, "mmap");
        for (size_t at = 0; at < bytes; at += 65536) {
            check(p[at] == 0, "a new page is zero");
            p[at] = 1;
        }
        check(munmap(p, bytes) == 0, "munmap");
    }
}

/* 64 pages made read-only, read, made writable, written. */
static void protect(long count) {
    const size_t bytes = 64 * 65536;
    volatile char* p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(p != MAP_FAILED, "mmap");
    for (size_t at = 0; at < bytes; at += 65536) p[at] = 0;
    for (long i = 0; i < count; ++i) {
        check(mprotect((void*)p, bytes, PROT_READ) == 0, "mprotect");
        for (size_t at = 0; at < bytes; at += 65536) check(p[at] == (char)i, "a page's value");
        check(mprotect((void*)p, bytes, PROT_READ | PROT_WRITE) == 0, "mprotect");
        for (size_t at = 0; at < bytes; at += 65536) p[at] = (char)(i + 1);
    }
}

static volatile sig_atomic_t signals;
static void on_signal(int number) { signals += number == SIGUSR1; }

static void signal_self(long count) {
    signal(SIGUSR1, on_signal);
    for (long i = 0; i < count; ++i) check(raise(SIGUSR1) == 0, "raise");
    check(signals == count, "signals that came");
}

static const struct {
    const char* name;
    void (*run)(long);
} kinds[] = {
    {"null", null_syscall}, {"pipe", ping_pong},      {"yield", yield},     {"fork", fork_exit},     {"exec", exec},
    {"exit", exit_with},    {"map", map_touch_unmap}, {"protect", protect}, {"signal", signal_self},
};

int main(int argc, char** argv) {
    program = argv[0];
    if (argc == 3 && strcmp(argv[1], "clock") == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        printf("%s %lld\n", argv[2], now.tv_sec * 1000000000ll + now.tv_nsec);
        return 0;
    }
    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; ++i) {
        if (strcmp(argv[1], kinds[i].name) != 0) continue;
        kinds[i].run(atol(argv[2]));
        return 0;
    }
    fputs("usage: sys NAME COUNT, sys clock TEXT\n", stderr);
    return 2;
}
