/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks: mutex (one owner) and rwsem (many readers or one writer;
 * writers are not starved).  Process context only.
 */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include <kernel/lockdep.h>
#include <kernel/waitq.h>

struct mutex {
	struct thread *owner;		/* [A] NULL: free; bit 0: waiters */
	struct waitq waiters;
#ifdef CONFIG_LOCK_CHECK
	uint16_t class;
#endif
};

void mutex_init_class(struct mutex *m, enum lock_class class);
#define mutex_init(m, cls) mutex_init_class(m, LOCK_##cls)

#ifdef CONFIG_LOCK_CHECK
#define MUTEX_INIT(m, cls) { .waiters = WAITQ_INIT((m).waiters), .class = LOCK_##cls }
#else
#define MUTEX_INIT(m, cls) { .waiters = WAITQ_INIT((m).waiters) }
#endif

void mutex_lock(struct mutex *m);
/* 0 or -ERESTARTSYS / -EINTR when a (fatal) signal came first. */
__must_check int mutex_lock_interruptible(struct mutex *m);
__must_check int mutex_lock_killable(struct mutex *m);
__must_check bool mutex_try_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_locked(const struct mutex *m);

struct rwsem {
	int64_t count;			/* [A] readers, or -1 for a writer */
	uint32_t writers_waiting;	/* [A] readers that come later stand back */
	struct waitq waiters;
#ifdef CONFIG_LOCK_CHECK
	uint16_t class;
#endif
};

void rwsem_init_class(struct rwsem *s, enum lock_class class);
#define rwsem_init(s, cls) rwsem_init_class(s, LOCK_##cls)

#ifdef CONFIG_LOCK_CHECK
#define RWSEM_INIT(s, cls) { .waiters = WAITQ_INIT((s).waiters), .class = LOCK_##cls }
#else
#define RWSEM_INIT(s, cls) { .waiters = WAITQ_INIT((s).waiters) }
#endif

void rwsem_lock_read(struct rwsem *s);
__must_check bool rwsem_try_lock_read(struct rwsem *s);
void rwsem_unlock_read(struct rwsem *s);
void rwsem_lock_write(struct rwsem *s);
__must_check int rwsem_lock_write_killable(struct rwsem *s);
void rwsem_unlock_write(struct rwsem *s);
void rwsem_downgrade(struct rwsem *s);	/* writer to reader */

#endif
