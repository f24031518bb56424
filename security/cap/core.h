/* SPDX-License-Identifier: MIT */
/*
 * The capability core: who holds what, and the four ways in which that changes.
 *
 * Pure C over memory that the caller owns: no allocation, no locks, no architecture, every loop
 * bounded by CAP_SLOTS or by the lineage tree.  The same file runs in the kernel and on the host,
 * where an explorer walks its whole state space.  Read the theory in core.c.
 */
#ifndef SECURITY_CAP_CORE_H
#define SECURITY_CAP_CORE_H

#include <lib/compiler.h>
#include <lib/types.h>
#include <security/cap_kinds.h>

#ifndef CAP_SLOTS
#define CAP_SLOTS	64u
#endif

enum cap_kind {
	CAP_NONE,			/* an empty slot */
#define CAP_KIND(id, word, scope) CAP_##id,
	CAP_KIND_LIST(CAP_KIND)
#undef CAP_KIND
	CAP_KINDS,
};

enum cap_right {			/* bits within their kind */
#define CAP_RIGHT(kind, id, bit, word) CAP_##kind##_##id = 1 << (bit),
#define CAP_KIND(id, word, scope) CAP_RIGHTS_##id(CAP_RIGHT)
	CAP_KIND_LIST(CAP_KIND)
#undef CAP_KIND
#undef CAP_RIGHT
};

enum cap_scope_type {
	CAP_SCOPE_NONE,			/* the kind has one object */
	CAP_SCOPE_RANGE,		/* numbers lo ... hi */
	CAP_SCOPE_TREE,			/* an object and all below it */
	CAP_SCOPE_NET,			/* protocol, ports, addresses */
	CAP_SCOPE_NAME,			/* a name, or all names that begin with it */
};

#define CAP_NAME_MAX	30u

/* Objects that a capability is about.  Which member counts follows from the kind. */
union cap_scope {
	struct {
		uint64_t lo, hi;	/* lo <= hi */
	} range;
	struct {
		uint64_t domain;	/* file system; 0 with id 0: everything */
		uint64_t id;		/* inode, process */
	} tree;
	struct {
		uint8_t addr[16];	/* IPv4 as ::ffff:a.b.c.d; bits behind prefix are zero */
		uint8_t prefix;		/* 0 ... 128 */
		uint8_t proto;		/* IP protocol number; 0: any */
		uint16_t port_lo, port_hi;
	} net;
	struct {
		char text[CAP_NAME_MAX];	/* zeros behind len */
		uint8_t len;
		uint8_t is_prefix;	/* 1: all names that begin so */
	} name;
};

/* What may be done to what, with no word on who holds it. */
struct cap_grant {
	uint8_t kind;			/* enum cap_kind */
	uint8_t rights;			/* enum cap_right of the kind */
	uint8_t flags;			/* enum cap_flags: each takes something away */
	union cap_scope scope;
};

enum cap_flags {
	CAP_NO_DELEGATE	= 1 << 0,	/* may not be passed to another process by message */
	CAP_NO_INHERIT	= 1 << 1,	/* is given up at exec */
	CAP_FLAGS	= 3,
};

/*
 * The origin of grants: a tree that revocation walks.  A slot is valid while its generation is its
 * node's.  The owner allocates nodes; the core counts in holders who names them, and the owner
 * frees a node that nobody names any more after cap_node_unlink().
 */
struct cap_node {
	struct cap_node *parent;	/* [R] the lineage lock */
	struct cap_node *child;		/* [R] first */
	struct cap_node *prev, *next;	/* [R] siblings */
	uint64_t generation;		/* [A] */
	uint64_t holders;		/* [R] slots and open objects that name it */
};

struct cap_slot {
	struct cap_grant grant;		/* kind CAP_NONE: empty, the rest is zero */
	struct cap_node *node;
	uint64_t generation;
};

enum cap_table_flags {
	CAP_TABLE_SEALED	= 1 << 0,	/* exec adds nothing any more */
};

struct cap_slots {
	struct cap_slot slot[CAP_SLOTS];
	uint8_t bound[CAP_KINDS];	/* rights that exec may ever add, by kind; only shrinks */
	uint32_t flags;			/* enum cap_table_flags; only grows */
	/*
	 * Kinds that the last exec would have added but for the seal, or the bound: for the reason.
	 */
	uint32_t kept_out_sealed, kept_out_bound;
};

/* Why something is denied, best reason last: a later one is nearer to success. */
enum cap_reason {
	CAP_ALLOWED,
	CAP_NO_SLOT,
	CAP_BOUNDING,			/* exec left it out: not in the bounding set */
	CAP_SEALED,			/* exec left it out: the table is sealed */
	CAP_REVOKED,
	CAP_RIGHT_MISSING,
	CAP_OUT_OF_SCOPE,
};

