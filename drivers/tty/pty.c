/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals.
 *
 * P1  The pair lives as long as its slave tty has references; its index is free again only then.
 * P2  Output of the slave goes into `out` under tty->lock and pty->lock, and leaves it under
 *     pty->lock: the lock is for the flush and for several readers, the ring itself would need
 *     none.
 * P3  The slave's lock comes before pty->lock.  Nothing is woken under pty->lock but wait queues.
 *
 * Bytes that the master writes go straight into the slave's line discipline, in the writer's
 * context: there is no buffer between, so a master that writes faster than the slave reads waits.
 */
#include <fs/chardev.h>
#include <fs/poll.h>
#include <kernel/init.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/err.h>
#include <lib/idmap.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <uapi/major.h>
#include "pty.h"
#include "tty_internal.h"

#define PTY_MAX		(1u << 20)
#define PTY_RING	4096u
#define WAKE_BELOW	(PTY_RING / 2)
#define CHUNK		512u

static struct map_node *node_alloc(struct map *map)
{
	return kmalloc(sizeof(struct map_node), ALLOC_NORMAL);
}

static void node_free(struct map *map, struct map_node *node)
{
	kfree(node);
}

static const struct map_ops node_ops = { .node_alloc = node_alloc, .node_free = node_free };
static struct mutex ptys_lock = MUTEX_INIT(ptys_lock, REGISTRY);
static struct idmap ptys = { .map = MAP_INIT(&node_ops) };	/* [R] ptys_lock */

static struct pty *pty_of(struct tty *tty)
{
	return container_of(tty, struct pty, tty);
}

struct tty *pty_lookup_slave(uint32_t index)
{
	struct pty *pty;

	mutex_lock(&ptys_lock);
	pty = idmap_find(&ptys, index);
	if (pty && !refcount_inc_not_zero(&pty->tty.refs))
		pty = NULL;
	mutex_unlock(&ptys_lock);
	return pty ? &pty->tty : NULL;
}

struct inode *pty_lookup_inode(uint32_t index)
{
	struct inode *inode = NULL;
	struct pty *pty;

	mutex_lock(&ptys_lock);
	pty = idmap_find(&ptys, index);
	if (pty && pty->inode) {
		inode = pty->inode;
		inode_ref(inode);
	}
	mutex_unlock(&ptys_lock);
	return inode;
}

bool pty_next(uint32_t *index)
{
	uint64_t at = *index;
	struct pty *pty;

	mutex_lock(&ptys_lock);
	while ((pty = map_find(&ptys.map, &at, PTY_MAX - 1)) && !pty->inode)
		at++;
	mutex_unlock(&ptys_lock);
	*index = (uint32_t)at;
	return pty;
}

/* ---- the slave's driver side ---- */

static size_t slave_write_room(struct tty *tty)
{
	struct pty *pty = pty_of(tty);
	size_t room = tty->stopped ? 0 : ringbuf_free(&pty->out);

	if (room < CHUNK)
		__atomic_store_n(&pty->want_room, true, __ATOMIC_RELAXED);
	return room;
}

static size_t slave_write(struct tty *tty, const uint8_t *buf, size_t len)
{
	struct pty *pty = pty_of(tty);
	size_t n = 0;

	if (tty->stopped)
		return 0;
	spin_lock(&pty->lock);
	if (!tty->other_closed)
		n = ringbuf_write(&pty->out, buf, len);
	if (n < len)
		__atomic_store_n(&pty->want_room, true, __ATOMIC_RELAXED);
	spin_unlock(&pty->lock);
	return n;
}

static size_t slave_chars_in_buffer(struct tty *tty)
{
	size_t n = ringbuf_used(&pty_of(tty)->out);

	if (n >= WAKE_BELOW)
		__atomic_store_n(&pty_of(tty)->want_room, true, __ATOMIC_RELAXED);
	return n;
}

static void slave_flush_output(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	spin_lock(&pty->lock);
	ringbuf_clear(&pty->out);
	spin_unlock(&pty->lock);
}

static void slave_start(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	if (ringbuf_used(&pty->out) && waitq_is_active(&pty->master_read))
		waitq_wake(&pty->master_read, POLLIN | POLLRDNORM);
}

