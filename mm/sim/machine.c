/* SPDX-License-Identifier: MIT */
/*
 * Host simulation of what mm/ stands on: RAM, one thread, locks that check their own use, a process
 * without limits.  The code of mm/ itself is the kernel's, unchanged.
 */
#include <arch/uaccess.h>
#include <kernel/clock.h>
#include <kernel/file.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <mm/aspace.h>
#include <mm/early.h>
#include <mm/kernel_map.h>
#include <mm/vmalloc.h>
#include <security/random.h>
#include "sim.h"

int printf(const char *fmt, ...);
int fflush(void *);
int vprintf(const char *fmt, __builtin_va_list ap);
void *mmap(void *, size_t, int, int, int, long);

uint64_t sim_ram, sim_page_array;
static uint64_t ram_bytes, early_top;
static struct thread thread;
static struct process process;
struct thread *sim_current = &thread;
struct boot_info boot_info;
static pte_t *root;
unsigned int nr_cpus = 1;
unsigned int cpu_number;
unsigned long percpu_offsets[CONFIG_MAX_CPUS];
struct spinlock tasklist_lock;
struct list process_list = LIST_INIT(process_list);
struct process *init_process;
int sim_last_signal;
char __init_start[1], __init_end[1], __image_start[1], __image_end[1];

void sim_init(uint64_t bytes)
{
	ram_bytes = bytes;
	sim_ram = (uint64_t)mmap(NULL, bytes, 3, 0x22, -1, 0);
	sim_page_array = (uint64_t)mmap(NULL, bytes / 4096 * 32 + (1 << 20), 3, 0x22, -1, 0);
	early_top = bytes;
	root = phys_to_virt(early_alloc(4096, 4096));
	thread.process = &process;
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++)
		process.rlimits[i] = (struct rlimit){ UINT64_MAX, UINT64_MAX };
}

void panic(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vprintf(fmt, ap);
	printf("\n");
	fflush(NULL);
	__builtin_trap();
}

void log_print(enum log_level level, const char *fmt, ...) { }
paddr_t early_alloc(uint64_t size, uint64_t align)
{
	early_top = (early_top - size) & ~(align - 1);
	return PADDR(early_top);
}
bool early_next_free(unsigned int *c, paddr_t *base, uint64_t *size)
{
	*base = PADDR(4096);
	*size = early_top - 4096;
	return !(*c)++;
}
bool early_next_ram(unsigned int *c, paddr_t *base, uint64_t *size)
{
	*base = PADDR(4096);
	*size = ram_bytes - 4096;
	return !(*c)++;
}
pte_t *arch_kernel_root(void) { return root; }

int arch_aspace_init(struct aspace *as)
{
	struct page *p = page_alloc(0, ALLOC_ZERO);

	if (!p)
		return -ENOMEM;
	p->kind = PAGE_TABLE;
	page_stat_add(PAGE_TABLE, 1);
	as->arch.root = page_to_virt(p);
	return 0;
}
void arch_aspace_destroy(struct aspace *as)
{
	page_free_virt(as->arch.root, 0);
	as->arch.root = NULL;
}
void arch_tlb_flush(struct aspace *as, uint64_t start, uint64_t end) { ENSURE(start < end); }
void arch_tlb_flush_all(struct aspace *as) { }

/* The user's view: a byte of @as, faulting as hardware does. */
void *sim_user(struct aspace *as, uint64_t addr, enum fault_access access)
{
	for (int tries = 0; tries < 4; tries++) {
		pte_t *t = as->arch.root, e = { 0 };
		struct fault f = { .address = addr, .access = access, .user = true };
		int level;

		for (level = PT_LEVELS - 1; level >= 0; level--) {
			e = t[addr >> (12 + 9 * level) & 511];
			if (pte_is_none(e) || !level)
				break;
			t = phys_to_virt(pte_paddr(e));
		}
		if (e.v && !level && pte_prot(e) & PTE_USER && pte_prot(e) & 1U << access)
			return (char *)phys_to_virt(pte_paddr(e)) + (addr & 4095);
		sim_last_signal = 0;
		thread.aspace = as;
		ENSURE(page_fault_upcall(NULL, &f));
		if (sim_last_signal)
			return NULL;
	}
	panic("the fault at %#lx is not served", (unsigned long)addr);
}

