/* SPDX-License-Identifier: MIT */
/*
 * N_TTY, reading: lines in canonical mode, and the four cases of VMIN and VTIME otherwise.  N1..N3
 * are in n_tty_input.c.
 */
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <uapi/fcntl.h>
#include "tty_internal.h"

#define MASK (N_TTY_SIZE - 1)
#define TENTH_NS (NSEC_PER_SEC / 10)

/*
 * Without the lock: may be out of date at once, as any answer of poll.  @for_poll: VMIN counts, as
 * a read that finds fewer bytes would wait.
 */
bool n_tty_has_input(const struct tty *tty, bool for_poll)
{
	const struct n_tty *ld = &tty->ld;
	size_t tail = __atomic_load_n(&ld->tail, __ATOMIC_RELAXED), want = 1;

	if (L_FLAG(tty, ICANON))
		return __atomic_load_n(&ld->canon_head, __ATOMIC_ACQUIRE) != tail;
	if (for_poll && !CC(tty, VTIME) && CC(tty, VMIN))
		want = CC(tty, VMIN);
	return __atomic_load_n(&ld->commit_head, __ATOMIC_ACQUIRE) - tail >= want;
}

static bool ends_line(const struct n_tty *ld, size_t index)
{
	return ld->line_end[(index & MASK) / 64] >> index % 64 & 1;
}

/* A mark of end-of-file: not a byte for readers. */
static bool is_eof(const struct n_tty *ld, size_t index)
{
	return ends_line(ld, index) && ld->buf[index & MASK] == _POSIX_VDISABLE && !ld->push;
}

size_t n_tty_input_count(const struct tty *tty)
{
	const struct n_tty *ld = &tty->ld;
	size_t n = 0;

	if (!L_FLAG(tty, ICANON))
		return ld->commit_head - ld->tail;
	for (size_t i = ld->tail; i != ld->canon_head; i++)
		n += !is_eof(ld, i);
	return n;
}

static void set_tail(struct n_tty *ld, size_t tail)
{
	__atomic_store_n(&ld->tail, tail, __ATOMIC_RELEASE);
	if (tail == ld->canon_head)
		ld->push = false;
}

static size_t take_line(struct n_tty *ld, uint8_t *buf, size_t len, bool *end)
{
	size_t tail = ld->tail, n = 0;

	*end = false;
	while (tail != ld->canon_head && !*end) {
		bool eof = is_eof(ld, tail);

		if (n == len && !eof)
			break;	/* an end of file right behind a full buffer belongs to this read */
		*end = ends_line(ld, tail);
		if (!eof)
			buf[n++] = ld->buf[tail & MASK];
		tail++;
	}
	set_tail(ld, tail);
	return n;
}

static size_t take_bytes(struct n_tty *ld, uint8_t *buf, size_t len)
{
	size_t first;

	len = min(len, ld->commit_head - ld->tail);
	first = min(len, N_TTY_SIZE - (ld->tail & MASK));
	memcpy(buf, &ld->buf[ld->tail & MASK], first);
	memcpy(buf + first, ld->buf, len - first);
	set_tail(ld, ld->tail + len);
	return len;
}

size_t n_tty_take(struct tty *tty, uint8_t *buf, size_t len, bool *end)
{
	*end = false;
	if (L_FLAG(tty, ICANON))
		return take_line(&tty->ld, buf, len, end);
	return take_bytes(&tty->ld, buf, len);
}

struct read_state {
	struct file *file;
	struct iov_iter *to;
	size_t done;
	size_t wanted;			/* return once this many bytes are there */
	/* how long to wait: for the first byte; for the next after any. WAIT_FOREVER, 0 */
	int64_t first_ns, between_ns;
	int64_t deadline;
	bool canonical;
};

