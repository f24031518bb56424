/* SPDX-License-Identifier: MIT */
/*
 * Host builds only (-DLIB_HOST -include lib/host_rename.h): the library's own versions of functions
 * that the host's C library has too get names of their own, so that both exist in one program and
 * ours are the ones under test. No include guard: lib/string.c brings the names back after #undef.
 */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#define memcpy lib_memcpy
#define memmove lib_memmove
#define memset lib_memset
#define memcmp lib_memcmp
#define strlen lib_strlen
#define memchr lib_memchr
#define memrchr lib_memrchr
#define memmem lib_memmem
#define strnlen lib_strnlen
#define strcmp lib_strcmp
#define strncmp lib_strncmp
#define strcasecmp lib_strcasecmp
#define strncasecmp lib_strncasecmp
#define strchr lib_strchr
#define strrchr lib_strrchr
#define strstr lib_strstr
#define strspn lib_strspn
#define strcspn lib_strcspn
#define snprintf lib_snprintf
#define vsnprintf lib_vsnprintf
#define bsearch lib_bsearch
