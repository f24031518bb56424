/* SPDX-License-Identifier: MIT */
/*
 * ext4 on the host: power cuts and failing requests.
 *
 * A workload runs on a disk that records every write and flush.  Then, for many points in that
 * record, a disk is made as a cut there may have left it, mounted (which replays the journal), and
 * must show what had been synced; unmounted, it must satisfy e2fsck.  What each file may hold at a
 * point is told by its history: a list of versions, each with the events at which it began and at
 * which it was on the medium.
 */
#include <uapi/fcntl.h>

#include "ext4_host.h"

#define NR_FILES	6
#define MAX_VERSIONS	400
#define FILE_MAX	40000u
#define NEVER		UINT32_MAX

/* A state of a name: absent (size < 0), or a file whose whole content follows from its seed. */
struct version {
	int32_t size;
	uint64_t seed;
	uint32_t begun, synced;		/* events */
};
struct history { struct version v[MAX_VERSIONS]; uint32_t n; };
struct model { struct history file[NR_FILES]; };

static void new_version(struct model *mo, uint32_t i, int32_t size, uint64_t seed, uint32_t event)
{
	struct history *h = &mo->file[i];

	ENSURE(h->n < MAX_VERSIONS);
	h->v[h->n++] = (struct version){ size, seed, event, NEVER };
}

static void sync_one(struct model *mo, uint32_t i, uint32_t event)
{
	struct history *h = &mo->file[i];

	if (h->n && h->v[h->n - 1].synced == NEVER)
		h->v[h->n - 1].synced = event;
}

static struct version *now(struct model *mo, uint32_t i)
{
	struct history *h = &mo->file[i];

	return &h->v[h->n - 1];
}

static void name_of(uint32_t i, char *out)
{
	host_format(out, 32, i % 2 ? "dir/f%u" : "f%u", i);
}

/* Rewrite the whole file: truncate, then write; two versions. */
static void rewrite(struct mounted *m, struct model *mo, uint32_t i, uint32_t size, uint64_t seed)
{
	uint8_t *data = host_alloc(size + 1);
	char path[32];

	name_of(i, path);
	fill_pattern(data, size, seed);
	if (now(mo, i)->size < 0) {
		new_version(mo, i, 0, 0, m->disk->nr_events);
		CHECK(fs_create(m, path, 0644) == 0);
	} else {
		new_version(mo, i, 0, 0, m->disk->nr_events);
		CHECK(fs_truncate(m, path, 0) == 0);
	}
	new_version(mo, i, (int32_t)size, seed, m->disk->nr_events);
	CHECK(fs_write(m, path, 0, data, size) == (int64_t)size);
	host_free(data);
}

static void step(struct mounted *m, struct model *mo, uint64_t *rng)
{
	uint32_t i = (uint32_t)(next_random(rng) % NR_FILES),
		k = (uint32_t)(next_random(rng) % NR_FILES);
	char a[32], b[32];

	name_of(i, a);
	name_of(k, b);
	switch (next_random(rng) % 10) {
	case 0: case 1: case 2:
		rewrite(m, mo, i, (uint32_t)(next_random(rng) % FILE_MAX), next_random(rng));
		break;
	case 3:
		if (now(mo, i)->size < 0)
			break;
		new_version(mo, i, -1, 0, m->disk->nr_events);
		CHECK(fs_unlink(m, a) == 0);
		break;
	case 4: case 5:
		if (now(mo, i)->size < 0 || i == k)
			break;
		/* What is renamed was synced before, as programs do: then it is all or nothing. */
		CHECK(fs_fsync(m, a) == 0);
		sync_one(mo, i, m->disk->nr_events);
		new_version(mo, k, now(mo, i)->size, now(mo, i)->seed, m->disk->nr_events);
		new_version(mo, i, -1, 0, m->disk->nr_events);
		CHECK(fs_rename(m, a, b) == 0);
		break;
	case 6: case 7:
		if (now(mo, i)->size < 0)
			break;
		CHECK(fs_fsync(m, a) == 0);
		sync_one(mo, i, m->disk->nr_events);
		break;
	case 8:
		(void)fs_mkdir(m, "dir/sub");
		(void)fs_symlink(m, "somewhere", "dir/sub/link");
		(void)fs_unlink(m, "dir/sub/link");
		(void)fs_rmdir(m, "dir/sub");
		break;
	case 9:
		if (next_random(rng) % 3)
			break;
		CHECK(fs_sync(m) == 0);
		for (i = 0; i < NR_FILES; i++)
			sync_one(mo, i, m->disk->nr_events);
		break;
	}
}

