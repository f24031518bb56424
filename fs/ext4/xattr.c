/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: in the rest of a large inode, and in one block.
 *
 * Both places hold entries from the front and values from the back.  A change builds the whole set
 * anew: all attributes are read into a list, changed there, laid out (the inode first, what does
 * not fit in the block), and written; so checks come before changes.  A block that several inodes
 * share (Linux does that) is never changed, but copied.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/xattr.h>

#include "ext4.h"

#define BUF_XATTR_OK	BUF_PRIV_3	/* its checksum was right */
#define ENTRY_HEAD	16u
#define VALUE_MAX	65536u

struct attr {
	struct list node;
	uint8_t index, name_len;
	char name[256];			/* without the prefix, terminated */
	uint32_t size;
	uint8_t *value;
	bool in_block;			/* where it will be */
};

/* What a place holds: entries within [first, end), value offsets count from base. */
struct area { const uint8_t *first, *end, *base; };

struct prefix { const char *text; uint8_t index; bool whole; };

static const struct prefix prefixes[] = {
	{ "user.", 1, false }, { "system.posix_acl_access", 2, true },
	{ "system.posix_acl_default", 3, true }, { "trusted.", 4, false },
	{ "security.", 6, false }, { "system.", 7, false },
};

static const char *split_name(const char *name, uint8_t *index)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i].text);

		if (strncmp(name, prefixes[i].text, n))
			continue;
		if (prefixes[i].whole ? name[n] : !name[n])
			continue;
		*index = prefixes[i].index;
		return name + n;
	}
	return NULL;
}

static const char *prefix_of(uint8_t index)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (prefixes[i].index == index)
			return prefixes[i].text;
	}
	return NULL;
}

static uint32_t entry_size(uint32_t name_len) { return (ENTRY_HEAD + name_len + 3) & ~3u; }
static uint32_t value_size(uint32_t n) { return (n + 3) & ~3u; }

static int damaged(struct inode *inode)
{
	return ext4_damaged(ext4_fs_of(inode), "inode %llu: extended attributes",
			    (unsigned long long)inode->ino);
}

static void free_list(struct list *attrs)
{
	struct attr *a, *next;

	list_for_each_entry_safe(a, next, attrs, node) {
		list_del(&a->node);
		kfree(a->value);
		kfree(a);
	}
}

static struct attr *attr_create(uint8_t index, const char *name, uint32_t name_len,
				const void *value, uint32_t size)
{
	struct attr *a = kzalloc(sizeof(*a), 0);

	if (!a)
		return NULL;
	a->index = index;
	a->name_len = (uint8_t)name_len;
	memcpy(a->name, name, name_len);
	a->size = size;
	a->value = kmalloc(max(size, 1u), 0);
	if (!a->value) {
		kfree(a);
		return NULL;
	}
	memcpy(a->value, value, size);
	return a;
}

static bool is_last(const uint8_t *p) { return !get_le32(p); }

/* One entry, checked; the place of the next in *next. */
static int read_entry(struct inode *inode, const struct area *area, const uint8_t *p,
		      struct list *attrs)
{
	const struct disk_xattr *e = (const void *)p;
	uint32_t size, offset = le16_to_cpu(e->value_offset);
	struct attr *a;

	if (p + ENTRY_HEAD > area->end || p + entry_size(e->name_len) + 4 > area->end)
		return damaged(inode);
	size = le32_to_cpu(e->value_size);
	if (e->value_ino.raw || size > VALUE_MAX ||
	    !range_within(offset, size, (uint64_t)(area->end - area->base)))
		return damaged(inode);
	a = attr_create(e->index, e->name, e->name_len, area->base + offset, size);
	if (!a)
		return -ENOMEM;
	list_add_tail(&a->node, attrs);
	return 0;
}

static int read_area(struct inode *inode, const struct area *area, struct list *attrs)
{
	const uint8_t *p = area->first;

	while (p + 4 <= area->end && !is_last(p)) {
		int err = read_entry(inode, area, p, attrs);

		if (err)
			return err;
		p += entry_size(((const struct disk_xattr *)p)->name_len);
	}
	return 0;
}

