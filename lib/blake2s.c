/* SPDX-License-Identifier: MIT */
/*
 * BLAKE2s, RFC 7693 section 3.
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/blake2s.h>
#include <lib/endian.h>
#include <lib/minmax.h>
#include <lib/string.h>

static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
	0x5be0cd19,
};

static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

/* One mixing of the columns or diagonals' words a, b, c, d with two message words. */
static inline void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y)
{
	v[a] += v[b] + x;
	v[d] = ror32(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = ror32(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = ror32(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = ror32(v[b] ^ v[c], 7);
}

static void compress(struct blake2s *ctx, const uint8_t *block, uint32_t final_mask)
{
	uint32_t v[16], m[16];

	for (int i = 0; i < 8; i++) {
		v[i] = ctx->state[i];
		v[8 + i] = iv[i];
	}
	v[12] ^= (uint32_t)ctx->len;
	v[13] ^= (uint32_t)(ctx->len >> 32);
	v[14] ^= final_mask;
	for (int i = 0; i < 16; i++)
		m[i] = get_le32(block + 4 * i);
	for (int r = 0; r < 10; r++) {
		const uint8_t *s = sigma[r];

		for (int i = 0; i < 4; i++)
			mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
		for (int i = 0; i < 4; i++)
			mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4,
			    m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
	}
	for (int i = 0; i < 8; i++)
		ctx->state[i] ^= v[i] ^ v[8 + i];
}

void blake2s_init(struct blake2s *ctx, size_t digest_len, const void *key, size_t key_len)
{
	ENSURE(digest_len && digest_len <= BLAKE2S_BYTES && key_len <= BLAKE2S_BYTES);
	memset(ctx, 0, sizeof(*ctx));
	memcpy(ctx->state, iv, sizeof(iv));
	ctx->state[0] ^= 0x01010000 | (uint32_t)key_len << 8 | (uint32_t)digest_len;
	ctx->digest_len = (uint8_t)digest_len;
	if (key_len) {
		memcpy(ctx->block, key, key_len);
		ctx->used = BLAKE2S_BLOCK;
	}
}

/* The last block is compressed by blake2s_final alone, so a full block waits until more comes. */
void blake2s_update(struct blake2s *ctx, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		size_t n;

		if (ctx->used == BLAKE2S_BLOCK) {
			ctx->len += BLAKE2S_BLOCK;
			compress(ctx, ctx->block, 0);
			ctx->used = 0;
		}
		n = min(len, (size_t)BLAKE2S_BLOCK - ctx->used);
		memcpy(ctx->block + ctx->used, p, n);
		ctx->used = (uint8_t)(ctx->used + n);
		p += n;
		len -= n;
	}
}

void blake2s_final(struct blake2s *ctx, uint8_t *digest)
{
	uint8_t full[BLAKE2S_BYTES];

	ctx->len += ctx->used;
	memset(ctx->block + ctx->used, 0, (size_t)BLAKE2S_BLOCK - ctx->used);
	compress(ctx, ctx->block, ~0U);
	for (int i = 0; i < 8; i++)
		put_le32(full + 4 * i, ctx->state[i]);
	memcpy(digest, full, ctx->digest_len);
	memzero_explicit(full, sizeof(full));
	memzero_explicit(ctx, sizeof(*ctx));
}
