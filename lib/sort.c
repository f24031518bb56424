/* SPDX-License-Identifier: MIT */
/*
 * Heapsort: no recursion, no extra memory, no bad case for an attacker to find.
 */
#include <lib/sort.h>

static void swap_elements(char *a, char *b, size_t size)
{
	for (; size >= sizeof(long); size -= sizeof(long), a += sizeof(long), b += sizeof(long)) {
		long x, y;

		__builtin_memcpy(&x, a, sizeof(long));
		__builtin_memcpy(&y, b, sizeof(long));
		__builtin_memcpy(a, &y, sizeof(long));
		__builtin_memcpy(b, &x, sizeof(long));
	}
	for (; size; size--) {
		char c = *a;

		*a++ = *b;
		*b++ = c;
	}
}

struct array {
	char *base;
	size_t size;
	compare_fn *compare;
	void *arg;
};

static inline char *element(const struct array *a, size_t i)
{
	return a->base + i * a->size;
}

/* Moves element @i down until neither child is greater. The heap has @count elements. */
static void sift_down(const struct array *a, size_t i, size_t count)
{
	while (i < count / 2) {
		size_t child = 2 * i + 1;

		if (child + 1 < count &&
		    a->compare(element(a, child), element(a, child + 1), a->arg) < 0)
			child++;
		if (a->compare(element(a, i), element(a, child), a->arg) >= 0)
			return;
		swap_elements(element(a, i), element(a, child), a->size);
		i = child;
	}
}

void sort(void *base, size_t count, size_t size, compare_fn *compare, void *arg)
{
	struct array a = { .base = base, .size = size, .compare = compare, .arg = arg };

	for (size_t i = count / 2; i-- > 0; )
		sift_down(&a, i, count);
	for (size_t end = count; end-- > 1; ) {
		swap_elements(a.base, element(&a, end), size);
		sift_down(&a, 0, end);
	}
}