/* Is every block of what is there that of some allowed version, or zeros? */
static bool blocks_are(const uint8_t *have, int64_t size, const struct history *h, uint32_t from,
		       uint32_t upto, uint32_t bs)
{
	uint8_t *want = host_alloc(FILE_MAX);
	bool *good = host_alloc(FILE_MAX / bs + 1), all = true;

	for (uint32_t v = from; v < h->n && (v == from || h->v[v].begun <= upto); v++) {
		int32_t vs = h->v[v].size;

		if (vs < 0)
			continue;
		memset(want, 0, FILE_MAX);
		fill_pattern(want, (uint64_t)vs, h->v[v].seed);
		for (int64_t o = 0; o < size; o += bs)
			good[o / bs] |= !memcmp(have + o, want + o,
						(size_t)min(size - o, (int64_t)bs));
	}
	memset(want, 0, FILE_MAX);
	for (int64_t o = 0; o < size; o += bs) {
		if (!good[o / bs] && memcmp(have + o, want + o, (size_t)min(size - o, (int64_t)bs)))
			all = false;
	}
	host_free(want);
	host_free(good);
	return all;
}

/* What the cut before event @upto left of a name must be in its history. */
static bool file_ok(struct mounted *m, const struct history *h, uint32_t i, uint32_t upto)
{
	uint32_t synced = 0, later;
	uint8_t *have;
	char path[32];
	int64_t size;
	bool ok = false, exact = true;

	for (uint32_t v = 0; v < h->n; v++) {
		if (h->v[v].synced <= upto)
			synced = v;
	}
	for (later = synced + 1; later < h->n && h->v[later].begun <= upto; later++)
		exact = false;
	name_of(i, path);
	size = fs_size(m, path);
	if (size < 0) {
		for (uint32_t v = synced; v < later; v++)
			ok |= h->v[v].size < 0;
		return ok && size == -ENOENT;
	}
	if (size > FILE_MAX)
		return false;
	have = host_alloc(FILE_MAX);
	ok = fs_read(m, path, 0, have, FILE_MAX) == size;
	if (exact)
		ok = ok && size == h->v[synced].size;
	if (ok && size)
		ok = blocks_are(have, size, h, synced, upto, m->sb.block_size);
	host_free(have);
	return ok;
}

struct cuts {
	const struct flavour *f;
	const void *base;
	uint64_t size;
	struct disk_image *disk;
	const struct model *model;	/* NULL: only that it mounts and is sound */
	bool (*check)(struct mounted *m, uint32_t upto, const void *arg);
	const void *arg;
	uint32_t done, checked_by_e2fsck;
};

static void report_cut(struct cuts *c, uint32_t upto, uint64_t seed, const char *what)
{
	host_print("# %s: cut before event %u of %u, seed %llu: %s\n", c->f->name, upto,
		   c->disk->nr_events, (unsigned long long)seed, what);
}

/* Mount what is left and look.  False: something is wrong. */
static bool try_cut(struct cuts *c, uint32_t upto, uint64_t seed, bool e2fsck)
{
	uint8_t *left = host_alloc(c->size);
	struct disk_image *d;
	struct mounted *m;
	bool ok = true;
	int err;

	image_cut(c->disk, c->base, upto, seed, left);
	d = image_create(left, c->size);
	host_free(left);
	c->done++;
	m = fs_mount(d, "", &err);
	if (!m) {
		report_cut(c, upto, seed, "does not mount");
		image_free(d);
		return false;
	}
	for (uint32_t i = 0; c->model && i < NR_FILES; i++) {
		if (!file_ok(m, &c->model->file[i], i, upto)) {
			report_cut(c, upto, seed, "a file is not as it was synced");
			host_print("# file %u, size %lld\n", i, 0LL);
			ok = false;
		}
	}
	if (c->check && !c->check(m, upto, c->arg)) {
		report_cut(c, upto, seed, "what was synced is not there");
		ok = false;
	}
	if (fs_walk(m) < 0) {
		report_cut(c, upto, seed, "cannot be walked");
		ok = false;
	}
	if (fs_unmount(m)) {
		report_cut(c, upto, seed, "cannot be unmounted");
		ok = false;
	}
	if (e2fsck || !ok) {
		c->checked_by_e2fsck++;
		if (run_e2fsck(d->data, d->size)) {
			report_cut(c, upto, seed, "e2fsck complains");
			ok = false;
		}
	}
	image_free(d);
	return ok;
}

