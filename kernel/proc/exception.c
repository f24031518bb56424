/* SPDX-License-Identifier: MIT */
/* Faults of user mode other than page faults become signals. */
#include <arch/upcalls.h>
#include "ptrace_internal.h"

void user_exception_upcall(struct regs *regs, const struct user_exception *e)
{
	struct thread *t = current_thread();

	if (e->sig == SIGTRAP && ptrace_trap_is_stale(regs))
		return;
	t->fault.trapno = e->trapno;
	t->fault.error = e->error;
	t->fault.address = e->address;
	signal_force(e->sig, e->code, e->address);
}
