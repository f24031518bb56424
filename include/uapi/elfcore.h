/* SPDX-License-Identifier: MIT */
/* Notes of core files, besides the register sets of <uapi/ptrace.h>. */
#pragma once

#include <uapi/ptrace.h>
#include <uapi/time.h>
#include <uapi/types.h>

/* NT_PRSTATUS, one for each thread */
struct elf_prstatus {
	int32_t si_signo;
	int32_t si_code;
	int32_t si_errno;
	int16_t pr_cursig;
	uint64_t pr_sigpend;
	uint64_t pr_sighold;
	int32_t pr_pid;
	int32_t pr_ppid;
	int32_t pr_pgrp;
	int32_t pr_sid;
	struct timeval pr_utime;
	struct timeval pr_stime;
	struct timeval pr_cutime;
	struct timeval pr_cstime;
	struct user_regs_struct pr_reg;
	int32_t pr_fpvalid;
};
UAPI_OFFSET(struct elf_prstatus, pr_reg, 112);

/* NT_PRPSINFO */
struct elf_prpsinfo {
	char pr_state;
	char pr_sname;
	char pr_zomb;
	char pr_nice;
	uint64_t pr_flag;
	uint32_t pr_uid;
	uint32_t pr_gid;
	int32_t pr_pid;
	int32_t pr_ppid;
	int32_t pr_pgrp;
	int32_t pr_sid;
	char pr_fname[16];
	char pr_psargs[80];
};
UAPI_SIZE(struct elf_prpsinfo, 136);
