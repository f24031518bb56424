/* SPDX-License-Identifier: MIT */
/*
 * The host's inodes, pages and paths: what fs/icache.c, fs/iomap and fs/namei.c do in the kernel,
 * by the same rules (<fs/vfs.h>, <fs/iomap.h>), as plainly as possible.
 */
#include <fs/iomap.h>
#include <kernel/clock.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/mount.h>

#include "../../fs/ext4/ext4.h"
#include "../../fs/ext4/glue.h"
#include "shim.h"

#define NR_CHAINS	256u
#define PAGE		4096u

void buf_cache_shrink(struct buf_cache *c);

/* inodes */

struct entry { struct inode *inode; struct entry *next; };
struct icache { struct entry *chain[NR_CHAINS]; };

static struct icache *cache_of(struct super_block *sb) { return (struct icache *)sb->writeback; }

static struct entry **find_slot(struct super_block *sb, uint64_t ino)
{
	struct entry **p = &cache_of(sb)->chain[ino % NR_CHAINS];

	while (*p && (*p)->inode->ino != ino)
		p = &(*p)->next;
	return p;
}

int64_t inode_now_ns(void)
{
	return clock_realtime_ns();
}

void inode_init_owner(struct inode *inode, const struct inode *dir, uint32_t mode)
{
	(void)dir;
	inode->mode = mode;
	inode->uid = inode->gid = 0;
}

void inode_ref(struct inode *inode)
{
	refcount_inc(&inode->refs);
}

static struct inode *add_inode(struct super_block *sb, uint64_t ino)
{
	struct inode *inode = ext4_alloc_inode(sb);
	struct entry *e;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->sb = sb;
	inode->ino = ino;
	inode->nlink = 1;
	inode->atime_ns = inode->mtime_ns = inode->ctime_ns = inode->btime_ns = inode_now_ns();
	refcount_set(&inode->refs, 1);
	rwsem_init(&inode->lock, INODE);
	inode->state = INODE_NEW | INODE_CACHED;
	e = host_alloc(sizeof(*e));
	e->inode = inode;
	*find_slot(sb, ino) = e;
	return inode;
}

struct inode *inode_get_cached(struct super_block *sb, uint64_t ino)
{
	struct entry *e = *find_slot(sb, ino);

	if (!e)
		return add_inode(sb, ino);
	ENSURE(!(e->inode->state & INODE_FREEING));
	/* Another would wait for who fills it: itself, here. */
	if (e->inode->state & INODE_NEW)
		return ERR_PTR(-EDEADLK);
	if (!refcount_read(&e->inode->refs))
		refcount_set(&e->inode->refs, 1);
	else
		inode_ref(e->inode);
	return e->inode;
}

struct inode *inode_create_cached(struct super_block *sb, uint64_t ino)
{
	return *find_slot(sb, ino) ? ERR_PTR(-EEXIST) : add_inode(sb, ino);
}

void inode_ready(struct inode *inode)
{
	inode->state &= ~(uint32_t)INODE_NEW;
}

void inode_mark_dirty_slow(struct inode *inode, uint32_t what)
{
	inode->state |= what;
}

void inode_mark_clean(struct inode *inode)
{
	inode->state &= ~(uint32_t)(INODE_DIRTY_META | INODE_DIRTY_SIZE);
}

int inode_write(struct inode *inode, bool data_only, bool wait)
{
	if (!(inode->state & (data_only ? INODE_DIRTY_SIZE : INODE_DIRTY_META | INODE_DIRTY_SIZE)))
		return 0;
	return ext4_write_inode(inode, wait);
}

static void drop_pages(struct inode *inode, uint64_t from);

static void free_inode(struct inode *inode)
{
	struct entry **p, *e;

	inode->state |= INODE_FREEING;
	drop_pages(inode, 0);
	ext4_evict(inode);
	p = find_slot(inode->sb, inode->ino);
	e = *p;
	*p = e->next;
	host_free(e);
	iomap_inode_fini(inode);
	ENSURE(rb_empty(&EXT4_I(inode)->pending));
	kfree(EXT4_I(inode));
}

void inode_put(struct inode *inode)
{
	if (refcount_dec_and_test(&inode->refs) && !inode->nlink)
		free_inode(inode);
}

