/* SPDX-License-Identifier: MIT */
/*
 * ext4 on the host: main program, and the tests that need no fault: every kind of image that mke2fs
 * makes is filled, changed, remounted, compared with a model and shown to e2fsck.
 *
 *	ext4-host [test[.flavour]]	prints KTAP; exits with 1 when one failed, 2 when none ran
 */
#include <uapi/fcntl.h>

#include "ext4_host.h"

uint32_t checks_failed;

bool check_that(bool ok, const char *file, int line, const char *what)
{
	if (!ok) {
		checks_failed++;
		if (checks_failed < 20)
			host_print("# %s:%d: failed: %s\n", file, line, what);
	}
	return ok;
}

const struct flavour flavours[] = {
	{ "ext2-1k", "-t ext2 -b 1024", 16384 },
	{ "ext2-4k", "-t ext2 -b 4096 -I 128", 32768 },
	{ "ext3-1k", "-t ext3 -b 1024 -J size=1", 16384 },
	{ "ext3-4k", "-t ext3 -b 4096", 65536 },
	{ "ext4-1k", "-t ext4 -b 1024 -J size=1", 16384 },
	{ "ext4-2k", "-t ext4 -b 2048 -J size=4", 32768 },
	{ "ext4-4k", "-t ext4 -b 4096", 65536 },
	{ "ext4-nojournal", "-t ext4 -b 4096 -O ^has_journal", 32768 },
	{ "ext4-32bit", "-t ext4 -b 1024 -O ^64bit,^metadata_csum,uninit_bg -J size=1", 16384 },
	{ "ext4-metabg", "-t ext4 -b 1024 -O meta_bg,^resize_inode -J size=1", 32768 },
	{ "ext4-new", "-t ext4 -b 4096 -O metadata_csum_seed,orphan_file", 65536 },
	{ "ext4-small-inodes", "-t ext4 -b 1024 -I 128 -J size=1", 16384 },
};
const unsigned int nr_flavours = ARRAY_SIZE(flavours);

const struct flavour crash_flavours[] = {
	{ "ext4-1k", "-t ext4 -b 1024 -J size=1 -N 256", 4096 },
	{ "ext3-1k", "-t ext3 -b 1024 -J size=1 -N 256", 4096 },
	{ "ext4-4k", "-t ext4 -b 4096 -J size=4 -N 256", 10240 },
};
const unsigned int nr_crash_flavours = ARRAY_SIZE(crash_flavours);

struct made { struct made *next; char key[200]; void *data; uint64_t size; };
static struct made *made;

const void *made_image(const char *options, uint32_t kib, uint64_t *size)
{
	char command[400], path[200];
	struct made *m;

	host_format(command, sizeof(command), "%s %u", options, kib);
	for (m = made; m; m = m->next) {
		if (str_eq(m->key, command)) {
			*size = m->size;
			return m->data;
		}
	}
	m = host_alloc(sizeof(*m));
	str_copy_cut(m->key, command, sizeof(m->key));
	host_format(path, sizeof(path), "%s/ext4-host.img", host_tmpdir());
	host_format(command, sizeof(command),
		    "PATH=$PATH:/sbin:/usr/sbin; rm -f %s; mke2fs -q -F %s "
		    "-U 12345678-1234-1234-1234-123456789abc "
		    "-E hash_seed=87654321-4321-4321-4321-cba987654321 %s %uk >/dev/null 2>&1",
		    path, options, path, kib);
	if (host_run(command)) {
		host_print("Bail out! %s\n", command);
		host_exit(2);
	}
	m->data = host_load(path, &m->size);
	m->next = made;
	made = m;
	*size = m->size;
	return m->data;
}

int run_e2fsck(const void *data, uint64_t size)
{
	char command[400], path[200];
	int status;

	host_format(path, sizeof(path), "%s/ext4-check.img", host_tmpdir());
	if (host_store(path, data, size))
		return -1;
	host_format(command, sizeof(command),
		    "PATH=$PATH:/sbin:/usr/sbin; e2fsck -fn %s >%s.log 2>&1 || "
		    "{ s=$?; sed 's/^/# e2fsck: /' %s.log | head -15; exit $s; }", path, path,
		    path);
	status = host_run(command);
	return status;
}

void fill_pattern(uint8_t *p, uint64_t len, uint64_t seed)
{
	for (uint64_t i = 0; i < len; i++)
		p[i] = (uint8_t)(next_random(&seed) | 1);
}

/* A mount whose disk is a copy of the flavour's image. */
struct session { struct disk_image *disk; struct mounted *m; };

