/* SPDX-License-Identifier: MIT */
/*
 * Which terminal is the console.  The last console= of the boot arguments names what /dev/console
 * opens; every one of them gets the kernel's messages.  Without any, the board's own choice
 * (stdout-path, the first serial port) serves.
 */
#include <kernel/init.h>
#include <kernel/spinlock.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include "tty_internal.h"

static struct spinlock console_lock = SPINLOCK_INIT(DEVICE_LIST);
static struct tty *console;		/* [R] console_lock; counted */
static struct tty *redirect;		/* [R] console_lock; counted: TIOCCONS */

/* The value of console= argument @n (from 0), up to a blank; NULL when there are fewer. */
static const char *console_arg(unsigned int n)
{
	const char *at = boot_command_line();

	while ((at = strstr(at, "console="))) {
		bool starts_word = at == boot_command_line() || at[-1] == ' ';

		at += strlen("console=");
		if (starts_word && !n--)
			return at;
	}
	return NULL;
}

/*
 * Does @arg, "ttyS0" or "ttyS0,115200n8", name @name?  Then *@options is what follows the comma, or
 * "".
 */
static bool names(const char *arg, const char *name, const char **options)
{
	size_t len = strlen(name);

	if (strncmp(arg, name, len) || (arg[len] && arg[len] != ',' && arg[len] != ' '))
		return false;
	*options = arg[len] == ',' ? arg + len + 1 : "";
	return true;
}

bool tty_is_console_arg(const char *name, const char **options)
{
	const char *arg;

	for (unsigned int n = 0; (arg = console_arg(n)); n++)
		if (names(arg, name, options))
			return true;
	return false;
}

bool tty_has_console_arg(void)
{
	return console_arg(0);
}

bool tty_is_first_console(void)
{
	return !__atomic_load_n(&console, __ATOMIC_RELAXED);
}

/* The last argument wins over others, any argument over the board. */
static bool is_better(const struct tty *tty)
{
	const char *last = NULL, *arg, *options;

	for (unsigned int n = 0; (arg = console_arg(n)); n++)
		last = arg;
	if (!console)
		return true;
	return last && names(last, tty->name, &options);
}

void tty_set_console(struct tty *tty)
{
	struct tty *old = NULL;

	spin_lock(&console_lock);
	if (is_better(tty)) {
		old = console;
		tty_ref(tty);
		console = tty;
	}
	spin_unlock(&console_lock);
	if (old)
		tty_put(old);
}

struct console_names {
	char *buf;
	size_t size, used;
	const struct tty *last;
};

static void add_console_name(struct tty *tty, void *ctx)
{
	struct console_names *n = ctx;
	const char *options;

	if (tty != n->last && tty_is_console_arg(tty->name, &options))
		n->used += (size_t)scnprintf(n->buf + n->used, n->size - n->used, "%s ", tty->name);
}

void tty_console_names(char *buf, size_t size)
{
	struct tty *last = console_get();
	struct console_names n = { .buf = buf, .size = size, .last = last };

	tty_for_each(add_console_name, &n);
	scnprintf(buf + n.used, size - n.used, "%s\n", last ? last->name : "");
	if (last)
		tty_put(last);
}

static struct tty *get(struct tty **slot)
{
	struct tty *tty;

	spin_lock(&console_lock);
	tty = *slot;
	if (tty)
		tty_ref(tty);
	spin_unlock(&console_lock);
	return tty;
}

struct tty *console_get(void)
{
	return get(&console);
}

struct tty *console_redirect_get(void)
{
	return __atomic_load_n(&redirect, __ATOMIC_RELAXED) ? get(&redirect) : NULL;
}

/*
 * TIOCCONS: writes to /dev/console come to @tty from now on; asked through /dev/console itself, no
 * longer.
 */
long tty_ioctl_console(struct tty *tty, struct file *f)
{
	bool end = f->ops == &tty_file_ops && tty_file_of(f)->is_console;
	struct tty *old = NULL;
	long err = 0;

	if (!tty_may_administer())
		return -EPERM;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	spin_lock(&console_lock);
	if (end) {
		old = redirect;
		redirect = NULL;
	} else if (redirect) {
		err = -EBUSY;
	} else {
		tty_ref(tty);
		redirect = tty;
	}
	spin_unlock(&console_lock);
	if (old)
		tty_put(old);
	return err;
}