void inode_fail(struct inode *inode)
{
	struct entry **p = find_slot(inode->sb, inode->ino), *e = *p;

	*p = e->next;
	host_free(e);
	iomap_inode_fini(inode);
	kfree(EXT4_I(inode));
}

void inode_apply_attr(struct inode *inode, const struct attr_change *a)
{
	if (a->valid & ATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (a->mode & 07777);
	inode->ctime_ns = inode_now_ns();
}

void super_make_rdonly(struct super_block *sb)
{
	sb->flags |= MS_RDONLY;
}

/* pages */

struct hpage {
	struct hpage *next;		/* by index */
	uint64_t index;
	uint32_t dirty;			/* a bit a block */
	uint8_t data[PAGE];
};
struct mapping { struct hpage *pages; const struct iomap_ops *ops; };

static struct mapping *map_of(const struct inode *inode)
{
	return (struct mapping *)inode->mapping;
}

int iomap_inode_init(struct inode *inode, const struct iomap_ops *ops)
{
	struct mapping *m = host_alloc(sizeof(*m));

	m->ops = ops;
	inode->mapping = (struct memobj *)m;
	return 0;
}

void iomap_inode_fini(struct inode *inode)
{
	host_free(inode->mapping);
	inode->mapping = NULL;
}

static struct hpage **page_slot(const struct inode *inode, uint64_t index)
{
	struct hpage **p = &map_of(inode)->pages;

	while (*p && (*p)->index < index)
		p = &(*p)->next;
	return p;
}

static void drop_pages(struct inode *inode, uint64_t from)
{
	struct hpage **p;

	if (!inode->mapping)
		return;
	p = page_slot(inode, DIV_ROUND_UP(from, PAGE));
	while (*p) {
		struct hpage *gone = *p;

		*p = gone->next;
		host_free(gone);
	}
}

/* Read the blocks of a page from where the file system says they are. */
static int fill_page(struct inode *inode, struct hpage *pg)
{
	uint32_t bs = inode->sb->block_size;
	uint64_t pos = pg->index * PAGE;

	for (uint32_t o = 0; o < PAGE; o += bs) {
		struct iomap m;
		int err = map_of(inode)->ops->map(inode, pos + o, bs, IOMAP_READ, &m);

		if (err)
			return err;
		ENSURE(m.offset <= pos + o && m.offset + m.length >= pos + o + bs);
		if (m.type != IOMAP_MAPPED)
			continue;
		err = block_read(m.dev, (m.address + (pos + o - m.offset)) / SECTOR_SIZE,
				 pg->data + o, bs);
		if (err)
			return err;
	}
	return 0;
}

static struct hpage *get_page(struct inode *inode, uint64_t index)
{
	struct hpage **p = page_slot(inode, index), *pg = *p;
	int err;

	if (pg && pg->index == index)
		return pg;
	pg = host_alloc(sizeof(*pg));
	pg->index = index;
	err = fill_page(inode, pg);
	if (err) {
		host_free(pg);
		return ERR_PTR(err);
	}
	pg->next = *p;
	*p = pg;
	return pg;
}

static void mark_dirty(struct inode *inode, struct hpage *pg, uint32_t from, uint32_t to)
{
	uint32_t bs = inode->sb->block_size;

	for (uint32_t o = align_down(from, bs); o < to; o += bs)
		pg->dirty |= 1u << (o / bs);
}

/*
 * Write the block at @o of @pg, the first of what may be a longer run: bytes of the run, or -errno.
 */
static int64_t write_run(struct inode *inode, struct hpage *pg, uint32_t o)
{
	uint32_t bs = inode->sb->block_size;
	uint64_t pos = pg->index * PAGE + o, done = 0, len = bs;
	struct hpage *last = pg;
	struct iomap m;
	int err;

	/* How far do dirty blocks go on? */
	for (uint64_t at = pos + bs;; at += bs) {
		struct hpage *q = at / PAGE == last->index ? last : last->next;

		if (!q || q->index != at / PAGE || !(q->dirty & 1u << (at % PAGE / bs)))
			break;
		last = q;
		len += bs;
	}
	err = map_of(inode)->ops->map(inode, pos, len, IOMAP_ALLOCATE, &m);
	if (err)
		return err;
	ENSURE(m.type == IOMAP_MAPPED || m.type == IOMAP_UNWRITTEN);
	ENSURE(m.offset <= pos && m.offset + m.length > pos);
	len = min(len, m.offset + m.length - pos);
	for (; done < len; done += bs) {
		struct hpage *q = get_page(inode, (pos + done) / PAGE);
		uint32_t at = (uint32_t)((pos + done) % PAGE);
		int64_t beyond = (int64_t)(pos + done + bs) - inode->size;

		if (beyond > 0)			/* nothing of what mmap put behind the end */
			memset(q->data + at + bs - min(beyond, (int64_t)bs), 0,
			       (size_t)min(beyond, (int64_t)bs));
		err = block_write(m.dev, (m.address + (pos + done - m.offset)) / SECTOR_SIZE,
				  q->data + at, bs, 0);
		if (err)
			return err;
		q->dirty &= ~(1u << (at / bs));
	}
	if (m.type == IOMAP_UNWRITTEN)
		err = map_of(inode)->ops->written(inode, pos, len);
	return err ? err : (int64_t)len;
}

int iomap_writeback_wait(struct inode *inode, int64_t start, int64_t end)
{
	uint32_t bs = inode->sb->block_size;
	int err = 0;

	(void)start;
	(void)end;
	if (!inode->mapping)
		return 0;
	for (struct hpage *pg = map_of(inode)->pages; pg; pg = pg->next) {
		for (uint32_t o = 0; o < PAGE; o += bs) {
			int64_t n;

			if (!(pg->dirty & 1u << (o / bs)))
				continue;
			n = write_run(inode, pg, o);
			if (n < 0) {
				pg->dirty &= ~(1u << (o / bs));
				err = err ? err : (int)n;
			}
		}
	}
	return err;
}

static int zero_range(struct inode *inode, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t n = min(to - from, PAGE - from % PAGE);
		struct iomap m;
		struct hpage *pg;
		int err = map_of(inode)->ops->map(inode, from, n, IOMAP_REPORT, &m);

		if (err)
			return err;
		n = min(n, m.offset + m.length - from);
		if (m.type != IOMAP_HOLE) {
			err = map_of(inode)->ops->map(inode, from, n, IOMAP_RESERVE, &m);
			if (err)
				return err;
			pg = get_page(inode, from / PAGE);
			if (IS_ERR(pg))
				return (int)PTR_ERR(pg);
			memset(pg->data + from % PAGE, 0, n);
			mark_dirty(inode, pg, (uint32_t)(from % PAGE), (uint32_t)(from % PAGE + n));
		}
		from += n;
	}
	return 0;
}

