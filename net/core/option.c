/* SPDX-License-Identifier: MIT */
/*
 * Options of level SOL_SOCKET.  A table says which are on or off and which are plain numbers; those
 * with a form of their own have functions.  What neither knows goes to the family.
 */
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/process.h>
#include <lib/minmax.h>

#include "core.h"

#define SEND_LIMIT_MIN		4608
#define RECEIVE_LIMIT_MIN	2304
#define PRIORITY_FREE_MAX	6	/* what everybody may ask for */

/* The one place that knows who may administer sockets; becomes a capability of kind NETADM. */
static bool may_administer(void)
{
	return current_cred()->euid == 0;
}

/* On or off: option number to bit, -1 for others. */
static int flag_of(int name)
{
	switch (name) {
	case SO_DEBUG:			return SOCKET_DEBUG;
	case SO_REUSEADDR:		return SOCKET_REUSEADDR;
	case SO_DONTROUTE:		return SOCKET_DONTROUTE;
	case SO_BROADCAST:		return SOCKET_BROADCAST;
	case SO_KEEPALIVE:		return SOCKET_KEEPALIVE;
	case SO_OOBINLINE:		return SOCKET_OOBINLINE;
	case SO_NO_CHECK:		return SOCKET_NO_CHECK;
	case SO_REUSEPORT:		return SOCKET_REUSEPORT;
	case SO_PASSCRED:		return SOCKET_PASSCRED;
	case SO_PASSSEC:		return SOCKET_PASSSEC;
	case SO_RXQ_OVFL:		return SOCKET_RXQ_OVFL;
	case SO_SELECT_ERR_QUEUE:	return SOCKET_SELECT_ERR_QUEUE;
	case SO_NOFCS:			return SOCKET_NOFCS;
	default:			return -1;
	}
}

static void set_flag(struct socket *s, enum socket_flag flag, int on)
{
	if (on)
		__atomic_fetch_or(&s->options, 1u << flag, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&s->options, ~(1u << flag), __ATOMIC_RELAXED);
}

/* The four names of time stamps share three bits. */
static void set_timestamp(struct socket *s, int name, int on)
{
	bool new = name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW;
	bool ns = name == SO_TIMESTAMPNS_OLD || name == SO_TIMESTAMPNS_NEW;

	set_flag(s, SOCKET_TIMESTAMP, on);
	set_flag(s, SOCKET_TIMESTAMP_NS, on && ns);
	set_flag(s, SOCKET_TIMESTAMP_NEW, on && new);
}

static int get_timestamp(const struct socket *s, int name)
{
	bool new = name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW;
	bool ns = name == SO_TIMESTAMPNS_OLD || name == SO_TIMESTAMPNS_NEW;

	return socket_has(s, SOCKET_TIMESTAMP) && socket_has(s, SOCKET_TIMESTAMP_NS) == ns &&
	       socket_has(s, SOCKET_TIMESTAMP_NEW) == new;
}

/* The value is doubled, as on Linux, where it also covers bookkeeping. */
static void set_send_limit(struct socket *s, int value)
{
	value = min(value, INT32_MAX / 2);
	WRITE_ONCE(s->send_limit, (uint32_t)max(value * 2, SEND_LIMIT_MIN));
	waitq_wake_all(&s->writers, POLLOUT | POLLWRNORM | POLLWRBAND);
}

static void set_receive_limit(struct socket *s, int value)
{
	value = min(value, INT32_MAX / 2);
	WRITE_ONCE(s->receive_limit, (uint32_t)max(value * 2, RECEIVE_LIMIT_MIN));
}

/* A negative value is a very large one, and then the most that there may be. */
static int limited(int value, int max_value)
{
	return (int)min((uint32_t)value, (uint32_t)max_value);
}

static int set_buffer(struct socket *s, int name, int value)
{
	bool force = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;

	if (force && !may_administer())
		return -EPERM;
	if (force)
		value = max(value, 0);
	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		set_send_limit(s, force ? value : limited(value, READ_ONCE(socket_wmem_max)));
	else
		set_receive_limit(s, force ? value : limited(value, READ_ONCE(socket_rmem_max)));
	return 0;
}

static int set_linger(struct socket *s, uaddr_t value, int len)
{
	struct linger l;

	if ((size_t)len < sizeof(l))
		return -EINVAL;
	if (copy_from_user(&l, value, sizeof(l)))
		return -EFAULT;
	WRITE_ONCE(s->linger_s, l.l_onoff ? max(l.l_linger, 0) : -1);
	return 0;
}

