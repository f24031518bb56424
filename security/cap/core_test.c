/* SPDX-License-Identifier: MIT */
/* Unit tests of the capability core; whole state spaces are the explorer's (tests/verify). */
#include <lib/ktest.h>
#include <uapi/errno.h>

#include "core.h"

/* Processes and files of the tests: 1 above 2 and 3, 2 above 4. */
static bool below(const struct cap_trees *trees, uint8_t kind, uint64_t domain, uint64_t id,
		  uint64_t top)
{
	static const uint8_t parent[] = { 0, 0, 1, 1, 2 };

	(void)trees, (void)kind, (void)domain;
	while (id && id != top)
		id = id < sizeof(parent) ? parent[id] : 0;
	return id == top;
}

static const struct cap_trees trees = { below };
static struct cap_slots one, other;
static struct cap_node root, given, given_on;

static struct cap_grant grant_all(uint8_t kind)
{
	return (struct cap_grant){ kind, cap_kind_rights[kind], 0, cap_scope_all(kind) };
}

static struct cap_grant grant_ids(uint64_t lo, uint64_t hi)
{
	struct cap_grant g = { CAP_ID, CAP_ID_SETUID, 0, { .range = { lo, hi } } };

	return g;
}

static struct cap_grant grant_tree(uint64_t domain, uint64_t id)
{
	struct cap_grant g = { CAP_FS, CAP_FS_READ, 0, { .tree = { domain, id } } };

	return g;
}

static struct cap_grant grant_name(const char *text, unsigned int is_prefix)
{
	struct cap_grant g = { CAP_IPC, CAP_IPC_UNIX, 0,
			       { .name = { .is_prefix = (uint8_t)is_prefix } } };

	g.scope.name.len = (uint8_t)strlen(text);
	memcpy(g.scope.name.text, text, g.scope.name.len);
	return g;
}

static struct cap_grant grant_net(uint8_t proto, uint16_t lo, uint16_t hi, uint8_t last,
				  uint8_t prefix)
{
	struct cap_grant g = { .kind = CAP_NET, .rights = CAP_NET_BIND };

	g.scope.net.proto = proto;
	g.scope.net.port_lo = lo;
	g.scope.net.port_hi = hi;
	g.scope.net.prefix = prefix;
	g.scope.net.addr[15] = last;
	return g;
}

/* A table with all of @kind in slot 0, from the node root. */
static void start(uint8_t kind)
{
	struct cap_grant g = grant_all(kind);

	cap_slots_init(&one);
	cap_slots_init(&other);
	cap_node_init_root(&root);
	KEXPECT_EQ(cap_slots_grant_root(&one, 0, &g, &root), 0);
}

static enum cap_reason ask(const struct cap_slots *t, struct cap_grant want)
{
	return cap_slots_check(t, &want, &trees).reason;
}

KTEST(cap_core, every_kind_has_rights_of_its_own_bits)
{
	for (uint8_t kind = CAP_NONE + 1; kind < CAP_KINDS; kind++) {
		uint8_t rights = cap_kind_rights[kind];

		KEXPECT_NE(rights, 0);
		KEXPECT_EQ(rights & (rights + 1), 0);		/* from bit 0 on, without a gap */
	}
	KEXPECT_EQ(cap_kind_rights[CAP_NONE], 0);
}

KTEST(cap_core, malformed_grants_are_refused)
{
	struct cap_grant g = grant_ids(5, 4);

	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_ids(4, 4);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
	g.rights = 0;
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g.rights = 1 << 2;
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_ids(4, 4);
	g.flags = CAP_FLAGS + 1;
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = (struct cap_grant){ .kind = CAP_KINDS, .rights = 1 };
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = (struct cap_grant){ .kind = CAP_NONE, .rights = 1 };
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_tree(0, 7);
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_tree(7, 0);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
}

