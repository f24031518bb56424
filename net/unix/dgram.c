/* SPDX-License-Identifier: MIT */
/*
 * Datagrams and sequenced packets: one message in, one message out.
 *
 * A receiver's queue is bounded by its backlog for senders that it is not connected to; they wait
 * on its room queue.  Who polls for room has a relay: an entry on that queue that wakes the
 * sender's own writers, once.
 */
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "unix.h"

#define WRITABLE (POLLOUT | POLLWRNORM | POLLWRBAND)

static bool relay_woken(struct waitq_entry *e, uint32_t events)
{
	struct unix_socket *u = container_of(e, struct unix_socket, relay);

	list_del_init(&e->node);
	waitq_wake_all(&u->sk.writers, WRITABLE);
	return false;
}

/*
 * Wake @u's writers when @to's queue gets shorter.  Look at the queue after this.
 */
static void relay_set(struct unix_socket *u, struct unix_socket *to)
{
	struct unix_socket *old = NULL;

	spin_lock(&u->lock);
	if (u->relay_on != to) {
		old = u->relay_on;
		if (old)
			waitq_remove(&old->room, &u->relay);
		u->relay_on = to;
		unix_ref(to);
		u->relay.wake = relay_woken;
	}
	if (list_empty(&u->relay.node))
		waitq_add(&to->room, &u->relay);
	spin_unlock(&u->lock);
	if (old)
		unix_put(old);
	smp_mb();	/* the entry is there before the queue is looked at: pairs with the waker */
}

void unix_relay_drop(struct unix_socket *u)
{
	struct unix_socket *on;

	spin_lock(&u->lock);
	on = u->relay_on;
	u->relay_on = NULL;
	if (on)
		waitq_remove(&on->room, &u->relay);
	spin_unlock(&u->lock);
	if (on)
		unix_put(on);
}

enum { QUEUE_OK = 0, QUEUE_DEAD = 1, QUEUE_FULL = 2 };	/* or -errno */

/* May @u queue at @to now?  @to->lock is held. */
static int may_queue_locked(const struct unix_socket *u, const struct unix_socket *to)
{
	if (unlikely(to->dead))
		return QUEUE_DEAD;
	if (unlikely(to->peer && to->peer != u))
		return -EPERM;
	if (unlikely(READ_ONCE(to->sk.shutdown) & SIDE_RECEIVE))
		return -EPIPE;
	if (to->peer != u && to != u && unlikely(unix_queue_is_full(to)))
		return QUEUE_FULL;
	return QUEUE_OK;
}

static int queue_at(struct unix_socket *u, struct unix_socket *to, struct unix_message *msg)
{
	int err;

	spin_lock(&to->lock);
	err = may_queue_locked(u, to);
	if (likely(!err))
		unix_enqueue_locked(u, to, msg);
	spin_unlock(&to->lock);
	if (likely(!err))
		waitq_wake_sync(&to->sk.readers, POLLIN | POLLRDNORM);
	return err;
}

/* @to is dead.  0: it was named by an address, and may be bound by somebody else now. */
static int lost_receiver(struct unix_socket *u, struct unix_socket *to, bool named)
{
	bool was_peer;

	if (unix_is_connection(u))
		return -EPIPE;
	spin_lock(&u->lock);
	was_peer = u->peer == to;
	if (was_peer) {
		u->peer = NULL;
		u->state = UNIX_CLOSED;
	}
	spin_unlock(&u->lock);
	if (was_peer) {
		unix_dgram_disconnected(u, to);
		unix_put(to);		/* the peer's reference */
		return -ECONNREFUSED;
	}
	return named ? 0 : -ECONNRESET;
}

static bool has_room(const struct unix_socket *to)
{
	return !unix_queue_is_full(to) || READ_ONCE(to->dead) ||
	       READ_ONCE(to->sk.shutdown) & SIDE_RECEIVE;
}

/* @to's queue is full: 0 when it is worth another try. */
static int wait_for_room(struct unix_socket *u, struct unix_socket *to, struct socket_wait *wait)
{
	int err = socket_wait(wait, &to->room, has_room(to));

	if (err != -EAGAIN || READ_ONCE(u->peer) != to)
		return err;
	relay_set(u, to);		/* who polls from now on is told */
	return has_room(to) ? 0 : err;
}

/*
 * Bring @msg to @to (counted; NULL: look @name up), waiting for room there.  0 or -errno; the
 * reference of the receiver is dropped.
 */
