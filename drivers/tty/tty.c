/* SPDX-License-Identifier: MIT */
/*
 * Terminals as objects: references, registration, open and close, hang-up.  Reading and writing are
 * in file.c.
 *
 * T1  open_count counts files of the present generation.  A hang-up starts a new generation with
 *     none but those through /dev/console, which are in all: files of the old one only give back
 *     their reference.
 * T2  The driver is open exactly while open_count > 0, changed under open_lock.
 */
#include <fs/chardev.h>
#include <fs/procfs.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/major.h>
#include <uapi/poll.h>
#include "pty.h"
#include "tty_internal.h"

#define CLOSE_DRAIN_NS	(30 * NSEC_PER_SEC)

static struct mutex registry_lock = MUTEX_INIT(registry_lock, REGISTRY);
static struct list registry = LIST_INIT(registry);	/* [R] registry_lock */

int tty_init(struct tty *tty, const struct tty_ops *ops, const char *name, dev_t dev)
{
	refcount_set(&tty->refs, 1);
	tty->ops = ops;
	str_copy_cut(tty->name, name, sizeof(tty->name));
	tty->dev = dev;
	mutex_init(&tty->open_lock, TTY);
	mutex_init(&tty->read_lock, TTY);
	mutex_init(&tty->write_lock, TTY);
	mutex_init(&tty->lock, TTY);
	waitq_init(&tty->read_wait);
	waitq_init(&tty->write_wait);
	list_init(&tty->node);
	tty->initial = tty->termios = tty_default_termios;
	tty->ld.buf = kmalloc(N_TTY_SIZE, ALLOC_NORMAL);
	return tty->ld.buf ? 0 : -ENOMEM;
}

void tty_ref(struct tty *tty)
{
	refcount_inc(&tty->refs);
}

void tty_put(struct tty *tty)
{
	if (!refcount_dec_and_test(&tty->refs))
		return;
	kfree(tty->ld.buf);
	if (tty->ops->free)
		tty->ops->free(tty);
}

int tty_register(struct tty *tty, uint32_t mode)
{
	int err = chardev_register(&(struct chardev_args){
		.first = tty->dev, .count = 1, .ops = &tty_file_ops, .name = tty->name,
		.priv = tty, .mode = mode, .flags = CHARDEV_PLAIN_NAME });

	if (err)
		return err;
	tty->initial = tty->termios;
	mutex_lock(&registry_lock);
	tty_ref(tty);
	list_add_tail(&tty->node, &registry);
	mutex_unlock(&registry_lock);
	return 0;
}

void tty_for_each(void (*fn)(struct tty *tty, void *ctx), void *ctx)
{
	struct tty *tty;

	mutex_lock(&registry_lock);
	list_for_each_entry(tty, &registry, node)
		fn(tty, ctx);
	mutex_unlock(&registry_lock);
}

struct tty *tty_lookup(dev_t dev)
{
	struct tty *tty, *found = NULL;

	if (DEV_MAJOR(dev) == UNIX98_PTY_SLAVE_MAJOR)
		return pty_lookup_slave(DEV_MINOR(dev));
	mutex_lock(&registry_lock);
	list_for_each_entry(tty, &registry, node)
		if (tty->dev == dev)
			found = tty;
	if (found)
		tty_ref(found);
	mutex_unlock(&registry_lock);
	return found;
}

/*
 * Wait for carrier as a modem line wants it.  open_lock is not held; the file counts as open
 * already.
 */
static int wait_for_carrier(struct tty *tty, struct tty_file *tf, const struct file *f)
{
	if (!tty->ops->is_carrier || (tty->termios.c_cflag & CLOCAL) || (f->flags & O_NONBLOCK))
		return 0;
	return wait_event_interruptible(&tty->read_wait,
					tty->ops->is_carrier(tty) ||
					(tty->termios.c_cflag & CLOCAL) ||
					tty_file_is_dead(tf));
}

static int open_locked(struct tty *tty, struct tty_file *tf)
{
	int err = 0;

	if (__atomic_load_n(&tty->locked, __ATOMIC_RELAXED) || tty->other_closed)
		return -EIO;
	if (tty->exclusive && !tty_may_administer())
		return -EBUSY;
	if (!tty->open_count) {
		mutex_lock(&tty->lock);
		if (tty->is_pty)
			tty->termios = tty->initial;
		n_tty_reset(tty);
		tty->stopped = tty->stopped_by_user = false;
		mutex_unlock(&tty->lock);
		err = tty->ops->open ? tty->ops->open(tty) : 0;
	}
	if (err)
		return err;
	tty->open_count++;
	tty->console_count += tf->is_console;
	tf->generation = tty->generation;
	return 0;
}

/* Make @f an open file on @tty; takes over the reference, also on failure. */
int tty_file_attach(struct file *f, struct tty *tty, bool is_console)
{
	struct tty_file *tf = kzalloc(sizeof(*tf), ALLOC_NORMAL);
	int err = -ENOMEM;

	if (!tf)
		goto put_tty;
	tf->tty = tty;
	tf->is_console = is_console;
	mutex_lock(&tty->open_lock);
	err = open_locked(tty, tf);
	mutex_unlock(&tty->open_lock);
	if (err)
		goto free_file;
	f->priv = tf;
	f->mode |= FMODE_STREAM;
	err = wait_for_carrier(tty, tf, f);
	if (err)
		tty_file_detach(f);
	return err;

free_file:
	kfree(tf);
put_tty:
	tty_put(tty);
	return err;
}

