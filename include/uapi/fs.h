/* SPDX-License-Identifier: MIT */
/* Requests to block devices, and to files about their file system. */
#pragma once

#include <uapi/ioctl.h>

#define BLKFRASET	_IO(0x12, 100)
#define BLKFRAGET	_IO(0x12, 101)
#define BLKSECTGET	_IO(0x12, 103)
#define BLKDISCARD	_IO(0x12, 119)
#define BLKIOMIN	_IO(0x12, 120)
#define BLKIOOPT	_IO(0x12, 121)
#define BLKALIGNOFF	_IO(0x12, 122)
#define BLKPBSZGET	_IO(0x12, 123)
#define BLKDISCARDZEROES	_IO(0x12, 124)
#define BLKROTATIONAL	_IO(0x12, 126)
#define BLKZEROOUT	_IO(0x12, 127)

#define HDIO_GETGEO	0x0301
struct hd_geometry {
	uint8_t heads, sectors;
	uint16_t cylinders;
	uint64_t start;
};
