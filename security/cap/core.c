/* SPDX-License-Identifier: MIT */
/*
 * The capability core.
 *
 * The problem: a process may do what its slots say, and nothing else; what a slot says can be
 * withdrawn at once, with everything that was made from it; and no sequence of calls gives anybody
 * more than the policies grant.
 *
 * Invariants, which the explorer (tests/host/cap_explore.c) checks on every reachable state:
 *   I1 authority appears only by cap_slots_grant_root() and by the service and admin parts of
 *      cap_slots_exec(): no other mutator lets the union of all tables allow more than before;
 *   I2 what exec adds is within the bound of the table, and nothing when the table is sealed;
 *   I3 the seal and the bound of a table, and those that fork copies from it, only shrink
 *      authority: no mutator clears a seal or widens a bound;
 *   I4 a derived grant is covered by its source's, and its node is a child of the source's;
 *   I5 when cap_node_revoke(n) returns, no slot whose node is n or descends from it is valid, nor
 *      will be again;
 *   I6 an empty slot is all zero; a used one is well formed and is counted by its node's holders.
 *
 * Locking is the owner's: mutators of one table, and all changes of the tree, are serialised;
 * checks may run beside them on a table that is not being written (the kernel publishes tables by
 * RCU) and read generations atomically.
 *
 * Roads not taken.  A bound with scopes (as large as a second table, and its intersection
 * multiplies slots): the bound is rights by kind, and whoever wants scopes to bind an exec seals.
 * Generations in slots alone, without a tree: revocation would have to find what was derived.
 * Freeing a node only with its whole subtree: a loop of derive and drop would grow the tree without
 * end.
 */
#include <lib/string.h>
#include <uapi/errno.h>

#include "core.h"

const uint8_t cap_kind_scope[CAP_KINDS] = {
#define SCOPE(id, word, scope) [CAP_##id] = CAP_SCOPE_##scope,
	CAP_KIND_LIST(SCOPE)
#undef SCOPE
};

const uint8_t cap_kind_rights[CAP_KINDS] = {
#define OR(kind, id, bit, word) | 1 << (bit)
#define RIGHTS(id, word, scope) [CAP_##id] = 0 CAP_RIGHTS_##id(OR),
	CAP_KIND_LIST(RIGHTS)
#undef RIGHTS
#undef OR
};

/* Scopes. */

static bool name_is_valid(const union cap_scope *s)
{
	unsigned int len = s->name.len;

	if (len > CAP_NAME_MAX || s->name.is_prefix > 1 || (!len && !s->name.is_prefix))
		return false;
	for (unsigned int i = 0; i < CAP_NAME_MAX; i++)
		if ((s->name.text[i] != '\0') != (i < len))
			return false;
	return true;
}

/* Do the first @bits of @a and @b agree? */
static bool addr_agrees(const uint8_t a[16], const uint8_t b[16], unsigned int bits)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int of_byte = bits > 8 * i ? bits - 8 * i : 0;
		uint8_t mask = of_byte >= 8 ? 0xff : (uint8_t)(0xff00 >> of_byte);

		if ((a[i] ^ b[i]) & mask)
			return false;
	}
	return true;
}

static bool net_is_valid(const union cap_scope *s)
{
	static const uint8_t zeros[16];
	uint8_t rest[16];

	if (s->net.prefix > 128 || s->net.port_lo > s->net.port_hi)
		return false;
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int of_byte = s->net.prefix > 8 * i ? s->net.prefix - 8 * i : 0;

		rest[i] = of_byte >= 8 ? 0 : s->net.addr[i] & (0xff >> of_byte);
	}
	return addr_agrees(rest, zeros, 128);
}

bool cap_grant_is_valid(const struct cap_grant *g)
{
	if (g->kind == CAP_NONE || g->kind >= CAP_KINDS || !g->rights ||
	    (g->rights & ~cap_kind_rights[g->kind]) || (g->flags & ~CAP_FLAGS))
		return false;
	switch ((enum cap_scope_type)cap_kind_scope[g->kind]) {
	case CAP_SCOPE_NONE:
		return true;
	case CAP_SCOPE_RANGE:
		return g->scope.range.lo <= g->scope.range.hi;
	case CAP_SCOPE_TREE:
		return g->scope.tree.domain || !g->scope.tree.id;
	case CAP_SCOPE_NET:
		return net_is_valid(&g->scope);
	case CAP_SCOPE_NAME:
		return name_is_valid(&g->scope);
	}
	return false;
}

