/* SPDX-License-Identifier: MIT */
/*
 * The path walk.  Before: fs/dcache.c (invariants I1 to I4).  After: fs/namei.c.
 *
 * A walk starts in RCU mode: it holds no reference, writes nothing shared, and carries for the
 * place where it stands the dentry's sequence count at the time it came.
 *
 * W1  In RCU mode, (path.dentry, inode) is what the name meant at a moment during the walk,
 *     provided path.dentry->seq is still seq.  Each step checks this for the dentry it leaves.
 * W2  A step over mounts counts only if mount_seq is unchanged since the start.
 * W3  Whatever RCU mode cannot do (ask the file system, sleep) begins with walk_unlazy(), which
 *     takes references and checks W1 and W2 once more; if that fails, the walk starts again from
 *     the beginning in reference mode (-ECHILD inside this file and namei.c, never outside).
 *
 * Following a symbolic link writes "text of the link" + "/" + "rest of the path" into a new buffer
 * and walks on in that: no stack of names, and a bound by the count of links.
 */
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"
#include "walk.h"

static bool mount_table_changed(const struct walk *w)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&mount_seq, __ATOMIC_RELAXED) != w->mount_seq;
}

static bool mount_try_ref(struct mount *m)
{
	return refcount_inc_not_zero(&m->refs);
}

/* References for path and, if @with_root, root.  Ends the RCU section in every case. */
static int legitimize(struct walk *w, bool with_root)
{
	struct mount *m = NULL, *rm = NULL;
	struct dentry *d = NULL, *rd = NULL;

	w->rcu = false;
	if (!mount_try_ref(w->path.mount))
		goto fail;
	m = w->path.mount;
	if (!dentry_legitimize(w->path.dentry, w->seq))
		goto fail;
	d = w->path.dentry;
	if (with_root && !w->root_counted) {
		if (!mount_try_ref(w->root.mount))
			goto fail;
		rm = w->root.mount;
		if (!dentry_try_ref(w->root.dentry))
			goto fail;
		rd = w->root.dentry;
	}
	if (mount_table_changed(w))
		goto fail;
	rcu_read_unlock();
	w->root_counted |= with_root;
	return 0;
fail:
	rcu_read_unlock();
	if (rd)
		dentry_put(rd);
	if (rm)
		mount_put(rm);
	if (d)
		dentry_put(d);
	if (m)
		mount_put(m);
	w->path.dentry = NULL;
	w->path.mount = NULL;
	return -ECHILD;
}

int walk_unlazy(struct walk *w)
{
	return w->rcu ? legitimize(w, true) : 0;
}

void walk_abort(struct walk *w)
{
	if (w->rcu) {
		rcu_read_unlock();
		w->rcu = false;
	} else if (w->path.dentry) {
		path_put(&w->path);
	}
	w->path.dentry = NULL;
	if (w->root_counted)
		path_put(&w->root);
	w->root_counted = false;
	if (w->buffer)
		kfree(w->buffer);
	w->buffer = NULL;
}

int walk_finish(struct walk *w, struct path *out)
{
	if (w->rcu) {
		int err = legitimize(w, false);

		if (err) {
			walk_abort(w);
			return err;
		}
	}
	*out = w->path;
	w->path.dentry = NULL;
	if (unlikely(w->root_counted || w->buffer))
		walk_abort(w);
	return 0;
}

/* The caller's root or working directory for RCU mode; a torn pair is caught by fs->seq. */
static void context_path(const struct path *from, struct path *to)
{
	struct fs_context *fs = current_thread()->fs;
	uint32_t seq;

	do {
		seq = __atomic_load_n(&fs->seq, __ATOMIC_ACQUIRE);
		*to = *(const volatile struct path *)from;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (unlikely(seq & 1) || unlikely(seq != __atomic_load_n(&fs->seq, __ATOMIC_RELAXED)));
}

static void stand_on(struct walk *w, struct dentry *d)
{
	w->path.dentry = d;
	w->seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE) & ~1u;
	w->inode = READ_ONCE(d->inode);
}

static int start_at_fd(struct walk *w, int dirfd)
{
	struct fd_ref r;

	/* A shared table's reference might be the last one, and dropping that sleeps. */
	if (w->rcu && refcount_read(&current_thread()->files->users) != 1)
		return -ECHILD;
	r = fd_get_raw(dirfd);
	if (!r.file)
		return -EBADF;
	if (!r.file->path.dentry || (*w->text && !S_ISDIR(r.file->inode->mode))) {
		fd_put(r);
		return -ENOTDIR;
	}
	w->path = r.file->path;
	if (!w->rcu)
		path_ref(&w->path);
	fd_put(r);
	return 0;
}

