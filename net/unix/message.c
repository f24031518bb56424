/* SPDX-License-Identifier: MIT */
/*
 * Messages: made for a sender, linked into a receiver's queue, copied out, freed.
 */
#include <kernel/clock.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <mm/page.h>
#include <mm/slab.h>

#include "unix.h"

static struct slab_cache *message_cache;

void unix_message_init(void)
{
	message_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "unix_message", .size = MESSAGE_SIZE });
	if (IS_ERR(message_cache))
		panic("unix: no memory");
}

static void free_object(struct unix_message *msg)
{
	if (likely(msg->nr_pages <= MESSAGE_PAGES))
		slab_free(message_cache, msg);
	else
		kvfree(msg);
}

static void free_pages(struct unix_message *msg, uint32_t nr)
{
	if (nr)
		page_put_batch(msg->pages, nr);
}

static bool alloc_pages(struct unix_message *msg)
{
	uint32_t got = 0, n;

	while (got < msg->nr_pages) {
		n = page_alloc_batch(&msg->pages[got], msg->nr_pages - got, ALLOC_USER);
		if (!n) {
			msg->pages[got] = page_alloc(0, ALLOC_USER);
			if (!msg->pages[got]) {
				free_pages(msg, got);
				return false;
			}
			n = 1;
		}
		got += n;
	}
	return true;
}

/* Room for @len bytes, nothing else filled.  NULL: out of memory. */
static struct unix_message *alloc(size_t len)
{
	uint32_t nr = len <= MESSAGE_INLINE ? 0 : (uint32_t)DIV_ROUND_UP(len, PAGE_SIZE);
	struct unix_message *msg;

	if (likely(nr <= MESSAGE_PAGES))
		msg = slab_alloc(message_cache, 0);
	else
		msg = kvmalloc(MESSAGE_HEAD + nr * sizeof(struct page *), 0);
	if (unlikely(!msg))
		return NULL;
	msg->nr_pages = nr;
	msg->len = (uint32_t)len;
	if (nr && !alloc_pages(msg)) {
		free_object(msg);
		return NULL;
	}
	return msg;
}

static bool fill(struct unix_message *msg, struct iov_iter *from)
{
	size_t left = msg->len;

	if (!msg->nr_pages)
		return iov_copy_from(from, msg->bytes, left) == left;
	for (uint32_t i = 0; i < msg->nr_pages; i++) {
		size_t n = min(left, PAGE_SIZE);

		if (iov_copy_from(from, page_to_virt(msg->pages[i]), n) != n)
			return false;
		left -= n;
	}
	return true;
}

/* Charge @u for a message, waiting for room. */
static int reserve(struct unix_socket *u, uint32_t charge, struct socket_wait *wait)
{
	struct socket *s = &u->sk;
	int err;

	for (;;) {
		err = socket_take_error(s);
		if (unlikely(err))
			return err;
		if (unlikely(READ_ONCE(s->shutdown) & SIDE_SEND))
			return -EPIPE;
		if (likely(socket_has_room(s))) {
			socket_charge(s, charge);
			return 0;
		}
		err = socket_wait_all(wait, &s->writers, socket_has_room(s) ||
				      READ_ONCE(s->error) ||
				      READ_ONCE(s->shutdown) & SIDE_SEND);
		if (err)
			return err;
	}
}

static void take_scm(struct unix_message *msg, struct unix_scm *scm)
{
	msg->flags = 0;
	msg->rights = scm->rights;
	msg->nr_files = scm->rights ? scm->rights->nr : 0;
	scm->rights = NULL;
	if (unlikely(scm->has_creds)) {
		msg->creds = scm->creds;
		msg->flags = MESSAGE_CREDS;
	}
}

struct unix_message *unix_message_create(struct unix_socket *u, struct socket_msg *m, size_t len,
					 struct unix_scm *scm, struct socket_wait *wait)
{
	uint32_t charge = MESSAGE_SIZE + (len <= MESSAGE_INLINE ? 0 :
					  (uint32_t)align_up(len, PAGE_SIZE));
	struct unix_message *msg;
	int err = reserve(u, charge, wait);

