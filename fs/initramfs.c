/* SPDX-License-Identifier: MIT */
/*
 * The initramfs: cpio archives, each plain or compressed, one after the other, into the root.
 *
 * The archive comes from outside and may be damaged: the readers of lib check it, this
 * file makes what they report.  Data goes from the archive (or the decoder's window)
 * straight into page-cache pages.
 */
#include <arch/mmu.h>
#include <fs/initramfs.h>
#include <fs/namei.h>
#include <kernel/log.h>
#include <lib/cpio.h>
#include <lib/decompress.h>
#include <lib/map.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include "internal.h"

#define WORKSPACE_MAX	(64 * MIB)

struct unpacker {
	struct cpio_stream stream;
	struct file *file;		/* of the entry whose data comes */
	int64_t position;
	char *link;			/* text of the symbolic link whose data comes */
	size_t link_len;
	char path[CPIO_NAME_MAX + 8];	/* of the entry, "/" in front */
	struct list links;		/* struct hard_link: inodes seen with more than one name */
	uint64_t bytes, files;
};

struct hard_link {
	struct list node;
	uint32_t ino, dev_major, dev_minor;
	char path[];
};

/* "./a/b/" to "/a/b" in u->path. */
static void set_path(struct unpacker *u, const char *name)
{
	size_t len;

	while (name[0] == '.' && name[1] == '/')
		name += 2;
	while (*name == '/')
		name++;
	if (str_eq(name, "."))
		name++;
	len = strnlen(name, CPIO_NAME_MAX);
	memset(u->path, 0, sizeof(u->path));
	u->path[0] = '/';
	memcpy(u->path + 1, name, len);
	while (len && u->path[len] == '/')
		u->path[len--] = '\0';
}

static struct hard_link *find_link(struct unpacker *u, const struct cpio_entry *e)
{
	struct hard_link *l;

	list_for_each_entry(l, &u->links, node)
		if (l->ino == e->ino && l->dev_major == e->dev_major &&
		    l->dev_minor == e->dev_minor)
			return l;
	return NULL;
}

static int remember_link(struct unpacker *u, const struct cpio_entry *e)
{
	size_t len = strlen(u->path);
	struct hard_link *l = kzalloc(sizeof(*l) + len + 9, 0);

	if (!l)
		return -ENOMEM;
	l->ino = e->ino;
	l->dev_major = e->dev_major;
	l->dev_minor = e->dev_minor;
	memcpy(l->path, u->path, len);
	list_add(&l->node, &u->links);
	return 0;
}

static void set_attributes(const char *path, const struct cpio_entry *e)
{
	struct attr_change a = { .valid = ATTR_UID | ATTR_GID | ATTR_MODE | ATTR_ATIME |
				 ATTR_MTIME };
	struct path p;

	if (path_lookup_kernel(path, 0, &p))
		return;
	a.uid = e->uid;
	a.gid = e->gid;
	a.mode = e->mode;
	a.atime_ns = a.mtime_ns = (int64_t)e->mtime * NSEC_PER_SEC;
	inode_apply_attr(p.dentry->inode, &a);
	path_put(&p);
}

static int begin_file(struct unpacker *u, const struct cpio_entry *e)
{
	struct hard_link *l = e->nlink > 1 ? find_link(u, e) : NULL;
	int err;

	if (l) {
		struct link_args a = { .old_dirfd = AT_FDCWD, .new_dirfd = AT_FDCWD,
				       .old_text = l->path, .new_text = u->path };

		(void)vfs_unlink(AT_FDCWD, u->path);
		err = vfs_link(&a);
		if (err)
			return err;
	} else if (e->nlink > 1) {
		err = remember_link(u, e);
		if (err)
			return err;
	}
	if (l && !e->size)
		return 0;
	u->file = file_open(u->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (IS_ERR(u->file)) {
		err = (int)PTR_ERR(u->file);
		u->file = NULL;
		return err;
	}
	u->position = 0;
	return 0;
}

static int begin_entry(void *arg, const struct cpio_entry *e)
{
	struct unpacker *u = arg;
	int err = 0;

	set_path(u, e->name);
	u->files++;
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		return begin_file(u, e);
	case S_IFDIR:
		if (u->path[1])
			err = vfs_mkdir(AT_FDCWD, u->path, e->mode & 07777);
		return err == -EEXIST ? 0 : err;
	case S_IFLNK:
		if (e->size >= PATH_LEN_MAX)
			return -ENAMETOOLONG;
		u->link = kzalloc(e->size + 1, 0);
		u->link_len = 0;
		return u->link ? 0 : -ENOMEM;
	case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		err = vfs_mknod(AT_FDCWD, u->path, e->mode, DEV_MAKE(e->rdev_major, e->rdev_minor));
		return err == -EEXIST ? 0 : err;
	default:
		return -EINVAL;
	}
}

