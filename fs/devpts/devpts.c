/* SPDX-License-Identifier: MIT */
/*
 * devpts: the directory of pseudo-terminal slaves.
 *
 * There is one for the machine, and every mount shows it.  Nothing is stored: names are found by
 * number in pty.c's table, and a cached name is valid while its inode has its link, which the
 * master's close takes.
 */
#include <drivers/pty.h>
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <lib/err.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <uapi/dirent.h>
#include <uapi/magic.h>
#include <uapi/major.h>

enum { INO_ROOT = 1, INO_PTMX = 2, INO_FIRST = 3 };

static const struct inode_ops node_ops = { 0 };

static struct super_block *devpts;	/* [I] after devpts_init() */
static struct inode *ptmx_inode;	/* [I] */
static struct {				/* [A] of the last mount or remount */
	uint32_t mode, ptmx_mode;
	uint32_t gid;
	bool has_gid;
} options = { .mode = 0600 };

struct inode *devpts_inode_alloc(uint32_t index)
{
	struct inode *inode;

	if (!devpts)
		return NULL;
	inode = inode_alloc(devpts, S_IFCHR | options.mode);
	if (!inode)
		return NULL;
	inode_init_owner(inode, NULL, inode->mode);
	inode_init_special(inode, DEV_MAKE(UNIX98_PTY_SLAVE_MAJOR, index));
	inode->ops = &node_ops;
	inode->ino = INO_FIRST + index;
	if (options.has_gid)
		inode->gid = options.gid;
	return inode;
}

void devpts_inode_drop(struct inode *inode)
{
	inode->nlink = 0;
	inode_put(inode);
}

/* The number that @name is in its one spelling, without leading zeros; false if it is none. */
static bool parse_index(const char *name, uint32_t *index)
{
	return !parse_u32(name, 10, index) && (name[0] != '0' || !name[1]) && name[0] != '+';
}

static int devpts_lookup(struct inode *dir, struct dentry *d)
{
	struct inode *inode = NULL;
	uint32_t index;

	if (str_eq(d->name, "ptmx")) {
		inode = ptmx_inode;
		inode_ref(inode);
	} else if (parse_index(d->name, &index)) {
		inode = pty_lookup_inode(index);
	}
	dentry_attach(d, inode);
	return 0;
}

/* An absent name may have come; a present one is good until its master closed. */
static bool devpts_revalidate(struct dentry *d)
{
	const struct inode *inode = d->inode;

	return inode && __atomic_load_n(&inode->nlink, __ATOMIC_RELAXED);
}

static const struct inode_ops dir_ops = {
	.lookup = devpts_lookup,
	.revalidate = devpts_revalidate,
};


/* Positions: 0 and 1 the dots, 2 ptmx, from 3 on the pairs by number. */
static int devpts_iterate(struct file *f, struct dir_context *ctx)
{
	static const struct { const char *name; uint8_t len, type; uint64_t ino; } fixed[] = {
		{ ".", 1, DT_DIR, INO_ROOT }, { "..", 2, DT_DIR, INO_ROOT },
		{ "ptmx", 4, DT_CHR, INO_PTMX },
	};
	char name[12];
	uint32_t index;

	for (; ctx->offset < (int64_t)ARRAY_SIZE(fixed); ctx->offset++) {
		unsigned int i = (unsigned int)ctx->offset;

		if (ctx->emit(ctx, fixed[i].name, fixed[i].len, ctx->offset + 1, fixed[i].ino,
			      fixed[i].type))
			return 0;
	}
	for (index = (uint32_t)(ctx->offset - INO_FIRST); pty_next(&index); index++) {
		size_t len = (size_t)scnprintf(name, sizeof(name), "%u", index);

		ctx->offset = (int64_t)index + INO_FIRST;
		if (ctx->emit(ctx, name, len, ctx->offset + 1, INO_FIRST + index, DT_CHR))
			return 0;
		ctx->offset++;
	}
	return 0;
}

static const struct file_ops dir_file_ops = { .iterate = devpts_iterate, .seek = generic_seek };

/* One word of the mount options; unknown ones are Linux's for other purposes, or wrong. */
static int parse_option(char *word)
{
	char *value = strchr(word, '=');
	uint32_t n;

	if (str_eq(word, "newinstance"))
		return 0;
	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (str_eq(word, "mode") && !parse_u32(value, 8, &n))
		options.mode = n & 0777;
	else if (str_eq(word, "ptmxmode") && !parse_u32(value, 8, &n))
		options.ptmx_mode = n & 0777;
	else if (str_eq(word, "gid") && !parse_u32(value, 10, &n)) {
		options.gid = n;
		options.has_gid = true;
	} else if (!str_eq(word, "uid") && !str_eq(word, "max")) {
		return -EINVAL;
	}
	return 0;
}

static int parse_options(char *text)
{
	while (text && *text) {
		char *next = strchr(text, ',');
		int err;

		if (next)
			*next++ = '\0';
		err = *text ? parse_option(text) : 0;
		if (err)
			return err;
		text = next;
	}
	if (ptmx_inode)
		ptmx_inode->mode = S_IFCHR | options.ptmx_mode;
	return 0;
}

static int devpts_remount(struct super_block *sb, uint32_t flags, char *data)
{
	return parse_options(data);
}

static void devpts_show_options(struct super_block *sb, struct seq_file *m)
{
	if (options.has_gid)
		seq_printf(m, ",gid=%u", options.gid);
	seq_printf(m, ",mode=%03o,ptmxmode=%03o", options.mode, options.ptmx_mode);
}

static const struct super_ops super_ops = {
	.remount = devpts_remount,
	.show_options = devpts_show_options,
};

static struct super_block *devpts_mount(const struct fs_type *type, const struct mount_args *args)
{
	int err = parse_options(args->data);

	if (err)
		return ERR_PTR(err);
	super_ref(devpts);
	return devpts;
}

static struct fs_type devpts_type = { .name = "devpts", .mount = devpts_mount };

static struct inode *make_inode(uint32_t mode, uint64_t ino)
{
	struct inode *inode = inode_alloc(devpts, mode);

	if (inode)
		inode->ino = ino;
	return inode;
}

static int devpts_init(void)
{
	struct super_block *sb = super_create(&devpts_type, &super_ops, DEVPTS_SUPER_MAGIC);
	struct inode *root;

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	devpts = sb;
	root = make_inode(S_IFDIR | 0755, INO_ROOT);
	ptmx_inode = make_inode(S_IFCHR, INO_PTMX);
	if (!root || !ptmx_inode)
		return -ENOMEM;
	inode_init_special(ptmx_inode, DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_PTMX));
	ptmx_inode->ops = &node_ops;
	root->ops = &dir_ops;
	root->fops = &dir_file_ops;
	root->nlink = 2;
	sb->dentry_ops = &dir_ops;
	sb->root = dentry_create_root(sb, root);
	if (!sb->root)
		return -ENOMEM;
	fs_register(&devpts_type);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, devpts_init);
