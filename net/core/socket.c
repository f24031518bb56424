/* SPDX-License-Identifier: MIT */
/*
 * Sockets as files: families, life, waiting, and the operations of struct file.
 * Before: <net/socket.h>.  After: sys_socket.c, sys_message.c, option.c.
 */
#include <fs/pseudo.h>
#include <fs/seq_file.h>
#include <kernel/clock.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/assert.h>
#include <lib/string.h>

#include "core.h"

#define BUFFER_DEFAULT	212992		/* as Linux; SO_SNDBUF and SO_RCVBUF of a new socket */

int socket_somaxconn = SOMAXCONN;
int socket_wmem_default = BUFFER_DEFAULT, socket_wmem_max = BUFFER_DEFAULT;
int socket_rmem_default = BUFFER_DEFAULT, socket_rmem_max = BUFFER_DEFAULT;

void socket_init(struct socket *s, const struct socket_ops *ops, uint8_t type, int protocol)
{
	memset(s, 0, sizeof(*s));
	s->ops = ops;
	refcount_set(&s->refs, 1);
	s->type = type;
	s->protocol = (uint16_t)protocol;
	s->send_limit = (uint32_t)READ_ONCE(socket_wmem_default);
	s->receive_limit = (uint32_t)READ_ONCE(socket_rmem_default);
	s->receive_low = 1;
	s->send_timeout_ns = s->receive_timeout_ns = WAIT_FOREVER;
	s->linger_s = -1;
	waitq_init(&s->readers);
	waitq_init(&s->writers);
}

void socket_put(struct socket *s)
{
	if (refcount_dec_and_test(&s->refs))
		s->ops->free(s);
}

void socket_discard(struct socket *s)
{
	s->ops->release(s);
	socket_put(s);
}

struct file *socket_file_create(struct socket *s, uint32_t flags)
{
	struct inode *inode = pseudo_inode_alloc(S_IFSOCK | S_IRWXUGO);
	struct file *f;

	if (!inode)
		return ERR_PTR(-ENFILE);
	f = pseudo_file_create(inode, &socket_file_ops, s, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f))
		return f;
	WRITE_ONCE(s->ino, inode->ino);
	smp_store_release(&s->file, f);
	return f;
}

struct fd_ref socket_fd_get(int fd, int *err)
{
	struct fd_ref r = fd_get(fd);

	*err = -EBADF;
	if (likely(r.file) && unlikely(!socket_of(r.file))) {
		*err = -ENOTSOCK;
		fd_put(r);
		r.file = NULL;
	}
	return r;
}

/* Waiting. */

int socket_wait_begin(struct socket_wait *w)
{
	if (!w->timeout_ns)
		return -EAGAIN;
	if (w->deadline < 0)
		w->deadline = w->timeout_ns == WAIT_FOREVER ? WAIT_FOREVER :
			      clock_deadline(w->timeout_ns);
	return 0;
}

/* A call with a timeout is not restarted: it would wait for the whole time again. */
int socket_wait_result(const struct socket_wait *w, int err)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	if (err == -ERESTARTSYS && w->deadline != WAIT_FOREVER)
		return -EINTR;
	return err;
}

void socket_uncharge(struct socket *s, uint32_t bytes)
{
	uint32_t used = __atomic_sub_fetch(&s->send_used, bytes, __ATOMIC_RELAXED);

	if ((uint64_t)used * 4 <= READ_ONCE(s->send_limit) && waitq_is_active(&s->writers))
		waitq_wake_sync(&s->writers, POLLOUT | POLLWRNORM | POLLWRBAND);
}

/* struct file. */

static ssize_t socket_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct socket *s = f->priv;
	struct socket_msg m = {
		.data = to,
		.flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0,
	};

	if (unlikely(!to->count))
		return 0;
	return s->ops->receive ? s->ops->receive(s, &m) : -EOPNOTSUPP;
}

static ssize_t socket_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct socket *s = f->priv;
	struct socket_msg m = {
		.data = from,
		.flags = f->flags & O_NONBLOCK ? MSG_DONTWAIT : 0,
	};

	return s->ops->send ? s->ops->send(s, &m) : -EOPNOTSUPP;
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->priv;

	return s->ops->poll(s, f, pt);
}

static long socket_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct socket *s = f->priv;

	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static void socket_flush(struct file *f)
{
	struct socket *s = f->priv;

	if (s->ops->descriptor_closed)
		s->ops->descriptor_closed(s);
}

static void socket_release(struct file *f)
{
	struct socket *s = f->priv;

	s->ops->release(s);
	WRITE_ONCE(s->file, NULL);
	socket_put(s);
}

static void socket_show_fdinfo(struct file *f, struct seq_file *m)
{
	struct socket *s = f->priv;

	if (s->ops->show_fdinfo)
		s->ops->show_fdinfo(s, m);
}

const struct file_ops socket_file_ops = {
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.flush = socket_flush,
	.release = socket_release,
	.show_fdinfo = socket_show_fdinfo,
	.name = "socket",
};
