/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX: sockets between processes of one machine.
 *
 * The problem: bytes and messages go from one socket straight into the queue of another, with the
 * sender's memory limit, open files and credentials attached; no lock is shared by two pairs.
 *
 * A message is made outside every lock: charged to its sender, filled from user memory; then it is
 * linked into the receiver's queue under the receiver's lock alone.  A reader holds read_lock,
 * copies from the first message without the lock and takes the lock to unlink it.  Small messages
 * stand in the message's own object, larger ones in pages.
 *
 * U1  Messages leave a queue only under read_lock or when no descriptor of its socket is left (the
 *     release, the collector).  So who holds read_lock may look at the first message without lock;
 *     linking is published with a release store.
 * U2  A stream's or seqpacket's peer is set once, before the connection is visible, and stays until
 *     the release: a call on an open file uses it without lock or reference.  A datagram socket's
 *     peer changes under lock, and users take a reference.
 * U3  A peer is counted.  So is the sender of a queued datagram; of a queued stream message it is
 *     the receiver's peer, and the queue is emptied before that reference goes.
 * U4  dead is set under lock by the release; a sender looks at it under the same lock, so nothing
 *     is queued after the release has emptied the queue.
 * U5  The address is set once, with a release store, and lasts as long as the socket.
 * U6  A file in flight is counted in in_flight of its socket before its message is queued, and
 *     stops being counted before it is installed or put.  Both under gc_lock (gc.c).
 *
 * States: CLOSED -> LISTENING (listen); CLOSED -> CONNECTED (connect, pair; born so by accept).  A
 * datagram socket goes back to CLOSED when it is disconnected.
 *
 * Locking, outermost first: read_lock (class SOCKET), gc_lock (SOCKET_GC), unix_socket.lock
 * (SOCKET_STATE; two by address), the name table's (HASH), wait queues.  Nothing is copied from or
 * to user memory under a spinlock.
 *
 * Roads not taken: writing into the last queued message (saves memory for tiny writes, costs a lock
 * over the copy); one lock for both ends of a pair (cheaper for ping-pong, dearer for two CPUs).
 */
#ifndef NET_UNIX_H
#define NET_UNIX_H

#include <fs/vfs.h>
#include <kernel/mutex.h>
#include <net/socket.h>

struct unix_socket;

/* A name: a path as bound, or an abstract one (first byte 0).  Shared by accepted sockets. */
struct unix_addr {
	refcount_t refs;
	uint32_t len;			/* [I] with the family, as getsockname tells it */
	uint32_t hash;			/* [I] of an abstract name and the socket's type */
	struct sockaddr_un name;	/* [I] at least len bytes; a path is terminated */
	uint8_t end;			/* of the longest path */
};

/* Open files in flight: SCM_RIGHTS. */
struct unix_rights {
	uint32_t nr;			/* [I] */
	uint32_t nr_unix;		/* [R] gc_lock: UNIX sockets among them that are counted */
	struct user *user;		/* whose limit they count against; NULL: nobody's */
	struct unix_rights *next;	/* own: unix_rights_put()'s chain */
	struct file *files[];		/* [I] counted */
};

/* What a sender attached. */
struct unix_scm {
	struct unix_rights *rights;	/* NULL: none */
	struct ucred creds;
	bool has_creds;
};

enum message_flags {
	MESSAGE_CREDS	= 1 << 0,	/* creds are the sender's */
	MESSAGE_COUNTED	= 1 << 1,	/* holds a reference of the sender */
};

#define MESSAGE_SIZE	256u		/* of the usual message object */

struct unix_message {
	struct list node;		/* [R] the queue's lock */
	uint32_t len;			/* [R] read_lock: bytes not taken yet */
	uint32_t offset;		/* [R] read_lock: bytes taken */
	uint32_t charge;		/* [I] bytes of the sender's limit */
	uint32_t nr_pages;		/* [I] 0: the bytes stand here */
	uint32_t flags;			/* [I] enum message_flags */
	struct ucred creds;		/* [I] */
	struct unix_socket *sender;	/* [I] U3 */
	struct unix_rights *rights;	/* [R] read_lock */
	uint32_t nr_files;		/* [I] of rights, when it was sent */
	int64_t time_ns;		/* [I] of arrival, if the receiver wants it; else 0 */
	union {
		struct page *pages[1];	/* [I] nr_pages of them */
		uint8_t bytes[1];
	};
};
#define MESSAGE_HEAD		offsetof(struct unix_message, bytes)
#define MESSAGE_INLINE		(MESSAGE_SIZE - MESSAGE_HEAD)
#define MESSAGE_PAGES		(MESSAGE_INLINE / sizeof(struct page *))
/* a long write becomes messages of this size */
#define STREAM_CHUNK		(16 * PAGE_SIZE)
_Static_assert(STREAM_CHUNK / PAGE_SIZE <= MESSAGE_PAGES, "a chunk's pages fit the object");

enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };

