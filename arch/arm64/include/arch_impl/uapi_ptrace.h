/* SPDX-License-Identifier: MIT */
/* Register sets of arm64 for ptrace and core files. Include <uapi/ptrace.h>. */
#pragma once

#include <uapi/types.h>

#define PTRACE_SYSEMU			31
#define PTRACE_SYSEMU_SINGLESTEP	32

/* NT_PRSTATUS */
struct user_regs_struct {
	uint64_t regs[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t pstate;
};
UAPI_SIZE(struct user_regs_struct, 272);

/* NT_PRFPREG */
struct user_fpregs_struct {
	unsigned __int128 vregs[32];
	uint32_t fpsr;
	uint32_t fpcr;
	uint32_t __reserved[2];
};
UAPI_SIZE(struct user_fpregs_struct, 528);

/* NT_ARM_HW_BREAK, NT_ARM_HW_WATCH */
struct user_hwdebug_state {
	uint32_t dbg_info;
	uint32_t pad;
	struct {
		uint64_t addr;
		uint32_t ctrl;
		uint32_t pad;
	} dbg_regs[16];
};
UAPI_SIZE(struct user_hwdebug_state, 264);