static struct session open_session(const struct flavour *f)
{
	struct session s;
	uint64_t size;
	const void *data = made_image(f->options, f->kib, &size);
	int err;

	s.disk = image_create(data, size);
	s.m = fs_mount(s.disk, "", &err);
	if (!CHECK(s.m != NULL))
		host_print("# mount: %d\n", err);
	return s;
}

static bool remount(struct session *s)
{
	int err = fs_unmount(s->m);

	CHECK(err == 0);
	if (!CHECK(run_e2fsck(s->disk->data, s->disk->size) == 0))
		return false;
	s->m = fs_mount(s->disk, "", &err);
	return CHECK(s->m != NULL);
}

static void close_session(struct session *s)
{
	if (s->m) {
		CHECK(fs_unmount(s->m) == 0);
		CHECK(run_e2fsck(s->disk->data, s->disk->size) == 0);
	}
	image_free(s->disk);
}

static bool content_is(struct mounted *m, const char *path, uint64_t pos, uint64_t len,
		       uint64_t seed)
{
	uint8_t *want = host_alloc(len), *have = host_alloc(len);
	bool same;

	fill_pattern(want, len, seed);
	same = fs_read(m, path, pos, have, len) == (int64_t)len && !memcmp(want, have, len);
	host_free(want);
	host_free(have);
	return same;
}

static int64_t write_pattern(struct mounted *m, const char *path, uint64_t pos, uint64_t len,
			     uint64_t seed)
{
	uint8_t *data = host_alloc(len);
	int64_t n;

	fill_pattern(data, len, seed);
	n = fs_write(m, path, pos, data, len);
	host_free(data);
	return n;
}

static void test_mount(const struct flavour *f)
{
	struct session s = open_session(f);

	if (s.m)
		CHECK(fs_walk(s.m) >= 1);
	close_session(&s);
}

static void test_files(const struct flavour *f)
{
	struct session s = open_session(f);
	struct mounted *m = s.m;
	uint8_t zero[100] = { 0 }, have[100];

	if (!m)
		return close_session(&s);
	CHECK(fs_create(m, "a", 0644) == 0);
	CHECK(fs_create(m, "a", 0644) == -EEXIST);
	CHECK(write_pattern(m, "a", 0, 100000, 1) == 100000);
	CHECK(content_is(m, "a", 0, 100000, 1));
	CHECK(fs_mkdir(m, "d") == 0);
	CHECK(fs_create(m, "d/sparse", 0600) == 0);
	CHECK(write_pattern(m, "d/sparse", 5000000, 3000, 2) == 3000);
	CHECK(write_pattern(m, "d/sparse", 300000, 3000, 3) == 3000);
	CHECK(fs_symlink(m, "short", "d/l1") == 0);
	CHECK(fs_symlink(m, "a-target-longer-than-what-fits-into-the-sixty-bytes-of-an-inode",
			 "d/l2") == 0);
	CHECK(fs_link(m, "a", "d/b") == 0);
	CHECK(fs_fsync(m, "a") == 0);
	if (!remount(&s))
		return close_session(&s);
	m = s.m;
	CHECK(content_is(m, "d/b", 0, 100000, 1));
	CHECK(content_is(m, "d/sparse", 5000000, 3000, 2));
	CHECK(content_is(m, "d/sparse", 300000, 3000, 3));
	CHECK(fs_read(m, "d/sparse", 1000000, have, 100) == 100 && !memcmp(zero, have, 100));
	CHECK(fs_truncate(m, "d/sparse", 301000) == 0);
	CHECK(fs_truncate(m, "d/sparse", 400000) == 0);
	CHECK(fs_read(m, "d/sparse", 301000, have, 100) == 100 && !memcmp(zero, have, 100));
	CHECK(fs_rename(m, "d/b", "moved") == 0);
	CHECK(fs_unlink(m, "a") == 0);
	CHECK(fs_rmdir(m, "d") == -ENOTEMPTY);
	CHECK(fs_mkdir(m, "e") == 0 && fs_rename(m, "d", "e/d") == 0);
	if (!remount(&s))
		return close_session(&s);
	m = s.m;
	CHECK(content_is(m, "moved", 0, 100000, 1));
	CHECK(fs_size(m, "e/d/sparse") == 400000);
	CHECK(fs_unlink(m, "moved") == 0);
	CHECK(fs_unlink(m, "e/d/sparse") == 0 && fs_unlink(m, "e/d/l1") == 0 &&
	      fs_unlink(m, "e/d/l2") == 0);
	CHECK(fs_rmdir(m, "e/d") == 0 && fs_rmdir(m, "e") == 0);
	CHECK(fs_walk(m) == 1);
	close_session(&s);
}

