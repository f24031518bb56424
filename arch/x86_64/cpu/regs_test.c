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

/*
 * A frame that still belongs to a call must not take the exit by SYSRET, whose RCX it now chooses.
 */
KTEST(x86_regs, setregs_leaves_by_iret)
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
	KEXPECT_NE(r.flags & (RFLAGS_TF | RFLAGS_RF), 0u);
	KEXPECT_EQ(r.flags & RFLAGS_IOPL, 0u);
	KEXPECT_NE(r.flags & RFLAGS_IF, 0u);
	u.flags = 0;
	KEXPECT_EQ(regs_from_user_regs(t, &r, &u), 0);
	KEXPECT_NE(r.flags & RFLAGS_RF, 0u);
	KEXPECT_NE(r.flags & RFLAGS_IF, 0u);
	regs_to_user_regs(t, &r, &u);
	KEXPECT_EQ(u.flags & RFLAGS_RF, 0u);
	u.cs = KERNEL_CS;
	KEXPECT_EQ(regs_from_user_regs(t, &r, &u), -EINVAL);
	kfree(t);
}
