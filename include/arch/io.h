/* SPDX-License-Identifier: MIT */
/*
 * Ports, where the CPU has an address space of its own for them, and the order of device accesses.
 * Only <drivers/mmio.h> calls these, and drivers that share rings in memory with a device.
 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <lib/types.h>

/* A port without ports: reads give all ones, as from an empty bus; writes are lost. */
static inline uint8_t arch_port_read8(uint16_t port);
static inline uint16_t arch_port_read16(uint16_t port);
static inline uint32_t arch_port_read32(uint16_t port);
static inline void arch_port_write8(uint16_t port, uint8_t v);
static inline void arch_port_write16(uint16_t port, uint16_t v);
static inline void arch_port_write32(uint16_t port, uint32_t v);

/*
 * After a device read: later memory reads come after it.  Before a device write: earlier memory
 * accesses come before it.
 */
static inline void arch_io_after_read(void);
static inline void arch_io_before_write(void);
/* All earlier memory accesses come before all later ones, as devices that read memory see them. */
static inline void arch_io_mb(void);

#include <arch_impl/io.h>

#endif
