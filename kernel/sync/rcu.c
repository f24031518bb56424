/* SPDX-License-Identifier: MIT */
/*
 * RCU by quiescent states.
 *
 * The problem: know when every reader that may have seen an unlinked object is gone,
 * at no cost to readers.
 *
 * I1  A reader runs with preemption off, so a CPU that switches threads, sits idle or was
 *     interrupted in user mode is in no read section.
 * I2  A grace period that starts after an object was unlinked ends only when every CPU that was not
 *     idle at its start has passed a quiescent state, or idles.
 * I3  Callbacks queued on a CPU wait for a grace period that starts after them.
 *
 * States: idle (no grace period) -> running (pending has CPUs) -> idle, and again at
 * once if somebody wants the next.  All of it under rcu_lock, except that a CPU looks at its own
 * need_qs first, so that the switch path costs one load.
 *
 * Not taken: counters in readers (costs every lookup), and interrupting CPUs that are slow
 * to report (nobody here waits long: a busy CPU ticks).
 */
#include <kernel/cpumask.h>
#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/panic.h>
#include <kernel/smp.h>
#include <lib/assert.h>
#include <lib/err.h>

struct rcu_cpu {
	/* own CPU, interrupts masked: not yet given to a grace period */
	struct rcu_head *next, **next_tail;
	struct rcu_head *wait, **wait_tail;	/* [R] rcu_lock: until wait_gp is over */
	struct rcu_head *done, **done_tail;	/* [R] rcu_lock: ready to run */
	uint64_t wait_gp;			/* [R] rcu_lock */
	struct thread *worker;			/* [I] */
	uint32_t need_qs;			/* [A] a grace period waits for this CPU */
	uint32_t idle;				/* [A] in the idle loop: no readers */
};

static DEFINE_PERCPU(struct rcu_cpu, rcu_cpu);
static struct spinlock rcu_lock = SPINLOCK_INIT(RCU);
static struct cpumask rcu_pending;	/* [R] rcu_lock */
static uint64_t gp_started, gp_done, gp_wanted;	/* [R] rcu_lock */

/* Called under rcu_lock; gives back whose workers to wake through @wake. */
static void gp_end(struct cpumask *wake)
{
	gp_done = gp_started;
	for_each_cpu_in(cpu, &cpus_online) {
		struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);

		if (!rc->wait || rc->wait_gp > gp_done)
			continue;
		*rc->done_tail = rc->wait;
		rc->done_tail = rc->wait_tail;
		rc->wait = NULL;
		rc->wait_tail = &rc->wait;
		cpumask_set(wake, cpu);
	}
}

/*
 * Make the grace period wait for @cpu, unless it idles.  Asking goes before looking: a CPU that
 * goes idle sets its mark first and then looks whether it was asked, so one of the two sees the
 * other (the fence pairs with those in rcu_idle_enter() and rcu_idle_exit()).  A CPU seen idle sees
 * all earlier unlinks when it leaves.
 */
static bool gp_ask(unsigned int cpu)
{
	struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);

	cpumask_set(&rcu_pending, cpu);
	__atomic_store_n(&rc->need_qs, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&rc->idle, __ATOMIC_RELAXED))
		return true;
	cpumask_clear(&rcu_pending, cpu);
	__atomic_store_n(&rc->need_qs, 0, __ATOMIC_RELAXED);
	return false;
}

static void gp_start_wanted(struct cpumask *wake)
{
	while (gp_done == gp_started && gp_wanted > gp_done) {
		bool any = false;

		gp_started++;
		for_each_cpu_in(cpu, &cpus_online)
			any |= gp_ask(cpu);
		if (!any)
			gp_end(wake);
	}
}

static void wake_workers(const struct cpumask *wake)
{
	for_each_cpu_in(cpu, wake) {
		struct thread *worker = __atomic_load_n(&per_cpu_ptr(&rcu_cpu, cpu)->worker,
							__ATOMIC_ACQUIRE);

		if (worker)	/* else it looks when it starts */
			thread_wake(worker);
	}
}

/* Give the queued callbacks of this CPU to the next grace period.  Under rcu_lock, own CPU. */
static void advance_own(struct rcu_cpu *rc)
{
	if (rc->wait || !rc->next)
		return;
	rc->wait = rc->next;
	rc->wait_tail = rc->next_tail;
	rc->next = NULL;
	rc->next_tail = &rc->next;
	rc->wait_gp = gp_started + 1;
	if (gp_wanted < rc->wait_gp)
		gp_wanted = rc->wait_gp;
}

