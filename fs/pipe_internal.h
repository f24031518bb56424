/* SPDX-License-Identifier: MIT */
/*
 * Pipes inside: fs/pipe.c and fs/splice.c.
 */
#ifndef FS_PIPE_INTERNAL_H
#define FS_PIPE_INTERNAL_H

#include <kernel/file.h>
#include <mm/page.h>

enum slice_flags {
	SLICE_PACKET	= 1 << 0,	/* O_DIRECT: read alone */
	/* the page belongs to others as well: not appended to, not kept */
	SLICE_SHARED	= 1 << 1,
};

struct pipe_slice {
	struct page *page;		/* counted */
	uint32_t offset, len;
	uint32_t flags;			/* enum slice_flags */
};

struct pipe {
	struct mutex lock;		/* class PIPE */
	struct pipe_slice *slots;	/* [L] */
	/* [L]; used and nr_slots are also looked at without the lock */
	uint32_t nr_slots, head, used;
	uint32_t readers, writers, files;	/* [L] open ends; descriptions of either kind */
	bool has_no_name;		/* [I] of pipe(2): opening an end again never waits */
	struct page *spare;		/* [L] one page kept for the next write */
	/* [A] somebody polls: wake at every change (edge triggers) */
	bool polled_readers, polled_writers;
	uint64_t reader_opens, writer_opens;	/* [L] ever, for FIFO opens that wait */
	/* [L] writer_opens when a reader came: no HUP before the first writer */
	uint64_t writer_generation;
	struct waitq readers_waitq, writers_waitq;
};

static inline struct pipe_slice *pipe_slice(struct pipe *p, uint32_t i)
{
	uint32_t at = p->head + i;

	return &p->slots[at >= p->nr_slots ? at - p->nr_slots : at];
}

extern const struct file_ops pipe_ops;
struct pipe *pipe_create(void);
void pipe_free(struct pipe *p);
void pipe_pop_locked(struct pipe *p);
/* Bytes copied, -EFAULT; what was copied is gone.  _write: 0 when it is full, -ENOMEM. */
struct iov_iter;
ssize_t pipe_read_locked(struct pipe *p, struct iov_iter *to);
ssize_t pipe_write_locked(struct pipe *p, struct iov_iter *from, uint32_t flags);
int pipe_broken(void);				/* SIGPIPE for the caller: -EPIPE */
struct pipe *pipe_of(struct file *f);		/* NULL when @f is none */

#endif
