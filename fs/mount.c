/* SPDX-License-Identifier: MIT */
/*
 * The mount table: which tree covers which directory.
 *
 * There is one name space.  A mount is found by (mount, directory) in a hash table that
 * walks read under RCU; every change happens under mount_lock and inside an odd mount_seq.
 * A mounted mount holds one reference of itself (the table's), of its parent and of its mountpoint.
 *
 * What is mounted on is neither removed nor renamed: mounting takes the lock of the mountpoint's
 * inode before mount_lock, and who removes a name looks at the table with that lock held.  The
 * last reference of a mount may end a file system, which takes time and other locks: mounts are put
 * after mount_lock is released.
 *
 * Read-only: opening for writing counts first and then looks at the flag; making read-only
 * sets the flag first and then looks at the count (remount_lock), so one of the two sees the other.
 *
 * Propagation: every mount is private.  MS_PRIVATE, MS_SLAVE and MS_UNBINDABLE requests say what is
 * the case or is kept; MS_SHARED is refused with EINVAL, since nothing would be propagated.
 */
#include <fs/namei.h>
#include <fs/seq_file.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mount.h>

#include "internal.h"
#include "mount_internal.h"

#define MOUNT_BUCKETS 64

uint32_t mount_seq;
struct mount *root_mount;
struct mutex mount_lock = MUTEX_INIT(mount_lock, MOUNT);
struct mutex remount_lock = MUTEX_INIT(remount_lock, REMOUNT);
static struct hlist_head mount_hash[MOUNT_BUCKETS];	/* chains: any number of mounts */
static LIST_HEAD(all_mounts);			/* [R] mount_lock */
static int32_t next_mount_id = 1;		/* [A] */

static struct hlist_head *bucket(const struct mount *m, const struct dentry *d)
{
	uint64_t key = ((uintptr_t)m >> 5) + ((uintptr_t)d >> 6) * 31;

	return &mount_hash[(key ^ key >> 8) % MOUNT_BUCKETS];
}

