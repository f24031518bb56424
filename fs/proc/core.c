/* SPDX-License-Identifier: MIT */
/*
 * procfs: the registered tree and the root directory.
 *
 * Registered entries are nodes that live for ever; dentries and inodes are made as they are
 * looked up.  Names below /proc/PID come from pid.c and are revalidated at every
 * lookup, since a number may stand for another process a moment later.
 */
#include <fs/namei.h>
#include <kernel/init.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/dirent.h>
#include <uapi/magic.h>

#include "proc.h"

#define PID_OFFSET	0x10000		/* directory positions of processes in the root */

struct proc_node {
	struct proc_entry e;
	const char *name;		/* last part of e.name; not terminated */
	size_t len;
	struct proc_node *parent;
	struct list children, sibling;	/* [R] tree_lock */
	uint64_t number;
	bool is_dir;
};

static struct mutex tree_lock = MUTEX_INIT(tree_lock, REGISTRY);
static struct proc_node root = { .name = "", .is_dir = true, .children = LIST_INIT(root.children),
				 .number = 1 };
static uint64_t next_number = 2;	/* [R] tree_lock */
struct super_block *proc_sb;

static struct proc_node *find_child(struct proc_node *dir, const char *name, size_t len)
{
	struct proc_node *n;

	list_for_each_entry(n, &dir->children, sibling)
		if (n->len == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

static struct proc_node *add_child(struct proc_node *dir, const char *name, size_t len)
{
	struct proc_node *n = kzalloc(sizeof(*n), 0);

	if (!n)
		return NULL;
	n->name = name;
	n->len = len;
	n->parent = dir;
	n->number = next_number++;
	list_init(&n->children);
	list_add_tail(&n->sibling, &dir->children);
	return n;
}

int proc_register(const struct proc_entry *e)
{
	struct proc_node *dir = &root, *n;
	const char *name = e->name, *slash;
	int err = -ENOMEM;

	mutex_lock(&tree_lock);
	while ((slash = strchr(name, '/'))) {
		n = find_child(dir, name, (size_t)(slash - name));
		if (!n)
			n = add_child(dir, name, (size_t)(slash - name));
		if (!n)
			goto unlock;
		n->is_dir = true;
		dir = n;
		name = slash + 1;
	}
	err = -EEXIST;
	if (find_child(dir, name, strlen(name)))
		goto unlock;
	err = -ENOMEM;
	n = add_child(dir, name, strlen(name));
	if (!n)
		goto unlock;
	n->e = *e;
	n->is_dir = !e->show && !e->link && !e->fops;
	err = 0;
unlock:
	mutex_unlock(&tree_lock);
	return err;
}

/* Values. */

static int value_show(struct seq_file *m)
{
	const struct proc_value *v = m->priv;

	seq_printf(m, "%lld\n", v->kind == PROC_INT ? (long long)*(int *)v->value :
						      (long long)*(uint64_t *)v->value);
	return 0;
}

static int value_write(void *priv, char *text, size_t len)
{
	const struct proc_value *v = priv;
	bool negative = *text == '-';
	int64_t n = 0;

	text += negative;
	if (!char_is_digit(*text))
		return -EINVAL;
	for (; char_is_digit(*text); text++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n))
			return -EINVAL;
	n = negative ? -n : n;
	if (n < v->min || n > v->max)
		return -EINVAL;
	if (v->kind == PROC_INT)
		WRITE_ONCE(*(int *)v->value, (int)n);
	else
		WRITE_ONCE(*(uint64_t *)v->value, (uint64_t)n);
	return 0;
}

int proc_register_value(const struct proc_value *v)
{
	struct proc_value *copy = kmemdup(v, sizeof(*v), 0);

	if (!copy)
		return -ENOMEM;
	return proc_register(&(struct proc_entry){
		.name = v->name, .mode = v->mode ? v->mode : 0644, .show = value_show,
		.write = value_write, .priv = copy });
}

/* Open files of registered entries. */

static const struct proc_node *node_of(const struct inode *inode)
{
	return proc_inode_of(inode)->entry;
}

static int node_open(struct inode *inode, struct file *f)
{
	const struct proc_node *n = node_of(inode);

	return seq_open(f, n->e.show, n->e.priv);
}

static ssize_t node_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	const struct proc_node *n = node_of(f->inode);
	size_t len = from->count;
	char *text;
	int err;

