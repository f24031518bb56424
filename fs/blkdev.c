/* SPDX-License-Identifier: MIT */
/*
 * Block special files: /dev/vda read, written, mapped, and asked by ioctl.
 *
 * f->priv is the block_device, counted and got; the data belongs to the inode of fs/bdev.c, not to
 * the one that has the name.
 */
#include <kernel/process.h>
#include <lib/errseq.h>
#include <lib/minmax.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/fcntl.h>
#include <uapi/fs.h>

#include "bdev.h"
#include "iomap/internal.h"
#include "writeback.h"

static struct block_device *device_of(const struct file *f)
{
	return f->priv;
}

static int blockdev_open(struct inode *inode, struct file *f)
{
	struct block_device *dev = block_find_get(inode->rdev);
	int err = dev ? 0 : -ENXIO;

	if (!err && f->mode & FMODE_WRITE && READ_ONCE(dev->is_read_only))
		err = -EACCES;
	if (!err)
		err = bdev_get(dev);
	if (!err && f->mode & FMODE_EXCL) {
		err = bdev_claim(dev, f);
		if (err)
			bdev_put(dev);
	}
	if (err) {
		if (dev)
			block_put(dev);
		return err;
	}
	f->priv = dev;
	f->mode |= FMODE_SEEK;
	f->write_error_seen = errseq_sample(&bdev_mapping(dev)->write_error);
	return 0;
}

static void blockdev_release(struct file *f)
{
	struct block_device *dev = device_of(f);

	if (f->mode & FMODE_EXCL)
		bdev_release(dev, f);
	bdev_put(dev);
	block_put(dev);
}

static ssize_t blockdev_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct inode *inode = bdev_inode(device_of(f));
	size_t beyond = 0;
	ssize_t n;

	if (*offset >= inode->size || !to->count)
		return 0;
	if (to->count > (uint64_t)(inode->size - *offset)) {
		beyond = to->count - (size_t)(inode->size - *offset);
		to->count -= beyond;
	}
	n = f->flags & O_DIRECT ? iomap_direct_read(f, inode, to, offset) :
				  iomap_read(f, inode, to, offset);
	to->count += beyond;
	return n;
}

static int blockdev_fsync(struct file *f, int64_t start, int64_t end, bool data_only)
{
	struct block_device *dev = device_of(f);
	struct inode *inode = bdev_inode(dev);
	int err = iomap_writeback_wait(inode, start, end), e = block_flush(dev);
	int failed = errseq_check(&inode->mapping->write_error, &f->write_error_seen);

	return err ? err : e ? e : failed;
}

static ssize_t write_locked(struct file *f, struct inode *inode, struct iov_iter *from,
			    int64_t *offset)
{
	uint64_t room;

	if (f->flags & O_APPEND)
		*offset = inode->size;
	if (*offset >= inode->size)
		return -ENOSPC;
	room = (uint64_t)(inode->size - *offset);
	from->count = min((uint64_t)from->count, room);
	return f->flags & O_DIRECT ? iomap_direct_write(f, inode, from, offset) :
				     iomap_write_locked(f, inode, from, offset);
}

static ssize_t blockdev_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct block_device *dev = device_of(f);
	struct inode *inode = bdev_inode(dev);
	ssize_t n;
	int err;

	if (READ_ONCE(dev->is_read_only))
		return -EPERM;
	if (!from->count)
		return 0;
	rwsem_lock_write(&inode->lock);
	n = write_locked(f, inode, from, offset);
	rwsem_unlock_write(&inode->lock);
	if (n <= 0)
		return n;
	writeback_throttle(inode, (uint64_t)n);
	if (f->flags & O_DSYNC) {
		err = blockdev_fsync(f, *offset - n, *offset, true);
		if (err)
			return err;
	}
	return n;
}

static int64_t blockdev_seek(struct file *f, int64_t offset, int whence)
{
	int64_t end = bdev_inode(device_of(f))->size;

	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_with_end(f, offset, whence, end);
	/* A device ends where it ends. */
	if (whence == SEEK_CUR)
		offset = add_saturate_signed(offset, f->position);
	else if (whence == SEEK_END)
		offset = add_saturate_signed(offset, end);
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0 || offset > end)
		return -EINVAL;
	return f->position = offset;
}

static int blockdev_mmap(struct file *f, struct region *r)
{
	struct memobj *o = bdev_mapping(device_of(f));

	memobj_ref(o);
	r->object = o;
	return 0;
}

static int blockdev_fadvise(struct file *f, int64_t offset, int64_t len, int advice)
{
	return iomap_advise(f, bdev_inode(device_of(f)), offset, len, advice);
}

static long blockdev_fallocate(struct file *f, int mode, int64_t offset, int64_t len);

const struct file_ops blockdev_ops = {
	.open = blockdev_open,
	.release = blockdev_release,
	.read = blockdev_read,
	.write = blockdev_write,
	.seek = blockdev_seek,
	.mmap = blockdev_mmap,
	.fsync = blockdev_fsync,
	.fadvise = blockdev_fadvise,
	.fallocate = blockdev_fallocate,
	.ioctl = blockdev_ioctl,
};

/* ioctl. */

/* Drop what the cache has of [start, end), written before. */
static int forget_range(struct inode *inode, uint64_t start, uint64_t end)
{
	int err = iomap_writeback_wait(inode, (int64_t)start, (int64_t)end);

	if (err)
		return err;
	start = align_down(start, PAGE_SIZE);
	end = align_up(end, PAGE_SIZE);
	memobj_unmap_cached(inode->mapping, start, end);
	memobj_drop_clean(inode->mapping, start, end);
	return 0;
}