KTEST(cap_core, malformed_names_and_addresses_are_refused)
{
	struct cap_grant g = grant_name("", 0);

	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_name("", 1);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
	g = grant_name("abc", 0);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
	g.scope.name.text[3] = 'x';
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_name("abc", 2);
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_name("abc", 0);
	g.scope.name.text[1] = '\0';
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_name("abc", 0);
	g.scope.name.len = CAP_NAME_MAX + 1;
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_name("123456789012345678901234567890", 0);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
	g = grant_net(6, 80, 80, 0, 128);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
	g = grant_net(6, 81, 80, 0, 128);
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_net(6, 80, 80, 0, 129);
	KEXPECT_FALSE(cap_grant_is_valid(&g));
	g = grant_net(6, 80, 80, 0xf0, 124);
	KEXPECT_TRUE(cap_grant_is_valid(&g));
	g = grant_net(6, 80, 80, 0xf8, 124);
	KEXPECT_FALSE(cap_grant_is_valid(&g));
}

static bool covers(struct cap_grant outer, struct cap_grant inner)
{
	return cap_grant_covers(&outer, &inner, &trees);
}

KTEST(cap_core, covers_ranges_and_trees)
{
	KEXPECT_TRUE(covers(grant_ids(1, 5), grant_ids(1, 5)));
	KEXPECT_TRUE(covers(grant_ids(1, 5), grant_ids(2, 4)));
	KEXPECT_FALSE(covers(grant_ids(1, 5), grant_ids(0, 4)));
	KEXPECT_FALSE(covers(grant_ids(1, 5), grant_ids(2, 6)));
	KEXPECT_TRUE(covers(grant_tree(0, 0), grant_tree(9, 4)));
	KEXPECT_FALSE(covers(grant_tree(9, 1), grant_tree(0, 0)));
	KEXPECT_TRUE(covers(grant_tree(9, 1), grant_tree(9, 4)));
	KEXPECT_TRUE(covers(grant_tree(9, 4), grant_tree(9, 4)));
	KEXPECT_FALSE(covers(grant_tree(9, 3), grant_tree(9, 4)));
	KEXPECT_FALSE(covers(grant_tree(8, 1), grant_tree(9, 4)));
	KEXPECT_FALSE(covers(grant_ids(1, 5), grant_tree(9, 4)));
}

KTEST(cap_core, covers_networks_and_names)
{
	KEXPECT_TRUE(covers(grant_net(0, 0, 0xffff, 0, 0), grant_net(6, 80, 80, 1, 128)));
	KEXPECT_TRUE(covers(grant_net(6, 80, 90, 0xf0, 124), grant_net(6, 80, 90, 0xf7, 128)));
	KEXPECT_FALSE(covers(grant_net(6, 80, 90, 0xf0, 124), grant_net(6, 80, 90, 0xe7, 128)));
	KEXPECT_FALSE(covers(grant_net(6, 80, 90, 0xf0, 124), grant_net(6, 80, 90, 0, 0)));
	KEXPECT_FALSE(covers(grant_net(6, 80, 90, 0, 0), grant_net(17, 80, 90, 0, 0)));
	KEXPECT_FALSE(covers(grant_net(6, 80, 90, 0, 0), grant_net(0, 80, 90, 0, 0)));
	KEXPECT_FALSE(covers(grant_net(6, 80, 90, 0, 0), grant_net(6, 79, 90, 0, 0)));
	KEXPECT_FALSE(covers(grant_net(6, 80, 90, 0, 0), grant_net(6, 80, 91, 0, 0)));
	KEXPECT_TRUE(covers(grant_name("ht", 1), grant_name("httpd", 0)));
	KEXPECT_TRUE(covers(grant_name("ht", 1), grant_name("ht", 0)));
	KEXPECT_TRUE(covers(grant_name("ht", 1), grant_name("htt", 1)));
	KEXPECT_FALSE(covers(grant_name("ht", 1), grant_name("h", 1)));
	KEXPECT_FALSE(covers(grant_name("ht", 1), grant_name("hx", 0)));
	KEXPECT_FALSE(covers(grant_name("ht", 0), grant_name("ht", 1)));
	KEXPECT_FALSE(covers(grant_name("ht", 0), grant_name("htt", 0)));
	KEXPECT_TRUE(covers(grant_name("ht", 0), grant_name("ht", 0)));
}

