/* SPDX-License-Identifier: MIT */
/*
 * Walks the state space of the capability core: three processes of four slots, two kinds of two
 * rights each (a range of two numbers, a tree of three files), a policy and a session, and every
 * mutator with every argument from every state reached, breadth first.
 *
 * Usage: cap-explore [STATES]     how many states to expand (default 20,000; 0: all)
 *
 * The judge knows nothing of the core's functions: authority is a set of atoms (a kind, a right, an
 * object), computed from the slots' fields, and each transition is held against the invariants of
 * security/cap/core.c, by their numbers.  A violation prints the state, the move, and exits with 1.
 *
 * Two states that differ in the names of processes, slots or nodes alone are one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uapi/errno.h>

#include "security/cap/core.h"

#define PROCS		3u
#define FIXED		4u		/* nodes: two roots, the policy's, the session's */
#define NODES		7u		/* and three for what is derived */
#define NODE_POLICY	2u
#define NODE_SESSION	3u
#define OBJECTS		3u
#define ATOMS		12u		/* 2 kinds x 2 rights x 3 objects */

_Static_assert(CAP_SLOTS == 4, "the world is built for four slots");

struct world {
	struct cap_slots table[PROCS];
	struct cap_node node[NODES];
	uint32_t used;			/* nodes that are in use, by bit */
};

/* A state as it is remembered: see encode(). */
struct packed {
	struct {
		uint8_t sealed, bound[2], kept_out[2];
		uint16_t slot[CAP_SLOTS];
	} proc[PROCS];
	uint8_t parent[NODES];
	uint8_t used;
};

static const char *move;		/* what is being tried, for the report */

/* The two kinds, and their objects: numbers 0 and 1; files 1 above 2 and 3. */

static const uint8_t kinds[2] = { CAP_ID, CAP_FS };

static bool tree_below(const struct cap_trees *trees, uint8_t kind, uint64_t domain, uint64_t id,
		       uint64_t top)
{
	(void)trees, (void)kind, (void)domain;
	return id == top || (top == 1 && (id == 2 || id == 3));
}

static const struct cap_trees trees = { tree_below };

static const union cap_scope id_scopes[] = {
	{ .range = { 0, 1 } }, { .range = { 0, 0 } }, { .range = { 1, 1 } },
};
static const union cap_scope fs_scopes[] = {
	{ .tree = { 9, 1 } }, { .tree = { 9, 2 } }, { .tree = { 9, 3 } },
};

static const union cap_scope *scope_of(unsigned int kind, unsigned int scope)
{
	return kind ? &fs_scopes[scope] : &id_scopes[scope];
}

/* Objects (bits) that scope number @scope of kind number @kind contains. */
static unsigned int objects_of(unsigned int kind, unsigned int scope)
{
	static const uint8_t id_objects[] = { 3, 1, 2 }, fs_objects[] = { 7, 2, 4 };

	return kind ? fs_objects[scope] : id_objects[scope];
}

static struct cap_grant make_grant(unsigned int kind, unsigned int rights, unsigned int scope,
				   unsigned int flags)
{
	struct cap_grant g;

	memset(&g, 0, sizeof(g));
	g.kind = kinds[kind];
	g.rights = (uint8_t)rights;
	g.flags = (uint8_t)flags;
	g.scope = *scope_of(kind, scope);
	return g;
}

static unsigned int kind_number(const struct cap_grant *g)
{
	return g->kind == CAP_FS;
}

/* 0 ... 2; 3: none of ours. */
static unsigned int scope_number(const struct cap_grant *g)
{
	unsigned int kind = kind_number(g), i = 0;
	size_t size = kind ? sizeof(g->scope.tree) : sizeof(g->scope.range);

	while (i < 3 && memcmp(&g->scope, scope_of(kind, i), size))
		i++;
	return i;
}

static unsigned int atoms_of_grant(const struct cap_grant *g)
{
	unsigned int kind = kind_number(g), objects = objects_of(kind, scope_number(g)), atoms = 0;

	for (unsigned int right = 0; right < 2; right++)
		if (g->rights >> right & 1)
			atoms |= objects << (kind * 6 + right * OBJECTS);
	return atoms;
}

