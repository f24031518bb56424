/* SPDX-License-Identifier: MIT */
/*
 * The register frame for people and for ptrace.
 */
#include <arch/regs.h>
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/string.h>
#include <uapi/ptrace.h>
#include <arch_impl/arm64.h>

void regs_print(const struct regs *r)
{
	log_emerg("pc  %016llx  sp  %016llx  pstate %08llx", (unsigned long long)r->pc,
		  (unsigned long long)r->sp, (unsigned long long)r->pstate);
	for (unsigned int i = 0; i < 30; i += 3)
		log_emerg("x%-2u %016llx  x%-2u %016llx  x%-2u %016llx", i,
			  (unsigned long long)r->x[i], i + 1, (unsigned long long)r->x[i + 1],
			  i + 2, (unsigned long long)r->x[i + 2]);
	log_emerg("x30 %016llx", (unsigned long long)r->x[30]);
}

_Static_assert(sizeof(struct user_regs_struct) == offset_of(struct regs, orig_x0),
	       "NT_PRSTATUS is the frame's head");

void regs_to_user_regs(const struct thread *t, const struct regs *r, struct user_regs_struct *out)
{
	memcpy(out, r, sizeof(*out));
	out->pstate &= ~PSTATE_SS;		/* ours, not the program's */
}

/*
 * EL0, AArch64, nothing masked; of the rest only the condition flags and bits without power are
 * taken.
 */
int regs_from_user_regs(struct thread *t, struct regs *r, const struct user_regs_struct *in)
{
	const uint64_t allowed = PSTATE_NZCV | PSTATE_DIT | PSTATE_SSBS | PSTATE_BTYPE | PSTATE_TCO;
	uint64_t step = r->pstate & PSTATE_SS;

	if (in->pstate & (PSTATE_MODE | PSTATE_AARCH32 | PSTATE_DAIF))
		return -EINVAL;
	memcpy(r, in, sizeof(*in));
	r->pstate = (in->pstate & allowed) | step;
	return 0;
}