KTEST(cap_core, rights_and_flags_only_shrink)
{
	struct cap_grant more = grant_ids(1, 5), less = more;

	more.rights |= CAP_ID_SETGID;
	KEXPECT_TRUE(covers(more, less));
	KEXPECT_FALSE(covers(less, more));
	less.rights = more.rights;
	less.flags = CAP_NO_DELEGATE;
	KEXPECT_TRUE(covers(more, less));
	KEXPECT_FALSE(covers(less, more));
}

/* What both allow, as the only word on it: the result is covered by both, or there is none. */
static bool intersects(struct cap_grant a, struct cap_grant b, struct cap_grant expect)
{
	struct cap_grant out = { 0 };

	return cap_grant_intersect(&a, &b, &trees, &out) && covers(a, out) && covers(b, out) &&
	       covers(out, expect) && covers(expect, out) && cap_grant_is_valid(&out);
}

static bool apart(struct cap_grant a, struct cap_grant b)
{
	struct cap_grant out;

	return !cap_grant_intersect(&a, &b, &trees, &out) &&
	       !cap_grant_intersect(&b, &a, &trees, &out);
}

KTEST(cap_core, intersections)
{
	struct cap_grant setgid = grant_ids(1, 5), flagged = grant_ids(3, 9),
		both = grant_ids(3, 5);

	KEXPECT_TRUE(intersects(grant_ids(1, 5), grant_ids(3, 9), grant_ids(3, 5)));
	KEXPECT_TRUE(intersects(grant_ids(1, 5), grant_ids(5, 9), grant_ids(5, 5)));
	KEXPECT_TRUE(apart(grant_ids(1, 5), grant_ids(6, 9)));
	KEXPECT_TRUE(intersects(grant_tree(9, 1), grant_tree(9, 4), grant_tree(9, 4)));
	KEXPECT_TRUE(intersects(grant_tree(9, 4), grant_tree(0, 0), grant_tree(9, 4)));
	KEXPECT_TRUE(apart(grant_tree(9, 3), grant_tree(9, 4)));
	KEXPECT_TRUE(apart(grant_tree(8, 4), grant_tree(9, 4)));
	KEXPECT_TRUE(intersects(grant_name("ht", 1), grant_name("httpd", 0),
				grant_name("httpd", 0)));
	KEXPECT_TRUE(apart(grant_name("ht", 1), grant_name("x", 1)));
	KEXPECT_TRUE(apart(grant_ids(1, 5), grant_tree(9, 1)));
	setgid.rights = CAP_ID_SETGID;
	KEXPECT_TRUE(apart(grant_ids(1, 5), setgid));
	flagged.flags = both.flags = CAP_NO_INHERIT;
	KEXPECT_TRUE(intersects(grant_ids(1, 5), flagged, both));
}

KTEST(cap_core, intersections_of_networks)
{
	KEXPECT_TRUE(intersects(grant_net(6, 1, 80, 0, 0), grant_net(0, 80, 99, 0xf0, 124),
				grant_net(6, 80, 80, 0xf0, 124)));
	KEXPECT_TRUE(intersects(grant_net(0, 1, 99, 0xf7, 128), grant_net(17, 2, 98, 0xf0, 124),
				grant_net(17, 2, 98, 0xf7, 128)));
	KEXPECT_TRUE(apart(grant_net(6, 1, 80, 0, 0), grant_net(17, 1, 80, 0, 0)));
	KEXPECT_TRUE(apart(grant_net(6, 1, 80, 0, 0), grant_net(6, 81, 99, 0, 0)));
	KEXPECT_TRUE(apart(grant_net(6, 1, 80, 0xf0, 124), grant_net(6, 1, 80, 0xe0, 124)));
}

