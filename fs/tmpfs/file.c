/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: open files and directories, holes, allocation, mount options.
 */
#include <fs/namei.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/mman.h>

#include "tmpfs.h"

static struct tmpfs_inode *inode_of(const struct file *f)
{
	return container_of(f->inode, struct tmpfs_inode, inode);
}

/* The inode's lock is held, so that no seal comes between the look and the write. */
static ssize_t write_locked(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct tmpfs_inode *ti = inode_of(f);

	if (unlikely(ti->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (unlikely(ti->seals & F_SEAL_GROW)) {
		int64_t at = f->flags & O_APPEND ? ti->inode.size : *offset;

		if (at >= ti->inode.size)
			return from->count ? -EPERM : 0;
		from->count = min(from->count, (size_t)(ti->inode.size - at));
	}
	return generic_file_write_locked(f, from, offset);
}

static ssize_t tmpfs_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	ssize_t n;

	rwsem_lock_write(&f->inode->lock);
	n = write_locked(f, from, offset);
	rwsem_unlock_write(&f->inode->lock);
	return n;
}

static int tmpfs_mmap(struct file *f, struct region *r)
{
	struct tmpfs_inode *ti = inode_of(f);

	if ((r->flags & REGION_SHARED) && (ti->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
		if (r->prot & PROT_WRITE)
			return -EPERM;
		r->max_prot &= ~(uint32_t)PROT_WRITE;
	}
	return generic_mmap(f, r);
}

/*
 * The first page at or after @pos that is there (@want) or not; the byte where it begins, or the
 * size.
 */
static int64_t find_edge(struct inode *inode, int64_t pos, bool want)
{
	uint64_t index = (uint64_t)pos >> PAGE_SHIFT,
		end = DIV_ROUND_UP((uint64_t)inode->size, PAGE_SIZE);

	for (; index < end; index++) {
		struct page *p = memobj_find_page(inode->mapping, index);

		if (p)
			page_put(p);
		if (!!p == want)
			return max(pos, (int64_t)(index << PAGE_SHIFT));
	}
	return inode->size;
}

static int64_t tmpfs_seek(struct file *f, int64_t offset, int whence)
{
	struct inode *inode = f->inode;
	int64_t at;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_seek(f, offset, whence);
	rwsem_lock_read(&inode->lock);
	at = -ENXIO;
	if (offset >= 0 && offset < inode->size) {
		at = find_edge(inode, offset, whence == SEEK_DATA);
		if (at == inode->size && whence == SEEK_DATA)
			at = -ENXIO;
	}
	rwsem_unlock_read(&inode->lock);
	if (at >= 0)
		f->position = at;
	return at;
}

static int allocate(struct inode *inode, int64_t offset, int64_t end)
{
	for (int64_t pos = align_down(offset, (int64_t)PAGE_SIZE); pos < end; pos += PAGE_SIZE) {
		struct page *p = memobj_get_page(inode->mapping, (uint64_t)pos >> PAGE_SHIFT);

		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		page_put(p);
		if (signal_is_pending())
			return -EINTR;
	}
	return 0;
}

static long tmpfs_fallocate(struct file *f, int mode, int64_t offset, int64_t len)
{
	struct tmpfs_inode *ti = inode_of(f);
	struct inode *inode = f->inode;
	int64_t end = offset + len;
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwsem_lock_write(&inode->lock);
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		err = ti->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ? -EPERM : 0;
		if (!err)
			memobj_punch(inode->mapping, (uint64_t)offset, (uint64_t)end);
	} else {
		if (!(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size && (ti->seals & F_SEAL_GROW))
			err = -EPERM;
		if (!err)
			err = allocate(inode, offset, end);
		if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size) {
			memobj_truncate(inode->mapping, (uint64_t)end);
			inode->size = end;
		}
	}
	if (!err)
		inode_touch(inode);
	rwsem_unlock_write(&inode->lock);
	return err;
}

/* There is no medium. */
static int tmpfs_fsync(struct file *f, int64_t start, int64_t end, bool data_only)
{
	return 0;
}

const struct file_ops tmpfs_file_ops = {
	.read = generic_file_read,
	.write = tmpfs_write,
	.seek = tmpfs_seek,
	.mmap = tmpfs_mmap,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};

const struct file_ops tmpfs_dir_ops = {
	.iterate = dentry_iterate,
	.release = dentry_iterate_release,
	.fsync = tmpfs_fsync,
};

/* "64M", "50%": pages. */
static bool parse_size(const char *s, int64_t *pages)
{
	struct page_stats stats;
	uint64_t n = 0;

	if (!char_is_digit(*s))
		return false;
	for (; char_is_digit(*s); s++)
		n = add_saturate(mul_saturate(n, 10), (uint64_t)(*s - '0'));
	switch (char_to_lower(*s)) {
	case '%':
		page_stats(&stats);
		*pages = (int64_t)(stats.total * min(n, (uint64_t)1000) / 100);
		return !s[1];
	case 't':
		n = mul_saturate(n, 1024);
		fallthrough;
	case 'g':
		n = mul_saturate(n, 1024);
		fallthrough;
	case 'm':
		n = mul_saturate(n, 1024);
		fallthrough;
	case 'k':
		n = mul_saturate(n, 1024);
		s++;
		break;
	}
	*pages = n ? (int64_t)DIV_ROUND_UP(min(n, (uint64_t)INT64_MAX), PAGE_SIZE) : INT64_MAX;
	return !*s;
}

static bool parse_number(const char *s, unsigned int base, int64_t *value)
{
	int64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || (unsigned int)(*s - '0') >= base || n > INT64_MAX / 16)
			return false;
		n = n * base + (*s - '0');
	}
	*value = n;
	return true;
}

