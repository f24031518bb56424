/* SPDX-License-Identifier: MIT */
/*
 * The name cache.  Before: <fs/vfs.h>.  After: fs/namei.c, which walks it.
 *
 * Problem: a path walk looks at several names for every open or stat.  It must take no lock
 * and write no shared memory, while names appear, vanish and move.
 *
 * I1  A dentry is freed only after an RCU delay, and its name text is always terminated
 *     within its storage; so a reader inside an RCU section may look at any dentry it met.
 * I2  seq is odd while (name, parent, inode, hashing) change, and differs afterwards.  What a
 *     reader took from a dentry counts only if seq is unchanged when it has finished.
 * I3  refs < 0 means dead: it never rises again.  Only who moved it from 0 to DEAD frees it.
 * I4  Who wants to make a dentry negative bumps seq, then looks at refs; who takes a reference
 *     raises refs, then looks at seq (all sequentially consistent).  One of the two sees the other.
 * I5  Name, parent and inode change only under the lock of the parent's inode (both
 *     parents' for a move), or when the dentry is dead.
 *
 * A dentry nobody uses stays hashed and goes on the LRU list the first time.  It is not
 * taken off when it is used again: the shrinker skips it.  So the steady state
 * touches no list.  Names that are the file system's only record (tmpfs) are pinned: their
 * existence is one reference.  Pinned names are the children that dentry_iterate() lists.
 *
 * Roads not taken: per-CPU LRU lists (one list, touched once per dentry life, has not
 * shown); names moved in place without swapping (the loser of a move then has no name).
 */
#include <fs/notify.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <uapi/dirent.h>

#include "internal.h"

#define DENTRY_DEAD	(-0x40000000)
#define HASH_LOCKS	64
#define LRU_TRIM	4

static struct slab_cache *dentry_cache;
static struct hlist_head *hash_table;	/* [I] buckets: [R] hash_locks, RCU readers */
static unsigned int hash_shift;		/* [I] 64 - log2(buckets) */
static struct spinlock hash_locks[HASH_LOCKS];	/* class HASH */

static struct spinlock lru_lock;	/* class HASH: lru_list, nr_lru, ON_LRU flags */
static LIST_HEAD(lru_list);
static uint64_t nr_lru, max_lru;

static struct spinlock move_lock;	/* class DENTRY: one move at a time */
uint32_t dentry_move_seq;		/* odd while one is going on: for walks upwards */

static uint64_t bucket_of(const struct dentry *parent, uint32_t hash)
{
	uint64_t key = ((uintptr_t)parent >> 6) ^ hash;

	return (key * 0x9e3779b97f4a7c15ULL) >> hash_shift;
}

uint32_t name_hash(const char *text, size_t len)
{
	uint64_t h = 0;

	for (size_t i = 0; i < len; i++)
		h = name_hash_add(h, (uint8_t)text[i]);
	return name_hash_end(h);
}

static inline void seq_begin(struct dentry *d)
{
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void seq_end(struct dentry *d)
{
	/* Release: pairs with the acquire loads of seq in walks. */
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_SEQ_CST);
}

/* Equal for names of one length?  Safe against a name that changes meanwhile (I1). */
static inline bool name_equal(const struct dentry *d, const struct name *n)
{
	const char *a = READ_ONCE(d->name);

	for (uint32_t i = 0; i < n->len; i++)
		if (a[i] != n->text[i] || !a[i])
			return false;
	return true;
}

struct dentry *dentry_find_rcu(struct dentry *parent, const struct name *n, uint32_t *seq)
{
	struct dentry *d;

	hlist_for_each_entry_rcu(d, &hash_table[bucket_of(parent, n->hash)], hash_node) {
		if (d->hash != n->hash || READ_ONCE(d->parent) != parent || d->len != n->len)
			continue;
		*seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		if (d->hash != n->hash || READ_ONCE(d->parent) != parent || d->len != n->len ||
		    !name_equal(d, n) || hlist_unhashed(&d->hash_node))
			continue;
		if (*seq & 1)
			return NULL;
		return d;
	}
	return NULL;
}