static bool slot_is_live(const struct cap_slot *s)
{
	return s->grant.kind && s->generation == s->node->generation;
}

static unsigned int atoms_of(const struct cap_slots *t)
{
	unsigned int atoms = 0;

	for (unsigned int i = 0; i < CAP_SLOTS; i++)
		if (slot_is_live(&t->slot[i]))
			atoms |= atoms_of_grant(&t->slot[i].grant);
	return atoms;
}

/* Worlds are copied: pointers among their parts move along. */

static unsigned int node_number(const struct world *w, const struct cap_node *n)
{
	return n ? (unsigned int)(n - w->node) : NODES;
}

static struct cap_node *moved(struct world *to, const struct world *from, const struct cap_node *n)
{
	return n ? &to->node[node_number(from, n)] : NULL;
}

static void world_copy(struct world *to, const struct world *from)
{
	*to = *from;
	for (unsigned int p = 0; p < PROCS; p++)
		for (unsigned int i = 0; i < CAP_SLOTS; i++)
			to->table[p].slot[i].node = moved(to, from, from->table[p].slot[i].node);
	for (unsigned int i = 0; i < NODES; i++) {
		to->node[i].parent = moved(to, from, from->node[i].parent);
		to->node[i].child = moved(to, from, from->node[i].child);
		to->node[i].prev = moved(to, from, from->node[i].prev);
		to->node[i].next = moved(to, from, from->node[i].next);
	}
}

/* What the owner does after each call: give back nodes that nobody names. */
static void collect(struct world *w)
{
	for (unsigned int i = FIXED; i < NODES; i++)
		if (w->used >> i & 1 && cap_node_is_idle(&w->node[i])) {
			cap_node_unlink(&w->node[i]);
			w->used &= ~(1u << i);
		}
}

static struct cap_node *node_unused(struct world *w)
{
	for (unsigned int i = FIXED; i < NODES; i++)
		if (!(w->used >> i & 1))
			return &w->node[i];
	return NULL;
}

static void world_start(struct world *w)
{
	struct cap_grant id = make_grant(0, 3, 0, 0), fs = make_grant(1, 3, 0, 0);

	memset(w, 0, sizeof(*w));
	w->used = (1u << FIXED) - 1;
	for (unsigned int i = 0; i < FIXED; i++) {
		cap_node_init_root(&w->node[i]);
		cap_node_hold(&w->node[i]);		/* the world's own */
	}
	for (unsigned int p = 0; p < PROCS; p++)
		cap_slots_init(&w->table[p]);
	if (cap_slots_grant_root(&w->table[0], 0, &id, &w->node[0]) ||
	    cap_slots_grant_root(&w->table[0], 1, &fs, &w->node[1]))
		abort();
}

/* States to and from bytes. */

static uint16_t pack_slot(const struct world *w, const struct cap_slot *s)
{
	if (!s->grant.kind)
		return 0;
	return (uint16_t)(1u << 15 | kind_number(&s->grant) << 14 | s->grant.rights << 12 |
			  scope_number(&s->grant) << 10 | s->grant.flags << 8 |
			  slot_is_live(s) << 7 | node_number(w, s->node));
}

/* By what is not a name first: so that names which differ matter little. */
static int compare_slots(const void *a, const void *b)
{
	return (int)*(const uint16_t *)b - (int)*(const uint16_t *)a;
}

static int compare_procs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(((struct packed *)0)->proc[0]));
}

/* Rename derived nodes in the order in which the slots name them. */
static void rename_nodes(struct packed *s)
{
	uint8_t name[NODES], next = FIXED, parent[NODES];

	memset(name, 0xff, sizeof(name));
	for (unsigned int p = 0; p < PROCS; p++)
		for (unsigned int i = 0; i < CAP_SLOTS; i++) {
			unsigned int n = s->proc[p].slot[i] & 7;

			if (!s->proc[p].slot[i] || n < FIXED)
				continue;
			if (name[n] == 0xff)
				name[n] = next++;
			s->proc[p].slot[i] = (uint16_t)((s->proc[p].slot[i] & ~7u) | name[n]);
		}
	memcpy(parent, s->parent, sizeof(parent));
	for (unsigned int i = FIXED; i < NODES; i++)
		s->parent[i] = 0xff;
	for (unsigned int i = FIXED; i < NODES; i++)
		if (name[i] != 0xff && parent[i] != 0xff)
			s->parent[name[i]] = parent[i] < FIXED ? parent[i] : name[parent[i]];
	s->used = (uint8_t)((1u << next) - 1);
}

