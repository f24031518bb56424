/* SPDX-License-Identifier: MIT */
/*
 * Calls that change attributes: mode, owner, times, size, extended attributes.
 */
#include <fs/namei.h>
#include <fs/notify.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/xattr.h>

#include "internal.h"

static long change_inode(const struct mount *m, struct inode *inode, struct attr_change *a)
{
	long err = m ? mount_want_write((struct mount *)(uintptr_t)m) : 0;

	if (err)
		return err;
	rwsem_lock_write(&inode->lock);
	if ((a->valid & (ATTR_MODE | ATTR_UID)) == ATTR_MODE)
		a->mode = (inode->mode & S_IFMT) | (a->mode & S_IALLUGO);
	err = inode_setattr(inode, a);
	rwsem_unlock_write(&inode->lock);
	return err;
}

static uint32_t event_of(uint32_t valid)
{
	uint32_t times = valid & (ATTR_ATIME | ATTR_MTIME);

	if ((valid & (ATTR_UID | ATTR_GID | ATTR_MODE)) || times == (ATTR_ATIME | ATTR_MTIME))
		return IN_ATTRIB;
	return times == ATTR_ATIME ? IN_ACCESS : times ? IN_MODIFY : 0;
}

static long change_path(const struct path *p, struct attr_change *a)
{
	uint32_t event = event_of(a->valid);
	long err = change_inode(p->mount, p->dentry->inode, a);

	if (!err && event)
		notify_dentry(p->dentry, event);
	return err;
}

static long change_name(int dfd, uaddr_t path, unsigned int lookup, struct attr_change *a)
{
	struct path p;
	long err = path_lookup_user(dfd, path, lookup, &p);

	if (err)
		return err;
	if ((a->valid & ATTR_MODE) && S_ISLNK(p.dentry->inode->mode))
		err = -EOPNOTSUPP;
	else
		err = change_path(&p, a);
	path_put(&p);
	return err;
}

static long change_fd(int fd, struct attr_change *a)
{
	struct fd_ref r = fd_get(fd);
	long err;

	if (!r.file)
		return -EBADF;
	err = r.file->path.dentry ? change_path(&r.file->path, a) :
				    change_inode(NULL, r.file->inode, a);
	fd_put(r);
	return err;
}

long sys_fchmodat(int dfd, uaddr_t path, unsigned int mode)
{
	struct attr_change a = { .valid = ATTR_MODE, .mode = mode };

	return change_name(dfd, path, LOOKUP_FOLLOW, &a);
}

