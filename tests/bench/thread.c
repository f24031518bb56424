/* SPDX-License-Identifier: MIT */
/* Threads, futexes, and switching between tasks. */
#include "osbench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *thread_nop(void *arg) { return arg; }

/* thread_create_join: pthread_create + pthread_join. */
static double b_thread(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		pthread_t t;
		int e = pthread_create(&t, NULL, thread_nop, NULL);

		if (e) {
			errno = e;
			give_up("pthread_create");
		}
		pthread_join(t, NULL);
	}
	return (double)(now() - t0);
}

#define FUTEX_WAIT_PRIV (0 | 128)
#define FUTEX_WAKE_PRIV (1 | 128)

static long futex(_Atomic int *p, int op, int val)
{
	return syscall(SYS_futex, p, op, val, NULL, NULL, 0);
}

/* futex_wake_none: FUTEX_WAKE with nobody waiting. */
static double b_futex_wake(long n)
{
	static _Atomic int word;
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		futex(&word, FUTEX_WAKE_PRIV, 1);
	return (double)(now() - t0);
}

static _Atomic int pp_turn;
static long pp_n;

static void futex_player(int me)
{
	for (long i = 0; i < pp_n; i++) {
		while (atomic_load(&pp_turn) != me)
			futex(&pp_turn, FUTEX_WAIT_PRIV, !me);
		atomic_store(&pp_turn, !me);
		futex(&pp_turn, FUTEX_WAKE_PRIV, 1);
	}
}

static void *futex_peer(void *arg)
{
	futex_player(1);
	return arg;
}

/* futex_pingpong: two threads hand a word to each other; op = round trip. */
static double b_futex_pp(long n)
{
	pthread_t t;
	uint64_t t0;

	pp_turn = 0;
	pp_n = n;
	if (pthread_create(&t, NULL, futex_peer, NULL))
		give_up("pthread_create");
	t0 = now();
	futex_player(0);
	pthread_join(t, NULL);
	return (double)(now() - t0);
}

static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static volatile long mtx_counter;
static long mtx_each;

static void *mutex_worker(void *arg)
{
	for (long i = 0; i < mtx_each; i++) {
		pthread_mutex_lock(&mtx);
		mtx_counter++;
		pthread_mutex_unlock(&mtx);
	}
	return arg;
}

/* mutex_free: lock + unlock without contention (user space only). */
static double b_mutex_free(long n)
{
	uint64_t t0 = now();

	mtx_each = n;
	mutex_worker(NULL);
	return (double)(now() - t0);
}

/* mutex_4thr: four threads fighting for one lock; op = one lock+unlock. */
static double b_mutex_4(long n)
{
	pthread_t t[4];
	uint64_t t0 = now();

	mtx_counter = 0;
	mtx_each = n / 4;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, mutex_worker, NULL))
			give_up("pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (mtx_counter != mtx_each * 4)
		give_up("lost updates: %ld", mtx_counter);
	return (double)(now() - t0);
}

/* Token ring of k processes over k pipes; op = one hop, i.e. one context
 * switch plus one pipe write and read. */
static double ring(int k, long hops)
{
	int p[64][2];
	pid_t kid[64];
	char c = 't';
	uint64_t t0;
	long laps = hops / k;

	for (int i = 0; i < k; i++)
		if (pipe(p[i]))
			give_up("pipe");
	for (int i = 1; i < k; i++) {
		kid[i] = need_fork();
		if (kid[i] == 0) {
			for (int j = 0; j < k; j++) {
				if (j != i)
					close(p[j][0]);
				if (j != (i + 1) % k)
					close(p[j][1]);
			}
			echo_loop(p[i][0], p[(i + 1) % k][1]);
		}
	}
	for (int j = 0; j < k; j++) {
		if (j != 0)
			close(p[j][0]);
		if (j != 1)
			close(p[j][1]);
	}
	t0 = now();
	for (long i = 0; i < laps; i++)
		if (write(p[1][1], &c, 1) != 1 || read(p[0][0], &c, 1) != 1)
			give_up("ring");
	t0 = now() - t0;
	close(p[1][1]);
	for (int i = 1; i < k; i++)
		reap(kid[i]);
	close(p[0][0]);
	return (double)t0;
}

/* ctx_2, ctx_16: context switch with 2 and 16 processes. */
static double b_ctx2(long n) { return ring(2, n); }
static double b_ctx16(long n) { return ring(16, n); }

/* yield_2: two processes calling sched_yield in turns; op = one yield. */
static double b_yield(long n)
{
	_Atomic int *stop = shared_mem(PAGE);
	pid_t kid = need_fork();
	uint64_t t0;

	if (kid == 0) {
		while (!atomic_load(stop))
			sched_yield();
		_exit(0);
	}
	t0 = now();
	for (long i = 0; i < n; i++)
		sched_yield();
	t0 = now() - t0;
	atomic_store(stop, 1);
	reap(kid);
	munmap(stop, PAGE);
	return (double)t0;
}

const struct bench thread_rows[] = {
	{ .name = "thread_create_join", .iters = 1000, .fn = b_thread },
	{ .name = "futex_wake_none", .iters = 50000, .fn = b_futex_wake },
	{ .name = "futex_pingpong", .iters = 4000, .fn = b_futex_pp },
	{ .name = "mutex_free", .iters = 500000, .fn = b_mutex_free },
	{ .name = "mutex_4thr", .iters = 400000, .fn = b_mutex_4 },
	{ .name = "ctx_2", .iters = 8000, .fn = b_ctx2 },
	{ .name = "ctx_16", .iters = 8000, .fn = b_ctx16 },
	{ .name = "yield_2", .iters = 10000, .fn = b_yield },
	{ .name = NULL },
};