static int start_at(struct walk *w, int dirfd)
{
	struct fs_context *fs = current_thread()->fs;

	if (*w->text == '/' && !(w->flags & LOOKUP_IN_ROOT)) {
		if (w->flags & LOOKUP_BENEATH)
			return -EXDEV;
		w->path = w->root;
		if (!w->rcu)
			path_ref(&w->path);
		return 0;
	}
	if (dirfd != AT_FDCWD)
		return start_at_fd(w, dirfd);
	if (w->rcu)
		context_path(&fs->cwd, &w->path);
	else
		path_get_cwd(&w->path);
	return 0;
}

int walk_start(struct walk *w, int dirfd, const char *text, unsigned int flags, bool rcu)
{
	int err;

	w->flags = flags;
	w->links = 0;
	w->buffer = NULL;
	w->root_counted = false;
	w->trailing_slash = false;
	w->kind = LAST_ROOT;
	w->text = text;
	w->rcu = rcu && !(flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH | LOOKUP_NO_XDEV));
	w->path.dentry = NULL;
	if (w->rcu) {
		rcu_read_lock();
		w->mount_seq = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE) & ~1u;
		context_path(&current_thread()->fs->root, &w->root);
	} else {
		path_get_root(&w->root);
		w->root_counted = true;
	}
	err = start_at(w, dirfd);
	if (err) {
		walk_abort(w);
		return err;
	}
	if (flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH)) {
		path_put(&w->root);
		w->root = w->path;
		path_ref(&w->root);
	}
	stand_on(w, w->path.dentry);
	return 0;
}

/* Step onto what is mounted here. */
static int cross_mounts(struct walk *w)
{
	if (likely(!(__atomic_load_n(&w->path.dentry->flags, __ATOMIC_RELAXED) & DENTRY_MOUNTED)))
		return 0;
	if (w->rcu) {
		struct mount *m;

		while ((m = mount_find_rcu(w->path.mount, w->path.dentry))) {
			w->path.mount = m;
			stand_on(w, m->root);
		}
		return mount_table_changed(w) ? -ECHILD : 0;	/* W2 */
	}
	if (w->flags & LOOKUP_NO_XDEV) {
		struct mount *before = w->path.mount;

		path_follow_mounts(&w->path);
		if (w->path.mount != before)
			return -EXDEV;
	} else {
		path_follow_mounts(&w->path);
	}
	w->inode = w->path.dentry->inode;
	return 0;
}

static bool at_root(const struct walk *w)
{
	return w->path.dentry == w->root.dentry && w->path.mount == w->root.mount;
}

static int step_up_rcu(struct walk *w)
{
	struct dentry *d = w->path.dentry, *parent;

	while (!at_root(w)) {
		if (d != w->path.mount->root) {
			parent = READ_ONCE(d->parent);
			w->path.dentry = parent;
			if (__atomic_load_n(&d->seq, __ATOMIC_ACQUIRE) != w->seq)
				return -ECHILD;		/* W1 */
			break;
		}
		if (w->path.mount->parent == w->path.mount)
			break;
		d = w->path.mount->mountpoint;
		w->path.mount = w->path.mount->parent;
		if (mount_table_changed(w))
			return -ECHILD;
		stand_on(w, d);
	}
	stand_on(w, w->path.dentry);
	return cross_mounts(w);
}

static void set_path(struct walk *w, struct mount *m, struct dentry *d)
{
	path_put(&w->path);
	w->path.mount = m;
	w->path.dentry = d;
}

static int step_up(struct walk *w)
{
	if (w->rcu)
		return step_up_rcu(w);
	if ((w->flags & LOOKUP_BENEATH) && at_root(w))
		return -EXDEV;
	while (!at_root(w)) {
		struct path up;

		if (w->path.dentry != w->path.mount->root) {
			up.dentry = dentry_get_parent(w->path.dentry);
			mount_ref(w->path.mount);
			set_path(w, w->path.mount, up.dentry);
			break;
		}
		if (!mount_get_above(w->path.mount, &up))
			break;
		if (w->flags & LOOKUP_NO_XDEV) {
			path_put(&up);
			return -EXDEV;
		}
		set_path(w, up.mount, up.dentry);
	}
	w->inode = w->path.dentry->inode;
	return cross_mounts(w);
}

/* The child in reference mode, asking the file system: a counted dentry or an error pointer. */
static struct dentry *lookup_child(struct dentry *parent, const struct name *n)
{
	struct inode *dir = parent->inode;
	struct dentry *d = dentry_lookup_cached(parent, n);

