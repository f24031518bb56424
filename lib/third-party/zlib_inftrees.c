/* SPDX-License-Identifier: MIT */
/* zlib: the Huffman tables. See zlib_infback.c. */
#include <string.h>

#include "inftrees.c"
