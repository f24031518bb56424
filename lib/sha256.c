/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, straight from FIPS 180-4, with a 16-word message schedule that is renewed in place.
 */
#include <lib/bits.h>
#include <lib/endian.h>
#include <lib/minmax.h>
#include <lib/sha256.h>
#include <lib/string.h>

static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
	0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
	0xbef9a3f7, 0xc67178f2,
};

/* Word @i of the message schedule; @w holds the last 16. */
static inline uint32_t schedule(uint32_t w[16], unsigned int i)
{
	uint32_t a = w[(i + 1) % 16], b = w[(i + 14) % 16];

	if (i >= 16)
		w[i % 16] += (ror32(a, 7) ^ ror32(a, 18) ^ (a >> 3)) + w[(i + 9) % 16] +
			     (ror32(b, 17) ^ ror32(b, 19) ^ (b >> 10));
	return w[i % 16];
}

static void compress(uint32_t state[8], const uint8_t *block)
{
	uint32_t s[8], w[16];

	memcpy(s, state, sizeof(s));
	for (unsigned int i = 0; i < 16; i++)
		w[i] = get_be32(block + 4 * i);
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t e = s[4], a = s[0];
		uint32_t t1 = s[7] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) +
			      ((e & s[5]) ^ (~e & s[6])) + round_constants[i] + schedule(w, i);
		uint32_t t2 = (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) +
			      ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		for (unsigned int j = 7; j > 0; j--)
			s[j] = s[j - 1];
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (unsigned int i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_init(struct sha256 *ctx)
{
	static const uint32_t initial[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(ctx->state, initial, sizeof(initial));
	ctx->len = 0;
}

void sha256_update(struct sha256 *ctx, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t used = ctx->len % SHA256_BLOCK;

	ctx->len += len;
	if (used) {
		size_t n = min(len, SHA256_BLOCK - used);

		memcpy(ctx->block + used, p, n);
		if (used + n < SHA256_BLOCK)
			return;
		compress(ctx->state, ctx->block);
		p += n;
		len -= n;
	}
	for (; len >= SHA256_BLOCK; len -= SHA256_BLOCK, p += SHA256_BLOCK)
		compress(ctx->state, p);
	memcpy(ctx->block, p, len);
}

void sha256_final(struct sha256 *ctx, uint8_t digest[SHA256_BYTES])
{
	uint64_t bits = ctx->len * 8;
	size_t used = ctx->len % SHA256_BLOCK;

	ctx->block[used++] = 0x80;
	memset(ctx->block + used, 0, SHA256_BLOCK - used);
	if (used > SHA256_BLOCK - 8) {
		compress(ctx->state, ctx->block);
		memset(ctx->block, 0, SHA256_BLOCK);
	}
	put_be64(ctx->block + SHA256_BLOCK - 8, bits);
	compress(ctx->state, ctx->block);
	for (unsigned int i = 0; i < 8; i++)
		put_be32(digest + 4 * i, ctx->state[i]);
	memzero_explicit(ctx, sizeof(*ctx));
}

void sha256(const void *data, size_t len, uint8_t digest[SHA256_BYTES])
{
	struct sha256 ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, data, len);
	sha256_final(&ctx, digest);
}
