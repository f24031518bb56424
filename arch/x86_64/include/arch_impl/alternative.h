/* SPDX-License-Identifier: MIT */
/*
 * Instructions that CPUs without SMAP lack: the image holds three-byte NOPs, and their addresses
 * are listed in .alt_stac and .alt_clac; x86_patch_smap() rewrites them before the text is
 * write-protected.
 */
#ifndef ARCH_IMPL_ALTERNATIVE_H
#define ARCH_IMPL_ALTERNATIVE_H

#define X86_ALT_NOP3(section)				\
	"661:	.byte 0x0f, 0x1f, 0x00\n"		\
	".pushsection " section ", \"a\"\n"		\
	".long 661b - .\n"				\
	".popsection\n"

#define X86_STAC	X86_ALT_NOP3(".alt_stac")
#define X86_CLAC	X86_ALT_NOP3(".alt_clac")

/* Exception table: where it may fault, where to go on; both relative to the field. */
#define X86_EXTABLE(insn, fixup)			\
	".pushsection .ex_table, \"a\"\n"		\
	".balign 4\n"					\
	".long " insn " - ., " fixup " - .\n"		\
	".popsection\n"

#endif
