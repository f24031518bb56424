/* SPDX-License-Identifier: MIT */
/*
 * Mounts: what may not be removed or moved under one, when a file system may become read-only, and
 * what a detached one is good for.
 */
#include <sys/mount.h>

#include "abi.h"

static int mount_tmpfs(const char *where)
{
	return mount("none", where, "tmpfs", 0, "size=1m");
}

static int remount(const char *where, unsigned long flags)
{
	return mount(NULL, where, NULL, MS_REMOUNT | flags, NULL);
}

ABI_TEST(mounts, a_mountpoint_stays)
{
	mkdir("dir", 0755);
	mkdir("other", 0755);
	close(open("file", O_WRONLY | O_CREAT, 0644));
	TRY(mount_tmpfs("dir"));
	TRY(rmdir("dir"));
	TRY(rename("dir", "else"));
	TRY(rename("other", "dir"));
	TRY(mount("dir", "file", NULL, MS_BIND, NULL));
	TRY(mkdir("dir/below", 0755));
	TRY(rmdir("dir/below"));
	TRY(umount2("dir", 0));
	TRY(mount("/proc/version", "file", NULL, MS_BIND, NULL));
	TRY(unlink("file"));
	TRY(rename("file", "else"));
	TRY(umount2("file", 0));
	TRY(unlink("file"));
	TRY(rmdir("dir"));
	TRY(rmdir("other"));
	TRY(mount_tmpfs("dir"));
}

ABI_TEST(mounts, files_open_for_writing_keep_it_writable)
{
	int fd, copy;

	mkdir("dir", 0755);
	mkdir("view", 0755);
	TRY(mount_tmpfs("dir"));
	TRY(mount("dir", "view", NULL, MS_BIND, NULL));
	fd = open("dir/file", O_RDWR | O_CREAT, 0644);
	copy = open("view/file", O_RDONLY);
	TRY(remount("dir", MS_RDONLY));
	TRY(remount("dir", MS_RDONLY | MS_BIND));
	TRY(remount("view", MS_RDONLY | MS_BIND));
	TRY(open("view/file", O_RDWR));
	TRY(remount("view", MS_RDONLY));
	TRY(write(fd, "x", 1));
	close(fd);
	TRY(remount("dir", MS_RDONLY));
	TRY(open("dir/file", O_RDWR));
	TRY(mkdir("dir/new", 0755));
	TRY(truncate("dir/file", 0));
	TRY(remount("dir", 0));
	fd = open("dir/file", O_RDWR);
	TRY(write(fd, "x", 1));
	close(fd);
	close(copy);
	TRY(umount2("view", 0));
	TRY(umount2("dir", 0));
	rmdir("view");
	rmdir("dir");
}

ABI_TEST(mounts, a_detached_one_takes_no_mounts)
{
	int home = open(".", O_RDONLY);

	mkdir("dir", 0755);
	mkdir("other", 0755);
	TRY(mount_tmpfs("dir"));
	TRY(mount_tmpfs("other"));
	mkdir("dir/sub", 0755);
	TRY(chdir("dir"));
	TRY(umount2("../dir", 0));
	TRY(umount2("../dir", MNT_DETACH));
	TRY(mkdir("new", 0755));
	TRY(mount_tmpfs("sub"));
	TRY(mount("sub", "new", NULL, MS_BIND, NULL));
	TRY(umount2(".", 0));
	TRY(chdir("sub"));
	TRY(chdir("../.."));
	TRY(fchdir(home));
	TRY(rmdir("dir"));
	TRY(umount2("other", 0));
	TRY(umount2("other", 0));
	TRY(rmdir("other"));
	close(home);
}

ABI_TEST(mounts, moving)
{
	mkdir("from", 0755);
	mkdir("to", 0755);
	TRY(mount("from", "to", NULL, MS_MOVE, NULL));
	TRY(mount_tmpfs("from"));
	mkdir("from/in", 0755);
	TRY(mount("from", "from/in", NULL, MS_MOVE, NULL));
	TRY(mount("from/in", "to", NULL, MS_MOVE, NULL));
	TRY(mount("from", "to", NULL, MS_MOVE, NULL));
	TRY(access("to/in", F_OK));
	TRY(access("from/in", F_OK));
	TRY(umount2("to", 0));
	rmdir("from");
	rmdir("to");
}

static void show_mode(const char *when, const char *path)
{
	struct stat st;

	say("%s: %o", when, stat(path, &st) ? 0 : st.st_mode & 07777);
}

static int change_contents(void *arg)
{
	const char *path = arg;
	int fd;

	if (setgid(1000) || setuid(1000))
		return 1;
	chmod(path, 06775);
	show_mode("made", path);
	fd = open(path, O_WRONLY);
	(void)!write(fd, "x", 0);
	show_mode("nothing written", path);
	(void)!write(fd, "x", 1);
	show_mode("written", path);
	chmod(path, 06775);
	(void)!ftruncate(fd, 1);
	show_mode("ftruncate", path);
	close(fd);
	chmod(path, 06775);
	(void)!truncate(path, 5);
	show_mode("truncate", path);
	chmod(path, 06775);
	close(open(path, O_WRONLY | O_TRUNC));
	show_mode("O_TRUNC", path);
	return 0;
}

ABI_TEST(mounts, contents_change_and_set_id_bits_go)
{
	char path[] = "/tmp/abi-set-id";
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	(void)!fchown(fd, 1000, 1000);
	run_child("as its owner", change_contents, path);
	fchmod(fd, 06775);
	(void)!write(fd, "x", 1);
	show_mode("written by root", path);
	(void)!ftruncate(fd, 0);
	show_mode("truncated by root", path);
	close(fd);
	unlink(path);
}
