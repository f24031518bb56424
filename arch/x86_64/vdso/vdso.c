/* SPDX-License-Identifier: MIT */
/*
 * Clocks in user mode: runs in the program, reads the data page that the kernel maps just below
 * the image.  Anything it cannot answer becomes the system call.
 */
#include <kernel/vdso_data.h>
#include <stddef.h>

#define NS		1000000000ULL
#define EXPORT		__attribute__((visibility("default")))

enum { CLOCK_REALTIME = 0 };
enum { NR_GETTIMEOFDAY = 96, NR_TIME = 201, NR_CLOCK_GETTIME = 228, NR_CLOCK_GETRES = 229 };

struct timespec { int64_t tv_sec, tv_nsec; };
struct timeval { int64_t tv_sec, tv_usec; };
struct timezone { int32_t minutes_west, dst; };

/* The linker script places it one page before the image.  Not const: the kernel changes it. */
extern struct vdso_data vdso_page __attribute__((visibility("hidden")));

EXPORT int __vdso_clock_gettime(int clock, struct timespec *ts);
EXPORT int __vdso_clock_getres(int clock, struct timespec *ts);
EXPORT int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
EXPORT int64_t __vdso_time(int64_t *t);
EXPORT long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);

static long syscall2(long nr, void *a, void *b)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "0"(nr), "D"(a), "S"(b)
			 : "rcx", "r11", "memory");
	return result;
}

static inline uint64_t counter(void)
{
	uint32_t lo, hi;

	/* LFENCE: the read belongs between the two reads of seq. */
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/*
 * Nanoseconds of @clock, which is in the table; negative: make the system call.  The counter has 64
 * bits: no mask.
 */
static inline int64_t read_clock(unsigned int clock)
{
	const struct vdso_data *d = &vdso_page;
	uint32_t seq;
	int64_t ns;

	do {
		/* Acquire, and the fence below, pair with vdso_data_publish(). */
		seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		ns = d->base_ns[clock] +
			(int64_t)((counter() - d->base_counter) * d->mult >> d->shift);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__builtin_expect(__atomic_load_n(&d->seq, __ATOMIC_RELAXED) != (seq & ~1u), 0));
	return ns;
}

EXPORT int __vdso_clock_gettime(int clock, struct timespec *ts)
{
	int64_t ns = (unsigned int)clock < VDSO_CLOCKS ? read_clock((unsigned int)clock) : -1;

	if (ns < 0)
		return (int)syscall2(NR_CLOCK_GETTIME, (void *)(long)clock, ts);
	ts->tv_sec = (int64_t)((uint64_t)ns / NS);
	ts->tv_nsec = (int64_t)((uint64_t)ns % NS);
	return 0;
}

EXPORT int __vdso_clock_getres(int clock, struct timespec *ts)
{
	return (int)syscall2(NR_CLOCK_GETRES, (void *)(long)clock, ts);
}

EXPORT int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	int64_t ns = read_clock(CLOCK_REALTIME);

	if (ns < 0)
		return (int)syscall2(NR_GETTIMEOFDAY, tv, tz);
	if (tv) {
		tv->tv_sec = (int64_t)((uint64_t)ns / NS);
		tv->tv_usec = (int64_t)((uint64_t)ns % NS / 1000);
	}
	if (tz)
		*tz = (struct timezone){ 0, 0 };
	return 0;
}

EXPORT int64_t __vdso_time(int64_t *t)
{
	int64_t ns = read_clock(CLOCK_REALTIME);
	int64_t s;

	if (ns < 0)
		return syscall2(NR_TIME, t, NULL);
	s = (int64_t)((uint64_t)ns / NS);
	if (t)
		*t = s;
	return s;
}

/* The limit of the selector 0x7b is the CPU number; there is one node. */
EXPORT long __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused)
{
	unsigned int limit;

	(void)unused;
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(0x7b));
	if (cpu)
		*cpu = limit & 0xffff;
	if (node)
		*node = 0;
	return 0;
}

/* The plain names, as Linux exports them. */
#define ALIAS(name)	EXPORT __attribute__((weak, alias("__vdso_" #name)))
ALIAS(clock_gettime) int clock_gettime(int clock, struct timespec *ts);
ALIAS(clock_getres) int clock_getres(int clock, struct timespec *ts);
ALIAS(gettimeofday) int gettimeofday(struct timeval *tv, struct timezone *tz);
ALIAS(time) int64_t time(int64_t *t);
ALIAS(getcpu) long getcpu(unsigned int *cpu, unsigned int *node, void *unused);
