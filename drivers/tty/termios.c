/* SPDX-License-Identifier: MIT */
/* Terminal settings in their three user layouts, speeds, and what a change does. */
#include <kernel/signal.h>
#include <lib/err.h>
#include <lib/string.h>
#include "tty_internal.h"

#define CTRL(c) ((c) & 0x1f)

const struct termios2 tty_default_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_line = N_TTY,
	.c_cc = {
		[VINTR] = CTRL('C'), [VQUIT] = CTRL('\\'), [VERASE] = 0x7f, [VKILL] = CTRL('U'),
		[VEOF] = CTRL('D'), [VTIME] = 0, [VMIN] = 1, [VSWTC] = 0,
		[VSTART] = CTRL('Q'), [VSTOP] = CTRL('S'), [VSUSP] = CTRL('Z'), [VEOL] = 0,
		[VREPRINT] = CTRL('R'), [VDISCARD] = CTRL('O'), [VWERASE] = CTRL('W'),
		[VLNEXT] = CTRL('V'),
	},
	.c_ispeed = 38400, .c_ospeed = 38400,
};

static const struct { uint32_t bits, rate; } baud_table[] = {
	{ B0, 0 }, { B50, 50 }, { B75, 75 }, { B110, 110 }, { B134, 134 }, { B150, 150 },
	{ B200, 200 }, { B300, 300 }, { B600, 600 }, { B1200, 1200 }, { B1800, 1800 },
	{ B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 }, { B19200, 19200 }, { B38400, 38400 },
	{ B57600, 57600 }, { B115200, 115200 }, { B230400, 230400 }, { B460800, 460800 },
	{ B500000, 500000 }, { B576000, 576000 }, { B921600, 921600 }, { B1000000, 1000000 },
	{ B1152000, 1152000 }, { B1500000, 1500000 }, { B2000000, 2000000 }, { B2500000, 2500000 },
	{ B3000000, 3000000 }, { B3500000, 3500000 }, { B4000000, 4000000 },
};

unsigned int termios_baud(const struct termios2 *t)
{
	uint32_t bits = t->c_cflag & CBAUD;

	if (bits == BOTHER)
		return t->c_ospeed;
	for (size_t i = 0; i < ARRAY_SIZE(baud_table); i++)
		if (baud_table[i].bits == bits)
			return baud_table[i].rate;
	return 0;
}

void termios_set_baud(struct termios2 *t, unsigned int baud)
{
	uint32_t bits = BOTHER;

	for (size_t i = 0; i < ARRAY_SIZE(baud_table); i++)
		if (baud_table[i].rate == baud)
			bits = baud_table[i].bits;
	t->c_cflag = (t->c_cflag & ~(uint32_t)CBAUD) | bits;
	t->c_ospeed = t->c_ispeed = baud;
}

static bool flow_keys_are_usual(const struct termios2 *t)
{
	return (t->c_iflag & IXON) && t->c_cc[VSTART] == CTRL('Q') && t->c_cc[VSTOP] == CTRL('S');
}

