/* SPDX-License-Identifier: MIT */
/*
 * Hash functions for tables. Where an attacker chooses the keys (names, ports, addresses) and could
 * fill one chain, use siphash with a secret key; elsewhere the fast ones.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <lib/types.h>

struct siphash_key {
	uint64_t k[2];
};

/* SipHash-2-4 (Aumasson and Bernstein): a keyed pseudo-random function. */
uint64_t siphash24(const void *data, size_t len, const struct siphash_key *key) __pure;
/* SipHash-1-3: good enough for hash tables, half the work. */
uint64_t siphash13(const void *data, size_t len, const struct siphash_key *key) __pure;
/* HalfSipHash-2-4 with a 64-bit key and 32-bit result. */
uint32_t halfsiphash24(const void *data, size_t len, uint64_t key) __pure;

/* 128-bit product folded to 64 bits. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Spreads a number (address, id) over all 64 bits; take the high or the low ones. */
static inline uint64_t hash_u64(uint64_t x)
{
	return hash_fold(x ^ 0x9e3779b97f4a7c15ULL, 0xd6e8feb86659fd93ULL);
}

/* The same in @bits bits: the index into a table of 1 << @bits chains. 1 <= @bits <= 32. */
static inline uint32_t hash_bucket(uint64_t x, unsigned int bits)
{
	return (uint32_t)(hash_u64(x) >> (64 - bits));
}

static inline uint64_t hash_ptr(const void *p)
{
	return hash_u64((uintptr_t)p);
}

/*
 * Fast hash of bytes for dentries and the like: words folded by multiplication. Mixes a secret
 * @seed in, which makes collisions hard to aim at, but it is no pseudo-random function.
 */
uint64_t hash_bytes(const void *data, size_t len, uint64_t seed) __pure;

#endif
