/* SPDX-License-Identifier: MIT */
/* The notes of a core file: who it was, why it ended, and the registers of each thread. */
#include <arch/ptrace.h>
#include <arch/regs.h>
#include <kernel/clock.h>
#include <kernel/file.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <uapi/elf.h>
#include <uapi/elfcore.h>
#include <uapi/limits.h>
#include "core_internal.h"

/* Room for @len more bytes at the end of the notes.  NULL: out of memory. */
static char *grow(struct core_dump *d, size_t len)
{
	size_t size = max(d->notes_size * 2, align_up(d->notes_len + len, PAGE_SIZE));
	char *larger;

	if (d->notes_len + len > d->notes_size) {
		larger = kvmalloc(size, ALLOC_NORMAL);
		if (!larger)
			return NULL;
		if (d->notes)
			memcpy(larger, d->notes, d->notes_len);
		kvfree(d->notes);
		d->notes = larger;
		d->notes_size = size;
	}
	d->notes_len += len;
	return d->notes + d->notes_len - len;
}

/* A note with @len bytes of content, cleared; where they are. */
static char *add_note(struct core_dump *d, const char *name, uint32_t type, size_t len)
{
	struct elf64_note head = { .n_namesz = (uint32_t)strlen(name) + 1,
				   .n_descsz = (uint32_t)len, .n_type = type };
	size_t name_room = align_up(head.n_namesz, 4), room = align_up(len, 4);
	char *at = grow(d, sizeof(head) + name_room + room);

	if (!at)
		return NULL;
	memset(at, 0, sizeof(head) + name_room + room);
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), name, head.n_namesz);
	return at + sizeof(head) + name_room;
}

static int add_data(struct core_dump *d, uint32_t type, const void *data, size_t len)
{
	char *at = add_note(d, "CORE", type, len);

	if (!at)
		return -ENOMEM;
	memcpy(at, data, len);
	return 0;
}

struct family {
	int parent, group, session;
};

static struct family family_of(struct process *p)
{
	struct family f;

	spin_lock(&tasklist_lock);
	f = (struct family){ p->parent->pid->nr, p->group->nr, p->session->nr };
	spin_unlock(&tasklist_lock);
	return f;
}

