/* SPDX-License-Identifier: MIT */
/*
 * Register sets for debuggers and core files, and ptrace requests that only x86 has.  Frames are
 * in regs.c, debug registers in debug.c.
 */
#include <arch/irq.h>
#include <arch/ptrace.h>
#include <arch/regs.h>
#include <arch_impl/debug.h>
#include <arch_impl/fpu.h>
#include <arch_impl/msr.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <uapi/elf.h>
#include <uapi/prctl.h>
#include <uapi/ptrace.h>
#include <uapi/sigframe.h>

const uint32_t arch_audit = 0xc000003e;		/* AUDIT_ARCH_X86_64 */
const int arch_step_code = TRAP_BRKPT;

/* General registers. */

static size_t gregs_size(const struct thread *t)
{
	return sizeof(struct user_regs_struct);
}

static int gregs_get(struct thread *t, void *buf)
{
	regs_to_user_regs(t, arch_user_regs(t), buf);
	return 0;
}

static int gregs_set(struct thread *t, const void *buf)
{
	return regs_from_user_regs(t, arch_user_regs(t), buf);
}

/* FP/SIMD.  The area of a thread that is switched out holds all that is not initial. */

static void area_copy(struct thread *t, void *buf)
{
	if (t == arch_current())
		fpu_save_full(t->arch.fpu);
	memcpy(buf, t->arch.fpu, fpu_area_size);
	fpu_area_complete(buf);
}

static size_t xstate_size(const struct thread *t)
{
	return fpu_features && t->arch.fpu ? fpu_area_size : 0;
}

/* Where the legacy area leaves room for software, debuggers look for XCR0. */
static int xstate_get(struct thread *t, void *buf)
{
	struct fpstate *fx = buf;

	area_copy(t, buf);
	memset(&fx->sw_reserved, 0, sizeof(fx->sw_reserved));
	memcpy(&fx->sw_reserved, &fpu_features, sizeof(fpu_features));
	return 0;
}

static int area_set(struct thread *t, void *area)
{
	struct fpstate *fx = area;

	memset(&fx->sw_reserved, 0, sizeof(fx->sw_reserved));
	if (!fpu_area_is_valid(area))
		return -EINVAL;
	memcpy(t->arch.fpu, area, fpu_area_size);
	return 0;
}

static int with_copy(const void *buf, size_t len, struct thread *t)
{
	struct xstate_header *header;
	void *area = fpu_area_alloc();
	int err;

	if (!area)
		return -ENOMEM;
	area_copy(t, area);
	memcpy(area, buf, len);
	header = (void *)((char *)area + sizeof(struct fpstate));
	if (fpu_features && len == sizeof(struct fpstate))
		header->xfeatures |= 3;		/* x87 and SSE are what stands there */
	err = area_set(t, area);
	fpu_area_free(area);
	return err;
}

static int xstate_set(struct thread *t, const void *buf)
{
	return with_copy(buf, fpu_area_size, t);
}

static size_t fpregs_size(const struct thread *t)
{
	return t->arch.fpu ? sizeof(struct user_fpregs_struct) : 0;
}

static int fpregs_get(struct thread *t, void *buf)
{
	struct fpstate *fx = buf;
	void *area = fpu_area_alloc();

	if (!area)
		return -ENOMEM;
	area_copy(t, area);
	memcpy(buf, area, sizeof(*fx));
	memset(fx->reserved2, 0, sizeof(fx->reserved2));
	memset(&fx->sw_reserved, 0, sizeof(fx->sw_reserved));
	fpu_area_free(area);
	return 0;
}

static int fpregs_set(struct thread *t, const void *buf)
{
	return with_copy(buf, sizeof(struct fpstate), t);
}

const struct regset arch_regsets[] = {
	{ NT_PRSTATUS, 8, true, gregs_size, gregs_get, gregs_set },
	{ NT_PRFPREG, 4, true, fpregs_size, fpregs_get, fpregs_set },
	{ NT_X86_XSTATE, 8, true, xstate_size, xstate_get, xstate_set },
	{ 0 },
};

