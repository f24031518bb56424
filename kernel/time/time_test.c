/* SPDX-License-Identifier: MIT */
/*
 * Tests of clocks and timers.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/clock.h>
#include <kernel/cpumask.h>
#include <kernel/deadline.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <lib/ktest.h>

#include "itimer.h"

KTEST(clock, never_goes_back)
{
	struct cpumask before = current_thread()->affinity;
	int64_t last = clock_ns(), now;
	unsigned int back = 0;

	for (unsigned int round = 0; round < 50; round++)
		for_each_cpu_in(cpu, &cpus_online) {
			struct cpumask m = { 0 };

			cpumask_set(&m, cpu);
			(void)!sched_set_affinity(current_thread(), &m);
			for (unsigned int i = 0; i < 20; i++) {
				now = clock_ns();
				if (now < last)
					back++;
				last = now;
			}
		}
	(void)!sched_set_affinity(current_thread(), &before);
	KEXPECT_EQ(back, 0u);
}

KTEST(clock, realtime_is_monotonic_plus_offset)
{
	int64_t offset = clock_realtime_offset_ns(), real = clock_realtime_ns(), mono = clock_ns();

	KEXPECT_LE(real, mono + offset);
	KEXPECT_EQ(realtime_to_clock_ns(offset + 12345), 12345);
	KEXPECT_EQ(realtime_to_clock_ns(INT64_MAX) > 0, true);
}

KTEST(clock, ticks_round_up_and_saturate)
{
	KEXPECT_EQ(clock_ns_to_ticks(0, 1000), 0u);
	KEXPECT_EQ(clock_ns_to_ticks(-5, 1000), 0u);
	KEXPECT_EQ(clock_ns_to_ticks(1, 1000), 1u);
	KEXPECT_GE(clock_ns_to_ticks(NSEC_PER_SEC, 62500000), 62500000u);
	KEXPECT_LE(clock_ns_to_ticks(NSEC_PER_SEC, 62500000), 62500001u);
	KEXPECT_EQ(clock_ns_to_ticks(INT64_MAX, UINT64_MAX), UINT64_MAX);
}

KTEST(clock, timespec_conversions)
{
	KEXPECT_EQ(timespec_to_ns((struct timespec){ 1, 5 }), NSEC_PER_SEC + 5);
	KEXPECT_EQ(timespec_to_ns((struct timespec){ INT64_MAX, 0 }), INT64_MAX);
	KEXPECT_FALSE(timespec_is_valid((struct timespec){ 0, NSEC_PER_SEC }));
	KEXPECT_FALSE(timespec_is_valid((struct timespec){ -1, 0 }));
	KEXPECT_EQ(ns_to_timespec(3 * NSEC_PER_SEC + 7).tv_nsec, 7);
	KEXPECT_EQ(clock_ns_after(INT64_MAX), INT64_MAX);
}

#define SHOTS 16u

struct shot {
	struct timer timer;
	uint32_t fired;			/* [A] 0: not yet; else its place in the order */
	int64_t late_ns;
};

static struct shot shots[SHOTS];
static uint32_t shots_fired;

static void shot_fire(struct timer *t)
{
	struct shot *s = container_of(t, struct shot, timer);

	s->late_ns = clock_ns() - t->deadline_ns;
	__atomic_store_n(&s->fired, __atomic_add_fetch(&shots_fired, 1, __ATOMIC_RELAXED),
			 __ATOMIC_RELEASE);
}

static void shots_init(void)
{
	shots_fired = 0;
	for (unsigned int i = 0; i < SHOTS; i++) {
		timer_init(&shots[i].timer, shot_fire);
		shots[i].fired = 0;
	}
}

KTEST(timer, fire_in_order_of_deadlines)
{
	int64_t base;

	shots_init();
	preempt_disable();		/* all on one CPU */
	base = clock_ns() + 5 * NSEC_PER_MSEC;
	for (unsigned int i = 0; i < SHOTS; i++)
		timer_arm(&shots[i].timer, base + (int64_t)(i * 7 % SHOTS) * 100 * NSEC_PER_USEC);
	preempt_enable();
	sleep_ns(30 * NSEC_PER_MSEC);
	KASSERT_EQ(__atomic_load_n(&shots_fired, __ATOMIC_ACQUIRE), SHOTS);
	for (unsigned int i = 0; i < SHOTS; i++) {
		KEXPECT_EQ(shots[i].fired, i * 7 % SHOTS + 1);
		KEXPECT_GE(shots[i].late_ns, 0);
		KEXPECT_FALSE(timer_is_armed(&shots[i].timer));
	}
}

