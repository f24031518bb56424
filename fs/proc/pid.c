/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID and /proc/PID/task/TID: directories, links, fd.
 *
 * Inodes hold the struct pid, never a process: who is gone stays gone, and a number
 * that is given out again has another struct pid.
 */
#include <fs/namei.h>
#include <fs/pseudo.h>
#include <kernel/core_dump.h>
#include <kernel/ptrace.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/dirent.h>

#include "proc.h"

enum pid_links { LINK_EXE, LINK_CWD, LINK_ROOT, LINK_FD };

struct pid_entry {
	const char *name;
	uint32_t mode;			/* with the type */
	int (*show)(struct seq_file *m);
	const struct file_ops *fops;
	const struct inode_ops *ops;
	uint8_t link;			/* enum pid_links */
	bool process_only;		/* not below task/ */
	bool inspect;			/* only for who may look into the process */
	int (*write)(struct thread *t, char *text, size_t len);
};

static const struct inode_ops pid_dir_ops, fd_dir_ops, fdinfo_dir_ops, task_dir_ops, link_ops,
	fd_link_ops;
static const struct file_ops pid_dir_fops, fd_dir_fops, fdinfo_dir_fops, task_dir_fops, show_ops,
	fdinfo_ops;

struct thread *pid_thread_get(struct pid *pid)
{
	struct thread *t;

	rcu_read_lock();
	t = rcu_dereference(pid->thread);
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

bool pid_is_alive(struct pid *pid)
{
	return rcu_dereference(pid->thread) != NULL;
}

int pid_next(int from)
{
	struct process *p = process_get_next(from);
	int nr = p ? p->pid->nr : -1;

	if (p)
		process_put(p);
	return nr;
}

struct files *thread_files_get(struct thread *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	struct files *f = t->files;

	if (f && !refcount_inc_not_zero(&f->users))
		f = NULL;
	spin_unlock_irqrestore(&t->lock, flags);
	return f;
}

struct fs_context *thread_fs_get(struct thread *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	struct fs_context *fs = t->fs;

	if (fs && !refcount_inc_not_zero(&fs->users))
		fs = NULL;
	spin_unlock_irqrestore(&t->lock, flags);
	return fs;
}

/* May the caller look into @t?  The rule of ptrace. */
bool pid_may_inspect(const struct thread *t)
{
	return t->process == current_process() || ptrace_may_inspect(current_cred(), t);
}

/*
 * The inode of something of a process belongs to whom the process does now; to user 0 if it is not
 * dumpable, but for the directory itself.
 */
void pid_refresh_owner(struct proc_inode *pi)
{
	struct thread *t = pid_thread_get(pi->pid);
	const struct cred *c;

	if (!t)
		return;
	rcu_read_lock();
	c = rcu_dereference(t->cred);
	if (t->process->dumpable != 1 && !S_ISDIR(pi->inode.mode))
		c = &kernel_cred;
	WRITE_ONCE(pi->inode.uid, c->euid);
	WRITE_ONCE(pi->inode.gid, c->egid);
	rcu_read_unlock();
	thread_put(t);
}

static struct inode *make_inode(const struct proc_inode *dir, uint32_t mode)
{
	struct proc_inode *pi = proc_inode_create(mode);

