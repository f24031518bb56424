/* SPDX-License-Identifier: MIT */
/*
 * memfd_create(2) and seals.
 */
#include <fs/namei.h>
#include <generated/syscall_protos.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mman.h>

#include "../fcntl_internal.h"
#include "../internal.h"
#include "tmpfs.h"

#define MEMFD_NAME_MAX	249

static struct mount *memfd_mount;	/* [I] an internal tmpfs for all memfds */

static int make_file(const char *text, unsigned int flags, struct file **out)
{
	struct super_block *sb = memfd_mount->sb;
	struct tmpfs_inode *ti;
	struct inode *inode;
	struct dentry *d;
	struct path p;
	struct name n = name_from(text, strlen(text));

	inode = tmpfs_inode_create(sb, NULL, S_IFREG | (flags & MFD_NOEXEC_SEAL ? 0666 : 0777), 0);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->nlink = 0;
	ti = container_of(inode, struct tmpfs_inode, inode);
	if (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL))
		ti->seals = 0;
	d = dentry_create_unlinked(memfd_mount->root, &n, inode);
	if (!d)
		return -ENOMEM;
	p.mount = memfd_mount;
	p.dentry = d;
	*out = file_open_path(&p, O_RDWR | O_LARGEFILE);
	dentry_put(d);
	return PTR_ERR_OR_ZERO(*out);
}

long sys_memfd_create(uaddr_t name, unsigned int flags)
{
	char text[MEMFD_NAME_MAX + 7] = "memfd:";
	struct file *f = NULL;
	long len;
	int err;

	if (flags & MFD_HUGETLB)
		return -ENOSYS;
	if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) ||
	    (flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
		return -EINVAL;
	len = copy_string_from_user(text + 6, name, MEMFD_NAME_MAX + 1);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	err = make_file(text, flags, &f);
	if (err)
		return err;
	return fd_install_new(f, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}

/* Object lock held. */
static bool memobj_has_writable_mapping(struct memobj *o)
{
	struct region *r;

	list_for_each_entry(r, &o->mappings, object_node)
		if ((r->flags & REGION_SHARED) && (r->max_prot & PROT_WRITE))
			return true;
	return false;
}

static long add_seals(struct file *f, unsigned long arg)
{
	struct tmpfs_inode *ti = container_of(f->inode, struct tmpfs_inode, inode);
	long err = 0;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (arg & ~0x1fUL)
		return -EINVAL;
	rwsem_lock_write(&f->inode->lock);
	if (ti->seals & F_SEAL_SEAL)
		err = -EPERM;
	if (!err && (arg & F_SEAL_WRITE) && !(ti->seals & F_SEAL_WRITE)) {
		/* Nobody may hold a writable shared mapping. */
		rwsem_lock_write(&ti->object.lock);
		if (memobj_has_writable_mapping(&ti->object))
			err = -EBUSY;
		else
			/* a mapping that is on its way looks for it */
			ti->object.flags |= MEMOBJ_NO_WRITE;
		rwsem_unlock_write(&ti->object.lock);
	}
	if (!err) {
		ti->seals |= (uint32_t)arg;
		if (arg & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			ti->object.flags |= MEMOBJ_NO_WRITE;
	}
	rwsem_unlock_write(&f->inode->lock);
	return err;
}

long memfd_fcntl(struct file *f, int cmd, unsigned long arg)
{
	if (f->ops != &tmpfs_file_ops)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return container_of(f->inode, struct tmpfs_inode, inode)->seals;
	return add_seals(f, arg);
}

void memfd_init(void)
{
	const struct fs_type *type = fs_type_find("tmpfs");

	memfd_mount = mount_internal(type);
	if (IS_ERR(memfd_mount))
		panic("tmpfs: no memory");
}
