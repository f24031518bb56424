/* SPDX-License-Identifier: MIT */
/* Shared by the themes of osbench: see main.c for what it is. */
#ifndef OSBENCH_H
#define OSBENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096L
#define KIB 1024L
#define MIB (1024L * 1024L)
#define BLOCK (64 * KIB)

/* The work of one of the parallel workers of a scaling row; 0 on success. */
typedef int (*par_body)(int who, long n);

/* One row. Each theme offers a table of them that ends with a NULL name. */
struct bench {
	const char *name;
	long iters;
	/* Performs n operations; returns the nanoseconds they took. On trouble it calls
	 * give_up(), which ends only this row: each runs in a process of its own. */
	double (*fn)(long n);
	long bytes;		/* bytes moved per op, 0 if not a bandwidth */
	par_body body;		/* for the scaling rows, in place of fn */
	int threads;		/* scaling rows: threads instead of processes */
};

extern const struct bench sys_rows[], ipc_rows[], net_rows[], proc_rows[], thread_rows[];
extern const struct bench mem_rows[], file_rows[], event_rows[], par_rows[];

/* What a row's process tells its parent. */
struct report {
	int ok;			/* 1: ns is valid; 0: text says why not */
	double ns;
	char text[128];
};

extern const char *scratch;		/* directory for files */
extern const char *self_path;		/* this very program */
extern char extra[128];			/* trailing key=value text of one row */
extern int report_fd;			/* where give_up() reports, or -1 */

uint64_t now(void);
void give_up(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *need_map(size_t len, int prot, int flags, int fd);
void *shared_mem(size_t len);
int need_fd(int fd, const char *what);
pid_t need_fork(void);
void reap(pid_t p);
const char *scratch_path(const char *leaf);
const char *make_file(const char *leaf, size_t len);
int read_full(int fd, void *buf, size_t len);
int write_full(int fd, const void *buf, size_t len);

void echo_loop(int in, int out) __attribute__((noreturn));
double ping_loop(int out, int in, long n);
double stream_bw(int rd, int wr, long n);
double par_procs(int k, long n, par_body fn);
double par_threads(int k, long n, par_body fn);
void init_setup(void);

#if defined(__x86_64__)
static inline long raw3(long nr, long a, long b, long c)
{
	long ret;
	__asm__ volatile("syscall" : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}
/* Free-running cycle counter; under -icount it counts virtual ns. */
static inline uint64_t cycle_counter(void)
{
	uint32_t lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}
static inline uint64_t cycle_hz(void) { return 0; }
#define ARCH_NAME "x86_64"
#elif defined(__aarch64__)
static inline long raw3(long nr, long a, long b, long c)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2)
			 : "memory");
	return x0;
}
static inline uint64_t cycle_counter(void)
{
	uint64_t v;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
}
static inline uint64_t cycle_hz(void)
{
	uint64_t v;
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(v));
	return v;
}
#define ARCH_NAME "aarch64"
#else
#error "unsupported architecture"
#endif

#endif
