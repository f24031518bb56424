/* SPDX-License-Identifier: MIT */
/*
 * From a path back to its name.
 */
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"
#include "mount_internal.h"

void path_get_root(struct path *root)
{
	struct fs_context *fs = current_thread()->fs;

	spin_lock(&fs->lock);
	*root = fs->root;
	path_ref(root);
	spin_unlock(&fs->lock);
}

void path_get_cwd(struct path *cwd)
{
	struct fs_context *fs = current_thread()->fs;

	spin_lock(&fs->lock);
	*cwd = fs->cwd;
	path_ref(cwd);
	spin_unlock(&fs->lock);
}

/* Write "/name" before *end; false when it does not fit in [buf, *end). */
static bool prepend(char *buf, char **end, const char *name, size_t len)
{
	if ((size_t)(*end - buf) < len + 1)
		return false;
	*end -= len;
	memcpy(*end, name, len);
	*--*end = '/';
	return true;
}

/* One attempt, under RCU; *reached tells whether @root was met on the way up. */
static char *format_once(const struct path *p, const struct path *root, char *buf, char *end,
			 bool *reached)
{
	const struct mount *m = p->mount;
	const struct dentry *d = p->dentry;
	const char *name;

	*reached = false;
	for (;;) {
		if (root && d == root->dentry && m == root->mount) {
			*reached = true;
			return end;
		}
		if (d == m->root || d->parent == d) {
			if (m->parent == m || d != m->root)
				return end;
			d = m->mountpoint;
			m = m->parent;
			continue;
		}
		/* once: a rename swaps it, and the length belongs to it */
		name = READ_ONCE(d->name);
		if (!prepend(buf, &end, name, strnlen(name, NAME_LEN_MAX)))
			return ERR_PTR(-ENAMETOOLONG);
		d = READ_ONCE(d->parent);
	}
}

char *path_format_from(const struct path *p, const struct path *root, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)";
	char *end = buf + size - 1, *text;
	uint32_t names, mounts;
	bool reached;

	*end = '\0';
	if (dentry_is_unlinked(p->dentry)) {
		if (size < sizeof(deleted) + 1)
			return ERR_PTR(-ENAMETOOLONG);
		end -= sizeof(deleted) - 1;
		memcpy(end, deleted, sizeof(deleted) - 1);
	}
	do {
		rcu_read_lock();
		names = __atomic_load_n(&dentry_move_seq, __ATOMIC_ACQUIRE);
		mounts = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE);
		text = format_once(p, root, buf, end, &reached);
		rcu_read_unlock();
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while (((names | mounts) & 1) ||
		 names != __atomic_load_n(&dentry_move_seq, __ATOMIC_RELAXED) ||
		 mounts != __atomic_load_n(&mount_seq, __ATOMIC_RELAXED));
	if (!IS_ERR(text) && text == end) {
		if (text == buf)
			return ERR_PTR(-ENAMETOOLONG);
		*--text = '/';
	}
	return text;
}

char *path_format(const struct path *p, char *buf, size_t size)
{
	struct path root;
	char *text;

	path_get_root(&root);
	text = path_format_from(p, &root, buf, size);
	path_put(&root);
	return text;
}

static void show_from(struct seq_file *m, const struct path *p, const struct path *root,
		      const char *escape)
{
	char *page = kmalloc(PATH_LEN_MAX, 0), *text;

	if (!page)
		return;
	text = root ? path_format_from(p, root, page, PATH_LEN_MAX) :
		      path_format(p, page, PATH_LEN_MAX);
	if (!IS_ERR(text))
		seq_escape(m, text, escape);
	kfree(page);
}

void seq_path(struct seq_file *m, const struct path *p, const char *escape)
{
	show_from(m, p, NULL, escape);
}

void mount_show_path(struct seq_file *m, const struct path *p)
{
	show_from(m, p, NULL, " \t\n\\");
}

/* The root of a mount within its file system. */
void mount_show_root(struct seq_file *m, const struct mount *mnt)
{
	struct mount fake = { .root = mnt->sb->root };
	struct path p = { &fake, mnt->root }, top = { &fake, mnt->sb->root };

	fake.parent = &fake;
	show_from(m, &p, &top, " \t\n\\");
}
