/* SPDX-License-Identifier: MIT */
/*
 * The index of large directories: a tree by hash of the name, whose leaves are ordinary blocks of
 * entries.
 *
 *	root	block 0: "." and "..", then the kind of hash, the number of levels and entries
 *	node	a block that looks like one free record, then entries
 *	entry	{hash, block}: names from this hash on are in that block.  Entry 0 has no hash but
 *		the
 *		room and the number of entries.  An odd hash says that names with the same hash also
 *		stand in the block before ("continued").
 *
 * As with extents, an insertion makes room by one step that leaves a correct tree, then looks anew.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "ext4.h"

#define ROOT_ENTRIES	32u		/* where they begin in block 0 */
#define NODE_ENTRIES	8u
#define MAX_LEVELS	3u

struct frame {
	struct buf *buf;
	struct dx_entry *entries;
	uint32_t at;
};
struct probe {
	struct frame frames[MAX_LEVELS];
	uint32_t nr;			/* frames in use */
	uint32_t hash;
	uint8_t version;
};

static struct dx_limit *limit_of(const struct dx_entry *e) { return (struct dx_limit *)e; }
static uint32_t count(const struct frame *f) { return le16_to_cpu(limit_of(f->entries)->count); }
static uint32_t limit(const struct frame *f) { return le16_to_cpu(limit_of(f->entries)->limit); }
static void set_count(struct frame *f, uint32_t n)
{
	limit_of(f->entries)->count = cpu_to_le16((uint16_t)n);
}
static uint32_t child(const struct frame *f)
{
	return le32_to_cpu(f->entries[f->at].block) & 0x0fffffff;
}
static struct dx_root_info *info_of(const struct buf *root)
{
	return (struct dx_root_info *)((uint8_t *)root->data + 24);
}

static uint32_t room(const struct ext4_fs *fs, uint32_t start)
{
	return (fs->block_size - start - (ext4_has_csum(fs) ? sizeof(struct dx_tail) : 0)) /
		sizeof(struct dx_entry);
}

static int damaged(struct inode *dir)
{
	return ext4_damaged(ext4_fs_of(dir), "directory %llu: index", (unsigned long long)dir->ino);
}

static uint32_t max_levels(const struct ext4_fs *fs)
{
	return fs->incompat & INCOMPAT_LARGEDIR ? 3 : 2;
}

/* Do the entries from @start on stay within the block? */
static bool counts_ok(const struct ext4_fs *fs, const struct buf *b, uint32_t start)
{
	const struct dx_limit *l = (const void *)((const uint8_t *)b->data + start);
	uint32_t n = le16_to_cpu(l->count);

	return n && n <= le16_to_cpu(l->limit) && le16_to_cpu(l->limit) <= room(fs, start);
}

static bool root_ok(const struct ext4_fs *fs, const struct buf *b)
{
	const struct disk_dirent *dotdot = (const void *)((const uint8_t *)b->data + 12);
	const struct dx_root_info *info = info_of(b);

	return le16_to_cpu(((const struct disk_dirent *)b->data)->rec_len) == 12 &&
	       le16_to_cpu(dotdot->rec_len) == fs->block_size - 12 && !info->zero.raw &&
	       info->info_len == 8 && info->hash_version <= DX_TEA && !(info->flags & 1) &&
	       info->levels < max_levels(fs) && counts_ok(fs, b, ROOT_ENTRIES);
}

static bool node_ok(const struct ext4_fs *fs, const struct buf *b)
{
	const struct disk_dirent *e = b->data;

	return !e->ino.raw && le16_to_cpu(e->rec_len) == fs->block_size &&
	       counts_ok(fs, b, NODE_ENTRIES);
}

static uint32_t start_of(const struct buf *b)
{
	return le16_to_cpu(((const struct disk_dirent *)b->data)->rec_len) == 12 ? ROOT_ENTRIES :
		NODE_ENTRIES;
}

static struct dx_tail *tail_of(const struct buf *b, uint32_t start)
{
	const struct dx_limit *l = (const void *)((const uint8_t *)b->data + start);

