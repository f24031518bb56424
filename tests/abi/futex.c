/* SPDX-License-Identifier: MIT */
/* Futexes and threads, by raw calls between processes that share a page, and through pthreads. */
#include "abi.h"

#include <linux/futex.h>
#include <pthread.h>

static int *shared;

static long futex(int *word, int op, int val, const struct timespec *timeout, int *word2, int val3)
{
	return syscall(SYS_futex, word, op, val, timeout, word2, val3);
}

static void share(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static int waiter(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&shared[1], 1, __ATOMIC_SEQ_CST);
	return futex(&shared[0], FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : errno;
}

static void start_waiters(int count)
{
	shared[1] = 0;
	for (int i = 0; i < count; i++)
		spawn(waiter, NULL);
	while (__atomic_load_n(&shared[1], __ATOMIC_SEQ_CST) < count)
		sleep_ms(1);
	sleep_ms(100);
}

ABI_TEST(futex, wait_and_wake)
{
	struct timespec soon = { 0, 1000000 }, bad = { 0, 1000000000 };
	int status;

	share();
	TRY(futex(&shared[0], FUTEX_WAIT, 1, NULL, NULL, 0));
	TRY(futex(&shared[0], FUTEX_WAIT, 0, &soon, NULL, 0));
	TRY(futex(&shared[0], FUTEX_WAIT, 0, &bad, NULL, 0));
	TRY(futex(&shared[0], FUTEX_WAKE, 1, NULL, NULL, 0));
	TRY(futex((int *)((char *)shared + 1), FUTEX_WAKE, 1, NULL, NULL, 0));
	TRY(futex((int *)16, FUTEX_WAIT, 1, NULL, NULL, 0));
	TRY(futex(&shared[0], 99, 1, NULL, NULL, 0));
	start_waiters(3);
	TRY(futex(&shared[0], FUTEX_WAKE, 2, NULL, NULL, 0));
	TRY(futex(&shared[0], FUTEX_WAKE, 10, NULL, NULL, 0));
	while (wait(&status) > 0)
		show_status("waiter", status);
}

ABI_TEST(futex, requeue)
{
	int status;

	share();
	TRY(futex(&shared[0], FUTEX_CMP_REQUEUE, 1, (void *)1, &shared[4], 7));
	start_waiters(3);
	TRY(futex(&shared[0], FUTEX_CMP_REQUEUE, 1, (void *)10, &shared[4], 0));
	TRY(futex(&shared[0], FUTEX_WAKE, 10, NULL, NULL, 0));
	TRY(futex(&shared[4], FUTEX_WAKE, 10, NULL, NULL, 0));
	while (wait(&status) > 0)
		show_status("waiter", status);
}

ABI_TEST(futex, bitset)
{
	struct timespec past = { 1, 0 };

	share();
	TRY(futex(&shared[0], FUTEX_WAIT_BITSET, 0, &past, NULL, -1));
	TRY(futex(&shared[0], FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, -1));
	TRY(futex(&shared[0], FUTEX_WAIT_BITSET, 0, &past, NULL, 0));
	TRY(futex(&shared[0], FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	TRY(futex(&shared[0], FUTEX_WAKE_OP, 1, (void *)1, &shared[2], FUTEX_OP(FUTEX_OP_ADD, 5,
	    FUTEX_OP_CMP_EQ, 0)));
	say("word after wake-op %d", shared[2]);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turns, total;

static void *adder(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		total++;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void *ponger(void *arg)
{
	int parity = (int)(intptr_t)arg;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turns % 2 != parity)
			pthread_cond_wait(&cond, &mutex);
		turns++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void run_threads(int count, void *(*fn)(void *))
{
	pthread_t threads[8];

	for (int i = 0; i < count; i++)
		show("create", pthread_create(&threads[i], NULL, fn, (void *)(intptr_t)i));
	for (int i = 0; i < count; i++) {
		void *result;

		pthread_join(threads[i], &result);
		say("joined %d", (int)(intptr_t)result);
	}
}

ABI_TEST(futex, threads)
{
	run_threads(4, adder);
	say("total %d", total);
	run_threads(2, ponger);
	say("turns %d", turns);
}

static void *exit_group_from_thread(void *arg)
{
	(void)arg;
	exit(11);
}

static int threaded_exit(void *arg)
{
	pthread_t t;

	(void)arg;
	pthread_create(&t, NULL, exit_group_from_thread, NULL);
	pause();
	return 0;
}

ABI_TEST(futex, exit_group)
{
	run_child("exit in a thread", threaded_exit, NULL);
}

static void *robust_owner(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

ABI_TEST(futex, robust)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;
	pthread_t t;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&m, &attr);
	pthread_create(&t, NULL, robust_owner, &m);
	pthread_join(t, NULL);
	say("lock after the owner died: %s", errno_name(pthread_mutex_lock(&m)));
	say("consistent: %d", pthread_mutex_consistent(&m));
	say("unlock: %d", pthread_mutex_unlock(&m));
}
