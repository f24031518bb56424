/* SPDX-License-Identifier: MIT */
/*
 * Calls on descriptors: open, close, dup, fcntl, ioctl, sync.
 */
#include <fs/namei.h>
#include <fs/pipe.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/ioctl.h>
#include <uapi/termios.h>
#include <uapi/tty.h>

#include "fcntl_internal.h"
#include "internal.h"

#define OPEN_FLAGS_KNOWN (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |	\
	O_NONBLOCK | O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |	\
	O_NOATIME | O_CLOEXEC | O_SYNC | O_PATH | O_TMPFILE)

static long open_and_install(const struct open_args *a)
{
	struct file *f;
	int fd = fd_reserve(0, a->flags);

	if (unlikely(fd < 0))
		return fd;
	f = vfs_open(a);
	if (unlikely(IS_ERR(f))) {
		fd_unreserve(fd);
		return PTR_ERR(f);
	}
	fd_install(fd, f);
	return fd;
}

static long do_open(int dfd, uaddr_t path, uint32_t flags, uint32_t mode)
{
	struct open_args a = { .dirfd = dfd, .mode = mode };
	struct pathname n;
	long fd;
	int err;

	flags &= OPEN_FLAGS_KNOWN;
	if (unlikely(flags & O_PATH))
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	err = pathname_get(&n, path, 0);
	if (unlikely(err))
		return err;
	a.text = n.text;
	a.flags = flags;
	fd = open_and_install(&a);
	pathname_put(&n);
	return fd;
}

long sys_open(uaddr_t path, unsigned int flags, unsigned int mode)
{
	return do_open(AT_FDCWD, path, flags, mode);
}

long sys_openat(int dfd, uaddr_t path, unsigned int flags, unsigned int mode)
{
	return do_open(dfd, path, flags, mode);
}

long sys_creat(uaddr_t path, unsigned int mode)
{
	return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static unsigned int resolve_to_lookup(uint64_t resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0) |
	       (resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS : 0) |
	       (resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0);
}

