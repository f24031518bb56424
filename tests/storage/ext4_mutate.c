/* SPDX-License-Identifier: MIT */
/*
 * ext4 on the host: hostile media.  Images with damage where it hurts (metadata, found by what
 * changes between an empty and a used image; checksums made right again or not) are mounted,
 * walked, written to and unmounted.  No access goes astray (ASan says), no loop is endless (the
 * number of requests is bounded), and an image that the checksums protect is never taken for a good
 * one in silence when its journal is damaged.
 */
#include <lib/crc32.h>

#include "ext4_host.h"
#include "../../fs/ext4/disk.h"
#include "../../fs/jbd2/internal.h"

#define REQUESTS_MAX 2000000u

static const char *const names[] = { "d0/e/f", "file", "big", "link", "d0/name-17", "d1", "hl" };

/* A used image: directories with an index, files of all kinds, attributes. */
static uint8_t *used_image(const struct flavour *f, uint64_t *size)
{
	const void *fresh = made_image(f->options, f->kib, size);
	struct disk_image *d = image_create(fresh, *size);
	uint8_t data[5000], *out;
	char path[64];
	int err;
	struct mounted *m = fs_mount(d, "", &err);

	fill_pattern(data, sizeof(data), 3);
	CHECK(m && fs_mkdir(m, "d0") == 0 && fs_mkdir(m, "d1") == 0 && fs_mkdir(m, "d0/e") == 0);
	for (unsigned int i = 0; i < 60; i++) {
		host_format(path, sizeof(path), "d0/name-%u", i);
		CHECK((i % 2 ? fs_create(m, path, 0644) : fs_symlink(m, "to", path)) == 0);
	}
	CHECK(fs_create(m, "file", 0644) == 0 && fs_create(m, "big", 0644) == 0);
	for (uint64_t i = 0; i < 40; i++)		/* many extents, or all levels */
		(void)fs_write(m, "big", i * i * 3000, data, 1500);
	(void)fs_write(m, "file", 0, data, sizeof(data));
	CHECK(fs_create(m, "d0/e/f", 0600) == 0 && fs_symlink(m, "file", "link") == 0);
	CHECK(fs_link(m, "file", "hl") == 0);
	CHECK(fs_setxattr(m, "file", "user.a", data, 30) == 0);
	CHECK(fs_setxattr(m, "file", "user.b", data, 400) == 0);
	CHECK(fs_unmount(m) == 0);
	out = host_alloc(*size);
	memcpy(out, d->data, *size);
	image_free(d);
	return out;
}

/* Mount it and do what a curious user would. */
static void use(uint8_t *image, uint64_t size)
{
	struct disk_image *d = image_create(image, size);
	uint8_t data[3000] = { 1 };
	struct mounted *m;
	int err;

	d->fail_at = REQUESTS_MAX;
	d->fail_every = 1;
	m = fs_mount(d, "", &err);
	if (m) {
		(void)fs_walk(m);
		for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
			(void)fs_write(m, names[i], 2000, data, sizeof(data));
			(void)fs_setxattr(m, names[i], "user.b", data, 600);
			(void)fs_truncate(m, names[i], 1000);
		}
		(void)fs_create(m, "d0/a-new-name", 0644);
		(void)fs_mkdir(m, "d1/new");
		(void)fs_rename(m, "d0/e", "d1/e");
		(void)fs_rename(m, "d0/name-3", "d0/name-4");
		(void)fs_sync(m);
		for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
			(void)fs_unlink(m, names[i]);
		(void)fs_rmdir(m, "d1/new");
		(void)fs_unmount(m);
	}
	CHECK(d->requests < REQUESTS_MAX);
	image_free(d);
}

/* Blocks that are not those of an unused file system: where structures are. */
static uint32_t find_metadata(const uint8_t *image, uint64_t size, uint32_t *places, uint32_t max)
{
	uint32_t n = 0;

	for (uint64_t o = 1024; o < size && n < max; o += 64) {
		bool any = false;

		for (uint32_t i = 0; i < 64; i++)
			any |= image[o + i] != 0 && image[o + i] != 0xff;
		if (any)
			places[n++] = (uint32_t)(o / 64);
	}
	return n;
}

static void damage(uint8_t *p, uint64_t *rng)
{
	uint32_t at = (uint32_t)(next_random(rng) % 60);

	switch (next_random(rng) % 6) {
	case 0: p[at] ^= (uint8_t)(1u << next_random(rng) % 8); break;
	case 1: p[at] = (uint8_t)next_random(rng); break;
	case 2: put_le32(p + (at & ~3u), (uint32_t)next_random(rng)); break;
	case 3: put_le32(p + (at & ~3u), get_le32(p + (at & ~3u)) + 1); break;
	case 4: put_le16(p + (at & ~1u), next_random(rng) & 1 ? 0xffff : 0); break;
	case 5: put_le32(p + (at & ~3u), (uint32_t)(next_random(rng) % 5000)); break;
	}
}

/* Without checksums damage gets further: the flavours of these tests. */
static const struct flavour plain = { "plain", "-t ext4 -b 1024 -J size=1 -N 256 -O ^metadata_csum",
	4096 };