	return (struct dx_tail *)((uint8_t *)b->data + start +
				  le16_to_cpu(l->limit) * sizeof(struct dx_entry));
}

static uint32_t csum(struct inode *dir, const struct buf *b, uint32_t start)
{
	const struct dx_limit *l = (const void *)((const uint8_t *)b->data + start);

	return ext4_csum_dx(EXT4_I(dir), b->data,
			    start + le16_to_cpu(l->count) * (uint32_t)sizeof(struct dx_entry),
			    tail_of(b, start));
}

/* An index block as read: it is what it should be, and its checksum is right. */
bool ext4_dx_block_ok(struct inode *dir, const struct buf *b, uint32_t lblock)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t start = lblock ? NODE_ENTRIES : ROOT_ENTRIES;

	if (!(lblock ? node_ok(fs, b) : root_ok(fs, b)))
		return false;
	return !ext4_has_csum(fs) ||
	       le32_to_cpu(tail_of(b, start)->checksum) == csum(dir, b, start);
}

void ext4_dx_csum_set(struct inode *dir, struct buf *b)
{
	uint32_t start = start_of(b);

	if (ext4_has_csum(ext4_fs_of(dir)))
		tail_of(b, start)->checksum = cpu_to_le32(csum(dir, b, start));
}

static void dirty(struct journal_handle *h, struct inode *dir, struct buf *b)
{
	ext4_dx_csum_set(dir, b);
	journal_dirty(h, b);
}

static void put_frames(struct probe *p)
{
	while (p->nr)
		buf_put(p->frames[--p->nr].buf);
}

/* The last entry that is not behind @hash. */
static uint32_t search(const struct frame *f, uint32_t hash)
{
	uint32_t low = 1, high = count(f);

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (le32_to_cpu(f->entries[mid].hash) > hash)
			high = mid;
		else
			low = mid + 1;
	}
	return low - 1;
}

/* Checked again each time: another block of a damaged medium may be this one, too. */
static int push(struct inode *dir, struct probe *p, uint32_t lblock)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t start = lblock ? NODE_ENTRIES : ROOT_ENTRIES;
	struct buf *b = ext4_dir_read(dir, lblock, true);
	struct frame *f = &p->frames[p->nr];

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	if (!(lblock ? node_ok(fs, b) : root_ok(fs, b)) || (p->nr && !lblock)) {
		buf_put(b);
		return damaged(dir);
	}
	f->buf = b;
	f->entries = (struct dx_entry *)((uint8_t *)b->data + start);
	p->nr++;
	return 0;
}

/* From the root to the entry of the leaf. */
static int probe(struct inode *dir, const char *name, uint32_t len, struct probe *p)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t levels;
	int err;

	p->nr = 0;
	err = push(dir, p, 0);
	if (err)
		return err;
	levels = info_of(p->frames[0].buf)->levels;
	p->version = info_of(p->frames[0].buf)->hash_version;
	p->hash = ext4_hash(fs, p->version, name, len);
	for (;;) {
		struct frame *f = &p->frames[p->nr - 1];

		f->at = search(f, p->hash);
		if (p->nr > levels)
			return 0;
		err = push(dir, p, child(f));
		if (err) {
			put_frames(p);
			return err;
		}
	}
}

/* Step to the next leaf if it continues our hash: 1, 0, -errno. */
static int next_leaf(struct inode *dir, struct probe *p)
{
	uint32_t depth = p->nr, i = p->nr;
	struct frame *f;

	do {
		if (!i)
			return 0;
		f = &p->frames[--i];
		f->at++;
	} while (f->at >= count(f));
	if (le32_to_cpu(f->entries[f->at].hash) != (p->hash | 1))
		return 0;
	while (p->nr > i + 1)
		buf_put(p->frames[--p->nr].buf);
	while (p->nr < depth) {
		int err = push(dir, p, child(&p->frames[p->nr - 1]));

		if (err)
			return err;
		p->frames[p->nr - 1].at = 0;
	}
	return 1;
}

