/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's inside: one run queue for each CPU.
 *
 * Locking: a run queue's lock is taken raw with interrupts masked; the switch itself
 * passes it from the old thread to the new.  thread.lock comes before it.  Two run queues: by CPU
 * number.
 */
#ifndef KERNEL_SCHED_RUNQUEUE_H
#define KERNEL_SCHED_RUNQUEUE_H

#include <kernel/percpu.h>
#include <kernel/sched.h>

#define RT_LEVELS	100
#define NICE_0_WEIGHT	1024u
#define FAIR_SLICE_NS	(3 * 1000 * 1000LL)	/* what a fair thread asks for at a time */
#define RR_SLICE_NS	(100 * 1000 * 1000LL)
/* accounting of a busy CPU; an idle one has no tick */
#define TICK_NS		(10 * 1000 * 1000LL)

/* Fair threads in a tree by virtual deadline; sums for the average, the running thread included. */
struct fair_queue {
	struct rb_tree tree;		/* all queued but the running one */
	int64_t base;			/* vruntimes are summed relative to this */
	int64_t weighted_sum;		/* sum of weight * (vruntime - base) */
	int64_t weight;			/* sum of weights */
	uint32_t nr;			/* threads, the running one included */
};

struct rt_queue {
	uint64_t bitmap[2];
	struct list levels[RT_LEVELS];	/* FIFO for each priority, the running one at its head */
	uint32_t nr;
};

struct runqueue {
	struct spinlock lock;
	unsigned int cpu;
	struct thread *current;
	struct thread *prev;		/* who ran before current: for finish_switch() */
	struct thread *push;		/* switched from because its affinity excludes this CPU */
	struct thread *idle;
	struct thread *handoff;		/* woken synchronously: first choice of the next pick */
	struct fair_queue fair;
	struct rt_queue rt;
	uint32_t nr_running;		/* [A] readers elsewhere; the idle thread not counted */
	uint64_t switches;
	int64_t clock_ns;		/* time of the last update, under the lock */
	int64_t event_ns;		/* what the hardware event is set to for us */
	int64_t next_tick_ns;
	struct cpu_times times;
	uint64_t forks;
	int64_t next_balance_ns;
};

DECLARE_PERCPU(struct runqueue, runqueues);

static inline struct runqueue *cpu_rq(unsigned int cpu)
{
	return per_cpu_ptr(&runqueues, cpu);
}

static inline struct runqueue *this_rq(void)
{
	return this_cpu_ptr(&runqueues);
}

extern struct cpumask idle_cpus;	/* [A] CPUs in the idle loop */

/* Class operations; the run queue's lock is held. */
void fair_enqueue(struct runqueue *rq, struct thread *t);
void fair_dequeue(struct runqueue *rq, struct thread *t);
struct thread *fair_pick(struct runqueue *rq);
void fair_put_prev(struct runqueue *rq, struct thread *t);
void fair_set_next(struct runqueue *rq, struct thread *t);
void fair_swap(struct runqueue *rq, struct thread *prev, struct thread *next);
void fair_charge(struct runqueue *rq, struct thread *t, int64_t delta_ns);
void fair_yield(struct runqueue *rq, struct thread *t);
bool fair_preempts(struct runqueue *rq, const struct thread *woken, const struct thread *running);
bool fair_is_eligible(const struct runqueue *rq, const struct thread *t);
void fair_set_weight(struct runqueue *rq, struct thread *t, uint32_t weight);
void fair_init_thread(struct thread *t);
struct thread *fair_steal_candidate(struct runqueue *rq, unsigned int cpu);
uint32_t nice_to_weight(int nice);

void rt_init(struct rt_queue *q);
void rt_enqueue(struct runqueue *rq, struct thread *t, bool at_head);
void rt_dequeue(struct runqueue *rq, struct thread *t);
struct thread *rt_pick(struct runqueue *rq);
void rt_rotate(struct runqueue *rq, struct thread *t);
struct thread *rt_steal_candidate(struct runqueue *rq, unsigned int cpu);

/* core.c */
void rq_update(struct runqueue *rq);
void rq_enqueue(struct runqueue *rq, struct thread *t);
void rq_dequeue(struct runqueue *rq, struct thread *t);
void rq_resched(struct runqueue *rq);
void rq_check_preempt(struct runqueue *rq, struct thread *woken);
void move_thread(struct runqueue *from, struct runqueue *to, struct thread *t);
struct runqueue *thread_rq_lock(struct thread *t);
void thread_rq_unlock(struct runqueue *rq);

/* balance.c */
unsigned int select_cpu(struct thread *t, bool sync);
bool balance_idle(struct runqueue *rq);
void balance_tick(struct runqueue *rq);

/* account.c */
void account_tick(struct runqueue *rq, bool user);
void load_update(int64_t now_ns);

#endif
