/* SPDX-License-Identifier: MIT */
/*
 * Clocks and sleeping for user programs.  Timers that send signals are in itimer.c and
 * posix_timer.c, CPU-time clocks in cputime.c.
 */
#include <generated/syscall_protos.h>
#include <kernel/cputime.h>
#include <kernel/deadline.h>
#include <kernel/init.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/uaccess.h>

#define NS_PER_USER_TICK (NSEC_PER_SEC / USER_HZ)

struct waitq realtime_step_waitq = WAITQ_INIT(realtime_step_waitq);

static void realtime_step(void)
{
	waitq_wake_all(&realtime_step_waitq, 0);
}

static int sys_time_init(void)
{
	static struct clock_observer observer = { .stepped = realtime_step };

	clock_on_realtime_step(&observer);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, sys_time_init);

int64_t realtime_to_clock_ns(int64_t ns)
{
	int64_t offset = clock_realtime_offset_ns(), result;

	if (__builtin_sub_overflow(ns, offset, &result))
		return offset < 0 ? INT64_MAX : INT64_MIN;
	return result;
}

int deadline_wait_realtime(struct deadline *d)
{
	int err = schedule_wait(realtime_to_clock_ns(d->ns));

	/* The clock may have been set back meanwhile. */
	return err == -ETIMEDOUT && clock_realtime_ns() < d->ns ? 0 : err;
}

/* What clock @clock shows.  0 or -EINVAL. */
static int read_clock(int clock, int64_t *ns)
{
	struct cpu_clock cpu;
	int err;

	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_ns();
		return 0;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:		/* nobody told us the leap seconds */
		*ns = clock_realtime_ns();
		return 0;
	}
	err = cpu_clock_get(clock, &cpu);
	if (err)
		return err;
	*ns = cpu_clock_ns(&cpu);
	cpu_clock_put(&cpu);
	return 0;
}

static int write_timespec(uaddr_t to, int64_t ns)
{
	struct timespec ts = ns_to_timespec(ns);

	return put_user(ts.tv_sec, to) || put_user(ts.tv_nsec, uaddr_add(to, sizeof(ts.tv_sec))) ?
		-EFAULT : 0;
}

long sys_clock_gettime(int clock, uaddr_t tp)
{
	int64_t ns;
	int err = read_clock(clock, &ns);

	return err ? err : write_timespec(tp, ns);
}

/* All clocks count nanoseconds, the coarse ones too. */
long sys_clock_getres(int clock, uaddr_t res)
{
	int64_t ns;
	int err = read_clock(clock, &ns);

	if (err || !res.v)
		return err;
	return write_timespec(res, 1);
}

long sys_clock_settime(int clock, uaddr_t tp)
{
	struct timespec ts;

	if (clock != CLOCK_REALTIME)
		return clock_is_cpu_time(clock) ? -EPERM : -EINVAL;
	if (copy_from_user(&ts, tp, sizeof(ts)))
		return -EFAULT;
	if (!timespec_is_valid(ts) || ts.tv_sec >= INT64_MAX / NSEC_PER_SEC / 2)
		return -EINVAL;
	clock_set_realtime(timespec_to_ns(ts));
	return 0;
}

long sys_time(uaddr_t t)
{
	int64_t seconds = clock_realtime_ns() / NSEC_PER_SEC;

	if (t.v && put_user(seconds, t))
		return -EFAULT;
	return seconds;
}

static struct timezone time_zone;	/* [A] settimeofday's, which only gettimeofday shows */

long sys_gettimeofday(uaddr_t tv, uaddr_t tz)
{
	int64_t ns = clock_realtime_ns();
	struct timeval now = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC };
	struct timezone zone = time_zone;

	if (tv.v && copy_to_user(tv, &now, sizeof(now)))
		return -EFAULT;
	if (tz.v && copy_to_user(tz, &zone, sizeof(zone)))
		return -EFAULT;
	return 0;
}

