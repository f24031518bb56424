/* SPDX-License-Identifier: MIT */
/*
 * The virtual file system: inodes, names (dentries), mounts, superblocks, and the
 * operations that a file system gives.  Path lookup is in <fs/namei.h>; how the
 * pieces lock and validate each other is told at the top of fs/dcache.c and fs/namei.c.
 */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <kernel/devnum.h>
#include <kernel/file.h>
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <lib/list.h>
#include <lib/map.h>
#include <uapi/fcntl.h>
#include <uapi/limits.h>
#include <uapi/stat.h>
#include <uapi/types.h>

struct super_block;
struct fs_type;
struct memobj;
struct seq_file;
struct cred;
struct lock_context;
struct inotify_marks;
struct statfs;

#define NAME_LEN_MAX	255
#define PATH_LEN_MAX	4096	/* PATH_MAX, the NUL counted */

/* What stat and its relatives report. */
struct kstat {
	uint64_t ino, size, blocks;	/* blocks of 512 bytes */
	uint32_t mode, nlink, uid, gid, blksize;
	uint64_t attributes;		/* STATX_ATTR_* */
	uint64_t mount_id;
	dev_t dev, rdev;
	int64_t atime_ns, mtime_ns, ctime_ns, btime_ns;
};

/* A change of attributes: chmod, chown, truncate, utimensat. */
enum attr_mask {
	ATTR_MODE = 1 << 0, ATTR_UID = 1 << 1, ATTR_GID = 1 << 2, ATTR_SIZE = 1 << 3,
	ATTR_ATIME = 1 << 4, ATTR_MTIME = 1 << 5,
	ATTR_CTIME = 1 << 6,
	ATTR_OPEN_TRUNC = 1 << 7,	/* O_TRUNC: permission was checked by the open */
	ATTR_TIMES_NOW = 1 << 8,	/* times are the present: write permission suffices */
	ATTR_FILE = 1 << 9,		/* through a descriptor open for writing */
};
struct attr_change {
	uint32_t valid;			/* enum attr_mask */
	uint32_t mode, uid, gid;
	int64_t size;
	int64_t atime_ns, mtime_ns;
};

struct rename_args {
	struct inode *old_dir, *new_dir;
	struct dentry *old, *new;	/* new: negative, or what is replaced or exchanged */
	unsigned int flags;		/* RENAME_NOREPLACE, RENAME_EXCHANGE */
};

/*
 * What a file system can do with an inode.  NULL: the default or the error that Linux gives.
 * Operations that change a directory are called with its lock (and those of the inodes that go away
 * or move) held for writing, after permissions were checked.  On success they have attached or
 * detached the dentry.
 */
struct inode_ops {
	/* Find @d->name in @dir and dentry_attach() its inode, NULL if there is none. */
	int (*lookup)(struct inode *dir, struct dentry *d);
	/* Make a file of any type but a symbolic link: S_IFREG, S_IFDIR, S_IFIFO, ... in @mode. */
	int (*create)(struct inode *dir, struct dentry *d, uint32_t mode, dev_t rdev);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct inode *dir, struct dentry *d, struct inode *inode);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	int (*rename)(const struct rename_args *args);
	/* A file without a name: an inode with no links, error pointer. */
	struct inode *(*tmpfile)(struct inode *dir, uint32_t mode);
	/* The text of a symbolic link that is not in inode.link: its length or -errno. */
	int (*readlink)(struct inode *inode, char *buf, size_t size);
	/* A link that leads to an object and not to a name (/proc/PID/fd/N): a counted path. */
	int (*follow)(struct inode *inode, struct path *out);
	int (*permission)(struct inode *inode, unsigned int mask);
	void (*getattr)(struct inode *inode, struct kstat *st);	/* after the generic part */
	int (*setattr)(struct inode *inode, const struct attr_change *change);
	/* False: the cached name is stale and is looked up anew.  May not sleep. */
	bool (*revalidate)(struct dentry *d);
	/* Extended attributes: length or -errno; @size 0 asks for the length. */
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size,
			int flags);
	ssize_t (*listxattr)(struct inode *inode, char *list, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
};

