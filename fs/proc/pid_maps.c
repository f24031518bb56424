/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/maps, smaps, smaps_rollup and mem.
 */
#include <kernel/ptrace.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/mman.h>

#include "proc.h"

/* The clock page and the vDSO are the same in all processes, which nobody can tell. */
static bool is_kernel_image(const struct region *r)
{
	return r->flags & REGION_DEVICE && r->name;
}

static void show_region(struct seq_file *m, const struct region *r)
{
	size_t start = m->used;
	dev_t dev = r->file ? r->file->inode->sb->dev : 0;

	seq_printf(m, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)r->start,
		   (unsigned long long)r->end, r->prot & PROT_READ ? 'r' : '-',
		   r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-',
		   r->flags & REGION_SHARED && !is_kernel_image(r) ? 's' : 'p',
		   r->file ? (unsigned long long)r->object_offset : 0ULL, DEV_MAJOR(dev),
		   DEV_MINOR(dev), r->file ? (unsigned long long)r->file->inode->ino : 0ULL);
	if (r->file && r->file->path.dentry) {
		seq_pad(m, start, 73);
		seq_path(m, &r->file->path, "\n");
	} else if (r->name || (r->flags & REGION_HEAP)) {
		seq_pad(m, start, 73);
		seq_puts(m, r->name ? r->name : "[heap]");
	}
	seq_putc(m, '\n');
}

static void show_kb(struct seq_file *m, const char *name, uint64_t kb)
{
	size_t start = m->used;

	seq_puts(m, name);
	seq_putc(m, ':');
	seq_pad(m, start, 15);
	seq_printf(m, "%9llu kB\n", (unsigned long long)kb);
}

/* There are no huge pages, no swap and no lazily freed pages: those lines say so. */
static void show_usage(struct seq_file *m, const struct region_usage *u, bool is_sum)
{
	show_kb(m, "Rss", u->rss * 4);
	show_kb(m, "Pss", u->pss_bytes / 1024);
	show_kb(m, "Pss_Dirty", u->pss_dirty / 1024);
	if (is_sum) {
		show_kb(m, "Pss_Anon", u->pss_anon / 1024);
		show_kb(m, "Pss_File", (u->pss_bytes - u->pss_anon - u->pss_shmem) / 1024);
		show_kb(m, "Pss_Shmem", u->pss_shmem / 1024);
	}
	show_kb(m, "Shared_Clean", u->shared_clean * 4);
	show_kb(m, "Shared_Dirty", u->shared_dirty * 4);
	show_kb(m, "Private_Clean", u->private_clean * 4);
	show_kb(m, "Private_Dirty", u->private_dirty * 4);
	show_kb(m, "Referenced", u->referenced * 4);
	show_kb(m, "Anonymous", u->anon * 4);
	show_kb(m, "LazyFree", 0);
	show_kb(m, "AnonHugePages", 0);
	show_kb(m, "ShmemPmdMapped", 0);
	show_kb(m, "FilePmdMapped", 0);
	show_kb(m, "Shared_Hugetlb", 0);
	show_kb(m, "Private_Hugetlb", 0);
	show_kb(m, "Swap", 0);
	show_kb(m, "SwapPss", 0);
	show_kb(m, "Locked", u->pss_locked / 1024);
}

/* Linux's two letters for what a region is and may become. */
static void show_flags(struct seq_file *m, const struct region *r)
{
	static const struct { uint32_t bit; const char *letters; } prot[] = {
		{ PROT_READ, "r" }, { PROT_WRITE, "w" }, { PROT_EXEC, "e" },
	};
	static const struct { uint32_t bit; const char *letters; } flags[] = {
		{ REGION_SHARED, "sh" }, { REGION_GROWS_DOWN, "gd" }, { REGION_LOCKED, "lo" },
		{ REGION_DEVICE, "io" }, { REGION_SEQUENTIAL, "sr" }, { REGION_RANDOM, "rr" },
		{ REGION_DONT_FORK, "dc" }, { REGION_ACCOUNTED, "ac" },
		{ REGION_NO_RESERVE, "nr" }, { REGION_WIPE_ON_FORK, "wf" },
		{ REGION_DONT_DUMP, "dd" }, { REGION_HUGE_PAGES, "hg" },
		{ REGION_NO_HUGE_PAGES, "nh" },
	};

	seq_puts(m, "VmFlags:");
	for (unsigned int i = 0; i < ARRAY_SIZE(prot); i++)
		if (r->prot & prot[i].bit)
			seq_printf(m, " %s", i == 0 ? "rd" : i == 1 ? "wr" : "ex");
	for (unsigned int i = 0; i < ARRAY_SIZE(prot); i++)
		if (r->max_prot & prot[i].bit)
			seq_printf(m, " m%s", prot[i].letters);
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++)
		if (r->flags & flags[i].bit)
			seq_printf(m, " %s", flags[i].letters);
	seq_puts(m, " \n");
}