static void encode(const struct world *w, struct packed *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned int p = 0; p < PROCS; p++) {
		const struct cap_slots *t = &w->table[p];

		s->proc[p].sealed = (uint8_t)t->flags;
		for (unsigned int k = 0; k < 2; k++) {
			s->proc[p].bound[k] = t->bound[kinds[k]] & 3;
			s->proc[p].kept_out[k] = (t->kept_out_sealed >> kinds[k] & 1) |
				(t->kept_out_bound >> kinds[k] & 1) << 1;
		}
		for (unsigned int i = 0; i < CAP_SLOTS; i++)
			s->proc[p].slot[i] = pack_slot(w, &t->slot[i]);
		qsort(s->proc[p].slot, CAP_SLOTS, sizeof(uint16_t), compare_slots);
	}
	qsort(s->proc, PROCS, sizeof(s->proc[0]), compare_procs);
	for (unsigned int i = 0; i < NODES; i++)
		s->parent[i] = w->node[i].parent ? (uint8_t)node_number(w, w->node[i].parent) :
			0xff;
	/* a fixed node's revocation is for ever: what it gave can not come back */
	for (unsigned int i = 0; i < FIXED; i++)
		s->parent[i] = w->node[i].generation > 1;
	rename_nodes(s);
}

static void decode_slot(struct world *w, struct cap_slot *s, uint16_t code)
{
	if (!code)
		return;
	s->grant = make_grant(code >> 14 & 1, code >> 12 & 3, code >> 10 & 3, code >> 8 & 3);
	s->node = &w->node[code & 7];
	s->generation = s->node->generation - !(code >> 7 & 1);
	s->node->holders++;
}

static void decode_node(struct world *w, unsigned int i, uint8_t parent)
{
	struct cap_node *n = &w->node[i];

	n->generation = 2;
	if (parent == 0xff)
		return;
	n->parent = &w->node[parent];
	n->next = n->parent->child;
	if (n->next)
		n->next->prev = n;
	n->parent->child = n;
}

static void decode(const struct packed *s, struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->used = s->used;
	for (unsigned int i = 0; i < FIXED; i++) {
		w->node[i].generation = s->parent[i] ? 2 : 1;
		w->node[i].holders = 1;
	}
	for (unsigned int i = FIXED; i < NODES; i++)
		if (s->used >> i & 1)
			decode_node(w, i, s->parent[i]);
	for (unsigned int p = 0; p < PROCS; p++) {
		struct cap_slots *t = &w->table[p];

		cap_slots_init(t);
		t->flags = s->proc[p].sealed;
		for (unsigned int k = 0; k < 2; k++) {
			t->bound[kinds[k]] = (uint8_t)((t->bound[kinds[k]] & ~3) |
						       s->proc[p].bound[k]);
			t->kept_out_sealed |= (s->proc[p].kept_out[k] & 1u) << kinds[k];
			t->kept_out_bound |= (s->proc[p].kept_out[k] >> 1 & 1u) << kinds[k];
		}
		for (unsigned int i = 0; i < CAP_SLOTS; i++)
			decode_slot(w, &t->slot[i], s->proc[p].slot[i]);
	}
}

/* The states seen: a table by hash, and a list in the order of discovery, which is the queue. */

static struct packed *seen;
static size_t nr_seen, max_seen;
static uint32_t *buckets;
static size_t nr_buckets;

static size_t hash_of(const struct packed *s)
{
	const uint8_t *bytes = (const uint8_t *)s;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(*s); i++)
		h = (h ^ bytes[i]) * 0x100000001b3;
	return (size_t)(h ^ h >> 29);
}

