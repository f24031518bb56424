/* SPDX-License-Identifier: MIT */
/* inotify: every event, every flag of a watch, limits, merging, the end of what is watched. */
#include "abi.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <utime.h>

static const struct { uint32_t bit; const char *name; } bits[] = {
	{ IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" },
	{ IN_CLOSE_WRITE, "CLOSE_WRITE" }, { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" },
	{ IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" }, { IN_DELETE_SELF, "DELETE_SELF" },
	{ IN_MOVE_SELF, "MOVE_SELF" }, { IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "Q_OVERFLOW" },
	{ IN_IGNORED, "IGNORED" }, { IN_ISDIR, "ISDIR" },
};

/* Events that wait, one a line; cookies are numbered from 1 as they come. */
static void events(int fd, const char *title)
{
	char buf[8192] __attribute__((aligned(8)));
	uint32_t first = 0, last = 0, turn = 0;
	ssize_t n = read(fd, buf, sizeof(buf));

	say("%s: %s", title, n < 0 ? errno_name(errno) : "");
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *e = (void *)(buf + at);
		char line[200];
		size_t len = 0;

		for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
			if (e->mask & bits[i].bit)
				len += (size_t)snprintf(line + len, sizeof(line) - len, " %s",
							bits[i].name);
		if (e->cookie && e->cookie != last) {
			turn++;
			say("  cookies grow %d", !first || e->cookie > last);
			first = first ? first : e->cookie;
			last = e->cookie;
		}
		say("  wd %d%s \"%s\" len %u cookie %u", e->wd, line, e->len ? e->name : "", e->len,
		    e->cookie ? turn : 0);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

static int touch(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	long n = write(fd, text, strlen(text));

	close(fd);
	return n < 0;
}

ABI_TEST(inotify, create_and_remove)
{
	int fd = inotify_init1(IN_NONBLOCK);

	TRY(inotify_add_watch(fd, ".", IN_ALL_EVENTS));
	touch("a", "x");
	events(fd, "create and write");
	touch("a", "");
	events(fd, "truncate");
	TRY(mkdir("d", 0755));
	TRY(symlink("a", "s"));
	TRY(link("a", "b"));
	TRY(mkfifo("f", 0600));
	events(fd, "names");
	TRY(rename("a", "c"));
	TRY(rename("d", "e"));
	events(fd, "moves");
	TRY(rename("c", "b"));		/* the same file: nothing happens */
	events(fd, "move onto itself");
	unlink("b");
	unlink("c");
	unlink("s");
	unlink("f");
	rmdir("e");
	events(fd, "removals");
}

ABI_TEST(inotify, self)
{
	int fd = inotify_init1(IN_NONBLOCK), other, wd;
	struct stat st;

	touch("file", "hello");
	wd = inotify_add_watch(fd, "file", IN_ALL_EVENTS);
	say("first wd %d", wd);
	other = open("file", O_RDWR);
	events(fd, "open");
	TRY(read(other, &st, 2));
	events(fd, "read");
	TRY(pread(other, &st, 2, 0));
	TRY(pwrite(other, "x", 1, 0));
	TRY(ftruncate(other, 3));
	TRY(fchmod(other, 0600));
	TRY(fchown(other, -1, -1));
	TRY(futimens(other, NULL));
	events(fd, "through the descriptor");
	TRY(link("file", "second"));
	events(fd, "link");
	TRY(rename("second", "third"));
	events(fd, "rename");
	TRY(unlink("file"));
	events(fd, "one name less");
	TRY(unlink("third"));
	events(fd, "no name");
	close(other);
	events(fd, "closed");
	TRY(inotify_rm_watch(fd, wd));
}

ABI_TEST(inotify, unlink_closed)
{
	int fd = inotify_init1(IN_NONBLOCK);

	touch("file", "");
	TRY(inotify_add_watch(fd, ".", IN_DELETE | IN_MOVE));
	TRY(inotify_add_watch(fd, "file", IN_ALL_EVENTS));
	TRY(unlink("file"));
	events(fd, "unlink");
	TRY(mkdir("dir", 0700));
	TRY(inotify_add_watch(fd, "dir", IN_ALL_EVENTS));
	TRY(rmdir("dir"));
	events(fd, "rmdir");
	touch("a", "");
	touch("b", "");
	TRY(inotify_add_watch(fd, "a", IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF));
	TRY(inotify_add_watch(fd, "b", IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF));
	TRY(rename("a", "b"));
	events(fd, "replace");
	touch("c", "");
	TRY(inotify_add_watch(fd, "c", IN_MOVE_SELF));
	TRY(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 2));
	events(fd, "exchange");
	unlink("b");
	unlink("c");
}

ABI_TEST(inotify, attributes)
{
	struct timespec only_atime[2] = { { 1, 0 }, { 0, UTIME_OMIT } };
	struct timespec only_mtime[2] = { { 0, UTIME_OMIT }, { 1, 0 } };
	struct timespec both[2] = { { 1, 0 }, { 2, 0 } };
	int fd = inotify_init1(IN_NONBLOCK);

	touch("file", "");
	TRY(inotify_add_watch(fd, ".", IN_ALL_EVENTS));
	TRY(chmod("file", 0640));
	events(fd, "chmod");
	TRY(chown("file", getuid(), -1));
	events(fd, "chown");
	TRY(utimensat(AT_FDCWD, "file", only_atime, 0));
	events(fd, "atime");
	TRY(utimensat(AT_FDCWD, "file", only_mtime, 0));
	events(fd, "mtime");
	TRY(utimensat(AT_FDCWD, "file", both, 0));
	events(fd, "both");
	TRY(truncate("file", 100));
	events(fd, "truncate");
	TRY(chmod(".", 0700));
	events(fd, "the directory itself");
	unlink("file");
}

ABI_TEST(inotify, directory_reads)
{
	int fd = inotify_init1(IN_NONBLOCK), dir;
	char buf[1024];

	mkdir("dir", 0700);
	touch("dir/file", "");
	TRY(inotify_add_watch(fd, "dir", IN_ALL_EVENTS));
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	events(fd, "open");
	say("entries %d", syscall(SYS_getdents64, dir, buf, sizeof(buf)) > 0);
	events(fd, "list");
	close(dir);
	events(fd, "close");
	unlink("dir/file");
	rmdir("dir");
}

ABI_TEST(inotify, masks)
{
	int fd = inotify_init1(IN_NONBLOCK), wd;

	touch("file", "");
	wd = inotify_add_watch(fd, "file", IN_OPEN);
	say("again %d", inotify_add_watch(fd, "file", IN_CLOSE_NOWRITE) == wd);
	close(open("file", O_RDONLY));
	events(fd, "replaced mask");
	say("added %d", inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_ADD) == wd);
	close(open("file", O_RDONLY));
	events(fd, "added mask");
	TRY(inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_CREATE));
	TRY(inotify_add_watch(fd, "file", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
	TRY(inotify_add_watch(fd, ".", IN_DELETE | IN_MASK_CREATE));
	TRY(inotify_add_watch(fd, "file", IN_OPEN | IN_ONLYDIR));
	TRY(inotify_add_watch(fd, "file", 0));
	TRY(inotify_add_watch(fd, "file", 0x00800000));
	TRY(inotify_add_watch(fd, "none", IN_OPEN));
	TRY(inotify_add_watch(99, "file", IN_OPEN));
	TRY(inotify_add_watch(1, "file", IN_OPEN));
	TRY(inotify_add_watch(fd, (char *)8, IN_OPEN));
	TRY(inotify_add_watch(fd, "", IN_OPEN));
	TRY(inotify_rm_watch(fd, wd));
	TRY(inotify_rm_watch(fd, wd));
	TRY(inotify_rm_watch(fd, -1));
	TRY(inotify_rm_watch(99, wd));
	TRY(inotify_rm_watch(1, wd));
	events(fd, "removed");
	say("numbers go on %d", inotify_add_watch(fd, "file", IN_OPEN) > wd);
	TRY(inotify_init1(1));
	unlink("file");
}

ABI_TEST(inotify, oneshot)
{
	int fd = inotify_init1(IN_NONBLOCK);

	touch("file", "");
	TRY(inotify_add_watch(fd, "file", IN_OPEN | IN_ONESHOT));
	close(open("file", O_RDONLY));
	close(open("file", O_RDONLY));
	events(fd, "once");
	TRY(inotify_rm_watch(fd, 1));
	TRY(inotify_add_watch(fd, "file", IN_OPEN | IN_ONESHOT));
	unlink("file");
	events(fd, "ended before it came");
}

ABI_TEST(inotify, symlinks)
{
	int fd = inotify_init1(IN_NONBLOCK);

	touch("file", "");
	symlink("file", "link");
	TRY(inotify_add_watch(fd, "link", IN_ALL_EVENTS | IN_DONT_FOLLOW));
	TRY(inotify_add_watch(fd, "file", IN_ATTRIB));
	TRY(inotify_add_watch(fd, "link", IN_ATTRIB | IN_MASK_ADD));
	chmod("link", 0600);
	events(fd, "the target");
	unlink("link");
	events(fd, "the link");
	unlink("file");
}

ABI_TEST(inotify, excl_unlink)
{
	int a = inotify_init1(IN_NONBLOCK), b = inotify_init1(IN_NONBLOCK), f;

	f = open("file", O_RDWR | O_CREAT, 0600);
	inotify_add_watch(a, ".", IN_MODIFY | IN_CLOSE);
	inotify_add_watch(b, ".", IN_MODIFY | IN_CLOSE | IN_EXCL_UNLINK);
	TRY(write(f, "x", 1));
	unlink("file");
	TRY(write(f, "y", 1));
	close(f);
	events(a, "with unlinked names");
	events(b, "without");
}

ABI_TEST(inotify, merging)
{
	int fd = inotify_init1(IN_NONBLOCK), f = open("file", O_RDWR | O_CREAT, 0600), bytes;

	TRY(inotify_add_watch(fd, ".", IN_MODIFY | IN_ATTRIB));
	for (int i = 0; i < 5; i++)
		(void)!write(f, "x", 1);
	fchmod(f, 0600);
	for (int i = 0; i < 5; i++)
		(void)!write(f, "x", 1);
	TRY(ioctl(fd, FIONREAD, &bytes));
	say("bytes %d", bytes);
	events(fd, "equal ones in a row are one");
	close(f);
	unlink("file");
}

ABI_TEST(inotify, reading)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	char buf[4096];

	say("flags %d %d", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0);
	TRY(read(fd, buf, sizeof(buf)));
	TRY(poll(&p, 1, 0));
	inotify_add_watch(fd, ".", IN_CREATE);
	touch("a-name-of-some-length", "");
	touch("b", "");
	TRY(poll(&p, 1, 0));
	say("events %d", p.revents);
	TRY(read(fd, buf, 16));
	TRY(read(fd, buf, 47));
	TRY(read(fd, buf, 48));
	TRY(read(fd, (char *)8, 100));
	TRY(read(fd, buf, 100));
	TRY(write(fd, buf, 1));
	TRY(lseek(fd, 0, SEEK_SET));
	unlink("a-name-of-some-length");
	unlink("b");
}

static int wait_and_create(void *arg)
{
	(void)arg;
	sleep_ms(50);
	return touch("late", "");
}

ABI_TEST(inotify, blocking)
{
	int fd = inotify_init1(0), pid;

	inotify_add_watch(fd, ".", IN_CREATE);
	pid = spawn(wait_and_create, NULL);
	events(fd, "waited");
	waitpid(pid, NULL, 0);
	unlink("late");
}

static void write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	(void)!write(fd, text, strlen(text));
	close(fd);
}

static int read_number(const char *name)
{
	char text[32] = "";
	int fd = open(name, O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return atoi(text);
}

ABI_TEST(inotify, overflow)
{
	int fd = inotify_init1(IN_NONBLOCK), max, n;
	char text[32], buf[4096];

	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	max = read_number("/proc/sys/fs/inotify/max_queued_events");
	say("limit %d", max);
	write_text("/proc/sys/fs/inotify/max_queued_events", "4");
	n = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(n, ".", IN_CREATE | IN_DELETE);
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "file%d", i);
		touch(text, "");
	}
	events(n, "four, and the rest is lost");
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "file%d", i);
		unlink(text);
	}
	TRY(read(n, buf, 8));
	events(n, "again");
	snprintf(text, sizeof(text), "%d", max);
	write_text("/proc/sys/fs/inotify/max_queued_events", text);
	close(fd);
}

