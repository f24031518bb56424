/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a few address spaces against a model that keeps one byte and one protection
 * for each page of an arena.  usage: mm-sim [SEED [STEPS]].  A failure names the seed and the step.
 */
#include <kernel/file.h>
#include <kernel/process.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <mm/vmalloc.h>
#include <uapi/mman.h>
#include <generated/syscall_protos.h>
#include "sim.h"

int printf(const char *fmt, ...);
int atoi(const char *s);

#define ARENA		0x7f0000000000UL
#define PAGES		1600U		/* crosses four leaf tables */
#define SPACES		5
#define OBJECTS		3
#define OBJECT_PAGES	256U

enum kind { NONE, ANON, SHARED, FILE_PRIVATE };
struct cell { uint8_t kind, prot, value, object, copied; uint16_t index; };
struct space { struct aspace *as; struct cell cells[PAGES]; };

static struct space spaces[SPACES];
static struct memobj objects[OBJECTS];
static uint8_t content[OBJECTS][OBJECT_PAGES];
static uint64_t seed;
static long step;
static int traced = -1;		/* page whose operations are printed */

static uint64_t rnd(uint64_t n) { return ktest_random(&seed) % n; }

static int fill_page(struct memobj *o, struct page *p)
{
	memset(page_to_virt(p), content[o - objects][p->cache.index], PAGE_SIZE);
	p->flags |= PAGE_UPTODATE;
	page_unlock(p);
	return 0;
}
static const struct memobj_ops file_object_ops = { .read_page = fill_page };
static const struct memobj_ops shm_object_ops = { 0 };

/* What a read of the page must give; -1: a signal. */
static int expected(const struct cell *c)
{
	if (c->kind == NONE || !c->prot)
		return -1;
	if (c->kind == SHARED || (c->kind == FILE_PRIVATE && !c->copied))
		return content[c->object][c->index];
	return c->value;
}

#define CHECK(cond, ...) do {				\
	if (!(cond)) {					\
		printf("step %ld: " __VA_ARGS__);	\
		panic("%s", #cond);			\
	}						\
} while (0)

static void do_read(struct space *s, unsigned int i)
{
	uint8_t *p = sim_user(s->as, ARENA + i * PAGE_SIZE + rnd(PAGE_SIZE), FAULT_READ);
	int want = expected(&s->cells[i]);

	CHECK(p ? want == *p : want == -1, "page %u: %d, should be %d\n", step, i, p ? *p : -1,
	      want);
}

static void do_write(struct space *s, unsigned int i)
{
	struct cell *c = &s->cells[i];
	uint8_t *p = sim_user(s->as, ARENA + i * PAGE_SIZE, FAULT_WRITE), v = (uint8_t)rnd(256);
	bool may = c->kind != NONE && c->prot & PROT_WRITE;

	CHECK(!!p == may, "page %u: write %d\n", step, i, !!p);
	if (!p)
		return;
	memset(p, v, PAGE_SIZE);
	if (c->kind == SHARED) {
		content[c->object][c->index] = v;
	} else {
		c->value = v;
		c->copied = 1;
	}
}

static void do_map(struct space *s, unsigned int i, unsigned int n)
{
	uint8_t kind = (uint8_t)(1 + rnd(3)), object = (uint8_t)rnd(OBJECTS),
		prot = (uint8_t)rnd(8);
	unsigned int index = (unsigned int)rnd(OBJECT_PAGES - n + 1);
	struct mmap_args a = {
		.addr = ARENA + i * PAGE_SIZE, .len = n * PAGE_SIZE, .prot = prot,
		.flags = MAP_FIXED | (kind == SHARED ? MAP_SHARED : MAP_PRIVATE) |
			 (rnd(8) ? 0 : MAP_POPULATE),
	};

	if (kind != ANON) {
		a.object = &objects[object];
		a.offset = index * PAGE_SIZE;
	}
	CHECK(aspace_mmap(s->as, &a) == (int64_t)a.addr, "mmap\n", step);
	for (unsigned int k = 0; k < n; k++)
		s->cells[i + k] = (struct cell){ .kind = kind, .prot = prot, .object = object,
						 .index = (uint16_t)(index + k),
						 /*
						  * Populating what can be written makes the copies
						  * now.
						  */
						 .copied = a.flags & MAP_POPULATE &&
						 prot & PROT_WRITE,
						 .value = kind == ANON ? 0 :
							 content[object][index + k] };
}

