/* SPDX-License-Identifier: MIT */
/*
 * Core files: the memory and registers of a process that a signal ends, as an ELF file.
 *
 * The problem: all threads must stand still, with their registers saved, while one of them writes
 * what may be gigabytes; SIGKILL still has to end it.
 *
 * C1  process.core is set by the thread that writes, together with process.exec_thread: from then
 *     on all others leave by thread_exit(), no thread appears, and no exec begins.
 * C2  A thread that leaves stands still in core_dump_join(), before it gives anything back, until
 *     process.core is NULL again.  Whether it has to is decided under the signal lock, together
 *     with the mark that it leaves: so it was either counted in core_dump.waiting or never will be.
 * C3  No signal but SIGKILL reaches the process meanwhile; SIGKILL starts the group exit, and the
 *     writer gives up.
 * C4  The file is opened with the rights of the process, must be a plain file of its user with one
 *     name, and is not made for a process that is not dumpable.
 *
 * Road not taken: a program that core_pattern names with a bar.  The kernel would have to start it
 * with authority of its own, and whoever may write the pattern could have it; a service that
 * watches a directory of core files needs none.
 *
 * The file: ELF header, program headers (notes first, then one for each mapping), notes, and the
 * mappings page-aligned.  Pages of zeros are holes.  Linux's rules say which mappings are in it.
 */
#include <generated/syscall_protos.h>
#include <kernel/file.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <uapi/elf.h>
#include <uapi/mman.h>
#include <uapi/wait.h>
#include "core_internal.h"

static struct waitq standing = WAITQ_INIT(standing);	/* all processes' threads of C2 */

/* Called with the lock held, which may be dropped in between. */
struct sighand *core_dump_join(struct thread *t, struct sighand *s, unsigned long *flags)
{
	struct process *p = t->process;

	if (likely(!p->core) || p->core->thread == t)
		return s;
	p->core->waiting--;
	sighand_unlock(s, *flags);
	waitq_wake_all(&standing, 0);
	wait_event(&standing, !__atomic_load_n(&p->core, __ATOMIC_ACQUIRE));
	return sighand_lock_own(flags);
}

/* C1.  False: the process ends or executes already. */
static bool stop_others(struct core_dump *d)
{
	struct process *p = current_process();
	struct thread *t;
	unsigned long flags;
	struct sighand *s = sighand_lock_own(&flags);
	bool first = p->group_stop != GROUP_EXIT && !p->exec_thread;

	if (first) {
		p->core = d;
		p->exec_thread = d->thread;
		list_for_each_entry_rcu(t, &p->threads, process_node) {
			if (t == d->thread || thread_is_leaving(t))
				continue;
			d->waiting++;
			signal_wake_fatal(t);
		}
	}
	sighand_unlock(s, flags);
	if (!first)
		return false;
	wait_event(&standing, !__atomic_load_n(&d->waiting, __ATOMIC_ACQUIRE));
	return true;
}

/* The process ends with @code unless it was killed, and the others go on to their ends. */
static void release_others(int code)
{
	struct process *p = current_process();
	unsigned long flags;
	struct sighand *s = sighand_lock_own(&flags);

	p->exec_thread = NULL;
	__atomic_store_n(&p->core, NULL, __ATOMIC_RELEASE);
	if (p->group_stop != GROUP_EXIT)
		signal_group_exit_locked(p, code);
	sighand_unlock(s, flags);
	waitq_wake_all(&standing, 0);
}

/* Which part of a mapping is written. */
static uint64_t dumped_bytes(const struct region *r, uint32_t filter)
{
	uint64_t size = r->end - r->start;
	bool shared = r->flags & REGION_SHARED;

	if (r->flags & REGION_VDSO)
		return size;
	if (r->flags & (REGION_DONT_DUMP | REGION_DEVICE))
		return 0;
	if (shared) {
		bool named = r->file && file_has_name(r->file);

		return filter & (named ? CORE_FILE_SHARED : CORE_ANON_SHARED) ? size : 0;
	}
	if (!r->file || r->has_copies)
		return filter & CORE_ANON_PRIVATE ? size : 0;
	if (filter & CORE_FILE_PRIVATE)
		return size;
	return filter & CORE_ELF_HEADERS && !r->object_offset && r->prot & PROT_READ ? PAGE_SIZE :
									     0;
}

