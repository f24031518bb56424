/* SPDX-License-Identifier: MIT */
/*
 * mount, umount2, pivot_root.
 */
#include <drivers/block.h>
#include <fs/namei.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mount.h>

#include "internal.h"
#include "mount_internal.h"
#include "writeback.h"

#define TYPE_MAX	64

static uint32_t to_mount_flags(unsigned long ms)
{
	return (ms & MS_RDONLY ? MOUNT_RDONLY : 0) | (ms & MS_NOSUID ? MOUNT_NOSUID : 0) |
	       (ms & MS_NODEV ? MOUNT_NODEV : 0) | (ms & MS_NOEXEC ? MOUNT_NOEXEC : 0) |
	       (ms & MS_NOATIME ? MOUNT_NOATIME : 0) | (ms & MS_NODIRATIME ? MOUNT_NODIRATIME : 0) |
	       (ms & MS_NOSYMFOLLOW ? MOUNT_NOSYMFOLLOW : 0) |
	       (ms & (MS_NOATIME | MS_STRICTATIME) ? 0 : (uint32_t)MOUNT_RELATIME);
}

#define CHANGEABLE (MOUNT_RDONLY | MOUNT_NOSUID | MOUNT_NODEV | MOUNT_NOEXEC | MOUNT_NOATIME | \
		    MOUNT_NODIRATIME | MOUNT_RELATIME | MOUNT_NOSYMFOLLOW)

/*
 * Set @bit of *flags unless there are writers (see the head of mount.c).  remount_lock is held, so
 * nobody else changes the bit or undoes ours.
 */
static int forbid_writing(uint32_t *flags, uint32_t bit, const uint32_t *writers)
{
	if (__atomic_fetch_or(flags, bit, __ATOMIC_SEQ_CST) & bit)
		return 0;
	if (!__atomic_load_n(writers, __ATOMIC_SEQ_CST))
		return 0;
	__atomic_fetch_and(flags, ~bit, __ATOMIC_SEQ_CST);
	return -EBUSY;
}

/*
 * Before it becomes read-only everything goes to the medium; nobody makes it dirty again.  Names
 * that only the cache remembers go first: they hold directories that were removed.
 */
static int write_all(struct super_block *sb)
{
	int err = 0;

	dentry_shrink_super(sb);
	if (IS_ENABLED(CONFIG_BLOCK))
		err = writeback_super(sb, true);
	if (!err && sb->ops->sync)
		err = sb->ops->sync(sb, true);
	return err;
}

