/* SPDX-License-Identifier: MIT */
/*
 * Loop devices: a file as a disk, for losetup and mount -o loop.
 *
 *	FREE -> BUSY -> BOUND -> BUSY -> FREE		BUSY: somebody is binding or letting go
 *
 * L1 while BOUND, .file, .offset and .size do not change but under BUSY, with the disk quiesced.
 * L2 requests are served by one thread per device, started when it is first bound: file operations
 *    sleep.  A flush is the file's fsync.
 * L3 LOOP_CLR_FD marks the device; it is cleared by the last close, as on Linux, so that a mounted
 *    one keeps its file.
 *
 * Locking: l->lock (class DEVICE) around state and the list of requests; never over file
 * operations.
 */
#include <drivers/disk.h>
#include <fs/chardev.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/fcntl.h>
#include <uapi/loop.h>
#include <uapi/major.h>

#define LOOP_CONTROL_MINOR	237

enum loop_state { LOOP_FREE, LOOP_BUSY, LOOP_BOUND };

struct loop {
	unsigned int number;		/* [I] */
	struct disk *disk;		/* [I] */
	struct spinlock lock;
	enum loop_state state;		/* [L] */
	struct file *file;		/* L1; counted; NULL: [L], requests fail */
	uint64_t offset, limit;		/* L1: bytes */
	uint32_t flags;			/* [A] LO_FLAGS_* */
	uint8_t name[LO_NAME_SIZE];	/* L1 */
	struct list requests;		/* [L] */
	struct waitq work;
	struct thread *thread;		/* BUSY: NULL before the first bind */
	struct list node;		/* [R] loops_lock */
};

static struct mutex loops_lock = MUTEX_INIT(loops_lock, LOOP);
static LIST_HEAD(loops);		/* [R] loops_lock: by number */

/* False: it was not @from. */
static bool state_move(struct loop *l, enum loop_state from, enum loop_state to)
{
	unsigned long flags = spin_lock_irqsave(&l->lock);
	bool moved = l->state == from;

	if (moved)
		l->state = to;
	spin_unlock_irqrestore(&l->lock, flags);
	return moved;
}

