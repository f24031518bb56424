/* SPDX-License-Identifier: MIT */
/* One core file being made; shared by core_dump.c, core_notes.c and core_name.c. */
#ifndef KERNEL_PROC_CORE_INTERNAL_H
#define KERNEL_PROC_CORE_INTERNAL_H

#include <kernel/core_dump.h>
#include <kernel/ptrace.h>
#include "proc.h"

/* One mapping, as it was when all other threads stood still. */
struct core_region {
	uint64_t start, end, dumped;	/* bytes of it that are in the file */
	uint64_t offset;		/* in the mapped file */
	uint32_t prot;
	struct file *file;		/* counted; NULL: none */
};

struct core_dump {
	struct thread *thread;		/* [I] who writes */
	uint32_t waiting;		/* [R] SIGNAL: threads that do not stand still yet */
	const struct siginfo *info;	/* [I] of the signal */
	struct core_region *regions;	/* kvmalloc */
	size_t nr_regions;
	char *notes;			/* kvmalloc */
	size_t notes_len, notes_size;
	struct file *file;
	uint64_t limit;			/* RLIMIT_CORE: bytes that may be written */
	uint64_t written, position;
	char *page;			/* a page for copies */
};

/* core_notes.c: all notes into d->notes.  -ENOMEM. */
__must_check int core_make_notes(struct core_dump *d);

/* core_name.c: the file's name, to be freed with kfree(); NULL: out of memory, or too long. */
char *core_make_name(const struct core_dump *d);

#endif