	if (!pi)
		return NULL;
	pid_ref(dir->pid);
	pi->pid = dir->pid;
	pi->is_thread = dir->is_thread;
	pi->fd = -1;
	pid_refresh_owner(pi);
	return &pi->inode;
}

/* Links. */

static int path_of_link(struct thread *t, uint8_t link, struct path *out)
{
	struct fs_context *fs;
	struct aspace *as;
	int err = -ENOENT;

	if (link == LINK_EXE) {
		as = thread_aspace_get(t);
		if (!as)
			return -ENOENT;
		rwsem_lock_read(&as->lock);
		if (as->exe) {
			*out = as->exe->path;
			path_ref(out);
			err = 0;
		}
		rwsem_unlock_read(&as->lock);
		aspace_put(as);
		return err;
	}
	fs = thread_fs_get(t);
	if (!fs)
		return -ENOENT;
	spin_lock(&fs->lock);
	*out = link == LINK_CWD ? fs->cwd : fs->root;
	path_ref(out);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int link_follow(struct inode *inode, struct path *out)
{
	const struct pid_entry *e = proc_inode_of(inode)->entry;
	struct thread *t = pid_thread_get(proc_inode_of(inode)->pid);
	int err = -ENOENT;

	if (!t)
		return -ENOENT;
	err = pid_may_inspect(t) ? path_of_link(t, e->link, out) : -EACCES;
	thread_put(t);
	return err;
}

static const struct inode_ops link_ops = { .follow = link_follow };

static struct file *fd_file_get(struct inode *inode)
{
	struct proc_inode *pi = proc_inode_of(inode);
	struct thread *t = pid_thread_get(pi->pid);
	struct files *files;
	struct file *f = NULL;

	if (!t)
		return NULL;
	files = pid_may_inspect(t) ? thread_files_get(t) : NULL;
	if (files) {
		f = files_get_file(files, (unsigned int)pi->fd);
		files_put(files);
	}
	thread_put(t);
	return f;
}

/*
 * A file without a path is reached by a name made for this lookup, whose inode is the file's:
 * opening it again works for pipes, and gives what the inode's own operations say for the others.
 */
static int fd_follow(struct inode *inode, struct path *out)
{
	struct file *f = fd_file_get(inode);
	int err = 0;

	if (!f)
		return -ENOENT;
	if (f->path.dentry) {
		*out = f->path;
		path_ref(out);
	} else {
		err = pseudo_file_path(f, out);
	}
	file_put(f);
	return err;
}

static int fd_readlink(struct inode *inode, char *buf, size_t size)
{
	struct file *f = fd_file_get(inode);
	int len = -ENOMEM;
	char *page, *text;

	if (!f)
		return -ENOENT;
	if (!f->path.dentry) {
		len = (int)pseudo_file_name(f, buf, size);
		file_put(f);
		return len;
	}
	page = kmalloc(PATH_LEN_MAX, 0);
	if (page) {
		text = path_format(&f->path, page, PATH_LEN_MAX);
		len = (int)PTR_ERR(text);
		if (!IS_ERR(text)) {
			len = (int)min(strlen(text), size);
			memcpy(buf, text, (size_t)len);
		}
		kfree(page);
	}
	file_put(f);
	return len;
}

static const struct inode_ops fd_link_ops = { .follow = fd_follow, .readlink = fd_readlink };

/* fd/ and fdinfo/. */

static int fd_number(const struct dentry *d)
{
	int n = 0;

	if (!d->len || d->len > 9)
		return -1;
	for (uint32_t i = 0; i < d->len; i++) {
		if (!char_is_digit(d->name[i]))
			return -1;
		n = n * 10 + d->name[i] - '0';
	}
	return n;
}

static int lookup_fd(struct inode *dir, struct dentry *d, bool info)
{
	struct proc_inode *pi;
	struct inode *inode;
	struct file *f;
	uint32_t mode;

	inode = make_inode(proc_inode_of(dir), info ? S_IFREG | 0400 : S_IFLNK | 0500);
	if (!inode)
		return -ENOMEM;
	pi = proc_inode_of(inode);
	pi->fd = fd_number(d);
	f = pi->fd < 0 ? NULL : fd_file_get(inode);
	if (!f) {
		inode_put(inode);
		dentry_attach(d, NULL);
		return 0;
	}
	mode = f->mode;
	file_put(f);
	if (info) {
		inode->fops = &fdinfo_ops;
		inode->ops = &link_ops;
	} else {
		inode->ops = &fd_link_ops;
		inode->mode = S_IFLNK | (mode & FMODE_READ ? 0500 : 0100) |
			(mode & FMODE_WRITE ? 0200 : 0);
		inode->size = 64;
	}
	dentry_attach(d, inode);
	return 0;
}

static int fd_lookup(struct inode *dir, struct dentry *d) { return lookup_fd(dir, d, false); }
static int fdinfo_lookup(struct inode *dir, struct dentry *d) { return lookup_fd(dir, d, true); }

static int emit_dots(struct file *f, struct dir_context *ctx)
{
	if (ctx->offset == 0) {
		if (ctx->emit(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
			return 1;
		ctx->offset = 1;
	}
	if (ctx->offset == 1) {
		if (ctx->emit(ctx, "..", 2, 2, f->path.dentry->parent->inode->ino, DT_DIR))
			return 1;
		ctx->offset = 2;
	}
	return 0;
}

static int fd_iterate_type(struct file *f, struct dir_context *ctx, unsigned int type)
{
	struct thread *t;
	struct files *files;
	char name[12];
	int fd;

	if (emit_dots(f, ctx))
		return 0;
	t = pid_thread_get(proc_inode_of(f->inode)->pid);
	if (!t)
		return -ENOENT;
	files = pid_may_inspect(t) ? thread_files_get(t) : NULL;
	thread_put(t);
	if (!files)
		return -EACCES;
	while ((fd = files_next_fd(files, (unsigned int)(ctx->offset - 2))) >= 0) {
		size_t len = scnprintf(name, sizeof(name), "%d", fd);

		ctx->offset = fd + 2;
		if (ctx->emit(ctx, name, len, fd + 3, f->inode->ino + (uint64_t)fd + 1, type))
			break;
		ctx->offset = fd + 3;
	}
	files_put(files);
	return 0;
}

static int fd_iterate(struct file *f, struct dir_context *ctx)
{
	return fd_iterate_type(f, ctx, DT_LNK);
}
static int fdinfo_iterate(struct file *f, struct dir_context *ctx)
{
	return fd_iterate_type(f, ctx, DT_REG);
}

static const struct inode_ops fd_dir_ops = { .lookup = fd_lookup };
static const struct inode_ops fdinfo_dir_ops = { .lookup = fdinfo_lookup };
static const struct file_ops fd_dir_fops = { .iterate = fd_iterate };
static const struct file_ops fdinfo_dir_fops = { .iterate = fdinfo_iterate };

static int show_fdinfo(struct seq_file *m)
{
	struct file *f = fd_file_get(m->file->inode);

	if (!f)
		return -ENOENT;
	seq_printf(m, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)f->position,
		   f->flags, f->path.mount ? f->path.mount->id : 0,
		   (unsigned long long)f->inode->ino);
	if (f->ops->show_fdinfo)
		f->ops->show_fdinfo(f, m);
	file_put(f);
	return 0;
}

static int fdinfo_open(struct inode *inode, struct file *f)
{
	return seq_open(f, show_fdinfo, NULL);
}

static const struct file_ops fdinfo_ops = {
	.open = fdinfo_open, .read = seq_read, .seek = seq_seek, .release = seq_release,
};

/* Text files. */

/*
 * The process may be running another program than when the file was opened, and the reader may be
 * another process (a set-id program that was handed the descriptor): what counts is who opened it.
 */
static int show_inspected(struct seq_file *m)
{
	const struct pid_entry *e = proc_inode_of(m->file->inode)->entry;
	struct thread *t = pid_thread_get(m->priv);
	int err = -EACCES;

	if (!t)
		return -ESRCH;
	mutex_lock(&t->process->reach_lock);	/* no exec is between the check and the look */
	if (ptrace_may_inspect(m->file->cred, t))
		err = e->show(m);
	mutex_unlock(&t->process->reach_lock);
	thread_put(t);
	return err;
}

static int show_open(struct inode *inode, struct file *f)
{
	const struct pid_entry *e = proc_inode_of(inode)->entry;
	struct thread *t;
	bool allowed;

	if (e->inspect) {
		t = pid_thread_get(proc_inode_of(inode)->pid);
		if (!t)
			return -ESRCH;
		allowed = pid_may_inspect(t);
		thread_put(t);
		if (!allowed)
			return -EACCES;
	}
	return seq_open(f, e->inspect ? show_inspected : e->show, proc_inode_of(inode)->pid);
}

static ssize_t show_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	const struct pid_entry *e = proc_inode_of(f->inode)->entry;
	size_t len = from->count;
	struct thread *t;
	char text[128];
	int err;

	if (!e->write)
		return -EIO;
	if (len >= sizeof(text))
		return -EINVAL;
	if (iov_copy_from(from, text, len) != len)
		return -EFAULT;
	text[len] = '\0';
	t = pid_thread_get(proc_inode_of(f->inode)->pid);
	if (!t)
		return -ESRCH;
	err = e->write(t, text, len);
	thread_put(t);
	return err ? err : (ssize_t)len;
}

static const struct file_ops show_ops = {
	.open = show_open, .read = seq_read, .write = show_write, .seek = seq_seek,
	.release = seq_release,
};

static int write_comm(struct thread *t, char *text, size_t len)
{
	if (t->process != current_process())
		return -EINVAL;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	str_copy_cut(t->name, text, sizeof(t->name));
	return 0;
}

static int parse_int(const char *text, int *value)
{
	bool negative = *text == '-';
	int n = 0;

	text += negative;
	if (!char_is_digit(*text))
		return -EINVAL;
	for (; char_is_digit(*text); text++)
		if (n < 100000)
			n = n * 10 + *text - '0';
	if (*text && *text != '\n')
		return -EINVAL;
	*value = negative ? -n : n;
	return 0;
}

static int write_oom_score_adj(struct thread *t, char *text, size_t len)
{
	int n, err = parse_int(text, &n);

	if (err)
		return err;
	if (n < -1000 || n > 1000)
		return -EINVAL;
	if (!pid_may_inspect(t) ||
	    (n < t->process->oom_score_adj && !cred_overrides_files(current_cred())))
		return -EACCES;
	t->process->oom_score_adj = n;
	return 0;
}

/* Decimal or hexadecimal, as the number says. */
static int write_coredump_filter(struct thread *t, char *text, size_t len)
{
	uint32_t value;
	int err;

	if (len && text[len - 1] == '\n')
		text[--len] = '\0';
	err = parse_u32(text, 0, &value);
	if (err)
		return err;
	if (!pid_may_inspect(t))
		return -EACCES;
	__atomic_store_n(&t->process->coredump_filter, value & CORE_FILTER_ALL,
			 __ATOMIC_RELAXED);
	return 0;
}

static int show_mounts(struct seq_file *m) { return mounts_show(m), 0; }
static int show_mountinfo(struct seq_file *m) { return mountinfo_show(m), 0; }
static int show_mountstats(struct seq_file *m) { return mountstats_show(m), 0; }
static int show_cgroup(struct seq_file *m) { return seq_puts(m, "0::/\n"), 0; }
static int show_unset_uid(struct seq_file *m) { return seq_puts(m, "4294967295"), 0; }
static int show_id_map(struct seq_file *m)
{
	seq_puts(m, "         0          0 4294967295\n");
	return 0;
}
static int show_setgroups(struct seq_file *m) { return seq_puts(m, "allow\n"), 0; }

#define REG(n, m, s, ...) { .name = n, .mode = S_IFREG | (m), .show = s, .fops = &show_ops, \
	.ops = &link_ops, ##__VA_ARGS__ }
#define LNK(n, l) { .name = n, .mode = S_IFLNK | 0777, .ops = &link_ops, .link = l }
#define DIR(n, m, o, f, ...) { .name = n, .mode = S_IFDIR | (m), .ops = o, .fops = f, \
	##__VA_ARGS__ }

static const struct pid_entry entries[] = {
	DIR("task", 0555, &task_dir_ops, &task_dir_fops, .process_only = true),
	DIR("fd", 0500, &fd_dir_ops, &fd_dir_fops),
	DIR("fdinfo", 0555, &fdinfo_dir_ops, &fdinfo_dir_fops),
	LNK("exe", LINK_EXE), LNK("cwd", LINK_CWD), LNK("root", LINK_ROOT),
	REG("stat", 0444, show_stat), REG("statm", 0444, show_statm),
	REG("status", 0444, show_status), REG("comm", 0644, show_comm, .write = write_comm),
	REG("cmdline", 0444, show_cmdline),
	REG("environ", 0400, show_environ, .inspect = true),
	REG("auxv", 0400, show_auxv, .inspect = true),
	REG("maps", 0444, show_maps, .inspect = true),
	REG("smaps", 0444, show_smaps, .inspect = true),
	REG("smaps_rollup", 0444, show_smaps_rollup, .inspect = true),
	{ .name = "mem", .mode = S_IFREG | 0600, .fops = &pid_mem_ops, .ops = &link_ops },
	REG("limits", 0444, show_limits),
	REG("mounts", 0444, show_mounts), REG("mountinfo", 0444, show_mountinfo),
	REG("mountstats", 0400, show_mountstats),
	REG("cgroup", 0444, show_cgroup), REG("loginuid", 0444, show_unset_uid),
	REG("sessionid", 0444, show_unset_uid),
	REG("oom_score", 0444, show_oom_score),
	REG("oom_score_adj", 0644, show_oom_score_adj, .write = write_oom_score_adj),
	REG("syscall", 0400, show_syscall, .inspect = true),
	REG("coredump_filter", 0644, show_coredump_filter, .write = write_coredump_filter),
	REG("personality", 0400, show_personality, .inspect = true),
	REG("uid_map", 0444, show_id_map), REG("gid_map", 0444, show_id_map),
	REG("setgroups", 0444, show_setgroups),
};

static int pid_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_inode *pd = proc_inode_of(dir);
	struct inode *inode;

	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++) {
		const struct pid_entry *e = &entries[i];

		if (strlen(e->name) != d->len || memcmp(e->name, d->name, d->len) ||
		    (e->process_only && pd->is_thread))
			continue;
		inode = make_inode(pd, e->mode);
		if (!inode)
			return -ENOMEM;
		proc_inode_of(inode)->entry = e;
		inode->ops = e->ops;
		inode->fops = e->fops;
		dentry_attach(d, inode);
		return 0;
	}
	dentry_attach(d, NULL);
	return 0;
}

