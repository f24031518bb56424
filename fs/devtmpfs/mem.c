/* SPDX-License-Identifier: MIT */
/*
 * The memory devices: null, zero, full, random, urandom, kmsg.
 */
#include <fs/chardev.h>
#include <fs/poll.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <security/random.h>
#include <uapi/major.h>
#include <uapi/mman.h>
#include <uapi/ioctl.h>
#include <uapi/random.h>

#include "devtmpfs.h"

#define KMSG_LINE	1024
#ifndef RNDGETENTCNT
#define RNDGETENTCNT	_IOR('R', 0x00, int)
#endif

static ssize_t null_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	size_t n = from->count;

	/* all of it, and nobody looks at the segments of an empty iterator */
	from->count = 0;
	return (ssize_t)n;
}

static int64_t null_seek(struct file *f, int64_t offset, int whence)
{
	return f->position = 0;
}

/* A long read gives way to signals. */
static __noinline ssize_t zero_read_long(struct iov_iter *to)
{
	size_t n;

	for (n = 0; to->count; ) {
		size_t done = iov_clear(to, min(to->count, 16 * PAGE_SIZE));

		n += done;
		if (!done || signal_is_pending())
			break;
	}
	return n ? (ssize_t)n : -EFAULT;
}

static ssize_t zero_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	size_t want = to->count, n;

	if (unlikely(want > PAGE_SIZE))
		return zero_read_long(to);
	n = iov_clear(to, want);
	return n || !want ? (ssize_t)n : -EFAULT;
}

static ssize_t full_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	return -ENOSPC;
}

/* Private mappings of /dev/zero are anonymous memory; shared ones a fresh object. */
static int zero_mmap(struct file *f, struct region *r)
{
	struct memobj *o;

	if (!(r->flags & REGION_SHARED)) {
		r->object = NULL;
		return 0;
	}
	o = memobj_create_anonymous(r->object_offset + (r->end - r->start));
	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	r->object = o;
	return 0;
}

static ssize_t random_file_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	return random_read(f, to, RANDOM_WAIT_SEEDED);
}

static ssize_t urandom_file_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	return random_read(f, to, RANDOM_NO_WAIT);
}

static ssize_t random_file_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	return random_write(from);
}

static long random_file_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	return random_ioctl(cmd, arg);
}

/* kmsg: f->position counts records here, not bytes. */

static int kmsg_open(struct inode *inode, struct file *f)
{
	f->priv = (void *)(uintptr_t)log_first_seq();
	f->mode |= FMODE_STREAM;
	return 0;
}

static ssize_t kmsg_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	uint64_t seq = (uintptr_t)f->priv;
	struct log_record rec;
	char *text;
	ssize_t n;
	size_t len, head;
	int err;

	while (seq >= log_next_seq()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&log_waitq, seq < log_next_seq());
		if (err)
			return err;
	}
	text = kmalloc(2 * KMSG_LINE, 0);
	if (!text)
		return -ENOMEM;
	len = log_read(seq, &rec, text + KMSG_LINE, KMSG_LINE - 2);
	head = scnprintf(text, KMSG_LINE, "%u,%llu,%lld,-;", rec.facility << 3 | rec.level,
			 (unsigned long long)rec.seq, (long long)(rec.time_ns / 1000));
	memmove(text + head, text + KMSG_LINE, len);
	text[head + len++] = '\n';
	n = -EINVAL;
	if (head + len <= to->count) {
		n = iov_copy_to(to, text, head + len) == head + len ? (ssize_t)(head + len) :
			-EFAULT;
		f->priv = (void *)(uintptr_t)(rec.seq + 1);
	}
	kfree(text);
	return n;
}

static ssize_t kmsg_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	char line[512], *text = line;
	unsigned int level = LOG_NOTICE, facility = 1;
	size_t count = from->count, len = min(count, sizeof(line) - 1);

	if (count > KMSG_LINE)
		return -EINVAL;
	if (iov_copy_from(from, line, len) != len)
		return -EFAULT;
	line[len] = '\0';
	if (line[0] == '<') {
		unsigned int n = 0;

		for (text = line + 1; char_is_digit(*text); text++)
			n = n * 10 + (unsigned int)(*text - '0');
		if (*text == '>' && text > line + 1) {
			level = n & 7;
			facility = max(n >> 3, 1u);
			text++;
		} else {
			text = line;
		}
	}
	len -= (size_t)(text - line);
	if (len && text[len - 1] == '\n')
		len--;
	log_append(level, facility, text, len);
	return (ssize_t)count;
}

static int64_t kmsg_seek(struct file *f, int64_t offset, int whence)
{
	if (offset)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_END && whence != SEEK_DATA)
		return -EINVAL;
	f->priv = (void *)(uintptr_t)(whence == SEEK_END ? log_next_seq() : log_first_seq());
	return 0;
}

static uint32_t kmsg_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, &log_waitq, pt);
	return (uintptr_t)f->priv < log_next_seq() ? POLLIN | POLLRDNORM : 0;
}

static const struct file_ops null_ops = {
	.read = null_read, .write = null_write, .seek = null_seek,
};
static const struct file_ops zero_ops = {
	.read = zero_read, .write = null_write, .seek = null_seek, .mmap = zero_mmap,
};
static const struct file_ops full_ops = {
	.read = zero_read, .write = full_write, .seek = null_seek,
};
static const struct file_ops random_ops = {
	.read = random_file_read, .write = random_file_write, .seek = null_seek,
	.ioctl = random_file_ioctl, .poll = random_poll,
};
static const struct file_ops urandom_ops = {
	.read = urandom_file_read, .write = random_file_write, .seek = null_seek,
	.ioctl = random_file_ioctl,
};
static const struct file_ops kmsg_ops = {
	.open = kmsg_open, .read = kmsg_read, .write = kmsg_write, .seek = kmsg_seek,
	.poll = kmsg_poll,
};

int mem_devices_init(void)
{
	static const struct {
		uint32_t minor, mode;
		const char *name;
		const struct file_ops *ops;
	} list[] = {
		{ MEM_MINOR_NULL, 0666, "null", &null_ops },
		{ MEM_MINOR_ZERO, 0666, "zero", &zero_ops },
		{ MEM_MINOR_FULL, 0666, "full", &full_ops },
		{ MEM_MINOR_RANDOM, 0666, "random", &random_ops },
		{ MEM_MINOR_URANDOM, 0666, "urandom", &urandom_ops },
		{ MEM_MINOR_KMSG, 0644, "kmsg", &kmsg_ops },
	};
	int err = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(list) && !err; i++)
		err = chardev_register(&(struct chardev_args){
			.first = DEV_MAKE(MEM_MAJOR, list[i].minor), .count = 1, .ops = list[i].ops,
			.name = list[i].name, .mode = list[i].mode, .flags = CHARDEV_PLAIN_NAME });
	return err;
}