	if (!n->e.write)
		return -EIO;
	if (len >= PAGE_SIZE)
		return -EINVAL;
	text = kmalloc(len + 1, 0);
	if (!text)
		return -ENOMEM;
	err = -EFAULT;
	if (iov_copy_from(from, text, len) == len) {
		text[len] = '\0';
		err = n->e.write(n->e.priv, text, len);
	}
	kfree(text);
	return err ? err : (ssize_t)len;
}

static const struct file_ops node_ops = {
	.open = node_open, .read = seq_read, .write = node_write, .seek = seq_seek,
	.release = seq_release,
};

/* Directories. */

static int node_lookup(struct inode *dir, struct dentry *d);
static int node_iterate(struct file *f, struct dir_context *ctx);

static const struct inode_ops node_dir_ops = { .lookup = node_lookup };
static const struct inode_ops node_file_ops = { .setattr = setattr_ignore_size };
static const struct file_ops node_dir_fops = { .iterate = node_iterate };

struct proc_inode *proc_inode_create(uint32_t mode)
{
	struct proc_inode *pi = kzalloc(sizeof(*pi), 0);

	if (!pi)
		return NULL;
	inode_init(&pi->inode, proc_sb, mode);
	pi->inode.nlink = S_ISDIR(mode) ? 2 : 1;
	return pi;
}

static struct inode *node_inode(const struct proc_node *n)
{
	uint32_t type = n->is_dir ? S_IFDIR : n->e.link ? S_IFLNK : S_IFREG;
	uint32_t mode = n->e.mode ? n->e.mode : n->is_dir ? 0555 : n->e.link ? 0777 : 0444;
	struct proc_inode *pi = proc_inode_create(type | mode);

	if (!pi)
		return NULL;
	pi->entry = n;
	pi->inode.ino = n->number;
	pi->inode.link = n->e.link;
	pi->inode.priv = n->e.priv;
	pi->inode.ops = n->is_dir ? &node_dir_ops : &node_file_ops;
	pi->inode.fops = n->is_dir ? &node_dir_fops : n->e.fops ? n->e.fops : &node_ops;
	return &pi->inode;
}

static int number_of(const char *text, size_t len)
{
	int n = 0;

	if (!len || len > 9 || (len > 1 && text[0] == '0'))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!char_is_digit(text[i]))
			return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

/* self and thread-self: what they say depends on the reader. */
static int attach_self(struct dentry *d, const struct inode_ops *ops)
{
	struct proc_inode *pi = proc_inode_create(S_IFLNK | 0777);

	if (!pi)
		return -ENOMEM;
	pi->inode.ops = ops;
	dentry_attach(d, &pi->inode);
	return 0;
}

static bool name_is(const struct dentry *d, const char *text)
{
	return d->len == strlen(text) && !memcmp(d->name, text, d->len);
}

static int node_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_node *parent = (struct proc_node *)(uintptr_t)node_of(dir), *n;
	struct inode *inode;
	int nr;

	mutex_lock(&tree_lock);
	n = find_child(parent, d->name, d->len);
	mutex_unlock(&tree_lock);
	if (n) {
		inode = node_inode(n);
		if (!inode)
			return -ENOMEM;
		dentry_attach(d, inode);
		return 0;
	}
	if (parent == &root && name_is(d, "self"))
		return attach_self(d, &proc_self_ops);
	if (parent == &root && name_is(d, "thread-self"))
		return attach_self(d, &proc_thread_self_ops);
	nr = parent == &root ? number_of(d->name, d->len) : -1;
	if (nr > 0)
		return pid_dir_lookup(d, nr);
	dentry_attach(d, NULL);
	return 0;
}