	if (d && likely(!(d->flags & DENTRY_REVALIDATE)))
		return d;
	if (d && d->sb->dentry_ops->revalidate(d))
		return d;
	if (d)
		dentry_put(d);
	rwsem_lock_write(&dir->lock);
	if (unlikely(dir->nlink == 0))
		d = ERR_PTR(-ENOENT);
	else
		d = dentry_lookup_locked(parent, n);
	rwsem_unlock_write(&dir->lock);
	return d;
}

/* One ordinary component; leaves w on it, inode NULL when it does not exist. */
static int step_down(struct walk *w, const struct name *n)
{
	struct dentry *d, *parent = w->path.dentry;
	int err;

	if (likely(w->rcu)) {
		uint32_t seq;

		d = dentry_find_rcu(parent, n, &seq);
		if (likely(d) && likely(!(d->flags & DENTRY_REVALIDATE))) {
			w->inode = READ_ONCE(d->inode);
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (unlikely(__atomic_load_n(&d->seq, __ATOMIC_RELAXED) != seq) ||
			    unlikely(__atomic_load_n(&parent->seq, __ATOMIC_RELAXED) != w->seq))
				return -ECHILD;		/* W1 */
			w->path.dentry = d;
			w->seq = seq;
			return w->inode ? cross_mounts(w) : 0;
		}
		err = walk_unlazy(w);			/* W3 */
		if (err)
			return err;
	}
	d = lookup_child(parent, n);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dentry_put(parent);
	w->path.dentry = d;
	w->inode = d->inode;
	return w->inode ? cross_mounts(w) : 0;
}

static int may_search(struct walk *w)
{
	if (unlikely(!S_ISDIR(w->inode->mode)))
		return -ENOTDIR;
	if (unlikely(w->inode->flags & INODE_HAS_PERMISSION)) {
		int err = walk_unlazy(w);

		if (err)
			return err;
	}
	return inode_permission(w->inode, MAY_EXEC);
}

/* "text/rest" in a fresh buffer that replaces w->buffer. */
static int splice_text(struct walk *w, const char *link, size_t len, const char *rest)
{
	size_t rest_len = strlen(rest);
	char *b = kmalloc(len + rest_len + 10, w->rcu ? ALLOC_ATOMIC : 0);

	if (!b)
		return w->rcu ? -ECHILD : -ENOMEM;
	memcpy(b, link, len);
	if (rest_len)
		b[len++] = '/';
	memcpy(b + len, rest, rest_len);
	memset(b + len + rest_len, 0, 9);
	if (w->buffer)
		kfree(w->buffer);
	w->buffer = b;
	w->text = b;
	return 0;
}

static int jump_to_root(struct walk *w)
{
	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	if (w->rcu) {
		w->path = w->root;
	} else {
		path_put(&w->path);
		w->path = w->root;
		path_ref(&w->path);
	}
	stand_on(w, w->path.dentry);
	return 0;
}

/* A link to an object: w goes there at once. */
static int follow_magic(struct walk *w, struct inode *inode, const char *rest)
{
	struct path target;
	int err;

	if (w->flags & (LOOKUP_NO_MAGICLINKS | LOOKUP_BENEATH | LOOKUP_IN_ROOT))
		return -ELOOP;
	err = inode->ops->follow(inode, &target);
	if (err)
		return err;
	path_put(&w->path);
	w->path = target;
	w->inode = target.dentry->inode;
	return splice_text(w, "", 0, rest);
}

static int follow_text(struct walk *w, struct inode *inode, const char *rest)
{
	char *page;
	int len, err;

	if (inode->link) {
		err = splice_text(w, inode->link, strlen(inode->link), rest);
	} else {
		page = kmalloc(PATH_LEN_MAX, 0);
		if (!page)
			return -ENOMEM;
		len = inode_readlink(inode, page, PATH_LEN_MAX - 1);
		err = len < 0 ? len : len == 0 ? -ENOENT : splice_text(w, page, (size_t)len, rest);
		kfree(page);
	}
	if (!err && *w->text == '/')
		err = jump_to_root(w);
	return err;
}

