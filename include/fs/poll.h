/* SPDX-License-Identifier: MIT */
/*
 * Readiness: what file_ops.poll is given and what it answers.
 *
 *	static uint32_t foo_poll(struct file *f, struct poll_table *pt)
 *	{
 *		poll_wait(f, &foo->waitq, pt);		// before looking
 *		return foo->used ? POLLIN | POLLRDNORM : 0;
 *	}
 *
 * Whoever makes a file ready calls waitq_wake(&foo->waitq, POLLIN | POLLRDNORM).
 */
#ifndef FS_POLL_H
#define FS_POLL_H

#include <kernel/file.h>
#include <kernel/waitq.h>
#include <uapi/poll.h>

/* How the asker wants to be told of later events. */
struct poll_table {
	void (*queue)(struct poll_table *pt, struct file *f, struct waitq *q);
	uint32_t events;		/* POLL* bits that are asked for */
};

/* Be told when @q is woken.  @pt is NULL when nobody will wait: the answer alone counts. */
static inline void poll_wait(struct file *f, struct waitq *q, struct poll_table *pt)
{
	if (pt)
		pt->queue(pt, f, q);
}

#define POLL_ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

/* The answer for @f; files without poll() are always ready. */
static inline uint32_t file_poll(struct file *f, struct poll_table *pt)
{
	return f->ops->poll ? f->ops->poll(f, pt) : POLL_ALWAYS;
}

/* Forget all epoll watches on @f, which is being released. */
void epoll_release_file(struct file *f);

#endif