long sys_settimeofday(uaddr_t utv, uaddr_t utz)
{
	struct timezone tz;
	struct timeval tv;

	if (utv.v && copy_from_user(&tv, utv, sizeof(tv)))
		return -EFAULT;
	if (utz.v && copy_from_user(&tz, utz, sizeof(tz)))
		return -EFAULT;
	if (utv.v && (tv.tv_sec < 0 || tv.tv_sec >= INT64_MAX / NSEC_PER_SEC / 2 ||
		      tv.tv_usec < 0 || tv.tv_usec >= USEC_PER_SEC))
		return -EINVAL;
	if (utz.v && (tz.tz_minuteswest > 15 * 60 || tz.tz_minuteswest < -15 * 60))
		return -EINVAL;
	if (utz.v)
		time_zone = tz;
	if (utv.v)
		clock_set_realtime(tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC);
	return 0;
}

/* The clock runs free: nothing disciplines it, and what asks for that is told so. */
static long adjust_time(uaddr_t utx)
{
	int64_t ns = clock_realtime_ns();
	struct timex tx;

	if (copy_from_user(&tx, utx, sizeof(tx)))
		return -EFAULT;
	if (tx.modes && tx.modes != ADJ_OFFSET_SS_READ)
		return -EOPNOTSUPP;
	tx = (struct timex){
		.modes = tx.modes, .status = STA_UNSYNC, .maxerror = 16000000, .esterror = 16000000,
		.constant = 2, .precision = 1, .tolerance = 32768000,
		.tick = USEC_PER_SEC / USER_HZ,
		.time = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC },
	};
	return copy_to_user(utx, &tx, sizeof(tx)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(uaddr_t tx)
{
	return adjust_time(tx);
}

long sys_clock_adjtime(int clock, uaddr_t tx)
{
	int64_t ns;
	int err = read_clock(clock, &ns);

	if (err)
		return err;
	return clock == CLOCK_REALTIME ? adjust_time(tx) : -EOPNOTSUPP;
}

long sys_times(uaddr_t buf)
{
	struct process *p = current_process();
	uint64_t user, system, total_user, total_system, child_user, child_system;
	struct thread *t;
	struct tms tms;

	spin_lock(&tasklist_lock);
	total_user = p->dead_threads.user_ns;
	total_system = p->dead_threads.system_ns;
	child_user = p->dead_children.user_ns;
	child_system = p->dead_children.system_ns;
	list_for_each_entry(t, &p->threads, process_node) {
		if (t == p->leader && !t->aspace)
			continue;	/* ended: among the dead already */
		thread_cpu_split(t, &user, &system);
		total_user += user;
		total_system += system;
	}
	spin_unlock(&tasklist_lock);
	tms = (struct tms){
		(int64_t)total_user / NS_PER_USER_TICK, (int64_t)total_system / NS_PER_USER_TICK,
		(int64_t)child_user / NS_PER_USER_TICK, (int64_t)child_system / NS_PER_USER_TICK,
	};
	if (buf.v && copy_to_user(buf, &tms, sizeof(tms)))
		return -EFAULT;
	return clock_ns() / NS_PER_USER_TICK;
}

/* Sleeping. */

struct sleep_args {
	int clock;
	int64_t when_ns;		/* on that clock */
	uaddr_t remain;			/* null: nobody asks, or an absolute sleep */
	bool absolute;
};

static long restart_sleep(struct thread *t);

/* The sleep was interrupted. */
static long interrupted(const struct sleep_args *a, int64_t left_ns)
{
	struct thread *t = current_thread();

	if (a->absolute)
		return -ERESTARTNOHAND;
	if (left_ns <= 0)
		return 0;
	if (a->remain.v && write_timespec(a->remain, left_ns))
		return -EFAULT;
	t->restart.fn = restart_sleep;
	t->restart.arg[0] = (uint64_t)(uint32_t)a->clock;
	t->restart.arg[1] = (uint64_t)a->when_ns;
	t->restart.arg[2] = a->remain.v;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_until(const struct sleep_args *a, bool realtime)
{
	struct deadline d = { .ns = a->when_ns, .realtime = realtime };
	int err;

	deadline_begin(&d);
	do {
		thread_set_state(THREAD_INTERRUPTIBLE);
		err = deadline_wait(&d);
	} while (!err);
	thread_set_state(THREAD_RUNNING);
	deadline_end(&d);
	if (err == -ETIMEDOUT)
		return 0;
	return interrupted(a, a->when_ns - clock_ns());
}

/* A process's CPU time does not wake anybody: look again when it may have come so far. */
static long sleep_cpu(const struct sleep_args *a, struct cpu_clock *cpu)
{
	int64_t left;
	int err;

	while ((left = a->when_ns - cpu_clock_ns(cpu)) > 0) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		err = schedule_wait(clock_ns_after(cpu_clock_distance_ns(cpu, left)));
		thread_set_state(THREAD_RUNNING);
		if (err == -ERESTARTSYS)
			return interrupted(a, a->when_ns - cpu_clock_ns(cpu));
	}
	return 0;
}

static long sleep_on_clock(const struct sleep_args *a)
{
	struct cpu_clock cpu;
	long err;

	if (!clock_is_cpu_time(a->clock))
		return sleep_until(a, a->absolute &&
				   (a->clock == CLOCK_REALTIME || a->clock == CLOCK_TAI));
	err = cpu_clock_get(a->clock, &cpu);
	if (err)
		return err;
	err = cpu.thread == current_thread() ? -EINVAL : sleep_cpu(a, &cpu);
	cpu_clock_put(&cpu);
	return err;
}

static long restart_sleep(struct thread *t)
{
	struct sleep_args a = { .clock = (int)(uint32_t)t->restart.arg[0],
				.when_ns = (int64_t)t->restart.arg[1],
				.remain = UADDR(t->restart.arg[2]) };

	return sleep_on_clock(&a);
}

/*
 * Can anybody sleep on @clock?  0, -EINVAL (no such clock), -EOPNOTSUPP (no hardware that wakes the
 * machine, or too coarse).
 */
static int check_sleep_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	}
	return clock_is_cpu_time(clock) && clock != CLOCK_THREAD_CPUTIME_ID ? 0 : -EINVAL;
}

