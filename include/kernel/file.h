/* SPDX-License-Identifier: MIT */
/*
 * Open files and descriptor tables: where drivers, file systems, sockets and
 * processes meet.
 *
 * struct file is an open file description: shared by dup and fork.  A
 * descriptor is an index of a process's table.
 */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H

#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/thread.h>
#include <lib/atomic.h>
#include <lib/err.h>
#include <lib/types.h>

typedef int64_t ssize_t;	/* bytes or -errno */

struct cred;
struct file;
struct flock_owner;
struct inode;
struct pid;
struct seq_file;
struct dentry;
struct mount;
struct region;
struct aspace;
struct poll_table;
struct iov_iter;

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

struct dir_context {
	/* 0: go on.  Non-zero: stop, the entry was not taken. */
	int (*emit)(struct dir_context *ctx, const char *name, size_t len, int64_t next_offset,
		    uint64_t ino, unsigned int d_type);
	int64_t offset;
};

/*
 * What can be done with an open file.  A NULL operation fails with the error that Linux gives.
 * All may sleep.  read/write return bytes or -errno; @offset is the position
 * to use and advance, private to the call.
 */
struct file_ops {
	ssize_t (*read)(struct file *f, struct iov_iter *to, int64_t *offset);
	ssize_t (*write)(struct file *f, struct iov_iter *from, int64_t *offset);
	int64_t (*seek)(struct file *f, int64_t offset, int whence);
	int (*iterate)(struct file *f, struct dir_context *ctx);
	uint32_t (*poll)(struct file *f, struct poll_table *pt);
	long (*ioctl)(struct file *f, unsigned int cmd, uint64_t arg);
	int (*mmap)(struct file *f, struct region *r);
	int (*open)(struct inode *inode, struct file *f);
	void (*flush)(struct file *f);			/* at each close of a descriptor */
	void (*release)(struct file *f);		/* the last reference is gone */
	int (*fsync)(struct file *f, int64_t start, int64_t end, bool data_only);
	int (*fasync)(struct file *f, bool on);
	long (*fallocate)(struct file *f, int mode, int64_t offset, int64_t len);
	/* posix_fadvise(2), readahead(2), madvise(MADV_WILLNEED); NULL: advice is not followed */
	int (*fadvise)(struct file *f, int64_t offset, int64_t len, int advice);
	void (*show_fdinfo)(struct file *f, struct seq_file *m);
	const char *name;				/* "[eventfd]" for anonymous files */
};

/* How a file is read: hints, written without a lock. */
struct file_readahead {
	uint64_t next;			/* the page that a reader in sequence comes to next */
	uint64_t end;			/* pages before it were asked for */
	uint32_t window;		/* pages; 0: no sequence seen yet */
	uint8_t advice;			/* POSIX_FADV_NORMAL, _RANDOM, _SEQUENTIAL */
};

enum file_mode {			/* struct file.mode: what the open allowed */
	FMODE_READ	= 1 << 0,
	FMODE_WRITE	= 1 << 1,
	FMODE_EXEC	= 1 << 2,
	FMODE_SEEK	= 1 << 3,	/* has a position */
	FMODE_PATH	= 1 << 4,	/* O_PATH: names only */
	/* position is meaningless (pipes, ttys): no position lock */
	FMODE_STREAM	= 1 << 5,
	FMODE_WRITER	= 1 << 6,	/* counted in inode->writers */
	FMODE_LOCKS	= 1 << 7,	/* [A] flock or OFD locks were taken through it */
	FMODE_RCU_FREE	= 1 << 8,	/* [A] was removed from a shared table: free after RCU */
	FMODE_OPENED	= 1 << 9,	/* ops->open succeeded: release is due */
	FMODE_WATCHED	= 1 << 10,	/* [A] some epoll set has or had it */
	FMODE_EXCL	= 1 << 11,	/* O_EXCL: of a block device */
};

