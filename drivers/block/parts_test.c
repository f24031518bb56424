/* SPDX-License-Identifier: MIT */
/*
 * Tests of the partition parsers, on the host under ASan and UBSan: good tables, damaged ones, and
 * thousands of mutated ones, whose partitions must lie within the disk and apart from each other.
 */
#include <lib/crc32.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "parts.h"

#define IMAGE_BLOCKS	256u
#define IMAGE_MAX	(IMAGE_BLOCKS * 4096u)
#define FOUND_MAX	64u

static uint8_t image[IMAGE_MAX];
static uint8_t scratch[2][4096];

struct result {
	struct part_entry found[FOUND_MAX];
	unsigned int nr, complaints, reads;
	uint32_t block_size;
	uint64_t bad_block;		/* reads of it fail; 0: none */
	bool out_of_range;
};

static int image_read(void *ctx, uint64_t block, void *buf)
{
	struct result *r = ctx;

	r->reads++;
	if (block >= IMAGE_BLOCKS) {
		r->out_of_range = true;
		return -EIO;
	}
	if (r->bad_block && block == r->bad_block)
		return -EIO;
	memcpy(buf, image + block * r->block_size, r->block_size);
	return 0;
}

static int image_found(void *ctx, const struct part_entry *e)
{
	struct result *r = ctx;

	if (r->nr < FOUND_MAX)
		r->found[r->nr++] = *e;
	return 0;
}

static bool image_overlaps(void *ctx, uint64_t start, uint64_t nr)
{
	struct result *r = ctx;

	for (unsigned int i = 0; i < r->nr; i++)
		if (range_overlaps(r->found[i].start, r->found[i].nr_sectors, start, nr))
			return true;
	return false;
}

static void image_complain(void *ctx, const char *what)
{
	(void)what;
	((struct result *)ctx)->complaints++;
}

static int parse(struct result *r, uint32_t block_size, uint64_t bad_block)
{
	struct part_reader reader = {
		.block_size = block_size, .nr_blocks = IMAGE_BLOCKS, .read = image_read,
		.found = image_found, .overlaps = image_overlaps, .complain = image_complain,
		.ctx = r, .block = scratch[0], .block2 = scratch[1],
	};

	memset(r, 0, sizeof(*r));
	r->block_size = block_size;
	r->bad_block = bad_block;
	return parts_read(&reader);
}

static void mbr_slot(uint8_t *block, unsigned int i, uint8_t type, uint32_t start, uint32_t nr)
{
	uint8_t *p = block + 446 + 16 * i;

	p[4] = type;
	put_le32(p + 8, start);
	put_le32(p + 12, nr);
	put_le16(block + 510, 0xaa55);
}

struct gpt_shape {
	uint32_t block_size, nr_entries, entry_size;
	uint32_t entry_blocks;
};

static struct gpt_shape shape(uint32_t block_size)
{
	return (struct gpt_shape){ block_size, 32, 128, DIV_ROUND_UP(32 * 128, block_size) };
}

static void gpt_entry(const struct gpt_shape *s, unsigned int i, uint64_t first, uint64_t last,
		      const char *name)
{
	uint8_t *p = image + 2 * s->block_size + i * s->entry_size;

	memset(p, 0, s->entry_size);
	memset(p, 0xaa, 16);
	p[0] = 0x01;
	memset(p + 16, (int)(0x10 + i), 16);
	put_le64(p + 32, first);
	put_le64(p + 40, last);
	for (unsigned int c = 0; name[c]; c++)
		put_le16(p + 56 + 2 * c, (uint8_t)name[c]);
}

static void gpt_header(const struct gpt_shape *s, uint64_t lba, uint64_t other, uint64_t entries)
{
	uint8_t *h = image + lba * s->block_size;

	memset(h, 0, s->block_size);
	memcpy(h, "EFI PART", 8);
	put_le32(h + 8, 0x10000);
	put_le32(h + 12, 92);
	put_le64(h + 24, lba);
	put_le64(h + 32, other);
	put_le64(h + 40, 2 + s->entry_blocks);
	put_le64(h + 48, IMAGE_BLOCKS - s->entry_blocks - 2);
	put_le64(h + 72, entries);
	put_le32(h + 80, s->nr_entries);
	put_le32(h + 84, s->entry_size);
	put_le32(h + 88, crc32(0, image + entries * s->block_size, s->nr_entries * s->entry_size));
	put_le32(h + 16, crc32(0, h, 92));
}

