/* SPDX-License-Identifier: MIT */
/* zlib: the fast loop. See zlib_infback.c. */
#include <string.h>

#include "inffast.c"
