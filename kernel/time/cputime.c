/* SPDX-License-Identifier: MIT */
/*
 * CPU-time clocks.  How much a thread ran is exact; the split into user and kernel mode is sampled
 * at ticks (kernel/sched/account.c), so the clocks that count user time alone are as coarse as
 * that.
 */
#include <kernel/cputime.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>

#define CHECK_MIN_NS	NSEC_PER_MSEC

bool clock_is_cpu_time(int clock)
{
	return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ||
	       (clock < 0 && (clock & CPUCLOCK_CLOCK_MASK) != CLOCKFD);
}

/* The process of a clock: any process by its number, but threads only of the caller's own. */
static int find(int nr, bool one_thread, struct cpu_clock *c)
{
	if (!one_thread) {
		c->process = nr ? process_get(nr) : current_process();
		if (c->process && !nr)
			process_ref(c->process);
		return c->process ? 0 : -EINVAL;
	}
	c->thread = nr ? thread_get(nr) : current_thread();
	if (!c->thread)
		return -EINVAL;
	if (!nr)
		thread_ref(c->thread);
	if (c->thread->process != current_process()) {
		thread_put(c->thread);
		return -EINVAL;
	}
	c->process = current_process();
	process_ref(c->process);
	return 0;
}

int cpu_clock_get(int clock, struct cpu_clock *c)
{
	*c = (struct cpu_clock){ .kind = CPUTIME_ALL };
	if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return find(0, clock == CLOCK_THREAD_CPUTIME_ID, c);
	if (!clock_is_cpu_time(clock))
		return -EINVAL;
	if ((clock & CPUCLOCK_CLOCK_MASK) == CPUCLOCK_VIRT)
		c->kind = CPUTIME_USER;
	return find(~(clock >> 3), clock & CPUCLOCK_PERTHREAD_MASK, c);
}

void cpu_clock_put(struct cpu_clock *c)
{
	if (c->thread)
		thread_put(c->thread);
	process_put(c->process);
}

static uint64_t thread_ns(struct thread *t, enum cputime_kind kind)
{
	uint64_t user, system;

	if (kind == CPUTIME_ALL)
		return thread_cpu_ns(t);
	thread_cpu_split(t, &user, &system);
	return user;
}

int64_t cpu_clock_ns(const struct cpu_clock *c)
{
	struct process *p = c->process;
	struct thread *t;
	uint64_t ns;

	if (c->thread)
		return (int64_t)thread_ns(c->thread, c->kind);
	rcu_read_lock();
	ns = p->dead_threads.user_ns + (c->kind == CPUTIME_ALL ? p->dead_threads.system_ns : 0);
	list_for_each_entry_rcu(t, &p->threads, process_node)
		/* A leader that ended stays in the list, and is counted among the dead already. */
		if (t != p->leader || !READ_ONCE(p->leader_ended))
			ns += thread_ns(t, c->kind);
	rcu_read_unlock();
	return (int64_t)ns;
}

int64_t cpu_clock_distance_ns(const struct cpu_clock *c, int64_t left_ns)
{
	uint32_t parallel = c->thread ? 1 : min(max(c->process->nr_threads, 1u), nr_cpus);

	return max(left_ns / parallel, (int64_t)CHECK_MIN_NS);
}