/*
 * The user area: registers, then much that is 0, then debug registers; Linux's has two more words.
 */
#define USER_AREA_SIZE	(sizeof(struct user) + 16)

static long peek_user(struct thread *t, uint64_t addr, uaddr_t out)
{
	struct user_regs_struct r;
	uint64_t value = 0, debug = offset_of(struct user, u_debugreg);

	if (addr % 8 || addr >= USER_AREA_SIZE)
		return -EIO;
	if (addr < sizeof(r)) {
		regs_to_user_regs(t, arch_user_regs(t), &r);
		value = ((const uint64_t *)&r)[addr / 8];
	} else if (addr >= debug && addr < debug + 64) {
		value = x86_debug_get(t, (unsigned int)(addr - debug) / 8);
	}
	return put_user(value, out);
}

static long poke_user(struct thread *t, uint64_t addr, uint64_t value)
{
	struct user_regs_struct r;
	uint64_t debug = offset_of(struct user, u_debugreg);

	if (addr % 8 || addr >= USER_AREA_SIZE)
		return -EIO;
	if (addr >= debug && addr < debug + 64)
		return x86_debug_set(t, (unsigned int)(addr - debug) / 8, value);
	if (addr >= sizeof(r))
		return -EIO;
	regs_to_user_regs(t, arch_user_regs(t), &r);
	((uint64_t *)&r)[addr / 8] = value;
	return regs_from_user_regs(t, arch_user_regs(t), &r);
}

static long prctl_of(struct thread *t, uint64_t addr, uint64_t option)
{
	switch (option) {
	case ARCH_GET_FS:
		return put_user(t->arch.fs_base, UADDR(addr));
	case ARCH_GET_GS:
		return put_user(t->arch.gs_base, UADDR(addr));
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_TOP)
			return -EPERM;
		if (option == ARCH_SET_FS)
			arch_set_tls(t, addr);
		else
			x86_set_user_gs(t, addr);
		return 0;
	}
	return -EINVAL;
}

static long get_regs(struct thread *t, uaddr_t out)
{
	struct user_regs_struct r;

	regs_to_user_regs(t, arch_user_regs(t), &r);
	return copy_to_user(out, &r, sizeof(r)) ? -EIO : 0;
}

static long set_regs(struct thread *t, uaddr_t in)
{
	struct user_regs_struct r;

	if (copy_from_user(&r, in, sizeof(r)))
		return -EIO;
	return regs_from_user_regs(t, arch_user_regs(t), &r);
}

static long get_fpregs(struct thread *t, uaddr_t out)
{
	struct user_fpregs_struct fx;
	int err = fpregs_get(t, &fx);

	if (err)
		return err;
	return copy_to_user(out, &fx, sizeof(fx)) ? -EIO : 0;
}

static long set_fpregs(struct thread *t, uaddr_t in)
{
	struct user_fpregs_struct fx;

	if (copy_from_user(&fx, in, sizeof(fx)))
		return -EIO;
	return fpregs_set(t, &fx);
}

long arch_ptrace(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKUSR:
		return peek_user(t, addr, UADDR(data));
	case PTRACE_POKEUSR:
		return poke_user(t, addr, data);
	case PTRACE_GETREGS:
		return get_regs(t, UADDR(data));
	case PTRACE_SETREGS:
		return set_regs(t, UADDR(data));
	case PTRACE_GETFPREGS:
		return get_fpregs(t, UADDR(data));
	case PTRACE_SETFPREGS:
		return set_fpregs(t, UADDR(data));
	case PTRACE_ARCH_PRCTL:
		return prctl_of(t, addr, data);
	}
	return -EIO;
}

bool arch_syscall_changed(struct regs *regs)
{
	return (int32_t)regs->orig_ax != -1;
}
