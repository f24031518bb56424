/* SPDX-License-Identifier: MIT */
/*
 * Unit tests: the collector against a model, names in numbers, limits of messages.
 *
 * The collector's own thread may run at any time, so a test looks at how many sockets are left, not
 * at what one collection returned.
 */
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/bits.h>
#include <lib/ktest.h>
#include <lib/printf.h>
#include <mm/slab.h>

#include "unix.h"

#define NODES_MAX 12

static struct file *make_file(uint8_t type)
{
	struct unix_socket *u = unix_create(type);

	return u ? socket_file_create(&u->sk, 0) : ERR_PTR(-ENOMEM);
}

static struct unix_socket *of(struct file *f)
{
	return unix_of_file(f);
}

/* A message with one byte and the open file @f, in the queue of @to's socket. */
static int pass(struct file *f, struct unix_socket *from, struct unix_socket *to)
{
	struct socket_wait wait = { .timeout_ns = 0, .deadline = -1 };
	struct unix_rights *r = kzalloc(sizeof(*r) + sizeof(struct file *), 0);
	struct unix_scm scm = { .rights = r };
	struct unix_message *msg;
	struct socket_msg m;
	struct iov_iter it;
	char byte = 'x';
	int err;

	if (!r)
		return -ENOMEM;
	r->nr = 1;
	r->files[0] = f;
	file_ref(f);
	err = unix_rights_depart(r);
	iov_iter_kernel(&it, &byte, 1);
	m = (struct socket_msg){ .data = &it };
	msg = err ? ERR_PTR(err) : unix_message_create(from, &m, 1, &scm, &wait);
	if (IS_ERR(msg)) {
		unix_rights_put(r);
		return (int)PTR_ERR(msg);
	}
	spin_lock(&to->lock);
	unix_enqueue_locked(from, to, msg);
	spin_unlock(&to->lock);
	return 0;
}

/* Collect until @count sockets are left: how many are after at most two seconds. */
static uint64_t settle(uint64_t count)
{
	for (int i = 0; i < 100; i++) {
		unix_gc_collect();
		if (unix_socket_count() == count)
			break;
		sleep_ns(20 * NSEC_PER_MSEC);
	}
	return unix_socket_count();
}

KTEST(unix, cycle_of_one)
{
	uint64_t before = unix_socket_count();
	struct file *a = make_file(SOCK_DGRAM);

	KASSERT_FALSE(IS_ERR(a));
	KASSERT_EQ(pass(a, of(a), of(a)), 0);
	unix_gc_collect();
	KEXPECT_EQ(unix_socket_count(), before + 1);	/* we still have it */
	file_put(a);
	KEXPECT_EQ(settle(before), before);
}

KTEST(unix, pair_in_each_other)
{
	uint64_t before = unix_socket_count();
	struct file *a = make_file(SOCK_STREAM), *b = make_file(SOCK_STREAM);

	KASSERT_FALSE(IS_ERR(a) || IS_ERR(b));
	KASSERT_EQ(unix_pair(&of(a)->sk, &of(b)->sk), 0);
	KASSERT_EQ(pass(a, of(a), of(b)), 0);
	KASSERT_EQ(pass(b, of(b), of(a)), 0);
	file_put(a);
	unix_gc_collect();
	KEXPECT_EQ(unix_socket_count(), before + 2);	/* a can be received from b */
	file_put(b);
	KEXPECT_EQ(settle(before), before);
	KEXPECT_EQ(unix_gc_in_flight(), 0);
}

/* A connection that nobody accepted holds its own listener. */
KTEST(unix, listener_held_by_an_embryo)
{
	uint64_t before = unix_socket_count();
	struct file *l = make_file(SOCK_STREAM), *c = make_file(SOCK_STREAM);
	struct socket_address any = { .len = sizeof(any.family), .un.sun_family = AF_UNIX }, at;

	KASSERT_FALSE(IS_ERR(l) || IS_ERR(c));
	KASSERT_EQ(unix_bind(&of(l)->sk, &any), 0);
	KASSERT_EQ(unix_listen(&of(l)->sk, 5), 0);
	memset(&at, 0, sizeof(at));
	unix_copy_address(of(l), &at);
	KASSERT_EQ(unix_stream_connect(&of(c)->sk, &at, O_NONBLOCK), 0);
	KASSERT_EQ(pass(l, of(c), of(c)->peer), 0);
	file_put(l);
	unix_gc_collect();
	file_put(c);
	KEXPECT_EQ(settle(before), before);
}

/* Random graphs: what a walk from the open files reaches must stay, the rest must go. */
struct graph {
	struct file *files[NODES_MAX];
	uint32_t holds[NODES_MAX];	/* bit j: the queue of i refers to j */
	uint32_t open;			/* bit i: we have i open */
	unsigned int nr;
};

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*state >> 33);
}

static bool graph_make(struct graph *g, uint64_t *seed)
{
	g->nr = 2 + next_random(seed) % (NODES_MAX - 1);
	g->open = 0;
	for (unsigned int i = 0; i < g->nr; i++) {
		g->files[i] = make_file(SOCK_DGRAM);
		if (IS_ERR(g->files[i]))
			return false;
		g->holds[i] = 0;
	}
	for (unsigned int n = next_random(seed) % (2 * g->nr + 1); n; n--) {
		unsigned int i = next_random(seed) % g->nr, j = next_random(seed) % g->nr;

		if (pass(g->files[j], of(g->files[i]), of(g->files[i])))
			return false;
		g->holds[i] |= 1u << j;
	}
	for (unsigned int i = 0; i < g->nr; i++)
		g->open |= (next_random(seed) % 4 == 0) << i;
	return true;
}

