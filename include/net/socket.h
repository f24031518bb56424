/* SPDX-License-Identifier: MIT */
/*
 * Sockets: what all address families share.  A family embeds struct socket in its own object and
 * gives operations; system calls, options of level SOL_SOCKET and struct file are net/core's.
 *
 * Life: a socket is counted.  Its file holds one reference, and calls ops->release before it drops
 * it; a family may keep the socket longer (a peer, a queued message, a connection that is closing).
 * A connection that nobody accepted yet has no file.
 *
 * Calls that wait take their limit from the message's MSG_DONTWAIT (set by net/core for a
 * non-blocking file) and the socket's timeouts: socket_wait().
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include <fs/poll.h>
#include <kernel/file.h>
#include <kernel/sched.h>
#include <kernel/waitq.h>
#include <lib/atomic.h>
#include <mm/uaccess.h>
#include <uapi/socket.h>
#include <uapi/un.h>

struct inode;
struct socket;

/* A kernel copy of a user's address, or one on its way out. */
struct socket_address {
	uint32_t len;			/* 0: none.  Out: the full length, even where it is cut */
	union {
		uint16_t family;
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	};
	uint8_t zeros[8];		/* ends a name that fills the storage */
};

/* One sendmsg or recvmsg. */
struct socket_msg {
	struct iov_iter *data;
	uint32_t flags;			/* MSG_* as asked, and MSG_DONTWAIT for O_NONBLOCK files */
	uint32_t result;		/* receive: MSG_TRUNC, MSG_CTRUNC, ... */
	/* send: where to, NULL: the peer.  receive: filled with the source, NULL: not wanted */
	struct socket_address *address;
	/* send: a kernel copy of the control messages */
	const void *control;
	/* receive: where control messages go; control_len is what is left there */
	uaddr_t control_out;
	size_t control_len;
};

enum socket_name { SOCKET_LOCAL, SOCKET_PEER };

/*
 * What a family can do.  NULL fails with EOPNOTSUPP.  All may sleep; the socket's file, where there
 * is one, stays open for the length of the call.
 */
struct socket_ops {
	int (*bind)(struct socket *s, const struct socket_address *a);
	/* @flags: O_NONBLOCK or 0 */
	int (*connect)(struct socket *s, const struct socket_address *a, uint32_t flags);
	int (*pair)(struct socket *a, struct socket *b);
	int (*listen)(struct socket *s, int backlog);
	/* A connection, whose reference passes to the caller; error pointer. */
	struct socket *(*accept)(struct socket *s, uint32_t flags);
	int (*name)(struct socket *s, struct socket_address *a, enum socket_name which);
	int (*shutdown)(struct socket *s, uint32_t sides);
	/* Bytes, or -errno; -EPIPE makes no signal here: the family sends it. */
	ssize_t (*send)(struct socket *s, struct socket_msg *m);
	ssize_t (*receive)(struct socket *s, struct socket_msg *m);
	uint32_t (*poll)(struct socket *s, struct file *f, struct poll_table *pt);
	long (*ioctl)(struct socket *s, unsigned int cmd, uint64_t arg);
	/* Options of other levels than SOL_SOCKET, and those of it that net/core leaves. */
	int (*set_option)(struct socket *s, int level, int name, uaddr_t value, int len);
	int (*get_option)(struct socket *s, int level, int name, uaddr_t value, uaddr_t len);
	bool (*is_listening)(const struct socket *s);
	void (*descriptor_closed)(struct socket *s);	/* one of them: others may be left */
	void (*release)(struct socket *s);		/* the file is gone */
	void (*free)(struct socket *s);			/* the last reference is */
	void (*show_fdinfo)(struct socket *s, struct seq_file *m);
};

enum socket_sides {			/* struct socket.shutdown */
	SIDE_RECEIVE	= 1 << 0,
	SIDE_SEND	= 1 << 1,
	SIDE_BOTH	= SIDE_RECEIVE | SIDE_SEND,
};

/* Options that are on or off: bits of struct socket.options, which families look at. */
enum socket_flag {
	SOCKET_DEBUG, SOCKET_REUSEADDR, SOCKET_DONTROUTE, SOCKET_BROADCAST, SOCKET_KEEPALIVE,
	SOCKET_OOBINLINE, SOCKET_NO_CHECK, SOCKET_REUSEPORT, SOCKET_PASSCRED, SOCKET_PASSSEC,
	SOCKET_RXQ_OVFL, SOCKET_SELECT_ERR_QUEUE, SOCKET_NOFCS, SOCKET_LOCK_FILTER,
	SOCKET_TIMESTAMP,		/* SO_TIMESTAMP: microseconds */
	SOCKET_TIMESTAMP_NS,		/* SO_TIMESTAMPNS */
	SOCKET_TIMESTAMP_NEW,		/* asked for by the _NEW name */
};

/* The part that all families share.   [I] fixed at creation   [A] atomic */
struct socket {
	const struct socket_ops *ops;	/* [I] */
	refcount_t refs;
	uint16_t family;		/* [I] AF_* */
	uint8_t type;			/* [I] SOCK_STREAM, ... */
	uint16_t protocol;		/* [I] */
	uint32_t shutdown;		/* [A] enum socket_sides; written under the family's lock */
	uint32_t options;		/* [A] 1 << enum socket_flag */
	int32_t error;			/* [A] errno that the next call reports; 0: none */
	struct file *file;		/* [A] borrowed; NULL before accept and after release */
	uint64_t ino;			/* [A] of its inode; 0 before accept */