KTEST(cap_core, all_of_a_kind_covers_each_object)
{
	KEXPECT_TRUE(covers(grant_all(CAP_ID), grant_ids(0, 0)));
	KEXPECT_TRUE(covers(grant_all(CAP_ID), grant_ids(~0ULL, ~0ULL)));
	KEXPECT_TRUE(covers(grant_all(CAP_FS), grant_tree(9, 4)));
	KEXPECT_TRUE(covers(grant_all(CAP_NET), grant_net(6, 0, 0, 1, 128)));
	KEXPECT_TRUE(covers(grant_all(CAP_NET), grant_net(0, 1, 0xffff, 0, 0)));
	KEXPECT_TRUE(covers(grant_all(CAP_IPC), grant_name("x", 1)));
	KEXPECT_TRUE(covers(grant_all(CAP_POWER), grant_all(CAP_POWER)));
	for (uint8_t kind = CAP_NONE + 1; kind < CAP_KINDS; kind++) {
		struct cap_grant g = grant_all(kind), out;

		KEXPECT_TRUE(cap_grant_is_valid(&g));
		KEXPECT_TRUE(cap_grant_intersect(&g, &g, &trees, &out));
		KEXPECT_EQ(memcmp(&g.scope, &out.scope, sizeof(g.scope)), 0);
	}
}

/* What a scope does not use is zero: grants are compared and shown to users by their bytes. */
KTEST(cap_core, unused_parts_of_a_scope_are_zero)
{
	union cap_scope range = { .range = { 0, ~0ULL } }, net = { .net = { .port_hi = 0xffff } };
	union cap_scope all = cap_scope_all(CAP_ID);

	KEXPECT_EQ(memcmp(&all, &range, sizeof(all)), 0);
	all = cap_scope_all(CAP_NET);
	KEXPECT_EQ(memcmp(&all, &net, sizeof(all)), 0);
}

KTEST(cap_core, every_bit_of_an_address_counts)
{
	struct cap_grant outer = grant_net(6, 1, 9, 0, 128), inner = outer;

	for (unsigned int bit = 0; bit < 128; bit++) {
		inner.scope.net.addr[bit / 8] = (uint8_t)(0x80 >> bit % 8);
		outer.scope.net.prefix = 128;
		KEXPECT_FALSE(covers(outer, inner));
		outer.scope.net.prefix = (uint8_t)(bit + 1);
		KEXPECT_FALSE(covers(outer, inner));
		outer.scope.net.prefix = (uint8_t)bit;
		KEXPECT_TRUE(covers(outer, inner));
		inner.scope.net.prefix = (uint8_t)bit;
		KEXPECT_FALSE(cap_grant_is_valid(&inner));
		inner.scope.net.prefix = (uint8_t)(bit + 1);
		KEXPECT_TRUE(cap_grant_is_valid(&inner));
		inner.scope.net.prefix = 128;
		inner.scope.net.addr[bit / 8] = 0;
	}
}

KTEST(cap_core, every_letter_of_a_name_counts)
{
	struct cap_grant outer = grant_name("123456789012345678901234567890", 0), inner = outer;

	for (unsigned int i = 0; i < CAP_NAME_MAX; i++) {
		inner.scope.name.text[i] ^= 1;
		KEXPECT_FALSE(covers(outer, inner));
		inner.scope.name.text[i] ^= 1;
	}
	KEXPECT_TRUE(covers(outer, inner));
	inner.scope.name.text[0] = '\0';
	KEXPECT_FALSE(cap_grant_is_valid(&inner));
}

