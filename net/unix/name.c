/* SPDX-License-Identifier: MIT */
/*
 * Names: paths, found by the inode that bind() made, and abstract ones, found by their bytes and
 * the socket's type.
 *
 * Both stand in one hash table that grows and shrinks with their number.  Lookups take no lock:
 * they walk under RCU and take a reference unless it is 0.  Rehashing moves nodes from chain to
 * chain, so a walk that finds nothing while the table's sequence changed is done again with the
 * lock; a walk that finds something is right in any case, for a socket's name does not change.
 */
#include <fs/namei.h>
#include <kernel/process.h>
#include <lib/hash.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <security/random.h>

#include "unix.h"

#define PATH_AT		offsetof(struct sockaddr_un, sun_path)
#define BITS_MIN	4u

struct name_table {
	unsigned int bits;		/* [I] */
	struct rcu_head rcu;
	struct hlist_head chains[];	/* [R] table_lock, RCU readers */
};

static struct spinlock table_lock = SPINLOCK_INIT(HASH);
static struct name_table *table;	/* [R] table_lock, RCU readers; NULL: no name yet */
static uint32_t nr_names;		/* [R] table_lock */
static uint32_t table_seq;		/* [A] odd while nodes move */

/* The table. */

static struct name_table *table_alloc(unsigned int bits)
{
	struct name_table *t = kvmalloc(sizeof(*t) + sizeof(struct hlist_head) * (1UL << bits),
					ALLOC_ZERO);

	if (t)
		t->bits = bits;
	return t;
}

static void table_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct name_table, rcu));
}

static uint64_t key_of(const struct unix_socket *u)
{
	return u->inode ? hash_ptr(u->inode) : u->addr->hash;
}

static struct hlist_head *chain_of(struct name_table *t, uint64_t key)
{
	return &t->chains[hash_bucket(key, t->bits)];
}

/* table_lock is held; @fresh is bigger or smaller than the present table. */
static void rehash_locked(struct name_table *fresh)
{
	struct name_table *old = table;

	__atomic_store_n(&table_seq, table_seq + 1, __ATOMIC_SEQ_CST);
	smp_wmb();	/* odd before a node is off its chain: pairs with find_counted() */
	for (size_t i = 0; old && i < 1UL << old->bits; i++) {
		struct hlist_node *n;

		while ((n = old->chains[i].first)) {
			struct unix_socket *u = hlist_entry(n, struct unix_socket, name_node);

			hlist_del(n);
			hlist_add_head_rcu(n, chain_of(fresh, key_of(u)));
		}
	}
	rcu_assign(table, fresh);
	__atomic_store_n(&table_seq, table_seq + 1, __ATOMIC_SEQ_CST);
	if (old)
		rcu_call(&old->rcu, table_free_rcu);
}

static unsigned int bits_for(uint32_t names)
{
	unsigned int bits = BITS_MIN;

	while (1UL << bits < names)
		bits++;
	return bits;
}

/*
 * Bring the table to the number of names, twice as large as needed at most four times; without
 * memory it stays as it is.  -ENOMEM: there is none at all.
 */
static int table_adjust(void)
{
	uint32_t names = READ_ONCE(nr_names);
	struct name_table *t, *fresh;
	unsigned int have;

	rcu_read_lock();
	t = rcu_dereference(table);
	have = t ? t->bits : 0;
	rcu_read_unlock();
	if (have && names <= 1UL << have && (have == BITS_MIN || names >= 1UL << (have - 2)))
		return 0;
	fresh = table_alloc(bits_for(names + 1));
	if (!fresh)
		return have ? 0 : -ENOMEM;
	spin_lock(&table_lock);
	if (!table || table->bits != fresh->bits) {
		rehash_locked(fresh);
		fresh = NULL;
	}
	spin_unlock(&table_lock);
	kvfree(fresh);
	return 0;
}

/* What is looked for: an inode, or an abstract name. */
struct wanted {
	const struct inode *inode;
	const struct sockaddr_un *name;
	uint32_t len;
	uint8_t type;
	uint64_t key;
};

static bool matches(const struct unix_socket *u, const struct wanted *w)
{
	if (w->inode)
		return u->inode == w->inode;
	return !u->inode && u->sk.type == w->type && u->addr->len == w->len &&
	       !memcmp(&u->addr->name, w->name, w->len);
}

/* Under RCU or table_lock. */
static struct unix_socket *find(struct name_table *t, const struct wanted *w)
{
	struct unix_socket *u;

	if (!t)
		return NULL;
	hlist_for_each_entry_rcu(u, chain_of(t, w->key), name_node)
		if (matches(u, w))
			return u;
	return NULL;
}

static struct unix_socket *find_counted(const struct wanted *w)
{
	uint32_t seq = __atomic_load_n(&table_seq, __ATOMIC_SEQ_CST);
	struct unix_socket *u;

	rcu_read_lock();
	u = find(rcu_dereference(table), w);
	if (u && !refcount_inc_not_zero(&u->sk.refs))
		u = NULL;
	rcu_read_unlock();
	smp_rmb();	/* the chain before the sequence: pairs with rehash_locked() */
	if (u || (!(seq & 1) && seq == __atomic_load_n(&table_seq, __ATOMIC_SEQ_CST)))
		return u;
	spin_lock(&table_lock);
	u = find(table, w);
	if (u && !refcount_inc_not_zero(&u->sk.refs))
		u = NULL;
	spin_unlock(&table_lock);
	return u;
}

/* Addresses. */

static struct unix_addr *addr_create(const struct sockaddr_un *name, uint32_t len, uint8_t type)
{
	struct unix_addr *a = kzalloc(sizeof(*a), 0);