static void test_dirs(const struct flavour *f)
{
	struct session s = open_session(f);
	char path[300];
	uint32_t n = 0;

	if (!s.m)
		return close_session(&s);
	CHECK(fs_mkdir(s.m, "big") == 0);
	for (; n < 1500; n++) {
		host_format(path, sizeof(path), "big/a-name-of-some-length-%u", n * 7919 % 1500);
		if (!CHECK(fs_create(s.m, path, 0644) == 0))
			break;
	}
	if (!remount(&s))
		return close_session(&s);
	CHECK(fs_walk(s.m) == (int64_t)n + 2);
	for (uint32_t i = 0; i < n; i++) {
		struct inode *inode;

		host_format(path, sizeof(path), "big/a-name-of-some-length-%u", i);
		inode = fs_lookup(s.m, path);
		if (!CHECK(!IS_ERR(inode)))
			break;
		inode_put(inode);
		if (i % 3)
			CHECK(fs_unlink(s.m, path) == 0);
	}
	if (!remount(&s))
		return close_session(&s);
	for (uint32_t i = 0; i < n; i++) {
		host_format(path, sizeof(path), "big/a-name-of-some-length-%u", i);
		CHECK(fs_unlink(s.m, path) == (i % 3 ? -ENOENT : 0));
	}
	CHECK(fs_rmdir(s.m, "big") == 0);
	close_session(&s);
}

static void test_xattrs(const struct flavour *f)
{
	struct session s = open_session(f);
	uint8_t value[900], have[900];
	char name[64];

	if (!s.m)
		return close_session(&s);
	fill_pattern(value, sizeof(value), 9);
	CHECK(fs_create(s.m, "x", 0644) == 0);
	for (unsigned int i = 0; i < 6; i++) {
		host_format(name, sizeof(name), "user.name%u", i);
		CHECK(fs_setxattr(s.m, "x", name, value, 20 + i) == 0);
	}
	CHECK(fs_setxattr(s.m, "x", "security.big", value, 500) == 0);
	CHECK(fs_setxattr(s.m, "x", "nonsense", value, 5) == -EOPNOTSUPP);
	if (!remount(&s))
		return close_session(&s);
	for (unsigned int i = 0; i < 6; i++) {
		host_format(name, sizeof(name), "user.name%u", i);
		CHECK(fs_getxattr(s.m, "x", name, have, sizeof(have)) == 20 + i);
		CHECK(!memcmp(have, value, 20 + i));
	}
	CHECK(fs_getxattr(s.m, "x", "security.big", have, sizeof(have)) == 500 &&
	      !memcmp(have, value, 500));
	CHECK(fs_setxattr(s.m, "x", "security.big", NULL, 0) == 0);
	CHECK(fs_getxattr(s.m, "x", "security.big", have, sizeof(have)) == -ENODATA);
	if (!remount(&s))
		return close_session(&s);
	CHECK(fs_unlink(s.m, "x") == 0);
	close_session(&s);
}

static void test_fallocate(const struct flavour *f)
{
	struct session s = open_session(f);
	uint8_t have[100], zero[100] = { 0 };
	int err;

	if (!s.m)
		return close_session(&s);
	CHECK(fs_create(s.m, "p", 0644) == 0);
	CHECK(write_pattern(s.m, "p", 0, 50000, 5) == 50000);
	err = fs_fallocate(s.m, "p", 0, 40000, 100000);
	CHECK(err == (strstr(f->options, "ext4") ? 0 : -EOPNOTSUPP));
	if (!err)
		CHECK(fs_size(s.m, "p") == 140000);
	CHECK(fs_fallocate(s.m, "p", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10000, 20000) ==
	      0);
	CHECK(fs_read(s.m, "p", 10000, have, 100) == 100 && !memcmp(have, zero, 100));
	if (!remount(&s))
		return close_session(&s);
	CHECK(content_is(s.m, "p", 0, 10000, 5));
	CHECK(fs_read(s.m, "p", 29900, have, 100) == 100 && !memcmp(have, zero, 100));
	if (!err) {
		CHECK(write_pattern(s.m, "p", 100000, 1000, 6) == 1000);
		CHECK(fs_fallocate(s.m, "p", FALLOC_FL_ZERO_RANGE, 0, 5000) == 0);
		if (!remount(&s))
			return close_session(&s);
		CHECK(content_is(s.m, "p", 100000, 1000, 6));
		CHECK(fs_read(s.m, "p", 0, have, 100) == 100 && !memcmp(have, zero, 100));
	}
	close_session(&s);
}