/* Trees are the owner's: is @id at or below @top, in @domain?  Pure; false when in doubt. */
struct cap_trees {
	bool (*is_below)(const struct cap_trees *trees, uint8_t kind, uint64_t domain, uint64_t id,
			 uint64_t top);
};

struct cap_verdict {
	enum cap_reason reason;
	unsigned int slot;		/* that allows, or that is nearest; CAP_SLOTS: none */
};

extern const uint8_t cap_kind_scope[CAP_KINDS];		/* enum cap_scope_type */
extern const uint8_t cap_kind_rights[CAP_KINDS];	/* all rights of the kind */

/* Is @g well formed?  Everything from outside the core is asked this first. */
bool cap_grant_is_valid(const struct cap_grant *g);
/* The scope of @kind that covers all its objects. */
union cap_scope cap_scope_all(uint8_t kind);
/* Does @outer allow whatever @inner allows? */
bool cap_grant_covers(const struct cap_grant *outer, const struct cap_grant *inner,
		      const struct cap_trees *trees);
/* What both allow, into @out; false: nothing (and @out is not written). */
bool cap_grant_intersect(const struct cap_grant *a, const struct cap_grant *b,
			 const struct cap_trees *trees, struct cap_grant *out);

/* May the holder do @want (one kind; all of its rights; its scope)? */
struct cap_verdict cap_slots_check(const struct cap_slots *t, const struct cap_grant *want,
				   const struct cap_trees *trees);
bool cap_slot_is_valid(const struct cap_slot *s);

/* Mutators. */

/* An empty table; the bound allows everything. */
void cap_slots_init(struct cap_slots *t);
/* Boot and the policy loader: @node, fresh, becomes a root of lineage. */
void cap_node_init_root(struct cap_node *node);
/* Put a root grant into an empty slot: -EBADF, -EBUSY, -EINVAL. */
__must_check int cap_slots_grant_root(struct cap_slots *t, unsigned int to,
				      const struct cap_grant *g, struct cap_node *node);
/*
 * Give part of @from's slot @src to slot @to of @table (the same table, or a receiver's): @node,
 * fresh, becomes a child of the source's node.  -EBADF: no such slot or an empty one; -EKEYREVOKED;
 * -EINVAL: malformed; -EPERM: more than the source holds, or it may not be delegated; -EBUSY: @to
 * is in use.
 */
__must_check int cap_slots_derive(struct cap_slots *table, unsigned int to,
				  const struct cap_slots *from, unsigned int src,
				  const struct cap_grant *g, const struct cap_trees *trees,
				  struct cap_node *node);
/* Empty a slot.  -EBADF. */
__must_check int cap_slots_drop(struct cap_slots *t, unsigned int slot);
/* Whatever came from @node, itself included (_derived: excluded), is void when this returns. */
void cap_node_revoke(struct cap_node *node);
void cap_node_revoke_derived(struct cap_node *node);
/* fork: @child, uninitialised, holds what @parent holds. */
void cap_slots_copy(struct cap_slots *child, const struct cap_slots *parent);
/* Give up what is used: all slots of @t are emptied, holders counted down. */
void cap_slots_fini(struct cap_slots *t);
void cap_slots_seal(struct cap_slots *t);
/* Exec may never again add @rights of @kind. */
void cap_slots_drop_bound(struct cap_slots *t, uint8_t kind, uint8_t rights);

/*
 * What a policy gives a program.  The lists' nodes are the policy's own lineage.
 */
struct cap_policy {
	const struct cap_grant *inherit;	/* what may be kept of the old table */
	unsigned int nr_inherit;
	const struct cap_slot *service;		/* what is added, unless sealed */
	unsigned int nr_service;
	const struct cap_slot *admin;	/* what is added while a session lives, unless sealed */
	unsigned int nr_admin;
};

/*
 * exec: @t becomes (old n inherit) u service u (admin if @session is a valid slot), the added parts
 * cut to the bound.  What does not fit into the slots is left out.
 */
void cap_slots_exec(struct cap_slots *t, const struct cap_policy *policy,
		    const struct cap_slot *session, const struct cap_trees *trees);

/*
 * An object opened under a capability holds its node and remembers the generation: the object is
 * good while they agree.
 */
static inline void cap_node_hold(struct cap_node *node) { node->holders++; }
static inline void cap_node_release(struct cap_node *node) { node->holders--; }
static inline bool cap_node_is_idle(const struct cap_node *node) { return !node->holders; }
/*
 * Take idle @node out of the tree; what descends from it becomes its parent's, so that revoking
 * above still reaches it.  The owner may free @node then.
 */
void cap_node_unlink(struct cap_node *node);

#endif
