/* SPDX-License-Identifier: MIT */
/*
 * poll and select.
 *
 * The first pass only asks: most calls find something ready, or do not wait at all.  Only then are
 * entries queued, and every later pass only asks again.  An entry that is woken marks the call as
 * triggered, so that the sleep that follows returns at once (no wake-up is lost between the pass
 * and the sleep).
 */
#include <fs/poll.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include "poll_internal.h"

#define ENTRIES_HERE	6

struct poll_entry {
	struct waitq_entry wait;
	struct waitq *queue;
	struct file *file;		/* counted: the queue lives in it */
	struct poll_call *call;
};

struct poll_block {
	struct poll_block *next;
	unsigned int used;
	struct poll_entry entries[];
};

struct poll_call {
	struct poll_table table;	/* first */
	struct thread *thread;
	uint32_t triggered;		/* [A] */
	int error;
	unsigned int used;
	struct poll_entry here[ENTRIES_HERE];
	struct poll_block *blocks;
};

#define BLOCK_ENTRIES ((PAGE_SIZE - sizeof(struct poll_block)) / sizeof(struct poll_entry))

static bool poll_woken(struct waitq_entry *e, uint32_t events)
{
	struct poll_call *c = container_of(e, struct poll_entry, wait)->call;

	__atomic_store_n(&c->triggered, 1, __ATOMIC_SEQ_CST);
	return thread_wake(c->thread);
}

static struct poll_entry *new_entry(struct poll_call *c)
{
	struct poll_block *b;

	if (c->used < ENTRIES_HERE)
		return &c->here[c->used++];
	b = c->blocks;
	if (!b || b->used == BLOCK_ENTRIES) {
		b = kmalloc(PAGE_SIZE, 0);
		if (!b)
			return NULL;
		b->used = 0;
		b->next = c->blocks;
		c->blocks = b;
	}
	return &b->entries[b->used++];
}

static void poll_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poll_call *c = container_of(pt, struct poll_call, table);
	struct poll_entry *e = new_entry(c);

	if (!e) {
		c->error = -ENOMEM;
		return;
	}
	file_ref(f);
	e->file = f;
	e->queue = q;
	e->call = c;
	waitq_entry_init(&e->wait, c->thread, 0);
	e->wait.wake = poll_woken;
	waitq_add(q, &e->wait);
}

static void call_init(struct poll_call *c)
{
	c->table.queue = poll_queue;
	c->thread = current_thread();
	c->triggered = 0;
	c->error = 0;
	c->used = 0;
	c->blocks = NULL;
}

static void drop_entries(struct poll_entry *e, unsigned int n)
{
	for (; n; n--, e++) {
		waitq_remove(e->queue, &e->wait);
		file_put(e->file);
	}
}

static void call_fini(struct poll_call *c)
{
	struct poll_block *b, *next;

	drop_entries(c->here, c->used);
	for (b = c->blocks; b; b = next) {
		next = b->next;
		drop_entries(b->entries, b->used);
		kfree(b);
	}
}

/* Sleep until an entry is woken: 0, -ETIMEDOUT, -EINTR. */
static int call_sleep(struct poll_call *c, int64_t deadline)
{
	int err = 0;

	thread_set_state(THREAD_INTERRUPTIBLE);
	if (!__atomic_load_n(&c->triggered, __ATOMIC_SEQ_CST))
		err = schedule_wait(deadline);
	thread_set_state(THREAD_RUNNING);
	__atomic_store_n(&c->triggered, 0, __ATOMIC_SEQ_CST);	/* before the next pass looks */
	if (err == -ERESTARTSYS)
		err = signal_is_pending() ? -EINTR : 0;
	return err;
}

/* Ask all: the number that are ready. */
static int poll_pass(struct pollfd *fds, unsigned int nfds, struct poll_table *pt)
{
	int ready = 0;

	for (unsigned int i = 0; i < nfds; i++) {
		struct pollfd *p = &fds[i];
		uint32_t want, got = 0;
		struct fd_ref r;

		p->revents = 0;
		if (p->fd < 0)
			continue;
		r = fd_get(p->fd);
		if (unlikely(!r.file)) {
			p->revents = POLLNVAL;
			ready++;
			continue;
		}
		want = (uint16_t)p->events | POLLERR | POLLHUP;
		if (pt)
			pt->events = want;
		got = file_poll(r.file, ready ? NULL : pt) & want;
		fd_put(r);
		if (got) {
			p->revents = (int16_t)got;
			ready++;
		}
	}
	return ready;
}

static long poll_loop(struct pollfd *fds, unsigned int nfds, int64_t deadline)
{
	struct poll_call c;
	struct poll_table *pt = &c.table;
	int ready = poll_pass(fds, nfds, NULL), err = 0;

	if (ready || deadline == 0)
		return ready;
	call_init(&c);
	for (;;) {
		ready = poll_pass(fds, nfds, pt);
		pt = NULL;
		if (ready || err)
			break;
		err = c.error;
		if (err)
			break;
		err = call_sleep(&c, deadline);
	}
	call_fini(&c);
	if (ready || err == -ETIMEDOUT)
		return ready;
	return err;
}