/* The entries stand in the primary's array: make headers and the backup of it. */
static void gpt_seal(const struct gpt_shape *s)
{
	uint64_t last = IMAGE_BLOCKS - 1;

	memset(image, 0, s->block_size);
	mbr_slot(image, 0, 0xee, 1, IMAGE_BLOCKS - 1);
	memcpy(image + (last - s->entry_blocks) * s->block_size, image + 2 * s->block_size,
	       s->entry_blocks * s->block_size);
	gpt_header(s, 1, last, 2);
	gpt_header(s, last, 1, last - s->entry_blocks);
}

static void gpt_make(const struct gpt_shape *s)
{
	memset(image, 0, sizeof(image));
	gpt_entry(s, 0, 40, 59, "boot");
	gpt_entry(s, 3, 60, 199, "root \xe9");
	gpt_seal(s);
}

static void check_two(const struct result *r, uint32_t scale)
{
	KASSERT_EQ(r->nr, 2);
	KEXPECT_EQ(r->found[0].number, 1);
	KEXPECT_EQ(r->found[0].start, 40 * scale);
	KEXPECT_EQ(r->found[0].nr_sectors, 20 * scale);
	KEXPECT_STREQ(r->found[0].name, "boot");
	KEXPECT_STREQ(r->found[0].uuid, "10101010-1010-1010-1010-101010101010");
	KEXPECT_STREQ(r->found[0].type, "aaaaaa01-aaaa-aaaa-aaaa-aaaaaaaaaaaa");
	KEXPECT_EQ(r->found[1].number, 4);
	KEXPECT_EQ(r->found[1].nr_sectors, 140 * scale);
	KEXPECT_STREQ(r->found[1].name, "root \xc3\xa9");
}

KTEST(parts, gpt)
{
	for (uint32_t block = 512; block <= 4096; block *= 2) {
		struct gpt_shape s = shape(block);
		struct result r;

		gpt_make(&s);
		KEXPECT_EQ(parse(&r, block, 0), 0);
		KEXPECT_EQ(r.complaints, 0);
		check_two(&r, block / 512);
	}
}

KTEST(parts, gpt_backup)
{
	struct gpt_shape s = shape(512);
	struct result r;

	gpt_make(&s);
	image[512 + 40] ^= 1;			/* the primary's header */
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_EQ(r.complaints, 1);
	check_two(&r, 1);
	gpt_make(&s);
	image[2 * 512 + 33] ^= 1;		/* its entries */
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	check_two(&r, 1);
	gpt_make(&s);
	KEXPECT_EQ(parse(&r, 512, 1), 0);	/* it cannot be read */
	check_two(&r, 1);
	image[512] = image[(IMAGE_BLOCKS - 1) * 512] = 0;
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_EQ(r.nr, 0);
}

KTEST(parts, gpt_partitions_are_checked)
{
	struct gpt_shape s = shape(512);
	struct result r;

	gpt_make(&s);
	gpt_entry(&s, 5, 150, 230, "overlaps");
	gpt_entry(&s, 6, 230, 220, "backwards");
	gpt_entry(&s, 7, 1, 1, "the header");
	gpt_entry(&s, 8, 230, 1ull << 60, "far");
	gpt_seal(&s);
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_EQ(r.complaints, 4);
	check_two(&r, 1);
}

KTEST(parts, mbr_with_logical_partitions)
{
	struct result r;

	memset(image, 0, sizeof(image));
	mbr_slot(image, 0, 0x83, 8, 20);
	mbr_slot(image, 2, 0x0f, 100, 100);
	put_le32(image + 440, 0xdeadbeef);
	mbr_slot(image + 100 * 512, 0, 0x83, 4, 10);
	mbr_slot(image + 100 * 512, 1, 0x05, 40, 50);
	mbr_slot(image + 140 * 512, 0, 0x82, 2, 20);
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KASSERT_EQ(r.nr, 4);
	KEXPECT_STREQ(r.found[0].uuid, "deadbeef-01");
	KEXPECT_STREQ(r.found[0].type, "0x83");
	KEXPECT_EQ(r.found[1].number, 3);
	KEXPECT_LE(r.found[1].nr_sectors, 4);
	KEXPECT_EQ(r.found[2].number, 5);
	KEXPECT_EQ(r.found[2].start, 104);
	KEXPECT_EQ(r.found[3].number, 6);
	KEXPECT_EQ(r.found[3].start, 142);
}

