/* SPDX-License-Identifier: MIT */
/* Register sets of x86_64 for ptrace and core files. Include <uapi/ptrace.h>. */
#pragma once

#include <uapi/types.h>

#define PTRACE_GETREGS		12
#define PTRACE_SETREGS		13
#define PTRACE_GETFPREGS	14
#define PTRACE_SETFPREGS	15
#define PTRACE_ARCH_PRCTL	30
#define PTRACE_SYSEMU		31
#define PTRACE_SYSEMU_SINGLESTEP 32

struct user_regs_struct {
	uint64_t r15;
	uint64_t r14;
	uint64_t r13;
	uint64_t r12;
	uint64_t bp;
	uint64_t bx;
	uint64_t r11;
	uint64_t r10;
	uint64_t r9;
	uint64_t r8;
	uint64_t ax;
	uint64_t cx;
	uint64_t dx;
	uint64_t si;
	uint64_t di;
	uint64_t orig_ax;
	uint64_t ip;
	uint64_t cs;
	uint64_t flags;
	uint64_t sp;
	uint64_t ss;
	uint64_t fs_base;
	uint64_t gs_base;
	uint64_t ds;
	uint64_t es;
	uint64_t fs;
	uint64_t gs;
};
UAPI_SIZE(struct user_regs_struct, 216);

/* The FXSAVE image */
struct user_fpregs_struct {
	uint16_t cwd;
	uint16_t swd;
	uint16_t twd;
	uint16_t fop;
	uint64_t rip;
	uint64_t rdp;
	uint32_t mxcsr;
	uint32_t mxcr_mask;
	uint32_t st_space[32];
	uint32_t xmm_space[64];
	uint32_t padding[24];
};
UAPI_SIZE(struct user_fpregs_struct, 512);

/* PEEKUSER's address space: registers at 0, debug registers at u_debugreg. */
struct user {
	struct user_regs_struct regs;
	int32_t u_fpvalid;
	int32_t pad0;
	struct user_fpregs_struct i387;
	uint64_t u_tsize;
	uint64_t u_dsize;
	uint64_t u_ssize;
	uint64_t start_code;
	uint64_t start_stack;
	int64_t signal;
	int32_t reserved;
	int32_t pad1;
	uint64_t u_ar0;
	uint64_t u_fpstate;
	uint64_t magic;
	char u_comm[32];
	uint64_t u_debugreg[8];
};
UAPI_SIZE(struct user, 912);
UAPI_OFFSET(struct user, u_debugreg, 848);
