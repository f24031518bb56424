/* SPDX-License-Identifier: MIT */
/*
 * /proc entries of other subsystems.
 *
 *	proc_register(&(struct proc_entry){ .name = "interrupts", .show = interrupts_show });
 *	proc_register(&(struct proc_entry){ .name = "sys/kernel/panic", .mode = 0644,
 *		.show = panic_show, .write = panic_write });
 *
 * The structure is copied; names must live for ever.  Missing directories in the name are made.
 * Any time after INIT_CORE, process context.
 */
#ifndef FS_PROCFS_H
#define FS_PROCFS_H

#include <fs/seq_file.h>
#include <fs/vfs.h>

struct process;
struct thread;

struct proc_entry {
	const char *name;		/* path below /proc */
	uint32_t mode;			/* permissions; 0: 0444, or 0555 for directories */
	int (*show)(struct seq_file *m);	/* reads; m->priv is @priv */
	/* A write of @len bytes of text, terminated, at most a page: 0 or -errno. */
	int (*write)(void *priv, char *text, size_t len);
	const char *link;		/* makes it a symbolic link with this text */
	const struct file_ops *fops;	/* instead of show and write; inode->priv is @priv */
	void *priv;
};

__must_check int proc_register(const struct proc_entry *e);

struct tty;
/*
 * The tty core says how /proc/PID/stat learns a terminal's device number and foreground
 * group; called under the sighand lock with interrupts masked.
 */
void proc_set_tty_info(dev_t (*dev)(struct tty *tty), int (*group)(struct tty *tty));

/* For sysctl-like files over one word. */
enum proc_value_kind { PROC_INT, PROC_UINT64 };
struct proc_value {
	const char *name;
	enum proc_value_kind kind;
	void *value;			/* int or uint64_t */
	int64_t min, max;
	uint32_t mode;
};
__must_check int proc_register_value(const struct proc_value *v);

#endif