int iomap_truncate_begin(struct inode *inode, uint64_t size)
{
	uint32_t bs = inode->sb->block_size;
	uint64_t edge = min(size, (uint64_t)inode->size);
	int err = 0;

	if (edge % bs)
		err = zero_range(inode, edge, align_up(edge, (uint64_t)bs));
	if (err)
		return err;
	if (size < (uint64_t)inode->size) {
		drop_pages(inode, size);
		if (size % PAGE) {
			struct hpage **p = page_slot(inode, size / PAGE);

			if (*p && (*p)->index == size / PAGE) {
				memset((*p)->data + size % PAGE, 0, PAGE - size % PAGE);
				for (uint64_t o = align_up(size, (uint64_t)bs) % PAGE; o &&
				     o < PAGE;
				     o += bs)
					(*p)->dirty &= ~(1u << (o / bs));
			}
		}
	}
	inode->size = (int64_t)size;
	return 0;
}

int iomap_punch_begin(struct inode *inode, uint64_t start, uint64_t end)
{
	uint32_t bs = inode->sb->block_size;
	uint64_t a = align_up(start, (uint64_t)bs), b = align_down(end, (uint64_t)bs);
	int err;

	if (a > b)
		return zero_range(inode, start, end);
	err = zero_range(inode, start, a);
	if (!err)
		err = zero_range(inode, b, end);
	for (uint64_t pos = a; !err && pos < b; pos += bs) {
		struct hpage **p = page_slot(inode, pos / PAGE);

		if (*p && (*p)->index == pos / PAGE) {
			memset((*p)->data + pos % PAGE, 0, bs);
			(*p)->dirty &= ~(1u << (pos % PAGE / bs));
		}
	}
	return err;
}