KTEST(cap_core, verdict_names_the_nearest_slot)
{
	struct cap_grant first = grant_ids(1, 5), want = grant_ids(7, 7);
	struct cap_verdict v;

	cap_slots_init(&one);
	cap_node_init_root(&root);
	v = cap_slots_check(&one, &want, &trees);
	KEXPECT_EQ(v.reason, CAP_NO_SLOT);
	KEXPECT_EQ(v.slot, CAP_SLOTS);
	first.rights = CAP_ID_SETGID;
	KEXPECT_EQ(cap_slots_grant_root(&one, 0, &first, &root), 0);
	KEXPECT_EQ(ask(&one, want), CAP_RIGHT_MISSING);
	first.rights = CAP_ID_SETUID;
	KEXPECT_EQ(cap_slots_grant_root(&one, 3, &first, &root), 0);
	v = cap_slots_check(&one, &want, &trees);
	KEXPECT_EQ(v.reason, CAP_OUT_OF_SCOPE);
	KEXPECT_EQ(v.slot, 3);
	want = grant_ids(5, 5);
	v = cap_slots_check(&one, &want, &trees);
	KEXPECT_EQ(v.reason, CAP_ALLOWED);
	KEXPECT_EQ(v.slot, 3);
	cap_node_revoke(&root);
	KEXPECT_EQ(ask(&one, want), CAP_REVOKED);
	KEXPECT_EQ(ask(&one, grant_tree(9, 1)), CAP_NO_SLOT);
}

KTEST(cap_core, derive_checks_everything_first)
{
	struct cap_grant part = grant_ids(2, 3),
		more = { .kind = CAP_TIME, .rights = CAP_TIME_SET };

	start(CAP_ID);
	KEXPECT_EQ(cap_slots_derive(&one, CAP_SLOTS, &one, 0, &part, &trees, &given), -EBADF);
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, CAP_SLOTS, &part, &trees, &given), -EBADF);
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, 2, &part, &trees, &given), -EBADF);
	KEXPECT_EQ(cap_slots_derive(&one, 0, &one, 0, &part, &trees, &given), -EBUSY);
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, 0, &more, &trees, &given), -EPERM);
	part.rights = 0;
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, 0, &part, &trees, &given), -EINVAL);
	KEXPECT_EQ(root.holders, 1);
	KEXPECT_TRUE(!root.child);
	KEXPECT_EQ(one.slot[1].grant.kind, CAP_NONE);
	part.rights = CAP_ID_SETUID;
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, 0, &part, &trees, &given), 0);
	KEXPECT_EQ(given.holders, 1);
	KEXPECT_TRUE(root.child == &given && given.parent == &root);
}

KTEST(cap_core, delegation_stops_where_it_was_forbidden)
{
	struct cap_grant part = grant_ids(2, 3);

	start(CAP_ID);
	part.flags = CAP_NO_DELEGATE;
	KEXPECT_EQ(cap_slots_derive(&other, 0, &one, 0, &part, &trees, &given), 0);
	KEXPECT_EQ(cap_slots_derive(&one, 1, &other, 0, &part, &trees, &given_on), -EPERM);
	KEXPECT_EQ(cap_slots_derive(&other, 1, &other, 0, &part, &trees, &given_on), 0);
}

KTEST(cap_core, revocation_reaches_all_that_was_derived)
{
	struct cap_grant part = grant_ids(2, 3);

	start(CAP_ID);
	KEXPECT_EQ(cap_slots_derive(&other, 0, &one, 0, &part, &trees, &given), 0);
	KEXPECT_EQ(cap_slots_derive(&one, 1, &other, 0, &part, &trees, &given_on), 0);
	cap_node_revoke_derived(&root);
	KEXPECT_EQ(ask(&other, part), CAP_REVOKED);
	KEXPECT_FALSE(cap_slot_is_valid(&one.slot[1]));
	KEXPECT_EQ(ask(&one, part), CAP_ALLOWED);
	KEXPECT_EQ(cap_slots_derive(&other, 1, &other, 0, &part, &trees, &given), -EKEYREVOKED);
	cap_node_revoke(&root);
	KEXPECT_EQ(ask(&one, part), CAP_REVOKED);
}