union cap_scope cap_scope_all(uint8_t kind)
{
	union cap_scope s;

	memset(&s, 0, sizeof(s));
	switch ((enum cap_scope_type)cap_kind_scope[kind]) {
	case CAP_SCOPE_NONE:
	case CAP_SCOPE_TREE:
		break;
	case CAP_SCOPE_RANGE:
		s.range.hi = ~0ULL;
		break;
	case CAP_SCOPE_NET:
		s.net.port_hi = 0xffff;
		break;
	case CAP_SCOPE_NAME:
		s.name.is_prefix = 1;
		break;
	}
	return s;
}

static bool tree_covers(uint8_t kind, const union cap_scope *outer, const union cap_scope *inner,
			const struct cap_trees *trees)
{
	if (!outer->tree.domain)
		return true;
	return outer->tree.domain == inner->tree.domain &&
	       (outer->tree.id == inner->tree.id ||
		trees->is_below(trees, kind, outer->tree.domain, inner->tree.id, outer->tree.id));
}

static bool net_covers(const union cap_scope *outer, const union cap_scope *inner)
{
	return (!outer->net.proto || outer->net.proto == inner->net.proto) &&
	       outer->net.port_lo <= inner->net.port_lo &&
	       inner->net.port_hi <= outer->net.port_hi &&
	       outer->net.prefix <= inner->net.prefix &&
	       addr_agrees(outer->net.addr, inner->net.addr, outer->net.prefix);
}

static bool name_covers(const union cap_scope *outer, const union cap_scope *inner)
{
	unsigned int len = outer->name.len;

	if (outer->name.is_prefix ? inner->name.len < len :
				    inner->name.is_prefix || inner->name.len != len)
		return false;
	for (unsigned int i = 0; i < CAP_NAME_MAX && i < len; i++)
		if (outer->name.text[i] != inner->name.text[i])
			return false;
	return true;
}

static bool scope_covers(uint8_t kind, const union cap_scope *outer, const union cap_scope *inner,
			 const struct cap_trees *trees)
{
	switch ((enum cap_scope_type)cap_kind_scope[kind]) {
	case CAP_SCOPE_NONE:
		return true;
	case CAP_SCOPE_RANGE:
		return outer->range.lo <= inner->range.lo && inner->range.hi <= outer->range.hi;
	case CAP_SCOPE_TREE:
		return tree_covers(kind, outer, inner, trees);
	case CAP_SCOPE_NET:
		return net_covers(outer, inner);
	case CAP_SCOPE_NAME:
		return name_covers(outer, inner);
	}
	return false;
}

/* Every flag takes away, so the inner grant has at least the outer one's. */
bool cap_grant_covers(const struct cap_grant *outer, const struct cap_grant *inner,
		      const struct cap_trees *trees)
{
	return outer->kind == inner->kind && !(inner->rights & ~outer->rights) &&
	       !(outer->flags & ~inner->flags) &&
	       scope_covers(outer->kind, &outer->scope, &inner->scope, trees);
}

static bool range_intersect(const union cap_scope *a, const union cap_scope *b,
			    union cap_scope *out)
{
	uint64_t lo = a->range.lo > b->range.lo ? a->range.lo : b->range.lo;
	uint64_t hi = a->range.hi < b->range.hi ? a->range.hi : b->range.hi;

	if (lo > hi)
		return false;
	out->range.lo = lo;
	out->range.hi = hi;
	return true;
}

/* Prefixes are nested or apart, ports overlap or not, a protocol is any or one. */
static bool net_intersect(const union cap_scope *a, const union cap_scope *b, union cap_scope *out)
{
	const union cap_scope *narrow = a->net.prefix >= b->net.prefix ? a : b;
	const union cap_scope *wide = narrow == a ? b : a;
	uint16_t lo = a->net.port_lo > b->net.port_lo ? a->net.port_lo : b->net.port_lo;
	uint16_t hi = a->net.port_hi < b->net.port_hi ? a->net.port_hi : b->net.port_hi;

	if (lo > hi || (a->net.proto && b->net.proto && a->net.proto != b->net.proto) ||
	    !addr_agrees(wide->net.addr, narrow->net.addr, wide->net.prefix))
		return false;
	*out = *narrow;
	out->net.proto = a->net.proto ? a->net.proto : b->net.proto;
	out->net.port_lo = lo;
	out->net.port_hi = hi;
	return true;
}

