/* SPDX-License-Identifier: MIT */
/*
 * The journal on disk: blocks of the log, their headers and checksums, the superblock.  Nothing
 * read here is trusted before it was checked.
 */
#include <kernel/log.h>
#include <lib/crc32.h>
#include <lib/err.h>
#include <lib/string.h>

#include "internal.h"

struct buf *jlog_get(struct journal *j, uint32_t index)
{
	uint64_t block;
	int err = j->args.map(j->args.arg, index, &block);

	return err ? ERR_PTR(err) : buf_get(j->args.cache, block);
}

struct buf *jlog_read(struct journal *j, uint32_t index)
{
	uint64_t block;
	int err = j->args.map(j->args.arg, index, &block);

	return err ? ERR_PTR(err) : buf_read(j->args.cache, block);
}

uint32_t jlog_next(const struct journal *j, uint32_t index)
{
	return index + 1 >= j->end ? j->first : index + 1;
}

uint32_t jbd2_tag_size(const struct journal *j)
{
	uint32_t size = 8;

	if (j->incompat & JBD2_INCOMPAT_CSUM_V3)
		return 16;
	if (j->incompat & JBD2_INCOMPAT_CSUM_V2)
		size += 2;
	if (j->incompat & JBD2_INCOMPAT_64BIT)
		size += 4;
	return size;
}

bool jbd2_header_ok(const struct buf *b, uint32_t *type, uint32_t *sequence)
{
	const struct jbd2_header *h = b->data;

	*type = be32_to_cpu(h->type);
	*sequence = be32_to_cpu(h->sequence);
	return be32_to_cpu(h->magic) == JBD2_MAGIC;
}

void jbd2_header_init(struct buf *b, enum jbd2_block_type type, uint32_t tid)
{
	struct jbd2_header *h = b->data;

	memset(b->data, 0, b->size);
	h->magic = cpu_to_be32(JBD2_MAGIC);
	h->type = cpu_to_be32(type);
	h->sequence = cpu_to_be32(tid);
}

uint32_t jbd2_data_csum(const struct journal *j, const void *data, uint32_t tid)
{
	be32_t sequence = cpu_to_be32(tid);
	uint32_t crc = crc32c_raw(j->csum_seed, &sequence, sizeof(sequence));

	return crc32c_raw(crc, data, j->args.block_size);
}

/* Of the whole block, as if the four bytes at @offset were 0. */
static uint32_t csum_around(uint32_t seed, const void *data, uint32_t size, uint32_t offset)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32c_raw(seed, data, offset);

	crc = crc32c_raw(crc, zero, 4);
	return crc32c_raw(crc, (const uint8_t *)data + offset + 4, size - offset - 4);
}

void jbd2_tail_csum_set(const struct journal *j, struct buf *b)
{
	if (journal_has_csum(j))
		put_be32((uint8_t *)b->data + b->size - 4,
			 csum_around(j->csum_seed, b->data, b->size, b->size - 4));
}

bool jbd2_tail_csum_ok(const struct journal *j, const struct buf *b)
{
	return !journal_has_csum(j) ||
	       get_be32((const uint8_t *)b->data + b->size - 4) ==
	       csum_around(j->csum_seed, b->data, b->size, b->size - 4);
}

void jbd2_commit_csum_set(const struct journal *j, struct buf *b)
{
	struct jbd2_commit *c = b->data;

	if (journal_has_csum(j))
		c->checksum[0] = cpu_to_be32(csum_around(j->csum_seed, b->data, b->size,
				offset_of(struct jbd2_commit, checksum)));
}

bool jbd2_commit_csum_ok(const struct journal *j, const struct buf *b)
{
	const struct jbd2_commit *c = b->data;

	return !journal_has_csum(j) ||
	       be32_to_cpu(c->checksum[0]) == csum_around(j->csum_seed, b->data, b->size,
				offset_of(struct jbd2_commit, checksum));
}

bool jbd2_tag_get(const struct journal *j, const struct buf *b, uint32_t *offset,
		  struct jbd2_tag *tag)
{
	uint32_t size = jbd2_tag_size(j), end = b->size - (journal_has_csum(j) ? 4 : 0);
	const uint8_t *p = (const uint8_t *)b->data + *offset;

	if (*offset + size > end)
		return false;
	tag->block = get_be32(p);
	if (j->incompat & JBD2_INCOMPAT_CSUM_V3) {
		tag->flags = get_be32(p + 4);
		tag->checksum = get_be32(p + 12);
	} else {
		tag->checksum = get_be16(p + 4);
		tag->flags = get_be16(p + 6);
	}
	if (j->incompat & JBD2_INCOMPAT_64BIT)
		tag->block |= (uint64_t)get_be32(p + 8) << 32;
	*offset += size;
	if (!(tag->flags & JBD2_TAG_SAME_UUID))
		*offset += 16;
	return true;
}

