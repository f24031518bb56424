/* SPDX-License-Identifier: MIT */
/* The slow path of ticket spinlocks: somebody is ahead of us. */
#include <arch/cpu.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>

/* Longer than any holder that still runs. */
#define PANIC_SPINS	10000000u

void spinlock_wait(struct spinlock *l, uint16_t ticket)
{
	unsigned int spins = 0;

	/* Acquire pairs with the release in spin_unlock_raw(). */
	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket) {
		arch_cpu_relax();
		/*
		 * In a panic the holder may be a CPU that was stopped: break the lock, to print
		 * rather than hang.
		 */
		if (unlikely(panic_in_progress) && ++spins == PANIC_SPINS)
			__atomic_store_n(&l->owner, ticket, __ATOMIC_RELAXED);
	}
}
