/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 and CRC-32C, four bytes at a time, and CRC-16.
 *
 * A table entry is linear in its index: T[a ^ b] = T[a] ^ T[b]. So the tables are constant
 * expressions over the entries of the single bits, and those are one shift-register chain: entry
 * 0x80 of table 0 is the polynomial, each lower bit one step further, and table k goes on where
 * table k - 1 ended.
 */
#include <lib/crc32.h>
#include <lib/endian.h>

#define STEP(c, poly)	(((c) >> 1) ^ (((c) & 1) * (poly)))

/* Names for the chain of one polynomial: p##_0 to p##_31. Kept as constants by an enum. */
#define CHAIN8(p, poly, a, b, c, d, e, f, g, h, i)			\
	p##_##b = STEP((uint32_t)p##_##a, poly), p##_##c = STEP((uint32_t)p##_##b, poly),	\
	p##_##d = STEP((uint32_t)p##_##c, poly), p##_##e = STEP((uint32_t)p##_##d, poly),	\
	p##_##f = STEP((uint32_t)p##_##e, poly), p##_##g = STEP((uint32_t)p##_##f, poly),	\
	p##_##h = STEP((uint32_t)p##_##g, poly), p##_##i = STEP((uint32_t)p##_##h, poly)

#define CHAIN(p, poly)							\
enum {									\
	p##_0 = poly,							\
	CHAIN8(p, poly, 0, 1, 2, 3, 4, 5, 6, 7, 8),			\
	CHAIN8(p, poly, 8, 9, 10, 11, 12, 13, 14, 15, 16),		\
	CHAIN8(p, poly, 16, 17, 18, 19, 20, 21, 22, 23, 24),		\
	CHAIN8(p, poly, 24, 25, 26, 27, 28, 29, 30, 31, 32),		\
}

CHAIN(ieee, 0xedb88320U);
CHAIN(castagnoli, 0x82f63b78U);

#define BITVAL(n, bit, value)	((n) & (bit) ? (uint32_t)(value) : 0)
#define ENTRY(n, a, b, c, d, e, f, g, h)				\
	(BITVAL(n, 128, a) ^ BITVAL(n, 64, b) ^ BITVAL(n, 32, c) ^ BITVAL(n, 16, d) ^	\
	 BITVAL(n, 8, e) ^ BITVAL(n, 4, f) ^ BITVAL(n, 2, g) ^ BITVAL(n, 1, h))
#define ROW4(n, ...)	ENTRY(n, __VA_ARGS__), ENTRY((n) + 1, __VA_ARGS__),	\
			ENTRY((n) + 2, __VA_ARGS__), ENTRY((n) + 3, __VA_ARGS__)
#define ROW16(n, ...)	ROW4(n, __VA_ARGS__), ROW4((n) + 4, __VA_ARGS__),	\
			ROW4((n) + 8, __VA_ARGS__), ROW4((n) + 12, __VA_ARGS__)
#define ROW64(n, ...)	ROW16(n, __VA_ARGS__), ROW16((n) + 16, __VA_ARGS__),	\
			ROW16((n) + 32, __VA_ARGS__), ROW16((n) + 48, __VA_ARGS__)
#define TABLE(...)	{ ROW64(0, __VA_ARGS__), ROW64(64, __VA_ARGS__),	\
			  ROW64(128, __VA_ARGS__), ROW64(192, __VA_ARGS__) }
#define TABLES(p) {								\
	TABLE(p##_0, p##_1, p##_2, p##_3, p##_4, p##_5, p##_6, p##_7),		\
	TABLE(p##_8, p##_9, p##_10, p##_11, p##_12, p##_13, p##_14, p##_15),	\
	TABLE(p##_16, p##_17, p##_18, p##_19, p##_20, p##_21, p##_22, p##_23),	\
	TABLE(p##_24, p##_25, p##_26, p##_27, p##_28, p##_29, p##_30, p##_31),	\
}

static const uint32_t ieee_tables[4][256] = TABLES(ieee);
static const uint32_t castagnoli_tables[4][256] = TABLES(castagnoli);

static uint32_t crc_update(const uint32_t t[4][256], uint32_t crc, const uint8_t *p, size_t len)
{
	for (; len >= 4; len -= 4, p += 4) {
		crc ^= get_le32(p);
		crc = t[3][crc & 0xff] ^ t[2][(crc >> 8) & 0xff] ^ t[1][(crc >> 16) & 0xff] ^
		      t[0][crc >> 24];
	}
	while (len--)
		crc = (crc >> 8) ^ t[0][(crc ^ *p++) & 0xff];
	return crc;
}

uint32_t crc32(uint32_t crc, const void *data, size_t len)
{
	return ~crc_update(ieee_tables, ~crc, data, len);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	return ~crc_update(castagnoli_tables, ~crc, data, len);
}

uint32_t crc32c_raw(uint32_t crc, const void *data, size_t len)
{
	return crc_update(castagnoli_tables, crc, data, len);
}

uint16_t crc16(uint16_t crc, const void *data, size_t len)
{
	static const uint16_t nibble[16] = {
		0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
		0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
	};
	const uint8_t *p = data;

	while (len--) {
		crc ^= *p++;
		crc = (uint16_t)((crc >> 4) ^ nibble[crc & 15]);
		crc = (uint16_t)((crc >> 4) ^ nibble[crc & 15]);
	}
	return crc;
}
