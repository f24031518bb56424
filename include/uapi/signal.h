/* SPDX-License-Identifier: MIT */
/*
 * Signals: numbers, siginfo, sigaction as the system call takes it, sigevent, alternate stacks.
 * The frame pushed on the user stack is in <uapi/sigframe.h>.
 */
#pragma once

#include <uapi/types.h>

#include <arch_impl/uapi_signal.h>	/* MINSIGSTKSZ, SIGSTKSZ */

#define SIGHUP		1
#define SIGINT		2
#define SIGQUIT		3
#define SIGILL		4
#define SIGTRAP		5
#define SIGABRT		6
#define SIGIOT		6
#define SIGBUS		7
#define SIGFPE		8
#define SIGKILL		9
#define SIGUSR1		10
#define SIGSEGV		11
#define SIGUSR2		12
#define SIGPIPE		13
#define SIGALRM		14
#define SIGTERM		15
#define SIGSTKFLT	16
#define SIGCHLD		17
#define SIGCONT		18
#define SIGSTOP		19
#define SIGTSTP		20
#define SIGTTIN		21
#define SIGTTOU		22
#define SIGURG		23
#define SIGXCPU		24
#define SIGXFSZ		25
#define SIGVTALRM	26
#define SIGPROF		27
#define SIGWINCH	28
#define SIGIO		29
#define SIGPOLL		29
#define SIGPWR		30
#define SIGSYS		31
#define SIGRTMIN	32
#define SIGRTMAX	64
#define NSIG		64	/* signals are 1 .. NSIG; libc and asm/signal.h count otherwise */
#define NSIG_MAX	NSIG

/* A set of signals: bit n - 1 stands for signal n. */
typedef struct {
	uint64_t v;
} sigset_t;
UAPI_SIZE(sigset_t, 8);

static inline uint64_t sigmask_bit(int sig)
{
	return 1ULL << (sig - 1);
}

#define SIG_BLOCK	0
#define SIG_UNBLOCK	1
#define SIG_SETMASK	2

/* Values of sa_handler that are not functions */
#define SIG_DFL		0ULL
#define SIG_IGN		1ULL

#define SA_NOCLDSTOP		0x00000001
#define SA_NOCLDWAIT		0x00000002
#define SA_SIGINFO		0x00000004
#define SA_UNSUPPORTED		0x00000400
#define SA_EXPOSE_TAGBITS	0x00000800
#define SA_RESTORER		0x04000000
#define SA_ONSTACK		0x08000000
#define SA_RESTART		0x10000000
#define SA_NODEFER		0x40000000
#define SA_RESETHAND		0x80000000

/* rt_sigaction(2): the kernel's layout, which is not libc's. Handlers are user addresses. */
struct sigaction {
	uint64_t sa_handler;
	uint64_t sa_flags;
	uint64_t sa_restorer;
	sigset_t sa_mask;
};
UAPI_SIZE(struct sigaction, 32);

typedef union {
	int32_t sival_int;
	uint64_t sival_ptr;
} sigval_t;
UAPI_SIZE(sigval_t, 8);

#define SI_MAX_SIZE	128

struct siginfo {
	int32_t si_signo;
	int32_t si_errno;
	int32_t si_code;
	int32_t __pad0;
	union {
		int32_t _pad[28];
		struct {			/* kill */
			int32_t pid;
			uint32_t uid;
		} _kill;
		struct {			/* POSIX timers */
			int32_t tid;
			int32_t overrun;
			sigval_t sigval;
			int32_t sys_private;
		} _timer;
		struct {			/* sigqueue, mq_notify */
			int32_t pid;
			uint32_t uid;
			sigval_t sigval;
		} _rt;
		struct {			/* SIGCHLD */
			int32_t pid;
			uint32_t uid;
			int32_t status;
			int64_t utime;
			int64_t stime;
		} _sigchld;
		struct {			/* SIGILL SIGFPE SIGSEGV SIGBUS SIGTRAP */
			uint64_t addr;
			union {
				int32_t trapno;
				int16_t addr_lsb;	/* BUS_MCEERR_*: granule, log2 */
				struct {		/* SEGV_BNDERR */
					uint64_t __pad;
					uint64_t lower;
					uint64_t upper;
				} _addr_bnd;
				struct {		/* SEGV_PKUERR */
					uint64_t __pad;
					uint32_t pkey;
				} _addr_pkey;
			};
		} _sigfault;
		struct {			/* SIGPOLL */
			int64_t band;
			int32_t fd;
		} _sigpoll;
		struct {			/* SIGSYS */
			uint64_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} _sigsys;
	} _sifields;
};
UAPI_SIZE(struct siginfo, SI_MAX_SIZE);
UAPI_OFFSET(struct siginfo, _sifields, 16);

