/* SPDX-License-Identifier: MIT */
/*
 * Lookup for everybody, and the operations on names: make, link, remove, rename.
 * The walk itself is fs/walk.c; open is fs/open.c.
 */
#include <fs/namei.h>
#include <fs/notify.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include "internal.h"
#include "walk.h"

int pathname_get(struct pathname *n, uaddr_t user, unsigned int flags)
{
	long len = copy_string_from_user(n->in_place, user, sizeof(n->in_place) - 8);

	n->allocated = NULL;
	n->text = n->in_place;
	if (unlikely(len == -ENAMETOOLONG)) {
		n->allocated = kmalloc(PATH_LEN_MAX + 8, 0);
		if (!n->allocated)
			return -ENOMEM;
		n->text = n->allocated;
		len = copy_string_from_user(n->allocated, user, PATH_LEN_MAX);
	}
	if (unlikely(len <= 0) && (len < 0 || !(flags & LOOKUP_EMPTY))) {
		pathname_put(n);
		return len < 0 ? (int)len : -ENOENT;
	}
	n->len = (uint32_t)len;
	return 0;
}

int path_lookup(int dirfd, const char *text, unsigned int flags, struct path *out)
{
	struct walk w;
	bool rcu = true;
	int err;

	if (!*text && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	do {
		err = walk_start(&w, dirfd, text, flags, rcu);
		if (!err) {
			err = walk_run(&w);
			if (likely(!err))
				err = walk_finish(&w, out);
			else
				walk_abort(&w);
		}
		if (likely(err != -ECHILD))
			return err;
		rcu = false;
	} while (1);
}

int path_lookup_user(int dirfd, uaddr_t name, unsigned int flags, struct path *out)
{
	struct pathname n;
	int err = pathname_get(&n, name, flags);

	if (err)
		return err;
	err = path_lookup(dirfd, n.text, flags, out);
	pathname_put(&n);
	return err;
}

int path_lookup_kernel(const char *text, unsigned int flags, struct path *out)
{
	return path_lookup(AT_FDCWD, text, flags, out);
}

int path_getattr(int dirfd, const char *text, unsigned int flags, struct kstat *st)
{
	struct walk w;
	struct path p;
	int err;

	err = walk_start(&w, dirfd, text, flags, true);
	if (!err) {
		err = walk_run(&w);
		if (likely(!err && w.rcu && (!w.inode->ops || !w.inode->ops->getattr ||
					     (w.inode->flags & INODE_FAST_STAT)))) {
			/* W1: what was read belongs to the name if seq still stands. */
			inode_getattr(w.inode, st);
			st->mount_id = (uint64_t)w.path.mount->id;
			if (w.path.dentry == w.path.mount->root)
				st->attributes |= STATX_ATTR_MOUNT_ROOT;
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (likely(__atomic_load_n(&w.path.dentry->seq, __ATOMIC_RELAXED) ==
				   w.seq)) {
				walk_abort(&w);
				return 0;
			}
		}
		walk_abort(&w);
		if (unlikely(err && err != -ECHILD))
			return err;
	} else if (err != -ECHILD) {
		return err;
	}
	err = path_lookup(dirfd, text, flags, &p);
	if (err)
		return err;
	inode_getattr(p.dentry->inode, st);
	st->mount_id = (uint64_t)p.mount->id;
	if (p.dentry == p.mount->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	path_put(&p);
	return 0;
}

int path_lookup_parent(int dirfd, const char *text, unsigned int flags, struct parent_lookup *p)
{
	struct walk w;
	bool rcu = true;
	int err;

	if (!*text)
		return -ENOENT;
	do {
		err = walk_start(&w, dirfd, text, flags | LOOKUP_PARENT, rcu);
		if (!err)
			err = walk_run(&w);
		if (likely(!err)) {
			p->last = w.last;
			p->kind = w.kind;
			p->trailing_slash = w.trailing_slash;
			p->buffer = w.buffer;
			w.buffer = NULL;
			err = walk_finish(&w, &p->parent);
			if (!err)
				return 0;
			kfree(p->buffer);
		} else if (w.path.dentry || w.rcu || w.root_counted || w.buffer) {
			walk_abort(&w);
		}
		rcu = false;
	} while (err == -ECHILD);
	return err;
}

void parent_lookup_put(struct parent_lookup *p)
{
	path_put(&p->parent);
	if (p->buffer)
		kfree(p->buffer);
}

/* The last component must be a name that can be made, removed or moved. */
static int last_must_be_normal(const struct parent_lookup *p, int dot_err, int root_err)
{
	if (likely(p->kind == LAST_NORMAL))
		return 0;
	return p->kind == LAST_ROOT ? root_err : dot_err;
}

static int may_create(struct inode *dir)
{
	if (unlikely(dir->nlink == 0))
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

/* Removing or renaming @victim from @dir. */
static int may_delete(struct inode *dir, struct dentry *victim, bool is_dir)
{
	const struct cred *c = current_cred();
	int err;

	if (!victim->inode)
		return -ENOENT;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if ((dir->mode & S_ISVTX) && c->fsuid != victim->inode->uid && c->fsuid != dir->uid &&
	    !cred_overrides_files(c))
		return -EPERM;
	if (is_dir) {
		if (!S_ISDIR(victim->inode->mode))
			return -ENOTDIR;
		if (victim->flags & DENTRY_ROOT)
			return -EBUSY;
	} else if (S_ISDIR(victim->inode->mode)) {
		return -EISDIR;
	}
	return 0;
}

/*
 * Parent locked and a negative dentry for the last name, or an error with nothing held.  The
 * caller ends with create_end().
 */
static struct dentry *create_begin(int dirfd, const char *text, bool is_dir,
				   struct parent_lookup *p)
{
	struct inode *dir;
	struct dentry *d;
	int err = path_lookup_parent(dirfd, text, 0, p);

	if (err)
		return ERR_PTR(err);
	err = last_must_be_normal(p, -EEXIST, -EEXIST);
	if (err)
		goto put;
	dir = p->parent.dentry->inode;
	rwsem_lock_write(&dir->lock);
	err = -ENOENT;
	if (dir->nlink == 0)
		goto unlock;
	d = dentry_lookup_locked(p->parent.dentry, &p->last);
	err = (int)PTR_ERR(d);
	if (IS_ERR(d))
		goto unlock;
	err = -EEXIST;
	if (d->inode)
		goto put_dentry;
	err = -ENOENT;
	if (!is_dir && p->trailing_slash)
		goto put_dentry;
	err = mount_want_write(p->parent.mount);
	if (!err)
		err = may_create(dir);
	if (!err)
		return d;
put_dentry:
	dentry_put(d);
unlock:
	rwsem_unlock_write(&dir->lock);
put:
	parent_lookup_put(p);
	return ERR_PTR(err);
}

static void create_end(struct parent_lookup *p, struct dentry *d)
{
	rwsem_unlock_write(&p->parent.dentry->inode->lock);
	dentry_put(d);
	parent_lookup_put(p);
}

static uint32_t apply_umask(uint32_t mode)
{
	return mode & ~current_thread()->fs->umask;
}

/* @out, unless it is NULL, gets a counted path of what was made. */
static int create_common(int dirfd, const char *text, uint32_t mode, dev_t rdev, struct path *out)
{
	struct parent_lookup p;
	struct dentry *d = create_begin(dirfd, text, S_ISDIR(mode), &p);
	struct inode *dir;
	int err;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = p.parent.dentry->inode;
	mode = (mode & S_IFMT) | apply_umask(mode & S_IALLUGO);
	err = dir->ops && dir->ops->create ? dir->ops->create(dir, d, mode, rdev) : -EPERM;
	if (!err)
		notify_entry(&(struct notify_entry){ dir, &p.last, IN_CREATE, 0, S_ISDIR(mode) });
	if (!err && out) {
		*out = (struct path){ p.parent.mount, d };
		path_ref(out);
	}
	create_end(&p, d);
	return err;
}

int vfs_create_in(const struct path *parent, const struct name *n, uint32_t mode, dev_t rdev)
{
	struct inode *dir = parent->dentry->inode;
	struct dentry *d;
	int err = -EPERM;

	rwsem_lock_write(&dir->lock);
	d = dentry_lookup_locked(parent->dentry, n);
	if (IS_ERR(d)) {
		rwsem_unlock_write(&dir->lock);
		return (int)PTR_ERR(d);
	}
	if (d->inode)
		err = -EEXIST;
	else if (dir->ops && dir->ops->create)
		err = dir->ops->create(dir, d, mode, rdev);
	rwsem_unlock_write(&dir->lock);
	dentry_put(d);
	return err;
}

int vfs_mknod(int dirfd, const char *text, uint32_t mode, dev_t rdev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG: case S_IFIFO: case S_IFSOCK:
		break;
	case S_IFCHR: case S_IFBLK:
		if (!cred_overrides_files(current_cred()))
			return -EPERM;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return create_common(dirfd, text, mode & (S_IFMT | S_IALLUGO), rdev, NULL);
}

int vfs_mknod_path(int dirfd, const char *text, uint32_t mode, struct path *out)
{
	return create_common(dirfd, text, mode, 0, out);
}

int vfs_mkdir(int dirfd, const char *text, uint32_t mode)
{
	return create_common(dirfd, text, S_IFDIR | (mode & (S_IRWXUGO | S_ISVTX)), 0, NULL);
}

int vfs_symlink(const char *target, int dirfd, const char *text)
{
	struct parent_lookup p;
	struct dentry *d;
	struct inode *dir;
	int err;

	if (!*target)
		return -ENOENT;
	d = create_begin(dirfd, text, false, &p);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = p.parent.dentry->inode;
	err = dir->ops && dir->ops->symlink ? dir->ops->symlink(dir, d, target) : -EPERM;
	if (!err)
		notify_entry(&(struct notify_entry){ dir, &p.last, IN_CREATE, 0, false });
	create_end(&p, d);
	return err;
}

/* The last name of a removal, its parent locked; -errno pointer with nothing held. */
static struct dentry *remove_begin(const struct parent_lookup *p)
{
	struct inode *dir = p->parent.dentry->inode;
	struct dentry *d;

	rwsem_lock_write(&dir->lock);
	d = dentry_lookup_locked(p->parent.dentry, &p->last);
	if (IS_ERR(d))
		rwsem_unlock_write(&dir->lock);
	return d;
}

/* As Linux orders it: one link less, perhaps the end of the inode, and the directory last. */
static void report_unlinked(const struct dentry *d, struct inode *inode,
			    const struct parent_lookup *p)
{
	notify_inode(inode, IN_ATTRIB);
	if (!d->inode && !inode->nlink)
		notify_gone(inode);
	notify_entry(&(struct notify_entry){ p->parent.dentry->inode, &p->last, IN_DELETE, 0,
					     false });
}

int vfs_unlink(int dirfd, const char *text)
{
	struct parent_lookup p;
	struct inode *dir, *inode;
	struct dentry *d;
	int err = path_lookup_parent(dirfd, text, 0, &p);

	if (err)
		return err;
	err = last_must_be_normal(&p, -EISDIR, -EISDIR);
	if (err)
		goto put;
	dir = p.parent.dentry->inode;
	d = remove_begin(&p);
	err = (int)PTR_ERR(d);
	if (IS_ERR(d))
		goto put;
	inode = d->inode;
	err = mount_want_write(p.parent.mount);
	if (!err)
		err = may_delete(dir, d, false);
	if (!err && p.trailing_slash)
		err = -ENOTDIR;
	if (!err) {
		rwsem_lock_write(&inode->lock);
		inode_ref(inode);
		err = mount_is_mountpoint(d) ? -EBUSY :
			dir->ops->unlink ? dir->ops->unlink(dir, d) : -EPERM;
		rwsem_unlock_write(&inode->lock);
		if (!err)
			report_unlinked(d, inode, &p);
	} else {
		inode = NULL;
	}
	rwsem_unlock_write(&dir->lock);
	dentry_put(d);
	if (inode)
		inode_put(inode);	/* after the locks: truncation may take long */
put:
	parent_lookup_put(&p);
	return err;
}

int vfs_rmdir(int dirfd, const char *text)
{
	struct parent_lookup p;
	struct inode *dir, *inode;
	struct dentry *d;
	int err = path_lookup_parent(dirfd, text, 0, &p);

	if (err)
		return err;
	err = p.kind == LAST_DOT ? -EINVAL : last_must_be_normal(&p, -ENOTEMPTY, -EBUSY);
	if (err)
		goto put;
	dir = p.parent.dentry->inode;
	d = remove_begin(&p);
	err = (int)PTR_ERR(d);
	if (IS_ERR(d))
		goto put;
	inode = d->inode;
	err = mount_want_write(p.parent.mount);
	if (!err)
		err = may_delete(dir, d, true);
	if (!err) {
		rwsem_lock_write(&inode->lock);
		err = mount_is_mountpoint(d) ? -EBUSY :
			dir->ops->rmdir ? dir->ops->rmdir(dir, d) : -EPERM;
		rwsem_unlock_write(&inode->lock);
	}
	rwsem_unlock_write(&dir->lock);
	dentry_put(d);
	if (!err)
		notify_entry(&(struct notify_entry){ dir, &p.last, IN_DELETE, 0, true });
put:
	parent_lookup_put(&p);
	return err;
}

/*
 * linkat() of a descriptor itself: who was handed one must not give the file a name where others
 * find it.
 */
static bool may_link_descriptor(int fd)
{
	struct fd_ref r = fd_get_raw(fd);
	bool may = r.file && (r.file->cred == current_cred() ||
			      cred_overrides_files(current_cred()));

	if (r.file)
		fd_put(r);
	return may;
}

int vfs_link(const struct link_args *a)
{
	struct parent_lookup p;
	struct path old;
	struct inode *dir, *inode;
	struct dentry *d;
	unsigned int flags = (a->flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
			     (a->flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	int err;

	if ((a->flags & AT_EMPTY_PATH) && !*a->old_text && !may_link_descriptor(a->old_dirfd))
		return -ENOENT;
	err = path_lookup(a->old_dirfd, a->old_text, flags, &old);
	if (err)
		return err;
	inode = old.dentry->inode;
	d = create_begin(a->new_dirfd, a->new_text, false, &p);
	err = (int)PTR_ERR(d);
	if (IS_ERR(d))
		goto put_old;
	dir = p.parent.dentry->inode;
	err = -EXDEV;
	if (p.parent.mount != old.mount || inode->sb != dir->sb)
		goto end;
	err = -EPERM;
	if (S_ISDIR(inode->mode) || !dir->ops->link)
		goto end;
	rwsem_lock_write(&inode->lock);
	err = inode->nlink == 0 && !(inode->flags & INODE_SEALABLE) ? -ENOENT : 0;
	if (!err)
		err = dir->ops->link(dir, d, inode);
	rwsem_unlock_write(&inode->lock);
	if (!err) {
		notify_inode(inode, IN_ATTRIB);
		notify_entry(&(struct notify_entry){ dir, &p.last, IN_CREATE, 0, false });
	}
end:
	create_end(&p, d);
put_old:
	path_put(&old);
	return err;
}

/* Lock both directories of a rename: ancestor first, else by address. */
static void lock_two_dirs(struct inode *a, struct inode *b, bool b_first)
{
	if (a == b) {
		rwsem_lock_write(&a->lock);
		return;
	}
	rwsem_lock_write(b_first ? &b->lock : &a->lock);
	rwsem_lock_write(b_first ? &a->lock : &b->lock);
}

static void unlock_two_dirs(struct inode *a, struct inode *b)
{
	rwsem_unlock_write(&a->lock);
	if (a != b)
		rwsem_unlock_write(&b->lock);
}

static void lock_victims(struct inode *a, struct inode *b)
{
	if (b == a)
		b = NULL;
	if (b && (uintptr_t)b < (uintptr_t)a)
		swap_values(a, b);
	rwsem_lock_write(&a->lock);
	if (b)
		rwsem_lock_write(&b->lock);
}

static void unlock_victims(struct inode *a, struct inode *b)
{
	rwsem_unlock_write(&a->lock);
	if (b && b != a)
		rwsem_unlock_write(&b->lock);
}

/* Everything that may forbid the rename, both directories locked. */
static int rename_check(const struct rename_args *r, const struct parent_lookup *op,
			const struct parent_lookup *np)
{
	bool is_dir = r->old->inode && S_ISDIR(r->old->inode->mode);
	struct inode *target = r->new->inode;
	int err;

	if (!r->old->inode)
		return -ENOENT;
	if ((r->flags & RENAME_NOREPLACE) && target)
		return -EEXIST;
	if ((r->flags & RENAME_EXCHANGE) && !target)
		return -ENOENT;
	if (!is_dir && (op->trailing_slash ||
			(np->trailing_slash && !(r->flags & RENAME_EXCHANGE))))
		return -ENOTDIR;
	if (dentry_is_below(np->parent.dentry, r->old))
		return -EINVAL;
	if (dentry_is_below(op->parent.dentry, r->new))
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	err = may_delete(r->old_dir, r->old, is_dir);
	if (err)
		return err;
	if (target)
		err = may_delete(r->new_dir, r->new, r->flags & RENAME_EXCHANGE ?
				 S_ISDIR(target->mode) : is_dir);
	else
		err = may_create(r->new_dir);
	/* A directory that moves gets a new "..". */
	if (!err && is_dir && r->old_dir != r->new_dir)
		err = inode_permission(r->old->inode, MAY_WRITE);
	if (!err && (r->flags & RENAME_EXCHANGE) && S_ISDIR(target->mode) &&
	    r->old_dir != r->new_dir)
		err = inode_permission(target, MAY_WRITE);
	return err;
}

static void report_moved(const struct rename_args *r, const struct parent_lookup *op,
			 const struct parent_lookup *np, struct inode *moved)
{
	struct notify_entry e = { r->old_dir, &op->last, IN_MOVED_FROM, notify_move_cookie(),
				  S_ISDIR(moved->mode) };

	notify_entry(&e);
	e.dir = r->new_dir;
	e.name = &np->last;
	e.mask = IN_MOVED_TO;
	notify_entry(&e);
}

/* @a went to the new name, where @b was or is NULL. */
static void report_renamed(const struct rename_args *r, const struct parent_lookup *op,
			   const struct parent_lookup *np, struct inode *b)
{
	struct rename_args back = { .old_dir = r->new_dir, .new_dir = r->old_dir };
	struct inode *a = r->old->inode;
	bool exchanged = r->flags & RENAME_EXCHANGE;

	report_moved(r, op, np, a);
	if (b && !exchanged)
		notify_inode(b, IN_ATTRIB);
	notify_inode(a, IN_MOVE_SELF);
	if (exchanged) {
		report_moved(&back, np, op, b);
		notify_inode(b, IN_MOVE_SELF);
	} else if (b && !b->nlink && !r->new->inode) {
		notify_gone(b);
	}
}

static int rename_locked(struct rename_args *r, const struct parent_lookup *op,
			 const struct parent_lookup *np)
{
	int err;

	r->old = dentry_lookup_locked(op->parent.dentry, &op->last);
	if (IS_ERR(r->old))
		return (int)PTR_ERR(r->old);
	r->new = dentry_lookup_locked(np->parent.dentry, &np->last);
	if (IS_ERR(r->new)) {
		dentry_put(r->old);
		return (int)PTR_ERR(r->new);
	}
	err = rename_check(r, op, np);
	if (!err && r->old->inode != r->new->inode) {
		struct inode *a = r->old->inode, *b = r->new->inode;

		if (b)
			inode_ref(b);
		lock_victims(a, b);
		if (mount_is_mountpoint(r->old) || (b && mount_is_mountpoint(r->new)))
			err = -EBUSY;
		else
			err = r->old_dir->ops->rename ? r->old_dir->ops->rename(r) : -EPERM;
		unlock_victims(a, b);
		if (!err && notify_is_on())
			report_renamed(r, op, np, b);
		if (b)
			inode_put(b);
	}
	dentry_put(r->new);
	dentry_put(r->old);
	return err;
}

int vfs_rename(const struct link_args *a)
{
	struct parent_lookup op, np;
	struct rename_args r = { .flags = a->flags };
	struct super_block *sb;
	int err;

	if ((a->flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    a->flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = path_lookup_parent(a->old_dirfd, a->old_text, 0, &op);
	if (err)
		return err;
	err = path_lookup_parent(a->new_dirfd, a->new_text, 0, &np);
	if (err)
		goto put_old;
	err = -EXDEV;
	if (op.parent.mount != np.parent.mount)
		goto put_new;
	err = last_must_be_normal(&op, -EBUSY, -EBUSY);
	if (!err)
		err = last_must_be_normal(&np, a->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY,
					  -EBUSY);
	if (!err)
		err = mount_want_write(op.parent.mount);
	if (err)
		goto put_new;
	r.old_dir = op.parent.dentry->inode;
	r.new_dir = np.parent.dentry->inode;
	sb = r.old_dir->sb;
	if (r.old_dir != r.new_dir)
		mutex_lock(&sb->rename_lock);	/* the tree stands still while we look at it */
	lock_two_dirs(r.old_dir, r.new_dir,
		      dentry_is_below(op.parent.dentry, np.parent.dentry) ||
		      (!dentry_is_below(np.parent.dentry, op.parent.dentry) &&
		       (uintptr_t)r.new_dir < (uintptr_t)r.old_dir));
	err = rename_locked(&r, &op, &np);
	unlock_two_dirs(r.old_dir, r.new_dir);
	if (r.old_dir != r.new_dir)
		mutex_unlock(&sb->rename_lock);
put_new:
	parent_lookup_put(&np);
put_old:
	parent_lookup_put(&op);
	return err;
}

int inode_readlink(struct inode *inode, char *buf, size_t size)
{
	struct path target;
	size_t len;
	char *page, *text;
	int err;

	if (inode->link) {
		len = min(strlen(inode->link), size);
		memcpy(buf, inode->link, len);
		return (int)len;
	}
	if (inode->ops->readlink)
		return inode->ops->readlink(inode, buf, size);
	if (!inode->ops->follow)
		return -EINVAL;
	err = inode->ops->follow(inode, &target);
	if (err)
		return err;
	page = kmalloc(PATH_LEN_MAX, 0);
	err = -ENOMEM;
	if (page) {
		text = path_format(&target, page, PATH_LEN_MAX);
		err = IS_ERR(text) ? (int)PTR_ERR(text) : (int)min(strlen(text), size);
		if (err >= 0)
			memcpy(buf, text, (size_t)err);
		kfree(page);
	}
	path_put(&target);
	return err;
}

int vfs_truncate(struct inode *inode, int64_t size, uint32_t attr)
{
	struct attr_change change = { .valid = ATTR_SIZE | attr, .size = size };
	int err;

	if (size < 0)
		return -EINVAL;
	if (size > inode->sb->max_file_size)
		return -EFBIG;
	rwsem_lock_write(&inode->lock);
	err = inode_setattr(inode, &change);
	rwsem_unlock_write(&inode->lock);
	return err;
}
