/* SPDX-License-Identifier: MIT */
/*
 * What the files of fs/ know of each other and nobody else needs.
 */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include <fs/vfs.h>
#include <uapi/uio.h>

struct iov_iter;

/* The hash of a name, byte by byte; both halves of the state are mixed at the end. */
static inline uint64_t name_hash_add(uint64_t h, uint8_t c)
{
	return (h ^ c) * 0x100000001b3ULL;
}

static inline uint32_t name_hash_end(uint64_t h)
{
	return (uint32_t)(h ^ h >> 32);
}

struct deferred_put {
	struct rcu_head rcu;
	struct dentry *dentry;
};

/* dcache.c */
extern uint32_t dentry_move_seq;
struct dentry *dentry_find_rcu(struct dentry *parent, const struct name *n, uint32_t *seq);
bool dentry_try_ref(struct dentry *d);
bool dentry_legitimize(struct dentry *d, uint32_t seq);
void dentry_put_later(struct dentry *d);
/*
 * A name for @inode (whose reference is taken over) that no lookup finds.  NULL: out of memory, the
 * inode is put.
 */
struct dentry *dentry_create_unlinked(struct dentry *parent, const struct name *n,
				      struct inode *inode);
void dcache_init(void);
/* A reference to the parent as it is at some moment. */
struct dentry *dentry_get_parent(struct dentry *d);

/* inode.c, mount.c, super.c */
void inode_cache_init(void);
void mount_cache_init(void);
extern struct mount *root_mount;
/* The place that @m covers, counted; false when it is the root of the name space or detached. */
bool mount_get_above(struct mount *m, struct path *up);
void path_get_root(struct path *root);
void path_get_cwd(struct path *cwd);

/* Everything of @sb on the medium (@wait), or on its way.  0 or the first error. */
__must_check int super_sync(struct super_block *sb, bool wait);

/* locks.c: called when a descriptor or a description goes away */
void locks_remove_posix(struct inode *inode, const void *owner);
void locks_remove_file(struct file *f);
void locks_free(struct inode *inode);

/* open.c */
struct file *file_open_inode(struct file *f, uint32_t flags);

/* chardev.c */
extern const struct file_ops no_device_ops;
int devtmpfs_set_group(const char *name, uint32_t gid);

#endif
