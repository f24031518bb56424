/* SPDX-License-Identifier: MIT */
/*
 * The lock-order checker.
 *
 * Each thread keeps the stack of locks it holds; interrupt handlers push onto the
 * stack of what they interrupted.  Taking a lock panics when a held one
 * belongs to the same class (unless the class nests) or to a later one: with the order
 * total, no cycle can form, so no deadlock by order.
 *
 * A handler's locks come on top of those of what it interrupted, so all classes of kind IRQ stand
 * below all others.  That is enough only if nobody is interrupted while holding one, and if
 * handlers take no others: both are checked at each acquisition, not only when it goes wrong.
 *
 * With the boot argument lockdep=warn a finding is printed with its call chain and the machine goes
 * on: to see all of them in one run.
 */
#include <kernel/lockdep.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/thread.h>
#include <lib/assert.h>
#include <lib/printf.h>
#include <lib/string.h>

enum lock_kind { KIND_SLEEP, KIND_SPIN, KIND_IRQ };

struct class_info {
	const char *name;
	enum lock_kind kind;
	bool nests;
};

static const struct class_info classes[LOCK_CLASSES] = {
#define LOCK_CLASS(cls, kind, nest) [LOCK_##cls] = { #cls, KIND_##kind, nest },
#include <kernel/lock_classes.def>
#undef LOCK_CLASS
};

/* [A] a finding is being printed: the log's own locks are not checked */
static uint32_t reporting;

__printf(1, 2) static void report(const char *fmt, ...)
{
	const char *mode = boot_arg("lockdep");
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!mode || strcmp(mode, "warn"))
		panic("%s", text);
	if (__atomic_exchange_n(&reporting, 1, __ATOMIC_ACQUIRE))
		return;
	log_err("%s", text);
	backtrace_print(0);
	__atomic_store_n(&reporting, 0, __ATOMIC_RELEASE);
}

static void check_order(const struct held_lock *held, const void *lock, enum lock_class class)
{
	const struct class_info *mine = &classes[class];

	if (held->lock == lock)
		report("lockdep: %s taken twice; first at %pS", mine->name, held->site);
	if (held->class > class || (held->class == class && !mine->nests))
		report("lockdep: %s taken while holding %s, taken at %pS; "
		       "the order is in lock_classes.def",
		       mine->name, classes[held->class].name, held->site);
	if (mine->kind == KIND_SLEEP && classes[held->class].kind != KIND_SLEEP)
		report("lockdep: sleeping lock %s taken while holding spinlock %s, taken at %pS",
		       mine->name, classes[held->class].name, held->site);
}

static void check_context(enum lock_class class, bool irqs_on)
{
	const struct class_info *mine = &classes[class];

	if (mine->kind == KIND_IRQ && irqs_on)
		report("lockdep: %s taken with interrupts on; it is of kind IRQ", mine->name);
	if (mine->kind != KIND_IRQ && in_interrupt())
		report("lockdep: %s taken in an interrupt; it is not of kind IRQ", mine->name);
}

void lockdep_acquire(const void *lock, enum lock_class class, bool try_only)
{
	struct lockdep_state *s = &current_thread()->lockdep;
	bool irqs_on = arch_irq_is_enabled();
	unsigned long flags = arch_irq_save();

	if (s->depth == LOCKDEP_DEPTH)
		panic("lockdep: more than %d locks held", LOCKDEP_DEPTH);
	if (!panic_in_progress && !__atomic_load_n(&reporting, __ATOMIC_RELAXED)) {
		check_context(class, irqs_on);
		for (unsigned int i = 0; !try_only && i < s->depth; i++)
			check_order(&s->held[i], lock, class);
	}
	s->held[s->depth++] = (struct held_lock){
		.lock = lock, .class = (uint16_t)class, .site = __builtin_return_address(0),
	};
	arch_irq_restore(flags);
}

void lockdep_release(const void *lock, enum lock_class class)
{
	struct lockdep_state *s = &current_thread()->lockdep;
	unsigned long flags = arch_irq_save();
	unsigned int i = s->depth;

	while (i > 0 && s->held[i - 1].lock != lock)
		i--;
	if (i == 0)
		panic("lockdep: %s released but not held", classes[class].name);
	for (; i < s->depth; i++)
		s->held[i - 1] = s->held[i];
	s->depth--;
	arch_irq_restore(flags);
}

void lockdep_assert_held(const void *lock)
{
	struct lockdep_state *s = &current_thread()->lockdep;

	for (unsigned int i = 0; i < s->depth; i++)
		if (s->held[i].lock == lock)
			return;
	report("lockdep: a lock that must be held is not");
}

static bool can_schedule;		/* [A] set once, by the boot CPU */

void lockdep_boot_done(void)
{
	__atomic_store_n(&can_schedule, true, __ATOMIC_RELEASE);
}

void might_sleep(void)
{
	struct lockdep_state *s = &current_thread()->lockdep;

	/*
	 * Before the first switch of threads no sleeping lock is contended: taking one never
	 * sleeps.
	 */
	if (panic_in_progress || !__atomic_load_n(&can_schedule, __ATOMIC_RELAXED))
		return;
	for (unsigned int i = 0; i < s->depth; i++)
		if (classes[s->held[i].class].kind != KIND_SLEEP)
			report("sleeping while holding spinlock %s, taken at %pS",
			       classes[s->held[i].class].name, s->held[i].site);
	if (in_atomic())
		report("sleeping with preemption off (count %#x)", current_core()->preempt_count);
	if (!arch_irq_is_enabled())
		report("sleeping with interrupts masked");
}
