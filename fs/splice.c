/* SPDX-License-Identifier: MIT */
/*
 * splice, tee and vmsplice: pages go between pipes, and from the page cache into pipes, by
 * reference; everything else is copied once.
 *
 * S1  A page that somebody else may have as well is marked SLICE_SHARED: it is never appended to
 *     and never kept for reuse (fs/pipe.c).
 * S2  No wait with a pipe's lock held, and no file is read or written with it: inodes' locks are
 *     outside it.  A slice is taken out of the ring first; what the file did not take of it goes
 *     back to the front, and the ring grows by a slot when it was filled up meanwhile.
 * S3  Two pipes are locked by address.
 *
 * User memory is copied by vmsplice: a program that writes to its buffer before the reader came
 * would change what is read, and nobody has asked for that.
 */
#include <fs/iov.h>
#include <fs/notify.h>
#include <fs/poll.h>
#include <generated/syscall_protos.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/memobj.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/fcntl.h>

#include "internal.h"
#include "pipe_internal.h"

#define SPLICE_FLAGS	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)
#define SPLICE_MAX	0x7ffff000UL

/* Locked with something in it: 1.  0: empty for good.  -EAGAIN, -ERESTARTSYS.  Only 1 is locked. */
static int lock_with_data(struct pipe *p, bool may_wait)
{
	for (;;) {
		int err;

		mutex_lock(&p->lock);
		if (p->used)
			return 1;
		err = p->writers ? -EAGAIN : 0;
		mutex_unlock(&p->lock);
		if (!err || !may_wait)
			return err;
		err = wait_event_exclusive(&p->readers_waitq, READ_ONCE(p->used) ||
					   !READ_ONCE(p->writers));
		if (err)
			return err;
	}
}

/* Locked with a free slot: 0.  Otherwise unlocked: -EPIPE, -EAGAIN, -ERESTARTSYS. */
static int lock_with_room(struct pipe *p, bool may_wait)
{
	for (;;) {
		int err;

		mutex_lock(&p->lock);
		if (p->readers && p->used < p->nr_slots)
			return 0;
		err = p->readers ? -EAGAIN : -EPIPE;
		mutex_unlock(&p->lock);
		if (err == -EPIPE)
			return pipe_broken();
		if (!may_wait)
			return err;
		err = wait_event_exclusive(&p->writers_waitq,
					   READ_ONCE(p->used) < p->nr_slots ||
					   !READ_ONCE(p->readers));
		if (err)
			return err;
	}
}

/* Something was taken out, or put in; and whoever else waits for the same gets a look too. */
static void wake_both(struct pipe *p)
{
	waitq_wake(&p->writers_waitq, POLLOUT | POLLWRNORM);
	waitq_wake(&p->readers_waitq, POLLIN | POLLRDNORM);
}

static void push_locked(struct pipe *p, const struct pipe_slice *s)
{
	p->used++;
	*pipe_slice(p, p->used - 1) = *s;
}

/* The first slice leaves the ring; its page's reference is the caller's. */
static void drop_first_locked(struct pipe *p)
{
	p->head = p->head + 1 == p->nr_slots ? 0 : p->head + 1;
	p->used--;
}

/* Up to @want bytes of @from, which shares its page if something is left. */
static struct pipe_slice cut(struct pipe_slice *from, size_t want)
{
	struct pipe_slice s = *from;

	s.len = (uint32_t)min((size_t)s.len, want);
	if (s.len < from->len) {
		page_ref(s.page);
		s.flags |= SLICE_SHARED;
		from->flags |= SLICE_SHARED;
	}
	from->offset += s.len;
	from->len -= s.len;
	return s;
}

/* One more slot; the ring is locked. */
static bool grow_locked(struct pipe *p)
{
	struct pipe_slice *bigger = kmalloc_array(p->nr_slots + 1, sizeof(*bigger), 0);

	if (!bigger)
		return false;
	for (uint32_t i = 0; i < p->used; i++)
		bigger[i] = *pipe_slice(p, i);
	kfree(p->slots);
	p->slots = bigger;
	p->head = 0;
	p->nr_slots++;
	return true;
}

/* From a pipe to a file. */

static int take_slice(struct pipe *p, size_t want, bool may_wait, struct pipe_slice *s)
{
	int got = lock_with_data(p, may_wait);
	struct pipe_slice *first;

	if (got <= 0)
		return got;
	first = pipe_slice(p, 0);
	*s = cut(first, want);
	if (!first->len)
		drop_first_locked(p);
	mutex_unlock(&p->lock);
	wake_both(p);
	return 1;
}

