/* SPDX-License-Identifier: MIT */
/*
 * Connections: listen, connect, accept, pairs; and the single peer of a datagram socket.
 *
 * connect() makes the other end itself, complete, and puts it into the listener's list of embryos:
 * data may flow before accept() gives it a file.
 */
#include <kernel/process.h>
#include <lib/minmax.h>

#include "unix.h"

void unix_set_peer_creds_locked(struct unix_socket *u, struct pid *pid, const struct cred *cred)
{
	struct pid *old_pid = u->peer_pid;
	const struct cred *old_cred = u->peer_cred;

	if (pid)
		pid_ref(pid);
	if (cred)
		cred_ref(cred);
	u->peer_pid = pid;
	u->peer_cred = cred;
	if (old_pid)
		pid_put(old_pid);
	if (old_cred)
		cred_put(old_cred);
}

static void set_own_creds_locked(struct unix_socket *u)
{
	unix_set_peer_creds_locked(u, current_process()->pid, current_cred());
}

int unix_listen(struct socket *s, int backlog)
{
	struct unix_socket *u = unix_of(s);
	int err = 0;

	if (!READ_ONCE(u->addr))
		return -EINVAL;
	spin_lock(&u->lock);
	if (u->state == UNIX_CONNECTED) {
		err = -EINVAL;
	} else {
		WRITE_ONCE(u->backlog, (uint32_t)backlog);
		WRITE_ONCE(u->state, UNIX_LISTENING);
		set_own_creds_locked(u);
	}
	spin_unlock(&u->lock);
	if (!err)
		waitq_wake_all(&u->room, POLLOUT);
	return err;
}

enum { CONNECT_OK = 0, CONNECT_AGAIN = 1, CONNECT_FULL = 2 };	/* or -errno */

/* May @u connect to @l now?  Both are locked. */
static int may_connect_locked(const struct unix_socket *u, const struct unix_socket *l)
{
	if (l->dead)
		return CONNECT_AGAIN;
	if (l->state != UNIX_LISTENING || (l->sk.shutdown & SIDE_RECEIVE))
		return -ECONNREFUSED;
	if (unix_queue_is_full(l))
		return CONNECT_FULL;
	if (u->state == UNIX_CONNECTED)
		return -EISCONN;
	return u->state == UNIX_CLOSED ? CONNECT_OK : -EINVAL;
}

/* Both ends know each other; @u and @l are locked, nobody else knows @child. */
static void connect_locked(struct unix_socket *u, struct unix_socket *l, struct unix_socket *child)
{
	unix_ref(u);
	child->peer = u;
	child->state = UNIX_CONNECTED;
	child->addr = unix_addr_ref(l->addr);
	set_own_creds_locked(child);
	unix_set_peer_creds_locked(u, l->peer_pid, l->peer_cred);
	WRITE_ONCE(u->state, UNIX_CONNECTED);
	unix_ref(child);
	smp_store_release(&u->peer, child);		/* U2 */
	list_add_tail(&child->embryo_node, &l->embryos);
	WRITE_ONCE(l->queue_len, l->queue_len + 1);
}

static int connect_once(struct unix_socket *u, struct unix_socket *l, struct unix_socket *child)
{
	int err;

	unix_lock_two(u, l);
	err = may_connect_locked(u, l);
	if (!err)
		connect_locked(u, l, child);
	unix_unlock_two(u, l);
	if (!err)
		waitq_wake_sync(&l->sk.readers, POLLIN | POLLRDNORM);
	return err;
}

static bool may_try_again(const struct unix_socket *l)
{
	return !unix_queue_is_full(l) || READ_ONCE(l->dead) ||
	       READ_ONCE(l->sk.shutdown) & SIDE_RECEIVE;
}

int unix_stream_connect(struct socket *s, const struct socket_address *a, uint32_t flags)
{
	struct unix_socket *u = unix_of(s), *child;
	struct socket_wait wait = SOCKET_WAIT(s->send_timeout_ns, flags & O_NONBLOCK);
	int err = unix_check_address(a);

	if (!err && a->len <= offsetof(struct sockaddr_un, sun_path))
		err = -EINVAL;
	if (!err && socket_has(s, SOCKET_PASSCRED) && !READ_ONCE(u->addr))
		err = unix_autobind(u);
	if (err)
		return err;
	child = unix_create(s->type);
	if (!child)
		return -ENOMEM;
	do {
		struct unix_socket *l = unix_lookup(a, s->type);

		if (IS_ERR(l)) {
			err = (int)PTR_ERR(l);
			break;
		}
		err = connect_once(u, l, child);
		if (err == CONNECT_FULL) {
			err = socket_wait(&wait, &l->room, may_try_again(l));
			if (!err)
				err = CONNECT_AGAIN;
		}
		unix_put(l);
	} while (err == CONNECT_AGAIN);
	if (err)
		socket_discard(&child->sk);
	return err;
}