static int set_timeout(int64_t *timeout_ns, uaddr_t value, int len)
{
	struct timeval tv;
	int64_t ns;

	if ((size_t)len < sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, value, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	ns = timespec_to_ns((struct timespec){ tv.tv_sec, tv.tv_usec * 1000 });
	WRITE_ONCE(*timeout_ns, tv.tv_sec < 0 ? 0 : ns ? ns : WAIT_FOREVER);
	return 0;
}

static int set_priority(struct socket *s, int value)
{
	if ((value < 0 || value > PRIORITY_FREE_MAX) && !may_administer())
		return -EPERM;
	WRITE_ONCE(s->priority, value);
	return 0;
}

/* Those that are one number. */
static int set_number(struct socket *s, int name, int value)
{
	switch (name) {
	case SO_SNDBUF: case SO_SNDBUFFORCE: case SO_RCVBUF: case SO_RCVBUFFORCE:
		return set_buffer(s, name, value);
	case SO_RCVLOWAT:
		WRITE_ONCE(s->receive_low, value < 0 ? INT32_MAX : value ? (uint32_t)value : 1);
		return 0;
	case SO_PRIORITY:
		return set_priority(s, value);
	case SO_MARK:
		if (!may_administer())
			return -EPERM;
		WRITE_ONCE(s->mark, (uint32_t)value);
		return 0;
	case SO_TIMESTAMP_OLD: case SO_TIMESTAMP_NEW: case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW:
		set_timestamp(s, name, value);
		return 0;
	case SO_DEBUG:
		if (value && !may_administer())
			return -EACCES;
		break;
	case SO_BSDCOMPAT:		/* has had no effect for ages */
		return 0;
	case SO_REUSEPORT:
		if (value && s->family != AF_INET && s->family != AF_INET6)
			return -EOPNOTSUPP;
		break;
	case SO_DETACH_FILTER:		/* there never is one */
		return -ENOENT;
	default:
		break;
	}
	if (flag_of(name) < 0)
		return -ENOPROTOOPT;
	set_flag(s, (enum socket_flag)flag_of(name), value);
	return 0;
}

static int set_socket_option(struct socket *s, int name, uaddr_t value, int len)
{
	int number, err;

	if ((size_t)len < sizeof(number))
		return -EINVAL;
	if (get_user((uint32_t *)&number, value))
		return -EFAULT;
	switch (name) {
	case SO_LINGER:
		return set_linger(s, value, len);
	case SO_RCVTIMEO_OLD: case SO_RCVTIMEO_NEW:
		return set_timeout(&s->receive_timeout_ns, value, len);
	case SO_SNDTIMEO_OLD: case SO_SNDTIMEO_NEW:
		return set_timeout(&s->send_timeout_ns, value, len);
	default:
		break;
	}
	err = set_number(s, name, number);
	if (err == -ENOPROTOOPT && s->ops->set_option)
		err = s->ops->set_option(s, SOL_SOCKET, name, value, len);
	return err;
}

long sys_setsockopt(int fd, int level, int optname, uaddr_t optval, int optlen)
{
	struct socket *s;
	int err;
	struct fd_ref r;

	if (optlen < 0)
		return -EINVAL;
	r = socket_fd_get(fd, &err);
	if (!r.file)
		return err;
	s = socket_of(r.file);
	if (level == SOL_SOCKET)
		err = set_socket_option(s, optname, optval, optlen);
	else
		err = s->ops->set_option ? s->ops->set_option(s, level, optname, optval, optlen) :
		      -EOPNOTSUPP;
	fd_put(r);
	return err;
}

int socket_get_value(uaddr_t value, uaddr_t user_len, const void *data, size_t len)
{
	int32_t room;

	if (get_user((uint32_t *)&room, user_len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	len = min(len, (size_t)room);
	if (copy_to_user(value, data, len))
		return -EFAULT;
	return put_user((uint32_t)len, user_len);
}

static struct timeval timeout_value(int64_t ns)
{
	struct timespec ts = ns_to_timespec(ns == WAIT_FOREVER ? 0 : ns);

	return (struct timeval){ ts.tv_sec, ts.tv_nsec / 1000 };
}

/* SO_PEERNAME wants all of the address that was asked for to be there. */
static int get_peer_name(struct socket *s, uaddr_t value, uaddr_t user_len)
{
	struct socket_address a = { 0 };
	int32_t room;

	if (get_user((uint32_t *)&room, user_len))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (s->ops->name(s, &a, SOCKET_PEER))
		return -ENOTCONN;
	if (a.len < (uint32_t)room)
		return -EINVAL;
	return copy_to_user(value, &a.storage, (size_t)room);
}

static int get_cookie(struct socket *s, uaddr_t value, uaddr_t user_len)
{
	static uint64_t last_cookie;	/* [A] */
	uint64_t fresh, none = 0;
	int32_t room;

	if (get_user((uint32_t *)&room, user_len))
		return -EFAULT;
	if (room < (int32_t)sizeof(fresh))
		return -EINVAL;
	if (!READ_ONCE(s->cookie)) {
		fresh = __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
		(void)try_cmpxchg(&s->cookie, &none, fresh);
	}
	return socket_get_value(value, user_len, &s->cookie, sizeof(s->cookie));
}

/* Those that are one number: it, or -ENOPROTOOPT. */
static int get_number(struct socket *s, int name, int *value)
{
	switch (name) {
	case SO_TYPE:		*value = s->type; return 0;
	case SO_PROTOCOL:	*value = s->protocol; return 0;
	case SO_DOMAIN:		*value = s->family; return 0;
	case SO_ERROR:		*value = -socket_take_error(s); return 0;
	case SO_SNDBUF:		*value = (int)READ_ONCE(s->send_limit); return 0;
	case SO_RCVBUF:		*value = (int)READ_ONCE(s->receive_limit); return 0;
	case SO_RCVLOWAT:	*value = (int)READ_ONCE(s->receive_low); return 0;
	case SO_SNDLOWAT:	*value = 1; return 0;
	case SO_PRIORITY:	*value = READ_ONCE(s->priority); return 0;
	case SO_MARK:		*value = (int)READ_ONCE(s->mark); return 0;
	case SO_BSDCOMPAT:	*value = 0; return 0;
	case SO_ACCEPTCONN:
		*value = s->ops->is_listening && s->ops->is_listening(s);
		return 0;
	case SO_TIMESTAMP_OLD: case SO_TIMESTAMP_NEW: case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW:
		*value = get_timestamp(s, name);
		return 0;
	default:
		if (flag_of(name) < 0)
			return -ENOPROTOOPT;
		*value = socket_has(s, (enum socket_flag)flag_of(name));
		return 0;
	}
}

static int get_socket_option(struct socket *s, int name, uaddr_t value, uaddr_t len)
{
	struct linger l;
	struct timeval tv;
	int number, err;

	switch (name) {
	case SO_LINGER:
		l.l_onoff = READ_ONCE(s->linger_s) >= 0;
		l.l_linger = max(READ_ONCE(s->linger_s), 0);
		return socket_get_value(value, len, &l, sizeof(l));
	case SO_RCVTIMEO_OLD: case SO_RCVTIMEO_NEW:
		tv = timeout_value(READ_ONCE(s->receive_timeout_ns));
		return socket_get_value(value, len, &tv, sizeof(tv));
	case SO_SNDTIMEO_OLD: case SO_SNDTIMEO_NEW:
		tv = timeout_value(READ_ONCE(s->send_timeout_ns));
		return socket_get_value(value, len, &tv, sizeof(tv));
	case SO_PEERNAME:
		return get_peer_name(s, value, len);
	case SO_COOKIE:
		return get_cookie(s, value, len);
	default:
		break;
	}
	err = get_number(s, name, &number);
	if (!err)
		return socket_get_value(value, len, &number, sizeof(number));
	return s->ops->get_option ? s->ops->get_option(s, SOL_SOCKET, name, value, len) : err;
}

long sys_getsockopt(int fd, int level, int optname, uaddr_t optval, uaddr_t optlen)
{
	struct socket *s;
	int err;
	struct fd_ref r = socket_fd_get(fd, &err);

	if (!r.file)
		return err;
	s = socket_of(r.file);
	if (level == SOL_SOCKET)
		err = get_socket_option(s, optname, optval, optlen);
	else
		err = s->ops->get_option ? s->ops->get_option(s, level, optname, optval, optlen) :
		      -EOPNOTSUPP;
	fd_put(r);
	return err;
}