/* The last file is closed: what was written still goes out, if it can. */
static void close_driver(struct tty *tty)
{
	int64_t deadline = clock_ns() + CLOSE_DRAIN_NS;

	if (!tty->is_pty && !tty->stopped && tty->ops->chars_in_buffer(tty))
		(void)wait_event_timeout(&tty->write_wait, !tty->ops->chars_in_buffer(tty) ||
					 tty->stopped, deadline);
	if (tty->ops->close)
		tty->ops->close(tty);
}

void tty_file_detach(struct file *f)
{
	struct tty_file *tf = tty_file_of(f);
	struct tty *tty = tf->tty;

	mutex_lock(&tty->open_lock);
	tty->console_count -= tf->is_console;
	if (!tty_file_is_dead(tf) && !--tty->open_count) {	/* T1 */
		tty->exclusive = false;
		close_driver(tty);
	}
	mutex_unlock(&tty->open_lock);
	f->priv = NULL;
	kfree(tf);
	tty_put(tty);
}

void tty_hangup_because(struct tty *tty, enum session_end why)
{
	bool closes;

	mutex_lock(&tty->open_lock);
	__atomic_store_n(&tty->generation, tty->generation + 1, __ATOMIC_RELEASE);
	tty_session_end(tty, why);
	closes = tty->open_count && !tty->console_count;
	tty->open_count = tty->console_count;			/* T1 */
	tty->exclusive = false;
	mutex_lock(&tty->lock);
	if (tty->ops->flush_output)
		tty->ops->flush_output(tty);
	if (tty->is_pty)
		tty->termios = tty->initial;
	n_tty_reset(tty);
	mutex_unlock(&tty->lock);
	waitq_wake_all(&tty->read_wait, POLLIN | POLLHUP | POLLERR);
	waitq_wake_all(&tty->write_wait, POLLOUT | POLLHUP | POLLERR);
	if (closes && tty->ops->close)
		tty->ops->close(tty);				/* T2 */
	mutex_unlock(&tty->open_lock);
}

void tty_hangup(struct tty *tty)
{
	tty_hangup_because(tty, SESSION_END_LINE);
}

void tty_carrier_changed(struct tty *tty, bool on)
{
	if (on)
		waitq_wake_all(&tty->read_wait, 0);
	else if (!(tty->termios.c_cflag & CLOCAL) && tty->open_count)
		tty_hangup(tty);
}

size_t tty_receive(struct tty *tty, const uint8_t *buf, const uint8_t *flags, size_t len)
{
	size_t n;

	mutex_lock(&tty->lock);
	n = n_tty_receive(tty, buf, flags, len);
	mutex_unlock(&tty->lock);
	return n;
}

void tty_write_wakeup(struct tty *tty)
{
	mutex_lock(&tty->lock);
	n_tty_flush_echoes(tty);
	tty->ops->start(tty);
	mutex_unlock(&tty->lock);
	waitq_wake(&tty->write_wait, POLLOUT | POLLWRNORM);
}

/* Which tty the node means: /dev/tty, /dev/console, or its own number. */
static int find_opened(dev_t dev, struct tty **tty, bool *is_console)
{
	*is_console = dev == DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_CONSOLE);
	if (dev == DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_TTY)) {
		*tty = current_tty_get();
		return *tty ? 0 : -ENXIO;
	}
	*tty = *is_console ? console_get() : tty_lookup(dev);
	return *tty ? 0 : DEV_MAJOR(dev) == UNIX98_PTY_SLAVE_MAJOR ? -EIO : -ENODEV;
}

static int tty_file_open(struct inode *inode, struct file *f)
{
	struct tty *tty;
	bool is_console;
	int err = find_opened(inode->rdev, &tty, &is_console);

	if (!err && tty->is_pty && DEV_MAJOR(inode->rdev) == UNIX98_PTY_SLAVE_MAJOR &&
	    !inode->nlink) {
		tty_put(tty);			/* a node of an earlier pair with this number */
		err = -EIO;
	}
	if (err)
		return err;
	err = tty_file_attach(f, tty, is_console);
	if (err)
		return err;
	if (!(f->flags & O_NOCTTY) && DEV_MAJOR(inode->rdev) != TTYAUX_MAJOR)
		tty_acquire_on_open(tty, f);
	return 0;
}

static void tty_file_release(struct file *f)
{
	tty_file_detach(f);
}

static int64_t tty_file_seek(struct file *f, int64_t offset, int whence)
{
	return -ESPIPE;
}

const struct file_ops tty_file_ops = {
	.read = tty_file_read,
	.write = tty_file_write,
	.seek = tty_file_seek,
	.poll = tty_file_poll,
	.ioctl = tty_file_ioctl,
	.open = tty_file_open,
	.release = tty_file_release,
};

static int tty_core_init(void)
{
	int err = chardev_register(&(struct chardev_args){
		.first = DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_TTY), .count = 1, .ops = &tty_file_ops,
		.name = "tty", .mode = 0666, .flags = CHARDEV_PLAIN_NAME });

	process_set_tty_hooks(&tty_process_hooks);
	proc_set_tty_info(tty_device_number, tty_foreground_number);
	if (!err)
		err = chardev_register(&(struct chardev_args){
			.first = DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_CONSOLE), .count = 1,
			.ops = &tty_file_ops, .name = "console", .mode = 0600,
			.flags = CHARDEV_PLAIN_NAME });
	return err;
}
INITCALL(INIT_SUBSYSTEM, tty_core_init);
