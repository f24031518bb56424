/* SPDX-License-Identifier: MIT */
/*
 * N_TTY, input: from the driver's bytes to lines that readers take.
 *
 * The buffer is a ring of N_TTY_SIZE bytes under four indices that only grow:
 *
 * N1  tail <= canon_head <= head <= tail + N_TTY_SIZE in canonical mode: [tail, canon_head) are
 *     complete lines, [canon_head, head) is the line being edited.  A set bit in line_end closes a
 *     line; its byte is the delimiter, or 0 for an end of file, which readers do not see.
 * N2  In non-canonical mode readers may take [tail, commit_head), and commit_head is head whenever
 *     the lock is free.
 * N3  Without a complete line a canonical reader gets nothing, so a full buffer drops ordinary
 *     characters but still acts on those that edit, end the line or send signals.
 *
 * Everything runs under tty->lock.  A signal character's signal is sent with the lock held:
 * tasklist_lock is below it.  Semantics are those of Linux's N_TTY, POSIX 11.1 where that leaves
 * room.
 */
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <uapi/poll.h>
#include "tty_internal.h"

#define MASK (N_TTY_SIZE - 1)

static uint8_t *at(struct n_tty *ld, size_t index)
{
	return &ld->buf[index & MASK];
}

static void line_end_set(struct n_tty *ld, size_t index)
{
	ld->line_end[(index & MASK) / 64] |= 1UL << index % 64;
}

static void line_end_clear(struct n_tty *ld, size_t index)
{
	ld->line_end[(index & MASK) / 64] &= ~(1UL << index % 64);
}

static bool is_special(const struct n_tty *ld, uint8_t c)
{
	return ld->special[c / 64] >> c % 64 & 1;
}

static bool is_full(const struct n_tty *ld)
{
	return ld->head - ld->tail >= N_TTY_SIZE;
}

static void put(struct tty *tty, uint8_t c)
{
	struct n_tty *ld = &tty->ld;

	if (is_full(ld))
		return;
	line_end_clear(ld, ld->head);
	*at(ld, ld->head++) = c;
}

static void wake_readers(struct tty *tty)
{
	waitq_wake(&tty->read_wait, POLLIN | POLLRDNORM);
}

void n_tty_flush_input(struct tty *tty)
{
	struct n_tty *ld = &tty->ld;

	ld->head = 0;
	__atomic_store_n(&ld->tail, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ld->canon_head, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ld->commit_head, 0, __ATOMIC_RELEASE);
	memset(ld->line_end, 0, sizeof(ld->line_end));
	ld->erasing = ld->lnext = ld->push = ld->throttled = false;
}

void n_tty_reset(struct tty *tty)
{
	n_tty_flush_input(tty);
	n_tty_discard_echoes(tty);
	tty->ld.column = tty->ld.canon_column = 0;
	n_tty_settings_changed(tty, NULL);
}

static void special_add(struct tty *tty, uint8_t c)
{
	tty->ld.special[c / 64] |= 1UL << c % 64;
}

static void special_add_cc(struct tty *tty, unsigned int index)
{
	if (CC(tty, index) != _POSIX_VDISABLE)
		special_add(tty, CC(tty, index));
}

static void special_recompute(struct tty *tty)
{
	memset(tty->ld.special, 0, sizeof(tty->ld.special));
	if (I_FLAG(tty, IGNCR | ICRNL))
		special_add(tty, '\r');
	if (I_FLAG(tty, INLCR))
		special_add(tty, '\n');
	if (L_FLAG(tty, ICANON)) {
		special_add(tty, '\n');
		special_add_cc(tty, VERASE);
		special_add_cc(tty, VKILL);
		special_add_cc(tty, VEOF);
		special_add_cc(tty, VEOL);
		if (L_FLAG(tty, IEXTEN)) {
			special_add_cc(tty, VWERASE);
			special_add_cc(tty, VLNEXT);
			special_add_cc(tty, VEOL2);
			if (L_FLAG(tty, ECHO))
				special_add_cc(tty, VREPRINT);
		}
	}
	if (I_FLAG(tty, IXON)) {
		special_add_cc(tty, VSTART);
		special_add_cc(tty, VSTOP);
	}
	if (L_FLAG(tty, ISIG)) {
		special_add_cc(tty, VINTR);
		special_add_cc(tty, VQUIT);
		special_add_cc(tty, VSUSP);
	}
	tty->ld.raw = !I_FLAG(tty, IGNCR | ICRNL | INLCR | ISTRIP | IUCLC | IXON | PARMRK) &&
		      !L_FLAG(tty, ICANON | ISIG | ECHO);
}

/*
 * Bytes typed before a switch of ICANON: what was an unfinished line can be read at once; raw bytes
 * become a line.
 */