void mount_change_begin(void)
{
	__atomic_store_n(&mount_seq, mount_seq + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void mount_change_end(void)
{
	__atomic_store_n(&mount_seq, mount_seq + 1, __ATOMIC_SEQ_CST);
}

void mount_ref(struct mount *m)
{
	refcount_inc(&m->refs);
}

static void mount_free_rcu(struct rcu_head *head)
{
	struct mount *m = container_of(head, struct mount, rcu);

	kfree(m->source);
	kfree(m);
}

void mount_put(struct mount *m)
{
	if (likely(!refcount_dec_and_test(&m->refs)))
		return;
	dentry_put(m->root);
	super_put(m->sb);
	rcu_call(&m->rcu, mount_free_rcu);
}

struct mount *mount_find_rcu(struct mount *parent, struct dentry *d)
{
	struct mount *m;

	hlist_for_each_entry_rcu(m, bucket(parent, d), hash_node)
		if (m->mountpoint == d && m->parent == parent)
			return m;
	return NULL;
}

/* What is mounted there, counted, or NULL. */
static struct mount *mount_get_on(struct mount *parent, struct dentry *d)
{
	struct mount *m;
	uint32_t seq;

	do {
		rcu_read_lock();
		seq = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE);
		m = mount_find_rcu(parent, d);
		if (m && !refcount_inc_not_zero(&m->refs))
			m = NULL;
		rcu_read_unlock();
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (likely(!(seq & 1) && seq == __atomic_load_n(&mount_seq, __ATOMIC_RELAXED)))
			return m;
		if (m)
			mount_put(m);
	} while (1);
}

void path_follow_mounts(struct path *p)
{
	struct mount *m;

	while (p->dentry->flags & DENTRY_MOUNTED) {
		m = mount_get_on(p->mount, p->dentry);
		if (!m)
			return;
		path_put(p);
		p->mount = m;
		p->dentry = m->root;
		dentry_ref(p->dentry);
	}
}

bool mount_get_above(struct mount *m, struct path *up)
{
	bool found = false;

	mutex_lock(&mount_lock);
	if (m->parent != m && m->parent) {
		up->mount = m->parent;
		up->dentry = m->mountpoint;
		path_ref(up);
		found = true;
	}
	mutex_unlock(&mount_lock);
	return found;
}

struct mount *mount_create(struct super_block *sb, const char *source, uint32_t flags)
{
	struct mount *m = kzalloc(sizeof(*m), 0);

	if (m)
		m->source = kstrdup(source, 0);
	if (!m || !m->source) {
		kfree(m);
		super_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	m->sb = sb;
	m->root = sb->root;
	dentry_ref(m->root);
	m->parent = m;
	m->mountpoint = m->root;
	m->flags = flags;
	m->id = __atomic_fetch_add(&next_mount_id, 1, __ATOMIC_RELAXED);
	refcount_set(&m->refs, 1);
	list_init(&m->children);
	list_init(&m->child_node);
	list_init(&m->node);
	return m;
}

struct mount *mount_internal(const struct fs_type *type)
{
	struct super_block *sb =
		type->mount(type, &(struct mount_args){ .source = "", .data = NULL });

	return IS_ERR(sb) ? ERR_CAST(sb) : mount_create(sb, "", MOUNT_INTERNAL);
}

/* mount_lock held: hang @m over @where; takes one reference of m, where.mount and where.dentry. */
void mount_attach(struct mount *m, const struct path *where)
{
	mount_change_begin();
	m->parent = where->mount;
	m->mountpoint = where->dentry;
	path_ref(where);
	__atomic_fetch_or(&where->dentry->flags, DENTRY_MOUNTED, __ATOMIC_RELAXED);
	hlist_add_head_rcu(&m->hash_node, bucket(m->parent, m->mountpoint));
	list_add_tail(&m->child_node, &m->parent->children);
	if (list_empty(&m->node))
		list_add_tail(&m->node, &all_mounts);
	mount_change_end();
}

bool mount_is_mountpoint(struct dentry *d)
{
	struct mount *m;
	bool found = false;

	if (likely(!(d->flags & DENTRY_MOUNTED)))
		return false;
	mutex_lock(&mount_lock);
	list_for_each_entry(m, &all_mounts, node)
		found |= m->mountpoint == d && m->parent != m;
	if (!found)
		__atomic_fetch_and(&d->flags, ~(uint32_t)DENTRY_MOUNTED, __ATOMIC_RELAXED);
	mutex_unlock(&mount_lock);
	return found;
}

/* mount_lock held.  The place it covered moves to @was. */
void mount_unhook(struct mount *m, struct path *was)
{
	mount_change_begin();
	was->mount = m->parent;
	was->dentry = m->mountpoint;
	hlist_del_rcu(&m->hash_node);
	list_del_init(&m->child_node);
	m->parent = m;
	m->mountpoint = m->root;
	mount_change_end();
}

/* mount_lock held: take @m and all below out of the name space; they are collected on @gone. */
static void detach_tree(struct mount *m, struct list *gone)
{
	struct mount *top = m, *next;

	/* Depth first without recursion: go down to a leaf, cut it off, go on at its parent. */
	for (;;) {
		struct mount *up = m->parent;

		if (!list_empty(&m->children)) {
			m = list_first_entry(&m->children, struct mount, child_node);
			continue;
		}
		next = m == top ? NULL : up;
		list_move_tail(&m->node, gone);
		m->flags |= MOUNT_DETACHED;
		mount_change_begin();
		hlist_del_rcu(&m->hash_node);
		list_del_init(&m->child_node);
		mount_change_end();
		if (!next)
			break;
		m = next;
	}
}

/* The next of @gone, cut off from its place, which goes to @was; NULL: there are no more. */
static struct mount *take_detached(struct list *gone, struct path *was)
{
	struct mount *m = NULL;

	mutex_lock(&mount_lock);
	if (!list_empty(gone)) {
		m = list_first_entry(gone, struct mount, node);
		*was = (struct path){ m->parent, m->mountpoint };
		list_del_init(&m->node);
		mount_change_begin();
		m->parent = m;
		m->mountpoint = m->root;
		mount_change_end();
	}
	mutex_unlock(&mount_lock);
	return m;
}

/* Put what detach_tree() has collected.  No lock is held. */
static void drop_detached(struct list *gone)
{
	struct path was;
	struct mount *m;

	while ((m = take_detached(gone, &was))) {
		path_put(&was);
		mount_put(m);
	}
}

/*
 * Lock the mount table, with @where as a place that stays while it is locked and may be mounted on;
 * or -errno with nothing held.
 */
static int mountpoint_lock(const struct path *where)
{
	struct dentry *d = where->dentry;
	int err = 0;

	rwsem_lock_write(&d->inode->lock);
	mutex_lock(&mount_lock);
	if (d->inode->nlink == 0 || (d->flags & DENTRY_DELETED))
		err = -ENOENT;
	else if (where->mount->flags & MOUNT_DETACHED)
		err = -EINVAL;
	if (err) {
		mutex_unlock(&mount_lock);
		rwsem_unlock_write(&d->inode->lock);
	}
	return err;
}

static void mountpoint_unlock(const struct path *where)
{
	mutex_unlock(&mount_lock);
	rwsem_unlock_write(&where->dentry->inode->lock);
}

/* mountpoint_lock() is held. */
static int attach_checked(struct mount *m, const struct path *where)
{
	if (S_ISDIR(m->root->inode->mode) != S_ISDIR(where->dentry->inode->mode))
		return -ENOTDIR;
	mount_attach(m, where);
	return 0;
}

int mount_at(struct mount *m, const struct path *where)
{
	int err = mountpoint_lock(where);

	if (err)
		return err;
	err = attach_checked(m, where);
	mountpoint_unlock(where);
	return err;
}

/*
 * References of a mount that nobody uses: the table's, and the caller's path.  A busy count that is
 * taken while we look makes the answer EBUSY at worst.
 */
int mount_umount(const struct path *p, uint32_t flags)
{
	struct mount *m = p->mount;
	LIST_HEAD(gone);
	int err = 0;

	if (p->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_lock);
	if (m->parent == m || (m->flags & MOUNT_DETACHED))
		err = -EINVAL;
	else if (m == root_mount)
		err = -EBUSY;
	else if (!(flags & MNT_DETACH) &&
		 (!list_empty(&m->children) || refcount_read(&m->refs) > 2))
		err = -EBUSY;
	else
		detach_tree(m, &gone);
	mutex_unlock(&mount_lock);
	drop_detached(&gone);
	return err;
}

static struct mount *clone_mount(struct mount *from, struct dentry *root)
{
	struct mount *m;

	super_ref(from->sb);
	m = mount_create(from->sb, from->source,
			 from->flags & ~(uint32_t)(MOUNT_DETACHED | MOUNT_UNBINDABLE));
	if (IS_ERR(m))
		return m;
	dentry_put(m->root);
	m->root = m->mountpoint = root;
	dentry_ref(root);
	return m;
}

/* mount_lock held: copies of the mounts below @from that stand below @root, hung into @to. */
static int clone_children(struct mount *from, struct dentry *root, struct mount *to)
{
	struct mount *c, *copy;
	int err = 0;

	/*
	 * all_mounts is in order of mounting, so parents come before children: map[] by walking it
	 * once.
	 */
	list_for_each_entry(c, &all_mounts, node)
		c->copy = NULL;
	from->copy = to;
	list_for_each_entry(c, &all_mounts, node) {
		struct path where;

		if (c == from || c == to || c->parent == c || !c->parent->copy || c->copy ||
		    (c->flags & MOUNT_UNBINDABLE) || c->is_copy)
			continue;
		if (c->parent == from && !dentry_is_below(c->mountpoint, root))
			continue;
		copy = clone_mount(c, c->root);
		if (IS_ERR(copy)) {
			err = (int)PTR_ERR(copy);
			break;
		}
		c->copy = copy;
		copy->is_copy = true;
		where.mount = c->parent->copy;
		where.dentry = c->mountpoint;
		mount_attach(copy, &where);
	}
	list_for_each_entry(c, &all_mounts, node)
		c->is_copy = false;
	return err;
}

int mount_bind(const struct path *from, const struct path *where, bool recursive)
{
	LIST_HEAD(gone);
	struct mount *m;
	int err;

	if (S_ISDIR(from->dentry->inode->mode) != S_ISDIR(where->dentry->inode->mode))
		return -ENOTDIR;
	if (from->mount->flags & MOUNT_UNBINDABLE)
		return -EINVAL;
	m = clone_mount(from->mount, from->dentry);
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	err = mountpoint_lock(where);
	if (err)
		goto put;
	err = from->mount->flags & MOUNT_DETACHED ? -EINVAL : attach_checked(m, where);
	if (err) {
		mountpoint_unlock(where);
		goto put;
	}
	/* The reference is the table's now: @m lives while the table is locked. */
	if (recursive)
		err = clone_children(from->mount, from->dentry, m);
	if (err)
		detach_tree(m, &gone);
	mountpoint_unlock(where);
	drop_detached(&gone);
	return err;
put:
	mount_put(m);
	return err;
}

int mount_move(const struct path *from, const struct path *where)
{
	struct path was = { NULL, NULL };
	struct mount *m = from->mount, *up;
	int err;

	if (from->dentry != m->root)
		return -EINVAL;
	err = mountpoint_lock(where);
	if (err)
		return err;
	if (m->parent == m || m == root_mount || (m->flags & MOUNT_DETACHED))
		err = -EINVAL;
	for (up = where->mount; !err; up = up->parent) {
		if (up == m)
			err = -ELOOP;
		if (up->parent == up)
			break;
	}
	if (!err && S_ISDIR(m->root->inode->mode) != S_ISDIR(where->dentry->inode->mode))
		err = -ENOTDIR;
	if (!err) {
		mount_unhook(m, &was);
		mount_attach(m, where);
	}
	mountpoint_unlock(where);
	if (was.dentry)
		path_put(&was);
	return err;
}

int mount_want_write(struct mount *m)
{
	return unlikely(mount_is_rdonly(m)) ? -EROFS : 0;
}

static void count_writers(struct mount *m, uint32_t n)
{
	__atomic_fetch_add(&m->writers, n, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&m->sb->writers, n, __ATOMIC_SEQ_CST);
}

int mount_get_writer(struct mount *m)
{
	int err = 0;

	count_writers(m, 1);
	if (likely(!mount_is_rdonly(m)))
		return 0;
	count_writers(m, -1U);
	/* Read-only, or somebody tries to make it so and may find that it cannot be. */
	mutex_lock(&remount_lock);
	if (mount_is_rdonly(m))
		err = -EROFS;
	else
		count_writers(m, 1);
	mutex_unlock(&remount_lock);
	return err;
}

void mount_put_writer(struct mount *m)
{
	count_writers(m, -1U);
}

/*
 * pivot_root(2): @new_root becomes the root of the name space, the old one hangs on @put_old; every
 * process whose root or directory was the old root moves along (pivot_contexts()).
 */
int mount_pivot(const struct path *new_root, const struct path *put_old, const struct path *root)
{
	struct mount *nm = new_root->mount, *om = root->mount, *up;
	struct path was_new = { NULL, NULL }, was_old = { NULL, NULL };
	int err = mountpoint_lock(put_old);

	if (err)
		return err;
	err = -EINVAL;
	if (new_root->dentry != nm->root || root->dentry != om->root || nm->parent == nm ||
	    ((nm->flags | om->flags) & MOUNT_DETACHED))
		goto out;
	err = -EBUSY;
	if (nm == om || put_old->mount == om)
		goto out;
	err = -EINVAL;
	for (up = put_old->mount; up != nm && up->parent != up; up = up->parent)
		;
	if (up != nm)
		goto out;
	mount_unhook(nm, &was_new);
	if (om->parent != om) {
		mount_unhook(om, &was_old);
		mount_attach(nm, &was_old);
	}
	mount_attach(om, put_old);
	if (om == root_mount)
		root_mount = nm;
	err = 0;
out:
	mountpoint_unlock(put_old);
	if (was_new.dentry)
		path_put(&was_new);
	if (was_old.dentry)
		path_put(&was_old);
	return err;
}

static void show_flags(struct seq_file *m, uint32_t flags, bool super_ro)
{
	seq_puts(m, (flags & MOUNT_RDONLY) || super_ro ? "ro" : "rw");
	if (flags & MOUNT_NOSUID)
		seq_puts(m, ",nosuid");
	if (flags & MOUNT_NODEV)
		seq_puts(m, ",nodev");
	if (flags & MOUNT_NOEXEC)
		seq_puts(m, ",noexec");
	if (flags & MOUNT_NOATIME)
		seq_puts(m, ",noatime");
	if (flags & MOUNT_NODIRATIME)
		seq_puts(m, ",nodiratime");
	if (flags & MOUNT_RELATIME)
		seq_puts(m, ",relatime");
	if (flags & MOUNT_NOSYMFOLLOW)
		seq_puts(m, ",nosymfollow");
}

static void show_source(struct seq_file *m, const struct mount *mnt)
{
	seq_escape(m, *mnt->source ? mnt->source : "none", " \t\n\\#");
}

void mounts_show(struct seq_file *m)
{
	struct mount *mnt;

	mutex_lock(&mount_lock);
	list_for_each_entry(mnt, &all_mounts, node) {
		struct path p = { mnt, mnt->root };

		show_source(m, mnt);
		seq_putc(m, ' ');
		mount_show_path(m, &p);
		seq_printf(m, " %s ", mnt->sb->type->name);
		show_flags(m, mnt->flags, mnt->sb->flags & MS_RDONLY);
		if (mnt->sb->ops->show_options)
			mnt->sb->ops->show_options(mnt->sb, m);
		seq_puts(m, " 0 0\n");
	}
	mutex_unlock(&mount_lock);
}

void mountinfo_show(struct seq_file *m)
{
	struct mount *mnt;

	mutex_lock(&mount_lock);
	list_for_each_entry(mnt, &all_mounts, node) {
		struct path p = { mnt, mnt->root };

		seq_printf(m, "%d %d %u:%u ", mnt->id, mnt->parent->id, DEV_MAJOR(mnt->sb->dev),
			   DEV_MINOR(mnt->sb->dev));
		mount_show_root(m, mnt);
		seq_putc(m, ' ');
		mount_show_path(m, &p);
		seq_putc(m, ' ');
		show_flags(m, mnt->flags, false);
		seq_printf(m, " - %s ", mnt->sb->type->name);
		show_source(m, mnt);
		seq_printf(m, " %s", mnt->sb->flags & MS_RDONLY ? "ro" : "rw");
		if (mnt->sb->ops->show_options)
			mnt->sb->ops->show_options(mnt->sb, m);
		seq_putc(m, '\n');
	}
	mutex_unlock(&mount_lock);
}

void mountstats_show(struct seq_file *m)
{
	struct mount *mnt;

	mutex_lock(&mount_lock);
	list_for_each_entry(mnt, &all_mounts, node) {
		struct path p = { mnt, mnt->root };

		seq_puts(m, "device ");
		show_source(m, mnt);
		seq_puts(m, " mounted on ");
		mount_show_path(m, &p);
		seq_printf(m, " with fstype %s\n", mnt->sb->type->name);
	}
	mutex_unlock(&mount_lock);
}

void vfs_mount_root(void)
{
	const struct fs_type *type = fs_type_find("tmpfs");
	static char options[] = "mode=755,size=90%";
	struct super_block *sb;
	struct fs_context *fs;
	struct path root;

	if (!type)
		panic("fs: tmpfs is not registered");
	sb = type->mount(type, &(struct mount_args){ .source = "rootfs", .data = options });
	if (IS_ERR(sb))
		panic("fs: cannot make the root file system: error %ld", PTR_ERR(sb));
	root_mount = mount_create(sb, "rootfs", 0);
	if (IS_ERR(root_mount))
		panic("fs: no memory for the root mount");
	list_add_tail(&root_mount->node, &all_mounts);
	root.mount = root_mount;
	root.dentry = root_mount->root;
	fs = fs_context_create(&root);
	if (!fs)
		panic("fs: no memory for the first fs_context");
	current_thread()->fs = fs;
}
