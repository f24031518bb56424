/* SPDX-License-Identifier: MIT */
/*
 * read, write and their vectors, seeking, and the generic operations of files that live in the page
 * cache.
 */
#include <fs/iov.h>
#include <fs/notify.h>
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <mm/aspace.h>
#include <mm/memobj.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mman.h>

#include "internal.h"

ssize_t generic_file_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	ssize_t n;

	if (unlikely(!to->count))
		return 0;
	n = memobj_read(f->inode->mapping, to, offset);
	file_accessed(f);
	return n;
}

ssize_t generic_file_write_locked(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct inode *inode = f->inode;
	ssize_t n;

	if (f->flags & O_APPEND)
		*offset = inode->size;
	n = write_limit(f, *offset, from->count);
	if (likely(n > 0)) {
		from->count = (size_t)n;
		file_modified(f);
		n = memobj_write(inode->mapping, from, offset);
		if (n > 0 && *offset > inode->size)
			inode->size = *offset;
	}
	return n;
}

ssize_t generic_file_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	ssize_t n;

	rwsem_lock_write(&f->inode->lock);
	n = generic_file_write_locked(f, from, offset);
	rwsem_unlock_write(&f->inode->lock);
	return n;
}

int64_t seek_with_end(struct file *f, int64_t offset, int whence, int64_t end)
{
	int64_t base = 0;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = f->position;
		break;
	case SEEK_END:
		base = end;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		/* Files without holes as far as anybody knows: one hole, at the end. */
		if (offset < 0 || offset >= end)
			return -ENXIO;
		return f->position = whence == SEEK_DATA ? offset : end;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, offset, &offset))
		return -EOVERFLOW;
	if (offset < 0 || offset > f->inode->sb->max_file_size)
		return -EINVAL;
	return f->position = offset;
}

int64_t generic_seek(struct file *f, int64_t offset, int whence)
{
	return seek_with_end(f, offset, whence, f->inode->size);
}

int64_t noop_seek(struct file *f, int64_t offset, int whence)
{
	return f->position;
}

int generic_mmap(struct file *f, struct region *r)
{
	if (!f->inode->mapping)
		return -ENODEV;
	memobj_ref(f->inode->mapping);
	r->object = f->inode->mapping;
	file_accessed(f);
	return 0;
}

/* Is the position shared with another descriptor, thread or process? */
static inline bool position_is_shared(struct file *f, struct fd_ref r)
{
	return unlikely(refcount_read(&f->refs) > 1) || unlikely(r.counted);
}

static long read_error(const struct file *f)
{
	return f->inode && S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
}

static __always_inline long read_at_position(struct fd_ref r, struct iov_iter *it)
{
	struct file *f = r.file;
	int64_t pos = 0;
	long n;

	if (unlikely(!(f->mode & FMODE_READ)))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return read_error(f);
	if (!(f->mode & FMODE_SEEK))
		return f->ops->read(f, it, &pos);
	if (position_is_shared(f, r)) {
		mutex_lock(&f->position_lock);
		n = f->ops->read(f, it, &f->position);
		mutex_unlock(&f->position_lock);
		return n;
	}
	return f->ops->read(f, it, &f->position);
}

static __always_inline long do_read(struct fd_ref r, struct iov_iter *it)
{
	long n = read_at_position(r, it);

	if (n > 0)
		notify_file(r.file, IN_ACCESS);
	return n;
}

