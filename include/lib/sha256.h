/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4).
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include <lib/types.h>

#define SHA256_BYTES	32
#define SHA256_BLOCK	64

struct sha256 {
	uint32_t state[8];
	uint64_t len;			/* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t len);
/* Writes the digest and wipes @ctx. */
void sha256_final(struct sha256 *ctx, uint8_t digest[SHA256_BYTES]);
void sha256(const void *data, size_t len, uint8_t digest[SHA256_BYTES]);

#endif