static long do_poll(uaddr_t ufds, unsigned int nfds, int64_t deadline)
{
	struct pollfd few[16], *fds = few;
	long ret;

	if (nfds > process_rlimit(current_process(), RLIMIT_NOFILE))
		return -EINVAL;
	if (nfds > ARRAY_SIZE(few)) {
		fds = kvmalloc(nfds * sizeof(*fds), 0);
		if (!fds)
			return -ENOMEM;
	}
	ret = -EFAULT;
	if (copy_from_user(fds, ufds, nfds * sizeof(*fds)))
		goto out;
	ret = poll_loop(fds, nfds, deadline);
	if (ret >= 0) {
		if (ret > 0 || nfds <= ARRAY_SIZE(few)) {
			if (copy_to_user(ufds, fds, nfds * sizeof(*fds)))
				ret = -EFAULT;
		} else if (copy_to_user(ufds, fds, nfds * sizeof(*fds))) {
			ret = -EFAULT;
		}
	}
out:
	if (fds != few)
		kvfree(fds);
	return ret;
}

/* 0: do not wait; WAIT_FOREVER; else absolute. */
static int64_t deadline_after_ms(int ms)
{
	if (ms < 0)
		return WAIT_FOREVER;
	return ms ? clock_ns() + ms * NSEC_PER_MSEC : 0;
}

static int64_t deadline_after_ns(int64_t ns)
{
	int64_t sum;

	if (!ns)
		return 0;
	return __builtin_add_overflow(clock_ns(), ns, &sum) ? WAIT_FOREVER : sum;
}

