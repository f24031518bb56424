/* SPDX-License-Identifier: MIT */
/*
 * Byte streams: a write becomes one message or several, a read takes from as many as it needs.
 * Before: unix.h.
 */
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "unix.h"

/* Into the peer's queue; @msg is freed when it is gone. */
static int deliver(struct unix_socket *u, struct unix_socket *peer, struct unix_message *msg)
{
	spin_lock(&peer->lock);
	if (unlikely(peer->dead || (peer->sk.shutdown & SIDE_RECEIVE))) {
		spin_unlock(&peer->lock);
		unix_message_free(msg);
		return -EPIPE;
	}
	unix_enqueue_locked(u, peer, msg);
	spin_unlock(&peer->lock);
	waitq_wake_sync(&peer->sk.readers, POLLIN | POLLRDNORM);
	return 0;
}

/* What a stream may be sent now, before anything of it is: its peer, or an error pointer. */
static struct unix_socket *peer_to_send(struct unix_socket *u, const struct socket_msg *m)
{
	struct unix_socket *peer = smp_load_acquire(&u->peer);	/* U2 */

	if (unlikely(m->flags & MSG_OOB))
		return ERR_PTR(-EOPNOTSUPP);
	if (unlikely(m->address))
		return ERR_PTR(peer ? -EISCONN : -EOPNOTSUPP);
	if (unlikely(!peer))
		return ERR_PTR(-ENOTCONN);
	if (unlikely(READ_ONCE(u->sk.shutdown) & SIDE_SEND))
		return ERR_PTR(-EPIPE);
	return peer;
}

/* A writer takes half of its buffer at most for one message, so that reading goes on meanwhile. */
static size_t chunk_size(const struct unix_socket *u, size_t left)
{
	return min(min(left, (size_t)STREAM_CHUNK), (size_t)READ_ONCE(u->sk.send_limit) / 2 - 64);
}

static ssize_t send_all(struct unix_socket *u, struct unix_socket *peer, struct socket_msg *m,
			struct unix_scm *scm)
{
	struct socket_wait wait = SOCKET_WAIT(u->sk.send_timeout_ns, m->flags & MSG_DONTWAIT);
	ssize_t done = 0;

	while (m->data->count) {
		size_t n = chunk_size(u, m->data->count);
		struct unix_message *msg = unix_message_create(u, m, n, scm, &wait);
		int err = (int)PTR_ERR_OR_ZERO(msg);

		if (likely(!err))
			err = deliver(u, peer, msg);
		if (unlikely(err))
			return done ? done : err;
		done += (ssize_t)n;
	}
	return done;
}

ssize_t unix_stream_send(struct socket *s, struct socket_msg *m)
{
	struct unix_socket *u = unix_of(s), *peer;
	struct unix_scm scm;
	ssize_t n;

	unix_scm_init(&scm);
	if (unlikely(m->control_len)) {
		n = unix_scm_parse(m, &scm);
		if (n)
			return n;
	}
	peer = peer_to_send(u, m);
	n = likely(!IS_ERR(peer)) ? send_all(u, peer, m, &scm) : PTR_ERR(peer);
	if (unlikely(scm.rights))
		unix_rights_put(scm.rights);
	if (unlikely(n == -EPIPE) && !(m->flags & MSG_NOSIGNAL))
		signal_send_thread(current_thread(), SIGPIPE, NULL);
	return n;
}

/* One read, as far as it has come. */
struct stream_read {
	struct socket_msg *m;
	size_t done, target;		/* bytes taken; enough to return with */
	bool started;			/* a message was looked at: creds are its */
	struct ucred creds;
	struct unix_rights *rights;	/* taken off the stream, or copies */
};

/* Bytes of senders with different credentials are not mixed, if the reader wants to know them. */
static bool may_join(struct unix_socket *u, struct stream_read *r, const struct unix_message *msg)
{
	const struct ucred *c = msg->flags & MESSAGE_CREDS ? &msg->creds : &unix_no_creds;

	if (!socket_has(&u->sk, SOCKET_PASSCRED))
		return true;
	if (r->started)
		return !memcmp(&r->creds, c, sizeof(*c));
	r->creds = *c;
	return true;
}

/* Copy from @msg behind its first @skip bytes: how many, or -EFAULT. */
static ssize_t copy_part(struct stream_read *r, const struct unix_message *msg, size_t skip)
{
	size_t n = min((size_t)msg->len - skip, r->m->data->count);

	if (unlikely(unix_message_copy(msg, skip, r->m->data, n) != n))
		return -EFAULT;
	r->started = true;
	r->done += n;
	return (ssize_t)n;
}

enum { READ_OVER = 0, READ_MORE = 1 };	/* or -errno */

