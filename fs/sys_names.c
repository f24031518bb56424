/* SPDX-License-Identifier: MIT */
/*
 * Calls that make, remove and rename names.
 */
#include <fs/namei.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

long sys_mkdirat(int dfd, uaddr_t path, unsigned int mode)
{
	struct pathname n;
	long err = pathname_get(&n, path, 0);

	if (err)
		return err;
	err = vfs_mkdir(dfd, n.text, mode);
	pathname_put(&n);
	return err;
}

long sys_mkdir(uaddr_t path, unsigned int mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_mknodat(int dfd, uaddr_t path, unsigned int mode, unsigned int dev)
{
	struct pathname n;
	long err = pathname_get(&n, path, 0);

	if (err)
		return err;
	err = vfs_mknod(dfd, n.text, mode, dev_from_user(dev));
	pathname_put(&n);
	return err;
}

long sys_mknod(uaddr_t path, unsigned int mode, unsigned int dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

long sys_symlinkat(uaddr_t target, int newdfd, uaddr_t linkpath)
{
	struct pathname t, n;
	long err = pathname_get(&t, target, 0);

	if (err)
		return err;
	err = pathname_get(&n, linkpath, 0);
	if (!err) {
		err = vfs_symlink(t.text, newdfd, n.text);
		pathname_put(&n);
	}
	pathname_put(&t);
	return err;
}

long sys_symlink(uaddr_t target, uaddr_t linkpath)
{
	return sys_symlinkat(target, AT_FDCWD, linkpath);
}

long sys_unlinkat(int dfd, uaddr_t path, unsigned int flags)
{
	struct pathname n;
	long err;

	if (flags & ~(unsigned int)AT_REMOVEDIR)
		return -EINVAL;
	err = pathname_get(&n, path, 0);
	if (err)
		return err;
	err = flags ? vfs_rmdir(dfd, n.text) : vfs_unlink(dfd, n.text);
	pathname_put(&n);
	return err;
}

long sys_unlink(uaddr_t path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(uaddr_t path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* Both names of link and rename. */
static long with_two_names(struct link_args *a, uaddr_t oldpath, uaddr_t newpath,
			   int (*fn)(const struct link_args *a))
{
	struct pathname o, n;
	unsigned int lookup = fn == vfs_link && (a->flags & AT_EMPTY_PATH) ? LOOKUP_EMPTY : 0;
	long err = pathname_get(&o, oldpath, lookup);

	if (err)
		return err;
	err = pathname_get(&n, newpath, 0);
	if (!err) {
		a->old_text = o.text;
		a->new_text = n.text;
		err = fn(a);
		pathname_put(&n);
	}
	pathname_put(&o);
	return err;
}

long sys_linkat(int olddfd, uaddr_t oldpath, int newdfd, uaddr_t newpath, unsigned int flags)
{
	struct link_args a = { .old_dirfd = olddfd, .new_dirfd = newdfd, .flags = flags };

	if (flags & ~(unsigned int)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return with_two_names(&a, oldpath, newpath, vfs_link);
}

long sys_link(uaddr_t oldpath, uaddr_t newpath)
{
	return sys_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_renameat2(int olddfd, uaddr_t oldpath, int newdfd, uaddr_t newpath, unsigned int flags)
{
	struct link_args a = { .old_dirfd = olddfd, .new_dirfd = newdfd, .flags = flags };

	return with_two_names(&a, oldpath, newpath, vfs_rename);
}

long sys_renameat(int olddfd, uaddr_t oldpath, int newdfd, uaddr_t newpath)
{
	return sys_renameat2(olddfd, oldpath, newdfd, newpath, 0);
}

long sys_rename(uaddr_t oldpath, uaddr_t newpath)
{
	return sys_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_readlinkat(int dfd, uaddr_t path, uaddr_t buf, int bufsiz)
{
	struct path p;
	char *text;
	long err;

	if (bufsiz <= 0)
		return -EINVAL;
	err = path_lookup_user(dfd, path, LOOKUP_EMPTY, &p);
	if (err)
		return err;
	err = -EINVAL;
	if (!S_ISLNK(p.dentry->inode->mode))
		goto put;
	err = -ENOMEM;
	text = kmalloc(PATH_LEN_MAX, 0);
	if (!text)
		goto put;
	err = inode_readlink(p.dentry->inode, text, (size_t)min(bufsiz, PATH_LEN_MAX));
	if (err > 0 && copy_to_user(buf, text, (size_t)err))
		err = -EFAULT;
	kfree(text);
put:
	path_put(&p);
	return err;
}

long sys_readlink(uaddr_t path, uaddr_t buf, int bufsiz)
{
	return sys_readlinkat(AT_FDCWD, path, buf, bufsiz);
}