enum inode_flags {
	INODE_NO_DATA_CACHE	= 1 << 0,
	/* getattr is NULL or may run inside an RCU section */
	INODE_FAST_STAT		= 1 << 1,
	INODE_HAS_PERMISSION	= 1 << 2,	/* ops->permission is set */
	INODE_PRIVATE		= 1 << 3,	/* not for user programs to open by name */
	INODE_SEALABLE		= 1 << 4,	/* memfd */
};

/* A file.  Freed after an RCU delay.  Hot fields for lookup and stat come first. */
struct inode {
	uint32_t mode;			/* [A] type and permissions */
	uint32_t uid, gid;		/* [A] */
	uint32_t flags;			/* [I] enum inode_flags */
	const struct inode_ops *ops;	/* [I] */
	const struct file_ops *fops;	/* [I] */
	struct super_block *sb;		/* [I] */
	const char *link;	/* [I] text of a symbolic link, lives as long as the inode */
	uint64_t ino;			/* [I] */
	int64_t size;			/* [A] written under lock */
	uint64_t blocks;		/* [A] of 512 bytes */
	uint32_t nlink;			/* [L] */
	dev_t rdev;			/* [I] */
	int64_t atime_ns, mtime_ns, ctime_ns, btime_ns;	/* [A] on the real-time clock */
	refcount_t refs;
	uint32_t writers;	/* [A] open for writing; exec refuses: -1 and below deny writing */
	struct memobj *mapping;		/* [I] page cache, NULL when there is none */
	struct rwsem lock;	/* class INODE: content of a directory, size and data of a file */
	struct spinlock state_lock;	/* class INODE_STATE: locks, marks */
	struct lock_context *locks;	/* [R] state_lock; made at the first file lock */
	struct inotify_marks *marks;	/* [A] NULL: nobody watches */
	void *priv;			/* the file system's, the pipe's, the device's */
	uint32_t state;			/* [R] cache lock: enum inode_state; readers take hints */
	int64_t dirtied_ns;		/* [R] cache lock: clock_ns() when it became dirty */
	struct list sb_node;		/* [R] cache lock: all cached inodes of sb */
	struct list lru_node;		/* [R] cache lock: unused, clean ones */
	struct list dirty_node;		/* [R] cache lock: sb->dirty_inodes */
	struct rcu_head rcu;
};

/* State of inodes that the cache keeps (super_block.inodes is set). */
enum inode_state {
	INODE_NEW		= 1 << 0,	/* being filled: others wait */
	INODE_FREEING		= 1 << 1,	/* on its way out: others wait, then look anew */
	INODE_CACHED		= 1 << 2,	/* found by number */
	INODE_DIRTY_META	= 1 << 3,	/* fields of the inode: write_inode() is due */
	INODE_DIRTY_SIZE	= 1 << 4,	/* the same, and fdatasync() needs them: the size */
	INODE_DIRTY_PAGES	= 1 << 5,	/* its mapping has dirty pages */
	INODE_SYNCING		= 1 << 6,	/* writeback works on it */
	INODE_ON_LRU		= 1 << 7,
	INODE_FAILED		= 1 << 8,	/* inode_fail(): evict() is not called */
};
#define INODE_DIRTY_ANY	(INODE_DIRTY_META | INODE_DIRTY_SIZE | INODE_DIRTY_PAGES)

/*
 * The inode cache of file systems whose inodes have numbers on a medium; fs/icache.c.  A file
 * system that gives super_ops.alloc_inode has one: super_create() makes it.
 *
 * IC1 at most one inode in memory has a number; it is found from the moment it is allocated
 *     (INODE_NEW: being filled) until its eviction is over;
 * IC2 an inode nobody refers to stays, with its pages, until memory is wanted or its superblock
 *     goes; a dirty one is written first;
 * IC3 evict() comes for an inode nobody refers to and nobody can find any more: with nlink == 0 to
 *     free it on the medium (thread context, transactions are allowed), with nlink > 0 to give up
 *     what is in memory alone (from reclaim: no sleeping locks, no allocation, no medium).  Pages
 *     are gone already.
 */
