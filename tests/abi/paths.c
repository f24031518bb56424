/* SPDX-License-Identifier: MIT */
/* Names: open, links, rename, directories, *at calls, stat, permissions. */
#include "abi.h"

#include <dirent.h>

static void touch(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

ABI_TEST(paths, open_errors)
{
	static char name[5000];

	memset(name, 'n', 300);
	TRY(open("missing", O_RDONLY));
	TRY(open("", O_RDONLY));
	TRY(open(name, O_RDONLY));
	memset(name, '/', 4200);
	TRY(open(name, O_RDONLY));
	touch("file", "x");
	mkdir("dir", 0755);
	TRY(open("file/x", O_RDONLY));
	TRY(open("file/", O_RDONLY));
	TRY(open("dir", O_WRONLY));
	TRY(open("file", O_RDONLY | O_DIRECTORY));
	TRY(open("file", O_RDWR | O_CREAT | O_EXCL, 0600));
	TRY(open("dir", O_RDWR | O_CREAT, 0600));
	TRY(open("dir/", O_RDWR | O_CREAT, 0600));
	TRY(open("new/", O_RDWR | O_CREAT, 0600));
	TRY(openat(99, "file", O_RDONLY));
	symlink("file", "link");
	TRY(open("link", O_RDONLY | O_NOFOLLOW));
	TRY(open("link", O_RDWR | O_CREAT | O_EXCL, 0600));
	unlink("link");
	unlink("file");
	rmdir("dir");
}

ABI_TEST(paths, symlinks)
{
	char buf[64];
	struct stat st;

	symlink("b", "a");
	symlink("a", "b");
	TRY(open("a", O_RDONLY));
	TRY(lstat("a", &st));
	say("link %d size %ld", S_ISLNK(st.st_mode), (long)st.st_size);
	memset(buf, 'z', sizeof(buf));
	TRY(readlink("a", buf, sizeof(buf)));
	say("not terminated %c%c", buf[0], buf[1]);
	TRY(readlink("a", buf, 0));
	TRY(readlink("missing", buf, 1));
	TRY(readlink(".", buf, 1));
	TRY(symlink("", "empty"));
	TRY(symlink("x", "a"));
	unlink("a");
	unlink("b");
	mkdir("dir", 0755);
	touch("dir/file", "inside");
	symlink("dir", "ld");
	symlink("ld/file", "lf");
	TRY(stat("lf", &st));
	say("size %ld", (long)st.st_size);
	TRY(rmdir("ld"));
	TRY(unlink("ld/"));
	TRY(symlink("missing", "dangling"));
	TRY(close(open("dangling", O_WRONLY | O_CREAT, 0600)));
	TRY(unlink("missing"));
	unlink("dangling");
	unlink("lf");
	unlink("ld");
	unlink("dir/file");
	rmdir("dir");
}

ABI_TEST(paths, links_and_unlink)
{
	struct stat st;
	int fd;

	touch("one", "1");
	TRY(link("one", "two"));
	stat("two", &st);
	say("links %ld", (long)st.st_nlink);
	TRY(link("one", "two"));
	TRY(link("missing", "three"));
	mkdir("dir", 0755);
	TRY(link("dir", "dir2"));
	fd = open("one", O_RDWR);
	TRY(unlink("one"));
	TRY(unlink("two"));
	fstat(fd, &st);
	say("links %ld, still readable %zd", (long)st.st_nlink, read(fd, &st, 1));
	TRY(unlink("dir"));
	TRY(rmdir("missing"));
	TRY(rmdir("."));
	TRY(rmdir("dir/."));
	TRY(rmdir("dir/.."));
	TRY(unlink("missing"));
	touch("dir/x", "");
	TRY(rmdir("dir"));
	unlink("dir/x");
	TRY(unlinkat(AT_FDCWD, "dir", 0));
	TRY(unlinkat(AT_FDCWD, "dir", AT_REMOVEDIR));
}

ABI_TEST(paths, rename)
{
	struct stat st;

	touch("a", "aa");
	touch("b", "bbb");
	TRY(rename("a", "b"));
	stat("b", &st);
	say("size %ld", (long)st.st_size);
	TRY(rename("a", "b"));
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	TRY(rename("b", "d"));
	TRY(rename("d", "b"));
	TRY(rename("d", "d/e/f"));
	mkdir("empty", 0755);
	TRY(rename("empty", "d/e"));
	TRY(rename("d/e", "d"));
	TRY(rename("b", "b"));
	touch("c", "c");
	TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE));
	TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE));
	stat("c", &st);
	say("size %ld", (long)st.st_size);
	TRY(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", 3));
	TRY(rename("b", ""));
	TRY(rename(".", "x"));
	unlink("b");
	unlink("c");
	rmdir("d/e");
	rmdir("d");
}

static int names(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0, dots = 0;

	while ((e = readdir(d))) {
		dots += !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
		n++;
	}
	closedir(d);
	say("%s: %d names, %d dots", dir, n, dots);
	return n;
}