	if (unlikely(err))
		return ERR_PTR(err);
	msg = alloc(len);
	if (unlikely(!msg)) {
		socket_uncharge(&u->sk, charge);
		return ERR_PTR(-ENOBUFS);
	}
	if (unlikely(!fill(msg, m->data))) {
		free_pages(msg, msg->nr_pages);
		free_object(msg);
		socket_uncharge(&u->sk, charge);
		return ERR_PTR(-EFAULT);
	}
	msg->offset = 0;
	msg->charge = charge;
	msg->sender = u;
	msg->time_ns = 0;
	take_scm(msg, scm);
	if (!unix_is_connection(u)) {		/* U3 */
		msg->flags |= MESSAGE_COUNTED;
		unix_ref(u);
	}
	return msg;
}

void unix_message_free(struct unix_message *msg)
{
	struct unix_socket *sender = msg->sender;

	if (unlikely(msg->rights))
		unix_rights_put(msg->rights);
	free_pages(msg, msg->nr_pages);
	socket_uncharge(&sender->sk, msg->charge);
	if (msg->flags & MESSAGE_COUNTED)
		unix_put(sender);
	free_object(msg);
}

void unix_message_free_list(struct list *list)
{
	while (!list_empty(list)) {
		struct unix_message *msg = list_first_entry(list, struct unix_message, node);

		list_del(&msg->node);
		unix_message_free(msg);
	}
}

size_t unix_message_copy(const struct unix_message *msg, size_t skip, struct iov_iter *to,
			 size_t len)
{
	size_t at = msg->offset + skip, done = 0;

	if (!msg->nr_pages)
		return iov_copy_to(to, msg->bytes + at, len);
	while (done < len) {
		size_t in_page = at % PAGE_SIZE, n = min(len - done, PAGE_SIZE - in_page), got;

		got = iov_copy_to(to, (char *)page_to_virt(msg->pages[at / PAGE_SIZE]) + in_page,
				  n);
		done += got;
		at += got;
		if (got != n)
			break;
	}
	return done;
}

/* The caller's credentials go along when one end asked for them, or may still ask. */
static void add_creds(const struct unix_socket *from, const struct unix_socket *to,
		      struct unix_message *msg)
{
	if ((msg->flags & MESSAGE_CREDS) ||
	    (likely(!((READ_ONCE(from->sk.options) | READ_ONCE(to->sk.options)) &
		      1u << SOCKET_PASSCRED)) && likely(READ_ONCE(to->sk.file))))
		return;
	msg->creds = (struct ucred){
		.pid = (uint32_t)current_process()->pid->nr,
		.uid = current_cred()->uid, .gid = current_cred()->gid,
	};
	msg->flags |= MESSAGE_CREDS;
}

void unix_enqueue_locked(struct unix_socket *from, struct unix_socket *to,
			 struct unix_message *msg)
{
	add_creds(from, to, msg);
	if (unlikely(socket_has(&to->sk, SOCKET_TIMESTAMP)))
		msg->time_ns = clock_realtime_ns();
	list_add_tail_rcu(&msg->node, &to->queue);	/* U1: pairs with unix_first() */
	WRITE_ONCE(to->queue_len, to->queue_len + 1);
	to->queue_bytes += msg->len;
}

static void unlink_locked(struct unix_socket *u, struct unix_message *msg)
{
	list_del(&msg->node);
	WRITE_ONCE(u->queue_len, u->queue_len - 1);
}

void unix_dequeue(struct unix_socket *u, struct unix_message *msg)
{
	spin_lock(&u->lock);
	unlink_locked(u, msg);
	u->queue_bytes -= msg->len;
	spin_unlock(&u->lock);
}

void unix_consume(struct unix_socket *u, struct unix_message *msg, size_t n)
{
	bool all = n == msg->len;

	spin_lock(&u->lock);
	u->queue_bytes -= n;
	if (all)
		unlink_locked(u, msg);
	spin_unlock(&u->lock);
	if (all) {
		unix_message_free(msg);
	} else {
		msg->offset += (uint32_t)n;
		msg->len -= (uint32_t)n;
	}
}

void unix_take_all(struct unix_socket *u, struct list *out)
{
	spin_lock(&u->lock);
	list_splice_init(&u->queue, out);
	WRITE_ONCE(u->queue_len, 0);
	u->queue_bytes = 0;
	spin_unlock(&u->lock);
}
