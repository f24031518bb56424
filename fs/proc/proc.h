/* SPDX-License-Identifier: MIT */
/*
 * procfs inside.  core.c has the registered tree and the root; pid.c the directories of processes.
 */
#ifndef FS_PROC_PROC_H
#define FS_PROC_PROC_H

#include <fs/procfs.h>
#include <kernel/process.h>

/* An inode below /proc/PID: which process or thread, and what of it. */
struct proc_inode {
	struct inode inode;
	struct pid *pid;		/* [I] counted; NULL: a registered entry */
	bool is_thread;			/* [I] below task/ */
	int fd;				/* [I] of fd/N and fdinfo/N */
	const void *entry;		/* [I] struct proc_node or struct pid_entry */
};

static inline struct proc_inode *proc_inode_of(const struct inode *inode)
{
	return container_of((struct inode *)(uintptr_t)inode, struct proc_inode, inode);
}

extern struct super_block *proc_sb;
struct proc_inode *proc_inode_create(uint32_t mode);		/* NULL: out of memory */

/* pid.c */
int pid_dir_lookup(struct dentry *d, int nr);		/* attach the directory of process @nr */
int pid_next(int from);				/* the lowest process number >= from; -1: none */
struct thread *pid_thread_get(struct pid *pid);			/* counted; NULL when it is gone */
bool pid_is_alive(struct pid *pid);
bool pid_may_inspect(const struct thread *t);
void pid_refresh_owner(struct proc_inode *pi);

/* A seq_file's thread: m->priv is the counted struct pid. */
static inline struct thread *seq_thread_get(struct seq_file *m)
{
	return pid_thread_get(m->priv);
}
/* A thread's resources, counted; NULL when it has none any more. */
struct files *thread_files_get(struct thread *t);
struct fs_context *thread_fs_get(struct thread *t);

/* pid_show.c, pid_maps.c */
int show_stat(struct seq_file *m), show_status(struct seq_file *m), show_statm(struct seq_file *m);
int show_comm(struct seq_file *m), show_cmdline(struct seq_file *m),
	show_environ(struct seq_file *m);
int show_auxv(struct seq_file *m), show_limits(struct seq_file *m), show_io(struct seq_file *m);
int show_syscall(struct seq_file *m), show_coredump_filter(struct seq_file *m);
int show_wchan(struct seq_file *m), show_oom_score_adj(struct seq_file *m),
	show_personality(struct seq_file *m);
int show_maps(struct seq_file *m), show_smaps(struct seq_file *m),
	show_smaps_rollup(struct seq_file *m);
extern const struct file_ops pid_mem_ops;

void proc_system_init(void);		/* system.c: meminfo and the like */
extern const struct inode_ops proc_self_ops, proc_thread_self_ops;

#endif