struct file {
	const struct file_ops *ops;	/* [I] */
	refcount_t refs;
	uint32_t mode;			/* enum file_mode; the FMODE_ bits marked [A] change */
	uint32_t flags;			/* [A] O_APPEND, O_NONBLOCK, ...; F_SETFL changes some */
	struct path path;		/* [I] counted; both NULL for anonymous files */
	struct inode *inode;		/* [I] of path, counted itself where path is NULL */
	void *priv;			/* the implementation's */
	int64_t position;		/* [R] position_lock, when FMODE_SEEK and shared */
	struct mutex position_lock;	/* class FILE_POSITION */
	const struct cred *cred;	/* [I] who opened it */
	struct list epoll_items;	/* [L] FILE_STATE: watches on this file */
	struct spinlock lock;		/* class FILE_STATE: owner, async, epoll_items */
	struct pid *owner;		/* [L] F_SETOWN */
	int32_t owner_signal;		/* [L] F_SETSIG */
	uint8_t owner_type;		/* [L] enum pid_type of owner */
	uint64_t write_error_seen;	/* [A] last writeback error reported through this file */
	uint64_t super_error_seen;	/* [A] the same of its file system, for syncfs */
	uint64_t cap_lineage;		/* [I] capability that opened it */
	struct file_readahead readahead;
	struct rcu_head rcu;
};

void file_ref(struct file *f);
void file_put(struct file *f);

/* A file with ops, mode and credentials set, no path; for fs/ and net/.  NULL: out of memory. */
struct file *file_alloc(const struct file_ops *ops, void *priv, uint32_t flags);
void file_init(void);

/* An open file without a name in any directory (pipes, eventfd, ...).  Error pointer. */
struct file *file_create_anonymous(const struct file_ops *ops, void *priv, uint32_t flags);

/* A process's descriptor table; grows as needed, up to RLIMIT_NOFILE. */
struct fd_array {
	uint32_t size;			/* [I] descriptors, a multiple of 64 */
	struct rcu_head rcu;
	unsigned long *used;		/* [R] FILES: bitmap */
	unsigned long *cloexec;		/* [R] FILES: bitmap */
	struct file *files[];		/* [A] RCU readers */
};
struct files {
	refcount_t users;		/* threads that share the table */
	struct spinlock lock;		/* class FILES */
	struct fd_array *array;		/* [A] RCU readers; replaced under lock */
	uint32_t next;			/* [L] no descriptor below is free */
};

/*
 * Look up a descriptor for the length of one system call.  No reference is taken while
 * the table has one user: nobody else can close it then.  .file NULL: EBADF.
 *
 *	struct fd_ref r = fd_get(fd);
 *	if (!r.file) return -EBADF;
 *	... fd_put(r);
 *
 * _raw: also O_PATH descriptors, which have no operations.
 */
struct fd_ref {
	struct file *file;
	bool counted;
};
struct fd_ref fd_get_slow(struct files *files, unsigned int fd);

static inline struct fd_ref fd_get_raw(int fd)
{
	struct files *files = current_thread()->files;
	struct fd_array *a;

	if (unlikely(refcount_read(&files->users) != 1))
		return fd_get_slow(files, (unsigned int)fd);
	/*
	 * Only now: an array read while others shared the table may have been replaced and freed.
	 */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	a = rcu_dereference(files->array);
	return (struct fd_ref){ (uint32_t)fd < a->size ? a->files[fd] : NULL, false };
}

static inline void fd_put(struct fd_ref r)
{
	if (r.counted)
		file_put(r.file);
}

static inline struct fd_ref fd_get(int fd)
{
	struct fd_ref r = fd_get_raw(fd);

	if (likely(r.file) && unlikely(r.file->mode & FMODE_PATH)) {
		fd_put(r);
		r = (struct fd_ref){ NULL, false };
	}
	return r;
}

/*
 * Reserve the lowest free descriptor >= @from (flags: O_CLOEXEC or 0); then install or give back.
 */
