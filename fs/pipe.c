/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs.
 *
 * A pipe is a ring of page slices.  A write appends to the last slice while its page
 * has room (unless O_DIRECT made it a packet), else takes a new page; a read consumes from the
 * first.  One emptied page is kept, so that ping-pong traffic allocates nothing.  Splicing moves
 * page references between rings and the page cache; such pages are never appended to.
 *
 * P1  head and used change under lock; slot (head + i) % nr_slots for i < used holds a slice.
 * P2  A write of at most PIPE_BUF bytes happens in one hold of the lock: it is atomic.
 * P3  A waker looks at the other side's queue after it changed the ring under the lock.
 *
 * The copy from and to user memory is made under the lock: class PIPE is outside ASPACE,
 * and the other end could do nothing in the meantime anyway.
 */
#include <fs/pipe.h>
#include <fs/poll.h>
#include <fs/pseudo.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/ioctl.h>
#include <uapi/limits.h>
#include <uapi/termios.h>
#include <uapi/tty.h>

#include "fcntl_internal.h"
#include "pipe_internal.h"

#define DEFAULT_SLOTS	16
#define MAX_SIZE	(1024u * 1024)

struct pipe *pipe_create(void)
{
	struct pipe *p = kzalloc(sizeof(*p), 0);

	if (!p)
		return NULL;
	p->slots = kmalloc_array(DEFAULT_SLOTS, sizeof(struct pipe_slice), 0);
	if (!p->slots) {
		kfree(p);
		return NULL;
	}
	p->nr_slots = DEFAULT_SLOTS;
	mutex_init(&p->lock, PIPE);
	waitq_init(&p->readers_waitq);
	waitq_init(&p->writers_waitq);
	return p;
}

void pipe_free(struct pipe *p)
{
	for (uint32_t i = 0; i < p->used; i++)
		page_put(pipe_slice(p, i)->page);
	if (p->spare)
		page_put(p->spare);
	kfree(p->slots);
	kfree(p);
}

/* The first slice is empty: drop it, keeping its page if nobody else has it. */
void pipe_pop_locked(struct pipe *p)
{
	struct pipe_slice *s = pipe_slice(p, 0);

	if (!p->spare && !(s->flags & SLICE_SHARED))
		p->spare = s->page;
	else
		page_put(s->page);
	p->head = p->head + 1 == p->nr_slots ? 0 : p->head + 1;
	p->used--;
}

ssize_t pipe_read_locked(struct pipe *p, struct iov_iter *to)
{
	ssize_t done = 0;

	while (p->used && to->count) {
		struct pipe_slice *s = pipe_slice(p, 0);
		bool packet = s->flags & SLICE_PACKET;
		size_t want = min((size_t)s->len, to->count), n;

		/* What a bad address cut short stays in the pipe, as on Linux. */
		n = iov_copy_to(to, (char *)page_to_virt(s->page) + s->offset, want);
		if (unlikely(n < want))
			return done ? done : -EFAULT;
		done += (ssize_t)n;
		s->offset += (uint32_t)n;
		s->len -= (uint32_t)n;
		if (!s->len || packet)
			pipe_pop_locked(p);
		if (packet)
			break;
	}
	return done;
}

static ssize_t pipe_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct pipe *p = f->priv;
	ssize_t n;

	if (unlikely(!to->count))
		return 0;
	for (;;) {
		bool was_full, more;
		int err;

		mutex_lock(&p->lock);
		if (likely(p->used)) {
			was_full = p->used == p->nr_slots;
			n = pipe_read_locked(p, to);
			more = p->used != 0;
			mutex_unlock(&p->lock);
			if (was_full || p->polled_writers)
				waitq_wake_sync(&p->writers_waitq, POLLOUT | POLLWRNORM);
			/* Another reader may have been passed over. */
			if (unlikely(more) && waitq_is_active(&p->readers_waitq))
				waitq_wake(&p->readers_waitq, POLLIN | POLLRDNORM);
			return n;
		}
		if (!p->writers) {
			mutex_unlock(&p->lock);
			return 0;
		}
		mutex_unlock(&p->lock);
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_exclusive(&p->readers_waitq, READ_ONCE(p->used) ||
					   !READ_ONCE(p->writers));
		if (err)
			return err;
	}
}