int ext4_htree_find(struct inode *dir, const char *name, uint32_t len, struct ext4_found *found)
{
	struct probe p;
	int err = probe(dir, name, len, &p);

	if (err)
		return err;
	/* Each step goes on in an index block, so it ends. */
	do {
		struct buf *b = ext4_dir_read(dir, child(&p.frames[p.nr - 1]), false);

		if (IS_ERR(b)) {
			err = (int)PTR_ERR(b);
			break;
		}
		err = ext4_search_block(dir, b, name, len, found);
		if (!err)
			break;
		buf_put(b);
		if (err == -ENOENT) {
			int more = next_leaf(dir, &p);

			if (more > 0)
				continue;
			err = more ? more : err;
		}
		break;
	} while (true);
	put_frames(&p);
	return err;
}

/* Behind the frame's place, which has room. */
static void insert(struct frame *f, uint32_t hash, uint32_t lblock)
{
	struct dx_entry *e = &f->entries[f->at + 1];

	memmove(e + 1, e, (count(f) - f->at - 1) * sizeof(*e));
	e->hash = cpu_to_le32(hash);
	e->block = cpu_to_le32(lblock);
	set_count(f, count(f) + 1);
}

/* An empty node at the end of the directory. */
static int new_node(struct journal_handle *h, struct inode *dir, struct frame *f, uint32_t *lblock)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);

	f->buf = ext4_dir_append(h, dir, lblock);
	if (IS_ERR(f->buf))
		return (int)PTR_ERR(f->buf);
	memset(f->buf->data, 0, f->buf->size);
	((struct disk_dirent *)f->buf->data)->rec_len = cpu_to_le16((uint16_t)fs->block_size);
	f->entries = (struct dx_entry *)((uint8_t *)f->buf->data + NODE_ENTRIES);
	limit_of(f->entries)->limit = cpu_to_le16((uint16_t)room(fs, NODE_ENTRIES));
	buf_set_flags(f->buf, BUF_PRIV_2);
	return 0;
}

/* A level more: the root's entries move to a node. */
static int grow(struct journal_handle *h, struct inode *dir, struct probe *p)
{
	struct frame *root = &p->frames[0], node;
	struct dx_root_info *info = info_of(root->buf);
	uint32_t lblock, n = count(root);
	int err;

	if (info->levels + 1u >= max_levels(ext4_fs_of(dir)))
		return -ENOSPC;
	err = journal_access(h, root->buf);
	if (!err)
		err = new_node(h, dir, &node, &lblock);
	if (err)
		return err;
	memcpy(node.entries + 1, root->entries + 1, (n - 1) * sizeof(*node.entries));
	node.entries[0].block = root->entries[0].block;
	set_count(&node, n);
	set_count(root, 1);
	root->entries[0].block = cpu_to_le32(lblock);
	info->levels++;
	dirty(h, dir, node.buf);
	dirty(h, dir, root->buf);
	buf_put(node.buf);
	return 0;
}

/* The full node @i gives its upper half to a new one; the one above has room. */
static int split_node(struct journal_handle *h, struct inode *dir, struct probe *p, uint32_t i)
{
	struct frame *f = &p->frames[i], *up = &p->frames[i - 1], right;
	uint32_t n = count(f), keep = n / 2, lblock;
	int err = journal_access(h, f->buf);

	if (!err)
		err = journal_access(h, up->buf);
	if (!err)
		err = new_node(h, dir, &right, &lblock);
	if (err)
		return err;
	memcpy(right.entries + 1, f->entries + keep + 1, (n - keep - 1) * sizeof(*f->entries));
	right.entries[0].block = f->entries[keep].block;
	insert(up, le32_to_cpu(f->entries[keep].hash), lblock);
	set_count(&right, n - keep);
	set_count(f, keep);
	dirty(h, dir, right.buf);
	dirty(h, dir, f->buf);
	dirty(h, dir, up->buf);
	buf_put(right.buf);
	return 0;
}

static int make_room(struct journal_handle *h, struct inode *dir, struct probe *p)
{
	for (uint32_t i = p->nr - 1; i-- > 0;) {
		if (count(&p->frames[i]) < limit(&p->frames[i]))
			return split_node(h, dir, p, i + 1);
	}
	return grow(h, dir, p);
}