__must_check int fd_reserve(unsigned int from, unsigned int flags);
void fd_install(int fd, struct file *f);	/* takes over the caller's reference */
void fd_unreserve(int fd);
/* Both at once: the descriptor, or -errno and @f is put. */
__must_check int fd_install_new(struct file *f, unsigned int flags);
__must_check int fd_close(int fd);
/* dup2: @fd becomes another name of @f, which gets a reference; @fd, -EBADF, -EBUSY, -ENOMEM. */
__must_check int fd_replace(int fd, struct file *f, unsigned int flags);
/* Set (1), clear (0) or only ask (-1) the close-on-exec flag of the open @fd: what it was. */
bool fd_cloexec(int fd, int set);
bool file_may_map_exec(const struct file *f);	/* its mount is not noexec */

struct files *files_create(void);		/* empty; NULL: out of memory */
struct files *files_clone(struct files *from);	/* copy for fork; error pointer */
void files_ref(struct files *f);
void files_put(struct files *f);
void files_close_on_exec(struct files *f);
/* A counted reference to descriptor @fd of another process's table, or NULL. */
struct file *files_get_file(struct files *f, unsigned int fd);
/* The lowest descriptor >= @from in use, -1 when there is none: /proc/PID/fd. */
int files_next_fd(struct files *f, unsigned int from);
/* Give the caller a table of its own (unshare, close_range, exec).  0 or -errno. */
__must_check int files_unshare(void);

/* Working directory, root, umask; shared by CLONE_FS. */
struct fs_context {
	refcount_t users;
	struct spinlock lock;		/* class FS_CONTEXT */
	uint32_t seq;		/* [A] odd while root or cwd change: readers without the lock */
	struct path root, cwd;		/* [L] counted */
	uint32_t umask;			/* [A] */
};
struct fs_context *fs_context_create(const struct path *root);	/* NULL: out of memory */
struct fs_context *fs_context_clone(struct fs_context *from);	/* error pointer */
void fs_context_ref(struct fs_context *fs);
void fs_context_put(struct fs_context *fs);
/* Change fs->root or fs->cwd (@which points at it); takes its own references. */
void fs_context_set(struct fs_context *fs, struct path *which, const struct path *to);

/*
 * What this layer asks of the file systems, which are above it: implemented in fs/, and called once
 * the root is there.
 */
/* References of a path: the name and the mount. */
void file_path_ref(const struct path *p);
void file_path_put(const struct path *p);
/* @f, which has a path or an inode, is being released: give back what it holds of them. */
void file_leave_inode(struct file *f);
/*
 * Locks end: the POSIX ones of @owner (a descriptor table) on @f's inode, or all that @f itself
 * holds.
 */
void file_unlock_posix(struct file *f, const void *owner);
void file_unlock_all(struct file *f);
/* Open by name with the caller's rights.  Error pointer. */
struct file *file_open(const char *name, uint32_t flags, uint32_t mode);
/*
 * Open a program: a regular file that the caller may execute, on a mount that allows it.  @flags:
 * AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.  Error pointer.
 */
struct file *file_open_exec(int dirfd, const char *name, unsigned int flags);
/*
 * Replace the ids in @ids by those that the set-id bits of the program @f give; its mount may
 * forbid both.
 */
struct file_ids { uint32_t uid, gid; };
void file_set_ids(const struct file *f, struct file_ids *ids);
/* Read into kernel memory; bytes or -errno. */
ssize_t file_read_kernel(struct file *f, void *buf, size_t len, int64_t *offset);
/* Write from kernel memory; bytes or -errno. */
ssize_t file_write_kernel(struct file *f, const void *buf, size_t len, int64_t *offset);
/* A file for a core dump, empty: of the caller's user, regular, with one name.  Error pointer. */
struct file *file_create_core(const char *name);
/* The name of @f as its process sees it: within @buf, or an error pointer. */
char *file_path_format(const struct file *f, char *buf, size_t size);
bool file_has_name(const struct file *f);	/* its inode is in some directory */
/* Size in bytes now. */
uint64_t file_size(const struct file *f);
/* Deny or allow writing while a program is executed: 0 or -ETXTBSY. */
__must_check int file_deny_write(struct file *f);
void file_allow_write(struct file *f);

#endif