static void canonical_switched(struct tty *tty)
{
	struct n_tty *ld = &tty->ld;

	memset(ld->line_end, 0, sizeof(ld->line_end));
	if (!L_FLAG(tty, ICANON) || ld->head == ld->tail) {
		ld->canon_head = ld->tail;
		ld->push = false;
	} else {
		line_end_set(ld, ld->head - 1);
		ld->canon_head = ld->head;
		ld->push = true;
	}
	ld->commit_head = ld->head;
	ld->erasing = ld->lnext = false;
}

void n_tty_settings_changed(struct tty *tty, const struct termios2 *old)
{
	if (!old || (old->c_lflag ^ tty->termios.c_lflag) & ICANON)
		canonical_switched(tty);
	special_recompute(tty);
	if (old && (old->c_iflag & IXON) && !I_FLAG(tty, IXON) && !tty->stopped_by_user)
		tty_set_stopped(tty, false);
	waitq_wake_all(&tty->read_wait, 0);
	waitq_wake_all(&tty->write_wait, 0);
}

static bool is_continuation(const struct tty *tty, uint8_t c)
{
	return I_FLAG(tty, IUTF8) && (c & 0xc0) == 0x80;
}

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* Letters and digits, with all that can start a character beyond ASCII. */
static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '_' || c >= 0xc0;
}

static void finish_erasing(struct tty *tty)
{
	if (!tty->ld.erasing)
		return;
	n_tty_echo_raw(tty, '/');
	tty->ld.erasing = false;
}

static void echo_rubout(struct tty *tty)
{
	n_tty_echo_raw(tty, '\b');
	n_tty_echo_raw(tty, ' ');
	n_tty_echo_raw(tty, '\b');
}

/* How many columns lie between the tab just erased and the tab (or line start) before it? */
static void echo_erased_tab(struct tty *tty)
{
	struct n_tty *ld = &tty->ld;
	uint32_t columns = 0;
	bool after_tab = false;

	for (size_t i = ld->head; i != ld->canon_head && !after_tab; i--) {
		uint8_t c = *at(ld, i - 1);

		if (c == '\t')
			after_tab = true;
		else if (is_control(c))
			columns += L_FLAG(tty, ECHOCTL) ? 2 : 0;
		else
			columns += !is_continuation(tty, c);
	}
	n_tty_echo_erase_tab(tty, columns, after_tab);
}

/* Show that the @count bytes of the character that began at head are gone; @c is its first. */
static void echo_erased(struct tty *tty, uint8_t c, size_t count, bool one_only)
{
	struct n_tty *ld = &tty->ld;

	if (L_FLAG(tty, ECHOPRT)) {
		if (!ld->erasing) {
			n_tty_echo_raw(tty, '\\');
			ld->erasing = true;
		}
		n_tty_echo(tty, c);
		for (size_t i = 1; i < count; i++)
			n_tty_echo_raw(tty, *at(ld, ld->head + i));
	} else if (one_only && !L_FLAG(tty, ECHOE)) {
		n_tty_echo(tty, CC(tty, VERASE));
	} else if (c == '\t') {
		echo_erased_tab(tty);
	} else {
		if (is_control(c) && L_FLAG(tty, ECHOCTL))
			echo_rubout(tty);
		if (!is_control(c) || L_FLAG(tty, ECHOCTL))
			echo_rubout(tty);
	}
}

enum erase { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static void erase(struct tty *tty, enum erase what)
{
	struct n_tty *ld = &tty->ld;
	bool seen_word = false;