/* An entry of a leaf that is being split. */
struct slot { uint32_t hash; uint16_t offset, size; };

static int compare_slots(const void *a, const void *b, void *arg)
{
	const struct slot *x = a, *y = b;

	(void)arg;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The entries of a leaf by hash: how many, or -errno. */
static int collect(struct inode *dir, const struct buf *b, uint8_t version, struct slot *slots)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t n = 0;

	for (uint32_t o = 0; o < ext4_dir_limit(fs);) {
		const struct disk_dirent *e = (const void *)((const uint8_t *)b->data + o);

		if (!ext4_dirent_ok(fs, b->data, o))
			return damaged(dir);
		if (e->ino.raw)
			slots[n++] = (struct slot){ ext4_hash(fs, version, e->name, e->name_len),
				(uint16_t)o, (uint16_t)ext4_dirent_size(e->name_len) };
		o += le16_to_cpu(e->rec_len);
	}
	sort(slots, n, sizeof(*slots), compare_slots, NULL);
	return (int)n;
}

/* Fill the empty @to with entries of @from. */
static void copy_slots(struct inode *dir, struct buf *to, const void *from,
		       const struct slot *slots, uint32_t n)
{
	uint32_t o = 0, limit_bytes = ext4_dir_limit(ext4_fs_of(dir));

	for (uint32_t i = 0; i < n; i++) {
		struct disk_dirent *e = (struct disk_dirent *)((uint8_t *)to->data + o);
		uint32_t size = i + 1 == n ? limit_bytes - o : slots[i].size;

		memcpy(e, (const uint8_t *)from + slots[i].offset, slots[i].size);
		e->rec_len = cpu_to_le16((uint16_t)size);
		o += size;
	}
	ext4_dir_csum_set(dir, to);
}

/* Where to divide: about half of the bytes on each side. */
static uint32_t divide(const struct ext4_fs *fs, const struct slot *slots, uint32_t n)
{
	uint32_t bytes = 0, i = n;

	while (i > 1 && bytes + slots[i - 1].size / 2 <= fs->block_size / 2)
		bytes += slots[--i].size;
	return min(i, n - 1);
}

struct leaf_split { struct slot *slots; void *copy; uint32_t n; };

static int split_into(struct journal_handle *h, struct inode *dir, struct probe *p, struct buf *b,
		      struct leaf_split *s)
{
	struct frame *f = &p->frames[p->nr - 1];
	uint32_t lblock, at, hash;
	struct buf *right;
	int err = journal_access(h, b);

	if (!err)
		err = journal_access(h, f->buf);
	if (err)
		return err;
	right = ext4_dir_append(h, dir, &lblock);
	if (IS_ERR(right))
		return (int)PTR_ERR(right);
	memcpy(s->copy, b->data, b->size);
	at = divide(ext4_fs_of(dir), s->slots, s->n);
	hash = s->slots[at].hash | (s->slots[at].hash == s->slots[at - 1].hash);
	ext4_dir_block_init(dir, b);
	copy_slots(dir, b, s->copy, s->slots, at);
	copy_slots(dir, right, s->copy, s->slots + at, s->n - at);
	insert(f, hash, lblock);
	journal_dirty(h, b);
	journal_dirty(h, right);
	dirty(h, dir, f->buf);
	buf_put(right);
	return 0;
}

static int split_leaf(struct journal_handle *h, struct inode *dir, struct probe *p, struct buf *b)
{
	struct leaf_split s = {
		.slots = kmalloc(b->size / 12 * sizeof(struct slot), 0),
		.copy = kmalloc(b->size, 0),
	};
	int err = -ENOMEM;

	if (s.slots && s.copy) {
		err = collect(dir, b, p->version, s.slots);
		s.n = (uint32_t)max(err, 0);
		if (err >= 0)
			err = s.n < 2 ? damaged(dir) : split_into(h, dir, p, b, &s);
	}
	kfree(s.slots);
	kfree(s.copy);
	return err;
}