static void test_full(const struct flavour *f)
{
	struct session s = open_session(f);
	uint64_t n = 0;
	char path[100];

	if (!s.m)
		return close_session(&s);
	CHECK(fs_mkdir(s.m, "d") == 0);
	for (;; n++) {
		int err;

		host_format(path, sizeof(path), "d/%llu", (unsigned long long)n);
		err = fs_create(s.m, path, 0644);
		if (err) {
			CHECK(err == -ENOSPC);
			break;
		}
		if (write_pattern(s.m, path, 0, 200000, n) != 200000)
			break;
	}
	CHECK(n > 10);
	CHECK(fs_sync(s.m) == 0);
	if (!remount(&s))
		return close_session(&s);
	for (uint64_t i = 0; i < n; i++) {
		host_format(path, sizeof(path), "d/%llu", (unsigned long long)i);
		CHECK(content_is(s.m, path, 0, 200000, i));
		CHECK(fs_unlink(s.m, path) == 0);
	}
	CHECK(fs_create(s.m, "after", 0644) == 0);
	CHECK(write_pattern(s.m, "after", 0, 1500000, 1) == 1500000);
	CHECK(fs_fsync(s.m, "after") == 0);
	close_session(&s);
}

static void test_full_inodes(const struct flavour *f)
{
	struct session s = open_session(f);
	uint32_t n = 0;
	char path[100];
	int err;

	if (!s.m)
		return close_session(&s);
	do {
		host_format(path, sizeof(path), "f%u", n++);
		err = fs_symlink(s.m, "x", path);
	} while (!err && n < 100000);
	CHECK(err == -ENOSPC);
	CHECK(fs_unlink(s.m, "f0") == 0);
	CHECK(fs_create(s.m, "again", 0644) == 0);
	if (remount(&s))
		CHECK(fs_unlink(s.m, "again") == 0);
	close_session(&s);
}

/* Random operations against a model in memory: sizes and contents of a few files. */
#define FSX_FILES 4
#define FSX_MAX 300000u
struct fsx { struct mounted *m; uint8_t *data[FSX_FILES]; uint64_t size[FSX_FILES]; };

static void fsx_step(struct session *s, struct fsx *x, uint64_t *rng, bool has_extents)
{
	uint32_t i = (uint32_t)(next_random(rng) % FSX_FILES);
	uint64_t pos = next_random(rng) % FSX_MAX, len = next_random(rng) % 30000 + 1;
	uint64_t seed = next_random(rng), end;
	uint8_t *buf = host_alloc(FSX_MAX + 40000);
	char path[20];

	host_format(path, sizeof(path), "f%u", i);
	end = pos + len;
	switch (next_random(rng) % 12) {
	case 0: case 1: case 2: case 3:
		fill_pattern(buf, len, seed);
		CHECK(fs_write(s->m, path, pos, buf, len) == (int64_t)len);
		memcpy(x->data[i] + pos, buf, len);
		x->size[i] = max(x->size[i], end);
		break;
	case 4:
		CHECK(fs_truncate(s->m, path, pos) == 0);
		if (pos < x->size[i])
			memset(x->data[i] + pos, 0, x->size[i] - pos);
		x->size[i] = pos;
		break;
	case 5:
		CHECK(fs_fallocate(s->m, path, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pos,
				   len) == 0);
		if (pos < x->size[i])
			memset(x->data[i] + pos, 0, min(len, x->size[i] - pos));
		break;
	case 6:
		if (!has_extents)
			break;
		CHECK(fs_fallocate(s->m, path, seed & 1 ? FALLOC_FL_KEEP_SIZE : 0, pos, len) == 0);
		if (!(seed & 1))
			x->size[i] = max(x->size[i], end);
		break;
	case 7:
		if (!has_extents)
			break;
		CHECK(fs_fallocate(s->m, path, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, pos,
				   len) == 0);
		if (pos < x->size[i])
			memset(x->data[i] + pos, 0, min(len, x->size[i] - pos));
		break;
	case 8:
		CHECK(fs_fsync(s->m, path) == 0);
		break;
	case 9:
		if (seed % 4 == 0)
			fs_drop_caches(s->m);
		break;
	default:
		CHECK(fs_read(s->m, path, 0, buf, FSX_MAX + 40000) == (int64_t)x->size[i]);
		if (!CHECK(!memcmp(buf, x->data[i], x->size[i])))
			host_print("# file %u differs\n", i);
		break;
	}
	host_free(buf);
}

