/* SPDX-License-Identifier: MIT */
/* Port instructions.  Accesses to uncached memory are in program order on x86. */
#ifndef ARCH_IMPL_IO_H
#define ARCH_IMPL_IO_H

#include <arch_impl/msr.h>
#include <lib/compiler.h>

static inline uint8_t arch_port_read8(uint16_t port) { return inb(port); }
static inline uint16_t arch_port_read16(uint16_t port) { return inw(port); }
static inline uint32_t arch_port_read32(uint16_t port) { return inl(port); }
static inline void arch_port_write8(uint16_t port, uint8_t v) { outb(port, v); }
static inline void arch_port_write16(uint16_t port, uint16_t v) { outw(port, v); }
static inline void arch_port_write32(uint16_t port, uint32_t v) { outl(port, v); }

static inline void arch_io_after_read(void) { barrier(); }
static inline void arch_io_before_write(void) { barrier(); }
static inline void arch_io_mb(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

#endif
