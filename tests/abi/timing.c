/* SPDX-License-Identifier: MIT */
/*
 * Clocks, sleeping, interval and POSIX timers. Only bounds that a slow machine keeps too are shown.
 */
#include "abi.h"

#include <sys/time.h>
#include <sys/times.h>

ABI_TEST(timing, clocks)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
					    CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI };
	struct timespec ts;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		int64_t a = now_ns(clocks[i]), b = now_ns(clocks[i]);

		say("clock %d: get %d, runs forward %d", (int)clocks[i],
		    clock_gettime(clocks[i], &ts), b >= a);
		say("  raw call %ld, nsec in range %d", syscall(SYS_clock_gettime, clocks[i], &ts),
		    ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	}
	TRY(clock_getres(CLOCK_MONOTONIC, &ts));
	TRY(clock_gettime(77, &ts));
	TRY(clock_getres(77, &ts));
	TRY(clock_settime(CLOCK_MONOTONIC, &ts));
}

ABI_TEST(timing, sleeping)
{
	struct timespec ts = { 0, 20000000 }, bad = { 0, -1 }, past = { 1, 0 };
	int64_t t0 = now_ns(CLOCK_MONOTONIC);

	TRY(nanosleep(&ts, NULL));
	say("not early %d", now_ns(CLOCK_MONOTONIC) - t0 >= 20000000);
	TRY(nanosleep(&bad, NULL));
	bad.tv_sec = -1;
	bad.tv_nsec = 0;
	TRY(nanosleep(&bad, NULL));
	say("absolute in the past: %d", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past,
							NULL));
	say("bad clock: %s", errno_name(clock_nanosleep(77, 0, &ts, NULL)));
	say("CPU clock of the thread: %s",
	    errno_name(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL)));
}

ABI_TEST(timing, cpu_time)
{
	int64_t t0 = now_ns(CLOCK_PROCESS_CPUTIME_ID), wall = now_ns(CLOCK_MONOTONIC);
	struct tms tms;

	sleep_ms(50);
	say("sleeping costs little CPU %d", now_ns(CLOCK_PROCESS_CPUTIME_ID) - t0 < 40000000);
	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) - t0 < 30000000 &&
	       now_ns(CLOCK_MONOTONIC) - wall < 5000000000LL)
		;
	say("spinning costs CPU %d", now_ns(CLOCK_PROCESS_CPUTIME_ID) - t0 >= 30000000);
	say("times %d", times(&tms) != (clock_t)-1);
}

static volatile int ticks;

static void tick(int sig)
{
	(void)sig;
	ticks++;
}

ABI_TEST(timing, itimers)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } }, off = { { 0, 0 }, { 0, 0 } }, old;

	signal(SIGALRM, tick);
	signal(SIGVTALRM, tick);
	TRY(setitimer(ITIMER_REAL, &it, NULL));
	while (ticks < 5)
		pause();
	TRY(setitimer(ITIMER_REAL, &off, &old));
	say("interval %ld", (long)old.it_interval.tv_usec);
	ticks = 0;
	TRY(setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (ticks < 2)
		;
	TRY(setitimer(ITIMER_VIRTUAL, &off, NULL));
	it.it_value.tv_usec = 1000000;
	TRY(setitimer(ITIMER_REAL, &it, NULL));
	TRY(setitimer(9, &off, NULL));
	TRY(alarm(100));
	say("remaining %u", alarm(0));
}

static volatile int timer_value, timer_code;

static void timer_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	timer_value = info->si_value.sival_int;
	timer_code = info->si_code;
	ticks++;
}

ABI_TEST(timing, posix_timers)
{
	struct sigaction act = { .sa_sigaction = timer_handler, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
			       .sigev_value.sival_int = 321 };
	struct itimerspec it = { { 0, 0 }, { 0, 3000000 } }, now;
	timer_t timer;

	sigaction(SIGUSR1, &act, NULL);
	TRY(timer_create(CLOCK_MONOTONIC, &ev, &timer));
	TRY(timer_settime(timer, 0, &it, NULL));
	while (!ticks)
		pause();
	say("value %d code %d", timer_value, timer_code);
	TRY(timer_gettime(timer, &now));
	say("disarmed %d", !now.it_value.tv_sec && !now.it_value.tv_nsec);
	TRY(timer_getoverrun(timer));
	TRY(timer_delete(timer));
	TRY(syscall(SYS_timer_delete, 12345));
	TRY(syscall(SYS_timer_create, 77, NULL, &timer));
	ev.sigev_signo = 99;
	TRY(timer_create(CLOCK_MONOTONIC, &ev, &timer));
}

ABI_TEST(timing, gettimeofday)
{
	struct timeval tv;
	int64_t before = now_ns(CLOCK_REALTIME) / 1000, given, after;

	TRY(gettimeofday(&tv, NULL));
	given = tv.tv_sec * 1000000LL + tv.tv_usec;
	after = now_ns(CLOCK_REALTIME) / 1000;
	say("between two clock_gettime %d", before <= given && given <= after);
	say("time agrees %d", time(NULL) - tv.tv_sec <= 1);
}