/* The rest of @s, which nobody took, is the first to be read again (S2). */
static void give_back(struct pipe *p, struct pipe_slice s)
{
	struct pipe_slice *first;

	mutex_lock(&p->lock);
	first = p->used ? pipe_slice(p, 0) : NULL;
	if (first && first->page == s.page && first->offset == s.offset + s.len) {
		first->offset = s.offset;
		first->len += s.len;
		page_put(s.page);
	} else if (p->used < p->nr_slots || grow_locked(p)) {
		p->head = p->head ? p->head - 1 : p->nr_slots - 1;
		p->used++;
		*pipe_slice(p, 0) = s;
	} else {
		page_put(s.page);	/* no memory for a slot: as if it had been read */
	}
	mutex_unlock(&p->lock);
	wake_both(p);
}

static long pipe_to_file(struct pipe *p, struct file *out, int64_t *pos, size_t len, bool may_wait)
{
	size_t done = 0;

	while (done < len) {
		struct pipe_slice s;
		ssize_t n = take_slice(p, len - done, may_wait && !done, &s);

		if (n <= 0)
			return done ? (long)done : n;
		n = file_write_kernel(out, (char *)page_to_virt(s.page) + s.offset, s.len, pos);
		if (n > 0) {
			done += (size_t)n;
			s.offset += (uint32_t)n;
			s.len -= (uint32_t)n;
		}
		if (s.len) {
			give_back(p, s);
			return done ? (long)done : n;
		}
		page_put(s.page);
	}
	return (long)done;
}

/* From a file to a pipe. */

/* The bytes at @pos, of the page cache: 1, 0 (end of the file), or an error. */
static int cached_slice(struct file *in, int64_t pos, size_t want, struct pipe_slice *s)
{
	struct memobj *o = in->inode->mapping;
	uint64_t size = READ_ONCE(o->size), at = (uint64_t)pos;
	struct page *page;

	if (at >= size)
		return 0;
	page = memobj_find_page(o, at >> PAGE_SHIFT);
	if (!page && (o->flags & MEMOBJ_SHMEM))
		page = page_alloc(0, ALLOC_USER | ALLOC_ZERO);	/* a hole stays one */
	else if (!page)
		page = memobj_get_page(o, at >> PAGE_SHIFT);
	else if (!(__atomic_load_n(&page->flags, __ATOMIC_ACQUIRE) & PAGE_UPTODATE)) {
		page_put(page);
		page = memobj_get_page(o, at >> PAGE_SHIFT);
	}
	if (!page || IS_ERR(page))
		return page ? (int)PTR_ERR(page) : -ENOMEM;
	*s = (struct pipe_slice){
		.page = page, .offset = at & ~PAGE_MASK, .flags = SLICE_SHARED,
		.len = (uint32_t)min(min((uint64_t)want, size - at),
				    PAGE_SIZE - (at & ~PAGE_MASK)),
	};
	return 1;
}

/* What a read gives, in a page of its own. */
static int read_slice(struct file *in, int64_t *pos, size_t want, struct pipe_slice *s)
{
	struct page *page = page_alloc(0, ALLOC_USER);
	ssize_t n;

	if (!page)
		return -ENOMEM;
	n = file_read_kernel(in, page_to_virt(page), min(want, PAGE_SIZE), pos);
	if (n <= 0) {
		page_put(page);
		return (int)n;
	}
	*s = (struct pipe_slice){ .page = page, .len = (uint32_t)n };
	return 1;
}

/* Into the ring; what was read and cannot be read again makes room for itself. */
static bool push_read(struct pipe *p, const struct pipe_slice *s, bool must)
{
	bool pushed;

	mutex_lock(&p->lock);
	pushed = p->used < p->nr_slots || (must && grow_locked(p));
	if (pushed)
		push_locked(p, s);
	mutex_unlock(&p->lock);
	if (!pushed)
		page_put(s->page);
	return pushed;
}

