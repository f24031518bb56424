/* SPDX-License-Identifier: MIT */
/*
 * BLAKE2s (RFC 7693): a fast keyed or unkeyed hash of up to 32 bytes, for the random generator's
 * pool.
 */
#ifndef LIB_BLAKE2S_H
#define LIB_BLAKE2S_H

#include <lib/types.h>

#define BLAKE2S_BYTES	32
#define BLAKE2S_BLOCK	64

struct blake2s {
	uint32_t state[8];
	uint64_t len;			/* bytes compressed so far */
	uint8_t block[BLAKE2S_BLOCK];
	uint8_t used;			/* bytes waiting in block */
	uint8_t digest_len;
};

/* 1 <= @digest_len <= 32; @key_len <= 32, 0 for none. */
void blake2s_init(struct blake2s *ctx, size_t digest_len, const void *key, size_t key_len);
void blake2s_update(struct blake2s *ctx, const void *data, size_t len);
/* Writes digest_len bytes and wipes @ctx. */
void blake2s_final(struct blake2s *ctx, uint8_t *digest);

#endif