static int pid_iterate(struct file *f, struct dir_context *ctx)
{
	struct proc_inode *pi = proc_inode_of(f->inode);

	if (emit_dots(f, ctx))
		return 0;
	for (; ctx->offset - 2 < (int64_t)ARRAY_SIZE(entries); ctx->offset++) {
		const struct pid_entry *e = &entries[ctx->offset - 2];

		if (e->process_only && pi->is_thread)
			continue;
		if (ctx->emit(ctx, e->name, strlen(e->name), ctx->offset + 1,
			      f->inode->ino + (uint64_t)ctx->offset, e->mode >> 12))
			break;
	}
	return 0;
}

static const struct inode_ops pid_dir_ops = { .lookup = pid_lookup };
static const struct file_ops pid_dir_fops = { .iterate = pid_iterate };

static int attach_dir(struct dentry *d, struct pid *pid, bool is_thread)
{
	struct proc_inode from = { .pid = pid, .is_thread = is_thread };
	struct inode *inode = make_inode(&from, S_IFDIR | 0555);

	if (!inode)
		return -ENOMEM;
	inode->ops = &pid_dir_ops;
	inode->fops = &pid_dir_fops;
	dentry_attach(d, inode);
	return 0;
}

int pid_dir_lookup(struct dentry *d, int nr)
{
	struct pid *pid = pid_get(nr);
	int err = 0;

	/* Threads are reached by number too, though not listed. */
	if (pid && pid_is_alive(pid))
		err = attach_dir(d, pid, rcu_dereference(pid->process) == NULL);
	else
		dentry_attach(d, NULL);
	if (pid)
		pid_put(pid);
	return err;
}