static long file_to_pipe(struct file *in, int64_t *pos, struct pipe *p, size_t len, bool may_wait)
{
	bool cached = in->ops->read == generic_file_read && in->inode->mapping;
	long err = lock_with_room(p, may_wait);
	size_t done = 0, room;

	if (err)
		return err;
	room = p->nr_slots - p->used;
	mutex_unlock(&p->lock);
	for (; done < len && room; room--) {
		struct pipe_slice s = { 0 };
		bool again = in->mode & FMODE_SEEK;

		err = cached ? cached_slice(in, *pos, len - done, &s) :
			       read_slice(in, pos, len - done, &s);
		if (err <= 0)
			break;
		if (!push_read(p, &s, !cached))
			break;
		done += s.len;
		if (cached)
			*pos += s.len;
		/* A stream has given what it had; asking again could wait. */
		if (!again || (!cached && s.len < PAGE_SIZE))
			break;
	}
	if (cached)
		file_accessed(in);
	if (done)
		wake_both(p);
	return done ? (long)done : min(err, 0L);
}

/* From pipe to pipe. */

enum transfer { MOVE, DUPLICATE };

static void lock_two(struct pipe *a, struct pipe *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	mutex_lock(a < b ? &b->lock : &a->lock);
}

/* As much as there is and fits. */
static size_t transfer_locked(struct pipe *in, struct pipe *out, size_t len, enum transfer how)
{
	size_t done = 0;

	for (uint32_t i = 0; done < len && i < in->used && out->used < out->nr_slots;) {
		struct pipe_slice *from = pipe_slice(in, i), s;

		if (how == DUPLICATE) {
			s = *from;
			s.len = (uint32_t)min((size_t)s.len, len - done);
			page_ref(s.page);
			from->flags |= SLICE_SHARED;
			s.flags |= SLICE_SHARED;
			i++;
		} else {
			s = cut(from, len - done);
			if (!from->len)
				drop_first_locked(in);
		}
		push_locked(out, &s);
		done += s.len;
	}
	return done;
}

static long pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, bool may_wait,
			 enum transfer how)
{
	for (;;) {
		size_t done = 0;
		bool broken;
		int err = lock_with_data(in, may_wait);

		if (err <= 0)
			return err;
		mutex_unlock(&in->lock);
		err = lock_with_room(out, may_wait);
		if (err)
			return err;
		mutex_unlock(&out->lock);
		lock_two(in, out);
		broken = !out->readers;
		if (!broken)
			done = transfer_locked(in, out, len, how);
		mutex_unlock(&in->lock);
		mutex_unlock(&out->lock);
		if (broken)
			return pipe_broken();
		if (done) {
			wake_both(in);
			wake_both(out);
			return (long)done;
		}
		/* Somebody else was quicker: look again. */
	}
}

/* The calls. */

/* Files that have no place and are no data (eventfd, epoll, ...) have nothing to splice. */
static bool can_splice(const struct file *f)
{
	return f->path.dentry || S_ISREG(f->inode->mode) || S_ISSOCK(f->inode->mode);
}

struct splice_args {
	struct file *in, *out;
	uaddr_t off_in, off_out;
	size_t len;
	unsigned int flags;
};

static bool may_wait(const struct splice_args *a, const struct file *pipe)
{
	return !(a->flags & SPLICE_F_NONBLOCK) && !(pipe->flags & O_NONBLOCK);
}

/* Where a file is read or written: the user's word, or its own position.  0 or -errno. */
static long get_position(struct file *f, uaddr_t user, int64_t *pos)
{
	*pos = f->mode & FMODE_SEEK ? f->position : 0;
	if (!user.v)
		return 0;
	if (!(f->mode & FMODE_SEEK))
		return -EINVAL;
	return get_user(pos, user) ? -EFAULT : 0;
}

static long put_position(struct file *f, uaddr_t user, int64_t pos)
{
	if (user.v)
		return put_user((uint64_t)pos, user);
	if (f->mode & FMODE_SEEK)
		f->position = pos;
	return 0;
}

static long splice_from_pipe(const struct splice_args *a, struct pipe *in)
{
	int64_t pos;
	long n = get_position(a->out, a->off_out, &pos), err;

	if (n)
		return n;
	if ((a->out->flags & O_APPEND) || pos < 0 || !can_splice(a->out) || !a->out->ops->write)
		return -EINVAL;
	n = pipe_to_file(in, a->out, &pos, min(a->len, SPLICE_MAX), may_wait(a, a->in));
	if (n > 0)
		notify_file(a->out, IN_MODIFY);
	err = put_position(a->out, a->off_out, pos);
	return err ? err : n;
}

static long splice_to_pipe(const struct splice_args *a, struct pipe *out)
{
	int64_t pos;
	long n = get_position(a->in, a->off_in, &pos), err;

	if (n)
		return n;
	if (pos < 0 || !can_splice(a->in) || !a->in->ops->read)
		return -EINVAL;
	n = file_to_pipe(a->in, &pos, out, min(a->len, SPLICE_MAX), may_wait(a, a->out));
	if (n > 0)
		notify_file(a->in, IN_ACCESS);
	err = put_position(a->in, a->off_in, pos);
	return err ? err : n;
}

