/* SPDX-License-Identifier: MIT */
/* The TC* and TIO* requests, but for settings (termios.c) and job control (jobctl.c). */
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/poll.h>
#include "tty_internal.h"

#define BREAK_NS	(250 * NSEC_PER_MSEC)

/* Exclusive lines, other sessions' terminals, typing for others: beyond a user's own terminal. */
bool tty_may_administer(void)
{
	return cred_overrides_files(current_cred());
}

/* Lock held. */
void tty_set_stopped(struct tty *tty, bool stopped)
{
	if (tty->stopped == stopped)
		return;
	__atomic_store_n(&tty->stopped, stopped, __ATOMIC_SEQ_CST);
	if (stopped) {
		if (tty->ops->stop)
			tty->ops->stop(tty);
	} else {
		n_tty_flush_echoes(tty);
		tty->ops->start(tty);
		waitq_wake_all(&tty->write_wait, POLLOUT | POLLWRNORM);
	}
	if (tty->ops->packet)
		tty->ops->packet(tty, stopped ? TIOCPKT_STOP : TIOCPKT_START);
}

void tty_flush_input(struct tty *tty)
{
	mutex_lock(&tty->lock);
	n_tty_flush_input(tty);
	if (tty->ops->packet)
		tty->ops->packet(tty, TIOCPKT_FLUSHREAD);
	mutex_unlock(&tty->lock);
	if (tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
}

void tty_flush_output(struct tty *tty)
{
	mutex_lock(&tty->lock);
	n_tty_discard_echoes(tty);
	if (tty->ops->flush_output)
		tty->ops->flush_output(tty);
	if (tty->ops->packet)
		tty->ops->packet(tty, TIOCPKT_FLUSHWRITE);
	mutex_unlock(&tty->lock);
	waitq_wake_all(&tty->write_wait, POLLOUT | POLLWRNORM);
}

/* A pty's output is sent as soon as it is in the master's buffer. */
int tty_wait_sent(struct tty *tty, const struct tty_file *tf)
{
	int err;

	if (tty->is_pty)
		return 0;
	err = wait_event_interruptible(&tty->write_wait, !tty->ops->chars_in_buffer(tty) ||
				       tty_file_is_dead(tf));
	if (!err && tty->ops->wait_sent)
		tty->ops->wait_sent(tty, clock_ns() + NSEC_PER_SEC);
	return err;
}

static long send_break(struct tty *tty, const struct tty_file *tf, int64_t ns)
{
	int err = tty_wait_sent(tty, tf);

	if (err || !ns || !tty->ops->break_ctl)
		return err;
	err = tty->ops->break_ctl(tty, true);
	if (err)
		return err;
	(void)wait_event_timeout(&tty->write_wait, tty_file_is_dead(tf), clock_ns() + ns);
	return tty->ops->break_ctl(tty, false);
}

static long flow(struct tty *tty, uint64_t action)
{
	uint8_t c = CC(tty, action == TCIOFF ? VSTOP : VSTART);

	if (action > TCION)
		return -EINVAL;
	mutex_lock(&tty->lock);
	if (action == TCOOFF && !tty->stopped_by_user) {
		tty->stopped_by_user = true;
		tty_set_stopped(tty, true);
	} else if (action == TCOON && tty->stopped_by_user) {
		tty->stopped_by_user = false;
		tty_set_stopped(tty, false);
	} else if (action >= TCIOFF && c != _POSIX_VDISABLE) {
		tty->ops->write(tty, &c, 1);
		tty->ops->start(tty);
	}
	mutex_unlock(&tty->lock);
	return 0;
}

static long flush(struct tty *tty, uint64_t what)
{
	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH)
		tty_flush_input(tty);
	if (what != TCIFLUSH)
		tty_flush_output(tty);
	return 0;
}

/* Requests that a background process may not make. */
static long line_control(struct tty *tty, const struct tty_file *tf, unsigned int cmd, uint64_t arg)
{
	int err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err;
	switch (cmd) {
	case TCXONC:
		return flow(tty, arg);
	case TCFLSH:
		return flush(tty, arg);
	case TCSBRK:
		return send_break(tty, tf, arg ? 0 : BREAK_NS);
	case TCSBRKP:
		return send_break(tty, tf, arg ? (int64_t)(arg & 0xff) * 100 * NSEC_PER_MSEC :
				  BREAK_NS);
	case TIOCSBRK:
	case TIOCCBRK:
		return tty->ops->break_ctl ? tty->ops->break_ctl(tty, cmd == TIOCSBRK) : 0;
	}
	return -ENOIOCTLCMD;
}

static long get_window(struct tty *tty, uint64_t arg)
{
	struct winsize ws;

	mutex_lock(&tty->lock);
	ws = tty->winsize;
	mutex_unlock(&tty->lock);
	return copy_to_user(UADDR(arg), &ws, sizeof(ws));
}

static long set_window(struct tty *tty, uint64_t arg)
{
	struct winsize ws;
	bool changed;

	if (copy_from_user(&ws, UADDR(arg), sizeof(ws)))
		return -EFAULT;
	mutex_lock(&tty->lock);
	changed = memcmp(&ws, &tty->winsize, sizeof(ws));
	tty->winsize = ws;
	mutex_unlock(&tty->lock);
	if (changed) {
		tty_signal_group(tty, SIGWINCH);
		if (tty->ops->resized)
			tty->ops->resized(tty);
	}
	return 0;
}

