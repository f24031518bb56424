/* SPDX-License-Identifier: MIT */
/*
 * Clocks: the best registered counter, scaled to nanoseconds; the wall clock; the page that the
 * vDSO reads.
 *
 * ns = base_ns + ((counter - base_counter) * mult >> shift).  mult and shift keep the product in
 * 64 bits for at least ten minutes; a timer moves the base forward well before.
 *
 * I1  Readers see base_counter, base_ns, mult and shift of one update: a sequence count, odd while
 *     the one writer works.  The writer holds clock_lock with interrupts masked.
 */
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <kernel/vdso_data.h>
#include <lib/minmax.h>
#include <lib/muldiv.h>

#define CLOCK_UPDATE_NS	(100 * NSEC_PER_SEC)

static uint64_t no_counter(void)
{
	return 0;
}

static const struct clock_source no_source = {
	.name = "none", .read = no_counter, .mask = ~0ULL, .frequency_hz = NSEC_PER_SEC,
	.rating = -1,
};

static struct {
	uint32_t seq;			/* [A] I1 */
	uint32_t mult, shift;
	uint64_t mask;			/* the source's, as .read: a load less for every reader */
	uint64_t (*read)(void);
	uint64_t base_counter;
	int64_t base_ns;
	int64_t realtime_offset_ns;
	const struct clock_source *source;
} clock_state = { .source = &no_source, .read = no_counter, .mask = ~0ULL };

static struct spinlock clock_lock = SPINLOCK_INIT(CLOCK);
static struct timer update_timer;

/* Choose shift as large as 600 s of ticks allow: (ticks * mult) must fit in 64 bits. */
static void scale_for(const struct clock_source *cs, uint32_t *mult, uint32_t *shift)
{
	uint64_t ticks = min(cs->frequency_hz * 600, cs->mask);

	for (*shift = 32; *shift > 0; --*shift) {
		uint64_t m = (((uint64_t)NSEC_PER_SEC << *shift) + cs->frequency_hz / 2) /
			cs->frequency_hz;

		if (m <= UINT32_MAX && m <= UINT64_MAX / ticks) {
			*mult = (uint32_t)m;
			return;
		}
	}
	*mult = (uint32_t)(NSEC_PER_SEC / cs->frequency_hz);
}

static int64_t ns_at(uint64_t counter)
{
	uint64_t mask = clock_state.mask, delta = (counter - clock_state.base_counter) & mask;

	/*
	 * Another CPU's counter may be a little behind the one that set the base: time stands still
	 * then.
	 */
	if (unlikely(delta > mask >> 1))
		delta = 0;
	return clock_state.base_ns + (int64_t)(delta * clock_state.mult >> clock_state.shift);
}

int64_t clock_ns(void)
{
	uint32_t seq;
	int64_t ns;

	do {
		/* Acquire and the fence pair with write_begin() and write_end(). */
		seq = __atomic_load_n(&clock_state.seq, __ATOMIC_ACQUIRE);
		ns = ns_at(clock_state.read());
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (unlikely(seq & 1) ||
		 unlikely(seq != __atomic_load_n(&clock_state.seq, __ATOMIC_RELAXED)));
	return ns;
}

int64_t clock_realtime_offset_ns(void)
{
	return __atomic_load_n(&clock_state.realtime_offset_ns, __ATOMIC_RELAXED);
}

static void write_begin(void)
{
	__atomic_store_n(&clock_state.seq, clock_state.seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(void)
{
	vdso_data_publish(&(struct vdso_clock){
		.mode = clock_state.source->vdso_mode, .mask = clock_state.mask,
		.mult = clock_state.mult, .shift = clock_state.shift,
		.base_counter = clock_state.base_counter, .base_ns = clock_state.base_ns,
		.realtime_offset_ns = clock_state.realtime_offset_ns,
	});
	__atomic_store_n(&clock_state.seq, clock_state.seq + 1, __ATOMIC_RELEASE);
}

/* Move the base to now, under the present source. */
static void rebase(void)
{
	uint64_t counter = clock_state.read();

	clock_state.base_ns = ns_at(counter);
	clock_state.base_counter = counter;
}

static void update(struct timer *t)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	write_begin();
	rebase();
	write_end();
	spin_unlock_irqrestore(&clock_lock, flags);
	timer_arm(t, clock_ns() + CLOCK_UPDATE_NS);
}

void clock_source_register(const struct clock_source *cs)
{
	unsigned long flags;

	if (cs->rating <= clock_state.source->rating)
		return;
	flags = spin_lock_irqsave(&clock_lock);
	write_begin();
	rebase();
	clock_state.source = cs;
	clock_state.read = cs->read;
	clock_state.mask = cs->mask;
	clock_state.base_counter = cs->read();
	scale_for(cs, &clock_state.mult, &clock_state.shift);
	write_end();
	spin_unlock_irqrestore(&clock_lock, flags);
	log_info("clock: %s, %llu Hz", cs->name, (unsigned long long)cs->frequency_hz);
}

static struct clock_observer *observers;	/* [I] after boot */

void clock_on_realtime_step(struct clock_observer *o)
{
	o->next = observers;
	observers = o;
}

void clock_set_realtime(int64_t ns)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);

	write_begin();
	rebase();
	__atomic_store_n(&clock_state.realtime_offset_ns, ns - clock_state.base_ns,
			 __ATOMIC_RELAXED);
	write_end();
	spin_unlock_irqrestore(&clock_lock, flags);
	for (struct clock_observer *o = observers; o; o = o->next)
		o->stepped();
}

/* Ticks of @ns at @frequency_hz, at least as long, and without overflow. */
uint64_t clock_ns_to_ticks(int64_t ns, uint64_t frequency_hz)
{
	uint64_t ticks = ns <= 0 ? 0 : muldiv_u64((uint64_t)ns, frequency_hz, NSEC_PER_SEC);

	return ns <= 0 || ticks == UINT64_MAX ? ticks : ticks + 1;
}

void clock_init(void)
{
	timer_init(&update_timer, update);
	timer_arm(&update_timer, clock_ns() + CLOCK_UPDATE_NS);
}
