/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions in portable C. The block functions work in machine words once the
 * destination is aligned; unaligned source words go through a packed struct, which both supported
 * machines load in one instruction. Ports override the weak ones.
 */
#include <lib/err.h>
#include <lib/string.h>

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#ifdef LIB_HOST
#include <lib/host_rename.h>
#endif

typedef unsigned long __attribute__((__may_alias__)) word_alias;
struct word_any { word_alias w; } __packed __attribute__((__may_alias__));

#define WORD		sizeof(word_alias)
#define ONES		0x0101010101010101UL
#define HIGHS		0x8080808080808080UL

static inline word_alias load_any(const void *p)
{
	return ((const struct word_any *)p)->w;
}

static inline void store_any(void *p, word_alias w)
{
	((struct word_any *)p)->w = w;
}

/* Lowest address first; right for any overlap with dst < src whose distance is at least a word. */
static inline __no_loop_idioms void copy_up(uint8_t *d, const uint8_t *s, size_t len)
{
	for (; len >= 4 * WORD; len -= 4 * WORD, d += 4 * WORD, s += 4 * WORD) {
		word_alias a = load_any(s), b = load_any(s + WORD);
		word_alias c = load_any(s + 2 * WORD), e = load_any(s + 3 * WORD);

		store_any(d, a);
		store_any(d + WORD, b);
		store_any(d + 2 * WORD, c);
		store_any(d + 3 * WORD, e);
	}
	for (; len >= WORD; len -= WORD, d += WORD, s += WORD)
		store_any(d, load_any(s));
	while (len--)
		*d++ = *s++;
}

static inline __no_loop_idioms void copy_down(uint8_t *d, const uint8_t *s, size_t len)
{
	d += len;
	s += len;
	for (; len >= WORD; len -= WORD) {
		d -= WORD;
		s -= WORD;
		store_any(d, load_any(s));
	}
	while (len--)
		*--d = *--s;
}

__weak __no_loop_idioms void *memcpy(void *restrict dst, const void *restrict src, size_t len)
{
	copy_up(dst, src, len);
	return dst;
}

/*
 * A word is loaded before it is stored and the direction leads away from the overlap, so each step
 * only overwrites source bytes that were already read: copy_up reads four words before it stores.
 */
__weak __no_loop_idioms void *memmove(void *dst, const void *src, size_t len)
{
	if ((uintptr_t)dst - (uintptr_t)src >= len)
		copy_up(dst, src, len);
	else
		copy_down(dst, src, len);
	return dst;
}

__weak __no_loop_idioms void *memset(void *dst, int byte, size_t len)
{
	word_alias w = (uint8_t)byte * ONES;
	uint8_t *d = dst;

	for (; len && ((uintptr_t)d % WORD); len--)
		*d++ = (uint8_t)byte;
	for (; len >= 4 * WORD; len -= 4 * WORD, d += 4 * WORD) {
		store_any(d, w);
		store_any(d + WORD, w);
		store_any(d + 2 * WORD, w);
		store_any(d + 3 * WORD, w);
	}
	for (; len >= WORD; len -= WORD, d += WORD)
		store_any(d, w);
	while (len--)
		*d++ = (uint8_t)byte;
	return dst;
}

__weak __no_loop_idioms int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len >= WORD && load_any(x) == load_any(y); len -= WORD) {
		x += WORD;
		y += WORD;
	}
	for (; len; len--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

static inline bool has_zero_byte(word_alias w)
{
	return (w - ONES) & ~w & HIGHS;
}

/* Words are loaded aligned, so nothing is read from a page beyond the one with the hit. */
void *memchr(const void *mem, int byte, size_t len)
{
	word_alias pattern = (uint8_t)byte * ONES;
	const uint8_t *p = mem;

	for (; len; len--, p++) {
		if ((uintptr_t)p % WORD == 0) {
			while (len >= WORD && !has_zero_byte(*(const word_alias *)p ^ pattern)) {
				p += WORD;
				len -= WORD;
			}
			if (!len)
				break;
		}
		if (*p == (uint8_t)byte)
			return (void *)p;
	}
	return NULL;
}

void *memrchr(const void *mem, int byte, size_t len)
{
	const uint8_t *p = mem;

	while (len--) {
		if (p[len] == (uint8_t)byte)
			return (void *)(p + len);
	}
	return NULL;
}

void *memmem(const void *mem, size_t len, const void *needle, size_t needle_len)
{
	const uint8_t *p = mem, *first = needle;

	if (!needle_len)
		return (void *)mem;
	while (len >= needle_len) {
		const uint8_t *hit = memchr(p, *first, len - needle_len + 1);

		if (!hit)
			return NULL;
		if (memcmp(hit, needle, needle_len) == 0)
			return (void *)hit;
		len -= (size_t)(hit - p) + 1;
		p = hit + 1;
	}
	return NULL;
}

void *mem_find_other(const void *mem, int byte, size_t len)
{
	word_alias pattern = (uint8_t)byte * ONES;
	const uint8_t *p = mem;

	for (; len >= WORD && load_any(p) == pattern; len -= WORD)
		p += WORD;
	for (; len; len--, p++) {
		if (*p != (uint8_t)byte)
			return (void *)p;
	}
	return NULL;
}

/*
 * The terminator is looked for in aligned words, which may hold bytes behind it: harmless, since
 * they share its page, but nothing that ASan could understand.
 */
__attribute__((__no_sanitize__("address")))
__no_loop_idioms size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	for (; n < max && (uintptr_t)(s + n) % WORD; n++) {
		if (!s[n])
			return n;
	}
	while (n < max && !has_zero_byte(*(const word_alias *)(s + n)))
		n += WORD;
	for (; n < max; n++) {
		if (!s[n])
			return n;
	}
	return max;
}

__no_loop_idioms size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t len)
{
	for (; len; len--, a++, b++) {
		if (*a != *b || !*a)
			return (uint8_t)*a - (uint8_t)*b;
	}
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, SIZE_MAX);
}

int strncasecmp(const char *a, const char *b, size_t len)
{
	for (; len; len--, a++, b++) {
		int x = char_to_lower((uint8_t)*a), y = char_to_lower((uint8_t)*b);

		if (x != y || !x)
			return x - y;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (!*s)
			return NULL;
	}
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	return memrchr(s, c, strlen(s) + 1);
}

char *strstr(const char *s, const char *needle)
{
	return memmem(s, strlen(s), needle, strlen(needle));
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

ssize_type str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (len < size) {
		memcpy(dst, src, len + 1);
		return (ssize_type)len;
	}
	if (size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
	}
	return -E2BIG;
}

ssize_type str_append(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(dst, size);
	ssize_type added = str_copy(dst + len, src, size - len);

	return added < 0 ? added : (ssize_type)len + added;
}

size_t str_has_prefix(const char *s, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(s, prefix, len) == 0 ? len : 0;
}

bool mem_equal_secret(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	while (len--)
		diff |= *x++ ^ *y++;
	return diff == 0;
}