/* Bytes of the inode for attributes, its magic number excluded; 0: none. */
static uint32_t inode_room(const struct inode *inode)
{
	const struct ext4_fs *fs = ext4_fs_of(inode);
	const struct ext4_inode *ei = container_of((struct inode *)inode, struct ext4_inode, inode);
	uint32_t used = EXT4_OLD_INODE_SIZE + ei->extra_isize + 4;

	return ei->extra_isize && fs->inode_size > used + 4 ? fs->inode_size - used : 0;
}

static int read_in_inode(struct inode *inode, struct list *attrs)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t offset, room = inode_room(inode);
	struct area area;
	const uint8_t *p;
	struct buf *b;
	int err = 0;

	if (!room)
		return 0;
	b = ext4_inode_place(fs, inode->ino, &offset);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	p = (const uint8_t *)b->data + offset + fs->inode_size - room - 4;
	if (get_le32(p) == XATTR_MAGIC) {
		area = (struct area){ p + 4, p + 4 + room, p + 4 };
		err = read_area(inode, &area, attrs);
	}
	buf_put(b);
	return err;
}

static struct buf *read_block(struct inode *inode)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint64_t block = EXT4_I(inode)->xattr_block;
	const struct disk_xattr_header *head;
	struct buf *b;

	if (!ext4_blocks_ok(fs, block, 1))
		return ERR_PTR(damaged(inode));
	b = buf_read(fs->cache, block);
	if (IS_ERR(b))
		return b;
	head = b->data;
	if (le32_to_cpu(head->magic) != XATTR_MAGIC || le32_to_cpu(head->blocks) != 1 ||
	    !head->refs.raw || (!buf_has(b, BUF_XATTR_OK) && !ext4_csum_xattr_ok(fs, b))) {
		buf_put(b);
		return ERR_PTR(damaged(inode));
	}
	buf_set_flags(b, BUF_XATTR_OK);
	return b;
}

static int read_in_block(struct inode *inode, struct list *attrs)
{
	struct area area;
	const uint8_t *p;
	struct buf *b;
	int err;

	if (!EXT4_I(inode)->xattr_block)
		return 0;
	b = read_block(inode);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	p = b->data;
	area = (struct area){ p + sizeof(struct disk_xattr_header), p + b->size, p };
	err = read_area(inode, &area, attrs);
	buf_put(b);
	return err;
}

/* All attributes; on failure the list is empty.  xattr_lock held. */
static int read_all(struct inode *inode, struct list *attrs)
{
	int err;

	list_init(attrs);
	if (!EXT4_I(inode)->has_xattrs)
		return 0;
	err = read_in_inode(inode, attrs);
	if (!err)
		err = read_in_block(inode, attrs);
	if (err)
		free_list(attrs);
	else if (list_empty(attrs))
		EXT4_I(inode)->has_xattrs = false;
	return err;
}

static struct attr *find(struct list *attrs, uint8_t index, const char *name)
{
	struct attr *a;

	list_for_each_entry(a, attrs, node) {
		if (a->index == index && str_eq(a->name, name))
			return a;
	}
	return NULL;
}

static bool is_acl(uint8_t index) { return index == 2 || index == 3; }

static ssize_t give_value(const struct attr *a, void *value, size_t size)
{
	if (is_acl(a->index))
		return ext4_acl_from_disk(a->value, a->size, value, size);
	if (!size)
		return a->size;
	if (size < a->size)
		return -ERANGE;
	memcpy(value, a->value, a->size);
	return a->size;
}

ssize_t ext4_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct list attrs;
	struct attr *a;
	uint8_t index;
	ssize_t n;

	name = split_name(name, &index);
	if (!name)
		return -EOPNOTSUPP;
	if (!EXT4_I(inode)->has_xattrs)
		return -ENODATA;
	rwsem_lock_read(&EXT4_I(inode)->xattr_lock);
	n = read_all(inode, &attrs);
	rwsem_unlock_read(&EXT4_I(inode)->xattr_lock);
	if (n)
		return n;
	a = find(&attrs, index, name);
	n = a ? give_value(a, value, size) : -ENODATA;
	free_list(&attrs);
	return n;
}