/* @parent is the directory that the link stands in: where a relative text starts. */
static int follow_from(struct walk *w, struct path *parent, uint32_t parent_seq, const char *rest)
{
	struct inode *inode = w->inode;
	struct path link;
	int err;

	if (++w->links > WALK_LINKS_MAX || (w->flags & LOOKUP_NO_SYMLINKS) ||
	    (w->path.mount->flags & MOUNT_NOSYMFOLLOW)) {
		err = -ELOOP;
		goto put_parent;
	}
	if (w->rcu) {
		/* The text is certain if the link's dentry still is what it was. */
		uint32_t seq = w->seq;
		struct dentry *d = w->path.dentry;

		w->path = *parent;
		w->seq = parent_seq;
		w->inode = READ_ONCE(parent->dentry->inode);
		err = follow_text(w, inode, rest);
		if (!err && __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE) != seq)
			err = -ECHILD;
		return err;
	}
	if (inode->ops->follow) {
		err = follow_magic(w, inode, rest);
		goto put_parent;
	}
	/*
	 * The link is held by name and mount, for an absolute text lets go of the parent: an inode
	 * alone does not keep a file system that nobody has mounted any more.
	 */
	link = w->path;
	w->path = *parent;
	w->inode = parent->dentry->inode;
	err = follow_text(w, inode, rest);
	path_put(&link);
	return err;
put_parent:
	if (!w->rcu)
		path_put(parent);
	return err;
}

int walk_follow_link(struct walk *w, struct dentry *link, const char *rest)
{
	struct path parent = w->path;

	/* Reference mode: w stands in the parent; the caller's reference of the link moves in. */
	mount_ref(parent.mount);
	w->path.dentry = link;
	w->inode = link->inode;
	return follow_from(w, &parent, 0, rest);
}

/* Cut the next component off w->text. */
static const char *next_component(struct walk *w, const char *p, struct name *n)
{
	const char *start = p;
	uint64_t h = 0;

	while (*p && *p != '/')
		h = name_hash_add(h, (uint8_t)*p++);
	n->text = start;
	n->len = (uint32_t)(p - start);
	n->hash = name_hash_end(h);
	w->kind = LAST_NORMAL;
	if (unlikely(*start == '.')) {
		if (n->len == 1)
			w->kind = LAST_DOT;
		else if (n->len == 2 && start[1] == '.')
			w->kind = LAST_DOTDOT;
	}
	while (*p == '/')
		p++;
	return p;
}

static int step(struct walk *w, const struct name *n)
{
	if (likely(w->kind == LAST_NORMAL))
		return step_down(w, n);
	return w->kind == LAST_DOTDOT ? step_up(w) : 0;
}

int walk_run(struct walk *w)
{
	const char *p = w->text, *next;
	int err;

	while (*p == '/')
		p++;
	while (*p) {
		struct path parent;
		uint32_t parent_seq;
		struct name n;
		bool last;

		err = may_search(w);
		if (err)
			return err;
		next = next_component(w, p, &n);
		last = !*next;
		if (last) {
			w->trailing_slash = n.text[n.len] == '/';
			if (w->flags & LOOKUP_PARENT) {
				w->last = n;
				return 0;
			}
		}
		parent = w->path;
		parent_seq = w->seq;
		if (!w->rcu)
			path_ref(&parent);
		bool was_rcu = w->rcu;

		err = step(w, &n);
		if (unlikely(was_rcu && !w->rcu && !err)) {
			/*
			 * Reference mode began at this step, and nothing holds the parent: a link
			 * starts anew.
			 */
			if (unlikely(w->inode && S_ISLNK(w->inode->mode)))
				return -ECHILD;
			parent.dentry = NULL;
		} else if (unlikely(err) && was_rcu) {
			return err;
		}
		if (!err && unlikely(!w->inode))
			err = -ENOENT;
		if (!err && unlikely(S_ISLNK(w->inode->mode)) && w->kind == LAST_NORMAL &&
		    (!last || (w->flags & LOOKUP_FOLLOW) || w->trailing_slash)) {
			if (w->rcu && !w->inode->link) {
				/*
				 * The parent's references: start anew rather than take four at
				 * once.
				 */
				return -ECHILD;
			}
			err = follow_from(w, &parent, parent_seq, next);
			if (err)
				return err;
			p = w->text;
			while (*p == '/')
				p++;
			if (!*p)
				w->kind = LAST_ROOT;
			continue;
		}
		if (!w->rcu && parent.dentry)
			path_put(&parent);
		if (err)
			return err;
		p = next;
	}
	if (unlikely(w->flags & LOOKUP_PARENT))
		return 0;
	if (unlikely((w->flags & LOOKUP_DIRECTORY) || w->trailing_slash) &&
	    !S_ISDIR(w->inode->mode))
		return -ENOTDIR;
	return 0;
}

struct dentry *walk_peek_last(struct walk *w, uint32_t *seq)
{
	struct dentry *d = dentry_find_rcu(w->path.dentry, &w->last, seq);

	if (!d || (d->flags & (DENTRY_REVALIDATE | DENTRY_MOUNTED)))
		return NULL;
	return d;
}