static int deliver(struct unix_socket *u, struct unix_socket *to,
		   const struct socket_address *name, struct unix_message *msg,
		   struct socket_wait *wait)
{
	for (;;) {
		int err;

		if (!to) {
			to = unix_lookup(name, u->sk.type);
			if (IS_ERR(to))
				return (int)PTR_ERR(to);
		}
		err = queue_at(u, to, msg);
		if (unlikely(err == QUEUE_FULL)) {
			err = wait_for_room(u, to, wait);
			if (!err)
				continue;
		} else if (unlikely(err == QUEUE_DEAD)) {
			err = lost_receiver(u, to, name);
			if (!err) {
				unix_put(to);
				to = NULL;
				continue;
			}
		}
		unix_put(to);
		return err;
	}
}

/* Where to, counted; NULL: the address says it; error pointer. */
static struct unix_socket *receiver(struct unix_socket *u, const struct socket_msg *m)
{
	struct unix_socket *to;
	int err;

	if (m->address) {
		err = unix_check_address(m->address);
		if (!err && m->address->len <= offsetof(struct sockaddr_un, sun_path))
			err = -EINVAL;
		return ERR_PTR(err);
	}
	to = unix_get_peer(u);
	return to ? to : ERR_PTR(-ENOTCONN);
}

static ssize_t send_one(struct unix_socket *u, struct socket_msg *m, struct unix_scm *scm)
{
	struct socket_wait wait = SOCKET_WAIT(u->sk.send_timeout_ns, m->flags & MSG_DONTWAIT);
	struct unix_socket *to = receiver(u, m);
	size_t len = m->data->count;
	struct unix_message *msg;
	int err = (int)PTR_ERR_OR_ZERO(to);

	if (unlikely(err))
		return err;
	if (unlikely(socket_has(&u->sk, SOCKET_PASSCRED)) && !READ_ONCE(u->addr))
		err = unix_autobind(u);
	if (!err && unlikely(len > READ_ONCE(u->sk.send_limit) - 32))
		err = -EMSGSIZE;
	msg = err ? ERR_PTR(err) : unix_message_create(u, m, len, scm, &wait);
	if (IS_ERR(msg)) {
		if (to)
			unix_put(to);
		return PTR_ERR(msg);
	}
	err = deliver(u, to, m->address, msg, &wait);
	if (likely(!err))
		return (ssize_t)len;
	unix_message_free(msg);
	return err;
}

ssize_t unix_dgram_send(struct socket *s, struct socket_msg *m)
{
	struct unix_scm scm;
	ssize_t n;

	unix_scm_init(&scm);
	if (unlikely(m->flags & MSG_OOB))
		return -EOPNOTSUPP;
	if (unlikely(m->control_len)) {
		n = unix_scm_parse(m, &scm);
		if (n)
			return n;
	}
	n = send_one(unix_of(s), m, &scm);
	if (unlikely(scm.rights))
		unix_rights_put(scm.rights);
	return n;
}

