/* SPDX-License-Identifier: MIT */
/*
 * Scaling: the same work on 1, 2, 4 ... CPUs at once.
 * ns/op = wall time / operations of all workers together, so perfect scaling halves it
 * with every doubling of the workers.
 */
#include "osbench.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct par_slot {
	_Atomic int ready, go, failed;
	uint64_t t0[64], t1[64];
};

static struct par_slot *par;
static par_body par_fn;
static long par_n;
static int par_k;

static void par_worker(int who)
{
	atomic_fetch_add(&par->ready, 1);
	while (!atomic_load(&par->go)) {
		if (atomic_load(&par->ready) == par_k)
			atomic_store(&par->go, 1);
		else
			sched_yield();
	}
	par->t0[who] = now();
	if (par_fn(who, par_n))
		atomic_store(&par->failed, 1);
	par->t1[who] = now();
}

static double par_span(int k)
{
	uint64_t lo = par->t0[0], hi = par->t1[0];

	for (int i = 1; i < k; i++) {
		if (par->t0[i] < lo)
			lo = par->t0[i];
		if (par->t1[i] > hi)
			hi = par->t1[i];
	}
	return (double)(hi - lo);
}

double par_procs(int k, long n, par_body fn)
{
	pid_t kid[64];
	double ns;

	par = shared_mem(sizeof *par);
	par_fn = fn;
	par_n = n / k;
	par_k = k;
	for (int i = 0; i < k; i++) {
		kid[i] = need_fork();
		if (kid[i] == 0) {
			par_worker(i);
			_exit(0);
		}
	}
	for (int i = 0; i < k; i++)
		reap(kid[i]);
	if (par->failed)
		give_up("a worker failed");
	ns = par_span(k);
	munmap(par, sizeof *par);
	return ns;
}

static void *par_thread(void *arg)
{
	par_worker((int)(intptr_t)arg);
	return NULL;
}

double par_threads(int k, long n, par_body fn)
{
	pthread_t t[64];
	double ns;

	par = shared_mem(sizeof *par);
	par_fn = fn;
	par_n = n / k;
	par_k = k;
	for (int i = 0; i < k; i++)
		if (pthread_create(&t[i], NULL, par_thread, (void *)(intptr_t)i))
			give_up("pthread_create");
	for (int i = 0; i < k; i++)
		pthread_join(t[i], NULL);
	if (par->failed)
		give_up("a worker failed");
	ns = par_span(k);
	munmap(par, sizeof *par);
	return ns;
}

static int body_null(int who, long n)
{
	(void)who;
	while (n-- > 0)
		raw3(SYS_getppid, 0, 0, 0);
	return 0;
}

static int body_open(int who, long n)
{
	char path[300];

	snprintf(path, sizeof path, "%s/ob_par_%d", scratch, who);
	while (n-- > 0) {
		int fd = open(path, O_RDWR | O_CREAT, 0644);

		if (fd < 0)
			return 1;
		close(fd);
	}
	unlink(path);
	return 0;
}

static int body_fault(int who, long n)
{
	(void)who;
	while (n-- > 0) {
		volatile char *p = mmap(NULL, 64 * KIB, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 1;
		for (long k = 0; k < 16; k++)
			p[k * PAGE] = 1;
		munmap((void *)p, 64 * KIB);
	}
	return 0;
}

static int body_fork(int who, long n)
{
	(void)who;
	while (n-- > 0) {
		pid_t kid = fork();

		if (kid < 0)
			return 1;
		if (kid == 0)
			_exit(0);
		if (waitpid(kid, NULL, 0) != kid)
			return 1;
	}
	return 0;
}

static int body_pipe(int who, long n)
{
	int p[2];
	char c = 0;

	(void)who;
	if (pipe(p))
		return 1;
	while (n-- > 0)
		if (write(p[1], &c, 1) != 1 || read(p[0], &c, 1) != 1)
			return 1;
	close(p[0]);
	close(p[1]);
	return 0;
}

static int body_cpu(int who, long n)
{
	(void)who;
	for (long i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory");
	return 0;
}

const struct bench par_rows[] = {
	{ .name = "par_cpu", .iters = 10000000, .body = body_cpu },
	{ .name = "par_null", .iters = 200000, .body = body_null },
	{ .name = "par_pipe", .iters = 20000, .body = body_pipe },
	{ .name = "par_open", .iters = 10000, .body = body_open },
	{ .name = "par_fault", .iters = 800, .body = body_fault },
	{ .name = "par_fork", .iters = 200, .body = body_fork },
	{ .name = "thr_fault", .iters = 800, .body = body_fault, .threads = 1 },
	{ .name = "thr_open", .iters = 10000, .body = body_open, .threads = 1 },
	{ .name = NULL },
};
