/* SPDX-License-Identifier: MIT */
/*
 * Byte-order types: wire and disk formats declare be32_t or le32_t fields, and only the converters
 * here turn them into numbers. get_ and put_ work on unaligned bytes.
 */
#ifndef LIB_ENDIAN_H
#define LIB_ENDIAN_H

#include <lib/types.h>

typedef struct { uint16_t raw; } be16_t;
typedef struct { uint32_t raw; } be32_t;
typedef struct { uint64_t raw; } be64_t;
typedef struct { uint16_t raw; } le16_t;
typedef struct { uint32_t raw; } le32_t;
typedef struct { uint64_t raw; } le64_t;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LIB_SWAP_BE(bits, x)	__builtin_bswap##bits(x)
#define LIB_SWAP_LE(bits, x)	(x)
#else
#define LIB_SWAP_BE(bits, x)	(x)
#define LIB_SWAP_LE(bits, x)	__builtin_bswap##bits(x)
#endif

/* For each width: cpu_to_be32(n), be32_to_cpu(v), get_be32(bytes), put_be32(bytes, n); le alike. */
#define LIB_DEFINE_ENDIAN(order, ORDER, bits)					\
static inline order##bits##_t cpu_to_##order##bits(uint##bits##_t n)		\
{										\
	return (order##bits##_t){ .raw = LIB_SWAP_##ORDER(bits, n) };		\
}										\
										\
static inline uint##bits##_t order##bits##_to_cpu(order##bits##_t v)		\
{										\
	return LIB_SWAP_##ORDER(bits, v.raw);					\
}										\
										\
static inline uint##bits##_t get_##order##bits(const void *bytes)		\
{										\
	uint##bits##_t n;							\
										\
	__builtin_memcpy(&n, bytes, sizeof(n));					\
	return LIB_SWAP_##ORDER(bits, n);					\
}										\
										\
static inline void put_##order##bits(void *bytes, uint##bits##_t n)		\
{										\
	n = LIB_SWAP_##ORDER(bits, n);						\
	__builtin_memcpy(bytes, &n, sizeof(n));					\
}

LIB_DEFINE_ENDIAN(be, BE, 16)
LIB_DEFINE_ENDIAN(be, BE, 32)
LIB_DEFINE_ENDIAN(be, BE, 64)
LIB_DEFINE_ENDIAN(le, LE, 16)
LIB_DEFINE_ENDIAN(le, LE, 32)
LIB_DEFINE_ENDIAN(le, LE, 64)

/* Constant initialisers: .port = BE16_INIT(80). */
#define BE16_INIT(n)	{ .raw = LIB_SWAP_BE(16, n) }
#define BE32_INIT(n)	{ .raw = LIB_SWAP_BE(32, n) }
#define BE64_INIT(n)	{ .raw = LIB_SWAP_BE(64, n) }
#define LE16_INIT(n)	{ .raw = LIB_SWAP_LE(16, n) }
#define LE32_INIT(n)	{ .raw = LIB_SWAP_LE(32, n) }
#define LE64_INIT(n)	{ .raw = LIB_SWAP_LE(64, n) }

#endif