static void *grow(void *old, size_t bytes)
{
	void *new = realloc(old, bytes);

	if (!new) {
		fprintf(stderr, "cap-explore: out of memory after %zu states\n", nr_seen);
		exit(2);
	}
	return new;
}

static void rehash(void)
{
	nr_buckets = nr_buckets ? 2 * nr_buckets : 1 << 16;
	buckets = grow(buckets, nr_buckets * sizeof(*buckets));
	memset(buckets, 0, nr_buckets * sizeof(*buckets));
	for (size_t i = 0; i < nr_seen; i++) {
		size_t at = hash_of(&seen[i]) & (nr_buckets - 1);

		while (buckets[at])
			at = (at + 1) & (nr_buckets - 1);
		buckets[at] = (uint32_t)i + 1;
	}
}

static void remember(const struct world *w)
{
	struct packed s;
	size_t at;

	encode(w, &s);
	if (2 * nr_seen >= nr_buckets)
		rehash();
	for (at = hash_of(&s) & (nr_buckets - 1); buckets[at]; at = (at + 1) & (nr_buckets - 1))
		if (!memcmp(&seen[buckets[at] - 1], &s, sizeof(s)))
			return;
	if (nr_seen == max_seen) {
		max_seen = max_seen ? 2 * max_seen : 1 << 14;
		seen = grow(seen, max_seen * sizeof(*seen));
	}
	seen[nr_seen++] = s;
	buckets[at] = (uint32_t)nr_seen;
}

/* The judge. */

static void world_print(const struct world *w)
{
	for (unsigned int p = 0; p < PROCS; p++) {
		const struct cap_slots *t = &w->table[p];

		printf("  process %u:%s bound %x,%x\n", p, t->flags ? " sealed" : "",
		       t->bound[CAP_ID], t->bound[CAP_FS]);
		for (unsigned int i = 0; i < CAP_SLOTS; i++)
			if (t->slot[i].grant.kind)
				printf("    %u: kind %u rights %x scope %u flags %x node %u%s\n", i,
				       t->slot[i].grant.kind, t->slot[i].grant.rights,
				       scope_number(&t->slot[i].grant), t->slot[i].grant.flags,
				       node_number(w, t->slot[i].node),
				       slot_is_live(&t->slot[i]) ? "" : " void");
	}
	for (unsigned int i = 0; i < NODES; i++)
		if (w->used >> i & 1)
			printf("  node %u: parent %u holders %llu\n", i,
			       node_number(w, w->node[i].parent),
			       (unsigned long long)w->node[i].holders);
}

static void require(bool good, const char *what, const struct world *before,
		    const struct world *after)
{
	if (good)
		return;
	printf("violated: %s\nby: %s\nbefore:\n", what, move);
	world_print(before);
	printf("after:\n");
	world_print(after);
	exit(1);
}

static bool slot_is_zero(const struct cap_slot *s)
{
	static const struct cap_slot zero;

	return !memcmp(s, &zero, sizeof(zero));
}

/* I6, and that the tree is a tree. */
static void check_form(const struct world *before, const struct world *w)
{
	uint64_t holders[NODES] = { 1, 1, 1, 1 };

	for (unsigned int p = 0; p < PROCS; p++)
		for (unsigned int i = 0; i < CAP_SLOTS; i++) {
			const struct cap_slot *s = &w->table[p].slot[i];
			unsigned int n = node_number(w, s->node);

			if (!s->grant.kind) {
				require(slot_is_zero(s), "I6 an empty slot is zero", before, w);
				continue;
			}
			require(n < NODES && w->used >> n & 1, "I6 a slot names a node in use",
				before, w);
			require(scope_number(&s->grant) < 3 && s->grant.rights &&
				s->grant.rights <= 3, "I6 a slot is well formed", before, w);
			holders[n]++;
		}
	for (unsigned int i = 0; i < NODES; i++) {
		const struct cap_node *n = &w->node[i];

		if (!(w->used >> i & 1))
			continue;
		require(n->holders == holders[i], "I6 holders are counted", before, w);
		require(!n->parent || w->used >> node_number(w, n->parent) & 1,
			"a parent is in use", before, w);
		require(!n->child || (n->child->parent == n && !n->child->prev),
			"the first child knows its parent", before, w);
		require(!n->next || (n->next->prev == n && n->next->parent == n->parent),
			"siblings agree", before, w);
	}
}

