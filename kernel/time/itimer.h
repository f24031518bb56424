/* SPDX-License-Identifier: MIT */
/* What itimer.c and posix_timer.c share. */
#ifndef KERNEL_TIME_ITIMER_H
#define KERNEL_TIME_ITIMER_H

#include <kernel/cputime.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/timer.h>
#include <lib/idmap.h>

#define ITIMERS			3
#define TIMER_MIN_GAP_NS	20000	/* between two expiries of one timer */

struct itimer {
	struct spinlock lock;		/* class TIMER_OWNER; interrupts masked */
	struct timer timer;		/* locks itself, class TIMER: inside ours */
	struct process *process;	/* [I] */
	unsigned int which;		/* [I] ITIMER_REAL, ... */
	struct cpu_clock cpu;		/* [I] not for REAL; not counted */
	int64_t expiry_ns;		/* [L] on the timer's own clock; 0: off */
	int64_t interval_ns;		/* [L] */
};

/* RLIMIT_CPU: cpu_limit.c. */
struct cpu_limit {
	struct spinlock lock;		/* class TIMER_OWNER; interrupts masked */
	struct timer timer;		/* locks itself, class TIMER: inside ours */
	struct process *process;	/* [I] not counted */
	struct cpu_clock cpu;		/* [I] not counted */
	bool ended;			/* [L] the process goes */
};
void cpu_limit_init(struct cpu_limit *l, struct process *p);
void cpu_limit_stop(struct cpu_limit *l);

/* All timers of a process: struct process's .itimers. */
struct interval_timers {
	struct itimer timers[ITIMERS];
	struct cpu_limit cpu_limit;
	struct idmap ids;		/* [R] process lock: struct posix_timer */
	uint64_t nr_posix;		/* [R] process lock */
};

/* The process's, made if it has none yet; NULL: out of memory. */
struct interval_timers *interval_timers_of(struct process *p);
struct interval_timers *interval_timers_create(struct process *p);	/* not yet installed */

/*
 * The first expiry after @expiry_ns that is at least a small gap after @now_at.  *@missed: expiries
 * in between that are not waited for.
 */
int64_t timer_next_period(int64_t expiry_ns, int64_t interval_ns, int64_t now_at, uint64_t *missed);

/* posix_timer.c */
void posix_timers_init(struct interval_timers *s);
void posix_timers_delete_all(struct process *p, struct interval_timers *s);
/* Send @sig to @p from the kernel unless it is ending.  Interrupt context. */
void timer_signal(struct process *p, int sig);

#endif