void iomap_blocks_end(struct inode *inode)
{
	(void)inode;
}

/* glue of ext4 */

bool ext4_may_use_reserved(const struct ext4_fs *fs)
{
	(void)fs;
	return true;
}

int ext4_attach_ops(struct inode *inode, dev_t rdev)
{
	inode->rdev = rdev;
	return S_ISREG(inode->mode) ? iomap_inode_init(inode, &ext4_iomap_ops) : 0;
}

int ext4_thread_start(struct ext4_fs *fs)
{
	(void)fs;
	return 0;
}

void ext4_thread_stop(struct ext4_fs *fs)
{
	(void)fs;
}

/* mounts */

static int forget_inode(struct inode *inode);
static int for_each_inode(struct super_block *sb, int (*fn)(struct inode *inode));

void ext4_forget_inodes(struct ext4_fs *fs)
{
	(void)for_each_inode(fs->sb, forget_inode);
}

static int for_each_inode(struct super_block *sb, int (*fn)(struct inode *inode))
{
	int err = 0;

	for (uint32_t i = 0; i < NR_CHAINS; i++) {
		for (struct entry *e = cache_of(sb)->chain[i], *next; e; e = next) {
			int r;

			next = e->next;
			r = fn(e->inode);
			err = err ? err : r;
		}
	}
	return err;
}

static int sync_inode(struct inode *inode)
{
	int err = iomap_writeback_wait(inode, 0, INT64_MAX);

	return err ? err : inode_write(inode, false, false);
}

static int evict_unused(struct inode *inode)
{
	if (!refcount_read(&inode->refs) && !(inode->state & INODE_DIRTY_ANY)) {
		bool dirty = false;

		for (struct hpage *p = inode->mapping ? map_of(inode)->pages : NULL; p; p = p->next)
			dirty |= p->dirty != 0;
		if (!dirty)
			free_inode(inode);
	}
	return 0;
}

struct mounted *fs_mount(struct disk_image *d, const char *options, int *err)
{
	struct mounted *m = host_alloc(sizeof(*m));
	struct ext4_mount how;
	char text[256];

	m->disk = d;
	m->sb.bdev = &d->dev;
	m->sb.writeback = host_alloc(sizeof(struct icache));
	ext4_default_options(&how);
	str_copy_cut(text, options, sizeof(text));
	how.read_only = strstr(options, "readonly") != NULL;
	*err = ext4_parse_options(&how, how.read_only ? NULL : text);
	if (!*err)
		*err = ext4_open(&m->sb, &how);
	if (!*err) {
		m->root = ext4_root(m->sb.priv);
		*err = PTR_ERR_OR_ZERO(m->root);
		if (*err) {
			for_each_inode(&m->sb, forget_inode);
			ext4_close(m->sb.priv);
		}
	}
	if (!*err)
		return m;
	host_free(m->sb.writeback);
	host_free(m);
	return NULL;
}

int fs_sync(struct mounted *m)
{
	int err = for_each_inode(&m->sb, sync_inode);
	int e = ext4_sync(m->sb.priv);

	return err ? err : e;
}

static int forget_inode(struct inode *inode)
{
	inode->nlink = inode->nlink ? inode->nlink : 1;		/* the medium is as it is */
	inode->state &= ~(uint32_t)INODE_DIRTY_ANY;
	refcount_set(&inode->refs, 0);
	free_inode(inode);
	return 0;
}

int fs_unmount(struct mounted *m)
{
	struct ext4_fs *fs = m->sb.priv;
	int err = 0;

	if (!ext4_is_rdonly(fs))
		err = fs_sync(m);
	inode_put(m->root);
	for_each_inode(&m->sb, forget_inode);
	if (fs->had_error && !err)
		err = -EIO;
	ext4_close(fs);
	host_free(m->sb.writeback);
	host_free(m);
	return err;
}

void fs_power_off(struct mounted *m)
{
	m->disk->is_dead = true;
	m->disk->fail_at = 0;
	(void)fs_unmount(m);
}

