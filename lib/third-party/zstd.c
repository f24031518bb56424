/* SPDX-License-Identifier: MIT */
/*
 * The zstd decoder for the kernel as one unit, without assembly, vector instructions, legacy
 * formats or a heap (contexts are made in the caller's memory).
 */
#define ZSTD_DISABLE_ASM		1
#define ZSTD_NO_INTRINSICS		1
#define DYNAMIC_BMI2			0
#define ZSTD_LEGACY_SUPPORT		0
#define ZSTD_TRACE			0
#define ZSTD_STRIP_ERROR_STRINGS	1
#define XXH_VECTOR			0
#define XXH_PRIVATE_API			1
#define XXH_INLINE_ALL			1
#define XXH_NO_XXH3			1
#define DEBUGLEVEL			0
#define HUF_FORCE_DECOMPRESS_X1		1	/* one decoder of each kind: half the code, */
#define ZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT 1	/* some percent slower */
#define ZSTD_DEPS_NEED_MALLOC

#include <string.h>

#include "common/entropy_common.c"
#include "common/error_private.c"
#include "common/fse_decompress.c"
#include "common/zstd_common.c"
#include "decompress/huf_decompress.c"
#include "decompress/zstd_ddict.c"
#include "decompress/zstd_decompress.c"
#include "decompress/zstd_decompress_block.c"
