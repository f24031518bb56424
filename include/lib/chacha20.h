/* SPDX-License-Identifier: MIT */
/*
 * The ChaCha20 stream cipher (RFC 8439), for the random generator and for keystreams.
 */
#ifndef LIB_CHACHA20_H
#define LIB_CHACHA20_H

#include <lib/types.h>

#define CHACHA20_KEY_BYTES	32
#define CHACHA20_NONCE_BYTES	12
#define CHACHA20_BLOCK		64

struct chacha20 {
	uint32_t state[16];		/* word 12 counts blocks */
};

void chacha20_init(struct chacha20 *ctx, const uint8_t key[CHACHA20_KEY_BYTES],
		   const uint8_t nonce[CHACHA20_NONCE_BYTES], uint32_t counter);
/* Writes one block of keystream and moves on to the next. */
void chacha20_block(struct chacha20 *ctx, uint8_t out[CHACHA20_BLOCK]);
/* dst = src ^ keystream; starts a fresh block each call. @dst may be @src. */
void chacha20_xor(struct chacha20 *ctx, uint8_t *dst, const uint8_t *src, size_t len);

#endif
