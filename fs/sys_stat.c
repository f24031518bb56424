/* SPDX-License-Identifier: MIT */
/*
 * stat and its relatives, access, statfs.
 */
#include <fs/namei.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mount.h>
#include <uapi/statfs.h>

#include "internal.h"

static long put_stat(const struct kstat *k, uaddr_t user)
{
	struct stat s;

	memset(&s, 0, sizeof(s));
	s.st_dev = dev_to_user(k->dev);
	s.st_ino = k->ino;
	s.st_nlink = k->nlink;
	s.st_mode = k->mode;
	s.st_uid = k->uid;
	s.st_gid = k->gid;
	s.st_rdev = dev_to_user(k->rdev);
	s.st_size = (int64_t)k->size;
	s.st_blksize = (__typeof__(s.st_blksize))k->blksize;
	s.st_blocks = (int64_t)k->blocks;
	/* One division each: times are nanoseconds inside. */
	s.st_atime = (uint64_t)k->atime_ns / 1000000000;
	s.st_atime_nsec = (uint64_t)k->atime_ns - s.st_atime * 1000000000;
	s.st_mtime = (uint64_t)k->mtime_ns / 1000000000;
	s.st_mtime_nsec = (uint64_t)k->mtime_ns - s.st_mtime * 1000000000;
	s.st_ctime = (uint64_t)k->ctime_ns / 1000000000;
	s.st_ctime_nsec = (uint64_t)k->ctime_ns - s.st_ctime * 1000000000;
	return copy_to_user(user, &s, sizeof(s));
}

static int getattr_name(int dfd, uaddr_t path, unsigned int flags, struct kstat *k)
{
	struct pathname n;
	int err = pathname_get(&n, path, flags);

	if (unlikely(err))
		return err;
	err = path_getattr(dfd, n.text, flags, k);
	pathname_put(&n);
	return err;
}

static int getattr_fd(int fd, struct kstat *k)
{
	struct fd_ref r = fd_get_raw(fd);

	if (!r.file)
		return -EBADF;
	inode_getattr(r.file->inode, k);
	k->mount_id = r.file->path.mount ? (uint64_t)r.file->path.mount->id : 0;
	fd_put(r);
	return 0;
}

long sys_stat(uaddr_t path, uaddr_t st)
{
	struct kstat k;
	int err = getattr_name(AT_FDCWD, path, LOOKUP_FOLLOW, &k);

	return err ? err : put_stat(&k, st);
}

long sys_lstat(uaddr_t path, uaddr_t st)
{
	struct kstat k;
	int err = getattr_name(AT_FDCWD, path, 0, &k);

	return err ? err : put_stat(&k, st);
}

long sys_fstat(int fd, uaddr_t st)
{
	struct kstat k;
	int err = getattr_fd(fd, &k);

	return err ? err : put_stat(&k, st);
}

static int getattr_at(int dfd, uaddr_t path, unsigned int flags, struct kstat *k)
{
	unsigned int lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	uint8_t first;

	if (flags & AT_EMPTY_PATH) {
		/* fstat in disguise, as glibc calls it. */
		if (dfd >= 0 && (!path.v || (!get_user(&first, path) && !first)))
			return getattr_fd(dfd, k);
		lookup |= LOOKUP_EMPTY;
	}
	return getattr_name(dfd, path, lookup, k);
}

