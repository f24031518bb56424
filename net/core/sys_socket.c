/* SPDX-License-Identifier: MIT */
/*
 * Calls that make, name and connect sockets.  The table of families is here: one slot for each
 * AF_* number of the ABI; a family that is not registered answers EAFNOSUPPORT.
 */
#include <generated/syscall_protos.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "core.h"

#define TYPE_MAX	11		/* SOCK_PACKET is the last */

static const struct socket_family *families[AF_MAX];	/* [A] set at boot */

void socket_register_family(const struct socket_family *f)
{
	if (f->family >= AF_MAX || families[f->family])
		panic("net: address family %u registered twice", f->family);
	smp_store_release(&families[f->family], f);
}

int socket_address_get(struct socket_address *a, uaddr_t user, int len)
{
	memset(a, 0, sizeof(*a));
	if (len < 0 || (size_t)len > sizeof(a->storage))
		return -EINVAL;
	a->len = (uint32_t)len;
	return len ? copy_from_user(&a->storage, user, (size_t)len) : 0;
}

int socket_address_put(const struct socket_address *a, uaddr_t user, uaddr_t user_len)
{
	uint32_t room;

	if (get_user(&room, user_len))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	room = min(room, a->len);
	if (room && copy_to_user(user, &a->storage, room))
		return -EFAULT;
	return put_user(a->len, user_len);
}

static struct socket *create(int family, int type, int protocol)
{
	const struct socket_family *f;

	if ((unsigned int)family >= AF_MAX)
		return ERR_PTR(-EAFNOSUPPORT);
	if (type >= TYPE_MAX)
		return ERR_PTR(-EINVAL);
	f = smp_load_acquire(&families[family]);
	if (!f)
		return ERR_PTR(-EAFNOSUPPORT);
	return f->create((uint8_t)type, protocol);
}

static bool type_flags_ok(int type)
{
	return !(type & ~(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK));
}

/* The file of a new socket; takes over the reference, also on failure. */
static struct file *create_file(struct socket *s, uint32_t flags)
{
	struct file *f;

	if (IS_ERR(s))
		return ERR_CAST(s);
	f = socket_file_create(s, flags);
	if (IS_ERR(f))
		socket_discard(s);
	return f;
}

long sys_socket(int family, unsigned int type, int protocol)
{
	struct file *f;

	if (!type_flags_ok((int)type))
		return -EINVAL;
	f = create_file(create(family, type & SOCK_TYPE_MASK, protocol), type);
	return IS_ERR(f) ? PTR_ERR(f) : fd_install_new(f, type & O_CLOEXEC);
}

static int create_pair(int family, unsigned int type, int protocol, struct file *files[2])
{
	struct socket *a, *b;
	int err;

	files[0] = create_file(create(family, type & SOCK_TYPE_MASK, protocol), type);
	if (IS_ERR(files[0]))
		return (int)PTR_ERR(files[0]);
	files[1] = create_file(create(family, type & SOCK_TYPE_MASK, protocol), type);
	if (IS_ERR(files[1])) {
		err = (int)PTR_ERR(files[1]);
		goto put_first;
	}
	a = socket_of(files[0]);
	b = socket_of(files[1]);
	err = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
	if (!err)
		return 0;
	file_put(files[1]);
put_first:
	file_put(files[0]);
	return err;
}

/* As on Linux the numbers are written first: a bad pointer is told before anything else. */
long sys_socketpair(int family, unsigned int type, int protocol, uaddr_t fds)
{
	struct file *files[2] = { NULL, NULL };
	int fd[2], err;

	if (!type_flags_ok((int)type))
		return -EINVAL;
	err = fd[0] = fd_reserve(0, type & O_CLOEXEC);
	if (err < 0)
		return err;
	err = fd[1] = fd_reserve(0, type & O_CLOEXEC);
	if (err < 0)
		goto unreserve_first;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (!err)
		err = create_pair(family, type, protocol, files);
	if (err)
		goto unreserve_both;
	fd_install(fd[0], files[0]);
	fd_install(fd[1], files[1]);
	return 0;
unreserve_both:
	fd_unreserve(fd[1]);
unreserve_first:
	fd_unreserve(fd[0]);
	return err;
}