ssize_t ext4_listxattr(struct inode *inode, char *list, size_t size)
{
	struct list attrs;
	struct attr *a;
	ssize_t n;
	size_t at = 0;

	rwsem_lock_read(&EXT4_I(inode)->xattr_lock);
	n = read_all(inode, &attrs);
	rwsem_unlock_read(&EXT4_I(inode)->xattr_lock);
	if (n)
		return n;
	list_for_each_entry(a, &attrs, node) {
		const char *prefix = prefix_of(a->index);
		size_t p = prefix ? strlen(prefix) : 0;

		if (!prefix)
			continue;
		if (size && at + p + a->name_len + 1 > size) {
			free_list(&attrs);
			return -ERANGE;
		}
		if (size) {
			memcpy(list + at, prefix, p);
			memcpy(list + at + p, a->name, a->name_len + 1u);
		}
		at += p + a->name_len + 1;
	}
	free_list(&attrs);
	return (ssize_t)at;
}

/* Decide where each goes: the inode first.  -ENOSPC. */
static int lay_out(struct inode *inode, struct list *attrs)
{
	uint32_t in_inode = inode_room(inode), in_block = ext4_fs_of(inode)->block_size;
	struct attr *a;

	in_block -= sizeof(struct disk_xattr_header) + 4;
	in_inode = in_inode > 4 ? in_inode - 4 : 0;
	list_for_each_entry(a, attrs, node) {
		uint32_t need = entry_size(a->name_len) + value_size(a->size);

		a->in_block = need > in_inode;
		if (!a->in_block)
			in_inode -= need;
		else if (need > in_block)
			return -ENOSPC;
		else
			in_block -= need;
	}
	return 0;
}

/* What Linux calls the hash of an entry, and e2fsck checks. */
static uint32_t entry_hash(const struct attr *a)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < a->name_len; i++)
		hash = hash << 5 ^ hash >> 27 ^ (uint8_t)a->name[i];
	for (uint32_t i = 0; i < a->size; i += 4) {
		uint8_t word[4] = { 0 };

		memcpy(word, a->value + i, min(a->size - i, 4u));
		hash = hash << 16 ^ hash >> 16 ^ get_le32(word);
	}
	return hash;
}

/* In a block entries stand in order of index, length, name. */
static bool goes_before(const struct attr *a, const struct attr *b)
{
	if (a->index != b->index)
		return a->index < b->index;
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len;
	return memcmp(a->name, b->name, a->name_len) < 0;
}

static void list_add_sorted(struct list *attrs, struct attr *new)
{
	struct attr *a;

	list_for_each_entry(a, attrs, node) {
		if (goes_before(new, a))
			break;
	}
	/* Before @a, or at the end when it is the head. */
	list_add_tail(&new->node, &a->node);
}

/* Entries from @first on, values down from @end; offsets count from @base. */
static void write_area(uint8_t *first, uint8_t *end, uint8_t *base, struct list *attrs, bool block)
{
	struct attr *a;

	list_for_each_entry(a, attrs, node) {
		struct disk_xattr *e = (void *)first;

		if (a->in_block != block)
			continue;
		end -= value_size(a->size);
		memcpy(end, a->value, a->size);
		e->name_len = a->name_len;
		e->index = a->index;
		e->value_offset = cpu_to_le16(a->size ? (uint16_t)(end - base) : 0);
		e->value_ino = cpu_to_le32(0);
		e->value_size = cpu_to_le32(a->size);
		e->hash = cpu_to_le32(block ? entry_hash(a) : 0);
		memcpy(e->name, a->name, a->name_len);
		first += entry_size(a->name_len);
	}
}

