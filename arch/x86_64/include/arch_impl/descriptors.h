/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables and the stacks of the four exceptions that cannot trust the current one.
 */
#ifndef ARCH_IMPL_DESCRIPTORS_H
#define ARCH_IMPL_DESCRIPTORS_H

#include <arch_impl/segment.h>
#include <lib/compiler.h>
#include <lib/types.h>

enum ist { IST_NONE, IST_DOUBLE_FAULT, IST_NMI, IST_MACHINE_CHECK, IST_DEBUG, IST_END };

#define IST_STACK_SIZE	4096

/*
 * Intel SDM vol. 3, 8.7.  sp[2] is never used by hardware: SYSCALL entry parks the user's stack
 * pointer there.
 */
struct tss {
	uint32_t reserved0;
	uint64_t sp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap;
} __packed;

extern struct tss x86_tss;		/* per CPU */

void x86_idt_init(void);		/* once, boot CPU */
void x86_idt_load(void);
/* Load GDT, TSS and IDT of this CPU; from here on the separate stacks are used. */
void x86_descriptors_init(unsigned int cpu);

#endif