static struct timeval to_timeval(uint64_t ns)
{
	return (struct timeval){ .tv_sec = (int64_t)(ns / NSEC_PER_SEC),
				 .tv_usec = (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

static void fill_status(struct elf_prstatus *s, const struct core_dump *d, struct thread *t)
{
	struct process *p = t->process;
	struct family f = family_of(p);
	uint64_t user, system;

	thread_cpu_split(t, &user, &system);
	*s = (struct elf_prstatus){
		.si_signo = d->info->si_signo, .pr_cursig = (int16_t)d->info->si_signo,
		.pr_sigpend = t->pending_set.v, .pr_sighold = t->blocked.v,
		.pr_pid = t->pid->nr, .pr_ppid = f.parent, .pr_pgrp = f.group,
		.pr_sid = f.session, .pr_utime = to_timeval(user), .pr_stime = to_timeval(system),
		.pr_cutime = to_timeval(p->dead_children.user_ns),
		.pr_cstime = to_timeval(p->dead_children.system_ns), .pr_fpvalid = 1,
	};
	regs_to_user_regs(t, arch_user_regs(t), &s->pr_reg);
}

static int add_status(struct core_dump *d, struct thread *t)
{
	struct elf_prstatus *s = kmalloc(sizeof(*s), ALLOC_NORMAL | ALLOC_ZERO);
	int err = -ENOMEM;

	if (s) {
		fill_status(s, d, t);
		err = add_data(d, NT_PRSTATUS, s, sizeof(*s));
	}
	kfree(s);
	return err;
}

static void fill_arguments(struct elf_prpsinfo *i, struct aspace *as)
{
	size_t n = min(as->arg_end - as->arg_start, (uint64_t)sizeof(i->pr_psargs) - 1);

	n = aspace_access(as, as->arg_start, i->pr_psargs, n, false, true);
	for (size_t c = 0; c + 1 < n; c++)
		if (!i->pr_psargs[c])
			i->pr_psargs[c] = ' ';
}

static int add_process(struct core_dump *d)
{
	struct thread *t = d->thread;
	struct family f = family_of(t->process);
	struct elf_prpsinfo i = {
		.pr_sname = 'R', .pr_nice = (char)t->sched.nice, .pr_uid = t->cred->uid,
		.pr_gid = t->cred->gid, .pr_pid = t->process->pid->nr, .pr_ppid = f.parent,
		.pr_pgrp = f.group, .pr_sid = f.session,
	};

	_Static_assert(sizeof(i.pr_fname) == sizeof(t->name), "comm");
	memcpy(i.pr_fname, t->name, sizeof(i.pr_fname));
	fill_arguments(&i, t->aspace);
	return add_data(d, NT_PRPSINFO, &i, sizeof(i));
}

/* Which files were mapped where: numbers for each, then their names. */
static int add_files(struct core_dump *d)
{
	size_t count = 0, head = d->notes_len, start, mark;
	char *buf = kmalloc(PATH_MAX, ALLOC_NORMAL), *at;
	uint64_t word[2] = { 0, PAGE_SIZE }, *numbers;

	for (size_t i = 0; i < d->nr_regions; i++)
		count += d->regions[i].file != NULL;
	at = buf ? add_note(d, "CORE", NT_FILE, sizeof(word) + count * 24) : NULL;
	if (!at)
		goto no_memory;
	word[0] = count;
	memcpy(at, word, sizeof(word));
	start = (size_t)(at - d->notes);
	mark = start + sizeof(word);
	for (size_t i = 0; i < d->nr_regions; i++) {
		const struct core_region *c = &d->regions[i];
		char *path;
		size_t len;

		if (!c->file)
			continue;
		numbers = (uint64_t *)(d->notes + mark);
		numbers[0] = c->start;
		numbers[1] = c->end;
		numbers[2] = c->offset / PAGE_SIZE;
		mark += 24;
		path = file_path_format(c->file, buf, PATH_MAX);
		path = IS_ERR(path) ? (char *)(uintptr_t)"" : path;
		len = strlen(path) + 1;
		at = grow(d, len);
		if (!at)
			goto no_memory;
		memcpy(at, path, len);
	}
	((struct elf64_note *)(d->notes + head))->n_descsz = (uint32_t)(d->notes_len - start);
	while (d->notes_len % 4) {
		at = grow(d, 1);
		if (!at)
			goto no_memory;
		*at = 0;
	}
	kfree(buf);
	return 0;

no_memory:
	kfree(buf);
	return -ENOMEM;
}

/* The general registers stand in NT_PRSTATUS. */
static int add_registers(struct core_dump *d, struct thread *t)
{
	for (const struct regset *r = arch_regsets; r->note; r++) {
		size_t len = r->in_core && r->note != NT_PRSTATUS ? r->size(t) : 0;
		char *at;
		int err;

		if (!len)
			continue;
		at = add_note(d, r->note == NT_PRFPREG ? "CORE" : "LINUX", r->note, len);
		err = at ? r->get(t, at) : -ENOMEM;
		if (err)
			return err;
	}
	return 0;
}

static int add_thread(struct core_dump *d, struct thread *t)
{
	int err;

	if (t != d->thread)
		sched_wait_asleep(t);
	err = add_status(d, t);
	return err ? err : add_registers(d, t);
}

/*
 * The other threads, counted, in an array: they stand still, but the list's lock cannot be held
 * over their notes.
 */
static int add_others(struct core_dump *d)
{
	struct process *p = d->thread->process;
	size_t nr = 0, room = p->nr_threads + 1;
	struct thread **others = kvmalloc(room * sizeof(*others), ALLOC_NORMAL), *t;
	int err = 0;

	if (!others)
		return -ENOMEM;
	spin_lock(&tasklist_lock);
	list_for_each_entry(t, &p->threads, process_node)
		if (t != d->thread && !thread_is_leaving(t) && nr < room) {
			thread_ref(t);
			others[nr++] = t;
		}
	spin_unlock(&tasklist_lock);
	for (size_t i = 0; i < nr; i++) {
		if (!err)
			err = add_thread(d, others[i]);
		thread_put(others[i]);
	}
	kvfree(others);
	return err;
}

int core_make_notes(struct core_dump *d)
{
	struct aspace *as = d->thread->aspace;
	int err = add_status(d, d->thread);

	if (!err)
		err = add_process(d);
	if (!err)
		err = add_data(d, NT_SIGINFO, d->info, sizeof(*d->info));
	if (!err)
		err = add_data(d, NT_AUXV, as->auxv, min((size_t)as->auxv_len, sizeof(as->auxv)));
	if (!err)
		err = add_files(d);
	if (!err)
		err = add_registers(d, d->thread);
	return err ? err : add_others(d);
}
