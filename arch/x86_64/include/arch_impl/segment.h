/* SPDX-License-Identifier: MIT */
/*
 * Segment selectors.  The user ones have Linux's values, since programs see them; their order
 * is what SYSRET wants (user data = base + 8, user code = base + 16).
 */
#ifndef ARCH_IMPL_SEGMENT_H
#define ARCH_IMPL_SEGMENT_H

#define KERNEL_CS32	0x08
#define KERNEL_CS	0x10
#define KERNEL_DS	0x18
#define USER_CS32	0x23
#define USER_DS		0x2b
#define USER_CS		0x33
#define TSS_SELECTOR	0x40
#define CPU_SELECTOR	0x7b		/* its limit is the CPU number: LSL in the vDSO */
#define GDT_ENTRIES	16

#endif