long sys_newfstatat(int dfd, uaddr_t path, uaddr_t st, unsigned int flags)
{
	struct kstat k;
	int err;

	if (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	err = getattr_at(dfd, path, flags, &k);
	return err ? err : put_stat(&k, st);
}

static struct statx_timestamp to_statx_time(int64_t ns)
{
	return (struct statx_timestamp){ .tv_sec = ns / 1000000000,
					 .tv_nsec = (uint32_t)(ns % 1000000000) };
}

long sys_statx(int dfd, uaddr_t path, unsigned int flags, unsigned int mask, uaddr_t stx)
{
	struct statx x;
	struct kstat k;
	int err;

	if ((mask & STATX__RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
				     AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	err = getattr_at(dfd, path, flags, &k);
	if (err)
		return err;
	memset(&x, 0, sizeof(x));
	x.stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
	x.stx_blksize = k.blksize;
	x.stx_attributes = k.attributes;
	x.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
	x.stx_nlink = k.nlink;
	x.stx_uid = k.uid;
	x.stx_gid = k.gid;
	x.stx_mode = (uint16_t)k.mode;
	x.stx_ino = k.ino;
	x.stx_size = k.size;
	x.stx_blocks = k.blocks;
	x.stx_atime = to_statx_time(k.atime_ns);
	x.stx_btime = to_statx_time(k.btime_ns);
	x.stx_ctime = to_statx_time(k.ctime_ns);
	x.stx_mtime = to_statx_time(k.mtime_ns);
	x.stx_rdev_major = DEV_MAJOR(k.rdev);
	x.stx_rdev_minor = DEV_MINOR(k.rdev);
	x.stx_dev_major = DEV_MAJOR(k.dev);
	x.stx_dev_minor = DEV_MINOR(k.dev);
	x.stx_mnt_id = k.mount_id;
	return copy_to_user(stx, &x, sizeof(x));
}

/*
 * access(2) asks for the real ids: use them for the length of the lookup.  In a cred of their own:
 * /proc may look at it and take a reference.
 */
static int access_as_real(int dfd, uaddr_t path, unsigned int mode, unsigned int lookup)
{
	struct thread *t = current_thread();
	const struct cred *saved = t->cred;
	struct cred *real = NULL;
	struct path p;
	int err;

	if (lookup & LOOKUP_NO_XDEV) {
		lookup &= ~(unsigned int)LOOKUP_NO_XDEV;	/* marks AT_EACCESS */
	} else if (saved->uid != saved->fsuid || saved->gid != saved->fsgid) {
		real = cred_copy();
		if (!real)
			return -ENOMEM;
		real->fsuid = saved->uid;
		real->fsgid = saved->gid;
		rcu_assign(t->cred, real);
	}
	err = path_lookup_user(dfd, path, lookup, &p);
	if (!err) {
		struct inode *inode = p.dentry->inode;

		err = mode ? inode_permission(inode, mode) : 0;
		if (!err && (mode & MAY_EXEC) && S_ISREG(inode->mode) &&
		    (p.mount->flags & MOUNT_NOEXEC))
			err = -EACCES;
		if (!err && (mode & MAY_WRITE) && !S_ISCHR(inode->mode) && !S_ISBLK(inode->mode) &&
		    !S_ISFIFO(inode->mode) && !S_ISSOCK(inode->mode))
			err = mount_want_write(p.mount);
		path_put(&p);
	}
	if (real) {
		rcu_assign(t->cred, saved);
		cred_put(real);
	}
	return err;
}

long sys_faccessat2(int dfd, uaddr_t path, unsigned int mode, unsigned int flags)
{
	unsigned int lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	if ((mode & ~7u) || (flags & ~(unsigned int)(AT_EACCESS | AT_SYMLINK_NOFOLLOW |
						     AT_EMPTY_PATH)))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	if (flags & AT_EACCESS)
		lookup |= LOOKUP_NO_XDEV;
	return access_as_real(dfd, path, mode, lookup);
}

long sys_faccessat(int dfd, uaddr_t path, unsigned int mode)
{
	return sys_faccessat2(dfd, path, mode, 0);
}

long sys_access(uaddr_t path, unsigned int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

static long put_statfs(struct super_block *sb, const struct mount *m, uaddr_t buf)
{
	struct statfs s;

	memset(&s, 0, sizeof(s));
	s.f_type = sb->magic;
	s.f_bsize = s.f_frsize = sb->block_size;
	s.f_namelen = NAME_LEN_MAX;
	s.f_fsid.val[0] = (int32_t)dev_to_user(sb->dev);
	s.f_flags = ST_VALID;
	if (sb->ops->statfs)
		sb->ops->statfs(sb, &s);
	if (m) {
		s.f_flags |= (mount_is_rdonly(m) ? ST_RDONLY : 0) |
			     (m->flags & MOUNT_NOSUID ? ST_NOSUID : 0) |
			     (m->flags & MOUNT_NODEV ? ST_NODEV : 0) |
			     (m->flags & MOUNT_NOEXEC ? ST_NOEXEC : 0) |
			     (m->flags & MOUNT_NOATIME ? ST_NOATIME : 0) |
			     (m->flags & MOUNT_NODIRATIME ? ST_NODIRATIME : 0) |
			     (m->flags & MOUNT_RELATIME ? ST_RELATIME : 0);
	}
	return copy_to_user(buf, &s, sizeof(s));
}

long sys_statfs(uaddr_t path, uaddr_t buf)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	err = put_statfs(p.dentry->sb, p.mount, buf);
	path_put(&p);
	return err;
}

long sys_fstatfs(int fd, uaddr_t buf)
{
	struct fd_ref r = fd_get_raw(fd);
	long err;

	if (!r.file)
		return -EBADF;
	err = put_statfs(r.file->inode->sb, r.file->path.mount, buf);
	fd_put(r);
	return err;
}
