/* SPDX-License-Identifier: MIT */
/*
 * The socket object: made, told about, shut, released, freed; its operations by type.
 * Before: unix.h.
 */
#include <fs/seq_file.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/pidfd.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/ioctl.h>

#include "unix.h"

int unix_max_dgram_qlen = 10;		/* as Linux's net.unix.max_dgram_qlen */

static struct slab_cache *socket_cache;
static struct spinlock all_lock = SPINLOCK_INIT(HASH);
static struct list all = LIST_INIT(all);	/* [R] all_lock: sockets not released */
static uint64_t last_number;			/* [R] all_lock */
static uint64_t nr_sockets;			/* [A] not freed */

uint64_t unix_socket_count(void)
{
	return __atomic_load_n(&nr_sockets, __ATOMIC_RELAXED);
}

struct unix_socket *unix_next(struct unix_socket *prev)
{
	struct unix_socket *u = NULL;
	struct list *at;

	spin_lock(&all_lock);
	at = prev && !list_empty(&prev->all_node) ? &prev->all_node : &all;
	for (at = at->next; at != &all; at = at->next) {
		u = list_entry(at, struct unix_socket, all_node);
		if ((!prev || u->number > prev->number) && refcount_inc_not_zero(&u->sk.refs))
			break;
		u = NULL;
	}
	spin_unlock(&all_lock);
	if (prev)
		unix_put(prev);
	return u;
}

void unix_lock_two(struct unix_socket *a, struct unix_socket *b)
{
	struct unix_socket *first = !b || a < b ? a : b, *second = first == a ? b : a;

	spin_lock(&first->lock);
	if (second && second != first)
		spin_lock(&second->lock);
}

