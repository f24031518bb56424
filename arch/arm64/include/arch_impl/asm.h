/* SPDX-License-Identifier: MIT */
/*
 * For assembly files: functions, exception-table entries, patched instructions.
 */
#ifndef ARCH_IMPL_ASM_H
#define ARCH_IMPL_ASM_H

#define FUNC(name)		\
	.globl	name;		\
	.type	name, %function; \
	.p2align 4;		\
name:

#define END(name)	.size	name, . - name

/* If the instruction at @insn faults and nobody serves the fault, go on at @fixup. */
#define EX_ENTRY(insn, fixup)		\
	.pushsection .ex_table, "a";	\
	.p2align 2;			\
	.long	(insn) - ., (fixup) - .; \
	.popsection

/*
 * An instruction that only some CPUs have: a NOP in the image, replaced at boot
 * by arm64_patch_features() if the feature is there.
 */
#define PATCHED(feature, insn)		\
9990:	nop;				\
	.pushsection .init.altinsn, "a"; \
	.p2align 3;			\
	.quad	9990b;			\
	.inst	insn;			\
	.long	feature;		\
	.popsection

#define PATCH_PAN	0

/* msr pan, #0 and #1, which an armv8.0 assembler refuses. */
#define UACCESS_ON	PATCHED(PATCH_PAN, 0xd500409f)
#define UACCESS_OFF	PATCHED(PATCH_PAN, 0xd500419f)

#endif
