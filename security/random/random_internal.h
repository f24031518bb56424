/* SPDX-License-Identifier: MIT */
/* Between random.c and device.c. */
#ifndef SECURITY_RANDOM_INTERNAL_H
#define SECURITY_RANDOM_INTERNAL_H

#include <kernel/waitq.h>

extern struct waitq random_waitq;	/* woken once, when the seed is complete */
void random_reseed(void);		/* a new generation of keys at once */

#endif
