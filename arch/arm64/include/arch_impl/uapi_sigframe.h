/* SPDX-License-Identifier: MIT */
/*
 * Signal frame of arm64. sigcontext ends in 4 KiB of tagged records, 16-byte aligned, closed by a
 * zero record; when they do not fit, an EXTRA record points behind the frame. An unknown record
 * makes sigreturn fail. Include <uapi/sigframe.h>.
 */
#pragma once

#include <uapi/signal.h>

struct sigcontext {
	uint64_t fault_address;
	uint64_t regs[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t pstate;
	uint8_t __reserved[4096] __attribute__((aligned(16)));
};
UAPI_SIZE(struct sigcontext, 4384);
UAPI_OFFSET(struct sigcontext, __reserved, 288);

/* The head of each record; size counts the head and is a multiple of 16. */
struct _aarch64_ctx {
	uint32_t magic;
	uint32_t size;
};
UAPI_SIZE(struct _aarch64_ctx, 8);

#define FPSIMD_MAGIC	0x46508001
#define ESR_MAGIC	0x45535201
#define EXTRA_MAGIC	0x45585401
#define SVE_MAGIC	0x53564501

struct fpsimd_context {
	struct _aarch64_ctx head;
	uint32_t fpsr;
	uint32_t fpcr;
	unsigned __int128 vregs[32];
};
UAPI_SIZE(struct fpsimd_context, 528);

struct esr_context {
	struct _aarch64_ctx head;
	uint64_t esr;
};
UAPI_SIZE(struct esr_context, 16);

struct extra_context {
	struct _aarch64_ctx head;
	uint64_t datap;			/* user address of the further records */
	uint32_t size;
	uint32_t __reserved[3];
};
UAPI_SIZE(struct extra_context, 32);

struct sve_context {
	struct _aarch64_ctx head;
	uint16_t vl;
	uint16_t flags;
	uint16_t __reserved[2];
};
UAPI_SIZE(struct sve_context, 16);

struct ucontext {
	uint64_t uc_flags;
	uint64_t uc_link;
	stack_t uc_stack;
	sigset_t uc_sigmask;
	uint8_t __unused[128 - sizeof(sigset_t)];
	struct sigcontext uc_mcontext;
};
UAPI_SIZE(struct ucontext, 4560);
UAPI_OFFSET(struct ucontext, uc_mcontext, 176);

/* x0 = signal, x1 = &info, x2 = &uc; a frame record {fp, lr} stands below it. */
struct rt_sigframe {
	struct siginfo info;
	struct ucontext uc;
};
UAPI_SIZE(struct rt_sigframe, 4688);