static void show_details(struct seq_file *m, const struct region *r, const struct region_usage *u)
{
	show_kb(m, "Size", (r->end - r->start) / 1024);
	show_kb(m, "KernelPageSize", PAGE_SIZE / 1024);
	show_kb(m, "MMUPageSize", PAGE_SIZE / 1024);
	show_usage(m, u, false);
	seq_puts(m, "THPeligible:           0\n");
	show_flags(m, r);
}

static void add_usage(struct region_usage *sum, const struct region_usage *u)
{
	sum->rss += u->rss;
	sum->pss_bytes += u->pss_bytes;
	sum->pss_dirty += u->pss_dirty;
	sum->pss_anon += u->pss_anon;
	sum->pss_shmem += u->pss_shmem;
	sum->pss_locked += u->pss_locked;
	sum->anon += u->anon;
	sum->shared_clean += u->shared_clean;
	sum->shared_dirty += u->shared_dirty;
	sum->private_clean += u->private_clean;
	sum->private_dirty += u->private_dirty;
	sum->referenced += u->referenced;
}

enum maps_kind { MAPS, SMAPS, ROLLUP };

static int show_regions(struct seq_file *m, enum maps_kind kind)
{
	struct thread *t = seq_thread_get(m);
	struct region_usage u, sum = { 0 };
	struct aspace *as;
	struct region *r;

	if (!t)
		return -ESRCH;
	as = thread_aspace_get(t);
	thread_put(t);
	if (!as)
		return 0;
	rwsem_lock_read(&as->lock);
	aspace_for_each_region(r, as) {
		if (kind != ROLLUP)
			show_region(m, r);
		if (kind == MAPS)
			continue;
		region_usage(r, &u);
		if (kind == SMAPS)
			show_details(m, r, &u);
		add_usage(&sum, &u);
	}
	if (kind == ROLLUP) {
		seq_printf(m, "00000000-ffffffff ---p 00000000 00:00 0%33s [rollup]\n", "");
		show_usage(m, &sum, true);
	}
	rwsem_unlock_read(&as->lock);
	aspace_put(as);
	return 0;
}

int show_maps(struct seq_file *m) { return show_regions(m, MAPS); }
int show_smaps(struct seq_file *m) { return show_regions(m, SMAPS); }
int show_smaps_rollup(struct seq_file *m) { return show_regions(m, ROLLUP); }

/* mem: the address space as a file.  It is that of the program that ran at open. */

static int mem_open(struct inode *inode, struct file *f)
{
	struct thread *t = pid_thread_get(proc_inode_of(inode)->pid);
	struct aspace *as;

	if (!t)
		return -ESRCH;
	as = ptrace_aspace_get(t, PTRACE_REACH_INSPECT);
	thread_put(t);
	if (IS_ERR(as))
		return -EACCES;
	f->priv = as;
	f->mode |= FMODE_SEEK;
	return 0;
}

static ssize_t mem_transfer(struct file *f, struct iov_iter *it, int64_t *offset, bool write)
{
	struct aspace *as = f->priv;
	char *page;
	size_t done = 0;

	if (!as || !aspace_use_if_alive(as))
		return 0;
	page = kmalloc(PAGE_SIZE, 0);
	if (!page) {
		aspace_unuse(as);
		return -ENOMEM;
	}
	while (it->count) {
		size_t want = min(it->count, PAGE_SIZE), n;

		if (write && iov_copy_from(it, page, want) != want)
			break;
		n = aspace_access(as, (uint64_t)*offset, page, want, write, true);
		if (n && !write && iov_copy_to(it, page, n) != n)
			break;
		*offset += (int64_t)n;
		done += n;
		if (n < want)
			break;
	}
	kfree(page);
	aspace_unuse(as);
	return done ? (ssize_t)done : -EIO;
}

static ssize_t mem_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	return mem_transfer(f, to, offset, false);
}

static ssize_t mem_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	return mem_transfer(f, from, offset, true);
}

/* Addresses, so no sign. */
static int64_t mem_seek(struct file *f, int64_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->position;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return f->position = offset;
}

static void mem_release(struct file *f)
{
	if (f->priv)
		aspace_put(f->priv);
}

const struct file_ops pid_mem_ops = {
	.open = mem_open, .read = mem_read, .write = mem_write, .seek = mem_seek,
	.release = mem_release,
};