void jbd2_tag_put(const struct journal *j, void *p, const struct jbd2_tag *tag)
{
	uint8_t *at = p;

	put_be32(at, (uint32_t)tag->block);
	if (j->incompat & JBD2_INCOMPAT_CSUM_V3) {
		put_be32(at + 4, tag->flags);
		put_be32(at + 8, (uint32_t)(tag->block >> 32));
		put_be32(at + 12, tag->checksum);
		return;
	}
	put_be16(at + 4, j->incompat & JBD2_INCOMPAT_CSUM_V2 ? (uint16_t)tag->checksum : 0);
	put_be16(at + 6, (uint16_t)tag->flags);
	if (j->incompat & JBD2_INCOMPAT_64BIT)
		put_be32(at + 8, (uint32_t)(tag->block >> 32));
}

static uint32_t super_csum(const struct jbd2_super *s)
{
	return csum_around(~0u, s, sizeof(*s), offset_of(struct jbd2_super, checksum));
}

/* A fast commit whose blocks wait for replay begins with this tag, of this transaction. */
static int check_fast_area(struct journal *j, uint32_t sequence)
{
	struct buf *b = jlog_read(j, j->end);
	const uint8_t *p;
	bool pending;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	p = b->data;
	/* tag HEAD (9), length, features, transaction */
	pending = get_le16(p) == 9 && get_le32(p + 8) == sequence;
	buf_put(b);
	if (pending) {
		log_err("jbd2: fast commits wait for replay; let Linux or e2fsck do it");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int check_geometry(struct journal *j, const struct jbd2_super *s)
{
	uint32_t nr_fast = be32_to_cpu(s->nr_fast_blocks);

	j->first = be32_to_cpu(s->first);
	j->end = be32_to_cpu(s->nr_blocks);
	if (be32_to_cpu(s->block_size) != j->args.block_size || j->end > j->args.nr_blocks)
		return -EUCLEAN;
	if (j->incompat & JBD2_INCOMPAT_FAST) {
		nr_fast = nr_fast ? nr_fast : 256;
		if (nr_fast >= j->end)
			return -EUCLEAN;
		j->end -= nr_fast;
	}
	if (!j->first || j->first >= j->end || j->end - j->first < 64)
		return -EUCLEAN;
	j->tail = be32_to_cpu(s->start);
	if (j->tail && (j->tail < j->first || j->tail >= j->end))
		return -EUCLEAN;
	return 0;
}

int jbd2_super_check(struct journal *j)
{
	const struct jbd2_super *s = super_of(j);
	uint32_t type = be32_to_cpu(s->header.type);
	int err;

	if (be32_to_cpu(s->header.magic) != JBD2_MAGIC ||
	    (type != JBD2_SUPER_V1 && type != JBD2_SUPER_V2))
		return -EUCLEAN;
	if (type == JBD2_SUPER_V2) {
		j->incompat = be32_to_cpu(s->incompat);
		if ((j->incompat & ~(uint32_t)JBD2_INCOMPAT_KNOWN) || be32_to_cpu(s->ro_compat))
			return -EOPNOTSUPP;
	}
	if (journal_has_csum(j)) {
		if ((j->incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3)) ==
		    (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3) ||
		    s->checksum_type != JBD2_CHECKSUM_CRC32C ||
		    be32_to_cpu(s->checksum) != super_csum(s))
			return -EUCLEAN;
	}
	j->csum_seed = crc32c_raw(~0u, s->uuid, 16);
	err = check_geometry(j, s);
	if (err)
		return err;
	j->tail_tid = be32_to_cpu(s->sequence);
	j->tail_on_disk = j->tail != 0;
	j->old_error = (int)be32_to_cpu(s->error);
	if (j->incompat & JBD2_INCOMPAT_FAST)
		return check_fast_area(j, j->tail_tid);
	return 0;
}

/* Lock held or not shared yet.  Everything that it promises is on the medium already. */
int jbd2_super_write(struct journal *j)
{
	struct jbd2_super *s = super_of(j);

	if (j->args.read_only)
		return -EROFS;
	buf_lock(j->super_buf);
	s->start = cpu_to_be32(j->tail_on_disk ? j->tail : 0);
	s->sequence = cpu_to_be32(j->tail_tid);
	s->error = cpu_to_be32((uint32_t)j->old_error);
	s->incompat = cpu_to_be32(j->incompat);
	if (journal_has_csum(j)) {
		s->checksum_type = JBD2_CHECKSUM_CRC32C;
		s->checksum = cpu_to_be32(super_csum(s));
	}
	buf_mark_dirty(j->super_buf);
	buf_write_start(j->super_buf, BIO_FUA | BIO_SYNC | BIO_META);
	buf_unlock(j->super_buf);
	return buf_write_wait(j->super_buf);
}

int journal_disk_flush(struct journal *j)
{
	return j->args.no_barrier ? 0 : block_flush(j->args.dev);
}