static unsigned int atoms_of_world(const struct world *w)
{
	unsigned int atoms = 0;

	for (unsigned int p = 0; p < PROCS; p++)
		atoms |= atoms_of(&w->table[p]);
	return atoms;
}

/* The core's answer for each atom is the judge's. */
static void check_answers(const struct world *before, const struct world *w)
{
	for (unsigned int p = 0; p < PROCS; p++) {
		unsigned int atoms = atoms_of(&w->table[p]);

		for (unsigned int a = 0; a < ATOMS; a++) {
			unsigned int kind = a / 6, object = a % OBJECTS;
			struct cap_grant want = make_grant(kind, 1u << (a % 6 / OBJECTS), 0, 0);

			if (kind)
				want.scope.tree.id = object + 1;
			else
				want.scope.range.lo = want.scope.range.hi = object;
			require((cap_slots_check(&w->table[p], &want, &trees).reason ==
				 CAP_ALLOWED) ==
				(atoms >> a & 1), "a check answers what the slots say", before, w);
		}
	}
}

/* I3: of process @p, whose table came from @parent's. */
static void check_shrinks(const struct world *before, const struct world *w, unsigned int p,
			  unsigned int parent)
{
	const struct cap_slots *old = &before->table[parent], *new = &w->table[p];

	require(!(old->flags & ~new->flags), "I3 a seal stays", before, w);
	for (unsigned int k = 0; k < 2; k++)
		require(!(new->bound[kinds[k]] & ~old->bound[kinds[k]]), "I3 a bound shrinks",
			before, w);
}

static uint64_t nr_moves;

/* After each move: what always holds; then the new state is remembered. */
static void judge(const struct world *before, struct world *after)
{
	nr_moves++;
	collect(after);
	check_form(before, after);
	check_answers(before, after);
	remember(after);
}

/* As judge(), for moves that bring no authority into the world and leave seals alone. */
static void judge_plain(const struct world *before, struct world *after)
{
	require(!(atoms_of_world(after) & ~atoms_of_world(before)), "I1 authority never grows",
		before, after);
	for (unsigned int p = 0; p < PROCS; p++)
		check_shrinks(before, after, p, p);
	judge(before, after);
}

/* Moves. */

static unsigned int slot_unused(const struct cap_slots *t)
{
	unsigned int i = 0;

	while (i < CAP_SLOTS && t->slot[i].grant.kind)
		i++;
	return i;
}

static int derive_expected(const struct cap_slot *source, const struct cap_grant *g, bool is_given)
{
	if (!slot_is_live(source))
		return -EKEYREVOKED;
	if (atoms_of_grant(g) & ~atoms_of_grant(&source->grant))
		return -EPERM;
	if ((source->grant.flags & ~g->flags) ||
	    (is_given && source->grant.flags & CAP_NO_DELEGATE))
		return -EPERM;
	return 0;
}

static void try_derive(const struct world *before, unsigned int from, unsigned int src,
		       unsigned int to, const struct cap_grant *g)
{
	struct world w;
	struct cap_node *node;
	const struct cap_slot *source;
	unsigned int at = slot_unused(&before->table[to]);
	int err;

	world_copy(&w, before);
	node = node_unused(&w);
	source = &w.table[from].slot[src];
	if (!node || at == CAP_SLOTS)
		return;
	err = cap_slots_derive(&w.table[to], at, &w.table[from], src, g, &trees, node);
	require(err == derive_expected(source, g, from != to), "I4 derive gives a part, or refuses",
		before, &w);
	if (err)
		return;
	w.used |= 1u << node_number(&w, node);
	require(node->parent == source->node, "I4 a derived node is a child", before, &w);
	require(!(atoms_of(&w.table[to]) & ~(atoms_of(&before->table[to]) |
					     atoms_of_grant(&source->grant))),
		"I4 the receiver gets no more than the source holds", before, &w);
	judge_plain(before, &w);
}