static int write_in_inode(struct journal_handle *h, struct inode *inode, struct list *attrs)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t offset, room = inode_room(inode);
	struct buf *b;
	uint8_t *p;
	int err;

	if (!room)
		return 0;
	b = ext4_inode_place(fs, inode->ino, &offset);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access(h, b);
	if (!err) {
		p = (uint8_t *)b->data + offset + fs->inode_size - room - 4;
		buf_lock(b);
		memset(p, 0, room + 4);
		put_le32(p, XATTR_MAGIC);
		write_area(p + 4, p + 4 + room, p + 4, attrs, false);
		buf_unlock(b);
		journal_dirty(h, b);
	}
	buf_put(b);
	return err;
}

/* This inode does not use its block any more. */
int ext4_xattr_free_block(struct journal_handle *h, struct inode *inode)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct disk_xattr_header *head;
	uint32_t refs;
	struct buf *b;
	int err;

	if (!ei->xattr_block)
		return 0;
	b = read_block(inode);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	head = b->data;
	refs = le32_to_cpu(head->refs);
	if (refs > 1) {
		err = journal_access(h, b);
		if (!err) {
			head->refs = cpu_to_le32(refs - 1);
			ext4_csum_xattr_set(fs, b);
			journal_dirty(h, b);
		}
	} else {
		err = ext4_free_blocks(h, fs, ei->xattr_block, 1, EXT4_FREE_METADATA);
	}
	buf_put(b);
	if (err)
		return err;
	ei->xattr_block = 0;
	ei->nr_blocks -= ei->nr_blocks ? 1 : 0;
	inode->blocks = (ei->nr_blocks + ei->nr_pending) << (fs->block_shift - 9);
	return 0;
}

static struct buf *block_to_write(struct journal_handle *h, struct inode *inode)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct buf *b;
	int err;

	if (ei->xattr_block) {
		b = read_block(inode);
		if (IS_ERR(b))
			return b;
		if (le32_to_cpu(((struct disk_xattr_header *)b->data)->refs) == 1) {
			err = journal_access(h, b);
			if (!err)
				return b;
			buf_put(b);
			return ERR_PTR(err);
		}
		buf_put(b);
	}
	b = ext4_new_meta(h, inode, ext4_group_first_block(fs, ei->group), 0);
	if (IS_ERR(b))
		return b;
	err = ext4_xattr_free_block(h, inode);		/* our part of the shared one */
	if (err) {
		buf_put(b);
		return ERR_PTR(err);
	}
	ei->xattr_block = b->block;
	ei->nr_blocks++;
	inode->blocks = (ei->nr_blocks + ei->nr_pending) << (fs->block_shift - 9);
	return b;
}

static int write_in_block(struct journal_handle *h, struct inode *inode, struct list *attrs)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct disk_xattr_header *head;
	uint32_t hash = 0;
	struct attr *a;
	struct buf *b;
	uint8_t *p;
	bool any = false;

	list_for_each_entry(a, attrs, node)
		any |= a->in_block;
	if (!any)
		return ext4_xattr_free_block(h, inode);
	b = block_to_write(h, inode);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	p = b->data;
	head = b->data;
	memset(p, 0, b->size);
	head->magic = cpu_to_le32(XATTR_MAGIC);
	head->refs = head->blocks = cpu_to_le32(1);
	write_area(p + sizeof(*head), p + b->size, p, attrs, true);
	list_for_each_entry(a, attrs, node) {
		if (a->in_block)
			hash = hash << 16 ^ hash >> 16 ^ entry_hash(a);
	}
	head->hash = cpu_to_le32(hash);
	ext4_csum_xattr_set(fs, b);
	buf_set_flags(b, BUF_XATTR_OK);
	journal_dirty(h, b);
	buf_put(b);
	return 0;
}

static int write_all(struct journal_handle *h, struct inode *inode, struct list *attrs)
{
	int err = lay_out(inode, attrs);

	if (!err)
		err = write_in_block(h, inode, attrs);
	if (!err)
		err = write_in_inode(h, inode, attrs);
	if (err)
		return err;
	EXT4_I(inode)->has_xattrs = !list_empty(attrs);
	inode->ctime_ns = inode_now_ns();
	return ext4_update_inode(h, inode);
}

/* @new NULL: remove.  Takes @new over. */
static int change(struct journal_handle *h, struct inode *inode, uint8_t index, const char *name,
		  struct attr *new, int flags)
{
	struct list attrs;
	struct attr *old;
	int err = read_all(inode, &attrs);