/* Subtrees and sets of names are nested or apart. */
static bool nested_intersect(uint8_t kind, const union cap_scope *a, const union cap_scope *b,
			     const struct cap_trees *trees, union cap_scope *out)
{
	if (scope_covers(kind, a, b, trees))
		*out = *b;
	else if (scope_covers(kind, b, a, trees))
		*out = *a;
	else
		return false;
	return true;
}

static bool scope_intersect(uint8_t kind, const union cap_scope *a, const union cap_scope *b,
			    const struct cap_trees *trees, union cap_scope *out)
{
	switch ((enum cap_scope_type)cap_kind_scope[kind]) {
	case CAP_SCOPE_NONE:
		return true;
	case CAP_SCOPE_RANGE:
		return range_intersect(a, b, out);
	case CAP_SCOPE_TREE:
	case CAP_SCOPE_NAME:
		return nested_intersect(kind, a, b, trees, out);
	case CAP_SCOPE_NET:
		return net_intersect(a, b, out);
	}
	return false;
}

bool cap_grant_intersect(const struct cap_grant *a, const struct cap_grant *b,
			 const struct cap_trees *trees, struct cap_grant *out)
{
	struct cap_grant both;

	memset(&both, 0, sizeof(both));
	both.kind = a->kind;
	both.rights = a->rights & b->rights;
	both.flags = a->flags | b->flags;
	if (a->kind != b->kind || !both.rights ||
	    !scope_intersect(a->kind, &a->scope, &b->scope, trees, &both.scope))
		return false;
	*out = both;
	return true;
}

/* Slots and checks. */

static uint64_t node_generation(const struct cap_node *node)
{
	return __atomic_load_n(&node->generation, __ATOMIC_ACQUIRE);
}

bool cap_slot_is_valid(const struct cap_slot *s)
{
	return s->grant.kind != CAP_NONE && s->generation == node_generation(s->node);
}

/* How near slot @s comes to allowing @want. */
static enum cap_reason slot_answer(const struct cap_slot *s, const struct cap_grant *want,
				   const struct cap_trees *trees)
{
	if (s->grant.kind != want->kind)
		return CAP_NO_SLOT;
	if (!cap_slot_is_valid(s))
		return CAP_REVOKED;
	if (want->rights & ~s->grant.rights)
		return CAP_RIGHT_MISSING;
	if (!scope_covers(want->kind, &s->grant.scope, &want->scope, trees))
		return CAP_OUT_OF_SCOPE;
	return CAP_ALLOWED;
}

/* Why there is no slot of @kind: the last exec may have kept it out. */
static enum cap_reason absent_reason(const struct cap_slots *t, uint8_t kind)
{
	if (t->kept_out_sealed >> kind & 1)
		return CAP_SEALED;
	return t->kept_out_bound >> kind & 1 ? CAP_BOUNDING : CAP_NO_SLOT;
}

struct cap_verdict cap_slots_check(const struct cap_slots *t, const struct cap_grant *want,
				   const struct cap_trees *trees)
{
	struct cap_verdict best = { CAP_NO_SLOT, CAP_SLOTS };

	for (unsigned int i = 0; i < CAP_SLOTS; i++) {
		enum cap_reason answer = slot_answer(&t->slot[i], want, trees);

		if (answer == CAP_ALLOWED)
			return (struct cap_verdict){ CAP_ALLOWED, i };
		if (answer > best.reason)
			best = (struct cap_verdict){ answer, i };
	}
	if (best.reason == CAP_NO_SLOT && want->kind < CAP_KINDS)
		best.reason = absent_reason(t, want->kind);
	return best;
}

static void slot_fill(struct cap_slot *s, const struct cap_grant *g, struct cap_node *node,
		      uint64_t generation)
{
	s->grant = *g;
	s->node = node;
	s->generation = generation;
	cap_node_hold(node);
}

static void slot_empty(struct cap_slot *s)
{
	if (s->grant.kind != CAP_NONE)
		cap_node_release(s->node);
	memset(s, 0, sizeof(*s));
}

static unsigned int slot_unused(const struct cap_slots *t)
{
	for (unsigned int i = 0; i < CAP_SLOTS; i++)
		if (t->slot[i].grant.kind == CAP_NONE)
			return i;
	return CAP_SLOTS;
}

