/* SPDX-License-Identifier: MIT */
/*
 * Opening: from a name or a path to a struct file.
 */
#include <fs/namei.h>
#include <fs/notify.h>
#include <kernel/process.h>
#include <lib/errseq.h>
#include <lib/string.h>
#include <mm/memobj.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mount.h>

#include "internal.h"
#include "walk.h"

/* What an O_PATH descriptor can do: nothing. */
static const struct file_ops path_ops = { .name = "path" };

static unsigned int flags_to_may(uint32_t flags)
{
	static const uint8_t may[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
					MAY_READ | MAY_WRITE };

	return may[flags & O_ACCMODE] | (flags & O_TRUNC ? (unsigned int)MAY_WRITE : 0);
}

/* May the caller open @p with @flags?  The object exists. */
static int may_open(const struct path *p, uint32_t flags)
{
	struct inode *inode = p->dentry->inode;
	unsigned int may = flags_to_may(flags);
	int err;

	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		if (likely(!(may & MAY_WRITE)))
			break;
		err = mount_want_write(p->mount);
		if (err)
			return err;
		break;
	case S_IFDIR:
		if (may & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFLNK:
		return -ELOOP;
	case S_IFCHR: case S_IFBLK:
		if (p->mount->flags & MOUNT_NODEV)
			return -EACCES;
		break;
	case S_IFSOCK:
		return -ENXIO;
	}
	err = inode_permission(inode, may);
	if (err)
		return err;
	if (unlikely(flags & O_NOATIME) && !inode_owner_or_capable(inode))
		return -EPERM;
	return 0;
}

static int count_writer(struct inode *inode)
{
	int32_t n = (int32_t)__atomic_load_n(&inode->writers, __ATOMIC_RELAXED);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&inode->writers, (uint32_t *)&n, (uint32_t)n + 1,
					      true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return 0;
}

int file_deny_write(struct file *f)
{
	struct inode *inode = f->inode;
	int32_t n = (int32_t)__atomic_load_n(&inode->writers, __ATOMIC_RELAXED);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&inode->writers, (uint32_t *)&n, (uint32_t)n - 1,
					      true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return 0;
}

void file_allow_write(struct file *f)
{
	__atomic_fetch_add(&f->inode->writers, 1, __ATOMIC_SEQ_CST);
}

/* Failures of writeback from now on, and those that nobody was told of, are told through @f. */
static void file_watch_errors(struct file *f, struct inode *inode)
{
	if (inode->mapping)
		f->write_error_seen = errseq_sample(&inode->mapping->write_error);
	f->super_error_seen = errseq_sample(&inode->sb->write_error);
}

/* f->path is set and counted: take what the open file needs of its inode.  On failure @f is put. */
struct file *file_open_inode(struct file *f, uint32_t flags)
{
	struct inode *inode = f->path.dentry->inode;
	int err;

	f->inode = inode;
	if (unlikely(flags & O_PATH)) {
		f->ops = &path_ops;
		f->mode = FMODE_PATH;
		return f;
	}
	f->ops = inode->fops ? inode->fops : &path_ops;
	if (likely(S_ISREG(inode->mode) || S_ISDIR(inode->mode)))
		f->mode |= FMODE_SEEK;
	if ((f->mode & FMODE_WRITE) && S_ISREG(inode->mode)) {
		err = mount_get_writer(f->path.mount);
		if (err)
			goto fail;
		err = count_writer(inode);
		if (err) {
			mount_put_writer(f->path.mount);
			goto fail;
		}
		f->mode |= FMODE_WRITER;
	}
	if (IS_ENABLED(CONFIG_BLOCK) && unlikely(inode->sb->writeback))
		file_watch_errors(f, inode);
	if (unlikely(flags & O_EXCL) && S_ISBLK(inode->mode))
		f->mode |= FMODE_EXCL;
	if (f->ops->open) {
		err = f->ops->open(inode, f);
		if (unlikely(err))
			goto fail;
	}
	f->mode |= FMODE_OPENED;
	return f;
fail:
	file_put(f);
	return ERR_PTR(err);
}

static struct file *open_counted_path(const struct path *p, uint32_t flags)
{
	struct file *f = file_alloc(NULL, NULL, flags);

	if (!f) {
		path_put(p);
		return ERR_PTR(-ENFILE);
	}
	f->path = *p;
	return file_open_inode(f, flags);
}

struct file *file_open_path(const struct path *p, uint32_t flags)
{
	path_ref(p);
	return open_counted_path(p, flags);
}