ABI_TEST(paths, directories)
{
	char cwd[512], name[32], small[4];
	int fd;

	TRY(mkdir("d", 0777));
	TRY(mkdir("d", 0777));
	TRY(mkdir("d/", 0777));
	TRY(mkdir("x/y", 0777));
	TRY(mkdir("slash/", 0777));
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d/file-%d", i);
		touch(name, "");
	}
	names("d");
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "d/file-%d", i);
		unlink(name);
	}
	names("d");
	fd = open("d", O_RDONLY | O_DIRECTORY);
	TRY(read(fd, cwd, 10));
	TRY(fchdir(fd));
	say("cwd ends in d %d", getcwd(cwd, sizeof(cwd)) && !strcmp(strrchr(cwd, '/'), "/d"));
	say("too small: %s", getcwd(small, sizeof(small)) ? "ok" : errno_name(errno));
	TRY(rmdir("../d"));
	say("cwd removed: %s", getcwd(cwd, sizeof(cwd)) ? "ok" : errno_name(errno));
	TRY(open("x", O_RDWR | O_CREAT, 0600));
	TRY(chdir(".."));
	TRY(chdir("missing"));
	TRY(fchdir(1));
	rmdir("slash");
}

ABI_TEST(paths, stat_fields)
{
	struct statx stx;
	struct stat st, st2;

	umask(027);
	touch("f", "12345");
	chmod("f", 0);
	stat("f", &st);
	say("type %o mode %o size %ld links %ld blksize %d", st.st_mode & S_IFMT,
	    st.st_mode & 07777, (long)st.st_size, (long)st.st_nlink, st.st_blksize >= 512);
	close(open("g", O_CREAT | O_WRONLY, 0666));
	stat("g", &st);
	say("umask %o", st.st_mode & 07777);
	TRY(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &stx));
	stat("f", &st);
	say("statx agrees %d", stx.stx_ino == st.st_ino && stx.stx_mode == st.st_mode &&
	    stx.stx_size == (uint64_t)st.st_size && stx.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
	TRY(statx(AT_FDCWD, "", 0, STATX_BASIC_STATS, &stx));
	TRY(statx(1, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx));
	TRY(statx(AT_FDCWD, "f", 0, 0x80000000, &stx));
	TRY(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	TRY(fstatat(AT_FDCWD, "f", &st, 0x8000));
	lstat("/dev/null", &st2);
	say("null: char %d rdev %lx", S_ISCHR(st2.st_mode), (unsigned long)st2.st_rdev);
	TRY(mkfifo("fifo", 0600));
	stat("fifo", &st);
	say("fifo %d", S_ISFIFO(st.st_mode));
	unlink("fifo");
	unlink("f");
	unlink("g");
}

ABI_TEST(paths, times)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 6 } };
	struct stat st;

	touch("f", "");
	TRY(utimensat(AT_FDCWD, "f", ts, 0));
	stat("f", &st);
	say("%ld.%ld %ld.%ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	TRY(utimensat(AT_FDCWD, "f", ts, 0));
	stat("f", &st);
	say("%ld %d", (long)st.st_atim.tv_sec, st.st_mtim.tv_sec > 1000000000);
	ts[0].tv_nsec = 1000000000;
	TRY(utimensat(AT_FDCWD, "f", ts, 0));
	TRY(utimensat(AT_FDCWD, "missing", NULL, 0));
	unlink("f");
}

ABI_TEST(paths, access_and_modes)
{
	touch("f", "");
	chmod("f", 0644);
	TRY(access("f", F_OK));
	TRY(access("f", X_OK));
	TRY(access("f", 99));
	TRY(access("missing", F_OK));
	TRY(chmod("f", 07777));
	TRY(faccessat(AT_FDCWD, "f", X_OK, 0));
	TRY(chmod("missing", 0600));
	TRY(fchmod(99, 0600));
	TRY(truncate("f", 100));
	TRY(truncate("f", -5));
	TRY(truncate("missing", 0));
	TRY(truncate(".", 0));
	unlink("f");
}

ABI_TEST(paths, devices)
{
	char buf[16] = "zzz";
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR),
		full = open("/dev/full", O_RDWR);

	TRY(read(null, buf, 4));
	TRY(write(null, buf, 4));
	TRY(read(zero, buf, 4));
	say("zero %d", buf[0]);
	TRY(write(zero, buf, 4));
	TRY(read(full, buf, 4));
	TRY(write(full, buf, 4));
	TRY(lseek(null, 100, SEEK_SET));
	TRY_OK(open("/dev/urandom", O_RDONLY));
	TRY(syscall(SYS_getrandom, buf, 16, 0));
	TRY(syscall(SYS_getrandom, buf, 16, 0x80));
}

ABI_TEST(paths, resolve_beneath_dotdot)
{
	struct { uint64_t flags, mode, resolve; } how = { O_RDONLY | O_DIRECTORY, 0, 0x08 };
	char dir[] = "/tmp/abi-beneath-XXXXXX";
	int fd;

	(void)!mkdtemp(dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	(void)!mkdirat(fd, "a", 0700);
	say("%d", (int)syscall(437, fd, "a/..", &how, sizeof(how)) >= 0);
	say("%d", (int)syscall(437, fd, "a/../a", &how, sizeof(how)) >= 0);
	TRY(syscall(437, fd, "a/../..", &how, sizeof(how)));
	TRY(syscall(437, fd, "..", &how, sizeof(how)));
	(void)!unlinkat(fd, "a", AT_REMOVEDIR);
	rmdir(dir);
}