/* The queue is empty: is the read over? */
static int at_end(struct unix_socket *u, struct stream_read *r, uint32_t shutdown)
{
	int err;

	if (r->done >= r->target)
		return READ_OVER;
	err = socket_take_error(&u->sk);
	if (err)
		return err;
	return shutdown & SIDE_RECEIVE ? READ_OVER : READ_MORE;
}

/* Take what is there; read_lock is held. */
static int take(struct unix_socket *u, struct stream_read *r)
{
	do {
		/* Before the queue: what was queued before the end is read before the end. */
		uint32_t shutdown = smp_load_acquire(&u->sk.shutdown);
		struct unix_message *msg = unix_first(u);
		ssize_t n;

		if (!msg)
			return at_end(u, r, shutdown);
		if (unlikely(!may_join(u, r, msg)))
			return READ_OVER;
		n = copy_part(r, msg, 0);
		if (unlikely(n < 0))
			return r->done ? READ_OVER : (int)n;
		if (unlikely(u->peek_offset > 0))
			u->peek_offset = max(u->peek_offset - (int32_t)n, 0);
		r->rights = msg->rights;
		msg->rights = NULL;
		unix_consume(u, msg, (size_t)n);
		if (unlikely(r->rights))
			return READ_OVER;
	} while (r->m->data->count);
	return READ_OVER;
}

/* MSG_PEEK: the same, and everything stays; read_lock is held. */
static int peek(struct unix_socket *u, struct stream_read *r)
{
	uint32_t shutdown = smp_load_acquire(&u->sk.shutdown);
	struct unix_message *msg = unix_first(u);
	size_t skip = (size_t)max(u->peek_offset, 0);
	ssize_t n;

	for (; msg && skip >= msg->len; msg = unix_next_message(u, msg))
		skip -= msg->len;
	if (!msg)
		return at_end(u, r, shutdown);
	for (; msg && may_join(u, r, msg); msg = unix_next_message(u, msg)) {
		n = copy_part(r, msg, skip);
		if (n < 0)
			return r->done ? READ_OVER : (int)n;
		skip = 0;
		if (u->peek_offset >= 0)
			u->peek_offset += (int32_t)n;
		if (msg->rights) {
			r->rights = unix_rights_dup(msg->rights);
			return r->rights ? READ_OVER : -ENOMEM;
		}
		if (!r->m->data->count)
			break;
	}
	return READ_OVER;
}

/* 0 or -errno; what was read is in @r. */
static int read_loop(struct unix_socket *u, struct stream_read *r)
{
	uint32_t flags = r->m->flags;
	struct socket_wait wait = SOCKET_WAIT(u->sk.receive_timeout_ns, flags & MSG_DONTWAIT);
	int err;

	for (;;) {
		mutex_lock(&u->read_lock);
		err = unlikely(flags & MSG_PEEK) ? peek(u, r) : take(u, r);
		mutex_unlock(&u->read_lock);
		if (likely(err <= 0))
			return err;
		/* All: one may leave bytes that are another's to read. */
		err = socket_wait_all(&wait, &u->sk.readers, unix_may_receive(u));
		if (err)
			return err;
	}
}

ssize_t unix_stream_receive(struct socket *s, struct socket_msg *m)
{
	struct unix_socket *u = unix_of(s);
	size_t want = m->flags & MSG_WAITALL ? m->data->count :
		      min(m->data->count, (size_t)READ_ONCE(s->receive_low));
	struct stream_read r = { .m = m, .target = max(want, (size_t)1) };
	int err;

	if (unlikely(READ_ONCE(u->state) != UNIX_CONNECTED))
		return -EINVAL;
	if (unlikely(m->flags & MSG_OOB))
		return -EOPNOTSUPP;
	err = read_loop(u, &r);
	if (m->address && r.started)
		unix_copy_address(u->peer, m->address);
	if (unlikely(r.rights) || unlikely(socket_has(s, SOCKET_PASSCRED)))
		unix_scm_receive(u, m, &r.creds, r.rights);
	return r.done ? (ssize_t)r.done : err;
}

uint32_t unix_stream_poll(struct socket *s, struct file *f, struct poll_table *pt)
{
	struct unix_socket *u = unix_of(s);
	uint32_t events = 0, shutdown, state;

	poll_wait(f, &s->readers, pt);
	poll_wait(f, &s->writers, pt);
	shutdown = READ_ONCE(s->shutdown);
	state = READ_ONCE(u->state);
	if (READ_ONCE(s->error))
		events |= POLLERR;
	if (shutdown == SIDE_BOTH || state == UNIX_CLOSED)
		events |= POLLHUP;
	if (shutdown & SIDE_RECEIVE)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (!list_empty(&u->queue) || !list_empty(&u->embryos))
		events |= POLLIN | POLLRDNORM;
	if (state != UNIX_LISTENING && socket_is_writable(s))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}