/* A packet-mode master wants to know whether ^S and ^Q work at our end. */
static void tell_master(struct tty *tty, const struct termios2 *old)
{
	bool now = flow_keys_are_usual(&tty->termios);

	if (tty->ops->packet && now != flow_keys_are_usual(old))
		tty->ops->packet(tty, now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
}

static void apply(struct tty *tty, const struct termios2 *wanted)
{
	struct termios2 old;
	bool unthrottle;

	mutex_lock(&tty->lock);
	old = tty->termios;
	tty->termios = *wanted;
	if ((wanted->c_cflag & CBAUD) != BOTHER)
		tty->termios.c_ospeed = tty->termios.c_ispeed = termios_baud(wanted);
	if (tty->is_pty)
		tty->termios.c_cflag = (tty->termios.c_cflag & ~(uint32_t)(CSIZE | PARENB)) | CS8 |
			CREAD;
	n_tty_settings_changed(tty, &old);
	tell_master(tty, &old);
	unthrottle = tty->ld.throttled && n_tty_room(tty);
	if (unthrottle)
		tty->ld.throttled = false;
	mutex_unlock(&tty->lock);
	if (unthrottle && tty->ops->unthrottle)
		tty->ops->unthrottle(tty);
	if (tty->ops->set_termios)
		tty->ops->set_termios(tty, &old);
}

static int copy_in_termio(struct termios2 *t, uint64_t arg)
{
	struct termio s;

	if (copy_from_user(&s, UADDR(arg), sizeof(s)))
		return -EFAULT;
	t->c_iflag = (t->c_iflag & 0xffff0000u) | s.c_iflag;
	t->c_oflag = (t->c_oflag & 0xffff0000u) | s.c_oflag;
	t->c_cflag = (t->c_cflag & 0xffff0000u) | s.c_cflag;
	t->c_lflag = (t->c_lflag & 0xffff0000u) | s.c_lflag;
	t->c_line = s.c_line;
	memcpy(t->c_cc, s.c_cc, NCC);
	return 0;
}

enum layout { LAYOUT_TERMIO, LAYOUT_TERMIOS, LAYOUT_TERMIOS2 };

static int copy_in(struct tty *tty, enum layout layout, uint64_t arg, struct termios2 *t)
{
	mutex_lock(&tty->lock);
	*t = tty->termios;
	mutex_unlock(&tty->lock);
	switch (layout) {
	case LAYOUT_TERMIO:
		return copy_in_termio(t, arg);
	case LAYOUT_TERMIOS:
		return copy_from_user(t, UADDR(arg), sizeof(struct termios));
	case LAYOUT_TERMIOS2:
		return copy_from_user(t, UADDR(arg), sizeof(*t));
	}
	return -EINVAL;
}

static long copy_out(struct tty *tty, enum layout layout, uint64_t arg)
{
	struct termios2 t;
	struct termio s;

	mutex_lock(&tty->lock);
	t = tty->termios;
	mutex_unlock(&tty->lock);
	switch (layout) {
	case LAYOUT_TERMIO:
		memset(&s, 0, sizeof(s));	/* its last byte is padding */
		s.c_iflag = (uint16_t)t.c_iflag;
		s.c_oflag = (uint16_t)t.c_oflag;
		s.c_cflag = (uint16_t)t.c_cflag;
		s.c_lflag = (uint16_t)t.c_lflag;
		s.c_line = t.c_line;
		memcpy(s.c_cc, t.c_cc, NCC);
		return copy_to_user(UADDR(arg), &s, sizeof(s));
	case LAYOUT_TERMIOS:
		return copy_to_user(UADDR(arg), &t, sizeof(struct termios));
	case LAYOUT_TERMIOS2:
		return copy_to_user(UADDR(arg), &t, sizeof(t));
	}
	return -EINVAL;
}

enum when { NOW, AFTER_OUTPUT, AFTER_OUTPUT_FLUSH_INPUT };

static long change(struct tty *tty, const struct tty_file *tf, enum layout layout, enum when when,
		   uint64_t arg)
{
	struct termios2 t;
	int err = tty_check_change(tty, SIGTTOU);

	if (!err)
		err = copy_in(tty, layout, arg, &t);
	if (err)
		return err;
	if (when == AFTER_OUTPUT_FLUSH_INPUT)
		tty_flush_input(tty);
	if (when != NOW) {
		err = tty_wait_sent(tty, tf);
		if (err)
			return err;
	}
	apply(tty, &t);
	return 0;
}

long tty_ioctl_termios(struct tty *tty, const struct tty_file *tf, unsigned int cmd, uint64_t arg)
{
	switch (cmd) {
	case TCGETS:
		return copy_out(tty, LAYOUT_TERMIOS, arg);
	case TCGETS2:
		return copy_out(tty, LAYOUT_TERMIOS2, arg);
	case TCGETA:
		return copy_out(tty, LAYOUT_TERMIO, arg);
	case TCSETS:
		return change(tty, tf, LAYOUT_TERMIOS, NOW, arg);
	case TCSETSW:
		return change(tty, tf, LAYOUT_TERMIOS, AFTER_OUTPUT, arg);
	case TCSETSF:
		return change(tty, tf, LAYOUT_TERMIOS, AFTER_OUTPUT_FLUSH_INPUT, arg);
	case TCSETS2:
		return change(tty, tf, LAYOUT_TERMIOS2, NOW, arg);
	case TCSETSW2:
		return change(tty, tf, LAYOUT_TERMIOS2, AFTER_OUTPUT, arg);
	case TCSETSF2:
		return change(tty, tf, LAYOUT_TERMIOS2, AFTER_OUTPUT_FLUSH_INPUT, arg);
	case TCSETA:
		return change(tty, tf, LAYOUT_TERMIO, NOW, arg);
	case TCSETAW:
		return change(tty, tf, LAYOUT_TERMIO, AFTER_OUTPUT, arg);
	case TCSETAF:
		return change(tty, tf, LAYOUT_TERMIO, AFTER_OUTPUT_FLUSH_INPUT, arg);
	}
	return -ENOIOCTLCMD;
}
