/* SPDX-License-Identifier: MIT */
/*
 * Calls that send and receive: sendto, sendmsg, sendmmsg and their opposites.  A message header is
 * read once; what goes back is written field by field, after the message was taken.
 */
#include <fs/iov.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "core.h"

#define CONTROL_MAX	20480		/* as Linux's net.core.optmem_max */

static ssize_t send(struct file *f, struct socket_msg *m)
{
	struct socket *s = socket_of(f);

	if (f->flags & O_NONBLOCK)
		m->flags |= MSG_DONTWAIT;
	return s->ops->send ? s->ops->send(s, m) : -EOPNOTSUPP;
}

static ssize_t receive(struct file *f, struct socket_msg *m)
{
	struct socket *s = socket_of(f);

	if (f->flags & O_NONBLOCK)
		m->flags |= MSG_DONTWAIT;
	return s->ops->receive ? s->ops->receive(s, m) : -EOPNOTSUPP;
}

static int one_buffer(struct iov_iter *it, uaddr_t buf, size_t len)
{
	len = min(len, RW_MAX);
	if (unlikely(!user_range_ok(buf, len)))
		return -EFAULT;
	iov_iter_user(it, buf, len);
	return 0;
}

long sys_sendto(int fd, uaddr_t buf, size_t len, unsigned int flags, uaddr_t addr, int addrlen)
{
	struct socket_address a;
	struct iov_iter it;
	struct socket_msg m = { .data = &it, .flags = flags };
	struct fd_ref r;
	int err = one_buffer(&it, buf, len);
	long n;

	if (err)
		return err;
	r = socket_fd_get(fd, &err);
	if (!r.file)
		return err;
	n = 0;
	if (addr.v) {
		n = socket_address_get(&a, addr, addrlen);
		m.address = a.len ? &a : NULL;
	}
	if (!n)
		n = send(r.file, &m);
	fd_put(r);
	return n;
}

long sys_recvfrom(int fd, uaddr_t buf, size_t len, unsigned int flags, uaddr_t addr,
		  uaddr_t addrlen)
{
	struct socket_address a;
	struct iov_iter it;
	struct socket_msg m = { .data = &it, .flags = flags };
	struct fd_ref r;
	int err = one_buffer(&it, buf, len);
	long n;

	if (err)
		return err;
	r = socket_fd_get(fd, &err);
	if (!r.file)
		return err;
	if (addr.v) {
		memset(&a, 0, sizeof(a));
		m.address = &a;
	}
	n = receive(r.file, &m);
	if (n >= 0 && addr.v) {
		err = socket_address_put(&a, addr, addrlen);
		if (err)
			n = err;
	}
	fd_put(r);
	return n;
}

/* A message header and what it refers to. */
struct message {
	struct msghdr header;
	struct user_vector vector;
	struct iov_iter it;
	struct socket_address address;
	uint64_t few[16];		/* the usual control messages fit */
	void *control;			/* few, or allocated */
};

/* The header and the vector; put_message() in any case. */
static int get_message(struct message *m, uaddr_t user)
{
	m->control = NULL;
	m->vector.all = m->vector.few;
	if (copy_from_user(&m->header, user, sizeof(m->header)))
		return -EFAULT;
	if (!m->header.msg_name)
		m->header.msg_namelen = 0;
	if (m->header.msg_namelen < 0)
		return -EINVAL;
	m->header.msg_namelen = min(m->header.msg_namelen,
				    (int32_t)sizeof(struct sockaddr_storage));
	if (m->header.msg_iovlen > UIO_MAXIOV)
		return -EMSGSIZE;
	return iov_import(&m->vector, &m->it, UADDR(m->header.msg_iov), m->header.msg_iovlen);
}

static int get_control(struct message *m)
{
	size_t len = m->header.msg_controllen;

	if (!len)
		return 0;
	if (len > CONTROL_MAX)
		return -ENOBUFS;
	m->control = len <= sizeof(m->few) ? m->few : kmalloc(len, 0);
	if (!m->control)
		return -ENOBUFS;
	return copy_from_user(m->control, UADDR(m->header.msg_control), len);
}

static void put_message(struct message *m)
{
	if (m->control && m->control != m->few)
		kfree(m->control);
	user_vector_put(&m->vector);
}

static long send_message(struct file *f, uaddr_t user, unsigned int flags)
{
	struct socket_msg sm = { .flags = flags };
	struct message m;
	long n = get_message(&m, user);

	if (!n)
		n = socket_address_get(&m.address, UADDR(m.header.msg_name), m.header.msg_namelen);
	if (!n)
		n = get_control(&m);
	if (!n) {
		sm.data = &m.it;
		sm.address = m.address.len ? &m.address : NULL;
		sm.control = m.control;
		sm.control_len = m.header.msg_controllen;
		n = send(f, &sm);
	}
	put_message(&m);
	return n;
}

static uaddr_t field(uaddr_t message, size_t offset)
{
	return uaddr_add(message, offset);
}