KTEST(cap_core, revocation_reaches_past_a_node_that_is_gone)
{
	struct cap_grant part = grant_ids(2, 3);

	start(CAP_ID);
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, 0, &part, &trees, &given), 0);
	KEXPECT_EQ(cap_slots_derive(&other, 0, &one, 1, &part, &trees, &given_on), 0);
	KEXPECT_EQ(cap_slots_drop(&one, 1), 0);
	KEXPECT_EQ(cap_slots_drop(&one, 1), -EBADF);
	KEXPECT_EQ(cap_slots_drop(&one, CAP_SLOTS), -EBADF);
	KEXPECT_TRUE(cap_node_is_idle(&given));
	cap_node_unlink(&given);
	KEXPECT_TRUE(given_on.parent == &root && root.child == &given_on);
	cap_node_revoke_derived(&root);
	KEXPECT_EQ(ask(&other, part), CAP_REVOKED);
}

/* A chain of three nodes whose middle has two siblings and three children. */
KTEST(cap_core, a_family_survives_who_is_in_its_middle)
{
	static struct cap_node middle[3], leaf[3];
	struct cap_grant part = grant_ids(2, 3);
	unsigned int children = 0;

	start(CAP_ID);
	for (unsigned int i = 0; i < 3; i++)
		KEXPECT_EQ(cap_slots_derive(&one, 1 + i, &one, 0, &part, &trees, &middle[i]), 0);
	for (unsigned int i = 0; i < 3; i++)
		KEXPECT_EQ(cap_slots_derive(&other, i, &one, 2, &part, &trees, &leaf[i]), 0);
	KEXPECT_EQ(cap_slots_drop(&one, 2), 0);
	cap_node_unlink(&middle[1]);
	KEXPECT_TRUE(!middle[1].parent && !middle[1].child && !middle[1].next && !middle[1].prev);
	for (struct cap_node *n = root.child; n; n = n->next) {
		KEXPECT_TRUE(n->parent == &root && (n->prev ? n->prev->next : root.child) == n);
		children++;
	}
	KEXPECT_EQ(children, 5);
	cap_node_revoke_derived(&root);
	for (unsigned int i = 0; i < 3; i++)
		KEXPECT_FALSE(cap_slot_is_valid(&other.slot[i]));
	KEXPECT_FALSE(cap_slot_is_valid(&one.slot[1]) || cap_slot_is_valid(&one.slot[3]));
}

KTEST(cap_core, children_of_a_root_become_roots)
{
	struct cap_grant part = grant_ids(2, 3);

	start(CAP_ID);
	KEXPECT_EQ(cap_slots_derive(&other, 0, &one, 0, &part, &trees, &given), 0);
	KEXPECT_EQ(cap_slots_derive(&other, 1, &one, 0, &part, &trees, &given_on), 0);
	KEXPECT_EQ(cap_slots_drop(&one, 0), 0);
	cap_node_unlink(&root);
	KEXPECT_TRUE(!given.parent && !given_on.parent);
	cap_node_revoke(&given);
	KEXPECT_FALSE(cap_slot_is_valid(&other.slot[0]));
	KEXPECT_TRUE(cap_slot_is_valid(&other.slot[1]));
}

KTEST(cap_core, fork_shares_the_lineage)
{
	struct cap_grant part = grant_ids(2, 3);

	start(CAP_ID);
	cap_slots_seal(&one);
	cap_slots_drop_bound(&one, CAP_ID, CAP_ID_SETGID);
	cap_slots_copy(&other, &one);
	KEXPECT_EQ(root.holders, 2);
	KEXPECT_EQ(other.flags, CAP_TABLE_SEALED);
	KEXPECT_EQ(other.bound[CAP_ID], CAP_ID_SETUID);
	cap_node_revoke(&root);
	KEXPECT_EQ(ask(&other, part), CAP_REVOKED);
	cap_slots_fini(&other);
	KEXPECT_EQ(root.holders, 1);
}

/* A policy: keep ids 1..9 of what was held, get the trees below 2, and below 3 in a session. */
static struct cap_grant keep[2];
static struct cap_slot service, admin, session;
static struct cap_node policy_node, session_node;
static struct cap_policy policy = { keep, 1, &service, 1, &admin, 1 };

