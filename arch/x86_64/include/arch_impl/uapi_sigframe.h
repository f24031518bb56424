/* SPDX-License-Identifier: MIT */
/*
 * Signal frame of x86_64. The FP image is the FXSAVE/XSAVE area in memory, 64-byte aligned,
 * found through sigcontext.fpstate; with XSAVE its last legacy words hold struct fpx_sw_bytes and
 * a 4-byte FP_XSTATE_MAGIC2 follows the image. Include <uapi/sigframe.h>.
 */
#pragma once

#include <uapi/signal.h>

#define FP_XSTATE_MAGIC1	0x46505853U
#define FP_XSTATE_MAGIC2	0x46505845U
#define FP_XSTATE_MAGIC2_SIZE	4

struct fpx_sw_bytes {
	uint32_t magic1;		/* FP_XSTATE_MAGIC1 */
	uint32_t extended_size;		/* image + magic2 */
	uint64_t xfeatures;		/* XCR0 bits present */
	uint32_t xstate_size;		/* image alone */
	uint32_t padding[7];
};
UAPI_SIZE(struct fpx_sw_bytes, 48);

/* The FXSAVE image (Intel SDM 10.5.1). */
struct fpstate {
	uint16_t cwd;
	uint16_t swd;
	uint16_t twd;
	uint16_t fop;
	uint64_t rip;
	uint64_t rdp;
	uint32_t mxcsr;
	uint32_t mxcsr_mask;
	uint32_t st_space[32];
	uint32_t xmm_space[64];
	uint32_t reserved2[12];
	struct fpx_sw_bytes sw_reserved;
};
UAPI_SIZE(struct fpstate, 512);
UAPI_OFFSET(struct fpstate, sw_reserved, 464);

struct xstate_header {
	uint64_t xfeatures;
	uint64_t reserved1[2];
	uint64_t reserved2[5];
};
UAPI_SIZE(struct xstate_header, 64);

struct sigcontext {
	uint64_t r8;
	uint64_t r9;
	uint64_t r10;
	uint64_t r11;
	uint64_t r12;
	uint64_t r13;
	uint64_t r14;
	uint64_t r15;
	uint64_t rdi;
	uint64_t rsi;
	uint64_t rbp;
	uint64_t rbx;
	uint64_t rdx;
	uint64_t rax;
	uint64_t rcx;
	uint64_t rsp;
	uint64_t rip;
	uint64_t eflags;
	uint16_t cs;
	uint16_t gs;
	uint16_t fs;
	uint16_t ss;
	uint64_t err;			/* page-fault error code of the last fault */
	uint64_t trapno;
	uint64_t oldmask;
	uint64_t cr2;
	uint64_t fpstate;		/* user address of struct fpstate, 0 = none */
	uint64_t reserved1[8];
};
UAPI_SIZE(struct sigcontext, 256);

/* ucontext.uc_flags */
#define UC_FP_XSTATE		0x1	/* fpstate has the XSAVE extension */
#define UC_SIGCONTEXT_SS	0x2	/* ss is valid */
#define UC_STRICT_RESTORE_SS	0x4	/* sigreturn loads ss as it stands */

struct ucontext {
	uint64_t uc_flags;
	uint64_t uc_link;
	stack_t uc_stack;
	struct sigcontext uc_mcontext;
	sigset_t uc_sigmask;
};
UAPI_SIZE(struct ucontext, 304);
UAPI_OFFSET(struct ucontext, uc_sigmask, 296);

/*
 * The whole frame, at a stack pointer congruent 8 modulo 16 (as after a call). rdi = signal,
 * rsi = &info, rdx = &uc.
 */
struct rt_sigframe {
	uint64_t pretcode;		/* return address: sa_restorer */
	struct ucontext uc;
	struct siginfo info;
};
UAPI_SIZE(struct rt_sigframe, 440);
