/* SPDX-License-Identifier: MIT */
/*
 * Terminals: a driver (serial port, pty) below, the N_TTY line discipline in the middle, files
 * above.
 *
 * A driver embeds struct tty, fills ops and priv, and calls tty_init() and tty_register().  Input
 * goes to tty_receive() in thread context; output comes through ops->write.  README.md of
 * drivers/tty tells the locking.
 */
#ifndef DRIVERS_TTY_H
#define DRIVERS_TTY_H

#include <kernel/devnum.h>
#include <kernel/file.h>
#include <kernel/mutex.h>
#include <kernel/process.h>
#include <kernel/waitq.h>
#include <lib/atomic.h>
#include <lib/bitmap.h>
#include <uapi/termios.h>

struct poll_table;
struct tty;

/* Room for input, as on Linux: a canonical line has at most one less, the newline counted. */
#define N_TTY_SIZE	4096u
#define TTY_ECHO_SIZE	512u
#define TTY_NAME_MAX	16

/*
 * What a driver does.  All but close, wait_sent and set_termios run under the tty's lock and must
 * not sleep; the optional ones may be NULL.
 */
struct tty_ops {
	/* The first open.  Sleeps.  0 or -errno. */
	int (*open)(struct tty *tty);
	/* The last close, or a hang-up.  Sleeps. */
	void (*close)(struct tty *tty);
	/*
	 * Take output: how many of @len bytes fitted.  start() is called when a batch is complete.
	 */
	size_t (*write)(struct tty *tty, const uint8_t *buf, size_t len);
	size_t (*write_room)(struct tty *tty);
	size_t (*chars_in_buffer)(struct tty *tty);	/* not yet sent */
	void (*flush_output)(struct tty *tty);		/* throw away what was not sent; optional */
	/* Send what waits unless tty->stopped; called after batches and after a restart. */
	void (*start)(struct tty *tty);
	void (*stop)(struct tty *tty);			/* tty->stopped became true; optional */
	void (*unthrottle)(struct tty *tty);		/* input has room again; optional */
	/* hardware flow control of input; optional */
	void (*throttle)(struct tty *tty, bool on);
	/* optional; may sleep */
	void (*set_termios)(struct tty *tty, const struct termios2 *old);
	int (*break_ctl)(struct tty *tty, bool on);	/* optional */
	int (*get_modem)(struct tty *tty);		/* TIOCM_*; optional */
	/* optional */
	int (*set_modem)(struct tty *tty, unsigned int set, unsigned int clear);
	bool (*is_carrier)(struct tty *tty);		/* optional: always */
	/* Wait until the last bit left, at most until @deadline_ns.  Sleeps; optional. */
	void (*wait_sent)(struct tty *tty, int64_t deadline_ns);
	/* TIOCPKT_* event for a pty's master; optional */
	void (*packet)(struct tty *tty, uint8_t status);
	void (*resized)(struct tty *tty);		/* optional */
	/* The driver's own requests; -ENOTTY: not one.  Sleeps; optional. */
	long (*ioctl)(struct tty *tty, unsigned int cmd, uint64_t arg);
	void (*free)(struct tty *tty);			/* the last reference is gone */
};

/* The line discipline's state; [L] tty->lock unless told otherwise. */
struct n_tty {
	uint8_t *buf;	/* N_TTY_SIZE bytes; indices below only grow, taken modulo the size */
	size_t head;			/* where the next byte goes */
	size_t canon_head;		/* [A] writes under lock: end of the last complete line */
	size_t commit_head;	/* [A] writes under lock: what non-canonical readers may take */
	size_t tail;			/* [A] writes under lock: next byte to read */
	unsigned long line_end[N_TTY_SIZE / 64];	/* bytes that end a line */
	uint32_t column;		/* of the cursor */
	uint32_t canon_column;		/* where the line being edited starts */
	uint8_t echo[TTY_ECHO_SIZE];	/* processed output of echoes that found no room */
	uint32_t echo_head, echo_tail;	/* only grow */
	unsigned long special[256 / 64];	/* characters that are not ordinary input now */
	bool raw;			/* no character is special: copied as it comes */
	bool lnext;			/* the next character is literal */
	bool erasing;			/* within \.../ of ECHOPRT */
	bool push;			/* the last "line" was made so by a switch to ICANON */
	bool throttled;
};