static long do_splice(const struct splice_args *a)
{
	struct pipe *in = pipe_of(a->in), *out = pipe_of(a->out);

	if ((in && a->off_in.v) || (out && a->off_out.v))
		return -ESPIPE;
	if (!(a->in->mode & FMODE_READ) || !(a->out->mode & FMODE_WRITE))
		return -EBADF;
	if (in && out)
		return in == out ? -EINVAL :
			pipe_to_pipe(in, out, min(a->len, SPLICE_MAX),
				     may_wait(a, a->in) && may_wait(a, a->out), MOVE);
	if (in)
		return splice_from_pipe(a, in);
	return out ? splice_to_pipe(a, out) : -EINVAL;
}

static void put_both(struct fd_ref a, struct fd_ref b)
{
	if (a.file)
		fd_put(a);
	if (b.file)
		fd_put(b);
}

long sys_splice(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, size_t len,
		unsigned int flags)
{
	struct fd_ref in, out;
	long n = -EBADF;

	if (!len)
		return 0;
	if (flags & ~(unsigned int)SPLICE_FLAGS)
		return -EINVAL;
	in = fd_get(fd_in);
	out = fd_get(fd_out);
	if (in.file && out.file)
		n = do_splice(&(struct splice_args){ in.file, out.file, off_in, off_out, len,
						     flags });
	put_both(in, out);
	return n;
}

static long do_tee(const struct splice_args *a)
{
	struct pipe *in = pipe_of(a->in), *out = pipe_of(a->out);

	if (!(a->in->mode & FMODE_READ) || !(a->out->mode & FMODE_WRITE))
		return -EBADF;
	if (!in || !out || in == out)
		return -EINVAL;
	return pipe_to_pipe(in, out, min(a->len, SPLICE_MAX),
			    may_wait(a, a->in) && may_wait(a, a->out), DUPLICATE);
}

long sys_tee(int fd_in, int fd_out, size_t len, unsigned int flags)
{
	struct fd_ref in, out;
	long n = -EBADF;

	if (flags & ~(unsigned int)SPLICE_FLAGS)
		return -EINVAL;
	if (!len)
		return 0;
	in = fd_get(fd_in);
	out = fd_get(fd_out);
	if (in.file && out.file)
		n = do_tee(&(struct splice_args){ .in = in.file, .out = out.file, .len = len,
						  .flags = flags });
	put_both(in, out);
	return n;
}

static long user_to_pipe(struct pipe *p, struct iov_iter *from, bool wait)
{
	long n = lock_with_room(p, wait);

	if (n)
		return n;
	n = pipe_write_locked(p, from, 0);
	mutex_unlock(&p->lock);
	wake_both(p);
	return n;
}

static long pipe_to_user(struct pipe *p, struct iov_iter *to, bool wait)
{
	long done = 0, n;

	while (to->count) {
		n = lock_with_data(p, wait && !done);
		if (n <= 0)
			return done ? done : n;
		n = pipe_read_locked(p, to);
		mutex_unlock(&p->lock);
		wake_both(p);
		if (n < 0)
			return done ? done : n;
		done += n;
	}
	return done;
}

static long do_vmsplice(struct file *f, struct iov_iter *it, unsigned int flags)
{
	struct pipe *p = pipe_of(f);
	bool wait = !(flags & SPLICE_F_NONBLOCK) && !(f->flags & O_NONBLOCK);

	if (!it->count)
		return 0;
	if (!p)
		return -EBADF;
	return f->mode & FMODE_WRITE ? user_to_pipe(p, it, wait) : pipe_to_user(p, it, wait);
}

long sys_vmsplice(int fd, uaddr_t iov, unsigned long nr_segs, unsigned int flags)
{
	struct user_vector v;
	struct iov_iter it;
	struct fd_ref r;
	long n;

	if (flags & ~(unsigned int)SPLICE_FLAGS)
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	if (!(r.file->mode & (FMODE_READ | FMODE_WRITE))) {
		fd_put(r);
		return -EBADF;
	}
	n = iov_import(&v, &it, iov, nr_segs);
	if (!n)
		n = do_vmsplice(r.file, &it, flags);
	user_vector_put(&v);
	fd_put(r);
	return n;
}