static const struct flavour plain2 = { "plain2", "-t ext2 -b 1024 -N 256", 2048 };

static void mutate_one(const struct flavour *f, uint64_t count, uint64_t seed)
{
	uint64_t size;
	uint8_t *base = used_image(f, &size), *image = host_alloc(size);
	uint32_t max = (uint32_t)(size / 64), *places = host_alloc(max * sizeof(*places));
	uint32_t n = find_metadata(base, size, places, max);

	for (uint64_t i = 0; i < count && !checks_failed; i++) {
		uint64_t rng = seed + i, k = next_random(&rng) % 4 + 1;

		memcpy(image, base, size);
		while (k--) {
			/* The superblock and descriptors are in the first blocks: more often. */
			uint32_t place = next_random(&rng) % 8 ? places[next_random(&rng) % n] :
				(uint32_t)(16 + next_random(&rng) % 48);

			damage(image + place * 64ull, &rng);
		}
		use(image, size);
		if (checks_failed)
			host_print("# %s: image %llu\n", f->name, (unsigned long long)(seed + i));
	}
	host_free(base);
	host_free(image);
	host_free(places);
}

void test_mutate(const struct flavour *f)
{
	uint64_t count = host_env("STORAGE_LONG", 0) ? 3400 : 340,
		seed = host_env("MUTATE_SEED", 1);

	if (host_env("MUTATE_COUNT", 0))
		count = host_env("MUTATE_COUNT", 0);
	if (strstr(f->options, "ext3")) {
		mutate_one(&plain2, count / 2, seed);
		mutate_one(f, count / 2, seed);
	} else if (strstr(f->options, "4096")) {
		mutate_one(f, count, seed);
	} else {
		mutate_one(&plain, count, seed);
	}
}

/* A log with transactions in it, and one byte of them changed. */
static uint8_t *image_with_log(const struct flavour *f, uint64_t *size, uint32_t *nr_events)
{
	const void *fresh = made_image(f->options, f->kib, size);
	struct disk_image *d = image_create(fresh, *size);
	uint8_t *out = host_alloc(*size), data[2000];
	char path[32];
	int err;
	struct mounted *m = fs_mount(d, "", &err);

	CHECK(m != NULL);
	fill_pattern(data, sizeof(data), 5);
	for (unsigned int i = 0; i < 5; i++) {
		host_format(path, sizeof(path), "f%u", i);
		CHECK(fs_create(m, path, 0644) == 0);
		CHECK(fs_write(m, path, 0, data, sizeof(data)) == (int64_t)sizeof(data));
		CHECK(fs_fsync(m, path) == 0);
	}
	memcpy(out, d->data, *size);
	*nr_events = d->nr_events;
	fs_power_off(m);
	image_free(d);
	return out;
}

/* A byte of the log: what is zeros on a fresh image, between the first and last block of it. */
static uint64_t pick_log_byte(const uint8_t *fresh, uint32_t bs, uint64_t first, uint64_t last,
			      uint64_t *rng)
{
	for (;;) {
		uint64_t o = first + next_random(rng) % (last - first), block = o / bs * bs, i = 0;

		while (i < bs && !fresh[block + i])
			i++;
		if (i == bs)
			return o;
	}
}

/*
 * With checksums each damaged transaction but the last must be refused; whatever is mounted must be
 * sound.
 */
void test_journal_damage(const struct flavour *f)
{
	uint64_t size, rng = 99, count = host_env("STORAGE_LONG", 0) ? 2000 : 200;
	uint32_t events, refused = 0, mounted = 0;
	uint8_t *base = image_with_log(f, &size, &events), *image = host_alloc(size);
	uint32_t bs = 1024u << get_le32(base + 1024 + 24);
	const uint8_t *fresh = made_image(f->options, f->kib, &size);
	uint64_t first = 0, last = 0;

	for (uint64_t o = 0; o + 1024 <= size; o += 1024) {
		uint32_t type = get_be32(base + o + 4);

		if (get_be32(base + o) != JBD2_MAGIC || type == JBD2_SUPER_V2)
			continue;
		first = first ? first : o;
		last = o;
	}
	CHECK(first && last > first);
	for (uint64_t i = 0; i < count && !checks_failed; i++) {
		struct disk_image *d;
		struct mounted *m;
		int err;

		memcpy(image, base, size);
		image[pick_log_byte(fresh, bs, first, last, &rng)] ^= (uint8_t)(1 + i % 255);
		d = image_create(image, size);
		m = fs_mount(d, "", &err);
		if (m) {
			mounted++;
			CHECK(fs_walk(m) >= 0 || !strstr(f->options, "ext4"));
			(void)fs_unmount(m);
			if (i % 16 == 0 && strstr(f->options, "ext4"))
				CHECK(run_e2fsck(d->data, d->size) == 0);
		} else {
			refused++;
		}
		image_free(d);
	}
	if (strstr(f->options, "ext4"))
		CHECK(refused > 0);
	host_print("# %s: %u refused, %u mounted\n", f->name, refused, mounted);
	host_free(base);
	host_free(image);
}