long sys_openat2(int dfd, uaddr_t path, uaddr_t how_ptr, size_t usize)
{
	struct open_args a = { .dirfd = dfd };
	struct open_how how;
	struct pathname n;
	long fd;
	int err;

	if (usize < OPEN_HOW_SIZE_VER0)
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&how, sizeof(how), how_ptr, usize);
	if (err)
		return err;
	if ((how.flags & ~(uint64_t)OPEN_FLAGS_KNOWN) || (how.resolve & ~0x3fULL) ||
	    (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) ==
	    (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how.flags & (O_CREAT | (O_TMPFILE & ~(uint64_t)O_DIRECTORY)) ?
	    how.mode & ~(uint64_t)S_IALLUGO : how.mode)
		return -EINVAL;
	if ((how.flags & O_PATH) &&
	    (how.flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	if ((how.flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if (how.resolve & RESOLVE_CACHED)
		/* whether it is cached is not told: the caller does it the other way */
		return -EAGAIN;
	err = pathname_get(&n, path, 0);
	if (err)
		return err;
	a.text = n.text;
	a.flags = (uint32_t)how.flags;
	a.mode = (uint32_t)how.mode;
	a.lookup = resolve_to_lookup(how.resolve);
	fd = open_and_install(&a);
	pathname_put(&n);
	return fd;
}

long sys_close(int fd)
{
	return fd_close(fd);
}

long sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	int err, fd;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = files_unshare();
		if (err)
			return err;
	}
	while (first <= last && (fd = files_next_fd(current_thread()->files, first)) >= 0 &&
	       (unsigned int)fd <= last) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			fd_cloexec(fd, 1);
		else
			(void)!fd_close(fd);
		first = (unsigned int)fd + 1;
	}
	return 0;
}

static long dup_from(struct file *f, unsigned int from, unsigned int flags)
{
	int fd = fd_reserve(from, flags);

	if (likely(fd >= 0)) {
		file_ref(f);
		fd_install(fd, f);
	}
	return fd;
}

long sys_dup(int oldfd)
{
	struct fd_ref r = fd_get_raw(oldfd);
	long fd;

	if (!r.file)
		return -EBADF;
	fd = dup_from(r.file, 0, 0);
	fd_put(r);
	return fd;
}

long sys_dup3(int oldfd, int newfd, unsigned int flags)
{
	struct fd_ref r;
	long fd;

	if ((flags & ~(unsigned int)O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	r = fd_get_raw(oldfd);
	if (!r.file)
		return -EBADF;
	fd = fd_replace(newfd, r.file, flags);
	fd_put(r);
	return fd;
}

long sys_dup2(int oldfd, int newfd)
{
	if (oldfd == newfd) {
		struct fd_ref r = fd_get_raw(oldfd);

		if (!r.file)
			return -EBADF;
		fd_put(r);
		return newfd;
	}
	return sys_dup3(oldfd, newfd, 0);
}

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

static long set_status_flags(struct file *f, unsigned long arg)
{
	uint32_t flags = (uint32_t)arg & SETFL_MASK;
	int err;

	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if ((flags ^ f->flags) & O_ASYNC) {
		if (f->ops->fasync) {
			err = f->ops->fasync(f, flags & O_ASYNC);
			if (err < 0)
				return err;
		} else {
			flags &= ~(uint32_t)O_ASYNC;
		}
	}
	spin_lock(&f->lock);
	f->flags = (f->flags & ~(uint32_t)SETFL_MASK) | flags;
	spin_unlock(&f->lock);
	return 0;
}

static long set_owner(struct file *f, int32_t who, enum pid_type type)
{
	struct pid *pid = NULL, *old;

	if (who) {
		pid = pid_get(who);
		if (!pid)
			return -ESRCH;
	}
	spin_lock(&f->lock);
	old = f->owner;
	f->owner = pid;
	f->owner_type = (uint8_t)type;
	spin_unlock(&f->lock);
	if (old)
		pid_put(old);
	return 0;
}

static long owner_ex(struct file *f, unsigned long arg, bool set)
{
	static const uint8_t to_pid[] = { PID_THREAD, PID_PROCESS, PID_GROUP };
	struct f_owner_ex ex = { .type = F_OWNER_PID };

	if (set) {
		if (copy_from_user(&ex, UADDR(arg), sizeof(ex)))
			return -EFAULT;
		if ((uint32_t)ex.type > F_OWNER_PGRP)
			return -EINVAL;
		return set_owner(f, ex.pid, to_pid[ex.type]);
	}
	spin_lock(&f->lock);
	if (f->owner) {
		ex.pid = f->owner->nr;
		ex.type = f->owner_type == PID_THREAD ? F_OWNER_TID :
			  f->owner_type == PID_GROUP ? F_OWNER_PGRP : F_OWNER_PID;
	}
	spin_unlock(&f->lock);
	return copy_to_user(UADDR(arg), &ex, sizeof(ex));
}

static long get_owner(struct file *f)
{
	long nr = 0;

	spin_lock(&f->lock);
	if (f->owner)
		nr = f->owner_type == PID_GROUP ? -f->owner->nr : f->owner->nr;
	spin_unlock(&f->lock);
	return nr;
}

static bool allowed_on_path_fd(int cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD ||
	       cmd == F_GETFL;
}

/*
 * Another thread may close the descriptor while the lock is taken, and looks for locks before there
 * is one: then nobody would ever give it back.
 */
static long lock_record(int fd, struct file *f, int cmd, unsigned long arg)
{
	struct files *files = current_thread()->files;
	long ret = fcntl_lock(f, cmd, UADDR(arg));
	struct file *now;

	if (ret || cmd == F_GETLK || refcount_read(&files->users) == 1)
		return ret;
	now = files_get_file(files, (unsigned int)fd);
	if (now != f && f->inode->locks) {
		locks_remove_posix(f->inode, files);
		ret = -EBADF;
	}
	if (now)
		file_put(now);
	return ret;
}

static long do_fcntl(int fd, struct file *f, int cmd, unsigned long arg)
{
	int32_t who = (int32_t)arg;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (arg >= process_rlimit(current_process(), RLIMIT_NOFILE))
			return -EINVAL;
		return dup_from(f, (unsigned int)arg, cmd == F_DUPFD ? 0 : O_CLOEXEC);
	case F_GETFD:
		return fd_cloexec(fd, -1) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_cloexec(fd, arg & FD_CLOEXEC ? 1 : 0);
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		return set_status_flags(f, arg);
	case F_SETOWN:
		if (who == INT32_MIN)
			return -EINVAL;
		return set_owner(f, who < 0 ? -who : who, who < 0 ? PID_GROUP : PID_PROCESS);
	case F_GETOWN:
		return get_owner(f);
	case F_SETOWN_EX:
		return owner_ex(f, arg, true);
	case F_GETOWN_EX:
		return owner_ex(f, arg, false);
	case F_SETSIG:
		if (arg > NSIG_MAX)
			return -EINVAL;
		f->owner_signal = who;
		return 0;
	case F_GETSIG:
		return f->owner_signal;
	case F_GETLK: case F_SETLK: case F_SETLKW:
		return lock_record(fd, f, cmd, arg);
	case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
		return fcntl_lock(f, cmd, UADDR(arg));
	case F_GETPIPE_SZ: case F_SETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	case F_ADD_SEALS: case F_GET_SEALS:
		return memfd_fcntl(f, cmd, arg);
	case F_GETLEASE:
		return F_UNLCK;
	case F_SETLEASE:
		return arg == F_UNLCK ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

long sys_fcntl(int fd, int cmd, unsigned long arg)
{
	struct fd_ref r = fd_get_raw(fd);
	long ret;

	if (!r.file)
		return -EBADF;
	if (unlikely(r.file->mode & FMODE_PATH) && !allowed_on_path_fd(cmd))
		ret = -EBADF;
	else
		ret = do_fcntl(fd, r.file, cmd, arg);
	fd_put(r);
	return ret;
}

static long flag_ioctl(struct file *f, uint32_t bit, uint64_t arg)
{
	uint32_t on;

	if (get_user(&on, UADDR(arg)))
		return -EFAULT;
	return set_status_flags(f, on ? f->flags | bit : f->flags & ~bit);
}

static long regular_fionread(struct file *f, uint64_t arg)
{
	int64_t left = f->inode->size - f->position;

	return put_user((uint32_t)clamp(left, (int64_t)0, (int64_t)INT32_MAX), UADDR(arg));
}

long sys_ioctl(int fd, int cmd, unsigned long arg)
{
	struct fd_ref r = fd_get(fd);
	struct file *f = r.file;
	long ret;

	if (!f)
		return -EBADF;
	switch ((unsigned int)cmd) {
	case FIOCLEX:
		fd_cloexec(fd, 1);
		ret = 0;
		break;
	case FIONCLEX:
		fd_cloexec(fd, 0);
		ret = 0;
		break;
	case FIONBIO:
		ret = flag_ioctl(f, O_NONBLOCK, arg);
		break;
	case FIOASYNC:
		ret = flag_ioctl(f, O_ASYNC, arg);
		break;
	case FIONREAD:
		if (f->inode && S_ISREG(f->inode->mode)) {
			ret = regular_fionread(f, arg);
			break;
		}
		fallthrough;
	default:
		ret = f->ops->ioctl ? f->ops->ioctl(f, (unsigned int)cmd, arg) : -ENOTTY;
		break;
	}
	fd_put(r);
	return ret;
}
