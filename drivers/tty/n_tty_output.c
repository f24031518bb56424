/* SPDX-License-Identifier: MIT */
/*
 * N_TTY, output: OPOST processing, the cursor's column, and echoes.  Input is in n_tty_input.c.
 *
 * O1  What reaches the driver is already processed.  A sequence that one character expands to (CR
 *     NL, spaces of a tab) is written as a whole or not at all.
 * O2  Echoes come in order and before later output: one that finds the driver full waits in
 *     ld.echo, processed, and everything after it too, until n_tty_flush_echoes() empties it.
 *
 * All functions run under tty->lock.
 */
#include <lib/minmax.h>
#include <lib/string.h>
#include "tty_internal.h"

#define TAB_WIDTH 8u

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static bool is_continuation(const struct tty *tty, uint8_t c)
{
	return I_FLAG(tty, IUTF8) && (c & 0xc0) == 0x80;
}

/*
 * The output of @c and the column after it.  Up to 8 bytes in @out; the count, 0 when it vanishes.
 */
static size_t expand(struct tty *tty, uint8_t c, uint8_t out[TAB_WIDTH])
{
	struct n_tty *ld = &tty->ld;
	size_t spaces;

	out[0] = c;
	switch (c) {
	case '\n':
		if (O_FLAG(tty, ONLRET))
			ld->column = 0;
		if (O_FLAG(tty, ONLCR)) {
			ld->canon_column = ld->column = 0;
			out[0] = '\r';
			out[1] = '\n';
			return 2;
		}
		ld->canon_column = ld->column;
		return 1;
	case '\r':
		if (O_FLAG(tty, ONOCR) && ld->column == 0)
			return 0;
		if (O_FLAG(tty, OCRNL)) {
			out[0] = '\n';
			if (O_FLAG(tty, ONLRET))
				ld->canon_column = ld->column = 0;
			return 1;
		}
		ld->canon_column = ld->column = 0;
		return 1;
	case '\t':
		spaces = TAB_WIDTH - ld->column % TAB_WIDTH;
		ld->column += (uint32_t)spaces;
		if (O_FLAG(tty, TABDLY) != XTABS)
			return 1;
		memset(out, ' ', spaces);
		return spaces;
	case '\b':
		ld->column -= ld->column > 0;
		return 1;
	default:
		if (is_control(c))
			return 1;
		if (O_FLAG(tty, OLCUC))
			out[0] = (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		ld->column += !is_continuation(tty, c);
		return 1;
	}
}

/* How many bytes from @buf on go out as they are, adding their columns. */
static size_t plain_run(struct tty *tty, const uint8_t *buf, size_t len)
{
	uint32_t columns = 0;
	size_t n = 0;

	if (O_FLAG(tty, OLCUC))
		return 0;
	for (; n < len && !is_control(buf[n]); n++)
		columns += !is_continuation(tty, buf[n]);
	tty->ld.column += columns;
	return n;
}

static size_t write_processed(struct tty *tty, const uint8_t *buf, size_t len)
{
	size_t room = tty->ops->write_room(tty), done = 0;
	uint8_t out[TAB_WIDTH];

	while (done < len && room) {
		size_t n = plain_run(tty, buf + done, min(len - done, room));

		if (n) {
			tty->ops->write(tty, buf + done, n);
			done += n;
			room -= n;
			continue;
		}
		if (room < TAB_WIDTH)		/* O1: no expansion is longer */
			break;
		n = expand(tty, buf[done++], out);
		tty->ops->write(tty, out, n);
		room -= n;
	}
	return done;
}

/* Bytes of @buf taken; fewer than @len when the driver is full. */
size_t n_tty_write(struct tty *tty, const uint8_t *buf, size_t len)
{
	size_t done = 0;

	if (n_tty_flush_echoes(tty))
		done = O_FLAG(tty, OPOST) ? write_processed(tty, buf, len) :
			tty->ops->write(tty, buf, len);
	tty->ops->start(tty);
	return done;
}

bool n_tty_flush_echoes(struct tty *tty)
{
	struct n_tty *ld = &tty->ld;

	while (ld->echo_tail != ld->echo_head) {
		uint32_t at = ld->echo_tail % TTY_ECHO_SIZE;
		size_t n = min(ld->echo_head - ld->echo_tail, TTY_ECHO_SIZE - at);

		n = tty->ops->write(tty, ld->echo + at, n);
		if (!n)
			return false;
		ld->echo_tail += (uint32_t)n;
	}
	return true;
}

void n_tty_discard_echoes(struct tty *tty)
{
	tty->ld.echo_head = tty->ld.echo_tail = 0;
	tty->ld.erasing = false;
}

/*
 * Processed bytes of an echo.  When even the queue is full they are lost: nobody has looked at the
 * screen for a while.
 */
static void echo_put(struct tty *tty, const uint8_t *buf, size_t len)
{
	struct n_tty *ld = &tty->ld;

	if (n_tty_flush_echoes(tty) && tty->ops->write_room(tty) >= len) {
		tty->ops->write(tty, buf, len);
		return;
	}
	if (len > TTY_ECHO_SIZE - (ld->echo_head - ld->echo_tail))
		return;
	for (size_t i = 0; i < len; i++)
		ld->echo[ld->echo_head++ % TTY_ECHO_SIZE] = buf[i];
}

void n_tty_echo_raw(struct tty *tty, uint8_t c)
{
	uint8_t out[TAB_WIDTH] = { c };
	size_t n = O_FLAG(tty, OPOST) ? expand(tty, c, out) : 1;

	echo_put(tty, out, n);
}

void n_tty_echo(struct tty *tty, uint8_t c)
{
	if (L_FLAG(tty, ECHOCTL) && is_control(c) && c != '\t') {
		uint8_t out[2] = { '^', c ^ 0x40 };

		tty->ld.column += 2;
		echo_put(tty, out, 2);
	} else {
		n_tty_echo_raw(tty, c);
	}
}

/*
 * Move back over a tab that came after @chars_before columns since the last tab, or since the
 * line's start.
 */
void n_tty_echo_erase_tab(struct tty *tty, uint32_t chars_before, bool after_tab)
{
	struct n_tty *ld = &tty->ld;
	uint32_t from = chars_before + (after_tab ? 0 : ld->canon_column);

	for (uint32_t n = TAB_WIDTH - from % TAB_WIDTH; n; n--) {
		ld->column -= ld->column > 0;
		echo_put(tty, (const uint8_t *)"\b", 1);
	}
}
