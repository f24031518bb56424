/* SPDX-License-Identifier: MIT */
/*
 * SipHash in its three sizes and the fast byte hash.
 */
#include <lib/bits.h>
#include <lib/endian.h>
#include <lib/hash.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rol64(s->v1, 13) ^ s->v0;
	s->v0 = rol64(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rol64(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rol64(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rol64(s->v1, 17) ^ s->v2;
	s->v2 = rol64(s->v2, 32);
}

/* The last bytes of a message in a word, its length in the top byte. */
static inline uint64_t tail_word(const uint8_t *p, size_t rest, size_t len)
{
	uint64_t w = (uint64_t)len << 56;

	while (rest--)
		w |= (uint64_t)p[rest] << (8 * rest);
	return w;
}

static inline void sip_word(struct sip *s, uint64_t w, unsigned int rounds)
{
	s->v3 ^= w;
	for (unsigned int i = 0; i < rounds; i++)
		sip_round(s);
	s->v0 ^= w;
}

static __always_inline uint64_t siphash(const void *data, size_t len, const struct siphash_key *key,
					unsigned int c_rounds, unsigned int d_rounds)
{
	const uint8_t *p = data;
	struct sip s = {
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->k[1] ^ 0x7465646279746573ULL,
	};

	for (size_t left = len; left >= 8; left -= 8, p += 8)
		sip_word(&s, get_le64(p), c_rounds);
	sip_word(&s, tail_word(p, len % 8, len), c_rounds);
	s.v2 ^= 0xff;
	for (unsigned int i = 0; i < d_rounds; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash24(const void *data, size_t len, const struct siphash_key *key)
{
	return siphash(data, len, key, 2, 4);
}

uint64_t siphash13(const void *data, size_t len, const struct siphash_key *key)
{
	return siphash(data, len, key, 1, 3);
}

struct half_sip {
	uint32_t v0, v1, v2, v3;
};

static inline void half_sip_rounds(struct half_sip *s, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v1 = rol32(s->v1, 5) ^ s->v0;
		s->v0 = rol32(s->v0, 16);
		s->v2 += s->v3;
		s->v3 = rol32(s->v3, 8) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rol32(s->v3, 7) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rol32(s->v1, 13) ^ s->v2;
		s->v2 = rol32(s->v2, 16);
	}
}

static inline void half_sip_word(struct half_sip *s, uint32_t w)
{
	s->v3 ^= w;
	half_sip_rounds(s, 2);
	s->v0 ^= w;
}

uint32_t halfsiphash24(const void *data, size_t len, uint64_t key)
{
	const uint8_t *p = data;
	struct half_sip s = {
		.v0 = (uint32_t)key,
		.v1 = (uint32_t)(key >> 32),
		.v2 = (uint32_t)key ^ 0x6c796765,
		.v3 = (uint32_t)(key >> 32) ^ 0x74656462,
	};
	uint32_t tail = (uint32_t)len << 24;

	for (size_t left = len; left >= 4; left -= 4, p += 4)
		half_sip_word(&s, get_le32(p));
	for (size_t rest = len % 4; rest--; )
		tail |= (uint32_t)p[rest] << (8 * rest);
	half_sip_word(&s, tail);
	s.v2 ^= 0xff;
	half_sip_rounds(&s, 4);
	return s.v1 ^ s.v3;
}

#define FOLD_A	0xa0761d6478bd642fULL
#define FOLD_B	0xe7037ed1a0b428dbULL

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t h = seed ^ FOLD_A;
	size_t left = len;

	for (; left > 8; left -= 8, p += 8)
		h = hash_fold(h ^ get_le64(p), FOLD_B);
	return hash_fold(h ^ tail_word(p, left % 8, 0) ^ (left == 8 ? get_le64(p) : 0),
			 FOLD_B ^ len);
}
