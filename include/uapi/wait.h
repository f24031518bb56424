/* SPDX-License-Identifier: MIT */
/* wait4 and waitid options, and how an exit status is encoded. */
#pragma once

#define WNOHANG		0x00000001
#define WUNTRACED	0x00000002
#define WSTOPPED	WUNTRACED
#define WEXITED		0x00000004
#define WCONTINUED	0x00000008
#define WNOWAIT		0x01000000
#define __WNOTHREAD	0x20000000
#define __WALL		0x40000000
#define __WCLONE	0x80000000

#define P_ALL		0
#define P_PID		1
#define P_PGID		2
#define P_PIDFD		3

/* Status words for wait4: exited, killed (optionally with core), stopped, continued. */
#define WAIT_EXITED(code)	(((code) & 0xff) << 8)
#define WAIT_KILLED(sig)	((sig) & 0x7f)
#define WAIT_CORE_FLAG		0x80
#define WAIT_STOPPED(sig)	((sig) << 8 | 0x7f)
#define WAIT_CONTINUED		0xffff
