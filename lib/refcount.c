/* SPDX-License-Identifier: MIT */
/*
 * The cold half of refcount_t (<lib/atomic.h>): what happens to a count that was misused.
 */
#include <lib/atomic.h>

void (*refcount_misuse_hook)(const refcount_t *r, const char *what);

/*
 * Between the misuse and this store other CPUs may move the count, but not by the 2^30 that would
 * bring it back from here to a plausible value.
 */
void refcount_saturate(refcount_t *r, const char *what)
{
	void (*hook)(const refcount_t *, const char *) = READ_ONCE(refcount_misuse_hook);

	refcount_set(r, REFCOUNT_SATURATED);
	if (hook)
		hook(r, what);
}
