/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: who runs where, and for how long.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <kernel/thread.h>
#include <kernel/waitq.h>
#include <uapi/sched.h>

/*
 * Give up the CPU.  A caller that set a sleeping state before sleeps until it is woken
 * (unless a signal that the state admits is pending already); else it only yields to better
 * threads.
 */
void schedule(void);

/* Have @fn called before a thread that has a plug sleeps; at boot.  It may spin, not sleep. */
void sched_set_sleep_hook(void (*fn)(void));

/*
 * schedule() for a caller that set its state: sleep until woken, until @deadline_ns (absolute on
 * clock_ns(), INT64_MAX: never) or a signal.  0, -ETIMEDOUT or -ERESTARTSYS.
 */
__must_check int schedule_wait(int64_t deadline_ns);

/* Sleep @ns, whatever comes. */
void sleep_ns(int64_t ns);

/* sched_yield(2): let others of the same class run first. */
void sched_yield_current(void);

/*
 * Make @t runnable if its state is one of @states (bits of enum thread_state).
 * True if this call woke it.  Any context.
 */
bool thread_wake_states(struct thread *t, uint32_t states);
static inline bool thread_wake(struct thread *t)
{
	return thread_wake_states(t, THREAD_INTERRUPTIBLE | THREAD_UNINTERRUPTIBLE |
				  THREAD_KILLABLE);
}
/* As thread_wake(); the caller will block soon, so prefer this CPU and switch straight to @t. */
bool thread_wake_sync(struct thread *t);

/* Put a new thread (from thread_alloc) on a run queue for the first time. */
void sched_start(struct thread *t);
/* Set @child's scheduling state from the caller's for fork. */
void sched_fork(struct thread *child);
/* The caller is done for ever; its state becomes DEAD and it is switched away from. */
__noreturn void sched_exit(void);
/* Wait until @t, which is DEAD or stopping, is off its CPU. */
void sched_wait_off_cpu(struct thread *t);
/*
 * Wait until @t, which set a sleeping state and is not woken meanwhile, sleeps: off its queue and
 * its CPU, with its registers saved.  Sleeps.
 */
void sched_wait_asleep(struct thread *t);

/* sched_setattr and friends.  0 or -EINVAL. */
struct sched_params {
	uint32_t policy;
	int nice;
	uint32_t rt_priority;
	bool reset_on_fork;
};
__must_check int sched_set_params(struct thread *t, const struct sched_params *p);
void sched_get_params(struct thread *t, struct sched_params *p);
/* -EINVAL when no online CPU is in @mask. */
__must_check int sched_set_affinity(struct thread *t, const struct cpumask *mask);
int64_t sched_rr_interval_ns(const struct thread *t);

/* CPU time of @t up to now. */
uint64_t thread_cpu_ns(struct thread *t);
/* Its split between user and kernel mode, scaled to thread_cpu_ns(). */
void thread_cpu_split(struct thread *t, uint64_t *user_ns, uint64_t *system_ns);

struct sched_stats {
	uint64_t switches, forks;
	unsigned int running;		/* runnable threads now */
	uint64_t loads[3];		/* load averages, 11-bit fixed point */
};
void sched_stats(struct sched_stats *s);
struct cpu_times { uint64_t user_ns, nice_ns, system_ns, idle_ns, irq_ns; };
void sched_cpu_times(unsigned int cpu, struct cpu_times *t);

void sched_init(void);			/* boot CPU; the running code becomes thread 0 */
void sched_init_cpu(unsigned int cpu);	/* the run queue and idle thread of another CPU */
bool sched_is_idle(void);		/* the caller is this CPU's idle thread */
void preempt_schedule_irq(void);	/* from irq_exit() */
struct thread *sched_idle_thread(unsigned int cpu);
__noreturn void sched_idle_loop(void);
void sched_tick(void);			/* from timer_upcall */

#endif