static int task_lookup(struct inode *dir, struct dentry *d)
{
	struct thread *t = thread_get(fd_number(d)),
		*leader = pid_thread_get(proc_inode_of(dir)->pid);
	int err = 0;

	if (t && leader && t->process == leader->process)
		err = attach_dir(d, t->pid, true);
	else
		dentry_attach(d, NULL);
	if (t)
		thread_put(t);
	if (leader)
		thread_put(leader);
	return err;
}

/* The lowest thread number >= @from of @p, -1: none. */
static int next_task(struct process *p, int from)
{
	struct thread *t;
	int best = -1;

	spin_lock(&tasklist_lock);
	list_for_each_entry(t, &p->threads, process_node)
		if (t->pid->nr >= from && (best < 0 || t->pid->nr < best))
			best = t->pid->nr;
	spin_unlock(&tasklist_lock);
	return best;
}

static int task_iterate(struct file *f, struct dir_context *ctx)
{
	struct thread *leader;
	char name[12];
	int nr;

	if (emit_dots(f, ctx))
		return 0;
	leader = pid_thread_get(proc_inode_of(f->inode)->pid);
	if (!leader)
		return -ENOENT;
	while ((nr = next_task(leader->process, (int)ctx->offset - 2)) >= 0) {
		size_t len = scnprintf(name, sizeof(name), "%d", nr);

		ctx->offset = nr + 2;
		if (ctx->emit(ctx, name, len, nr + 3, (uint64_t)nr << 20 | 1, DT_DIR))
			break;
		ctx->offset = nr + 3;
	}
	thread_put(leader);
	return 0;
}

static const struct inode_ops task_dir_ops = { .lookup = task_lookup };
static const struct file_ops task_dir_fops = { .iterate = task_iterate };