/*
 * The inode @ino: a reference or an error pointer.  With INODE_NEW in ->state it is fresh from
 * alloc_inode() and inode_init(), and the caller's to fill from the medium and then to give to
 * inode_ready() or inode_fail(); others who want it wait meanwhile.
 */
struct inode *inode_get_cached(struct super_block *sb, uint64_t ino);
/* The same only if it is in memory and ready; NULL. */
struct inode *inode_find_get(struct super_block *sb, uint64_t ino);
/*
 * A new file got number @ino from the file system's bitmap: a fresh INODE_NEW inode.  -ENOMEM;
 * -EEXIST: there is one (the medium is damaged).
 */
struct inode *inode_create_cached(struct super_block *sb, uint64_t ino);
void inode_ready(struct inode *inode);
/*
 * It could not be filled or made: forget it and drop the caller's reference.  evict() is not called
 * for it, free_inode() is.
 */
void inode_fail(struct inode *inode);
static inline bool inode_is_new(const struct inode *inode) { return inode->state & INODE_NEW; }
/* Write the inode's fields by write_inode() if they are dirty; @data_only: only if SIZE is. */
__must_check int inode_write(struct inode *inode, bool data_only, bool wait);
/* The fields are written by other means (a transaction took them along): not dirty any more. */
void inode_mark_clean(struct inode *inode);

/* Permission masks: as access(2). */
enum may { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4, MAY_APPEND = 8, MAY_NOT_BLOCK = 16 };

/* 0 or -EACCES/-EPERM/-EROFS for the caller's fsuid. */
__must_check int inode_permission(struct inode *inode, unsigned int mask);
/* Does the caller own @inode or override? */
bool inode_owner_or_capable(const struct inode *inode);

/*
 * Fill a fresh inode with the fields that all share; one reference.  Owner and group from the
 * caller and @dir (NULL: none).
 */
void inode_init(struct inode *inode, struct super_block *sb, uint32_t mode);
void inode_init_owner(struct inode *inode, const struct inode *dir, uint32_t mode);
/* Sets fops for FIFOs, devices and sockets. */
void inode_init_special(struct inode *inode, dev_t rdev);
/*
 * A plain kmalloc'ed inode of @sb with the next number: for pseudo file systems.  NULL: out of
 * memory.
 */
struct inode *inode_alloc(struct super_block *sb, uint32_t mode);
void inode_ref(struct inode *inode);
void inode_put(struct inode *inode);
void inode_getattr(struct inode *inode, struct kstat *st);
/* Check and apply; inode lock held for writing. */
__must_check int inode_setattr(struct inode *inode, struct attr_change *change);
/* The check of inode_setattr() alone, and the plain application of what @change says. */
__must_check int inode_setattr_check(struct inode *inode, struct attr_change *change);
void inode_apply_attr(struct inode *inode, const struct attr_change *change);
/* setattr of files whose text is made as it is read: O_TRUNC and truncate() change nothing. */
int setattr_ignore_size(struct inode *inode, const struct attr_change *change);
int64_t inode_now_ns(void);
static inline void inode_touch(struct inode *inode)
{
	inode->mtime_ns = inode->ctime_ns = inode_now_ns();
}
/* Read times under the mount's atime rule. */
void file_accessed(struct file *f);
/* Data was written: times, set-id bits. */
int file_modified(struct file *f);

/* Names.  DNAME_INLINE bytes fit without another allocation. */
#define DNAME_INLINE 40