static void test_fsx(const struct flavour *f)
{
	struct session s = open_session(f);
	uint64_t rng = 77, steps = host_env("FSX_STEPS", 3000);
	bool has_extents = strstr(f->options, "-t ext4") != NULL;
	struct fsx x = { 0 };
	char path[20];

	if (!s.m)
		return close_session(&s);
	for (uint32_t i = 0; i < FSX_FILES; i++) {
		x.data[i] = host_alloc(FSX_MAX + 40000);
		host_format(path, sizeof(path), "f%u", i);
		CHECK(fs_create(s.m, path, 0644) == 0);
	}
	for (uint64_t n = 0; n < steps && !checks_failed; n++) {
		fsx_step(&s, &x, &rng, has_extents);
		if (n % 1000 == 999 && !remount(&s))
			break;
	}
	for (uint32_t i = 0; i < FSX_FILES; i++)
		host_free(x.data[i]);
	close_session(&s);
}

static void test_huge_dir(const struct flavour *f)
{
	struct session s = open_session(f);
	uint32_t n = (uint32_t)host_env("HUGE_DIR", 100000), i;
	char path[100];

	if (!s.m)
		return close_session(&s);
	CHECK(fs_create(s.m, "file", 0644) == 0 && fs_mkdir(s.m, "d") == 0);
	/* Links: names without inodes; a link counts to 65000. */
	CHECK(fs_create(s.m, "file2", 0644) == 0);
	for (i = 0; i < n; i++) {
		host_format(path, sizeof(path), "d/entry-number-%u", i);
		if (!CHECK(fs_link(s.m, i < n / 2 ? "file" : "file2", path) == 0))
			break;
	}
	if (remount(&s)) {
		for (i = 0; i < n; i += 97) {
			host_format(path, sizeof(path), "d/entry-number-%u", i);
			CHECK(fs_size(s.m, path) == 0);
		}
		for (i = 0; i < n; i++) {
			host_format(path, sizeof(path), "d/entry-number-%u", i);
			if (!CHECK(fs_unlink(s.m, path) == 0))
				break;
		}
		CHECK(fs_rmdir(s.m, "d") == 0);
	}
	close_session(&s);
}

struct test { const char *name; void (*run)(const struct flavour *f); uint32_t set; };
enum { ALL, CRASH, ONE };

static const struct flavour big_flavour[] = { { "ext4-4k", "-t ext4 -b 4096", 65536 } };

static const struct test tests[] = {
	{ "mount", test_mount, ALL }, { "files", test_files, ALL }, { "dirs", test_dirs, ALL },
	{ "xattrs", test_xattrs, ALL }, { "fallocate", test_fallocate, ALL },
	{ "fsx", test_fsx, ALL }, { "full", test_full, CRASH },
	{ "full_inodes", test_full_inodes, CRASH }, { "huge_dir", test_huge_dir, ONE },
	{ "crash", test_crash_workload, CRASH }, { "enumerate", test_enumerate, CRASH },
	{ "faults", test_faults, CRASH }, { "journal_damage", test_journal_damage, CRASH },
	{ "mutate", test_mutate, CRASH },
};

static bool selected(const char *filter, const char *test, const char *flavour)
{
	char full[100];

	if (!filter)
		return true;
	host_format(full, sizeof(full), "%s.%s", test, flavour);
	return str_eq(filter, test) || str_eq(filter, full);
}

int main(int argc, char **argv);
int main(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : NULL;
	uint32_t ran = 0, failed = 0;

	host_is_quiet = !host_env("STORAGE_VERBOSE", 0);
	host_print("KTAP version 1\n");
	for (uint32_t i = 0; i < ARRAY_SIZE(tests); i++) {
		const struct flavour *set = tests[i].set == ALL ? flavours :
			tests[i].set == CRASH ? crash_flavours : big_flavour;
		uint32_t n = tests[i].set == ALL ? nr_flavours :
			tests[i].set == CRASH ? nr_crash_flavours : 1;

		for (uint32_t k = 0; k < n; k++) {
			double start = host_seconds();

			if (!selected(filter, tests[i].name, set[k].name))
				continue;
			checks_failed = 0;
			tests[i].run(&set[k]);
			ran++;
			failed += checks_failed != 0;
			host_print("%s %u %s.%s # %.1f s\n", checks_failed ? "not ok" : "ok", ran,
				   tests[i].name, set[k].name, host_seconds() - start);
			host_flush();
		}
	}
	host_print("1..%u\n", ran);
	while (made) {
		struct made *next = made->next;

		host_free(made->data);
		host_free(made);
		made = next;
	}
	return !ran ? 2 : failed ? 1 : 0;
}
