/* SPDX-License-Identifier: MIT */
/*
 * What futexes a thread leaves behind: the robust list that it registered, and its thread-id word.
 *
 * The list is user memory that may hold anything: every step can fault, and after ROBUST_LIST_LIMIT
 * entries the walk ends (a loop).  Nothing here can fail towards the caller.
 */
#include <generated/syscall_protos.h>
#include <kernel/futex.h>
#include <lib/err.h>

#include "futex_internal.h"
#include "proc.h"

struct robust_entry {
	uaddr_t node;
	bool pi;			/* bit 0 of the pointer */
};

static int fetch_entry(uaddr_t from, struct robust_entry *e)
{
	uint64_t v;

	if (get_user(&v, from))
		return -EFAULT;
	*e = (struct robust_entry){ UADDR(v & ~1ULL), v & 1 };
	return 0;
}

/*
 * Mark the word at @addr as left by its dead owner @tid, if it is the owner, and wake one who
 * waits.  @pending: the thread was taking or releasing this one: a plain word that is 0 was just
 * released and nobody woken yet.
 */
static int word_owner_died(uaddr_t addr, uint32_t tid, bool pi, bool pending)
{
	uint32_t v, found;

	if (addr.v & 3)
		return -EINVAL;
	if (get_user(&v, addr))
		return -EFAULT;
	if (pending && !pi && !v) {
		futex_wake_user(addr, 1);
		return 0;
	}
	while ((v & FUTEX_TID_MASK) == tid) {
		if (arch_user_cmpxchg32(addr, v, (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED, &found))
			return -EFAULT;
		if (found == v) {
			/* Waiters for a PI futex are told by futex_pi_orphan_waiters(). */
			if (!pi && (v & FUTEX_WAITERS))
				futex_wake_user(addr, 1);
			return 0;
		}
		v = found;
	}
	return 0;
}

static void walk_robust_list(uaddr_t head, uint32_t tid)
{
	struct robust_entry e, next, pending;
	uint64_t offset;
	bool last;

	if (fetch_entry(head, &e) ||
	    get_user(&offset, uaddr_add(head, offset_of(struct robust_list_head, futex_offset))) ||
	    fetch_entry(uaddr_add(head, offset_of(struct robust_list_head, list_op_pending)),
			&pending))
		return;
	for (unsigned int n = 0; e.node.v != head.v && n < ROBUST_LIST_LIMIT; n++) {
		/* The next one is read first: who is woken may free this one. */
		last = fetch_entry(e.node, &next);
		if (e.node.v != pending.node.v &&
		    word_owner_died(uaddr_add(e.node, offset), tid, e.pi, false))
			return;
		if (last)
			return;
		e = next;
		if (signal_is_pending() && n % 64 == 63)
			sched_yield_current();
	}
	if (pending.node.v)
		(void)word_owner_died(uaddr_add(pending.node, offset), tid, pending.pi, true);
}

void futex_thread_release(struct thread *t)
{
	uaddr_t head = UADDR(t->robust_list);

	t->robust_list = 0;
	if (head.v && t->aspace)
		walk_robust_list(head, (uint32_t)t->pid->nr);
	futex_pi_orphan_waiters(t);
}

void futex_thread_exit(struct thread *t)
{
	/* Pairs with the look in attach() of futex_pi.c, under pi_lock. */
	__atomic_store_n(&t->futex_exit, FUTEX_EXITING, __ATOMIC_SEQ_CST);
	futex_thread_release(t);
	__atomic_store_n(&t->futex_exit, FUTEX_EXITED, __ATOMIC_SEQ_CST);
}

long sys_set_robust_list(uaddr_t head, size_t len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current_thread()->robust_list = head.v;
	return 0;
}

static bool may_see(const struct thread *t)
{
	const struct cred *me = current_cred(), *c = rcu_dereference(t->cred);

	return t->process == current_process() || me->euid == 0 ||
	       (me->uid == c->uid && me->uid == c->euid && me->uid == c->suid);
}

long sys_get_robust_list(int tid, uaddr_t head, uaddr_t len)
{
	uint64_t value = 0;
	struct thread *t;
	int err = 0;

	rcu_read_lock();
	t = tid ? thread_find(tid) : current_thread();
	if (!t)
		err = -ESRCH;
	else if (!may_see(t))
		err = -EPERM;
	else
		value = __atomic_load_n(&t->robust_list, __ATOMIC_RELAXED);
	rcu_read_unlock();
	if (err)
		return err;
	if (put_user((uint64_t)sizeof(struct robust_list_head), len) || put_user(value, head))
		return -EFAULT;
	return 0;
}

long sys_set_tid_address(uaddr_t word)
{
	current_thread()->clear_child_tid = word.v;
	return current_thread()->pid->nr;
}
