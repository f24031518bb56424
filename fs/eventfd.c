/* SPDX-License-Identifier: MIT */
/*
 * eventfd: a 64-bit counter that can be waited for.
 */
#include <fs/poll.h>
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/eventfd.h>

struct eventfd {
	struct spinlock lock;		/* class RING */
	uint64_t count;			/* [L] never UINT64_MAX */
	bool semaphore;			/* [I] */
	struct waitq readers, writers;
};

/* Take from the counter: 0 when there is nothing. */
static uint64_t take(struct eventfd *e)
{
	uint64_t n;

	spin_lock(&e->lock);
	n = e->semaphore ? e->count != 0 : e->count;
	e->count -= n;
	spin_unlock(&e->lock);
	return n;
}

static ssize_t eventfd_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct eventfd *e = f->priv;
	uint64_t n;
	int err;

	if (to->count < sizeof(n))
		return -EINVAL;
	while (!(n = take(e))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_exclusive(&e->readers, READ_ONCE(e->count));
		if (err)
			return err;
	}
	if (waitq_is_active(&e->writers))
		waitq_wake(&e->writers, POLLOUT | POLLWRNORM);
	return iov_copy_to(to, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static bool add(struct eventfd *e, uint64_t n)
{
	bool fits;

	spin_lock(&e->lock);
	fits = n < UINT64_MAX - e->count;
	if (fits)
		e->count += n;
	spin_unlock(&e->lock);
	return fits;
}

static ssize_t eventfd_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct eventfd *e = f->priv;
	uint64_t n;
	int err;

	if (from->count < sizeof(n))
		return -EINVAL;
	if (iov_copy_from(from, &n, sizeof(n)) != sizeof(n))
		return -EFAULT;
	if (n == UINT64_MAX)
		return -EINVAL;
	while (!add(e, n)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_exclusive(&e->writers, n < UINT64_MAX - READ_ONCE(e->count));
		if (err)
			return err;
	}
	if (waitq_is_active(&e->readers))
		waitq_wake_sync(&e->readers, POLLIN | POLLRDNORM);
	return sizeof(n);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->priv;
	uint64_t count;

	poll_wait(f, &e->readers, pt);
	poll_wait(f, &e->writers, pt);
	count = READ_ONCE(e->count);
	return (count ? POLLIN | POLLRDNORM : 0U) |
	       (count < UINT64_MAX - 1 ? POLLOUT | POLLWRNORM : 0U);
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static void eventfd_fdinfo(struct file *f, struct seq_file *m)
{
	struct eventfd *e = f->priv;

	seq_printf(m, "eventfd-count: %16llx\n", (unsigned long long)e->count);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read, .seek = noop_seek, .write = eventfd_write, .poll = eventfd_poll,
	.release = eventfd_release, .show_fdinfo = eventfd_fdinfo, .name = "[eventfd]",
};

long sys_eventfd2(unsigned int count, unsigned int flags)
{
	struct eventfd *e;
	struct file *f;

	if (flags & ~(unsigned int)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), 0);
	if (!e)
		return -ENOMEM;
	spinlock_init(&e->lock, RING);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	waitq_init(&e->readers);
	waitq_init(&e->writers);
	f = file_create_anonymous(&eventfd_ops, e, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(e);
		return PTR_ERR(f);
	}
	return fd_install_new(f, flags & O_CLOEXEC);
}

long sys_eventfd(unsigned int count)
{
	return sys_eventfd2(count, 0);
}