static int remount_super(struct super_block *sb, unsigned long flags, char *data)
{
	bool was_rdonly = sb->flags & MS_RDONLY, closes = !was_rdonly && flags & MS_RDONLY;
	int err = closes ? forbid_writing(&sb->flags, SUPER_CLOSING, &sb->writers) : 0;

	if (err)
		return err;
	if (IS_ENABLED(CONFIG_BLOCK) && was_rdonly && !(flags & MS_RDONLY) && sb->bdev &&
	    READ_ONCE(sb->bdev->is_read_only))
		return -EACCES;
	if (closes)
		err = write_all(sb);
	if (!err && sb->ops->remount)
		err = sb->ops->remount(sb, (uint32_t)flags, data);
	if (!err && closes)
		__atomic_fetch_or(&sb->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
	if (!err && was_rdonly && !(flags & MS_RDONLY))
		__atomic_fetch_and(&sb->flags, ~(uint32_t)MS_RDONLY, __ATOMIC_SEQ_CST);
	if (closes)
		__atomic_fetch_and(&sb->flags, ~SUPER_CLOSING, __ATOMIC_SEQ_CST);
	return err;
}

/* The mount's own flags.  Its other bits belong to mount_lock, which does not wait for a disk. */
static int remount_mount(struct mount *m, unsigned long flags)
{
	int err = flags & MS_RDONLY ? forbid_writing(&m->flags, MOUNT_RDONLY, &m->writers) : 0;

	if (err)
		return err;
	mutex_lock(&mount_lock);
	__atomic_store_n(&m->flags, (m->flags & ~(uint32_t)CHANGEABLE) | to_mount_flags(flags),
			 __ATOMIC_SEQ_CST);
	mutex_unlock(&mount_lock);
	return 0;
}

static int remount(const struct path *p, unsigned long flags, char *data)
{
	int err = 0;

	if (p->dentry != p->mount->root)
		return -EINVAL;
	mutex_lock(&remount_lock);
	if (!(flags & MS_BIND))
		err = remount_super(p->mount->sb, flags, data);
	if (!err)
		err = remount_mount(p->mount, flags);
	mutex_unlock(&remount_lock);
	return err;
}

static int set_propagation(const struct path *p, unsigned long flags)
{
	if (p->dentry != p->mount->root || (flags & MS_SHARED))
		return -EINVAL;		/* see the head of mount.c */
	mutex_lock(&mount_lock);
	if (flags & MS_UNBINDABLE)
		p->mount->flags |= MOUNT_UNBINDABLE;
	else
		p->mount->flags &= ~(uint32_t)MOUNT_UNBINDABLE;
	mutex_unlock(&mount_lock);
	return 0;
}

static int new_mount(const struct path *where, const char *type_name,
		     const struct mount_args *args, unsigned long flags)
{
	const struct fs_type *type = fs_type_find(type_name);
	struct super_block *sb;
	struct mount *m;
	int err;

	if (!type)
		return -ENODEV;
	sb = type->mount(type, args);
	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	m = mount_create(sb, args->source, to_mount_flags(flags));
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	/* The same file system twice on one place would hide nothing and help nobody. */
	err = where->mount->sb == sb && where->dentry == where->mount->root ? -EBUSY :
		mount_at(m, where);
	if (err)
		mount_put(m);
	return err;
}

/* A string argument, "" for NULL; at most a page.  Error pointer. */
static char *get_text(uaddr_t user, size_t max)
{
	char *text = kzalloc(max, 0);
	long len;

	if (!text)
		return ERR_PTR(-ENOMEM);
	if (!user.v)
		return text;
	len = copy_string_from_user(text, user, max);
	if (len >= 0)
		return text;
	kfree(text);
	return ERR_PTR(len == -ENAMETOOLONG ? -EINVAL : len);
}

static int do_mount(const struct path *where, uaddr_t fstype, unsigned long flags,
		    struct mount_args *args)
{
	struct path from;
	char *type;
	int err;

	if ((flags & (MS_REMOUNT | MS_BIND)) == MS_REMOUNT || (flags & MS_REMOUNT))
		return remount(where, flags, args->data);
	if (flags & (MS_BIND | MS_MOVE)) {
		if (!*args->source)
			return -EINVAL;
		err = path_lookup(AT_FDCWD, args->source, LOOKUP_FOLLOW, &from);
		if (err)
			return err;
		err = flags & MS_BIND ? mount_bind(&from, where, flags & MS_REC) :
					mount_move(&from, where);
		path_put(&from);
		return err;
	}
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return set_propagation(where, flags);
	type = get_text(fstype, TYPE_MAX);
	if (IS_ERR(type))
		return (int)PTR_ERR(type);
	err = *type ? new_mount(where, type, args, flags) : -EINVAL;
	kfree(type);
	return err;
}

long sys_mount(uaddr_t source, uaddr_t target, uaddr_t fstype, unsigned long flags, uaddr_t data)
{
	struct mount_args args = { .flags = (uint32_t)flags };
	char *src, *text;
	struct path where;
	long err;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	if (!cred_overrides_files(current_cred()))
		return -EPERM;
	src = get_text(source, PATH_LEN_MAX);
	if (IS_ERR(src))
		return PTR_ERR(src);
	text = get_text(data, PATH_LEN_MAX);
	err = PTR_ERR(text);
	if (IS_ERR(text))
		goto free_source;
	err = path_lookup_user(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
	if (err)
		goto free_text;
	args.source = src;
	args.data = text;
	err = do_mount(&where, fstype, flags, &args);
	path_put(&where);
free_text:
	kfree(text);
free_source:
	kfree(src);
	return err;
}

long sys_umount2(uaddr_t target, unsigned int flags)
{
	struct path p;
	long err;

	if (flags & ~(unsigned int)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (flags & MNT_EXPIRE)
		return flags & (MNT_FORCE | MNT_DETACH) ? -EINVAL : -EAGAIN;
	if (!cred_overrides_files(current_cred()))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	err = mount_umount(&p, flags);
	path_put(&p);
	return err;
}

static void move_context(struct fs_context *fs, const struct path *from, const struct path *to)
{
	if (fs->root.dentry == from->dentry && fs->root.mount == from->mount)
		fs_context_set(fs, &fs->root, to);
	if (fs->cwd.dentry == from->dentry && fs->cwd.mount == from->mount)
		fs_context_set(fs, &fs->cwd, to);
}

/* The context of one process that stands in @old, counted; NULL: nobody is left. */
static struct fs_context *find_context_in(const struct path *old)
{
	struct fs_context *found = NULL;
	struct process *p;
	struct thread *t;

	spin_lock(&tasklist_lock);
	list_for_each_entry(p, &process_list, all_node) {
		list_for_each_entry(t, &p->threads, process_node) {
			struct fs_context *fs = t->fs;

			if (found || !fs)
				continue;
			if ((fs->root.dentry == old->dentry && fs->root.mount == old->mount) ||
			    (fs->cwd.dentry == old->dentry && fs->cwd.mount == old->mount)) {
				found = fs;
				fs_context_ref(fs);
			}
		}
	}
	spin_unlock(&tasklist_lock);
	return found;
}

long sys_pivot_root(uaddr_t new_root, uaddr_t put_old)
{
	struct path to, old, root;
	struct fs_context *fs;
	long err;

	if (!cred_overrides_files(current_cred()))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &to);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (err)
		goto put_to;
	path_get_root(&root);
	err = mount_pivot(&to, &old, &root);
	if (!err) {
		while ((fs = find_context_in(&root))) {
			move_context(fs, &root, &to);
			fs_context_put(fs);
		}
	}
	path_put(&root);
	path_put(&old);
put_to:
	path_put(&to);
	return err;
}
