/* SPDX-License-Identifier: MIT */
/*
 * What happens to files, told to whoever watches them: the one place where the file system
 * reports.  fs/notify.c has the lists of watches, fs/inotify.c the descriptors that read events.
 *
 * All are cheap while nobody watches anything.  Process context; inode locks may be held.  @mask:
 * one of IN_* below IN_UNMOUNT; IN_ISDIR is added here.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <fs/vfs.h>
#include <uapi/inotify.h>

extern uint32_t notify_watches;		/* [A] in the whole system */

static inline bool notify_is_on(void)
{
	return unlikely(__atomic_load_n(&notify_watches, __ATOMIC_RELAXED) != 0);
}

/* An entry of a directory came, went or moved; @cookie joins both halves of a move. */
struct notify_entry {
	struct inode *dir;
	const struct name *name;
	uint32_t mask, cookie;
	bool is_dir;
};

void notify_file_slow(struct file *f, uint32_t mask);
void notify_dentry_slow(struct dentry *d, uint32_t mask);
void notify_inode_slow(struct inode *inode, uint32_t mask);
void notify_entry_slow(const struct notify_entry *e);
void notify_gone_slow(struct inode *inode);
void notify_unmount_slow(struct super_block *sb);

/* @f was opened, read, written or closed: its parent's watches hear of it, then its own. */
static inline void notify_file(struct file *f, uint32_t mask)
{
	if (notify_is_on())
		notify_file_slow(f, mask);
}

/* The same for a file that is known by name: attributes, truncation. */
static inline void notify_dentry(struct dentry *d, uint32_t mask)
{
	if (notify_is_on())
		notify_dentry_slow(d, mask);
}

/* Its own watches alone: number of links, IN_MOVE_SELF. */
static inline void notify_inode(struct inode *inode, uint32_t mask)
{
	if (notify_is_on())
		notify_inode_slow(inode, mask);
}

static inline void notify_entry(const struct notify_entry *e)
{
	if (notify_is_on())
		notify_entry_slow(e);
}

/* The last name and the last user of the name are gone: watches end. */
static inline void notify_gone(struct inode *inode)
{
	if (notify_is_on())
		notify_gone_slow(inode);
}

/* The file system goes away, and all watches on it. */
static inline void notify_unmount(struct super_block *sb)
{
	if (notify_is_on())
		notify_unmount_slow(sb);
}

uint32_t notify_move_cookie(void);
void notify_unlist_marks(struct inode *inode);	/* its last reference is gone */

#endif