static int parse_one(struct tmpfs_options *o, const char *key, char *value)
{
	int64_t n = 0;

	if (str_eq(key, "size"))
		return parse_size(value, &o->max_pages) ? 0 : -EINVAL;
	if (str_eq(key, "mode") && parse_number(value, 8, &n) && n <= 07777)
		return o->mode = (uint32_t)n, 0;
	if (str_eq(key, "uid") && parse_number(value, 10, &n) && n < UINT32_MAX)
		return o->uid = (uint32_t)n, 0;
	if (str_eq(key, "gid") && parse_number(value, 10, &n) && n < UINT32_MAX)
		return o->gid = (uint32_t)n, 0;
	if (str_eq(key, "nr_inodes") && parse_number(value, 10, &n))
		return o->max_inodes = n ? n : INT64_MAX, 0;
	if (str_eq(key, "nr_blocks") && parse_number(value, 10, &n))
		return o->max_pages = n ? n : INT64_MAX, 0;
	return -EINVAL;
}

void tmpfs_default_options(struct tmpfs_options *o)
{
	struct page_stats stats;

	page_stats(&stats);
	*o = (struct tmpfs_options){
		.max_pages = (int64_t)(stats.total / 2),
		.max_inodes = (int64_t)max(stats.total, 16384ULL),
		.mode = 01777,
	};
}

int tmpfs_parse(struct tmpfs_options *o, char *data)
{
	while (data && *data) {
		char *next = strchr(data, ','), *value;
		int err;

		if (next)
			*next++ = '\0';
		value = strchr(data, '=');
		if (value)
			*value++ = '\0';
		err = *data ? parse_one(o, data, value ? value : data + strlen(data)) : 0;
		if (err)
			return err;
		data = next;
	}
	return 0;
}

int tmpfs_remount(struct super_block *sb, uint32_t flags, char *data)
{
	struct tmpfs_super *ts = sb->priv;
	struct tmpfs_options o = { .max_pages = ts->max_pages, .max_inodes = ts->max_inodes };
	int err = tmpfs_parse(&o, data);

	if (err)
		return err;
	if (o.max_pages < ts->used_pages || o.max_inodes < ts->used_inodes)
		return -EINVAL;
	ts->max_pages = o.max_pages;
	ts->max_inodes = o.max_inodes;
	return 0;
}
