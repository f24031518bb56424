/* SPDX-License-Identifier: MIT */
/*
 * ChaCha20, RFC 8439 section 2.
 */
#include <lib/bits.h>
#include <lib/chacha20.h>
#include <lib/endian.h>
#include <lib/minmax.h>
#include <lib/string.h>

static inline void quarter_round(uint32_t s[16], int a, int b, int c, int d)
{
	s[a] += s[b];
	s[d] = rol32(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rol32(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rol32(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rol32(s[b] ^ s[c], 7);
}

void chacha20_init(struct chacha20 *ctx, const uint8_t key[CHACHA20_KEY_BYTES],
		   const uint8_t nonce[CHACHA20_NONCE_BYTES], uint32_t counter)
{
	static const uint8_t sigma[16] = {
		'e', 'x', 'p', 'a', 'n', 'd', ' ', '3', '2', '-', 'b', 'y', 't', 'e', ' ', 'k',
	};

	for (int i = 0; i < 4; i++)
		ctx->state[i] = get_le32(sigma + 4 * i);
	for (int i = 0; i < 8; i++)
		ctx->state[4 + i] = get_le32(key + 4 * i);
	ctx->state[12] = counter;
	for (int i = 0; i < 3; i++)
		ctx->state[13 + i] = get_le32(nonce + 4 * i);
}

void chacha20_block(struct chacha20 *ctx, uint8_t out[CHACHA20_BLOCK])
{
	uint32_t s[16];

	memcpy(s, ctx->state, sizeof(s));
	for (int i = 0; i < 10; i++) {
		quarter_round(s, 0, 4, 8, 12);
		quarter_round(s, 1, 5, 9, 13);
		quarter_round(s, 2, 6, 10, 14);
		quarter_round(s, 3, 7, 11, 15);
		quarter_round(s, 0, 5, 10, 15);
		quarter_round(s, 1, 6, 11, 12);
		quarter_round(s, 2, 7, 8, 13);
		quarter_round(s, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		put_le32(out + 4 * i, s[i] + ctx->state[i]);
	ctx->state[12]++;
	memzero_explicit(s, sizeof(s));
}

void chacha20_xor(struct chacha20 *ctx, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint8_t block[CHACHA20_BLOCK];

	while (len) {
		size_t n = min(len, CHACHA20_BLOCK);

		chacha20_block(ctx, block);
		for (size_t i = 0; i < n; i++)
			dst[i] = src[i] ^ block[i];
		dst += n;
		src += n;
		len -= n;
	}
	memzero_explicit(block, sizeof(block));
}