/* The fields that a receiver finds changed. */
static int put_results(const struct message *m, const struct socket_msg *sm, uaddr_t user)
{
	uint64_t used = m->header.msg_controllen - sm->control_len;
	int err = 0;

	if (m->header.msg_name)
		err = socket_address_put(&m->address, UADDR(m->header.msg_name),
					 field(user, offsetof(struct msghdr, msg_namelen)));
	if (!err)
		err = put_user(sm->result, field(user, offsetof(struct msghdr, msg_flags)));
	if (!err)
		err = put_user(used, field(user, offsetof(struct msghdr, msg_controllen)));
	return err;
}

static long receive_message(struct file *f, uaddr_t user, unsigned int flags)
{
	struct socket_msg sm = { .flags = flags, .result = flags & MSG_CMSG_CLOEXEC };
	struct message m;
	long n = get_message(&m, user);
	int err;

	if (!n) {
		memset(&m.address, 0, sizeof(m.address));
		sm.data = &m.it;
		sm.address = m.header.msg_name ? &m.address : NULL;
		sm.control_out = UADDR(m.header.msg_control);
		sm.control_len = m.header.msg_control ? m.header.msg_controllen : 0;
		if (!m.header.msg_control)
			m.header.msg_controllen = 0;
		n = receive(f, &sm);
	}
	if (n >= 0) {
		err = put_results(&m, &sm, user);
		if (err)
			n = err;
	}
	put_message(&m);
	return n;
}

long sys_sendmsg(int fd, uaddr_t msg, unsigned int flags)
{
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);
	long n;

	if (!r.file)
		return err;
	n = send_message(r.file, msg, flags);
	fd_put(r);
	return n;
}

long sys_recvmsg(int fd, uaddr_t msg, unsigned int flags)
{
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);
	long n;

	if (!r.file)
		return err;
	n = receive_message(r.file, msg, flags);
	fd_put(r);
	return n;
}

static uaddr_t nth(uaddr_t vector, unsigned int i)
{
	return uaddr_add(vector, i * sizeof(struct mmsghdr));
}

static int put_length(uaddr_t entry, long n)
{
	return put_user((uint32_t)n, uaddr_add(entry, offsetof(struct mmsghdr, msg_len)));
}

long sys_sendmmsg(int fd, uaddr_t msgvec, unsigned int vlen, unsigned int flags)
{
	unsigned int i;
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);
	long n = 0;

	if (!r.file)
		return err;
	vlen = min(vlen, (unsigned int)UIO_MAXIOV);
	for (i = 0; i < vlen; i++) {
		n = send_message(r.file, nth(msgvec, i), flags);
		if (n >= 0)
			n = put_length(nth(msgvec, i), n);
		if (n < 0)
			break;
	}
	fd_put(r);
	return i ? (long)i : n;
}

/* The time left until @deadline goes back to the caller; true: there is none. */
static bool time_is_up(int64_t deadline, struct timespec *left)
{
	if (deadline == WAIT_FOREVER)
		return false;
	*left = ns_to_timespec(max(deadline - clock_ns(), (int64_t)0));
	return !left->tv_sec && !left->tv_nsec;
}

/* As many as come before @deadline, which is looked at between messages only, as on Linux. */
static long receive_many(struct file *f, uaddr_t vector, unsigned int vlen, unsigned int flags,
			 int64_t deadline, struct timespec *left)
{
	struct socket *s = socket_of(f);
	unsigned int i = 0;
	long n = socket_take_error(s);

	if (n)
		return n;
	while (i < vlen) {
		n = receive_message(f, nth(vector, i), flags & ~(unsigned int)MSG_WAITFORONE);
		if (n >= 0)
			n = put_length(nth(vector, i), n);
		if (n < 0)
			break;
		i++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (time_is_up(deadline, left))
			break;
	}
	/* What came counts; the error is for the next call. */
	if (i && n < 0 && n != -EAGAIN && n > -512)
		WRITE_ONCE(s->error, (int32_t)-n);
	return i ? (long)i : n;
}

long sys_recvmmsg(int fd, uaddr_t msgvec, unsigned int vlen, unsigned int flags, uaddr_t timeout)
{
	int64_t deadline = WAIT_FOREVER;
	struct timespec left = { 0 };
	struct fd_ref r;
	int err;
	long n;

	if (timeout.v) {
		if (copy_from_user(&left, timeout, sizeof(left)))
			return -EFAULT;
		if (!timespec_is_valid(left))
			return -EINVAL;
		deadline = clock_deadline(timespec_to_ns(left));
	}
	r = socket_fd_get(fd, &err);
	if (!r.file)
		return err;
	n = receive_many(r.file, msgvec, vlen, flags, deadline, &left);
	fd_put(r);
	if (n > 0 && timeout.v && copy_to_user(timeout, &left, sizeof(left)))
		n = -EFAULT;
	return n;
}
