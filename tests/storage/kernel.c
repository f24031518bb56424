/* SPDX-License-Identifier: MIT */
/*
 * What the file system asks of the kernel, for one thread on the host: memory, locks that are
 * checked, a clock, the log.
 */
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "shim.h"

uint64_t host_clock = 1700000000ULL * 1000000000;
uint64_t host_alloc_fail_at;
bool host_is_quiet = true;

/* What the macros of waiting name; nobody gets there. */
struct thread *x86_current;

static uint64_t nr_allocs;

void *kmalloc(size_t size, unsigned int flags)
{
	void *p;

	if (host_alloc_fail_at && ++nr_allocs == host_alloc_fail_at)
		return NULL;
	p = host_alloc(size);
	if (!(flags & ALLOC_ZERO))
		memset(p, 0x5a, size);
	return p;
}

void kfree(const void *p)
{
	host_free((void *)p);
}

void *kvmalloc(size_t size, unsigned int flags)
{
	return kmalloc(size, flags);
}

void kvfree(const void *p)
{
	host_free((void *)p);
}

void *kmemdup(const void *p, size_t len, unsigned int flags)
{
	void *copy = kmalloc(len, flags);

	if (copy)
		memcpy(copy, p, len);
	return copy;
}

/* The owner field counts: there is one thread, so waiting would be for ever. */
void mutex_init_class(struct mutex *m, enum lock_class class)
{
	(void)class;
	m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
	ENSURE(!m->owner);
	m->owner = (void *)m;
}

void mutex_unlock(struct mutex *m)
{
	ENSURE(m->owner);
	m->owner = NULL;
}

void rwsem_init_class(struct rwsem *s, enum lock_class class)
{
	(void)class;
	s->count = 0;
}

void rwsem_lock_read(struct rwsem *s)
{
	ENSURE(s->count >= 0);
	s->count++;
}

void rwsem_unlock_read(struct rwsem *s)
{
	ENSURE(s->count > 0);
	s->count--;
}

void rwsem_lock_write(struct rwsem *s)
{
	ENSURE(!s->count);
	s->count = -1;
}

void rwsem_unlock_write(struct rwsem *s)
{
	ENSURE(s->count == -1);
	s->count = 0;
}

void waitq_init(struct waitq *q)
{
	(void)q;
}

void waitq_wake_nr(struct waitq *q, unsigned int nr, uint32_t events)
{
	(void)q;
	(void)nr;
	(void)events;
}

static void never(const char *what)
{
	panic("%s: the only thread would wait for ever", what);
}

void waitq_entry_init(struct waitq_entry *e, struct thread *t, uint32_t flags)
{
	(void)e;
	(void)t;
	(void)flags;
	never("wait_event");
}

void waitq_add(struct waitq *q, struct waitq_entry *e)
{
	(void)q;
	(void)e;
	never("wait_event");
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
	(void)q;
	(void)e;
}

int schedule_wait(int64_t deadline)
{
	(void)deadline;
	never("schedule");
	return 0;
}

int64_t clock_ns(void)
{
	return (int64_t)(host_clock += 1000003);
}

int64_t clock_realtime_offset_ns(void)
{
	return 0;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	(void)level;
	if (host_is_quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	host_print("# log: %s\n", text);
}
