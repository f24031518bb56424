/* SPDX-License-Identifier: MIT */
/* What lib/decompress.c dispatches to. */
#ifndef LIB_DECOMPRESS_IMPL_H
#define LIB_DECOMPRESS_IMPL_H

#include <lib/decompress.h>

size_t gunzip_workspace_size(void);
int gunzip(const struct decompress_args *args, size_t *used) __must_check;

size_t unzstd_workspace_size(const void *in, size_t len);
int unzstd(const struct decompress_args *args, size_t *used) __must_check;

#endif
