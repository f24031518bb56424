/* SPDX-License-Identifier: MIT */
/*
 * Capabilities of processes, as far as the system-call dispatcher tests them: a word of classes
 * (<generated/cap_classes.h>) for each process.  Read security/README.md.
 */
#ifndef SECURITY_CAP_H
#define SECURITY_CAP_H

#include <lib/compiler.h>
#include <lib/types.h>

struct process;

/*
 * @classes: the classes of the row that the calling thread's word does not hold. 0 if the thread
 * may go on all the same (its word was out of date), or -EPERM. Thread context.
 */
__must_check int cap_check(uint64_t classes);

/* PID 1 gets every class.  -ENOMEM. */
__must_check int cap_process_init(struct process *p);
/* @child, not yet visible, gets a copy of what @parent holds.  -ENOMEM. */
__must_check int cap_process_fork(struct process *child, struct process *parent);
/* The process is freed; also one whose _init or _fork failed or never ran. */
void cap_process_exit(struct process *p);

/* What the process holds: the value for thread.core.cap_word of its threads.  Any context. */
uint64_t cap_process_word(const struct process *p);

/*
 * Give up @classes for ever.  The caller then stores cap_process_word() in each thread of @p (the
 * threads are a matter of a layer above).
 */
void cap_process_drop(struct process *p, uint64_t classes);

/*
 * Linux's three sets, a view for programs that ask (capget): bits of capability numbers.  A number
 * that stands for a class is in the view only while the class is held.
 */
struct cap_linux_view {
	uint64_t effective, permitted, inheritable;
};
/* @superuser: the effective user is 0; nobody else sees any. */
void cap_linux_view_get(const struct process *p, bool superuser, struct cap_linux_view *view);
/*
 * capset: -EPERM when @view holds more than may be kept.  *@lost: the classes whose capability left
 * the permitted set; the caller drops them.
 */
__must_check int cap_linux_view_set(struct process *p, bool superuser,
				    const struct cap_linux_view *view, uint64_t *lost);

#endif
