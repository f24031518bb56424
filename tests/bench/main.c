/* SPDX-License-Identifier: MIT */
/*
 * osbench - compact operating-system micro-benchmarks for the Linux syscall ABI.
 *
 * One static binary, no dependencies beyond a libc.  The very same file is run
 * on two kernels and the ns/op columns are divided.  It may be started as any
 * process or as init (pid 1): as init it mounts what it needs, brings up "lo",
 * runs, and powers the machine off.
 *
 * Output, one line per benchmark, tab separated:
 *     name  iterations  ns/op(min)  ns/op(median)  [key=value ...]
 * or  name  SKIP|FAIL   reason
 * Iteration counts are fixed (scaled by -s), never calibrated, so that under
 * `qemu -icount` two runs execute the same guest work.
 *
 * Usage: osbench [-r reps] [-s scale_percent] [-d dir] [-t secs] [-i] [-l]
 *                [-P maxprocs] [-m] [-n] [name-prefix | =name ...]
 *   -r  repetitions per benchmark (default 3; min and median are printed)
 *   -s  percentage applied to the iteration counts (default 100)
 *   -d  scratch directory (default /tmp; a tmpfs is mounted there when pid 1)
 *   -t  watchdog per benchmark in seconds (default 120)
 *   -i  run in-process instead of one forked child per benchmark
 *   -P  highest degree of the par_ and thr_ scaling benchmarks
 *       (default: the number of CPUs online)
 *   -m  first print memory figures from /proc/meminfo
 *   -n  as pid 1, do not power off at the end (hang in pause instead)
 *   -l  list the benchmarks and leave
 * As pid 1 the options come from /etc/osbench.args, one a line, if that file exists.
 */
#include "osbench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static int max_par;
static int reps = 3, scale = 100, watchdog = 120, in_process;

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double once(const struct bench *b, long n, int k)
{
	if (b->body)
		return b->threads ? par_threads(k, n, b->body)
				  : par_procs(k, n, b->body);
	return b->fn(n);
}

/* Run one repetition, in a child unless -i; 0 = the result is in r. */
static int measure(const struct bench *b, long n, int k, struct report *r)
{
	int p[2], st = 0;
	pid_t kid;
	ssize_t got;

	memset(r, 0, sizeof *r);
	if (in_process) {
		r->ns = once(b, n, k);
		r->ok = 1;
		memcpy(r->text, extra, sizeof r->text);
		return 0;
	}
	if (pipe(p))
		return -1;
	fflush(stdout);
	kid = fork();
	if (kid < 0)
		return -1;
	if (kid == 0) {
		close(p[0]);
		report_fd = p[1];
		fcntl(report_fd, F_SETFD, FD_CLOEXEC);
		alarm((unsigned)watchdog);
		r->ns = once(b, n, k);
		r->ok = 1;
		memcpy(r->text, extra, sizeof r->text);
		(void)!write(p[1], r, sizeof *r);
		_exit(0);
	}
	close(p[1]);
	waitpid(kid, &st, 0);
	got = (WIFEXITED(st) && (WEXITSTATUS(st) == 0 || WEXITSTATUS(st) == 77))
	    ? read(p[0], r, sizeof *r) : 0;
	close(p[0]);
	if (got != (ssize_t)sizeof *r) {
		r->ok = 0;
		snprintf(r->text, sizeof r->text, "wait status %x%s", st,
			 WIFSIGNALED(st) && WTERMSIG(st) == SIGALRM
			 ? " (watchdog)" : "");
	}
	return 0;
}

static void run_one(const struct bench *b, int k)
{
	long n = b->iters * scale / 100;
	double v[64];
	struct report r = { 0 };
	char name[64];

	if (n < 1)
		n = 1;
	if (b->body) {
		n -= n % k;
		if (n < k)
			n = k;
		snprintf(name, sizeof name, "%s_%d", b->name, k);
	} else {
		snprintf(name, sizeof name, "%s", b->name);
	}
	for (int i = 0; i < reps; i++) {
		if (measure(b, n, k, &r)) {
			printf("%s\tFAIL\tcannot fork or pipe\n", name);
			return;
		}
		if (!r.ok) {
			printf("%s\tFAIL\t%s\n", name, r.text);
			fflush(stdout);
			return;
		}
		v[i] = r.ns / (double)n;
	}
	qsort(v, (size_t)reps, sizeof v[0], by_value);
	printf("%s\t%ld\t%.2f\t%.2f", name, n, v[0], v[reps / 2]);
	if (b->bytes)
		printf("\tMB/s=%.0f", (double)b->bytes * 1000.0 / v[0]);
	if (r.text[0])
		printf("\t%s", r.text);
	printf("\n");
	fflush(stdout);
}

/* A word of the command line selects the rows it is a prefix of; "=name" just that row. */
static int selects(const char *word, const char *name)
{
	if (word[0] == '=')
		return !strcmp(name, word + 1);
	return !strncmp(name, word, strlen(word));
}

