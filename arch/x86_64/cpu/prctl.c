/* SPDX-License-Identifier: MIT */
/*
 * arch_prctl(2): the bases of FS and GS.
 */
#include <arch/mmu.h>
#include <arch/thread.h>
#include <generated/syscall_protos.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <mm/uaccess.h>
#include <uapi/prctl.h>

long sys_arch_prctl(int option, uint64_t addr)
{
	struct thread *t = arch_current();

	switch (option) {
	case ARCH_SET_FS:
		if (addr >= USER_TOP)
			return -EPERM;
		arch_set_tls(t, addr);
		return 0;
	case ARCH_SET_GS:
		if (addr >= USER_TOP)
			return -EPERM;
		x86_set_user_gs(t, addr);
		return 0;
	case ARCH_GET_FS:
		return put_user(arch_tls(t), UADDR(addr));
	case ARCH_GET_GS:
		return put_user(x86_user_gs(t), UADDR(addr));
	}
	return -EINVAL;
}