#define si_pid		_sifields._kill.pid
#define si_uid		_sifields._kill.uid
#define si_tid		_sifields._timer.tid
#define si_overrun	_sifields._timer.overrun
#define si_sys_private	_sifields._timer.sys_private
#define si_status	_sifields._sigchld.status
#define si_utime	_sifields._sigchld.utime
#define si_stime	_sifields._sigchld.stime
#define si_value	_sifields._rt.sigval
#define si_int		_sifields._rt.sigval.sival_int
#define si_ptr		_sifields._rt.sigval.sival_ptr
#define si_addr		_sifields._sigfault.addr
#define si_trapno	_sifields._sigfault.trapno
#define si_addr_lsb	_sifields._sigfault.addr_lsb
#define si_lower	_sifields._sigfault._addr_bnd.lower
#define si_upper	_sifields._sigfault._addr_bnd.upper
#define si_pkey		_sifields._sigfault._addr_pkey.pkey
#define si_band		_sifields._sigpoll.band
#define si_fd		_sifields._sigpoll.fd
#define si_call_addr	_sifields._sigsys.call_addr
#define si_syscall	_sifields._sigsys.syscall
#define si_arch		_sifields._sigsys.arch

#define SI_USER		0
#define SI_KERNEL	0x80
#define SI_QUEUE	(-1)
#define SI_TIMER	(-2)
#define SI_MESGQ	(-3)
#define SI_ASYNCIO	(-4)
#define SI_SIGIO	(-5)
#define SI_TKILL	(-6)
#define SI_DETHREAD	(-7)
#define SI_ASYNCNL	(-60)

#define ILL_ILLOPC	1
#define ILL_ILLOPN	2
#define ILL_ILLADR	3
#define ILL_ILLTRP	4
#define ILL_PRVOPC	5
#define ILL_PRVREG	6
#define ILL_COPROC	7
#define ILL_BADSTK	8

#define FPE_INTDIV	1
#define FPE_INTOVF	2
#define FPE_FLTDIV	3
#define FPE_FLTOVF	4
#define FPE_FLTUND	5
#define FPE_FLTRES	6
#define FPE_FLTINV	7
#define FPE_FLTSUB	8
#define FPE_FLTUNK	14

#define SEGV_MAPERR	1
#define SEGV_ACCERR	2
#define SEGV_BNDERR	3
#define SEGV_PKUERR	4
#define SEGV_MTEAERR	8
#define SEGV_MTESERR	9

#define BUS_ADRALN	1
#define BUS_ADRERR	2
#define BUS_OBJERR	3
#define BUS_MCEERR_AR	4
#define BUS_MCEERR_AO	5

#define TRAP_BRKPT	1
#define TRAP_TRACE	2
#define TRAP_BRANCH	3
#define TRAP_HWBKPT	4
#define TRAP_UNK	5

#define CLD_EXITED	1
#define CLD_KILLED	2
#define CLD_DUMPED	3
#define CLD_TRAPPED	4
#define CLD_STOPPED	5
#define CLD_CONTINUED	6

#define POLL_IN		1
#define POLL_OUT	2
#define POLL_MSG	3
#define POLL_ERR	4
#define POLL_PRI	5
#define POLL_HUP	6

#define SYS_SECCOMP		1
#define SYS_USER_DISPATCH	2

struct sigevent {
	sigval_t sigev_value;
	int32_t sigev_signo;
	int32_t sigev_notify;
	union {
		int32_t _pad[12];
		int32_t _tid;
	} _sigev_un;
};
UAPI_SIZE(struct sigevent, 64);

#define sigev_notify_thread_id	_sigev_un._tid

#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD	2
#define SIGEV_THREAD_ID	4

/* sigaltstack(2) */
typedef struct sigaltstack {
	uint64_t ss_sp;
	int32_t ss_flags;
	uint64_t ss_size;
} stack_t;
UAPI_SIZE(stack_t, 24);

#define SS_ONSTACK	1
#define SS_DISABLE	2
#define SS_AUTODISARM	(1U << 31)
#define SS_FLAG_BITS	SS_AUTODISARM