static int wanted(const char *name, int argc, char **argv, int first)
{
	if (first >= argc)
		return 1;
	for (int i = first; i < argc; i++)
		if (selects(argv[i], name))
			return 1;
	return 0;
}

/* Copy the interesting lines of a /proc or /sys file into the log. */
static void show_file(const char *path, const char *only)
{
	char line[256];
	FILE *f = fopen(path, "r");

	if (!f)
		return;
	while (fgets(line, sizeof line, f))
		if (!only || strstr(line, only)) {
			line[strcspn(line, "\n")] = 0;
			printf("# %s: %s\n", path, line);
		}
	fclose(f);
}

/* As pid 1: the words of /etc/osbench.args in place of what the kernel handed over. */
static void arguments_from_file(int *argc, char ***argv)
{
	static char text[8192], *words[1024];
	FILE *f = fopen("/etc/osbench.args", "r");
	int n = 1;

	if (!f)
		return;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	words[0] = (*argv)[0];
	for (char *w = strtok(text, "\n"); w && n < 1023; w = strtok(NULL, "\n"))
		words[n++] = w;
	*argc = n;
	*argv = words;
}

struct options {
	int listing, linger, show_memory;
};

static int parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "r:s:d:t:P:ilnm")) != -1)
		switch (c) {
		case 'r': reps = atoi(optarg); break;
		case 's': scale = atoi(optarg); break;
		case 'd': scratch = optarg; break;
		case 't': watchdog = atoi(optarg); break;
		case 'P': max_par = atoi(optarg); break;
		case 'i': in_process = 1; break;
		case 'l': o->listing = 1; break;
		case 'n': o->linger = 1; break;
		case 'm': o->show_memory = 1; break;
		default:
			fprintf(stderr, "see the head of tests/bench/main.c for usage\n");
			return -1;
		}
	if (reps < 1)
		reps = 1;
	if (reps > 64)
		reps = 64;
	return 0;
}

static long pick_parallelism(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 1)
		cpus = 1;
	if (!max_par)
		max_par = (int)cpus;
	if (max_par > 64)
		max_par = 64;
	return cpus;
}

static void print_head(long cpus)
{
	struct utsname u;

	uname(&u);
	printf("# osbench: %s %s %s (%s) cpus=%ld reps=%d scale=%d%%\n",
	       u.sysname, u.release, u.machine, ARCH_NAME, cpus, reps, scale);
	show_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL);
	show_file("/sys/kernel/mm/transparent_hugepage/enabled", NULL);
	show_file("/proc/cmdline", NULL);
	printf("# name\titerations\tmin_ns/op\tmedian_ns/op\n");
}

static void run_row(const struct bench *b, int listing)
{
	if (listing)
		printf("%s\t%ld\n", b->name, b->iters);
	else if (b->body)
		for (int k = 1; k <= max_par; k *= 2)
			run_one(b, k);
	else
		run_one(b, 1);
}

static void run_all(int argc, char **argv, int listing)
{
	static const struct bench *const themes[] = {
		sys_rows, ipc_rows, net_rows, proc_rows, thread_rows,
		mem_rows, file_rows, event_rows, par_rows,
	};

	for (size_t i = 0; i < sizeof(themes) / sizeof(themes[0]); i++)
		for (const struct bench *b = themes[i]; b->name; b++)
			if (wanted(b->name, argc, argv, optind))
				run_row(b, listing);
}

static void __attribute__((noreturn)) power_off(int linger)
{
	sync();
	while (linger)
		pause();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	uint64_t born = cycle_counter();
	struct options o = { 0 };
	int as_init = getpid() == 1;

	if (argc > 1 && !strcmp(argv[1], "--exit"))
		_exit(0);
	if (as_init)
		init_setup();
	printf("# osbench: boot-marker cycles=%llu hz=%llu mono_ns=%llu\n",
	       (unsigned long long)born, (unsigned long long)cycle_hz(),
	       (unsigned long long)now());
	fflush(stdout);
	/* a kernel hands boot words it does not know to init ahead of ours */
	while (as_init && argc > 1 && argv[1][0] != '-') {
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	if (as_init)
		arguments_from_file(&argc, &argv);
	if (parse_options(argc, argv, &o) && !as_init)
		return 2;
	if (o.show_memory) {	/* at the first user process */
		show_file("/proc/meminfo", "Mem");
		show_file("/proc/meminfo", "Slab");
		show_file("/proc/meminfo", "Percpu");
	}
	if (access(self_path, X_OK) && argc > 0)
		self_path = argv[0];
	print_head(pick_parallelism());
	run_all(argc, argv, o.listing);
	printf("# osbench: done cycles=%llu mono_ns=%llu\n",
	       (unsigned long long)(cycle_counter() - born),
	       (unsigned long long)now());
	fflush(stdout);
	if (as_init)
		power_off(o.linger);
	return 0;
}