static void slave_unthrottle(struct tty *tty)
{
	waitq_wake(&pty_of(tty)->master_write, POLLOUT | POLLWRNORM);
}

/* Contrary events cancel each other: a master that did not look yet needs the last one only. */
static void slave_packet(struct tty *tty, uint8_t status)
{
	static const uint8_t pairs[][2] = {
		{ TIOCPKT_STOP, TIOCPKT_START }, { TIOCPKT_DOSTOP, TIOCPKT_NOSTOP },
	};
	struct pty *pty = pty_of(tty);
	bool told;

	spin_lock(&pty->lock);
	for (unsigned int i = 0; i < ARRAY_SIZE(pairs); i++)
		if (status & (pairs[i][0] | pairs[i][1]))
			pty->status &= (uint8_t)~(pairs[i][0] | pairs[i][1]);
	told = pty->packet;
	if (told)
		pty->status |= status;
	spin_unlock(&pty->lock);
	if (told)
		waitq_wake_all(&pty->master_read, POLLPRI | POLLIN | POLLRDNORM);
}

static int slave_open(struct tty *tty)
{
	__atomic_store_n(&pty_of(tty)->slave_closed, false, __ATOMIC_RELEASE);
	return 0;
}

static void slave_close(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	__atomic_store_n(&pty->slave_closed, true, __ATOMIC_RELEASE);
	waitq_wake_all(&pty->master_read, POLLIN | POLLHUP);
	waitq_wake_all(&pty->master_write, POLLOUT | POLLHUP);
}

static void pty_free(struct tty *tty)
{
	struct pty *pty = pty_of(tty);

	mutex_lock(&ptys_lock);
	idmap_remove(&ptys, pty->index);
	mutex_unlock(&ptys_lock);
	kfree(pty);
}

static const struct tty_ops slave_ops = {
	.open = slave_open,
	.close = slave_close,
	.write = slave_write,
	.write_room = slave_write_room,
	.chars_in_buffer = slave_chars_in_buffer,
	.flush_output = slave_flush_output,
	.start = slave_start,
	.unthrottle = slave_unthrottle,
	.packet = slave_packet,
	.free = pty_free,
};

/* ---- the master's file ---- */

static struct pty *pty_of_master(const struct file *f)
{
	return f->priv;
}

/*
 * Up to @len bytes of the slave's output, in packet mode after a byte that says so or tells what
 * happened.
 */
static size_t master_take(struct pty *pty, uint8_t *buf, size_t len)
{
	size_t head = 0, n = 0;

	spin_lock(&pty->lock);
	if (pty->packet && pty->status) {
		buf[0] = pty->status;
		pty->status = 0;
		spin_unlock(&pty->lock);
		return 1;
	}
	if (pty->packet) {
		buf[0] = TIOCPKT_DATA;
		head = 1;
	}
	if (len > head)
		n = ringbuf_read(&pty->out, buf + head, len - head);
	spin_unlock(&pty->lock);
	return n ? n + head : 0;
}

static bool master_has_input(const struct pty *pty)
{
	return ringbuf_used(&pty->out) || (pty->packet && pty->status);
}

/* Space came up in the ring: the slave's echoes and writers go on. */
static void master_made_room(struct pty *pty)
{
	if (!__atomic_load_n(&pty->want_room, __ATOMIC_RELAXED) ||
	    ringbuf_used(&pty->out) >= WAKE_BELOW)
		return;
	__atomic_store_n(&pty->want_room, false, __ATOMIC_RELAXED);
	tty_write_wakeup(&pty->tty);
}

static int master_wait(struct pty *pty, const struct file *f)
{
	if (__atomic_load_n(&pty->slave_closed, __ATOMIC_ACQUIRE) && !master_has_input(pty))
		return -EIO;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_event_interruptible(&pty->master_read, master_has_input(pty) ||
					pty->slave_closed);
}

static ssize_t master_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct pty *pty = pty_of_master(f);
	uint8_t buf[CHUNK];
	size_t done = 0;

	while (to->count) {
		size_t n = master_take(pty, buf, min(to->count, sizeof(buf)));
		int err;

		if (n) {
			master_made_room(pty);
			if (iov_copy_to(to, buf, n) != n)
				return done ? (ssize_t)done : -EFAULT;
			done += n;
			if (pty->packet)
				break;
			continue;
		}
		if (done)
			break;
		err = master_wait(pty, f);
		if (err)
			return err;
	}
	return (ssize_t)done;
}

