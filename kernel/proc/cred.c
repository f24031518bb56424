/* SPDX-License-Identifier: MIT */
/*
 * Credentials: immutable and shared; a change makes a new one.  User id 0 has no power here beyond
 * choosing ids: what it may do is for capabilities to say (ID).
 */
#include <generated/syscall_protos.h>
#include <lib/err.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/limits.h>
#include "proc.h"

struct cred kernel_cred = { .refs = REFCOUNT_INIT(1) };

void cred_ref(const struct cred *c)
{
	refcount_inc(&((struct cred *)(uintptr_t)c)->refs);
}

static void cred_free_rcu(struct rcu_head *head)
{
	struct cred *c = container_of(head, struct cred, rcu);

	user_put(c->user);
	kvfree(c->groups);
	kfree(c);
}

void cred_leave(const struct cred *c)
{
	user_uncharge(c->user);
}

void cred_put(const struct cred *constant)
{
	struct cred *c = (struct cred *)(uintptr_t)constant;

	if (refcount_dec_and_test(&c->refs))
		rcu_call(&c->rcu, cred_free_rcu);
}

/*
 * The file-system override of today: fsuid 0.  When the capability core comes, this asks for a
 * capability of kind FS with the override right instead; nothing else changes.
 */
bool cred_overrides_files(const struct cred *c)
{
	return c->fsuid == 0;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	uint32_t low = 0, high = c->nr_groups;

	if (c->fsgid == gid)
		return true;
	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (c->groups[mid] == gid)
			return true;
		if (c->groups[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* A private copy of the caller's; NULL: out of memory. */
struct cred *cred_copy(void)
{
	const struct cred *old = current_cred();
	struct cred *c = kmemdup(old, sizeof(*old), ALLOC_NORMAL);

	if (!c)
		return NULL;
	refcount_set(&c->refs, 1);
	if (old->nr_groups) {
		c->groups = kvmalloc(old->nr_groups * sizeof(uint32_t), ALLOC_NORMAL);
		if (!c->groups) {
			kfree(c);
			return NULL;
		}
		memcpy(c->groups, old->groups, old->nr_groups * sizeof(uint32_t));
	}
	(void)user_ref(c->user);
	return c;
}

/* Publish @c as the caller's; a change of the effective ids makes the process not dumpable. */
void cred_commit(struct cred *c)
{
	const struct cred *old = current_cred();

	if (old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid ||
	    old->fsgid != c->fsgid)
		current_process()->dumpable = 0;
	/* the limit is for fork: a change of user always succeeds */
	if (old->user != c->user) {
		(void)!user_charge(c->user, RLIM_INFINITY);
		user_uncharge(old->user);
	}
	rcu_assign(current_thread()->cred, c);
	cred_put(old);
}

long sys_getuid(void)  { return current_cred()->uid; }
long sys_geteuid(void) { return current_cred()->euid; }
long sys_getgid(void)  { return current_cred()->gid; }
long sys_getegid(void) { return current_cred()->egid; }

static long put_three(uaddr_t a, uint32_t va, uaddr_t b, uint32_t vb, uaddr_t c, uint32_t vc)
{
	return put_user(va, a) || put_user(vb, b) || put_user(vc, c) ? -EFAULT : 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct cred *c = current_cred();

	return put_three(ruid, c->uid, euid, c->euid, suid, c->suid);
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct cred *c = current_cred();

	return put_three(rgid, c->gid, egid, c->egid, sgid, c->sgid);
}

#define UNCHANGED ((uint32_t)-1)

/* One rule for user and group ids: the three values, and whether any value may be chosen. */
struct ids {
	uint32_t real, effective, saved;
};

static bool id_allowed(const struct ids *old, uint32_t id)
{
	return id == UNCHANGED || id == old->real || id == old->effective || id == old->saved;
}

static struct ids uids_of(const struct cred *c) { return (struct ids){ c->uid, c->euid, c->suid }; }
static struct ids gids_of(const struct cred *c) { return (struct ids){ c->gid, c->egid, c->sgid }; }

static long commit_uids(const struct ids *n)
{
	struct cred *c = cred_copy();
	struct user *user;

	if (!c)
		return -ENOMEM;
	if (n->real != c->uid) {
		user = user_get(n->real);
		if (IS_ERR(user)) {
			cred_put(c);
			return PTR_ERR(user);
		}
		user_put(c->user);
		c->user = user;
	}
	c->uid = n->real;
	c->euid = c->fsuid = n->effective;
	c->suid = n->saved;
	cred_commit(c);
	return 0;
}

static long commit_gids(const struct ids *n)
{
	struct cred *c = cred_copy();

	if (!c)
		return -ENOMEM;
	c->gid = n->real;
	c->egid = c->fsgid = n->effective;
	c->sgid = n->saved;
	cred_commit(c);
	return 0;
}

/* setresuid's rule; *@n is the old set on entry. */
static int choose_res(struct ids *n, uint32_t real, uint32_t effective, uint32_t saved)
{
	struct ids old = *n;

	if (current_cred()->euid != 0 &&
	    (!id_allowed(&old, real) || !id_allowed(&old, effective) || !id_allowed(&old, saved)))
		return -EPERM;
	if (real != UNCHANGED)
		n->real = real;
	if (effective != UNCHANGED)
		n->effective = effective;
	if (saved != UNCHANGED)
		n->saved = saved;
	return 0;
}

/* setreuid's rule: the saved id follows the effective one when either changes. */
static int choose_re(struct ids *n, uint32_t real, uint32_t effective)
{
	struct ids old = *n;

	if (current_cred()->euid != 0 &&
	    ((real != UNCHANGED && real != old.real && real != old.effective) ||
	     !id_allowed(&old, effective)))
		return -EPERM;
	if (real != UNCHANGED)
		n->real = real;
	if (effective != UNCHANGED)
		n->effective = effective;
	if (real != UNCHANGED || (effective != UNCHANGED && effective != old.real))
		n->saved = n->effective;
	return 0;
}

/* setuid's rule: all three for the privileged, else only the effective one. */
static int choose_one(struct ids *n, uint32_t id)
{
	if (id == UNCHANGED)
		return -EINVAL;
	if (current_cred()->euid == 0) {
		*n = (struct ids){ id, id, id };
		return 0;
	}
	if (id != n->real && id != n->saved)
		return -EPERM;
	n->effective = id;
	return 0;
}

long sys_setresuid(unsigned int ruid, unsigned int euid, unsigned int suid)
{
	struct ids n = uids_of(current_cred());
	int err = choose_res(&n, ruid, euid, suid);

	return err ? err : commit_uids(&n);
}

long sys_setresgid(unsigned int rgid, unsigned int egid, unsigned int sgid)
{
	struct ids n = gids_of(current_cred());
	int err = choose_res(&n, rgid, egid, sgid);

	return err ? err : commit_gids(&n);
}

long sys_setreuid(unsigned int ruid, unsigned int euid)
{
	struct ids n = uids_of(current_cred());
	int err = choose_re(&n, ruid, euid);

	return err ? err : commit_uids(&n);
}

long sys_setregid(unsigned int rgid, unsigned int egid)
{
	struct ids n = gids_of(current_cred());
	int err = choose_re(&n, rgid, egid);

	return err ? err : commit_gids(&n);
}

long sys_setuid(unsigned int uid)
{
	struct ids n = uids_of(current_cred());
	int err = choose_one(&n, uid);

	return err ? err : commit_uids(&n);
}

long sys_setgid(unsigned int gid)
{
	struct ids n = gids_of(current_cred());
	int err = choose_one(&n, gid);

	return err ? err : commit_gids(&n);
}

/* These two never fail: they return the former value, and change it if they may. */
long sys_setfsuid(unsigned int uid)
{
	const struct cred *old = current_cred();
	uint32_t former = old->fsuid;
	struct cred *c;

	if (uid != former && (old->euid == 0 || uid == old->uid || uid == old->euid ||
			      uid == old->suid) &&
	    uid != UNCHANGED && (c = cred_copy())) {
		c->fsuid = uid;
		cred_commit(c);
	}
	return former;
}

long sys_setfsgid(unsigned int gid)
{
	const struct cred *old = current_cred();
	uint32_t former = old->fsgid;
	struct cred *c;

	if (gid != former && (old->euid == 0 || gid == old->gid || gid == old->egid ||
			      gid == old->sgid) &&
	    gid != UNCHANGED && (c = cred_copy())) {
		c->fsgid = gid;
		cred_commit(c);
	}
	return former;
}

long sys_getgroups(int size, uaddr_t list)
{
	const struct cred *c = current_cred();

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return c->nr_groups;
	if ((uint32_t)size < c->nr_groups)
		return -EINVAL;
	if (copy_to_user(list, c->groups, c->nr_groups * sizeof(uint32_t)))
		return -EFAULT;
	return c->nr_groups;
}

static int compare_ids(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

long sys_setgroups(int size, uaddr_t list)
{
	uint32_t *groups = NULL;
	struct cred *c;

	if (current_cred()->euid != 0)
		return -EPERM;
	if (size < 0 || size > NGROUPS_MAX)
		return -EINVAL;
	if (size) {
		groups = kvmalloc((size_t)size * sizeof(uint32_t), ALLOC_NORMAL);
		if (!groups)
			return -ENOMEM;
		if (copy_from_user(groups, list, (size_t)size * sizeof(uint32_t))) {
			kvfree(groups);
			return -EFAULT;
		}
		sort(groups, (size_t)size, sizeof(uint32_t), compare_ids, NULL);
	}
	c = cred_copy();
	if (!c) {
		kvfree(groups);
		return -ENOMEM;
	}
	kvfree(c->groups);
	c->groups = groups;
	c->nr_groups = (uint32_t)size;
	cred_commit(c);
	return 0;
}