enum dentry_flags {
	DENTRY_MOUNTED	= 1 << 0,	/* [R] MOUNT: something may be mounted here */
	DENTRY_ON_LRU	= 1 << 1,	/* [R] the LRU lock */
	DENTRY_USED	= 1 << 2,	/* [A] looked up since the LRU last saw it */
	DENTRY_UNLISTED	= 1 << 3,	/* [R] parent's lock: not among the parent's children */
	DENTRY_DELETED	= 1 << 4,	/* [R] unlinked while in use */
	DENTRY_REVALIDATE = 1 << 5,	/* [I] ops->revalidate of the parent must be asked */
	/* [R] the directory entry itself holds a reference (tmpfs) */
	DENTRY_PINNED	= 1 << 6,
	DENTRY_ROOT	= 1 << 7,	/* [I] root of a superblock */
};

struct dentry {
	uint32_t seq;			/* [A] odd while name, parent, inode or hashing change */
	uint32_t hash;			/* [R] seq */
	struct hlist_node hash_node;	/* [R] HASH, RCU readers */
	struct dentry *parent;		/* [R] seq; itself for a root.  Counted */
	struct inode *inode;		/* [R] seq; NULL: negative.  Counted */
	const char *name;		/* [R] seq; zero-padded to 8 bytes */
	uint32_t len;			/* [R] seq */
	uint32_t flags;			/* [A] enum dentry_flags */
	char name_inline[DNAME_INLINE];
	int32_t refs;			/* [A] users; children count one each; < 0: dead */
	struct spinlock lock;		/* class DENTRY: children */
	struct super_block *sb;		/* [I] */
	struct list children;		/* [L] in order of offset */
	struct list sibling;		/* [R] parent's lock */
	int64_t offset;			/* [R] parent's lock: position in the parent for readdir */
	int64_t next_offset;		/* [L] of the next child */
	struct list lru;		/* [R] LRU lock */
	void *priv;			/* the file system's */
	struct rcu_head rcu;
};

struct name { const char *text; uint32_t len, hash; };

uint32_t name_hash(const char *text, size_t len);
static inline struct name name_from(const char *text, size_t len)
{
	return (struct name){ .text = text, .len = (uint32_t)len, .hash = name_hash(text, len) };
}

void dentry_ref(struct dentry *d);
void dentry_put(struct dentry *d);
/*
 * The root of @sb for @inode, whose reference is taken over. NULL: out of memory (the inode is
 * put).
 */
struct dentry *dentry_create_root(struct super_block *sb, struct inode *inode);
/* The cached child, also a negative one: a reference, or NULL. */
struct dentry *dentry_lookup_cached(struct dentry *parent, const struct name *n);
/*
 * The child, asking the file system if need be; parent's inode lock held for writing.  Error
 * pointer.
 */
struct dentry *dentry_lookup_locked(struct dentry *parent, const struct name *n);
/* Give a new or negative dentry its inode (takes over the reference; NULL keeps it negative). */
void dentry_attach(struct dentry *d, struct inode *inode);
/* The name is gone: becomes negative, or unhashed while others use it. */
void dentry_detach(struct dentry *d);
/*
 * A name whose existence holds a reference of its own, as in file systems that live in the cache
 * alone.
 */
void dentry_pin(struct dentry *d);
void dentry_unpin(struct dentry *d);
/* Forget the name; users keep the dentry. */
void dentry_unhash(struct dentry *d);
/*
 * Move @d to the name and parent of @target, which is unhashed; _exchange: they swap. Directory
 * locks held.
 */
void dentry_move(struct dentry *d, struct dentry *target);
void dentry_exchange(struct dentry *a, struct dentry *b);
/* Does @d have positive children?  For rmdir of cache-only file systems. */
bool dentry_has_children(struct dentry *d);
bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor);
static inline bool dentry_is_negative(const struct dentry *d) { return !d->inode; }
static inline bool dentry_is_unlinked(const struct dentry *d)
{
	return hlist_unhashed(&d->hash_node) && d->parent != d;
}
/* iterate() of file systems whose directories live in the cache. */
int dentry_iterate(struct file *f, struct dir_context *ctx);
void dentry_iterate_release(struct file *f);
void dentry_shrink_super(struct super_block *sb);

