/* SPDX-License-Identifier: MIT */
/* A thread's policy, priority and affinity: changing them while it may be running or queued. */
#include "runqueue.h"
#include <kernel/clock.h>
#include <lib/err.h>

static bool policy_is_rt(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool params_are_valid(const struct sched_params *p)
{
	if (policy_is_rt(p->policy))
		return p->rt_priority >= 1 && p->rt_priority <= 99;
	if (p->policy != SCHED_OTHER && p->policy != SCHED_BATCH && p->policy != SCHED_IDLE)
		return false;
	return p->rt_priority == 0 && p->nice >= -20 && p->nice <= 19;
}

static void apply(struct thread *t, const struct sched_params *p)
{
	struct sched_entity *s = &t->sched;
	bool rt = policy_is_rt(p->policy);

	s->policy = (uint8_t)p->policy;
	s->reset_on_fork = p->reset_on_fork;
	if (!rt) {
		s->nice = (int8_t)p->nice;
		s->weight = p->policy == SCHED_IDLE ? 3 : nice_to_weight(p->nice);
	}
	if (s->class == SCHED_CLASS_RT && !rt)
		fair_init_thread(t);
	s->rt_priority = rt ? (uint8_t)p->rt_priority : 0;
	s->class = rt ? SCHED_CLASS_RT : SCHED_CLASS_FAIR;
	s->slice_ns = rt ? RR_SLICE_NS : FAIR_SLICE_NS;
}

int sched_set_params(struct thread *t, const struct sched_params *p)
{
	struct runqueue *rq;
	unsigned long flags;
	bool queued;

	if (!params_are_valid(p))
		return -EINVAL;
	flags = spin_lock_irqsave(&t->lock);
	rq = thread_rq_lock(t);
	rq_update(rq);
	queued = t->sched.on_queue;
	if (queued)
		rq_dequeue(rq, t);
	apply(t, p);
	if (queued) {
		rq_enqueue(rq, t);
		rq_resched(rq);
	}
	thread_rq_unlock(rq);
	spin_unlock_irqrestore(&t->lock, flags);
	return 0;
}

void sched_get_params(struct thread *t, struct sched_params *p)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	*p = (struct sched_params){
		.policy = t->sched.policy, .nice = t->sched.nice,
		.rt_priority = t->sched.rt_priority, .reset_on_fork = t->sched.reset_on_fork,
	};
	spin_unlock_irqrestore(&t->lock, flags);
}

static unsigned int first_allowed(const struct cpumask *mask)
{
	for_each_cpu_in(cpu, mask)
		if (cpumask_has(&cpus_online, cpu))
			return cpu;
	return CONFIG_MAX_CPUS;
}

/* Both queue locks, in order. */
static void lock_two(struct runqueue *a, struct runqueue *b)
{
	struct runqueue *first = a->cpu < b->cpu ? a : b, *second = first == a ? b : a;

	spin_lock_raw(&first->lock);
	spin_lock_raw(&second->lock);
}

/*
 * A waiting thread moves at once; a running one is asked to switch, and schedule() sees that it
 * must leave.
 */
static void leave_cpu(struct thread *t, unsigned int target)
{
	struct runqueue *from = cpu_rq(__atomic_load_n(&t->cpu, __ATOMIC_RELAXED)),
		*to = cpu_rq(target);

	if (from == to)		/* the balancer was faster */
		return;
	lock_two(from, to);
	if (t->cpu == from->cpu && t->sched.on_queue) {
		if (from->current == t || __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE)) {
			rq_resched(from);
		} else {
			move_thread(from, to, t);
			rq_check_preempt(to, t);
		}
	}
	spin_unlock_raw(&from->lock);
	spin_unlock_raw(&to->lock);
}

int sched_set_affinity(struct thread *t, const struct cpumask *mask)
{
	unsigned int target = first_allowed(mask);
	unsigned long flags;
	bool elsewhere;

	if (target >= CONFIG_MAX_CPUS || t->sched.pinned)
		return -EINVAL;
	flags = spin_lock_irqsave(&t->lock);
	t->affinity = *mask;
	elsewhere = !cpumask_has(mask, t->cpu);
	if (elsewhere && t != current_thread() && target != t->cpu)
		leave_cpu(t, target);
	spin_unlock_irqrestore(&t->lock, flags);
	if (elsewhere && t == current_thread())
		schedule();
	return 0;
}

int64_t sched_rr_interval_ns(const struct thread *t)
{
	if (t->sched.policy == SCHED_RR)
		return RR_SLICE_NS;
	return t->sched.policy == SCHED_FIFO ? 0 : FAIR_SLICE_NS;
}