/*
 * Room in the last slice's page for a small write.  Bytes, or -EFAULT, and then nothing was added.
 */
static ssize_t append_locked(struct pipe *p, struct iov_iter *from)
{
	struct pipe_slice *s = pipe_slice(p, p->used - 1);
	size_t room, want, n;

	if (s->flags & (SLICE_PACKET | SLICE_SHARED))
		return 0;
	room = PAGE_SIZE - s->offset - s->len;
	/* P2: a write that does not fit whole goes to a page of its own, as on Linux. */
	if (!room || (from->count & ~PAGE_MASK) > room)
		return 0;
	want = from->count & ~PAGE_MASK;
	n = iov_copy_from(from, (char *)page_to_virt(s->page) + s->offset + s->len, want);
	if (unlikely(n < want))
		return -EFAULT;
	s->len += (uint32_t)n;
	return (ssize_t)n;
}

static ssize_t push_page_locked(struct pipe *p, struct iov_iter *from, uint32_t flags)
{
	struct page *page = p->spare ? p->spare : page_alloc(0, ALLOC_USER);
	size_t want = min(from->count, PAGE_SIZE), n;
	struct pipe_slice *s;

	if (!page)
		return -ENOMEM;
	p->spare = NULL;
	n = iov_copy_from(from, page_to_virt(page), want);
	if (unlikely(n < want)) {
		p->spare = page;
		return -EFAULT;
	}
	s = pipe_slice(p, p->used++);
	*s = (struct pipe_slice){ .page = page, .len = (uint32_t)n, .flags = flags };
	return (ssize_t)n;
}

ssize_t pipe_write_locked(struct pipe *p, struct iov_iter *from, uint32_t flags)
{
	ssize_t done = 0, n;

	if (p->used && !flags)
		done = append_locked(p, from);
	if (unlikely(done < 0))
		return done;
	while (from->count && p->used < p->nr_slots) {
		n = push_page_locked(p, from, flags);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

int pipe_broken(void)
{
	signal_send_thread(current_thread(), SIGPIPE, NULL);
	return -EPIPE;
}

static ssize_t pipe_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct pipe *p = f->priv;
	uint32_t flags = unlikely(f->flags & O_DIRECT) ? SLICE_PACKET : 0;
	ssize_t done = 0, n;

	if (unlikely(!from->count))
		return 0;
	for (;;) {
		bool was_empty, room;
		int err;

		mutex_lock(&p->lock);
		if (unlikely(!p->readers)) {
			mutex_unlock(&p->lock);
			return done ? done : pipe_broken();
		}
		was_empty = !p->used;
		n = pipe_write_locked(p, from, flags);
		room = p->used < p->nr_slots;
		mutex_unlock(&p->lock);
		/*
		 * A reader that frees many slots wakes one writer: the next one is this writer's to
		 * wake.
		 */
		if (room && waitq_is_active(&p->writers_waitq))
			waitq_wake(&p->writers_waitq, POLLOUT | POLLWRNORM);
		if (n > 0) {
			done += n;
			if (was_empty || p->polled_readers)
				waitq_wake_sync(&p->readers_waitq, POLLIN | POLLRDNORM);
		}
		if (n < 0)
			return done ? done : n;
		if (likely(!from->count))
			return done;
		if (f->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		err = wait_event_exclusive(&p->writers_waitq,
					   READ_ONCE(p->used) < p->nr_slots ||
					   !READ_ONCE(p->readers));
		if (err)
			return done ? done : err;
	}
}

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->priv;
	uint32_t events = 0;

	if (f->mode & FMODE_READ) {
		if (pt)
			p->polled_readers = true;
		poll_wait(f, &p->readers_waitq, pt);
		if (READ_ONCE(p->used))
			events |= POLLIN | POLLRDNORM;
		if (!READ_ONCE(p->writers) && f->position != (int64_t)p->writer_generation)
			events |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (pt)
			p->polled_writers = true;
		poll_wait(f, &p->writers_waitq, pt);
		if (READ_ONCE(p->used) < p->nr_slots)
			events |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			events |= POLLERR;
	}
	return events;
}

static long pipe_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct pipe *p = f->priv;
	uint32_t bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (uint32_t i = 0; i < p->used; i++)
		bytes += pipe_slice(p, i)->len;
	mutex_unlock(&p->lock);
	return put_user(bytes, UADDR(arg));
}