static void do_protect(struct space *s, unsigned int i, unsigned int n)
{
	unsigned int prot = (unsigned int)rnd(8), k;
	long err;

	err = sys_mprotect(UADDR(ARENA + i * PAGE_SIZE), n * PAGE_SIZE, prot);
	for (k = 0; k < n && s->cells[i + k].kind != NONE; k++)
		s->cells[i + k].prot = (uint8_t)prot;
	CHECK(err == (k == n ? 0 : -ENOMEM), "mprotect %ld\n", step, err);
}

static void do_dontneed(struct space *s, unsigned int i, unsigned int n)
{
	(void)sys_madvise(UADDR(ARENA + i * PAGE_SIZE), n * PAGE_SIZE, MADV_DONTNEED);
	for (unsigned int k = 0; k < n; k++) {
		s->cells[i + k].value = 0;
		s->cells[i + k].copied = 0;
	}
}

/* Are cells [i, i + n) one region for certain? */
static bool is_uniform(const struct space *s, unsigned int i, unsigned int n)
{
	struct region *r;
	uint64_t at = ARENA + i * PAGE_SIZE;

	r = aspace_find(s->as, at);
	return r && r->end >= at + n * PAGE_SIZE;
}

static void do_remap(struct space *s, unsigned int i, unsigned int n)
{
	unsigned int j = (unsigned int)rnd(PAGES - n);
	struct cell moved[PAGES];
	long at;

	if (!is_uniform(s, i, n) || (j < i + n && i < j + n))
		return;
	at = sys_mremap(UADDR(ARENA + i * PAGE_SIZE), n * PAGE_SIZE, n * PAGE_SIZE,
			MREMAP_MAYMOVE | MREMAP_FIXED, UADDR(ARENA + j * PAGE_SIZE));
	CHECK(at == (long)(ARENA + j * PAGE_SIZE), "mremap %ld\n", step, at);
	memcpy(moved, &s->cells[i], n * sizeof(moved[0]));
	memset(&s->cells[i], 0, n * sizeof(moved[0]));
	memcpy(&s->cells[j], moved, n * sizeof(moved[0]));
}

static void do_fork(struct space *from, struct space *to)
{
	if (from == to)
		return;
	if (to->as)
		aspace_unuse(to->as);
	*to = *from;
	to->as = aspace_fork(from->as);
	CHECK(!IS_ERR(to->as), "fork\n", step);
}

/* ptrace writes through any protection of private memory. */
static void do_access(struct space *s, unsigned int i)
{
	struct cell *c = &s->cells[i];
	uint8_t buf[PAGE_SIZE], v = (uint8_t)rnd(256);
	bool may = c->kind != NONE && (c->kind != SHARED || c->prot & PROT_WRITE);
	size_t n;

	memset(buf, v, sizeof(buf));
	n = aspace_access(s->as, ARENA + i * PAGE_SIZE, buf, sizeof(buf), true, true);
	CHECK(n == (may ? sizeof(buf) : 0), "page %u: forced write %zu\n", step, i, n);
	if (!may)
		return;
	if (c->kind == SHARED)
		content[c->object][c->index] = v;
	c->value = v;
	c->copied = 1;
}

static void do_file_io(void)
{
	unsigned int o = (unsigned int)rnd(OBJECTS), n = 1 + (unsigned int)rnd(40);
	unsigned int i = (unsigned int)rnd(OBJECT_PAGES - n + 1);
	static uint8_t buf[41 * PAGE_SIZE];
	int64_t pos = i * (int64_t)PAGE_SIZE;
	struct iov_iter it;

	iov_iter_kernel(&it, buf, n * PAGE_SIZE);
	if (rnd(2)) {
		for (unsigned int k = 0; k < n; k++) {
			content[o][i + k] = (uint8_t)rnd(256);
			memset(buf + k * PAGE_SIZE, content[o][i + k], PAGE_SIZE);
		}
		CHECK(memobj_write(&objects[o], &it, &pos) == (ssize_t)(n * PAGE_SIZE), "write\n",
		      step);
		return;
	}
	CHECK(memobj_read(&objects[o], &it, &pos) == (ssize_t)(n * PAGE_SIZE), "read\n", step);
	for (unsigned int k = 0; k < n; k++)
		CHECK(buf[k * PAGE_SIZE] == content[o][i + k] &&
		      buf[(k + 1) * PAGE_SIZE - 1] == content[o][i + k],
		      "object %u page %u\n", step, o, i + k);
}

static void do_punch(void)
{
	unsigned int n = 1 + (unsigned int)rnd(20), i = (unsigned int)rnd(OBJECT_PAGES - n + 1);

	memobj_punch(&objects[0], i * PAGE_SIZE, (i + n) * PAGE_SIZE);
	memset(&content[0][i], 0, n);
}