void test_crash_workload(const struct flavour *f)
{
	uint64_t steps = host_env("CRASH_STEPS", 120), points = host_env("CRASH_POINTS", 150);
	uint64_t rng = host_env("CRASH_SEED", 4711);
	struct cuts c = { .f = f };
	struct model *mo = host_alloc(sizeof(*mo));
	struct mounted *m;
	int err;

	c.base = made_image(f->options, f->kib, &c.size);
	c.disk = image_create(c.base, c.size);
	c.model = mo;
	image_record(c.disk);
	m = fs_mount(c.disk, "", &err);
	if (!CHECK(m != NULL))
		return;
	for (uint32_t i = 0; i < NR_FILES; i++) {
		new_version(mo, i, -1, 0, 0);
		mo->file[i].v[0].synced = 0;
	}
	CHECK(fs_mkdir(m, "dir") == 0);
	for (uint64_t n = 0; n < steps; n++)
		step(m, mo, &rng);
	fs_power_off(m);
	for (uint64_t p = 0; p < points && checks_failed < 5; p++) {
		uint32_t upto = (uint32_t)(next_random(&rng) % (c.disk->nr_events + 1));
		uint64_t seed = p % 3 == 0 ? p % 2 : next_random(&rng) | 2;

		/* Without "dir" nothing that the history tells of can be there. */
		if (upto < c.disk->nr_events / 10)
			upto = c.disk->nr_events / 10;
		CHECK(try_cut(&c, upto, seed, true));
	}
	host_print("# %s: %u events, %u cuts\n", f->name, c.disk->nr_events, c.done);
	image_free(c.disk);
	host_free(mo);
}

/* Enumeration: every pair of operations, synced, then cut at every event. */

enum op { OP_CREATE, OP_WRITE, OP_APPEND, OP_OVERWRITE, OP_RENAME, OP_RENAME_OVER, OP_RENAME_DIR,
	OP_LINK, OP_UNLINK, OP_TRUNCATE, OP_GROW, OP_MKDIR, OP_RMDIR, OP_SYMLINK, OP_XATTR,
	OP_PREALLOC, OP_PUNCH, OP_FSYNC, OP_SYNC, NR_OPS };

static int run_op(struct mounted *m, enum op op)
{
	uint8_t data[9000];

	fill_pattern(data, sizeof(data), op + 1);
	switch (op) {
	case OP_CREATE: return fs_create(m, "new", 0644);
	case OP_WRITE: return min((int)fs_write(m, "new", 0, data, sizeof(data)), 0);
	case OP_APPEND: return min((int)fs_write(m, "foo", 3000, data, 5000), 0);
	case OP_OVERWRITE: return min((int)fs_write(m, "foo", 100, data, 2000), 0);
	case OP_RENAME: return fs_rename(m, "foo", "dir/foo2");
	case OP_RENAME_OVER: return fs_rename(m, "foo", "bar");
	case OP_RENAME_DIR: return fs_rename(m, "dir/sub", "sub2");
	case OP_LINK: return fs_link(m, "bar", "dir/bar2");
	case OP_UNLINK: return fs_unlink(m, "bar");
	case OP_TRUNCATE: return fs_truncate(m, "foo", 500);
	case OP_GROW: return fs_truncate(m, "foo", 20000);
	case OP_MKDIR: return fs_mkdir(m, "dir/made");
	case OP_RMDIR: return fs_rmdir(m, "dir/sub");
	case OP_SYMLINK: return fs_symlink(m, "foo", "dir/sym");
	case OP_XATTR: return fs_setxattr(m, "foo", "user.test", data, 300);
	case OP_PREALLOC: return fs_fallocate(m, "foo", FALLOC_FL_KEEP_SIZE, 8000, 30000);
	case OP_PUNCH: return fs_fallocate(m, "foo", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					   500, 2000);
	case OP_FSYNC: return fs_fsync(m, "foo");
	case OP_SYNC: return fs_sync(m);
	case NR_OPS: break;
	}
	return 0;
}

static const char *const watched[] = { "foo", "bar", "new", "dir/foo2", "dir/bar2", "dir/made",
	"dir/sym", "dir/sub", "sub2" };

/* What a name is: 0 nothing, else a number from its size and content. */
static uint64_t digest(struct mounted *m, const char *path)
{
	static uint8_t data[40000];
	int64_t size = fs_size(m, path), n;
	uint64_t sum;

	if (size < 0)
		return size == -ENOENT ? 0 : 1;
	n = fs_read(m, path, 0, data, sizeof(data));
	sum = (uint64_t)size * 31 + 7;
	for (int64_t i = 0; i < n; i++)
		sum = sum * 1099511628211ULL + data[i];
	return sum;
}

struct expected { uint64_t digest[ARRAY_SIZE(watched)]; uint32_t synced; };

static bool check_expected(struct mounted *m, uint32_t upto, const void *arg)
{
	const struct expected *e = arg;

	for (uint32_t i = 0; upto >= e->synced && i < ARRAY_SIZE(watched); i++) {
		if (digest(m, watched[i]) != e->digest[i]) {
			host_print("# %s differs\n", watched[i]);
			return false;
		}
	}
	return true;
}

