/* SPDX-License-Identifier: MIT */
/*
 * Clocks: nanoseconds from a free-running counter.
 */
#ifndef KERNEL_CLOCK_H
#define KERNEL_CLOCK_H

#include <lib/types.h>
#include <uapi/time.h>

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL
#define NSEC_PER_USEC	1000LL

/* A counter that can be read on any CPU with one order of answers. */
struct clock_source {
	const char *name;
	uint64_t (*read)(void);
	uint64_t mask;			/* bits that count: ~0ULL for 64 */
	uint64_t frequency_hz;
	int rating;			/* the highest registered one is used */
	uint32_t vdso_mode;	/* 0: user mode cannot read it; else the port's vDSO knows how */
};

/* Offer @cs; boot or probe context. */
void clock_source_register(const struct clock_source *cs);

/* Nanoseconds since boot, never backwards.  Any context. */
int64_t clock_ns(void);
/* What must be added to clock_ns() for CLOCK_REALTIME. */
int64_t clock_realtime_offset_ns(void);
static inline int64_t clock_realtime_ns(void) { return clock_ns() + clock_realtime_offset_ns(); }
/* Set the wall clock: wakes absolute realtime sleepers and timerfd cancel-on-set. */
void clock_set_realtime(int64_t ns);

/* Who has absolute wall-clock timers, and learns of a step.  In the owner's static memory. */
struct clock_observer {
	void (*stepped)(void);		/* [I] thread context, after the clock was set */
	struct clock_observer *next;	/* [I] after boot */
};
/* At boot. */
void clock_on_realtime_step(struct clock_observer *o);

/* The clock_ns() value @ns from now; saturates. */
static inline int64_t clock_deadline(int64_t ns)
{
	int64_t now = clock_ns();

	return ns > INT64_MAX - now ? INT64_MAX : now + ns;
}

/* Translate a duration of this machine's clock to counter ticks (for the port's timer). */
uint64_t clock_ns_to_ticks(int64_t ns, uint64_t frequency_hz);

static inline struct timespec ns_to_timespec(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };
}

/* Saturates; the caller has checked tv_nsec. */
static inline int64_t timespec_to_ns(struct timespec ts)
{
	if (ts.tv_sec >= INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline bool timespec_is_valid(struct timespec ts)
{
	return ts.tv_sec >= 0 && ts.tv_nsec >= 0 && ts.tv_nsec < NSEC_PER_SEC;
}

void clock_init(void);

#endif