static int emit_dots(struct file *f, struct dir_context *ctx)
{
	if (ctx->offset == 0) {
		if (ctx->emit(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
			return 1;
		ctx->offset = 1;
	}
	if (ctx->offset == 1) {
		if (ctx->emit(ctx, "..", 2, 2, f->path.dentry->parent->inode->ino, DT_DIR))
			return 1;
		ctx->offset = 2;
	}
	return 0;
}

static int emit_pids(struct dir_context *ctx)
{
	char name[12];

	for (;;) {
		int nr = pid_next((int)(ctx->offset - PID_OFFSET));
		size_t len;

		if (nr < 0)
			return 0;
		len = scnprintf(name, sizeof(name), "%d", nr);
		if (ctx->emit(ctx, name, len, PID_OFFSET + nr + 1, (uint64_t)nr << 20, DT_DIR)) {
			ctx->offset = PID_OFFSET + nr;
			return 0;
		}
		ctx->offset = PID_OFFSET + nr + 1;
	}
}

static int node_iterate(struct file *f, struct dir_context *ctx)
{
	struct proc_node *dir = (struct proc_node *)(uintptr_t)node_of(f->inode), *n;
	int64_t at = 2;

	if (emit_dots(f, ctx))
		return 0;
	mutex_lock(&tree_lock);
	list_for_each_entry(n, &dir->children, sibling) {
		if (at++ < ctx->offset)
			continue;
		if (ctx->emit(ctx, n->name, n->len, at, n->number,
			      n->is_dir ? DT_DIR : n->e.link ? DT_LNK : DT_REG)) {
			mutex_unlock(&tree_lock);
			return 0;
		}
		ctx->offset = at;
	}
	mutex_unlock(&tree_lock);
	if (dir != &root)
		return 0;
	if (ctx->offset < PID_OFFSET - 1) {
		if (ctx->emit(ctx, "self", 4, PID_OFFSET - 1, 1ULL << 39, DT_LNK))
			return 0;
		ctx->offset = PID_OFFSET - 1;
	}
	if (ctx->offset < PID_OFFSET) {
		if (ctx->emit(ctx, "thread-self", 11, PID_OFFSET, (1ULL << 39) + 1, DT_LNK))
			return 0;
		ctx->offset = PID_OFFSET;
	}
	if (ctx->offset == PID_OFFSET)
		ctx->offset = PID_OFFSET + 1;
	return emit_pids(ctx);
}

/* The file system. */

static bool proc_revalidate(struct dentry *d)
{
	struct inode *inode = READ_ONCE(d->inode);
	struct proc_inode *pi;

	if (!inode)
		return false;		/* what was not there may be now */
	pi = proc_inode_of(inode);
	if (!pi->pid)
		return true;
	if (pi->fd >= 0 || !pid_is_alive(pi->pid))
		return false;
	pid_refresh_owner(pi);
	return true;
}

static const struct inode_ops revalidate_ops = { .revalidate = proc_revalidate };

static void proc_evict(struct inode *inode)
{
	struct proc_inode *pi = proc_inode_of(inode);

	if (pi->pid)
		pid_put(pi->pid);
}

static void proc_free_inode(struct inode *inode)
{
	kfree(proc_inode_of(inode));
}

static const struct super_ops proc_super_ops = {
	.evict = proc_evict, .free_inode = proc_free_inode,
};

static struct super_block *proc_mount(const struct fs_type *type, const struct mount_args *args)
{
	super_ref(proc_sb);
	return proc_sb;
}

static struct fs_type proc_type = { .name = "proc", .mount = proc_mount };

static int proc_init(void)
{
	struct inode *inode;

	proc_sb = super_create(&proc_type, &proc_super_ops, PROC_SUPER_MAGIC);
	if (IS_ERR(proc_sb))
		return (int)PTR_ERR(proc_sb);
	proc_sb->next_ino = 1ULL << 40;		/* above all registered numbers */
	proc_sb->dentry_ops = &revalidate_ops;
	inode = node_inode(&root);
	if (!inode)
		return -ENOMEM;
	proc_sb->root = dentry_create_root(proc_sb, inode);
	if (!proc_sb->root)
		return -ENOMEM;
	fs_register(&proc_type);
	proc_system_init();
	return 0;
}
INITCALL(INIT_SUBSYSTEM, proc_init);