static long poll_restart(struct thread *t)
{
	long ret = do_poll(UADDR(t->restart.arg[0]), (unsigned int)t->restart.arg[1],
			   (int64_t)t->restart.arg[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

long sys_poll(uaddr_t fds, unsigned int nfds, int timeout)
{
	int64_t deadline = deadline_after_ms(timeout);
	struct thread *t = current_thread();
	long ret = do_poll(fds, nfds, deadline);

	if (ret != -EINTR)
		return ret;
	t->restart.fn = poll_restart;
	t->restart.arg[0] = fds.v;
	t->restart.arg[1] = nfds;
	t->restart.arg[2] = (uint64_t)deadline;
	return -ERESTART_RESTARTBLOCK;
}

int poll_get_timespec(uaddr_t user, int64_t *deadline)
{
	struct timespec ts;

	*deadline = WAIT_FOREVER;
	if (!user.v)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	if (!timespec_is_valid(ts))
		return -EINVAL;
	*deadline = deadline_after_ns(timespec_to_ns(ts));
	return 0;
}

int poll_set_mask(uaddr_t mask, size_t size)
{
	sigset_t set;

	if (!mask.v)
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	signal_set_temporary_mask(set);
	return 0;
}

/*
 * The old mask comes back now, or, when a signal is to be delivered under the new one, after its
 * delivery.
 */
void poll_restore_mask(uaddr_t mask, long ret)
{
	if (mask.v && ret != -EINTR && ret != -ERESTARTNOHAND)
		signal_restore_mask();
}

static int64_t time_left(int64_t deadline)
{
	return deadline ? max(deadline - clock_ns(), (int64_t)0) : 0;
}

static void put_left_timespec(uaddr_t user, int64_t deadline)
{
	struct timespec ts = ns_to_timespec(time_left(deadline));

	if (user.v && deadline != WAIT_FOREVER)
		(void)!copy_to_user(user, &ts, sizeof(ts));
}

long sys_ppoll(uaddr_t fds, unsigned int nfds, uaddr_t timeout, uaddr_t sigmask, size_t sigsetsize)
{
	int64_t deadline;
	long ret = poll_get_timespec(timeout, &deadline);

	if (ret)
		return ret;
	ret = poll_set_mask(sigmask, sigsetsize);
	if (ret)
		return ret;
	ret = do_poll(fds, nfds, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	poll_restore_mask(sigmask, ret);
	put_left_timespec(timeout, deadline);
	return ret;
}

/* select: three bitmaps in, three out, as words. */

enum { SEL_IN, SEL_OUT, SEL_EX, SEL_SETS };
#define SELECT_IN	(POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define SELECT_OUT	(POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define SELECT_EX	POLLPRI

static const uint32_t select_events[SEL_SETS] = { SELECT_IN, SELECT_OUT, SELECT_EX };

struct select_sets {
	unsigned long *in[SEL_SETS], *out[SEL_SETS];
	size_t words;
	int nfds;
};

/* -EBADF for a closed descriptor, else the number of bits that are ready. */
static int select_pass(struct select_sets *s, struct poll_table *pt)
{
	int ready = 0;

	for (size_t w = 0; w < s->words; w++) {
		unsigned long any = s->in[SEL_IN][w] | s->in[SEL_OUT][w] | s->in[SEL_EX][w];

		for (int k = 0; k < SEL_SETS; k++)
			s->out[k][w] = 0;
		for (; any; any &= any - 1) {
			unsigned int bit = ctz64(any);
			struct fd_ref r = fd_get((int)(w * 64 + bit));
			uint32_t want = 0, got;

			if (!r.file)
				return -EBADF;
			for (int k = 0; k < SEL_SETS; k++)
				if (s->in[k][w] >> bit & 1)
					want |= select_events[k];
			if (pt)
				pt->events = want;
			got = file_poll(r.file, ready ? NULL : pt);
			fd_put(r);
			for (int k = 0; k < SEL_SETS; k++) {
				if (!(s->in[k][w] >> bit & 1) || !(got & select_events[k]))
					continue;
				s->out[k][w] |= 1UL << bit;
				ready++;
			}
		}
	}
	return ready;
}

static int select_loop(struct select_sets *s, int64_t deadline)
{
	struct poll_call c;
	struct poll_table *pt = &c.table;
	int ready = select_pass(s, NULL), err = 0;

	if (ready || deadline == 0)
		return ready;
	call_init(&c);
	for (;;) {
		ready = select_pass(s, pt);
		pt = NULL;
		if (ready || err)
			break;
		err = c.error ? c.error : call_sleep(&c, deadline);
		if (c.error)
			break;
	}
	call_fini(&c);
	return ready || err == -ETIMEDOUT ? ready : err;
}

static long do_select(int nfds, const uaddr_t sets[SEL_SETS], int64_t deadline)
{
	uint32_t table;
	unsigned long few[6 * 2], *bits = few;
	struct select_sets s;
	size_t bytes;
	long ret;

	if (nfds < 0)
		return -EINVAL;
	rcu_read_lock();
	table = rcu_dereference(current_thread()->files->array)->size;
	rcu_read_unlock();
	s.nfds = (int)min((uint32_t)nfds, table);
	s.words = DIV_ROUND_UP((size_t)s.nfds, 64);
	bytes = s.words * 8;
	if (s.words > 2) {
		bits = kvmalloc(6 * bytes, 0);
		if (!bits)
			return -ENOMEM;
	}
	memset(bits, 0, 6 * bytes);
	for (int k = 0; k < SEL_SETS; k++) {
		s.in[k] = bits + (size_t)k * s.words;
		s.out[k] = bits + (size_t)(3 + k) * s.words;
		ret = -EFAULT;
		if (sets[k].v && copy_from_user(s.in[k], sets[k], bytes))
			goto out;
		if (s.nfds % 64)
			s.in[k][s.words - 1] &= (1UL << s.nfds % 64) - 1;
	}
	ret = select_loop(&s, deadline);
	for (int k = 0; k < SEL_SETS && ret >= 0; k++)
		if (sets[k].v && copy_to_user(sets[k], s.out[k], bytes))
			ret = -EFAULT;
out:
	if (bits != few)
		kvfree(bits);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

long sys_select(int nfds, uaddr_t readfds, uaddr_t writefds, uaddr_t exceptfds, uaddr_t timeout)
{
	const uaddr_t sets[SEL_SETS] = { readfds, writefds, exceptfds };
	int64_t deadline = WAIT_FOREVER, left;
	struct timeval tv;
	long ret;

	if (timeout.v) {
		if (copy_from_user(&tv, timeout, sizeof(tv)))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		if (__builtin_add_overflow(tv.tv_sec, tv.tv_usec / 1000000, &tv.tv_sec))
			return -EINVAL;
		tv.tv_usec %= 1000000;
		deadline = deadline_after_ns(timespec_to_ns((struct timespec){
			.tv_sec = tv.tv_sec, .tv_nsec = tv.tv_usec * 1000 }));
	}
	ret = do_select(nfds, sets, deadline);
	if (timeout.v && deadline != WAIT_FOREVER) {
		left = time_left(deadline);
		tv = (struct timeval){ left / NSEC_PER_SEC, left % NSEC_PER_SEC / 1000 };
		(void)!copy_to_user(timeout, &tv, sizeof(tv));
	}
	return ret;
}

long sys_pselect6(int nfds, uaddr_t readfds, uaddr_t writefds, uaddr_t exceptfds, uaddr_t timeout,
		  uaddr_t sigmask)
{
	const uaddr_t sets[SEL_SETS] = { readfds, writefds, exceptfds };
	struct sigset_argpack pack = { 0, 0 };
	int64_t deadline;
	long ret = poll_get_timespec(timeout, &deadline);

	if (ret)
		return ret;
	if (sigmask.v && copy_from_user(&pack, sigmask, sizeof(pack)))
		return -EFAULT;
	ret = poll_set_mask(UADDR(pack.ss), pack.ss_len);
	if (ret)
		return ret;
	ret = do_select(nfds, sets, deadline);
	poll_restore_mask(UADDR(pack.ss), ret);
	put_left_timespec(timeout, deadline);
	return ret;
}
