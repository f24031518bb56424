/* SPDX-License-Identifier: MIT */
/*
 * Sending and taking signals.
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <kernel/process.h>

static inline uint64_t sig_bit(int sig) { return 1ULL << (sig - 1); }

/* One waiting signal, in the pending list of a thread or process. */
struct sigqueue {
	struct list node;		/* [R] SIGNAL */
	struct process *process;	/* [I] counted; its nr_pending holds this one */
	struct siginfo info;		/* [I] */
};

/* A siginfo as the kernel fills it. */
void siginfo_init(struct siginfo *info, int sig, int code);

/*
 * Send without a permission check (the caller's business).  @info NULL: from the kernel.
 * 0, -ESRCH (already dead), -EAGAIN (real-time queue full).
 */
int signal_send_thread(struct thread *t, int sig, const struct siginfo *info);
int signal_send_process(struct process *p, int sig, const struct siginfo *info);
/* All members of @group; takes tasklist_lock, so not from interrupts.  -ESRCH when it is empty. */
int signal_send_group(struct pid *group, int sig, const struct siginfo *info);

/*
 * A fault of the calling thread: delivered even when blocked or ignored (then with the default
 * action, which is death).
 */
void signal_force(int sig, int code, uint64_t address);

/* Take the caller's pending signals: build frames, stop, or die.  From exit_to_user_upcall(). */
void signal_deliver(struct regs *regs);

/* Recompute WORK_SIGNAL after the mask or pending sets changed.  sighand lock held. */
void signal_recompute_locked(struct thread *t);

/* Replace the caller's mask (SIGKILL and SIGSTOP are dropped). */
void signal_set_mask(sigset_t mask);
/*
 * For ppoll, pselect, epoll_pwait, sigsuspend: set @mask now, the old one comes back after
 * delivery.
 */
void signal_set_temporary_mask(sigset_t mask);
void signal_restore_mask(void);

/* Is @sig ignored (or default-ignored) or blocked by the caller?  For tty job control. */
bool signal_is_ignored_or_blocked(int sig);

/* Dequeue a signal in @set for signalfd, sigtimedwait: its number, 0 when none waits. */
int signal_dequeue(const sigset_t *set, struct siginfo *info);

#endif
