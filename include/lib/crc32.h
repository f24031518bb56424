/* SPDX-License-Identifier: MIT */
/*
 * Cyclic redundancy checks. Each takes the running value, so that data may come in pieces.
 */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include <lib/types.h>

/*
 * CRC-32 (IEEE 802.3: gzip, GPT). Start with 0; pre- and postconditioning are inside, so
 * crc32(crc32(0, a), b) is the check of a followed by b.
 */
uint32_t crc32(uint32_t crc, const void *data, size_t len) __pure;

/* CRC-32C (Castagnoli: ext4, btrfs, iSCSI), the same way. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len) __pure;

/* CRC-32C without the inversions: what ext4 and JBD2 store, seeded by the caller. */
uint32_t crc32c_raw(uint32_t crc, const void *data, size_t len) __pure;

/* CRC-16/ARC (polynomial 0x8005 reflected: ext4 group descriptors), without inversions. */
uint16_t crc16(uint16_t crc, const void *data, size_t len) __pure;

#endif