/* 0: added; -EAGAIN: there is more room now; else -errno. */
static int add_once(struct journal_handle *h, struct inode *dir, const char *name, uint32_t len,
		    const struct ext4_found *what)
{
	struct frame *f;
	struct probe p;
	struct buf *b;
	int err = probe(dir, name, len, &p);

	if (err)
		return err;
	f = &p.frames[p.nr - 1];
	b = ext4_dir_read(dir, child(f), false);
	if (IS_ERR(b)) {
		err = (int)PTR_ERR(b);
	} else {
		err = ext4_dir_add_in(h, dir, b, name, len, what->ino, what->type);
		if (err == -ENOSPC) {
			err = count(f) < limit(f) ? split_leaf(h, dir, &p, b) :
				make_room(h, dir, &p);
			err = err ? err : -EAGAIN;
		}
		buf_put(b);
	}
	put_frames(&p);
	return err;
}

int ext4_htree_add(struct journal_handle *h, struct inode *dir, const char *name, uint32_t len,
		   uint32_t ino, uint8_t type)
{
	struct ext4_found what = { .ino = ino, .type = type };
	int err = -EAGAIN;

	for (unsigned int tries = 0; err == -EAGAIN && tries < 16; tries++)
		err = add_once(h, dir, name, len, &what);
	return err == -EAGAIN ? damaged(dir) : err;
}

/* The entries behind ".." of block 0 as slots in their order. */
static int collect_tail(struct inode *dir, const struct buf *b, struct slot *slots)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t n = 0;

	for (uint32_t o = 0; o < ext4_dir_limit(fs);) {
		const struct disk_dirent *e = (const void *)((const uint8_t *)b->data + o);

		if (!ext4_dirent_ok(fs, b->data, o))
			return damaged(dir);
		if (o >= 24 && e->ino.raw)
			slots[n++] = (struct slot){ 0, (uint16_t)o,
				(uint16_t)ext4_dirent_size(e->name_len) };
		o += le16_to_cpu(e->rec_len);
	}
	return (int)n;
}

static bool begins_with_dots(const struct buf *b)
{
	const struct disk_dirent *dot = b->data;
	const struct disk_dirent *dotdot = (const void *)((const uint8_t *)b->data + 12);

	return le16_to_cpu(dot->rec_len) == 12 && dot->name_len == 1 && dot->name[0] == '.' &&
	       dotdot->name_len == 2 && dotdot->name[0] == '.' && dotdot->name[1] == '.' &&
	       le16_to_cpu(dotdot->rec_len) >= 12;
}

static void make_root(struct inode *dir, struct buf *b, uint32_t leaf)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	struct disk_dirent *dotdot = (struct disk_dirent *)((uint8_t *)b->data + 12);
	struct frame root = { b, (struct dx_entry *)((uint8_t *)b->data + ROOT_ENTRIES), 0 };

	memset((uint8_t *)b->data + 24, 0, b->size - 24);
	dotdot->rec_len = cpu_to_le16((uint16_t)(fs->block_size - 12));
	info_of(b)->hash_version = fs->hash_version;
	info_of(b)->info_len = 8;
	limit_of(root.entries)->limit = cpu_to_le16((uint16_t)room(fs, ROOT_ENTRIES));
	set_count(&root, 1);
	root.entries[0].block = cpu_to_le32(leaf);
}

int ext4_htree_make(struct journal_handle *h, struct inode *dir, struct buf *first)
{
	struct slot *slots = kmalloc(first->size / 12 * sizeof(*slots), 0);
	uint32_t lblock;
	struct buf *leaf;
	int n, err;

	if (!slots)
		return -ENOMEM;
	n = begins_with_dots(first) ? collect_tail(dir, first, slots) : damaged(dir);
	err = n < 0 ? n : journal_access(h, first);
	if (!err) {
		leaf = ext4_dir_append(h, dir, &lblock);
		err = PTR_ERR_OR_ZERO(leaf);
	}
	if (!err) {
		copy_slots(dir, leaf, first->data, slots, (uint32_t)n);
		journal_dirty(h, leaf);
		buf_put(leaf);
		make_root(dir, first, lblock);
		EXT4_I(dir)->flags |= FLAG_INDEX;
		dirty(h, dir, first);
	}
	kfree(slots);
	return err;
}