	if (!a)
		return NULL;
	refcount_set(&a->refs, 1);
	memcpy(&a->name, name, min((size_t)len, sizeof(*name)));
	if (len > PATH_AT && a->name.sun_path[0])	/* a path: up to its end, and the NUL */
		len = (uint32_t)(PATH_AT + strnlen(a->name.sun_path, UNIX_PATH_MAX) + 1);
	a->len = len;
	a->hash = (uint32_t)hash_bytes(&a->name, len, type);
	return a;
}

struct unix_addr *unix_addr_ref(struct unix_addr *a)
{
	if (a)
		refcount_inc(&a->refs);
	return a;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && refcount_dec_and_test(&a->refs))
		kfree(a);
}

void unix_copy_address(const struct unix_socket *u, struct socket_address *to)
{
	const struct unix_addr *a = smp_load_acquire(&u->addr);

	if (a) {
		to->len = a->len;
		memcpy(&to->storage, &a->name, a->len);
	}
}

int unix_check_address(const struct socket_address *a)
{
	if (a->len < sizeof(a->family) || a->len > sizeof(struct sockaddr_un) ||
	    a->family != AF_UNIX)
		return -EINVAL;
	return 0;
}

static bool is_abstract(const struct socket_address *a)
{
	return !a->un.sun_path[0];
}

/* Binding. */

/*
 * @u gets @a, and the place in the file system if it is a path (taken over on success).  0, -EINVAL
 * (it has one), -EADDRINUSE.
 */
static int name_insert(struct unix_socket *u, struct unix_addr *a, const struct path *path)
{
	struct wanted w = { .name = &a->name, .len = a->len, .type = u->sk.type, .key = a->hash };
	int err = table_adjust();

	if (err)
		return err;
	spin_lock(&table_lock);
	if (u->addr) {
		err = -EINVAL;
	} else if (!path && find(table, &w)) {
		err = -EADDRINUSE;
	} else {
		if (path) {
			u->path = *path;
			u->inode = path->dentry->inode;
			inode_ref(u->inode);
		}
		smp_store_release(&u->addr, a);		/* U5 */
		hlist_add_head_rcu(&u->name_node, chain_of(table, key_of(u)));
		WRITE_ONCE(nr_names, nr_names + 1);
	}
	spin_unlock(&table_lock);
	return err;
}

void unix_unname(struct unix_socket *u)
{
	spin_lock(&table_lock);
	if (!hlist_unhashed(&u->name_node)) {
		hlist_del_rcu(&u->name_node);
		WRITE_ONCE(nr_names, nr_names - 1);
	}
	spin_unlock(&table_lock);
}

static int bind_path(struct unix_socket *u, struct unix_addr *a)
{
	struct path path;
	int err = vfs_mknod_path(AT_FDCWD, a->name.sun_path,
				 S_IFSOCK | S_IRWXUGO, &path);

	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = name_insert(u, a, &path);
	if (err) {
		(void)vfs_unlink(AT_FDCWD, a->name.sun_path);
		path_put(&path);
	}
	return err;
}

int unix_bind(struct socket *s, const struct socket_address *a)
{
	struct unix_socket *u = unix_of(s);
	struct unix_addr *addr;
	int err = unix_check_address(a);

	if (err)
		return err;
	if (a->len == PATH_AT)
		return unix_autobind(u);
	addr = addr_create(&a->un, a->len, s->type);
	if (!addr)
		return -ENOMEM;
	err = is_abstract(a) ? name_insert(u, addr, NULL) : bind_path(u, addr);
	if (err)
		unix_addr_put(addr);
	return err;
}

/* An abstract name of five hexadecimal digits that nobody has. */
int unix_autobind(struct unix_socket *u)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	uint32_t first;

	random_bytes(&first, sizeof(first));
	for (uint32_t i = 0; i <= 0xfffff; i++) {
		struct unix_addr *a;
		int err;

		if (READ_ONCE(u->addr))
			return 0;
		snprintf(name.sun_path + 1, 6, "%05x", (first + i) & 0xfffff);
		a = addr_create(&name, PATH_AT + 6, u->sk.type);
		if (!a)
			return -ENOMEM;
		err = name_insert(u, a, NULL);
		if (!err)
			return 0;
		unix_addr_put(a);
		if (err != -EADDRINUSE)
			return err == -EINVAL ? 0 : err;	/* another thread was first */
	}
	return -ENOSPC;
}

/* Looking up. */

static struct unix_socket *lookup_path(const char *text, uint8_t type)
{
	struct wanted w = { .type = type };
	struct unix_socket *u;
	struct path path;
	int err = path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW, &path);

	if (err)
		return ERR_PTR(err);
	w.inode = path.dentry->inode;
	w.key = hash_ptr(w.inode);
	err = inode_permission(path.dentry->inode, MAY_WRITE);
	u = err ? ERR_PTR(err) : S_ISSOCK(w.inode->mode) ? find_counted(&w) : NULL;
	path_put(&path);
	if (!u)
		return ERR_PTR(-ECONNREFUSED);
	if (!IS_ERR(u) && u->sk.type != type) {
		unix_put(u);
		return ERR_PTR(-EPROTOTYPE);
	}
	return u;
}

struct unix_socket *unix_lookup(const struct socket_address *a, uint8_t type)
{
	struct wanted w = { .name = &a->un, .len = a->len, .type = type };
	struct unix_socket *u;

	if (!is_abstract(a))
		return lookup_path(a->un.sun_path, type);
	w.key = (uint32_t)hash_bytes(&a->un, a->len, type);
	u = find_counted(&w);
	return u ? u : ERR_PTR(-ECONNREFUSED);
}
