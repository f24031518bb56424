/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleeping on user words.
 */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include <lib/types.h>

struct thread;

/*
 * Wake up to @nr waiters of the word at @addr, as FUTEX_WAKE without PRIVATE: for clear_child_tid.
 */
void futex_wake_user(uaddr_t addr, unsigned int nr);

/*
 * The calling thread ends: walk its robust list, hand on its PI futexes.  Its address space is
 * still there.
 */
void futex_thread_exit(struct thread *t);
/* The same for exec, before the old address space goes: the thread lives on. */
void futex_thread_release(struct thread *t);

#endif