void fs_drop_caches(struct mounted *m)
{
	struct ext4_fs *fs = m->sb.priv;

	(void)fs_sync(m);
	for_each_inode(&m->sb, evict_unused);
	if (fs->journal)
		(void)!journal_flush(fs->journal);
	buf_cache_shrink(fs->cache);
}

/* paths */

static struct inode *step(struct inode *dir, const char *name, uint32_t len)
{
	uint32_t ino;
	int err;

	if (!S_ISDIR(dir->mode))
		return ERR_PTR(-ENOTDIR);
	err = ext4_dir_lookup(dir, name, len, &ino);
	return err ? ERR_PTR(err) : ext4_iget(ext4_fs_of(dir), ino);
}

/* The directory of @path's last part, and that part. */
static struct inode *parent_of(struct mounted *m, const char *path, struct name *last)
{
	struct inode *dir = m->root, *next;
	const char *slash;

	inode_ref(dir);
	while ((slash = strchr(path, '/'))) {
		next = step(dir, path, (uint32_t)(slash - path));
		inode_put(dir);
		if (IS_ERR(next))
			return next;
		dir = next;
		path = slash + 1;
	}
	*last = (struct name){ .text = path, .len = (uint32_t)strlen(path) };
	return dir;
}

struct inode *fs_lookup(struct mounted *m, const char *path)
{
	struct name last;
	struct inode *dir = parent_of(m, path, &last), *inode;

	if (IS_ERR(dir) || !last.len)
		return dir;
	inode = step(dir, last.text, last.len);
	inode_put(dir);
	return inode;
}

static int make(struct mounted *m, const char *path, uint32_t mode, const char *target)
{
	struct inode *inode = NULL, *dir, *there;
	struct name last;
	int err;

	there = fs_lookup(m, path);
	if (!IS_ERR(there)) {
		inode_put(there);
		return -EEXIST;
	}
	if (PTR_ERR(there) != -ENOENT)
		return (int)PTR_ERR(there);
	dir = parent_of(m, path, &last);
	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	err = target ? ext4_symlink(dir, &last, target, &inode) :
		ext4_create(dir, &last, mode, 0, &inode);
	if (!err)
		inode_put(inode);
	inode_put(dir);
	return err;
}

int fs_create(struct mounted *m, const char *path, uint32_t mode)
{
	return make(m, path, S_IFREG | mode, NULL);
}

int fs_mkdir(struct mounted *m, const char *path)
{
	return make(m, path, S_IFDIR | 0755, NULL);
}

int fs_symlink(struct mounted *m, const char *target, const char *path)
{
	return make(m, path, 0, target);
}

int fs_link(struct mounted *m, const char *from, const char *to)
{
	struct inode *inode = fs_lookup(m, from), *dir, *there;
	struct name last;
	int err;

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	there = fs_lookup(m, to);
	dir = parent_of(m, to, &last);
	err = IS_ERR(dir) ? (int)PTR_ERR(dir) : !IS_ERR(there) ? -EEXIST :
		PTR_ERR(there) != -ENOENT ? (int)PTR_ERR(there) : S_ISDIR(inode->mode) ? -EPERM :
		ext4_link(dir, &last, inode);
	if (!IS_ERR(there))
		inode_put(there);
	if (!IS_ERR(dir))
		inode_put(dir);
	inode_put(inode);
	return err;
}

static int remove(struct mounted *m, const char *path, bool is_dir)
{
	struct inode *inode = fs_lookup(m, path), *dir;
	struct name last;
	int err;

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	dir = parent_of(m, path, &last);
	if (IS_ERR(dir)) {
		inode_put(inode);
		return (int)PTR_ERR(dir);
	}
	if (inode == dir || inode == m->root)
		err = -EBUSY;
	else if (S_ISDIR(inode->mode) != is_dir)
		err = is_dir ? -ENOTDIR : -EISDIR;
	else
		err = is_dir ? ext4_rmdir(dir, &last, inode) : ext4_unlink(dir, &last, inode);
	inode_put(inode);
	inode_put(dir);
	return err;
}

int fs_unlink(struct mounted *m, const char *path)
{
	return remove(m, path, false);
}

int fs_rmdir(struct mounted *m, const char *path)
{
	return remove(m, path, true);
}

