/* SPDX-License-Identifier: MIT */
/* Reading, writing and polling through files on a tty. */
#include <fs/poll.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <uapi/fcntl.h>
#include "tty_internal.h"

#define CHUNK		512u
#define ROOM_WANTED	8u	/* the longest expansion of one character */
#define POLL_OUT_BELOW	256u	/* writable when less than this waits, as on Linux */

ssize_t tty_file_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	if (tty_file_is_dead(tty_file_of(f)))
		return 0;
	return n_tty_read(f, to);
}

static bool is_write_dead(const struct tty *tty, const struct tty_file *tf)
{
	return tty_file_is_dead(tf) || __atomic_load_n(&tty->other_closed, __ATOMIC_ACQUIRE);
}

/* All of @buf, waiting for room; *@done counts what the driver took.  0 or -errno. */
static int write_chunk(struct tty *tty, struct file *f, const uint8_t *buf, size_t len,
		       size_t *done)
{
	struct tty_file *tf = tty_file_of(f);
	size_t at = 0;

	for (;;) {
		size_t n;
		int err;

		if (is_write_dead(tty, tf))
			return -EIO;
		mutex_lock(&tty->lock);
		n = n_tty_write(tty, buf + at, len - at);
		mutex_unlock(&tty->lock);
		at += n;
		*done += n;
		if (at == len)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&tty->write_wait,
					       tty->ops->write_room(tty) >= ROOM_WANTED ||
					       is_write_dead(tty, tf));
		if (err)
			return err;
	}
}

/*
 * The write lock is a queue of writers, held over waiting and copying so that writes do not mix;
 * nothing else takes it.
 */
static ssize_t write_all(struct tty *tty, struct file *f, struct iov_iter *from)
{
	uint8_t buf[CHUNK];
	size_t done = 0;
	int err = 0;

	while (from->count && !err) {
		size_t n = iov_copy_from(from, buf, min(from->count, sizeof(buf)));

		err = n ? write_chunk(tty, f, buf, n, &done) : -EFAULT;
	}
	return done ? (ssize_t)done : err;
}

static ssize_t write_queued(struct tty *tty, struct file *f, struct iov_iter *from)
{
	ssize_t n;
	int err;

	if (f->flags & O_NONBLOCK) {
		if (!mutex_try_lock(&tty->write_lock))
			return -EAGAIN;
	} else {
		err = mutex_lock_interruptible(&tty->write_lock);
		if (err)
			return err;
	}
	n = write_all(tty, f, from);
	mutex_unlock(&tty->write_lock);
	return n;
}

ssize_t tty_file_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty, *redirect;
	ssize_t n;
	int err;

	if (tty_file_is_dead(tf))
		return -EIO;
	redirect = tf->is_console ? console_redirect_get() : NULL;
	if (redirect) {
		n = write_queued(redirect, f, from);
		tty_put(redirect);
		return n;
	}
	if (!tf->is_console && L_FLAG(tty, TOSTOP)) {
		err = tty_check_change(tty, SIGTTOU);
		if (err)
			return err;
	}
	return write_queued(tty, f, from);
}

uint32_t tty_file_poll(struct file *f, struct poll_table *pt)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;
	uint32_t events = 0;

	poll_wait(f, &tty->read_wait, pt);
	poll_wait(f, &tty->write_wait, pt);
	if (tty_file_is_dead(tf))
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
	if (n_tty_has_input(tty, true))
		events |= POLLIN | POLLRDNORM;
	if (__atomic_load_n(&tty->other_closed, __ATOMIC_ACQUIRE))
		events |= POLLHUP;
	if (tty->ops->chars_in_buffer(tty) < POLL_OUT_BELOW && tty->ops->write_room(tty))
		events |= POLLOUT | POLLWRNORM;
	return events;
}