/* The first embryo, off the list: 0; 1: there is none yet; -EINVAL. */
static int take_embryo(struct unix_socket *u, struct unix_socket **child)
{
	int err = 1;

	spin_lock(&u->lock);
	if (u->state != UNIX_LISTENING) {
		err = -EINVAL;
	} else if (!list_empty(&u->embryos)) {
		*child = list_first_entry(&u->embryos, struct unix_socket, embryo_node);
		list_del_init(&(*child)->embryo_node);
		WRITE_ONCE(u->queue_len, u->queue_len - 1);
		err = 0;
	} else if (u->sk.shutdown & SIDE_RECEIVE) {
		err = -EINVAL;
	}
	spin_unlock(&u->lock);
	return err;
}

struct socket *unix_accept(struct socket *s, uint32_t flags)
{
	struct unix_socket *u = unix_of(s), *child = NULL;
	struct socket_wait wait = SOCKET_WAIT(s->receive_timeout_ns, flags & O_NONBLOCK);
	int err;

	while ((err = take_embryo(u, &child)) == 1) {
		err = socket_wait(&wait, &s->readers, !list_empty(&u->embryos) ||
				  READ_ONCE(s->shutdown) & SIDE_RECEIVE);
		if (err)
			break;
	}
	if (err)
		return ERR_PTR(err);
	if (waitq_is_active(&u->room))
		waitq_wake(&u->room, POLLOUT);
	return &child->sk;
}

int unix_pair(struct socket *a, struct socket *b)
{
	struct unix_socket *u[2] = { unix_of(a), unix_of(b) };

	for (int i = 0; i < 2; i++) {
		unix_ref(u[!i]);
		u[i]->peer = u[!i];
		u[i]->state = UNIX_CONNECTED;
		set_own_creds_locked(u[i]);
	}
	return 0;
}

void unix_dgram_disconnected(struct unix_socket *u, struct unix_socket *old)
{
	bool told = false;
	LIST_HEAD(gone);

	unix_relay_drop(u);
	mutex_lock(&u->read_lock);
	unix_take_all(u, &gone);
	mutex_unlock(&u->read_lock);
	unix_message_free_list(&gone);
	waitq_wake_all(&u->room, POLLOUT);
	if (u == old)
		return;
	spin_lock(&old->lock);
	if (!old->dead && old->peer == u) {
		WRITE_ONCE(old->sk.error, ECONNRESET);
		told = true;
	}
	spin_unlock(&old->lock);
	if (told)
		unix_wake_state(old);
}

/* @u's peer becomes @to (counted; NULL: none).  0, -EPERM, or CONNECT_AGAIN: @to is dead. */
static int set_peer(struct unix_socket *u, struct unix_socket *to)
{
	struct unix_socket *old;
	int err = 0;

	unix_lock_two(u, to);
	if (to && to->dead)
		err = CONNECT_AGAIN;
	else if (to && to->peer && to->peer != u)
		err = -EPERM;
	old = u->peer;
	if (!err) {
		u->peer = to;
		WRITE_ONCE(u->state, to ? UNIX_CONNECTED : UNIX_CLOSED);
	}
	unix_unlock_two(u, to);
	if (err || !old)
		return err;
	if (old != to)
		unix_dgram_disconnected(u, old);
	unix_put(old);
	return 0;
}

int unix_dgram_connect(struct socket *s, const struct socket_address *a, uint32_t flags)
{
	struct unix_socket *u = unix_of(s), *to;
	int err;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family == AF_UNSPEC)
		return set_peer(u, NULL);
	err = unix_check_address(a);
	if (!err && a->len <= offsetof(struct sockaddr_un, sun_path))
		err = -EINVAL;
	if (!err && socket_has(s, SOCKET_PASSCRED) && !READ_ONCE(u->addr))
		err = unix_autobind(u);
	if (err)
		return err;
	do {
		to = unix_lookup(a, s->type);
		if (IS_ERR(to))
			return (int)PTR_ERR(to);
		err = set_peer(u, to);
		if (err)
			unix_put(to);
	} while (err == CONNECT_AGAIN);
	return err;
}