/* The path as a user sees it from its root: text within @buf, error pointer -ENAMETOOLONG. */
char *path_format(const struct path *p, char *buf, size_t size);
char *path_format_from(const struct path *p, const struct path *root, char *buf, size_t size);

struct super_ops {
	/*
	 * The last link and the last user are gone: drop content.  Then free_inode is called after
	 * RCU.
	 */
	void (*evict)(struct inode *inode);
	void (*free_inode)(struct inode *inode);	/* NULL: kfree */
	/*
	 * Memory for an inode (the file system's own structure around it); set: inodes are cached.
	 */
	struct inode *(*alloc_inode)(struct super_block *sb);	/* NULL: out of memory */
	/*
	 * Put the inode's fields on the medium's block, or into the running transaction.  @wait:
	 * and the block on the medium (without a journal).  Not called for inodes that are evicted.
	 */
	int (*write_inode)(struct inode *inode, bool wait);
	void (*statfs)(struct super_block *sb, struct statfs *st);
	/*
	 * Everything on the medium: called after dirty pages and inodes were written and waited for
	 * (with @wait) or started.  Commits, writes the superblock, buf_cache_sync(),
	 * block_flush().
	 */
	int (*sync)(struct super_block *sb, bool wait);
	/*
	 * @flags: MS_RDONLY and others as they shall become; sb->flags has MS_RDONLY as it is yet.
	 * To read-only: nobody writes any more (SUPER_CLOSING) and all is synchronised.
	 */
	int (*remount)(struct super_block *sb, uint32_t flags, char *data);
	void (*show_options)(struct super_block *sb, struct seq_file *m);
	void (*unmounted)(struct super_block *sb);	/* no mount is left: give up pinned names */
	void (*release)(struct super_block *sb);	/* nothing is left */
};

/*
 * In super_block.flags, a bit that is no MS_ flag: it is being made read-only.  Programs are kept
 * out, and what they left dirty is written by way of the file system, which is not read-only yet.
 */
#define SUPER_CLOSING	(1u << 30)

/* A mounted file system. */
struct super_block {
	const struct super_ops *ops;	/* [I] */
	const struct fs_type *type;	/* [I] */
	struct dentry *root;		/* [I] counted */
	uint32_t flags;			/* [A] MS_RDONLY, ..., and SUPER_CLOSING */
	dev_t dev;			/* [I] */
	uint32_t magic;			/* [I] */
	uint32_t block_size;		/* [I] */
	int64_t max_file_size;		/* [I] */
	refcount_t refs;
	uint32_t writers;		/* [A] files open for writing */
	uint64_t next_ino;		/* [A] */
	struct mutex rename_lock;	/* class RENAME */
	void *priv;
	struct list node;		/* [R] super list */
	const struct inode_ops *dentry_ops;	/* who revalidates names here, NULL: nobody */
	struct block_device *bdev;	/* [I] opened by super_mount_device(); NULL */
	struct writeback *writeback;	/* [I] the device's; NULL: nothing is ever written back */
	struct list writeback_node;	/* the flusher's */
	uint64_t write_error;		/* [A] errseq for syncfs */
	/*
	 * Inodes that are cached (ops->alloc_inode) or written back: fs/icache.c, fs/writeback.c.
	 */
	struct spinlock inodes_lock;	/* class INODE_CACHE: "cache lock" */
	struct map inode_map;		/* [R] inodes_lock: by number */
	struct list inodes;		/* [R] inodes_lock: all of them */
	/* [R] inodes_lock: nobody refers to them, the oldest first */
	struct list unused_inodes;
	struct list dirty_inodes;	/* [R] inodes_lock: in order of dirtied_ns */
	struct waitq inodes_waitq;	/* NEW, FREEING and SYNCING go */
	struct list cache_node;		/* superblocks with cached inodes */
};