/* POSIX 11.1.7: cases A to D. */
static void read_state_init(struct read_state *r, const struct tty *tty)
{
	int64_t time = CC(tty, VTIME) * TENTH_NS;

	r->canonical = L_FLAG(tty, ICANON);
	r->wanted = r->canonical ? 1 : max_t(size_t, CC(tty, VMIN), 1);
	r->first_ns = !r->canonical && !CC(tty, VMIN) ? time : WAIT_FOREVER;
	r->between_ns = !r->canonical && CC(tty, VMIN) && time ? time : WAIT_FOREVER;
	r->deadline = r->first_ns == WAIT_FOREVER || !r->first_ns ? r->first_ns :
		clock_ns() + r->first_ns;
}

/*
 * Move what is there to the reader; true: the read is finished, or the user's memory is bad
 * (*@err).
 */
static bool copy_available(struct tty *tty, struct read_state *r, int *err)
{
	uint8_t buf[512];
	bool end = false, more = true;

	while (more && !end && r->to->count) {
		size_t n;
		bool unthrottle;

		mutex_lock(&tty->lock);
		n = n_tty_take(tty, buf, min(sizeof(buf), r->to->count), &end);
		more = n == sizeof(buf);
		unthrottle = tty->ld.throttled && n_tty_room(tty) >= N_TTY_SIZE / 8;
		if (unthrottle)
			tty->ld.throttled = false;
		mutex_unlock(&tty->lock);
		if (unthrottle && tty->ops->unthrottle)
			tty->ops->unthrottle(tty);
		if (iov_copy_to(r->to, buf, n) != n) {
			*err = -EFAULT;
			return true;
		}
		r->done += n;
		if (n && r->between_ns != WAIT_FOREVER)
			r->deadline = clock_ns() + r->between_ns;
	}
	return end || !r->to->count || r->done >= r->wanted;
}

/* 0: there is something to look at; 1: the read ends with what it has; -errno. */
static int wait_for_input(struct tty *tty, struct read_state *r)
{
	struct tty_file *tf = tty_file_of(r->file);
	int err;

	/*
	 * Who waits when a pty's master closes gets EIO; who comes after the hang-up, end of file.
	 */
	if (__atomic_load_n(&tty->other_closed, __ATOMIC_ACQUIRE))
		return n_tty_has_input(tty, false) ? 0 : -EIO;
	if (tty_file_is_dead(tf))
		return 1;
	if (!r->deadline)
		return 1;
	if (r->file->flags & O_NONBLOCK)
		return -EAGAIN;
	err = wait_event_timeout(&tty->read_wait,
				 n_tty_has_input(tty, false) || tty_file_is_dead(tf) ||
				 tty->other_closed || L_FLAG(tty, ICANON) !=
				 (r->canonical ? ICANON : 0), r->deadline);
	return err == -ETIMEDOUT ? 1 : err;
}

static ssize_t read_loop(struct tty *tty, struct read_state *r)
{
	int err = 0;

	for (;;) {
		if (n_tty_has_input(tty, false)) {
			if (copy_available(tty, r, &err))
				break;
			continue;
		}
		err = wait_for_input(tty, r);
		if (err)
			break;
		if (!!L_FLAG(tty, ICANON) != r->canonical)
			read_state_init(r, tty);
	}
	if (r->done || err == 1)
		return (ssize_t)r->done;
	return err;
}

/*
 * The read lock is a queue of readers, held over waiting and copying so that a line goes to one of
 * them; nothing else takes it.
 */
ssize_t n_tty_read(struct file *f, struct iov_iter *to)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;
	struct read_state r = { .file = f, .to = to };
	ssize_t n;
	int err;

	if (!tf->is_console) {
		err = tty_check_change(tty, SIGTTIN);
		if (err)
			return err;
	}
	if (f->flags & O_NONBLOCK) {
		if (!mutex_try_lock(&tty->read_lock))
			return -EAGAIN;
	} else {
		err = mutex_lock_interruptible(&tty->read_lock);
		if (err)
			return err;
	}
	read_state_init(&r, tty);
	n = read_loop(tty, &r);
	mutex_unlock(&tty->read_lock);
	return n;
}