enum gc_mark { GC_NONE, GC_CANDIDATE, GC_LIVE };

/* [L] lock   [Q] changes under lock, the first may be looked at under read_lock (U1) */
struct unix_socket {
	struct socket sk;		/* first */
	struct spinlock lock;		/* class SOCKET_STATE */
	struct mutex read_lock;		/* class SOCKET: one reader at a time */
	uint8_t state;			/* [L] enum unix_state */
	bool dead;			/* [L] released: U4 */
	uint32_t backlog;	/* [L] connections, or datagrams of strangers, that may wait */
	struct unix_socket *peer;	/* [L] counted: U2 */
	struct list queue;		/* [Q] struct unix_message */
	uint32_t queue_len;		/* [L] messages, or connections that wait */
	uint64_t queue_bytes;		/* [L] for FIONREAD */
	int32_t peek_offset;		/* [R] read_lock: SO_PEEK_OFF, -1: off */
	struct list embryos;		/* [L] of a listener: not accepted */
	struct list embryo_node;	/* [R] the listener's lock */
	struct waitq room;		/* who waits for a shorter queue: connect, datagrams */

	/* A datagram sender that polls waits for room at its peer. */
	struct waitq_entry relay;	/* [R] relay_on->room.lock */
	struct unix_socket *relay_on;	/* [L] counted */

	/* Names. */
	struct unix_addr *addr;		/* [A] U5; NULL: unbound */
	struct path path;		/* [I] once addr is a path: counted */
	struct inode *inode;		/* [I] the same: counted */
	struct hlist_node name_node;	/* [R] the name table's lock */
	struct list all_node;		/* [R] all_lock */
	uint64_t number;		/* [I] position in the list of all */

	/* Who is at the other end: of a listener, itself.  [L], counted. */
	struct pid *peer_pid;
	const struct cred *peer_cred;

	/* Collector: all [R] gc_lock. */
	uint32_t in_flight;		/* references to our file from rights in messages */
	uint32_t gc_left;		/* of these, not from queues of candidates */
	enum gc_mark gc_mark;
	struct list gc_node;		/* all with in_flight, or a list of the collector's */
};

static inline struct unix_socket *unix_of(struct socket *s)
{
	return container_of(s, struct unix_socket, sk);
}

static inline void unix_ref(struct unix_socket *u) { socket_ref(&u->sk); }
static inline void unix_put(struct unix_socket *u) { socket_put(&u->sk); }

