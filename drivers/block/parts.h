/* SPDX-License-Identifier: MIT */
/*
 * Reading partition tables: pure functions over a reader, for the kernel and for the host's tests.
 * What a disk says is not trusted: each partition lies within the disk and overlaps no other.
 */
#ifndef DRIVERS_BLOCK_PARTS_H
#define DRIVERS_BLOCK_PARTS_H

#include <lib/types.h>

#define PART_BLOCK_MAX	4096u
#define PART_NUMBER_MAX	4096u		/* partitions of a disk */

struct part_entry {
	uint32_t number;
	uint64_t start, nr_sectors;	/* of 512 bytes */
	char uuid[40], type[40], name[112];
};

struct part_reader {
	uint32_t block_size;		/* 512 ... PART_BLOCK_MAX */
	uint64_t nr_blocks;
	/* One block to @buf: 0 or -errno. */
	int (*read)(void *ctx, uint64_t block, void *buf);
	/* A partition, already checked against the disk: 0, or -errno to stop. */
	int (*found)(void *ctx, const struct part_entry *e);
	/* Does [start, start + nr) share a sector with one found before? */
	bool (*overlaps)(void *ctx, uint64_t start, uint64_t nr);
	/* Something is wrong but not the end; optional. */
	void (*complain)(void *ctx, const char *what);
	void *ctx;
	uint8_t *block;			/* scratch of block_size bytes, ... */
	uint8_t *block2;		/* ... and another */
};

/* 0: no (valid) table, or all of it was found; -errno of read() or found(). */
int parts_read(const struct part_reader *r);

/* part_gpt.c: 1: it is one; 0: neither copy is valid; -errno. */
int parts_read_gpt(const struct part_reader *r);
/* part_mbr.c; @is_protective: it only covers a GPT. */
bool mbr_is_valid(const struct part_reader *r, const uint8_t *block, bool *is_protective);
int parts_read_mbr(const struct part_reader *r);

/* The checks that all tables share: in units of blocks.  Calls found(); 0 or its -errno. */
int parts_emit(const struct part_reader *r, struct part_entry *e, uint64_t block,
	       uint64_t nr_blocks);
void parts_complain(const struct part_reader *r, const char *what);

#endif