long sys_chmod(uaddr_t path, unsigned int mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(int fd, unsigned int mode)
{
	struct attr_change a = { .valid = ATTR_MODE, .mode = mode };

	return change_fd(fd, &a);
}

static struct attr_change owner_change(unsigned int uid, unsigned int gid)
{
	return (struct attr_change){
		.valid = (uid != -1U ? ATTR_UID : 0U) | (gid != -1U ? ATTR_GID : 0U) | ATTR_CTIME,
		.uid = uid, .gid = gid,
	};
}

long sys_fchownat(int dfd, uaddr_t path, unsigned int uid, unsigned int gid, unsigned int flags)
{
	struct attr_change a = owner_change(uid, gid);

	if (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return change_name(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? (unsigned int)LOOKUP_EMPTY : 0), &a);
}

long sys_chown(uaddr_t path, unsigned int uid, unsigned int gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(uaddr_t path, unsigned int uid, unsigned int gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, unsigned int uid, unsigned int gid)
{
	struct attr_change a = owner_change(uid, gid);

	return change_fd(fd, &a);
}

/* ts[0] is atime, ts[1] mtime. False: both are UTIME_OMIT. */
static bool times_change(const struct timespec *ts, struct attr_change *a)
{
	int64_t now = inode_now_ns();

	a->valid = ATTR_ATIME | ATTR_MTIME;
	a->atime_ns = a->mtime_ns = now;
	if (!ts) {
		a->valid |= ATTR_TIMES_NOW;
		return true;
	}
	if (ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW)
		a->valid |= ATTR_TIMES_NOW;
	if (ts[0].tv_nsec == UTIME_OMIT)
		a->valid &= ~(uint32_t)ATTR_ATIME;
	else if (ts[0].tv_nsec != UTIME_NOW)
		a->atime_ns = ts[0].tv_sec * NSEC_PER_SEC + ts[0].tv_nsec;
	if (ts[1].tv_nsec == UTIME_OMIT)
		a->valid &= ~(uint32_t)ATTR_MTIME;
	else if (ts[1].tv_nsec != UTIME_NOW)
		a->mtime_ns = ts[1].tv_sec * NSEC_PER_SEC + ts[1].tv_nsec;
	return a->valid & (ATTR_ATIME | ATTR_MTIME);
}

static bool nsec_is_valid(int64_t nsec)
{
	return (nsec >= 0 && nsec < NSEC_PER_SEC) || nsec == UTIME_NOW || nsec == UTIME_OMIT;
}

long sys_utimensat(int dfd, uaddr_t path, uaddr_t times, unsigned int flags)
{
	struct attr_change a = { 0 };
	struct timespec ts[2];

	if (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times.v) {
		if (copy_from_user(ts, times, sizeof(ts)))
			return -EFAULT;
		if (!nsec_is_valid(ts[0].tv_nsec) || !nsec_is_valid(ts[1].tv_nsec))
			return -EINVAL;
	}
	if (!times_change(times.v ? ts : NULL, &a))
		return 0;
	if (!path.v && dfd != AT_FDCWD)
		return flags ? -EINVAL : change_fd(dfd, &a);
	return change_name(dfd, path, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? (unsigned int)LOOKUP_EMPTY : 0), &a);
}

long sys_futimesat(int dfd, uaddr_t path, uaddr_t times)
{
	struct attr_change a = { 0 };
	struct timespec ts[2];
	struct timeval tv[2];

	if (times.v) {
		if (copy_from_user(tv, times, sizeof(tv)))
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return -EINVAL;
			ts[i] = (struct timespec){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
		}
	}
	(void)times_change(times.v ? ts : NULL, &a);
	if (!path.v && dfd != AT_FDCWD)
		return change_fd(dfd, &a);
	return change_name(dfd, path, LOOKUP_FOLLOW, &a);
}

long sys_utimes(uaddr_t path, uaddr_t times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

long sys_utime(uaddr_t path, uaddr_t times)
{
	struct attr_change a = { 0 };
	struct timespec ts[2] = { { 0, 0 }, { 0, 0 } };
	struct utimbuf u;

	if (times.v) {
		if (copy_from_user(&u, times, sizeof(u)))
			return -EFAULT;
		ts[0].tv_sec = u.actime;
		ts[1].tv_sec = u.modtime;
	}
	(void)times_change(times.v ? ts : NULL, &a);
	return change_name(AT_FDCWD, path, LOOKUP_FOLLOW, &a);
}

static long check_file_limit(int64_t length)
{
	uint64_t limit = process_rlimit(current_process(), RLIMIT_FSIZE);

	if (limit == RLIM_INFINITY || (uint64_t)length <= limit)
		return 0;
	signal_send_thread(current_thread(), SIGXFSZ, NULL);
	return -EFBIG;
}

long sys_truncate(uaddr_t path, int64_t length)
{
	struct inode *inode;
	struct path p;
	long err;

	if (length < 0)
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	inode = p.dentry->inode;
	if (S_ISDIR(inode->mode))
		err = -EISDIR;
	else if (!S_ISREG(inode->mode))
		err = -EINVAL;
	else
		err = mount_want_write(p.mount);
	if (!err)
		err = inode_permission(inode, MAY_WRITE);
	if (!err && (int32_t)inode->writers < 0)
		err = -ETXTBSY;
	if (!err && length > inode->size)
		err = check_file_limit(length);
	if (!err)
		err = vfs_truncate(inode, length, 0);
	if (!err)
		notify_dentry(p.dentry, IN_MODIFY);
	path_put(&p);
	return err;
}

long sys_ftruncate(int fd, int64_t length)
{
	struct fd_ref r;
	long err = 0;

	if (length < 0)
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	if (!S_ISREG(r.file->inode->mode) || !(r.file->mode & FMODE_WRITE))
		err = -EINVAL;
	if (!err && length > r.file->inode->size)
		err = check_file_limit(length);
	if (!err)
		err = vfs_truncate(r.file->inode, length, ATTR_FILE);
	if (!err)
		notify_file(r.file, IN_MODIFY);
	fd_put(r);
	return err;
}

long sys_fallocate(int fd, unsigned int mode, int64_t offset, int64_t len)
{
	struct fd_ref r;
	struct file *f;
	long err = 0;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~0x7fu)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	r = fd_get(fd);
	f = r.file;
	if (!f)
		return -EBADF;
	if (!(f->mode & FMODE_WRITE))
		err = -EBADF;
	else if (S_ISFIFO(f->inode->mode))
		err = -ESPIPE;
	else if (S_ISDIR(f->inode->mode))
		err = -EISDIR;
	else if (!S_ISREG(f->inode->mode) && !S_ISBLK(f->inode->mode))
		err = -ENODEV;
	else if (offset > f->inode->sb->max_file_size - len)
		err = -EFBIG;
	else if (!f->ops->fallocate)
		err = -EOPNOTSUPP;
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE))
		err = offset + len > f->inode->size ? check_file_limit(offset + len) : 0;
	if (!err)
		err = f->ops->fallocate(f, (int)mode, offset, len);
	if (!err)
		notify_file(f, IN_MODIFY);
	fd_put(r);
	return err;
}