/* One piece of memory; the file may have become shorter: zeros. */
static int move_piece(struct loop *l, char *buf, size_t len, int64_t *at, bool is_read)
{
	while (len) {
		ssize_t n = is_read ? file_read_kernel(l->file, buf, len, at) :
			    file_write_kernel(l->file, buf, len, at);

		if (n < 0)
			return (int)n;
		if (!n && !is_read)
			return -EIO;
		if (!n) {
			memset(buf, 0, len);
			*at += (int64_t)len;
			return 0;
		}
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int serve_data(struct loop *l, struct request *rq)
{
	int64_t at = (int64_t)(l->offset + (rq->sector << SECTOR_SHIFT));
	int err = 0;

	for (uint32_t i = 0; i < rq->nr_segs && !err; i++)
		err = move_piece(l, phys_to_virt(rq->segs[i].phys), rq->segs[i].len, &at,
				 rq->op == BIO_READ);
	return err;
}

static int serve(struct loop *l, struct request *rq)
{
	const struct file_ops *ops = l->file->ops;

	switch (rq->op) {
	case BIO_READ:
	case BIO_WRITE:
		return serve_data(l, rq);
	case BIO_FLUSH:
		return ops->fsync ? ops->fsync(l->file, 0, INT64_MAX, false) : 0;
	case BIO_DISCARD:
	case BIO_WRITE_ZEROES:
		break;
	}
	return -EOPNOTSUPP;
}

/* What a submitter may be told. */
static int status_of(int err)
{
	return !err || err == -ENOSPC || err == -EOPNOTSUPP || err == -ENODEV ? err : -EIO;
}

static struct request *take_request(struct loop *l)
{
	unsigned long flags = spin_lock_irqsave(&l->lock);
	struct request *rq = list_first_entry_or_null(&l->requests, struct request, node);

	if (rq)
		list_del(&rq->node);
	spin_unlock_irqrestore(&l->lock, flags);
	return rq;
}

static void loop_thread(void *arg)
{
	struct loop *l = arg;
	struct request *rq;

	for (;;) {
		wait_event(&l->work, (rq = take_request(l)) != NULL);
		block_request_done(rq, status_of(serve(l, rq)));
	}
}

static int loop_queue_request(struct request *rq)
{
	struct loop *l = rq->queue->disk->priv;
	unsigned long flags = spin_lock_irqsave(&l->lock);
	int err = l->file ? 0 : -EIO;	/* a flush passes where there is no sector */

	if (!err)
		list_add_tail(&rq->node, &l->requests);
	spin_unlock_irqrestore(&l->lock, flags);
	if (!err)
		waitq_wake(&l->work, 0);
	return err;
}

/* The sectors that the file has now, within offset and limit. */
static uint64_t sectors_of(const struct loop *l)
{
	uint64_t size = file_size(l->file);

	size = size > l->offset ? size - l->offset : 0;
	if (l->limit)
		size = min(size, l->limit);
	return align_down(size, l->disk->limits.logical_size) >> SECTOR_SHIFT;
}

static void set_capacity(struct loop *l)
{
	disk_resize(l->disk, sectors_of(l));
}

/* BUSY; NULL only while quiesced and idle, so that the thread never meets it. */
static void set_file(struct loop *l, struct file *f)
{
	unsigned long flags = spin_lock_irqsave(&l->lock);

	l->file = f;
	spin_unlock_irqrestore(&l->lock, flags);
}

/* L1: until disk_resume() nothing is served, and nothing waits to be. */
static void stop_serving(struct loop *l)
{
	disk_quiesce(l->disk);
	disk_drain(l->disk);
}

/* Nobody has the device open, or only since a moment ago, and the file goes. */
static void unbind(struct loop *l)
{
	struct file *f = l->file;

	disk_resize(l->disk, 0);
	if (block_rescan(l->disk->whole))
		log_warn("%s: its partitions stay", l->disk->whole->name);
	stop_serving(l);
	set_file(l, NULL);
	disk_resume(l->disk);
	l->flags = 0;
	l->disk->limits.is_read_only = false;
	file_put(f);
	(void)!state_move(l, LOOP_BUSY, LOOP_FREE);
}

static void loop_last_close(struct disk *d)
{
	struct loop *l = d->priv;

	if (READ_ONCE(l->flags) & LO_FLAGS_AUTOCLEAR && state_move(l, LOOP_BOUND, LOOP_BUSY))
		unbind(l);
}

/* The file that descriptor @fd is, if it may be a disk: a reference or an error pointer. */
static struct file *backing_file(uint32_t fd, const struct disk *d)
{
	struct fd_ref r = fd_get((int)fd);
	struct file *f = r.file;

	if (!f)
		return ERR_PTR(-EBADF);
	file_ref(f);
	fd_put(r);
	if (f->inode && ((f->inode->mode & S_IFMT) == S_IFREG ||
			 ((f->inode->mode & S_IFMT) == S_IFBLK &&
			  DEV_MAJOR(f->inode->rdev) != LOOP_MAJOR)) && f->mode & FMODE_READ)
		return f;
	(void)d;
	file_put(f);
	return ERR_PTR(-EINVAL);
}

static int start_thread(struct loop *l)
{
	struct thread *t;

	if (l->thread)
		return 0;
	t = kthread_create(loop_thread, l, l->disk->whole->name);
	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	l->thread = t;
	return 0;
}

static int set_block_size(struct disk *d, uint32_t size)
{
	if (!size)
		size = SECTOR_SIZE;
	if (size < SECTOR_SIZE || size > PAGE_SIZE || size & (size - 1))
		return -EINVAL;
	d->limits.logical_size = d->limits.physical_size = size;
	d->limits.max_sectors = 2048;
	return 0;
}

/* BUSY; takes over @f only on success. */
static int bind_busy(struct loop *l, struct file *f, const struct loop_config *c)
{
	int err = set_block_size(l->disk, c->block_size);

	if (err || (c->info.lo_offset | c->info.lo_sizelimit) & (SECTOR_SIZE - 1))
		return -EINVAL;
	err = start_thread(l);
	if (err)
		return err;
	l->offset = c->info.lo_offset;
	l->limit = c->info.lo_sizelimit;
	set_file(l, f);
	l->flags = c->info.lo_flags & (LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN);
	if (!(f->mode & FMODE_WRITE))
		l->flags |= LO_FLAGS_READ_ONLY;
	l->disk->limits.is_read_only = l->flags & LO_FLAGS_READ_ONLY;
	memcpy(l->name, c->info.lo_file_name, sizeof(l->name));
	l->name[LO_NAME_SIZE - 1] = '\0';
	set_capacity(l);
	return 0;
}

static int scan_if_asked(struct loop *l)
{
	return READ_ONCE(l->flags) & LO_FLAGS_PARTSCAN ? block_rescan(l->disk->whole) : 0;
}

static int loop_bind(struct loop *l, const struct loop_config *c)
{
	struct file *f = backing_file(c->fd, l->disk);
	int err;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	err = state_move(l, LOOP_FREE, LOOP_BUSY) ? 0 : -EBUSY;
	if (err) {
		file_put(f);
		return err;
	}
	err = bind_busy(l, f, c);
	(void)!state_move(l, LOOP_BUSY, err ? LOOP_FREE : LOOP_BOUND);
	if (err) {
		file_put(f);
		return err;
	}
	/* A table that cannot be read is no reason to refuse the file. */
	if (scan_if_asked(l))
		log_warn("%s: partitions were not read", l->disk->whole->name);
	return 0;
}

static int loop_configure(struct loop *l, uint64_t arg)
{
	struct loop_config *c = kmalloc(sizeof(*c), 0);
	int err = -ENOMEM;

	if (c)
		err = copy_from_user(c, UADDR(arg), sizeof(*c)) ? -EFAULT : loop_bind(l, c);
	kfree(c);
	return err;
}

static int loop_set_fd(struct loop *l, uint32_t fd)
{
	struct loop_config *c = kzalloc(sizeof(*c), 0);
	int err = -ENOMEM;

	if (c) {
		c->fd = fd;
		err = loop_bind(l, c);
	}
	kfree(c);
	return err;
}

static int loop_get_status(struct loop *l, uint64_t arg)
{
	struct loop_info64 *info = kzalloc(sizeof(*info), 0);
	int err = 0;

	if (!info)
		return -ENOMEM;
	if (!state_move(l, LOOP_BOUND, LOOP_BUSY)) {
		kfree(info);
		return -ENXIO;
	}
	info->lo_device = dev_to_user(l->file->inode->sb->dev);
	info->lo_inode = l->file->inode->ino;
	info->lo_rdevice = dev_to_user(l->file->inode->rdev);
	info->lo_offset = l->offset;
	info->lo_sizelimit = l->limit;
	info->lo_number = l->number;
	info->lo_flags = l->flags;
	memcpy(info->lo_file_name, l->name, sizeof(l->name));
	(void)!state_move(l, LOOP_BUSY, LOOP_BOUND);
	if (copy_to_user(UADDR(arg), info, sizeof(*info)))
		err = -EFAULT;
	kfree(info);
	return err;
}

static int set_status_busy(struct loop *l, const struct loop_info64 *info)
{
	const uint32_t changeable = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;

	if (info->lo_encrypt_type || (info->lo_offset | info->lo_sizelimit) & (SECTOR_SIZE - 1))
		return -EINVAL;
	stop_serving(l);
	l->offset = info->lo_offset;
	l->limit = info->lo_sizelimit;
	disk_resume(l->disk);
	l->flags = (l->flags & ~changeable) | (info->lo_flags & changeable);
	memcpy(l->name, info->lo_file_name, sizeof(l->name));
	l->name[LO_NAME_SIZE - 1] = '\0';
	set_capacity(l);
	return 0;
}

static int loop_set_status(struct loop *l, uint64_t arg)
{
	struct loop_info64 *info = kmalloc(sizeof(*info), 0);
	int err = 0;

	if (!info)
		return -ENOMEM;
	if (copy_from_user(info, UADDR(arg), sizeof(*info)))
		err = -EFAULT;
	else if (!state_move(l, LOOP_BOUND, LOOP_BUSY))
		err = -ENXIO;
	if (!err) {
		err = set_status_busy(l, info);
		(void)!state_move(l, LOOP_BUSY, LOOP_BOUND);
		err = err ? err : scan_if_asked(l);
	}
	kfree(info);
	return err;
}

static int loop_set_capacity(struct loop *l)
{
	if (!state_move(l, LOOP_BOUND, LOOP_BUSY))
		return -ENXIO;
	set_capacity(l);
	(void)!state_move(l, LOOP_BUSY, LOOP_BOUND);
	return 0;
}

/* L3 */
static int loop_clear(struct loop *l)
{
	if (!state_move(l, LOOP_BOUND, LOOP_BUSY))
		return -ENXIO;
	l->flags |= LO_FLAGS_AUTOCLEAR;
	(void)!state_move(l, LOOP_BUSY, LOOP_BOUND);
	return 0;
}

static long loop_ioctl(struct block_device *dev, unsigned int cmd, uint64_t arg)
{
	struct loop *l = dev->disk->priv;

	if (dev->part)
		return -ENOTTY;
	switch (cmd) {
	case LOOP_SET_FD:
		return loop_set_fd(l, (uint32_t)arg);
	case LOOP_CONFIGURE:
		return loop_configure(l, arg);
	case LOOP_CLR_FD:
		return loop_clear(l);
	case LOOP_GET_STATUS64:
		return loop_get_status(l, arg);
	case LOOP_SET_STATUS64:
		return loop_set_status(l, arg);
	case LOOP_SET_CAPACITY:
		return loop_set_capacity(l);
	case LOOP_SET_BLOCK_SIZE:
	case LOOP_SET_DIRECT_IO:
		return READ_ONCE(l->state) == LOOP_FREE ? -ENXIO : -EINVAL;
	default:
		return -ENOTTY;
	}
}

static const struct disk_ops loop_ops = {
	.queue_request	= loop_queue_request,
	.ioctl		= loop_ioctl,
	.last_close	= loop_last_close,
};

static struct loop *loop_find_locked(unsigned int number)
{
	struct loop *l;

	list_for_each_entry(l, &loops, node)
		if (l->number == number)
			return l;
	return NULL;
}

/* loops_lock held.  Its number or -errno. */
static int loop_add_locked(unsigned int number)
{
	struct loop *l = kzalloc(sizeof(*l), 0);
	char name[24];
	struct disk_args args = {
		.name = name, .ops = &loop_ops, .priv = l, .nr_queues = 1, .queue_depth = 64,
		.major = LOOP_MAJOR, .first_minor = number, .minors = 1,
		.limits = { .max_sectors = 2048, .max_segments = 128, .has_cache = true },
	};
	int err;

	if (!l)
		return -ENOMEM;
	l->number = number;
	spinlock_init(&l->lock, DEVICE);
	list_init(&l->requests);
	waitq_init(&l->work);
	snprintf(name, sizeof(name), "loop%u", number);
	l->disk = disk_create(&args);
	if (IS_ERR(l->disk)) {
		err = (int)PTR_ERR(l->disk);
		kfree(l);
		return err;
	}
	list_add_tail(&l->node, &loops);
	err = disk_register(l->disk);
	return err ? err : (int)number;
}

static int loop_add(unsigned int number)
{
	int ret;

	mutex_lock(&loops_lock);
	ret = loop_find_locked(number) ? -EEXIST : loop_add_locked(number);
	mutex_unlock(&loops_lock);
	return ret;
}

static int loop_get_free(void)
{
	unsigned int number = 0;
	struct loop *l;
	int ret = -1;

	mutex_lock(&loops_lock);
	list_for_each_entry(l, &loops, node)
		if (ret < 0 && READ_ONCE(l->state) == LOOP_FREE)
			ret = (int)l->number;
	while (ret < 0 && loop_find_locked(number))
		number++;
	if (ret < 0)
		ret = loop_add_locked(number);
	mutex_unlock(&loops_lock);
	return ret;
}

static long control_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	(void)f;
	switch (cmd) {
	case LOOP_CTL_GET_FREE:
		return loop_get_free();
	case LOOP_CTL_ADD:
		return arg < 1u << 20 ? loop_add((unsigned int)arg) : -EINVAL;
	case LOOP_CTL_REMOVE:
		/* Devices stay once they are there: an unused one costs a few kilobytes. */
		return -EBUSY;
	default:
		return -ENOTTY;
	}
}

static const struct file_ops control_ops = { .ioctl = control_ioctl, .seek = noop_seek };

static int loop_init(void)
{
	return chardev_register(&(struct chardev_args){
		.first = DEV_MAKE(MISC_MAJOR, LOOP_CONTROL_MINOR), .count = 1, .ops = &control_ops,
		.name = "loop-control", .mode = 0660, .flags = CHARDEV_PLAIN_NAME });
}
INITCALL(INIT_FS, loop_init);