/* A page of a file is only worth it as a program's head. */
static void drop_other_heads(struct core_dump *d)
{
	struct aspace *as = d->thread->aspace;

	for (size_t i = 0; i < d->nr_regions; i++) {
		struct core_region *c = &d->regions[i];
		char head[SELFMAG];

		if (!c->file || c->dumped != PAGE_SIZE || c->prot & PROT_EXEC)
			continue;
		if (aspace_access(as, c->start, head, SELFMAG, false, true) != SELFMAG ||
		    memcmp(head, ELFMAG, SELFMAG))
			c->dumped = 0;
	}
}

static void take_region(struct core_region *c, const struct region *r, uint32_t filter)
{
	*c = (struct core_region){
		.start = r->start, .end = r->end, .prot = r->prot, .offset = r->object_offset,
		.dumped = dumped_bytes(r, filter), .file = r->file,
	};
	if (c->file)
		file_ref(c->file);
}

static int take_regions(struct core_dump *d)
{
	struct aspace *as = d->thread->aspace;
	uint32_t filter = d->thread->process->coredump_filter;
	struct region *r;

	rwsem_lock_read(&as->lock);
	d->regions = kvmalloc((as->nr_regions + 1) * sizeof(*d->regions), ALLOC_NORMAL);
	if (d->regions)
		aspace_for_each_region(r, as)
			take_region(&d->regions[d->nr_regions++], r, filter);
	rwsem_unlock_read(&as->lock);
	if (!d->regions)
		return -ENOMEM;
	drop_other_heads(d);
	return 0;
}

/* Writing: false when it has to end. */

static bool emit(struct core_dump *d, const void *data, size_t len)
{
	while (len) {
		int64_t at = (int64_t)d->position;
		ssize_t n;

		if (d->written + len > d->limit || signal_is_fatal_pending())
			return false;
		n = file_write_kernel(d->file, data, len, &at);
		if (n <= 0)
			return false;
		d->written += (uint64_t)n;
		d->position += (uint64_t)n;
		data = (const char *)data + n;
		len -= (size_t)n;
	}
	return true;
}

static bool is_zero(const char *page)
{
	const uint64_t *word = (const uint64_t *)page;

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i])
			return false;
	return true;
}

static bool emit_region(struct core_dump *d, const struct core_region *c)
{
	struct aspace *as = d->thread->aspace;

	uint64_t base = d->position, end = c->start + c->dumped, next;

	for (uint64_t at = c->start; at < end; at = next) {
		bool found = aspace_read_page(as, at, d->page, &next) && !is_zero(d->page);

		d->position = base + (at - c->start);
		if (signal_is_fatal_pending() || (found && !emit(d, d->page, PAGE_SIZE)))
			return false;
	}
	d->position = base + c->dumped;
	return true;
}

static bool emit_header(struct core_dump *d, size_t segments)
{
	struct elf64_hdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE, .e_machine = ELF_MACHINE, .e_version = EV_CURRENT,
		.e_phoff = sizeof(h), .e_ehsize = sizeof(h),
		.e_phentsize = sizeof(struct elf64_phdr),
		.e_phnum = (uint16_t)min(segments, (size_t)PN_XNUM),
	};

	if (segments >= PN_XNUM) {	/* the number stands in the first section header */
		h.e_shoff = sizeof(h) + segments * sizeof(struct elf64_phdr);
		h.e_shentsize = sizeof(struct elf64_shdr);
		h.e_shnum = 1;
	}
	return emit(d, &h, sizeof(h));
}

