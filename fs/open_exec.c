/* SPDX-License-Identifier: MIT */
/*
 * What kernel/proc asks of the file systems (<kernel/file.h>): opening a program for exec, and what
 * open files and working directories hold.
 */
#include <fs/namei.h>
#include <fs/notify.h>
#include <lib/err.h>
#include <uapi/fcntl.h>
#include <uapi/stat.h>

#include "internal.h"

void file_path_ref(const struct path *p)
{
	path_ref(p);
}

void file_path_put(const struct path *p)
{
	path_put(p);
}

void file_leave_inode(struct file *f)
{
	if (f->mode & FMODE_OPENED)
		notify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (f->mode & FMODE_WRITER) {
		__atomic_fetch_sub(&f->inode->writers, 1, __ATOMIC_SEQ_CST);
		mount_put_writer(f->path.mount);
	}
	if (likely(f->path.dentry)) {
		dentry_put(f->path.dentry);
		mount_put(f->path.mount);
	} else {
		inode_put(f->inode);
	}
}

void file_unlock_posix(struct file *f, const void *owner)
{
	if (unlikely(f->inode->locks) && !(f->mode & FMODE_PATH))
		locks_remove_posix(f->inode, owner);
}

void file_unlock_all(struct file *f)
{
	locks_remove_file(f);
}

uint64_t file_size(const struct file *f)
{
	return (uint64_t)__atomic_load_n(&f->inode->size, __ATOMIC_RELAXED);
}

/* As on Linux: set-group-id without group execution is for record locks, and means nothing here. */
void file_set_ids(const struct file *f, struct file_ids *ids)
{
	const struct inode *inode = f->inode;

	if (!f->path.mount || (f->path.mount->flags & MOUNT_NOSUID))
		return;
	if (inode->mode & S_ISUID)
		ids->uid = inode->uid;
	if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		ids->gid = inode->gid;
}

static int check_program(const struct path *p)
{
	struct inode *inode = p->dentry->inode;

	if (!S_ISREG(inode->mode) || (p->mount->flags & MOUNT_NOEXEC))
		return -EACCES;
	return inode_permission(inode, MAY_EXEC);
}

struct file *file_open_exec(int dirfd, const char *name, unsigned int flags)
{
	unsigned int lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0u : LOOKUP_FOLLOW) |
			      (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0u);
	struct file *f;
	struct path p;
	int err = path_lookup(dirfd, name, lookup, &p);

	if (err)
		return ERR_PTR(err);
	err = check_program(&p);
	if (!err && S_ISLNK(p.dentry->inode->mode))
		err = -ELOOP;
	f = err ? ERR_PTR(err) : file_open_path(&p, O_RDONLY);
	path_put(&p);
	if (!IS_ERR(f))
		notify_file(f, IN_OPEN);
	return f;
}

bool file_may_map_exec(const struct file *f)
{
	return !f->path.mount || !(f->path.mount->flags & MOUNT_NOEXEC);
}
