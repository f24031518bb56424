/* SPDX-License-Identifier: MIT */
/* Register frames as a debugger writes them. */
#include <arch/regs.h>
#include <arch_impl/msr.h>
#include <arch_impl/segment.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <mm/slab.h>
#include <uapi/ptrace.h>

/* The number of a call stays; privileged flags and selectors do not pass. */
KTEST(x86_regs, setregs_is_checked)
{
	struct thread *t = kzalloc(sizeof(*t), ALLOC_NORMAL);
	struct regs r = { .cs = USER_CS, .ss = USER_DS, .flags = RFLAGS_FIXED | RFLAGS_IF };
	struct user_regs_struct u;

	KASSERT_NOT_NULL(t);
	regs_to_user_regs(t, &r, &u);
	u.ip = 0x8000000000000000UL;
	u.orig_ax = 1;
	u.flags = ~0UL;
	KEXPECT_EQ(regs_from_user_regs(t, &r, &u), 0);
	KEXPECT_EQ(r.orig_ax, 1u);
	KEXPECT_NE(r.flags & RFLAGS_TF, 0u);
	KEXPECT_EQ(r.flags & RFLAGS_IOPL, 0u);
	KEXPECT_NE(r.flags & RFLAGS_IF, 0u);
	u.flags = 0;
	KEXPECT_EQ(regs_from_user_regs(t, &r, &u), 0);
	KEXPECT_NE(r.flags & RFLAGS_IF, 0u);
	u.cs = KERNEL_CS;
	KEXPECT_EQ(regs_from_user_regs(t, &r, &u), -EIO);
	kfree(t);
}
