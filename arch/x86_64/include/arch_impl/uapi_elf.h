/* SPDX-License-Identifier: MIT */
/* What the ELF loader accepts on x86_64. Include <uapi/elf.h>. */
#pragma once

#define ELF_MACHINE	62	/* EM_X86_64 */
#define ELF_R_RELATIVE	8	/* R_X86_64_RELATIVE */