ssize_t unix_seqpacket_send(struct socket *s, struct socket_msg *m)
{
	int err = socket_take_error(s);

	if (err)
		return err;
	if (READ_ONCE(unix_of(s)->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	m->address = NULL;
	return unix_dgram_send(s, m);
}

/* The message to read: the first, or further on for SO_PEEK_OFF, *@skip bytes into it. */
static struct unix_message *find_message(struct unix_socket *u, uint32_t flags, size_t *skip)
{
	struct unix_message *msg = unix_first(u);

	*skip = 0;
	if (likely(!(flags & MSG_PEEK)) || likely(u->peek_offset <= 0))
		return msg;
	*skip = (size_t)u->peek_offset;
	for (; msg && *skip >= msg->len && msg->len; msg = unix_next_message(u, msg))
		*skip -= msg->len;
	return msg;
}

/* Waits for a message and returns with read_lock held; NULL: the end; error pointer. */
static struct unix_message *await_message(struct unix_socket *u, uint32_t flags, size_t *skip)
{
	struct socket_wait wait = SOCKET_WAIT(u->sk.receive_timeout_ns, flags & MSG_DONTWAIT);

	for (;;) {
		struct unix_message *msg = NULL;
		uint32_t shutdown;
		int err;

		mutex_lock(&u->read_lock);
		shutdown = smp_load_acquire(&u->sk.shutdown);
		err = socket_take_error(&u->sk);
		if (!err)
			msg = find_message(u, flags, skip);
		if (likely(msg))
			return msg;
		mutex_unlock(&u->read_lock);
		if (err)
			return ERR_PTR(err);
		if ((shutdown & SIDE_RECEIVE) && (unix_is_connection(u) || wait.timeout_ns))
			return NULL;
		err = socket_wait(&wait, &u->sk.readers, unix_may_receive(u));
		if (err)
			return ERR_PTR(err);
	}
}

/* What one message leaves to be told when its lock is released. */
struct packet {
	ssize_t result;
	struct ucred creds;
	struct unix_rights *rights;
	int64_t time_ns;
};

/* Copy @msg out, and its rights; read_lock is held. */
static void read_message(struct unix_socket *u, struct socket_msg *m, struct unix_message *msg,
			 size_t skip, struct packet *p)
{
	size_t have = msg->len - min(skip, (size_t)msg->len), n = min(have, m->data->count);

	if (n < have)
		m->result |= MSG_TRUNC;
	p->result = (ssize_t)(m->flags & MSG_TRUNC ? have : n);
	if (unix_message_copy(msg, skip, m->data, n) != n)
		p->result = -EFAULT;
	p->creds = msg->flags & MESSAGE_CREDS ? msg->creds : unix_no_creds;
	p->time_ns = msg->time_ns;
	p->rights = NULL;
	if (m->address && (msg->flags & MESSAGE_COUNTED))
		unix_copy_address(msg->sender, m->address);
	else if (m->address)
		unix_copy_address(u->peer, m->address);
	if (!(m->flags & MSG_PEEK)) {
		p->rights = msg->rights;
		msg->rights = NULL;
		if (unlikely(u->peek_offset > 0))
			u->peek_offset = max(u->peek_offset - (int32_t)have, 0);
		return;
	}
	if (u->peek_offset >= 0)
		u->peek_offset += (int32_t)n;
	if (msg->rights) {
		p->rights = unix_rights_dup(msg->rights);
		if (!p->rights)
			p->result = -ENOMEM;
	}
}

static void wake_room(struct unix_socket *u)
{
	if (waitq_is_active(&u->room))
		waitq_wake_sync(&u->room, WRITABLE);
}

ssize_t unix_dgram_receive(struct socket *s, struct socket_msg *m)
{
	struct unix_socket *u = unix_of(s);
	struct unix_message *msg;
	struct packet p;
	size_t skip = 0;

	if (unlikely(m->flags & MSG_OOB))
		return -EOPNOTSUPP;
	msg = await_message(u, m->flags, &skip);
	if (unlikely(IS_ERR_OR_NULL(msg)))
		return PTR_ERR(msg);
	read_message(u, m, msg, skip, &p);
	if (likely(!(m->flags & MSG_PEEK)))
		unix_dequeue(u, msg);
	mutex_unlock(&u->read_lock);
	wake_room(u);
	if (likely(!(m->flags & MSG_PEEK)))
		unix_message_free(msg);
	if (unlikely(p.result < 0)) {
		if (p.rights)
			unix_rights_put(p.rights);
		return p.result;
	}
	if (unlikely(p.time_ns) && socket_has(s, SOCKET_TIMESTAMP))
		socket_put_timestamp(s, m, p.time_ns);
	if (unlikely(p.rights) || unlikely(socket_has(s, SOCKET_PASSCRED)))
		unix_scm_receive(u, m, &p.creds, p.rights);
	return p.result;
}

ssize_t unix_seqpacket_receive(struct socket *s, struct socket_msg *m)
{
	if (READ_ONCE(unix_of(s)->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	return unix_dgram_receive(s, m);
}

/* Is there room at the peer, for those it is not connected to? */
static bool peer_has_room(struct unix_socket *u)
{
	struct unix_socket *peer = unix_get_peer(u);
	bool room = true;

	if (!peer)
		return true;
	if (READ_ONCE(peer->peer) != u && peer != u && unix_queue_is_full(peer)) {
		relay_set(u, peer);
		room = !unix_queue_is_full(peer) || READ_ONCE(peer->dead);
	}
	unix_put(peer);
	return room;
}

uint32_t unix_dgram_poll(struct socket *s, struct file *f, struct poll_table *pt)
{
	struct unix_socket *u = unix_of(s);
	uint32_t events = 0, shutdown, state;

	poll_wait(f, &s->readers, pt);
	poll_wait(f, &s->writers, pt);
	shutdown = READ_ONCE(s->shutdown);
	state = READ_ONCE(u->state);
	if (READ_ONCE(s->error))
		events |= POLLERR;
	if (shutdown == SIDE_BOTH)
		events |= POLLHUP;
	if (shutdown & SIDE_RECEIVE)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&u->queue) || !list_empty(&u->embryos))
		events |= POLLIN | POLLRDNORM;
	if (unix_is_connection(u) && state == UNIX_CLOSED)
		events |= POLLHUP;
	if (state != UNIX_LISTENING && socket_is_writable(s) && peer_has_room(u))
		events |= WRITABLE;
	return events;
}
