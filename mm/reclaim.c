/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: caches that can give pages back register here; a thread asks them when a zone runs
 * low, and an allocating thread asks them itself when nothing is left.
 *
 * R1 a thread that runs a reclaimer does not start another round from inside it.
 */
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <mm/page.h>

static LIST_HEAD(reclaimers);		/* [L] reclaim_lock for changes; never shrinks */
static struct mutex reclaim_lock = MUTEX_INIT(reclaim_lock, RECLAIM);
static struct thread *reclaim_owner;	/* [A] who runs a round: R1 */
static struct waitq reclaim_waitq = WAITQ_INIT(reclaim_waitq);
static bool wanted;			/* [A] */
static bool has_thread;			/* [A] */

void reclaim_register(struct reclaimer *r)
{
	mutex_lock(&reclaim_lock);
	list_add_tail(&r->node, &reclaimers);
	mutex_unlock(&reclaim_lock);
}

static uint64_t shrink_all(uint64_t want)
{
	struct reclaimer *r;
	uint64_t freed = 0;

	list_for_each_entry(r, &reclaimers, node) {
		freed += r->shrink(r, want, true);
		if (want && freed >= want)
			break;
	}
	return freed;
}

uint64_t reclaim_pages(uint64_t want)
{
	uint64_t freed;

	if (READ_ONCE(reclaim_owner) == current_thread())
		return 0;
	if (!mutex_try_lock(&reclaim_lock)) {
		/*
		 * Somebody else is at it, and may be waiting for pages to be written: that is no
		 * reason to give up.  The lock itself is not waited for: the caller may hold locks
		 * that a reclaimer takes.
		 */
		sleep_ns(NSEC_PER_MSEC);
		return 1;
	}
	WRITE_ONCE(reclaim_owner, current_thread());
	freed = shrink_all(want);
	WRITE_ONCE(reclaim_owner, NULL);
	mutex_unlock(&reclaim_lock);
	return freed;
}

/*
 * Callers may hold any spinlock, so the thread is woken only where none is held; otherwise the next
 * caller that holds none does it.
 */
void reclaim_wake(void)
{
	WRITE_ONCE(wanted, true);
	if (READ_ONCE(has_thread) && !in_atomic() && arch_irq_is_enabled())
		waitq_wake_all(&reclaim_waitq, 0);
}

static void reclaim_thread(void *arg)
{
	struct page_stats s;

	for (;;) {
		wait_event(&reclaim_waitq, READ_ONCE(wanted));
		WRITE_ONCE(wanted, false);
		page_stats(&s);
		/* Want 0 only trims; below a sixty-fourth of memory go for as much again. */
		reclaim_pages(s.free < s.total / 64 ? s.total / 64 : 0);
		sleep_ns(50 * NSEC_PER_MSEC);
	}
}

void reclaim_init(void)
{
	struct thread *t = kthread_create(reclaim_thread, NULL, "reclaim");

	if (IS_ERR(t))
		log_warn("mm: no reclaim thread: error %ld", -PTR_ERR(t));
	else
		WRITE_ONCE(has_thread, true);
}

static int reclaim_initcall(void)
{
	reclaim_init();
	return 0;
}
INITCALL(INIT_SUBSYSTEM, reclaim_initcall);
