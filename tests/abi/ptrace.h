/* SPDX-License-Identifier: MIT */
/* What the ptrace tests share: a tracee, its stops in words, its registers. */
#ifndef ABI_PTRACE_H
#define ABI_PTRACE_H

#include "abi.h"
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"

#ifdef __x86_64__
#define user_fp_struct user_fpregs_struct
#define REG_PC(r)	((r).rip)
#define REG_SP(r)	((r).rsp)
#define REG_RESULT(r)	((r).rax)
#define REG_ARG0(r)	((r).rdi)
#define REG_ARG1(r)	((r).rsi)
#else
#define user_fp_struct user_fpsimd_struct
#define REG_PC(r)	((r).pc)
#define REG_SP(r)	((r).sp)
#define REG_RESULT(r)	((r).regs[0])
#define REG_ARG0(r)	((r).regs[0])
#define REG_ARG1(r)	((r).regs[1])
#endif

/*
 * Fork; the child asks to be traced, stops itself with SIGSTOP, and runs @fn. Waits for the stop.
 */
pid_t traced(int (*fn)(void *arg), void *arg);
/* waitpid(@pid, __WALL) and what came, in words; the status, or -1. */
int next_stop(const char *what, pid_t pid);
void show_stop(const char *what, int status);
int get_regs(pid_t pid, struct user_regs_struct *r);
int set_regs(pid_t pid, struct user_regs_struct *r);
/* Kill and reap, quietly. */
void finish(pid_t pid);

#endif
