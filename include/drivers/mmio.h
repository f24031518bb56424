/* SPDX-License-Identifier: MIT */
/*
 * Register windows of devices: memory or ports, the driver does not see which.
 *
 *	struct mmio regs;
 *	err = device_mmio(dev, 0, &regs);
 *	v = mmio_read32(&regs, FOO_STATUS);
 *
 * Offsets are the driver's constants; a window was checked to be as large as the driver asked for.
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <arch/io.h>
#include <lib/compiler.h>
#include <lib/types.h>

struct mmio {
	char *base;			/* [I] NULL: ports */
	uint16_t port;			/* [I] the first one */
	uint64_t size;			/* [I] bytes */
};

#define MMIO_ACCESSORS(bits)								\
static inline uint##bits##_t mmio_read##bits(const struct mmio *m, uint32_t offset)	\
{											\
	uint##bits##_t v;								\
											\
	if (!m->base)									\
		return arch_port_read##bits((uint16_t)(m->port + offset));		\
	v = *(volatile uint##bits##_t *)(m->base + offset);				\
	arch_io_after_read();								\
	return v;									\
}											\
static inline void mmio_write##bits(const struct mmio *m, uint32_t offset, uint##bits##_t v)	\
{											\
	if (!m->base) {									\
		arch_port_write##bits((uint16_t)(m->port + offset), v);			\
		return;									\
	}										\
	arch_io_before_write();								\
	*(volatile uint##bits##_t *)(m->base + offset) = v;				\
}

MMIO_ACCESSORS(8)
MMIO_ACCESSORS(16)
MMIO_ACCESSORS(32)

/* 64-bit registers are memory only. */
static inline uint64_t mmio_read64(const struct mmio *m, uint32_t offset)
{
	uint64_t v = *(volatile uint64_t *)(m->base + offset);

	arch_io_after_read();
	return v;
}

static inline void mmio_write64(const struct mmio *m, uint32_t offset, uint64_t v)
{
	arch_io_before_write();
	*(volatile uint64_t *)(m->base + offset) = v;
}

#endif