KTEST(parts, mbr_loops_end)
{
	struct result r;

	memset(image, 0, sizeof(image));
	mbr_slot(image, 0, 0x05, 100, 100);
	mbr_slot(image + 100 * 512, 1, 0x05, 40, 50);
	mbr_slot(image + 140 * 512, 1, 0x05, 40, 50);
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_LT(r.reads, 1000);
}

KTEST(parts, what_is_no_table)
{
	struct result r;

	memset(image, 0, sizeof(image));
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_EQ(r.nr, 0);
	mbr_slot(image, 0, 0x83, 8, 20);
	image[446] = 0x12;			/* neither bootable nor not */
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_EQ(r.nr, 0);
	image[446] = 0x80;
	image[0] = 0xeb;
	memcpy(image + 82, "FAT32", 5);
	KEXPECT_EQ(parse(&r, 512, 0), 0);
	KEXPECT_EQ(r.nr, 0);
}

static void check_found(const struct result *r)
{
	uint64_t sectors = IMAGE_BLOCKS * (r->block_size / 512);

	KASSERT_FALSE(r->out_of_range);
	for (unsigned int i = 0; i < r->nr; i++) {
		const struct part_entry *e = &r->found[i];

		KASSERT_TRUE(e->number && e->number <= PART_NUMBER_MAX + 256);
		KASSERT_TRUE(e->nr_sectors && range_within(e->start, e->nr_sectors, sectors));
		for (unsigned int j = 0; j < i; j++)
			KASSERT_FALSE(range_overlaps(e->start, e->nr_sectors, r->found[j].start,
						     r->found[j].nr_sectors));
	}
}

/* Some bytes of headers, entries and tables changed; half of the time with right check sums. */
static void mutate(const struct gpt_shape *s, uint64_t *seed)
{
	unsigned int n = 1 + ktest_random(seed) % 8;

	while (n--) {
		uint64_t at = ktest_random(seed) % (34 * 512);

		image[at] = (uint8_t)ktest_random(seed);
	}
	if (ktest_random(seed) & 1) {
		uint8_t *h = image + s->block_size;
		uint64_t entries = get_le64(h + 72);
		uint64_t len = (uint64_t)get_le32(h + 80) * get_le32(h + 84);

		if (entries < IMAGE_BLOCKS && len <= (IMAGE_BLOCKS - entries) * s->block_size)
			put_le32(h + 88, crc32(0, image + entries * s->block_size, len));
		put_le32(h + 16, 0);
		put_le32(h + 16, crc32(0, h, min(get_le32(h + 12), s->block_size)));
	}
}

KTEST(parts, mutated_tables)
{
	struct gpt_shape s = shape(512);
	uint64_t seed = 20260101;

	for (unsigned int i = 0; i < 10000; i++) {
		struct result r;

		if (i % 3 == 0) {
			memset(image, 0, 256 * 512);
			mbr_slot(image, 0, 0x83, 8, 20);
			mbr_slot(image, 1, 0x05, 30, 200);
			for (unsigned int t = 30; t < 200; t += 30) {
				mbr_slot(image + t * 512, 0, 0x83, 1, 20);
				mbr_slot(image + t * 512, 1, 0x05, t, 30);
			}
			image[440 + ktest_random(&seed) % 70] = (uint8_t)ktest_random(&seed);
			image[30 * 512 + 440 + ktest_random(&seed) % 70] =
				(uint8_t)ktest_random(&seed);
		} else {
			gpt_make(&s);
			mutate(&s, &seed);
		}
		KASSERT_EQ(parse(&r, 512, 0), 0);
		check_found(&r);
	}
}