struct tty {
	refcount_t refs;
	const struct tty_ops *ops;	/* [I] */
	void *priv;			/* [I] the driver's */
	char name[TTY_NAME_MAX];	/* [I] "ttyS0" */
	dev_t dev;			/* [I] */
	bool is_pty;			/* [I] the slave of a pair */

	struct mutex open_lock;		/* class TTY, outermost: open, close, hang-up */
	struct mutex read_lock;		/* class TTY, second: one reader at a time */
	struct mutex write_lock;	/* class TTY, second: one writer at a time */
	struct mutex lock;		/* class TTY, innermost: line discipline, termios, flow */

	uint32_t open_count;		/* [R] open_lock */
	uint32_t console_count;		/* [R] open_lock: those of them through /dev/console */
	/* [A] hang-ups so far, written under open_lock: files of older ones are dead */
	uint32_t generation;
	bool exclusive;			/* [R] open_lock */
	bool other_closed;		/* [A] a pty's master is gone */
	bool locked;			/* [A] a pty's slave that TIOCSPTLCK has not opened yet */

	struct termios2 termios;	/* [L]; single words are read without */
	struct termios2 initial;	/* [I] after registration: for reopening after a hang-up */
	struct winsize winsize;		/* [L] */
	bool stopped;			/* [A] written under lock: output is held (^S or TCOOFF) */
	bool stopped_by_user;		/* [L] TCOOFF: no input character restarts it */
	bool io_error;			/* [A] */

	struct pid *session, *pgrp;	/* [R] TASKLIST; counted */

	struct waitq read_wait, write_wait;
	struct n_tty ld;
	struct list node;		/* [R] the registry */
};

/* How one byte of input arrived. */
enum tty_flag { TTY_NORMAL, TTY_BREAK, TTY_FRAME, TTY_PARITY, TTY_OVERRUN };

/* Settings of a fresh terminal: cooked, 8 bits, 38400 baud; as Linux's tty_std_termios. */
extern const struct termios2 tty_default_termios;

/* Before anything else; one reference.  -ENOMEM. */
__must_check int tty_init(struct tty *tty, const struct tty_ops *ops, const char *name, dev_t dev);
/* Give it a node in /dev, mode 0600 (@mode 0) or @mode. */
__must_check int tty_register(struct tty *tty, uint32_t mode);
void tty_ref(struct tty *tty);
void tty_put(struct tty *tty);
struct tty *tty_lookup(dev_t dev);		/* a reference, or NULL */

/*
 * Input for the line discipline.  @flags NULL: all TTY_NORMAL.  Returns how many bytes were taken;
 * the rest did not fit and is offered again after ops->unthrottle().  Thread context, no locks
 * held.
 */
size_t tty_receive(struct tty *tty, const uint8_t *buf, const uint8_t *flags, size_t len);
/* Output has room again: continue echoes, wake writers.  Thread context. */
void tty_write_wakeup(struct tty *tty);
/* The line is gone: SIGHUP for the session, all files on it are dead.  Thread context. */
void tty_hangup(struct tty *tty);
/* Carrier came or went. */
void tty_carrier_changed(struct tty *tty, bool on);

/*
 * Does a boot argument console= name this tty?  Then *@options is what follows the comma, up to a
 * blank or the end.
 */
bool tty_is_console_arg(const char *name, const char **options);
bool tty_has_console_arg(void);
bool tty_is_first_console(void);
/* Make @tty what /dev/console opens, unless a boot argument chose another. */
void tty_set_console(struct tty *tty);

/*
 * Every registered terminal in turn (no ptys); @fn may sleep, and is called under the registry's
 * lock.
 */
void tty_for_each(void (*fn)(struct tty *tty, void *ctx), void *ctx);
/*
 * The names of those that are consoles, separated by blanks, the one behind /dev/console last, then
 * a newline.
 */
void tty_console_names(char *buf, size_t size);

/* Bits per second of the CBAUD bits of @t; 0 for B0. */
unsigned int termios_baud(const struct termios2 *t);
void termios_set_baud(struct termios2 *t, unsigned int baud);

#endif
