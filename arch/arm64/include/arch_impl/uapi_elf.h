/* SPDX-License-Identifier: MIT */
/* What the ELF loader accepts on arm64. Include <uapi/elf.h>. */
#pragma once

#define ELF_MACHINE	183	/* EM_AARCH64 */
#define ELF_R_RELATIVE	1027	/* R_AARCH64_RELATIVE */
