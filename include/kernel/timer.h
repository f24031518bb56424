/* SPDX-License-Identifier: MIT */
/*
 * One-shot timers at nanosecond deadlines, held per CPU in deadline order.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <lib/rbtree.h>
#include <lib/types.h>

struct timer {
	struct rb_node node;		/* [R] its CPU's timer lock */
	int64_t deadline_ns;		/* [R] absolute on clock_ns() */
	/*
	 * Runs in interrupt context, the timer already unqueued; may arm it again.
	 */
	void (*fn)(struct timer *t);
	uint16_t cpu;			/* [R] where it is queued */
	uint8_t state;			/* [R] enum timer_state */
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));

/* Arm, or move.  Any context.  Runs on the CPU that armed it. */
void timer_arm(struct timer *t, int64_t deadline_ns);

/* Disarm.  True if it was armed.  _try: returns false also while @fn runs elsewhere. */
bool timer_cancel_try(struct timer *t);

/*
 * Disarm and wait until @fn is not running on another CPU.  Not from @fn; not under a lock that @fn
 * takes.
 */
bool timer_cancel(struct timer *t);

bool timer_is_armed(const struct timer *t);

/* This CPU's earliest deadline, INT64_MAX for none; for the idle loop and /proc. */
int64_t timer_next_deadline(void);

/*
 * For the scheduler: have sched_tick() called on this CPU at @deadline_ns, with interrupts masked.
 */
void timer_program_sched(int64_t deadline_ns);
void timer_init_cpu(unsigned int cpu);
/* From the reschedule interrupt: a timer of this CPU may have been armed elsewhere. */
void timer_poke(void);

#endif