static void moves_derive(const struct world *w)
{
	move = "derive";
	for (unsigned int from = 0; from < PROCS; from++)
		for (unsigned int src = 0; src < CAP_SLOTS; src++)
			for (unsigned int code = 0; code < PROCS * 3 * 3 * 2; code++) {
				const struct cap_slot *s = &w->table[from].slot[src];
				struct cap_grant g;

				if (!s->grant.kind)
					break;
				g = make_grant(kind_number(&s->grant), code / 6 % 3 + 1,
					       code / 2 % 3, code % 2 * CAP_NO_DELEGATE);
				try_derive(w, from, src, code / 18, &g);
			}
}

static void moves_drop(const struct world *before)
{
	move = "drop";
	for (unsigned int p = 0; p < PROCS; p++)
		for (unsigned int i = 0; i < CAP_SLOTS; i++) {
			struct world w;

			world_copy(&w, before);
			require(cap_slots_drop(&w.table[p], i) ==
				(before->table[p].slot[i].grant.kind ? 0 : -EBADF), "drop answers",
				before, &w);
			judge_plain(before, &w);
		}
}

static bool descends(const struct cap_node *n, const struct cap_node *top)
{
	while (n && n != top)
		n = n->parent;
	return n == top;
}

static void try_revoke(const struct world *before, unsigned int node, bool derived_alone)
{
	struct world w;
	struct cap_node *top;

	world_copy(&w, before);
	top = &w.node[node];
	if (derived_alone)
		cap_node_revoke_derived(top);
	else
		cap_node_revoke(top);
	for (unsigned int p = 0; p < PROCS; p++)
		for (unsigned int i = 0; i < CAP_SLOTS; i++) {
			const struct cap_slot *s = &w.table[p].slot[i];
			bool is_hit = s->grant.kind && descends(s->node, top) &&
				!(derived_alone && s->node == top);

			require(!s->grant.kind || slot_is_live(s) == (!is_hit &&
				slot_is_live(&before->table[p].slot[i])),
				"I5 revocation voids the subtree and nothing else", before, &w);
		}
	judge_plain(before, &w);
}

static void moves_revoke(const struct world *w)
{
	move = "revoke";
	for (unsigned int i = 0; i < NODES; i++)
		if (w->used >> i & 1) {
			try_revoke(w, i, false);
			try_revoke(w, i, true);
		}
}

static void moves_fork(const struct world *before)
{
	move = "fork";
	for (unsigned int code = 0; code < PROCS * PROCS; code++) {
		unsigned int parent = code / PROCS, child = code % PROCS;
		struct world w;

		if (parent == child)
			continue;
		world_copy(&w, before);
		cap_slots_fini(&w.table[child]);
		cap_slots_copy(&w.table[child], &w.table[parent]);
		require(atoms_of(&w.table[child]) == atoms_of(&before->table[parent]),
			"fork gives what the parent holds", before, &w);
		require(!(atoms_of_world(&w) & ~atoms_of_world(before)), "I1 authority never grows",
			before, &w);
		check_shrinks(before, &w, child, parent);
		judge(before, &w);
	}
}

/* Policies: what is inherited, what a service gets, what an administrator gets. */
static const struct recipe {
	struct { uint8_t kind, rights, scope; } inherit[2];
	uint8_t nr_inherit;
	struct { uint8_t kind, rights, scope; } service, admin;
} recipes[] = {
	{ { { 0, 3, 0 }, { 1, 3, 0 } }, 2, { 0, 1, 1 }, { 1, 2, 0 } },
	{ { { 1, 1, 1 }, { 1, 2, 2 } }, 2, { 1, 3, 2 }, { 0, 3, 0 } },
	{ { { 0, 1, 0 }, { 0, 2, 2 } }, 1, { 1, 1, 0 }, { 0, 2, 2 } },
	{ { { 0 } }, 0, { 0, 2, 0 }, { 1, 1, 1 } },
};