ABI_TEST(inotify, limits)
{
	char *users = "/proc/sys/fs/inotify/max_user_instances";
	char *watches = "/proc/sys/fs/inotify/max_user_watches", text[32];
	int instances, most, fd, n = 0;

	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	instances = read_number(users);
	most = read_number(watches);
	say("instances %d, watches %d", instances, most >= 8192);
	write_text(users, "5");
	while ((fd = inotify_init1(0)) >= 0)
		n++;
	say("made at most five %d: %s", n <= 5, errno_name(errno));
	for (int i = 3; i < 20; i++)
		close(i);
	snprintf(text, sizeof(text), "%d", instances);
	write_text(users, text);
	write_text(watches, "0");
	fd = inotify_init1(0);
	TRY(inotify_add_watch(fd, ".", IN_OPEN));
	snprintf(text, sizeof(text), "%d", most);
	write_text(watches, text);
	TRY(inotify_add_watch(fd, ".", IN_OPEN));
}

ABI_TEST(inotify, unmount)
{
	int fd = inotify_init1(IN_NONBLOCK);

	mkdir("m", 0700);
	if (TRY(mount("none", "m", "tmpfs", 0, NULL)))
		return;
	touch("m/file", "");
	TRY(inotify_add_watch(fd, "m/file", IN_OPEN));
	TRY(umount("m"));
	events(fd, "unmounted");
	rmdir("m");
}

ABI_TEST(inotify, fdinfo)
{
	int fd = inotify_init1(0), info;
	char text[600] = "", name[64];

	touch("file", "");
	inotify_add_watch(fd, "file", IN_OPEN | IN_ONESHOT);
	mkdir("/proc", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	info = open(name, O_RDONLY);
	(void)!read(info, text, sizeof(text) - 1);
	say("pos %d wd %d mask %d", !!strstr(text, "pos:\t0\n"),
	    !!strstr(text, "inotify wd:1 ino:"), !!strstr(text, " mask:20 ignored_mask:0 "));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	text[0] = 0;
	text[readlink(name, text, 100)] = 0;
	say("link %s", text);
	unlink("file");
}

ABI_TEST(inotify, exec_and_children)
{
	int fd = inotify_init1(IN_NONBLOCK);

	touch("file", "");
	TRY(inotify_add_watch(fd, "file", IN_OPEN | IN_CLOSE));
	if (fork() == 0) {
		int f = open("file", O_RDONLY);

		if (fork() == 0)
			_exit(0);
		wait(NULL);
		(void)f;
		_exit(0);
	}
	wait(NULL);
	events(fd, "one open, one close, whoever ends last");
	unlink("file");
}
