/* SPDX-License-Identifier: MIT */
/*
 * The lock-order checker of the debug configuration (CONFIG_LOCK_CHECK); nothing
 * otherwise.  Classes and their order: lock_classes.def.
 */
#ifndef KERNEL_LOCKDEP_H
#define KERNEL_LOCKDEP_H

#include <lib/types.h>

enum lock_class {
#define LOCK_CLASS(name, kind, nest) LOCK_##name,
#include <kernel/lock_classes.def>
#undef LOCK_CLASS
	LOCK_CLASSES
};

#ifdef CONFIG_LOCK_CHECK
#define LOCKDEP_DEPTH 24

struct held_lock {
	const void *lock;
	const void *site;
	uint16_t class;
};

/* What one thread holds, its interrupts' locks counted; in struct thread. */
struct lockdep_state {
	unsigned int depth;
	struct held_lock held[LOCKDEP_DEPTH];
};

/* Record that @lock of @class is about to be taken (panics on wrong order), or is released. */
void lockdep_acquire(const void *lock, enum lock_class class, bool try_only);
void lockdep_release(const void *lock, enum lock_class class);
void lockdep_assert_held(const void *lock);
/* Panics when the caller may not sleep; from lockdep_boot_done() on. */
void might_sleep(void);
void lockdep_boot_done(void);
#else
static inline void lockdep_acquire(const void *lock, enum lock_class class, bool try_only)
{
	(void)lock; (void)class; (void)try_only;
}
static inline void lockdep_release(const void *lock, enum lock_class class)
{
	(void)lock; (void)class;
}
static inline void lockdep_assert_held(const void *lock) { (void)lock; }
static inline void might_sleep(void) { }
static inline void lockdep_boot_done(void) { }
#endif

#endif
