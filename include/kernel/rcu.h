/* SPDX-License-Identifier: MIT */
/*
 * Read-copy-update by quiescent states: readers of read-mostly structures take no
 * lock and write nothing shared.
 *
 * A read section is a section with preemption off.  A CPU passes a quiescent
 * state when it switches threads, idles or runs user code.  What was unlinked
 * before rcu_call() is unreachable once every CPU has passed one after it.
 */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include <kernel/preempt.h>

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

static inline void rcu_read_lock(void) { preempt_disable(); }
static inline void rcu_read_unlock(void) { preempt_enable(); }

/* Load a pointer that a writer publishes with rcu_assign(). */
#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign(p, v)	__atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

/*
 * Run @fn(@head) in thread context after all present readers are done.  Any context; never fails.
 */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head));

/* Wait until all present readers are done.  Sleeps. */
void rcu_synchronize(void);
/*
 * Wait until all callbacks that any CPU has queued so far have run: before what they look at goes
 * away.  (A grace period alone says only that they may run.)  Sleeps.
 */
void rcu_barrier(void);

/* For the scheduler and entry code: this CPU has no reader now. */
void rcu_quiescent(void);
void rcu_idle_enter(void);		/* interrupts masked; no readers until rcu_idle_exit() */
void rcu_idle_exit(void);
void rcu_irq_enter(void);		/* at each interrupt: the idle loop's mark goes */
void rcu_init_cpu(unsigned int cpu);	/* before the CPU's first rcu_call() */
void rcu_start_worker(unsigned int cpu);

#endif