static void try_exec(const struct world *before, unsigned int p, const struct recipe *r,
		     bool has_session)
{
	struct world w;
	struct cap_grant keep[2];
	struct cap_slot service, admin, session;
	struct cap_policy policy = { keep, r->nr_inherit, &service, 1, &admin, 1 };
	unsigned int gives = 0, bound = 0, old = atoms_of(&before->table[p]), kept = 0;

	world_copy(&w, before);
	for (unsigned int i = 0; i < 2; i++)
		keep[i] = make_grant(r->inherit[i].kind, r->inherit[i].rights, r->inherit[i].scope,
				     0);
	service = (struct cap_slot){ make_grant(r->service.kind, r->service.rights,
						r->service.scope, 0),
				     &w.node[NODE_POLICY], 1 };
	admin = (struct cap_slot){ make_grant(r->admin.kind, r->admin.rights, r->admin.scope, 0),
				   &w.node[NODE_POLICY], 1 };
	session = (struct cap_slot){ make_grant(0, 1, 0, 0), &w.node[NODE_SESSION], 1 };
	for (unsigned int i = 0; i < r->nr_inherit; i++)
		kept |= atoms_of_grant(&keep[i]);
	for (unsigned int k = 0; k < 2; k++)
		for (unsigned int right = 0; right < 2; right++)
			if (before->table[p].bound[kinds[k]] >> right & 1)
				bound |= 7u << (k * 6 + right * OBJECTS);
	if (slot_is_live(&service))
		gives |= atoms_of_grant(&service.grant);
	if (slot_is_live(&admin) && has_session && slot_is_live(&session))
		gives |= atoms_of_grant(&admin.grant);
	if (before->table[p].flags & CAP_TABLE_SEALED)
		gives = 0;
	cap_slots_exec(&w.table[p], &policy, has_session ? &session : NULL, &trees);
	require(!(atoms_of(&w.table[p]) & ~((old & kept) | (gives & bound))),
		"I2 exec adds what the policy gives, within the bound, unless sealed", before, &w);
	if (slot_unused(&w.table[p]) < CAP_SLOTS)
		require(atoms_of(&w.table[p]) == ((old & kept) | (gives & bound)),
			"exec leaves nothing out while there is room", before, &w);
	for (unsigned int q = 0; q < PROCS; q++)
		check_shrinks(before, &w, q, q);
	judge(before, &w);
}

static void moves_exec(const struct world *w)
{
	move = "exec";
	for (unsigned int p = 0; p < PROCS; p++)
		for (unsigned int i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
			try_exec(w, p, &recipes[i], false);
			try_exec(w, p, &recipes[i], true);
		}
}

static void moves_restrict(const struct world *before)
{
	struct world w;

	move = "seal or drop from the bound";
	for (unsigned int p = 0; p < PROCS; p++) {
		world_copy(&w, before);
		cap_slots_seal(&w.table[p]);
		require(w.table[p].flags & CAP_TABLE_SEALED, "seal seals", before, &w);
		judge_plain(before, &w);
		for (unsigned int k = 0; k < 4; k++) {
			world_copy(&w, before);
			cap_slots_drop_bound(&w.table[p], kinds[k / 2], 1u << k % 2);
			require(!(w.table[p].bound[kinds[k / 2]] >> k % 2 & 1), "the bound drops",
				before, &w);
			judge_plain(before, &w);
		}
	}
}

int main(int argc, char **argv)
{
	size_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000, next;
	struct world w;

	world_start(&w);
	remember(&w);
	for (next = 0; next < nr_seen && (!limit || next < limit); next++) {
		struct packed s = seen[next];

		decode(&s, &w);
		moves_derive(&w);
		moves_drop(&w);
		moves_revoke(&w);
		moves_fork(&w);
		moves_exec(&w);
		moves_restrict(&w);
	}
	printf("%zu states expanded, %zu seen%s, %llu moves, no invariant violated\n", next,
	       nr_seen, next == nr_seen ? " (all)" : "", (unsigned long long)nr_moves);
	return 0;
}
