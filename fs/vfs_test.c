/* SPDX-License-Identifier: MIT */
/* Unit tests of the name cache, tmpfs and pipes, in the running kernel's root. */
#include <fs/namei.h>
#include <fs/pipe.h>
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

static struct file *make(const char *name)
{
	return file_open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

KTEST(vfs, write_then_read)
{
	struct file *f = make("/ktest-a\0\0\0\0\0\0\0\0");
	char buf[16] = "";
	int64_t at = 0;

	KASSERT_FALSE(IS_ERR(f));
	KEXPECT_EQ(file_write_kernel(f, "hello", 5, &at), 5);
	at = 1;
	KEXPECT_EQ(file_read_kernel(f, buf, sizeof(buf), &at), 4);
	KEXPECT_STREQ(buf, "ello");
	file_put(f);
	KEXPECT_EQ(vfs_unlink(AT_FDCWD, "/ktest-a\0\0\0\0\0\0\0\0"), 0);
}

KTEST(vfs, names_and_errors)
{
	struct link_args move = { AT_FDCWD, AT_FDCWD, "/ktest-d/x\0\0\0\0\0\0\0",
				  "/ktest-d/y\0\0\0\0\0\0\0", 0 };
	struct kstat st;
	struct file *f;

	KASSERT_EQ(vfs_mkdir(AT_FDCWD, "/ktest-d\0\0\0\0\0\0\0\0", 0700), 0);
	KEXPECT_EQ(vfs_mkdir(AT_FDCWD, "/ktest-d\0\0\0\0\0\0\0\0", 0700), -EEXIST);
	KEXPECT_EQ(path_getattr(AT_FDCWD, move.old_text, 0, &st), -ENOENT);
	f = make(move.old_text);
	KASSERT_FALSE(IS_ERR(f));
	KEXPECT_EQ(vfs_rmdir(AT_FDCWD, "/ktest-d\0\0\0\0\0\0\0\0"), -ENOTEMPTY);
	for (int i = 0; i < 4; i++) {
		KEXPECT_EQ(vfs_rename(&move), 0);
		swap_values(move.old_text, move.new_text);
	}
	KEXPECT_EQ(path_getattr(AT_FDCWD, "/ktest-d/../ktest-d/./x\0\0\0\0\0\0\0", 0, &st), 0);
	KEXPECT_EQ(vfs_unlink(AT_FDCWD, move.old_text), 0);
	KEXPECT_EQ((int)f->inode->nlink, 0);
	file_put(f);
	KEXPECT_EQ(vfs_rmdir(AT_FDCWD, "/ktest-d\0\0\0\0\0\0\0\0"), 0);
}

KTEST(vfs, pipe_keeps_order)
{
	struct file *p[2];
	char buf[8] = "";
	int64_t at = 0;

	KASSERT_EQ(pipe_create_files(p, O_NONBLOCK), 0);
	KEXPECT_EQ(file_write_kernel(p[1], "abc", 3, &at), 3);
	KEXPECT_EQ(file_write_kernel(p[1], "def", 3, &at), 3);
	KEXPECT_EQ(file_read_kernel(p[0], buf, 4, &at), 4);
	KEXPECT_STREQ(buf, "abcd");
	file_put(p[1]);
	KEXPECT_EQ(file_read_kernel(p[0], buf, 8, &at), 2);
	KEXPECT_EQ(file_read_kernel(p[0], buf, 8, &at), 0);
	file_put(p[0]);
}
