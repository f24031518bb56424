/* SPDX-License-Identifier: MIT */
/* How ioctl request numbers are built: dir:2 size:14 type:8 nr:8. */
#pragma once

#include <uapi/types.h>

#define _IOC_NRBITS	8
#define _IOC_TYPEBITS	8
#define _IOC_SIZEBITS	14
#define _IOC_DIRBITS	2

#define _IOC_NRSHIFT	0
#define _IOC_TYPESHIFT	8
#define _IOC_SIZESHIFT	16
#define _IOC_DIRSHIFT	30

#define _IOC_NONE	0U
#define _IOC_WRITE	1U
#define _IOC_READ	2U

#define _IOC(dir, type, nr, size) \
	((uint32_t)(dir) << _IOC_DIRSHIFT | (uint32_t)(type) << _IOC_TYPESHIFT | \
	 (uint32_t)(nr) << _IOC_NRSHIFT | (uint32_t)(size) << _IOC_SIZESHIFT)

#define _IO(type, nr)		_IOC(_IOC_NONE, type, nr, 0)
#define _IOR(type, nr, arg)	_IOC(_IOC_READ, type, nr, sizeof(arg))
#define _IOW(type, nr, arg)	_IOC(_IOC_WRITE, type, nr, sizeof(arg))
#define _IOWR(type, nr, arg)	_IOC(_IOC_READ | _IOC_WRITE, type, nr, sizeof(arg))

#define _IOC_DIR(cmd)	((cmd) >> _IOC_DIRSHIFT & 0x3)
#define _IOC_TYPE(cmd)	((cmd) >> _IOC_TYPESHIFT & 0xff)
#define _IOC_NR(cmd)	((cmd) >> _IOC_NRSHIFT & 0xff)
#define _IOC_SIZE(cmd)	((cmd) >> _IOC_SIZESHIFT & 0x3fff)

/* Requests that every descriptor or file answers, whatever is behind it */
#define FIONREAD	0x541B
#define FIONBIO		0x5421
#define FIONCLEX	0x5450
#define FIOCLEX		0x5451
#define FIOASYNC	0x5452
#define FIOQSIZE	0x5460

/* Files and block devices */
#define FIBMAP		_IO(0x00, 1)
#define FIGETBSZ	_IO(0x00, 2)
#define FICLONE		_IOW(0x94, 9, int32_t)
#define FS_IOC_GETFLAGS	_IOR('f', 1, int64_t)
#define FS_IOC_SETFLAGS	_IOW('f', 2, int64_t)

#define BLKROSET	_IO(0x12, 93)
#define BLKROGET	_IO(0x12, 94)
#define BLKRRPART	_IO(0x12, 95)
#define BLKGETSIZE	_IO(0x12, 96)
#define BLKFLSBUF	_IO(0x12, 97)
#define BLKRASET	_IO(0x12, 98)
#define BLKRAGET	_IO(0x12, 99)
#define BLKSSZGET	_IO(0x12, 104)
#define BLKBSZGET	_IOR(0x12, 112, size_t)
#define BLKBSZSET	_IOW(0x12, 113, size_t)
#define BLKGETSIZE64	_IOR(0x12, 114, size_t)
#define BLKDISCARD	_IO(0x12, 119)
#define BLKIOMIN	_IO(0x12, 120)
#define BLKIOOPT	_IO(0x12, 121)
#define BLKALIGNOFF	_IO(0x12, 122)
#define BLKPBSZGET	_IO(0x12, 123)
#define BLKZEROOUT	_IO(0x12, 127)

/* /dev/random */
#define RNDGETENTCNT	_IOR('R', 0x00, int32_t)
#define RNDADDTOENTCNT	_IOW('R', 0x01, int32_t)
#define RNDADDENTROPY	_IOW('R', 0x03, int32_t[2])
#define RNDZAPENTCNT	_IO('R', 0x04)
#define RNDCLEARPOOL	_IO('R', 0x06)
#define RNDRESEEDCRNG	_IO('R', 0x07)