static bool emit_section(struct core_dump *d, size_t segments)
{
	struct elf64_shdr s = { .sh_type = SHT_NULL, .sh_size = 1,
				.sh_info = (uint32_t)segments };

	return segments < PN_XNUM || emit(d, &s, sizeof(s));
}

static bool emit_segments(struct core_dump *d, uint64_t notes_at, uint64_t data_at)
{
	struct elf64_phdr n = { .p_type = PT_NOTE, .p_offset = notes_at, .p_align = 4,
				.p_filesz = d->notes_len };
	bool good = emit(d, &n, sizeof(n));

	for (size_t i = 0; good && i < d->nr_regions; i++) {
		const struct core_region *c = &d->regions[i];
		struct elf64_phdr h = {
			.p_type = PT_LOAD, .p_offset = data_at, .p_vaddr = c->start,
			.p_filesz = c->dumped, .p_memsz = c->end - c->start, .p_align = PAGE_SIZE,
			.p_flags = (c->prot & PROT_READ ? PF_R : 0u) |
				   (c->prot & PROT_WRITE ? PF_W : 0u) |
				   (c->prot & PROT_EXEC ? PF_X : 0u),
		};

		good = emit(d, &h, sizeof(h));
		data_at += c->dumped;
	}
	return good;
}

/* The file may end in holes: its last byte makes it as long as its headers say. */
static bool emit_end(struct core_dump *d)
{
	if (!d->nr_regions || d->position <= file_size(d->file))
		return true;
	d->position--;
	return emit(d, "", 1);
}

static bool write_all(struct core_dump *d)
{
	size_t segments = d->nr_regions + 1;
	uint64_t heads = sizeof(struct elf64_hdr) + segments * sizeof(struct elf64_phdr) +
			 (segments >= PN_XNUM ? sizeof(struct elf64_shdr) : 0);
	uint64_t data_at = align_up(heads + d->notes_len, PAGE_SIZE);
	bool good = emit_header(d, segments) && emit_segments(d, heads, data_at) &&
		    emit_section(d, segments) && emit(d, d->notes, d->notes_len);

	d->position = data_at;
	for (size_t i = 0; good && i < d->nr_regions; i++)
		good = emit_region(d, &d->regions[i]);
	return good && emit_end(d);
}

static void release(struct core_dump *d)
{
	for (size_t i = 0; i < d->nr_regions; i++)
		if (d->regions[i].file)
			file_put(d->regions[i].file);
	kvfree(d->regions);
	kvfree(d->notes);
	kfree(d->page);
}

/* All others stand still.  True: there is a file, perhaps cut at the limit. */
static bool make_file(struct core_dump *d)
{
	char *name = core_make_name(d);
	int err = name ? take_regions(d) : -ENOMEM;

	d->page = kmalloc(PAGE_SIZE, ALLOC_NORMAL);
	if (!err && d->page)
		err = core_make_notes(d);
	if (!err && d->page) {
		d->file = file_create_core(name);
		err = IS_ERR(d->file) ? (int)PTR_ERR(d->file) : 0;
	}
	if (!err && d->page) {
		(void)write_all(d);
		file_put(d->file);
	}
	if (err)
		log_info("core: %s[%d]: no core file: error %d", d->thread->name,
			 d->thread->process->pid->nr, err);
	kfree(name);
	err = !d->page ? -ENOMEM : err;
	release(d);
	return !err;
}

bool core_dump(const struct siginfo *info)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct core_dump d = { .thread = t, .info = info,
			       .limit = process_rlimit(p, RLIMIT_CORE) };
	int code = WAIT_KILLED(info->si_signo);
	bool made;

	if (d.limit < PAGE_SIZE || __atomic_load_n(&p->dumpable, __ATOMIC_RELAXED) != 1)
		return false;
	if (!stop_others(&d))
		return false;
	made = make_file(&d);
	release_others(made ? code | (int)WAIT_CORE_FLAG : code);
	return made;
}