	old = err ? NULL : find(&attrs, index, name);
	if (!err && old && (flags & XATTR_CREATE))
		err = -EEXIST;
	if (!err && !old && (!new || (flags & XATTR_REPLACE)))
		err = -ENODATA;
	if (err) {
		if (new) {
			kfree(new->value);
			kfree(new);
		}
		free_list(&attrs);
		return err;
	}
	if (old) {
		list_del(&old->node);
		kfree(old->value);
		kfree(old);
	}
	if (new)
		list_add_sorted(&attrs, new);
	err = write_all(h, inode, &attrs);
	free_list(&attrs);
	return err;
}

#define XATTR_CREDITS (2 * EXT4_ALLOC_CREDITS + 6)

static int set_once(struct inode *inode, uint8_t index, const char *name, struct attr *new,
		    int flags)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct journal_handle h;
	int err = ext4_start(fs, &h, XATTR_CREDITS), stop;

	if (err) {
		if (new) {
			kfree(new->value);
			kfree(new);
		}
		return err;
	}
	rwsem_lock_write(&EXT4_I(inode)->xattr_lock);
	err = change(&h, inode, index, name, new, flags);
	rwsem_unlock_write(&EXT4_I(inode)->xattr_lock);
	stop = journal_stop(&h);
	return err ? err : stop;
}

int ext4_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct attr *new;
	ssize_t n = (ssize_t)size;
	uint8_t *disk = NULL;
	uint8_t index;

	name = split_name(name, &index);
	if (!name)
		return -EOPNOTSUPP;
	if (EXT4_I(inode)->flags & (FLAG_IMMUTABLE | FLAG_APPEND))
		return -EPERM;
	if (strlen(name) > 255)
		return -ERANGE;
	if (size > ext4_fs_of(inode)->block_size)
		return -ENOSPC;
	if (is_acl(index)) {
		disk = kmalloc(size + 8, 0);
		n = disk ? ext4_acl_to_disk(value, size, disk, size + 8) : -ENOMEM;
		if (n < 0) {
			kfree(disk);
			return (int)n;
		}
		value = disk;
	}
	new = attr_create(index, name, (uint32_t)strlen(name), value, (uint32_t)n);
	kfree(disk);
	return new ? set_once(inode, index, name, new, flags) : -ENOMEM;
}

int ext4_removexattr(struct inode *inode, const char *name)
{
	uint8_t index;

	name = split_name(name, &index);
	if (!name)
		return -EOPNOTSUPP;
	if (EXT4_I(inode)->flags & (FLAG_IMMUTABLE | FLAG_APPEND))
		return -EPERM;
	return set_once(inode, index, name, NULL, 0);
}

/* A new file takes over its directory's default ACL: as its own ACL, and a directory as default. */
int ext4_acl_inherit(struct journal_handle *h, struct inode *dir, struct inode *inode)
{
	struct list attrs;
	struct attr *a, *copy;
	int err;

	if (S_ISLNK(inode->mode) || !EXT4_I(dir)->has_xattrs ||
	    !(ext4_fs_of(dir)->options & OPT_ACL))
		return 0;
	rwsem_lock_read(&EXT4_I(dir)->xattr_lock);
	err = read_all(dir, &attrs);
	rwsem_unlock_read(&EXT4_I(dir)->xattr_lock);
	if (err)
		return err;
	a = find(&attrs, 3, "");
	if (a) {
		struct list mine;

		list_init(&mine);
		list_del(&a->node);
		copy = attr_create(2, "", 0, a->value, a->size);
		if (copy) {
			ext4_acl_mask(copy->value, copy->size, &inode->mode);
			list_add_tail(&copy->node, &mine);
		}
		if (S_ISDIR(inode->mode))
			list_add_tail(&a->node, &mine);
		else
			list_add_tail(&a->node, &attrs);	/* to be freed */
		err = copy ? write_all(h, inode, &mine) : -ENOMEM;
		free_list(&mine);
	}
	free_list(&attrs);
	return err;
}