void unix_unlock_two(struct unix_socket *a, struct unix_socket *b)
{
	if (b && b != a)
		spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

struct unix_socket *unix_get_peer(struct unix_socket *u)
{
	struct unix_socket *peer;

	spin_lock(&u->lock);
	peer = u->peer;
	if (peer)
		unix_ref(peer);
	spin_unlock(&u->lock);
	return peer;
}

void unix_wake_state(struct unix_socket *u)
{
	waitq_wake_all(&u->sk.readers, 0);
	waitq_wake_all(&u->sk.writers, 0);
	waitq_wake_all(&u->room, 0);
}

static const struct socket_ops *ops_of(uint8_t type)
{
	return type == SOCK_STREAM ? &unix_stream_ops :
	       type == SOCK_DGRAM ? &unix_dgram_ops : &unix_seqpacket_ops;
}

struct unix_socket *unix_create(uint8_t type)
{
	struct unix_socket *u = slab_alloc(socket_cache, ALLOC_ZERO);

	if (!u)
		return NULL;
	socket_init(&u->sk, ops_of(type), type, 0);
	u->sk.family = AF_UNIX;
	spinlock_init(&u->lock, SOCKET_STATE);
	mutex_init(&u->read_lock, SOCKET);
	list_init(&u->queue);
	list_init(&u->embryos);
	list_init(&u->embryo_node);
	list_init(&u->gc_node);
	list_init(&u->relay.node);
	waitq_init(&u->room);
	u->backlog = (uint32_t)READ_ONCE(unix_max_dgram_qlen);
	u->peek_offset = -1;
	__atomic_fetch_add(&nr_sockets, 1, __ATOMIC_RELAXED);
	spin_lock(&all_lock);
	u->number = ++last_number;
	list_add_tail(&u->all_node, &all);
	spin_unlock(&all_lock);
	return u;
}

static struct socket *family_create(uint8_t type, int protocol)
{
	struct unix_socket *u;

	if (protocol && protocol != AF_UNIX)
		return ERR_PTR(-EPROTONOSUPPORT);
	if (type == SOCK_RAW)		/* an old name of datagrams */
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return ERR_PTR(-ESOCKTNOSUPPORT);
	u = unix_create(type);
	return u ? &u->sk : ERR_PTR(-ENOMEM);
}

/* The end of @u is the end of the connection; @reset: bytes or a connection were lost with it. */
static void tell_peer(struct unix_socket *peer, bool reset)
{
	spin_lock(&peer->lock);
	WRITE_ONCE(peer->sk.shutdown, SIDE_BOTH);
	if (reset)
		WRITE_ONCE(peer->sk.error, ECONNRESET);
	spin_unlock(&peer->lock);
	unix_wake_state(peer);
}

/* Nobody will accept them. */
static void drop_embryos(struct list *embryos)
{
	while (!list_empty(embryos)) {
		struct unix_socket *child = list_first_entry(embryos, struct unix_socket,
							     embryo_node);

		list_del_init(&child->embryo_node);
		tell_peer(child->peer, true);
		socket_discard(&child->sk);
	}
}

static void unlist(struct unix_socket *u)
{
	spin_lock(&all_lock);
	list_del_init(&u->all_node);
	spin_unlock(&all_lock);
}

static void unix_release(struct socket *s)
{
	struct unix_socket *u = unix_of(s), *peer;
	LIST_HEAD(embryos);
	LIST_HEAD(gone);
	bool unread;

	unix_unname(u);
	unlist(u);
	spin_lock(&u->lock);
	u->dead = true;				/* U4 */
	WRITE_ONCE(u->state, UNIX_CLOSED);
	WRITE_ONCE(s->shutdown, SIDE_BOTH);
	peer = u->peer;
	list_splice_init(&u->embryos, &embryos);
	unread = !list_empty(&u->queue);
	spin_unlock(&u->lock);
	waitq_wake_all(&u->room, 0);
	if (peer && unix_is_connection(u))
		tell_peer(peer, unread);
	drop_embryos(&embryos);
	unix_take_all(u, &gone);
	unix_message_free_list(&gone);		/* before the peer goes: U3 */
	unix_relay_drop(u);
	spin_lock(&u->lock);
	peer = u->peer;
	u->peer = NULL;
	spin_unlock(&u->lock);
	if (peer)
		unix_put(peer);
	unix_gc_socket_released();
}

/* Lookups by name have looked at it and its address under RCU. */
static void free_rcu(struct rcu_head *head)
{
	struct unix_socket *u = container_of(head, struct unix_socket, sk.rcu);

	unix_addr_put(u->addr);
	slab_free(socket_cache, u);
}

/* Released, and in nobody's list. */
static void unix_free(struct socket *s)
{
	struct unix_socket *u = unix_of(s);

	unix_set_peer_creds_locked(u, NULL, NULL);
	if (u->path.dentry)
		path_put(&u->path);
	if (u->inode)
		inode_put(u->inode);
	__atomic_fetch_sub(&nr_sockets, 1, __ATOMIC_RELAXED);
	rcu_call(&s->rcu, free_rcu);
}

static int unix_name(struct socket *s, struct socket_address *a, enum socket_name which)
{
	struct unix_socket *u = unix_of(s), *who = u;

	if (which == SOCKET_PEER) {
		who = unix_get_peer(u);
		if (!who)
			return -ENOTCONN;
	}
	a->family = AF_UNIX;
	a->len = sizeof(a->family);
	unix_copy_address(who, a);
	if (who != u || which == SOCKET_PEER)
		unix_put(who);
	return 0;
}

static int unix_shutdown(struct socket *s, uint32_t sides)
{
	struct unix_socket *u = unix_of(s), *peer;
	uint32_t mirrored = (sides & SIDE_RECEIVE ? SIDE_SEND : 0u) |
			    (sides & SIDE_SEND ? SIDE_RECEIVE : 0u);

	spin_lock(&u->lock);
	WRITE_ONCE(s->shutdown, s->shutdown | sides);
	peer = u->peer;
	if (peer)
		unix_ref(peer);
	spin_unlock(&u->lock);
	unix_wake_state(u);
	if (!peer)
		return 0;
	if (unix_is_connection(u)) {
		spin_lock(&peer->lock);
		WRITE_ONCE(peer->sk.shutdown, peer->sk.shutdown | mirrored);
		spin_unlock(&peer->lock);
		unix_wake_state(peer);
	}
	unix_put(peer);
	return 0;
}

static bool unix_is_listening(const struct socket *s)
{
	return READ_ONCE(container_of(s, const struct unix_socket, sk)->state) == UNIX_LISTENING;
}

/* Bytes to read: all of a connection's, the first datagram's. */
static uint64_t bytes_to_read(struct unix_socket *u)
{
	uint64_t bytes;

	spin_lock(&u->lock);
	bytes = u->queue_bytes;
	if (!unix_is_connection(u) && !list_empty(&u->queue))
		bytes = list_first_entry(&u->queue, struct unix_message, node)->len;
	spin_unlock(&u->lock);
	return bytes;
}

static long unix_ioctl(struct socket *s, unsigned int cmd, uint64_t arg)
{
	uint64_t bytes;

	if (cmd != FIONREAD && cmd != SIOCOUTQ)
		return -ENOTTY;
	if (cmd == FIONREAD && unix_is_listening(s))
		return -EINVAL;
	bytes = cmd == FIONREAD ? bytes_to_read(unix_of(s)) : READ_ONCE(s->send_used);
	return put_user((uint32_t)min(bytes, (uint64_t)INT32_MAX), UADDR(arg));
}

/* Who is there, counted. */
static const struct cred *get_peer_cred(struct unix_socket *u, struct pid **pid)
{
	const struct cred *cred;

	spin_lock(&u->lock);
	cred = u->peer_cred;
	*pid = u->peer_pid;
	if (cred) {
		cred_ref(cred);
		pid_ref(*pid);
	}
	spin_unlock(&u->lock);
	return cred;
}

static int get_peer_groups(const struct cred *cred, uaddr_t value, uaddr_t user_len)
{
	uint32_t room, need = cred->nr_groups * (uint32_t)sizeof(uint32_t);

	if (get_user(&room, user_len))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (room < need)
		return put_user(need, user_len) ? -EFAULT : -ERANGE;
	if (need && copy_to_user(value, cred->groups, need))
		return -EFAULT;
	return put_user(need, user_len);
}

static int get_peer_pidfd(struct pid *pid, uaddr_t value, uaddr_t user_len)
{
	int fd = pidfd_create(pid, O_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = socket_get_value(value, user_len, &fd, sizeof(fd));
	if (err)
		(void)!fd_close(fd);
	return err;
}

static int get_peer_option(struct unix_socket *u, int name, uaddr_t value, uaddr_t len)
{
	struct ucred who = { 0, UINT32_MAX, UINT32_MAX };
	struct pid *pid;
	const struct cred *cred = get_peer_cred(u, &pid);
	int err = -ENODATA;

	if (cred)
		who = (struct ucred){ (uint32_t)pid->nr, cred->euid, cred->egid };
	if (name == SO_PEERCRED)
		err = socket_get_value(value, len, &who, sizeof(who));
	else if (cred)
		err = name == SO_PEERGROUPS ? get_peer_groups(cred, value, len) :
		      get_peer_pidfd(pid, value, len);
	if (cred) {
		cred_put(cred);
		pid_put(pid);
	}
	return err;
}

static int unix_get_option(struct socket *s, int level, int name, uaddr_t value, uaddr_t len)
{
	struct unix_socket *u = unix_of(s);

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_PEERCRED: case SO_PEERGROUPS: case SO_PEERPIDFD:
		return get_peer_option(u, name, value, len);
	case SO_PEEK_OFF:
		return socket_get_value(value, len, &u->peek_offset, sizeof(u->peek_offset));
	default:
		return -ENOPROTOOPT;
	}
}

static int unix_set_option(struct socket *s, int level, int name, uaddr_t value, int len)
{
	struct unix_socket *u = unix_of(s);
	uint32_t offset;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (name != SO_PEEK_OFF)
		return -ENOPROTOOPT;
	if (get_user(&offset, value))
		return -EFAULT;
	mutex_lock(&u->read_lock);
	u->peek_offset = (int32_t)offset;
	mutex_unlock(&u->read_lock);
	return 0;
}

static void unix_show_fdinfo(struct socket *s, struct seq_file *m)
{
	struct unix_socket *u = unix_of(s);
	struct unix_message *msg;
	uint32_t files = 0;

	spin_lock(&u->lock);
	list_for_each_entry(msg, &u->queue, node)
		files += READ_ONCE(msg->rights) ? msg->nr_files : 0;
	spin_unlock(&u->lock);
	seq_printf(m, "scm_fds: %u\n", files);
}

#define COMMON_OPS						\
	.bind = unix_bind,					\
	.pair = unix_pair,					\
	.name = unix_name,					\
	.shutdown = unix_shutdown,				\
	.ioctl = unix_ioctl,					\
	.set_option = unix_set_option,				\
	.get_option = unix_get_option,				\
	.is_listening = unix_is_listening,			\
	.descriptor_closed = unix_gc_descriptor_closed,		\
	.release = unix_release,				\
	.free = unix_free,					\
	.show_fdinfo = unix_show_fdinfo

const struct socket_ops unix_stream_ops = {
	COMMON_OPS,
	.connect = unix_stream_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_stream_send,
	.receive = unix_stream_receive,
	.poll = unix_stream_poll,
};

const struct socket_ops unix_seqpacket_ops = {
	COMMON_OPS,
	.connect = unix_stream_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_seqpacket_send,
	.receive = unix_seqpacket_receive,
	.poll = unix_dgram_poll,
};

const struct socket_ops unix_dgram_ops = {
	COMMON_OPS,
	.connect = unix_dgram_connect,
	.send = unix_dgram_send,
	.receive = unix_dgram_receive,
	.poll = unix_dgram_poll,
};

static const struct socket_family unix_family = { .family = AF_UNIX, .create = family_create };

static int unix_init(void)
{
	socket_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "unix_socket", .size = sizeof(struct unix_socket), .align = 64 });
	if (IS_ERR(socket_cache))
		panic("unix: no memory");
	unix_message_init();
	socket_register_family(&unix_family);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, unix_init);