/*
 * An end with @mode is gone; true: it was the last.  The inode's lock keeps out who is finding the
 * pipe through the inode (fifo_get()): it would wait for the lock of a pipe that is freed.  The
 * others are woken under the lock: as soon as both are free, the other end may close and free the
 * pipe.
 */
static bool pipe_leave(struct inode *inode, struct pipe *p, uint32_t mode)
{
	bool last;

	rwsem_lock_write(&inode->lock);
	mutex_lock(&p->lock);
	if (mode & FMODE_READ)
		p->readers--;
	if (mode & FMODE_WRITE)
		p->writers--;
	last = --p->files == 0;
	if (last) {
		inode->priv = NULL;
	} else {
		waitq_wake_all(&p->readers_waitq, POLLIN | POLLRDNORM | POLLHUP);
		waitq_wake_all(&p->writers_waitq, POLLOUT | POLLWRNORM | POLLERR);
	}
	mutex_unlock(&p->lock);
	rwsem_unlock_write(&inode->lock);
	return last;
}

/* One end is closed.  The last end of all frees the pipe. */
static void pipe_release(struct file *f)
{
	struct pipe *p = f->priv;

	if (pipe_leave(f->inode, p, f->mode))
		pipe_free(p);
}

const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
	.name = "pipe",
};

int pipe_create_files(struct file *files[2], uint32_t flags)
{
	struct inode *inode = pseudo_inode_alloc(S_IFIFO | 0600);
	struct pipe *p = pipe_create();

	if (!inode || !p)
		goto fail;
	inode_ref(inode);
	files[0] = pseudo_file_create(inode, &pipe_ops, p, O_RDONLY | flags);
	if (IS_ERR(files[0]))
		goto fail;
	files[1] = pseudo_file_create(inode, &pipe_ops, p, O_WRONLY | flags);
	if (IS_ERR(files[1])) {
		files[0]->mode &= ~(uint32_t)FMODE_OPENED;
		file_put(files[0]);
		pipe_free(p);
		return -ENFILE;
	}
	inode->priv = p;
	inode->fops = &fifo_ops;	/* opened again through /proc/PID/fd */
	p->readers = p->writers = 1;
	p->files = 2;
	p->has_no_name = true;
	p->writer_generation = UINT64_MAX;
	return 0;
fail:
	if (inode)
		inode_put(inode);
	if (p)
		pipe_free(p);
	return -ENFILE;
}

