/* SPDX-License-Identifier: MIT */
/*
 * CPU-time clocks of processes and threads, by the ids that user programs give them.
 */
#ifndef KERNEL_CPUTIME_H
#define KERNEL_CPUTIME_H

#include <lib/types.h>

struct process;
struct thread;

enum cputime_kind { CPUTIME_ALL, CPUTIME_USER };

struct cpu_clock {
	struct process *process;	/* counted */
	struct thread *thread;		/* counted; NULL: the whole process */
	enum cputime_kind kind;
};

/* Is @clock such an id (whether or not its process exists)? */
bool clock_is_cpu_time(int clock);
/* 0 or -EINVAL; _put gives the references back. */
__must_check int cpu_clock_get(int clock, struct cpu_clock *c);
void cpu_clock_put(struct cpu_clock *c);
/* Nanoseconds used so far.  Any context; may lag by a thread that ends at this moment. */
int64_t cpu_clock_ns(const struct cpu_clock *c);
/* At least this long, on clock_ns(), until @c can have advanced by @left_ns. */
int64_t cpu_clock_distance_ns(const struct cpu_clock *c, int64_t left_ns);

#endif