static inline bool unix_is_stream(const struct unix_socket *u)
{
	return u->sk.type == SOCK_STREAM;
}
static inline bool unix_is_connection(const struct unix_socket *u)
{
	return u->sk.type != SOCK_DGRAM;
}
static inline bool unix_queue_is_full(const struct unix_socket *u)
{
	return READ_ONCE(u->queue_len) > READ_ONCE(u->backlog);
}
/* Is there something to receive, or to report instead? */
static inline bool unix_may_receive(const struct unix_socket *u)
{
	return !list_empty(&u->queue) || READ_ONCE(u->sk.error) ||
	       READ_ONCE(u->sk.shutdown) & SIDE_RECEIVE;
}
/* The socket behind an open file, NULL: none of ours. */
static inline struct unix_socket *unix_of_file(const struct file *f)
{
	struct socket *s = socket_of(f);

	return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

/* socket.c */
extern const struct socket_ops unix_stream_ops, unix_dgram_ops, unix_seqpacket_ops;
extern int unix_max_dgram_qlen;
struct unix_socket *unix_create(uint8_t type);		/* NULL: out of memory */
uint64_t unix_socket_count(void);
/*
 * All sockets, oldest first: the one after @prev (put; NULL: the first), counted; NULL at the end.
 */
struct unix_socket *unix_next(struct unix_socket *prev);
/* Two locks in order; @a and @b differ. */
void unix_lock_two(struct unix_socket *a, struct unix_socket *b);
void unix_unlock_two(struct unix_socket *a, struct unix_socket *b);
/* The peer of @u, counted; NULL: none. */
struct unix_socket *unix_get_peer(struct unix_socket *u);
/* Waiters and pollers see that a side was shut or an error is there. */
void unix_wake_state(struct unix_socket *u);
void unix_set_peer_creds_locked(struct unix_socket *u, struct pid *pid, const struct cred *cred);

/* name.c */
/* 0 or -EINVAL: is @a an address of ours?  A bare family is none. */
__must_check int unix_check_address(const struct socket_address *a);
int unix_bind(struct socket *s, const struct socket_address *a);
__must_check int unix_autobind(struct unix_socket *u);
/* Who is bound to @a, counted; error pointer. */
struct unix_socket *unix_lookup(const struct socket_address *a, uint8_t type);
void unix_unname(struct unix_socket *u);	/* nobody finds it any more */
struct unix_addr *unix_addr_ref(struct unix_addr *a);
void unix_addr_put(struct unix_addr *a);
/* What name calls and receivers see. */
void unix_copy_address(const struct unix_socket *u, struct socket_address *a);

/* connect.c */
int unix_stream_connect(struct socket *s, const struct socket_address *a, uint32_t flags);
int unix_dgram_connect(struct socket *s, const struct socket_address *a, uint32_t flags);
int unix_pair(struct socket *a, struct socket *b);
int unix_listen(struct socket *s, int backlog);
struct socket *unix_accept(struct socket *s, uint32_t flags);
/* The peer of @u is no more, or another one: what is queued is void. */
void unix_dgram_disconnected(struct unix_socket *u, struct unix_socket *old);

/* message.c */
/*
 * A message of @len bytes from @m's data, charged to @u, which may wait for room.  The rights of
 * @scm pass to it.  Error pointer.
 */
struct unix_message *unix_message_create(struct unix_socket *u, struct socket_msg *m, size_t len,
					 struct unix_scm *scm, struct socket_wait *wait);
void unix_message_free(struct unix_message *msg);
/* Gives up all of @list. */
void unix_message_free_list(struct list *list);
/* Bytes of @msg from @skip on: how many; less than asked for: a bad address. */
size_t unix_message_copy(const struct unix_message *msg, size_t skip, struct iov_iter *to,
			 size_t len);
/* Link into @to's queue, whose lock is held; the caller wakes its readers. */
void unix_enqueue_locked(struct unix_socket *from, struct unix_socket *to,
			 struct unix_message *msg);
/* The first message; NULL: none.  read_lock is held. */
static inline struct unix_message *unix_first(struct unix_socket *u)
{
	struct list *first = smp_load_acquire(&u->queue.next);

	return first == &u->queue ? NULL : list_entry(first, struct unix_message, node);
}
/* The next one for a peek; read_lock is held. */
static inline struct unix_message *unix_next_message(struct unix_socket *u,
						     struct unix_message *msg)
{
	struct list *next = smp_load_acquire(&msg->node.next);

	return next == &u->queue ? NULL : list_entry(next, struct unix_message, node);
}
/* @n bytes of the first message were read; the last ones free it. read_lock is held. */
void unix_consume(struct unix_socket *u, struct unix_message *msg, size_t n);
/* Take the first message off the queue: the caller's to free.  read_lock is held. */
void unix_dequeue(struct unix_socket *u, struct unix_message *msg);
/*
 * Take all messages off the queue, for unix_message_free_list() when no lock is held; nobody reads,
 * or read_lock is held.
 */
void unix_take_all(struct unix_socket *u, struct list *out);
void unix_message_init(void);

/* stream.c, dgram.c */
ssize_t unix_stream_send(struct socket *s, struct socket_msg *m);
ssize_t unix_stream_receive(struct socket *s, struct socket_msg *m);
uint32_t unix_stream_poll(struct socket *s, struct file *f, struct poll_table *pt);
ssize_t unix_dgram_send(struct socket *s, struct socket_msg *m);
ssize_t unix_dgram_receive(struct socket *s, struct socket_msg *m);
uint32_t unix_dgram_poll(struct socket *s, struct file *f, struct poll_table *pt);
ssize_t unix_seqpacket_send(struct socket *s, struct socket_msg *m);
ssize_t unix_seqpacket_receive(struct socket *s, struct socket_msg *m);
void unix_relay_drop(struct unix_socket *u);	/* at the release, or when the peer changes */

/* scm.c */
/* Control messages of a send.  0 or -errno, and nothing is held then. */
__must_check int unix_scm_parse(const struct socket_msg *m, struct unix_scm *scm);
static inline void unix_scm_init(struct unix_scm *scm)
{
	scm->rights = NULL;
	scm->has_creds = false;
}
/* Credentials and rights to the receiver; takes over @rights (NULL: none). */
void unix_scm_receive(struct unix_socket *u, struct socket_msg *m, const struct ucred *creds,
		      struct unix_rights *rights);
/* What a message without credentials shows. */
extern const struct ucred unix_no_creds;
/* A second set of the same files, for a peek; NULL: out of memory. */
struct unix_rights *unix_rights_dup(const struct unix_rights *r);

/* gc.c */
/* Count what @r sends; 0, -ETOOMANYREFS, -ENOMEM. */
__must_check int unix_rights_depart(struct unix_rights *r);
/* They have arrived, or will never: not counted any more. */
void unix_rights_arrive(struct unix_rights *r);
/* After a peek took references, before the files are used: U6, G4. */
void unix_rights_peek_barrier(const struct unix_rights *r);
/* Gives up the files; those that go with them are given up by the same call, without recursion. */
void unix_rights_put(struct unix_rights *r);
void unix_gc_descriptor_closed(struct socket *s);
void unix_gc_socket_released(void);
/* Finds and frees what only messages refer to: how many sockets.  Process context. */
unsigned int unix_gc_collect(void);
uint32_t unix_gc_in_flight(void);	/* sockets that are in flight */

#endif