int fs_rename(struct mounted *m, const char *from, const char *to)
{
	struct ext4_rename r = { 0 };
	int err = 0;

	r.old = fs_lookup(m, from);
	r.new = fs_lookup(m, to);
	r.old_dir = parent_of(m, from, &r.old_name);
	r.new_dir = parent_of(m, to, &r.new_name);
	if (IS_ERR(r.old) || IS_ERR(r.old_dir) || IS_ERR(r.new_dir))
		err = IS_ERR(r.old) ? (int)PTR_ERR(r.old) : -ENOENT;
	if (!err && IS_ERR(r.new) && PTR_ERR(r.new) != -ENOENT)
		err = (int)PTR_ERR(r.new);
	if (IS_ERR(r.new))
		r.new = NULL;
	if (!err && r.new && r.new != r.old && S_ISDIR(r.new->mode) != S_ISDIR(r.old->mode))
		err = S_ISDIR(r.old->mode) ? -ENOTDIR : -EISDIR;
	if (!err && (r.old == r.new_dir || r.new == r.old_dir))
		err = -EINVAL;
	if (!err && r.new != r.old)
		err = ext4_rename(&r);
	if (r.new)
		inode_put(r.new);
	if (!IS_ERR(r.old))
		inode_put(r.old);
	if (!IS_ERR(r.old_dir))
		inode_put(r.old_dir);
	if (!IS_ERR(r.new_dir))
		inode_put(r.new_dir);
	return err;
}

struct inode *fs_orphan(struct mounted *m, const char *path)
{
	return fs_lookup(m, path);
}

#define WITH_INODE(m, path, inode, call) ({				\
	struct inode *inode = fs_lookup(m, path);			\
	int64_t wi_result = PTR_ERR_OR_ZERO(inode);			\
	if (!wi_result) {						\
		wi_result = (call);					\
		inode_put(inode);					\
	}								\
	wi_result; })

static int truncate(struct inode *inode, uint64_t size)
{
	struct attr_change a = { .valid = ATTR_SIZE, .size = (int64_t)size };
	int err;

	rwsem_lock_write(&inode->lock);
	err = ext4_setattr(inode, &a);
	rwsem_unlock_write(&inode->lock);
	return err;
}

int fs_truncate(struct mounted *m, const char *path, uint64_t size)
{
	return (int)WITH_INODE(m, path, inode, truncate(inode, size));
}

static int64_t write_inode(struct inode *inode, uint64_t pos, const uint8_t *data, uint64_t len)
{
	uint64_t done = 0;

	if (!S_ISREG(inode->mode))
		return -EISDIR;
	if (inode->sb->flags & MS_RDONLY)
		return -EROFS;
	while (done < len) {
		uint64_t at = pos + done, n = min(len - done, PAGE - at % PAGE);
		struct hpage *pg;
		struct iomap m;
		int err;

		pg = get_page(inode, at / PAGE);
		if (IS_ERR(pg))
			return done ? (int64_t)done : PTR_ERR(pg);
		err = map_of(inode)->ops->map(inode, at, n, IOMAP_RESERVE, &m);
		if (err)
			return done ? (int64_t)done : err;
		n = min(n, m.offset + m.length - at);
		memcpy(pg->data + at % PAGE, data + done, n);
		mark_dirty(inode, pg, (uint32_t)(at % PAGE), (uint32_t)(at % PAGE + n));
		done += n;
		if (at + n > (uint64_t)inode->size) {
			inode->size = (int64_t)(at + n);
			inode_mark_dirty(inode, INODE_DIRTY_SIZE);
		}
	}
	inode->mtime_ns = inode->ctime_ns = inode_now_ns();
	inode_mark_dirty(inode, INODE_DIRTY_META);
	return (int64_t)done;
}

int64_t fs_write(struct mounted *m, const char *path, uint64_t pos, const void *data, uint64_t len)
{
	return WITH_INODE(m, path, inode, write_inode(inode, pos, data, len));
}

