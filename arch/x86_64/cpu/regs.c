/* SPDX-License-Identifier: MIT */
/*
 * Register frames for people and for ptrace.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/regs.h>
#include <arch/thread.h>
#include <arch_impl/msr.h>
#include <arch_impl/segment.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <uapi/ptrace.h>

_Static_assert(sizeof(struct regs) == X86_REGS_SIZE &&
	       sizeof(struct regs) == offset_of(struct user_regs_struct, fs_base),
	       "struct regs begins user_regs_struct");

void regs_print(const struct regs *r)
{
	log_emerg("rip %016lx rsp %016lx flags %08lx cs %lx ss %lx orig_rax %ld", r->ip, r->sp,
		  r->flags, r->cs, r->ss, (long)r->orig_ax);
	log_emerg("rax %016lx rbx %016lx rcx %016lx rdx %016lx", r->ax, r->bx, r->cx, r->dx);
	log_emerg("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", r->si, r->di, r->bp, r->r8);
	log_emerg("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", r->r9, r->r10, r->r11, r->r12);
	log_emerg("r13 %016lx r14 %016lx r15 %016lx", r->r13, r->r14, r->r15);
	log_emerg("cr2 %016lx cr3 %016lx cr4 %08lx percpu %016lx", read_cr2(), read_cr3(),
		  read_cr4(), arch_percpu_offset());
}

void regs_to_user_regs(const struct thread *t, const struct regs *r, struct user_regs_struct *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, r, sizeof(*r));
	if (t->arch.single_step)
		out->flags &= ~RFLAGS_TF;	/* ours, not the program's */
	out->fs_base = arch_tls(t);
	out->gs_base = x86_user_gs(t);
}

/*
 * The debugger may keep orig_ax >= 0, so that a call is still restarted, and then the system call's
 * fast exit would drop its callee-saved registers and hand SYSRET any address.  WORK_FRAME, set at
 * the end of each stop, makes the exit take IRET.
 */
int regs_from_user_regs(struct thread *t, struct regs *r, const struct user_regs_struct *in)
{
	uint64_t flags = (r->flags & ~RFLAGS_USER) | (in->flags & RFLAGS_USER);

	if (in->cs != USER_CS || in->ss != USER_DS || in->ds || in->es || in->fs || in->gs)
		return -EIO;
	if (in->fs_base >= USER_TOP || in->gs_base >= USER_TOP)
		return -EIO;
	memcpy(r, in, sizeof(*r));
	if (in->flags & RFLAGS_TF)
		t->arch.single_step = false;	/* the program's own from now on */
	r->flags = flags | (t->arch.single_step ? RFLAGS_TF : 0);
	arch_set_tls(t, in->fs_base);
	x86_set_user_gs(t, in->gs_base);
	return 0;
}

/* Prefixes before an opcode: segments, sizes, locks, and in long mode REX. */
static bool is_prefix(uint8_t byte)
{
	return (byte & 0xe7) == 0x26 || byte == 0x64 || byte == 0x65 || byte == 0x66 ||
	       byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 ||
	       (byte & 0xf0) == 0x40;
}

/* Does the next instruction load TF (POPF, IRET)?  Then what it loads is the program's. */
static bool loads_flags(struct thread *t, const struct regs *r)
{
	uint8_t code[15];
	size_t n = t->aspace ? aspace_access(t->aspace, r->ip, code, sizeof(code), false, true) : 0;
	size_t i = 0;

	while (i < n && is_prefix(code[i]))
		i++;
	return i < n && (code[i] == 0x9d || code[i] == 0xcf);
}

void arch_single_step_enable(struct thread *t, struct regs *r)
{
	/* A program that traps itself keeps its TF when ours ends. */
	if (!(r->flags & RFLAGS_TF))
		t->arch.single_step = true;
	r->flags |= RFLAGS_TF;
	if (t->arch.single_step && loads_flags(t, r))
		t->arch.single_step = false;
}

bool arch_single_step_is_on(const struct thread *t)
{
	return t->arch.single_step;
}

void arch_single_step_disable(struct thread *t, struct regs *r)
{
	if (t->arch.single_step)
		r->flags &= ~RFLAGS_TF;
	t->arch.single_step = false;
}
