/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks.  Holding one turns preemption off.  A lock that an interrupt handler
 * takes is taken everywhere with spin_lock_irqsave().
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <arch/irq.h>
#include <kernel/lockdep.h>
#include <kernel/preempt.h>

struct spinlock {
	uint16_t next;			/* [A] next ticket to draw */
	uint16_t owner;			/* [A] ticket that holds the lock */
#ifdef CONFIG_LOCK_CHECK
	uint16_t class;			/* [I] enum lock_class */
#endif
};

#ifdef CONFIG_LOCK_CHECK
#define SPINLOCK_INIT(cls)	{ .class = LOCK_##cls }
#define spinlock_class(l)	((enum lock_class)(l)->class)
#else
#define SPINLOCK_INIT(cls)	{ 0 }
#define spinlock_class(l)	((enum lock_class)0)
#endif

#define spinlock_init(l, cls) (*(l) = (struct spinlock)SPINLOCK_INIT(cls))

void spinlock_wait(struct spinlock *l, uint16_t ticket);

static inline void spin_lock_raw(struct spinlock *l)
{
	uint16_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	/* Acquire pairs with the release in spin_unlock_raw(). */
	if (likely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) == ticket))
		return;
	spinlock_wait(l, ticket);
}

static inline void spin_unlock_raw(struct spinlock *l)
{
	__atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
}

static inline void spin_lock(struct spinlock *l)
{
	preempt_disable();
	lockdep_acquire(l, spinlock_class(l), false);
	spin_lock_raw(l);
}

static inline void spin_unlock(struct spinlock *l)
{
	lockdep_release(l, spinlock_class(l));
	spin_unlock_raw(l);
	preempt_enable();
}

static inline bool spin_try_lock(struct spinlock *l)
{
	uint16_t owner = __atomic_load_n(&l->owner, __ATOMIC_RELAXED);
	uint16_t expected = owner;

	preempt_disable();
	if (__atomic_compare_exchange_n(&l->next, &expected, (uint16_t)(owner + 1), false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		lockdep_acquire(l, spinlock_class(l), true);
		return true;
	}
	preempt_enable();
	return false;
}

static inline bool spin_is_locked(const struct spinlock *l)
{
	return __atomic_load_n(&l->owner, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&l->next, __ATOMIC_RELAXED);
}

static inline void spin_lock_irq(struct spinlock *l)
{
	arch_irq_disable();
	spin_lock(l);
}

static inline void spin_unlock_irq(struct spinlock *l)
{
	lockdep_release(l, spinlock_class(l));
	spin_unlock_raw(l);
	arch_irq_enable();
	preempt_enable();
}

static inline unsigned long spin_lock_irqsave(struct spinlock *l)
{
	unsigned long flags = arch_irq_save();

	spin_lock(l);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
	lockdep_release(l, spinlock_class(l));
	spin_unlock_raw(l);
	arch_irq_restore(flags);
	preempt_enable();
}

#endif