static int take_data(void *arg, const void *bytes, size_t len)
{
	struct unpacker *u = arg;
	ssize_t n;

	u->bytes += len;
	if (u->link) {
		memcpy(u->link + u->link_len, bytes, len);
		u->link_len += len;
		return 0;
	}
	while (u->file && len) {
		n = file_write_kernel(u->file, bytes, len, &u->position);
		if (n <= 0)
			return n ? (int)n : -ENOSPC;
		bytes = (const char *)bytes + n;
		len -= (size_t)n;
	}
	return 0;
}

static int end_entry(void *arg)
{
	struct unpacker *u = arg;
	int err = 0;

	if (u->file) {
		file_put(u->file);
		u->file = NULL;
	}
	if (u->link) {
		err = vfs_symlink(u->link, AT_FDCWD, u->path);
		if (err == -EEXIST) {
			(void)vfs_unlink(AT_FDCWD, u->path);
			err = vfs_symlink(u->link, AT_FDCWD, u->path);
		}
		kfree(u->link);
		u->link = NULL;
	}
	if (!err)
		set_attributes(u->path, &u->stream.entry);
	return err;
}

static const struct cpio_stream_ops stream_ops = {
	.entry = begin_entry, .data = take_data, .entry_end = end_entry,
};

static int feed(void *arg, const void *bytes, size_t len)
{
	struct unpacker *u = arg;

	return cpio_stream_feed(&u->stream, bytes, len);
}

static int unpack_compressed(struct unpacker *u, enum compression kind, const uint8_t *in,
			     size_t len, size_t *used)
{
	size_t size = decompress_workspace_size(kind, in, len);
	struct decompress_args a = { .in = in, .in_len = len, .workspace_size = size,
				     .out_max = UINT64_MAX, .out = feed, .arg = u };
	int err;

	if (!size)
		return -EINVAL;
	if (size > WORKSPACE_MAX)
		return -E2BIG;
	a.workspace = kvmalloc(size, 0);
	if (!a.workspace)
		return -ENOMEM;
	err = decompress(kind, &a, used);
	kvfree(a.workspace);
	return err;
}

static int unpack_all(struct unpacker *u, const uint8_t *in, size_t len, enum compression *kind)
{
	size_t pos = 0, used;
	int err = 0;

	while (pos < len && !err) {
		if (!in[pos]) {
			pos++;		/* padding between archives */
			continue;
		}
		*kind = compression_detect(in + pos, len - pos);
		if (*kind == COMPRESSION_OTHER)
			return -ENOSYS;
		if (*kind == COMPRESSION_NONE) {
			used = len - pos;
			err = cpio_stream_feed(&u->stream, in + pos, used);
		} else {
			err = unpack_compressed(u, *kind, in + pos, len - pos, &used);
		}
		pos += used;
	}
	return err ? err : cpio_stream_finish(&u->stream);
}

static const char *explain(int err)
{
	switch (err) {
	case -EINVAL:
		return "the archive is damaged or cut off";
	case -ENOSYS:
		return "its compression is not supported";
	case -ENOMEM:
	case -ENOSPC:
		return "there is not enough memory";
	case -E2BIG:
		return "it needs too large a decompression window";
	default:
		return "an entry could not be made";
	}
}

int initramfs_unpack(paddr_t base, uint64_t size)
{
	struct unpacker *u = kzalloc(sizeof(*u), 0);
	enum compression kind = COMPRESSION_NONE;
	struct hard_link *l, *n;
	int err;

	if (!u) {
		log_err("initramfs: no memory");
		return -ENOMEM;
	}
	list_init(&u->links);
	cpio_stream_init(&u->stream, &stream_ops, u);
	err = unpack_all(u, phys_to_virt(base), size, &kind);
	if (u->file)
		file_put(u->file);
	kfree(u->link);
	list_for_each_entry_safe(l, n, &u->links, node)
		kfree(l);
	if (err)
		log_err("initramfs: cannot unpack (%s, %llu bytes): %s; "
			"error %d after %llu files, at %s",
			compression_name(kind), (unsigned long long)size, explain(err), err,
			(unsigned long long)u->files, u->path[0] ? u->path : "the start");
	kfree(u);
	return err;
}