static void rcu_step(unsigned int cpu, struct rcu_cpu *rc)
{
	struct cpumask wake = { { 0 } };
	unsigned long flags = spin_lock_irqsave(&rcu_lock);

	if (cpumask_has(&rcu_pending, cpu)) {
		cpumask_clear(&rcu_pending, cpu);
		if (cpumask_is_empty(&rcu_pending))
			gp_end(&wake);
	}
	advance_own(rc);
	gp_start_wanted(&wake);
	spin_unlock_irqrestore(&rcu_lock, flags);
	wake_workers(&wake);
}

void rcu_quiescent(void)
{
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	if (likely(!__atomic_load_n(&rc->need_qs, __ATOMIC_RELAXED)) &&
	    likely(!rc->next || rc->wait))
		return;
	__atomic_store_n(&rc->need_qs, 0, __ATOMIC_SEQ_CST);
	rcu_step(this_cpu_id(), rc);
}

void rcu_idle_enter(void)
{
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	__atomic_store_n(&rc->idle, 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (rc->next || __atomic_load_n(&rc->need_qs, __ATOMIC_RELAXED)) {
		__atomic_store_n(&rc->need_qs, 0, __ATOMIC_RELAXED);
		rcu_step(this_cpu_id(), rc);
	}
}

void rcu_idle_exit(void)
{
	__atomic_store_n(&this_cpu_ptr(&rcu_cpu)->idle, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * A port may take the interrupt that ends arch_idle() inside of it (sti; hlt): its handlers may be
 * readers.
 */
void rcu_irq_enter(void)
{
	if (unlikely(__atomic_load_n(&this_cpu_ptr(&rcu_cpu)->idle, __ATOMIC_RELAXED)))
		rcu_idle_exit();
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	unsigned long flags = arch_irq_save();
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);

	head->next = NULL;
	head->fn = fn;
	*rc->next_tail = head;
	rc->next_tail = &head->next;
	arch_irq_restore(flags);
}

static void rcu_worker(void *arg)
{
	struct rcu_cpu *rc = arg;

	for (;;) {
		struct rcu_head *head;
		unsigned long flags;

		thread_set_state(THREAD_UNINTERRUPTIBLE);
		flags = spin_lock_irqsave(&rcu_lock);
		head = rc->done;
		rc->done = NULL;
		rc->done_tail = &rc->done;
		spin_unlock_irqrestore(&rcu_lock, flags);
		if (!head) {
			schedule();
			continue;
		}
		thread_set_state(THREAD_RUNNING);
		while (head) {
			struct rcu_head *next = head->next;

			head->fn(head);
			head = next;
		}
	}
}

struct synchronize {
	struct rcu_head head;
	struct completion done;
};

static void synchronize_done(struct rcu_head *head)
{
	completion_signal(&container_of(head, struct synchronize, head)->done);
}

void rcu_synchronize(void)
{
	struct synchronize s;

	might_sleep();
	completion_init(&s.done);
	rcu_call(&s.head, synchronize_done);
	completion_wait(&s.done);
}

/* One barrier at a time: it uses each CPU's node once. */
static struct mutex barrier_lock = MUTEX_INIT(barrier_lock, RCU_BARRIER);
static DEFINE_PERCPU(struct rcu_head, barrier_node);	/* [R] barrier_lock */
static uint32_t barrier_pending;		/* [A] nodes that have not run, and the caller */
static struct completion barrier_done;			/* [R] barrier_lock */

static void barrier_count_down(struct rcu_head *head)
{
	(void)head;
	if (__atomic_sub_fetch(&barrier_pending, 1, __ATOMIC_ACQ_REL) == 0)
		completion_signal(&barrier_done);
}

/* On each CPU: behind everything in its queue, which is served in order. */
static void barrier_queue(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&barrier_pending, 1, __ATOMIC_RELAXED);
	rcu_call(this_cpu_ptr(&barrier_node), barrier_count_down);
}

void rcu_barrier(void)
{
	might_sleep();
	mutex_lock(&barrier_lock);
	completion_init(&barrier_done);
	__atomic_store_n(&barrier_pending, 1, __ATOMIC_RELAXED);
	smp_call(&cpus_online, barrier_queue, NULL);
	barrier_count_down(NULL);
	completion_wait(&barrier_done);
	mutex_unlock(&barrier_lock);
}

void rcu_init_cpu(unsigned int cpu)
{
	struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);

	rc->next_tail = &rc->next;
	rc->wait_tail = &rc->wait;
	rc->done_tail = &rc->done;
}

/* Workers exist once threads can be made; callbacks queued before wait for them. */
void rcu_start_worker(unsigned int cpu)
{
	struct rcu_cpu *rc = per_cpu_ptr(&rcu_cpu, cpu);
	struct thread *t = kthread_create_on(cpu, rcu_worker, rc, "rcu");

	if (IS_ERR(t))
		panic("rcu: no memory for a worker");
	__atomic_store_n(&rc->worker, t, __ATOMIC_RELEASE);
	/* A grace period that ended between its first look and the store above woke nobody. */
	thread_wake(t);
}
