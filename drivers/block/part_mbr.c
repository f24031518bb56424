/* SPDX-License-Identifier: MIT */
/*
 * Partition tables: which kind a disk has, and the PC's master boot record with its chain of
 * extended tables.  Addresses are in the disk's own blocks.
 */
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>

#include "parts.h"

#define MBR_DISK_ID	440
#define MBR_TABLE	446
#define MBR_SIGNATURE	510
#define MBR_SLOTS	4
#define MBR_FIRST_LOGICAL 5
#define PART_CHAIN_MAX	256	/* tables that follow each other */

enum mbr_type { MBR_EMPTY = 0x00, MBR_EXTENDED_CHS = 0x05, MBR_EXTENDED_LBA = 0x0f,
		MBR_EXTENDED_LINUX = 0x85, MBR_PROTECTIVE = 0xee };

struct mbr_slot {
	uint8_t boot, type;
	uint32_t start, nr;		/* blocks */
};

static struct mbr_slot slot_at(const uint8_t *block, unsigned int i)
{
	const uint8_t *p = block + MBR_TABLE + i * 16;

	return (struct mbr_slot){ p[0], p[4], get_le32(p + 8), get_le32(p + 12) };
}

static bool is_extended(uint8_t type)
{
	return type == MBR_EXTENDED_CHS || type == MBR_EXTENDED_LBA || type == MBR_EXTENDED_LINUX;
}

void parts_complain(const struct part_reader *r, const char *what)
{
	if (r->complain)
		r->complain(r->ctx, what);
}

int parts_emit(const struct part_reader *r, struct part_entry *e, uint64_t block,
	       uint64_t nr_blocks)
{
	uint32_t scale = r->block_size / 512;

	if (!nr_blocks || !range_within(block, nr_blocks, r->nr_blocks)) {
		parts_complain(r, "a partition reaches beyond the disk");
		return 0;
	}
	e->start = block * scale;
	e->nr_sectors = nr_blocks * scale;
	if (r->overlaps(r->ctx, e->start, e->nr_sectors)) {
		parts_complain(r, "a partition overlaps another one");
		return 0;
	}
	return r->found(r->ctx, e);
}

/* A file system's boot sector has the same signature: it is no table. */
static bool is_boot_sector(const uint8_t *block)
{
	if (block[0] != 0xeb && block[0] != 0xe9)
		return false;
	return memcmp(block + 54, "FAT", 3) == 0 || memcmp(block + 82, "FAT32", 5) == 0 ||
	       memcmp(block + 3, "NTFS    ", 8) == 0 || memcmp(block + 3, "EXFAT   ", 8) == 0;
}

bool mbr_is_valid(const struct part_reader *r, const uint8_t *block, bool *is_protective)
{
	(void)r;
	*is_protective = false;
	if (get_le16(block + MBR_SIGNATURE) != 0xaa55)
		return false;
	for (unsigned int i = 0; i < MBR_SLOTS; i++) {
		struct mbr_slot s = slot_at(block, i);

		if (s.boot & 0x7f)
			return false;
		if (s.type == MBR_PROTECTIVE)
			*is_protective = true;
	}
	return *is_protective || !is_boot_sector(block);
}

static int emit_slot(const struct part_reader *r, uint32_t disk_id, uint32_t number,
		     const struct mbr_slot *s, uint64_t base)
{
	struct part_entry e = { .number = number };

	snprintf(e.uuid, sizeof(e.uuid), "%08x-%02x", disk_id, number);
	snprintf(e.type, sizeof(e.type), "0x%x", s->type);
	/* Of the extended partition only its table: enough for boot loaders, as on Linux. */
	return parts_emit(r, &e, base + s->start,
			  is_extended(s->type) ? min(s->nr, 1024 / r->block_size + 1) : s->nr);
}

/*
 * The chain of tables in the extended partition [start, start + nr): the first slot of each is a
 * logical partition, relative to the table; one more leads on, relative to the whole.
 */
static int read_chain(const struct part_reader *r, uint32_t disk_id, uint64_t start, uint64_t nr)
{
	uint64_t at = start;
	uint32_t number = MBR_FIRST_LOGICAL;
	int err = 0;

	/* The bound ends loops of tables, too. */
	for (unsigned int tables = 0; tables < PART_CHAIN_MAX && !err; tables++) {
		uint64_t next = 0;

		err = r->read(r->ctx, at, r->block);
		if (err || get_le16(r->block + MBR_SIGNATURE) != 0xaa55)
			return err;
		for (unsigned int i = 0; i < MBR_SLOTS && !err; i++) {
			struct mbr_slot s = slot_at(r->block, i);

			if (is_extended(s.type) && s.start && s.start < nr && !next)
				next = start + s.start;
			else if (s.type != MBR_EMPTY && s.nr && !is_extended(s.type))
				err = emit_slot(r, disk_id, number++, &s, at);
		}
		if (!next)
			return err;
		at = next;
	}
	return err;
}

int parts_read_mbr(const struct part_reader *r)
{
	struct mbr_slot slots[MBR_SLOTS];
	uint32_t disk_id = get_le32(r->block + MBR_DISK_ID);
	int err = 0;

	for (unsigned int i = 0; i < MBR_SLOTS; i++)
		slots[i] = slot_at(r->block, i);
	for (unsigned int i = 0; i < MBR_SLOTS && !err; i++)
		if (slots[i].type != MBR_EMPTY && slots[i].nr)
			err = emit_slot(r, disk_id, i + 1, &slots[i], 0);
	for (unsigned int i = 0; i < MBR_SLOTS && !err; i++)
		if (is_extended(slots[i].type) &&
		    range_within(slots[i].start, slots[i].nr, r->nr_blocks) && slots[i].nr)
			err = read_chain(r, disk_id, slots[i].start, slots[i].nr);
	return err;
}

int parts_read(const struct part_reader *r)
{
	bool is_protective;
	int err;

	if (r->nr_blocks < 2)
		return 0;
	err = r->read(r->ctx, 0, r->block);
	if (err || !mbr_is_valid(r, r->block, &is_protective))
		return err;
	if (!is_protective)
		return parts_read_mbr(r);
	err = parts_read_gpt(r);
	return min(err, 0);
}