long sys_pipe2(uaddr_t fds, unsigned int flags)
{
	struct file *files[2];
	int fd[2], err;

	if (flags & ~(unsigned int)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create_files(files, flags & (O_NONBLOCK | O_DIRECT));
	if (err)
		return err;
	err = fd[0] = fd_reserve(0, flags);
	if (err < 0)
		goto put_files;
	err = fd[1] = fd_reserve(0, flags);
	if (err < 0)
		goto unreserve_first;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (err)
		goto unreserve_both;
	fd_install(fd[0], files[0]);
	fd_install(fd[1], files[1]);
	return 0;
unreserve_both:
	fd_unreserve(fd[1]);
unreserve_first:
	fd_unreserve(fd[0]);
put_files:
	file_put(files[0]);
	file_put(files[1]);
	return err;
}

long sys_pipe(uaddr_t fds)
{
	return sys_pipe2(fds, 0);
}

static int resize(struct pipe *p, uint32_t slots)
{
	struct pipe_slice *fresh = kmalloc_array(slots, sizeof(*fresh), 0);
	int err = 0;

	if (!fresh)
		return -ENOMEM;
	mutex_lock(&p->lock);
	if (slots < p->used) {
		err = -EBUSY;
	} else {
		for (uint32_t i = 0; i < p->used; i++)
			fresh[i] = *pipe_slice(p, i);
		swap_values(fresh, p->slots);
		p->head = 0;
		p->nr_slots = slots;
	}
	mutex_unlock(&p->lock);
	kfree(fresh);
	if (!err)
		waitq_wake(&p->writers_waitq, POLLOUT | POLLWRNORM);
	return err;
}

struct pipe *pipe_of(struct file *f)
{
	return f->ops == &pipe_ops ? f->priv : NULL;
}

long pipe_fcntl(struct file *f, int cmd, unsigned long arg)
{
	struct pipe *p = pipe_of(f);
	uint64_t size;
	int err;

	if (!p)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)(p->nr_slots * PAGE_SIZE);
	if (arg > INT32_MAX)
		return -EINVAL;
	size = roundup_pow2(max(arg, PAGE_SIZE));
	if (size > MAX_SIZE && !cred_overrides_files(current_cred()))
		return -EPERM;
	err = resize(p, (uint32_t)(size >> PAGE_SHIFT));
	return err ? err : (long)size;
}

/* FIFOs: a pipe that hangs on an inode. */

/* The inode's pipe, made at the first open; p->files counts this open. */
static struct pipe *fifo_get(struct inode *inode)
{
	struct pipe *p;

	rwsem_lock_write(&inode->lock);
	p = inode->priv;
	if (!p) {
		p = pipe_create();
		inode->priv = p;
	}
	if (p) {
		mutex_lock(&p->lock);
		p->files++;
		mutex_unlock(&p->lock);
	}
	rwsem_unlock_write(&inode->lock);
	return p;
}

/* Wait for the other end, as open(2) of a FIFO does. */
static int fifo_wait(struct file *f, struct pipe *p, uint64_t seen_readers, uint64_t seen_writers)
{
	if ((f->mode & (FMODE_READ | FMODE_WRITE)) == FMODE_READ)
		return wait_event_interruptible(&p->readers_waitq, READ_ONCE(p->writers) ||
						READ_ONCE(p->writer_opens) != seen_writers);
	return wait_event_interruptible(&p->writers_waitq, READ_ONCE(p->readers) ||
					READ_ONCE(p->reader_opens) != seen_readers);
}

static int fifo_open(struct inode *inode, struct file *f)
{
	uint32_t access = f->mode & (FMODE_READ | FMODE_WRITE);
	struct pipe *p = fifo_get(inode);
	uint64_t readers, writers;
	bool alone;
	int err = 0;

	if (!p)
		return -ENOMEM;
	mutex_lock(&p->lock);
	readers = p->reader_opens;
	writers = p->writer_opens;
	if (access & FMODE_READ) {
		p->readers++;
		p->reader_opens++;
	}
	if (access & FMODE_WRITE) {
		p->writers++;
		p->writer_opens++;
	}
	alone = !p->has_no_name &&
		(access == FMODE_READ ? !p->writers : access == FMODE_WRITE && !p->readers);
	f->position = alone && access == FMODE_READ ? (int64_t)p->writer_opens : -1;
	mutex_unlock(&p->lock);
	p->writer_generation = p->writer_opens;
	waitq_wake_all(&p->readers_waitq, 0);
	waitq_wake_all(&p->writers_waitq, 0);
	if (alone && (f->flags & O_NONBLOCK))
		err = access == FMODE_WRITE ? -ENXIO : 0;
	else if (alone)
		err = fifo_wait(f, p, readers, writers);
	if (err) {
		if (pipe_leave(inode, p, access))
			pipe_free(p);
		return err;
	}
	f->priv = p;
	f->ops = &pipe_ops;
	f->mode |= FMODE_STREAM;
	return 0;
}

const struct file_ops fifo_ops = { .open = fifo_open, .name = "fifo" };
