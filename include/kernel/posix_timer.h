/* SPDX-License-Identifier: MIT */
/*
 * Interval timers, POSIX timers and the limit of CPU time of a process: what fork, exec, exit and
 * setrlimit must say to them.
 */
#ifndef KERNEL_POSIX_TIMER_H
#define KERNEL_POSIX_TIMER_H

#include <lib/compiler.h>

struct process;

/* RLIMIT_CPU was set, or came by fork.  0 or -ENOMEM. */
__must_check int process_cpu_limit_set(struct process *p);

/* The last thread ends: nothing fires from now on and all is freed.  May sleep. */
void process_timers_exit(struct process *p);
/* exec, the caller being the only thread: POSIX timers go, interval timers stay.  May sleep. */
void process_timers_exec(struct process *p);

#endif
