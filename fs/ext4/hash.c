/* SPDX-License-Identifier: MIT */
/*
 * Hashes of names for indexed directories.  They decide where a name is on the medium, so they are
 * what Linux computes, with char signed or not as the file system was first used.
 */
#include "ext4.h"

#define HASH_EOF	0x7fffffffu	/* means the end of a directory, so no name may have it */

static uint32_t rotate(uint32_t x, unsigned int n) { return x << n | x >> (32 - n); }
static uint32_t pick_f(uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); }
static uint32_t pick_g(uint32_t x, uint32_t y, uint32_t z) { return (x & y) + ((x ^ y) & z); }
static uint32_t pick_h(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }

struct md4_round {
	uint32_t (*pick)(uint32_t x, uint32_t y, uint32_t z);
	uint32_t add;
	uint8_t word[8], shift[4];
};

static const struct md4_round rounds[3] = {
	{ pick_f, 0, { 0, 1, 2, 3, 4, 5, 6, 7 }, { 3, 7, 11, 19 } },
	{ pick_g, 0x5A827999, { 1, 3, 5, 7, 0, 2, 4, 6 }, { 3, 5, 9, 13 } },
	{ pick_h, 0x6ED9EBA1, { 3, 7, 2, 6, 1, 5, 0, 4 }, { 3, 9, 11, 15 } },
};

/* A cut-down MD4: eight words a round instead of sixteen. */
static void half_md4(uint32_t state[4], const uint32_t in[8])
{
	uint32_t v[4] = { state[0], state[1], state[2], state[3] };

	for (unsigned int r = 0; r < 3; r++) {
		const struct md4_round *k = &rounds[r];

		for (unsigned int i = 0; i < 8; i++) {
			unsigned int a = (4 - i % 4) % 4;	/* a, d, c, b, a, ... */
			uint32_t x = k->pick(v[(a + 1) % 4], v[(a + 2) % 4], v[(a + 3) % 4]);

			v[a] = rotate(v[a] + x + in[k->word[i]] + k->add, k->shift[i % 4]);
		}
	}
	for (unsigned int i = 0; i < 4; i++)
		state[i] += v[i];
}

static void tea(uint32_t state[4], const uint32_t in[4])
{
	uint32_t b0 = state[0], b1 = state[1], sum = 0;

	for (unsigned int n = 0; n < 16; n++) {
		sum += 0x9E3779B9;
		b0 += ((b1 << 4) + in[0]) ^ (b1 + sum) ^ ((b1 >> 5) + in[1]);
		b1 += ((b0 << 4) + in[2]) ^ (b0 + sum) ^ ((b0 >> 5) + in[3]);
	}
	state[0] += b0;
	state[1] += b1;
}

static uint32_t char_value(const char *p, bool is_unsigned)
{
	return is_unsigned ? (uint8_t)*p : (uint32_t)(int32_t)(int8_t)*p;
}

static uint32_t legacy(const char *name, uint32_t len, bool is_unsigned)
{
	uint32_t h0 = 0x12a3fe2d, h1 = 0x37abe8f9;

	for (uint32_t i = 0; i < len; i++) {
		uint32_t h = h1 + (h0 ^ (char_value(name + i, is_unsigned) * 7152373));

		if (h & 0x80000000)
			h -= 0x7fffffff;
		h1 = h0;
		h0 = h;
	}
	return h0 << 1;
}

/* @words words of the name, filled up with its length. */
static void to_words(const char *p, uint32_t len, uint32_t *out, uint32_t words, bool is_unsigned)
{
	uint32_t pad = len | len << 8, value, filled = 0;

	pad |= pad << 16;
	value = pad;
	if (len > words * 4)
		len = words * 4;
	for (uint32_t i = 0; i < len; i++) {
		value = char_value(p + i, is_unsigned) + (value << 8);
		if (i % 4 == 3) {
			out[filled++] = value;
			value = pad;
		}
	}
	if (filled < words)
		out[filled++] = value;
	while (filled < words)
		out[filled++] = pad;
}

static uint32_t chain(uint32_t state[4], uint8_t version, const char *name, uint32_t len,
		      bool is_unsigned)
{
	uint32_t words = version == DX_TEA ? 4 : 8, in[8];

	for (int32_t left = (int32_t)len; left > 0; left -= (int32_t)words * 4) {
		to_words(name, (uint32_t)left, in, words, is_unsigned);
		if (version == DX_TEA)
			tea(state, in);
		else
			half_md4(state, in);
		name += words * 4;
	}
	return version == DX_TEA ? state[0] : state[1];
}

/* @version as in a directory's root. */
uint32_t ext4_hash(const struct ext4_fs *fs, uint8_t version, const char *name, uint32_t len)
{
	uint32_t state[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 }, hash;
	bool is_unsigned = version >= DX_LEGACY_UNSIGNED || fs->hash_unsigned;

	version %= 3;
	if (fs->hash_seed[0] | fs->hash_seed[1] | fs->hash_seed[2] | fs->hash_seed[3]) {
		for (unsigned int i = 0; i < 4; i++)
			state[i] = fs->hash_seed[i];
	}
	hash = version == DX_LEGACY ? legacy(name, len, is_unsigned) :
		chain(state, version, name, len, is_unsigned);
	hash &= ~1u;
	return hash == HASH_EOF << 1 ? (HASH_EOF - 1) << 1 : hash;
}
