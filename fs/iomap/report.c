/* SPDX-License-Identifier: MIT */
/*
 * Where a file has data: SEEK_DATA, SEEK_HOLE and FIEMAP.
 */
#include <kernel/process.h>
#include <uapi/fcntl.h>
#include <uapi/fiemap.h>

#include "internal.h"

/* The first byte of [pos, end) whose page has newer content than the medium (@want) or not. */
static uint64_t cached_edge(struct memobj *o, uint64_t pos, uint64_t end, bool want)
{
	while (pos < end) {
		struct page *p = memobj_find_page(o, pos >> PAGE_SHIFT);
		bool dirty = p && page_has(p, PAGE_DIRTY | PAGE_WRITEBACK);

		if (p)
			page_put(p);
		if (dirty == want)
			return pos;
		pos = align_down(pos, PAGE_SIZE) + PAGE_SIZE;
	}
	return end;
}

/* The first byte at or after @pos that is data (@want) or a hole; the size if there is none. */
static int64_t find_edge(struct inode *inode, uint64_t pos, bool want)
{
	uint64_t size = (uint64_t)inode->size;
	struct iomap m;

	while (pos < size) {
		int err = iomap_ask(inode, pos, size - pos, IOMAP_REPORT, &m);
		uint64_t end, at;

		if (err)
			return err;
		end = pos + iomap_span(&m, pos, size - pos);
		if (m.type == IOMAP_UNWRITTEN) {
			at = cached_edge(inode->mapping, pos, end, want);
			if (at < end)
				return (int64_t)at;
		} else if ((m.type != IOMAP_HOLE) == want) {
			return (int64_t)pos;
		}
		pos = end;
	}
	return (int64_t)size;
}

int64_t iomap_seek(struct file *f, int64_t offset, int whence)
{
	struct inode *inode = f->inode;
	int64_t at = -ENXIO;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_seek(f, offset, whence);
	rwsem_lock_read(&inode->lock);
	if (offset >= 0 && offset < inode->size) {
		at = find_edge(inode, (uint64_t)offset, whence == SEEK_DATA);
		if (at == inode->size && whence == SEEK_DATA)
			at = -ENXIO;
	}
	rwsem_unlock_read(&inode->lock);
	if (at >= 0)
		f->position = at;
	return at;
}

static uint32_t extent_flags(const struct iomap *m)
{
	uint32_t flags = m->flags & IOMAP_SHARED ? FIEMAP_EXTENT_SHARED : 0;

	switch (m->type) {
	case IOMAP_DELALLOC:
		return flags | FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC;
	case IOMAP_UNWRITTEN:
		return flags | FIEMAP_EXTENT_UNWRITTEN;
	case IOMAP_INLINE:
		return flags | FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_NOT_ALIGNED;
	case IOMAP_HOLE:
	case IOMAP_MAPPED:
		break;
	}
	return flags;
}

struct extents {
	uaddr_t to;			/* the array in user memory */
	uint32_t room, found;
	struct fiemap_extent last;	/* held back until it is known whether it is the last */
	bool has_last;
};

static int put_last(struct extents *e)
{
	if (!e->has_last)
		return 0;
	e->has_last = false;
	if (e->room && copy_to_user(uaddr_add(e->to, e->found * sizeof(e->last)), &e->last,
				    sizeof(e->last)))
		return -EFAULT;
	e->found++;
	return 0;
}

static int collect(struct inode *inode, struct extents *e, uint64_t pos, uint64_t end)
{
	uint64_t size = align_up((uint64_t)inode->size, (uint64_t)inode->sb->block_size);
	struct iomap m;
	int err = 0;

	end = min(end, size);
	while (pos < end && !err) {
		if (e->room && e->found == e->room)
			return 0;
		err = iomap_ask(inode, pos, end - pos, IOMAP_REPORT, &m);
		if (err)
			return err;
		if (m.type != IOMAP_HOLE) {
			err = put_last(e);
			e->has_last = true;
			e->last = (struct fiemap_extent){
				.fe_logical = m.offset, .fe_length = min(m.length, size - m.offset),
				.fe_physical = m.type == IOMAP_DELALLOC ? 0 : m.address,
				.fe_flags = extent_flags(&m),
			};
			if (m.flags & IOMAP_LAST)
				break;
		}
		pos = m.offset + m.length;
	}
	if (!err && e->has_last && (pos >= size || m.flags & IOMAP_LAST))
		e->last.fe_flags |= FIEMAP_EXTENT_LAST;
	if (!err && (!e->room || e->found < e->room))
		err = put_last(e);
	return err;
}

long iomap_fiemap(struct file *f, uint64_t arg)
{
	struct inode *inode = f->inode;
	struct extents e = { .to = UADDR(arg + sizeof(struct fiemap)) };
	struct fiemap head;
	int err;

	if (copy_from_user(&head, UADDR(arg), sizeof(head)))
		return -EFAULT;
	if (head.fm_extent_count > INT32_MAX / sizeof(struct fiemap_extent))
		return -EINVAL;
	if (head.fm_flags & ~(uint32_t)FIEMAP_FLAG_SYNC) {
		head.fm_flags &= ~(uint32_t)FIEMAP_FLAG_SYNC;
		return copy_to_user(UADDR(arg), &head, sizeof(head)) ? -EFAULT : -EBADR;
	}
	if (!head.fm_length)
		return -EINVAL;
	if (head.fm_start > (uint64_t)inode->sb->max_file_size)
		return -EFBIG;
	err = head.fm_flags & FIEMAP_FLAG_SYNC ? iomap_writeback_wait(inode, 0, INT64_MAX) : 0;
	if (err)
		return err;
	e.room = head.fm_extent_count;
	/*
	 * No lock is held over the copies to user memory: the answer is true for some moment each.
	 */
	err = collect(inode, &e, head.fm_start, add_saturate(head.fm_start, head.fm_length));
	head.fm_mapped_extents = e.found;
	if (!err && copy_to_user(UADDR(arg), &head, sizeof(head)))
		err = -EFAULT;
	return err;
}