static int64_t read_inode(struct inode *inode, uint64_t pos, uint8_t *data, uint64_t len)
{
	uint64_t done = 0;

	if (!S_ISREG(inode->mode))
		return -EISDIR;
	len = pos < (uint64_t)inode->size ? min(len, (uint64_t)inode->size - pos) : 0;
	while (done < len) {
		uint64_t at = pos + done, n = min(len - done, PAGE - at % PAGE);
		struct hpage *pg = get_page(inode, at / PAGE);

		if (IS_ERR(pg))
			return PTR_ERR(pg);
		memcpy(data + done, pg->data + at % PAGE, n);
		done += n;
	}
	return (int64_t)done;
}

int64_t fs_read(struct mounted *m, const char *path, uint64_t pos, void *data, uint64_t len)
{
	return WITH_INODE(m, path, inode, read_inode(inode, pos, data, len));
}

static int fsync_inode(struct inode *inode)
{
	int err = iomap_writeback_wait(inode, 0, INT64_MAX);

	return err ? err : ext4_fsync(inode, false);
}

int fs_fsync(struct mounted *m, const char *path)
{
	return (int)WITH_INODE(m, path, inode, fsync_inode(inode));
}

static int fallocate(struct inode *inode, int mode, uint64_t pos, uint64_t len)
{
	int err;

	rwsem_lock_write(&inode->lock);
	err = ext4_fallocate(inode, mode, pos, len);
	rwsem_unlock_write(&inode->lock);
	return err;
}

int fs_fallocate(struct mounted *m, const char *path, int mode, uint64_t pos, uint64_t len)
{
	return (int)WITH_INODE(m, path, inode, fallocate(inode, mode, pos, len));
}

int fs_setxattr(struct mounted *m, const char *path, const char *name, const void *v, size_t n)
{
	return (int)WITH_INODE(m, path, inode, v ? ext4_setxattr(inode, name, v, n, 0) :
			       ext4_removexattr(inode, name));
}

int64_t fs_getxattr(struct mounted *m, const char *path, const char *name, void *v, size_t n)
{
	return WITH_INODE(m, path, inode, ext4_getxattr(inode, name, v, n));
}

int64_t fs_size(struct mounted *m, const char *path)
{
	return WITH_INODE(m, path, inode, inode->size);
}

/* walks */

struct walk {
	struct dir_context ctx;
	struct mounted *m;
	uint64_t *inos;			/* directories still to be read */
	uint32_t nr, max;
	int64_t seen;
};

static int visit(struct dir_context *ctx, const char *name, size_t len, int64_t next, uint64_t ino,
		 unsigned int type)
{
	struct walk *w = container_of(ctx, struct walk, ctx);

	(void)next;
	(void)type;
	if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
		return 0;
	if (w->nr == w->max) {
		uint64_t *more = host_alloc((w->max + 256) * 2 * sizeof(*more));

		if (w->nr)
			memcpy(more, w->inos, w->nr * sizeof(*more));
		host_free(w->inos);
		w->inos = more;
		w->max = (w->max + 256) * 2;
	}
	w->inos[w->nr++] = ino;
	return 0;
}

static int look_into(struct walk *w, struct inode *inode)
{
	static char text[70000];

	if (S_ISDIR(inode->mode)) {
		w->ctx.offset = 0;
		return ext4_dir_iterate(inode, &w->ctx);
	}
	(void)!ext4_listxattr(inode, text, sizeof(text));
	if (S_ISLNK(inode->mode))
		return min(ext4_readlink(inode, text, sizeof(text)), 0);
	if (!S_ISREG(inode->mode))
		return 0;
	/* The start and the end; what lies between may be a large hole. */
	if (read_inode(inode, 0, (uint8_t *)text, 65536) < 0)
		return -EIO;
	if (inode->size > 65536)
		return (int)min(read_inode(inode, (uint64_t)inode->size - 65536, (uint8_t *)text,
					   65536), (int64_t)0);
	return 0;
}

int64_t fs_walk(struct mounted *m)
{
	struct walk w = { .ctx.emit = visit, .m = m };
	int64_t err = look_into(&w, m->root);

	while (w.nr && w.seen < 20000) {
		struct inode *inode = ext4_iget(m->sb.priv, w.inos[--w.nr]);
		int e = PTR_ERR_OR_ZERO(inode);

		if (!e) {
			e = look_into(&w, inode);
			inode_put(inode);
		}
		err = err ? err : e;
		w.seen++;
	}
	host_free(w.inos);
	return err ? err : w.seen;
}