/* Hand one piece to the line discipline, waiting until it is taken. */
static int master_write_chunk(struct pty *pty, const struct file *f, const uint8_t *buf, size_t len,
			      size_t *done)
{
	size_t at = 0;

	for (;;) {
		size_t n;
		int err;

		if (__atomic_load_n(&pty->slave_closed, __ATOMIC_ACQUIRE))
			return -EIO;
		n = tty_receive(&pty->tty, buf + at, NULL, len - at);
		at += n;
		*done += n;
		if (at == len)
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&pty->master_write, !pty->tty.ld.throttled ||
					       pty->slave_closed);
		if (err)
			return err;
	}
}

static ssize_t master_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct pty *pty = pty_of_master(f);
	uint8_t buf[CHUNK];
	size_t done = 0;
	int err = 0;

	while (from->count && !err) {
		size_t n = iov_copy_from(from, buf, min(from->count, sizeof(buf)));

		err = n ? master_write_chunk(pty, f, buf, n, &done) : -EFAULT;
	}
	return done ? (ssize_t)done : err;
}

static uint32_t master_poll(struct file *f, struct poll_table *pt)
{
	struct pty *pty = pty_of_master(f);
	uint32_t events = 0;

	poll_wait(f, &pty->master_read, pt);
	poll_wait(f, &pty->master_write, pt);
	if (master_has_input(pty))
		events |= POLLIN | POLLRDNORM;
	if (pty->packet && pty->status)
		events |= POLLPRI;
	if (__atomic_load_n(&pty->slave_closed, __ATOMIC_ACQUIRE))
		events |= POLLHUP;
	if (!pty->tty.ld.throttled)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static long set_packet_mode(struct pty *pty, uint64_t arg)
{
	uint32_t on;

	if (get_user(&on, UADDR(arg)))
		return -EFAULT;
	spin_lock(&pty->lock);
	if (on && !pty->packet)
		pty->status = 0;
	pty->packet = on;
	spin_unlock(&pty->lock);
	return 0;
}

static long set_lock(struct pty *pty, uint64_t arg)
{
	uint32_t on;

	if (get_user(&on, UADDR(arg)))
		return -EFAULT;
	__atomic_store_n(&pty->tty.locked, on != 0, __ATOMIC_RELAXED);
	return 0;
}

/*
 * TIOCGPTPEER: a descriptor of the slave, whatever the caller's /dev looks like to a path of its
 * own.
 */
static long open_peer(struct pty *pty, uint64_t flags)
{
	char name[24];
	struct file *f;

	if (flags & ~(uint64_t)(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	snprintf(name, sizeof(name), "/dev/pts/%u", pty->index);
	f = file_open(name, (uint32_t)flags, 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	return fd_install_new(f, (uint32_t)flags & O_CLOEXEC);
}

/* TIOCSIG: a signal as if its character had been typed. */
static long send_signal(struct pty *pty, uint64_t sig)
{
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	tty_signal_group(&pty->tty, (int)sig);
	return 0;
}

/* TCFLSH by the master: its input is the slave's output, and the other way. */
static long master_flush(struct pty *pty, uint64_t what)
{
	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH) {
		slave_flush_output(&pty->tty);
		master_made_room(pty);
	}
	if (what != TCIFLUSH)
		tty_flush_input(&pty->tty);
	return 0;
}

static long master_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct pty *pty = pty_of_master(f);
	long err;

	switch (cmd) {
	case TIOCGPTN:
		return put_user(pty->index, UADDR(arg));
	case TIOCSPTLCK:
		return set_lock(pty, arg);
	case TIOCGPTLCK:
		return put_user((uint32_t)pty->tty.locked, UADDR(arg));
	case TIOCGPTPEER:
		return open_peer(pty, arg);
	case TIOCPKT:
		return set_packet_mode(pty, arg);
	case TIOCGPKT:
		return put_user((uint32_t)pty->packet, UADDR(arg));
	case TIOCSIG:
		return send_signal(pty, arg);
	case FIONREAD:
		return put_user((uint32_t)ringbuf_used(&pty->out), UADDR(arg));
	case TCFLSH:
		return master_flush(pty, arg);
	case TIOCGDEV:
		return put_user(dev_to_user(DEV_MAKE(UNIX98_PTY_MASTER_MAJOR, pty->index)),
				UADDR(arg));
	}
	err = tty_ioctl_common(&pty->tty, NULL, f, cmd, arg);
	return err == -ENOIOCTLCMD ? -ENOTTY : err;
}

/* The master is gone: the slave hangs up, and its name with it. */
static void master_release(struct file *f)
{
	struct pty *pty = pty_of_master(f);
	struct inode *inode;

	mutex_lock(&ptys_lock);
	inode = pty->inode;
	pty->inode = NULL;
	mutex_unlock(&ptys_lock);
	devpts_inode_drop(inode);
	__atomic_store_n(&pty->tty.other_closed, true, __ATOMIC_RELEASE);
	waitq_wake_all(&pty->tty.read_wait, POLLIN | POLLHUP);
	tty_hangup(&pty->tty);
	tty_put(&pty->tty);
}

/* A fresh pair with its number; the master's reference.  Error pointer. */
static struct pty *pty_create(void)
{
	struct pty *pty = kzalloc(sizeof(*pty) + PTY_RING, ALLOC_NORMAL);
	char name[TTY_NAME_MAX];
	uint64_t index;
	int err;

	if (!pty)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&ptys_lock);
	err = idmap_alloc_lowest(&ptys, 0, PTY_MAX - 1, pty, &index);
	if (!err) {
		/* Found by number from here on, but with no reference to take before tty_init(). */
		pty->index = (uint32_t)index;
		snprintf(name, sizeof(name), "pts/%u", pty->index);
		err = tty_init(&pty->tty, &slave_ops, name,
			       DEV_MAKE(UNIX98_PTY_SLAVE_MAJOR, pty->index));
		if (err)
			idmap_remove(&ptys, index);
	}
	if (!err) {
		spinlock_init(&pty->lock, RING);
		ringbuf_init(&pty->out, pty->data, PTY_RING);
		waitq_init(&pty->master_read);
		waitq_init(&pty->master_write);
		pty->tty.is_pty = true;
		pty->tty.termios.c_cflag &= ~(uint32_t)HUPCL;	/* there is no line to drop */
		pty->tty.initial = pty->tty.termios;
		pty->tty.locked = true;
		n_tty_reset(&pty->tty);
	}
	mutex_unlock(&ptys_lock);
	if (!err)
		return pty;
	kfree(pty);
	return ERR_PTR(err == -EAGAIN ? -ENOSPC : err);
}

static int ptmx_open(struct inode *inode, struct file *f)
{
	struct pty *pty = pty_create();
	struct inode *node;

	if (IS_ERR(pty))
		return (int)PTR_ERR(pty);
	node = devpts_inode_alloc(pty->index);
	if (!node) {
		tty_put(&pty->tty);
		return -ENOMEM;
	}
	mutex_lock(&ptys_lock);
	pty->inode = node;
	mutex_unlock(&ptys_lock);
	f->priv = pty;
	f->mode |= FMODE_STREAM;
	return 0;
}

static int64_t master_seek(struct file *f, int64_t offset, int whence)
{
	return -ESPIPE;
}

static const struct file_ops master_ops = {
	.read = master_read,
	.write = master_write,
	.seek = master_seek,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.open = ptmx_open,
	.release = master_release,
};

static int pty_init(void)
{
	int err = chardev_register(&(struct chardev_args){
		.first = DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_PTMX), .count = 1, .ops = &master_ops,
		.name = "ptmx", .mode = 0666, .flags = CHARDEV_PLAIN_NAME });

	if (err)
		return err;
	return chardev_register(&(struct chardev_args){
		.first = DEV_MAKE(UNIX98_PTY_SLAVE_MAJOR, 0), .count = PTY_MAX,
		.ops = &tty_file_ops,
		.name = "pts", .flags = CHARDEV_NO_NODES });
}
INITCALL(INIT_SUBSYSTEM, pty_init);