static void policy_start(void)
{
	cap_node_init_root(&policy_node);
	cap_node_init_root(&session_node);
	keep[0] = grant_ids(1, 9);
	keep[1] = grant_ids(5, 20);
	policy.nr_inherit = 1;
	service = (struct cap_slot){ grant_tree(9, 2), &policy_node, policy_node.generation };
	admin = (struct cap_slot){ grant_tree(9, 3), &policy_node, policy_node.generation };
	session = (struct cap_slot){ grant_name("s", 0), &session_node, session_node.generation };
}

KTEST(cap_core, exec_keeps_what_may_be_inherited)
{
	start(CAP_ID);
	policy_start();
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, grant_ids(1, 9)), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_ids(0, 0)), CAP_OUT_OF_SCOPE);
	KEXPECT_EQ(ask(&one, grant_ids(10, 10)), CAP_OUT_OF_SCOPE);
	KEXPECT_EQ(ask(&one, grant_tree(9, 4)), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_tree(9, 3)), CAP_OUT_OF_SCOPE);
	KEXPECT_EQ(root.holders, 1);
	KEXPECT_EQ(policy_node.holders, 1);
}

KTEST(cap_core, exec_inherits_by_several_entries)
{
	start(CAP_ID);
	policy_start();
	policy.nr_inherit = 2;
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, grant_ids(1, 9)), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_ids(5, 20)), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_ids(1, 20)), CAP_OUT_OF_SCOPE);
	KEXPECT_EQ(root.holders, 2);
	cap_slots_exec(&one, &policy, NULL, &trees);		/* and stays the same */
	KEXPECT_EQ(ask(&one, grant_ids(1, 9)), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_ids(5, 20)), CAP_ALLOWED);
}

KTEST(cap_core, exec_drops_what_does_not_survive)
{
	struct cap_grant part = grant_ids(2, 3);

	start(CAP_ID);
	policy_start();
	policy.nr_inherit = 2;
	part.flags = CAP_NO_INHERIT;
	KEXPECT_EQ(cap_slots_derive(&one, 1, &one, 0, &part, &trees, &given), 0);
	KEXPECT_EQ(cap_slots_drop(&one, 0), 0);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, grant_ids(2, 2)), CAP_NO_SLOT);
	KEXPECT_EQ(given.holders, 0);
}

KTEST(cap_core, exec_gives_the_admin_part_to_a_live_session)
{
	start(CAP_ID);
	policy_start();
	cap_slots_exec(&one, &policy, &session, &trees);
	KEXPECT_EQ(ask(&one, grant_tree(9, 3)), CAP_ALLOWED);
	start(CAP_ID);
	cap_node_revoke(&session_node);
	cap_slots_exec(&one, &policy, &session, &trees);
	KEXPECT_EQ(ask(&one, grant_tree(9, 3)), CAP_OUT_OF_SCOPE);
	KEXPECT_EQ(ask(&one, grant_tree(9, 2)), CAP_ALLOWED);
}

KTEST(cap_core, a_sealed_table_regains_nothing)
{
	start(CAP_ID);
	policy_start();
	cap_slots_seal(&one);
	cap_slots_exec(&one, &policy, &session, &trees);
	KEXPECT_EQ(ask(&one, grant_ids(1, 9)), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_tree(9, 2)), CAP_SEALED);
	KEXPECT_EQ(policy_node.holders, 0);
}

KTEST(cap_core, the_bound_cuts_what_exec_adds)
{
	start(CAP_ID);
	policy_start();
	service.grant.rights = CAP_FS_READ | CAP_FS_WRITE;
	cap_slots_drop_bound(&one, CAP_KINDS, 0xff);
	cap_slots_drop_bound(&one, CAP_FS, CAP_FS_READ);
	cap_slots_exec(&one, &policy, NULL, &trees);
	service.grant.rights = CAP_FS_WRITE;
	KEXPECT_EQ(ask(&one, service.grant), CAP_ALLOWED);
	KEXPECT_EQ(ask(&one, grant_tree(9, 2)), CAP_RIGHT_MISSING);
	cap_slots_drop_bound(&one, CAP_FS, CAP_FS_WRITE);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, service.grant), CAP_BOUNDING);
}