static uint32_t graph_reachable(const struct graph *g)
{
	uint32_t seen = g->open, before;

	do {
		before = seen;
		for (unsigned int i = 0; i < g->nr; i++)
			if (seen >> i & 1)
				seen |= g->holds[i];
	} while (seen != before);
	return seen;
}

KTEST(unix, random_graphs)
{
	uint64_t before = unix_socket_count(), seed = 4711;
	struct graph g;

	for (int round = 0; round < 200; round++) {
		unsigned int live;

		KASSERT_TRUE(graph_make(&g, &seed));
		live = popcount64(graph_reachable(&g));
		for (unsigned int i = 0; i < g.nr; i++)
			if (!(g.open >> i & 1))
				file_put(g.files[i]);
		KEXPECT_EQ(settle(before + live), before + live);
		for (unsigned int i = 0; i < g.nr; i++)
			if (g.open >> i & 1)
				file_put(g.files[i]);
		KEXPECT_EQ(settle(before), before);
	}
	KEXPECT_EQ(unix_gc_in_flight(), 0);
}

/* The files of a chain are given up one after the other, not one within the other. */
KTEST(unix, long_chain)
{
	uint64_t before = unix_socket_count();
	struct file *head = make_file(SOCK_DGRAM), *f;

	KASSERT_FALSE(IS_ERR(head));
	for (int i = 0; i < 1000; i++) {
		f = make_file(SOCK_DGRAM);
		KASSERT_FALSE(IS_ERR(f));
		KASSERT_EQ(pass(head, of(f), of(f)), 0);
		file_put(head);
		head = f;
	}
	KEXPECT_EQ(unix_socket_count(), before + 1001);
	file_put(head);
	KEXPECT_EQ(settle(before), before);
}

static struct socket_address numbered(int i)
{
	struct socket_address a = { .un.sun_family = AF_UNIX };

	a.len = (uint32_t)offsetof(struct sockaddr_un, sun_path) + 1 +
		(uint32_t)scnprintf(a.un.sun_path + 1, 20, "ktest-%d", i);
	return a;
}

KTEST(unix, many_names)
{
	enum { COUNT = 600 };
	struct unix_socket **all = kmalloc_array(COUNT, sizeof(*all), 0), *u;
	struct socket_address a;
	unsigned int wrong = 0;

	KASSERT_TRUE(all);
	for (int i = 0; i < COUNT; i++) {
		all[i] = unix_create(SOCK_STREAM);
		a = numbered(i);
		wrong += !all[i] || unix_bind(&all[i]->sk, &a);
	}
	KEXPECT_EQ(wrong, 0);
	for (int i = 0; i < COUNT; i++) {
		a = numbered(i);
		u = unix_lookup(&a, SOCK_STREAM);
		wrong += u != all[i];
		if (!IS_ERR(u))
			unix_put(u);
		wrong += unix_lookup(&a, SOCK_DGRAM) != ERR_PTR(-ECONNREFUSED);
		if (i % 3 == 0) {
			socket_discard(&all[i]->sk);
			wrong += unix_lookup(&a, SOCK_STREAM) != ERR_PTR(-ECONNREFUSED);
		}
	}
	KEXPECT_EQ(wrong, 0);
	for (int i = 0; i < COUNT; i++)
		if (i % 3)
			socket_discard(&all[i]->sk);
	kfree(all);
}

/* Sizes around what stands in the object, in its pages, and in an array of its own. */
KTEST(unix, message_sizes)
{
	static const uint32_t sizes[] = { 0, 1, MESSAGE_INLINE, MESSAGE_INLINE + 1, 4096, 4097,
					  65536, MESSAGE_PAGES * 4096, MESSAGE_PAGES * 4096 + 1,
					  200000 };
	struct file *a = make_file(SOCK_DGRAM), *b = make_file(SOCK_DGRAM);
	uint8_t *data = kvmalloc(200000, 0), *back = kvmalloc(200000, ALLOC_ZERO);
	struct iov_iter it;
	struct socket_msg m = { .data = &it };

	KASSERT_FALSE(IS_ERR(a) || IS_ERR(b) || !data || !back);
	KASSERT_EQ(unix_pair(&of(a)->sk, &of(b)->sk), 0);
	for (uint32_t i = 0; i < 200000; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		iov_iter_kernel(&it, data, sizes[i]);
		KEXPECT_EQ(unix_dgram_send(&of(a)->sk, &m), sizes[i]);
		KEXPECT_TRUE(of(a)->sk.send_used >= sizes[i]);
		iov_iter_kernel(&it, back, 200000);
		KEXPECT_EQ(unix_dgram_receive(&of(b)->sk, &m), sizes[i]);
		KEXPECT_EQ(memcmp(data, back, sizes[i]), 0);
		KEXPECT_EQ(of(a)->sk.send_used, 0);
	}
	kvfree(data);
	kvfree(back);
	file_put(a);
	file_put(b);
}