static size_t user_copy(void *k, uint64_t u, size_t len, bool write)
{
	while (len) {
		size_t n = len < 4096 - (u & 4095) ? len : 4096 - (u & 4095);
		char *p = sim_user(thread.aspace, u, write ? FAULT_WRITE : FAULT_READ);

		if (!p)
			return len;
		__builtin_memcpy(write ? p : k, write ? k : p, n);
		k = (char *)k + n;
		u += n;
		len -= n;
	}
	return 0;
}
size_t arch_copy_from_user(void *d, uaddr_t s, size_t n) { return user_copy(d, s.v, n, false); }
size_t arch_copy_to_user(uaddr_t d, const void *s, size_t n)
{
	return user_copy((void *)s, d.v, n, true);
}
size_t arch_clear_user(uaddr_t d, size_t n)
{
	static const char zeros[4096];

	while (n) {
		size_t k = n < 4096 ? n : 4096, left = user_copy((void *)zeros, d.v, k, true);

		if (left)
			return n - k + left;
		d.v += k;
		n -= k;
	}
	return 0;
}
long arch_copy_string_from_user(char *d, uaddr_t s, size_t max)
{
	for (size_t i = 0; i < max; i++)
		if (user_copy(d + i, s.v + i, 1, false))
			return -EFAULT;
		else if (!d[i])
			return (long)i;
	return (long)max;
}

/* Kernel services. */
void preempt_schedule(void) { }
void spinlock_wait(struct spinlock *l, uint16_t t) { panic("deadlock: spinlock %p", (void *)l); }
void waitq_init(struct waitq *q) { list_init(&q->entries); }
void waitq_entry_init(struct waitq_entry *e, struct thread *t, uint32_t f) { e->wake = NULL; }
void waitq_add(struct waitq *q, struct waitq_entry *e) { list_add(&e->node, &q->entries); }
void waitq_remove(struct waitq *q, struct waitq_entry *e) { list_del(&e->node); }
void waitq_wake_nr(struct waitq *q, unsigned int nr, uint32_t ev) { }
int schedule_wait(int64_t deadline) { panic("would sleep for ever"); }
void sleep_ns(int64_t ns) { }
void mutex_lock(struct mutex *m) { ENSURE(!m->owner); m->owner = &thread; }
bool mutex_try_lock(struct mutex *m) { return m->owner ? false : (m->owner = &thread, true); }
void mutex_unlock(struct mutex *m) { ENSURE(m->owner); m->owner = NULL; }
void rwsem_init_class(struct rwsem *s, enum lock_class c) { *s = (struct rwsem){ 0 }; }
void rwsem_lock_read(struct rwsem *s) { ENSURE(s->count >= 0); s->count++; }
void rwsem_unlock_read(struct rwsem *s) { ENSURE(s->count > 0); s->count--; }
void rwsem_lock_write(struct rwsem *s) { ENSURE(!s->count); s->count = -1; }
void rwsem_unlock_write(struct rwsem *s) { ENSURE(s->count == -1); s->count = 0; }
struct thread *kthread_create(void (*fn)(void *), void *arg, const char *n)
{
	return ERR_PTR(-ENOMEM);
}
bool signal_is_fatal_pending(void) { return false; }
void signal_force(int sig, int code, uint64_t a) { sim_last_signal = sig; }
int signal_send_process(struct process *p, int sig, const struct siginfo *i) { return 0; }
void process_ref(struct process *p) { }
void process_put(struct process *p) { }
uint64_t process_rlimit(struct process *p, unsigned int r) { return p->rlimits[r].rlim_cur; }
int64_t clock_ns(void) { return 0; }
const char *boot_arg(const char *name) { return NULL; }
void file_ref(struct file *f) { refcount_inc(&f->refs); }
void file_put(struct file *f) { ENSURE(!refcount_dec_and_test(&f->refs)); }
struct files *current_files(void) { return NULL; }
struct fd_ref fd_get_slow(struct files *files, unsigned int fd) { return (struct fd_ref){ 0 }; }
void random_bytes(void *buf, size_t len) { __builtin_memset(buf, 0x5c, len); }
