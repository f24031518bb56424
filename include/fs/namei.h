/* SPDX-License-Identifier: MIT */
/*
 * From names to paths, and the operations on names that system calls are made of.
 */
#ifndef FS_NAMEI_H
#define FS_NAMEI_H

#include <fs/vfs.h>

enum lookup_flags {
	LOOKUP_FOLLOW		= 1 << 0,	/* a symbolic link as last component is followed */
	LOOKUP_DIRECTORY	= 1 << 1,	/* -ENOTDIR for anything else */
	LOOKUP_EMPTY		= 1 << 2,	/* AT_EMPTY_PATH: "" means the start itself */
	LOOKUP_NO_XDEV		= 1 << 3,	/* openat2's RESOLVE_* */
	LOOKUP_NO_MAGICLINKS	= 1 << 4,
	LOOKUP_NO_SYMLINKS	= 1 << 5,
	LOOKUP_BENEATH		= 1 << 6,
	LOOKUP_IN_ROOT		= 1 << 7,
	/* a trailing slash on a missing name is -EISDIR later */
	LOOKUP_CREATE		= 1 << 8,
	LOOKUP_PARENT		= 1 << 9,	/* internal */
};

/* A name copied from user space. */
struct pathname {
	const char *text;
	char *allocated;		/* NULL: in_place is used */
	uint32_t len;
	char in_place[208];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM, or -ENOENT for "" unless LOOKUP_EMPTY is in @flags. */
__must_check int pathname_get(struct pathname *n, uaddr_t user, unsigned int flags);
void pathname_kernel(struct pathname *n, const char *text);
static inline void pathname_put(struct pathname *n)
{
	extern void kfree(const void *p);

	if (unlikely(n->allocated != NULL))
		kfree(n->allocated);
}

/*
 * The object that @text names from directory descriptor @dirfd (AT_FDCWD): a counted path.  @text
 * is followed by 8 readable bytes.
 */
__must_check int path_lookup(int dirfd, const char *text, unsigned int flags, struct path *out);
/* The same for a name in user memory. */
__must_check int path_lookup_user(int dirfd, uaddr_t name, unsigned int flags, struct path *out);
/* From the kernel, relative to the caller's root. */
__must_check int path_lookup_kernel(const char *text, unsigned int flags, struct path *out);

/* Attributes by name; the usual case takes no reference at all. */
__must_check int path_getattr(int dirfd, const char *text, unsigned int flags, struct kstat *st);

enum last_kind { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
struct parent_lookup {
	struct path parent;		/* counted */
	struct name last;		/* within the text that was looked up */
	enum last_kind kind;
	bool trailing_slash;
	char *buffer;		/* owned: where the text moved to when links were followed */
};
__must_check int path_lookup_parent(int dirfd, const char *text, unsigned int flags,
				    struct parent_lookup *p);
void parent_lookup_put(struct parent_lookup *p);

struct open_args {
	int dirfd;
	const char *text;
	uint32_t flags;			/* O_* */
	uint32_t mode;
	unsigned int lookup;		/* LOOKUP_* of openat2 */
};
struct file *vfs_open(const struct open_args *args);	/* error pointer */

/* Operations on names, kernel text.  0 or -errno. */
int vfs_mknod(int dirfd, const char *text, uint32_t mode, dev_t rdev);
/* The same, and a counted path of what was made. */
int vfs_mknod_path(int dirfd, const char *text, uint32_t mode, struct path *out);
int vfs_mkdir(int dirfd, const char *text, uint32_t mode);
int vfs_symlink(const char *target, int dirfd, const char *text);
int vfs_unlink(int dirfd, const char *text);
int vfs_rmdir(int dirfd, const char *text);
struct link_args { int old_dirfd, new_dirfd; const char *old_text, *new_text; unsigned int flags; };
int vfs_link(const struct link_args *args);
int vfs_rename(const struct link_args *args);
/* Make an entry in a directory that the caller holds a path of; for devtmpfs and the initramfs. */
int vfs_create_in(const struct path *parent, const struct name *n, uint32_t mode, dev_t rdev);
/* The text of a link: its length or -errno. */
int inode_readlink(struct inode *inode, char *buf, size_t size);
int vfs_truncate(struct inode *inode, int64_t size, uint32_t attr);

#endif
