/* SPDX-License-Identifier: MIT */
/* Making and freeing threads; kernel threads; the scheduler's start. */
#include "runqueue.h"
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/clock.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

static struct slab_cache *thread_cache;
struct thread boot_thread;

static void thread_init_fields(struct thread *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	/* as every thread that was switched from: see thread_start() */
	t->core.preempt_count = 1;
	t->state = THREAD_UNINTERRUPTIBLE;
	spinlock_init(&t->lock, THREAD);
	t->affinity = cpus_possible;
	t->sched.class = SCHED_CLASS_FAIR;
	t->sched.policy = SCHED_OTHER;
	t->sched.weight = NICE_0_WEIGHT;
	list_init(&t->sched.rt_node);
	list_init(&t->process_node);
	list_init(&t->pending);
	fair_init_thread(t);
	t->process = &kernel_process;
	t->start_ns = clock_ns();
	t->timer_slack_ns = 50000;
	str_copy_cut(t->name, name, sizeof(t->name));
	refcount_set(&t->refs, 1);
}

struct thread *thread_alloc(const char *name)
{
	struct thread *t = slab_alloc(thread_cache, ALLOC_NORMAL);

	if (!t)
		return NULL;
	thread_init_fields(t, name);
	t->stack = stack_alloc();
	if (!t->stack) {
		slab_free(thread_cache, t);
		return NULL;
	}
	return t;
}

static void thread_free_rcu(struct rcu_head *head)
{
	struct thread *t = container_of(head, struct thread, rcu);

	thread_drop_identity(t);
	arch_thread_free(t);
	stack_free(t->stack);
	kfree(t->ptrace);
	slab_free(thread_cache, t);
}

void thread_ref(struct thread *t)
{
	refcount_inc(&t->refs);
}

/* Any context: the memory goes after a grace period, for lookups without a lock. */
void thread_put(struct thread *t)
{
	if (refcount_dec_and_test(&t->refs))
		rcu_call(&t->rcu, thread_free_rcu);
}

static struct thread *kthread_make(void (*fn)(void *), void *arg, const char *name)
{
	struct thread *t = thread_alloc(name);

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->cred = &kernel_cred;
	cred_ref(t->cred);
	arch_thread_init(t, fn, arg);
	return t;
}

struct thread *kthread_create(void (*fn)(void *), void *arg, const char *name)
{
	struct thread *t = kthread_make(fn, arg, name);

	if (!IS_ERR(t)) {
		t->cpu = this_cpu_id();
		sched_start(t);
	}
	return t;
}

struct thread *kthread_create_on(unsigned int cpu, void (*fn)(void *), void *arg, const char *name)
{
	struct thread *t = kthread_make(fn, arg, name);

	if (!IS_ERR(t)) {
		memset(&t->affinity, 0, sizeof(t->affinity));
		cpumask_set(&t->affinity, cpu);
		t->sched.pinned = true;
		t->cpu = cpu;
		sched_start(t);
	}
	return t;
}

void sched_fork(struct thread *child)
{
	struct thread *parent = current_thread();
	struct sched_entity *s = &child->sched;

	child->affinity = parent->affinity;
	child->cpu = this_cpu_id();
	if (!parent->sched.reset_on_fork) {
		s->class = parent->sched.class;
		s->policy = parent->sched.policy;
		s->rt_priority = parent->sched.rt_priority;
		s->nice = parent->sched.nice;
		s->weight = parent->sched.weight;
	} else if (parent->sched.nice > 0) {
		s->nice = parent->sched.nice;
		s->weight = parent->sched.weight;
	}
	s->slice_ns = s->class == SCHED_CLASS_RT ? RR_SLICE_NS : FAIR_SLICE_NS;
	this_rq()->forks++;
}

static void rq_init(struct runqueue *rq, unsigned int cpu, struct thread *idle)
{
	spinlock_init(&rq->lock, RUNQUEUE);
	rq->cpu = cpu;
	rq->event_ns = INT64_MAX;
	rq->idle = rq->current = idle;
	rt_init(&rq->rt);
	idle->cpu = cpu;
	idle->on_cpu = 1;
	idle->state = THREAD_RUNNING;
	idle->sched.class = SCHED_CLASS_IDLE;
	idle->sched.pinned = true;
}

/* The boot code runs as thread 0, which becomes the boot CPU's idle thread. */
void sched_init(void)
{
	struct thread *t = current_thread();
	struct slab_cache *c = slab_cache_create(&(struct slab_cache_args){
		.name = "thread", .size = sizeof(struct thread), .align = 64 });
	void *stack = t->stack;

	if (IS_ERR(c))
		panic("sched: no memory for threads");
	thread_cache = c;
	thread_init_fields(t, "idle/0");
	t->stack = stack;
	rq_init(cpu_rq(0), 0, t);
	cpumask_set(&cpus_online, 0);
}

/* The idle thread that another CPU starts on; its stack is handed to arch_cpu_start(). */
void sched_init_cpu(unsigned int cpu)
{
	char name[THREAD_NAME_MAX];
	struct thread *t;

	snprintf(name, sizeof(name), "idle/%u", cpu);
	t = thread_alloc(name);
	if (!t)
		panic("sched: no memory for CPU %u", cpu);
	rq_init(cpu_rq(cpu), cpu, t);
}

bool sched_is_idle(void)
{
	return current_thread()->sched.class == SCHED_CLASS_IDLE;
}

struct thread *sched_idle_thread(unsigned int cpu)
{
	return cpu_rq(cpu)->idle;
}
