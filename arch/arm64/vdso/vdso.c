/* SPDX-License-Identifier: MIT */
/*
 * The vDSO's clock functions: the kernel's formula (kernel/vdso_data.h) on the virtual counter,
 * the system call for clocks that it does not cover. Runs in user mode; the data page lies
 * one page below the image.
 */
#include <kernel/vdso_data.h>
#include <stddef.h>

struct vdso_timespec {
	int64_t sec, nsec;
};

struct vdso_timeval {
	int64_t sec, usec;
};

struct vdso_timezone {
	int32_t minutes_west, dst_time;
};

#define NSEC		1000000000UL

enum { REALTIME = 0 };
enum { SYS_CLOCK_GETTIME = 113, SYS_CLOCK_GETRES = 114, SYS_GETTIMEOFDAY = 169 };

extern const struct vdso_data vdso_page __attribute__((__visibility__("hidden")));

int __kernel_clock_gettime(int clock, struct vdso_timespec *ts);
int __kernel_gettimeofday(struct vdso_timeval *tv, struct vdso_timezone *tz);
int __kernel_clock_getres(int clock, struct vdso_timespec *ts);

static inline long syscall2(long nr, long a, long b)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x8) : "memory");
	return x0;
}

/* Nanoseconds of @clock, which is in the table; negative: make the system call. */
static inline int64_t read_ns(unsigned int clock)
{
	const struct vdso_data *d = &vdso_page;
	uint32_t seq;
	uint64_t now;
	int64_t ns;

	do {
		/* Pairs with the writer's release of an even seq; odd: a writer is at it. */
		seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(now) : : "memory");
		ns = d->base_ns[clock] +
			(int64_t)(((now - d->base_counter) & d->mask) * d->mult >> d->shift);
		/* The data is read before seq is looked at again. */
		__asm__ volatile("dmb ishld" ::: "memory");
	} while (__builtin_expect(__atomic_load_n(&d->seq, __ATOMIC_RELAXED) != (seq & ~1u), 0));
	return ns;
}

__attribute__((__visibility__("default")))
int __kernel_clock_gettime(int clock, struct vdso_timespec *ts)
{
	int64_t ns = (unsigned int)clock < VDSO_CLOCKS ? read_ns((unsigned int)clock) : -1;

	if (ns < 0)
		return (int)syscall2(SYS_CLOCK_GETTIME, clock, (long)ts);
	ts->sec = (int64_t)((uint64_t)ns / NSEC);
	ts->nsec = (int64_t)((uint64_t)ns % NSEC);
	return 0;
}

__attribute__((__visibility__("default")))
int __kernel_gettimeofday(struct vdso_timeval *tv, struct vdso_timezone *tz)
{
	int64_t ns = tz || !tv ? -1 : read_ns(REALTIME);

	if (ns < 0)
		return (int)syscall2(SYS_GETTIMEOFDAY, (long)tv, (long)tz);
	tv->sec = (int64_t)((uint64_t)ns / NSEC);
	tv->usec = (int64_t)((uint64_t)ns % NSEC / 1000);
	return 0;
}

__attribute__((__visibility__("default")))
int __kernel_clock_getres(int clock, struct vdso_timespec *ts)
{
	return (int)syscall2(SYS_CLOCK_GETRES, clock, (long)ts);
}
