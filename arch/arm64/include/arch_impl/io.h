/* SPDX-License-Identifier: MIT */
/* There are no ports; device memory is ordered against normal memory by barriers. */
#ifndef ARCH_IMPL_IO_H
#define ARCH_IMPL_IO_H

#include <lib/types.h>

static inline uint8_t arch_port_read8(uint16_t port) { return 0xff; }
static inline uint16_t arch_port_read16(uint16_t port) { return 0xffff; }
static inline uint32_t arch_port_read32(uint16_t port) { return 0xffffffff; }
static inline void arch_port_write8(uint16_t port, uint8_t v) { }
static inline void arch_port_write16(uint16_t port, uint16_t v) { }
static inline void arch_port_write32(uint16_t port, uint32_t v) { }

static inline void arch_io_after_read(void) { __asm__ volatile("dmb oshld" ::: "memory"); }
static inline void arch_io_before_write(void) { __asm__ volatile("dmb oshst" ::: "memory"); }
static inline void arch_io_mb(void) { __asm__ volatile("dmb osh" ::: "memory"); }

#endif
