/* SPDX-License-Identifier: MIT */
/* Host simulation: one thread. */
#pragma once

struct arch_thread { int unused; };
struct thread;
extern struct thread *sim_current;
static inline struct thread *arch_current(void) { return sim_current; }