static int read_timespec(uaddr_t from, int64_t *ns)
{
	struct timespec ts;

	if (copy_from_user(&ts, from, sizeof(ts)))
		return -EFAULT;
	if (!timespec_is_valid(ts))
		return -EINVAL;
	*ns = timespec_to_ns(ts);
	return 0;
}

long sys_nanosleep(uaddr_t request, uaddr_t remain)
{
	struct sleep_args a = { .clock = CLOCK_MONOTONIC, .remain = remain };
	int64_t ns;
	int err = read_timespec(request, &ns);

	if (err)
		return err;
	a.when_ns = clock_ns_after(ns);
	return sleep_until(&a, false);
}

long sys_clock_nanosleep(int clock, unsigned int flags, uaddr_t request, uaddr_t remain)
{
	struct sleep_args a = { .clock = clock, .remain = remain,
				.absolute = flags & TIMER_ABSTIME };
	int64_t ns, now;
	int err = check_sleep_clock(clock);

	if (!err)
		err = read_timespec(request, &ns);
	if (err)
		return err;
	a.when_ns = ns;
	if (!a.absolute) {
		/* A relative sleep on the wall clock is not affected when that is set. */
		err = clock_is_cpu_time(clock) ? read_clock(clock, &now) : (now = clock_ns(), 0);
		if (err)
			return err;
		a.when_ns = ns > INT64_MAX - now ? INT64_MAX : now + ns;
	}
	return sleep_on_clock(&a);
}