/* The lineage tree. */

void cap_node_init_root(struct cap_node *node)
{
	memset(node, 0, sizeof(*node));
	node->generation = 1;
}

static void node_init_child(struct cap_node *node, struct cap_node *parent)
{
	cap_node_init_root(node);
	node->parent = parent;
	node->next = parent->child;
	if (node->next)
		node->next->prev = node;
	parent->child = node;
}

/* The node after @n in a walk of the tree below @top, parents first; NULL at the end. */
static struct cap_node *node_after(struct cap_node *n, const struct cap_node *top)
{
	if (n->child)
		return n->child;
	while (n != top && !n->next)
		n = n->parent;
	return n == top ? NULL : n->next;
}

static void node_void(struct cap_node *n)
{
	__atomic_store_n(&n->generation, n->generation + 1, __ATOMIC_RELEASE);
}

void cap_node_revoke_derived(struct cap_node *node)
{
	for (struct cap_node *n = node_after(node, node); n; n = node_after(n, node))
		node_void(n);
}

void cap_node_revoke(struct cap_node *node)
{
	node_void(node);
	cap_node_revoke_derived(node);
}

/* Put what descends from @node in its place among its parent's children; roots leave roots. */
static void node_hand_over_children(struct cap_node *node)
{
	struct cap_node *last = NULL;

	for (struct cap_node *n = node->child; n; n = n->next) {
		n->parent = node->parent;
		last = n;
	}
	if (!last || !node->parent)
		return;
	last->next = node->parent->child;
	if (last->next)
		last->next->prev = last;
	node->parent->child = node->child;
}

void cap_node_unlink(struct cap_node *node)
{
	if (node->prev)
		node->prev->next = node->next;
	else if (node->parent)
		node->parent->child = node->next;
	if (node->next)
		node->next->prev = node->prev;
	node_hand_over_children(node);
	memset(node, 0, sizeof(*node));
}

/* Mutators. */

void cap_slots_init(struct cap_slots *t)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->bound, cap_kind_rights, sizeof(t->bound));
}

int cap_slots_grant_root(struct cap_slots *t, unsigned int to, const struct cap_grant *g,
			 struct cap_node *node)
{
	if (to >= CAP_SLOTS)
		return -EBADF;
	if (t->slot[to].grant.kind != CAP_NONE)
		return -EBUSY;
	if (!cap_grant_is_valid(g))
		return -EINVAL;
	slot_fill(&t->slot[to], g, node, node->generation);
	return 0;
}

int cap_slots_derive(struct cap_slots *table, unsigned int to, const struct cap_slots *from,
		     unsigned int src, const struct cap_grant *g, const struct cap_trees *trees,
		     struct cap_node *node)
{
	const struct cap_slot *source;

	if (to >= CAP_SLOTS || src >= CAP_SLOTS || from->slot[src].grant.kind == CAP_NONE)
		return -EBADF;
	source = &from->slot[src];
	if (table->slot[to].grant.kind != CAP_NONE)
		return -EBUSY;
	if (!cap_slot_is_valid(source))
		return -EKEYREVOKED;
	if (!cap_grant_is_valid(g))
		return -EINVAL;
	if (!cap_grant_covers(&source->grant, g, trees) ||
	    (table != from && source->grant.flags & CAP_NO_DELEGATE))
		return -EPERM;
	node_init_child(node, source->node);
	slot_fill(&table->slot[to], g, node, node->generation);
	return 0;
}

int cap_slots_drop(struct cap_slots *t, unsigned int slot)
{
	if (slot >= CAP_SLOTS || t->slot[slot].grant.kind == CAP_NONE)
		return -EBADF;
	slot_empty(&t->slot[slot]);
	return 0;
}

void cap_slots_copy(struct cap_slots *child, const struct cap_slots *parent)
{
	*child = *parent;
	for (unsigned int i = 0; i < CAP_SLOTS; i++)
		if (child->slot[i].grant.kind != CAP_NONE)
			cap_node_hold(child->slot[i].node);
}

void cap_slots_fini(struct cap_slots *t)
{
	for (unsigned int i = 0; i < CAP_SLOTS; i++)
		slot_empty(&t->slot[i]);
}