static __always_inline long write_at_position(struct fd_ref r, struct iov_iter *it)
{
	struct file *f = r.file;
	int64_t pos = 0;
	long n;

	if (unlikely(!(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (unlikely(!f->ops->write))
		return -EINVAL;
	if (!(f->mode & FMODE_SEEK))
		return f->ops->write(f, it, &pos);
	if (position_is_shared(f, r)) {
		mutex_lock(&f->position_lock);
		n = f->ops->write(f, it, &f->position);
		mutex_unlock(&f->position_lock);
		return n;
	}
	return f->ops->write(f, it, &f->position);
}

static __always_inline long do_write(struct fd_ref r, struct iov_iter *it)
{
	long n = write_at_position(r, it);

	if (n > 0)
		notify_file(r.file, IN_MODIFY);
	return n;
}

static inline int one_segment(struct iov_iter *it, uaddr_t buf, size_t count)
{
	if (unlikely(!user_range_ok(buf, count))) {
		if ((int64_t)count < 0)
			return -EINVAL;
		return -EFAULT;
	}
	it->kernel = false;
	it->nr_segments = 1;
	it->segment_offset = 0;
	it->count = min(count, RW_MAX);
	it->segments = &it->single;
	it->single.iov_base = buf.v;
	it->single.iov_len = it->count;
	return 0;
}

long sys_read(int fd, uaddr_t buf, size_t count)
{
	struct fd_ref r = fd_get_raw(fd);
	struct iov_iter it;
	long n;

	if (unlikely(!r.file))
		return -EBADF;
	n = one_segment(&it, buf, count);
	if (likely(!n))
		n = do_read(r, &it);
	else if (!(r.file->mode & FMODE_READ))
		n = -EBADF;
	fd_put(r);
	return n;
}

long sys_write(int fd, uaddr_t buf, size_t count)
{
	struct fd_ref r = fd_get_raw(fd);
	struct iov_iter it;
	long n;

	if (unlikely(!r.file))
		return -EBADF;
	n = one_segment(&it, buf, count);
	if (likely(!n))
		n = do_write(r, &it);
	else if (!(r.file->mode & FMODE_WRITE))
		n = -EBADF;
	fd_put(r);
	return n;
}

int iov_import(struct user_vector *v, struct iov_iter *it, uaddr_t iov, unsigned long count)
{
	size_t total = 0;

	v->all = v->few;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > UIO_FASTIOV) {
		v->all = kmalloc_array(count, sizeof(struct iovec), 0);
		if (!v->all) {
			v->all = v->few;
			return -ENOMEM;
		}
	}
	if (copy_from_user(v->all, iov, count * sizeof(struct iovec)))
		return -EFAULT;
	for (unsigned long i = 0; i < count; i++) {
		struct iovec *s = &v->all[i];

		if ((int64_t)s->iov_len < 0)
			return -EINVAL;
		if (!user_range_ok(UADDR(s->iov_base), s->iov_len))
			return -EFAULT;
		s->iov_len = min(s->iov_len, RW_MAX - total);
		total += s->iov_len;
	}
	it->kernel = false;
	it->nr_segments = (unsigned int)count;
	it->segment_offset = 0;
	it->count = total;
	it->segments = v->all;
	return 0;
}

long sys_readv(int fd, uaddr_t iov, unsigned long iovcnt)
{
	struct fd_ref r = fd_get_raw(fd);
	struct user_vector v;
	struct iov_iter it;
	long n;

	if (!r.file)
		return -EBADF;
	n = iov_import(&v, &it, iov, iovcnt);
	if (!n)
		n = do_read(r, &it);
	user_vector_put(&v);
	fd_put(r);
	return n;
}

long sys_writev(int fd, uaddr_t iov, unsigned long iovcnt)
{
	struct fd_ref r = fd_get_raw(fd);
	struct user_vector v;
	struct iov_iter it;
	long n;

	if (!r.file)
		return -EBADF;
	n = iov_import(&v, &it, iov, iovcnt);
	if (!n)
		n = do_write(r, &it);
	user_vector_put(&v);
	fd_put(r);
	return n;
}

static long positional_read(struct file *f, struct iov_iter *it, int64_t pos)
{
	long n;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (f->mode & FMODE_STREAM)
		return -ESPIPE;
	if (!f->ops->read)
		return read_error(f);
	n = f->ops->read(f, it, &pos);
	if (n > 0)
		notify_file(f, IN_ACCESS);
	return n;
}

static long positional_write(struct file *f, struct iov_iter *it, int64_t pos)
{
	long n;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (f->mode & FMODE_STREAM)
		return -ESPIPE;
	if (!f->ops->write)
		return -EINVAL;
	n = f->ops->write(f, it, &pos);
	if (n > 0)
		notify_file(f, IN_MODIFY);
	return n;
}

long sys_pread64(int fd, uaddr_t buf, size_t count, int64_t pos)
{
	struct fd_ref r;
	struct iov_iter it;
	long n;

	if (pos < 0)
		return -EINVAL;
	r = fd_get_raw(fd);
	if (!r.file)
		return -EBADF;
	n = one_segment(&it, buf, count);
	if (likely(!n))
		n = positional_read(r.file, &it, pos);
	fd_put(r);
	return n;
}

long sys_pwrite64(int fd, uaddr_t buf, size_t count, int64_t pos)
{
	struct fd_ref r;
	struct iov_iter it;
	long n;

	if (pos < 0)
		return -EINVAL;
	r = fd_get_raw(fd);
	if (!r.file)
		return -EBADF;
	n = one_segment(&it, buf, count);
	if (likely(!n))
		n = positional_write(r.file, &it, pos);
	fd_put(r);
	return n;
}

/* pos_hi repeats pos_lo's upper half on 64-bit machines and is ignored, as Linux does. */
static long vector_at(int fd, uaddr_t iov, unsigned long iovcnt, int64_t pos, bool write)
{
	struct fd_ref r;
	struct user_vector v;
	struct iov_iter it;
	long n;

	if (pos < 0)
		return -EINVAL;
	r = fd_get_raw(fd);
	if (!r.file)
		return -EBADF;
	n = iov_import(&v, &it, iov, iovcnt);
	if (!n)
		n = write ? positional_write(r.file, &it, pos) : positional_read(r.file, &it, pos);
	user_vector_put(&v);
	fd_put(r);
	return n;
}

long sys_preadv(int fd, uaddr_t iov, unsigned long iovcnt, unsigned long pos_lo,
		unsigned long pos_hi)
{
	return vector_at(fd, iov, iovcnt, (int64_t)pos_lo, false);
}

long sys_pwritev(int fd, uaddr_t iov, unsigned long iovcnt, unsigned long pos_lo,
		 unsigned long pos_hi)
{
	return vector_at(fd, iov, iovcnt, (int64_t)pos_lo, true);
}

/* RWF_HIPRI is a hint.  NOWAIT and APPEND need what no file system offers yet. */
static int check_rwf(unsigned int flags)
{
	return flags & ~(unsigned int)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC) ? -EOPNOTSUPP : 0;
}

long sys_preadv2(int fd, uaddr_t iov, unsigned long iovcnt, unsigned long pos_lo,
		 unsigned long pos_hi, unsigned int flags)
{
	int err = check_rwf(flags);

	if (err)
		return err;
	if ((int64_t)pos_lo == -1)
		return sys_readv(fd, iov, iovcnt);
	return vector_at(fd, iov, iovcnt, (int64_t)pos_lo, false);
}

long sys_pwritev2(int fd, uaddr_t iov, unsigned long iovcnt, unsigned long pos_lo,
		  unsigned long pos_hi, unsigned int flags)
{
	long n = check_rwf(flags);

	if (n)
		return n;
	n = (int64_t)pos_lo == -1 ? sys_writev(fd, iov, iovcnt) :
	    vector_at(fd, iov, iovcnt, (int64_t)pos_lo, true);
	if (n > 0 && (flags & (RWF_DSYNC | RWF_SYNC))) {
		long err = flags & RWF_SYNC ? sys_fsync(fd) : sys_fdatasync(fd);

		if (err && err != -EINVAL)
			return err;
	}
	return n;
}

long sys_lseek(int fd, int64_t offset, int whence)
{
	struct fd_ref r = fd_get(fd);
	struct file *f = r.file;
	int64_t (*seek)(struct file *f, int64_t offset, int whence);
	long pos;

	if (!f)
		return -EBADF;
	seek = f->ops->seek;
	if (!seek && (f->mode & FMODE_SEEK) && !(f->mode & FMODE_STREAM))
		seek = generic_seek;
	if (!seek) {
		pos = -ESPIPE;
	} else {
		mutex_lock(&f->position_lock);
		pos = seek(f, offset, whence);
		mutex_unlock(&f->position_lock);
	}
	fd_put(r);
	return pos;
}

/*
 * One end of a copy between files: the file, and the position there, NULL for the file's own.  That
 * one is locked around each chunk and not around the whole, since the other end may be a pipe that
 * nobody reads: whoever shares the description would wait with us and could not even be killed.
 */
struct copy_end {
	struct file *file;
	int64_t *pos;
	int64_t after;			/* where the last chunk read left the file's own */
};

static long read_chunk(struct copy_end *in, void *buf, size_t len)
{
	struct file *f = in->file;
	long n;

	if (in->pos)
		return file_read_kernel(f, buf, len, in->pos);
	mutex_lock(&f->position_lock);
	n = file_read_kernel(f, buf, len, &f->position);
	in->after = f->position;
	mutex_unlock(&f->position_lock);
	return n;
}

static long write_chunk(const struct copy_end *out, const void *buf, size_t len)
{
	struct file *f = out->file;
	int64_t nowhere = 0;
	long n;

	if (out->pos || !(f->mode & FMODE_SEEK))
		return file_write_kernel(f, buf, len, out->pos ? out->pos : &nowhere);
	mutex_lock(&f->position_lock);
	n = file_write_kernel(f, buf, len, &f->position);
	mutex_unlock(&f->position_lock);
	return n;
}

/* What was read and not taken stays unread, unless somebody has moved the shared position since. */
static void unread_chunk(struct copy_end *in, long rest)
{
	struct file *f = in->file;

	if (in->pos) {
		*in->pos -= rest;
		return;
	}
	mutex_lock(&f->position_lock);
	if (f->position == in->after)
		f->position -= rest;
	mutex_unlock(&f->position_lock);
}

/* Through a kernel buffer; the splice forms with pipes are in fs/splice.c. */
static long copy_between(struct copy_end *in, const struct copy_end *out, size_t count)
{
	size_t size = 16 * PAGE_SIZE;
	char *buf = kmalloc(size, ALLOC_NO_RETRY);
	size_t done = 0;
	long n = 0;

	if (!buf) {
		size = PAGE_SIZE;
		buf = kmalloc(size, 0);
		if (!buf)
			return -ENOMEM;
	}
	while (done < count) {
		long wrote;

		n = read_chunk(in, buf, min(count - done, size));
		if (n <= 0)
			break;
		wrote = write_chunk(out, buf, (size_t)n);
		if (wrote != n)
			unread_chunk(in, n - max(wrote, 0L));
		if (wrote <= 0) {
			n = wrote;
			break;
		}
		done += (size_t)wrote;
		if (wrote < n || signal_is_pending())
			break;
	}
	kfree(buf);
	if (done) {
		notify_file(in->file, IN_ACCESS);
		notify_file(out->file, IN_MODIFY);
	}
	return done ? (long)done : n;
}

long sys_sendfile(int out_fd, int in_fd, uaddr_t offset, size_t count)
{
	struct fd_ref in = fd_get(in_fd), out = fd_get(out_fd);
	struct copy_end from = { .file = in.file }, to = { .file = out.file };
	int64_t pos = 0;
	long n = -EBADF;

	if (!in.file || !out.file || !(in.file->mode & FMODE_READ) ||
	    !(out.file->mode & FMODE_WRITE))
		goto put;
	n = -EINVAL;
	if (!in.file->ops->read || !out.file->ops->write || (out.file->flags & O_APPEND) ||
	    !(in.file->mode & FMODE_SEEK))
		goto put;
	n = -EFAULT;
	if (offset.v && get_user(&pos, offset))
		goto put;
	n = -EINVAL;
	if (pos < 0)
		goto put;
	if (offset.v)
		from.pos = &pos;
	n = copy_between(&from, &to, min(count, RW_MAX));
	if (offset.v && n > 0 && put_user((uint64_t)pos, offset))
		n = -EFAULT;
put:
	if (in.file)
		fd_put(in);
	if (out.file)
		fd_put(out);
	return n;
}

static long copy_range_check(const struct file *in, const struct file *out, int64_t in_pos,
			     int64_t out_pos, size_t len)
{
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode) || in_pos < 0 || out_pos < 0)
		return -EINVAL;
	if (in->inode == out->inode &&
	    range_overlaps((uint64_t)in_pos, len, (uint64_t)out_pos, len))
		return -EINVAL;
	return 0;
}

