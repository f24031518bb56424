/* SPDX-License-Identifier: MIT */
/*
 * Orphans: inodes that a crash must not leave as they are, because they have no name but are open,
 * or because a truncation goes on.  They are a list on the medium: the superblock names the first,
 * each one's i_dtime the next.  At the next mount what has no name is deleted, the rest truncated
 * to its size.  The newest comes first, so only the superblock and one inode change.
 *
 * Linux may also have left some in the orphan file (feature orphan_file): they are read from there.
 */
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/string.h>

#include "ext4.h"
#include "glue.h"

/* Write @next into the inode's i_dtime. */
static int set_next(struct journal_handle *h, struct inode *inode, uint32_t next)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t offset;
	struct buf *b = ext4_inode_place(fs, inode->ino, &offset);
	int err;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access(h, b);
	if (!err) {
		struct disk_inode *d = (struct disk_inode *)((uint8_t *)b->data + offset);

		buf_lock(b);
		d->dtime = cpu_to_le32(next);
		ext4_csum_inode_set(fs, inode->ino, d);
		buf_unlock(b);
		journal_dirty(h, b);
	}
	buf_put(b);
	return err;
}

/* What follows: behind the list in memory comes the rest of it, while a mount works it off. */
static uint32_t ino_at(struct ext4_fs *fs, struct list *node)
{
	if (node == &fs->orphans)
		return fs->orphan_rest;
	return (uint32_t)list_entry(node, struct ext4_inode, orphan_node)->inode.ino;
}

static int set_first(struct journal_handle *h, struct ext4_fs *fs, uint32_t ino)
{
	int err = ext4_super_access(fs, h);

	if (!err) {
		fs->super->last_orphan = cpu_to_le32(ino);
		ext4_super_dirty(fs, h);
	}
	return err;
}

int ext4_orphan_add(struct journal_handle *h, struct inode *inode)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	int err = 0;

	mutex_lock(&fs->orphan_lock);
	if (list_empty(&ei->orphan_node)) {
		err = set_first(h, fs, (uint32_t)inode->ino);
		if (!err)
			err = set_next(h, inode, ino_at(fs, fs->orphans.next));
		if (!err)
			list_add(&ei->orphan_node, &fs->orphans);
	}
	mutex_unlock(&fs->orphan_lock);
	return err;
}

int ext4_orphan_del(struct journal_handle *h, struct inode *inode)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct list *prev;
	uint32_t next;
	int err = 0;

	mutex_lock(&fs->orphan_lock);
	if (!list_empty(&ei->orphan_node)) {
		prev = ei->orphan_node.prev;
		next = ino_at(fs, ei->orphan_node.next);
		if (prev == &fs->orphans)
			err = set_first(h, fs, next);
		else
			err = set_next(h, &list_entry(prev, struct ext4_inode, orphan_node)->inode,
				       next);
		if (!err) {
			list_del_init(&ei->orphan_node);
			err = set_next(h, inode, 0);
		}
	}
	mutex_unlock(&fs->orphan_lock);
	return err;
}

/* The inode as the crash left it is put right.  It is on the list in memory, too. */
static int clean_one(struct ext4_fs *fs, struct inode *inode)
{
	struct journal_handle h;
	int err, stop;

	if (!inode->nlink)
		return 0;			/* inode_put() deletes it */
	if (S_ISREG(inode->mode)) {
		rwsem_lock_write(&inode->lock);
		err = iomap_truncate_begin(inode, (uint64_t)inode->size);
		if (!err) {
			err = ext4_truncate_blocks(inode);
			iomap_blocks_end(inode);
		}
		rwsem_unlock_write(&inode->lock);
		if (err)
			return err;
	}
	err = ext4_start(fs, &h, 8);
	if (err)
		return err;
	err = ext4_orphan_del(&h, inode);
	stop = journal_stop(&h);
	return err ? err : stop;
}

static uint32_t next_of(struct ext4_fs *fs, uint64_t ino)
{
	uint32_t offset, next = 0;
	struct buf *b = ext4_inode_place(fs, ino, &offset);

	if (!IS_ERR(b)) {
		next = le32_to_cpu(((struct disk_inode *)((uint8_t *)b->data + offset))->dtime);
		buf_put(b);
	}
	return next;
}

static bool may_be_orphan(const struct ext4_fs *fs, uint32_t ino)
{
	return ino >= fs->first_ino && ino <= fs->nr_inodes;
}

/* The head of what is on the medium alone joins the list in memory.  NULL: it cannot be. */
static struct inode *get_orphan(struct ext4_fs *fs)
{
	uint32_t ino = fs->orphan_rest;
	struct inode *inode = may_be_orphan(fs, ino) ? ext4_iget(fs, ino) : NULL;

