/* SPDX-License-Identifier: MIT */
/* Device numbers: below files and drivers, which both name devices by them. */
#ifndef KERNEL_DEVNUM_H
#define KERNEL_DEVNUM_H

#include <uapi/stat.h>
#include <uapi/types.h>

/* A device number inside the kernel: 12 bits of major, 20 of minor, in numeric order. */
typedef uint32_t dev_t;
#define DEV_MAKE(major, minor)	((dev_t)(major) << 20 | (dev_t)(minor))
#define DEV_MAJOR(dev)		((dev) >> 20)
#define DEV_MINOR(dev)		((dev) & 0xfffff)

static inline uint32_t dev_to_user(dev_t dev) { return dev_encode(DEV_MAJOR(dev), DEV_MINOR(dev)); }
static inline dev_t dev_from_user(uint32_t u) { return DEV_MAKE(dev_major(u), dev_minor(u)); }

#endif
