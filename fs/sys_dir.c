/* SPDX-License-Identifier: MIT */
/*
 * Directories: listing them, and where a process stands.
 *
 * Entries are collected in a kernel page and copied out without a lock.
 */
#include <fs/namei.h>
#include <fs/notify.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/dirent.h>

#include "internal.h"

#define CHUNK	4096

struct dirent_sink {
	struct dir_context ctx;
	char *buf;
	size_t room, used;
	bool too_small;			/* the first entry did not fit */
};

static int emit64(struct dir_context *ctx, const char *name, size_t len, int64_t next_offset,
		  uint64_t ino, unsigned int d_type)
{
	struct dirent_sink *s = container_of(ctx, struct dirent_sink, ctx);
	size_t size = align_up(offset_of(struct linux_dirent64, d_name) + len + 1, 8);
	struct linux_dirent64 *e = (void *)(s->buf + s->used);

	if (size > s->room - s->used) {
		s->too_small = s->used == 0;
		return 1;
	}
	e->d_ino = ino;
	e->d_off = next_offset;
	e->d_reclen = (uint16_t)size;
	e->d_type = (uint8_t)d_type;
	/* Everything up to the next entry is written: nothing of the kernel's shows. */
	memset((char *)e + size - 8, 0, 8);
	e->d_reclen = (uint16_t)size;
	e->d_type = (uint8_t)d_type;
	memcpy(e->d_name, name, len);
	e->d_name[len] = '\0';
	s->used += size;
	return 0;
}

static int emit_old(struct dir_context *ctx, const char *name, size_t len, int64_t next_offset,
		    uint64_t ino, unsigned int d_type)
{
	struct dirent_sink *s = container_of(ctx, struct dirent_sink, ctx);
	size_t size = align_up(offset_of(struct linux_dirent, d_name) + len + 2, 8);
	struct linux_dirent *e = (void *)(s->buf + s->used);

	if (size > s->room - s->used) {
		s->too_small = s->used == 0;
		return 1;
	}
	memset(e, 0, size);
	e->d_ino = ino;
	e->d_off = (uint64_t)next_offset;
	e->d_reclen = (uint16_t)size;
	memcpy(e->d_name, name, len);
	((char *)e)[size - 1] = (char)d_type;
	s->used += size;
	return 0;
}

/* One chunk into @s->buf; f's position moves behind what was taken. */
static int fill_chunk(struct file *f, struct dirent_sink *s)
{
	struct inode *dir = f->inode;
	int err;

	rwsem_lock_read(&dir->lock);
	s->ctx.offset = f->position;
	err = dir->nlink ? f->ops->iterate(f, &s->ctx) : -ENOENT;
	if (!err)
		f->position = s->ctx.offset;
	rwsem_unlock_read(&dir->lock);
	return err;
}

static long list_dir(struct file *f, uaddr_t out, size_t count, __typeof__(&emit64) emit)
{
	struct dirent_sink s = { .ctx.emit = emit };
	size_t done = 0;
	long err = 0;

	s.buf = kmalloc(CHUNK, 0);
	if (!s.buf)
		return -ENOMEM;
	mutex_lock(&f->position_lock);
	while (done < count) {
		int64_t before = f->position;

		s.used = 0;
		s.too_small = false;
		s.room = min(count - done, (size_t)CHUNK);
		err = fill_chunk(f, &s);
		if (err || !s.used)
			break;
		if (copy_to_user(uaddr_add(out, done), s.buf, s.used)) {
			f->position = before;
			err = -EFAULT;
			break;
		}
		done += s.used;
	}
	mutex_unlock(&f->position_lock);
	kfree(s.buf);
	if (!done && !err && s.too_small)
		err = -EINVAL;
	file_accessed(f);
	if (!err || done)
		notify_file(f, IN_ACCESS);
	return done ? (long)done : err;
}

static long do_getdents(int fd, uaddr_t out, size_t count, __typeof__(&emit64) emit)
{
	struct fd_ref r = fd_get(fd);
	long n;

	if (!r.file)
		return -EBADF;
	n = r.file->ops->iterate ? list_dir(r.file, out, min(count, 0x7fffffffUL), emit) : -ENOTDIR;
	fd_put(r);
	return n;
}

long sys_getdents64(int fd, uaddr_t dirent, unsigned int count)
{
	return do_getdents(fd, dirent, count, emit64);
}

long sys_getdents(int fd, uaddr_t dirent, unsigned int count)
{
	return do_getdents(fd, dirent, count, emit_old);
}

long sys_getcwd(uaddr_t buf, size_t size)
{
	struct path cwd;
	char *page, *text;
	long len;

	page = kmalloc(PATH_LEN_MAX, 0);
	if (!page)
		return -ENOMEM;
	path_get_cwd(&cwd);
	len = -ENOENT;
	if (dentry_is_unlinked(cwd.dentry))
		goto out;
	text = path_format(&cwd, page, PATH_LEN_MAX);
	len = PTR_ERR(text);
	if (IS_ERR(text))
		goto out;
	len = (long)strlen(text) + 1;
	if ((size_t)len > size)
		len = -ERANGE;
	else if (copy_to_user(buf, text, (size_t)len))
		len = -EFAULT;
out:
	path_put(&cwd);
	kfree(page);
	return len;
}

static long change_to(const struct path *p, bool root)
{
	struct fs_context *fs = current_thread()->fs;
	int err = S_ISDIR(p->dentry->inode->mode) ? inode_permission(p->dentry->inode, MAY_EXEC) :
						    -ENOTDIR;

	if (!err)
		fs_context_set(fs, root ? &fs->root : &fs->cwd, p);
	return err;
}

long sys_chdir(uaddr_t path)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = change_to(&p, false);
	path_put(&p);
	return err;
}

long sys_fchdir(int fd)
{
	struct fd_ref r = fd_get_raw(fd);
	long err;

	if (!r.file)
		return -EBADF;
	err = r.file->path.dentry ? change_to(&r.file->path, false) : -ENOTDIR;
	fd_put(r);
	return err;
}

long sys_chroot(uaddr_t path)
{
	struct path p;
	long err = path_lookup_user(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = cred_overrides_files(current_cred()) ? change_to(&p, true) : -EPERM;
	path_put(&p);
	return err;
}

long sys_umask(unsigned int mask)
{
	return (long)__atomic_exchange_n(&current_thread()->fs->umask, mask & S_IRWXUGO,
					 __ATOMIC_RELAXED);
}