/* Extended attributes. */

/*
 * May the caller use attribute @name of @inode this way?  The rules of user., trusted., security.
 */
static int xattr_permission(struct inode *inode, const char *name, unsigned int mask)
{
	if (str_has_prefix(name, XATTR_TRUSTED_PREFIX)) {
		if (!cred_overrides_files(current_cred()))
			return mask & MAY_WRITE ? -EPERM : -ENODATA;
		return 0;
	}
	if (str_has_prefix(name, XATTR_SECURITY_PREFIX)) {
		if ((mask & MAY_WRITE) && !cred_overrides_files(current_cred()))
			return -EPERM;
		return 0;
	}
	if (!str_has_prefix(name, XATTR_USER_PREFIX))
		return -EOPNOTSUPP;
	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (S_ISDIR(inode->mode) && (inode->mode & S_ISVTX) && (mask & MAY_WRITE) &&
	    !inode_owner_or_capable(inode))
		return -EPERM;
	return inode_permission(inode, mask);
}

static int get_name(char *name, uaddr_t user)
{
	long len = copy_string_from_user(name, user, XATTR_NAME_MAX + 1);

	if (len == -ENAMETOOLONG || len == 0)
		return -ERANGE;
	return len < 0 ? (int)len : 0;
}

struct xattr_call {
	uaddr_t name, value;
	size_t size;
	unsigned int flags;
};