static int discard_range(struct file *f, uint64_t start, uint64_t len, bool zero)
{
	struct block_device *dev = device_of(f);
	struct inode *inode = bdev_inode(dev);
	uint64_t mask = block_limits(dev)->logical_size - 1, end;
	int err;

	if (!zero && !block_limits(dev)->max_discard_sectors)
		return -EOPNOTSUPP;
	if ((start | len) & mask || check_add_overflow(start, len, &end) ||
	    end > (uint64_t)inode->size || !len)
		return -EINVAL;
	rwsem_lock_write(&inode->lock);
	err = forget_range(inode, start, end);
	if (!err)
		err = zero ? block_write_zeroes(dev, start >> SECTOR_SHIFT, len >> SECTOR_SHIFT) :
			     block_discard(dev, start >> SECTOR_SHIFT, len >> SECTOR_SHIFT);
	if (!err)
		err = forget_range(inode, start, end);
	rwsem_unlock_write(&inode->lock);
	return err;
}

static long blockdev_fallocate(struct file *f, int mode, int64_t offset, int64_t len)
{
	uint64_t size = (uint64_t)bdev_inode(device_of(f))->size, end = (uint64_t)offset + len;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((uint64_t)offset >= size || !(mode & ~FALLOC_FL_KEEP_SIZE))
		return mode & ~FALLOC_FL_KEEP_SIZE ? -EINVAL : -EOPNOTSUPP;
	if (end > size) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EINVAL;
		end = size;
	}
	return discard_range(f, (uint64_t)offset, end - (uint64_t)offset, true);
}

static long range_ioctl(struct file *f, uint64_t arg, bool zero)
{
	uint64_t range[2];

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(range, UADDR(arg), sizeof(range)))
		return -EFAULT;
	return discard_range(f, range[0], range[1], zero);
}

static long set_read_only(struct block_device *dev, uint64_t arg)
{
	uint32_t on;

	if (!cred_overrides_files(current_cred()))
		return -EACCES;
	if (get_user(&on, UADDR(arg)))
		return -EFAULT;
	if (!on && block_limits(dev)->is_read_only)
		return -EACCES;
	WRITE_ONCE(dev->is_read_only, on != 0);
	return 0;
}

static long flush_cache(struct block_device *dev)
{
	if (!cred_overrides_files(current_cred()))
		return -EACCES;
	return forget_range(bdev_inode(dev), 0, (uint64_t)bdev_inode(dev)->size);
}

/* As the disk was addressed long ago: 255 heads of 63 sectors. */
static long geometry(struct block_device *dev, uint64_t arg)
{
	struct hd_geometry g = { .heads = 255, .sectors = 63, .start = dev->start };

	g.cylinders = (uint16_t)min(dev->nr_sectors / (255 * 63), 65535ULL);
	return copy_to_user(UADDR(arg), &g, sizeof(g));
}

static long put_int(uint32_t v, uint64_t arg)
{
	return put_user(v, UADDR(arg));
}

/* What the device is: results that depend on nothing else. */
static long ask_device(struct block_device *dev, unsigned int cmd, uint64_t arg)
{
	const struct block_limits *l = block_limits(dev);

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user(dev->nr_sectors << SECTOR_SHIFT, UADDR(arg));
	case BLKGETSIZE:
		return put_user(dev->nr_sectors, UADDR(arg));
	case BLKSSZGET:
		return put_int(l->logical_size, arg);
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_int(max(l->physical_size, l->logical_size), arg);
	case BLKIOOPT:
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		return put_int(0, arg);
	case BLKBSZGET:
		return put_int((uint32_t)PAGE_SIZE, arg);
	case BLKROGET:
		return put_int(READ_ONCE(dev->is_read_only), arg);
	case BLKROTATIONAL: {
		uint16_t v = l->is_rotational;

		return copy_to_user(UADDR(arg), &v, sizeof(v));
	}
	case BLKSECTGET: {
		uint16_t v = (uint16_t)min(l->max_sectors, 65535U);

		return copy_to_user(UADDR(arg), &v, sizeof(v));
	}
	case BLKRAGET:
	case BLKFRAGET:
		return put_user((uint64_t)1024, UADDR(arg));
	default:
		return -ENOTTY;
	}
}

long blockdev_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct block_device *dev = device_of(f);

	switch (cmd) {
	case BLKROSET:
		return set_read_only(dev, arg);
	case BLKFLSBUF:
		return flush_cache(dev);
	case BLKDISCARD:
		return range_ioctl(f, arg, false);
	case BLKZEROOUT:
		return range_ioctl(f, arg, true);
	case BLKRRPART:
		return cred_overrides_files(current_cred()) ? block_rescan(dev) : -EACCES;
	case BLKBSZSET: {
		uint32_t size;

		if (!cred_overrides_files(current_cred()))
			return -EACCES;
		if (get_user(&size, UADDR(arg)))
			return -EFAULT;
		return size < block_limits(dev)->logical_size || size > PAGE_SIZE ||
		       size & (size - 1) ? -EINVAL : 0;
	}
	case BLKRASET:
	case BLKFRASET:
		return cred_overrides_files(current_cred()) ? 0 : -EACCES;
	case HDIO_GETGEO:
		return geometry(dev, arg);
	default:
		return ask_device(dev, cmd, arg);
	}
}
