/* SPDX-License-Identifier: MIT */
/*
 * A word that remembers the last error of something that many watch, so that each watcher is told
 * of it once: 12 bits of errno, a bit that says whether anybody was told, and a count of errors.
 * The count moves only when the last error was told, so it cannot wrap unseen.  0: never an error.
 */
#ifndef LIB_ERRSEQ_H
#define LIB_ERRSEQ_H

#include <lib/atomic.h>

#define ERRSEQ_ERRNO	0xfffULL
#define ERRSEQ_SEEN	0x1000ULL
#define ERRSEQ_COUNT	0x2000ULL

/* @err < 0 has happened.  Any context. */
static inline void errseq_set(uint64_t *e, int err)
{
	uint64_t old = __atomic_load_n(e, __ATOMIC_RELAXED), now;

	do {
		now = (old & ~(ERRSEQ_ERRNO | ERRSEQ_SEEN)) | (uint64_t)-err;
		if (!old || old & ERRSEQ_SEEN)
			now += ERRSEQ_COUNT;
	} while (now != old && !try_cmpxchg(e, &old, now));
}

/*
 * Where a new watcher begins: it is told of what comes, and of what nobody was told yet.
 */
static inline uint64_t errseq_sample(const uint64_t *e)
{
	uint64_t now = __atomic_load_n(e, __ATOMIC_ACQUIRE);

	return now & ERRSEQ_SEEN ? now : 0;
}

/* The error since *@since, or 0; the watcher has been told of it then. */
static inline int errseq_check(uint64_t *e, uint64_t *since)
{
	uint64_t old = __atomic_load_n(e, __ATOMIC_ACQUIRE), now;

	if (old == *since)
		return 0;
	now = old | ERRSEQ_SEEN;
	if (now != old && !try_cmpxchg(e, &old, now))
		now = old;	/* another error or another watcher: told of the one seen here */
	*since = now;
	return -(int)(now & ERRSEQ_ERRNO);
}

#endif