void cap_slots_seal(struct cap_slots *t)
{
	t->flags |= CAP_TABLE_SEALED;
}

void cap_slots_drop_bound(struct cap_slots *t, uint8_t kind, uint8_t rights)
{
	if (kind < CAP_KINDS)
		t->bound[kind] &= (uint8_t)~rights;
}

/* exec. */

/* Does a slot that is not among @skip already allow what @g does, from @node? */
static bool is_held(const struct cap_slots *t, const struct cap_grant *g,
		    const struct cap_node *node, const struct cap_trees *trees)
{
	for (unsigned int i = 0; i < CAP_SLOTS; i++)
		if (t->slot[i].grant.kind == g->kind && t->slot[i].node == node &&
		    cap_slot_is_valid(&t->slot[i]) &&
		    cap_grant_covers(&t->slot[i].grant, g, trees))
			return true;
	return false;
}

static void add(struct cap_slots *t, const struct cap_grant *g, struct cap_node *node,
		uint64_t generation, const struct cap_trees *trees)
{
	unsigned int to = slot_unused(t);

	if (to < CAP_SLOTS && !is_held(t, g, node, trees))
		slot_fill(&t->slot[to], g, node, generation);
}

/* Narrow slot @s to its part in @inherit[@first]; what later entries leave of it is added. */
static void slot_narrow(struct cap_slots *t, struct cap_slot *s, const struct cap_policy *policy,
			unsigned int first, const struct cap_trees *trees)
{
	struct cap_grant old = s->grant, part;

	(void)cap_grant_intersect(&old, &policy->inherit[first], trees, &s->grant);
	for (unsigned int i = first + 1; i < policy->nr_inherit; i++)
		if (cap_grant_intersect(&old, &policy->inherit[i], trees, &part))
			add(t, &part, s->node, s->generation, trees);
}

/* The first entry of @inherit that leaves something of @s; nr_inherit: none. */
static unsigned int inherit_find(const struct cap_slot *s, const struct cap_policy *policy,
				 const struct cap_trees *trees)
{
	struct cap_grant part;
	unsigned int i = 0;

	while (i < policy->nr_inherit &&
	       !cap_grant_intersect(&s->grant, &policy->inherit[i], trees, &part))
		i++;
	return i;
}

/*
 * old n inherit.  First the slots that stay are found and the others emptied, so that the parts of
 * a slot that inherits by several entries find room; then each of them, not the parts, is narrowed.
 */
static void inherit(struct cap_slots *t, const struct cap_policy *policy,
		    const struct cap_trees *trees)
{
	uint64_t stays = 0;

	for (unsigned int i = 0; i < CAP_SLOTS; i++) {
		struct cap_slot *s = &t->slot[i];

		if (cap_slot_is_valid(s) && !(s->grant.flags & CAP_NO_INHERIT) &&
		    inherit_find(s, policy, trees) < policy->nr_inherit)
			stays |= 1ULL << i;
		else
			slot_empty(s);
	}
	for (unsigned int i = 0; i < CAP_SLOTS; i++)
		if (stays >> i & 1)
			slot_narrow(t, &t->slot[i], policy,
				    inherit_find(&t->slot[i], policy, trees), trees);
}

/* Add what a policy gives, within the bound; remember the kinds that seal or bound kept out. */
static void add_granted(struct cap_slots *t, const struct cap_slot *given, unsigned int nr,
			const struct cap_trees *trees)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct cap_grant g = given[i].grant;

		if (!cap_slot_is_valid(&given[i]) || !cap_grant_is_valid(&g))
			continue;
		if (t->flags & CAP_TABLE_SEALED) {
			t->kept_out_sealed |= 1u << g.kind;
			continue;
		}
		if (g.rights & ~t->bound[g.kind])
			t->kept_out_bound |= 1u << g.kind;
		g.rights &= t->bound[g.kind];
		if (g.rights)
			add(t, &g, given[i].node, given[i].generation, trees);
	}
}

void cap_slots_exec(struct cap_slots *t, const struct cap_policy *policy,
		    const struct cap_slot *session, const struct cap_trees *trees)
{
	t->kept_out_sealed = t->kept_out_bound = 0;
	inherit(t, policy, trees);
	add_granted(t, policy->service, policy->nr_service, trees);
	if (session && cap_slot_is_valid(session))
		add_granted(t, policy->admin, policy->nr_admin, trees);
}