long sys_copy_file_range(int fd_in, uaddr_t off_in, int fd_out, uaddr_t off_out, size_t len,
			 unsigned int flags)
{
	struct fd_ref in = fd_get(fd_in), out = fd_get(fd_out);
	int64_t in_pos, out_pos;
	long n = -EBADF;

	if (!in.file || !out.file)
		goto put;
	n = -EINVAL;
	if (flags)
		goto put;
	/* A file's own position is only looked at here: copy_between() reads it anew. */
	in_pos = READ_ONCE(in.file->position);
	out_pos = READ_ONCE(out.file->position);
	n = -EFAULT;
	if ((off_in.v && get_user(&in_pos, off_in)) || (off_out.v && get_user(&out_pos, off_out)))
		goto put;
	len = min(len, RW_MAX);
	n = copy_range_check(in.file, out.file, in_pos, out_pos, len);
	if (n)
		goto put;
	n = copy_between(&(struct copy_end){ .file = in.file, .pos = off_in.v ? &in_pos : NULL },
			 &(struct copy_end){ .file = out.file, .pos = off_out.v ? &out_pos : NULL },
			 len);
	if (off_in.v && n > 0 && put_user((uint64_t)in_pos, off_in))
		n = -EFAULT;
	if (off_out.v && n > 0 && put_user((uint64_t)out_pos, off_out))
		n = -EFAULT;
put:
	if (in.file)
		fd_put(in);
	if (out.file)
		fd_put(out);
	return n;
}
