/* SPDX-License-Identifier: MIT */
/*
 * prctl(2) operations: Linux's, and our own in a range that Linux does not use
 * ('A' 'e' in the top half), plus arch_prctl of x86_64.
 */
#pragma once

#include <uapi/types.h>

#define PR_SET_PDEATHSIG	1
#define PR_GET_PDEATHSIG	2
#define PR_GET_DUMPABLE		3
#define PR_SET_DUMPABLE		4
#define PR_GET_KEEPCAPS		7
#define PR_SET_KEEPCAPS		8
#define PR_GET_TIMING		13
#define PR_SET_TIMING		14
#define PR_TIMING_STATISTICAL	0
#define PR_SET_NAME		15
#define PR_GET_NAME		16
#define PR_GET_SECCOMP		21
#define PR_SET_SECCOMP		22
#define PR_CAPBSET_READ		23
#define PR_CAPBSET_DROP		24
#define PR_GET_TSC		25
#define PR_SET_TSC		26
#define PR_TSC_ENABLE		1
#define PR_TSC_SIGSEGV		2
#define PR_GET_SECUREBITS	27
#define PR_SET_SECUREBITS	28
#define PR_SET_TIMERSLACK	29
#define PR_GET_TIMERSLACK	30
#define PR_MCE_KILL		33
#define PR_MCE_KILL_GET		34
#define PR_SET_MM		35
#define PR_SET_CHILD_SUBREAPER	36
#define PR_GET_CHILD_SUBREAPER	37
#define PR_SET_NO_NEW_PRIVS	38
#define PR_GET_NO_NEW_PRIVS	39
#define PR_GET_TID_ADDRESS	40
#define PR_SET_THP_DISABLE	41
#define PR_GET_THP_DISABLE	42
#define PR_SVE_SET_VL		50
#define PR_SVE_GET_VL		51
#define PR_GET_SPECULATION_CTRL	52
#define PR_SET_SPECULATION_CTRL	53
#define PR_PAC_RESET_KEYS	54
#define PR_SET_TAGGED_ADDR_CTRL	55
#define PR_GET_TAGGED_ADDR_CTRL	56
#define PR_SET_IO_FLUSHER	57
#define PR_GET_IO_FLUSHER	58
#define PR_PAC_SET_ENABLED_KEYS	60
#define PR_PAC_GET_ENABLED_KEYS	61
#define PR_SCHED_CORE		62
#define PR_CAP_AMBIENT		47
#define PR_CAP_AMBIENT_IS_SET		1
#define PR_CAP_AMBIENT_RAISE		2
#define PR_CAP_AMBIENT_LOWER		3
#define PR_CAP_AMBIENT_CLEAR_ALL	4
#define PR_SET_PTRACER		0x59616d61
#define PR_SET_VMA		0x53564d41
#define PR_SET_VMA_ANON_NAME	0

#define TASK_COMM_LEN		16	/* PR_SET_NAME, with its NUL */

/*
 * Aegis: trace the system calls of the calling process in the kernel log.
 * arg2: 0 = off, 1 = this process, 2 = this process and its future children.
 */
#define PR_AEGIS_SYSTRACE		0x41650001
#define PR_AEGIS_SYSTRACE_OFF		0
#define PR_AEGIS_SYSTRACE_SELF		1
#define PR_AEGIS_SYSTRACE_CHILDREN	2

/* arch_prctl(2), x86_64 */
#define ARCH_SET_GS		0x1001
#define ARCH_SET_FS		0x1002
#define ARCH_GET_FS		0x1003
#define ARCH_GET_GS		0x1004
#define ARCH_GET_CPUID		0x1011
#define ARCH_SET_CPUID		0x1012
#define ARCH_GET_XCOMP_SUPP	0x1021
#define ARCH_GET_XCOMP_PERM	0x1022
#define ARCH_REQ_XCOMP_PERM	0x1023