static void one_step(void)
{
	struct space *s = &spaces[rnd(SPACES)];
	unsigned int n = 1 + (unsigned int)(rnd(4) ? rnd(24) : rnd(OBJECT_PAGES - 1));
	unsigned int i = (unsigned int)rnd(PAGES - n);

	if (!s->as)
		s = &spaces[0];
	current_thread()->aspace = s->as;
	unsigned int op = (unsigned int)rnd(40);

	if (traced >= 0 && (traced == 9999 || ((int)i <= traced && traced < (int)(i + n))))
		printf("%ld: space %ld op %u [%u, +%u) kind %u prot %u obj %u.%u\n", step,
		       (long)(s - spaces), op, i, n, s->cells[traced % PAGES].kind,
		       s->cells[traced % PAGES].prot, s->cells[traced % PAGES].object,
		       s->cells[traced % PAGES].index);
	switch (op) {
	case 0: do_map(s, i, n); break;
	case 1: CHECK(!aspace_munmap(s->as, ARENA + i * PAGE_SIZE, n * PAGE_SIZE), "munmap\n",
		      step);
		memset(&s->cells[i], 0, n * sizeof(s->cells[0])); break;
	case 2: case 3: do_protect(s, i, n); break;
	case 4: do_dontneed(s, i, n); break;
	case 5: do_remap(s, i, n); break;
	case 6: if (!rnd(6)) do_fork(s, &spaces[1 + rnd(SPACES - 1)]); break;
	case 7: do_access(s, i); break;
	case 8: do_file_io(); break;
	case 9: do_punch(); break;
	case 10: (void)reclaim_pages(8); break;
	default:
		for (unsigned int k = 0; k < min(n, 20U); k++)
			if (rnd(2)) do_write(s, i + k); else do_read(s, i + k);
	}
}

/* The cache holds what was written; called after each step while a page is traced. */
static void check_cache(void)
{
	for (unsigned int o = 0; o < OBJECTS; o++)
		for (unsigned int i = 0; i < OBJECT_PAGES; i++) {
			struct page *p = memobj_find_page(&objects[o], i);
			int v = p ? *(uint8_t *)page_to_virt(p) : o == 2 ? content[o][i] : 0;

			CHECK(v == content[o][i], "object %u page %u: %d, should be %d\n", step, o,
			      i, v, content[o][i]);
			if (p)
				page_put(p);
		}
}

static void run(long steps)
{
	spaces[0].as = aspace_create();
	aspace_layout(spaces[0].as, 8 << 20, false);
	for (unsigned int o = 0; o < OBJECTS; o++) {
		memobj_init(&objects[o], o == 2 ? &file_object_ops : &shm_object_ops, NULL);
		objects[o].size = OBJECT_PAGES * PAGE_SIZE;
		objects[o].flags = o == 2 ? 0 : MEMOBJ_SHMEM;
	}
	for (step = 0; step < steps; step++) {
		one_step();
		if (traced >= 0)
			check_cache();
	}
	for (unsigned int k = 0; k < SPACES; k++) {
		for (unsigned int i = 0; spaces[k].as && i < PAGES; i++)
			do_read(&spaces[k], i);
		if (spaces[k].as)
			aspace_unuse(spaces[k].as);
		spaces[k] = (struct space){ 0 };
	}
	for (unsigned int o = 0; o < OBJECTS; o++) {
		CHECK(refcount_read(&objects[o].refs) == 1, "object is still mapped\n", step);
		memobj_fini(&objects[o]);
	}
	memset(content, 0, sizeof(content));
}

int main(int argc, char **argv)
{
	struct page_stats before, after;
	uint64_t objects_before;

	seed = argc > 1 ? (uint64_t)atoi(argv[1]) : 1;
	traced = argc > 3 ? atoi(argv[3]) : -1;
	sim_init(64 << 20);
	page_init();
	slab_init();
	vmalloc_init();
	aspace_init();
	run(200);		/* fills magazines */
	objects_before = slab_total_in_use();
	page_stats(&before);
	run(argc > 2 ? atoi(argv[2]) : 20000);
	page_stats(&after);
	CHECK(slab_total_in_use() == objects_before, "slab objects %lu, were %lu\n", step,
	      (unsigned long)slab_total_in_use(), (unsigned long)objects_before);
	CHECK(after.anon == 0 && after.cache == 0 && after.table == before.table &&
	      after.shmem == 0, "anon %lu cache %lu tables %lu/%lu shmem %lu\n", step, after.anon,
	      after.cache, after.table, before.table, after.shmem);
	CHECK(after.free + after.slab == before.free + before.slab, "free %lu+%lu were %lu+%lu\n",
	      step, after.free, after.slab, before.free, before.slab);
	printf("ok: %ld steps\n", step);
	return 0;
}
