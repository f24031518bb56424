/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers: a tree by deadline for each CPU, and one hardware event that serves
 * the earliest of it and the scheduler.
 *
 * I1  A timer is in at most one tree; .cpu names it while it is armed.
 * I2  A callback runs with the base unlocked and .running set, so that timer_cancel() on another
 *     CPU can wait for it, and so that it may arm its timer again.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <lib/minmax.h>

enum timer_state { TIMER_IDLE, TIMER_ARMED };

struct timer_base {
	struct spinlock lock;
	struct rb_tree_cached tree;	/* [L] */
	struct timer *running;		/* [A] callback in progress */
	int64_t sched_ns;		/* own CPU: the scheduler's wish */
	int64_t programmed_ns;		/* own CPU: what the hardware is set to */
};

static DEFINE_PERCPU(struct timer_base, timer_bases) = {
	.lock = SPINLOCK_INIT(TIMER), .sched_ns = INT64_MAX, .programmed_ns = INT64_MAX,
};

static bool deadline_less(const struct rb_node *a, const struct rb_node *b)
{
	return container_of(a, struct timer, node)->deadline_ns <
	       container_of(b, struct timer, node)->deadline_ns;
}

static struct timer *first_timer(struct timer_base *b)
{
	return rb_entry_or_null(rb_first_cached(&b->tree), struct timer, node);
}

/*
 * Own CPU, interrupts masked.  An event that comes early is harmless, so it is only ever moved
 * forward.
 */
static void program(struct timer_base *b, int64_t deadline_ns)
{
	if (deadline_ns >= b->programmed_ns)
		return;
	b->programmed_ns = deadline_ns;
	arch_timer_set(deadline_ns);
}

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

/*
 * The base that @t is armed on, locked; or this CPU's when it is not armed.  Interrupts are masked.
 */
static struct timer_base *base_lock(struct timer *t)
{
	for (;;) {
		unsigned int cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
		struct timer_base *b = per_cpu_ptr(&timer_bases, cpu);

		spin_lock(&b->lock);
		if (likely(cpu == __atomic_load_n(&t->cpu, __ATOMIC_RELAXED)))
			return b;
		spin_unlock(&b->lock);
	}
}

void timer_arm(struct timer *t, int64_t deadline_ns)
{
	unsigned long flags = arch_irq_save();
	unsigned int here = this_cpu_id();
	struct timer_base *b, *own = this_cpu_ptr(&timer_bases);

	/*
	 * Not armed anywhere while it moves; somebody else may move or arm it meanwhile, so look
	 * again under the lock.
	 */
	for (;;) {
		b = base_lock(t);
		if (t->state == TIMER_ARMED)
			rb_erase_cached(&b->tree, &t->node);
		t->state = TIMER_IDLE;
		if (b == own || b->running == t)
			break;
		__atomic_store_n(&t->cpu, (uint16_t)here, __ATOMIC_RELAXED);
		spin_unlock(&b->lock);
	}
	t->deadline_ns = deadline_ns;
	t->state = TIMER_ARMED;
	rb_add_cached(&b->tree, &t->node, deadline_less);
	if (b == own && first_timer(b) == t)
		program(b, deadline_ns);
	else if (b != own)
		arch_ipi_send(t->cpu, IPI_RESCHEDULE);
	spin_unlock(&b->lock);
	arch_irq_restore(flags);
}

static bool disarm(struct timer *t, bool *running)
{
	unsigned long flags = arch_irq_save();
	struct timer_base *b = base_lock(t);
	bool armed = t->state == TIMER_ARMED;

	if (armed) {
		rb_erase_cached(&b->tree, &t->node);
		t->state = TIMER_IDLE;
	}
	*running = b->running == t;
	spin_unlock(&b->lock);
	arch_irq_restore(flags);
	return armed;
}

bool timer_cancel_try(struct timer *t)
{
	bool running;

	return disarm(t, &running);
}

bool timer_cancel(struct timer *t)
{
	bool running, armed = false;

	while (armed |= disarm(t, &running), running)
		arch_cpu_relax();
	return armed;
}

bool timer_is_armed(const struct timer *t)
{
	return __atomic_load_n(&t->state, __ATOMIC_RELAXED) == TIMER_ARMED;
}

int64_t timer_next_deadline(void)
{
	struct timer *t = first_timer(this_cpu_ptr(&timer_bases));

	return t ? t->deadline_ns : INT64_MAX;
}

void timer_program_sched(int64_t deadline_ns)
{
	struct timer_base *b = this_cpu_ptr(&timer_bases);

	b->sched_ns = deadline_ns;
	program(b, deadline_ns);
}

static void run_expired(struct timer_base *b, int64_t now)
{
	struct timer *t;

	spin_lock(&b->lock);
	while ((t = first_timer(b)) && t->deadline_ns <= now) {
		rb_erase_cached(&b->tree, &t->node);
		t->state = TIMER_IDLE;
		__atomic_store_n(&b->running, t, __ATOMIC_RELAXED);
		spin_unlock(&b->lock);
		t->fn(t);
		spin_lock(&b->lock);
		/* @t may be gone by now: only its address is compared. */
		__atomic_store_n(&b->running, NULL, __ATOMIC_RELEASE);
	}
	spin_unlock(&b->lock);
}

void timer_upcall(void)
{
	struct timer_base *b = this_cpu_ptr(&timer_bases);
	int64_t now = clock_ns();

	b->programmed_ns = INT64_MAX;
	run_expired(b, now);
	if (b->sched_ns <= now) {
		b->sched_ns = INT64_MAX;
		sched_tick();
	}
	spin_lock(&b->lock);
	program(b, min(timer_next_deadline(), b->sched_ns));
	spin_unlock(&b->lock);
	if (b->programmed_ns == INT64_MAX)
		arch_timer_stop();
}

/* A timer of this CPU was armed from another one: look again. */
void timer_poke(void)
{
	struct timer_base *b = this_cpu_ptr(&timer_bases);

	spin_lock(&b->lock);
	program(b, timer_next_deadline());
	spin_unlock(&b->lock);
}

void timer_init_cpu(unsigned int cpu)
{
	*per_cpu_ptr(&timer_bases, cpu) = (struct timer_base){
		.lock = SPINLOCK_INIT(TIMER), .sched_ns = INT64_MAX, .programmed_ns = INT64_MAX,
	};
}