/* Kinds that were kept out are remembered, all of them, until the next exec. */
KTEST(cap_core, the_reason_for_each_kind_is_kept)
{
	static struct cap_slot two[2];

	start(CAP_ID);
	policy_start();
	two[0] = service;
	two[1] = (struct cap_slot){ grant_name("s", 0), &policy_node, policy_node.generation };
	policy.service = two;
	policy.nr_service = 2;
	cap_slots_drop_bound(&one, CAP_FS, 0xff);
	cap_slots_drop_bound(&one, CAP_IPC, 0xff);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, two[0].grant), CAP_BOUNDING);
	KEXPECT_EQ(ask(&one, two[1].grant), CAP_BOUNDING);
	cap_slots_seal(&one);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, two[0].grant), CAP_SEALED);
	KEXPECT_EQ(ask(&one, two[1].grant), CAP_SEALED);
	KEXPECT_EQ(ask(&one, grant_all(CAP_LOG)), CAP_NO_SLOT);
	policy.nr_service = 0;
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, two[0].grant), CAP_NO_SLOT);
	policy.service = &service;
	policy.nr_service = 1;
}

/* What is added a second time takes no second slot; what comes from elsewhere does. */
KTEST(cap_core, exec_adds_nothing_twice)
{
	static struct cap_slot same[3];
	static struct cap_node elsewhere;

	start(CAP_ID);
	policy_start();
	cap_node_init_root(&elsewhere);
	same[0] = same[1] = service;
	same[2] = (struct cap_slot){ service.grant, &elsewhere, elsewhere.generation };
	policy.service = same;
	policy.nr_service = 3;
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(policy_node.holders, 1);
	KEXPECT_EQ(elsewhere.holders, 1);
	cap_node_revoke(&policy_node);
	KEXPECT_EQ(ask(&one, service.grant), CAP_ALLOWED);
	cap_slots_init(&one);
	policy_start();
	policy.nr_service = 1;
	same[0] = service;
	keep[0] = grant_all(CAP_FS);
	cap_slots_exec(&one, &policy, NULL, &trees);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(policy_node.holders, 1);
	policy.service = &service;
	policy.nr_service = 1;
}

KTEST(cap_core, a_withdrawn_policy_gives_nothing)
{
	start(CAP_ID);
	policy_start();
	cap_slots_exec(&one, &policy, NULL, &trees);
	cap_node_revoke(&policy_node);
	KEXPECT_EQ(ask(&one, grant_tree(9, 2)), CAP_REVOKED);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, grant_tree(9, 2)), CAP_NO_SLOT);
	KEXPECT_EQ(policy_node.holders, 0);
}

KTEST(cap_core, a_full_table_leaves_out)
{
	struct cap_grant g = grant_ids(1, 1);

	start(CAP_ID);
	policy_start();
	for (unsigned int i = 1; i < CAP_SLOTS; i++) {
		g = grant_ids(i % 9 + 1, i % 9 + 1);
		KEXPECT_EQ(cap_slots_grant_root(&one, i, &g, &root), 0);
	}
	KEXPECT_EQ(cap_slots_grant_root(&one, 1, &g, &root), -EBUSY);
	KEXPECT_EQ(cap_slots_grant_root(&one, CAP_SLOTS, &g, &root), -EBADF);
	cap_slots_exec(&one, &policy, NULL, &trees);
	KEXPECT_EQ(ask(&one, grant_tree(9, 2)), CAP_NO_SLOT);
	KEXPECT_EQ(root.holders, CAP_SLOTS);
	KEXPECT_EQ(policy_node.holders, 0);
}