static const void *prepared(const struct flavour *f, uint64_t *size)
{
	const void *fresh = made_image(f->options, f->kib, size);
	struct disk_image *d = image_create(fresh, *size);
	uint8_t data[6000], *out;
	int err;
	struct mounted *m = fs_mount(d, "", &err);

	fill_pattern(data, sizeof(data), 99);
	CHECK(m && fs_mkdir(m, "dir") == 0 && fs_mkdir(m, "dir/sub") == 0);
	CHECK(fs_create(m, "foo", 0644) == 0 && fs_write(m, "foo", 0, data, 3000) == 3000);
	CHECK(fs_create(m, "bar", 0644) == 0 && fs_write(m, "bar", 0, data, 6000) == 6000);
	CHECK(fs_unmount(m) == 0);
	out = host_alloc(*size);
	memcpy(out, d->data, *size);
	image_free(d);
	return out;
}

static void enumerate_one(struct cuts *c, const enum op *ops, uint32_t nr, uint64_t *budget)
{
	struct expected e = { .synced = NEVER };
	struct mounted *m;
	int err;

	c->disk = image_create(c->base, c->size);
	image_record(c->disk);
	m = fs_mount(c->disk, "", &err);
	if (!CHECK(m != NULL))
		return;
	for (uint32_t i = 0; i < nr; i++)
		(void)run_op(m, ops[i]);
	CHECK(fs_sync(m) == 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(watched); i++)
		e.digest[i] = digest(m, watched[i]);
	e.synced = c->disk->nr_events;
	fs_power_off(m);
	c->check = check_expected;
	c->arg = &e;
	for (uint32_t upto = 0; upto <= c->disk->nr_events; upto++) {
		bool last = upto == c->disk->nr_events;

		/* e2fsck is a process each time: at the end, and at every so-manieth. */
		CHECK(try_cut(c, upto, last ? 1 : upto * 7 + 2, last || ++*budget % 16 == 0));
		if (checks_failed) {
			host_print("# operations %u %u\n", ops[0], nr > 1 ? ops[1] : NR_OPS);
			break;
		}
	}
	image_free(c->disk);
}

void test_enumerate(const struct flavour *f)
{
	struct cuts c = { .f = f };
	uint64_t budget = 0;
	bool long_mode = host_env("STORAGE_LONG", 0);

	c.base = prepared(f, &c.size);
	for (enum op a = 0; a < NR_OPS && !checks_failed; a++) {
		enumerate_one(&c, &a, 1, &budget);
		for (enum op b = 0; b < NR_OPS && !checks_failed; b++) {
			enum op ops[2] = { a, b };

			/* All pairs in the long mode; in CI each flavour takes its third. */
			if (long_mode || (a * NR_OPS + b + (enum op)f->kib / 1024) % 3 == 0)
				enumerate_one(&c, ops, 2, &budget);
		}
	}
	host_print("# %s: %u cuts, %u seen by e2fsck\n", f->name, c.done, c.checked_by_e2fsck);
	host_free((void *)c.base);
}

/* Failing requests: nothing crashes, what is left is sound, errors are told. */
static void fault_run(const struct flavour *f, const void *base, uint64_t size, uint64_t at,
		      uint64_t every)
{
	struct disk_image *d = image_create(base, size);
	struct mounted *m;
	int err;

	d->fail_at = at;
	d->fail_every = every;
	m = fs_mount(d, "errors=remount-ro", &err);
	if (m) {
		for (enum op op = 0; op < NR_OPS; op++)
			(void)run_op(m, op);
		(void)fs_walk(m);
		(void)fs_unmount(m);
	}
	d->fail_at = 0;
	m = fs_mount(d, "", &err);
	if (CHECK(m != NULL)) {
		CHECK(fs_walk(m) >= 0);
		(void)fs_unmount(m);
		if (at % 8 == 0)
			(void)f;
	} else {
		host_print("# request %llu: mount %d\n", (unsigned long long)at, err);
	}
	if (at % 4 == 0 && !CHECK(run_e2fsck(d->data, d->size) <= 0))
		host_print("# request %llu failed\n", (unsigned long long)at);
	image_free(d);
}

void test_faults(const struct flavour *f)
{
	uint64_t size, n, limit = host_env("STORAGE_LONG", 0) ? 2000 : 250;
	const void *base = prepared(f, &size);

	for (n = 1; n < limit && !checks_failed; n++)
		fault_run(f, base, size, n, n % 3 ? 0 : 5);
	host_free((void *)base);
}
