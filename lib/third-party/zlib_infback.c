/* SPDX-License-Identifier: MIT */
/*
 * zlib's inflate for the kernel, in its call-back form: the caller's window is the output buffer,
 * so nothing is copied twice. Memory comes from the zalloc that the caller sets (Z_SOLO). The files
 * are three units because zlib's internal headers cannot be included twice.
 */
#include <string.h>

#include "infback.c"
