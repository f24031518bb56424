/* SPDX-License-Identifier: MIT */
/*
 * cpio archives in the "newc" format (magic 070701, and 070702 whose checksum is verified), as an
 * initramfs is made of: several archives may follow each other with zero bytes between them. Two
 * readers over the same header parser: cpio_next() walks an archive in memory without copying,
 * struct cpio_stream takes it in pieces of any size, as a decompressor yields them.
 */
#ifndef LIB_CPIO_H
#define LIB_CPIO_H

#include <lib/types.h>

#define CPIO_HEADER_BYTES	110
#define CPIO_NAME_MAX		4096	/* with its terminator */

struct cpio_entry {
	const char *name;	/* terminated; as stored */
	size_t name_len;
	uint32_t ino;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint32_t mtime;
	uint32_t dev_major, dev_minor;
	uint32_t rdev_major, rdev_minor;
	uint32_t checksum;	/* 0 unless the format has one */
	uint32_t size;
	const void *data;	/* size bytes; NULL when streaming */
};

struct cpio_reader {
	const uint8_t *data;
	size_t size;
	size_t pos;		/* where the next header is looked for */
};

static inline void cpio_reader_init(struct cpio_reader *r, const void *data, size_t size)
{
	*r = (struct cpio_reader){ .data = data, .size = size };
}

/*
 * 1: *@e is the next entry. 0: the end; if r->pos < r->size, something that is no cpio archive
 * begins there. -EINVAL: damaged or cut off at r->pos.
 */
int cpio_next(struct cpio_reader *r, struct cpio_entry *e) __must_check;

/* What a streaming reader calls; a non-zero result ends the reading and is passed on. */
struct cpio_stream_ops {
	int (*entry)(void *arg, const struct cpio_entry *e);
	/* Pieces of the data of the last entry, in order, e->size bytes altogether. */
	int (*data)(void *arg, const void *bytes, size_t len);
	/* After the last byte, also for entries without data. */
	int (*entry_end)(void *arg);
};

enum cpio_stream_state {
	CPIO_STREAM_HEADER,
	CPIO_STREAM_NAME,
	CPIO_STREAM_DATA,
};

struct cpio_stream {
	const struct cpio_stream_ops *ops;
	void *arg;
	enum cpio_stream_state state;
	uint64_t pos;			/* bytes taken since the archive began, for alignment */
	uint32_t have;			/* bytes collected in the current state */
	uint32_t sum;			/* of the data so far */
	struct cpio_entry entry;
	char header[CPIO_HEADER_BYTES];
	char name[CPIO_NAME_MAX];
};

void cpio_stream_init(struct cpio_stream *s, const struct cpio_stream_ops *ops, void *arg);
/*
 * 0, a callback's result, or -EINVAL (damaged), -ENAMETOOLONG. After an error nothing more is
 * taken.
 */
int cpio_stream_feed(struct cpio_stream *s, const void *data, size_t len) __must_check;
/* -EINVAL if the stream ends within an entry. */
int cpio_stream_finish(const struct cpio_stream *s) __must_check;

#endif