/*
 * TIOCSTI puts words into other programs' mouths: who does not administer terminals gets what a
 * hardened Linux says.
 */
static long simulate_input(struct tty *tty, uint64_t arg)
{
	uint8_t c;

	if (!tty_may_administer())
		return -EIO;
	if (get_user(&c, UADDR(arg)))
		return -EFAULT;
	(void)tty_receive(tty, &c, NULL, 1);
	return 0;
}

static long modem(struct tty *tty, unsigned int cmd, uint64_t arg)
{
	uint32_t bits;
	int now;

	if (cmd == TIOCMGET) {
		now = tty->ops->get_modem ? tty->ops->get_modem(tty) : -ENOTTY;
		return now < 0 ? now : put_user((uint32_t)now, UADDR(arg));
	}
	if (!tty->ops->set_modem)
		return -ENOTTY;
	if (get_user(&bits, UADDR(arg)))
		return -EFAULT;
	bits &= TIOCM_DTR | TIOCM_RTS;
	switch (cmd) {
	case TIOCMBIS:
		return tty->ops->set_modem(tty, bits, 0);
	case TIOCMBIC:
		return tty->ops->set_modem(tty, 0, bits);
	default:
		return tty->ops->set_modem(tty, bits, ~bits & (TIOCM_DTR | TIOCM_RTS));
	}
}

static long set_exclusive(struct tty *tty, bool exclusive)
{
	mutex_lock(&tty->open_lock);
	tty->exclusive = exclusive;
	mutex_unlock(&tty->open_lock);
	return 0;
}

static long set_discipline(uint64_t arg)
{
	uint32_t n;

	if (get_user(&n, UADDR(arg)))
		return -EFAULT;
	return n == N_TTY ? 0 : -EINVAL;
}

static long soft_carrier(struct tty *tty, unsigned int cmd, uint64_t arg)
{
	uint32_t on = !!(tty->termios.c_cflag & CLOCAL);

	if (cmd == TIOCGSOFTCAR)
		return put_user(on, UADDR(arg));
	if (get_user(&on, UADDR(arg)))
		return -EFAULT;
	mutex_lock(&tty->lock);
	tty->termios.c_cflag = (tty->termios.c_cflag & ~(uint32_t)CLOCAL) | (on ? CLOCAL : 0);
	mutex_unlock(&tty->lock);
	return 0;
}

static long count_input(struct tty *tty, uint64_t arg)
{
	size_t n;

	mutex_lock(&tty->lock);
	n = n_tty_input_count(tty);
	mutex_unlock(&tty->lock);
	return put_user((uint32_t)n, UADDR(arg));
}

/* Requests that ask, and those that every user of the terminal may make. */
static long plain(struct tty *tty, struct file *f, unsigned int cmd, uint64_t arg)
{
	switch (cmd) {
	case TIOCGWINSZ:
		return get_window(tty, arg);
	case TIOCSWINSZ:
		return set_window(tty, arg);
	case FIONREAD:
		return count_input(tty, arg);
	case TIOCOUTQ:
		return put_user((uint32_t)(tty->is_pty ? 0 : tty->ops->chars_in_buffer(tty)),
				UADDR(arg));
	case TIOCSTI:
		return simulate_input(tty, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(tty, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_user((uint32_t)tty->exclusive, UADDR(arg));
	case TIOCGETD:
		return put_user((uint32_t)N_TTY, UADDR(arg));
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCGDEV:
		return put_user(dev_to_user(tty->dev), UADDR(arg));
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return soft_carrier(tty, cmd, arg);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return modem(tty, cmd, arg);
	case TIOCCONS:
		return tty_ioctl_console(tty, f);
	case TIOCVHANGUP:
		if (!tty_may_administer())
			return -EPERM;
		tty_hangup(tty);
		return 0;
	}
	return -ENOIOCTLCMD;
}

/*
 * @asked: the end that the request came through, when that is not the tty it is about (a pty's
 * master).
 */
long tty_ioctl_common(struct tty *tty, struct tty *asked, struct file *f, unsigned int cmd,
		      uint64_t arg)
{
	const struct tty_file *tf = asked == tty ? tty_file_of(f) : NULL;
	long err = tty_ioctl_termios(tty, tf, cmd, arg);

	if (err == -ENOIOCTLCMD)
		err = tty_ioctl_jobctl(tty, asked, f, cmd, arg);
	if (err != -ENOIOCTLCMD)
		return err;
	switch (cmd) {
	case TCXONC:
	case TCFLSH:
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return line_control(tty, tf, cmd, arg);
	}
	return plain(tty, f, cmd, arg);
}

long tty_file_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;
	long err;

	if (tty_file_is_dead(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	err = tty_ioctl_common(tty, tty, f, cmd, arg);
	if (err == -ENOIOCTLCMD && tty->ops->ioctl)
		err = tty->ops->ioctl(tty, cmd, arg);
	return err == -ENOIOCTLCMD ? -ENOTTY : err;
}