	while (ld->head != ld->canon_head) {
		size_t head = ld->head, count;
		uint8_t c;

		do
			c = *at(ld, --head);
		while (is_continuation(tty, c) && head != ld->canon_head);
		if (is_continuation(tty, c))
			break;		/* the rest of a character whose start is not ours */
		if (what == ERASE_WORD) {
			if (is_word(c))
				seen_word = true;
			else if (seen_word)
				break;
		}
		count = ld->head - head;
		ld->head = head;
		if (L_FLAG(tty, ECHO))
			echo_erased(tty, c, count, what == ERASE_CHAR);
		if (what == ERASE_CHAR)
			break;
	}
	if (ld->head == ld->canon_head && L_FLAG(tty, ECHO))
		finish_erasing(tty);
}

static void kill_line(struct tty *tty)
{
	struct n_tty *ld = &tty->ld;

	if (ld->head == ld->canon_head)
		return;
	if (L_FLAG(tty, ECHO) && L_FLAG(tty, ECHOK) && L_FLAG(tty, ECHOKE) && L_FLAG(tty, ECHOE)) {
		erase(tty, ERASE_LINE);
		return;
	}
	ld->head = ld->canon_head;
	if (!L_FLAG(tty, ECHO))
		return;
	finish_erasing(tty);
	n_tty_echo(tty, CC(tty, VKILL));
	if (L_FLAG(tty, ECHOK))
		n_tty_echo_raw(tty, '\n');
}

static void reprint(struct tty *tty)
{
	struct n_tty *ld = &tty->ld;

	finish_erasing(tty);
	n_tty_echo(tty, CC(tty, VREPRINT));
	n_tty_echo_raw(tty, '\n');
	for (size_t i = ld->canon_head; i != ld->head; i++)
		n_tty_echo(tty, *at(ld, i));
}

/* VINTR, VQUIT, VSUSP or a break. */
static void send_signal(struct tty *tty, int sig)
{
	bool was_throttled = tty->ld.throttled;

	tty_signal_group(tty, sig);
	if (L_FLAG(tty, NOFLSH))
		return;
	n_tty_discard_echoes(tty);
	if (tty->ops->flush_output)
		tty->ops->flush_output(tty);
	n_tty_flush_input(tty);
	if (was_throttled && tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
	if (tty->ops->packet)
		tty->ops->packet(tty, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	waitq_wake_all(&tty->write_wait, POLLOUT | POLLWRNORM);
}

static bool try_signal_char(struct tty *tty, uint8_t c)
{
	int sig = 0;

	if (c == CC(tty, VINTR))
		sig = SIGINT;
	else if (c == CC(tty, VQUIT))
		sig = SIGQUIT;
	else if (c == CC(tty, VSUSP))
		sig = SIGTSTP;
	if (!sig)
		return false;
	send_signal(tty, sig);
	if (I_FLAG(tty, IXON) && !tty->stopped_by_user)
		tty_set_stopped(tty, false);
	if (L_FLAG(tty, ECHO))
		n_tty_echo(tty, c);
	return true;
}

/* True for the two flow-control characters, whatever they did. */
static bool try_flow_char(struct tty *tty, uint8_t c)
{
	if (c != CC(tty, VSTART) && c != CC(tty, VSTOP))
		return false;
	if (!tty->stopped_by_user)
		tty_set_stopped(tty, c != CC(tty, VSTART));
	return true;
}

/* The line in edit is complete with delimiter @c (0: end of file). */
static void end_line(struct tty *tty, uint8_t c)
{
	struct n_tty *ld = &tty->ld;

	if (is_full(ld))
		/* N3: the delimiter always finds room; the last character gives way */
		ld->head--;
	put(tty, c);
	line_end_set(ld, ld->head - 1);
	__atomic_store_n(&ld->canon_head, ld->head, __ATOMIC_RELEASE);
	wake_readers(tty);
}

static void echo_typed(struct tty *tty, uint8_t c)
{
	struct n_tty *ld = &tty->ld;

	if (!L_FLAG(tty, ECHO))
		return;
	finish_erasing(tty);
	if (c == '\n') {
		n_tty_echo_raw(tty, c);
		return;
	}
	if (ld->canon_head == ld->head)
		ld->canon_column = ld->column;	/* the line starts here on the screen */
	n_tty_echo(tty, c);
}

/* An ordinary character. */
static void receive_plain(struct tty *tty, uint8_t c)
{
	struct n_tty *ld = &tty->ld;

	if (tty->stopped && !tty->stopped_by_user && I_FLAG(tty, IXON) && I_FLAG(tty, IXANY))
		tty_set_stopped(tty, false);
	/* One place stays for the delimiter. */
	if (L_FLAG(tty, ICANON) && ld->head - ld->tail >= N_TTY_SIZE - 1) {
		if (I_FLAG(tty, IMAXBEL))
			n_tty_echo_raw(tty, '\a');
		return;
	}
	echo_typed(tty, c);
	if (c == 0xff && I_FLAG(tty, PARMRK))
		put(tty, c);
	put(tty, c);
}

/* Editing characters and delimiters of canonical mode; true if @c was one. */
static bool try_canonical_char(struct tty *tty, uint8_t c)
{
	bool extended = L_FLAG(tty, IEXTEN);

	if (c == CC(tty, VERASE)) {
		erase(tty, ERASE_CHAR);
	} else if (c == CC(tty, VKILL)) {
		kill_line(tty);
	} else if (extended && c == CC(tty, VWERASE)) {
		erase(tty, ERASE_WORD);
	} else if (extended && c == CC(tty, VLNEXT)) {
		tty->ld.lnext = true;
		if (L_FLAG(tty, ECHO)) {
			finish_erasing(tty);
			if (L_FLAG(tty, ECHOCTL)) {
				n_tty_echo_raw(tty, '^');
				n_tty_echo_raw(tty, '\b');
			}
		}
	} else if (extended && L_FLAG(tty, ECHO) && c == CC(tty, VREPRINT)) {
		reprint(tty);
	} else if (c == '\n') {
		if (L_FLAG(tty, ECHO | ECHONL)) {
			finish_erasing(tty);
			n_tty_echo_raw(tty, '\n');
		}
		end_line(tty, c);
	} else if (c == CC(tty, VEOF)) {
		end_line(tty, _POSIX_VDISABLE);
	} else if (c == CC(tty, VEOL) || (extended && c == CC(tty, VEOL2))) {
		echo_typed(tty, c);
		if (c == 0xff && I_FLAG(tty, PARMRK))
			put(tty, c);
		end_line(tty, c);
	} else {
		return false;
	}
	return true;
}

static void receive_special(struct tty *tty, uint8_t c)
{
	if (I_FLAG(tty, IXON) && try_flow_char(tty, c))
		return;
	if (L_FLAG(tty, ISIG) && try_signal_char(tty, c))
		return;
	if (tty->stopped && !tty->stopped_by_user && I_FLAG(tty, IXON) && I_FLAG(tty, IXANY))
		tty_set_stopped(tty, false);
	if (c == '\r') {
		if (I_FLAG(tty, IGNCR))
			return;
		if (I_FLAG(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(tty, INLCR)) {
		c = '\r';
	}
	if (!L_FLAG(tty, ICANON) || !is_special(&tty->ld, c) || !try_canonical_char(tty, c))
		receive_plain(tty, c);
}

static void receive_char(struct tty *tty, uint8_t c)
{
	struct n_tty *ld = &tty->ld;

	if (I_FLAG(tty, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(tty, IUCLC) && L_FLAG(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c = (uint8_t)(c - 'A' + 'a');
	if (ld->lnext) {
		ld->lnext = false;
		receive_plain(tty, c);
	} else if (is_special(ld, c)) {
		receive_special(tty, c);
	} else {
		receive_plain(tty, c);
	}
}

static void mark(struct tty *tty, uint8_t c)
{
	put(tty, 0xff);
	put(tty, 0);
	put(tty, c);
}

static void receive_break(struct tty *tty)
{
	if (I_FLAG(tty, IGNBRK))
		return;
	if (I_FLAG(tty, BRKINT))
		send_signal(tty, SIGINT);
	else if (I_FLAG(tty, PARMRK))
		mark(tty, 0);
	else
		put(tty, 0);
}

static void receive_flagged(struct tty *tty, uint8_t c, uint8_t flag)
{
	switch ((enum tty_flag)flag) {
	case TTY_NORMAL:
		receive_char(tty, c);
		break;
	case TTY_BREAK:
		receive_break(tty);
		break;
	case TTY_FRAME:
	case TTY_PARITY:
		if (!I_FLAG(tty, INPCK))
			receive_char(tty, c);
		else if (I_FLAG(tty, IGNPAR))
			break;
		else if (I_FLAG(tty, PARMRK))
			mark(tty, c);
		else
			put(tty, 0);
		break;
	case TTY_OVERRUN:		/* counted by the driver */
		break;
	}
}

static size_t receive_raw(struct n_tty *ld, const uint8_t *buf, size_t len)
{
	size_t first;

	len = min(len, N_TTY_SIZE - (ld->head - ld->tail));
	first = min(len, N_TTY_SIZE - (ld->head & MASK));
	memcpy(at(ld, ld->head), buf, first);
	memcpy(ld->buf, buf + first, len - first);
	ld->head += len;
	return len;
}

/*
 * Space for input: without a complete line a canonical reader waits for one, so all characters are
 * let in (N3).
 */
size_t n_tty_room(const struct tty *tty)
{
	const struct n_tty *ld = &tty->ld;
	size_t used = ld->head - ld->tail;
	size_t widest = I_FLAG(tty, PARMRK) ? 3 : 1;

	if (L_FLAG(tty, ICANON) && ld->canon_head == ld->tail)
		return N_TTY_SIZE;
	return used + widest <= N_TTY_SIZE ? (N_TTY_SIZE - used) / widest : 0;
}

size_t n_tty_receive(struct tty *tty, const uint8_t *buf, const uint8_t *flags, size_t len)
{
	struct n_tty *ld = &tty->ld;
	size_t done = 0, before;

	if (ld->raw && !flags) {
		done = receive_raw(ld, buf, len);
	} else {
		for (; done < len && n_tty_room(tty); done++)
			receive_flagged(tty, buf[done], flags ? flags[done] : TTY_NORMAL);
		n_tty_flush_echoes(tty);
		tty->ops->start(tty);
	}
	before = ld->commit_head;
	__atomic_store_n(&ld->commit_head, ld->head, __ATOMIC_RELEASE);
	if (before != ld->head && !L_FLAG(tty, ICANON))
		wake_readers(tty);
	if (done < len)
		/* a reader that makes room clears it and tells the driver */
		ld->throttled = true;
	return done;
}