/* Permissions, truncation, and the file itself; takes over the references of @p. */
static struct file *open_existing(struct path *p, uint32_t flags, bool created)
{
	struct inode *inode = p->dentry->inode;
	struct file *f;
	int err = 0;

	if (unlikely(flags & O_PATH))
		return open_counted_path(p, flags);
	if (!created)
		err = may_open(p, flags);
	if (err) {
		path_put(p);
		return ERR_PTR(err);
	}
	f = open_counted_path(p, flags);
	if (IS_ERR(f) || likely(!(flags & O_TRUNC)) || created || !S_ISREG(inode->mode))
		return f;
	err = vfs_truncate(inode, 0, ATTR_OPEN_TRUNC | ATTR_FILE);
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	notify_dentry(p->dentry, IN_MODIFY);
	return f;
}

static struct file *open_plain(const struct open_args *a)
{
	unsigned int lookup = a->lookup;
	struct path p;
	int err;

	if (!(a->flags & O_NOFOLLOW))
		lookup |= LOOKUP_FOLLOW;
	if (a->flags & O_DIRECTORY)
		lookup |= LOOKUP_DIRECTORY;
	err = path_lookup(a->dirfd, a->text, lookup, &p);
	if (err)
		return ERR_PTR(err);
	return open_existing(&p, a->flags, false);
}

static struct file *open_tmpfile(const struct open_args *a)
{
	struct inode *dir, *inode;
	struct dentry *d;
	struct path p;
	struct name n;
	int err;

	if (!(flags_to_may(a->flags) & MAY_WRITE))
		return ERR_PTR(-EINVAL);
	err = path_lookup(a->dirfd, a->text, a->lookup | LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (err)
		return ERR_PTR(err);
	dir = p.dentry->inode;
	err = -EOPNOTSUPP;
	if (!dir->ops->tmpfile)
		goto put;
	err = mount_want_write(p.mount);
	if (!err)
		err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		goto put;
	inode = dir->ops->tmpfile(dir, S_IFREG |
				  (a->mode & S_IALLUGO & ~current_thread()->fs->umask));
	err = (int)PTR_ERR(inode);
	if (IS_ERR(inode))
		goto put;
	if (a->flags & O_EXCL)
		inode->flags &= ~(uint32_t)INODE_SEALABLE;	/* never to be linked */
	n = name_from("#tmpfile", 8);
	d = dentry_create_unlinked(p.dentry, &n, inode);
	err = -ENOMEM;
	if (!d)
		goto put;
	dentry_put(p.dentry);
	p.dentry = d;
	return open_existing(&p, a->flags & ~(uint32_t)O_TRUNC, true);
put:
	path_put(&p);
	return ERR_PTR(err);
}

/*
 * Make the last name of @w, whose parent is referenced: a counted dentry; *created tells whether it
 * is new.
 */
static struct dentry *create_last(struct walk *w, const struct open_args *a, bool *created)
{
	struct inode *dir = w->path.dentry->inode;
	struct dentry *d;
	int err = 0;

	*created = false;
	rwsem_lock_write(&dir->lock);
	if (unlikely(dir->nlink == 0))
		d = ERR_PTR(-ENOENT);
	else
		d = dentry_lookup_locked(w->path.dentry, &w->last);
	if (!IS_ERR(d) && !d->inode) {
		uint32_t mode = a->mode & S_IALLUGO & ~current_thread()->fs->umask;

		err = mount_want_write(w->path.mount);
		if (!err)
			err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
		if (!err)
			err = dir->ops->create ? dir->ops->create(dir, d, S_IFREG | mode, 0) :
				-EACCES;
		*created = !err;
		if (!err)
			notify_entry(&(struct notify_entry){ dir, &w->last, IN_CREATE, 0,
							    false });
	}
	rwsem_unlock_write(&dir->lock);
	if (err) {
		dentry_put(d);
		return ERR_PTR(err);
	}
	return d;
}

/*
 * The parent stands in @w: find or make the last component. 1: go on walking, a link was followed.
 */
static int open_last(struct walk *w, const struct open_args *a, struct path *out, bool *created)
{
	struct dentry *d;
	uint32_t seq;
	int err;

	*created = false;
	if (unlikely(w->kind != LAST_NORMAL) || unlikely(w->trailing_slash)) {
		return -EISDIR;
	}
	err = S_ISDIR(w->inode->mode) ? inode_permission(w->inode, MAY_EXEC) : -ENOTDIR;
	if (err)
		return err;
	if (w->rcu) {
		/* The usual case: it exists. */
		d = walk_peek_last(w, &seq);
		if (d && !(a->flags & O_EXCL)) {
			struct inode *inode = READ_ONCE(d->inode);

			if (inode && !S_ISLNK(READ_ONCE(inode->mode)) &&
			    __atomic_load_n(&w->path.dentry->seq, __ATOMIC_ACQUIRE) == w->seq) {
				w->path.dentry = d;
				w->seq = seq;
				return walk_finish(w, out);
			}
		}
		err = walk_unlazy(w);
		if (err)
			return err;
	}
	d = create_last(w, a, created);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	if (!*created) {
		if (a->flags & O_EXCL) {
			dentry_put(d);
			return -EEXIST;
		}
		if (S_ISLNK(d->inode->mode)) {
			if (!(a->flags & O_NOFOLLOW)) {
				err = walk_follow_link(w, d, "");
				return err ? err : 1;
			}
			dentry_put(d);
			return -ELOOP;
		}
	}
	out->mount = w->path.mount;
	out->dentry = d;
	mount_ref(out->mount);
	path_follow_mounts(out);
	walk_abort(w);
	return 0;
}

static struct file *open_create(const struct open_args *a)
{
	struct walk w;
	struct path p;
	bool rcu = true, created;
	int err;