/*
 * Fields changed (@what: INODE_DIRTY_META, or _SIZE where fdatasync() must write them):
 * write_inode() is called within some seconds.  Cheap when it is dirty already; does nothing in
 * file systems without a cache.  Any thread context.
 */
void inode_mark_dirty_slow(struct inode *inode, uint32_t what);
static inline void inode_mark_dirty(struct inode *inode, uint32_t what)
{
	if (IS_ENABLED(CONFIG_BLOCK) && unlikely(inode->sb->writeback))
		inode_mark_dirty_slow(inode, what);
}

struct mount_args {
	const char *source;		/* "" when there is none */
	char *data;			/* options text, may be cut up; "" when there is none */
	uint32_t flags;			/* MS_* */
};
struct fs_type {
	const char *name;
	uint32_t flags;			/* enum fs_type_flags */
	/* A superblock with one reference, its root made.  Error pointer. */
	struct super_block *(*mount)(const struct fs_type *type, const struct mount_args *args);
	struct list node;
};
enum fs_type_flags { FS_NEEDS_DEVICE = 1 << 0 };

void fs_register(struct fs_type *type);
const struct fs_type *fs_type_find(const char *name);
/* The one registered after @t, NULL: the first; NULL at the end. */
const struct fs_type *fs_type_next(const struct fs_type *t);
void fs_show_types(struct seq_file *m);
/* A superblock without a root yet; error pointer. */
struct super_block *super_create(const struct fs_type *type, const struct super_ops *ops,
				 uint32_t magic);
/*
 * mount() of a file system that lives on a device: opens args->source for @type (for writing unless
 * MS_RDONLY), gives the superblock that is already there for it (-EBUSY if ro/rw differ), or makes
 * one with ->bdev and ->dev set and has @fill read the medium: it sets ops (with super_set_ops()),
 * magic, block_size, max_file_size, priv and root.  When @fill fails it has released its own
 * things, and ops->release is not called; else the device is closed after ops->release.
 */
struct super_block *super_mount_device(const struct fs_type *type, const struct mount_args *args,
				       int (*fill)(struct super_block *sb,
						   const struct mount_args *args));
/* In fill(), when it fails: sb->root and all cached inodes go, before the private parts. */
void super_drop_inodes(struct super_block *sb);
/* In fill(): the operations; makes the inode cache.  0 or -ENOMEM. */
__must_check int super_set_ops(struct super_block *sb, const struct super_ops *ops);
/*
 * The medium is damaged or cannot be written: no more changes (MS_RDONLY), as errors=remount-ro.
 * Any context.
 */
void super_make_rdonly(struct super_block *sb);
void super_ref(struct super_block *sb);
void super_put(struct super_block *sb);
void super_for_each(void (*fn)(struct super_block *sb, void *arg), void *arg);

enum mount_flags {
	MOUNT_RDONLY = 1 << 0, MOUNT_NOSUID = 1 << 1, MOUNT_NODEV = 1 << 2, MOUNT_NOEXEC = 1 << 3,
	MOUNT_NOATIME = 1 << 4, MOUNT_NODIRATIME = 1 << 5, MOUNT_RELATIME = 1 << 6,
	MOUNT_NOSYMFOLLOW = 1 << 7, MOUNT_UNBINDABLE = 1 << 8, MOUNT_DETACHED = 1 << 9,
	MOUNT_INTERNAL = 1 << 10,
};
/* A superblock's tree, or a part of it, at a place in the name space. */
struct mount {
	struct dentry *root;		/* [I] counted */
	struct super_block *sb;		/* [I] counted */
	struct mount *parent;		/* [R] mount_seq; itself for the root of the name space */
	struct dentry *mountpoint;	/* [R] mount_seq; counted */
	struct hlist_node hash_node;	/* [R] mount_seq, RCU readers */
	uint32_t flags;			/* [A] enum mount_flags */
	int32_t id;			/* [I] */
	uint32_t writers;		/* [A] files open for writing through it */
	refcount_t refs;
	struct list children;		/* [R] MOUNT */
	struct list child_node;		/* [R] MOUNT */
	struct list node;		/* [R] MOUNT: all mounts, in order of mounting */
	char *source;			/* [I] */
	struct mount *copy;		/* [R] MOUNT: while a tree is being copied */
	bool is_copy;			/* [R] MOUNT: the same */
	struct rcu_head rcu;
};