KTEST(timer, a_cancelled_one_does_not_fire)
{
	int64_t when = clock_ns() + 10 * NSEC_PER_MSEC;

	shots_init();
	for (unsigned int i = 0; i < SHOTS; i++)
		timer_arm(&shots[i].timer, when);
	for (unsigned int i = 0; i < SHOTS; i += 2)
		KEXPECT_TRUE(timer_cancel(&shots[i].timer));
	KEXPECT_FALSE(timer_cancel(&shots[0].timer));
	sleep_ns(25 * NSEC_PER_MSEC);
	for (unsigned int i = 0; i < SHOTS; i++)
		KEXPECT_EQ(shots[i].fired != 0, i % 2 == 1);
}

KTEST(timer, arming_again_moves_it)
{
	int64_t now = clock_ns();

	shots_init();
	timer_arm(&shots[0].timer, now + 5 * NSEC_PER_MSEC);
	timer_arm(&shots[0].timer, now + 3600 * NSEC_PER_SEC);
	timer_arm(&shots[1].timer, now + 3600 * NSEC_PER_SEC);
	timer_arm(&shots[1].timer, now + 5 * NSEC_PER_MSEC);
	sleep_ns(15 * NSEC_PER_MSEC);
	KEXPECT_EQ(shots[0].fired, 0u);
	KEXPECT_EQ(shots[1].fired, 1u);
	KEXPECT_TRUE(timer_cancel(&shots[0].timer));
}

static uint32_t periodic_left;

static void periodic_fire(struct timer *t)
{
	if (__atomic_sub_fetch(&periodic_left, 1, __ATOMIC_RELEASE))
		timer_arm(t, t->deadline_ns + 200 * NSEC_PER_USEC);
}

KTEST(timer, a_callback_may_arm_it_again)
{
	static struct timer t;

	timer_init(&t, periodic_fire);
	periodic_left = 20;
	timer_arm(&t, clock_ns() + NSEC_PER_MSEC);
	sleep_ns(30 * NSEC_PER_MSEC);
	timer_cancel(&t);
	KEXPECT_EQ(periodic_left, 0u);
}

/*
 * Cancelling on one CPU while it fires on another: after timer_cancel() the callback is not
 * running.
 */
static uint32_t in_callback;

static void slow_fire(struct timer *t)
{
	__atomic_store_n(&in_callback, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 200; i++)
		arch_cpu_relax();
	__atomic_store_n(&in_callback, 0, __ATOMIC_SEQ_CST);
}

static void arm_elsewhere(void *arg)
{
	struct timer *t = arg;

	for (unsigned int i = 0; i < 100; i++) {
		timer_arm(t, clock_ns() + 20 * NSEC_PER_USEC);
		sleep_ns(50 * NSEC_PER_USEC);
	}
	__atomic_store_n(&periodic_left, 1, __ATOMIC_RELEASE);
}

KTEST(timer, cancel_waits_for_the_callback)
{
	static struct timer t;
	unsigned int overlaps = 0;

	timer_init(&t, slow_fire);
	periodic_left = 0;
	if (IS_ERR(kthread_create(arm_elsewhere, &t, "ktest")))
		KSKIP("no memory for a thread");
	while (!__atomic_load_n(&periodic_left, __ATOMIC_ACQUIRE)) {
		timer_cancel(&t);
		sleep_ns(10 * NSEC_PER_USEC);
	}
	timer_cancel(&t);
	if (__atomic_load_n(&in_callback, __ATOMIC_SEQ_CST))
		overlaps++;
	KEXPECT_EQ(overlaps, 0u);
}

KTEST(timer, periods_are_skipped_not_bunched)
{
	uint64_t missed;

	KEXPECT_EQ(timer_next_period(1000000, 1000000, 1000000, &missed), 2000000);
	KEXPECT_EQ(missed, 0u);
	KEXPECT_EQ(timer_next_period(1000000, 1000000, 5500000, &missed), 6000000);
	KEXPECT_EQ(missed, 4u);
	KEXPECT_GT(timer_next_period(1000, 1, 1000, &missed), 1000 + TIMER_MIN_GAP_NS - 2);
	KEXPECT_EQ(timer_next_period(INT64_MAX - 5, 10, INT64_MAX - 50000, NULL), INT64_MAX);
}

KTEST(sleep, is_not_shorter_than_asked)
{
	for (int64_t ns = 1000; ns < 4 * NSEC_PER_MSEC; ns *= 3) {
		int64_t start = clock_ns();

		sleep_ns(ns);
		KEXPECT_GE(clock_ns() - start, ns);
	}
}
