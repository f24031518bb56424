/* SPDX-License-Identifier: MIT */
/* What the files of drivers/tty share. */
#ifndef DRIVERS_TTY_INTERNAL_H
#define DRIVERS_TTY_INTERNAL_H

#include <drivers/tty.h>
#include <lib/bits.h>
#include <mm/uaccess.h>

/* An open file on a tty: file.priv. */
struct tty_file {
	struct tty *tty;		/* [I] counted */
	uint32_t generation;		/* [I] of tty when it was opened */
	bool is_console;		/* [I] through /dev/console: no job control */
};

static inline struct tty_file *tty_file_of(const struct file *f)
{
	return f->priv;
}

/* Who came through /dev/console, as init does, goes on after a hang-up, as on Linux. */
static inline bool tty_file_is_dead(const struct tty_file *tf)
{
	return !tf->is_console && tf->generation != __atomic_load_n(&tf->tty->generation,
								    __ATOMIC_ACQUIRE);
}

#define I_FLAG(tty, f)	((tty)->termios.c_iflag & (f))
#define O_FLAG(tty, f)	((tty)->termios.c_oflag & (f))
#define L_FLAG(tty, f)	((tty)->termios.c_lflag & (f))
#define CC(tty, i)	((tty)->termios.c_cc[i])

/* tty.c */
extern const struct file_ops tty_file_ops;
__must_check int tty_file_attach(struct file *f, struct tty *tty, bool is_console);
void tty_file_detach(struct file *f);

/* file.c */
ssize_t tty_file_read(struct file *f, struct iov_iter *to, int64_t *offset);
ssize_t tty_file_write(struct file *f, struct iov_iter *from, int64_t *offset);
uint32_t tty_file_poll(struct file *f, struct poll_table *pt);

/* n_tty_input.c; all under tty->lock */
void n_tty_reset(struct tty *tty);
void n_tty_flush_input(struct tty *tty);
void n_tty_settings_changed(struct tty *tty, const struct termios2 *old);
size_t n_tty_receive(struct tty *tty, const uint8_t *buf, const uint8_t *flags, size_t len);

/* n_tty_output.c; under tty->lock */
size_t n_tty_write(struct tty *tty, const uint8_t *buf, size_t len);
void n_tty_echo(struct tty *tty, uint8_t c);		/* ^X for control characters */
void n_tty_echo_raw(struct tty *tty, uint8_t c);
void n_tty_echo_erase_tab(struct tty *tty, uint32_t chars_before, bool after_tab);
bool n_tty_flush_echoes(struct tty *tty);		/* true: none left */
void n_tty_discard_echoes(struct tty *tty);

/* n_tty_read.c */
bool n_tty_has_input(const struct tty *tty, bool for_poll);
size_t n_tty_input_count(const struct tty *tty);	/* FIONREAD; lock */
size_t n_tty_room(const struct tty *tty);
/*
 * Copy out at most @len bytes, in canonical mode up to one line; *@end: a line or EOF was finished.
 * Lock.
 */
size_t n_tty_take(struct tty *tty, uint8_t *buf, size_t len, bool *end);
ssize_t n_tty_read(struct file *f, struct iov_iter *to);

/* jobctl.c */
__must_check int tty_check_change(struct tty *tty, int sig);
void tty_signal_group(struct tty *tty, int sig);
void tty_acquire_on_open(struct tty *tty, struct file *f);
long tty_ioctl_jobctl(struct tty *tty, struct tty *asked, struct file *f, unsigned int cmd,
		      uint64_t arg);
struct tty *current_tty_get(void);			/* a reference or NULL */
/*
 * The session loses @tty: SIGHUP and SIGCONT to its leader; with @group also SIGHUP to the
 * foreground.
 */
enum session_end { SESSION_END_LINE, SESSION_END_LEADER };
void tty_session_end(struct tty *tty, enum session_end why);
extern const struct tty_hooks tty_process_hooks;
dev_t tty_device_number(struct tty *tty);
int tty_foreground_number(struct tty *tty);

/* termios.c, ioctl.c */
long tty_ioctl_termios(struct tty *tty, const struct tty_file *tf, unsigned int cmd, uint64_t arg);
long tty_file_ioctl(struct file *f, unsigned int cmd, uint64_t arg);
long tty_ioctl_common(struct tty *tty, struct tty *asked, struct file *f, unsigned int cmd,
		      uint64_t arg);
void tty_set_stopped(struct tty *tty, bool stopped);	/* lock */
void tty_flush_input(struct tty *tty);
void tty_flush_output(struct tty *tty);
__must_check int tty_wait_sent(struct tty *tty, const struct tty_file *tf);
void tty_hangup_because(struct tty *tty, enum session_end why);
long tty_ioctl_console(struct tty *tty, struct file *f);	/* console.c: TIOCCONS */
bool tty_may_administer(void);

/* console.c */
struct tty *console_get(void);				/* a reference or NULL */
struct tty *console_redirect_get(void);

#endif