	if (IS_ERR_OR_NULL(inode))
		return NULL;
	mutex_lock(&fs->orphan_lock);
	fs->orphan_rest = next_of(fs, ino);
	list_add_tail(&EXT4_I(inode)->orphan_node, &fs->orphans);
	mutex_unlock(&fs->orphan_lock);
	return inode;
}

static void drop_list(struct ext4_fs *fs)
{
	struct journal_handle h;

	(void)!ext4_damaged(fs, "the list of orphans leads astray");
	fs->orphan_rest = 0;
	if (ext4_start(fs, &h, 4))
		return;
	(void)!set_first(&h, fs, 0);
	(void)!journal_stop(&h);
}

/* One after the other from the head. */
static uint32_t clean_list(struct ext4_fs *fs)
{
	uint32_t done = 0;
	struct inode *inode;
	int err = 0;

	fs->orphan_rest = le32_to_cpu(fs->super->last_orphan);
	while (!err && fs->orphan_rest) {
		inode = done < fs->nr_inodes ? get_orphan(fs) : NULL;
		if (!inode) {
			drop_list(fs);
			break;
		}
		err = clean_one(fs, inode);
		inode_put(inode);
		if (fs->had_error)
			break;
		done++;
	}
	return done;
}

/* The orphan file: blocks full of inode numbers. */
static uint32_t clean_file_block(struct ext4_fs *fs, struct inode *file, uint32_t lblock)
{
	uint32_t done = 0, n = (fs->block_size - sizeof(struct disk_orphan_tail)) / 4;
	uint64_t block;
	struct buf *b;

	if (ext4_map_block(file, lblock, &block) || !block)
		return 0;
	b = buf_read(fs->cache, block);
	if (IS_ERR(b))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t ino = get_le32((uint8_t *)b->data + 4 * i);
		struct inode *inode = may_be_orphan(fs, ino) ? ext4_iget(fs, ino) : NULL;

		if (IS_ERR_OR_NULL(inode))
			continue;
		(void)!clean_one(fs, inode);
		inode_put(inode);
		done++;
	}
	buf_put(b);
	return done;
}

static int zero_file_block(struct ext4_fs *fs, struct inode *file, uint32_t lblock)
{
	uint32_t n = fs->block_size - sizeof(struct disk_orphan_tail);
	struct journal_handle h;
	struct disk_orphan_tail *tail;
	uint64_t block;
	struct buf *b;
	int err = ext4_map_block(file, lblock, &block);

	if (err || !block)
		return err;
	b = buf_read(fs->cache, block);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = ext4_start(fs, &h, 2);
	if (!err)
		err = journal_access(&h, b);
	if (!err) {
		le64_t at = cpu_to_le64(block);
		uint32_t crc = ext4_csum_inode_seed(fs, file->ino, EXT4_I(file)->generation);

		memset(b->data, 0, n);
		tail = (struct disk_orphan_tail *)((uint8_t *)b->data + n);
		if (ext4_has_csum(fs))
			tail->checksum = cpu_to_le32(ext4_csum_orphans(crc, &at, b->data, n));
		journal_dirty(&h, b);
		err = journal_stop(&h);
	}
	buf_put(b);
	return err;
}

static uint32_t clean_file(struct ext4_fs *fs)
{
	struct inode *file = ext4_iget(fs, le32_to_cpu(fs->super->orphan_file_ino));
	struct journal_handle h;
	uint32_t done = 0, n;

	if (IS_ERR(file))
		return 0;
	n = (uint32_t)(file->size >> fs->block_shift);
	for (uint32_t i = 0; i < n && i < 512; i++)
		done += clean_file_block(fs, file, i);
	for (uint32_t i = 0; i < n && i < 512; i++) {
		if (zero_file_block(fs, file, i))
			goto put;
	}
	if (!ext4_start(fs, &h, 4)) {
		if (!ext4_super_access(fs, &h)) {
			fs->ro_compat &= ~(uint32_t)RO_COMPAT_ORPHAN_PRESENT;
			fs->super->ro_compat = cpu_to_le32(fs->ro_compat);
			ext4_super_dirty(fs, &h);
		}
		(void)!journal_stop(&h);
	}
put:
	inode_put(file);
	return done;
}

void ext4_orphans_clean(struct ext4_fs *fs)
{
	uint32_t done = clean_list(fs);

	if ((fs->compat & COMPAT_ORPHAN_FILE) && (fs->ro_compat & RO_COMPAT_ORPHAN_PRESENT))
		done += clean_file(fs);
	if (done)
		log_info("ext4: %s: %u orphans cleaned up", fs->dev->name, done);
}