static long xattr_set(struct inode *inode, const struct xattr_call *c)
{
	char name[XATTR_NAME_MAX + 1];
	void *value = NULL;
	long err;

	if (c->flags & ~(unsigned int)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = get_name(name, c->name);
	if (err)
		return err;
	if (c->size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (c->size) {
		value = kvmalloc(c->size, 0);
		if (!value)
			return -ENOMEM;
		if (copy_from_user(value, c->value, c->size)) {
			kvfree(value);
			return -EFAULT;
		}
	}
	rwsem_lock_write(&inode->lock);
	err = xattr_permission(inode, name, MAY_WRITE);
	if (!err)
		err = inode->ops && inode->ops->setxattr ?
		      inode->ops->setxattr(inode, name, value, c->size, (int)c->flags) :
		      -EOPNOTSUPP;
	rwsem_unlock_write(&inode->lock);
	if (value)
		kvfree(value);
	return err;
}

static long xattr_get(struct inode *inode, const struct xattr_call *c)
{
	char name[XATTR_NAME_MAX + 1];
	size_t size = min(c->size, (size_t)XATTR_SIZE_MAX);
	void *value = NULL;
	long n = get_name(name, c->name);

	if (n)
		return n;
	if (size) {
		value = kvmalloc(size, 0);
		if (!value)
			return -ENOMEM;
	}
	rwsem_lock_read(&inode->lock);
	n = xattr_permission(inode, name, MAY_READ);
	if (!n)
		n = inode->ops && inode->ops->getxattr ?
		    inode->ops->getxattr(inode, name, value, size) : -EOPNOTSUPP;
	rwsem_unlock_read(&inode->lock);
	if (n > 0 && size && copy_to_user(c->value, value, (size_t)n))
		n = -EFAULT;
	if (value)
		kvfree(value);
	return n;
}

static long xattr_list(struct inode *inode, const struct xattr_call *c)
{
	size_t size = min(c->size, (size_t)XATTR_LIST_MAX);
	char *list = NULL;
	long n;

	if (!inode->ops || !inode->ops->listxattr)
		return -EOPNOTSUPP;
	if (size) {
		list = kvmalloc(size, 0);
		if (!list)
			return -ENOMEM;
	}
	rwsem_lock_read(&inode->lock);
	n = inode->ops->listxattr(inode, list, size);
	rwsem_unlock_read(&inode->lock);
	if (n > 0 && size && copy_to_user(c->value, list, (size_t)n))
		n = -EFAULT;
	if (list)
		kvfree(list);
	return n;
}

static long xattr_remove(struct inode *inode, const struct xattr_call *c)
{
	char name[XATTR_NAME_MAX + 1];
	long err = get_name(name, c->name);

	if (err)
		return err;
	rwsem_lock_write(&inode->lock);
	err = xattr_permission(inode, name, MAY_WRITE);
	if (!err)
		err = inode->ops && inode->ops->removexattr ? inode->ops->removexattr(inode, name) :
							      -EOPNOTSUPP;
	rwsem_unlock_write(&inode->lock);
	return err;
}

typedef long xattr_fn(struct inode *inode, const struct xattr_call *c);

static bool changes(xattr_fn *fn)
{
	return fn == xattr_set || fn == xattr_remove;
}

static long xattr_name(uaddr_t path, unsigned int lookup, xattr_fn *fn, const struct xattr_call *c)
{
	struct path p;
	long n = path_lookup_user(AT_FDCWD, path, lookup, &p);

	if (n)
		return n;
	n = changes(fn) ? mount_want_write(p.mount) : 0;
	if (!n)
		n = fn(p.dentry->inode, c);
	if (!n && changes(fn))
		notify_dentry(p.dentry, IN_ATTRIB);
	path_put(&p);
	return n;
}

static long xattr_fd(int fd, xattr_fn *fn, const struct xattr_call *c)
{
	struct fd_ref r = fd_get(fd);
	long n;

	if (!r.file)
		return -EBADF;
	n = changes(fn) && r.file->path.mount ? mount_want_write(r.file->path.mount) : 0;
	if (!n)
		n = fn(r.file->inode, c);
	if (!n && changes(fn))
		notify_file(r.file, IN_ATTRIB);
	fd_put(r);
	return n;
}

#define CALL(...) (&(struct xattr_call){ __VA_ARGS__ })

long sys_setxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, unsigned int flags)
{
	return xattr_name(path, LOOKUP_FOLLOW, xattr_set, CALL(name, value, size, flags));
}

long sys_lsetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size, unsigned int flags)
{
	return xattr_name(path, 0, xattr_set, CALL(name, value, size, flags));
}

long sys_fsetxattr(int fd, uaddr_t name, uaddr_t value, size_t size, unsigned int flags)
{
	return xattr_fd(fd, xattr_set, CALL(name, value, size, flags));
}

long sys_getxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
	return xattr_name(path, LOOKUP_FOLLOW, xattr_get, CALL(name, value, size, 0));
}

long sys_lgetxattr(uaddr_t path, uaddr_t name, uaddr_t value, size_t size)
{
	return xattr_name(path, 0, xattr_get, CALL(name, value, size, 0));
}

long sys_fgetxattr(int fd, uaddr_t name, uaddr_t value, size_t size)
{
	return xattr_fd(fd, xattr_get, CALL(name, value, size, 0));
}

long sys_listxattr(uaddr_t path, uaddr_t list, size_t size)
{
	return xattr_name(path, LOOKUP_FOLLOW, xattr_list, CALL(UADDR(0), list, size, 0));
}

long sys_llistxattr(uaddr_t path, uaddr_t list, size_t size)
{
	return xattr_name(path, 0, xattr_list, CALL(UADDR(0), list, size, 0));
}

long sys_flistxattr(int fd, uaddr_t list, size_t size)
{
	return xattr_fd(fd, xattr_list, CALL(UADDR(0), list, size, 0));
}

long sys_removexattr(uaddr_t path, uaddr_t name)
{
	return xattr_name(path, LOOKUP_FOLLOW, xattr_remove, CALL(name, UADDR(0), 0, 0));
}

long sys_lremovexattr(uaddr_t path, uaddr_t name)
{
	return xattr_name(path, 0, xattr_remove, CALL(name, UADDR(0), 0, 0));
}

long sys_fremovexattr(int fd, uaddr_t name)
{
	return xattr_fd(fd, xattr_remove, CALL(name, UADDR(0), 0, 0));
}
