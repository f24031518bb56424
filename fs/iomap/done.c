/* SPDX-License-Identifier: MIT */
/*
 * Work that the end of a transfer leaves behind and that may sleep: telling the file system that an
 * unwritten run has content now.
 */
#include <kernel/init.h>
#include <kernel/sched.h>

#include "internal.h"

static struct spinlock work_lock = SPINLOCK_INIT(DEVICE);	/* taken with interrupts masked */
static LIST_HEAD(work_list);					/* [R] work_lock */
static struct waitq work_waitq = WAITQ_INIT(work_waitq);

void iomap_work_queue(struct iomap_work *w)
{
	unsigned long flags = spin_lock_irqsave(&work_lock);

	list_add_tail(&w->node, &work_list);
	spin_unlock_irqrestore(&work_lock, flags);
	waitq_wake_all(&work_waitq, 0);
}

static struct iomap_work *take(void)
{
	unsigned long flags = spin_lock_irqsave(&work_lock);
	struct iomap_work *w = list_first_entry_or_null(&work_list, struct iomap_work, node);

	if (w)
		list_del(&w->node);
	spin_unlock_irqrestore(&work_lock, flags);
	return w;
}

static void work_thread(void *arg)
{
	struct iomap_work *w;

	for (;;) {
		wait_event(&work_waitq, !list_empty(&work_list));
		while ((w = take()))
			w->fn(w);
	}
}

static int iomap_done_init(void)
{
	return PTR_ERR_OR_ZERO(kthread_create(work_thread, NULL, "iomap-done"));
}
INITCALL(INIT_SUBSYSTEM, iomap_done_init);