extern uint32_t mount_seq;		/* [A] odd while the mount table changes */
void mount_ref(struct mount *m);
void mount_put(struct mount *m);
/* What is mounted on @d in @m, NULL: nothing.  Under RCU; validate mount_seq afterwards. */
struct mount *mount_find_rcu(struct mount *m, struct dentry *d);
/* Step onto what is mounted at *p, all the way up; references move along. */
void path_follow_mounts(struct path *p);
/* A mount of @sb outside the name space; takes over the reference.  Error pointer. */
struct mount *mount_create(struct super_block *sb, const char *source, uint32_t flags);
/* A kernel-internal file system of @type, for pipes, memfds and the like.  Error pointer. */
struct mount *mount_internal(const struct fs_type *type);
__must_check int mount_at(struct mount *m, const struct path *where);
/* The lock of @d's inode is held for writing, so that nothing is mounted on it meanwhile. */
bool mount_is_mountpoint(struct dentry *d);
__must_check int mount_want_write(struct mount *m);	/* 0 or -EROFS */
/*
 * A file is opened for writing through @m: 0 or -EROFS.  Until mount_put_writer() neither the mount
 * nor its file system becomes read-only.
 */
__must_check int mount_get_writer(struct mount *m);
void mount_put_writer(struct mount *m);
void mounts_show(struct seq_file *m);
void mountinfo_show(struct seq_file *m);
void mountstats_show(struct seq_file *m);

/* May no program change the file system?  The file system itself still may while it closes. */
static inline bool super_is_rdonly(const struct super_block *sb)
{
	return sb->flags & (1u /* MS_RDONLY */ | SUPER_CLOSING);
}

static inline bool mount_is_rdonly(const struct mount *m)
{
	return (m->flags & MOUNT_RDONLY) || super_is_rdonly(m->sb);
}

static inline void path_ref(const struct path *p)
{
	mount_ref(p->mount);
	dentry_ref(p->dentry);
}

static inline void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mount);
}

/* Open @p (borrowed) with O_* @flags: permissions were checked.  Error pointer. */
struct file *file_open_path(const struct path *p, uint32_t flags);
/* Open by name from the kernel, with the caller's rights: exec, drivers, init.  Error pointer. */
struct file *file_open(const char *name, uint32_t flags, uint32_t mode);
/* Deny or allow writing while a program is executed: 0 or -ETXTBSY. */
__must_check int file_deny_write(struct file *f);
void file_allow_write(struct file *f);

/* Generic operations over inode->mapping. */
ssize_t generic_file_read(struct file *f, struct iov_iter *to, int64_t *offset);
ssize_t generic_file_write(struct file *f, struct iov_iter *from, int64_t *offset);
/* The same with the inode's lock held for writing. */
ssize_t generic_file_write_locked(struct file *f, struct iov_iter *from, int64_t *offset);
int64_t generic_seek(struct file *f, int64_t offset, int whence);
int generic_mmap(struct file *f, struct region *r);
/* For files whose position means nothing, but where seeking is no error: stays where it is. */
int64_t noop_seek(struct file *f, int64_t offset, int whence);
int64_t seek_with_end(struct file *f, int64_t offset, int whence, int64_t end);
/*
 * The number of bytes a write of @len at @offset may have: RLIMIT_FSIZE (SIGXFSZ) and the largest
 * file.  Or -EFBIG.
 */
ssize_t write_limit(struct file *f, int64_t offset, size_t len);

void vfs_init(void);		/* caches and hash tables; INIT_CORE, before any file exists */
/*
 * Mount the root tmpfs and make it the caller's root and directory.  Panics when there is no
 * memory.
 */
void vfs_mount_root(void);

#endif