	do {
		err = walk_start(&w, a->dirfd, a->text, a->lookup | LOOKUP_PARENT, rcu);
		while (!err || err == 1) {
			w.kind = LAST_ROOT;
			err = walk_run(&w);
			if (err)
				break;
			err = open_last(&w, a, &p, &created);
			if (err != 1)
				break;
		}
		if (likely(!err))
			break;
		if (w.path.dentry || w.rcu || w.root_counted || w.buffer)
			walk_abort(&w);
		if (err != -ECHILD)
			return ERR_PTR(err);
		rcu = false;
	} while (1);
	if (S_ISDIR(p.dentry->inode->mode)) {
		path_put(&p);
		return ERR_PTR(-EISDIR);
	}
	return open_existing(&p, a->flags, created);
}

static struct file *open_by_kind(const struct open_args *a)
{
	if (likely(!(a->flags & (O_CREAT | O_TMPFILE | O_PATH)) || (a->flags & O_PATH)))
		return open_plain(a);
	if ((a->flags & O_TMPFILE) == O_TMPFILE)
		return open_tmpfile(a);
	if (a->flags & O_CREAT)
		return open_create(a);
	return open_plain(a);
}

struct file *vfs_open(const struct open_args *a)
{
	struct file *f;

	if (unlikely(!*a->text))
		return ERR_PTR(-ENOENT);
	f = open_by_kind(a);
	if (likely(!IS_ERR(f)))
		notify_file(f, IN_OPEN);
	return f;
}

struct file *file_open(const char *name, uint32_t flags, uint32_t mode)
{
	return vfs_open(&(struct open_args){
		.dirfd = AT_FDCWD, .text = name, .flags = flags, .mode = mode });
}

ssize_t file_read_kernel(struct file *f, void *buf, size_t len, int64_t *offset)
{
	struct iov_iter it;

	if (!(f->mode & FMODE_READ) && !(f->mode & FMODE_EXEC))
		return -EBADF;
	if (!f->ops->read)
		return -EINVAL;
	iov_iter_kernel(&it, buf, len);
	return f->ops->read(f, &it, offset);
}

ssize_t file_write_kernel(struct file *f, const void *buf, size_t len, int64_t *offset)
{
	struct iov_iter it;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	iov_iter_kernel(&it, (void *)(uintptr_t)buf, len);
	return f->ops->write(f, &it, offset);
}

/* Whatever stands there must be nobody else's, and not lead elsewhere. */
struct file *file_create_core(const char *name)
{
	const struct cred *me = current_cred();
	struct file *f = file_open(name, O_CREAT | O_RDWR | O_NOFOLLOW | O_LARGEFILE, 0600);
	int err = 0;

	if (IS_ERR(f))
		return f;
	if (!S_ISREG(f->inode->mode) || f->inode->nlink != 1)
		err = -EPERM;
	else if (f->inode->uid != me->fsuid)
		err = -EPERM;
	if (!err)
		err = vfs_truncate(f->inode, 0, ATTR_FILE);
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	return f;
}

char *file_path_format(const struct file *f, char *buf, size_t size)
{
	return f->path.dentry ? path_format(&f->path, buf, size) : ERR_PTR(-ENOENT);
}

bool file_has_name(const struct file *f)
{
	return f->inode && f->inode->nlink != 0;
}
