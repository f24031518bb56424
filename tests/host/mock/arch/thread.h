/* SPDX-License-Identifier: MIT */
/* Host tests: one thread, whose head is a variable. */
#pragma once

#include <lib/types.h>

struct thread;
extern struct thread *mock_thread;

static inline struct thread *arch_current(void)
{
	return mock_thread;
}
