/* SPDX-License-Identifier: MIT */
/*
 * GUID partition tables (UEFI 2.10, 5.3): a header behind the first block, its copy in the last
 * one, each with an array of entries of its own, all under CRC-32.
 */
#include <lib/crc32.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <lib/utf8.h>

#include "parts.h"

#define GPT_HEADER_MIN	92u
#define GPT_ENTRY_MIN	128u
#define GPT_NAME_UNITS	36

struct gpt {
	uint64_t first_usable, last_usable, alternate;	/* blocks */
	uint64_t entries;
	uint32_t nr_entries, entry_size, entries_crc;
};

/* "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": the first three fields are little-endian. */
static void guid_format(char out[40], const uint8_t *g)
{
	/* By bytes: gcc 12 with UBSan takes get_le16(g + 4) for a read of nothing. */
	snprintf(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12],
		 g[13], g[14], g[15]);
}

/* UTF-16 to UTF-8; what is no character becomes a question mark. */
static void name_convert(char *out, size_t size, const uint8_t *units)
{
	size_t len = 0;

	for (unsigned int i = 0; i < GPT_NAME_UNITS && len + UTF8_MAX < size; i++) {
		uint32_t c = get_le16(units + 2 * i);
		int n;

		if (!c)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < GPT_NAME_UNITS) {
			uint32_t low = get_le16(units + 2 * i + 2);

			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			}
		}
		n = c < 0x20 || c == 0x7f ? -EILSEQ : utf8_encode(c, out + len);
		if (n < 0)
			out[len] = '?';
		len += n < 0 ? 1 : (size_t)n;
	}
	out[len] = '\0';
}

static bool header_is_sane(const struct part_reader *r, const struct gpt *g)
{
	uint64_t bytes;

	if (g->first_usable > g->last_usable || g->last_usable >= r->nr_blocks)
		return false;
	if (g->entry_size < GPT_ENTRY_MIN || g->entry_size & (g->entry_size - 1) ||
	    g->entry_size > r->block_size || !g->nr_entries || g->nr_entries > PART_NUMBER_MAX)
		return false;
	bytes = (uint64_t)g->nr_entries * g->entry_size;
	return g->entries > 1 &&
	       range_within(g->entries, DIV_ROUND_UP(bytes, r->block_size), r->nr_blocks);
}

/* The header in r->block, read from block @lba, if it is one. */
static bool header_parse(const struct part_reader *r, uint64_t lba, struct gpt *g)
{
	uint8_t *h = r->block;
	uint32_t size = get_le32(h + 12), crc = get_le32(h + 16);

	if (memcmp(h, "EFI PART", 8) != 0 || size < GPT_HEADER_MIN || size > r->block_size)
		return false;
	put_le32(h + 16, 0);
	if (crc32(0, h, size) != crc || get_le64(h + 24) != lba)
		return false;
	*g = (struct gpt){
		.alternate = get_le64(h + 32), .first_usable = get_le64(h + 40),
		.last_usable = get_le64(h + 48), .entries = get_le64(h + 72),
		.nr_entries = get_le32(h + 80), .entry_size = get_le32(h + 84),
		.entries_crc = get_le32(h + 88),
	};
	return header_is_sane(r, g);
}

/* 1: the array's check sum is right. */
static int entries_check(const struct part_reader *r, const struct gpt *g)
{
	uint64_t left = (uint64_t)g->nr_entries * g->entry_size;
	uint32_t crc = 0;

	for (uint64_t at = g->entries; left; at++) {
		size_t n = min_t(uint64_t, left, r->block_size);
		int err = r->read(r->ctx, at, r->block2);

		if (err)
			return err;
		crc = crc32(crc, r->block2, n);
		left -= n;
	}
	return crc == g->entries_crc;
}

/* 1: @g is a valid table from block @lba; 0: there is none. */
static int table_load(const struct part_reader *r, uint64_t lba, struct gpt *g)
{
	int err = r->read(r->ctx, lba, r->block);

	if (err)
		return err;
	return header_parse(r, lba, g) ? entries_check(r, g) : 0;
}

static int entry_emit(const struct part_reader *r, const struct gpt *g, const uint8_t *p,
		      uint32_t number)
{
	static const uint8_t unused[16];
	struct part_entry e = { .number = number };
	uint64_t first = get_le64(p + 32), last = get_le64(p + 40);

	if (memcmp(p, unused, 16) == 0)
		return 0;
	if (first > last || first < g->first_usable || last > g->last_usable) {
		parts_complain(r, "a partition lies outside of the usable blocks");
		return 0;
	}
	guid_format(e.type, p);
	guid_format(e.uuid, p + 16);
	name_convert(e.name, sizeof(e.name), p + 56);
	return parts_emit(r, &e, first, last - first + 1);
}

static int entries_emit(const struct part_reader *r, const struct gpt *g)
{
	uint32_t per_block = r->block_size / g->entry_size;
	int err = 0;

	for (uint32_t i = 0; i < g->nr_entries && !err; i++) {
		if (i % per_block == 0)
			err = r->read(r->ctx, g->entries + i / per_block, r->block2);
		if (!err)
			err = entry_emit(r, g, r->block2 + i % per_block * g->entry_size, i + 1);
	}
	return err;
}

int parts_read_gpt(const struct part_reader *r)
{
	uint64_t last = r->nr_blocks - 1;
	struct gpt g;
	int valid = table_load(r, 1, &g);

	if (valid < 0 && valid != -EIO)
		return valid;
	if (valid <= 0) {
		parts_complain(r, "the primary GPT is damaged: looking for the backup");
		valid = table_load(r, last, &g);
		if (valid < 0)
			return valid;
	}
	if (!valid) {
		parts_complain(r, "no valid GPT");
		return 0;
	}
	valid = entries_emit(r, &g);
	return valid ? valid : 1;
}