bool dentry_try_ref(struct dentry *d)
{
	int32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

	do {
		if (refs < 0)
			return false;
	} while (!__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

bool dentry_legitimize(struct dentry *d, uint32_t seq)
{
	if (!dentry_try_ref(d))
		return false;
	if (__atomic_load_n(&d->seq, __ATOMIC_SEQ_CST) == seq)	/* I4 */
		return true;
	/* The last put may sleep: hand it to somebody who may.  Rare. */
	dentry_put_later(d);
	return false;
}

void dentry_ref(struct dentry *d)
{
	__atomic_fetch_add(&d->refs, 1, __ATOMIC_SEQ_CST);
}

static void hash_add(struct dentry *d)
{
	uint64_t b = bucket_of(d->parent, d->hash);

	spin_lock(&hash_locks[b % HASH_LOCKS]);
	hlist_add_head_rcu(&d->hash_node, &hash_table[b]);
	spin_unlock(&hash_locks[b % HASH_LOCKS]);
}

static void hash_remove(struct dentry *d)
{
	uint64_t b = bucket_of(d->parent, d->hash);

	spin_lock(&hash_locks[b % HASH_LOCKS]);
	if (!hlist_unhashed(&d->hash_node))
		hlist_del_rcu(&d->hash_node);
	spin_unlock(&hash_locks[b % HASH_LOCKS]);
}

static void dentry_free_rcu(struct rcu_head *head)
{
	struct dentry *d = container_of(head, struct dentry, rcu);

	if (d->name != d->name_inline)
		kfree(d->name);
	slab_free(dentry_cache, d);
}

static void lru_remove(struct dentry *d)
{
	/* refs said dead; pairs with dentry_idle() */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&d->flags, __ATOMIC_SEQ_CST) & DENTRY_ON_LRU))
		return;
	spin_lock(&lru_lock);
	if (d->flags & DENTRY_ON_LRU) {
		list_del(&d->lru);
		__atomic_fetch_and(&d->flags, ~(uint32_t)DENTRY_ON_LRU, __ATOMIC_RELAXED);
		nr_lru--;
	}
	spin_unlock(&lru_lock);
}

/*
 * @d is dead and ours (I3): take it apart.  Returns the parent, whose reference is now the caller's
 * to drop.
 */
static struct dentry *dentry_kill(struct dentry *d)
{
	struct dentry *parent = d->parent;
	struct inode *inode = d->inode;

	seq_begin(d);
	hash_remove(d);
	d->inode = NULL;
	seq_end(d);
	lru_remove(d);
	if (inode) {
		if (inode->nlink == 0)
			notify_gone(inode);
		inode_put(inode);
	}
	rcu_call(&d->rcu, dentry_free_rcu);
	return parent == d ? NULL : parent;
}

