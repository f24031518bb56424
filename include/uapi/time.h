/* SPDX-License-Identifier: MIT */
/* Time values, clock ids, interval and POSIX timers. All 64-bit: there is no 2038 here. */
#pragma once

#include <uapi/types.h>

struct timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};
UAPI_SIZE(struct timespec, 16);

struct timeval {
	int64_t tv_sec;
	int64_t tv_usec;
};
UAPI_SIZE(struct timeval, 16);

struct itimerspec {
	struct timespec it_interval;
	struct timespec it_value;
};
UAPI_SIZE(struct itimerspec, 32);

struct itimerval {
	struct timeval it_interval;
	struct timeval it_value;
};
UAPI_SIZE(struct itimerval, 32);

struct timezone {
	int32_t tz_minuteswest;
	int32_t tz_dsttime;
};
UAPI_SIZE(struct timezone, 8);

struct utimbuf {
	int64_t actime;
	int64_t modtime;
};
UAPI_SIZE(struct utimbuf, 16);

/* times(2), in USER_HZ ticks */
struct tms {
	int64_t tms_utime;
	int64_t tms_stime;
	int64_t tms_cutime;
	int64_t tms_cstime;
};
UAPI_SIZE(struct tms, 32);

#define USER_HZ		100

#define ITIMER_REAL	0
#define ITIMER_VIRTUAL	1
#define ITIMER_PROF	2

#define CLOCK_REALTIME			0
#define CLOCK_MONOTONIC			1
#define CLOCK_PROCESS_CPUTIME_ID	2
#define CLOCK_THREAD_CPUTIME_ID		3
#define CLOCK_MONOTONIC_RAW		4
#define CLOCK_REALTIME_COARSE		5
#define CLOCK_MONOTONIC_COARSE		6
#define CLOCK_BOOTTIME			7
#define CLOCK_REALTIME_ALARM		8
#define CLOCK_BOOTTIME_ALARM		9
#define CLOCK_TAI			11

/*
 * A negative clock id names a CPU-time clock of a process or thread, or a clock device:
 * ~pid << 3 | (4 if one thread) | which.
 */
#define CPUCLOCK_PERTHREAD_MASK	4
#define CPUCLOCK_CLOCK_MASK	3
#define CPUCLOCK_PROF		0
#define CPUCLOCK_VIRT		1
#define CPUCLOCK_SCHED		2
#define CLOCKFD			3

#define TIMER_ABSTIME	0x01

/* adjtimex(2) */
struct timex {
	uint32_t modes;
	int64_t offset;
	int64_t freq;
	int64_t maxerror;
	int64_t esterror;
	int32_t status;
	int64_t constant;
	int64_t precision;
	int64_t tolerance;
	struct timeval time;
	int64_t tick;
	int64_t ppsfreq;
	int64_t jitter;
	int32_t shift;
	int64_t stabil;
	int64_t jitcnt;
	int64_t calcnt;
	int64_t errcnt;
	int64_t stbcnt;
	int32_t tai;
	int32_t __reserved[11];
};
UAPI_SIZE(struct timex, 208);

#define ADJ_OFFSET		0x0001
#define ADJ_FREQUENCY		0x0002
#define ADJ_MAXERROR		0x0004
#define ADJ_ESTERROR		0x0008
#define ADJ_STATUS		0x0010
#define ADJ_TIMECONST		0x0020
#define ADJ_TAI			0x0080
#define ADJ_SETOFFSET		0x0100
#define ADJ_MICRO		0x1000
#define ADJ_NANO		0x2000
#define ADJ_TICK		0x4000
#define ADJ_OFFSET_SINGLESHOT	0x8001
#define ADJ_OFFSET_SS_READ	0xa001

#define STA_PLL		0x0001
#define STA_UNSYNC	0x0040
#define STA_NANO	0x2000

#define TIME_OK		0
#define TIME_ERROR	5