long sys_bind(int fd, uaddr_t addr, int addrlen)
{
	struct socket_address a;
	struct socket *s;
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);

	if (!r.file)
		return err;
	s = socket_of(r.file);
	err = socket_address_get(&a, addr, addrlen);
	if (!err)
		err = s->ops->bind ? s->ops->bind(s, &a) : -EOPNOTSUPP;
	fd_put(r);
	return err;
}

long sys_connect(int fd, uaddr_t addr, int addrlen)
{
	struct socket_address a;
	struct socket *s;
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);

	if (!r.file)
		return err;
	s = socket_of(r.file);
	err = socket_address_get(&a, addr, addrlen);
	if (!err)
		err = s->ops->connect ? s->ops->connect(s, &a, r.file->flags & O_NONBLOCK) :
		      -EOPNOTSUPP;
	fd_put(r);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct socket *s;
	int err, max;
	struct fd_ref r = socket_fd_get(fd, &err);

	if (!r.file)
		return err;
	s = socket_of(r.file);
	max = READ_ONCE(socket_somaxconn);
	if ((unsigned int)backlog > (unsigned int)max)
		backlog = max;
	err = s->ops->listen ? s->ops->listen(s, backlog) : -EOPNOTSUPP;
	fd_put(r);
	return err;
}

/* The address of who connected; the connection is lost when it cannot be told. */
static int put_peer(struct socket *s, uaddr_t addr, uaddr_t addrlen)
{
	struct socket_address a;

	if (!addr.v)
		return 0;
	memset(&a, 0, sizeof(a));
	if (s->ops->name(s, &a, SOCKET_PEER))
		return -ECONNABORTED;
	return socket_address_put(&a, addr, addrlen);
}

static long accept_file(struct file *listener, uaddr_t addr, uaddr_t addrlen, unsigned int flags)
{
	struct socket *s = socket_of(listener), *new;
	struct file *f;
	long fd = fd_reserve(0, flags & O_CLOEXEC), err;

	if (fd < 0)
		return fd;
	new = s->ops->accept ? s->ops->accept(s, listener->flags & O_NONBLOCK) :
	      ERR_PTR(-EOPNOTSUPP);
	f = create_file(new, flags);
	err = PTR_ERR_OR_ZERO(f);
	if (!err) {
		err = put_peer(new, addr, addrlen);
		if (err)
			file_put(f);
	}
	if (err) {
		fd_unreserve((int)fd);
		return err;
	}
	fd_install((int)fd, f);
	return fd;
}

long sys_accept4(int fd, uaddr_t addr, uaddr_t addrlen, unsigned int flags)
{
	int err;
	struct fd_ref r;
	long ret;

	if (flags & ~(unsigned int)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	r = socket_fd_get(fd, &err);
	if (!r.file)
		return err;
	ret = accept_file(r.file, addr, addrlen, flags);
	fd_put(r);
	return ret;
}

long sys_accept(int fd, uaddr_t addr, uaddr_t addrlen)
{
	return sys_accept4(fd, addr, addrlen, 0);
}

static long get_name(int fd, uaddr_t addr, uaddr_t addrlen, enum socket_name which)
{
	struct socket_address a;
	struct socket *s;
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);

	if (!r.file)
		return err;
	s = socket_of(r.file);
	memset(&a, 0, sizeof(a));
	err = s->ops->name(s, &a, which);
	if (!err)
		err = socket_address_put(&a, addr, addrlen);
	fd_put(r);
	return err;
}

long sys_getsockname(int fd, uaddr_t addr, uaddr_t addrlen)
{
	return get_name(fd, addr, addrlen, SOCKET_LOCAL);
}

long sys_getpeername(int fd, uaddr_t addr, uaddr_t addrlen)
{
	return get_name(fd, addr, addrlen, SOCKET_PEER);
}

long sys_shutdown(int fd, int how)
{
	struct socket *s;
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);

	if (!r.file)
		return err;
	s = socket_of(r.file);
	if ((unsigned int)how > SHUT_RDWR)
		err = -EINVAL;
	else		/* SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2: one less than the bits */
		err = s->ops->shutdown ? s->ops->shutdown(s, (uint32_t)how + 1) : -EOPNOTSUPP;
	fd_put(r);
	return err;
}