static bool claim_dead(struct dentry *d)
{
	int32_t zero = 0;

	return __atomic_compare_exchange_n(&d->refs, &zero, DENTRY_DEAD, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/*
 * Take up to @want idle dentries of @sb (NULL: any) off the LRU list and kill them; the number
 * killed.
 */
static uint64_t lru_shrink(struct super_block *sb, uint64_t want, bool ignore_used)
{
	uint64_t scan, killed = 0;

	spin_lock(&lru_lock);
	scan = nr_lru;
	while (scan-- && killed < want && !list_empty(&lru_list)) {
		struct dentry *d = list_first_entry(&lru_list, struct dentry, lru);
		uint32_t flags = __atomic_load_n(&d->flags, __ATOMIC_RELAXED);

		if (sb && d->sb != sb) {
			list_move_tail(&d->lru, &lru_list);
			continue;
		}
		if ((flags & DENTRY_USED) && !ignore_used) {
			__atomic_fetch_and(&d->flags, ~(uint32_t)DENTRY_USED, __ATOMIC_RELAXED);
			list_move_tail(&d->lru, &lru_list);
			continue;
		}
		list_del(&d->lru);
		__atomic_fetch_and(&d->flags, ~(uint32_t)DENTRY_ON_LRU, __ATOMIC_RELAXED);
		nr_lru--;
		if (!claim_dead(d))
			continue;	/* in use: its next idle moment lists it again */
		spin_unlock(&lru_lock);
		d = dentry_kill(d);
		if (d)
			dentry_put(d);
		killed++;
		spin_lock(&lru_lock);
	}
	spin_unlock(&lru_lock);
	return killed;
}

void dentry_shrink_super(struct super_block *sb)
{
	while (lru_shrink(sb, UINT64_MAX, true))
		;
}

static uint64_t dentry_shrink(struct reclaimer *r, uint64_t want_pages, bool may_sleep)
{
	uint64_t per_page = PAGE_SIZE / sizeof(struct dentry);

	/* Killing drops inodes, which may wait for their pages. */
	return may_sleep ? lru_shrink(NULL, want_pages * per_page, false) / per_page : 0;
}

/*
 * @d has just become idle.  True: it is dead and the caller kills it.  Inside an RCU section (I1).
 */
static bool dentry_idle(struct dentry *d)
{
	uint32_t flags = __atomic_load_n(&d->flags, __ATOMIC_RELAXED);

	/* What is asked anew at each walk (/proc/PID) is not kept: it would outlive its process. */
	if (unlikely(hlist_unhashed(&d->hash_node) || (flags & DENTRY_REVALIDATE)))
		return claim_dead(d);
	if (likely(flags & DENTRY_ON_LRU)) {
		if (!(flags & DENTRY_USED))
			__atomic_fetch_or(&d->flags, DENTRY_USED, __ATOMIC_RELAXED);
		return false;
	}
	spin_lock(&lru_lock);
	/*
	 * First the flag, then the look whether it is dead; lru_remove() does it the other way
	 * round, so one sees the other.
	 */
	if (!(__atomic_fetch_or(&d->flags, DENTRY_ON_LRU, __ATOMIC_SEQ_CST) & DENTRY_ON_LRU)) {
		if (__atomic_load_n(&d->refs, __ATOMIC_SEQ_CST) >= 0) {
			list_add_tail(&d->lru, &lru_list);
			nr_lru++;
		} else {
			__atomic_fetch_and(&d->flags, ~(uint32_t)DENTRY_ON_LRU, __ATOMIC_RELAXED);
		}
	}
	spin_unlock(&lru_lock);
	/* It may have been unhashed while it was on the way to the list. */
	return hlist_unhashed(&d->hash_node) && claim_dead(d);
}

void dentry_put(struct dentry *d)
{
	while (d) {
		bool dead = false;

		rcu_read_lock();
		if (unlikely(__atomic_sub_fetch(&d->refs, 1, __ATOMIC_SEQ_CST) == 0))
			dead = dentry_idle(d);
		rcu_read_unlock();
		if (likely(!dead))
			break;
		d = dentry_kill(d);
	}
	if (unlikely(nr_lru > max_lru) && !in_atomic())
		lru_shrink(NULL, LRU_TRIM, true);
}

struct dentry *dentry_get_parent(struct dentry *d)
{
	struct dentry *parent;

	rcu_read_lock();
	do {
		parent = READ_ONCE(d->parent);
	} while (!dentry_try_ref(parent));	/* dead: @d has moved away from it */
	rcu_read_unlock();
	return parent;
}

static void put_later(struct rcu_head *head)
{
	struct deferred_put *p = container_of(head, struct deferred_put, rcu);

	dentry_put(p->dentry);
	kfree(p);
}

/*
 * From inside an RCU section.  If there is no memory for the note, the reference leaks, which is
 * safe.
 */
void dentry_put_later(struct dentry *d)
{
	struct deferred_put *p;

	/* Usually somebody else holds it as well. */
	if (__atomic_load_n(&d->refs, __ATOMIC_RELAXED) > 1) {
		int32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

		while (refs > 1)
			if (__atomic_compare_exchange_n(&d->refs, &refs, refs - 1, true,
							__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
				return;
	}
	p = kmalloc(sizeof(*p), ALLOC_ATOMIC);
	if (!p)
		return;
	p->dentry = d;
	rcu_call(&p->rcu, put_later);
}

/* Store @n as @d's name, padded with zeros.  False: out of memory. */
static bool name_store(struct dentry *d, const struct name *n)
{
	char *text = d->name_inline;

	memset(d->name_inline, 0, DNAME_INLINE);
	if (n->len >= DNAME_INLINE) {
		text = kzalloc(align_up(n->len + 1, 8), 0);
		if (!text)
			return false;
	}
	memcpy(text, n->text, n->len);
	d->name = text;
	d->len = n->len;
	d->hash = n->hash;
	return true;
}

static struct dentry *dentry_alloc(struct super_block *sb, struct dentry *parent,
				   const struct name *n)
{
	struct dentry *d = slab_alloc(dentry_cache, 0);

	if (!d)
		return NULL;
	if (!name_store(d, n)) {
		slab_free(dentry_cache, d);
		return NULL;
	}
	d->seq = 0;
	hlist_node_init(&d->hash_node);
	d->inode = NULL;
	d->flags = 0;
	d->refs = 1;
	spinlock_init(&d->lock, DENTRY);
	d->sb = sb;
	list_init(&d->children);
	list_init(&d->sibling);
	d->offset = 0;
	d->next_offset = 2;		/* after "." and ".." */
	d->priv = NULL;
	d->parent = d;
	if (parent) {
		d->parent = parent;
		dentry_ref(parent);
		if (sb->dentry_ops)
			d->flags |= DENTRY_REVALIDATE;
	}
	return d;
}

struct dentry *dentry_create_root(struct super_block *sb, struct inode *inode)
{
	static const struct name slash = { .text = "/", .len = 1 };
	struct dentry *d = dentry_alloc(sb, NULL, &slash);

	if (!d) {
		inode_put(inode);
		return NULL;
	}
	d->flags |= DENTRY_ROOT;
	d->inode = inode;
	return d;
}

struct dentry *dentry_create_unlinked(struct dentry *parent, const struct name *n,
				      struct inode *inode)
{
	struct dentry *d = dentry_alloc(parent->sb, parent, n);

	if (!d) {
		inode_put(inode);
		return NULL;
	}
	d->flags |= DENTRY_DELETED;
	d->inode = inode;
	return d;
}

struct dentry *dentry_lookup_cached(struct dentry *parent, const struct name *n)
{
	struct dentry *d;
	uint32_t seq;

	rcu_read_lock();
	d = dentry_find_rcu(parent, n, &seq);
	if (d && !dentry_legitimize(d, seq))
		d = NULL;
	rcu_read_unlock();
	return d;
}

struct dentry *dentry_lookup_locked(struct dentry *parent, const struct name *n)
{
	struct inode *dir = parent->inode;
	struct dentry *d = dentry_lookup_cached(parent, n);
	int err = 0;

	if (d && (d->flags & DENTRY_REVALIDATE) && !d->sb->dentry_ops->revalidate(d)) {
		dentry_unhash(d);
		dentry_put(d);
		d = NULL;
	}
	if (d)
		return d;
	if (n->len > NAME_LEN_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	d = dentry_alloc(parent->sb, parent, n);
	if (!d)
		return ERR_PTR(-ENOMEM);
	if (dir->ops->lookup)
		err = dir->ops->lookup(dir, d);
	else
		dentry_attach(d, NULL);
	if (!err)
		return d;
	dentry_put(d);
	return ERR_PTR(err);
}

void dentry_attach(struct dentry *d, struct inode *inode)
{
	seq_begin(d);
	d->inode = inode;
	seq_end(d);
	if (hlist_unhashed(&d->hash_node))
		hash_add(d);
}

void dentry_unhash(struct dentry *d)
{
	seq_begin(d);
	hash_remove(d);
	seq_end(d);
}

void dentry_detach(struct dentry *d)
{
	struct inode *gone = NULL;

	seq_begin(d);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&d->refs, __ATOMIC_SEQ_CST) == 1 && !S_ISDIR(d->inode->mode)) {
		gone = d->inode;	/* I4: the caller is the only user */
		d->inode = NULL;
	} else {
		hash_remove(d);
		__atomic_fetch_or(&d->flags, DENTRY_DELETED, __ATOMIC_RELAXED);
	}
	seq_end(d);
	if (gone)
		inode_put(gone);
}

static void list_child(struct dentry *d)
{
	struct dentry *parent = d->parent;

	spin_lock(&parent->lock);
	d->offset = parent->next_offset++;
	list_add_tail(&d->sibling, &parent->children);
	spin_unlock(&parent->lock);
}

static void unlist_child(struct dentry *d)
{
	struct dentry *parent = d->parent;

	spin_lock(&parent->lock);
	list_del_init(&d->sibling);
	spin_unlock(&parent->lock);
}

void dentry_pin(struct dentry *d)
{
	dentry_ref(d);
	d->flags |= DENTRY_PINNED;
	list_child(d);
}

void dentry_unpin(struct dentry *d)
{
	unlist_child(d);
	__atomic_fetch_and(&d->flags, ~(uint32_t)DENTRY_PINNED, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&d->refs, 1, __ATOMIC_SEQ_CST);	/* the caller holds another */
}

static void swap_names(struct dentry *a, struct dentry *b)
{
	char text[DNAME_INLINE];
	bool a_inline = a->name == a->name_inline, b_inline = b->name == b->name_inline;
	const char *a_name = a->name, *b_name = b->name;

	memcpy(text, a->name_inline, DNAME_INLINE);
	memcpy(a->name_inline, b->name_inline, DNAME_INLINE);
	memcpy(b->name_inline, text, DNAME_INLINE);
	a->name = b_inline ? a->name_inline : b_name;
	b->name = a_inline ? b->name_inline : a_name;
	swap_values(a->len, b->len);
	swap_values(a->hash, b->hash);
}

static void move_begin(struct dentry *a, struct dentry *b)
{
	spin_lock(&move_lock);
	__atomic_store_n(&dentry_move_seq, dentry_move_seq + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	seq_begin(a);
	seq_begin(b);
	hash_remove(a);
	hash_remove(b);
	if (a->flags & DENTRY_PINNED)
		unlist_child(a);
	if (b->flags & DENTRY_PINNED)
		unlist_child(b);
}

static void move_end(struct dentry *a, struct dentry *b)
{
	if (a->flags & DENTRY_PINNED)
		list_child(a);
	if (b->flags & DENTRY_PINNED)
		list_child(b);
	seq_end(b);
	seq_end(a);
	__atomic_store_n(&dentry_move_seq, dentry_move_seq + 1, __ATOMIC_SEQ_CST);
	spin_unlock(&move_lock);
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
	move_begin(a, b);
	swap_names(a, b);
	swap_values(a->parent, b->parent);	/* each keeps its one reference to one parent */
	hash_add(a);
	hash_add(b);
	move_end(a, b);
}

/*
 * A target that is negative takes the old name and stays cached: the next move back finds
 * it.  One that is still open goes unhashed and gets the old name; it shows as deleted.
 */
void dentry_move(struct dentry *d, struct dentry *target)
{
	bool keep = dentry_is_negative(target);

	move_begin(d, target);
	swap_names(d, target);
	swap_values(d->parent, target->parent);
	hash_add(d);
	if (keep)
		hash_add(target);
	move_end(d, target);
}

bool dentry_has_children(struct dentry *d)
{
	return !list_empty(&d->children);
}

bool dentry_is_below(const struct dentry *d, const struct dentry *ancestor)
{
	const struct dentry *p;
	uint32_t seq;
	bool below;

	do {
		seq = __atomic_load_n(&dentry_move_seq, __ATOMIC_ACQUIRE);
		below = false;
		rcu_read_lock();
		for (p = d; !below; p = p->parent) {
			below = p == ancestor;
			if (p->parent == p)
				break;
		}
		rcu_read_unlock();
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	} while ((seq & 1) || seq != __atomic_load_n(&dentry_move_seq, __ATOMIC_ACQUIRE));
	return below;
}

static unsigned int mode_to_dtype(uint32_t mode)
{
	return mode >> 12 & 15;
}

/*
 * The first listed child at or after @offset: a reference, or NULL.  @hint: where the last call
 * stopped.
 */
static struct dentry *child_from(struct dentry *dir, struct dentry *hint, int64_t offset)
{
	struct dentry *d, *found = NULL;

	spin_lock(&dir->lock);
	if (hint && hint->offset == offset && hint->parent == dir && !list_empty(&hint->sibling)) {
		found = hint;
	} else {
		list_for_each_entry(d, &dir->children, sibling) {
			if (d->offset >= offset) {
				found = d;
				break;
			}
		}
	}
	if (found)
		dentry_ref(found);	/* listed, so pinned, so alive */
	spin_unlock(&dir->lock);
	return found;
}

static struct dentry *child_next(struct dentry *dir, struct dentry *d)
{
	struct dentry *next = NULL;
	int64_t offset = d->offset + 1;

	spin_lock(&dir->lock);
	if (!list_empty(&d->sibling) && d->parent == dir) {
		if (!list_is_last(&d->sibling, &dir->children)) {
			next = list_next_entry(d, sibling);
			dentry_ref(next);
		}
		spin_unlock(&dir->lock);
	} else {
		spin_unlock(&dir->lock);
		next = child_from(dir, NULL, offset);
	}
	dentry_put(d);
	return next;
}

/* f->priv remembers the next child, so that a long directory is not searched at every call. */
int dentry_iterate(struct file *f, struct dir_context *ctx)
{
	struct dentry *dir = f->path.dentry, *d, *hint = f->priv;
	int err = 0;

	if (ctx->offset == 0) {
		err = ctx->emit(ctx, ".", 1, 1, dir->inode->ino, DT_DIR);
		if (err)
			return 0;
		ctx->offset = 1;
	}
	if (ctx->offset == 1) {
		err = ctx->emit(ctx, "..", 2, 2, dir->parent->inode->ino, DT_DIR);
		if (err)
			return 0;
		ctx->offset = 2;
	}
	f->priv = NULL;
	for (d = child_from(dir, hint, ctx->offset); d; d = child_next(dir, d)) {
		struct inode *inode = READ_ONCE(d->inode);

		if (inode && ctx->emit(ctx, d->name, d->len, d->offset + 1, inode->ino,
				       mode_to_dtype(inode->mode))) {
			ctx->offset = d->offset;
			f->priv = d;
			break;
		}
		ctx->offset = d->offset + 1;
	}
	if (hint)
		dentry_put(hint);
	return 0;
}

void dentry_iterate_release(struct file *f)
{
	if (f->priv)
		dentry_put(f->priv);
}

static struct reclaimer dentry_reclaimer = { .name = "dentries", .shrink = dentry_shrink };

void dcache_init(void)
{
	struct page_stats stats;
	uint64_t buckets;

	dentry_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "dentry", .size = sizeof(struct dentry), .align = 64 });
	page_stats(&stats);
	buckets = clamp(roundup_pow2(stats.total / 8), 256ULL, 1ULL << 20);
	hash_table = kvmalloc(buckets * sizeof(*hash_table), ALLOC_ZERO);
	if (IS_ERR(dentry_cache) || !hash_table)
		panic("fs: no memory for the name cache");
	hash_shift = 64 - ilog2(buckets);
	max_lru = max(stats.total / 4, 512ULL);
	for (unsigned int i = 0; i < HASH_LOCKS; i++)
		spinlock_init(&hash_locks[i], HASH);
	spinlock_init(&lru_lock, HASH);
	spinlock_init(&move_lock, DENTRY);
	reclaim_register(&dentry_reclaimer);
}