	/* Memory: what is queued elsewhere and was sent from here, against its limit. */
	uint32_t send_used;		/* [A] bytes */
	uint32_t send_limit;		/* [A] SO_SNDBUF */
	uint32_t receive_limit;		/* [A] SO_RCVBUF */
	uint32_t receive_low;		/* [A] SO_RCVLOWAT */
	int64_t send_timeout_ns;	/* [A] WAIT_FOREVER: none */
	int64_t receive_timeout_ns;	/* [A] */
	int32_t linger_s;		/* [A] SO_LINGER; -1: off */
	int32_t priority;		/* [A] SO_PRIORITY */
	uint32_t mark;			/* [A] SO_MARK */
	uint64_t cookie;		/* [A] SO_COOKIE: 0 until asked for */

	struct waitq readers;		/* data, connections, the end */
	struct waitq writers;		/* room, a connection made, the end */
	struct rcu_head rcu;
};

/* A family; in static memory. */
struct socket_family {
	uint16_t family;
	/* A socket with one reference; error pointer: -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, ... */
	struct socket *(*create)(uint8_t type, int protocol);
};

/* At INIT_SUBSYSTEM. */
void socket_register_family(const struct socket_family *f);

/* Fill what is shared; one reference. */
void socket_init(struct socket *s, const struct socket_ops *ops, uint8_t type, int protocol);
static inline void socket_ref(struct socket *s) { refcount_inc(&s->refs); }
void socket_put(struct socket *s);

/*
 * An open file for @s (@flags: O_NONBLOCK or 0), which takes over the caller's reference.  Error
 * pointer, and the reference stays the caller's.
 */
struct file *socket_file_create(struct socket *s, uint32_t flags);
/* Give up a socket that got no file. */
void socket_discard(struct socket *s);
extern const struct file_ops socket_file_ops;
/* NULL: @f is no socket. */
static inline struct socket *socket_of(const struct file *f)
{
	return f->ops == &socket_file_ops ? f->priv : NULL;
}

static inline bool socket_has(const struct socket *s, enum socket_flag flag)
{
	return READ_ONCE(s->options) & 1u << flag;
}

/* Take the pending error: 0 or -errno. */
static inline int socket_take_error(struct socket *s)
{
	return likely(!READ_ONCE(s->error)) ? 0 : -xchg(&s->error, 0);
}

/*
 * A call's waiting: at most until its deadline, which is computed when it first has to wait.
 *
 *	struct socket_wait w = SOCKET_WAIT(s->receive_timeout_ns, m->flags & MSG_DONTWAIT);
 *	while (!take(s))
 *		if ((err = socket_wait(&w, &s->readers, can_take(s))))
 *			return err;
 */
struct socket_wait {
	int64_t timeout_ns, deadline;
};
#define SOCKET_WAIT(timeout, nonblocking) \
	{ .timeout_ns = (nonblocking) ? 0 : READ_ONCE(timeout), .deadline = -1 }
/* 0: go on and wait; -EAGAIN. */
__must_check int socket_wait_begin(struct socket_wait *w);
/* What a wait's end means for the caller of a socket call. */
__must_check int socket_wait_result(const struct socket_wait *w, int err);

/* On the readers' side one wake-up reaches one of those that wait; _all: everybody. */
#define socket_wait(w, q, cond)		socket_wait_flags(w, q, cond, WAITQ_EXCLUSIVE)
#define socket_wait_all(w, q, cond)	socket_wait_flags(w, q, cond, 0)
#define socket_wait_flags(w, q, cond, flags_) ({					\
	int sw_err_ = socket_wait_begin(w);						\
	if (!sw_err_)									\
		sw_err_ = socket_wait_result(w,						\
			wait_event_common(q, cond, THREAD_INTERRUPTIBLE, flags_,	\
					  (w)->deadline));				\
	sw_err_; })

/* May more be sent without waiting?  Poll's answer: as on Linux, a quarter is used at most. */
static inline bool socket_is_writable(const struct socket *s)
{
	return (uint64_t)READ_ONCE(s->send_used) * 4 <= READ_ONCE(s->send_limit);
}
static inline bool socket_has_room(const struct socket *s)
{
	return READ_ONCE(s->send_used) < READ_ONCE(s->send_limit);
}
static inline void socket_charge(struct socket *s, uint32_t bytes)
{
	__atomic_fetch_add(&s->send_used, bytes, __ATOMIC_RELAXED);
}
/* Gives @bytes back and wakes writers.  Any context. */
void socket_uncharge(struct socket *s, uint32_t bytes);

/* Control messages. */

/*
 * The next one of @m's, from offset *@at, which moves on: 1, 0 at the end, -EINVAL for a damaged
 * one.
 */
__must_check int socket_next_control(const struct socket_msg *m, size_t *at,
				     struct cmsghdr *header, const void **data);
/* Hand one to the receiver; what does not fit is cut and sets MSG_CTRUNC. */
void socket_put_control(struct socket_msg *m, int level, int type, const void *data, size_t len);
/*
 * Hand over open files as new descriptors (SCM_RIGHTS): as many as there is room for.  References
 * stay the caller's.
 */
void socket_put_files(struct socket_msg *m, struct file *const *files, uint32_t nr);
/* The time of arrival, if the socket wants it. */
void socket_put_timestamp(struct socket *s, struct socket_msg *m, int64_t realtime_ns);

/*
 * Values of options for families: set_option and get_option.
 * socket_get_value: copies min(@len, the user's length) bytes and stores that length.
 */
__must_check int socket_get_value(uaddr_t value, uaddr_t user_len, const void *data, size_t len);

/* Limits that /proc/sys/net/core shows and sets. */
extern int socket_somaxconn, socket_wmem_default, socket_wmem_max, socket_rmem_default,
	socket_rmem_max;

#endif
